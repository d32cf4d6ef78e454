//! Over the simulated disk: what the tools read, judge and cut, against what a start does with the same bytes.

use super::check::State;
use super::repair::{At, RepairError, plan};
use super::*;
use crate::journal::disk::Disk;
use crate::journal::format::DATA_START;
use crate::journal::frame::{FrameHeader, Kind, Salt};
use crate::journal::segment::{HeaderRead, SegmentHeader, name_of};
use crate::journal::sim::{Fault, SimDisk};
use crate::journal::tests::{SMALL, batch, event, opened, stored, writer};
use crate::journal::{JournalError, SnapshotWriter};
use crate::model::Seq;
use std::ops::ControlFlow;
use std::sync::Arc;

fn arc(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn seqs(view: &View, after: Seq) -> Vec<Seq> {
    let mut found = Vec::new();
    view.walk(after, |piece, _| {
        if let Piece::Frame(first, events) = piece {
            for (seq, stored) in (first..).zip(events) {
                assert_eq!(stored, event(seq));
                found.push(seq);
            }
        }
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    found
}

/// A log of some segments, left by a crash, and its last seq.
fn some_segments(segments: usize) -> (SimDisk, Seq) {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let mut seq = 1;
    while writer.published().segments().len() < segments {
        let mut batch = batch(seq, seq + 40);
        batch.push_state_hash(seq);
        writer.append(&mut batch).unwrap();
        writer.sync().unwrap();
        seq += 41;
    }
    writer.append(&mut batch(seq, seq + 9)).unwrap();
    writer.sync().unwrap();
    drop(writer);
    (disk, seq + 9)
}

fn header(disk: &SimDisk, id: u64) -> SegmentHeader {
    let bytes = &disk.contents()[&name_of(id)];
    match (
        SegmentHeader::decode(bytes),
        SegmentHeader::decode(&bytes[4096..]),
    ) {
        (HeaderRead::Valid(a), HeaderRead::Valid(b)) if b.generation > a.generation => b,
        (HeaderRead::Valid(a), _) => a,
        _ => panic!("no header"),
    }
}

/// Places and headers of the frames of a segment.
fn frames(disk: &SimDisk, id: u64) -> Vec<(u64, FrameHeader)> {
    let bytes = &disk.contents()[&name_of(id)];
    let salt = Salt::new(SMALL.log_id, id);
    let mut at = DATA_START;
    let mut frames = Vec::new();
    while let Some(header) = FrameHeader::decode(&bytes[at as usize..], salt, at) {
        frames.push((at, header));
        at += header.size();
    }
    frames
}

fn damaged(disk: &SimDisk, id: u64, change: impl FnOnce(&mut Vec<u8>)) -> SimDisk {
    let copy = disk.fork();
    let mut bytes = copy.contents().remove(&name_of(id)).unwrap();
    change(&mut bytes);
    copy.put(&name_of(id), bytes);
    copy
}

fn problem(report: &Report) -> (String, bool) {
    let mut problems = report.problems();
    let found = problems.next().expect("a problem");
    (found.error.to_string(), found.stops_start)
}

#[test]
fn a_view_reads_what_a_start_reads_and_writes_nothing() {
    let (disk, last) = some_segments(3);
    let before = (disk.operations(), disk.contents());
    let view = View::open(arc(&disk), SMALL.boot_id).unwrap();
    assert_eq!(
        (view.first_seq(), view.last_seq(), view.shown_to()),
        (1, last, last)
    );
    assert_eq!(view.log_id(), SMALL.log_id);
    assert_eq!(seqs(&view, 0), (1..=last).collect::<Vec<_>>());
    // Frames are whole: the first may begin before what is asked for.
    let some = seqs(&view, last - 20);
    assert!(some[0] <= last - 19 && some.contains(&(last - 19)) && *some.last().unwrap() == last);
    let report = check(&arc(&disk), SMALL.boot_id, |_| ()).unwrap();
    assert!(report.is_whole() && !report.stops_start());
    assert_eq!((report.first_seq(), report.last_seq()), (1, last));
    let states: Vec<State> = report.segments.iter().map(|s| s.state).collect();
    assert_eq!(states[..3], [State::Sealed, State::Sealed, State::Active]);
    assert!(report.segments.iter().map(|s| s.hashes).sum::<u64>() > 10);
    assert_eq!((disk.operations(), disk.contents()), before);
    assert_eq!(stored(&opened(&disk).unwrap()), seqs(&view, 0));
}

#[test]
fn an_empty_directory_is_no_log() {
    let view = View::open(arc(&SimDisk::new()), SMALL.boot_id).unwrap();
    assert!(view.is_empty() && view.end().is_none());
    let report = check(&arc(&SimDisk::new()), SMALL.boot_id, |_| ()).unwrap();
    assert!(report.segments.is_empty() && report.is_whole());
}

#[test]
fn a_torn_tail_is_told_with_what_a_start_does() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    writer.append(&mut batch(1, 20)).unwrap();
    writer.sync().unwrap();
    writer.append(&mut batch(21, 21)).unwrap();
    drop(writer);
    let (at, frame) = *frames(&disk, 1).last().unwrap();
    assert_eq!(frame.first_seq, 21);
    let torn = damaged(&disk, 1, |bytes| bytes[at as usize + 40] ^= 1);
    let view = View::open(arc(&torn), SMALL.boot_id).unwrap();
    let tail = view.tail().unwrap();
    assert_eq!((view.last_seq(), tail.offset, tail.lost_to), (20, at, 21));
    assert!(tail.torn_bytes > 0 && tail.torn_bytes <= frame.size());
    assert_eq!(view.shown_to(), 21);
    let report = check(&arc(&torn), SMALL.boot_id, |_| ()).unwrap();
    assert!(report.is_whole());
    assert_eq!(report.tail, Some(tail));
    let recovery = opened(&torn).unwrap().recovery().cloned().unwrap();
    assert_eq!(
        (recovery.offset, recovery.lost_to, recovery.cut_bytes),
        (tail.offset, tail.lost_to, tail.torn_bytes)
    );
}

#[test]
fn every_bit_of_a_frame_is_seen_in_the_words_of_a_start() {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    writer.append(&mut batch(1, 12)).unwrap();
    writer.append(&mut batch(13, 20)).unwrap();
    writer.sync().unwrap();
    writer.marker().unwrap();
    drop(writer);
    let (at, frame) = *frames(&disk, 1)
        .iter()
        .find(|(_, f)| f.first_seq == 5 || f.last_seq() == 5)
        .unwrap();
    for byte in at..at + frame.size() {
        let bit = 1 << (byte % 8);
        let broken = damaged(&disk, 1, |bytes| bytes[byte as usize] ^= bit);
        let start = opened(&broken).unwrap_err().to_string();
        let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
        assert_eq!(problem(&report), (start.clone(), true), "byte {byte}");
        assert_eq!(
            View::open(arc(&broken), SMALL.boot_id).unwrap_err().to_string(),
            start
        );
        let segment = &report.segments[0];
        assert!(!report.is_whole() && segment.end == at && segment.last_seq == frame.first_seq - 1);
        let (saved, damage) = View::salvage(arc(&broken), SMALL.boot_id).unwrap();
        assert_eq!(
            (saved.last_seq(), damage.unwrap().to_string()),
            (frame.first_seq - 1, start)
        );
    }
}

#[test]
fn damage_in_one_file_does_not_hide_that_in_another() {
    let (disk, last) = some_segments(4);
    let broken = damaged(&disk, 1, |bytes| bytes[100_000] ^= 4);
    let broken = damaged(&broken, 2, |bytes| bytes[..8192].fill(7));
    let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
    let found: Vec<String> = report.problems().map(|p| p.error.to_string()).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].contains(&name_of(1)) && found[0].contains("checksum"),
        "{}",
        found[0]
    );
    assert!(found.iter().any(|f| f.contains("both copies")));
    assert_eq!(report.last_seq(), last);
    // A seal that does not fit its frames, the checksums of which hold.
    let mut sealed = header(&disk, 1);
    sealed.digest ^= 1;
    let broken = damaged(&disk, 1, |bytes| {
        bytes[..4096].copy_from_slice(&sealed.encode());
        bytes[4096..8192].copy_from_slice(&sealed.encode());
    });
    let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
    assert!(problem(&report).0.contains("do not come to what the seal says"));
    // A file that is missing.
    let broken = disk.fork();
    broken.remove(&name_of(2)).unwrap();
    let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
    let start = opened(&broken).unwrap_err().to_string();
    assert_eq!(problem(&report), (start, true));
}

