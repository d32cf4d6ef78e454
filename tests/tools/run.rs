//! Runs `slad`, and makes logs to run it on.

use crate::feed::{pipeline, words};
use crate::support::{Client, Daemon};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// It ended with this code; the outputs are shown if not.
    pub(crate) fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn says(&self, what: &str) -> &Ran {
        assert!(
            self.out.contains(what) || self.err.contains(what),
            "'{what}' is not in {self:?}"
        );
        self
    }
}

/// `slad` with these words.
pub(crate) fn slad<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Ran {
    let done = Command::new(env!("CARGO_BIN_EXE_slad"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `slad log COMMAND --data DIR …`
pub(crate) fn log(command: &str, data: &Path, more: &[&str]) -> Ran {
    let mut args = vec!["log", command, "--data", text(data)];
    args.extend(more);
    slad(&args)
}

/// The flags of a daemon whose log says a state hash often.
pub(crate) const OFTEN: [&str; 2] = ["--set", "state_hash_every_events=50"];

/// Lives of tickets, from number `from` on; what they are called begins with `name`.
pub(crate) fn lives(client: &mut Client, name: &str, from: usize, to: usize) {
    let mut commands = Vec::new();
    for n in from..to {
        let id = format!("{name}-{n}");
        commands.push(words(&format!(
            "TICKET.OPEN {id} policy none priority P3 customer c{n} attr.n {n} by tester"
        )));
        commands.push(words(&format!("TICKET.SET {id} priority P{}", n % 10)));
        if n % 2 == 0 {
            commands.push(words(&format!("TICKET.RESPOND {id}")));
            commands.push(words(&format!("TICKET.RESOLVE {id} reason done")));
        }
    }
    for (reply, command) in pipeline(client, &commands).iter().zip(&commands) {
        assert!(reply.int() > 0, "{command:?}: {reply:?}");
    }
}

/// A field of INFO.
pub(crate) fn info(client: &mut Client, name: &str) -> String {
    let info = client.cmd(&["INFO", "persistence"]);
    let line = info
        .text()
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
}

/// A daemon that has written some segments of 1 MiB and was stopped.
pub(crate) fn stopped(lives_each: usize) -> Daemon {
    let mut daemon = Daemon::start(&OFTEN);
    lives(&mut daemon.client(), "t", 0, lives_each);
    assert_eq!(daemon.stop(), 0);
    daemon
}

/// A copy of a folder.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// The file of a segment.
pub(crate) fn segment(data: &Path, id: u64) -> PathBuf {
    data.join(format!("log-{id:016}.slad"))
}

/// Turns a bit of a file.
pub(crate) fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}
