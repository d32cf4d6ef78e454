//! Everything that can be wrong with the files of a log, file by file: one that is damaged does not hide the next.
//!
//! Headers, joints, every frame's checksums, archives, seqs, seals and digests; every snapshot's chunks and footer. A start checks
//! less: the headers, the last segment, and what it replays; so the report says of each problem whether it stops one.
//! Cost: all bytes are read once, at the speed of the disk.

use super::view::{Tail, check_neighbours, ids, tail, whole_part};
use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::format::{DATA_START, RESTORING};
use crate::journal::frame::{Kind, chain, events, to_event};
use crate::journal::recovery::{Loaded, check_joint, load, look, refuse_half_restored, share};
use crate::journal::scan::Walk;
use crate::journal::segment::{PREPARED, name_of};
use crate::journal::snapshot::{self, SnapshotInfo};
use crate::journal::verdict::judge;
use crate::model::{Seq, UnixMs};
use std::io::ErrorKind;
use std::sync::Arc;

/// Looks at a directory that changes while it is looked at.
const LOOKS_MAX: usize = 10;

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Ready, but not begun.
    Prepared,
    /// Being written, or left so by a crash.
    Active,
    /// Complete.
    Sealed,
    /// Complete, and what followed was cut or lost: the next one has a new epoch.
    Cut,
    /// Its headers cannot be read.
    Unknown,
}

/// A segment.
#[derive(Debug)]
pub struct SegmentReport {
    /// Its id.
    pub id: u64,
    /// Name of its file.
    pub file: String,
    /// What it is.
    pub state: State,
    /// Its epoch.
    pub epoch: u32,
    /// Its first seq.
    pub first_seq: Seq,
    /// Its last seq; `first_seq - 1` when it has no event.
    pub last_seq: Seq,
    /// When its first event was logged.
    pub since: UnixMs,
    /// Whole frames, control frames included.
    pub frames: u64,
    /// State hashes among them.
    pub hashes: u64,
    /// Offset after the last whole frame.
    pub end: u64,
    /// Lost seqs behind it that its header names.
    pub lost: Option<(Seq, Seq)>,
    /// What is wrong with it, and whether a start stops at it.
    pub problems: Vec<Problem>,
}

/// A snapshot.
#[derive(Debug)]
pub struct SnapshotReport {
    /// Name of its file.
    pub file: String,
    /// What it says of itself, if it is whole.
    pub found: Result<SnapshotInfo, JournalError>,
}

/// Something wrong.
#[derive(Debug)]
pub struct Problem {
    /// What and where, as the daemon would say it.
    pub error: JournalError,
    /// Would a start refuse because of it?
    pub stops_start: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The segments, in order.
    pub segments: Vec<SegmentReport>,
    /// The snapshots, newest first.
    pub snapshots: Vec<SnapshotReport>,
    /// What stands behind the last whole frame of the last segment, when that is no damage.
    pub tail: Option<Tail>,
    /// Files that earlier cuts, or starts that passed a snapshot over, kept: never read again.
    pub kept: Vec<String>,
    /// A restore into the directory was broken off, or is under way.
    pub half_restored: Option<JournalError>,
    /// Bytes of frames looked at.
    pub frame_bytes: u64,
}

impl Report {
    /// The problems of all segments, in order.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.segments.iter().flat_map(|s| &s.problems)
    }

    /// The snapshot of this seq, whole as it is, does not give the state that it says.
    pub fn wrong_state(&mut self, seq: Seq, error: JournalError) {
        let file = snapshot::name_of(seq);
        self.snapshots.retain(|s| s.file != file);
        let at = self.snapshots.partition_point(|s| s.file > file);
        let found = Err(error);
        self.snapshots.insert(at, SnapshotReport { file, found });
    }

    /// Segments and log are whole; a torn tail is.
    pub fn is_whole(&self) -> bool {
        self.half_restored.is_none()
            && self.problems().next().is_none()
            && self.snapshots.iter().all(|s| s.found.is_ok())
    }

    /// Would a start refuse?
    pub fn stops_start(&self) -> bool {
        self.half_restored.is_some() || self.problems().any(|p| p.stops_start)
    }

    /// The started segments.
    fn started(&self) -> impl Iterator<Item = &SegmentReport> {
        let is_started = |s: &&SegmentReport| !matches!(s.state, State::Prepared | State::Unknown);
        self.segments.iter().filter(is_started)
    }

    /// First seq retained; 1 when there is none.
    pub fn first_seq(&self) -> Seq {
        self.started().next().map_or(1, |s| s.first_seq)
    }

    /// Last seq that can be read.
    pub fn last_seq(&self) -> Seq {
        self.started().last().map_or(0, |s| s.last_seq)
    }

    fn says(&self) -> String {
        let problems = self.problems().map(|p| &p.error);
        let snapshots = self.snapshots.iter().filter_map(|s| s.found.as_ref().err());
        problems
            .chain(snapshots)
            .chain(&self.half_restored)
            .map(|e| e.to_string())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Checks a directory. `on_bytes` is told the bytes of frames and snapshots looked at since it was told last. An error is one of
/// the disk; everything else is in the report. Damage is believed when a second look, at a directory that may be written to
/// meanwhile, finds the same.
pub fn check(
    disk: &Arc<dyn Disk>,
    boot_id: [u8; 16],
    mut on_bytes: impl FnMut(u64),
) -> Result<Report, JournalError> {
    let mut before: Option<String> = None;
    let mut looks = 0;
    loop {
        looks += 1;
        match check_once(&**disk, boot_id, &mut on_bytes) {
            Ok(report) => {
                let says = report.says();
                if says.is_empty() || looks == LOOKS_MAX || before.as_ref() == Some(&says) {
                    return Ok(report);
                }
                before = Some(says);
            }
            // A file that was listed and is gone, or is being cut off: retention, or a snapshot too many.
            Err(JournalError::Io { source, .. })
                if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof)
                    && looks < LOOKS_MAX => {}
            Err(e) => return Err(e),
        }
    }
}

