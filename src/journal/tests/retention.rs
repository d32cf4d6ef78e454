//! Old segments on their way out: who may still read them, what a crash leaves, what becomes of their files.

use super::*;
use crate::journal::disk::{Disk, RealDisk};
use crate::journal::keeper::STEP_BYTES;
use crate::journal::sim::Fault;
use crate::journal::{Keeper, Reader, Rules, SnapshotWriter, Step, Why};
use crate::model::record::{QueueRecord, Record};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Everything that a restart can do without.
const ALL: Rules = Rules {
    age_ms: None,
    bytes_max: Some(0),
    free_bytes_min: 0,
};

fn open_on(disk: Arc<dyn Disk>) -> OpenedLog {
    open(disk, SMALL).unwrap()
}

fn snapshot(disk: Arc<dyn Disk>, seq: Seq) {
    let mut writer = SnapshotWriter::create(disk, SMALL.log_id, seq, 1, 5).unwrap();
    let record = Record::Queue(Box::new(QueueRecord {
        tenant: 0,
        queue: Text::new("q"),
        seq,
    }));
    writer.chunk(&[record]).unwrap();
    writer.finish(seq).unwrap();
}

/// Appends until there are so many segments; the last seq.
fn fill(writer: &mut Writer, segments: usize) -> Seq {
    while writer.published().segment_count() < segments {
        let first = writer.next_seq();
        writer.append(&mut batch(first, first + 99)).unwrap();
    }
    writer.sync().unwrap();
    writer.next_seq() - 1
}

/// A log of so many segments with two snapshots of its last seq and the one before.
fn filled(disk: &Arc<dyn Disk>, segments: usize) -> Seq {
    let mut writer = open_on(disk.clone()).into_writer().unwrap();
    let last = fill(&mut writer, segments);
    writer.close().unwrap();
    snapshot(disk.clone(), last - 1);
    snapshot(disk.clone(), last);
    last
}

fn keeper_of(disk: &Arc<dyn Disk>) -> (Writer, Arc<Reader>, Keeper) {
    let log = open_on(disk.clone());
    let reader = Arc::new(log.reader());
    let keeper = log.keeper(reader.clone(), 2);
    (log.into_writer().unwrap(), reader, keeper)
}

/// Steps until there is nothing more, or somebody reads.
fn settle(keeper: &mut Keeper) -> Result<Step, JournalError> {
    for _ in 0..10_000 {
        let step = keeper.step()?;
        if step != Step::Again {
            return Ok(step);
        }
    }
    panic!("it never ends")
}

fn names(disk: &dyn Disk, prefix: &str) -> BTreeSet<String> {
    let names = disk.list().unwrap().into_iter();
    names.filter(|n| n.starts_with(prefix)).collect()
}

/// Every retained event, after checking that it is the one that was written.
fn seqs(reader: &Reader) -> Vec<Seq> {
    let mut seqs = Vec::new();
    reader
        .range(1, Seq::MAX, |seq, e| {
            assert_eq!(e, event(seq));
            seqs.push(seq);
            ControlFlow::Continue(())
        })
        .unwrap();
    seqs
}

#[test]
fn the_oldest_go_and_what_a_restart_needs_stays() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let last = filled(&disk, 5);
    let (writer, reader, mut keeper) = keeper_of(&disk);
    while keeper.write_index().unwrap().is_some() {}
    assert_eq!(names(&*disk, "index-").len(), 4);
    let some = Rules {
        bytes_max: Some(4 << 20),
        ..ALL
    };
    let retired = keeper.retire(&some, 0).unwrap();
    assert_eq!((retired.len(), retired[0].id, retired[0].why), (1, 1, Why::Bytes));
    assert_eq!(
        (retired[0].first_seq, retired[0].last_seq + 1),
        (1, reader.first_seq())
    );
    assert_eq!(settle(&mut keeper).unwrap(), Step::Idle);
    assert!(
        keeper.retire(&some, 0).unwrap().is_empty(),
        "it is small enough now"
    );
    let retired = keeper.retire(&ALL, 0).unwrap();
    assert_eq!(retired.iter().map(|r| r.id).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(settle(&mut keeper).unwrap(), Step::Idle);
    assert_eq!(writer.published().retired_count(), 3);
    assert_eq!(names(&*disk, "log-").len(), 2, "one sealed, one active");
    assert_eq!(names(&*disk, "index-").len(), 1);
    assert_eq!(
        names(&*disk, "retired-").len(),
        1,
        "one file waits to be used again"
    );
    assert_eq!(seqs(&reader), (reader.first_seq()..=last).collect::<Vec<_>>());
    assert!(reader.event(reader.first_seq() - 1).unwrap().is_none());
    drop((writer, keeper));
    let log = open_on(disk.clone());
    assert_eq!(names(&*disk, "retired-").len(), 0, "the start has removed it");
    assert_eq!(log.snapshot().unwrap().info().seq, last);
    assert_eq!(stored(&log), (log.first_seq()..=last).collect::<Vec<_>>());
}

