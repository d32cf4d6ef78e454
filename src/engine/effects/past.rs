//! A life in past events: where the clocks of a ticket stand that was opened, assigned, paused elsewhere.
//!
//! What the older system knows of a clock counts; what it does not say is what the policy would have made of the ticket had it
//! been here all the time. Whatever was due by the instant up to which the older system was in charge counts as told there:
//! warnings as given, steps as taken, a clock past its due as breached. What lies ahead fires as for every other ticket.

use super::Effects;
use crate::engine::clock::Clock;
use crate::model::event::{ClockChange, ClockEffect, KeptOf, Standing, TicketState};
use crate::model::import::{KnownClock, When};
use crate::model::record::ClockState;
use crate::model::rules::Trigger;
use crate::model::target::Target;
use crate::model::time::rfc3339;
use crate::model::{NEVER, Refusal, Text, UnixMs};

/// What is known of a ticket's life beside its clocks. Instants are not after the one up to which it is told.
#[derive(Debug, Default)]
pub(in crate::engine) struct Life<'a> {
    /// Dues set by hand.
    pub dues: &'a [(Target, UnixMs)],
    /// In the order of targets.
    pub clocks: &'a [KnownClock],
    /// The stage in which it is; without an instant it is the one in which it began.
    pub stage: Option<(&'a Text, Option<UnixMs>)>,
    /// Since when an agent has it.
    pub assigned: Option<UnixMs>,
    /// The pause in force.
    pub paused: Option<(&'a Text, UnixMs)>,
    /// When it was resolved.
    pub resolved: Option<UnixMs>,
}

impl Effects<'_> {
    /// Goes through the life that ends at this instant. To be called once, on the effects of an opening. What it says of clocks
    /// beyond the effects.
    pub(in crate::engine) fn live(&mut self, life: &Life) -> Result<Vec<Standing>, Refusal> {
        let told_at = self.at;
        self.at = self.opened_at;
        self.open(life.dues);
        self.pass(life);
        for known in life.clocks {
            self.put(known, life, told_at)?;
        }
        if let Some((reason, since)) = life.paused {
            self.at = since;
            self.pause(reason);
        }
        let mut ended = Vec::new();
        if let Some(at) = life.resolved {
            self.at = at;
            let before = self.list.len();
            self.resolve(life.stage.map_or("", |(name, _)| name));
            let ends = |effect: &ClockEffect| {
                matches!(
                    effect.change,
                    ClockChange::Met { .. } | ClockChange::Stopped { .. }
                )
            };
            let list = self.list[before..].iter().filter(|effect| ends(effect));
            ended = list.map(|effect| effect.target.clone()).collect();
        }
        self.at = told_at;
        // What a life of long ago would have taken back was never told here.
        self.withdrawn.clear();
        // The standings say all of it, with the instants of that life.
        self.kept.clear();
        self.take_as_told(life, &ended)
    }

    /// Stage and assignment, in the order of their instants.
    fn pass(&mut self, life: &Life) {
        let assign = |effects: &mut Self, at: UnixMs| {
            effects.at = at;
            effects.enter(TicketState::Assigned);
            effects.happens(&Trigger::Assign);
        };
        let assigned = life.assigned;
        let staged = life.stage.and_then(|(_, since)| since).unwrap_or(self.opened_at);
        let (early, late) = (
            assigned.filter(|at| *at < staged),
            assigned.filter(|at| *at >= staged),
        );
        if let Some(at) = early {
            assign(self, at);
        }
        match life.stage {
            Some((name, None)) => self.begin_in_stage(name),
            Some((name, Some(since))) => {
                self.at = since;
                self.happens(&Trigger::Stage(name.clone()));
            }
            None => {}
        }
        if let Some(at) = late {
            assign(self, at);
        }
    }

    /// From when on the clock of this target stands still, if it does.
    fn still_from(&mut self, target: &Target, life: &Life) -> Option<UnixMs> {
        let by_state = life.assigned.filter(|_| self.stands_still(target));
        let by_pause = life.paused.and_then(|(reason, since)| {
            let before = self.paused.replace(reason.clone());
            let still = self.stands_still(target);
            self.paused = before;
            still.then_some(since)
        });
        by_state.into_iter().chain(by_pause).min()
    }

    /// A clock as the older system knows it, in place of what the policy would have made of it.
    fn put(&mut self, known: &KnownClock, life: &Life, told_at: UnixMs) -> Result<(), Refusal> {
        let target = &known.target;
        let refuse = |why: String| Err(Refusal::bad_arg(format!("clock.{target} {why}")));
        let hand_set = life
            .dues
            .iter()
            .find(|(aim, _)| aim == target)
            .map(|(_, due)| *due);
        if hand_set.is_some() && (known.due.is_some() || known.elapsed_ms.is_some()) {
            return refuse(format!(
                "says when it is due, and so does due.{target}: give one of them"
            ));
        }
        let start = known.start.unwrap_or(self.opened_at);
        for at in [
            known.start,
            known.met,
            instant(known.breached),
            instant(known.warned),
        ]
        .into_iter()
        .flatten()
        {
            if at > told_at {
                let (at, told_at) = (rfc3339(at), rfc3339(told_at));
                return refuse(format!(
                    "tells of {at}, which is after {told_at}: give what has happened by then"
                ));
            }
        }
        let counted_at = self.still_from(target, life).or(life.resolved).unwrap_or(told_at);
        let terms = self.terms;
        let rule = terms.plan.rule(target).filter(|_| hand_set.is_none());
        let due = match (hand_set.or(known.due), known.elapsed_ms, rule) {
            (Some(due), ..) => due,
            (None, elapsed, Some(rule)) => {
                let own = super::OwnTime::of_rule(terms, rule);
                let due = own.due(rule, start);
                match elapsed {
                    Some(used) => {
                        let left = own.between(start, due).saturating_sub(used);
                        own.later(counted_at, left)
                    }
                    None => due,
                }
            }
            (None, elapsed, None) => {
                let name = &terms.book.versioned;
                let given = elapsed.map_or("is given without a due", |_| "is given by elapsed");
                return refuse(format!("{given}, but {name} has no budget for it: give its due"));
            }
        };
        // Warnings and steps keep their distance from the due: a share is one of the budget that lies before it.
        let from = match rule.filter(|_| known.due.is_some() || known.elapsed_ms.is_some()) {
            Some(rule) => {
                let own = super::OwnTime::of_rule(terms, rule);
                own.earlier(due, own.between(start, own.due(rule, start)))
            }
            None => start,
        };
        self.forget(target);
        let by_hand = rule.is_none();
        let calendar = rule.and_then(|rule| terms.calendar(rule));
        let ruled = rule.map(|rule| rule.warn_at(from, due, calendar));
        let change = ClockChange::Started {
            start,
            due,
            warn_at: match (known.warned, ruled.unwrap_or(NEVER)) {
                (Some(When::At(at)), _) => at,
                // It was given there, whenever.
                (Some(When::Some), ruled) => ruled.min(told_at),
                (None, ruled) => ruled,
            },
            by_hand,
            provisional: rule.is_some_and(|rule| super::OwnTime::of_rule(terms, rule).is_provisional(due)),
        };
        self.push(target, change);
        // What it stood still there is not told: what its due says beside the budget stands for it.
        if let Some(rule) = rule {
            let own = super::OwnTime::of_rule(terms, rule);
            let bare = own.due(rule, start);
            self.keep(target, KeptOf::Added(own.between(bare, due)));
        }
        // All of its steps are kept: which of them were taken is said below.
        self.at = from;
        self.set_ladder(target, from, due);
        if let Some(at) = known.met {
            self.at = told_at;
            self.push(target, ClockChange::Met { at, due });
        } else if known.stopped {
            self.at = told_at;
            self.push(target, ClockChange::Stopped { due });
        } else {
            self.at = counted_at;
            self.stand_still(target);
        }
        Ok(())
    }

    /// Nothing was said of this clock.
    fn forget(&mut self, target: &Target) {
        self.clocks.retain(|clock| clock.target != *target);
        self.list.retain(|effect| effect.target != *target);
        self.kept.retain(|kept| kept.target != *target);
        self.ladders.retain(|ladder| ladder.target != *target);
        self.changed.retain(|changed| changed != target);
    }

    /// Whatever was due by the end of the life counts as told.
    fn take_as_told(&mut self, life: &Life, ended: &[Target]) -> Result<Vec<Standing>, Refusal> {
        let mut standings = Vec::new();
        for place in 0..self.clocks.len() {
            let clock = &self.clocks[place];
            let target = clock.target.clone();
            let known = life.clocks.iter().find(|known| known.target == target);
            // Up to when it counted.
            let counted = match clock.state {
                // When it was stopped is not known: it says itself what it had missed by then.
                _ if known.is_some_and(|known| known.stopped) => Some(UnixMs::MIN),
                ClockState::Paused => self.still_from(&target, life).or(life.resolved),
                ClockState::Met | ClockState::Stopped => Some(self.clocks[place].mark),
                ClockState::Running => None,
            };
            let counted = counted.unwrap_or(self.at);
            let clock = &mut self.clocks[place];
            let breached = known.and_then(|known| known.breached);
            clock.breached_due = match breached {
                Some(When::At(at)) => at,
                Some(When::Some) if counted <= clock.due => {
                    return Err(Refusal::bad_arg(format!(
                        "clock.{target} breached: its due {} is not over: say which one it missed, breached=T",
                        rfc3339(clock.due)
                    )));
                }
                _ if counted > clock.due => clock.due,
                _ => NEVER,
            };
            clock.breached = clock.breached_due != NEVER;
            let is_past = clock.warn_at != NEVER && clock.warn_at <= counted;
            clock.warned = is_past || known.is_some_and(|known| known.warned.is_some());
            clock.ended_by_resolve = ended.contains(&target) && !clock.is_open();
            for ladder in self.ladders.iter_mut().filter(|ladder| ladder.target == target) {
                for rung in &mut ladder.rungs {
                    rung.done = rung.at <= counted;
                }
            }
            standings.extend(standing(&self.clocks[place]));
        }
        standings.sort_by(|a: &Standing, b| a.target.cmp(&b.target));
        Ok(standings)
    }
}

fn instant(when: Option<When>) -> Option<UnixMs> {
    match when {
        Some(When::At(at)) => Some(at),
        _ => None,
    }
}

/// What is to be said of a clock beyond its effects.
fn standing(clock: &Clock) -> Option<Standing> {
    let says = clock.warned || clock.breached || clock.ended_by_resolve || clock.account.is_some();
    says.then(|| Standing {
        account: clock.account.clone(),
        target: clock.target.clone(),
        warned: clock.warned,
        breached_due: clock.breached_due,
        ended_by_resolve: clock.ended_by_resolve,
    })
}
