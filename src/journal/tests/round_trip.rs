use super::*;
use crate::journal::disk::RealDisk;
use std::ops::ControlFlow;

#[test]
fn what_is_appended_is_replayed_and_read() {
    let disk = log_of(500);
    disk.restart();
    let log = opened(&disk).unwrap();
    assert_eq!(log.recovery(), None);
    assert_eq!(stored(&log), (1..=500).collect::<Vec<_>>());
    let mut half = Vec::new();
    log.replay(250, |seq, _| {
        half.push(seq);
        Ok(())
    })
    .unwrap();
    assert_eq!(half, (251..=500).collect::<Vec<_>>());
    let reader = log.reader();
    for seq in 1..=500 {
        assert_eq!(reader.event(seq).unwrap(), Some(event(seq)));
    }
    assert_eq!(
        (reader.event(0).unwrap(), reader.event(501).unwrap()),
        (None, None)
    );
    assert_eq!((reader.first_seq(), reader.last_seq()), (1, 500));
}

#[test]
fn rotation_keeps_every_event_and_ranges_run_both_ways() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let n = 30_000;
    for from in (1..=n).step_by(1000) {
        writer.append(&mut batch(from, from + 999)).unwrap();
        writer.sync().unwrap();
        if writer.used() > 0.5 {
            writer.prepare_next().unwrap();
        }
    }
    let reader = crate::journal::Reader::new(writer.published());
    assert!(writer.published().segments().len() > 3, "the test must rotate");
    for (from, to) in [(1, n), (7777, 23_456), (n, n + 5), (15_000, 15_000)] {
        let mut seqs = Vec::new();
        reader
            .range(from, to, |seq, e| {
                assert_eq!(e, event(seq));
                seqs.push(seq);
                ControlFlow::Continue(())
            })
            .unwrap();
        let wanted: Vec<Seq> = (from..=to.min(n)).collect();
        assert_eq!(seqs, wanted);
        let mut back = Vec::new();
        reader
            .range_back(from, to, |seq, _| {
                back.push(seq);
                ControlFlow::Continue(())
            })
            .unwrap();
        back.reverse();
        assert_eq!(back, wanted);
    }
    writer.close().unwrap();
    let again = opened(&disk).unwrap();
    assert_eq!(again.recovery(), None);
    assert_eq!(stored(&again).len(), n as usize);
}

#[test]
fn a_batch_larger_than_a_segment_and_a_frame_larger_than_one() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    writer.append(&mut batch(1, 20_000)).unwrap();
    let mut giant = Batch::new();
    let events: Vec<Event> = (20_001..=40_000).map(event).collect();
    giant.push(20_001, &events).unwrap();
    assert!(giant.len_bytes() > 2 << 20);
    writer.append(&mut giant).unwrap();
    writer.append(&mut batch(40_001, 40_010)).unwrap();
    writer.sync().unwrap();
    writer.close().unwrap();
    assert_eq!(stored(&opened(&disk).unwrap()).len(), 40_010);
}

#[test]
fn batches_are_reused_and_seqs_must_be_dense() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let mut batch = Batch::new();
    assert!(batch.push(1, &[]).is_err());
    for seq in 1..=300 {
        batch.push(seq, &[event(seq)]).unwrap();
        assert!(batch.push(seq + 2, &[event(1)]).is_err());
        assert_eq!(
            (batch.first_seq(), batch.last_seq(), batch.len()),
            (Some(seq), Some(seq), 1)
        );
        writer.append(&mut batch).unwrap();
        batch.clear();
        assert!(batch.is_empty() && batch.len_bytes() == 0);
    }
    batch.push(302, &[event(302)]).unwrap();
    assert!(matches!(writer.append(&mut batch), Err(JournalError::Misuse(_))));
    drop(writer);
    assert_eq!(stored(&opened(&disk).unwrap()).len(), 300);
}

