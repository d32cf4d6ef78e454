//! What a fact does to the clocks of its ticket, worked out from the policy before the fact is logged.
//!
//! Effects come in the order of the targets; one fact may have two on a clock (met, then started anew). They are
//! tried on a copy of the clocks, so that a later step sees what an earlier one did.

use super::clock::Clock;
use super::policies::Terms;
use super::ticket::Ticket;
use crate::calendar::Calendar;
use crate::model::event::{ClockChange, ClockEffect};
use crate::model::record::ClockState;
use crate::model::target::Target;
use crate::model::{NEVER, Text, UnixMs};
use crate::policy::{ClockRule, Plan, RuleBook, Trigger};

/// Collects the effects of one fact on one ticket.
pub(super) struct Effects<'a> {
    book: &'a RuleBook,
    plan: &'a Plan,
    clocks: Vec<Clock>,
    opened_at: UnixMs,
    /// Reason of the pause in force.
    paused: Option<Text>,
    at: UnixMs,
    list: Vec<ClockEffect>,
    withdrawn: Vec<TakenBack>,
}

/// A warning or breach that the fact shows to be wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TakenBack {
    pub target: Target,
    pub due: UnixMs,
    /// A breach; else a warning.
    pub breach: bool,
}

impl<'a> Effects<'a> {
    /// Effects of a fact that happened `at`.
    pub(super) fn new(ticket: &Ticket, terms: &'a Terms, at: UnixMs) -> Effects<'a> {
        Effects {
            book: &terms.book,
            plan: &terms.plan,
            clocks: ticket.clocks.clone(),
            opened_at: ticket.opened_at,
            paused: ticket.paused().cloned(),
            at,
            list: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    /// Effects of an opening.
    pub(super) fn of_opening(terms: &'a Terms, opened_at: UnixMs, at: UnixMs) -> Effects<'a> {
        let (clocks, list, withdrawn) = (Vec::new(), Vec::new(), Vec::new());
        Effects {
            book: &terms.book,
            plan: &terms.plan,
            clocks,
            opened_at,
            paused: None,
            at,
            list,
            withdrawn,
        }
    }

    /// The effects in the order of their targets, and what they take back.
    pub(super) fn finish(mut self) -> (Vec<ClockEffect>, Vec<TakenBack>) {
        self.list.sort_by(|a, b| a.target.cmp(&b.target));
        (self.list, self.withdrawn)
    }

    fn push(&mut self, target: &Target, change: ClockChange) {
        let place = match self.clocks.iter().position(|clock| clock.target == *target) {
            Some(place) => place,
            None => {
                self.clocks.push(Clock::new(target.clone()));
                self.clocks.len() - 1
            }
        };
        self.clocks[place].apply(&change, self.at);
        self.list.push(ClockEffect {
            target: target.clone(),
            change,
        });
    }

    /// The clocks for which `which` holds, as they are now.
    fn those(&self, which: impl Fn(&Clock) -> bool) -> Vec<Clock> {
        self.clocks.iter().filter(|clock| which(clock)).cloned().collect()
    }

    fn start(&mut self, target: &Target, start: UnixMs, due: UnixMs, warn_at: UnixMs, by_hand: bool) {
        self.push(
            target,
            ClockChange::Started {
                start,
                due,
                warn_at,
                by_hand,
            },
        );
        self.stand_still(target, due);
    }

    /// A clock that starts in a pause that stops it does not run.
    fn stand_still(&mut self, target: &Target, due: UnixMs) {
        let stands_still = |reason: &Text| self.plan.stops(target, reason);
        if self.paused.as_ref().is_some_and(stands_still) {
            self.push(
                target,
                ClockChange::Paused {
                    due,
                    remaining: due - self.at,
                },
            );
        }
    }

    /// The calendar that a clock counts by.
    fn calendar(&self, rule: &ClockRule) -> Option<&'a Calendar> {
        self.book.calendar(rule).map(|calendar| &**calendar)
    }

    /// A rule's clock starts with its whole budget.
    fn start_rule(&mut self, rule: &ClockRule, start: UnixMs) {
        let calendar = self.calendar(rule);
        let due = rule.due(start, calendar);
        self.start(
            &rule.target,
            start,
            due,
            rule.warn_at(start, due, calendar),
            false,
        );
    }

    /// The ticket is opened: every clock whose meaning it is starts at the receipt, and the dues set by hand.
    pub(super) fn open(&mut self, dues: &[(Target, UnixMs)]) {
        let plan = self.plan;
        for rule in plan.started_by(&Trigger::Open) {
            if !dues.iter().any(|(target, _)| *target == rule.target) {
                self.start_rule(rule, self.opened_at);
            }
        }
        for (target, due) in dues {
            self.start(target, self.opened_at, *due, NEVER, true);
        }
    }

    /// Every clock that this meets is met; one that its meaning restarts, and that has a budget, starts again.
    pub(super) fn meet(&mut self, trigger: &Trigger) {
        let plan = self.plan;
        let met = |clock: &Clock| clock.is_open() && plan.meets(&clock.target, trigger);
        for clock in self.those(met) {
            let rule = plan.rule(&clock.target);
            let due = clock.due_from(self.at);
            // In time counts up to and including the due that was missed, but only before the warning's instant.
            for (was, limit, due, breach) in [
                (clock.warned, clock.warn_at - 1, due, false),
                (clock.breached, clock.breached_due, clock.breached_due, true),
            ] {
                if was && self.at <= limit {
                    self.withdrawn.push(TakenBack {
                        target: clock.target.clone(),
                        due,
                        breach,
                    });
                }
            }
            self.push(&clock.target, ClockChange::Met { at: self.at, due });
            if let Some(rule) = rule.filter(|rule| rule.is_reset_by(trigger)) {
                self.start_rule(rule, self.at);
            }
        }
    }

    /// The customer wrote or called: the next response is due, unless a response is due already.
    pub(super) fn inbound(&mut self) {
        let plan = self.plan;
        let due_already = |clock: &Clock| {
            clock.is_open() && matches!(clock.target, Target::FirstResponse | Target::NextResponse)
        };
        if self.clocks.iter().any(due_already) {
            return;
        }
        for rule in plan.started_by(&Trigger::Inbound) {
            self.start_rule(rule, self.at);
        }
    }

    /// A next contact was promised.
    pub(super) fn promise(&mut self, due: UnixMs) {
        self.start(&Target::Promise, self.at, due, NEVER, true);
    }

    /// A due set by hand: it moves an open clock and starts any other.
    pub(super) fn by_hand(&mut self, target: &Target, due: UnixMs) {
        if self
            .clocks
            .iter()
            .any(|clock| clock.target == *target && clock.is_open())
        {
            self.push(
                target,
                ClockChange::Moved {
                    due,
                    warn_at: NEVER,
                    by_hand: true,
                },
            );
        } else {
            self.start(target, self.at, due, NEVER, true);
        }
    }

    /// Clocks that name the reason stand still; those that stood still for another one run on.
    pub(super) fn pause(&mut self, reason: &Text) {
        for clock in self.those(Clock::is_open) {
            if self.plan.stops(&clock.target, reason) {
                let due = clock.due_from(self.at);
                self.push(
                    &clock.target,
                    ClockChange::Paused {
                        due,
                        remaining: due - self.at,
                    },
                );
            } else if clock.state == ClockState::Paused {
                self.go_on(&clock, clock.mark);
            }
        }
        self.paused = Some(reason.clone());
    }

    /// Paused clocks run on with what they had left.
    pub(super) fn resume(&mut self) {
        for clock in self.those(|clock| clock.state == ClockState::Paused) {
            self.go_on(&clock, clock.mark);
        }
        self.paused = None;
    }

    /// Solution and resolution run on with what they had left when the ticket was resolved.
    pub(super) fn reopen(&mut self) {
        for clock in self.those(|clock| clock.ended_by_resolve) {
            if matches!(clock.target, Target::Solution | Target::Resolution) {
                self.go_on(&clock, clock.due - clock.mark);
            }
        }
    }

    fn go_on(&mut self, clock: &Clock, remaining: i64) {
        let due = self.at.saturating_add(remaining);
        let warn_at = clock.warn_shifted(due - clock.due);
        self.push(&clock.target, ClockChange::Resumed { due, warn_at });
    }

    /// Everything that still runs no longer counts.
    pub(super) fn stop(&mut self) {
        for clock in self.those(Clock::is_open) {
            self.push(
                &clock.target,
                ClockChange::Stopped {
                    due: clock.due_from(self.at),
                },
            );
        }
    }

    /// Another plan: its budgets from the original receipt. Met stays met, what was set by hand stays, and what the same
    /// command sets by hand is left to [`Effects::by_hand`].
    pub(super) fn relevel(&mut self, new: &'a Plan, dues: &[(Target, UnixMs)]) {
        let aimed = |target: &Target| dues.iter().any(|(aim, _)| aim == target);
        let old = std::mem::replace(&mut self.plan, new);
        for clock in self.those(|clock| clock.is_open() && !clock.by_hand && !aimed(&clock.target)) {
            let (Some(before), after) = (old.rule(&clock.target), new.rule(&clock.target)) else {
                continue;
            };
            let Some(rule) = after else {
                self.push(
                    &clock.target,
                    ClockChange::Stopped {
                        due: clock.due_from(self.at),
                    },
                );
                continue;
            };
            // What the clock was paused so far is the part of its due that the old budget does not explain.
            let paused = clock.due - before.due(clock.start, self.calendar(before));
            let due = rule.due(clock.start, self.calendar(rule)).saturating_add(paused);
            let warn_at = self.warning(rule, clock.start, paused, clock.warned);
            if due != clock.due || (warn_at != clock.warn_at && !clock.warned) {
                self.push(
                    &clock.target,
                    ClockChange::Moved {
                        due,
                        warn_at,
                        by_hand: false,
                    },
                );
            }
        }
        let starting = new.started_by(&Trigger::Open);
        for rule in starting.filter(|rule| !aimed(&rule.target)) {
            match self
                .clocks
                .iter()
                .find(|clock| clock.target == rule.target)
                .map(|clock| clock.state)
            {
                None => {
                    let warn_at = self.warning(rule, self.opened_at, 0, false);
                    let due = rule.due(self.opened_at, self.calendar(rule));
                    self.start(&rule.target, self.opened_at, due, warn_at, false);
                }
                Some(ClockState::Stopped) => self.revive(rule),
                Some(_) => {}
            }
        }
    }

    /// A clock that an earlier change of level stopped.
    fn revive(&mut self, rule: &ClockRule) {
        let was = |clock: &&Clock| clock.target == rule.target && !clock.ended_by_resolve;
        let Some(warned) = self.clocks.iter().find(was).map(|clock| clock.warned) else {
            return;
        };
        let due = rule.due(self.opened_at, self.calendar(rule));
        let warn_at = self.warning(rule, self.opened_at, 0, warned);
        self.push(&rule.target, ClockChange::Resumed { due, warn_at });
        self.stand_still(&rule.target, due);
    }

    /// The warning under a new level: one whose instant has passed is not given.
    fn warning(&self, rule: &ClockRule, start: UnixMs, paused: i64, warned: bool) -> UnixMs {
        let calendar = self.calendar(rule);
        let warn_at = rule.warn_at(start, rule.due(start, calendar), calendar);
        if warned || warn_at == NEVER {
            return NEVER;
        }
        let warn_at = warn_at.saturating_add(paused);
        if warn_at <= self.at { NEVER } else { warn_at }
    }
}