#[test]
fn without_two_whole_snapshots_nothing_goes() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let last = filled(&disk, 4);
    let newest = format!("snapshot-{last:020}.slad");
    let whole = sim.contents()[&newest].clone();
    let going = |sim: &SimDisk| {
        let disk: Arc<dyn Disk> = Arc::new(sim.fork());
        keeper_of(&disk).2.retire(&ALL, 0).unwrap().len()
    };
    assert_eq!(going(&sim), 2);
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    sim.put(&newest, damaged);
    assert_eq!(going(&sim), 0, "the newest one is damaged");
    disk.remove(&newest).unwrap();
    assert_eq!(going(&sim), 0, "there is only one");
    sim.put(&newest, whole);
    assert_eq!(going(&sim), 2);
    // An older one that is kept binds as well.
    let mut writer = SnapshotWriter::create(disk.clone(), SMALL.log_id, 10, 1, 5).unwrap();
    writer.chunk(&[]).unwrap();
    writer.finish(10).unwrap();
    assert_eq!(going(&sim), 2, "the third is not one of the two that are kept");
    disk.remove(&format!("snapshot-{:020}.slad", last - 1)).unwrap();
    assert_eq!(going(&sim), 0, "the older of the two is of seq 10");
}

#[test]
fn a_reader_keeps_the_files_that_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path(), 1).unwrap());
    filled(&disk, 4);
    let (_writer, reader, mut keeper) = keeper_of(&disk);
    let pinned = reader.pinned();
    let before = seqs(&pinned);
    assert_eq!(keeper.retire(&ALL, 0).unwrap().len(), 2);
    assert!(reader.first_seq() > 1, "nobody begins to read them");
    assert_eq!(settle(&mut keeper).unwrap(), Step::Held);
    for name in names(&*disk, "retired-") {
        let length = std::fs::metadata(folder.path().join(name)).unwrap().len();
        assert_eq!(length, SMALL.segment_bytes);
    }
    assert_eq!(seqs(&pinned), before);
    drop(pinned);
    assert_eq!(settle(&mut keeper).unwrap(), Step::Idle);
    assert_eq!(names(&*disk, "retired-").len(), 1);
    assert_eq!(names(&*disk, "log-").len(), 2);
}

#[test]
fn readers_that_race_retention_see_no_hole_and_no_signal() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path(), 1).unwrap());
    filled(&disk, 3);
    let (mut writer, reader, mut keeper) = keeper_of(&disk);
    let done = std::sync::atomic::AtomicBool::new(false);
    let (mut retired, mut recycled) = (0, 0);
    let looked: u64 = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut looks = 0;
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        let pinned = reader.pinned();
                        let (mut next, upto) = (pinned.first_seq(), pinned.first_seq() + 3_000);
                        // In pieces, as the feed reads.
                        while next <= upto {
                            let first = next;
                            pinned
                                .range(next, (next + 255).min(upto), |seq, e| {
                                    assert_eq!((seq, e), (next, event(seq)));
                                    next += 1;
                                    ControlFlow::Continue(())
                                })
                                .unwrap();
                            assert!(next > first, "a hole at {next}");
                        }
                        looks += 1;
                    }
                    looks
                })
            })
            .collect();
        for round in 4..14 {
            let last = fill(&mut writer, 3 + usize::from(round == 4)).max(writer.next_seq() - 1);
            snapshot(disk.clone(), last - 1);
            snapshot(disk.clone(), last);
            while keeper.write_index().unwrap().is_some() {}
            retired += keeper.retire(&ALL, 0).unwrap().len();
            while settle(&mut keeper).unwrap() != Step::Idle {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            recycled += names(&*disk, "retired-").len();
            writer.prepare_next().unwrap();
            recycled -= names(&*disk, "retired-").len();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        readers.into_iter().map(|r| r.join().unwrap()).sum()
    });
    assert!(retired >= 9 && recycled >= 9, "{retired} {recycled}");
    assert!(looked > 20, "{looked}");
}

