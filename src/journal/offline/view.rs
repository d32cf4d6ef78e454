//! The events of a directory, by reading alone.
//!
//! Opening reads the headers of all segments and the frames of the last one, as a start does, and judges the end as a start
//! would, but leaves it as it is. While a daemon writes, what is read first may be older than what is read next, so that it
//! looks damaged: damage is believed only when a second look finds the same. Cost: that of a start; a frame read later costs
//! its checksum, its check and a copy.

use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::format::DATA_START;
use crate::journal::frame::{Kind, StateHash, events, to_event};
use crate::journal::recovery::{Loaded, check_joint, load, look, refuse_half_restored, share};
use crate::journal::scan::{Walk, scan};
use crate::journal::segment::{PREPARED, Segment, SegmentHeader, id_of};
use crate::journal::snapshot::{self, SnapshotReader};
use crate::journal::verdict::{Verdict, judge};
use crate::model::event::Event;
use crate::model::{Seq, UnixMs};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Looks at a directory that changes all the time before it is given up.
const LOOKS_MAX: usize = 100;

/// What stands behind the last whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Where the last whole frame ends.
    pub offset: u64,
    /// Bytes behind it that are no frame; 0: zeros only.
    pub torn_bytes: u64,
    /// Last seq that a start here would give up as possibly shown; 0: none.
    pub lost_to: Seq,
}

/// A segment of a view.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Part {
    pub(in crate::journal) header: SegmentHeader,
    pub(in crate::journal) segment: Arc<Segment>,
}

/// What a walk over the log comes across.
#[derive(Debug, PartialEq)]
pub enum Piece {
    /// An atomic frame: its first seq, and its events.
    Frame(Seq, Vec<Event>),
    /// What the state after the seq must be.
    Hash(Seq, StateHash),
}

/// A directory as it stood when it was opened.
#[derive(Debug)]
pub struct View {
    disk: Arc<dyn Disk>,
    parts: Vec<Part>,
    tail: Option<Tail>,
    snapshot_seqs: Vec<Seq>,
}

impl View {
    /// Reads a directory. `boot_id` as in [`crate::journal::Config`]. Fails where a start would refuse, in the same words.
    pub fn open(disk: Arc<dyn Disk>, boot_id: [u8; 16]) -> Result<View, JournalError> {
        let mut before = String::new();
        let mut looks = 0;
        loop {
            looks += 1;
            match View::look(&disk, boot_id) {
                Ok(view) => return Ok(view),
                Err(e) => {
                    let says = e.to_string();
                    if says == before || looks == LOOKS_MAX {
                        return Err(e);
                    }
                    before = says;
                }
            }
        }
    }

    /// The same up to the first damage that opening finds, and that damage: what can still be saved of a broken log. A damaged
    /// frame of an earlier segment shows only when it is read.
    pub fn salvage(
        disk: Arc<dyn Disk>,
        boot_id: [u8; 16],
    ) -> Result<(View, Option<JournalError>), JournalError> {
        let damage = match View::open(Arc::clone(&disk), boot_id) {
            Ok(view) => return Ok((view, None)),
            Err(e @ JournalError::Io { .. }) => return Err(e),
            Err(e) => e,
        };
        let snapshot_seqs = snapshot::seqs(&*disk)?;
        let (mut segments, _) = segments(&*disk)?;
        let joint = (segments.windows(2)).position(|pair| check_joint(&pair[0], &pair[1]).is_err());
        if let Some(n) = joint {
            segments.truncate(n + 1);
        }
        let before = (segments.len().checked_sub(2))
            .and_then(|n| segments.get(n))
            .map(|s| s.header);
        let verdict = match segments.last_mut() {
            Some(last) => Some(whole_part(boot_id, last, before)?),
            None => None,
        };
        Ok((
            View::new(&disk, &segments, verdict.as_ref(), snapshot_seqs),
            Some(damage),
        ))
    }

    fn look(disk: &Arc<dyn Disk>, boot_id: [u8; 16]) -> Result<View, JournalError> {
        refuse_half_restored(&**disk)?;
        // Before the segments: a snapshot of a later seq than they have would look wrong.
        let snapshot_seqs = snapshot::seqs(&**disk)?;
        let (mut segments, damage) = segments(&**disk)?;
        damage.map_or(Ok(()), Err)?;
        segments
            .windows(2)
            .try_for_each(|pair| check_joint(&pair[0], &pair[1]))?;
        let before = (segments.len().checked_sub(2))
            .and_then(|n| segments.get(n))
            .map(|s| s.header);
        let verdict = match segments.last_mut() {
            Some(last) => Some(judge(boot_id, last, before)?),
            None => None,
        };
        Ok(View::new(disk, &segments, verdict.as_ref(), snapshot_seqs))
    }

