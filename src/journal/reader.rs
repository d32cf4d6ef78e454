//! Reading events by seq, from any thread, while the writer writes.
//!
//! Cost: a binary search, at most 4 KiB of header hops, one verified frame. The indexes of sealed segments are built when
//! first asked for and kept for the [`INDEXES_MAX`] segments used last; a segment's index has a lock of its own, which the
//! writer never takes. Nothing beyond what the writer has published is ever read.

use super::JournalError;
use super::frame::{Kind, events, to_event};
use super::index::Offsets;
use super::postings::Postings;
use super::published::Published;
use super::scan::Walk;
use super::segment::Segment;
use crate::model::Seq;
use crate::model::event::Event;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Segments whose indexes are kept. At 64 MiB a segment an index takes 1–6 MiB.
pub const INDEXES_MAX: usize = 32;

/// Reads the log. Share one: its indexes are what it costs.
#[derive(Debug)]
pub struct Reader {
    published: Arc<Published>,
    /// Indexes by segment id, used last at the end.
    indexes: Mutex<Vec<(u64, Arc<Index>)>>,
}

/// What is known of a segment. Two locks, because postings take ten times longer to grow than offsets.
#[derive(Debug)]
pub(super) struct Index {
    offsets: Mutex<Offsets>,
    postings: Mutex<Postings>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // An index is only ever extended by whole frames, so one left by a panicking thread is still right.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reader {
    /// A reader of what `published` shows.
    pub fn new(published: Arc<Published>) -> Reader {
        Reader {
            published,
            indexes: Mutex::new(Vec::new()),
        }
    }

    /// First seq retained; `last_seq() + 1` when there is none.
    pub fn first_seq(&self) -> Seq {
        self.published.first_seq()
    }

    /// Last seq written.
    pub fn last_seq(&self) -> Seq {
        self.published.written_seq()
    }

    pub(super) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        self.published.segments()
    }

    fn index(&self, segment: &Segment) -> Arc<Index> {
        let mut indexes = lock(&self.indexes);
        let found = indexes.iter().position(|(id, _)| *id == segment.id);
        let entry = match found {
            Some(at) => indexes.remove(at),
            None => {
                if indexes.len() >= INDEXES_MAX {
                    indexes.remove(0);
                }
                let index = Index {
                    offsets: Mutex::new(Offsets::new(segment)),
                    postings: Mutex::new(Postings::new(segment)),
                };
                (segment.id, Arc::new(index))
            }
        };
        let index = Arc::clone(&entry.1);
        indexes.push(entry);
        index
    }

    /// Calls `f` with the segment's postings as they are now.
    pub(super) fn with_postings<R>(
        &self,
        segment: &Segment,
        f: impl FnOnce(&Postings) -> R,
    ) -> Result<R, JournalError> {
        let index = self.index(segment);
        let mut postings = lock(&index.postings);
        postings.extend(segment)?;
        Ok(f(&postings))
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
            let index = self.index(segment);
            let start = {
                let mut offsets = lock(&index.offsets);
                offsets.extend(segment)?;
                let entry = offsets.entry_before(from).unwrap_or(0);
                offsets.entry(entry)
            };
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
            let index = self.index(segment);
            let mut upto = to.min(segment.last_seq());
            // One stretch of the index at a time: frames only lead forward.
            while upto >= from.max(segment.first_seq) {
                let start = {
                    let mut offsets = lock(&index.offsets);
                    offsets.extend(segment)?;
                    offsets.entry_before(upto).and_then(|n| offsets.entry(n))
                };
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
        let damage = |what| JournalError::corrupt(&segment.path, at, header.first_seq, what);
        let archived = events(&header, frame.payload(&header)).map_err(damage)?;
        for (seq, event) in (header.first_seq..).zip(archived.iter()) {
            if seq >= from && seq <= to && f(seq, to_event(event).map_err(damage)?).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}