#[test]
fn a_file_with_another_name_keeps_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path(), 1).unwrap());
    filled(&disk, 5);
    let linked = folder.path().join("backup-of-1");
    std::fs::hard_link(folder.path().join("log-0000000000000001.slad"), &linked).unwrap();
    let bytes = std::fs::read(&linked).unwrap();
    let (mut writer, _reader, mut keeper) = keeper_of(&disk);
    assert_eq!(keeper.retire(&ALL, 0).unwrap().len(), 3);
    assert_eq!(settle(&mut keeper).unwrap(), Step::Idle);
    writer.prepare_next().unwrap();
    assert!(std::fs::read(&linked).unwrap() == bytes);
    assert!(names(&*disk, "retired-").is_empty());
}

#[test]
fn a_file_used_again_is_zeros_and_no_new_room() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let last = filled(&disk, 4);
    let (mut writer, reader, mut keeper) = keeper_of(&disk);
    assert_eq!(keeper.retire(&ALL, 0).unwrap().len(), 2);
    assert_eq!(settle(&mut keeper).unwrap(), Step::Idle);
    assert_eq!(names(&*disk, "retired-").len(), 1);
    writer.prepare_next().unwrap();
    assert!(names(&*disk, "retired-").is_empty());
    let next = &sim.contents()["log-0000000000000005.slad"];
    assert_eq!(next.len() as u64, SMALL.segment_bytes);
    assert!(next[128..4096].iter().chain(&next[4224..]).all(|b| *b == 0));
    let upto = fill(&mut writer, 4);
    assert!(upto > last);
    assert_eq!(seqs(&reader), (reader.first_seq()..=upto).collect::<Vec<_>>());
    drop(writer);
    assert_eq!(stored(&open_on(disk)).last(), Some(&upto));
}

#[test]
fn on_a_full_disk_no_file_waits() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    filled(&disk, 5);
    let (_writer, _reader, mut keeper) = keeper_of(&disk);
    let some = Rules {
        bytes_max: Some(4 << 20),
        ..ALL
    };
    assert_eq!(keeper.retire(&some, 0).unwrap().len(), 1);
    settle(&mut keeper).unwrap();
    assert_eq!(names(&*disk, "retired-").len(), 1);
    let low = Rules {
        bytes_max: None,
        free_bytes_min: u64::MAX,
        ..ALL
    };
    // What waits to be used again goes first, and is waited for.
    assert!(keeper.retire(&low, 0).unwrap().is_empty() && keeper.is_postponed());
    settle(&mut keeper).unwrap();
    let retired = keeper.retire(&low, 0).unwrap();
    assert!(retired.iter().all(|r| r.why == Why::LowDisk) && retired.len() == 2);
    assert!(!keeper.is_postponed());
    settle(&mut keeper).unwrap();
    assert!(names(&*disk, "retired-").is_empty());
}

#[test]
fn old_snapshots_are_cut_off_in_steps() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    filled(&disk, 2);
    let old = "snapshot-00000000000000000001.slad";
    sim.put(old, vec![7; STEP_BYTES as usize * 3 + 5]);
    crate::journal::snapshot::prune(&*disk, 2).unwrap();
    assert_eq!(names(&*disk, "snapshot-").len(), 2);
    let retired = "retired-snapshot-00000000000000000001.tmp";
    assert_eq!(names(&*disk, "retired-"), BTreeSet::from([retired.to_owned()]));
    // The start would remove it: this one is found while the daemon runs.
    let bytes = sim.contents()[retired].clone();
    let (_writer, _reader, mut keeper) = keeper_of(&disk);
    sim.put(retired, bytes);
    keeper.retire(&ALL, 0).unwrap();
    let mut lengths = Vec::new();
    while keeper.step().unwrap() == Step::Again {
        lengths.extend(disk.open(retired).map(|f| f.len().unwrap() / STEP_BYTES));
    }
    assert_eq!(lengths, [2, 1, 0]);
    assert!(names(&*disk, "retired-").is_empty());
}