    fn new(
        disk: &Arc<dyn Disk>,
        segments: &[Loaded],
        verdict: Option<&Verdict>,
        snapshot_seqs: Vec<Seq>,
    ) -> View {
        let next_id = segments.last().map_or(1, |s| s.header.id + 1);
        let end = verdict.map(|v| &v.end);
        let parts = segments
            .iter()
            .map(|s| Part {
                header: s.header,
                segment: share(s, end, next_id),
            })
            .collect();
        View {
            disk: Arc::clone(disk),
            parts,
            tail: verdict.map(tail),
            snapshot_seqs,
        }
    }

    pub(in crate::journal) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Has it no segment?
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Identity of the log; 0: there is none.
    pub fn log_id(&self) -> u64 {
        self.parts.first().map_or(0, |p| p.header.log_id)
    }

    /// Epoch of the last segment.
    pub fn epoch(&self) -> u32 {
        self.parts.last().map_or(0, |p| p.header.epoch)
    }

    /// First seq retained; 1 above the last when there is none.
    pub fn first_seq(&self) -> Seq {
        self.parts.first().map_or(1, |p| p.segment.first_seq)
    }

    /// Last seq stored.
    pub fn last_seq(&self) -> Seq {
        self.parts.last().map_or(0, |p| p.segment.last_seq())
    }

    /// Last seq that may ever have been shown, as far as the directory knows.
    pub fn shown_to(&self) -> Seq {
        let known = self.parts.last().map_or(0, |p| p.header.lost_to);
        let tail = self.tail.map_or(0, |t| t.lost_to);
        self.last_seq().max(known).max(tail)
    }

    /// What stands behind the last whole frame.
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Bytes of all frames.
    pub fn frame_bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.segment.end() - DATA_START).sum()
    }

    /// Last seq of the segments that end before the instant `at`: nothing up to it was logged at `at` or later.
    pub fn seq_before(&self, at: UnixMs) -> Seq {
        let later = self.parts.iter().rposition(|p| p.header.created_at < at);
        later
            .and_then(|n| self.parts.get(n))
            .map_or(0, |p| p.segment.first_seq - 1)
    }

    /// The snapshots, newest first; of each the reader, or what is wrong with it. Reads and verifies all of each.
    pub fn snapshots(&self) -> impl Iterator<Item = Result<SnapshotReader, JournalError>> + '_ {
        let one = |seq: &Seq| match snapshot::open(&*self.disk, *seq, self.log_id(), self.last_seq()) {
            // The daemon keeps a few; what is older loses its name, and is then cut off from its end.
            Err(_) if !self.has_snapshot(*seq) => None,
            found => Some(found),
        };
        self.snapshot_seqs.iter().filter_map(one)
    }

    /// Does the directory still have the snapshot of this seq?
    pub fn has_snapshot(&self, seq: Seq) -> bool {
        !is_gone(&*self.disk, &snapshot::name_of(seq))
    }

    /// Gives every frame that ends after `after_seq`, and the state hashes after it, to `f`, in order and verified, with the
    /// bytes that lie behind by then. Stops when `f` breaks, at its error and at the first damage.
    pub fn walk(
        &self,
        after_seq: Seq,
        mut f: impl FnMut(Piece, u64) -> Result<ControlFlow<()>, String>,
    ) -> Result<(), JournalError> {
        let mut behind = 0;
        for part in &self.parts {
            let bytes = part.segment.end() - DATA_START;
            if part.segment.last_seq() > after_seq {
                let walked = walk_part(&part.segment, after_seq, |piece, at| f(piece, behind + at));
                if walked.map_err(|e| self.or_gone(part, e))?.is_break() {
                    return Ok(());
                }
            }
            behind += bytes;
        }
        Ok(())
    }

    /// A segment that retention has taken out since is no damage, however its bytes look by now.
    fn or_gone(&self, part: &Part, error: JournalError) -> JournalError {
        match load(&*self.disk, part.header.id) {
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let what = "retention took the file out while it was read: begin again";
                JournalError::io(
                    "read",
                    &part.segment.path,
                    io::Error::new(ErrorKind::NotFound, what),
                )
            }
            _ => error,
        }
    }
}