fn check_once(
    disk: &dyn Disk,
    boot_id: [u8; 16],
    on_bytes: &mut impl FnMut(u64),
) -> Result<Report, JournalError> {
    let names = disk
        .list()
        .map_err(|e| JournalError::io("list", &disk.path(""), e))?;
    // Before the segments: a snapshot of a later seq than they have would look wrong.
    let snapshot_seqs = snapshot::seqs(disk)?;
    let mut report = Report {
        segments: Vec::new(),
        snapshots: Vec::new(),
        tail: None,
        kept: names.iter().filter(|n| is_kept(n)).cloned().collect(),
        half_restored: None,
        frame_bytes: 0,
    };
    report.kept.sort_unstable();
    if names.iter().any(|n| n == RESTORING) {
        report.half_restored = refuse_half_restored(disk).err();
    }
    let mut loaded = load_each(disk, &mut report.segments)?;
    drop_prepared(&mut loaded, &mut report.segments)?;
    let last_id = report
        .segments
        .iter()
        .rfind(|s| s.state != State::Prepared)
        .map_or(0, |s| s.id);
    for n in 0..loaded.len() {
        let before = n.checked_sub(1).and_then(|b| loaded.get(b)).map(|l| l.header);
        if let Some(pair) = n.checked_sub(1).and_then(|b| loaded.get(b..=n)) {
            let joined =
                check_neighbours(disk, &pair[0], &pair[1]).and_then(|()| check_joint(&pair[0], &pair[1]));
            note(&mut report.segments, pair[0].header.id, joined, true)?;
        }
        let Some(this) = loaded.get_mut(n) else { continue };
        let found = if this.header.id == last_id {
            last(boot_id, this, before, &mut report, on_bytes)
        } else {
            sealed(this, &mut report, on_bytes)
        };
        note(
            &mut report.segments,
            this.header.id,
            found,
            this.header.id == last_id,
        )?;
    }
    let log = loaded.first().map_or(0, |l| l.header.log_id);
    let last_seq = report.last_seq();
    for seq in snapshot_seqs {
        let found = match snapshot::open(disk, seq, log, last_seq) {
            Ok(reader) => {
                on_bytes(reader.info().bytes);
                Ok(reader.info())
            }
            Err(e @ JournalError::Io { .. }) => return Err(e),
            Err(e) => Err(e),
        };
        report.snapshots.push(SnapshotReport {
            file: snapshot::name_of(seq),
            found,
        });
    }
    judge_starts(&mut report);
    Ok(report)
}

/// Is it a file that was taken out of the log and kept?
fn is_kept(name: &str) -> bool {
    name.starts_with("torn-") || name.starts_with("damaged-")
}

/// A start replays the segments after the newest whole snapshot, each from its beginning.
fn judge_starts(report: &mut Report) {
    let from = report
        .snapshots
        .iter()
        .find_map(|s| s.found.as_ref().ok())
        .map_or(0, |info| info.seq);
    for segment in &mut report.segments {
        if segment.last_seq > from {
            segment.problems.iter_mut().for_each(|p| p.stops_start = true);
        }
    }
}

/// Loads all segments; what cannot be loaded is in the report alone.
fn load_each(disk: &dyn Disk, reports: &mut Vec<SegmentReport>) -> Result<Vec<Loaded>, JournalError> {
    let mut loaded = Vec::new();
    for id in ids(disk)? {
        let mut report = SegmentReport {
            id,
            file: name_of(id),
            state: State::Unknown,
            epoch: 0,
            first_seq: 0,
            last_seq: 0,
            since: 0,
            frames: 0,
            hashes: 0,
            end: 0,
            lost: None,
            problems: Vec::new(),
        };
        match load(disk, id) {
            Ok(segment) => {
                let header = segment.header;
                report.state = match header.generation {
                    PREPARED => State::Prepared,
                    _ if header.next_epoch != 0 => State::Cut,
                    _ if header.is_sealed() => State::Sealed,
                    _ => State::Active,
                };
                report.epoch = header.epoch;
                report.first_seq = header.first_seq;
                report.last_seq = header.first_seq.saturating_sub(1);
                report.since = header.created_at;
                report.end = DATA_START;
                report.lost = (header.lost_from != 0).then_some((header.lost_from, header.lost_to));
                loaded.push(segment);
            }
            Err(e @ JournalError::Io { .. }) => return Err(e),
            Err(error) => report.problems.push(Problem {
                error,
                stops_start: true,
            }),
        }
        reports.push(report);
    }
    Ok(loaded)
}

