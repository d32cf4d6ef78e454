//! What stays: over an orderly end, over kill -9, over a snapshot.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use slad::journal::disk::RealDisk;
use slad::journal::{Config, SnapshotWriter};
use std::io::Write;
use std::sync::Arc;
use support::{Daemon, Value, encode};

fn hash(daemon: &Daemon) -> String {
    let info = daemon.client().say("INFO persistence");
    let line = info
        .text()
        .lines()
        .find(|l| l.starts_with("state_hash:"))
        .unwrap();
    line.to_owned()
}

fn some_life(daemon: &Daemon, prefix: &str) {
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 1000 skills net:5");
    for n in 0..50 {
        client.say(&format!("TICKET.OPEN {prefix}{n} policy none skills net"));
    }
    for n in 0..30 {
        client.say("AGENT.NEXT a1");
        client.say(&format!("TICKET.RESPOND {prefix}{n}"));
    }
    for n in 0..10 {
        client.say(&format!("TICKET.RESOLVE {prefix}{n}"));
    }
}

#[test]
fn an_orderly_end_keeps_everything() {
    let mut daemon = Daemon::start(&["--virtual-clock"]);
    some_life(&daemon, "t");
    let before = hash(&daemon);
    let seq = daemon.client().say("XLEN events").int();
    assert_eq!(daemon.stop(), 0, "{}", daemon.log());
    assert!(!daemon.socket().exists());
    daemon.restart();
    assert_eq!(hash(&daemon), before);
    assert_eq!(
        daemon.client().say("XLEN events").int(),
        seq,
        "a restart is no fact"
    );
    let next = daemon.client().say("TICKET.OPEN new policy none").int();
    assert_eq!(next, seq + 1);
    daemon.client().send(&["SHUTDOWN"]);
    assert_eq!(daemon.ended(), 0, "{}", daemon.log());
}

#[test]
fn a_restart_from_a_snapshot_is_the_same() {
    let mut daemon = Daemon::start(&["--virtual-clock"]);
    some_life(&daemon, "t");
    let mut client = daemon.client();
    let taken = client.say("SNAPSHOT").int();
    let info = client.say("INFO persistence");
    assert!(
        info.text().contains(&format!("snapshot_seq:{}\r\n", taken - 1)),
        "{}",
        info.text()
    );
    some_life(&daemon, "u");
    let before = hash(&daemon);
    daemon.kill();
    daemon.restart();
    assert_eq!(hash(&daemon), before);
    let log = daemon.log();
    let loaded = log.lines().rfind(|l| l.contains("loaded")).unwrap();
    assert!(!loaded.contains("snapshot_seq=0"), "{loaded}");
    assert_eq!(
        daemon.client().say("TICKET.GET u45").get("state").text(),
        "waiting"
    );
}

/// A number of INFO.
fn figure(daemon: &Daemon, name: &str) -> i64 {
    let info = daemon.client().say("INFO persistence");
    let found = info
        .text()
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(':')?.parse().ok());
    found.unwrap()
}