impl SnapshotReader {
    /// Its file, for who copies it or tells of it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Has a file no name any more? What a reader of it met since is no damage.
pub(super) fn is_gone(disk: &dyn Disk, name: &str) -> bool {
    disk.open(name).is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

/// The pieces of one segment, with the bytes of the segment that lie behind.
fn walk_part(
    segment: &Segment,
    after_seq: Seq,
    mut f: impl FnMut(Piece, u64) -> Result<ControlFlow<()>, String>,
) -> Result<ControlFlow<()>, JournalError> {
    let mut walk = Walk::whole(segment);
    loop {
        let offset = walk.offset();
        let Some((header, frame)) = walk.frame()? else {
            break;
        };
        let damage = |what| JournalError::corrupt(&segment.path, offset, header.first_seq, what);
        let piece = if header.is(Kind::StateHash) && header.first_seq > after_seq {
            Piece::Hash(header.first_seq, StateHash::decode(frame.payload(&header)))
        } else if header.is(Kind::Events) && header.last_seq() > after_seq {
            let foreign = |what| JournalError::foreign(&segment.path, offset, header.first_seq, what);
            let archived = events(&header, frame.payload(&header)).map_err(foreign)?;
            let events = archived.iter().map(to_event).collect::<Result<_, _>>();
            Piece::Frame(header.first_seq, events.map_err(foreign)?)
        } else {
            continue;
        };
        if f(piece, walk.offset() - DATA_START).map_err(damage)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    if walk.expected() != segment.last_seq() + 1 {
        let what = format!("the segment ends before seq {}", segment.last_seq());
        return Err(JournalError::corrupt(
            &segment.path,
            walk.offset(),
            walk.expected(),
            what,
        ));
    }
    Ok(ControlFlow::Continue(()))
}

pub(super) fn tail(verdict: &Verdict) -> Tail {
    Tail {
        offset: verdict.end.end,
        torn_bytes: verdict.ahead.garbage_end.saturating_sub(verdict.end.end),
        lost_to: verdict.lost_to,
    }
}

/// What a last segment has of whole frames, damaged or not behind them.
pub(super) fn whole_part(
    boot_id: [u8; 16],
    last: &mut Loaded,
    before: Option<SegmentHeader>,
) -> Result<Verdict, JournalError> {
    match judge(boot_id, last, before) {
        Err(JournalError::Corrupt { .. } | JournalError::TooNew { .. }) => {}
        judged => return judged,
    }
    let header = last.header;
    let upto = |limit| scan(&*last.file, &last.path, &header, header.first_seq, limit);
    let end = match upto(header.file_bytes) {
        // A frame whose checksums hold and that makes no sense: the frames before it.
        Err(JournalError::Corrupt { offset, .. }) => upto(offset)?,
        scanned => scanned?,
    };
    let ahead = look(last, end.end)?;
    Ok(Verdict {
        // What a seal names was there, too.
        lost_to: (ahead.last_seq.max(ahead.marker))
            .max(header.last_seq.max(header.lost_to))
            .max(end.last_seq + 1),
        end,
        ahead,
        whole: false,
        torn: true,
        closed: false,
    })
}

/// The started segments, whose ids must be dense and whose log must be one, up to the first that is damaged, and what is wrong
/// with that.
fn segments(disk: &dyn Disk) -> Result<(Vec<Loaded>, Option<JournalError>), JournalError> {
    let mut found: Vec<Loaded> = Vec::new();
    let mut damage = None;
    for id in ids(disk)? {
        let next = load(disk, id).and_then(|loaded| match found.last() {
            Some(last) => check_neighbours(disk, last, &loaded).map(|()| loaded),
            None => Ok(loaded),
        });
        match next {
            Ok(loaded) => found.push(loaded),
            Err(e @ JournalError::Io { .. }) => return Err(e),
            Err(e) => {
                damage = Some(e);
                break;
            }
        }
    }
    while let Some(last) = found.pop_if(|s| s.header.generation == PREPARED) {
        if look(&last, DATA_START)?.garbage_end != 0 {
            found.push(last);
            break;
        }
    }
    Ok((found, damage))
}

/// Ids of the segments, in order.
pub(super) fn ids(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    let names = disk
        .list()
        .map_err(|e| JournalError::io("list", &disk.path(""), e))?;
    let mut ids: Vec<u64> = names.iter().filter_map(|n| id_of(n)).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Neither is a file missing between two, nor is one of another log.
pub(super) fn check_neighbours(disk: &dyn Disk, a: &Loaded, b: &Loaded) -> Result<(), JournalError> {
    use crate::journal::segment::name_of;
    if a.header.id + 1 != b.header.id {
        let path = disk.path(&name_of(a.header.id + 1));
        let what = format!(
            "the file is missing between {} and {}",
            name_of(a.header.id),
            name_of(b.header.id)
        );
        return Err(JournalError::corrupt(&path, 0, 0, what));
    }
    if a.header.log_id != b.header.log_id {
        let what = "the segment belongs to another log than the one before";
        return Err(JournalError::corrupt(&b.path, 56, b.header.first_seq, what));
    }
    Ok(())
}
