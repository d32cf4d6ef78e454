//! Dues from the start on: by other rules, or by a longer calendar.
//!
//! A due is its rule's budget after its start, what was added to it, and what the clock stood still of the rule's own time; a clock
//! keeps all that (see [`crate::model::account`]), so that nothing has to be inferred from the due that it has. Cost: a few look-ups in
//! the calendar for each stretch in which it stood still.

use super::Effects;
use super::own_time::OwnTime;
use crate::calendar::Calendar;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::account::{Account, Entry, Stretch};
use crate::model::event::{ClockChange, KeptOf};
use crate::model::record::ClockState;
use crate::model::rules::{ClockRule, Time};
use crate::model::target::Target;
use crate::model::{NEVER, UnixMs};

/// What a rule makes of a clock.
pub(super) struct Reckoned<'a> {
    pub(super) rule: &'a ClockRule,
    pub(super) own: OwnTime<'a>,
    pub(super) start: UnixMs,
    /// When its budget alone would be used up.
    pub(super) bare: UnixMs,
    /// When it runs out, or would have from where it stopped.
    pub(super) due: UnixMs,
}

impl<'a> Effects<'a> {
    /// What a rule of these terms makes of a clock that started at `start`, with this account and these stretches beside.
    pub(super) fn reckoned(
        &self,
        (terms, rule): (&'a Terms, &'a ClockRule),
        start: UnixMs,
        account: Option<&Account>,
        beside: &[Stretch],
    ) -> Reckoned<'a> {
        let own = OwnTime::of_rule(terms, rule);
        let start = if rule.from_creation { self.opened_at } else { start };
        let bare = own.due(rule, start);
        let usual = terms.usual_calendar();
        let still = |due, stretch: &Stretch| {
            let (from, to) = (stretch.from.max(start), stretch.to.max(start));
            own.after_stand(due, from, to)
        };
        let entries = account.map_or(&[][..], |account| &account.entries);
        let due = entries.iter().fold(bare, |due, entry| match entry {
            Entry::Stood(stretch) => still(due, stretch),
            Entry::Added(span) => own.span(due, *span, usual),
        });
        Reckoned {
            rule,
            own,
            start,
            bare,
            due: beside.iter().fold(due, still),
        }
    }

    /// What the rule makes of a clock that is there.
    pub(super) fn reckoned_of(&self, by: (&'a Terms, &'a ClockRule), clock: &Clock) -> Reckoned<'a> {
        self.reckoned(by, clock.start, clock.account.as_deref(), &[])
    }

    /// The pauses of the ticket in which a clock of this rule stood still between two instants.
    pub(super) fn pauses_of(&self, rule: &ClockRule, from: UnixMs, to: UnixMs) -> Vec<Stretch> {
        let Some(pauses) = self.pauses.as_ref().filter(|_| rule.time != Time::Elapsed) else {
            return Vec::new();
        };
        let running = Stretch {
            from: pauses.since,
            to,
        };
        let over = pauses.over.iter().map(|pause| (&pause.reason, pause.stretch));
        over.chain(self.paused.iter().map(|reason| (reason, running)))
            .filter(|(reason, _)| rule.is_paused_by(reason))
            .map(|(_, stretch)| Stretch {
                from: stretch.from.max(from),
                to: stretch.to.min(to),
            })
            .filter(|stretch| stretch.from < stretch.to)
            .collect()
    }

    /// The due of a clock where it stopped, if it stands still; else its due.
    pub(super) fn due_at_rest(&self, clock: &Clock, own: OwnTime) -> UnixMs {
        match clock.since() {
            Some(since) if clock.state == ClockState::Paused && own.is_natural() => {
                since.saturating_add(clock.mark)
            }
            _ => clock.due,
        }
    }

    /// What the due of a clock becomes by what was reckoned; `then` is the time that it counted so far.
    pub(super) fn due_by(&self, clock: &Clock, then: OwnTime, by: &Reckoned) -> UnixMs {
        // In natural time the due that is shown of a clock at rest may have moved on since it stopped.
        let moved_on = clock.due - self.due_at_rest(clock, then);
        if by.own.is_natural() && then.is_natural() {
            by.due.saturating_add(moved_on)
        } else {
            by.due
        }
    }

    /// The warning of a clock that runs out at `due` by what was reckoned: one whose instant has passed is not given.
    /// `clock`: the one that is there.
    pub(super) fn warning(&self, by: &Reckoned, due: UnixMs, terms: &Terms, clock: Option<&Clock>) -> UnixMs {
        let Reckoned { rule, own, .. } = by;
        let warn_at = rule.warn_at(by.start, by.bare, terms.calendar(rule));
        if warn_at == NEVER || clock.is_some_and(|clock| clock.warned) {
            return NEVER;
        }
        let warn_at = own.later(warn_at, own.between(by.bare, due));
        // One that stands still has come only so far.
        let still = clock.filter(|clock| clock.state == ClockState::Paused);
        let reached = still.and_then(Clock::since).unwrap_or(self.at);
        if warn_at <= reached { NEVER } else { warn_at }
    }

    /// The clock gets what was reckoned; `then` is the time that it counted so far. One that stands still keeps standing, with what
    /// these rules leave of it from where it stopped.
    pub(super) fn put_at(&mut self, clock: &Clock, then: OwnTime, by: &Reckoned, warn_at: UnixMs) {
        let (target, own) = (&clock.target, by.own);
        let still = clock.state == ClockState::Paused;
        let due = self.due_by(clock, then, by);
        let change = ClockChange::Moved {
            due,
            warn_at,
            by_hand: false,
            provisional: own.is_provisional(due),
        };
        self.push(target, change);
        let remaining = clock.since().map(|since| own.between(since, by.due));
        if let Some(remaining) = remaining.filter(|_| still)
            && self.clock(target).is_some_and(|clock| clock.mark != remaining)
        {
            self.push(target, ClockChange::Paused { due, remaining });
        }
        self.move_ladder(target, by.start, due);
    }

    /// The calendar goes further than it did: dues past its old end are reckoned anew. One that ended is reckoned when it runs on.
    pub(in crate::engine) fn reckon(&mut self, by: &Calendar) {
        for clock in self.those(|clock| clock.is_open() && clock.provisional && !clock.by_hand) {
            let Some((terms, rule)) = self.ruled_by(&clock) else {
                continue;
            };
            let counts = terms.calendar(rule);
            if !counts.is_some_and(|calendar| std::ptr::eq(calendar, by)) {
                continue;
            }
            let by = self.reckoned_of((terms, rule), &clock);
            let rest = self.due_at_rest(&clock, by.own);
            let stays = rest == by.due || by.own.between(rest, by.due) == 0;
            if !stays || by.own.is_provisional(by.due) != clock.provisional {
                let clock = self.take_back(&clock);
                let due = self.due_by(&clock, by.own, &by);
                let warn_at = self.warning(&by, due, terms, Some(&clock));
                self.put_at(&clock, by.own, &by, warn_at);
            }
        }
    }

    /// The rule that gave a clock its due.
    pub(super) fn ruled_by(&self, clock: &Clock) -> Option<(&'a Terms, &'a ClockRule)> {
        let terms: &'a Terms = self.terms;
        let terms = terms.of(clock);
        Some((terms, terms.plan.rule(&clock.target)?))
    }

    /// The stretches are part of what the clock stood still.
    pub(super) fn keep_stood(&mut self, target: &Target, stretches: &[Stretch]) {
        for stretch in stretches {
            self.keep(target, KeptOf::Stood(*stretch));
        }
    }
}
