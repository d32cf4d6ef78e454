//! redis-rs at its default settings: open, take, respond, resolve, read the feed, one transaction.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{Commands, Connection, Value, cmd, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(folder: &Path) -> (Daemon, Connection) {
    let socket = folder.join("slad.sock");
    let child = Command::new(env!("CARGO_BIN_EXE_slad"))
        .args(["serve", "--http", "127.0.0.1:0", "--socket"])
        .arg(&socket)
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut daemon = Daemon(child);
    let client = redis::Client::open(format!("unix://{}", socket.display())).unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match client.get_connection() {
            Ok(connection) => return (daemon, connection),
            Err(e) if Instant::now() > end => panic!("no answer within 30 s: {e}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
        if let Some(status) = daemon.0.try_wait().unwrap() {
            panic!("the daemon ended: {status}");
        }
    }
}

/// Sends a command written as words.
fn call(connection: &mut Connection, words: &str) -> redis::RedisResult<Value> {
    let mut words = words.split_whitespace();
    let mut command = cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query(connection)
}

fn seq(connection: &mut Connection, words: &str) -> i64 {
    match call(connection, words).unwrap() {
        Value::Int(seq) => seq,
        other => panic!("{words}: {other:?}"),
    }
}

/// The value of a name in a map of either protocol.
fn value(map: &Value, name: &str) -> Value {
    let pairs: Vec<(Value, Value)> = match map {
        Value::Map(pairs) => pairs.clone(),
        Value::Array(flat) => flat.chunks(2).map(|p| (p[0].clone(), p[1].clone())).collect(),
        other => panic!("no map: {other:?}"),
    };
    let found = pairs
        .into_iter()
        .find(|(key, _)| *key == Value::BulkString(name.into()));
    found.unwrap_or_else(|| panic!("no {name} in {map:?}")).1
}

fn text(text: &str) -> Value {
    Value::BulkString(text.into())
}

#[test]
fn the_story_of_a_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let (_daemon, mut connection) = started(folder.path());
    let c = &mut connection;
    seq(c, "QUEUE.SET rs open");
    seq(c, "AGENT.SET rs-agent queues rs skills network:5");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let due = i64::try_from(now.as_millis()).unwrap() + 3_600_000;
    let opened = seq(
        c,
        &format!("TICKET.OPEN rs-1 policy none queue rs priority P2 skills network>=3 due.resolution {due}"),
    );
    let taken = call(c, "AGENT.NEXT rs-agent").unwrap();
    assert_eq!(value(&taken, "ticket"), text("rs-1"));
    assert_eq!(value(&taken, "due"), Value::Int(due));
    let Value::Int(hold) = value(&taken, "hold") else {
        panic!("no hold in {taken:?}")
    };
    assert!(hold > opened);
    let responded = seq(c, &format!("TICKET.RESPOND rs-1 by rs-agent hold {hold}"));
    let got = call(c, "TICKET.GET rs-1").unwrap();
    assert_eq!(
        (value(&got, "state"), value(&got, "agent")),
        (text("assigned"), text("rs-agent"))
    );
    let resolved = seq(c, &format!("TICKET.RESOLVE rs-1 hold {hold}"));
    assert!(hold < responded && responded < resolved);
    assert_eq!(call(c, "AGENT.NEXT rs-agent").unwrap(), Value::Nil);

    let error = call(c, "TICKET.RESPOND rs-none").unwrap_err();
    assert_eq!(error.code(), Some("NOTFOUND"), "{error}");
    let error = call(c, "TICKET.OPEN rs-9 prioritty P1").unwrap_err();
    assert_eq!(error.code(), Some("BADARG"), "{error}");

    let read: StreamReadReply = c
        .xread_options(
            &["events:ticket:rs-1"],
            &["0"],
            &StreamReadOptions::default().count(100),
        )
        .unwrap();
    let entries = &read.keys[0].ids;
    let types: Vec<String> = entries.iter().map(|e| e.get("type").unwrap()).collect();
    assert_eq!(
        types,
        [
            "ticket.opened",
            "ticket.assigned",
            "ticket.responded",
            "ticket.resolved",
            "ticket.closed"
        ]
    );
    assert_eq!(entries[0].id, format!("{opened}-0"));
    let length: u64 = c.xlen("events").unwrap();
    assert!(length >= 7, "{length}");

    let (first, second): (i64, i64) = pipe()
        .atomic()
        .cmd("TICKET.OPEN")
        .arg(&["rs-2", "policy", "none", "queue", "rs"])
        .cmd("TICKET.CANCEL")
        .arg(&["rs-2", "as", "spam"])
        .query(c)
        .unwrap();
    assert!(second > first);
    let mut many = pipe();
    for i in 0..200 {
        many.cmd("TICKET.OPEN")
            .arg(format!("rs-p{i}"))
            .arg(&["policy", "none", "queue", "none"]);
    }
    let seqs: Vec<i64> = many.query(c).unwrap();
    assert_eq!(seqs.len(), 200);
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
}
