use super::*;
use crate::journal::format::{DATA_START, u32_at};
use crate::journal::frame::{FrameHeader, Salt};
use crate::journal::verdict::events_at_most;

const FIRST: &str = "log-0000000000000001.slad";

/// A log of events 1..=n whose process died; the batches up to `marked` have been marked, the rest was written after.
fn unmarked_tail(marked: Seq, n: Seq) -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    writer.append(&mut batch(1, marked)).unwrap();
    writer.sync().unwrap();
    for seq in marked + 1..=n {
        writer.append(&mut batch(seq, seq)).unwrap();
    }
    disk
}

/// Offset and size of every frame of the first segment, with the header.
fn frames(disk: &SimDisk) -> Vec<(usize, FrameHeader)> {
    let bytes = &disk.contents()[FIRST];
    let salt = Salt::new(SMALL.log_id, 1);
    let mut at = DATA_START as usize;
    let mut frames = Vec::new();
    while let Some(header) = FrameHeader::decode(&bytes[at..], salt, at as u64) {
        frames.push((at, header));
        at += header.size() as usize;
    }
    frames
}

fn with(disk: &SimDisk, change: impl FnOnce(&mut Vec<u8>)) -> SimDisk {
    let copy = disk.fork();
    let mut bytes = copy.contents().remove(FIRST).unwrap();
    change(&mut bytes);
    copy.put(FIRST, bytes);
    copy
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_kept_and_told() {
    let disk = unmarked_tail(20, 23);
    let (start, header) = *frames(&disk).last().unwrap();
    assert_eq!((header.first_seq, header.count), (23, 1));
    for kept in 1..header.size() as usize {
        let torn = with(&disk, |bytes| bytes[start + kept..].fill(0));
        if kept >= 32 + header.payload_bytes as usize {
            continue; // only padding is missing, which is zero anyway
        }
        // A cut that takes away nothing but zeros tears nothing.
        let original = &disk.contents()[FIRST];
        if original[start + kept..start + header.size() as usize]
            .iter()
            .all(|b| *b == 0)
        {
            continue;
        }
        let log = opened(&torn).unwrap();
        let recovery = log.recovery().expect("torn").clone();
        assert_eq!(
            (recovery.lost_from, recovery.lost_to, recovery.epoch),
            (23, 22 + events_at_most(recovery.cut_bytes), 2),
            "kept {kept}"
        );
        assert_eq!(recovery.offset, start as u64);
        assert!(recovery.cut_bytes > 0 && recovery.cut_bytes <= kept as u64);
        assert_eq!(stored(&log), (1..=22).collect::<Vec<_>>());
        let next = log.next_seq();
        assert_eq!(next, recovery.lost_to + 1, "a seq is never used twice");
        let cut = torn.contents();
        let kept_bytes = &cut[&format!("torn-{:016}-{start}.bin", 1)];
        assert_eq!(
            kept_bytes[..],
            original[start..start + recovery.cut_bytes as usize]
        );
        // Again, without having written: the same is told. Then writing goes on in the new epoch.
        drop(log);
        let again = opened(&torn).unwrap();
        assert_eq!(again.recovery(), Some(&recovery));
        assert_eq!(again.epoch(), 2);
        let mut writer = again.into_writer().unwrap();
        assert_eq!((writer.next_seq(), writer.epoch()), (next, 2));
        writer.append(&mut batch(next, 30)).unwrap();
        writer.sync().unwrap();
        drop(writer);
        let after = opened(&torn).unwrap();
        assert_eq!(after.recovery(), None);
        let expected: Vec<Seq> = (1..=22).chain(next..=30).collect();
        assert_eq!(stored(&after), expected);
        assert_eq!(after.reader().event(23).unwrap(), None);
    }
}

#[test]
fn nothing_but_zeros_missing_loses_nothing_else() {
    let disk = unmarked_tail(20, 23);
    let (start, _) = *frames(&disk).last().unwrap();
    // The whole last frame never reached the disk: nothing shows that it existed, and `always` never showed it.
    let gone = with(&disk, |bytes| bytes[start..].fill(0));
    let log = opened(&gone).unwrap();
    assert_eq!(log.recovery(), None);
    assert_eq!((stored(&log).len(), log.next_seq()), (22, 23));
}

#[test]
fn garbage_behind_the_tail_is_cut_wherever_it_lies() {
    let disk = unmarked_tail(20, 23);
    let (start, header) = *frames(&disk).last().unwrap();
    let end = start + header.size() as usize;
    for offset in [0, 8, 100, 5000, 500_000, (1 << 20) - end - 1] {
        let torn = with(&disk, |bytes| bytes[end + offset] = 0x5a);
        let log = opened(&torn).unwrap();
        let recovery = log.recovery().expect("garbage").clone();
        assert_eq!(recovery.cut_bytes as usize, offset + 1);
        // So many events may have stood there, for all that anybody can tell.
        let lost_to = 23 + events_at_most(offset as u64 + 1);
        assert_eq!((recovery.lost_from, recovery.lost_to), (24, lost_to));
        assert_eq!(stored(&log).len(), 23);
        drop(log);
        drop(writer(&torn));
        assert_eq!(stored(&opened(&torn).unwrap()).len(), 23);
    }
}

#[test]
fn a_frame_that_vanished_below_others_that_are_unmarked_cuts_them_all() {
    let disk = unmarked_tail(20, 23);
    let all = frames(&disk);
    let (start, header) = all[all.len() - 3];
    assert_eq!(header.first_seq, 21);
    let torn = with(&disk, |bytes| {
        bytes[start..start + header.size() as usize].fill(0)
    });
    let log = opened(&torn).unwrap();
    let recovery = log.recovery().unwrap();
    let lost_to = 20 + events_at_most(recovery.cut_bytes);
    assert!(lost_to >= 23);
    assert_eq!((recovery.lost_from, recovery.lost_to), (21, lost_to));
    assert_eq!((stored(&log).len(), log.next_seq()), (20, lost_to + 1));
}

#[test]
fn seqs_of_a_frame_whose_header_is_destroyed_are_never_used_again() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    writer.append(&mut batch(1, 20)).unwrap();
    writer.sync().unwrap();
    let mut frame = Batch::new();
    let events: Vec<Event> = (21..=60).map(event).collect();
    frame.push(21, &events).unwrap();
    // Synced, so it may have been shown; no marker says so yet.
    writer.append(&mut frame).unwrap();
    writer.sync().unwrap();
    drop(writer);
    let (start, header) = *frames(&disk).last().unwrap();
    assert_eq!(header.count, 40);
    let damaged = with(&disk, |bytes| bytes[start + 20] ^= 1);
    let log = opened(&damaged).unwrap();
    assert_eq!(stored(&log), (1..=20).collect::<Vec<_>>());
    assert!(log.next_seq() > 60, "{:?}", log.recovery());
}

