use super::*;
use crate::journal::sim::Fault;

/// Rotates every few batches.
const TINY: Config = Config {
    segment_bytes: 16 << 10,
    ..SMALL
};

/// A log, and what it looks like after twelve batches more: several segments prepared, sealed, started.
fn rotating() -> (SimDisk, SimDisk) {
    let lead = SimDisk::new();
    work(&lead, TINY, 2);
    let (lead, counted) = (lead.fork(), lead.fork());
    work(&counted, TINY, 12);
    let sealed = |bytes: &Vec<u8>| bytes[4096 + 28] == 2;
    let count = |disk: &SimDisk| {
        disk.contents()
            .values()
            .filter(|b| b.len() > 8192 && sealed(b))
            .count()
    };
    assert!(count(&lead) == 0 && count(&counted) >= 2, "the test must rotate");
    (lead, counted)
}

/// Writes batches of ten, syncing each, until something fails. Gives the last seq acknowledged.
fn work(disk: &SimDisk, config: Config, batches: Seq) -> Seq {
    let Ok(log) = open(Arc::new(disk.clone()), config) else {
        return 0;
    };
    let mut acknowledged = log.last_seq();
    let Ok(mut writer) = log.into_writer() else {
        return acknowledged;
    };
    for _ in 0..batches {
        let first = writer.next_seq();
        if writer.append(&mut batch(first, first + 9)).is_err() {
            return acknowledged;
        }
        if config.sync != SyncPolicy::Always {
            acknowledged = first + 9;
        } else if writer.sync().is_err() {
            return acknowledged;
        } else {
            acknowledged = first + 9;
        }
        if writer.used() > 0.5 && writer.prepare_next().is_err() {
            return acknowledged;
        }
    }
    let _ = writer.close();
    acknowledged
}

/// Seqs are dense but for what recoveries told; every event is the one written.
fn check(disk: &SimDisk, config: Config, acknowledged: Seq, told: &mut Vec<(Seq, Seq)>) {
    let log = open(Arc::new(disk.clone()), config).unwrap();
    let mut last = acknowledged.saturating_sub(300);
    told.extend(log.recovery().map(|r| (r.lost_from, r.lost_to)));
    log.replay(last, |seq, e| {
        let gap = (last + 1, seq - 1);
        assert!(
            gap.0 > gap.1 || told.contains(&gap),
            "the gap {gap:?} was never told"
        );
        assert_eq!(e, event(seq));
        last = seq;
        Ok(())
    })
    .unwrap();
    if config.sync == SyncPolicy::Always {
        assert!(last >= acknowledged, "acknowledged {acknowledged}, stored {last}");
    }
    assert!(log.next_seq() > acknowledged.max(last));
}

#[test]
fn a_crash_at_every_operation_loses_nothing_acknowledged() {
    let (lead, counted) = rotating();
    for fault in [Fault::Crash, Fault::ShortWrite, Fault::Error] {
        for operation in 1..=counted.operations() {
            // Every other time nothing unsynced survives the loss of power, else half of it.
            {
                let seed = operation % 2 * operation;
                let disk = lead.fork();
                disk.fail_at(operation, fault);
                let acknowledged = work(&disk, TINY, 12);
                disk.power_loss(seed);
                let mut told = Vec::new();
                check(&disk, TINY, acknowledged, &mut told);
                // And it goes on, twice.
                let more = work(&disk, TINY, 3);
                assert!(more > acknowledged);
                disk.restart();
                check(&disk, TINY, more, &mut told);
            }
        }
    }
}

/// What a killed process had not synced is still shown by the system; who starts next must not build on it as it is.
#[test]
fn a_kill_at_every_operation_and_a_loss_of_power_later_lose_nothing() {
    let (lead, counted) = rotating();
    for fault in [Fault::Crash, Fault::Error] {
        for operation in 1..=counted.operations() {
            let disk = lead.fork();
            disk.fail_at(operation, fault);
            let first = work(&disk, TINY, 12);
            disk.restart();
            let mut told = Vec::new();
            check(&disk, TINY, first, &mut told);
            let acknowledged = work(&disk, TINY, 12);
            for seed in [0, operation] {
                let disk = disk.fork_with_unsynced();
                disk.power_loss(seed);
                check(&disk, TINY, acknowledged, &mut told.clone());
            }
        }
    }
}

#[test]
fn a_segment_found_under_a_name_that_was_never_synced_is_not_lost_with_it() {
    let counted = SimDisk::new();
    writer(&counted).prepare_next().unwrap();
    for operation in 1..=counted.operations() {
        let disk = SimDisk::new();
        disk.fail_at(operation, Fault::Crash);
        let _ = opened(&disk)
            .and_then(crate::journal::OpenedLog::into_writer)
            .and_then(|mut writer| writer.prepare_next());
        disk.restart();
        let acknowledged = work(&disk, SMALL, 3);
        disk.power_loss(0);
        check(&disk, SMALL, acknowledged, &mut Vec::new());
    }
}

