//! Bytes → the arguments of one request, in place.
//!
//! A [`Framer`] belongs to one connection. It is given the unconsumed bytes of that connection, always beginning at
//! the start of a request, and remembers how far it came, so that a request arriving in many pieces is scanned once:
//! a call costs the new bytes, plus at most one header of 24 bytes that was cut.
//!
//! Memory: 8 bytes an argument received; an announced length reserves nothing.

use super::inline;
use crate::model::{Code, Refusal};

/// What a request may cost. A breach is answered with `LIMIT` and ends the connection, because the rest of the
/// stream cannot be trusted to be cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Arguments of a request, its name included.
    pub args_max: usize,
    /// Bytes of one argument.
    pub bulk_bytes_max: usize,
    /// Bytes of an inline request.
    pub inline_bytes_max: usize,
    /// Bytes of a request, framing included; at most 4 GiB − 1, since spans are 32 bits wide.
    pub request_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            args_max: 1024,
            bulk_bytes_max: 1 << 20,
            inline_bytes_max: 64 << 10,
            request_bytes_max: 4 << 20,
        }
    }
}

/// What the bytes held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// Not yet a whole request: call again with the same bytes and more.
    NeedMore,
    /// A request: read it with [`Framer::args`], then drop its first `used` bytes.
    Command {
        /// Bytes it takes.
        used: usize,
    },
    /// Nothing to do (a blank line, an empty array): drop `used` bytes.
    Empty {
        /// Bytes it takes.
        used: usize,
    },
}

/// The stream is broken or too expensive: send the refusal, then close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolError(pub Refusal);

impl ProtocolError {
    fn broken(what: &str) -> Self {
        ProtocolError(Refusal::new(Code::Err, format!("Protocol error: {what}")))
    }

    fn limit(what: String) -> Self {
        ProtocolError(Refusal::new(Code::Limit, what))
    }
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ProtocolError {}

/// Where an argument stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// The arguments of one request, the command's name first. Borrowed from the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    spans: &'a [Span],
    bytes: &'a [u8],
}

