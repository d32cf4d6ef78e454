//! Clocks that stand still: for the reason of a pause, or in a state of the ticket.

use super::Effects;
use crate::engine::clock::Clock;
use crate::model::event::{ClockChange, TicketState};
use crate::model::record::ClockState;
use crate::model::rules::{StepAt, Time, Warn};
use crate::model::target::Target;
use crate::model::{NEVER, Text, UnixMs};

impl Effects<'_> {
    /// Does the clock of this target stand still in the pause in force, or in the ticket's state?
    pub(super) fn stands_still(&self, target: &Target) -> bool {
        let Some(rule) = self
            .terms
            .plan
            .clock(target)
            .filter(|rule| rule.time != Time::Elapsed)
        else {
            return false;
        };
        let reason = self.paused.as_ref();
        reason.is_some_and(|reason| rule.is_paused_by(reason)) || rule.pauses_in.contains(&self.state)
    }

    /// A clock that starts where it stands still does not run.
    pub(super) fn stand_still(&mut self, target: &Target) {
        if self.stands_still(target)
            && let Some(clock) = self.clock(target).cloned()
        {
            self.pause_one(&clock);
        }
    }

    fn pause_one(&mut self, clock: &Clock) {
        let own = self.own_time(clock);
        if clock.is_running() {
            self.take_back(clock);
        }
        let (due, remaining) = match clock.state {
            // The due of a clock that counts windows stays where it was when the clock stopped: the same time is left
            // from wherever it runs on.
            ClockState::Paused if !own.is_natural() => (clock.due, clock.mark),
            ClockState::Paused => (self.due_now(clock), clock.mark),
            _ => (clock.due, own.between(self.at, clock.due)),
        };
        self.push(&clock.target, ClockChange::Paused { due, remaining });
    }

    /// Clocks that name the reason stand still; those that stood still for another one run on.
    pub(in crate::engine) fn pause(&mut self, reason: &Text) {
        self.paused = Some(reason.clone());
        for clock in self.those(Clock::is_open) {
            if self.stands_still(&clock.target) {
                self.pause_one(&clock);
            } else if clock.state == ClockState::Paused {
                self.go_on(&clock, self.due_now(&clock));
            }
        }
    }

    /// Paused clocks run on with what they had left, but for those that stand still in this state.
    pub(in crate::engine) fn resume(&mut self) {
        self.paused = None;
        self.settle();
    }

    /// The ticket is in another state from here on.
    pub(in crate::engine) fn enter(&mut self, state: TicketState) {
        self.state = state;
        self.settle();
    }

    /// Stops and lets run what the pause and the state say.
    pub(super) fn settle(&mut self) {
        for clock in self.those(Clock::is_open) {
            match (
                clock.state == ClockState::Paused,
                self.stands_still(&clock.target),
            ) {
                (false, true) => self.pause_one(&clock),
                (true, false) => self.go_on(&clock, self.due_now(&clock)),
                _ => {}
            }
        }
    }

    /// The clock runs on and out at this due; its warning and its steps keep their distance from it.
    pub(super) fn go_on(&mut self, clock: &Clock, due: UnixMs) {
        let own = self.own_time(clock);
        let remaining = own.between(self.at, due);
        let rule = self.terms.plan.clock(&clock.target);
        // A share of the budget lies as much of the clock's own time before the due as it did.
        let shared = |instant| {
            let gap = own.between(instant, clock.due);
            own.later(self.at, (remaining - gap).max(0))
        };
        let warn_at = if clock.warned || clock.warn_at == NEVER {
            NEVER
        } else if own.is_natural() {
            clock.warn_shifted(due - clock.due)
        } else {
            match rule.and_then(|rule| rule.warn) {
                Some(Warn::Before(ms)) => own.earlier(due, ms).max(clock.start),
                _ => shared(clock.warn_at),
            }
        };
        let change = ClockChange::Resumed {
            due,
            warn_at,
            provisional: own.is_provisional(due),
        };
        let mut ladder = self.ladders.iter().find(|l| l.target == clock.target).cloned();
        for rung in ladder.iter_mut().flat_map(|ladder| &mut ladder.rungs) {
            if rung.done {
                continue;
            }
            let at = rule.and_then(|rule| rule.steps.get(usize::from(rung.step)));
            rung.at = match at.map(|step| step.at) {
                Some(StepAt::Before(ms)) => own.earlier(due, ms).max(clock.start),
                Some(StepAt::After(ms)) => own.later(due, ms),
                _ if own.is_natural() => rung.at.saturating_add(due - clock.due),
                _ => shared(rung.at),
            };
        }
        self.push(&clock.target, change);
        if let Some(ladder) = ladder {
            self.keep_ladder(ladder);
        }
    }
}
