//! What the due of a clock is made of beside its budget: what it stood still, and what was added. With its start this is all that is
//! needed to reckon the due anew, under other rules or by a longer calendar. A part of the state, version 1 (see [`super::record`]).

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::time::Span;
use super::{NEVER, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// Entries that are kept of a clock: more than a ticket can be paused. Of more, which only states of the ticket in which a clock stands
/// still can make, the two oldest of one kind are put together into one that is as long: exact in natural time.
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
            // The oldest of which there is a later one of its kind: there are four kinds, so that one of the first four has.
            let entries = &self.entries;
            let pair = (0..entries.len()).find_map(|older| {
                let later = (older + 1..entries.len())
                    .find_map(|later| Some((later, joined(entries[older], entries[later])?)));
                later.map(|(later, both)| (older, later, both))
            });
            if let Some((older, later, both)) = pair {
                self.entries[later] = both;
                self.entries.remove(older);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(from: UnixMs, to: UnixMs) -> Stretch {
        Stretch { from, to }
    }

    /// Milliseconds stood still, and added as milliseconds, business days and months.
    fn sums(account: &Account) -> [i64; 4] {
        let mut sums = [0; 4];
        for entry in &account.entries {
            match *entry {
                Entry::Stood(stretch) => sums[0] += stretch.to - stretch.from,
                Entry::Added(Span::Ms(ms)) => sums[1] += ms,
                Entry::Added(Span::BusinessDays(days)) => sums[2] += i64::from(days),
                Entry::Added(Span::Months(months)) => sums[3] += i64::from(months),
            }
        }
        sums
    }

    #[test]
    fn more_than_the_bound_loses_nothing_but_where_it_was() {
        let mut account = Account::default();
        // One of its kind at the very beginning stays too.
        account.add(Span::BusinessDays(3));
        account.add(Span::Months(1));
        let mut right = [0, 0, 3, 1];
        for n in 0..5_000 {
            if n % 7 == 0 {
                account.add(Span::Ms(n));
                right[1] += n;
            } else {
                account.stand(stretch(1_000 * n, 1_000 * n + n));
                right[0] += n;
            }
            assert!(account.entries.len() <= ENTRIES_MAX);
            assert_eq!(sums(&account), right, "after {n}");
        }
        assert_eq!(account.entries.len(), ENTRIES_MAX);
        // The newest are as they were.
        let newest = stretch(4_999_000, 5_003_999);
        assert_eq!(account.stood().next_back(), Some(newest));
        assert_eq!(account.stood().rev().nth(500).unwrap().from % 1_000, 0);
    }

    #[test]
    fn up_to_the_bound_every_entry_is_as_it_was() {
        let mut account = Account::default();
        for n in 0..ENTRIES_MAX as i64 {
            account.stand(stretch(10 * n, 10 * n + 5));
        }
        let right = (0..ENTRIES_MAX as i64).map(|n| stretch(10 * n, 10 * n + 5));
        assert!(account.stood().eq(right));
        account.stand(stretch(20_000, 20_001));
        assert_eq!(
            account.stood().next(),
            Some(stretch(5, 15)),
            "two as one that is as long"
        );
        assert_eq!(account.stood().count(), ENTRIES_MAX);
    }

    #[test]
    fn a_stretch_begins_where_it_stopped_and_ends_where_it_runs_on() {
        let mut account = Account::default();
        account.run_on(7);
        assert_eq!(account, Account::default(), "it did not stand still");
        account.since = 10;
        account.run_on(10);
        assert_eq!(account, Account::default(), "a stretch of no length is none");
        account.since = 10;
        account.run_on(25);
        assert_eq!(account.since, NEVER);
        assert_eq!(account.entries, [Entry::Stood(stretch(10, 25))]);
        account.stand(stretch(30, 29));
        assert_eq!(account.entries.len(), 1, "none that ends before it begins");
    }
}
