//! Directories written by released versions stay readable, byte for byte and event for event.
//!
//! `SLAD_WRITE_FIXTURES=1 cargo test --test log_fixtures` writes the current version's anew: only before its release.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as loudly as tests do")]

#[path = "common/events.rs"]
mod events;

use slad::journal::disk::RealDisk;
use slad::journal::{Batch, Config, Reader, SnapshotWriter, Stored, SyncPolicy, Wanted, Writer, open};
use slad::model::Text;
use slad::model::command::{EntryId, FeedKey};
use slad::model::event::Event;
use slad::model::record::{QueueRecord, Record};
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CONFIG: Config = Config {
    segment_bytes: 16 << 10,
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

/// What the state "hashes" to after a seq; the log takes any number.
fn hash_after(seq: u64) -> u64 {
    0xabcd_0000 + seq
}

/// Seq of the event that a torn tail took with it: no event has it.
fn lost_seq() -> u64 {
    events::one_of_each().len() as u64 - 5
}

/// Every event with its seq.
fn expected() -> Vec<(u64, Event)> {
    let seqs = (1..).filter(|seq| *seq != lost_seq());
    seqs.zip(events::one_of_each()).collect()
}

fn disk(dir: &Path) -> Arc<RealDisk> {
    Arc::new(RealDisk::new(dir, std::process::id()).unwrap())
}

/// Appends events in frames of one, two, three … of them, so that the fixture has several shapes of them, each with a state
/// hash behind it.
fn append(writer: &mut Writer, events: &[(u64, Event)]) {
    let mut batch = Batch::new();
    let mut rest = events;
    for size in 1.. {
        let (now, later) = rest.split_at(size.min(rest.len()));
        let Some((first, _)) = now.first() else {
            break;
        };
        let frame: Vec<_> = now.iter().map(|(_, event)| event.clone()).collect();
        batch.push(*first, &frame).unwrap();
        batch.push_state_hash(hash_after(batch.last_seq().unwrap()));
        writer.append(&mut batch).unwrap();
        writer.sync().unwrap();
        batch.clear();
        rest = later;
    }
}

/// Leaves a few bytes of a frame behind the end of a segment, as a torn write does.
fn tear(segment: &Path) {
    let file = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
    let end = trimmed(std::fs::read(segment).unwrap()).len().next_multiple_of(8);
    file.write_all_at(b"torn", end as u64).unwrap();
}

/// Writes the log that the fixture holds: segments sealed because they were full and because a tail was torn, index files
/// of them, the last segment of a second epoch, a snapshot.
fn write(dir: &Path) {
    let all = expected();
    let (before, after) = all.split_at(lost_seq() as usize - 1);
    let mut writer = open(disk(dir), CONFIG).unwrap().into_writer().unwrap();
    append(&mut writer, before);
    drop(writer);
    let names: Vec<String> = files(dir).into_keys().collect();
    tear(&dir.join(names.last().unwrap()));
    let opened = open(disk(dir), CONFIG).unwrap();
    let recovery = opened.recovery().unwrap();
    assert_eq!((recovery.lost_from, recovery.lost_to), (lost_seq(), lost_seq()));
    let mut writer = opened.into_writer().unwrap();
    append(&mut writer, after);
    writer.close().unwrap();
    let opened = open(disk(dir), CONFIG).unwrap();
    let mut keeper = opened.keeper(Arc::new(opened.reader()), 2);
    while keeper.write_index().unwrap().is_some() {}
    drop((keeper, opened));
    let mut snapshot = SnapshotWriter::create(disk(dir), CONFIG.log_id, 5, 1, 1_767_225_600_000).unwrap();
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
        let full = match name.split('-').next() {
            Some("log") => 16 << 10,
            Some("index") => bytes.len().next_multiple_of(4096),
            _ => bytes.len().next_multiple_of(8),
        };
        bytes.resize(full, 0);
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// The seqs that readers are led to by filtered key and by ticket.
fn answers(reader: &Reader) -> Vec<Vec<u64>> {
    let keys = [
        FeedKey::Sla,
        FeedKey::Breaches,
        FeedKey::Routing,
        FeedKey::Queue(Text::new("billing")),
        FeedKey::Agent(Text::new("a1")),
    ];
    let wanted = Wanted {
        from: EntryId::MIN,
        to: EntryId::MAX,
        count: usize::MAX,
        reverse: false,
        upto_seq: u64::MAX,
    };
    let of_key = |key| reader.entries(key, wanted).unwrap().iter().map(|e| e.0).collect();
    let of_ticket = |n| {
        let newest = reader.newest_of(&format!("ticket-{n}")).unwrap();
        newest.into_iter().collect()
    };
    keys.iter().map(of_key).chain((0..4).map(of_ticket)).collect()
}

#[test]
fn version_1_is_still_written_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let now = files(dir.path());
    if std::env::var_os("SLAD_WRITE_FIXTURES").is_some() {
        for name in files(&fixture()).keys() {
            std::fs::remove_file(fixture().join(name)).unwrap();
        }
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
    let log = open(disk(dir.path()), CONFIG).unwrap();
    assert_eq!(log.recovery(), None);
    assert_eq!((log.log_id(), log.epoch()), (CONFIG.log_id, 2));
    let expected = expected();
    let (mut found, mut hashes) = (Vec::new(), 0);
    log.replay_stored(0, |seq, stored| {
        match stored {
            Stored::Event(event) => found.push((seq, event)),
            Stored::Hash(hash) => {
                assert_eq!(hash.value, hash_after(seq));
                assert_eq!(found.last().unwrap().0, seq);
                hashes += 1;
            }
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert!(hashes >= 10, "{hashes} state hashes");
    // The index files lead where memory does, and are taken as they are: none is made anew.
    let reader = Arc::new(log.reader());
    let indexed = answers(&reader);
    assert_eq!(log.keeper(reader, 2).write_index().unwrap(), None);
    let bare = unpacked();
    for name in files(bare.path()).keys().filter(|n| n.starts_with("index-")) {
        std::fs::remove_file(bare.path().join(name)).unwrap();
    }
    let from_memory = answers(&open(disk(bare.path()), CONFIG).unwrap().reader());
    assert_eq!(indexed, from_memory);
    assert!(indexed.iter().all(|seqs| !seqs.is_empty()), "{indexed:?}");
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
    batch.push(writer.next_seq(), &[expected[0].1.clone()]).unwrap();
    writer.append(&mut batch).unwrap();
    writer.close().unwrap();
}
