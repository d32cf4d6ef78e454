//! Cutting a log on an operator's word: what follows a place goes out of the log, and is kept.
//!
//! Never done by itself: a start cuts torn tails alone, and refuses damage. The segment that is cut is sealed as recovery seals
//! it, with the seqs that may have been shown and are gone, so that the next start tells them in `log.recovered` and numbers
//! on above them. The order makes it safe to break off and to do again: the cut bytes are kept first, then one synced
//! header says that the log ends there, and only then is what follows set aside. Between the two a start refuses, because
//! the segments that are still there do not join.

use super::view::ids;
use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::format::DATA_START;
use crate::journal::frame::{Found, Kind, frame_at};
use crate::journal::recovery::{Loaded, check_joint, keep_torn, load, look, seq_after};
use crate::journal::scan::{Scan, check_meaning, scan};
use crate::journal::segment::{PREPARED, SegmentHeader, name_of};
use crate::journal::snapshot;
use crate::journal::verdict::{sealed_with_gap, write_seal};
use crate::model::Seq;

/// Where to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Before this offset of a segment, which must lie between two frames.
    Offset {
        /// Id of the segment.
        segment: u64,
        /// Offset in its file, bytes.
        offset: u64,
    },
    /// After this seq, which must be the last of a frame.
    Seq(Seq),
}

/// Why a log is not cut.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// There is no such place; what would be one.
    #[error("{0}")]
    Place(String),
    /// The log, or the disk.
    #[error(transparent)]
    Log(#[from] JournalError),
}

fn place<T>(what: impl Into<String>) -> Result<T, RepairError> {
    Err(RepairError::Place(what.into()))
}

/// What a repair will do.
pub struct Plan {
    target: Loaded,
    sealed: SegmentHeader,
    garbage_end: u64,
    /// File that is cut.
    pub file: String,
    /// Where it ends then.
    pub offset: u64,
    /// Last seq that stays.
    pub last_seq: Seq,
    /// First seq that goes.
    pub lost_from: Seq,
    /// Last seq that may have been shown and goes: the log numbers on above it.
    pub lost_to: Seq,
    /// Bytes that go out of the log.
    pub cut_bytes: u64,
    /// Epoch that begins.
    pub epoch: u32,
    /// File that gets the bytes cut from `file`, if there are any.
    pub torn: Option<String>,
    /// Whole files that are set aside: from, to.
    pub set_aside: Vec<(String, String)>,
    /// Prepared segments, without content, that are removed.
    pub removed: Vec<String>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("file", &self.file)
            .field("offset", &self.offset)
            .field("last_seq", &self.last_seq)
            .field("lost_to", &self.lost_to)
            .finish_non_exhaustive()
    }
}

/// Takes the directory's lock for as long as the guard lives.
pub fn lock(disk: &dyn Disk) -> Result<Box<dyn Send + Sync>, JournalError> {
    let path = disk.path("LOCK");
    match disk
        .lock("LOCK")
        .map_err(|e| JournalError::io("lock", &path, e))?
    {
        Ok(guard) => Ok(guard),
        Err(pid) => Err(JournalError::Locked { path, pid }),
    }
}