#[test]
fn what_a_snapshot_covers_does_not_stop_a_start() {
    let (disk, last) = some_segments(3);
    let mut snapshot = SnapshotWriter::create(arc(&disk), SMALL.log_id, last, 1, 5).unwrap();
    snapshot.chunk(&[]).unwrap();
    snapshot.finish(1).unwrap();
    let broken = damaged(&disk, 1, |bytes| bytes[100_000] ^= 4);
    let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
    assert!(!problem(&report).1 && !report.stops_start() && !report.is_whole());
    let log = opened(&broken).unwrap();
    log.replay(last, |_, _| Ok(())).unwrap();
    assert!(log.replay(0, |_, _| Ok(())).is_err());
    drop(log);
    let name = format!("snapshot-{last:020}.slad");
    let mut bytes = broken.contents().remove(&name).unwrap();
    bytes[70] ^= 1;
    broken.put(&name, bytes);
    let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
    assert!(
        problem(&report).1,
        "without the snapshot the first segment is needed"
    );
    assert!(report.snapshots[0].found.is_err());
}

#[test]
fn places_to_cut_are_ends_of_whole_frames() {
    let (disk, last) = some_segments(3);
    let view = View::open(arc(&disk), SMALL.boot_id).unwrap();
    let ends: Vec<Seq> = (1..=3)
        .flat_map(|id| frames(&disk, id))
        .filter(|(_, f)| f.is(Kind::Events))
        .map(|(_, f)| f.last_seq())
        .collect();
    for seq in (1..=200).chain(last - 200..=last + 5) {
        let expected = ends.iter().copied().rfind(|end| *end <= seq);
        let by_seq = view.cut(Until::Seq(seq)).unwrap();
        assert_eq!(by_seq.map(|c| c.last_seq), expected, "seq {seq}");
        // Event n is logged n milliseconds after the first instant.
        let by_time = view.cut(Until::Time(1_767_225_600_000 + seq as i64)).unwrap();
        assert_eq!(by_time, by_seq, "seq {seq}");
    }
    assert_eq!(view.cut(Until::Seq(0)).unwrap(), None);
    assert_eq!(view.cut(Until::Time(5)).unwrap(), None);
}

