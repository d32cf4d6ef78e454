//! `slad import`, TICKET.IMPORT and IMPORT.DONE through the socket of a real daemon under a virtual clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod clocks;
#[path = "../support/mod.rs"]
mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use support::{Client, Daemon, Value};

/// Monday, a working day; 12:00 in China.
const START: &str = "--virtual-clock=2026-01-05T04:00:00Z";
const T0: i64 = 1_767_585_600_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// What service-levels requires: P2 answers in 30 minutes, starts in 4 hours, is done in 24, warned when 80 % are over.
const REQUIRED: &str = r#""customer": "c1", "has": ["description", "outcome"]"#;
const P2: &str = "policy service-levels priority P2 customer c1 has description,outcome";

/// What `slad import` said, and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn import(daemon: &Daemon, lines: &str, flags: &[&str]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_slad"))
        .current_dir(daemon.folder())
        .args(["import", "--format", "jsonl", "--socket", "s"])
        .args(flags)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Wrong flags end it before it has read anything.
    let written = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let ended = child.wait_with_output().unwrap();
    assert!(written.is_ok() || ended.status.code() == Some(2), "{written:?}");
    Said {
        code: ended.status.code().unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// A line of a P2 ticket.
fn p2(id: &str, rest: &str) -> String {
    format!(r#"{{"id": "{id}", "policy": "service-levels", "priority": "P2", {REQUIRED}, {rest}}}"#) + "\n"
}

fn hash(client: &mut Client) -> String {
    let info = client.say("INFO persistence");
    let line = info.text().lines().find(|l| l.starts_with("state_hash:"));
    line.unwrap().to_owned()
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        other => other.text().parse().unwrap(),
    }
}

/// Tickets in hands count against the capacity, and may exceed it.
#[test]
fn assigned_beyond_the_capacity() {
    let daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 2");
    let lines: String = (0..3)
        .map(|n| format!(r#"{{"id": "t{n}", "policy": "none", "agent": "a1"}}"#) + "\n")
        .collect();
    assert_eq!(import(&daemon, &lines, &[]).code, 0);
    let last = client.cmd(&["XREVRANGE", "events", "+", "-", "COUNT", "1"]);
    let fields = &last.list()[0].list()[1];
    assert_eq!(fields.get("type").text(), "ticket.imported");
    assert_eq!(number(fields.get("over")), 1);
    assert_eq!(fields.get("agent").text(), "a1");
    client.say("TICKET.OPEN new policy none");
    assert!(client.say("AGENT.NEXT a1").text().starts_with("LIMIT"));
    // The hold is the seq of the import.
    let hold = client.cmd(&["TICKET.GET", "t0"]).get("hold").int();
    assert!(matches!(
        client.say(&format!("TICKET.RESPOND t0 hold {hold}")),
        Value::Int(_)
    ));
    for id in ["t0", "t1"] {
        client.say(&format!("TICKET.RELEASE {id}"));
    }
    assert_eq!(client.say("AGENT.NEXT a1").list().len() % 2, 0);
}

/// Wrong lines, each with its number and what would be right.
const WRONG: [(&str, &str); 14] = [
    ("{", "no JSON: column 1"),
    ("{\"queue\": \"default\"}", "no 'id'"),
    (
        r#"{"id": "b1", "policy": "service-level"}"#,
        "did you mean 'service-levels'",
    ),
    (
        r#"{"id": "b2", "policy": "service-levels", "priority": "P2"}"#,
        "REQUIRED customer,description,outcome",
    ),
    (
        r#"{"id": "b3", "policy": "none", "agent": "nobody"}"#,
        "create it with AGENT.SET",
    ),
    (
        r#"{"id": "b4", "policy": "none", "state": "closed"}"#,
        "it takes waiting or assigned or resolved",
    ),
    (
        r#"{"id": "b5", "policy": "none", "state": "assigned"}"#,
        "give the agent",
    ),
    (
        r#"{"id": "b6", "policy": "none", "clocks": {"resolution": {"elapsed": 5}}}"#,
        "give its due",
    ),
    (
        r#"{"id": "b7", "policy": "none", "clocks": {"resolution": {"ended": 5}}}"#,
        "clock.resolution 'ended=5'",
    ),
    (
        r#"{"id": "b8", "policy": "none", "opened_at": "2026-01-05T03:00:00Z", "paused": {"reason": "r", "since": "2026-01-05T02:00:00Z"}}"#,
        "it takes an instant from opened_at",
    ),
    (
        r#"{"id": "b9", "policy": "none", "state": "resolved"}"#,
        "leave it out",
    ),
    (
        r#"{"id": "b10", "policy": "none", "statee": "waiting"}"#,
        "did you mean 'state'",
    ),
    (r#"{"id": "good1", "policy": "none", "priority": "P1"}"#, "EXISTS"),
    (
        r#"{"id": "b11", "policy": "none", "clocks": {"resolution": {"due": "2026-01-06T00:00:00Z", "breached": true}}}"#,
        "breached=T",
    ),
];

/// Good lines among wrong ones: `good1`, an empty line, the wrong ones, `good2` twice.
fn mixed() -> String {
    let mut lines = "{\"id\": \"good1\", \"policy\": \"none\"}\n\n".to_owned();
    for (line, _) in WRONG {
        lines += line;
        lines.push('\n');
    }
    lines + "{\"id\": \"good2\", \"policy\": \"none\"}\n{\"policy\": \"none\", \"id\": \"good2\"}"
}

#[test]
fn wrong_lines_are_told_and_stop_nothing_and_a_dry_run_says_the_same() {
    let daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    let before = (hash(&mut client), client.say("XLEN events"));
    let dry = import(&daemon, &mixed(), &["--dry-run", "--hold-routing"]);
    assert_eq!(
        (hash(&mut client), client.say("XLEN events")),
        before,
        "nothing was changed"
    );
    let run = import(&daemon, &mixed(), &[]);
    let split = |said: &Said| -> (Vec<String>, String) {
        let mut lines: Vec<String> = said.out.lines().map(str::to_owned).collect();
        let last = lines.pop().unwrap();
        (lines, last)
    };
    let ((dry_bad, dry_end), (bad, end)) = (split(&dry), split(&run));
    assert_eq!(
        dry_end,
        "17 lines: 2 would be imported, 1 there already, 14 bad; nothing was changed"
    );
    assert_eq!(end, "17 lines: 2 imported, 1 there already, 14 bad");
    assert_eq!((dry.code, run.code), (7, 7));
    assert_eq!(bad.len(), WRONG.len());
    for (n, ((line, expected), (bad, dry))) in WRONG.iter().zip(bad.iter().zip(&dry_bad)).enumerate() {
        let place = format!("-:{}: ", n + 3);
        assert!(bad.starts_with(&place) && bad.contains(expected), "{line}: {bad}");
        assert!(
            dry.starts_with(&place) && dry.contains(expected.split(' ').next().unwrap()),
            "{line}: {dry}"
        );
    }
    assert_eq!(client.say("TICKET.COUNT").int(), 2);
}

#[test]
fn strict_imports_all_or_nothing() {
    let daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    assert_eq!(
        import(&daemon, "", &["--strict"]).code,
        2,
        "the input cannot be read twice"
    );
    let file = daemon.folder().join("tickets.jsonl");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_slad"))
            .args([
                "import", "--format", "jsonl", "--strict", "--output", "json", "--socket",
            ])
            .arg(daemon.socket())
            .arg(&file)
            .output()
            .unwrap();
        let out = String::from_utf8(ended.stdout).unwrap();
        (ended.status.code().unwrap(), out)
    };
    let (code, out) = run(&mixed());
    assert_eq!(code, 7);
    assert_eq!(out.lines().count(), WRONG.len() + 1);
    assert!(
        out.lines().last().unwrap().contains(r#""changed":false"#),
        "{out}"
    );
    assert_eq!(client.say("TICKET.COUNT").int(), 0);
    let (code, out) = run("{\"id\": \"a\", \"policy\": \"none\"}\n");
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "{\"bad\":0,\"changed\":true,\"lines\":1,\"new\":1,\"there_already\":0}\n"
    );
}

/// Run again after it broke off: what is there stays as it is, whatever became of it.
#[test]
fn run_again_it_goes_on_where_it_was() {
    let mut daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 1000");
    let lines: Vec<String> = (0..500)
        .map(|n| match n % 3 {
            0 => p2(&format!("t{n}"), &format!(r#""opened_at": {}"#, T0 - 30 * HOUR)),
            1 => p2(&format!("t{n}"), r#""agent": "a1", "paused": "customer""#),
            _ => p2(&format!("t{n}"), r#""stage": null, "state": "resolved""#),
        })
        .collect();
    let half = lines[..200].concat();
    assert_eq!(
        import(&daemon, &half, &[]).out,
        "200 lines: 200 imported, 0 there already, 0 bad\n"
    );
    // Meanwhile the work has begun: one has another owner, one is closed.
    client.say("TICKET.ASSIGN t0 a1");
    client.say("TICKET.CLOSE t2");
    daemon.kill();
    daemon.restart();
    let mut client = daemon.client();
    let said = import(&daemon, &lines.concat(), &[]);
    assert_eq!(
        said.out, "500 lines: 300 imported, 200 there already, 0 bad\n",
        "{}",
        said.err
    );
    assert_eq!(said.code, 0);
    assert_eq!(client.cmd(&["TICKET.GET", "t0"]).get("agent").text(), "a1");
    assert_eq!(client.cmd(&["TICKET.GET", "t2"]).get("state").text(), "closed");
    let before = hash(&mut client);
    daemon.kill();
    daemon.restart();
    let mut client = daemon.client();
    assert_eq!(hash(&mut client), before, "the log says the same");
    client.say("SNAPSHOT");
    let before = hash(&mut client);
    daemon.kill();
    daemon.restart();
    assert_eq!(hash(&mut daemon.client()), before, "the snapshot says the same");
}

/// Held back until all lines are through; a crash in between strands nothing.
#[test]
fn held_back_until_the_import_is_done() {
    let mut daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 2000");
    // More than one slice of handing out.
    let tickets: String = (0..1500)
        .map(|n| format!(r#"{{"id": "t{n}", "policy": "none", "priority": "P{}"}}"#, n % 10) + "\n")
        .collect();
    assert_eq!(
        client.say("TICKET.IMPORT x policy none held_back yes").int(),
        client.say("XLEN events").int()
    );
    assert_eq!(client.say("AGENT.NEXT a1"), Value::Null);
    assert_eq!(client.cmd(&["TICKET.GET", "x"]).get("held_back").text(), "yes");
    daemon.kill();
    daemon.restart();
    let mut client = daemon.client();
    assert_eq!(client.say("AGENT.NEXT a1"), Value::Null, "it is still held back");
    assert!(
        matches!(client.say("TICKET.ASSIGN x a1"), Value::Int(_)),
        "by hand it goes to whom one wants"
    );
    client.say("TICKET.RELEASE x");
    assert_eq!(client.say("AGENT.NEXT a1"), Value::Null);
    // What is opened meanwhile is handed out.
    client.say("TICKET.OPEN new policy none");
    assert_eq!(client.say("AGENT.NEXT a1").get("ticket").text(), "new");
    // An agent that waits gets the first as soon as the import is done.
    let mut waiting = daemon.client();
    waiting.send(&["AGENT.NEXT", "a1", "block", "20s"]);
    assert!(waiting.is_silent(50));
    let said = import(&daemon, &tickets, &["--hold-routing"]);
    assert_eq!(
        said.out, "1500 lines: 1500 imported, 0 there already, 0 bad\n",
        "{}",
        said.err
    );
    assert_eq!(waiting.reply().get("ticket").text(), "t0", "the best of all");
    let before = hash(&mut client);
    let done = client.cmd(&["XREVRANGE", "events", "+", "-", "COUNT", "2"]);
    let kinds: Vec<&str> = done
        .list()
        .iter()
        .map(|e| e.list()[1].get("type").text())
        .collect();
    assert_eq!(kinds, ["ticket.assigned", "import.done"]);
    daemon.kill();
    daemon.restart();
    let mut client = daemon.client();
    assert_eq!(hash(&mut client), before);
    for n in 0..1500 {
        let taken = client.say("AGENT.NEXT a1");
        assert!(taken != Value::Null, "{n} were handed out");
    }
    assert_eq!(client.say("AGENT.NEXT a1"), Value::Null);
}

/// Without the daemon, or with one that takes nothing: no bad lines, but an end.
#[test]
fn a_daemon_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_slad"))
        .current_dir(folder.path())
        .args(["import", "--format", "jsonl", "--socket", "s", "nothing.jsonl"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("nothing.jsonl"));
}