/// Looks what cutting at a place would do. Changes nothing. The caller holds the lock.
pub fn plan(disk: &dyn Disk, at: At) -> Result<Plan, RepairError> {
    let all: Vec<(u64, Result<Loaded, JournalError>)> =
        ids(disk)?.into_iter().map(|id| (id, load(disk, id))).collect();
    let wanted = match at {
        At::Offset { segment, .. } => segment,
        At::Seq(seq) => segment_of(&all, seq)?,
    };
    let Some(n) = all.iter().position(|(id, _)| *id == wanted) else {
        let (first, last) = (all.first().map_or(0, |a| a.0), all.last().map_or(0, |a| a.0));
        return place(format!(
            "there is no segment {wanted}: the log has {first} to {last}"
        ));
    };
    let mut all = all.into_iter();
    let mut earlier = Vec::new();
    for (id, loaded) in all.by_ref().take(n) {
        earlier.push(sound(id, loaded, wanted)?);
    }
    let Some((_, target)) = all.next() else {
        return place(format!("there is no segment {wanted}"));
    };
    let mut target = sound(wanted, target, wanted)?;
    earlier
        .windows(2)
        .try_for_each(|pair| check_joint(&pair[0], &pair[1]))?;
    if let Some(before) = earlier.last() {
        check_joint(before, &target)?;
    }
    let later: Vec<_> = all.collect();
    let before = earlier.last().map(|l| l.header);
    if target.header.first_seq == 0 {
        target.header.first_seq = before.as_ref().map_or(1, seq_after);
    }
    let end = find(&target, at)?;
    let first_seq = earlier
        .first()
        .map_or(target.header.first_seq, |l| l.header.first_seq);
    Planner {
        disk,
        target,
        before,
        end,
        later,
        first_seq,
    }
    .plan()
}

struct Planner<'a> {
    disk: &'a dyn Disk,
    target: Loaded,
    before: Option<SegmentHeader>,
    end: Scan,
    later: Vec<(u64, Result<Loaded, JournalError>)>,
    first_seq: Seq,
}

impl Planner<'_> {
    fn plan(self) -> Result<Plan, RepairError> {
        let Planner {
            disk,
            target,
            before,
            end,
            later,
            first_seq,
        } = self;
        let header = target.header;
        let ahead = look(&target, end.end)?;
        let mut shown = header
            .lost_to
            .max(ahead.last_seq)
            .max(ahead.marker)
            .max(ahead.reserve)
            .max(end.reserve);
        if header.is_sealed() {
            shown = shown.max(header.last_seq);
        }
        let own_bytes = ahead.garbage_end.saturating_sub(end.end);
        let (mut cut_bytes, mut set_aside, mut removed) = (own_bytes, Vec::new(), Vec::new());
        for (id, loaded) in later {
            let name = name_of(id);
            match loaded {
                Ok(l) => {
                    let found = look(&l, DATA_START)?;
                    if l.header.generation == PREPARED && found.garbage_end == 0 {
                        removed.push(name);
                        continue;
                    }
                    let names = [l.header.first_seq, l.header.last_seq, l.header.lost_to];
                    let seen = [found.last_seq, found.marker, found.reserve];
                    shown = names.into_iter().chain(seen).fold(shown, Seq::max);
                    cut_bytes += found.garbage_end.saturating_sub(DATA_START);
                }
                Err(e @ JournalError::Io { .. }) => return Err(e.into()),
                Err(_) => {
                    // Nobody can tell what it held: no event takes less than 8 bytes.
                    let bytes = disk.open(&name).and_then(|f| f.len());
                    let bytes = bytes.map_err(|e| JournalError::io("open", &disk.path(&name), e))?;
                    shown = shown.max(end.last_seq) + bytes / 8;
                    cut_bytes += bytes;
                }
            }
            set_aside.push((name.clone(), aside(disk, &name)?));
        }
        let later_snapshots: Vec<Seq> = snapshot::seqs(disk)?
            .into_iter()
            .filter(|seq| *seq > end.last_seq)
            .collect();
        shown = later_snapshots.iter().copied().fold(shown, Seq::max);
        if own_bytes == 0 && set_aside.is_empty() && shown <= end.last_seq {
            return place(format!(
                "{}: the log ends at offset {}, after seq {}: nothing lies behind it",
                target.path.display(),
                end.end,
                end.last_seq
            ));
        }
        base(disk, &header, first_seq, end.last_seq)?;
        for seq in later_snapshots {
            let name = snapshot::name_of(seq);
            set_aside.push((name.clone(), aside(disk, &name)?));
        }
        let carried = before
            .filter(|_| end.last_seq < header.first_seq)
            .filter(|b| b.lost_from != 0);
        let lost_to = shown.max(end.last_seq + 1);
        let sealed = sealed_with_gap(&header, &end, carried, lost_to, cut_bytes);
        Ok(Plan {
            file: name_of(header.id),
            offset: end.end,
            last_seq: end.last_seq,
            lost_from: sealed.lost_from,
            lost_to,
            cut_bytes,
            epoch: sealed.next_epoch,
            torn: (own_bytes > 0).then(|| format!("torn-{:016}-{}.bin", header.id, end.end)),
            set_aside,
            removed,
            garbage_end: ahead.garbage_end,
            target,
            sealed,
        })
    }
}

