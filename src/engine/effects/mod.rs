//! What a fact does to the clocks of its ticket, worked out from the policy before the fact is logged.
//!
//! | file | idea |
//! |---|---|
//! | this one | the collector; how a clock starts, is met, moves |
//! | `facts` | one method a kind of fact: what it starts, meets, ends, begins anew |
//! | `pauses` | clocks that stand still for a reason or in a state, and run on |
//! | `ladders` | the steps of clocks: where they stand after a change |
//! | `relevel` | other rules for the same ticket |
//! | `reckon` | dues from the start on: by other rules, or by a longer calendar |
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
mod reckon;
mod relevel;

use super::clock::Clock;
use super::policies::Terms;
use super::steps::{digest, word};
use super::ticket::{Pause, Ticket};
use crate::model::account::Taken;
use crate::model::event::{ClockChange, ClockEffect, ClockEffects, Kept, KeptOf, Ladder, TicketState};
use crate::model::record::ClockState;
use crate::model::target::Target;
use crate::model::{NEVER, Text, UnixMs};
use crate::policy::ClockRule;
use own_time::OwnTime;
pub(super) use past::Life;

/// Collects the effects of one fact on one ticket.
pub(super) struct Effects<'a> {
    terms: &'a Terms,
    /// The terms before the fact, where it changes them: by them what was given is called.
    before: &'a Terms,
    clocks: Vec<Clock>,
    /// The steps of its clocks, as they stand by now.
    ladders: Vec<Ladder>,
    opened_at: UnixMs,
    /// Reason of the pause in force.
    paused: Option<Text>,
    /// The ticket's pauses, if they were given.
    pauses: Option<Pause>,
    /// State of the ticket after the fact.
    state: TicketState,
    at: UnixMs,
    list: Vec<ClockEffect>,
    /// Ladders that this fact changed.
    changed: Vec<Target>,
    kept: Vec<Kept>,
    withdrawn: Vec<TakenBack>,
}

/// A warning, step or breach that the fact shows to be wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TakenBack {
    pub target: Target,
    pub due: UnixMs,
    pub what: Undone,
    /// When a warning comes again; [`NEVER`]: not.
    pub again: UnixMs,
}

/// What is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    Warning,
    Step(Rung),
    Breach,
}

/// A step that is taken back: of the ladder that the clock had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rung {
    /// Its place in the policy's list of steps.
    pub step: u16,
    /// As the policy spells it.
    pub word: Text,
    /// Digest of the ladder.
    pub ladder: u64,
}

/// What a fact comes to.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// In the order of their targets.
    pub effects: Vec<ClockEffect>,
    /// The ladders that changed.
    pub ladders: Vec<Ladder>,
    /// What is to be kept beside.
    pub kept: Vec<Kept>,
    pub taken_back: Vec<TakenBack>,
}

impl Told {
    /// What the event says of the clocks, and what it takes back. The policy (`name@version`) and the priority are asked for only if
    /// it says anything.
    pub(super) fn clocks(
        self,
        policy: impl FnOnce() -> Text,
        priority: impl FnOnce() -> Text,
    ) -> (Option<Box<ClockEffects>>, Vec<TakenBack>) {
        let Told {
            effects,
            ladders,
            kept,
            taken_back,
        } = self;
        let says = !(effects.is_empty() && ladders.is_empty() && kept.is_empty());
        let clocks = says.then(|| {
            Box::new(ClockEffects {
                policy: policy(),
                priority: priority(),
                effects,
                ladders,
                kept: (!kept.is_empty()).then(|| Box::new(kept)),
            })
        });
        (clocks, taken_back)
    }
}