/// Prepared segments at the end hold nothing, unless the disk lost the word that one was begun.
fn drop_prepared(loaded: &mut Vec<Loaded>, reports: &mut [SegmentReport]) -> Result<(), JournalError> {
    while let Some(last) = loaded.pop_if(|l| l.header.generation == PREPARED) {
        if look(&last, DATA_START)?.garbage_end == 0 {
            continue;
        }
        if let Some(report) = reports.iter_mut().find(|r| r.id == last.header.id) {
            report.state = State::Active;
        }
        loaded.push(last);
        break;
    }
    Ok(())
}

/// Puts what was found to the segment's report; errors of the disk go on.
fn note(
    reports: &mut [SegmentReport],
    id: u64,
    found: Result<(), JournalError>,
    stops_start: bool,
) -> Result<(), JournalError> {
    match found {
        Ok(()) => Ok(()),
        Err(e @ JournalError::Io { .. }) => Err(e),
        Err(error) => {
            if let Some(report) = reports.iter_mut().find(|r| r.id == id) {
                report.problems.push(Problem { error, stops_start });
            }
            Ok(())
        }
    }
}

/// The last segment: its end is judged as a start does.
fn last(
    boot_id: [u8; 16],
    loaded: &mut Loaded,
    before: Option<crate::journal::segment::SegmentHeader>,
    report: &mut Report,
    on_bytes: &mut impl FnMut(u64),
) -> Result<(), JournalError> {
    let (verdict, damage) = match judge(boot_id, loaded, before) {
        Ok(verdict) => {
            report.tail = Some(tail(&verdict));
            (verdict, Ok(()))
        }
        Err(e @ JournalError::Io { .. }) => return Err(e),
        // How far it is whole is what an operator needs next.
        Err(e) => (whole_part(boot_id, loaded, before)?, Err(e)),
    };
    let segment = share(loaded, Some(&verdict.end), loaded.header.id + 1);
    read(&mut Walk::whole(&segment), loaded, report, on_bytes)?;
    damage
}

/// Any other segment: it must be as its seal says.
fn sealed(loaded: &Loaded, report: &mut Report, on_bytes: &mut impl FnMut(u64)) -> Result<(), JournalError> {
    let header = &loaded.header;
    if !(DATA_START..=header.file_bytes).contains(&header.sealed_end) {
        let what = "the sealed end lies outside the file";
        return Err(JournalError::corrupt(&loaded.path, 64, header.first_seq, what));
    }
    let segment = share(loaded, None, 0);
    let mut walk = Walk::whole(&segment);
    let (digest, frames) = read(&mut walk, loaded, report, on_bytes)?;
    let wrong = |offset, what: String| {
        Err(JournalError::corrupt(
            &loaded.path,
            offset,
            header.last_seq + 1,
            what,
        ))
    };
    if walk.expected() != header.last_seq + 1 {
        return wrong(
            walk.offset(),
            format!("the segment ends before seq {}", header.last_seq),
        );
    }
    if digest != header.digest || frames != header.frames {
        let what = format!(
            "the frames do not come to what the seal says: {frames} frames with digest {digest:016x}, not {} with {:016x}",
            header.frames, header.digest
        );
        return wrong(80, what);
    }
    Ok(())
}

/// Reads every frame, proves and decodes what is in it; digest and number.
fn read(
    walk: &mut Walk<'_>,
    loaded: &Loaded,
    report: &mut Report,
    on_bytes: &mut impl FnMut(u64),
) -> Result<(u64, u64), JournalError> {
    let Some(n) = report.segments.iter().position(|r| r.id == loaded.header.id) else {
        return Ok((0, 0));
    };
    let (mut digest, mut frames, mut told) = (0, 0, walk.offset());
    loop {
        let offset = walk.offset();
        let found = walk.frame();
        let segment = &mut report.segments[n];
        (segment.end, segment.frames) = (offset, frames);
        (segment.first_seq, segment.last_seq) = (loaded.header.first_seq, walk.expected().max(1) - 1);
        if offset - told >= 1 << 20 {
            on_bytes(offset - told);
            told = offset;
        }
        let Some((header, frame)) = found? else {
            on_bytes(offset - told);
            report.frame_bytes += offset - DATA_START;
            return Ok((digest, frames));
        };
        if header.is(Kind::Events) {
            let foreign = |what| JournalError::foreign(&loaded.path, offset, header.first_seq, what);
            // Behind the frame, its seqs count as read: the problem names them.
            segment.last_seq = header.first_seq - 1;
            for event in events(&header, frame.payload(&header)).map_err(foreign)?.iter() {
                to_event(event).map_err(foreign)?;
            }
            segment.last_seq = header.last_seq();
        }
        segment.hashes += u64::from(header.is(Kind::StateHash));
        digest = chain(digest, frame.header_bytes());
        frames += 1;
    }
}
