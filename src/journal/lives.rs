//! Which tickets have events in a segment: the newest event of each life there, found by id.
//!
//! A life is what links connect: from an event, the earlier ones of its life are found without this. A ticket whose id
//! was opened again after the engine had forgotten it begins a new life, which nothing links to the one before.
//!
//! Cost: every event is looked at once (150 ns with its checks, 100 ns to enter it), some 80 bytes a ticket.

use super::JournalError;
use super::format::DATA_START;
use super::frame::{Kind, events};
use super::scan::Walk;
use super::segment::Segment;
use crate::model::event::ArchivedBody;
use crate::model::{Seq, Text};
use std::collections::HashMap;

const NONE: u32 = u32::MAX;

/// The newest event of one life.
#[derive(Debug, Clone, Copy)]
struct Life {
    /// Relative to the segment's first seq.
    seq: u32,
    hash: u64,
    /// The ticket's life before, in this segment.
    before: u32,
}

/// What an id is looked up by in an index file.
pub(super) fn hash(ticket: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(ticket.as_bytes())
}

/// Lives by ticket, grown as the segment grows.
#[derive(Debug)]
pub(super) struct Lives {
    at: u64,
    next_seq: Seq,
    lives: Vec<Life>,
    newest: HashMap<Text, u32>,
}

impl Lives {
    pub(super) fn new(segment: &Segment) -> Lives {
        Lives {
            at: DATA_START,
            next_seq: segment.first_seq,
            lives: Vec::new(),
            newest: HashMap::new(),
        }
    }

    /// Takes in what was published since.
    pub(super) fn extend(&mut self, segment: &Segment) -> Result<(), JournalError> {
        let mut walk = Walk::new(segment, self.at, self.next_seq);
        while let Some((header, frame)) = walk.frame()? {
            if header.is(Kind::Events) {
                let foreign = |what| JournalError::foreign(&segment.path, self.at, header.first_seq, what);
                let archived = events(&header, frame.payload(&header)).map_err(foreign)?;
                for (seq, event) in (header.first_seq..).zip(archived.iter()) {
                    if let ArchivedBody::Ticket(ticket) = &event.body {
                        let relative = u32::try_from(seq - segment.first_seq).map_err(|_| {
                            JournalError::corrupt(
                                &segment.path,
                                self.at,
                                seq,
                                "too many events in one segment",
                            )
                        })?;
                        self.note(&ticket.id, relative, ticket.prev == 0);
                    }
                }
            }
            (self.at, self.next_seq) = (walk.offset(), walk.expected());
        }
        Ok(())
    }

    fn note(&mut self, ticket: &str, seq: u32, begins: bool) {
        let known = self.newest.get_mut(ticket);
        if let Some(number) = &known
            && !begins
            && let Some(life) = self.lives.get_mut(**number as usize)
        {
            life.seq = seq;
            return;
        }
        let number = self.lives.len() as u32;
        self.lives.push(Life {
            seq,
            hash: hash(ticket),
            before: known.as_deref().copied().unwrap_or(NONE),
        });
        match known {
            Some(newest) => *newest = number,
            None => {
                self.newest.insert(ticket.into(), number);
            }
        }
    }

    /// The newest event of each of the ticket's lives, newest first, relative to the segment's first seq.
    pub(super) fn of(&self, ticket: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let mut next = self.newest.get(ticket).copied().unwrap_or(NONE);
        while let Some(life) = self.lives.get(next as usize) {
            found.push(life.seq);
            next = life.before;
        }
        found
    }

    /// Hash and seq of every life, in the order of an index file.
    pub(super) fn sorted(&self) -> Vec<(u64, u32)> {
        let mut lives: Vec<(u64, u32)> = self.lives.iter().map(|l| (l.hash, l.seq)).collect();
        lives.sort_unstable();
        lives
    }
}
