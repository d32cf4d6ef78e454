//! Seeded mutations of snapshot files: opening never panics, and what is accepted gives exactly the records that were
//! written; anything else is passed over, for the one before or for none.
//!
//! `SLAD_FUZZ_ITERATIONS` sets the number of mutations, `SLAD_FUZZ_SEED` the first seed; a failure prints its own.
//! `tests/fuzz/snapshots` holds raw bytes that are planted over chunks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail as loudly as tests do"
)]

#[path = "support/fuzz.rs"]
mod fuzz;
#[path = "support/random.rs"]
mod random;

use fuzz::setting;
use random::Random;
use slad::journal::sim::SimDisk;
use slad::journal::{Batch, Config, SnapshotWriter, open};
use slad::model::event::{Body, ClockJumped, Event};
use slad::model::record::{QueueRecord, Record};
use std::sync::Arc;

const CONFIG: Config = Config {
    segment_bytes: 16 << 10,
    sync: slad::journal::SyncPolicy::Always,
    log_id: 77,
    boot_id: [1; 16],
};
const NEWEST: &str = "snapshot-00000000000000000009.slad";

fn record(seq: u64, n: u64) -> Record {
    Record::Queue(Box::new(QueueRecord {
        tenant: 0,
        queue: format!("a-queue-of-{seq}-with-number-{n}").into(),
        seq: n,
    }))
}

/// A log of ten events with snapshots of 5 and of 9.
fn original() -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = open(Arc::new(disk.clone()), CONFIG)
        .unwrap()
        .into_writer()
        .unwrap();
    let mut batch = Batch::new();
    for seq in 1..=10 {
        let body = Body::ClockJumped(ClockJumped::advanced(0, seq as i64));
        let event = Event {
            at: 1,
            logged_at: 1,
            cause: 0,
            tenant: 0,
            body,
        };
        batch.push(seq, &[event]).unwrap();
    }
    writer.append(&mut batch).unwrap();
    writer.close().unwrap();
    for seq in [5, 9] {
        let mut snapshot = SnapshotWriter::create(Arc::new(disk.clone()), CONFIG.log_id, seq, 1, 0).unwrap();
        for chunk in 0..4 {
            let records: Vec<Record> = (0..7).map(|n| record(seq, chunk * 7 + n)).collect();
            snapshot.chunk(&records).unwrap();
        }
        snapshot.finish(seq * 3).unwrap();
    }
    disk
}

/// The seq of the snapshot that a start would use, after checking each of its records.
fn used(disk: &SimDisk) -> Option<u64> {
    let log = open(Arc::new(disk.clone()), CONFIG).unwrap();
    let skipped = log.skipped_snapshots().len();
    let snapshot = log.snapshot()?;
    let info = snapshot.info();
    let mut n = 0;
    let read = snapshot.records(|found| {
        assert_eq!(
            found,
            record(info.seq, n),
            "a record of another content is accepted"
        );
        n += 1;
        Ok(())
    });
    read.unwrap();
    assert_eq!((n, info.records, info.state_hash.value), (28, 28, info.seq * 3));
    assert_eq!(skipped, usize::from(info.seq == 5), "what is passed over is told");
    Some(info.seq)
}

#[test]
fn mutated_snapshots_are_whole_or_passed_over() {
    let plants = fuzz::corpus("snapshots", 1);
    let disk = original();
    assert_eq!(used(&disk.fork()), Some(9));
    let whole = disk.contents()[NEWEST].clone();
    let first = setting("SLAD_FUZZ_SEED", 1);
    println!("SLAD_FUZZ_SEED={first} (snapshots)");
    let (mut passed_over, mut kept) = (0, 0);
    let iterations = setting("SLAD_FUZZ_ITERATIONS", 3_000);
    for seed in first..first + iterations {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9) | 1);
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(3) {
            let length = bytes.len().max(1);
            let below = |random: &mut Random, n: usize| random.below(n.max(1) as u64) as usize;
            let at = below(&mut random, length);
            let size = (1 + below(&mut random, 200)).min(bytes.len().saturating_sub(at));
            match random.below(8) {
                0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
                2 => bytes[at..at + size].fill(0),
                3 => bytes[at..at + size].fill_with(|| random.below(256) as u8),
                4 => bytes.truncate(at),
                5 => {
                    let from = below(&mut random, length);
                    let size = size.min(bytes.len() - from.min(bytes.len()));
                    bytes.copy_within(from..from + size, at);
                }
                6 => {
                    let plant = &plants[below(&mut random, plants.len())];
                    let size = plant.len().min(bytes.len() - at);
                    bytes[at..at + size].copy_from_slice(&plant[..size]);
                }
                _ => {
                    let tail: Vec<u8> = (0..below(&mut random, 64)).map(|n| n as u8).collect();
                    bytes.extend(tail);
                }
            }
        }
        let copy = disk.fork();
        copy.put(NEWEST, bytes);
        match std::panic::catch_unwind(|| used(&copy)) {
            Ok(Some(9)) => kept += 1,
            Ok(Some(5)) => passed_over += 1,
            other => panic!("{other:?}: SLAD_FUZZ_SEED={seed} SLAD_FUZZ_ITERATIONS=1 shows it again"),
        }
    }
    println!("{passed_over} refused, {kept} whole (snapshots)");
    assert!(
        iterations < 1_000 || passed_over > iterations / 2,
        "{passed_over} passed over"
    );
}
