//! Logs of another form: whole by their checksums, and not what this program writes.

use crate::run::{copy, lives, log, segment};
use crate::support::{Daemon, Value, spawn};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where frames begin.
const DATA_START: usize = 8_192;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Offset of each events frame of a segment.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut at = DATA_START;
    let mut found = Vec::new();
    while bytes[at + 30] != 0 {
        if bytes[at + 30] == 1 {
            found.push(at);
        }
        at += (32 + u32_at(bytes, at + 16) as usize).next_multiple_of(8);
    }
    found
}

/// The root of an archived list points out of the archive, as it may for a program that lays it out otherwise.
fn bend(payload: &mut [u8]) {
    let root = payload.len() - 8;
    payload[root..root + 4].copy_from_slice(&0x0fff_fff0i32.to_le_bytes());
}

/// Bends the events of a frame; its checksums hold afterwards unless `damaged`.
fn bend_frame(file: &Path, frame: usize, damaged: bool) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = frames(&bytes)[frame];
    let end = at + 32 + u32_at(&bytes, at + 16) as usize;
    bend(&mut bytes[at + 32..end]);
    if !damaged {
        let crc = crc32c::crc32c(&bytes[at + 32..end]);
        bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        // Log, segment and offset are in the header's own.
        let salt = [&bytes[56..64], &bytes[16..24], &(at as u64).to_le_bytes()].concat();
        let crc = crc32c::crc32c_append(crc32c::crc32c(&salt), &bytes[at + 4..at + 32]);
        bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(file, bytes).unwrap();
}

/// Bends the records of a snapshot's first chunk; every checksum holds.
fn bend_snapshot(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let seq: [u8; 8] = bytes[16..24].try_into().unwrap();
    let (mut at, mut digest) = (64, 0);
    loop {
        let end = at + 24 + u32_at(&bytes, at + 8) as usize;
        let is_footer = u32_at(&bytes, at + 20) == 2;
        if at == 64 {
            bend(&mut bytes[at + 24..end]);
        }
        if is_footer {
            bytes[at + 24 + 24..at + 24 + 32].copy_from_slice(&u64::to_le_bytes(digest));
        }
        let crc = crc32c::crc32c(&bytes[at + 24..end]);
        bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32c::crc32c(&[seq, (at as u64).to_le_bytes()].concat());
        let crc = crc32c::crc32c_append(crc, &bytes[at + 4..at + 24]);
        bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
        if is_footer {
            break;
        }
        digest = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes[at..at + 8], digest);
        at = end.next_multiple_of(8);
    }
    std::fs::write(file, bytes).unwrap();
}

/// What a start over a copy of this data, which must be refused, says; its exit code.
fn refused(data: &Path) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    for entry in std::fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join("data").join(entry.file_name())).unwrap();
    }
    let mut child = spawn(folder.path(), &["--virtual-clock".to_owned()]);
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let said = std::fs::read_to_string(folder.path().join("log")).unwrap();
            return (status.code().unwrap_or(-1), said);
        }
        if started.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("it runs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn written() -> Daemon {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    lives(&mut client, "t", 0, 30);
    // Each commit says that what was before it is synced.
    for n in 0..3 {
        client.say(&format!("TICKET.SET t-1 attr.n {n}"));
    }
    daemon
}

const FORM: &str = "written in a form that this slad does not read";
const REMEDY: &str = "nothing is damaged: start the version of slad that wrote it";

#[test]
fn a_log_of_another_form_is_no_damaged_one() {
    let mut daemon = written();
    daemon.kill();
    let foreign = copy(&daemon.data());
    bend_frame(&segment(foreign.path(), 1), 40, false);
    let (code, said) = refused(foreign.path());
    assert!(
        code == 4 && said.contains(FORM) && said.contains(REMEDY),
        "{code} {said}"
    );
    assert!(said.contains("log-0000000000000001.slad: offset "), "{said}");
    let verified = log("verify", foreign.path(), &[]).ends(4);
    verified
        .says(FORM)
        .says("NOT READ")
        .says("not read: ")
        .says("at a start: refused with exit code 4: this program does not read it")
        .says("possible: the version of slad that wrote it");
    let shown = format!("{verified:?}");
    assert!(
        !shown.contains("damage: ") && !shown.contains("DAMAGED") && !shown.contains("truncate-at"),
        "{shown}"
    );
    let json = log("verify", foreign.path(), &["--output", "json"])
        .ends(4)
        .json();
    let problem = &json["segments"][0]["problems"][0];
    assert_eq!(
        (&problem["damage"], &problem["stops_start"]),
        (&false.into(), &true.into()),
        "{problem}"
    );
    log("cat", foreign.path(), &[]).ends(4).says(FORM);
    log("export", foreign.path(), &["--format", "jsonl"])
        .ends(4)
        .says(FORM);

    // The same bytes where the checksum does not hold are damage as ever.
    let damaged = copy(&daemon.data());
    bend_frame(&segment(damaged.path(), 1), 40, true);
    let (code, said) = refused(damaged.path());
    assert!(code == 4 && !said.contains(FORM), "{code} {said}");
    assert!(said.contains("this is damage, not a torn tail"), "{said}");
    log("verify", damaged.path(), &[])
        .ends(4)
        .says("DAMAGED")
        .says("damage: ");
}

#[test]
fn a_snapshot_of_another_form_is_passed_over_where_the_log_is_whole() {
    let mut daemon = written();
    let mut client = daemon.client();
    assert!(client.say("SNAPSHOT").int() > 0);
    let count = client.say("TICKET.COUNT");
    daemon.kill();
    let entries = std::fs::read_dir(daemon.data()).unwrap();
    let mut files = entries.map(|e| e.unwrap().path());
    let is_snapshot = |path: &std::path::PathBuf| path.to_string_lossy().contains("snapshot-");
    let snapshot = files.find(is_snapshot).unwrap();
    bend_snapshot(&snapshot);
    log("verify", &daemon.data(), &[])
        .ends(4)
        .says("NOT READ")
        .says(FORM);
    daemon.restart();
    assert_eq!(daemon.client().say("TICKET.COUNT"), count);
    assert!(matches!(count, Value::Int(n) if n > 0));
    assert!(
        daemon
            .log()
            .contains("it is of a form that this slad does not read"),
        "{}",
        daemon.log()
    );
}
