//! Damage laid systematically, place by place, with the exact outcome that the format's page promises.

use super::*;
use crate::journal::SnapshotWriter;
use crate::journal::format::DATA_START;
use crate::journal::frame::{FrameHeader, Salt};
use crate::model::record::{QueueRecord, Record};

const TINY: Config = Config {
    segment_bytes: 16 << 10,
    ..SMALL
};

fn name(id: u64) -> String {
    format!("log-{id:016}.slad")
}

/// Offset and header of every frame of a segment.
fn frames(bytes: &[u8], id: u64) -> Vec<(usize, FrameHeader)> {
    let salt = Salt::new(TINY.log_id, id);
    let mut at = DATA_START as usize;
    let mut all = Vec::new();
    while let Some(header) = bytes
        .get(at..)
        .and_then(|bytes| FrameHeader::decode(bytes, salt, at as u64))
    {
        all.push((at, header));
        at += header.size() as usize;
    }
    all
}

/// A log of events 1..=n in small segments, each batch of four synced; the process died.
fn tiny(n: Seq) -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = open(Arc::new(disk.clone()), TINY).unwrap().into_writer().unwrap();
    for first in (1..=n).step_by(4) {
        writer.append(&mut batch(first, (first + 3).min(n))).unwrap();
        writer.sync().unwrap();
    }
    disk
}

#[test]
fn every_bit_of_a_frame_in_a_sealed_segment_is_found_by_replay() {
    let disk = tiny(200);
    let files = disk.contents();
    assert!(files.len() >= 4, "{} files", files.len());
    for id in [1, 2] {
        let all = frames(&files[&name(id)], id);
        let (start, header) = all[all.len() / 2..].iter().find(|(_, h)| h.count > 0).unwrap();
        for bit in 0..header.size() as usize * 8 {
            let copy = disk.fork();
            copy.flip(&name(id), start + bit / 8, 1 << (bit % 8));
            let log = open(Arc::new(copy), TINY).unwrap();
            match log.replay(0, |seq, e| {
                (e == event(seq)).then_some(()).ok_or_else(String::new)
            }) {
                Err(JournalError::Corrupt {
                    path, offset, seq, ..
                }) => {
                    assert!(path.ends_with(name(id)), "bit {bit}: {path:?}");
                    assert_eq!((offset, seq), (*start as u64, header.first_seq), "bit {bit}");
                }
                other => panic!("segment {id}, bit {bit}: {other:?}"),
            }
        }
    }
}

/// A log whose last segment is sealed: its process died before it began the next one. Name of that segment.
fn sealed_last() -> (SimDisk, String) {
    let disk = tiny(200);
    let last = disk.contents().len() as u64;
    crate::journal::disk::Disk::remove(&disk, &name(last)).unwrap();
    (disk, name(last - 1))
}

#[test]
fn every_bit_of_the_last_batch_behind_a_settled_seal_is_damage() {
    let (disk, file) = sealed_last();
    let bytes = disk.contents().remove(&file).unwrap();
    assert_eq!(bytes[..4096], bytes[4096..8192], "both copies tell of the seal");
    let all = frames(&bytes, disk.contents().len() as u64);
    // No marker stands behind these.
    let (marker, _) = *all.iter().rfind(|(_, h)| h.kind == 2).unwrap();
    let batch: Vec<_> = all.iter().filter(|(at, h)| *at > marker && h.count > 0).collect();
    assert!(!batch.is_empty());
    for (start, header) in batch {
        for bit in 0..header.size() as usize * 8 {
            let copy = disk.fork();
            copy.flip(&file, start + bit / 8, 1 << (bit % 8));
            let before = copy.contents();
            match open(Arc::new(copy.clone()), TINY) {
                Err(JournalError::Corrupt {
                    path,
                    offset,
                    seq,
                    what,
                }) => {
                    assert!(path.ends_with(&file), "bit {bit}: {path:?}");
                    assert_eq!((offset, seq), (*start as u64, header.first_seq), "bit {bit}");
                    assert!(what.contains("this is damage"), "bit {bit}: {what}");
                }
                other => panic!("{file}, bit {bit}: {other:?}"),
            }
            assert!(
                copy.contents()[&file] == before[&file],
                "bit {bit}: it was written to"
            );
        }
    }
}

