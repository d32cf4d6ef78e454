//! A disk that stays full until somebody makes room.

use super::*;
use crate::journal::sim::Fault;

/// A writer with a spare segment and a reserve, over a disk that holds not a byte more.
fn on_a_full_disk(config: Config) -> (SimDisk, Writer) {
    let disk = SimDisk::new();
    let log = open(Arc::new(disk.clone()), config).unwrap();
    let mut writer = log.into_writer().unwrap();
    writer.append(&mut batch(1, 10)).unwrap();
    writer.prepare_next().unwrap();
    writer.make_reserve().unwrap();
    disk.set_capacity(Some(disk.used_bytes()));
    (disk, writer)
}

/// Appends batches of ten until one meets the full disk. Gives that one.
fn fill(writer: &mut Writer) -> Batch {
    loop {
        let seq = writer.next_seq();
        let mut ten = batch(seq, seq + 9);
        match writer.append(&mut ten) {
            Ok(_) => writer.sync().unwrap(),
            Err(e) => {
                assert!(e.is_disk_full() && writer.is_alive(), "{e}");
                return ten;
            }
        }
    }
}

fn names(disk: &SimDisk) -> Vec<String> {
    disk.contents().into_keys().collect()
}

#[test]
fn the_log_goes_on_into_the_spare_one_and_the_reserve_and_then_waits() {
    for sync in SyncPolicy::ALL {
        let config = Config { sync, ..SMALL };
        let (disk, mut writer) = on_a_full_disk(config);
        let room = writer.room_bytes();
        assert!(room > 2 * SMALL.segment_bytes && room < 3 * SMALL.segment_bytes);
        let mut waiting = fill(&mut writer);
        assert!(
            writer.room_bytes() < 8192,
            "{} bytes are left over",
            writer.room_bytes()
        );
        assert!(!writer.has_reserve() && !writer.has_spare());
        let id = |n| format!("log-{n:016}.slad");
        assert_eq!(names(&disk), [id(1), id(2), id(3)]);
        // What fitted is there, and nothing else is shown.
        let shown = writer.next_seq() - 1;
        assert_eq!(writer.published().written_seq(), shown);
        assert!(waiting.last_seq().unwrap() > shown);
        for _ in 0..3 {
            assert!(writer.append(&mut waiting).unwrap_err().is_disk_full());
            assert_eq!(writer.next_seq() - 1, shown, "nothing is written twice");
        }
        assert!(writer.make_reserve().unwrap_err().is_disk_full());
        assert!(writer.prepare_next().unwrap_err().is_disk_full());
        assert_eq!(names(&disk).len(), 3, "failures leave nothing behind");
        disk.set_capacity(None);
        let appended = writer.append(&mut waiting).unwrap();
        assert_eq!(Some(appended.last_seq), waiting.last_seq());
        writer.make_reserve().unwrap();
        writer.close().unwrap();
        disk.restart();
        let log = open(Arc::new(disk.clone()), config).unwrap();
        assert_eq!(log.recovery(), None);
        assert_eq!(stored(&log), (1..=appended.last_seq).collect::<Vec<_>>());
    }
}

/// One batch over three segments, the middle of it on a full disk.
fn long_batch(disk: &SimDisk, writer: &mut Writer) -> (Batch, Seq) {
    let seq = writer.next_seq();
    let mut long = batch(seq, seq + 20_000);
    assert!(long.len_bytes() as u64 > 3 * SMALL.segment_bytes);
    disk.set_capacity(Some(disk.used_bytes() + SMALL.segment_bytes));
    let met = writer.append(&mut long);
    assert!(met.is_err() && (!writer.is_alive() || met.unwrap_err().is_disk_full()));
    (long, seq + 20_000)
}

