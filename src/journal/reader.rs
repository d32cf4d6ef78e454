//! Reading events by seq, from any thread, while the writer writes and the keeper takes old segments out.
//!
//! Cost: a binary search, at most 4 KiB of header hops, one verified frame. What is known of a sealed segment is read from
//! its index file; where there is none yet, and for the active segment, it is grown in memory when first asked for and
//! kept for the [`INDEXES_MAX`] segments used last. A segment's index has locks of its own, which the writer never takes.
//! Nothing beyond what the writer has published is ever read.
//!
//! What takes several calls and must not miss a segment that goes in between reads through a [`Reader::pinned`] one. It
//! keeps retired files from being deleted, so it is for one reply, not for a connection.

use super::JournalError;
use super::frame::{Kind, events, to_event};
use super::index::{Index, Known, Looked};
use super::published::Published;
use super::scan::Walk;
use super::segment::Segment;
use super::sidecar_write;
use crate::model::Seq;
use crate::model::event::Event;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Segments whose indexes are kept in memory. At 64 MiB a segment an index takes 1–10 MiB.
pub const INDEXES_MAX: usize = 8;

/// Indexes by segment id, used last at the end.
type Indexes = Vec<(u64, Arc<Index>)>;
/// Segments, oldest first.
type Segments = Arc<Vec<Arc<Segment>>>;

/// Reads the log. Share one: its indexes are what it costs.
#[derive(Debug)]
pub struct Reader {
    published: Arc<Published>,
    indexes: Arc<Mutex<Indexes>>,
    /// Of a pinned one: what was there when it was made.
    segments: Option<Segments>,
}

impl Reader {
    /// A reader of what `published` shows.
    pub fn new(published: Arc<Published>) -> Reader {
        Reader {
            published,
            indexes: Arc::default(),
            segments: None,
        }
    }

    /// One that goes on seeing the segments that there are now, whatever retention takes out, and none that begins later.
    /// Cost: two counters.
    pub fn pinned(&self) -> Reader {
        Reader {
            published: Arc::clone(&self.published),
            indexes: Arc::clone(&self.indexes),
            segments: Some(self.segments()),
        }
    }

    /// First seq retained; `last_seq() + 1` when there is none.
    pub fn first_seq(&self) -> Seq {
        let first = self.segments().first().map(|s| s.first_seq);
        first.unwrap_or_else(|| self.last_seq() + 1)
    }

    /// Last seq written.
    pub fn last_seq(&self) -> Seq {
        self.published.written_seq()
    }

    pub(super) fn segments(&self) -> Segments {
        (self.segments.as_ref()).map_or_else(|| self.published.segments(), Arc::clone)
    }