impl<'a> Effects<'a> {
    /// Effects of a fact that happened `at` and leaves the ticket in the state that it is in.
    pub(super) fn new(ticket: &Ticket, terms: &'a Terms, at: UnixMs) -> Effects<'a> {
        Effects {
            terms,
            before: terms,
            clocks: ticket.clocks.clone(),
            ladders: ticket.ladders().to_vec(),
            opened_at: ticket.opened_at,
            paused: ticket.paused().cloned(),
            pauses: None,
            state: ticket.state,
            at,
            list: Vec::new(),
            changed: Vec::new(),
            kept: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    /// The ticket's pauses: by them a clock that other rules bring has stood still too.
    pub(super) fn with_pauses(mut self, ticket: &Ticket) -> Effects<'a> {
        self.pauses = ticket.pause.as_deref().cloned();
        self
    }

    /// Effects of an opening.
    pub(super) fn of_opening(terms: &'a Terms, opened_at: UnixMs, at: UnixMs) -> Effects<'a> {
        Effects {
            terms,
            before: terms,
            clocks: Vec::new(),
            ladders: Vec::new(),
            opened_at,
            paused: None,
            pauses: None,
            state: TicketState::Waiting,
            at,
            list: Vec::new(),
            changed: Vec::new(),
            kept: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    /// What it comes to.
    pub(super) fn finish(mut self) -> Told {
        self.list.sort_by(|a, b| a.target.cmp(&b.target));
        self.changed.sort();
        self.changed.dedup();
        self.withdrawn.sort_by(|a, b| a.target.cmp(&b.target));
        for taken in &mut self.withdrawn {
            let again = |clock: &&Clock| clock.target == taken.target && clock.is_open() && !clock.warned;
            taken.again = self
                .clocks
                .iter()
                .find(again)
                .map_or(NEVER, |clock| clock.warn_at);
        }
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
            kept: self.kept,
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

    /// What the due of this clock says beside its budget.
    fn keep(&mut self, target: &Target, what: KeptOf) {
        if what == KeptOf::Added(0) {
            return;
        }
        if let Some(clock) = self.clocks.iter_mut().find(|clock| clock.target == *target) {
            clock.keep(what);
            self.kept.push(Kept {
                target: target.clone(),
                what,
            });
        }
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
        if clock.state != ClockState::Paused {
            return clock.due;
        }
        let own = self.own_time(clock);
        match clock.since().filter(|_| !own.is_natural()) {
            // From where it stopped: a pause in which no time counts leaves a due that is ahead at its very instant.
            Some(since) => own.after_stand(clock.due, since, self.at),
            None => own.later(self.at, clock.mark),
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
        if let Some(clock) = self.clock(target).filter(|clock| clock.is_open()).cloned() {
            self.take_back(&clock);
        }
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
        self.take_back(clock);
        self.push(&clock.target, ClockChange::Met { at: self.at, due });
    }

    /// The clock no longer counts.
    fn stop_one(&mut self, clock: &Clock) {
        let due = self.due_now(clock);
        self.take_back(clock);
        self.push(&clock.target, ClockChange::Stopped { due });
    }

    /// What the clock gave after the instant of a fact that ends it, stops it or moves its due is taken back: with the fact it would
    /// not have been given. The clock as it is then.
    fn take_back(&mut self, clock: &Clock) -> Clock {
        let (at, target) = (self.at, &clock.target);
        let due = self.due_now(clock);
        let mut back = |due, what| {
            self.withdrawn.push(TakenBack {
                target: target.clone(),
                due,
                what,
                again: NEVER,
            });
        };
        let Some(clock) = self.clocks.iter_mut().find(|known| known.target == *target) else {
            return clock.clone();
        };
        // In time counts up to and including the due that was missed, but only before the instant of a warning or step.
        if clock.warned && at < clock.warn_at {
            back(due, Undone::Warning);
            clock.warned = false;
        }
        let ladder = self.ladders.iter_mut().filter(|ladder| ladder.target == *target);
        let rule = self.before.plan.clock(target);
        for rung in ladder.flat_map(|ladder| &mut ladder.rungs) {
            if rung.done && at < rung.at {
                let steps = rule.map_or(&[][..], |rule| &rule.steps);
                let step = Rung {
                    step: rung.step,
                    word: steps.get(usize::from(rung.step)).map(word).unwrap_or_default(),
                    ladder: digest(steps),
                };
                if let Some(account) = &mut clock.account {
                    let this = Taken {
                        ladder: step.ladder,
                        step: step.step,
                    };
                    account.taken.retain(|taken| *taken != this);
                }
                back(due, Undone::Step(step));
                rung.done = false;
            }
        }
        if clock.breached && at <= clock.breached_due {
            back(clock.breached_due, Undone::Breach);
            (clock.breached, clock.breached_due) = (false, NEVER);
        }
        clock.clone()
    }

    /// The clock gets another due. One that stands still keeps standing, with as much more or less to go.
    fn move_one(&mut self, clock: &Clock, due: UnixMs, warn_at: UnixMs, by_hand: bool) {
        let clock = &self.take_back(clock);
        let own = if by_hand {
            OwnTime::natural()
        } else {
            self.own_time(clock)
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
        self.move_ladder(target, clock.start, due);
    }
}