#[test]
fn a_batch_longer_than_the_room_goes_on_where_it_stopped_whatever_fails() {
    let start = || {
        let disk = SimDisk::new();
        let mut writer = writer(&disk);
        writer.append(&mut batch(1, 10)).unwrap();
        writer.sync().unwrap();
        writer.make_reserve().unwrap();
        (disk, writer)
    };
    let (disk, mut first) = start();
    let before = disk.operations();
    let (mut long, last) = long_batch(&disk, &mut first);
    let met = disk.operations();
    assert!(first.is_alive() && first.next_seq() > 3_000 && first.next_seq() <= last);
    disk.set_capacity(None);
    first.append(&mut long).unwrap();
    first.sync().unwrap();
    let after = disk.operations();
    assert!(after > met && met > before);
    for operation in before + 1..=after {
        for fault in [Fault::Crash, Fault::Error, Fault::ShortWrite, Fault::Full] {
            let (disk, mut writer) = start();
            disk.fail_at(operation, fault);
            let (mut long, _) = long_batch(&disk, &mut writer);
            disk.set_capacity(None);
            let mut acknowledged = 10;
            let mut tries = 0;
            while writer.is_alive() && tries < 3 {
                tries += 1;
                let result = writer.append(&mut long);
                if writer.is_alive() {
                    assert_eq!(writer.published().written_seq(), writer.next_seq() - 1);
                }
                match result {
                    Ok(_) => {
                        if writer.sync().is_ok() {
                            acknowledged = last;
                        }
                        break;
                    }
                    Err(e) if e.is_disk_full() && writer.is_alive() => {}
                    Err(_) => break,
                }
            }
            drop(writer);
            disk.power_loss(operation);
            let log = opened(&disk).unwrap();
            let there = stored(&log);
            assert!(
                there.len() as Seq >= acknowledged,
                "{fault:?} at {operation}: {acknowledged} acknowledged, {} there",
                there.len()
            );
            assert_eq!(there, (1..=there.len() as Seq).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_start_on_a_full_disk_uses_what_is_there() {
    let (disk, mut writer) = on_a_full_disk(SMALL);
    writer.append(&mut batch(11, 20)).unwrap();
    drop(writer);
    disk.power_loss(0);
    let mut writer = self::writer(&disk);
    assert!(writer.has_file() && writer.has_spare() && writer.has_reserve());
    drop(fill(&mut writer));
    // The frames of the last ten that still fitted were written, not synced.
    writer.sync().unwrap();
    let last = writer.next_seq() - 1;
    drop(writer);
    // And one on a disk where nothing at all is left.
    disk.power_loss(0);
    let log = opened(&disk).unwrap();
    assert_eq!((log.recovery(), log.last_seq()), (None, last));
    let mut writer = log.into_writer().unwrap();
    assert!(writer.has_file() && writer.room_bytes() < 8192);
    assert!(
        writer
            .append(&mut batch(last + 1, last + 100))
            .unwrap_err()
            .is_disk_full()
    );
    assert!(writer.is_alive());
}

#[test]
fn a_directory_without_a_log_on_a_full_disk_says_so() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(4096));
    let mut writer = writer(&disk);
    assert!(!writer.has_file());
    let error = writer.prepare_next().unwrap_err();
    assert!(error.is_disk_full() && names(&disk).is_empty(), "{error}");
}

#[test]
fn a_reserve_is_found_again_and_one_of_another_length_is_not_used() {
    let (disk, writer) = on_a_full_disk(SMALL);
    drop(writer);
    disk.put("reserve.tmp", vec![1; 100]);
    disk.restart();
    assert!(self::writer(&disk).has_reserve());
    assert!(!names(&disk).contains(&"reserve.tmp".to_owned()));
    let longer = Config {
        segment_bytes: 2 << 20,
        ..SMALL
    };
    let log = open(Arc::new(disk.clone()), longer).unwrap();
    assert!(!log.into_writer().unwrap().has_reserve());
    assert!(!names(&disk).contains(&"reserve.slad".to_owned()));
}

#[test]
fn a_crash_at_every_operation_of_using_the_reserve() {
    let build = || {
        let disk = SimDisk::new();
        let mut writer = writer(&disk);
        writer.append(&mut batch(1, 10)).unwrap();
        writer.make_reserve().unwrap();
        disk.set_capacity(Some(disk.used_bytes()));
        let mut seq = 11;
        while writer.used() < 0.99 {
            writer.append(&mut batch(seq, seq + 9)).unwrap();
            seq += 10;
        }
        writer.sync().unwrap();
        (disk, writer, seq)
    };
    let work = |writer: &mut Writer, seq: Seq| {
        let mut long = batch(seq, seq + 400);
        writer.append(&mut long).and_then(|_| writer.sync()).is_ok()
    };
    let (disk, mut writer, seq) = build();
    let before = disk.operations();
    assert!(work(&mut writer, seq) && !writer.has_reserve());
    let mut went_on = 0;
    for operation in before + 1..=disk.operations() {
        for seed in [0, operation, operation + 1000] {
            let (disk, mut writer, seq) = build();
            disk.fail_at(operation, Fault::Crash);
            let acknowledged = if work(&mut writer, seq) {
                seq + 400
            } else {
                seq - 1
            };
            drop(writer);
            disk.power_loss(seed);
            let log = opened(&disk).unwrap();
            assert!(
                log.last_seq() >= acknowledged,
                "operation {operation}, seed {seed}"
            );
            stored(&log);
            // The disk is still full, and the log goes on. If the tail was torn right after the reserve became a segment,
            // there is no room for the next one: then it waits.
            let cut = log.recovery().is_some();
            let mut writer = log.into_writer().unwrap();
            let next = writer.next_seq();
            match writer.append(&mut batch(next, next + 100)) {
                Ok(_) => went_on += 1,
                Err(e) => assert!(
                    cut && e.is_disk_full() && writer.is_alive(),
                    "{operation}, {seed}: {e}"
                ),
            }
        }
    }
    assert!(went_on > 20, "{went_on}");
}