#[test]
fn a_crash_at_every_operation_of_a_recovery() {
    let torn = SimDisk::new();
    let mut first = writer(&torn);
    first.append(&mut batch(1, 50)).unwrap();
    first.sync().unwrap();
    let before = torn.operations();
    torn.fail_at(before + 1, Fault::ShortWrite);
    assert!(first.append(&mut batch(51, 60)).is_err());
    assert!(
        first.append(&mut batch(51, 60)).is_err(),
        "a failed writer takes nothing more"
    );
    assert!(first.sync().is_err());
    drop(first);
    torn.restart();
    let torn = torn.fork();
    let reference = torn.fork();
    drop(writer(&reference));
    let expected = opened(&reference).unwrap().recovery().cloned().expect("torn");
    for operation in 1..=reference.operations() {
        for seed in [0, operation, operation + 1000] {
            let disk = torn.fork();
            disk.fail_at(operation, Fault::Crash);
            let _ = opened(&disk).and_then(crate::journal::OpenedLog::into_writer);
            disk.power_loss(seed);
            let log = opened(&disk).unwrap();
            assert_eq!(
                log.recovery(),
                Some(&expected),
                "operation {operation}, seed {seed}"
            );
            let kept = expected.lost_from - 1;
            assert_eq!(stored(&log), (1..=kept).collect::<Vec<_>>());
            assert_eq!(log.next_seq(), expected.lost_to + 1);
        }
    }
}

#[test]
fn unsynced_facts_that_were_shown_leave_a_gap_only_when_the_power_went() {
    for sync in [SyncPolicy::Interval, SyncPolicy::Never] {
        let config = Config { sync, ..SMALL };
        let disk = SimDisk::new();
        let mut writer = open(Arc::new(disk.clone()), config)
            .unwrap()
            .into_writer()
            .unwrap();
        for from in (1..=1000).step_by(10) {
            writer.append(&mut batch(from, from + 9)).unwrap();
            if from == 501 {
                writer.sync().unwrap();
            }
        }
        drop(writer);
        // Killed: everything is there, and numbering goes on.
        disk.restart();
        let killed = open(Arc::new(disk.clone()), config).unwrap();
        assert_eq!((killed.recovery(), killed.next_seq()), (None, 1001));
        drop(killed);
        let power = SimDisk::new();
        let mut writer = open(Arc::new(power.clone()), config)
            .unwrap()
            .into_writer()
            .unwrap();
        writer.append(&mut batch(1, 510)).unwrap();
        writer.sync().unwrap();
        writer.append(&mut batch(511, 1000)).unwrap();
        drop(writer);
        power.power_loss(0);
        let booted = Config {
            boot_id: [8; 16],
            ..config
        };
        let log = open(Arc::new(power.clone()), booted).unwrap();
        let recovery = log.recovery().expect("shown facts are gone").clone();
        assert_eq!(
            (recovery.lost_from, recovery.cut_bytes, recovery.epoch),
            (511, 0, 2)
        );
        assert!(recovery.lost_to >= 1000);
        assert_eq!(stored(&log), (1..=510).collect::<Vec<_>>());
        let mut writer = log.into_writer().unwrap();
        let first = writer.next_seq();
        assert_eq!(first, recovery.lost_to + 1);
        writer.append(&mut batch(first, first + 5)).unwrap();
        writer.close().unwrap();
        // Closed cleanly: another boot finds nothing missing.
        let again = Config {
            boot_id: [9; 16],
            ..config
        };
        let log = open(Arc::new(power.clone()), again).unwrap();
        assert_eq!((log.recovery(), log.next_seq()), (None, first + 6));
    }
}

#[test]
fn a_full_disk_leaves_the_batch_to_be_tried_again() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let mut seq = 1;
    while writer.used() < 0.99 {
        writer.append(&mut batch(seq, seq + 9)).unwrap();
        seq += 10;
    }
    let mut big = batch(seq, seq + 400);
    // The first operation creates the next segment's file, the second one fills it.
    disk.fail_at(disk.operations() + 2, Fault::Full);
    let error = writer.append(&mut big).unwrap_err();
    assert!(
        error.is_disk_full() && writer.is_alive() && writer.next_seq() < seq + 400,
        "{error}"
    );
    writer.append(&mut big).unwrap();
    writer.close().unwrap();
    assert_eq!(stored(&opened(&disk).unwrap()).len() as Seq, seq + 400);
}

#[test]
fn a_gap_is_kept_open_when_the_power_goes_right_after_a_rotation() {
    let config = Config {
        sync: SyncPolicy::Interval,
        ..SMALL
    };
    let disk = SimDisk::new();
    let mut writer = open(Arc::new(disk.clone()), config)
        .unwrap()
        .into_writer()
        .unwrap();
    let mut shown = 0;
    while writer.published().segments().len() < 3 {
        writer.append(&mut batch(shown + 1, shown + 50)).unwrap();
        shown += 50;
    }
    // More is shown from the new segment, none of it synced.
    writer.append(&mut batch(shown + 1, shown + 50)).unwrap();
    shown += 50;
    drop(writer);
    for seed in 0..20 {
        let copy = disk.fork_with_unsynced();
        copy.power_loss(seed);
        let booted = Config {
            boot_id: [9; 16],
            ..config
        };
        let log = open(Arc::new(copy.clone()), booted).unwrap();
        assert!(
            log.next_seq() > shown,
            "seed {seed}: seq {} was shown before",
            log.next_seq()
        );
        let recovery = log.recovery().expect("shown facts may be gone");
        assert!(recovery.lost_to >= shown || log.last_seq() >= shown);
    }
}
