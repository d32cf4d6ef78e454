//! What the due of a clock is made of beside its budget: what it stood still, and what was added. With its start this is all that is
//! needed to reckon the due anew, under other rules or by a longer calendar. A part of the state, version 1 (see [`super::record`]).

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::time::Span;
use super::{NEVER, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// Entries that are kept of a clock, and pauses of a ticket. Of more, the two oldest of one kind in a clock's account are put together
/// into one that is as long, and the oldest pause of a ticket is forgotten.
pub const ENTRIES_MAX: usize = 1_024;

/// What a clock's due is made of beside start and budget; few clocks have any of it.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Account {
    /// What moved its due, in order.
    pub entries: Vec<Entry>,
    /// Since when it stands still; [`NEVER`]: it does not.
    pub since: UnixMs,
    /// The version of the policy whose rules gave the due, if the ticket went on from there to another one with its dues kept; 0: it
    /// did not.
    pub version: u32,
    /// Steps that were taken, of whichever ladder it had.
    pub taken: Vec<Taken>,
}

/// What moved the due of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Entry {
    /// It stood still.
    Stood(Stretch),
    /// It was given more time, or (ms of its own time below zero) had used some elsewhere.
    Added(Span),
}

/// From one instant up to, not including, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Stretch {
    pub from: UnixMs,
    pub to: UnixMs,
}

/// A pause of a ticket that is over.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct PastPause {
    pub reason: Text,
    pub stretch: Stretch,
}

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Taken {
    /// Digest of the ladder's steps: another ladder has steps of its own.
    pub ladder: u64,
    /// Its place in that ladder.
    pub step: u16,
}

impl Default for Account {
    fn default() -> Account {
        Account {
            entries: Vec::new(),
            since: NEVER,
            version: 0,
            taken: Vec::new(),
        }
    }
}

impl Account {
    /// It stood still; a stretch of no length is left out.
    pub fn stand(&mut self, stretch: Stretch) {
        if stretch.from < stretch.to {
            self.enter(Entry::Stood(stretch));
        }
    }

    /// It was given more time.
    pub fn add(&mut self, span: Span) {
        self.enter(Entry::Added(span));
    }

    /// It runs on, or ends, at this instant.
    pub fn run_on(&mut self, at: UnixMs) {
        if self.since != NEVER {
            let from = std::mem::replace(&mut self.since, NEVER);
            self.stand(Stretch { from, to: at });
        }
    }

    /// When it stood still, in order.
    pub fn stood(&self) -> impl DoubleEndedIterator<Item = Stretch> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Stood(stretch) => Some(*stretch),
            Entry::Added(_) => None,
        })
    }

    fn enter(&mut self, entry: Entry) {
        self.entries.push(entry);
        if self.entries.len() > ENTRIES_MAX {
            let joined = self.entries[1..]
                .iter()
                .enumerate()
                .find_map(|(place, later)| Some((place + 1, joined(self.entries[0], *later)?)));
            if let Some((place, both)) = joined {
                self.entries[place] = both;
            }
            // Of 1,024 entries two are of one kind.
            self.entries.remove(0);
        }
    }
}

/// Two entries of one kind as one.
fn joined(older: Entry, later: Entry) -> Option<Entry> {
    Some(match (older, later) {
        (Entry::Stood(older), Entry::Stood(later)) => Entry::Stood(Stretch {
            from: later.from - (older.to - older.from),
            to: later.to,
        }),
        (Entry::Added(Span::Ms(a)), Entry::Added(Span::Ms(b))) => Entry::Added(Span::Ms(a.saturating_add(b))),
        (Entry::Added(Span::BusinessDays(a)), Entry::Added(Span::BusinessDays(b))) => {
            Entry::Added(Span::BusinessDays(a.saturating_add(b)))
        }
        (Entry::Added(Span::Months(a)), Entry::Added(Span::Months(b))) => {
            Entry::Added(Span::Months(a.saturating_add(b)))
        }
        _ => return None,
    })
}
