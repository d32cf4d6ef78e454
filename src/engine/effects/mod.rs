//! What a fact does to the clocks of its ticket, worked out from the policy before the fact is logged.
//!
//! | file | idea |
//! |---|---|
//! | this one | the collector; how a clock starts, is met, moves |
//! | `facts` | one method a kind of fact: what it starts, meets, ends, begins anew |
//! | `pauses` | clocks that stand still for a reason or in a state, and run on |
//! | `ladders` | the steps of clocks: where they stand after a change |
//! | `relevel` | other rules for the same ticket |
//! | `migrate` | another version of its policy |
//! | `past` | a life that a ticket had elsewhere |
//! | `own_time` | the time that a clock counts |
//!
//! Effects come in the order of the targets; one fact may have two on a clock (met, then started anew). They are
//! tried on a copy of the clocks, so that a later step sees what an earlier one did. Cost: a look at each clock of the
//! ticket and each of its plan, and the calendar where one counts; nothing depends on how long a clock has run.

mod facts;
mod ladders;
mod migrate;
mod own_time;
mod past;
mod pauses;
mod relevel;

use super::clock::Clock;
use super::policies::Terms;
use super::ticket::Ticket;
use crate::model::event::{ClockChange, ClockEffect, Ladder, TicketState};
use crate::model::record::ClockState;
use crate::model::target::Target;
use crate::model::{NEVER, Text, UnixMs};
use crate::policy::ClockRule;
use own_time::OwnTime;
pub(super) use past::Life;

/// Collects the effects of one fact on one ticket.
pub(super) struct Effects<'a> {
    terms: &'a Terms,
    clocks: Vec<Clock>,
    /// The steps of its clocks, as they stand by now.
    ladders: Vec<Ladder>,
    opened_at: UnixMs,
    /// Reason of the pause in force.
    paused: Option<Text>,
    /// State of the ticket after the fact.
    state: TicketState,
    at: UnixMs,
    list: Vec<ClockEffect>,
    /// Ladders that this fact changed.
    changed: Vec<Target>,
    withdrawn: Vec<TakenBack>,
}

/// A warning, step or breach that the fact shows to be wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TakenBack {
    pub target: Target,
    pub due: UnixMs,
    pub what: Undone,
}

/// What is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undone {
    Warning,
    /// By its place in the policy's list of steps.
    Step(u16),
    Breach,
}

/// What a fact comes to.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// In the order of their targets.
    pub effects: Vec<ClockEffect>,
    /// The ladders that changed.
    pub ladders: Vec<Ladder>,
    pub taken_back: Vec<TakenBack>,
}