#[test]
fn the_interval_of_syncs_is_the_configured_one() {
    let daemon = Daemon::start(&["--sync", "interval", "--set", "sync_interval=1h"]);
    let seq = daemon.client().say("TICKET.OPEN t policy none").int();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(figure(&daemon, "written_seq"), seq);
    assert!(figure(&daemon, "durable_seq") < seq, "synced after half a second");
    drop(daemon);
    let daemon = Daemon::start(&["--sync", "interval", "--set", "sync_interval=5ms"]);
    let seq = daemon.client().say("TICKET.OPEN t policy none").int();
    let started = std::time::Instant::now();
    while figure(&daemon, "durable_seq") < seq {
        assert!(started.elapsed().as_secs() < 10, "never synced");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn as_many_snapshots_are_kept_as_configured() {
    let daemon = Daemon::start(&["--virtual-clock", "--set", "snapshot.keep=3"]);
    let mut client = daemon.client();
    for n in 1..=5 {
        client.say(&format!("TICKET.OPEN t{n} policy none"));
        client.say("SNAPSHOT").int();
        let files = std::fs::read_dir(daemon.data()).unwrap();
        let names = files.map(|f| f.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|f| f.starts_with("snapshot-")).count(), n.min(3));
    }
}

#[test]
fn kill_9_keeps_every_acknowledged_fact_dense() {
    for sync in ["always", "interval", "never"] {
        let mut daemon = Daemon::start(&["--virtual-clock", "--sync", sync]);
        let mut next = 0;
        for round in 0..4 {
            let mut client = daemon.client();
            let mut bytes = Vec::new();
            for n in 0..3_000 {
                bytes.extend(encode(&[
                    "TICKET.OPEN",
                    &format!("r{round}-{n}"),
                    "policy",
                    "none",
                ]));
            }
            let mut writer = client.stream.try_clone().unwrap();
            let sending = std::thread::spawn(move || writer.write_all(&bytes));
            let mut acknowledged = Vec::new();
            let stop_at = 100 + 700 * round;
            while acknowledged.len() < stop_at {
                acknowledged.push(client.reply().int());
            }
            daemon.kill();
            while let Ok(Value::Int(seq)) = client.try_reply() {
                acknowledged.push(seq);
            }
            let _ = sending.join().unwrap();
            daemon.restart();
            let mut client = daemon.client();
            let first = acknowledged[0];
            assert!(first > next, "no seq is used twice");
            for (n, seq) in acknowledged.iter().enumerate() {
                assert_eq!(*seq, first + n as i64, "{sync}: dense");
            }
            for (n, seq) in acknowledged.iter().enumerate().step_by(97) {
                let entry = client.say(&format!("XRANGE events {seq} {seq}"));
                let fields = &entry.list()[0].list()[1];
                assert_eq!(fields.get("ticket").text(), format!("r{round}-{n}"));
                let id = format!("r{round}-{n}");
                assert_eq!(client.cmd(&["TICKET.GET", &id]).get("opened_seq").int(), *seq);
            }
            next = client.say("XLEN events").int();
            assert!(
                next >= *acknowledged.last().unwrap(),
                "{sync}: an acknowledged fact is gone"
            );
        }
    }
}

#[test]
fn two_daemons_never_share_a_log() {
    let mut daemon = Daemon::start(&["--virtual-clock"]);
    let folder = tempfile::tempdir().unwrap();
    let data = daemon.data().display().to_string();
    let second = |socket: &str| {
        let mut child = support::spawn(
            folder.path(),
            &[
                "--set".to_owned(),
                format!("data={data}"),
                "--set".to_owned(),
                format!("socket={socket}"),
            ],
        );
        child.wait().unwrap().code()
    };
    assert_eq!(second("other"), Some(5));
    assert_eq!(second(&daemon.socket().display().to_string()), Some(5));
    assert_eq!(daemon.client().say("PING").text(), "PONG");
    assert_eq!(daemon.stop(), 0);
}

/// A snapshot whose checksums hold and whose state is another one, of the log's last seq.
fn bad_snapshot(daemon: &Daemon) -> u64 {
    let disk = Arc::new(RealDisk::new(&daemon.data(), 1).unwrap());
    let config = Config {
        segment_bytes: 1 << 20,
        ..Config::default()
    };
    let opened = slad::journal::open(disk.clone(), config).unwrap();
    let seq = opened.last_seq();
    let writer = SnapshotWriter::create(disk, opened.log_id(), seq, opened.epoch(), 0).unwrap();
    writer.finish(0xBAD).unwrap();
    seq
}

#[test]
fn a_snapshot_of_another_state_costs_time_and_not_the_start() {
    let mut daemon = Daemon::start(&["--virtual-clock"]);
    some_life(&daemon, "t");
    let taken = daemon.client().say("SNAPSHOT").int();
    some_life(&daemon, "u");
    let before = hash(&daemon);
    assert_eq!(daemon.stop(), 0);
    let bad = bad_snapshot(&daemon);
    daemon.restart();
    assert_eq!(hash(&daemon), before, "from the snapshot before");
    let log = daemon.log();
    let said = log.lines().rfind(|l| l.contains("passed over")).unwrap();
    assert!(said.contains(&format!("seq {bad}")), "{said}");
    assert!(
        log.contains(&format!("snapshot_seq={} ", taken - 1)),
        "{taken}: {log}"
    );
    assert_eq!(daemon.stop(), 0);
    for file in std::fs::read_dir(daemon.data()).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("snapshot-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    bad_snapshot(&daemon);
    daemon.restart();
    assert_eq!(hash(&daemon), before, "from the log alone");
    let log = daemon.log();
    let loaded = log.lines().rfind(|l| l.contains("loaded")).unwrap();
    assert!(loaded.contains("snapshot_seq=0"), "{loaded}");
    daemon.client().say("TICKET.OPEN new policy none").int();
}

#[test]
fn a_replay_that_comes_out_otherwise_is_refused() {
    let mut daemon = Daemon::start(&["--virtual-clock", "--set", "state_hash_every_events=10"]);
    some_life(&daemon, "t");
    let before = hash(&daemon);
    assert_eq!(daemon.stop(), 0);
    daemon.restart();
    assert_eq!(hash(&daemon), before);
    let log = daemon.log();
    let loaded = log.lines().rfind(|l| l.contains("loaded")).unwrap();
    let hashes = loaded.split("hashes=").nth(1).unwrap();
    let hashes: u64 = hashes.split(' ').next().unwrap().parse().unwrap();
    assert!(hashes >= 8, "proven on the way: {loaded}");
    assert_eq!(daemon.stop(), 0);

    let disk = Arc::new(RealDisk::new(&daemon.data(), 1).unwrap());
    let config = Config {
        segment_bytes: 1 << 20,
        ..Config::default()
    };
    let mut writer = slad::journal::open(disk, config).unwrap().into_writer().unwrap();
    let mut batch = slad::journal::Batch::new();
    let seq = writer.next_seq();
    let jump = slad::model::clock::ClockJumped::advanced(1, 2);
    let event = slad::model::event::Event {
        at: 2_000_000_000_000,
        logged_at: 2_000_000_000_000,
        cause: 0,
        tenant: 0,
        body: slad::model::event::Body::ClockJumped(jump),
    };
    batch.push(seq, &[event]).unwrap();
    batch.push_state_hash(0xBAD);
    writer.append(&mut batch).unwrap();
    writer.close().unwrap();
    let folder = daemon.data().parent().unwrap().to_path_buf();
    let mut again = support::spawn(&folder, &["--virtual-clock".to_owned()]);
    assert_eq!(again.wait().unwrap().code(), Some(4));
    let log = daemon.log();
    assert!(
        log.contains(&format!("seq {seq}: the replay gives state")),
        "{log}"
    );
}

#[test]
fn a_snapshot_asked_for_while_another_runs_is_answered() {
    let daemon = Daemon::start(&["--set", "snapshot.every_events=500"]);
    let mut load = daemon.client();
    let mut bytes = Vec::new();
    for n in 0..6_000 {
        bytes.extend(encode(&["TICKET.OPEN", &format!("t{n}"), "policy", "none"]));
    }
    let mut sender = load.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || sender.write_all(&bytes).unwrap());
    // Automatic ones follow one another meanwhile: each of these meets one sooner or later.
    for _ in 0..5 {
        let taken = daemon.client().say("SNAPSHOT").int();
        assert!(taken > 0);
    }
    for _ in 0..6_000 {
        load.reply().int();
    }
    sending.join().unwrap();
    daemon.client().say("SNAPSHOT").int();
}
