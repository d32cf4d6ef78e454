//! The steps of a clock: when each comes, after whatever happened to the clock.
//!
//! Of steps whose instants have passed when a ladder is set up, only the last is taken: a ticket that is entered late, or
//! re-levelled, does not run up the whole ladder at once. A step that was taken is not taken again, unless another due puts
//! it ahead of now once more.

use super::Effects;
use super::own_time::OwnTime;
use crate::engine::clock::Clock;
use crate::engine::steps::digest;
use crate::model::UnixMs;
use crate::model::account::Taken;
use crate::model::event::{Ladder, Rung};
use crate::model::record::ClockState;
use crate::model::rules::StepAt;
use crate::model::target::Target;

impl Effects<'_> {
    /// The ladder of a clock that runs from `start` to `due` from here on.
    pub(super) fn set_ladder(&mut self, target: &Target, start: UnixMs, due: UnixMs) {
        self.ladder_of(target, start, (due, due));
    }

    /// The ladder of a clock whose due has moved: a share of its budget lies as long before the due as it would if nothing had been
    /// added to it.
    pub(super) fn move_ladder(&mut self, target: &Target, start: UnixMs, due: UnixMs) {
        let clock = self.clock(target).filter(|clock| !clock.by_hand);
        let ruled = clock.and_then(|clock| self.ruled_by(clock));
        let bare = ruled.map(|(terms, rule)| OwnTime::of_rule(terms, rule).due(rule, start));
        self.ladder_of(target, start, (bare.unwrap_or(due), due));
    }

    /// The ladder of a clock that runs from `start` to `bare` by its budget alone, and to `due` with what was added.
    fn ladder_of(&mut self, target: &Target, start: UnixMs, (bare, due): (UnixMs, UnixMs)) {
        let rule = self.terms.plan.clock(target);
        let steps = rule.map_or(0, |rule| rule.steps.len());
        let old = self.ladders.iter().find(|ladder| ladder.target == *target);
        let (Some(rule), true) = (rule, steps > 0) else {
            if old.is_some() {
                self.drop_ladder(target);
            }
            return;
        };
        let by_hand = self.clock(target).is_some_and(|clock| clock.by_hand);
        let calendar = self.terms.calendar(rule).filter(|_| !by_hand);
        // One that stands still has come only so far.
        let still = self
            .clock(target)
            .filter(|clock| clock.state == ClockState::Paused);
        let reached = still.and_then(Clock::since).unwrap_or(self.at);
        let longer = rule.between(bare, due, calendar);
        let instant = |step: usize| match rule.steps.get(step).map(|step| step.at) {
            Some(StepAt::Percent(_)) if bare != due && longer >= 0 => {
                rule.forward(rule.step_at(step, start, bare, calendar), longer, calendar)
            }
            Some(StepAt::Percent(_)) if bare != due => {
                rule.backward(rule.step_at(step, start, bare, calendar), -longer, calendar)
            }
            _ => rule.step_at(step, start, due, calendar),
        };
        // What this very ladder gave before the clock had another one is not given again.
        let known = self.clock(target).and_then(|clock| clock.account.as_deref());
        let known = known.filter(|account| !account.taken.is_empty());
        let known = known.map(|account| (digest(&rule.steps), &account.taken));
        let mut rungs: Vec<Rung> = Vec::with_capacity(steps);
        let mut last_passed = None;
        for step in 0..steps {
            let at = instant(step);
            let step = step as u16;
            let taken = old.and_then(|old| old.rungs.iter().find(|rung| rung.step == step && rung.done));
            if at > reached {
                rungs.push(Rung {
                    step,
                    at,
                    done: false,
                });
                continue;
            }
            // One that was not taken gives way to the next one that has passed.
            if let Some(place) = last_passed
                && !rungs.get(place).is_some_and(|rung: &Rung| rung.done)
            {
                rungs.remove(place);
            }
            last_passed = Some(rungs.len());
            let before = known.is_some_and(|(ladder, all)| all.contains(&Taken { ladder, step }));
            rungs.push(taken.copied().unwrap_or(Rung {
                step,
                at,
                done: before,
            }));
        }
        self.keep_ladder(Ladder {
            target: target.clone(),
            rungs,
        });
    }

    /// The steps of the clock are these from here on.
    pub(super) fn keep_ladder(&mut self, ladder: Ladder) {
        self.changed.push(ladder.target.clone());
        match self
            .ladders
            .iter_mut()
            .find(|known| known.target == ladder.target)
        {
            Some(known) => *known = ladder,
            None => self.ladders.push(ladder),
        }
    }

    fn drop_ladder(&mut self, target: &Target) {
        self.ladders.retain(|ladder| ladder.target != *target);
        self.changed.push(target.clone());
    }

    /// The clock gets another ladder: what was taken of this one says nothing of that.
    pub(super) fn leave_steps(&mut self, target: &Target) {
        let rungs = self
            .ladders
            .iter_mut()
            .filter(|ladder| ladder.target == *target)
            .flat_map(|ladder| &mut ladder.rungs);
        for rung in rungs {
            rung.done = false;
        }
    }
}
