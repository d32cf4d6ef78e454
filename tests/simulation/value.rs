//! A reply as RESP2 carries it, and how the tests write it down.

use std::fmt;

/// One reply. Maps are flat lists, as RESP2 has them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `:5`
    Int(i64),
    /// A bulk string.
    Text(String),
    /// `+OK`
    Simple(String),
    /// `$-1` or `*-1`
    Nil,
    /// An array.
    List(Vec<Value>),
    /// An error line. In an expectation: the codes that will do, separated by `|`, then free text.
    Error(String),
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// An expected refusal.
    pub fn refused(codes: &str) -> Value {
        Value::Error(codes.to_owned())
    }

    /// Is it a refusal?
    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error(_))
    }

    /// The first word of an error.
    pub fn code(&self) -> &str {
        match self {
            Value::Error(line) => line.split(' ').next().unwrap_or(""),
            _ => "",
        }
    }

    /// Does `got` satisfy this expectation? Errors are compared by their code, the rest whole.
    pub fn admits(&self, got: &Value) -> bool {
        match (self, got) {
            (Value::Error(_), Value::Error(_)) => self.code().split('|').any(|code| code == got.code()),
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.admits(b))
            }
            (a, b) => a == b,
        }
    }

    /// What stands at `path` (`clocks.first_response.due`) in a flat map, or in a list of flat maps addressed by
    /// the value of their first pair or by position.
    pub fn at(&self, path: &str) -> Option<&Value> {
        let Value::List(items) = self else { return None };
        // Keys may have dots themselves, so each key is tried as a prefix of the path.
        for pair in items.chunks_exact(2) {
            if let Value::Text(key) = &pair[0] {
                if key == path {
                    return Some(&pair[1]);
                }
                if let Some(rest) = path.strip_prefix(key.as_str()).and_then(|r| r.strip_prefix('.'))
                    && let Some(found) = pair[1].at(rest)
                {
                    return Some(found);
                }
            }
        }
        for (i, item) in items.iter().enumerate() {
            let named = match item {
                Value::List(inner) => inner.get(1),
                _ => None,
            };
            let named = named.and_then(|n| {
                if let Value::Text(name) = n {
                    Some(name.clone())
                } else {
                    None
                }
            });
            for name in named.into_iter().chain([i.to_string()]) {
                if path == name {
                    return Some(item);
                }
                if let Some(rest) = path.strip_prefix(name.as_str()).and_then(|r| r.strip_prefix('.'))
                    && let Some(found) = item.at(rest)
                {
                    return Some(found);
                }
            }
        }
        None
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::Int(n)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::text(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(n) => write!(f, "{n}"),
            Value::Text(t) if t.is_empty() || t.contains([' ', '[', ']', '"']) => write!(f, "\"{t}\""),
            Value::Text(t) => f.write_str(t),
            Value::Simple(t) => write!(f, "+{t}"),
            Value::Nil => f.write_str("nil"),
            Value::Error(e) => write!(f, "!{e}"),
            Value::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { " " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A flat map from pairs.
#[macro_export]
macro_rules! flat {
    ($($key:literal => $value:expr),* $(,)?) => {
        vec![$($crate::value::Value::text($key), $crate::value::Value::from($value)),*]
    };
}
