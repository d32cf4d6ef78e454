//! Starts the daemon and speaks RESP to it, for the tests that look at it from outside.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "every test binary uses its own part of this, and tests may fail loudly"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running daemon in a folder of its own; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
    args: Vec<String>,
    /// What runs it: nothing, or a program with arguments that ends in running another one.
    wrapper: Vec<String>,
}

impl Daemon {
    /// Starts one with these further flags of `serve`, and waits until it answers.
    pub(crate) fn start(args: &[&str]) -> Daemon {
        Daemon::wrapped(tempfile::tempdir().unwrap(), &[], args)
    }

    /// The same with these variables in its environment.
    pub(crate) fn start_under(args: &[&str], environment: &[(String, PathBuf)]) -> Daemon {
        let mut wrapper = vec!["env".to_owned()];
        wrapper.extend(
            environment
                .iter()
                .map(|(name, value)| format!("{name}={}", value.display())),
        );
        Daemon::wrapped(tempfile::tempdir().unwrap(), &wrapper, args)
    }

    /// The same in this folder.
    pub(crate) fn start_in(folder: tempfile::TempDir, args: &[&str]) -> Daemon {
        Daemon::wrapped(folder, &[], args)
    }

    /// The same in this folder, run by `wrapper`.
    pub(crate) fn wrapped(folder: tempfile::TempDir, wrapper: &[String], args: &[&str]) -> Daemon {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        let daemon = Daemon {
            child: spawn_by(wrapper, folder.path(), &args),
            folder,
            args,
            wrapper: wrapper.to_vec(),
        };
        daemon.wait();
        daemon
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its process; a wrapper must have become the daemon by then.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it not ended?
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn wait(&self) {
        let started = Instant::now();
        loop {
            if let Ok(stream) = UnixStream::connect(self.socket()) {
                let mut client = Client::over(stream);
                if client
                    .try_cmd(&["TICKET.COUNT"])
                    .is_some_and(|v| matches!(v, Value::Int(_)))
                {
                    return;
                }
            }
            assert!(
                started.elapsed() < PATIENCE,
                "the daemon does not answer:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A new connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.socket())
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.ended()
    }

    /// Waits for its end; the exit code.
    pub(crate) fn ended(&mut self) -> i32 {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(
                started.elapsed() < PATIENCE,
                "the daemon does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts again over the same data.
    pub(crate) fn restart(&mut self) {
        self.spawn();
        self.wait();
    }

    /// As [`Daemon::restart`], without waiting: it may refuse to start.
    pub(crate) fn spawn(&mut self) {
        self.child = spawn_by(&self.wrapper, self.folder.path(), &self.args);
    }

    /// Other flags from the next start on.
    pub(crate) fn set_args(&mut self, args: &[&str]) {
        self.args = args.iter().map(|a| (*a).to_owned()).collect();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon ({:?}) said:\n{}", self.child.try_wait(), self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `slad serve` in `folder`.
pub(crate) fn spawn(folder: &Path, args: &[String]) -> Child {
    spawn_by(&[], folder, args)
}

/// The same, run by another program.
fn spawn_by(wrapper: &[String], folder: &Path, args: &[String]) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut words = wrapper.to_vec();
    words.push(env!("CARGO_BIN_EXE_slad").to_owned());
    Command::new(&words[0])
        .args(&words[1..])
        .current_dir(folder)
        .args([
            "serve",
            "--data",
            "data",
            "--socket",
            "s",
            "--http",
            "",
            "--set",
            "segment_bytes=1MiB",
        ])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Simple(String),
    Error(String),
    Int(i64),
    Text(String),
    Null,
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The number; a test that expects one fails otherwise.
    pub(crate) fn int(&self) -> i64 {
        match self {
            Value::Int(n) => *n,
            other => panic!("no number: {other:?}"),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Value::Text(text) | Value::Simple(text) | Value::Error(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    pub(crate) fn list(&self) -> &[Value] {
        match self {
            Value::List(list) => list,
            other => panic!("no list: {other:?}"),
        }
    }

    /// The value beside a key, of a map or of a flat list of pairs.
    pub(crate) fn get(&self, key: &str) -> &Value {
        let found = match self {
            Value::Map(pairs) => pairs.iter().find(|(k, _)| k.text() == key).map(|(_, v)| v),
            Value::List(list) => list
                .chunks(2)
                .find(|pair| pair[0].text() == key)
                .map(|pair| &pair[1]),
            _ => None,
        };
        found.unwrap_or_else(|| panic!("no '{key}' in {self:?}"))
    }

    /// Ids of the entries of XRANGE's reply, or of the first key of XREAD's in RESP2.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.list()
            .iter()
            .map(|e| e.list()[0].text().to_owned())
            .collect()
    }
}

/// A connection.
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    read: BufReader<UnixStream>,
}

impl Client {
    pub(crate) fn connect(socket: &Path) -> Client {
        Client::over(UnixStream::connect(socket).unwrap())
    }

    fn over(stream: UnixStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client {
            read: BufReader::new(stream.try_clone().unwrap()),
            stream,
        }
    }

    /// One command and its reply.
    pub(crate) fn cmd(&mut self, args: &[&str]) -> Value {
        self.send(args);
        self.reply()
    }

    /// The command's words, split at blanks.
    pub(crate) fn say(&mut self, line: &str) -> Value {
        let args: Vec<&str> = line.split_whitespace().collect();
        self.cmd(&args)
    }

    pub(crate) fn try_cmd(&mut self, args: &[&str]) -> Option<Value> {
        self.stream.write_all(&encode(args)).ok()?;
        self.try_reply().ok()
    }

    pub(crate) fn send(&mut self, args: &[&str]) {
        self.stream.write_all(&encode(args)).unwrap();
    }

    pub(crate) fn reply(&mut self) -> Value {
        self.try_reply().unwrap()
    }

    /// Is the connection closed by the other side?
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.try_reply(), Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof
            || e.kind() == std::io::ErrorKind::ConnectionReset)
    }

    /// No reply within this time?
    pub(crate) fn is_silent(&mut self, for_ms: u64) -> bool {
        self.stream
            .set_read_timeout(Some(Duration::from_millis(for_ms)))
            .unwrap();
        let silent = matches!(self.read.fill_buf(), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    pub(crate) fn try_reply(&mut self) -> std::io::Result<Value> {
        let mut line = String::new();
        self.read.read_line(&mut line)?;
        if !line.ends_with('\n') {
            // The end, or half a reply of a daemon that was killed.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let (kind, rest) = line.trim_end().split_at(1);
        let number = || rest.parse::<i64>().unwrap();
        let mut items = |n: i64| {
            (0..n)
                .map(|_| self.try_reply())
                .collect::<std::io::Result<Vec<_>>>()
        };
        Ok(match kind {
            "+" => Value::Simple(rest.to_owned()),
            "-" => Value::Error(rest.to_owned()),
            ":" => Value::Int(number()),
            "_" => Value::Null,
            "$" | "=" if number() < 0 => Value::Null,
            "$" | "=" => {
                let mut bytes = vec![0; number() as usize + 2];
                self.read.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                let text = String::from_utf8(bytes).unwrap();
                Value::Text(
                    text.strip_prefix("txt:")
                        .filter(|_| kind == "=")
                        .map_or(text.clone(), str::to_owned),
                )
            }
            "*" if number() < 0 => Value::Null,
            "*" => Value::List(items(number())?),
            "%" => Value::Map(
                items(number() * 2)?
                    .chunks(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone()))
                    .collect(),
            ),
            other => panic!("'{other}' is no reply"),
        })
    }
}

/// A command in RESP.
pub(crate) fn encode(args: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend_from_slice(format!("${}\r\n{arg}\r\n", arg.len()).as_bytes());
    }
    out
}
