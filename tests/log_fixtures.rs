//! Directories written by released versions stay readable, byte for byte and event for event.
//!
//! `SLAD_WRITE_FIXTURES=1 cargo test --test log_fixtures` writes the current version's anew: only before its release.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as loudly as tests do")]

#[path = "common/events.rs"]
mod events;

use slad::journal::{Batch, Config, SnapshotWriter, SyncPolicy, disk::RealDisk, open};
use slad::model::record::{QueueRecord, Record};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CONFIG: Config = Config {
    segment_bytes: 1 << 20,
    sync: SyncPolicy::Interval,
    log_id: 0x0123_4567_89ab_cdef,
    boot_id: *b"boot-of-fixtures",
};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/log-v1")
}

fn record() -> Record {
    Record::Queue(Box::new(QueueRecord {
        tenant: 0,
        queue: "billing".into(),
        seq: 3,
    }))
}

/// Writes the log that the fixture holds.
fn write(dir: &Path) {
    let disk = Arc::new(RealDisk::new(dir, std::process::id()).unwrap());
    let mut writer = open(disk.clone(), CONFIG).unwrap().into_writer().unwrap();
    let mut batch = Batch::new();
    let all = events::one_of_each();
    let mut seq = 1;
    // Frames of one, two, three … events, so that the fixture has several shapes of them.
    for size in 1.. {
        let frame: Vec<_> = all.iter().skip(seq - 1).take(size).cloned().collect();
        if frame.is_empty() {
            break;
        }
        batch.push(seq as u64, &frame).unwrap();
        writer.append(&mut batch).unwrap();
        writer.sync().unwrap();
        batch.clear();
        seq += frame.len();
    }
    writer.close().unwrap();
    let mut snapshot = SnapshotWriter::create(disk, CONFIG.log_id, 5, 1, 1_767_225_600_000).unwrap();
    snapshot.chunk(&[record()]).unwrap();
    snapshot.finish(0xfeed).unwrap();
}

/// Files by name. Trailing zeros are not stored: a segment is mostly zeros.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "slad"))
        .map(|p| {
            (
                p.file_name().unwrap().to_str().unwrap().to_owned(),
                trimmed(std::fs::read(&p).unwrap()),
            )
        })
        .collect()
}

fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |n| n + 1);
    bytes.truncate(end);
    bytes
}

/// A working copy of the fixture, segments at their full length.
fn unpacked() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, mut bytes) in files(&fixture()) {
        let full = if name.starts_with("log-") {
            1 << 20
        } else {
            bytes.len().next_multiple_of(8)
        };
        bytes.resize(full, 0);
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

#[test]
fn version_1_is_still_written_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let now = files(dir.path());
    if std::env::var_os("SLAD_WRITE_FIXTURES").is_some() {
        for (name, bytes) in &now {
            std::fs::write(fixture().join(name), bytes).unwrap();
        }
    }
    let stored = files(&fixture());
    assert_eq!(now.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
    for (name, bytes) in &stored {
        let first = (0..bytes.len()).find(|n| now[name].get(*n) != bytes.get(*n));
        assert_eq!((now[name].len(), first), (bytes.len(), None), "{name} differs");
    }
}

#[test]
fn version_1_still_says_what_it_said() {
    let dir = unpacked();
    let log = open(
        Arc::new(RealDisk::new(dir.path(), std::process::id()).unwrap()),
        CONFIG,
    )
    .unwrap();
    assert_eq!(log.recovery(), None);
    assert_eq!(log.log_id(), CONFIG.log_id);
    let expected = events::one_of_each();
    let mut found = Vec::new();
    log.replay(0, |_, event| {
        found.push(event);
        Ok(())
    })
    .unwrap();
    assert_eq!(found.len(), expected.len());
    for (n, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "event {n}");
    }
    let snapshot = log.snapshot().unwrap();
    assert_eq!(
        (snapshot.info().seq, snapshot.info().state_hash.value),
        (5, 0xfeed)
    );
    let mut records = Vec::new();
    snapshot
        .records(|r| {
            records.push(r);
            Ok(())
        })
        .unwrap();
    assert_eq!(records, [record()]);
    // And it can be written on.
    let mut writer = log.into_writer().unwrap();
    let mut batch = Batch::new();
    batch.push(writer.next_seq(), &expected[..1]).unwrap();
    writer.append(&mut batch).unwrap();
    writer.close().unwrap();
}