impl Plan {
    /// Does it. Broken off, it can be planned and done again.
    pub fn carry_out(mut self, disk: &dyn Disk) -> Result<(), JournalError> {
        // Broken off while it zeroed, an earlier run has kept what is no longer all there.
        let names = disk
            .list()
            .map_err(|e| JournalError::io("list", &disk.path(""), e))?;
        if self.torn.as_ref().is_some_and(|torn| !names.contains(torn)) {
            keep_torn(disk, &self.target, self.offset, self.garbage_end)?;
        }
        self.target.header = self.sealed;
        write_seal(&self.target)?;
        if self.garbage_end > self.offset {
            // Nothing reads behind a seal; this only keeps the file tidy for people.
            let zeros = vec![0; (self.garbage_end - self.offset) as usize];
            let written = self.target.file.write_at(&zeros, self.offset);
            written
                .and_then(|()| self.target.file.sync())
                .map_err(|e| JournalError::io("write", &self.target.path, e))?;
        }
        // The last first: what is left in between never has a hole.
        for name in self.removed.iter().rev() {
            disk.remove(name)
                .map_err(|e| JournalError::io("remove", &disk.path(name), e))?;
        }
        for (from, to) in self.set_aside.iter().rev() {
            disk.rename(from, to)
                .map_err(|e| JournalError::io("rename", &disk.path(from), e))?;
        }
        disk.sync_dir()
            .map_err(|e| JournalError::io("sync directory", &disk.path(""), e))
    }
}

/// A segment before the cut, or the one that is cut: what is wrong with its headers a cut does not mend.
fn sound(id: u64, loaded: Result<Loaded, JournalError>, wanted: u64) -> Result<Loaded, RepairError> {
    match loaded {
        Ok(loaded) => Ok(loaded),
        Err(e @ JournalError::Io { .. }) => Err(e.into()),
        Err(e) if id == wanted => place(format!(
            "{e}. A segment whose headers are damaged cannot be cut: cut at the end of the one before"
        )),
        Err(e) => place(format!("{e}. This lies before the cut: cut there, or earlier")),
    }
}

/// The segment that holds a seq.
fn segment_of(all: &[(u64, Result<Loaded, JournalError>)], seq: Seq) -> Result<u64, RepairError> {
    let started = |l: &&Loaded| l.header.generation != PREPARED;
    let holds = all
        .iter()
        .filter_map(|(_, l)| l.as_ref().ok())
        .filter(started)
        .rfind(|l| l.header.first_seq <= seq);
    match holds {
        Some(l) if seq > 0 => Ok(l.header.id),
        _ => {
            let first = all
                .iter()
                .find_map(|(_, l)| l.as_ref().ok())
                .map_or(0, |l| l.header.first_seq);
            place(format!("seq {seq}: the log begins with seq {first}"))
        }
    }
}

