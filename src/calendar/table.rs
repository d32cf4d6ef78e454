//! Working time as a function of the instant, and back: a running sum a UTC day, and what is open within the day.
//!
//! | part | what | size |
//! |---|---|---|
//! | `days` | of each UTC day: working seconds before it (44 bits) and its pattern (20 bits) | 660 KiB |
//! | `patterns`, `pieces` | what is open within a day; equal days share one: a few dozen in practice | a few KiB |
//! | `day_of` | of each 2^`shift` working seconds: the day on which they begin | up to 256 KiB |
//!
//! UTC days, so that no question needs the zone. An instant → working time takes three loads. Working time → instant looks up
//! a bucket of `day_of` and searches the few days that it spans: it takes the same time however far off the answer is.

use crate::model::time::{DAY_MS, DurationMs, UnixMs};
use std::collections::BTreeMap;

/// Bits of the pattern in an entry of `days`.
const PATTERN_BITS: u32 = 20;
const PATTERN_MASK: u64 = (1 << PATTERN_BITS) - 1;

/// Most buckets of `day_of`.
const BUCKETS_MAX: u64 = 65_536;

const DAY_S: i64 = 86_400;

/// Open time within a UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Opens, ms of the day.
    pub(super) open_ms: u32,
    /// Closes, ms of the day.
    pub(super) close_ms: u32,
    /// Open time of the day before it opens, ms.
    before_ms: u32,
}

/// The working time of all days.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// One entry a day from 1970-01-01 on, and one of the end, which holds the sum.
    days: Box<[u64]>,
    /// Where the pieces of each pattern begin in `pieces`, and their end.
    patterns: Box<[u32]>,
    pieces: Box<[Piece]>,
    shift: u32,
    /// Of each bucket: the last day with no more working seconds before it than the bucket's first.
    day_of: Box<[u32]>,
}

impl Table {
    /// Working time from 1970 to `at`, ms; constant before the first and after the last day.
    pub(super) fn work_ms(&self, at: UnixMs) -> DurationMs {
        let Ok(at) = u64::try_from(at) else { return 0 };
        let day = (at / DAY_MS as u64) as usize;
        if day >= self.days.len() - 1 {
            return self.total_ms();
        }
        let within = (at % DAY_MS as u64) as u32;
        let mut sum = 0;
        for piece in self.pieces_of(day) {
            if within <= piece.open_ms {
                break;
            }
            sum = piece.before_ms + (within.min(piece.close_ms) - piece.open_ms);
        }
        self.before_ms(day) + i64::from(sum)
    }

    /// Working time of all the years, ms.
    pub(super) fn total_ms(&self) -> DurationMs {
        self.before_ms(self.days.len() - 1)
    }

    /// The earliest instant at which `work_ms` has come to this, which must be more than 0; `None`: it never does.
    pub(super) fn earliest(&self, work_ms: DurationMs) -> Option<UnixMs> {
        if work_ms > self.total_ms() {
            return None;
        }
        let day = self.day_before((work_ms as u64).div_ceil(1_000));
        let rest = (work_ms - self.before_ms(day)) as u32;
        let pieces = self.pieces_of(day);
        let piece = pieces.iter().rev().find(|piece| piece.before_ms < rest)?;
        Some(day as i64 * DAY_MS + i64::from(piece.open_ms + (rest - piece.before_ms)))
    }

    /// The latest instant at which `work_ms` is still this and more than nothing is left; `None`: nothing is.
    pub(super) fn latest(&self, work_ms: DurationMs) -> Option<UnixMs> {
        if work_ms < 0 || work_ms >= self.total_ms() {
            return None;
        }
        let day = self.day_before(work_ms as u64 / 1_000 + 1);
        let rest = (work_ms - self.before_ms(day)) as u32;
        let pieces = self.pieces_of(day);
        let piece = pieces.iter().rev().find(|piece| piece.before_ms <= rest)?;
        Some(day as i64 * DAY_MS + i64::from(piece.open_ms + (rest - piece.before_ms)))
    }

    /// Is the same open in both until this instant?
    pub(super) fn same_until(&self, other: &Table, until: UnixMs) -> bool {
        let last = (until.max(0) / DAY_MS).min(self.day_count() as i64) as usize;
        let within = (until.max(0) % DAY_MS) as u32;
        let span = |piece: &Piece| (piece.open_ms, piece.close_ms.min(within));
        (0..last).all(|day| self.pieces_of(day) == other.pieces_of(day))
            && (last == self.day_count() || {
                let cut = |table: &Table| -> Vec<_> {
                    let pieces = table.pieces_of(last).iter();
                    pieces
                        .take_while(|piece| piece.open_ms < within)
                        .map(span)
                        .collect()
                };
                cut(self) == cut(other)
            })
    }

