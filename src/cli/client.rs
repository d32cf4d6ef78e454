//! A blocking RESP2 client, for the subcommands that talk to a running daemon.
//!
//! It trusts the daemon to speak RESP, but not blindly: a reply that is none is an error, never a panic.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `+…` or a bulk string.
    Text(Vec<u8>),
    /// `-…`
    Error(String),
    /// `:…`
    Int(i64),
    /// A null of any kind.
    Null,
    /// `*…`
    List(Vec<Value>),
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    read: BufReader<UnixStream>,
    write: UnixStream,
    out: Vec<u8>,
}

impl Client {
    /// Connects; the error names the socket.
    pub fn connect(socket: &Path) -> io::Result<Client> {
        let write = UnixStream::connect(socket)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", socket.display())))?;
        Ok(Client {
            read: BufReader::with_capacity(64 * 1024, write.try_clone()?),
            write,
            out: Vec::new(),
        })
    }

    /// Another handle on this connection, so that one thread sends while another reads. Replies that were read ahead
    /// stay with the handle that read them: let one alone read.
    pub fn twin(&self) -> io::Result<Client> {
        Ok(Client {
            read: BufReader::new(self.write.try_clone()?),
            write: self.write.try_clone()?,
            out: Vec::new(),
        })
    }

    /// Puts a command behind those not sent yet.
    pub fn push(&mut self, args: &[&[u8]]) {
        self.head(b'*', args.len());
        for arg in args {
            self.head(b'$', arg.len());
            self.out.extend_from_slice(arg);
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// A line that tells how much follows; by `itoa`, for an import writes some twenty of them a ticket.
    fn head(&mut self, kind: u8, len: usize) {
        self.out.push(kind);
        self.out
            .extend_from_slice(itoa::Buffer::new().format(len).as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// Sends what was pushed.
    pub fn send(&mut self) -> io::Result<()> {
        self.write.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Sends one command and reads its reply.
    pub fn command(&mut self, args: &[&str]) -> io::Result<Value> {
        let args: Vec<&[u8]> = args.iter().map(|a| a.as_bytes()).collect();
        self.push(&args);
        self.send()?;
        self.reply()
    }

    /// Reads the next reply.
    pub fn reply(&mut self) -> io::Result<Value> {
        let mut line = Vec::new();
        self.read.read_until(b'\n', &mut line)?;
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "the other side does not speak RESP");
        let line = line.strip_suffix(b"\r\n").ok_or_else(|| match line.len() {
            0 => io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon closed the connection"),
            _ => bad(),
        })?;
        let (kind, rest) = line.split_first().ok_or_else(bad)?;
        let text = || String::from_utf8_lossy(rest).into_owned();
        let number = || text().parse::<i64>().map_err(|_| bad());
        match kind {
            b'+' => Ok(Value::Text(rest.to_vec())),
            b'-' => Ok(Value::Error(text())),
            b':' => Ok(Value::Int(number()?)),
            b'$' => match usize::try_from(number()?) {
                Err(_) => Ok(Value::Null),
                Ok(len) => {
                    let mut bytes = Vec::new();
                    self.read.by_ref().take(len as u64 + 2).read_to_end(&mut bytes)?;
                    if bytes.len() != len + 2 {
                        return Err(bad());
                    }
                    bytes.truncate(len);
                    Ok(Value::Text(bytes))
                }
            },
            b'*' => match usize::try_from(number()?) {
                Err(_) => Ok(Value::Null),
                Ok(len) => (0..len)
                    .map(|_| self.reply())
                    .collect::<io::Result<_>>()
                    .map(Value::List),
            },
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_every_kind() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut client = Client {
            read: BufReader::new(ours.try_clone().unwrap()),
            write: ours,
            out: Vec::new(),
        };
        theirs
            .write_all(b"*5\r\n:1\r\n$2\r\nhi\r\n$-1\r\n+OK\r\n-ERR no\r\nHTTP\r\n")
            .unwrap();
        assert_eq!(
            client.reply().unwrap(),
            Value::List(vec![
                Value::Int(1),
                Value::Text(b"hi".to_vec()),
                Value::Null,
                Value::Text(b"OK".to_vec()),
                Value::Error("ERR no".to_owned()),
            ])
        );
        assert_eq!(client.reply().unwrap_err().kind(), io::ErrorKind::InvalidData);
        drop(theirs);
        assert_eq!(client.reply().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
