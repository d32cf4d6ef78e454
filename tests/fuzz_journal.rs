//! Seeded mutations of a log's files: whatever happens to the bytes, opening and reading ends in an error, in a cut that
//! is told, or in exactly the events that were written — never in a panic or a wrong event.
//!
//! `SLAD_FUZZ_RUNS` sets the number of mutations (default 300), `SLAD_FUZZ_SEED` the first seed; a failure prints its own.
//! `tests/fuzz/frames` holds raw bytes that are planted over frames: what once was interesting stays tested.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as loudly as tests do")]

#[path = "common/events.rs"]
mod events;

#[path = "support/fuzz.rs"]
mod fuzz;

use fuzz::{corpus, setting};
use slad::journal::sim::SimDisk;
use slad::journal::{Batch, Config, JournalError, SnapshotWriter, Wanted, open};
use slad::model::command::{EntryId, FeedKey};
use slad::model::event::Event;
use slad::model::record::{QueueRecord, Record};
use std::sync::Arc;

const CONFIG: Config = Config {
    segment_bytes: 1 << 20,
    sync: slad::journal::SyncPolicy::Always,
    log_id: 77,
    boot_id: [1; 16],
};

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Half of the log is marked, the other half is not; a snapshot stands in the middle.
fn original(all: &[Event]) -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = open(Arc::new(disk.clone()), CONFIG)
        .unwrap()
        .into_writer()
        .unwrap();
    let mut batch = Batch::new();
    for (n, event) in all.iter().enumerate() {
        batch.push(n as u64 + 1, std::slice::from_ref(event)).unwrap();
        writer.append(&mut batch).unwrap();
        batch.clear();
        if n < all.len() / 2 {
            writer.sync().unwrap();
        }
    }
    let mut snapshot = SnapshotWriter::create(Arc::new(disk.clone()), CONFIG.log_id, 9, 1, 0).unwrap();
    let record = |n| {
        Record::Queue(Box::new(QueueRecord {
            tenant: 0,
            queue: "q".into(),
            seq: n,
        }))
    };
    snapshot.chunk(&(0..50).map(record).collect::<Vec<_>>()).unwrap();
    snapshot.finish(1).unwrap();
    disk
}

fn mutate(bytes: &mut [u8], used: usize, random: &mut Random, corpus: &[Vec<u8>]) {
    for _ in 0..1 + random.below(3) {
        let at = random.below(used + 64);
        let length = (1 + random.below(200)).min(bytes.len() - at);
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at..at + length].fill(0),
            2 => bytes[at..at + length].fill_with(|| random.next() as u8),
            3 => {
                let from = random.below(used);
                bytes.copy_within(from..from + length.min(bytes.len() - from.max(at)), at);
            }
            4 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ => {
                let plant = &corpus[random.below(corpus.len())];
                let n = plant.len().min(bytes.len() - at / 8 * 8);
                bytes[at / 8 * 8..at / 8 * 8 + n].copy_from_slice(&plant[..n]);
            }
        }
    }
}

/// What reading a mutated log came to.
fn read(disk: &SimDisk, all: &[Event]) -> Result<usize, JournalError> {
    let log = open(Arc::new(disk.clone()), CONFIG)?;
    if let Some(snapshot) = log.snapshot() {
        let mut n = 0;
        snapshot.records(|record| {
            assert!(matches!(record, Record::Queue(q) if q.seq == n && q.queue == "q"));
            n += 1;
            Ok(())
        })?;
        assert_eq!(n, 50);
    }
    let mut n = 0;
    log.replay(0, |seq, event| {
        assert_eq!((seq, &event), (n as u64 + 1, &all[n]));
        n += 1;
        Ok(())
    })?;
    assert!(n == all.len() || log.recovery().is_some() || log.next_seq() == n as u64 + 1);
    assert!(
        n >= all.len() / 2 - 1,
        "synced and marked events are never cut: {n}"
    );
    let reader = log.reader();
    for key in [FeedKey::Sla, FeedKey::Queue("billing".into())] {
        let wanted = Wanted {
            from: EntryId::MIN,
            to: EntryId::MAX,
            count: 1000,
            reverse: n % 2 == 0,
            upto_seq: u64::MAX,
        };
        for (seq, _, event) in reader.entries(&key, wanted)? {
            assert_eq!(*event, all[seq as usize - 1]);
        }
    }
    // And whatever was opened can be written on and opened again.
    let mut writer = log.into_writer()?;
    let mut batch = Batch::new();
    batch.push(writer.next_seq(), &all[..1])?;
    writer.append(&mut batch)?;
    writer.close()?;
    let again = open(Arc::new(disk.clone()), CONFIG)?;
    assert_eq!(again.recovery(), None);
    Ok(n)
}

#[test]
fn mutated_logs_are_refused_cut_or_whole() {
    let all = events::one_of_each();
    let disk = original(&all);
    assert_eq!(read(&disk.fork(), &all).unwrap(), all.len());
    let corpus = corpus("frames", 1);
    let files = disk.contents();
    let first = setting("SLAD_FUZZ_SEED", 1);
    println!("SLAD_FUZZ_SEED={first} (journal)");
    let (mut refused, mut cut, mut whole) = (0, 0, 0);
    for seed in first..first + setting("SLAD_FUZZ_RUNS", 300) {
        let mut random = Random(seed);
        let copy = disk.fork();
        let name = files.keys().nth(random.below(files.len())).unwrap();
        let mut bytes = files[name].clone();
        let used = bytes.iter().rposition(|b| *b != 0).unwrap_or(0) + 1;
        if random.below(20) == 0 {
            bytes.truncate(random.below(bytes.len()));
        } else if bytes.len() > used + 64 + 200 {
            mutate(&mut bytes, used, &mut random, &corpus);
        } else {
            let at = random.below(used);
            bytes[at] ^= 1 << random.below(8);
        }
        copy.put(name, bytes);
        let outcome = std::panic::catch_unwind(|| read(&copy, &all));
        match outcome {
            Err(_) => panic!("seed {seed}: SLAD_FUZZ_SEED={seed} SLAD_FUZZ_RUNS=1 shows it again"),
            Ok(Err(
                JournalError::Corrupt { .. } | JournalError::TooNew { .. } | JournalError::Foreign { .. },
            )) => refused += 1,
            Ok(Err(other)) => panic!("seed {seed}: {other}"),
            Ok(Ok(n)) if n < all.len() => cut += 1,
            Ok(Ok(_)) => whole += 1,
        }
    }
    println!("{refused} refused, {cut} cut, {whole} whole");
    // Few mutations may all come to the same; many that do would mean that they change nothing.
    assert!(
        refused + cut + whole < 100 || (refused > 0 && cut > 0),
        "{refused} {cut} {whole}"
    );
}
