//! Other rules for the same ticket: another priority, class, segment, channel or customer, or another version.

use super::Effects;
use super::own_time::OwnTime;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::event::ClockChange;
use crate::model::record::ClockState;
use crate::model::rules::{ClockRule, Trigger};
use crate::model::target::Target;
use crate::model::{Text, UnixMs};

impl<'a> Effects<'a> {
    /// Other terms: their budgets from the original receipt. Met stays met, what was set by hand stays, and what the same
    /// command sets by hand is left to [`Effects::by_hand`].
    pub(in crate::engine) fn relevel(&mut self, new: &'a Terms, stage: &str, dues: &[(Target, UnixMs)]) {
        let aimed = |target: &Target| dues.iter().any(|(aim, _)| aim == target);
        let old = std::mem::replace(&mut self.terms, new);
        let open = self.those(|clock| clock.is_open() && !aimed(&clock.target));
        // The time that each counted so far: that of an earlier version, if it came from there with its due kept.
        let open: Vec<(Clock, OwnTime<'a>)> = open
            .into_iter()
            .map(|clock| {
                let then = OwnTime::of_clock(old, &clock);
                (clock, then)
            })
            .collect();
        for clock in self.clocks.iter_mut().filter(|clock| clock.version().is_some()) {
            clock.account_mut().version = 0;
        }
        for (clock, then) in open {
            let (before, after) = (old.plan.clock(&clock.target), new.plan.clock(&clock.target));
            let same_steps = before.map(|rule| &rule.steps) == after.map(|rule| &rule.steps);
            let after = after.filter(|rule| rule.budget.is_some());
            let was_ruled = old.of(&clock).plan.rule(&clock.target).is_some();
            match after {
                _ if clock.by_hand || !was_ruled => {
                    if !same_steps {
                        self.leave_steps(&clock.target);
                        self.set_ladder(&clock.target, clock.start, clock.due);
                    }
                }
                Some(rule) => self.shift(&clock, then, rule, same_steps),
                None => self.drop_one(&clock, then),
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
            match self.clock(&rule.target).cloned() {
                None => self.start_late(rule),
                Some(clock) if clock.dropped => self.revive(rule, &clock),
                Some(_) => {}
            }
        }
        // The new rules may name other reasons to stand still.
        self.settle();
    }

    /// Another budget for a clock that runs or stands still.
    fn shift(&mut self, clock: &Clock, then: OwnTime<'a>, rule: &'a ClockRule, same_steps: bool) {
        let by = self.reckoned_of((self.terms, rule), clock);
        let due = self.due_by(clock, then, &by);
        let warn_at = self.warning(&by, due, self.terms, Some(clock));
        let left = |since| by.own.between(since, by.due);
        let stays = self.due_at_rest(clock, then) == by.due
            && by.own.is_provisional(due) == clock.provisional
            && (clock.state != ClockState::Paused || clock.since().map(left) == Some(clock.mark));
        if !stays || (warn_at != clock.warn_at && !clock.warned) {
            // What it gave after the instant of the fact would not have been given: it may come again.
            let clock = self.take_back(clock);
            let warn_at = self.warning(&by, due, self.terms, Some(&clock));
            if !same_steps {
                self.leave_steps(&clock.target);
            }
            self.put_at(&clock, then, &by, warn_at);
        } else if !same_steps {
            self.leave_steps(&clock.target);
            self.move_ladder(&clock.target, by.start, clock.due);
        }
    }

    /// The rules no longer have the clock.
    pub(super) fn drop_one(&mut self, clock: &Clock, then: OwnTime<'a>) {
        let due = match clock.since().filter(|_| clock.state == ClockState::Paused) {
            Some(since) if !then.is_natural() => then.after_stand(clock.due, since, self.at),
            _ => clock.due_from(self.at),
        };
        self.take_back(clock);
        self.push(&clock.target, ClockChange::Dropped { due });
    }

    /// A clock that the ticket would have had from the start.
    fn start_late(&mut self, rule: &'a ClockRule) {
        let stood = self.pauses_of(rule, self.opened_at, self.at);
        let by = self.reckoned((self.terms, rule), self.opened_at, None, &stood);
        let warn_at = self.warning(&by, by.due, self.terms, None);
        let change = ClockChange::Started {
            start: self.opened_at,
            due: by.due,
            warn_at,
            by_hand: false,
            provisional: by.own.is_provisional(by.due),
        };
        self.begin(&rule.target, self.opened_at, by.due, change);
        self.keep_stood(&rule.target, &stood);
    }

    /// A clock that an earlier change of rules ended: as if it had run on.
    fn revive(&mut self, rule: &'a ClockRule, clock: &Clock) {
        // What it stood still up to where it was ended it knows itself.
        let mut account = clock.account.as_deref().cloned().unwrap_or_default();
        account.run_on(clock.mark);
        let stood = self.pauses_of(rule, clock.mark.max(clock.start), self.at);
        let by = self.reckoned((self.terms, rule), clock.start, Some(&account), &stood);
        let warn_at = self.warning(&by, by.due, self.terms, Some(clock));
        let provisional = by.own.is_provisional(by.due);
        self.push(
            &rule.target,
            ClockChange::Resumed {
                due: by.due,
                warn_at,
                provisional,
            },
        );
        self.keep_stood(&rule.target, &stood);
        self.leave_steps(&rule.target);
        self.move_ladder(&rule.target, by.start, by.due);
        self.stand_still(&rule.target);
    }
}