    /// How many UTC days there are.
    pub(super) fn day_count(&self) -> usize {
        self.days.len() - 1
    }

    /// What is open on a UTC day, in order.
    pub(super) fn pieces_of(&self, day: usize) -> &[Piece] {
        let pattern = (self.days[day] & PATTERN_MASK) as usize;
        &self.pieces[self.patterns[pattern] as usize..self.patterns[pattern + 1] as usize]
    }

    fn before_ms(&self, day: usize) -> DurationMs {
        (self.days[day] >> PATTERN_BITS) as i64 * 1_000
    }

    /// The last day with fewer than `seconds` working seconds before it; `seconds` is at least 1 and no more than there are.
    fn day_before(&self, seconds: u64) -> usize {
        let bucket = ((seconds - 1) >> self.shift) as usize;
        let (first, last) = (self.day_of[bucket] as usize, self.day_of[bucket + 1] as usize);
        let few = &self.days[first..=last];
        first
            + few
                .partition_point(|entry| entry >> PATTERN_BITS < seconds)
                .max(1)
            - 1
    }
}

/// Makes a table of open time given in order.
pub(super) struct Builder {
    days: Vec<u64>,
    patterns: Vec<u32>,
    pieces: Vec<Piece>,
    /// Patterns by their pieces.
    known: BTreeMap<Vec<(u32, u32)>, u64>,
    /// Open time of the day that is not full yet, s of the day.
    today: Vec<(u32, u32)>,
    worked_s: u64,
    day_count: usize,
}

impl Builder {
    /// For so many days from 1970-01-01 on.
    pub(super) fn new(day_count: usize) -> Builder {
        Builder {
            days: Vec::with_capacity(day_count + 1),
            patterns: vec![0],
            pieces: Vec::new(),
            known: BTreeMap::new(),
            today: Vec::new(),
            worked_s: 0,
            day_count,
        }
    }

    /// Open from one instant to another, s; each call begins after the one before ended. What lies outside the days is cut off.
    pub(super) fn open(&mut self, from_s: i64, to_s: i64) {
        let end_s = self.day_count as i64 * DAY_S;
        let (mut from_s, to_s) = (from_s.max(0), to_s.min(end_s));
        while from_s < to_s {
            let day = from_s / DAY_S;
            while (self.days.len() as i64) < day {
                self.end_day();
            }
            let until_s = to_s.min((day + 1) * DAY_S);
            self.today
                .push(((from_s % DAY_S) as u32, (until_s - day * DAY_S) as u32));
            from_s = until_s;
        }
    }

    /// The table.
    pub(super) fn build(mut self) -> Table {
        while self.days.len() < self.day_count {
            self.end_day();
        }
        self.days.push(self.worked_s << PATTERN_BITS);
        let mut shift = 10;
        while self.worked_s >> shift >= BUCKETS_MAX {
            shift += 1;
        }
        let buckets = (self.worked_s >> shift) + 2;
        let mut day_of = Vec::with_capacity(buckets as usize);
        let mut day = 0;
        for bucket in 0..buckets {
            while day < self.day_count && self.days[day + 1] >> PATTERN_BITS <= bucket << shift {
                day += 1;
            }
            day_of.push(day as u32);
        }
        Table {
            days: self.days.into(),
            patterns: self.patterns.into(),
            pieces: self.pieces.into(),
            shift,
            day_of: day_of.into(),
        }
    }

    fn end_day(&mut self) {
        let pattern = match self.known.get(&self.today) {
            Some(pattern) => *pattern,
            None => self.learn(),
        };
        self.days.push(self.worked_s << PATTERN_BITS | pattern);
        self.worked_s += self
            .today
            .iter()
            .map(|(open, close)| u64::from(close - open))
            .sum::<u64>();
        self.today.clear();
    }

    fn learn(&mut self) -> u64 {
        let mut before_ms = 0;
        for (open_s, close_s) in &self.today {
            self.pieces.push(Piece {
                open_ms: open_s * 1_000,
                close_ms: close_s * 1_000,
                before_ms,
            });
            before_ms += (close_s - open_s) * 1_000;
        }
        let pattern = self.patterns.len() as u64 - 1;
        self.patterns.push(self.pieces.len() as u32);
        self.known.insert(self.today.clone(), pattern);
        pattern
    }
}
