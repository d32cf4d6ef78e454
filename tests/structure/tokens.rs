//! Just enough of Rust's lexer: words and punctuation with their lines, without comments and literals.

/// A token of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// A word, `::`, or one character of punctuation. Literals are gone; raw identifiers have lost their `r#`.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// Splits a source. Comments, strings, characters, numbers and lifetimes leave nothing behind.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => 1 + string_end(&rest[1..]),
            ['b' | 'c', '"', ..] => 2 + string_end(&rest[2..]),
            ['r', '"' | '#', ..] if raw_hashes(&rest[1..]).is_some() => 1 + raw_end(&rest[1..]),
            ['b' | 'c', 'r', '"' | '#', ..] if raw_hashes(&rest[2..]).is_some() => 2 + raw_end(&rest[2..]),
            ['r', '#', c, ..] if is_word(*c) => 2, // a raw identifier: its word follows
            ['b', '\'', ..] => 1 + character(&rest[1..]),
            ['\'', ..] => character(rest),
            [c, ..] if c.is_ascii_digit() => rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len()),
            [c, ..] if is_word(*c) => {
                let end = rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len());
                found.push(Token {
                    text: rest[..end].iter().collect(),
                    line,
                });
                end
            }
            [':', ':', ..] => {
                found.push(Token {
                    text: "::".into(),
                    line,
                });
                2
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    found.push(Token {
                        text: c.to_string(),
                        line,
                    });
                }
                1
            }
            [] => break,
        };
        line += chars[at..at + length].iter().filter(|c| **c == '\n').count();
        at += length;
    }
    found
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// Length of the string's inside and its closing quote.
fn string_end(inside: &[char]) -> usize {
    let mut at = 0;
    while at < inside.len() {
        match inside[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    inside.len()
}

/// Number of hashes before the quote of a raw string; `None` when it is not one.
fn raw_hashes(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

fn raw_end(rest: &[char]) -> usize {
    let hashes = raw_hashes(rest).unwrap_or(0);
    let mut at = hashes + 1;
    while at < rest.len() {
        if rest[at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}

/// Length of a character literal, or of a lifetime.
fn character(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', ..] => {
            // The escaped character may itself be a quote.
            3 + rest[3..]
                .iter()
                .position(|c| *c == '\'')
                .map_or(rest.len() - 3, |p| p + 1)
        }
        ['\'', _, '\'', ..] => 3,
        _ => 1 + rest[1..].iter().take_while(|c| is_word(**c)).count(),
    }
}
