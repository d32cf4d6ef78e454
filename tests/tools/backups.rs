//! `slad backup` and `slad restore`.

use crate::feed::read;
use crate::run::{OFTEN, flip, info, lives, log, segment, slad, stopped, text};
use crate::support::{Client, Daemon};
use slad::journal::SnapshotWriter;
use slad::journal::disk::RealDisk;
use slad::journal::offline::{ReadOnlyDisk, View};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

fn backup(daemon: &Daemon, to: &Path, more: &[&str]) -> crate::run::Ran {
    let socket = daemon.socket();
    let mut args = vec!["backup", "--socket", text(&socket), "--to", text(to)];
    args.extend(more);
    slad(&args)
}

fn restore(from: &Path, more: &[&str]) -> crate::run::Ran {
    let mut args = vec!["restore", text(from)];
    args.extend(more);
    slad(&args)
}

/// What a stopped folder comes to: last seq, state hash.
fn state(data: &Path) -> (u64, String) {
    let replay = log("verify", data, &["--output", "json"]).ends(0).json()["replay"].clone();
    (
        replay["seq"].as_u64().unwrap(),
        replay["state_hash"].as_str().unwrap().to_owned(),
    )
}

/// A daemon over a folder that was restored; its first words, after what it had.
fn started(
    data: &Path,
    after: u64,
) -> (
    tempfile::TempDir,
    std::process::Child,
    Client,
    Vec<crate::feed::Entry>,
) {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(data, folder.path().join("data")).unwrap();
    let child = crate::support::spawn(folder.path(), &[]);
    let socket = folder.path().join("s");
    let began = std::time::Instant::now();
    let mut client = loop {
        if let Ok(stream) = std::os::unix::net::UnixStream::connect(&socket) {
            drop(stream);
            break Client::connect(&socket);
        }
        assert!(
            began.elapsed().as_secs() < 20,
            "{:?}",
            std::fs::read_to_string(folder.path().join("log"))
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    client.cmd(&["TICKET.COUNT"]).int();
    let entries = read(&mut client, "events", &format!("({after}"));
    (folder, child, client, entries)
}

#[test]
fn a_backup_under_load_restores_to_the_same_state() {
    let daemon = Daemon::start(&OFTEN);
    lives(&mut daemon.client(), "t", 0, 3000);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = daemon.client();
            let mut n = 0;
            while !stop.load(Relaxed) {
                lives(&mut client, "load", n, n + 50);
                n += 50;
            }
        });
        for round in 0..4 {
            let ran = backup(&daemon, &to, &[]);
            if round == 3 || ran.code != 0 {
                stop.store(true, Relaxed);
            }
            let ran = ran.ends(0);
            if round > 0 {
                let there = ran
                    .out
                    .split(" copied (")
                    .nth(1)
                    .unwrap()
                    .split(", ")
                    .nth(1)
                    .unwrap();
                let there: u64 = there.split(' ').next().unwrap().parse().unwrap();
                assert!(there >= 1, "sealed segments are not copied again: {ran:?}");
            }
        }
    });
    let (seq, hash) = state(&to);
    // The log itself gives the same state at that seq.
    let checked = restore(&daemon.data(), &["--verify", "--until", &seq.to_string()]).ends(0);
    checked
        .says(&format!("after seq {seq}:"))
        .says(&format!("state {hash}"));
    let back = folder.path().join("back");
    restore(&to, &["--data", text(&back)])
        .ends(0)
        .says("restored and checked");
    assert_eq!(state(&back), (seq, hash.clone()));
    let (_place, mut child, mut client, entries) = started(&back, seq);
    assert_eq!(info(&mut client, "state_hash"), hash);
    assert_eq!(entries[0].kind(), "log.recovered");
    assert_eq!(entries[0].int("lost_from") as u64, seq + 1);
    assert_eq!(entries[0].int("lost_to") as u64, seq + (1 << 32));
    assert_eq!(entries[0].seq as u64, seq + (1 << 32) + 1);
    lives(&mut client, "new", 0, 10);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_restore_until_a_seq_or_a_time_ends_there() {
    let mut daemon = Daemon::start(&OFTEN);
    let mut client = daemon.client();
    lives(&mut client, "t", 0, 1500);
    client.cmd(&["SNAPSHOT"]).int();
    // One frame of three events.
    for line in [
        "MULTI",
        "TICKET.OPEN m1 policy none",
        "TICKET.OPEN m2 policy none",
        "TICKET.OPEN m3 policy none",
    ] {
        client.say(line);
    }
    let three: Vec<u64> = client.say("EXEC").list().iter().map(|v| v.int() as u64).collect();
    let (mid, mid_hash) = (three[2], info(&mut client, "state_hash"));
    std::thread::sleep(std::time::Duration::from_millis(20));
    let at = read(&mut client, "events:ticket:m3", "-")[0].int("at");
    lives(&mut client, "late", 0, 1500);
    daemon.stop();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    slad(&["backup", "--data", text(&daemon.data()), "--to", text(&to)]).ends(0);
    let (last, _) = state(&to);
    let dir = |name: &str| folder.path().join(name);
    for (name, until, ends) in [
        ("seq", mid.to_string(), mid),
        ("time", (at + 10).to_string(), mid),
        ("inside", three[1].to_string(), three[0] - 1),
    ] {
        let data = dir(name);
        restore(&to, &["--data", text(&data), "--until", &until])
            .ends(0)
            .says(&format!("it will end after seq {ends}"));
        let (seq, hash) = state(&data);
        assert_eq!(seq, ends, "{name}");
        if ends == mid {
            assert_eq!(hash, mid_hash);
        }
        let (_place, mut child, mut client, entries) = started(&data, ends);
        assert_eq!(entries[0].kind(), "log.recovered");
        assert_eq!(entries[0].int("lost_from") as u64, ends + 1);
        assert_eq!(
            entries[0].int("lost_to") as u64,
            last + (1 << 32),
            "nothing that was shown is numbered again"
        );
        assert_eq!(
            info(&mut client, "state_hash"),
            if ends == mid { mid_hash.clone() } else { hash }
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Somebody knows how far the daemon came.
    let exact = dir("exact");
    restore(&to, &["--data", text(&exact), "--shown-to", &last.to_string()]).ends(0);
    let (_place, mut child, mut client, entries) = started(&exact, last);
    assert!(entries.iter().all(|e| e.kind() != "log.recovered"), "{entries:?}");
    assert_eq!(
        client.say("TICKET.OPEN on policy none").int() as u64,
        last + 1 + entries.len() as u64
    );
    child.kill().unwrap();
    child.wait().unwrap();
    restore(&to, &["--data", text(&exact)])
        .ends(2)
        .says("is not empty");
    for (flags, says) in [
        (vec!["--until", "0"], "before the first event"),
        (vec!["--until", "2001-09-09T01:46:40Z"], "before the first event"),
        (
            vec!["--until", "99999999"],
            "can be restored up to any seq from 1 to",
        ),
        (vec!["--until", "soon"], "RFC 3339"),
        (vec!["--shown-to", "5"], "give that or a later one"),
        (
            vec!["--shown-to", "18446744073709551615"],
            "give 9223372036854775807 or an earlier one",
        ),
    ] {
        let mut args = vec!["--verify"];
        args.extend(flags);
        restore(&to, &args).ends(2).says(says);
    }
    restore(&to, &[]).ends(2).says("--data");
    restore(folder.path(), &["--verify"])
        .ends(1)
        .says("there is no log in it");
}

#[test]
fn a_second_backup_copies_what_is_new() {
    let mut daemon = Daemon::start(&OFTEN);
    lives(&mut daemon.client(), "t", 0, 3000);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    backup(&daemon, &to, &["--no-snapshot"])
        .ends(0)
        .says("0 segments were there")
        .says(" and 0 snapshots");
    let of = |id| std::fs::metadata(segment(&to, id)).unwrap().modified().unwrap();
    let (first, sealed) = (of(1), std::fs::read(segment(&to, 1)).unwrap());
    lives(&mut daemon.client(), "u", 0, 1500);
    backup(&daemon, &to, &["--quick"])
        .ends(0)
        .says(" and 1 snapshots");
    assert_eq!((of(1), std::fs::read(segment(&to, 1)).unwrap()), (first, sealed));
    let (seq, hash) = state(&to);
    // A stopped daemon's folder needs no socket.
    daemon.stop();
    slad(&["backup", "--data", text(&daemon.data()), "--to", text(&to)])
        .ends(0)
        .says(&hash);
    assert!(state(&to).0 >= seq);
    // A file that is gone from the log stays until it is told otherwise.
    let old = std::fs::read_dir(daemon.data())
        .unwrap()
        .map(|e| e.unwrap().path());
    let snapshot = old.filter(|p| text(p).contains("snapshot-")).min().unwrap();
    std::fs::remove_file(&snapshot).unwrap();
    let again = |more: &[&str]| {
        let data = daemon.data();
        let mut args = vec!["backup", "--data", text(&data), "--to", text(&to)];
        args.extend(more);
        slad(&args)
    };
    again(&[])
        .ends(0)
        .says("1 files are kept that the log no longer has");
    again(&["--prune"]).ends(0).says("1 files removed");
    assert!(!to.join(snapshot.file_name().unwrap()).exists());
}

#[test]
fn a_damaged_backup_says_what_it_still_gives() {
    let daemon = stopped(3000);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    slad(&["backup", "--data", text(&daemon.data()), "--to", text(&to)]).ends(0);
    for (id, offset) in [(1, 700_000), (u64::MAX, 20_000)] {
        let json = log("verify", &to, &["--output", "json"]).ends(0).json();
        let id = id.min(json["segments"].as_array().unwrap().len() as u64);
        flip(&segment(&to, id), offset);
        let failed = restore(&to, &["--verify"]).ends(4);
        let until = failed.err.trim().rsplit("--until ").next().unwrap().to_owned();
        let data = folder.path().join(format!("back-{id}"));
        restore(&to, &["--data", text(&data)]).ends(4);
        assert!(!data.exists(), "nothing is written of what is damaged");
        restore(&to, &["--data", text(&data), "--until", &until]).ends(0);
        assert_eq!(state(&data).0.to_string(), until);
        flip(&segment(&to, id), offset);
    }
}

/// Writes a snapshot again, whole, that says another state than it gives.
fn lie(data: &Path, seq: u64) {
    let read = Arc::new(ReadOnlyDisk::new(data).unwrap());
    let view = View::open(read, [0; 16]).unwrap();
    let found = view.snapshots().map(|s| s.unwrap()).find(|s| s.info().seq == seq);
    let found = found.unwrap();
    let mut records = Vec::new();
    found
        .records(|record| {
            records.push(record);
            Ok(())
        })
        .unwrap();
    let info = found.info();
    let disk = Arc::new(RealDisk::new(data, std::process::id()).unwrap());
    let mut writer = SnapshotWriter::create(disk, view.log_id(), seq, info.epoch, info.at).unwrap();
    writer.chunk(&records).unwrap();
    writer.finish(info.state_hash.value ^ 1).unwrap();
}

#[test]
fn a_snapshot_of_a_wrong_state_is_told_and_left_out() {
    let mut daemon = Daemon::start(&OFTEN);
    let mut client = daemon.client();
    let mut seqs = Vec::new();
    for n in 0..3 {
        lives(&mut client, &format!("t{n}"), 0, 100);
        seqs.push(client.cmd(&["SNAPSHOT"]).int() as u64);
    }
    daemon.stop();
    let data = daemon.data();
    let (last, hash) = state(&data);
    let view = View::open(Arc::new(ReadOnlyDisk::new(&data).unwrap()), [0; 16]).unwrap();
    let newest = view.snapshots().next().unwrap().unwrap().info().seq;
    lie(&data, newest);
    let name = format!("snapshot-{newest:020}.slad");
    let verified = log("verify", &data, &["--output", "json"]).ends(4).json();
    assert_eq!(verified["replay"]["state_hash"], hash, "the replay goes on");
    let snapshots = verified["snapshots"].as_array().unwrap();
    let wrong: Vec<&serde_json::Value> = snapshots.iter().filter(|s| !s["problem"].is_null()).collect();
    assert!(
        wrong.len() == 1 && wrong[0]["file"] == *name && snapshots.len() > 1,
        "{verified}"
    );
    log("verify", &data, &[])
        .ends(4)
        .says("DAMAGED")
        .says("passed over");
    let folder = tempfile::tempdir().unwrap();
    let back = folder.path().join("back");
    restore(&data, &["--data", text(&back), "--shown-to", &last.to_string()])
        .ends(0)
        .says("left out");
    assert!(!back.join(&name).exists());
    assert_eq!(state(&back), (last, hash), "what was restored is whole");
}

#[test]
fn what_is_no_place_for_a_backup_is_refused() {
    let mut daemon = Daemon::start(&[]);
    lives(&mut daemon.client(), "t", 0, 50);
    let (data, folder) = (daemon.data(), tempfile::tempdir().unwrap());
    let to = folder.path().join("backup");
    backup(&daemon, &data, &[])
        .ends(2)
        .says("the folder of the log itself");
    slad(&["backup", "--data", text(&data), "--to", text(&to)])
        .ends(5)
        .says("give its --socket");
    slad(&[
        "backup",
        "--socket",
        text(&folder.path().join("none")),
        "--to",
        text(&to),
    ])
    .ends(1)
    .says("--data");
    slad(&["backup", "--to", text(&to), "--bogus"]).ends(2);
    slad(&["backup"]).ends(2).says("--to");
    let stranger = folder.path().join("stranger");
    std::fs::create_dir(&stranger).unwrap();
    std::fs::write(stranger.join("diary.txt"), "dear diary").unwrap();
    backup(&daemon, &stranger, &[]).ends(2).says("diary.txt");
    backup(&daemon, &to, &[]).ends(0);
    let other = stopped(50);
    slad(&["backup", "--data", text(&other.data()), "--to", text(&to)])
        .ends(2)
        .says("another log");
    slad(&["backup", "--data", text(&other.data()), "--to", text(&data)])
        .ends(2)
        .says("a daemon's folder");
    // A log that went another way does not go over its old backup.
    lives(&mut daemon.client(), "u", 0, 3000);
    backup(&daemon, &to, &[]).ends(0);
    daemon.stop();
    log("repair", &data, &["--truncate-at-seq", "60"]).ends(0);
    slad(&["backup", "--data", text(&data), "--to", text(&to)])
        .ends(2)
        .says("give an empty folder");
    // A folder whose restore was broken off is no log.
    let half = folder.path().join("half");
    restore(&to, &["--data", text(&half)]).ends(0);
    std::fs::write(half.join("restoring"), "").unwrap();
    log("verify", &half, &[]).ends(4).says("was not finished");
    slad(&[
        "serve",
        "--data",
        text(&half),
        "--socket",
        text(&folder.path().join("s")),
        "--http",
        "",
    ])
    .ends(4)
    .says("was not finished");
}
