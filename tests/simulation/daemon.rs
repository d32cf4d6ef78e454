//! The real binary on a virtual clock, in a directory of its own.

use crate::resp::{Conn, words};
use crate::value::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the driver drives.
pub trait Site {
    /// A new connection.
    fn connect(&mut self) -> Conn;
    /// An end without warning, and a start over the same data.
    fn kill_and_restart(&mut self);
}

/// The policy that the judge knows: it takes the place of the one of its name in the binary.
pub const JUDGED: (&str, &str) = ("service-levels", include_str!("policies/service-levels.toml"));

/// A running daemon; killed when dropped.
pub struct Daemon {
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// Starts one with an empty directory, under the rules by which the judge judges.
    pub fn start() -> Daemon {
        Daemon::under(&[JUDGED])
    }

    /// Starts one with an empty directory, under these policies beside those of the binary.
    pub fn under(policies: &[(&str, &str)]) -> Daemon {
        let dir = tempfile::tempdir().expect("a directory for the test");
        let folder = dir.path().join("policies");
        std::fs::create_dir_all(folder.join("calendars")).expect("a folder for policies");
        for (name, text) in policies {
            std::fs::write(folder.join(format!("{name}.toml")), text).expect("a policy");
        }
        let mut daemon = Daemon { dir, child: None };
        daemon.spawn();
        daemon
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn spawn(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("stderr"))
            .expect("a file for what the daemon says");
        let child = Command::new(env!("CARGO_BIN_EXE_slad"))
            .arg("serve")
            .arg("--data")
            .arg(self.dir.path().join("data"))
            .arg("--socket")
            .arg(self.socket())
            .arg("--policies")
            .arg(self.dir.path().join("policies"))
            .args(["--http", "127.0.0.1:0", "--sync", "never", "--virtual-clock"])
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        self.child = Some(child);
        // Waits until it answers: PING is served while the log is replayed, this is not.
        self.connect().ask(&words(&["QUEUE.LIST"]));
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }
}

impl Site for Daemon {
    fn connect(&mut self) -> Conn {
        let began = Instant::now();
        loop {
            match Conn::open(&self.socket()) {
                Ok(conn) => return conn,
                Err(error) => {
                    let child = self.child.as_mut().expect("it runs");
                    let gone = child.try_wait().expect("its state can be asked");
                    if gone.is_some() || began.elapsed() > Duration::from_secs(20) {
                        let said =
                            std::fs::read_to_string(self.dir.path().join("stderr")).unwrap_or_default();
                        panic!("no connection ({error}, exit {gone:?}); the daemon said:\n{said}");
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    fn kill_and_restart(&mut self) {
        self.stop();
        let _ = std::fs::remove_file(self.socket());
        self.spawn();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub seq: u64,
    pub part: u64,
    pub pairs: Vec<(String, String)>,
}

impl Entry {
    /// The value of a pair.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Entries a page of XRANGE.
const PAGE: usize = 1_000;

/// Reads a key of the feed from `(seq, part)` to its end, page by page.
pub fn feed(conn: &mut Conn, key: &str, seq: u64, part: u64) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let mut from = format!("{seq}-{part}");
    loop {
        let reply = conn.ask(&words(&["XRANGE", key, &from, "+", "COUNT", &PAGE.to_string()]));
        let page = entries(&reply);
        let full = page.len() == PAGE;
        all.extend(page);
        match all.last().filter(|_| full) {
            Some(last) => from = format!("({}-{}", last.seq, last.part),
            None => return all,
        }
    }
}

/// Takes the entries of a reply apart.
pub fn entries(reply: &Value) -> Vec<Entry> {
    let Value::List(items) = reply else {
        panic!("entries are a list, not {reply}")
    };
    items.iter().map(entry).collect()
}

fn entry(item: &Value) -> Entry {
    let Value::List(parts) = item else {
        panic!("an entry is a list, not {item}")
    };
    let [Value::Text(id), Value::List(pairs)] = parts.as_slice() else {
        panic!("id and pairs, not {item}")
    };
    let (seq, part) = id.split_once('-').expect("an id is seq-part");
    let text = |v: &Value| match v {
        Value::Text(t) => t.clone(),
        other => panic!("a pair is text, not {other}"),
    };
    Entry {
        seq: seq.parse().expect("a seq"),
        part: part.parse().expect("a part"),
        pairs: pairs
            .chunks_exact(2)
            .map(|p| (text(&p[0]), text(&p[1])))
            .collect(),
    }
}