#[test]
fn the_real_disk_with_readers_racing_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::new(dir.path(), std::process::id()).unwrap());
    let log = open(disk.clone(), SMALL).unwrap();
    let reader = Arc::new(log.reader());
    let mut writer = log.into_writer().unwrap();
    assert!(matches!(
        open(disk.clone(), SMALL),
        Err(JournalError::Locked { pid: Some(pid), .. }) if pid == std::process::id()
    ));
    let n: Seq = 20_000;
    std::thread::scope(|scope| {
        for back in [false, true] {
            let reader = Arc::clone(&reader);
            scope.spawn(move || {
                let mut seen = 0;
                while seen < n {
                    let last = reader.last_seq();
                    let mut next = seen + 1;
                    if back && last > 0 {
                        assert_eq!(reader.event(last).unwrap(), Some(event(last)));
                    }
                    reader
                        .range(seen + 1, last, |seq, e| {
                            assert_eq!((seq, &e), (next, &event(next)));
                            next += 1;
                            ControlFlow::Continue(())
                        })
                        .unwrap();
                    assert_eq!(next, last + 1, "all that is published is readable");
                    seen = last;
                }
            });
        }
        for from in (1..=n).step_by(50) {
            writer.append(&mut batch(from, from + 49)).unwrap();
            if from % 1000 == 1 {
                writer.sync().unwrap();
                writer.marker().unwrap();
            }
        }
    });
    writer.close().unwrap();
    let again = open(disk, SMALL).unwrap();
    assert_eq!((again.recovery(), stored(&again).len()), (None, n as usize));
}

#[test]
fn a_rotation_waits_for_the_segment_that_is_being_prepared() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let mut seq = 0;
    let mut late = Vec::new();
    for _ in 0..6 {
        // Prepared so slowly that the active segment is full first.
        let preparation = writer.preparation().unwrap();
        assert!(writer.preparation().is_none(), "one at a time");
        let slow = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30));
            preparation.run().unwrap()
        });
        let segments = writer.published().segments().len();
        while writer.published().segments().len() == segments {
            writer.append(&mut batch(seq + 1, seq + 500)).unwrap();
            seq += 500;
        }
        writer.sync().unwrap();
        late.push(slow.join().unwrap());
    }
    for prepared in late {
        // It is in use already: not once more.
        writer.install(prepared);
    }
    drop(writer.preparation()); // Given up: the next rotation makes its own.
    let segments = writer.published().segments().len();
    while writer.published().segments().len() == segments {
        writer.append(&mut batch(seq + 1, seq + 500)).unwrap();
        seq += 500;
    }
    writer.close().unwrap();
    let again = opened(&disk).unwrap();
    assert_eq!(again.recovery(), None);
    assert_eq!(stored(&again), (1..=seq).collect::<Vec<_>>());
}

#[test]
fn state_hashes_come_back_where_they_were_said() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let mut said = Vec::new();
    let mut seq = 1;
    // Frames of every phase against the segment's end, so that hashes also stand first and last in one.
    while writer.published().segments().len() < 4 {
        let to = seq + seq % 7;
        let mut batch = batch(seq, to);
        batch.push_state_hash(to * 31);
        said.push((to, to * 31));
        writer.append(&mut batch).unwrap();
        writer.sync().unwrap();
        seq = to + 1;
    }
    writer.close().unwrap();
    let log = opened(&disk).unwrap();
    assert_eq!(log.recovery(), None);
    let (mut hashes, mut next) = (Vec::new(), 1);
    log.replay_stored(0, |seq, stored| {
        match stored {
            crate::journal::Stored::Event(_) => {
                assert_eq!(seq, next);
                next += 1;
            }
            crate::journal::Stored::Hash(hash) => {
                assert_eq!(seq, next - 1, "after the event of its seq");
                assert!(hash.allows(hash.value) && !hash.allows(!hash.value));
                hashes.push((seq, hash.value));
            }
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(hashes, said);
    assert_eq!(next, seq);
    let mut empty = Batch::new();
    empty.push_state_hash(1);
    assert!(empty.is_empty(), "there is no seq for which it could hold");
}