impl<'a> Effects<'a> {
    /// Effects of a fact that happened `at` and leaves the ticket in the state that it is in.
    pub(super) fn new(ticket: &Ticket, terms: &'a Terms, at: UnixMs) -> Effects<'a> {
        Effects {
            terms,
            clocks: ticket.clocks.clone(),
            ladders: ticket.ladders().to_vec(),
            opened_at: ticket.opened_at,
            paused: ticket.paused().cloned(),
            state: ticket.state,
            at,
            list: Vec::new(),
            changed: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    /// Effects of an opening.
    pub(super) fn of_opening(terms: &'a Terms, opened_at: UnixMs, at: UnixMs) -> Effects<'a> {
        Effects {
            terms,
            clocks: Vec::new(),
            ladders: Vec::new(),
            opened_at,
            paused: None,
            state: TicketState::Waiting,
            at,
            list: Vec::new(),
            changed: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    /// What it comes to.
    pub(super) fn finish(mut self) -> Told {
        self.list.sort_by(|a, b| a.target.cmp(&b.target));
        self.changed.sort();
        self.changed.dedup();
        let Effects { changed, ladders, .. } = self;
        let ladder = |target: Target| {
            let known = ladders.iter().find(|ladder| ladder.target == target).cloned();
            known.unwrap_or(Ladder {
                target,
                rungs: Vec::new(),
            })
        };
        Told {
            effects: self.list,
            ladders: changed.into_iter().map(ladder).collect(),
            taken_back: self.withdrawn,
        }
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

    fn clock(&self, target: &Target) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.target == *target)
    }

    fn is_open(&self, target: &Target) -> bool {
        self.clock(target).is_some_and(Clock::is_open)
    }

    /// The time that this clock counts.
    fn own_time(&self, clock: &Clock) -> OwnTime<'a> {
        OwnTime::of_clock(self.terms, clock)
    }

    /// When the clock runs out, or would if it ran on from here.
    fn due_now(&self, clock: &Clock) -> UnixMs {
        if clock.state == ClockState::Paused {
            self.own_time(clock).later(self.at, clock.mark)
        } else {
            clock.due
        }
    }

    /// A rule's clock starts with its whole budget.
    fn start_rule(&mut self, rule: &ClockRule, start: UnixMs) {
        let start = if rule.from_creation { self.opened_at } else { start };
        let due = rule.due(start, self.terms.calendar(rule));
        self.start_with(rule, start, due);
    }

    /// A rule's clock starts with this due.
    fn start_with(&mut self, rule: &ClockRule, start: UnixMs, due: UnixMs) {
        let calendar = self.terms.calendar(rule);
        let change = ClockChange::Started {
            start,
            due,
            warn_at: rule.warn_at(start, due, calendar),
            by_hand: false,
            provisional: OwnTime::of_rule(self.terms, rule).is_provisional(due),
        };
        self.begin(&rule.target, start, due, change);
    }

    /// A due set by hand starts a clock.
    fn start_by_hand(&mut self, target: &Target, start: UnixMs, due: UnixMs) {
        let change = ClockChange::Started {
            start,
            due,
            warn_at: NEVER,
            by_hand: true,
            provisional: false,
        };
        self.begin(target, start, due, change);
    }

    fn begin(&mut self, target: &Target, start: UnixMs, due: UnixMs, change: ClockChange) {
        self.push(target, change);
        // A new cycle has a ladder of its own; what was left of an older one goes with it.
        self.ladders.retain(|ladder| ladder.target != *target);
        self.changed.retain(|changed| changed != target);
        self.set_ladder(target, start, due);
        self.stand_still(target);
    }

    /// The clock has reached its aim; what it gave before then is taken back.
    fn meet_one(&mut self, clock: &Clock) {
        let due = self.due_now(clock);
        // In time counts up to and including the due that was missed, but only before the instant of a warning or step.
        let mut taken = Vec::new();
        if clock.warned && self.at < clock.warn_at {
            taken.push((due, Undone::Warning));
        }
        let ladder = self.ladders.iter().find(|ladder| ladder.target == clock.target);
        let steps = ladder.iter().flat_map(|ladder| &ladder.rungs);
        for rung in steps.filter(|rung| rung.done && self.at < rung.at) {
            taken.push((due, Undone::Step(rung.step)));
        }
        if clock.breached && self.at <= clock.breached_due {
            taken.push((clock.breached_due, Undone::Breach));
        }
        let target = &clock.target;
        self.withdrawn
            .extend(taken.into_iter().map(|(due, what)| TakenBack {
                target: target.clone(),
                due,
                what,
            }));
        self.push(target, ClockChange::Met { at: self.at, due });
    }

    /// The clock no longer counts.
    fn stop_one(&mut self, clock: &Clock) {
        let due = self.due_now(clock);
        self.push(&clock.target, ClockChange::Stopped { due });
    }

    /// The clock gets another due. One that stands still keeps standing, with as much more or less to go.
    fn move_one(&mut self, clock: &Clock, due: UnixMs, warn_at: UnixMs, by_hand: bool) {
        let own = if by_hand {
            OwnTime::natural()
        } else {
            OwnTime::of_target(self.terms, &clock.target)
        };
        let target = &clock.target;
        self.push(
            target,
            ClockChange::Moved {
                due,
                warn_at,
                by_hand,
                provisional: own.is_provisional(due),
            },
        );
        // In natural time what is left has moved along with the due.
        let then = self.own_time(clock);
        if clock.state == ClockState::Paused && !(own.is_natural() && then.is_natural()) {
            let remaining = if by_hand {
                due - self.at
            } else {
                clock.mark + own.between(clock.due, due)
            };
            self.push(target, ClockChange::Paused { due, remaining });
        }
        self.set_ladder(target, clock.start, due);
    }
}