fn refusal(disk: &SimDisk, at: At) -> String {
    match plan(disk, at) {
        Err(RepairError::Place(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cut_at_any_frame_is_kept_told_and_never_numbered_again() {
    let (disk, last) = some_segments(3);
    let some = |id: u64| {
        let all = frames(&disk, id);
        let n = all.len();
        [0, 1, n / 2, n - 1].map(|i| (id, all[i].0))
    };
    for (segment, offset) in (1..=3).flat_map(some) {
        let copy = disk.fork();
        let plan = plan(&copy, At::Offset { segment, offset }).unwrap();
        let (kept, lost_to, set_aside) = (plan.last_seq, plan.lost_to, plan.set_aside.len());
        assert_eq!(copy.contents(), disk.contents(), "planning changes nothing");
        assert_eq!(
            (lost_to, set_aside),
            (last, 3 - segment as usize),
            "at {segment}:{offset}"
        );
        plan.carry_out(&copy).unwrap();
        let torn = &copy.contents()[&format!("torn-{segment:016}-{offset}.bin")];
        let original = &disk.contents()[&name_of(segment)];
        assert_eq!(torn[..], original[offset as usize..offset as usize + torn.len()]);
        assert!(original[offset as usize + torn.len()..].iter().all(|b| *b == 0));
        for id in segment + 1..=3 {
            assert_eq!(
                copy.contents()[&format!("torn-log-{id:016}.slad")],
                disk.contents()[&name_of(id)]
            );
        }
        assert!(check(&arc(&copy), SMALL.boot_id, |_| ()).unwrap().is_whole());
        let log = opened(&copy).unwrap();
        let recovery = log.recovery().unwrap();
        assert_eq!(
            (recovery.lost_from, recovery.lost_to, recovery.epoch),
            (kept + 1, last, 2)
        );
        assert_eq!(stored(&log), (1..=kept).collect::<Vec<_>>());
        assert_eq!(log.next_seq(), last + 1);
        let mut writer = log.into_writer().unwrap();
        writer.append(&mut batch(last + 1, last + 5)).unwrap();
        writer.close().unwrap();
        assert_eq!(stored(&opened(&copy).unwrap()).last(), Some(&(last + 5)));
    }
}

#[test]
fn a_repair_broken_off_at_any_step_is_refused_by_a_start_or_as_before_and_done_again() {
    let (disk, last) = some_segments(3);
    let offset = frames(&disk, 1)[9].0;
    let at = At::Offset { segment: 1, offset };
    let steps = {
        let copy = disk.fork();
        plan(&copy, at).unwrap().carry_out(&copy).unwrap();
        copy.operations()
    };
    assert!(steps > 8);
    let mut refused = 0;
    for step in 1..=steps {
        for power in [None, Some(0), Some(step)] {
            let copy = disk.fork();
            copy.fail_at(step, Fault::Crash);
            let _ = plan(&copy, at).unwrap().carry_out(&copy);
            match power {
                None => copy.restart(),
                Some(seed) => copy.power_loss(seed),
            }
            let probe = copy.fork();
            match opened(&probe) {
                // Not begun, or all done.
                Ok(log) => {
                    assert_eq!(log.next_seq(), last + 1, "step {step} {power:?}");
                    continue;
                }
                Err(JournalError::Corrupt { .. }) => refused += 1,
                Err(e) => panic!("step {step}: {e}"),
            }
            plan(&copy, at).unwrap().carry_out(&copy).unwrap();
            let torn = &copy.contents()[&format!("torn-{:016}-{offset}.bin", 1)];
            let original = &disk.contents()[&name_of(1)];
            assert_eq!(
                torn[..],
                original[offset as usize..offset as usize + torn.len()],
                "step {step}"
            );
            let log = opened(&copy).unwrap();
            assert_eq!(
                (log.next_seq(), log.epoch()),
                (last + 1, 2),
                "step {step} {power:?}"
            );
        }
    }
    assert!(refused > 0, "no crash lay between the seal and its end");
}

#[test]
fn damage_is_cut_where_it_begins() {
    let (disk, last) = some_segments(3);
    let in_the_middle = frames(&disk, 2).into_iter().skip(50);
    // Markers and state hashes name the seq before them.
    let (offset, frame) = in_the_middle
        .into_iter()
        .find(|(_, frame)| frame.count > 0)
        .unwrap();
    let broken = damaged(&disk, 2, |bytes| bytes[offset as usize + 33] ^= 1);
    let report = check(&arc(&broken), SMALL.boot_id, |_| ()).unwrap();
    let bad = &report.segments[1];
    assert_eq!((bad.end, bad.last_seq + 1), (offset, frame.first_seq));
    plan(&broken, At::Offset { segment: 2, offset })
        .unwrap()
        .carry_out(&broken)
        .unwrap();
    let log = opened(&broken).unwrap();
    assert_eq!(stored(&log), (1..frame.first_seq).collect::<Vec<_>>());
    assert_eq!(log.next_seq(), last + 1);
    // Behind the damage there is no place to cut.
    let broken = damaged(&disk, 2, |bytes| bytes[offset as usize + 33] ^= 1);
    let what = refusal(
        &broken,
        At::Offset {
            segment: 2,
            offset: offset + frame.size(),
        },
    );
    assert!(
        what.contains(&format!("use 2:{offset}")) && what.contains("checksum"),
        "{what}"
    );
    let what = refusal(&broken, At::Seq(frame.last_seq()));
    assert!(what.contains(&format!("use {}", frame.first_seq - 1)), "{what}");
}

#[test]
fn no_sense_is_refused_with_the_nearest_sense() {
    let (disk, last) = some_segments(2);
    let all = frames(&disk, 1);
    let (at, frame) = *all.iter().find(|(_, f)| f.count == 3).unwrap();
    let what = refusal(
        &disk,
        At::Offset {
            segment: 1,
            offset: at + 8,
        },
    );
    assert!(
        what.contains(&format!("1:{at} ")) && what.contains(&format!("1:{} ", at + frame.size())),
        "{what}"
    );
    let what = refusal(&disk, At::Seq(frame.first_seq));
    assert!(
        what.contains(&format!("use {} or {}", frame.first_seq - 1, frame.last_seq())),
        "{what}"
    );
    assert!(
        refusal(
            &disk,
            At::Offset {
                segment: 9,
                offset: at
            }
        )
        .contains("the log has 1 to")
    );
    assert!(
        refusal(
            &disk,
            At::Offset {
                segment: 1,
                offset: 5
            }
        )
        .contains("8192")
    );
    assert!(refusal(&disk, At::Seq(0)).contains("begins with seq 1"));
    assert!(refusal(&disk, At::Seq(last)).contains("nothing lies behind it"));
    for far in [last + 9, Seq::MAX] {
        assert!(refusal(&disk, At::Seq(far)).contains(&format!("use {last}")));
    }
    assert_eq!(
        plan(&disk, At::Seq(frame.last_seq())).unwrap().last_seq,
        frame.last_seq()
    );
}

#[test]
fn a_cut_needs_a_state_to_begin_with() {
    let (disk, last) = some_segments(3);
    disk.remove(&name_of(1)).unwrap();
    let first = header(&disk, 2).first_seq;
    assert!(refusal(&disk, At::Seq(last - 10)).contains("restore a backup"));
    let take = |seq| {
        let mut snapshot = SnapshotWriter::create(arc(&disk), SMALL.log_id, seq, 1, 5).unwrap();
        snapshot.chunk(&[]).unwrap();
        snapshot.finish(1).unwrap();
    };
    let ends: Vec<Seq> = frames(&disk, 2)
        .iter()
        .filter(|(_, f)| f.is(Kind::Events))
        .map(|(_, f)| f.last_seq())
        .collect();
    take(ends[20]);
    take(last);
    let what = refusal(&disk, At::Seq(ends[10]));
    assert!(
        what.contains(&format!("begins with seq {first}")) && what.contains(&format!("of seq {}", ends[20])),
        "{what}"
    );
    let plan = plan(&disk, At::Seq(ends[30])).unwrap();
    let aside: Vec<&str> = plan.set_aside.iter().map(|(_, to)| to.as_str()).collect();
    assert!(
        aside.contains(&format!("torn-snapshot-{last:020}.slad").as_str()),
        "{aside:?}"
    );
    plan.carry_out(&disk).unwrap();
    let log = opened(&disk).unwrap();
    assert_eq!(log.snapshot().unwrap().info().seq, ends[20]);
    assert!(log.skipped_snapshots().is_empty());
}
