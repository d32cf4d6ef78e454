//! A daemon with a folder of policies that the tests write into.

use crate::feed::{self, Entry};
use crate::support::{Client, Daemon, Value};
use std::path::{Path, PathBuf};

/// Where the virtual clock starts.
pub(crate) const START: i64 = 1_767_225_600_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// Two levels, with everything that a migration may move: a first response, a resolution that a pause stops.
pub(crate) const DESK: &str = r#"name = "desk"
label = "服务台"
default_priority = "P2"
close_after = "1d"
customer_pauses = ["customer"]

[targets.resolution]
pauses_on = ["customer"]

[priorities.P1]
rank = 10
queue = "first"
clocks = { first_response = "15m", resolution = "2h" }

[priorities.P2]
rank = 20
queue = "second"
clocks = { first_response = "1h", resolution = "8h" }
"#;

/// A daemon over a folder of policies.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
}

/// A folder with these policies in `policies/`, before anything runs there.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    for (name, text) in files {
        std::fs::write(policy(folder.path(), name), text).unwrap();
    }
    folder
}

fn policy(folder: &Path, name: &str) -> PathBuf {
    folder.join("policies").join(name)
}

/// Flags of a daemon with a virtual clock and the folder of policies.
pub(crate) const VIRTUAL: &[&str] = &["--virtual-clock", "--policies", "policies"];
/// The same under the real clock.
pub(crate) const REAL: &[&str] = &["--policies", "policies"];

impl Site {
    /// A daemon with a virtual clock and these files.
    pub(crate) fn start(files: &[(&str, &str)]) -> Site {
        Site::start_with(files, VIRTUAL)
    }

    pub(crate) fn start_with(files: &[(&str, &str)], args: &[&str]) -> Site {
        let daemon = Daemon::start_in(folder(files), args);
        Site { daemon }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = policy(self.daemon.folder(), name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(policy(self.daemon.folder(), name)).unwrap();
    }

    pub(crate) fn client(&self) -> Client {
        self.daemon.client()
    }

    /// Everything in the log.
    pub(crate) fn events(&self) -> Vec<Entry> {
        feed::read(&mut self.client(), "events", "-")
    }

    /// A line of INFO.
    pub(crate) fn info(&self, name: &str) -> String {
        let reply = self.client().say("INFO");
        let head = format!("{name}:");
        let found = reply.text().lines().find_map(|line| line.strip_prefix(&*head));
        found.unwrap_or_else(|| panic!("no {name} in INFO")).to_owned()
    }

    /// kill -9, and again.
    pub(crate) fn crash(&mut self) {
        self.daemon.kill();
        self.daemon.restart();
    }
}

/// `name@version` of a ticket.
pub(crate) fn version_of(client: &mut Client, ticket: &str) -> String {
    client
        .cmd(&["TICKET.GET", ticket])
        .get("policy")
        .text()
        .to_owned()
}

/// The due of a clock of a ticket.
pub(crate) fn due(client: &mut Client, ticket: &str, target: &str) -> i64 {
    clock(client, ticket, target).get("due").int()
}

pub(crate) fn clock(client: &mut Client, ticket: &str, target: &str) -> Value {
    let reply = client.cmd(&["TICKET.GET", ticket]);
    let clocks = reply.get("clocks").list().iter();
    let mut found = clocks.filter(|clock| clock.get("target").text() == target);
    found
        .next()
        .unwrap_or_else(|| panic!("{ticket} has no {target}: {reply:?}"))
        .clone()
}

/// Fails unless the command was refused with this code; the message.
pub(crate) fn refused(reply: Value, code: &str) -> String {
    match reply {
        Value::Error(text) if text.starts_with(code) => text,
        other => panic!("not refused with {code}: {other:?}"),
    }
}

/// The names of a list.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.list().iter().map(Value::text).collect()
}