#[test]
fn the_last_batch_behind_a_seal_whose_sync_may_not_have_come_back_is_a_torn_tail() {
    let (disk, file) = sealed_last();
    // The first copy never reached the disk.
    disk.flip(&file, 20, 1);
    let bytes = disk.contents().remove(&file).unwrap();
    let all = frames(&bytes, disk.contents().len() as u64);
    let (marker, _) = *all.iter().rfind(|(_, h)| h.kind == 2).unwrap();
    let events = || all.iter().filter(|(_, h)| h.count > 0);
    for (start, header) in events().filter(|(at, _)| *at > marker) {
        for bit in (0..header.size() as usize * 8).step_by(7) {
            let copy = disk.fork();
            copy.flip(&file, start + bit / 8, 1 << (bit % 8));
            let log = open(Arc::new(copy), TINY).unwrap();
            assert_eq!(
                stored(&log),
                (1..header.first_seq).collect::<Vec<_>>(),
                "bit {bit}"
            );
            let told = log.recovery().unwrap();
            assert_eq!(told.lost_from, header.first_seq, "bit {bit}");
            assert_eq!(told.lost_to + 1, log.next_seq(), "bit {bit}");
        }
    }
    // What stands before a marker had been synced in any case.
    let (start, header) = events().find(|(at, _)| *at < marker).unwrap();
    disk.flip(&file, *start, 1);
    let error = open(Arc::new(disk), TINY).unwrap_err();
    let named = matches!(&error, JournalError::Corrupt { offset, seq, .. }
        if (*offset, *seq) == (*start as u64, header.first_seq));
    assert!(named, "{error}");
}

#[test]
fn a_gap_told_of_once_does_not_shrink_when_the_end_of_its_segment_is_damaged() {
    let disk = SimDisk::new();
    let (file, id) = (name(1), 1);
    let mut writer = open(Arc::new(disk.clone()), TINY).unwrap().into_writer().unwrap();
    writer.append(&mut batch(1, 8)).unwrap();
    writer.sync().unwrap();
    writer.marker().unwrap();
    drop(writer);
    let bytes = disk.contents().remove(&file).unwrap();
    let (start, header) = *frames(&bytes, id).last().unwrap();
    assert_eq!((header.kind, header.first_seq), (2, 8));
    // So many bytes can have been many events.
    disk.flip(&file, start + header.size() as usize + 3000, 1);
    let lost_to = {
        let log = open(Arc::new(disk.clone()), TINY).unwrap();
        log.recovery().unwrap().lost_to
    };
    assert!(lost_to > 10, "{lost_to}");
    let sealed = disk.contents().remove(&file).unwrap();
    let (last, _) = *frames(&sealed, id).last().unwrap();
    assert_eq!(last, start);
    disk.flip(&file, last, 1);
    let log = open(Arc::new(disk), TINY).unwrap();
    assert_eq!(stored(&log).len(), 8);
    assert_eq!(log.next_seq(), lost_to + 1, "a seq is never used twice");
}

#[test]
fn the_last_three_frames_cut_at_each_byte_leave_what_stands_before() {
    let disk = SimDisk::new();
    let mut writer = open(Arc::new(disk.clone()), TINY).unwrap().into_writer().unwrap();
    writer.append(&mut batch(1, 20)).unwrap();
    writer.sync().unwrap();
    for seq in 21..=23 {
        writer.append(&mut batch(seq, seq)).unwrap();
    }
    drop(writer);
    let bytes = disk.contents().remove(&name(1)).unwrap();
    let all = frames(&bytes, 1);
    let last = &all[all.len() - 3..];
    let end = last[2].0 + last[2].1.size() as usize;
    for cut in last[0].0..end {
        let copy = disk.fork();
        let mut torn = bytes.clone();
        torn[cut..].fill(0);
        let is_torn = bytes[cut..end].iter().any(|b| *b != 0);
        copy.put(&name(1), torn);
        let whole = last.iter().filter(|(at, h)| {
            let used = at + 32 + h.payload_bytes as usize;
            cut >= used || bytes[cut..used].iter().all(|b| *b == 0)
        });
        let kept = 20 + whole.count() as Seq;
        let mut told = None;
        // The second start finds what the first one did, and does no more.
        for attempt in 0..2 {
            let log = open(Arc::new(copy.clone()), TINY).unwrap();
            assert_eq!(stored(&log), (1..=kept).collect::<Vec<_>>(), "cut at {cut}");
            assert!(log.next_seq() > kept && (is_torn || kept == 23), "cut at {cut}");
            let now = log.recovery().cloned();
            assert!(attempt == 0 || now == told, "cut at {cut}");
            if let Some(r) = &now {
                assert_eq!((r.lost_from, r.lost_to + 1), (kept + 1, log.next_seq()));
            }
            told = now;
        }
    }
}

