//! [`Reply`] → bytes, in RESP2 or RESP3. Appends to a buffer; allocates nothing else.
//!
//! Seqs and AGENT.NEXT's reply have paths of their own (≈ 5 and 60 ns); the rest is recursive, as deep as the reply.

use crate::model::reply::{Reply, Taken};
use crate::model::{NEVER, Refusal, fields};

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// RESP2: maps are flat lists, one kind of null. Every connection begins so.
    #[default]
    V2,
    /// RESP3.
    V3,
}

/// Longest message of an error, bytes: it names what was wrong, it does not give it back whole.
const ERROR_BYTES_MAX: usize = 2048;

/// Appends a reply.
pub fn reply(out: &mut Vec<u8>, protocol: Protocol, reply: &Reply) {
    match reply {
        Reply::Seq(seq) => int(out, fields::seq(*seq)),
        Reply::Taken(taken) => self::taken(out, protocol, taken),
        Reply::Refused(refusal) => error(out, refusal),
        Reply::Null => null(out, protocol),
        Reply::Simple(text) => {
            out.push(b'+');
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        Reply::Int(number) => int(out, *number),
        Reply::Bulk(text) => bulk(out, text.as_bytes()),
        Reply::Bytes(bytes) => bulk(out, bytes),
        Reply::Verbatim(text) => verbatim(out, protocol, text),
        Reply::List(items) => {
            array(out, items.len());
            for item in items {
                self::reply(out, protocol, item);
            }
        }
        Reply::Map(pairs) => {
            map(out, protocol, pairs.len());
            for (key, value) in pairs {
                bulk(out, key.as_bytes());
                self::reply(out, protocol, value);
            }
        }
        Reply::Pairs(pairs) => {
            map(out, protocol, pairs.len());
            for (key, value) in pairs {
                bulk(out, key.as_bytes());
                self::reply(out, protocol, value);
            }
        }
    }
}

/// `:<number>`
#[inline]
pub fn int(out: &mut Vec<u8>, number: i64) {
    line(out, b':', number);
}

/// A bulk string.
#[inline]
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 16);
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// A bulk string of two parts.
pub(super) fn bulk_joined(out: &mut Vec<u8>, first: &str, second: &str) {
    header(out, b'$', first.len() + second.len());
    out.extend_from_slice(first.as_bytes());
    out.extend_from_slice(second.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A number as a bulk string.
pub fn bulk_int(out: &mut Vec<u8>, number: i64) {
    bulk(out, itoa::Buffer::new().format(number).as_bytes());
}

/// Head of a list of `len` items.
#[inline]
pub fn array(out: &mut Vec<u8>, len: usize) {
    header(out, b'*', len);
}

/// Head of a map of `len` pairs: in RESP2 a list of twice as many items.
#[inline]
pub fn map(out: &mut Vec<u8>, protocol: Protocol, len: usize) {
    match protocol {
        Protocol::V2 => header(out, b'*', 2 * len),
        Protocol::V3 => header(out, b'%', len),
    }
}

/// Null where a string, a number or a map could stand.
pub fn null(out: &mut Vec<u8>, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::V2 => b"$-1\r\n",
        Protocol::V3 => b"_\r\n",
    });
}

/// Null where a list could stand: what XREAD answers when its time is over, and EXEC when it was called off.
pub fn null_array(out: &mut Vec<u8>, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::V2 => b"*-1\r\n",
        Protocol::V3 => b"_\r\n",
    });
}

/// A refusal as an error: one line, whatever the message.
pub fn error(out: &mut Vec<u8>, refusal: &Refusal) {
    let message = &refusal.message;
    let cut = message.floor_char_boundary(ERROR_BYTES_MAX.min(message.len()));
    out.push(b'-');
    out.extend_from_slice(refusal.code.as_str().as_bytes());
    out.push(b' ');
    let start = out.len();
    out.extend_from_slice(&message.as_bytes()[..cut]);
    // The field is public, so its promise is kept here once more: a line break would be read as the next reply.
    for byte in &mut out[start..] {
        if byte.is_ascii_control() {
            *byte = b'?';
        }
    }
    if cut < message.len() {
        out.extend_from_slice("…".as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn verbatim(out: &mut Vec<u8>, protocol: Protocol, text: &str) {
    match protocol {
        Protocol::V2 => bulk(out, text.as_bytes()),
        Protocol::V3 => {
            header(out, b'=', text.len() + 4);
            out.extend_from_slice(b"txt:");
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn taken(out: &mut Vec<u8>, protocol: Protocol, taken: &Taken) {
    out.reserve(192 + taken.ticket.len() + taken.queue.len() + taken.priority.len() + taken.policy.len());
    map(out, protocol, 7);
    out.extend_from_slice(b"$6\r\nticket\r\n");
    bulk(out, taken.ticket.as_bytes());
    out.extend_from_slice(b"$4\r\nhold\r\n");
    int(out, fields::seq(taken.hold));
    out.extend_from_slice(b"$3\r\nseq\r\n");
    int(out, fields::seq(taken.seq));
    out.extend_from_slice(b"$5\r\nqueue\r\n");
    bulk(out, taken.queue.as_bytes());
    out.extend_from_slice(b"$8\r\npriority\r\n");
    bulk(out, taken.priority.as_bytes());
    out.extend_from_slice(b"$6\r\npolicy\r\n");
    bulk(out, taken.policy.as_bytes());
    out.extend_from_slice(b"$3\r\ndue\r\n");
    if taken.due == NEVER {
        null(out, protocol);
    } else {
        int(out, taken.due);
    }
}

/// Heads are short nearly always: a digit or two without the general formatter.
#[inline]
fn header(out: &mut Vec<u8>, kind: u8, len: usize) {
    match len {
        0..=9 => out.extend_from_slice(&[kind, b'0' + len as u8, b'\r', b'\n']),
        10..=99 => out.extend_from_slice(&[
            kind,
            b'0' + (len / 10) as u8,
            b'0' + (len % 10) as u8,
            b'\r',
            b'\n',
        ]),
        _ => line(out, kind, len as i64),
    }
}

#[inline]
fn line(out: &mut Vec<u8>, kind: u8, number: i64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    out.reserve(digits.len() + 3);
    out.push(kind);
    out.extend_from_slice(digits);
    out.extend_from_slice(b"\r\n");
}