    fn indexes(&self) -> MutexGuard<'_, Indexes> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_memory(&self, segment: &Segment) -> Arc<Index> {
        let mut indexes = self.indexes();
        let found = indexes.iter().position(|(id, _)| *id == segment.id);
        let entry = match found {
            Some(at) => indexes.remove(at),
            None => {
                if indexes.len() >= INDEXES_MAX {
                    indexes.remove(0);
                }
                (segment.id, Arc::new(Index::new(segment)))
            }
        };
        let index = Arc::clone(&entry.1);
        indexes.push(entry);
        index
    }

    /// The segment is retired: what was grown for it goes.
    pub(super) fn forget(&self, segment_id: u64) {
        self.indexes().retain(|(id, _)| *id != segment_id);
    }

    /// Can the entries of a filtered key from `from` on be found without much growing first? Where an index file is open or
    /// the index in memory is at most `lag_max` events behind, and nobody is at it. Cost: a few locks, never waited for
    /// long; no read of the disk.
    pub fn is_indexed(&self, from: Seq, lag_max: u64) -> bool {
        let segments = self.segments();
        let mut wanted = segments.iter().rev().take_while(|s| s.last_seq() >= from);
        wanted.all(|segment| {
            if segment.sidecar.is_open() {
                return true;
            }
            let grown = (self.indexes().iter())
                .find(|(id, _)| *id == segment.id)
                .map(|(_, index)| Arc::clone(index));
            let reach = grown.map_or(Some(segment.first_seq), |index| index.postings_reach());
            reach.is_some_and(|next| segment.last_seq().saturating_add(1).saturating_sub(next) <= lag_max)
        })
    }

    /// Looks something up in the segment's index file, or in memory where there is none that can be used.
    pub(super) fn look<T>(
        &self,
        segment: &Segment,
        look: impl Fn(&Known) -> Looked<T>,
    ) -> Result<T, JournalError> {
        let (disk, log_id) = (self.published.disk(), self.published.log_id());
        if let Some(file) = segment.sidecar.get(&**disk, log_id, segment) {
            match look(&Known::File(file))? {
                Ok(found) => return Ok(found),
                Err(_) => segment.sidecar.is_damaged(),
            }
        }
        look(&Known::Memory(self.in_memory(segment)))?.map_err(|_| {
            let what = "an index in memory cannot be damaged";
            JournalError::Misuse(what.to_owned())
        })
    }

    /// Writes one index file that is missing, of the newest sealed segment first: see `sidecar_write` for what it costs.
    /// Gives the segment and the length of the file; `None`: every sealed segment but those of `except` has its own. An
    /// error comes with the segment.
    pub(super) fn write_index(
        &self,
        except: &BTreeSet<u64>,
    ) -> Result<Option<(u64, u64)>, (u64, JournalError)> {
        let (disk, log_id) = (self.published.disk(), self.published.log_id());
        let segments = self.segments();
        let missing = segments.iter().rev().find(|s| {
            let has = s.sidecar.get(&**disk, log_id, s).is_some();
            s.sealed.load(Ordering::Acquire) && !has && s.sidecar.is_missing() && !except.contains(&s.id)
        });
        let Some(segment) = missing else {
            return Ok(None);
        };
        // Its own, not one that readers share: they would wait for its locks while the file is laid.
        let index = Index::new(segment);
        let bytes = sidecar_write::write(&**disk, log_id, segment, &index).map_err(|e| (segment.id, e))?;
        self.forget(segment.id);
        Ok(Some((segment.id, bytes)))
    }

    /// The event of a seq; `None` when it is not retained, not written yet, or in a gap.
    pub fn event(&self, seq: Seq) -> Result<Option<Event>, JournalError> {
        let mut found = None;
        self.range(seq, seq, |_, event| {
            found = Some(event);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Gives the events from `from` to `to` (inclusive, as far as they are written) to `f` in order, until it breaks.
    pub fn range(
        &self,
        from: Seq,
        to: Seq,
        mut f: impl FnMut(Seq, Event) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let to = to.min(self.last_seq());
        for segment in self.segments().iter() {
            if segment.last_seq() < from || segment.first_seq > to {
                continue;
            }
            // Nothing is noted before the first frame with events.
            let from = from.max(segment.first_seq);
            let start = self.look(segment, |known| known.offset_before(segment, from))?;
            let Some((first, offset)) = start else {
                continue;
            };
            if frames(segment, offset, first, from, to, &mut f)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The same from the newest to the oldest.
    pub fn range_back(
        &self,
        from: Seq,
        to: Seq,
        mut f: impl FnMut(Seq, Event) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let to = to.min(self.last_seq());
        for segment in self.segments().iter().rev() {
            if segment.last_seq() < from || segment.first_seq > to {
                continue;
            }
            let mut upto = to.min(segment.last_seq());
            // One stretch of the index at a time: frames only lead forward.
            while upto >= from.max(segment.first_seq) {
                let start = self.look(segment, |known| known.offset_before(segment, upto))?;
                let Some((first, offset)) = start else {
                    break;
                };
                let mut stretch = Vec::new();
                let _ = frames(segment, offset, first, from, upto, &mut |seq, event| {
                    stretch.push((seq, event));
                    ControlFlow::Continue(())
                })?;
                while let Some((seq, event)) = stretch.pop() {
                    if f(seq, event).is_break() {
                        return Ok(());
                    }
                }
                upto = first - 1;
            }
        }
        Ok(())
    }
}

/// Gives the events between `from` and `to` to `f`, from the frame at `offset` on, which begins with `first`.
fn frames(
    segment: &Segment,
    offset: u64,
    first: Seq,
    from: Seq,
    to: Seq,
    f: &mut impl FnMut(Seq, Event) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, JournalError> {
    let mut walk = Walk::new(segment, offset, first);
    // Hop to the frame that holds `from`; only what is wanted is verified whole.
    loop {
        let (at, expected) = (walk.offset(), walk.expected());
        match walk.header()? {
            Some((_, header)) if !header.is(Kind::Events) || header.last_seq() < from => {}
            Some(_) => {
                walk = Walk::new(segment, at, expected);
                break;
            }
            None => return Ok(ControlFlow::Continue(())),
        }
    }
    while walk.expected() <= to {
        let at = walk.offset();
        let Some((header, frame)) = walk.frame()? else {
            break;
        };
        if !header.is(Kind::Events) {
            continue;
        }
        let foreign = |what| JournalError::foreign(&segment.path, at, header.first_seq, what);
        let archived = events(&header, frame.payload(&header)).map_err(foreign)?;
        for (seq, event) in (header.first_seq..).zip(archived.iter()) {
            if seq >= from && seq <= to && f(seq, to_event(event).map_err(foreign)?).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}
