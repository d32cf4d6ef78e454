use super::*;
use crate::journal::SnapshotWriter;
use crate::journal::format::{put, u32_at};
use crate::journal::snapshot::{KEPT_MIN, chunk_crc, prune};
use crate::model::record::{QueueRecord, Record};

fn record(n: u64) -> Record {
    Record::Queue(Box::new(QueueRecord {
        tenant: 0,
        queue: compact_str::format_compact!("a-queue-with-a-long-enough-name-{n}"),
        seq: n,
    }))
}

fn take(disk: &SimDisk, seq: Seq) {
    let mut writer = SnapshotWriter::create(Arc::new(disk.clone()), SMALL.log_id, seq, 1, 5).unwrap();
    for chunk in 0..3 {
        let records: Vec<Record> = (0..100).map(|n| record(seq + chunk * 100 + n)).collect();
        writer.chunk(&records).unwrap();
    }
    writer.chunk(&[]).unwrap();
    let info = writer.finish(seq * 7).unwrap();
    assert_eq!(
        (info.seq, info.records, info.state_hash.value),
        (seq, 300, seq * 7)
    );
}

fn newest(disk: &SimDisk) -> (Option<Seq>, usize) {
    let log = opened(disk).unwrap();
    let seq = log.snapshot().map(|snapshot| {
        let info = snapshot.info();
        let mut n = 0;
        snapshot
            .records(|r| {
                assert_eq!(r, record(info.seq + n));
                n += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!((n, info.records, info.state_hash.value), (300, 300, info.seq * 7));
        info.seq
    });
    (seq, log.skipped_snapshots().len())
}

#[test]
fn the_newest_whole_snapshot_wins_and_two_are_kept_at_least() {
    let disk = log_of(50);
    assert_eq!(newest(&disk), (None, 0));
    for seq in [10, 20, 30] {
        take(&disk, seq);
    }
    assert_eq!(newest(&disk), (Some(30), 0));
    for (keep, kept) in [(4, 3), (3, 3), (2, KEPT_MIN), (0, KEPT_MIN)] {
        prune(&disk, keep).unwrap();
        let names = disk.contents().into_keys();
        assert_eq!(names.filter(|n| n.starts_with("snapshot")).count(), kept);
        assert_eq!(newest(&disk), (Some(30), 0));
    }
    prune(&disk, KEPT_MIN).unwrap();
    assert_eq!(newest(&disk), (Some(30), 0));
}

#[test]
fn every_byte_of_a_snapshot_damaged_or_cut_falls_back_to_the_one_before() {
    let disk = log_of(50);
    take(&disk, 20);
    take(&disk, 30);
    let name = "snapshot-00000000000000000030.slad";
    let whole = disk.contents()[name].clone();
    // The record payload is uniform: each region's bytes, and a sample of the payload's.
    let places = (0..200)
        .chain((200..whole.len() - 100).step_by(97))
        .chain(whole.len() - 100..whole.len());
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        disk.put(name, bytes);
        let reserved = (48..64).contains(&at);
        match newest(&disk) {
            (Some(20), 1) => {}
            // Padding behind a payload is neither read nor meant.
            (Some(30), 0) if !reserved => assert_eq!(whole[at], 0, "byte {at}"),
            other => panic!("byte {at}: {other:?}"),
        }
        disk.put(name, whole[..at].to_vec());
        assert_eq!(newest(&disk), (Some(20), 1), "cut at {at}");
    }
    disk.put("snapshot-00000000000000000020.slad", Vec::new());
    disk.put(name, Vec::new());
    assert_eq!(newest(&disk), (None, 2));
}

#[test]
fn snapshots_of_another_log_or_another_seq_are_passed_over() {
    let disk = log_of(50);
    take(&disk, 20);
    let bytes = disk.contents()["snapshot-00000000000000000020.slad"].clone();
    disk.put("snapshot-00000000000000000040.slad", bytes);
    assert_eq!(newest(&disk), (Some(20), 1));
    let mut other = SnapshotWriter::create(Arc::new(disk.clone()), 99, 45, 1, 5).unwrap();
    other.chunk(&[record(1)]).unwrap();
    other.finish(1).unwrap();
    assert_eq!(newest(&disk), (Some(20), 2));
}

#[test]
fn a_log_that_ends_before_a_whole_snapshot_has_lost_files() {
    let disk = log_of(50);
    take(&disk, 60);
    let refused = |what: &SimDisk| match opened(what) {
        Err(JournalError::Corrupt { seq, what, .. }) => (seq, what),
        other => panic!("{other:?}"),
    };
    let (seq, what) = refused(&disk);
    assert!(seq == 51 && what.contains("snapshot of seq 60"), "{what}");
    let none = SimDisk::new();
    let name = "snapshot-00000000000000000060.slad";
    none.put(name, disk.contents()[name].clone());
    let (seq, what) = refused(&none);
    assert!(seq == 1 && what.contains("snapshot of seq 60"), "{what}");
    // A damaged one proves nothing.
    let mut bytes = disk.contents()[name].clone();
    bytes[70] ^= 1;
    disk.put(name, bytes);
    assert_eq!(opened(&disk).unwrap().last_seq(), 50);
}

#[test]
fn a_snapshot_is_there_whole_or_not_at_all() {
    let lead = log_of(50);
    take(&lead, 20);
    let counted = lead.fork();
    take(&counted, 30);
    for operation in 1..=counted.operations() {
        for seed in [0, operation, operation + 77] {
            let disk = lead.fork();
            disk.fail_at(operation, crate::journal::sim::Fault::Crash);
            let write = || -> Result<(), JournalError> {
                let mut writer = SnapshotWriter::create(Arc::new(disk.clone()), SMALL.log_id, 30, 1, 5)?;
                for chunk in 0..3 {
                    let records: Vec<Record> = (0..100).map(|n| record(30 + chunk * 100 + n)).collect();
                    writer.chunk(&records)?;
                }
                writer.finish(210).map(|_| ())
            };
            assert!(write().is_err());
            disk.power_loss(seed);
            assert!(
                matches!(newest(&disk), (Some(20 | 30), 0)),
                "operation {operation}, seed {seed}"
            );
            assert!(!disk.contents().keys().any(|n| n.ends_with(".tmp")));
        }
    }
}

#[test]
fn a_snapshot_that_fails_leaves_nothing_behind() {
    let lead = log_of(50);
    let counted = lead.fork();
    take(&counted, 30);
    let mut failed = 0;
    for operation in 1..=counted.operations() {
        for fault in [
            crate::journal::sim::Fault::Error,
            crate::journal::sim::Fault::ShortWrite,
        ] {
            let disk = lead.fork();
            disk.fail_at(operation, fault);
            let write = || -> Result<(), JournalError> {
                let mut writer = SnapshotWriter::create(Arc::new(disk.clone()), SMALL.log_id, 30, 1, 5)?;
                if let Err(e) = writer.chunk(&[record(30)]) {
                    writer.abort().unwrap();
                    return Err(e);
                }
                writer.finish(210).map(|_| ())
            };
            failed += usize::from(write().is_err());
            assert!(
                !disk.contents().keys().any(|n| n.ends_with(".tmp")),
                "operation {operation}"
            );
        }
    }
    assert!(failed > 4, "{failed}");
}

#[test]
fn a_damaged_snapshot_does_not_count_among_those_kept() {
    let disk = log_of(50);
    take(&disk, 20);
    take(&disk, 30);
    let name = "snapshot-00000000000000000030.slad";
    let mut bytes = disk.contents()[name].clone();
    bytes[70] ^= 1;
    disk.put(name, bytes.clone());
    opened(&disk).unwrap().into_writer().unwrap().close().unwrap();
    take(&disk, 40);
    prune(&disk, KEPT_MIN).unwrap();
    let files = disk.contents();
    let kept: Vec<_> = files.keys().filter(|n| n.starts_with("snapshot")).collect();
    assert_eq!(
        kept,
        [
            "snapshot-00000000000000000020.slad",
            "snapshot-00000000000000000040.slad"
        ]
    );
    assert_eq!(files["damaged-00000000000000000030.bin"], bytes, "kept as it was");
}

#[test]
fn a_chunk_of_an_unknown_kind_stops_the_start_and_nothing_is_set_aside() {
    let disk = log_of(50);
    take(&disk, 20);
    take(&disk, 30);
    let name = "snapshot-00000000000000000030.slad";
    let mut bytes = disk.contents().remove(name).unwrap();
    // The first chunk, as a newer slad would have written it.
    let (at, kind) = (64, 7u32);
    assert_eq!(u32_at(&bytes, at + 20), 1);
    put(&mut bytes, at + 20, kind.to_le_bytes());
    let crc = chunk_crc(30, at as u64, &bytes[at..]);
    put(&mut bytes, at, crc.to_le_bytes());
    disk.put(name, bytes.clone());
    let error = opened(&disk).unwrap_err();
    let told = matches!(
        &error,
        JournalError::TooNew { path, what: "snapshot chunk", found: 7, known: 2 } if path.ends_with(name)
    );
    assert!(told, "{error}");
    assert!(error.to_string().contains("start the newer slad"), "{error}");
    assert_eq!(disk.contents()[name], bytes);
}