impl<'a> Args<'a> {
    /// How many, the name included.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// None at all? Never so after [`Framed::Command`].
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`; empty if there is none.
    #[inline]
    pub fn get(&self, index: usize) -> &'a [u8] {
        self.spans
            .get(index)
            .and_then(|span| {
                let start = span.start as usize;
                self.bytes.get(start..start + span.len as usize)
            })
            .unwrap_or(&[])
    }

    /// The arguments from `first` on.
    pub fn from(&self, first: usize) -> impl Iterator<Item = &'a [u8]> + '_ {
        (first..self.len()).map(|index| self.get(index))
    }
}

/// Frames the requests of one connection.
#[derive(Debug, Default)]
pub struct Framer {
    limits: Limits,
    spans: Vec<Span>,
    /// Arguments still to come; meaningful while `in_array`.
    missing: usize,
    /// Bytes of the present request that are done with.
    at: usize,
    in_array: bool,
    /// The last request was inline: its arguments, unquoted, are here.
    inline: bool,
    unquoted: Vec<u8>,
    done: bool,
}

impl Framer {
    /// A framer with these limits.
    pub fn new(limits: Limits) -> Self {
        Framer {
            limits: Limits {
                request_bytes_max: limits.request_bytes_max.min(u32::MAX as usize),
                inline_bytes_max: limits.inline_bytes_max.min(u32::MAX as usize),
                ..limits
            },
            ..Framer::default()
        }
    }

    /// The arguments of the request that [`Framer::next`] just found in `buf`.
    #[inline]
    pub fn args<'a>(&'a self, buf: &'a [u8]) -> Args<'a> {
        Args {
            spans: if self.done { &self.spans } else { &[] },
            bytes: if self.inline { &self.unquoted } else { buf },
        }
    }

    /// Bytes this framer holds on the heap, for a connection's account.
    pub fn heap_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>() + self.unquoted.capacity()
    }

    /// Looks for one whole request at the start of `buf`.
    ///
    /// Errors: the stream is broken or a limit is reached; the framer is of no further use.
    pub fn next(&mut self, buf: &[u8]) -> Result<Framed, ProtocolError> {
        if self.done {
            self.restart();
        }
        match buf.first() {
            None => Ok(Framed::NeedMore),
            Some(b'*') => self.array(buf),
            Some(_) => self.line(buf),
        }
    }

    fn restart(&mut self) {
        self.spans.clear();
        self.at = 0;
        self.in_array = false;
        self.done = false;
        if self.inline {
            self.inline = false;
            self.unquoted = Vec::new();
        }
    }

    fn array(&mut self, buf: &[u8]) -> Result<Framed, ProtocolError> {
        if !self.in_array {
            let (count, next) = match header(buf, 1) {
                Header::Cut => return Ok(Framed::NeedMore),
                Header::TooLong => return Err(ProtocolError::broken("too big mbulk count string")),
                Header::Bad => return Err(ProtocolError::broken("invalid multibulk length")),
                Header::Number(count, next) => (count, next),
            };
            if count <= 0 {
                self.done = true;
                return Ok(Framed::Empty { used: next });
            }
            if count > i64::from(i32::MAX) {
                return Err(ProtocolError::broken("invalid multibulk length"));
            }
            if count as u64 > self.limits.args_max as u64 {
                return Err(ProtocolError::limit(format!(
                    "a request of {count} arguments: at most {} are taken",
                    self.limits.args_max
                )));
            }
            self.missing = count as usize;
            self.at = next;
            self.in_array = true;
        }
        while self.missing > 0 {
            let Some(next) = self.bulk(buf)? else {
                return Ok(Framed::NeedMore);
            };
            self.at = next;
            self.missing -= 1;
        }
        self.done = true;
        Ok(Framed::Command { used: self.at })
    }

    /// One `$<len>\r\n<bytes>\r\n` at `self.at`; where it ends, unless it is cut.
    #[inline]
    fn bulk(&mut self, buf: &[u8]) -> Result<Option<usize>, ProtocolError> {
        match buf.get(self.at) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(other) => {
                let got = other.escape_ascii();
                return Err(ProtocolError::broken(&format!("expected '$', got '{got}'")));
            }
        }
        let (len, start) = match header(buf, self.at + 1) {
            Header::Cut => return Ok(None),
            Header::TooLong => return Err(ProtocolError::broken("too big bulk count string")),
            Header::Bad => return Err(ProtocolError::broken("invalid bulk length")),
            Header::Number(len, start) => (len, start),
        };
        let Ok(len) = usize::try_from(len) else {
            return Err(ProtocolError::broken("invalid bulk length"));
        };
        if len > self.limits.bulk_bytes_max {
            return Err(ProtocolError::limit(format!(
                "an argument of {len} bytes: at most {} are taken",
                self.limits.bulk_bytes_max
            )));
        }
        // No overflow: `len` is capped and `start` is an index of the buffer.
        let end = start + len;
        if end + 2 > self.limits.request_bytes_max {
            return Err(ProtocolError::limit(format!(
                "a request of more than {} bytes",
                self.limits.request_bytes_max
            )));
        }
        match buf.get(end..end + 2) {
            Some(b"\r\n") => {
                self.spans.push(Span {
                    start: start as u32,
                    len: len as u32,
                });
                Ok(Some(end + 2))
            }
            Some(_) => Err(ProtocolError::broken("an argument is longer than announced")),
            None => match buf.get(end) {
                None | Some(b'\r') => Ok(None),
                Some(_) => Err(ProtocolError::broken("an argument is longer than announced")),
            },
        }
    }

    fn line(&mut self, buf: &[u8]) -> Result<Framed, ProtocolError> {
        let too_big = || ProtocolError::broken("too big inline request");
        let unseen = buf.get(self.at..).unwrap_or(&[]);
        let Some(offset) = unseen.iter().position(|byte| *byte == b'\n') else {
            self.at = buf.len();
            return if buf.len() > self.limits.inline_bytes_max {
                Err(too_big())
            } else {
                Ok(Framed::NeedMore)
            };
        };
        let used = self.at + offset + 1;
        if used > self.limits.inline_bytes_max {
            return Err(too_big());
        }
        self.done = true;
        self.inline = true;
        self.spans.clear();
        self.unquoted.clear();
        let line = buf.get(..used - 1).unwrap_or(&[]);
        inline::split(line, self.limits.args_max, &mut self.unquoted, &mut self.spans).map_err(|fault| {
            match fault {
                inline::Fault::Quotes => ProtocolError::broken("unbalanced quotes in request"),
                inline::Fault::TooMany => ProtocolError::limit(format!(
                    "an inline request of more than {} arguments",
                    self.limits.args_max
                )),
            }
        })?;
        Ok(if self.spans.is_empty() {
            Framed::Empty { used }
        } else {
            Framed::Command { used }
        })
    }
}

enum Header {
    /// Its end has not arrived.
    Cut,
    /// No end within the bytes that a number takes.
    TooLong,
    /// Not a number.
    Bad,
    /// The number, and where the bytes after it start.
    Number(i64, usize),
}

/// Longest number line looked at: sign, 19 digits and the line end, with room to spare.
const HEADER_BYTES_MAX: usize = 24;

/// Reads `<number>\r\n` at `at`.
#[inline]
fn header(buf: &[u8], at: usize) -> Header {
    let bytes = buf.get(at..).unwrap_or(&[]);
    // Nearly every header is one or two digits.
    match *bytes {
        [a @ b'0'..=b'9', b'\r', b'\n', ..] => return Header::Number(i64::from(a - b'0'), at + 3),
        [a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', b'\n', ..] => {
            return Header::Number(i64::from(a - b'0') * 10 + i64::from(b - b'0'), at + 4);
        }
        _ => {}
    }
    let window = &bytes[..bytes.len().min(HEADER_BYTES_MAX)];
    let Some(end) = window.iter().position(|byte| *byte == b'\r') else {
        return if window.len() == HEADER_BYTES_MAX {
            Header::TooLong
        } else {
            Header::Cut
        };
    };
    match bytes.get(end + 1) {
        None => return Header::Cut,
        Some(b'\n') => {}
        Some(_) => return Header::Bad,
    }
    match number(&window[..end]) {
        Some(number) => Header::Number(number, at + end + 2),
        None => Header::Bad,
    }
}

/// A decimal without plus sign or superfluous zeros, as Redis' `string2ll` takes it.
fn number(digits: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(digits).ok()?;
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    if magnitude.starts_with('+') || (magnitude.len() > 1 && magnitude.starts_with('0')) || text == "-0" {
        return None;
    }
    text.parse().ok()
}