#[test]
fn garbage_of_any_length_behind_the_tail_is_cut_and_zeros_are_nothing() {
    let disk = tiny(22);
    let bytes = disk.contents().remove(&name(1)).unwrap();
    let (start, header) = *frames(&bytes, 1).last().unwrap();
    let end = start + header.size() as usize;
    for length in [1, 7, 8, 31, 32, 33, 64, 511, 512, 1000] {
        for (pattern, is_garbage) in [(0xff, true), (0x01, true), (0, false)] {
            let copy = disk.fork();
            let mut changed = bytes.clone();
            changed[end..end + length].fill(pattern);
            copy.put(&name(1), changed);
            let log = open(Arc::new(copy), TINY).unwrap();
            assert_eq!(stored(&log).len(), 22);
            let cut = log.recovery().map(|r| r.cut_bytes);
            assert_eq!(
                cut,
                is_garbage.then_some(length as u64),
                "{length} bytes of {pattern}"
            );
        }
    }
}

#[test]
fn segments_doubled_under_another_name_or_missing_in_the_middle_are_named() {
    let disk = tiny(200);
    let files = disk.contents();
    let last = files.len() as u64;
    for id in 1..=last {
        let copy = disk.fork();
        copy.put(&name(last + 1), files[&name(id)].clone());
        let error = open(Arc::new(copy), TINY).unwrap_err();
        let named = matches!(&error, JournalError::Corrupt { path, offset: 16, .. } if path.ends_with(name(last + 1)));
        assert!(named, "{error}");
    }
    for id in 2..last {
        let copy = disk.fork();
        crate::journal::disk::Disk::remove(&copy, &name(id)).unwrap();
        let error = open(Arc::new(copy), TINY).unwrap_err();
        let named = matches!(&error, JournalError::Corrupt { path, .. } if path.ends_with(name(id)));
        assert!(named && error.to_string().contains("missing between"), "{error}");
    }
}

#[test]
fn each_kind_of_damage_to_one_or_both_snapshots_falls_back_to_the_log() {
    let disk = tiny(60);
    let names = [20, 40].map(|seq: Seq| {
        let mut writer = SnapshotWriter::create(Arc::new(disk.clone()), TINY.log_id, seq, 1, 5).unwrap();
        let record = |n| {
            Record::Queue(Box::new(QueueRecord {
                tenant: 0,
                queue: "q".into(),
                seq: n,
            }))
        };
        writer.chunk(&(0..20).map(record).collect::<Vec<_>>()).unwrap();
        writer.finish(seq).unwrap();
        format!("snapshot-{seq:020}.slad")
    });
    let damage: [fn(&mut Vec<u8>); 4] = [
        |header| header[16] ^= 1,
        |chunk| chunk[64 + 24 + 5] ^= 1,
        |footer| {
            let at = footer.len() - 1;
            footer[at] ^= 1;
        },
        |cut| cut.truncate(cut.len() - 8),
    ];
    for change in damage {
        for (which, expected) in [
            (&names[1..], Some(20)),
            (&names[..1], Some(40)),
            (&names[..], None),
        ] {
            let copy = disk.fork();
            for name in which {
                let mut bytes = copy.contents().remove(name).unwrap();
                change(&mut bytes);
                copy.put(name, bytes);
            }
            let log = open(Arc::new(copy), TINY).unwrap();
            assert_eq!(log.snapshot().map(|s| s.info().seq), expected);
            // Nobody looks at an older one while the newest is whole.
            let skipped = if expected == Some(40) { 0 } else { which.len() };
            assert_eq!(log.skipped_snapshots().len(), skipped);
            assert_eq!(stored(&log).len(), 60);
        }
    }
}