/// Indexes, retires, and goes on writing into a file used again, until something fails. The last seq acknowledged.
fn live(sim: &SimDisk, acknowledged: Seq) -> Seq {
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut last = acknowledged;
    let mut run = || -> Result<(), JournalError> {
        let log = open(disk.clone(), SMALL)?;
        let mut keeper = log.keeper(Arc::new(log.reader()), 2);
        let mut writer = log.into_writer()?;
        while keeper.write_index()?.is_some() {}
        // A failure of the keeper's stops nobody.
        let kept = keeper.retire(&ALL, 0).and_then(|_| settle(&mut keeper));
        writer.prepare_next()?;
        let segments = writer.published().segment_count();
        while writer.published().segment_count() == segments {
            let first = writer.next_seq();
            writer.append(&mut batch(first, first + 199))?;
            writer.sync()?;
            last = first + 199;
        }
        kept.map(|_| ())
    };
    let _ = run();
    last
}

#[test]
fn a_crash_at_every_operation_of_retention_and_indexing() {
    let lead = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(lead.clone());
    let last = filled(&disk, 4);
    let oldest_snapshot = last - 1;
    let counted = lead.fork();
    assert!(live(&counted, last) > last);
    let operations = counted.operations();
    let mut looked = 0;
    for fault in [Fault::Crash, Fault::Error, Fault::ShortWrite] {
        for operation in 1..=operations {
            // What a loss of power leaves is drawn only where one comes.
            let seeds: &[u64] = if fault == Fault::Crash { &[0, 1] } else { &[1] };
            for seed in seeds.iter().map(|seed| seed * operation) {
                let sim = lead.fork();
                sim.fail_at(operation, fault);
                let acknowledged = live(&sim, last);
                if fault == Fault::Crash || operation % 2 == 0 {
                    sim.power_loss(seed);
                } else {
                    sim.restart();
                }
                let at = format!("{fault:?} at {operation}, seed {seed}");
                let disk: Arc<dyn Disk> = Arc::new(sim.clone());
                let log = open(disk.clone(), SMALL).unwrap_or_else(|e| panic!("{at}: {e}"));
                assert!(log.first_seq() <= oldest_snapshot + 1, "{at}");
                let mut next = oldest_snapshot + 1;
                log.replay(oldest_snapshot, |seq, e| {
                    assert_eq!((seq, e), (next, event(seq)), "{at}");
                    next += 1;
                    Ok(())
                })
                .unwrap();
                assert!(
                    next > acknowledged,
                    "{at}: {acknowledged} was acknowledged, {next} is next"
                );
                assert!(log.recovery().is_none_or(|r| r.lost_from > acknowledged), "{at}");
                let reader = log.reader();
                let all = seqs(&reader);
                assert_eq!(all, (reader.first_seq()..next).collect::<Vec<_>>(), "{at}");
                drop(log);
                // It does again what it could not, and nothing stays behind.
                let again = live(&sim, acknowledged);
                assert!(again > acknowledged, "{at}");
                assert!(names(&*disk, "log-").len() <= 4, "{at}: {:?}", names(&*disk, ""));
                assert!(names(&*disk, "retired-").len() <= 1, "{at}");
                assert!(names(&*disk, "index-").len() <= 3, "{at}");
                looked += 1;
            }
        }
    }
    println!("{looked} crashes and failures of retention and indexing, at {operations} operations");
}

#[test]
fn a_reader_that_holds_on_does_not_cost_more_than_a_low_disk_does() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    filled(&disk, 6);
    let (_writer, reader, mut keeper) = keeper_of(&disk);
    let pinned = reader.pinned();
    let used = sim.used_bytes();
    sim.set_capacity(Some(used));
    // Too little by less than one segment.
    let low = Rules {
        bytes_max: None,
        free_bytes_min: 1 << 19,
        ..ALL
    };
    assert_eq!(keeper.retire(&low, 0).unwrap().len(), 1);
    for _ in 0..3 {
        settle(&mut keeper).unwrap();
        assert!(
            keeper.retire(&low, 0).unwrap().is_empty(),
            "it is on its way already"
        );
    }
    drop(pinned);
    while settle(&mut keeper).unwrap() != Step::Idle {}
    assert!(keeper.retire(&low, 0).unwrap().is_empty(), "there is room now");
}
