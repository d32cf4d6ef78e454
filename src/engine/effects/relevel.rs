//! Other rules for the same ticket: another priority, class, segment, channel or customer, or another version.

use super::Effects;
use super::own_time::OwnTime;
use crate::calendar::Calendar;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::event::ClockChange;
use crate::model::record::ClockState;
use crate::model::rules::{ClockRule, Trigger};
use crate::model::target::Target;
use crate::model::{NEVER, Text, UnixMs};

impl<'a> Effects<'a> {
    /// Other terms: their budgets from the original receipt. Met stays met, what was set by hand stays, and what the same
    /// command sets by hand is left to [`Effects::by_hand`].
    pub(in crate::engine) fn relevel(&mut self, new: &'a Terms, stage: &str, dues: &[(Target, UnixMs)]) {
        let aimed = |target: &Target| dues.iter().any(|(aim, _)| aim == target);
        let old = std::mem::replace(&mut self.terms, new);
        for clock in self.those(|clock| clock.is_open() && !aimed(&clock.target)) {
            let (before, after) = (old.plan.clock(&clock.target), new.plan.clock(&clock.target));
            if before.map(|rule| &rule.steps) != after.map(|rule| &rule.steps) {
                self.forget_steps(&clock.target);
                if clock.by_hand {
                    self.set_ladder(&clock.target, clock.start, clock.due);
                }
            }
            if clock.by_hand {
                continue;
            }
            let Some(before) = before.filter(|rule| rule.budget.is_some()) else {
                continue;
            };
            match after.filter(|rule| rule.budget.is_some()) {
                Some(rule) => self.shift(&clock, OwnTime::of_rule(old, before), before, rule),
                None => {
                    let due = if clock.state == ClockState::Paused {
                        OwnTime::of_rule(old, before).later(self.at, clock.mark)
                    } else {
                        clock.due
                    };
                    self.push(&clock.target, ClockChange::Stopped { due });
                }
            }
        }
        let staged = (!stage.is_empty()).then(|| Trigger::Stage(Text::new(stage)));
        let starts = |rule: &&ClockRule| {
            rule.is_started_by(&Trigger::Open)
                || staged.as_ref().is_some_and(|staged| rule.is_started_by(staged))
        };
        let ruled = new.plan.clocks.iter().map(|rule| &**rule);
        for rule in ruled.filter(|rule| rule.budget.is_some()).filter(starts) {
            if aimed(&rule.target) {
                continue;
            }
            match self.clock(&rule.target).map(|clock| clock.state) {
                None => self.start_late(rule),
                Some(ClockState::Stopped) => self.revive(rule),
                Some(_) => {}
            }
        }
        // The new rules may name other reasons to stand still.
        self.settle();
    }

    /// Another budget for a clock that runs or stands still: what it was paused so far, and by how much it was extended, is the
    /// part of its due that the old budget does not explain.
    fn shift(&mut self, clock: &Clock, then: OwnTime<'a>, before: &'a ClockRule, rule: &'a ClockRule) {
        let start = if rule.from_creation {
            self.opened_at
        } else {
            clock.start
        };
        let added = then.between(then.due(before, clock.start), clock.due);
        let own = OwnTime::of_rule(self.terms, rule);
        let due = own.later(own.due(rule, start), added);
        let warn_at = self.warning(rule, start, added, clock.warned);
        if due != clock.due || (warn_at != clock.warn_at && !clock.warned) {
            self.move_one(clock, due, warn_at, false);
        } else if before.steps != rule.steps {
            self.set_ladder(&clock.target, start, due);
        }
    }

    /// The calendar goes further than it did: dues past its old end are reckoned anew, those that run. One that stands still
    /// keeps what is left of it, and is reckoned when it runs on.
    pub(in crate::engine) fn reckon(&mut self, by: &Calendar, then: &'a Terms, published_only: bool) {
        for clock in self.those(|clock| clock.is_running() && clock.provisional && !clock.by_hand) {
            let rule = self.terms.plan.rule(&clock.target);
            let Some(rule) = rule.filter(|rule| {
                self.terms
                    .calendar(rule)
                    .is_some_and(|calendar| std::ptr::eq(calendar, by))
            }) else {
                continue;
            };
            let own = OwnTime::of_rule(self.terms, rule);
            if published_only && own.is_provisional(clock.due) {
                continue;
            }
            let then = OwnTime::of_rule(then, rule);
            let added = then.between(then.due(rule, clock.start), clock.due);
            let due = own.later(own.due(rule, clock.start), added);
            let warn_at = self.warning(rule, clock.start, added, clock.warned);
            if due != clock.due || !own.is_provisional(due) {
                self.move_one(&clock, due, warn_at, false);
            }
        }
    }

    /// A clock that the ticket would have had from the start.
    fn start_late(&mut self, rule: &ClockRule) {
        let warn_at = self.warning(rule, self.opened_at, 0, false);
        let own = OwnTime::of_rule(self.terms, rule);
        let due = own.due(rule, self.opened_at);
        let change = ClockChange::Started {
            start: self.opened_at,
            due,
            warn_at,
            by_hand: false,
            provisional: own.is_provisional(due),
        };
        self.begin(&rule.target, self.opened_at, due, change);
    }

    /// A clock that an earlier change of level stopped.
    fn revive(&mut self, rule: &ClockRule) {
        let was = |clock: &&Clock| clock.target == rule.target && !clock.ended_by_resolve;
        let Some(warned) = self.clocks.iter().find(was).map(|clock| clock.warned) else {
            return;
        };
        let own = OwnTime::of_rule(self.terms, rule);
        let due = own.due(rule, self.opened_at);
        let warn_at = self.warning(rule, self.opened_at, 0, warned);
        let provisional = own.is_provisional(due);
        self.push(
            &rule.target,
            ClockChange::Resumed {
                due,
                warn_at,
                provisional,
            },
        );
        self.forget_steps(&rule.target);
        self.set_ladder(&rule.target, self.opened_at, due);
        self.stand_still(&rule.target);
    }

    /// The warning under other rules: one whose instant has passed is not given.
    fn warning(&self, rule: &ClockRule, start: UnixMs, added: i64, warned: bool) -> UnixMs {
        let own = OwnTime::of_rule(self.terms, rule);
        let warn_at = rule.warn_at(start, own.due(rule, start), self.terms.calendar(rule));
        if warned || warn_at == NEVER {
            return NEVER;
        }
        let warn_at = own.later(warn_at, added);
        if warn_at <= self.at { NEVER } else { warn_at }
    }
}
