//! `slad log repair`: then start, then `log.recovered`.

use crate::feed::read;
use crate::run::{copy, flip, lives, log, segment, stopped};
use crate::support::Daemon;
use std::path::Path;

/// Files of a folder and what is in them.
fn contents(data: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(data)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| {
            (
                e.file_name().into_string().unwrap(),
                std::fs::read(e.path()).unwrap(),
            )
        })
        .filter(|(name, _)| name != "LOCK")
        .collect();
    found.sort();
    found
}

#[test]
fn a_damaged_log_is_cut_started_and_tells_it() {
    let mut daemon = stopped(3000);
    let data = daemon.data();
    let before = log("verify", &data, &["--output", "json"]).ends(0).json();
    let last = before["last_seq"].as_u64().unwrap();
    flip(&segment(&data, 2), 300_003);
    let json = log("verify", &data, &["--output", "json"]).ends(4).json();
    let bad = &json["segments"][1];
    let possible = bad["problems"][0]["possible"].as_str().unwrap();
    // What verify proposes is what repair takes.
    let place = possible.split("--truncate-at ").nth(1).unwrap().to_owned();
    let kept = bad["last_seq"].as_u64().unwrap();
    let untouched = contents(&data);
    let dry = log("repair", &data, &["--truncate-at", &place, "--dry-run"]).ends(0);
    dry.says(&format!("after seq {kept}"))
        .says(&format!("seqs {} to {last}", kept + 1))
        .says("would be kept in torn-");
    assert_eq!(contents(&data), untouched, "a dry run changes nothing");
    log("repair", &data, &["--truncate-at", &place])
        .ends(0)
        .says("is kept in torn-")
        .says("set aside as torn-log-");
    let after = log("verify", &data, &["--output", "json"]).ends(0).json();
    assert_eq!(
        (&after["whole"], &after["last_seq"]),
        (&true.into(), &kept.into())
    );
    daemon.restart();
    let mut client = daemon.client();
    let tail = read(&mut client, "events", &format!("({kept}"));
    assert_eq!(tail[0].kind(), "log.recovered");
    assert_eq!(
        (tail[0].int("lost_from"), tail[0].int("lost_to")),
        (kept as i64 + 1, last as i64)
    );
    assert_eq!((tail[0].seq, tail[0].int("epoch")), (last as i64 + 1, 2));
    lives(&mut client, "again", 0, 100);
    daemon.stop();
    daemon.restart();
    daemon.stop();
    log("verify", &data, &[]).ends(0).says("the log is whole");
}

#[test]
fn a_cut_by_seq_takes_snapshots_with_it() {
    let mut daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    lives(&mut client, "t", 0, 100);
    client.cmd(&["SNAPSHOT"]).int();
    daemon.stop();
    let data = daemon.data();
    log("repair", &data, &["--truncate-at-seq", "50"])
        .ends(0)
        .says("torn-snapshot-")
        .says("after seq 50");
    let json = log("verify", &data, &["--output", "json"]).ends(0).json();
    assert_eq!(
        (&json["last_seq"], &json["snapshots"].as_array().unwrap().len()),
        (&50.into(), &0)
    );
    daemon.restart();
    assert_eq!(
        read(&mut daemon.client(), "events", "(50")[0].kind(),
        "log.recovered"
    );
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut daemon = Daemon::start(&[]);
    lives(&mut daemon.client(), "t", 0, 50);
    let data = daemon.data();
    log("repair", &data, &["--truncate-at", "1:8192"])
        .ends(5)
        .says("is in use by process");
    daemon.stop();
    let copied = copy(&data);
    let untouched = contents(copied.path());
    let last = log("verify", copied.path(), &["--output", "json"]).ends(0).json()["last_seq"]
        .as_u64()
        .unwrap();
    for (flag, place, says) in [
        ("--truncate-at", "7:8192", "there is no segment 7"),
        (
            "--truncate-at",
            "1:8200",
            "lies inside a frame: the nearest are 1:8192",
        ),
        ("--truncate-at", "1:0", "frames begin at offset 8192"),
        ("--truncate-at", "1:900000", "behind the last whole frame"),
        ("--truncate-at-seq", "900000", "end at offset"),
        ("--truncate-at-seq", &last.to_string(), "nothing lies behind it"),
    ] {
        log("repair", copied.path(), &[flag, place]).ends(2).says(says);
    }
    assert_eq!(contents(copied.path()), untouched);
    let none = copied.path().join("none");
    log("repair", &none, &["--truncate-at", "1:8192"]).ends(1);
    assert!(!none.exists());
}
