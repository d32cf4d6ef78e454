//! The windows and the dates themselves: what an answer about a due is explained with.

use super::Calendar;
use super::check::{holiday_on, override_on, windows_on};
use super::table::Table;
use crate::model::calendar::{Day, Window};
use crate::model::time::{DAY_MS, UnixMs};

/// Working time piece by piece; see [`Calendar::windows`].
#[derive(Debug, Clone)]
pub struct Windows<'a> {
    table: &'a Table,
    day: usize,
    /// The next piece of that day.
    piece: usize,
    from: UnixMs,
    to: UnixMs,
}

impl Iterator for Windows<'_> {
    type Item = (UnixMs, UnixMs);

    fn next(&mut self) -> Option<(UnixMs, UnixMs)> {
        let mut found: Option<(UnixMs, UnixMs)> = None;
        while self.day < self.table.day_count() && (self.day as i64) * DAY_MS < self.to {
            let midnight = self.day as i64 * DAY_MS;
            let Some(piece) = self.table.pieces_of(self.day).get(self.piece) else {
                (self.day, self.piece) = (self.day + 1, 0);
                // What does not reach midnight is whole.
                if found.is_some_and(|(_, close)| close < midnight + DAY_MS) {
                    break;
                }
                continue;
            };
            let open = (midnight + i64::from(piece.open_ms)).max(self.from);
            let close = (midnight + i64::from(piece.close_ms)).min(self.to);
            match &mut found {
                Some((_, end)) if *end < open => break,
                Some((_, end)) => *end = close.max(*end),
                None if open < close => found = Some((open, close)),
                None => {}
            }
            self.piece += 1;
        }
        found
    }
}

/// A local date as the calendar sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayPlan<'a> {
    /// The windows that open on it, in local time.
    pub windows: &'a [Window],
    /// The holiday that it is, by its label (which may be empty), whether or not an override beats it.
    pub holiday: Option<&'a str>,
    /// The override that gives it its windows, by its label (which may be empty).
    pub replaced: Option<&'a str>,
}

impl Calendar {
    /// When it is open between two instants, in order, windows that touch joined, cut at both ends. Steps through the days: some
    /// ns each.
    pub fn windows(&self, from: UnixMs, to: UnixMs) -> Windows<'_> {
        Windows {
            table: &self.table,
            day: (from.max(0) / DAY_MS) as usize,
            piece: 0,
            from,
            to,
        }
    }

    /// A local date. No date is refused: outside 1970–2200 the plain week is told, though nothing counts there.
    pub fn day(&self, day: Day) -> DayPlan<'_> {
        DayPlan {
            windows: windows_on(&self.spec, day),
            holiday: holiday_on(&self.spec, day).map(|at| &*self.spec.holidays[at].label),
            replaced: override_on(&self.spec, day).map(|at| &*self.spec.overrides[at].label),
        }
    }

    /// The local date on which an instant falls.
    pub fn date(&self, at: UnixMs) -> Day {
        self.zone.date(at).0
    }

    /// Does anything open on this date?
    pub fn is_working(&self, day: Day) -> bool {
        self.working.contains(day)
    }

    /// The instant of a local time on a date, given in minutes after its midnight.
    pub fn at_local(&self, day: Day, minutes: u16) -> UnixMs {
        self.zone.utc_s(day, minutes) * 1_000
    }
}