/// Follows the whole frames up to the place; what they come to.
fn find(target: &Loaded, at: At) -> Result<Scan, RepairError> {
    let header = &target.header;
    let file = name_of(header.id);
    let io = |e| JournalError::io("read", &target.path, e);
    let limit = header.file_bytes;
    let (mut offset, mut expected) = (DATA_START, header.first_seq);
    let cut = loop {
        let found = frame_at(&*target.file, header.salt(), offset, limit).map_err(io)?;
        let why = match &found {
            Found::Frame(frame, _) => check_meaning(frame, &target.path, offset, header.epoch, expected)
                .err()
                .map(|e| e.to_string()),
            Found::Nothing => Some("zeros, or the end of the file, follow".to_owned()),
            Found::Bad(why) => Some((*why).to_owned()),
        };
        let next = match &found {
            Found::Frame(frame, _) if why.is_none() => Some(frame),
            _ => None,
        };
        match at {
            At::Offset { offset: wanted, .. } if wanted <= offset => {
                if wanted == offset {
                    break offset;
                }
                return place(format!(
                    "{file}: frames begin at offset {DATA_START}, not at {wanted}"
                ));
            }
            At::Seq(seq)
                if seq.checked_add(1) == Some(expected) && next.is_none_or(|f| f.is(Kind::Events)) =>
            {
                break offset;
            }
            _ => {}
        }
        let Some(frame) = next else {
            let why = why.unwrap_or_default();
            let last = expected - 1;
            return match at {
                At::Offset { offset: wanted, .. } => place(format!(
                    "{file}: offset {wanted} lies behind the last whole frame, which ends at {offset} after seq {last} \
                     ({why}): use {}:{offset} or an earlier one",
                    header.id
                )),
                At::Seq(seq) => place(format!(
                    "seq {seq}: the whole frames of {file} end at offset {offset} after seq {last} ({why}): use {last} or an \
                     earlier one"
                )),
            };
        };
        let end = offset + frame.size();
        match at {
            At::Offset { offset: wanted, .. } if wanted < end => {
                let id = header.id;
                return place(format!(
                    "{file}: offset {wanted} lies inside a frame: the nearest are {id}:{offset} (after seq {}) and {id}:{end} \
                     (after seq {})",
                    expected - 1,
                    if frame.is(Kind::Events) {
                        frame.last_seq()
                    } else {
                        expected - 1
                    },
                ));
            }
            At::Seq(seq) if frame.is(Kind::Events) && seq < frame.last_seq() && seq >= expected => {
                return place(format!(
                    "seq {seq} lies inside the atomic frame of {expected} to {}: use {} or {}",
                    frame.last_seq(),
                    expected - 1,
                    frame.last_seq()
                ));
            }
            _ => {}
        }
        if frame.is(Kind::Events) {
            expected = frame.last_seq() + 1;
        }
        offset = end;
    };
    Ok(scan(&*target.file, &target.path, header, header.first_seq, cut)?)
}

/// A log that does not begin with seq 1 needs a snapshot between its beginning and its end.
fn base(disk: &dyn Disk, header: &SegmentHeader, first_seq: Seq, last_seq: Seq) -> Result<(), RepairError> {
    if first_seq <= 1 {
        return Ok(());
    }
    let mut oldest = None;
    for seq in snapshot::seqs(disk)?
        .into_iter()
        .filter(|seq| seq.saturating_add(1) >= first_seq)
    {
        match snapshot::open(disk, seq, header.log_id, Seq::MAX) {
            Ok(_) if seq <= last_seq => return Ok(()),
            Ok(_) => oldest = Some(seq),
            Err(e @ JournalError::Io { .. }) => return Err(e.into()),
            Err(_) => {}
        }
    }
    let possible = match oldest {
        Some(seq) => format!("the oldest whole snapshot is of seq {seq}: cut there or later"),
        None => "there is no whole snapshot: restore a backup".to_owned(),
    };
    place(format!(
        "the log begins with seq {first_seq}, and no snapshot up to seq {last_seq} holds what came before: {possible}"
    ))
}

/// A free name for a file that is set aside.
fn aside(disk: &dyn Disk, name: &str) -> Result<String, JournalError> {
    let names = disk
        .list()
        .map_err(|e| JournalError::io("list", &disk.path(""), e))?;
    let stem = name.strip_suffix(".slad").unwrap_or(name);
    let free = (1..)
        .map(|n| match n {
            1 => format!("torn-{stem}.slad"),
            n => format!("torn-{stem}-{n}.slad"),
        })
        .find(|candidate| !names.contains(candidate));
    Ok(free.unwrap_or_default())
}
