//! When a clock runs out, warns and takes its steps: instants from a rule, a start and a calendar.
//!
//! Everything is in the clock's own time: windows of the calendar for business time, day and night otherwise. What a pause
//! takes is the engine's matter. Cost: a few look-ups in the calendar; nothing is allocated.

use crate::calendar::{self, Calendar};
use crate::model::rules::{ClockRule, DayEnd, StepAt, Time, Trigger, Warn};
use crate::model::time::Span;
use crate::model::{DurationMs, NEVER, UnixMs};

impl ClockRule {
    /// The instant at which the budget is used up, without pauses; [`NEVER`] without a budget.
    pub fn due(&self, start: UnixMs, calendar: Option<&Calendar>) -> UnixMs {
        match (self.budget, calendar) {
            (None, _) => NEVER,
            (Some(Span::Ms(ms)), _) => self.forward(start, ms, calendar),
            (Some(Span::BusinessDays(days)), Some(calendar)) => {
                let end = match self.day_end {
                    DayEnd::EndOfDay => calendar::DayEnd::EndOfDay,
                    DayEnd::SameTime => calendar::DayEnd::SameTime,
                };
                calendar.business_days_after(start, days, end)
            }
            (Some(Span::Months(months)), Some(calendar)) => calendar.months_after(start, months),
            (Some(span), None) => span.after(start),
        }
    }

    /// The instant `ms` of the clock's own time after `from`.
    pub fn forward(&self, from: UnixMs, ms: DurationMs, calendar: Option<&Calendar>) -> UnixMs {
        match calendar.filter(|_| self.time == Time::Business) {
            Some(calendar) => calendar.due_after(from, ms),
            None => from.saturating_add(ms).min(NEVER - 1),
        }
    }

    /// The instant `ms` of the clock's own time before `to`.
    pub fn backward(&self, to: UnixMs, ms: DurationMs, calendar: Option<&Calendar>) -> UnixMs {
        match calendar.filter(|_| self.time == Time::Business) {
            // Not that much working time since 1970: before everything.
            Some(calendar) => calendar.start_before(to, ms).unwrap_or(0),
            None => to.saturating_sub(ms),
        }
    }

    /// The clock's own time between two instants, ms; negative when `to` lies before `from`.
    pub fn between(&self, from: UnixMs, to: UnixMs, calendar: Option<&Calendar>) -> DurationMs {
        match calendar.filter(|_| self.time == Time::Business) {
            Some(calendar) => calendar.elapsed(from, to),
            None => to.saturating_sub(from),
        }
    }

    /// The instant of the warning of a clock that runs from `start` to `due`: not before the start, always before the
    /// due. [`NEVER`] if the clock does not warn.
    pub fn warn_at(&self, start: UnixMs, due: UnixMs, calendar: Option<&Calendar>) -> UnixMs {
        if due <= start {
            return NEVER;
        }
        match self.warn {
            None => NEVER,
            Some(Warn::Before(ms)) => self.backward(due, ms, calendar).max(start),
            Some(Warn::Percent(percent)) => self.share(start, due, percent, calendar),
        }
    }

    /// The instant of the step of this index in a clock that runs from `start` to `due`: not before the start. [`NEVER`]
    /// if there is no such step.
    pub fn step_at(&self, index: usize, start: UnixMs, due: UnixMs, calendar: Option<&Calendar>) -> UnixMs {
        match self.steps.get(index).map(|step| step.at) {
            None => NEVER,
            Some(StepAt::Before(ms)) => self.backward(due, ms, calendar).max(start),
            Some(StepAt::Percent(_)) if due <= start => due,
            Some(StepAt::Percent(percent)) => self.share(start, due, percent, calendar),
            // With the breach: at the due itself the clock can still be met in time.
            Some(StepAt::After(0)) => due.saturating_add(1),
            Some(StepAt::After(ms)) => self.forward(due, ms, calendar),
        }
    }

    /// When this share of the time from `start` to `due` is over. Whole milliseconds, rounded down: at most 99 % of the run
    /// lies before the due.
    fn share(&self, start: UnixMs, due: UnixMs, percent: u8, calendar: Option<&Calendar>) -> UnixMs {
        // 128 bits: the product of a century in ms and 99 fits 64, but a due may be the end of time.
        let run = i128::from(self.between(start, due, calendar));
        let part = run * i128::from(percent) / 100;
        let part = DurationMs::try_from(part).unwrap_or(DurationMs::MAX);
        self.forward(start, part, calendar).min(due)
    }

    /// Does this start the clock?
    pub fn is_started_by(&self, trigger: &Trigger) -> bool {
        self.starts_on.contains(trigger)
    }

    /// Does this meet the clock?
    pub fn is_met_by(&self, trigger: &Trigger) -> bool {
        self.met_by.contains(trigger)
    }

    /// Does this end the clock without meeting it?
    pub fn is_stopped_by(&self, trigger: &Trigger) -> bool {
        self.stops_on.contains(trigger)
    }

    /// Does this begin the clock anew?
    pub fn is_reset_by(&self, trigger: &Trigger) -> bool {
        self.resets_on.contains(trigger)
    }

    /// Does a pause for this reason stop the clock?
    pub fn is_paused_by(&self, reason: &str) -> bool {
        self.pauses_on.iter().any(|listed| listed == reason)
    }
}
