//! The events of one ticket: along their links, and over the lives that nothing links.
//!
//! Cost: the ticket's own events. Where a life begins, and for a ticket that the caller knows nothing of, each older segment
//! is asked whether it has the id: one or two pages of its index file.

use super::JournalError;
use super::feed::{Entry, Wanted};
use super::reader::Reader;
use crate::model::Seq;
use crate::model::command::EntryId;
use crate::model::event::{Body, Event, TicketEvent};
use std::collections::VecDeque;
use std::sync::Arc;

fn about<'e>(event: &'e Event, ticket: &str) -> Option<&'e TicketEvent> {
    match &event.body {
        Body::Ticket(t) if t.id == *ticket => Some(t),
        _ => None,
    }
}

impl Reader {
    /// The entries of a ticket, of all its lives that are retained. `last_seq` is its newest event where the caller
    /// knows it; else it is searched for.
    pub fn ticket(
        &self,
        ticket: &str,
        last_seq: Option<Seq>,
        wanted: Wanted,
    ) -> Result<Vec<Entry>, JournalError> {
        let mut chain: VecDeque<Entry> = VecDeque::new();
        if wanted.count == 0 || wanted.from > wanted.to || wanted.from.seq > wanted.upto_seq {
            return Ok(Vec::new());
        }
        let floor = wanted.from.seq.max(1);
        let mut next = match last_seq {
            Some(seq) => Some(seq),
            None => self.newest_before(ticket, Seq::MAX, floor)?,
        };
        while let Some(seq) = next.filter(|seq| *seq >= floor.max(self.first_seq())) {
            let Some(event) = self.event(seq)? else {
                break;
            };
            let Some(of) = about(&event, ticket) else {
                break;
            };
            next = match of.prev {
                0 => self.newest_before(ticket, seq, floor)?,
                // A link that does not lead back would never end.
                prev => Some(prev.min(seq - 1)),
            };
            let id = EntryId { seq, part: 0 };
            if id < wanted.from || id > wanted.to || seq > wanted.upto_seq {
                continue;
            }
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
        Ok(chain.into())
    }

    /// The newest event of a ticket that the caller knows nothing of; `None`: no retained segment has one.
    pub fn newest_of(&self, ticket: &str) -> Result<Option<Seq>, JournalError> {
        self.newest_before(ticket, Seq::MAX, 1)
    }

    /// The newest event of a life of the ticket that ended before `before`; segments that end below `floor` are not
    /// asked.
    fn newest_before(&self, ticket: &str, before: Seq, floor: Seq) -> Result<Option<Seq>, JournalError> {
        for segment in self.segments().iter().rev() {
            if segment.first_seq >= before {
                continue;
            }
            if segment.last_seq() < floor {
                break;
            }
            let lives = self.look(segment, |known| known.lives(segment, ticket))?;
            for seq in lives.into_iter().filter(|seq| *seq < before) {
                // Another ticket may have the same hash.
                if let Some(event) = self.event(seq)?
                    && about(&event, ticket).is_some()
                {
                    return Ok(Some(seq));
                }
            }
        }
        Ok(None)
    }
}