/// Every bit of a marked frame and of the marker that stands behind it.
#[test]
fn every_bit_of_a_marked_frame_flipped_stops_the_start() {
    let disk = log_of(40);
    let all = frames(&disk);
    let (start, header) = *all
        .iter()
        .rev()
        .find(|(_, h)| h.count > 0 && h.last_seq() <= 30)
        .unwrap();
    for bit in 0..header.size() * 8 {
        let (byte, mask) = (start + bit as usize / 8, 1u8 << (bit % 8));
        let damaged = with(&disk, |bytes| bytes[byte] ^= mask);
        match opened(&damaged).map(|log| stored(&log)) {
            Err(JournalError::Corrupt {
                path,
                offset,
                seq,
                what,
            }) => {
                assert!(path.ends_with(FIRST) && what.contains("synced"), "{what}");
                assert_eq!((offset, seq), (start as u64, header.first_seq));
            }
            other => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn every_bit_of_the_last_frame_flipped_is_never_a_wrong_event() {
    let disk = unmarked_tail(20, 21);
    let (start, header) = *frames(&disk).last().unwrap();
    for bit in 0..header.size() * 8 {
        let (byte, mask) = (start + bit as usize / 8, 1u8 << (bit % 8));
        let damaged = with(&disk, |bytes| bytes[byte] ^= mask);
        let log = opened(&damaged).unwrap();
        assert_eq!(stored(&log), (1..=20).collect::<Vec<_>>(), "bit {bit}");
        assert_eq!(log.next_seq(), log.recovery().unwrap().lost_to + 1);
    }
}

#[test]
fn headers_have_a_second_copy_and_only_one() {
    let disk = log_of(40);
    for copy in [0, 4096] {
        let one = with(&disk, |bytes| bytes[copy + 20] ^= 1);
        assert_eq!(stored(&opened(&one).unwrap()).len(), 40);
    }
    let both = with(&disk, |bytes| {
        bytes[20] ^= 1;
        bytes[4096 + 20] ^= 1;
    });
    let error = opened(&both).unwrap_err().to_string();
    assert!(error.contains(FIRST) && error.contains("both copies"), "{error}");
}

#[test]
fn segments_removed_swapped_doubled_or_cut_short_are_named() {
    let disk = log_of(24_000);
    let names: Vec<String> = disk
        .contents()
        .into_keys()
        .filter(|n| n.starts_with("log-"))
        .collect();
    assert!(names.len() > 4);
    let (a, b) = (&names[1], &names[2]);
    let (bytes_a, bytes_b) = (disk.contents()[a].clone(), disk.contents()[b].clone());
    let says = |change: &dyn Fn(&SimDisk), expected: &str| {
        let copy = disk.fork();
        change(&copy);
        let error = opened(&copy).map(|log| stored(&log)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    says(
        &|d| crate::journal::disk::Disk::remove(d, b).unwrap(),
        "missing between",
    );
    says(
        &|d| {
            d.put(a, bytes_b.clone());
            d.put(b, bytes_a.clone());
        },
        "it was renamed or copied",
    );
    says(&|d| d.put(a, bytes_b.clone()), "it was renamed or copied");
    says(&|d| d.put(b, bytes_b[..100_000].to_vec()), "has 100000 bytes");
    says(&|d| d.put(b, Vec::new()), "too short");
    // The first one may be gone: retention. But then a snapshot must hold what was in it.
    let copy = disk.fork();
    crate::journal::disk::Disk::remove(&copy, &names[0]).unwrap();
    let log = opened(&copy).unwrap();
    assert!(log.first_seq() > 1);
    let error = log.replay(0, |_, _| Ok(())).unwrap_err().to_string();
    assert!(error.contains("no snapshot holds"), "{error}");
}

#[test]
fn damage_in_a_sealed_segment_is_found_by_whoever_reads_it() {
    let disk = log_of(12_000);
    let copy = with(&disk, |bytes| bytes[300_000] ^= 0x10);
    let log = opened(&copy).unwrap();
    let error = log.replay(0, |_, _| Ok(())).unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { seq, .. } if seq > 1));
    let reader = log.reader();
    let (mut good, mut bad) = (0, 0);
    for seq in (1..=12_000).step_by(100) {
        match reader.event(seq) {
            Ok(found) => {
                assert_eq!(found, Some(event(seq)));
                good += 1;
            }
            Err(JournalError::Corrupt { .. }) => bad += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(
        good > 50,
        "the other segments are read as before: {good} good, {bad} bad"
    );
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = log_of(5);
    let newer = with(&disk, |bytes| {
        for copy in [0, 4096] {
            bytes[copy + 12] = 9;
            let crc = crc32c::crc32c(&bytes[copy + 12..copy + 128]);
            bytes[copy + 8..copy + 12].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(u32_at(&bytes[copy..], 12), 9);
        }
    });
    let error = opened(&newer).unwrap_err();
    assert!(
        matches!(
            error,
            JournalError::TooNew {
                found: 9,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}
