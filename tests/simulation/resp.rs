//! A client of its own: RESP2 over a Unix socket, requests in pipelines.

use crate::value::Value;
use std::io::{Read, Write};
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
    pub fn open(socket: &Path) -> std::io::Result<Conn> {
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

    /// The next reply.
    pub fn read(&mut self) -> Value {
        let line = self.line();
        let (kind, rest) = line.split_at(1);
        let number = || {
            rest.parse::<i64>()
                .unwrap_or_else(|_| panic!("a number in {line:?}"))
        };
        match kind {
            "+" => Value::Simple(rest.to_owned()),
            "-" => Value::Error(rest.to_owned()),
            ":" => Value::Int(number()),
            "$" | "*" if number() < 0 => Value::Nil,
            "$" => {
                let n = number() as usize;
                self.fill(n + 2);
                let text = String::from_utf8_lossy(&self.buf[self.pos..self.pos + n]).into_owned();
                self.pos += n + 2;
                Value::Text(text)
            }
            "*" => Value::List((0..number()).map(|_| self.read()).collect()),
            _ => panic!("not RESP2: {line:?}"),
        }
    }

    /// One command, one reply.
    pub fn ask(&mut self, args: &[String]) -> Value {
        self.send([args]);
        self.read()
    }

    fn line(&mut self) -> String {
        let mut from = self.pos;
        loop {
            if let Some(i) = self.buf[from..].windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buf[self.pos..from + i]).into_owned();
                self.pos = from + i + 2;
                assert!(!line.is_empty(), "an empty line is not RESP2");
                return line;
            }
            from = self.buf.len().saturating_sub(1).max(self.pos);
            let shift = self.more();
            from -= shift;
        }
    }

    fn fill(&mut self, n: usize) {
        while self.buf.len() - self.pos < n {
            self.more();
        }
    }

    /// Reads what is there; replies by how much the unread bytes moved forward in the buffer.
    fn more(&mut self) -> usize {
        let shift = self.pos;
        self.buf.drain(..shift);
        self.pos = 0;
        let old = self.buf.len();
        self.buf.resize(old + 64 * 1024, 0);
        let got = self
            .stream
            .read(&mut self.buf[old..])
            .expect("the daemon answers in time");
        assert!(got > 0, "the daemon closed the connection");
        self.buf.truncate(old + got);
        shift
    }
}

/// A command line from words.
pub fn words<S: AsRef<str>>(parts: &[S]) -> Vec<String> {
    parts.iter().map(|p| p.as_ref().to_owned()).collect()
}
