//! The time that a clock counts: day and night, or the windows of a calendar.

use crate::calendar::{Calendar, DayEnd};
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::rules::{self, ClockRule, Time};
use crate::model::target::Target;
use crate::model::time::Span;
use crate::model::{DurationMs, UnixMs};

/// A clock's own time.
#[derive(Clone, Copy)]
pub(super) struct OwnTime<'a> {
    /// `None`: day and night.
    rule: Option<&'a ClockRule>,
    calendar: Option<&'a Calendar>,
}

impl<'a> OwnTime<'a> {
    /// Day and night, without a calendar.
    pub(super) fn natural() -> OwnTime<'a> {
        OwnTime {
            rule: None,
            calendar: None,
        }
    }

    /// The time of a clock: natural for a due set by hand, else what its rule says.
    pub(super) fn of_clock(terms: &'a Terms, clock: &Clock) -> OwnTime<'a> {
        if clock.by_hand {
            OwnTime::natural()
        } else {
            OwnTime::of_target(terms.of(clock), &clock.target)
        }
    }

    /// What the rules say of this target.
    pub(super) fn of_target(terms: &'a Terms, target: &Target) -> OwnTime<'a> {
        match terms.plan.clock(target) {
            Some(rule) => OwnTime {
                rule: Some(rule),
                calendar: terms.calendar(rule),
            },
            None => OwnTime::natural(),
        }
    }

    /// The time of a rule.
    pub(super) fn of_rule(terms: &'a Terms, rule: &'a ClockRule) -> OwnTime<'a> {
        OwnTime {
            rule: Some(rule),
            calendar: terms.calendar(rule),
        }
    }

    /// Does every moment count?
    pub(super) fn is_natural(&self) -> bool {
        self.calendar.is_none() || self.rule.is_none_or(|rule| rule.time != Time::Business)
    }

    /// The instant that lies `ms` of this time after `from`; before it, if `ms` is negative.
    pub(super) fn later(&self, from: UnixMs, ms: DurationMs) -> UnixMs {
        match self.rule {
            Some(rule) if ms >= 0 => rule.forward(from, ms, self.calendar),
            Some(rule) => rule.backward(from, ms.saturating_neg(), self.calendar),
            None => from.saturating_add(ms),
        }
    }

    /// The instant that lies `ms` of this time before `to`.
    pub(super) fn earlier(&self, to: UnixMs, ms: DurationMs) -> UnixMs {
        match self.rule {
            Some(rule) => rule.backward(to, ms, self.calendar),
            None => to.saturating_sub(ms),
        }
    }

    /// This time between two instants, ms; negative when `to` lies before `from`.
    pub(super) fn between(&self, from: UnixMs, to: UnixMs) -> DurationMs {
        match self.rule {
            Some(rule) => rule.between(from, to, self.calendar),
            None => to.saturating_sub(from),
        }
    }

    /// A due after the clock stood still between two instants: it does not run out while it stands, unless it had before.
    pub(super) fn after_stand(&self, due: UnixMs, from: UnixMs, to: UnixMs) -> UnixMs {
        let later = self.later(due, self.between(from, to));
        if due >= from { later.max(to) } else { later }
    }

    /// When the budget of a rule that counts this time is used up.
    pub(super) fn due(&self, rule: &ClockRule, start: UnixMs) -> UnixMs {
        rule.due(start, self.calendar)
    }

    /// The instant a span of any kind after `from`. Days and months of a clock without a calendar count by `usual`.
    pub(super) fn span(&self, from: UnixMs, span: Span, usual: Option<&Calendar>) -> UnixMs {
        match (span, self.calendar.or(usual)) {
            (Span::Ms(ms), _) => self.later(from, ms),
            (Span::BusinessDays(days), Some(calendar)) => {
                let end = match self.rule.map(|rule| rule.day_end).unwrap_or_default() {
                    rules::DayEnd::EndOfDay => DayEnd::EndOfDay,
                    rules::DayEnd::SameTime => DayEnd::SameTime,
                };
                calendar.business_days_after(from, days, end)
            }
            (Span::Months(months), Some(calendar)) => calendar.months_after(from, months),
            (span, None) => span.after(from),
        }
    }

    /// Does this due hang on holidays that are not published yet?
    pub(super) fn is_provisional(&self, due: UnixMs) -> bool {
        let counts = |rule: &&ClockRule| {
            rule.time == Time::Business || matches!(rule.budget, Some(Span::BusinessDays(_)))
        };
        self.rule.filter(counts).is_some()
            && self.calendar.is_some_and(|calendar| calendar.is_provisional(due))
    }
}
