//! A client of its own: RESP2 over a Unix socket, requests in pipelines.

use crate::value::Value;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest wait for a reply before the test fails.
const REPLY_WAIT: Duration = Duration::from_secs(60);

/// One connection.
pub struct Conn {
    stream: UnixStream,
    buf: Vec<u8>,
    pos: usize,
}

impl Conn {
    /// Connects; the error of the last attempt when the socket does not answer.
    pub fn open(socket: &Path) -> io::Result<Conn> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(REPLY_WAIT))?;
        stream.set_write_timeout(Some(REPLY_WAIT))?;
        Ok(Conn {
            stream,
            buf: Vec::new(),
            pos: 0,
        })
    }

    /// Sends commands in one write.
    pub fn send<'a>(&mut self, commands: impl IntoIterator<Item = &'a [String]>) {
        let mut bytes = Vec::new();
        for args in commands {
            bytes.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
            for arg in args {
                bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
                bytes.extend_from_slice(arg.as_bytes());
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.stream.write_all(&bytes).expect("the daemon takes commands");
    }

    /// A connection over a stream that is there.
    pub fn over(stream: UnixStream) -> Conn {
        Conn {
            stream,
            buf: Vec::new(),
            pos: 0,
        }
    }

    /// The next reply.
    pub fn read(&mut self) -> Value {
        self.next().expect("the daemon answers in time and stays")
    }

    /// The next reply, or why there is none.
    pub fn next(&mut self) -> io::Result<Value> {
        let line = self.line()?;
        let (kind, rest) = line.split_at(1);
        let number = || {
            rest.parse::<i64>()
                .unwrap_or_else(|_| panic!("a number in {line:?}"))
        };
        Ok(match kind {
            "+" => Value::Simple(rest.to_owned()),
            "-" => Value::Error(rest.to_owned()),
            ":" => Value::Int(number()),
            "$" | "*" if number() < 0 => Value::Nil,
            "$" => {
                let n = number() as usize;
                while self.buf.len() - self.pos < n + 2 {
                    self.more()?;
                }
                let text = String::from_utf8_lossy(&self.buf[self.pos..self.pos + n]).into_owned();
                self.pos += n + 2;
                Value::Text(text)
            }
            "*" => Value::List((0..number()).map(|_| self.next()).collect::<io::Result<_>>()?),
            _ => panic!("not RESP2: {line:?}"),
        })
    }

    /// One command, one reply.
    pub fn ask(&mut self, args: &[String]) -> Value {
        self.send([args]);
        self.read()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut looked = 0;
        loop {
            let unread = &self.buf[self.pos..];
            if let Some(i) = unread[looked..].windows(2).position(|w| w == b"\r\n") {
                let end = looked + i;
                let line = String::from_utf8_lossy(&unread[..end]).into_owned();
                self.pos += end + 2;
                assert!(!line.is_empty(), "an empty line is not RESP2");
                return Ok(line);
            }
            looked = unread.len().saturating_sub(1);
            self.more()?;
        }
    }

    /// Reads what is there; what was unread moves to the front of the buffer.
    fn more(&mut self) -> io::Result<()> {
        self.buf.drain(..self.pos);
        self.pos = 0;
        let old = self.buf.len();
        self.buf.resize(old + 64 * 1024, 0);
        let got = self.stream.read(&mut self.buf[old..])?;
        self.buf.truncate(old + got);
        if got == 0 {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(())
        }
    }
}

/// Writes a value as RESP2.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Int(n) => out.extend_from_slice(format!(":{n}\r\n").as_bytes()),
        Value::Text(t) => out.extend_from_slice(format!("${}\r\n{t}\r\n", t.len()).as_bytes()),
        Value::Simple(t) => out.extend_from_slice(format!("+{t}\r\n").as_bytes()),
        Value::Nil => out.extend_from_slice(b"$-1\r\n"),
        Value::Error(e) => {
            let code = e.split(['|', ' ']).next().unwrap_or("ERR");
            out.extend_from_slice(format!("-{code} refused\r\n").as_bytes());
        }
        Value::List(items) => {
            out.extend_from_slice(format!("*{}\r\n", items.len()).as_bytes());
            items.iter().for_each(|item| encode(item, out));
        }
    }
}

/// A command line from words.
pub fn words<S: AsRef<str>>(parts: &[S]) -> Vec<String> {
    parts.iter().map(|p| p.as_ref().to_owned()).collect()
}
