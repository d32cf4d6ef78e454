//! Working time compiled to running sums. Floor 0, on the plain data of `model`: neither ticket nor policy is known here.
//!
//! | file | idea |
//! |---|---|
//! | this one | [`Calendar`]: what is asked of working time |
//! | `table` | working seconds by UTC day, and back |
//! | `compile` | a calendar's data → its table |
//! | [`mod@check`] | what may be wrong with that data, by part |
//! | `explain` | the windows and the dates themselves, for people |
//! | `days` | working dates, counted |
//! | `zone`, [`mod@zones`] | local time and UTC; zones by name |
//! | [`mod@date`] | dates as numbers |
//!
//! What the words mean. Windows are half-open and given in local time; their ends become instants one by one, by the rule of
//! `zone`; working time is the union of what is then open. A date's override beats a holiday, which beats the week. A due is
//! the earliest instant at which the budget is used up. A *working date* is one on which something opens; its end is the last
//! closing of what opens on it.
//!
//! Costs: compiling about 12 ms, once a version; a calendar takes up to 1 MiB. [`Calendar::due_after`] and
//! [`Calendar::elapsed`] take 35 to 80 ns whether a day or ten years (`benches/calendar.rs`, on two busy cores);
//! business days and months add the zone: a few hundred. Nothing here allocates after compiling, but [`Calendar::extends`].
//!
//! It covers 1970 to 2200. Before, nothing is open; a due that would come after never comes.

pub mod check;
mod compile;
pub mod date;
mod days;
mod explain;
mod table;
#[cfg(test)]
mod tests;
mod zone;
pub mod zones;

pub use check::{Fault, Part};
pub use explain::{DayPlan, Windows};
pub use zones::Zones;

use crate::model::calendar::{CalendarSpec, Day, ZoneTable};
use crate::model::time::{DAY_MS, DurationMs, NEVER, Span, UnixMs};
use date::DAY_LAST;
use days::WorkingDays;
use table::Table;
use zone::Zone;

/// What a due is that lies beyond the years covered: later than any instant that commands take, before [`NEVER`].
pub const BEYOND: UnixMs = NEVER - 1;

/// Where in its last day a due in business days falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DayEnd {
    /// At the last closing of the n-th working date.
    #[default]
    EndOfDay,
    /// At the local time of the start, be it open then or not.
    SameTime,
}

/// A calendar ready to be asked. It never changes: share it.
#[derive(Debug, Clone)]
pub struct Calendar {
    spec: CalendarSpec,
    tzdata_version: crate::model::Text,
    table: Table,
    working: WorkingDays,
    zone: Zone,
    /// The midnight that ends `published_until`, or [`NEVER`].
    published_ms: UnixMs,
}

impl Calendar {
    /// Compiles a calendar: about 12 ms.
    ///
    /// # Errors
    /// The first of what [`check::check`] finds, or a table of another zone.
    pub fn compile(spec: &CalendarSpec, zone: &ZoneTable) -> Result<Calendar, Fault> {
        let (table, working, compiled) = compile::compile(spec, zone)?;
        let published_ms = spec
            .published_until
            .map_or(NEVER, |day| compiled.utc_s(day + 1, 0) * 1_000);
        Ok(Calendar {
            spec: spec.clone(),
            tzdata_version: zone.tzdata_version.clone(),
            table,
            working,
            zone: compiled,
            published_ms,
        })
    }

    /// What it was compiled from.
    pub fn spec(&self) -> &CalendarSpec {
        &self.spec
    }

    /// Which release of the zone data it was compiled with.
    pub fn tzdata_version(&self) -> &str {
        &self.tzdata_version
    }

    /// The earliest instant, not before `start`, at which `budget_ms` of working time have passed since then; a due that falls
    /// on a closing stays there. `start` for a budget of nothing or less; [`BEYOND`] after 2200.
    pub fn due_after(&self, start: UnixMs, budget_ms: DurationMs) -> UnixMs {
        if budget_ms <= 0 {
            return start;
        }
        let work = self.table.work_ms(start).saturating_add(budget_ms);
        self.table.earliest(work).unwrap_or(BEYOND)
    }

    /// The latest instant, not after `due`, from which `budget_ms` of working time are left until then. `due` for a budget of
    /// nothing or less; `None` when there is not that much working time between 1970 and `due`.
    pub fn start_before(&self, due: UnixMs, budget_ms: DurationMs) -> Option<UnixMs> {
        if budget_ms <= 0 {
            return Some(due);
        }
        self.table.latest(self.table.work_ms(due).checked_sub(budget_ms)?)
    }

    /// Working time between two instants, ms; negative when `to` is before `from`.
    pub fn elapsed(&self, from: UnixMs, to: UnixMs) -> DurationMs {
        self.table.work_ms(to) - self.table.work_ms(from)
    }

    /// The due of a span of any kind: working time, business days, or months.
    pub fn due(&self, start: UnixMs, span: Span, end: DayEnd) -> UnixMs {
        match span {
            Span::Ms(ms) => self.due_after(start, ms),
            Span::BusinessDays(days) => self.business_days_after(start, days, end),
            Span::Months(months) => self.months_after(start, months),
        }
    }

    /// The end of the `n`-th working date strictly after the start's local date, or the start's local time on it. `start` for
    /// no days; [`BEYOND`] after 2200.
    pub fn business_days_after(&self, start: UnixMs, n: u32, end: DayEnd) -> UnixMs {
        if n == 0 {
            return start;
        }
        let (day, time_ms) = self.zone.date(start);
        let Some(nth) = self.working.after(day, n) else {
            return BEYOND;
        };
        match end {
            DayEnd::SameTime => self.zone.utc_ms(i64::from(nth) * DAY_MS + time_ms),
            DayEnd::EndOfDay => self.closing(nth).unwrap_or(BEYOND),
        }
    }

    /// The start's local time on the same day of the month `n` months later, or on that month's last day.
    /// [`BEYOND`] after 2200.
    pub fn months_after(&self, start: UnixMs, n: u32) -> UnixMs {
        if n == 0 {
            return start;
        }
        let (day, time_ms) = self.zone.date(start);
        let moved = date::months_later(day, n);
        if moved > DAY_LAST {
            return BEYOND;
        }
        self.zone.utc_ms(i64::from(moved) * DAY_MS + time_ms)
    }

    /// Does this due lie past what is published, so that holidays still to come may move it?
    pub fn is_provisional(&self, due: UnixMs) -> bool {
        due > self.published_ms
    }

    /// The midnight that ends the last published date; `None`: there is nothing to be published.
    pub fn published_until_ms(&self) -> Option<UnixMs> {
        (self.published_ms != NEVER).then_some(self.published_ms)
    }

    /// Is this calendar the older one, but longer: the same working time, working dates and local time up to what the older one
    /// published, and published no shorter? Then what it says of dues past that replaces what the older one said. Compares up
    /// to 84,371 days: a millisecond or less.
    pub fn extends(&self, older: &Calendar) -> bool {
        self.published_ms >= older.published_ms
            && self.spec.zone == older.spec.zone
            && self.zone.same_until(&older.zone, older.published_ms / 1_000)
            && self.table.same_until(&older.table, older.published_ms)
            && self
                .working
                .same_up_to(&older.working, older.spec.published_until.unwrap_or(DAY_LAST))
    }

    /// The last closing of what opens on a date.
    fn closing(&self, day: Day) -> Option<UnixMs> {
        let mut last = None;
        compile::open_on(&self.spec, &self.zone, day, |_, close| {
            last = last.max(Some(close * 1_000));
        });
        last
    }
}
