//! A snapshot of one seq while commands go on: what is about to change before it was copied is saved first.

use super::state::State;
use crate::collections::BitSet;
use crate::model::Seq;
use crate::model::record::Record;

/// The entities of one kind that a snapshot still has to copy: slots or indexes from `next` to `end`.
#[derive(Debug, Default)]
pub(super) struct Span {
    begin: u64,
    next: u64,
    end: u64,
    /// Those ahead of `next` that are not to be copied any more, relative to `begin`.
    done: BitSet,
}

impl Span {
    fn new(range: std::ops::Range<u64>) -> Span {
        Span {
            begin: range.start,
            next: range.start,
            end: range.end,
            done: BitSet::default(),
        }
    }

    /// The entity at `index` is about to change or to appear: must it be saved first? True once at most.
    pub(super) fn leaves(&mut self, index: u64) -> bool {
        if !(self.next..self.end).contains(&index) {
            return false;
        }
        let place = (index - self.begin) as u32;
        let first = !self.done.get(place);
        self.done.set(place);
        first
    }

    /// The next entity to copy.
    fn take(&mut self) -> Option<u64> {
        while self.next < self.end {
            let index = self.next;
            self.next += 1;
            if !self.done.get((index - self.begin) as u32) {
                return Some(index);
            }
        }
        None
    }
}

/// A snapshot under way.
#[derive(Debug)]
pub(super) struct Copying {
    pub tickets: Span,
    pub agents: Span,
    pub closed: Span,
    pub tokens: Span,
    /// Saved before they changed, and the small tables.
    ahead: Vec<Record>,
}

/// The seq a snapshot is of, and the state hash at that seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotHead {
    /// Last event that the snapshot holds.
    pub seq: Seq,
    /// State hash at that event.
    pub state_hash: u64,
}

impl State {
    /// Begins a snapshot of this very moment. `None` while another one runs.
    pub(super) fn snapshot_begin(&mut self) -> Option<SnapshotHead> {
        if self.copying.is_some() {
            return None;
        }
        let head = SnapshotHead {
            seq: self.seq,
            state_hash: self.hash(),
        };
        self.copying = Some(Copying {
            tickets: Span::new(0..u64::from(self.tickets.capacity_slots())),
            agents: Span::new(0..u64::from(self.agents.capacity_slots())),
            closed: Span::new(self.closed.range()),
            tokens: Span::new(self.tokens.range()),
            ahead: self.small_tables(),
        });
        Some(head)
    }

    /// Copies up to `records_max` entities to `out`; true: there are more. Looks at no more than eight slots an
    /// entity, so that a sparse table costs no more than a dense one.
    pub(super) fn snapshot_step(&mut self, records_max: usize, out: &mut Vec<Record>) -> bool {
        let Some(mut copying) = self.copying.take() else {
            return false;
        };
        let full = out.len() + records_max;
        let ahead = copying.ahead.len().min(records_max);
        out.extend(copying.ahead.drain(..ahead));
        let mut looks = records_max * 8;
        let mut more = true;
        while out.len() < full && looks > 0 {
            looks -= 1;
            let record = if let Some(slot) = copying.agents.take() {
                self.agent_record(slot as u32)
            } else if let Some(slot) = copying.tickets.take() {
                self.ticket_record(slot as u32)
            } else if let Some(index) = copying.closed.take() {
                self.closed
                    .at(index)
                    .map(|(_, closed)| Record::Closed(Box::new(closed.clone())))
            } else if let Some(index) = copying.tokens.take() {
                self.tokens
                    .at(index)
                    .map(|(_, token)| Record::Token(Box::new(token.clone())))
            } else {
                more = !copying.ahead.is_empty();
                break;
            };
            out.extend(record);
        }
        if more {
            self.copying = Some(copying);
        }
        more
    }

    /// Gives the snapshot up.
    pub(super) fn snapshot_abort(&mut self) {
        self.copying = None;
    }

    pub(super) fn save_ahead(&mut self, record: Record) {
        if let Some(copying) = &mut self.copying {
            copying.ahead.push(record);
        }
    }
}
