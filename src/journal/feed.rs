//! The feed's keys: entries of `events:…`, forward and backward, from a cursor.
//!
//! Cost: for a filtered key, what is new since the last look plus what is found, however much lies between; for a
//! ticket, its own events and no others.

use super::JournalError;
use super::reader::Reader;
use super::segment::Segment;
use crate::model::Seq;
use crate::model::command::{EntryId, FeedKey};
use crate::model::event::{Body, Event};
use crate::model::fields;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

/// An entry: seq and part of its id, and the event that it shows.
pub type Entry = (Seq, u64, Arc<Event>);

/// Seqs taken from the postings at a time.
const BLOCK: usize = 256;

/// Which entries are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// First id, inclusive.
    pub from: EntryId,
    /// Last id, inclusive.
    pub to: EntryId,
    /// Entries at most.
    pub count: usize,
    /// Newest first.
    pub reverse: bool,
    /// No event above this: what may be shown by the sync policy.
    pub upto_seq: Seq,
}

impl Wanted {
    /// The id after `id`: what "after" means as a first id.
    pub fn after(id: EntryId) -> EntryId {
        match id.part.checked_add(1) {
            Some(part) => EntryId { seq: id.seq, part },
            None => EntryId {
                seq: id.seq.saturating_add(1),
                part: 0,
            },
        }
    }

    fn last_seq(&self) -> Seq {
        self.to.seq.min(self.upto_seq)
    }
}

/// Collects entries up to a count.
struct Collected<'a> {
    key: &'a FeedKey,
    wanted: Wanted,
    entries: Vec<Entry>,
}

impl Collected<'_> {
    /// Adds the event's entries; breaks when enough.
    fn add(&mut self, seq: Seq, event: Event) -> ControlFlow<()> {
        let event = Arc::new(event);
        let parts = fields::entries(&event);
        for n in 0..parts {
            let part = if self.wanted.reverse { parts - 1 - n } else { n };
            let id = EntryId { seq, part };
            if id < self.wanted.from || id > self.wanted.to || !fields::belongs(&event, part, self.key) {
                continue;
            }
            self.entries.push((seq, part, Arc::clone(&event)));
            if self.entries.len() >= self.wanted.count {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

impl Reader {
    /// The entries under a key. `events:ticket:T` is searched event by event here: use [`Reader::ticket_chain`] where the
    /// ticket's last seq is known.
    pub fn entries(&self, key: &FeedKey, wanted: Wanted) -> Result<Vec<Entry>, JournalError> {
        let mut found = Collected {
            key,
            wanted,
            entries: Vec::new(),
        };
        if wanted.count == 0 || wanted.from > wanted.to || wanted.from.seq > wanted.last_seq() {
            return Ok(found.entries);
        }
        let (from, to) = (wanted.from.seq, wanted.last_seq());
        if matches!(key, FeedKey::All | FeedKey::Ticket(_)) {
            let each = |seq, event| found.add(seq, event);
            if wanted.reverse {
                self.range_back(from, to, each)?;
            } else {
                self.range(from, to, each)?;
            }
            return Ok(found.entries);
        }
        let segments = self.segments();
        let order: Vec<usize> = if wanted.reverse {
            (0..segments.len()).rev().collect()
        } else {
            (0..segments.len()).collect()
        };
        for segment in order.into_iter().filter_map(|n| segments.get(n)) {
            let (mut low, mut high) = (from.max(segment.first_seq), to.min(segment.last_seq()));
            while low <= high {
                let block = self.with_postings(segment, |postings| {
                    let seqs = postings.of(key).unwrap_or(&[]);
                    let seq = |relative: &u32| segment.first_seq + u64::from(*relative);
                    let start = seqs.partition_point(|r| seq(r) < low);
                    let stop = seqs.partition_point(|r| seq(r) <= high);
                    let window = &seqs[start..stop];
                    let n = window.len().min(BLOCK).min(wanted.count);
                    if wanted.reverse {
                        window[window.len() - n..]
                            .iter()
                            .rev()
                            .map(seq)
                            .collect::<Vec<_>>()
                    } else {
                        window[..n].iter().map(seq).collect()
                    }
                })?;
                let Some(last) = block.last() else {
                    break;
                };
                if wanted.reverse {
                    high = last - 1;
                } else {
                    low = last + 1;
                }
                for seq in block {
                    if let Some(event) = self.event(seq)?
                        && found.add(seq, event).is_break()
                    {
                        return Ok(found.entries);
                    }
                }
            }
        }
        Ok(found.entries)
    }

    /// Number of entries under a key up to `upto_seq`, where every event under it is one entry. `None` for tickets, which are
    /// not posted, and for `events:sla`, whose events may be several. Cost: a search in each segment's postings.
    pub fn count(&self, key: &FeedKey, upto_seq: Seq) -> Result<Option<u64>, JournalError> {
        if matches!(key, FeedKey::Ticket(_) | FeedKey::Sla) {
            return Ok(None);
        }
        if *key == FeedKey::All {
            // Segment by segment: a gap that a recovery told of lies between two.
            let dense = |s: &Arc<Segment>| (s.last_seq().min(upto_seq) + 1).saturating_sub(s.first_seq);
            return Ok(Some(self.segments().iter().map(dense).sum()));
        }
        let mut count = 0;
        for segment in self.segments().iter().filter(|s| s.first_seq <= upto_seq) {
            count += self.with_postings(segment, |postings| {
                let seqs = postings.of(key).unwrap_or(&[]);
                seqs.partition_point(|r| segment.first_seq + u64::from(*r) <= upto_seq)
            })? as u64;
        }
        Ok(Some(count))
    }

    /// The entries of a ticket, found from its last event back along the links. Stops where the log begins.
    pub fn ticket_chain(&self, last_seq: Seq, wanted: Wanted) -> Result<Vec<Entry>, JournalError> {
        let mut seq = last_seq;
        let mut chain: VecDeque<Entry> = VecDeque::new();
        while seq >= wanted.from.seq.max(self.first_seq()).max(1) && wanted.count > 0 {
            let Some(event) = self.event(seq)? else {
                break;
            };
            let Body::Ticket(ticket) = &event.body else {
                break;
            };
            // A link that does not lead back would never end.
            let prev = ticket.prev.min(seq - 1);
            let id = EntryId { seq, part: 0 };
            if id >= wanted.from && id <= wanted.to && seq <= wanted.upto_seq {
                if wanted.reverse {
                    chain.push_back((seq, 0, Arc::new(event)));
                    if chain.len() == wanted.count {
                        break;
                    }
                } else {
                    chain.push_front((seq, 0, Arc::new(event)));
                    chain.truncate(wanted.count);
                }
            }
            seq = prev;
        }
        Ok(chain.into())
    }
}
