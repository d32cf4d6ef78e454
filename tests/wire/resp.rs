//! Requests as clients send them, and a reader of RESP that knows nothing of the encoder.

use slad::model::Text;
use slad::model::command::*;
use slad::wire::{Caps, Framed, Framer, Limits};

/// One request typed by hand.
pub(crate) fn ask(line: &str) -> Result<Request, String> {
    ask_bytes(format!("{line}\r\n").as_bytes(), &Caps::default())
}

pub(crate) fn ask_bytes(bytes: &[u8], caps: &Caps) -> Result<Request, String> {
    let mut framer = Framer::new(Limits::default());
    match framer.next(bytes) {
        Ok(Framed::Command { used }) => {
            assert_eq!(used, bytes.len());
            slad::wire::parse(framer.args(bytes), caps)
                .map(|parsed| parsed.request)
                .map_err(|refusal| refusal.to_string())
        }
        other => panic!("{other:?}"),
    }
}

/// Arguments as a client library sends them.
pub(crate) fn array(args: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

pub(crate) fn ticket(line: &str) -> TicketCommand {
    match ask(line) {
        Ok(Request::Engine(Command::Ticket(command))) => command,
        other => panic!("{line}: {other:?}"),
    }
}

pub(crate) fn opened(line: &str) -> Open {
    match ticket(line).op {
        TicketOp::Open(open) => *open,
        other => panic!("{line}: {other:?}"),
    }
}

pub(crate) fn t(text: &str) -> Text {
    Text::new(text)
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    NullArray,
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    Verbatim(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

pub(crate) fn read(bytes: &[u8]) -> (Value, &[u8]) {
    let end = bytes.windows(2).position(|w| w == b"\r\n").expect("a line");
    let line = std::str::from_utf8(&bytes[1..end]).unwrap();
    let mut rest = &bytes[end + 2..];
    let mut items = |count: usize| {
        (0..count)
            .map(|_| {
                let (value, after) = read(rest);
                rest = after;
                value
            })
            .collect::<Vec<_>>()
    };
    let value = match bytes[0] {
        b'+' => Value::Simple(line.to_owned()),
        b'-' => Value::Error(line.to_owned()),
        b':' => Value::Int(line.parse().unwrap()),
        b'_' => Value::Null,
        b'$' if line == "-1" => Value::Null,
        b'*' if line == "-1" => Value::NullArray,
        b'*' => Value::Array(items(line.parse().unwrap())),
        b'%' => {
            let flat = items(2 * line.parse::<usize>().unwrap());
            Value::Map(flat.chunks(2).map(|p| (p[0].clone(), p[1].clone())).collect())
        }
        kind @ (b'$' | b'=') => {
            let len: usize = line.parse().unwrap();
            let body = rest[..len].to_vec();
            assert_eq!(&rest[len..len + 2], b"\r\n");
            rest = &rest[len + 2..];
            if kind == b'$' {
                Value::Bulk(body)
            } else {
                Value::Verbatim(body)
            }
        }
        other => panic!("kind {other}"),
    };
    (value, rest)
}

pub(crate) fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}
