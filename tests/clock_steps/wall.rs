//! A wall clock that a test may step, for one daemon; the machine's own stays as it is.

use crate::feed::{self, Entry};
use crate::support::{Client, Daemon};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// The library that lies about the wall clock.
fn shim() -> PathBuf {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    let built = SHIM.get_or_init(|| {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("wall-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clock_steps/shim.c");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([path.as_os_str(), source.as_ref()])
            .status()
            .unwrap();
        assert!(status.success(), "cc {source}");
        path
    });
    built.clone()
}

/// A daemon and its wall clock.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    page: std::fs::File,
    ahead_ms: i64,
    /// Sizes of its log at the last start: the address of the pages is after it.
    log_from: usize,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn start() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wall");
        let page = std::fs::File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        page.write_all_at(&0_i64.to_ne_bytes(), 0).unwrap();
        let environment = [
            ("LD_PRELOAD".to_owned(), shim()),
            ("SLAD_TEST_WALL".to_owned(), path),
        ];
        Site {
            daemon: Daemon::start_under(&["--set", "http=127.0.0.1:0"], &environment),
            page,
            ahead_ms: 0,
            log_from: 0,
            _folder: folder,
        }
    }

    /// Steps the wall clock while the daemon is not there, or is left to find out.
    pub(crate) fn step_unseen(&mut self, by_ms: i64) {
        self.ahead_ms += by_ms;
        let ns = self.ahead_ms * 1_000_000;
        self.page.write_all_at(&ns.to_ne_bytes(), 0).unwrap();
    }

    /// Steps the wall clock, and makes the daemon look. (A real step wakes it; this one the kernel does not know of.)
    pub(crate) fn step(&mut self, by_ms: i64) {
        self.step_unseen(by_ms);
        self.daemon.client().say("PING");
    }

    /// What the daemon's wall clock shows.
    pub(crate) fn wall_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_millis() as i64 + self.ahead_ms
    }

    pub(crate) fn client(&self) -> Client {
        self.daemon.client()
    }

    pub(crate) fn kill_and_restart(&mut self) {
        self.log_from = self.daemon.log().len();
        self.daemon.kill();
        self.daemon.restart();
    }

    pub(crate) fn stop(&mut self) {
        assert_eq!(self.daemon.stop(), 0, "{}", self.daemon.log());
        self.log_from = self.daemon.log().len();
    }

    pub(crate) fn restart(&mut self) {
        self.daemon.restart();
    }

    /// A page: status and body.
    pub(crate) fn page(&self, path: &str) -> (u16, String) {
        let log = self.daemon.log();
        let address = log[self.log_from..].split("127.0.0.1:").nth(1).unwrap();
        let port = address
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>();
        let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    pub(crate) fn metric(&self, name: &str) -> String {
        let (_, page) = self.page("/metrics");
        let line = page.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    /// A line of INFO.
    pub(crate) fn info(&self, name: &str) -> String {
        let info = self.client().say("INFO server");
        let line = info
            .text()
            .lines()
            .find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
    }

    /// The daemon's time.
    pub(crate) fn clock_ms(&self) -> i64 {
        self.info("clock_ms").parse().unwrap()
    }

    /// Waits until the daemon's time is this.
    pub(crate) fn wait_until(&self, at: i64) {
        while self.clock_ms() < at {
            pass(20);
        }
    }

    /// Opens a ticket that is due then.
    pub(crate) fn open(&self, ticket: &str, due: i64) -> i64 {
        self.client()
            .say(&format!("TICKET.OPEN {ticket} policy none due.resolution {due}"))
            .int()
    }

    /// Jumps in the log: how, from, to.
    pub(crate) fn jumps(&self) -> Vec<Entry> {
        let mut all = feed::read(&mut self.client(), "events", "-");
        all.retain(|e| e.kind() == "clock.jumped");
        all
    }

    pub(crate) fn hows(&self) -> Vec<String> {
        self.jumps().iter().map(|e| e.text("how").to_owned()).collect()
    }

    pub(crate) fn breaches(&self) -> Vec<Entry> {
        feed::read(&mut self.client(), "events:breaches", "-")
    }

    /// Waits until this ticket's breach is there; it must not be early.
    pub(crate) fn breach_of(&self, ticket: &str) -> Entry {
        let started = Instant::now();
        loop {
            let found = self.breaches().into_iter().find(|e| e.text("ticket") == ticket);
            if let Some(entry) = found {
                assert!(entry.int("at") > entry.int("due"), "early: {entry:?}");
                return entry;
            }
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "{ticket} does not breach"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Every breach of the log, in order, each once.
    pub(crate) fn breached(&self) -> Vec<String> {
        let all: Vec<String> = self
            .breaches()
            .iter()
            .map(|e| e.text("ticket").to_owned())
            .collect();
        let mut once = all.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), all.len(), "twice: {all:?}");
        all
    }

    pub(crate) fn assert_frozen(&self) {
        let (status, body) = self.page("/readyz");
        assert_eq!(status, 503, "{body}");
        for word in [
            "frozen",
            "jumped from",
            "CLOCK.ACCEPT",
            "CLOCK.REJECT",
            "commands go on",
        ] {
            assert!(body.contains(word), "{body}");
        }
        assert_eq!(self.info("clock_frozen"), "1");
        assert_eq!(self.info("clock_holds"), "frozen");
        assert_eq!(self.metric("slad_clock_frozen"), "1");
    }

    pub(crate) fn assert_ready(&self, holds: &str) {
        assert_eq!(self.page("/readyz"), (200, "ready\n".to_owned()));
        assert_eq!(self.info("clock_frozen"), "0");
        assert_eq!(self.info("clock_holds"), holds);
        assert_eq!(self.metric("slad_clock_frozen"), "0");
    }
}

/// Lets so much time pass that anything early or doubled would be seen.
pub(crate) fn pass(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
