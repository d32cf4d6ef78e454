//! One method a kind of fact: which clocks it starts, meets, ends or begins anew.

use super::Effects;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::event::{KeptOf, TicketState};
use crate::model::rules::{ClockRule, Trigger};
use crate::model::target::Target;
use crate::model::time::Span;
use crate::model::{NEVER, Text, UnixMs};

impl<'a> Effects<'a> {
    /// The ticket is opened: every clock that this starts does so at the receipt, and the dues set by hand.
    pub(in crate::engine) fn open(&mut self, dues: &[(Target, UnixMs)]) {
        for rule in self.rules() {
            if rule.is_started_by(&Trigger::Open) && !dues.iter().any(|(target, _)| *target == rule.target) {
                self.start_rule(rule, self.opened_at);
            }
        }
        for (target, due) in dues {
            self.start_by_hand(target, self.opened_at, *due);
        }
    }

    /// The ticket begins in this stage: its clock, and whatever else this starts, counts from the receipt.
    pub(in crate::engine) fn begin_in_stage(&mut self, stage: &Text) {
        let entered = Trigger::Stage(stage.clone());
        for rule in self.rules() {
            if rule.is_started_by(&entered) && self.may_start(&rule.target) {
                self.start_rule(rule, self.opened_at);
            }
        }
    }

    /// The rules with a budget, in the order of their targets.
    fn rules(&self) -> impl Iterator<Item = &'a ClockRule> + use<'a> {
        let terms: &'a Terms = self.terms;
        let rules = terms.plan.clocks.iter().map(|rule| &**rule);
        rules.filter(|rule| rule.budget.is_some())
    }

    /// Something happened: the clocks that it meets are met, those that it ends no longer count, those that it begins anew
    /// run their whole budget again, those that it starts run unless they do already.
    pub(in crate::engine) fn happens(&mut self, trigger: &Trigger) {
        let plan = &self.terms.plan;
        for clock in self.those(Clock::is_open) {
            if plan.meets(&clock.target, trigger) {
                self.meet_one(&clock);
            } else if plan
                .clock(&clock.target)
                .is_some_and(|rule| rule.is_stopped_by(trigger))
            {
                self.stop_one(&clock);
            }
        }
        for rule in self.rules() {
            let again = rule.is_reset_by(trigger) && self.clock(&rule.target).is_some();
            if again || (rule.is_started_by(trigger) && self.may_start(&rule.target)) {
                self.start_rule(rule, self.at);
            }
        }
    }

    /// Does the clock of this target start when its time has come? Not while it runs; and while the first response is due,
    /// no next one is.
    fn may_start(&self, target: &Target) -> bool {
        let is_due = |other: &Target| self.is_open(other);
        match target {
            Target::NextResponse => !is_due(target) && !is_due(&Target::FirstResponse),
            _ => !is_due(target),
        }
    }

    /// A next contact was promised.
    pub(in crate::engine) fn promise(&mut self, due: UnixMs) {
        self.start_by_hand(&Target::Promise, self.at, due);
    }

    /// A due set by hand: it moves an open clock and starts any other.
    pub(in crate::engine) fn by_hand(&mut self, target: &Target, due: UnixMs) {
        match self.clock(target).filter(|clock| clock.is_open()).cloned() {
            Some(clock) => self.move_one(&clock, due, NEVER, true),
            None => self.start_by_hand(target, self.at, due),
        }
    }

    /// The ticket leaves one stage for another: the clock of the one left has reached its aim, and what it left of its time
    /// may be carried over to the next.
    pub(in crate::engine) fn enter_stage(&mut self, left: &str, entered: &Text) {
        let of_left = Target::Stage(Text::new(left));
        let mut left_over = 0;
        if let Some(clock) = self.clock(&of_left).filter(|clock| clock.is_open()).cloned() {
            let due = self.due_now(&clock);
            left_over = self.own_time(&clock).between(self.at, due);
            self.meet_one(&clock);
        }
        self.happens(&Trigger::Stage(entered.clone()));
        let target = Target::Stage(entered.clone());
        let plan = &self.terms.plan;
        if left_over != 0
            && let Some(rule) = plan.rule(&target).filter(|rule| rule.carry_over)
            && let Some(clock) = self.clock(&target).filter(|clock| clock.is_running()).cloned()
        {
            // It starts with the other's rest: one effect, not two.
            self.list.retain(|effect| effect.target != target);
            let due = self.own_time(&clock).later(clock.due, left_over);
            self.start_with(rule, clock.start, due);
            self.keep(&target, KeptOf::Added(left_over));
        }
    }

    /// When the clock of this target runs out, or would if it ran on from here; `None`: it is not open.
    pub(in crate::engine) fn open_due(&self, target: &Target) -> Option<UnixMs> {
        let clock = self.clock(target).filter(|clock| clock.is_open())?;
        Some(self.due_now(clock))
    }

    /// Is there a calendar by which business days can be added to this clock?
    pub(in crate::engine) fn knows_business_days(&self, target: &Target) -> bool {
        let ruled = self.terms.plan.clock(target);
        ruled.is_some_and(|rule| self.terms.calendar(rule).is_some()) || self.terms.usual_calendar().is_some()
    }

    /// What is left of it, ms of its own time.
    pub(in crate::engine) fn time_left(&self, target: &Target) -> i64 {
        let clock = self.clock(target);
        clock.map_or(0, |clock| {
            self.own_time(clock).between(self.at, self.due_now(clock))
        })
    }

    /// The clock gets more time from its due on. Its warning moves along; one that was given is given again, if its new
    /// instant is ahead.
    pub(in crate::engine) fn extend(&mut self, target: &Target, span: Span) {
        let Some(clock) = self.clock(target).filter(|clock| clock.is_open()).cloned() else {
            return;
        };
        let own = self.own_time(&clock);
        // From where it stopped, if it stands still: so the account of the clock tells it.
        let rest = self.due_at_rest(&clock, own);
        let due = own.span(rest, span, self.terms.usual_calendar());
        let longer = own.between(rest, due);
        let again = |instant: UnixMs| own.later(instant, longer);
        let warn_at = match clock.warn_at {
            NEVER => NEVER,
            instant if clock.warned && again(instant) <= self.at => NEVER,
            instant => again(instant),
        };
        // The due that is shown may have moved on since.
        let due = if rest == clock.due {
            due
        } else {
            own.later(clock.due, longer)
        };
        self.move_one(&clock, due, warn_at, clock.by_hand);
    }

    /// The ticket is resolved: what this meets is met, with the stage in which it is; every other clock no longer counts, but
    /// for those that the policy starts here, and those that it lets stand still until the ticket is reopened.
    pub(in crate::engine) fn resolve(&mut self, stage: &str) {
        let plan = &self.terms.plan;
        for clock in self.those(Clock::is_open) {
            let rule = plan.clock(&clock.target);
            let stays = rule.is_some_and(|rule| {
                rule.is_started_by(&Trigger::Resolve) || rule.pauses_in.contains(&TicketState::Resolved)
            });
            let in_stage = matches!(&clock.target, Target::Stage(name) if name == stage);
            if plan.meets(&clock.target, &Trigger::Resolve) || in_stage {
                self.meet_one(&clock);
            } else if !stays || rule.is_some_and(|rule| rule.is_stopped_by(&Trigger::Resolve)) {
                self.stop_one(&clock);
            }
        }
        // A pause ends here: nobody waits for anything any more.
        self.paused = None;
        self.enter(TicketState::Resolved);
        for rule in self.rules() {
            if rule.is_started_by(&Trigger::Resolve) && !self.is_open(&rule.target) {
                self.start_rule(rule, self.at);
            }
        }
    }

    /// Does a clock run whose end the ticket waits for before it closes by itself?
    pub(in crate::engine) fn awaits(&self) -> bool {
        self.clocks
            .iter()
            .any(|clock| clock.is_running() && !clock.breached)
    }

    /// The ticket is open again: what the policy begins anew starts with its whole budget; else solution, resolution and the
    /// stage run on with what they had left when it was resolved.
    pub(in crate::engine) fn reopen(&mut self, stage: &str) {
        let plan = &self.terms.plan;
        for clock in self.those(|clock| clock.is_open()) {
            // What was to follow the completion waits for the next one.
            let follows = |rule: &ClockRule| rule.is_started_by(&Trigger::Resolve);
            if plan.clock(&clock.target).is_some_and(follows) {
                self.stop_one(&clock);
            }
        }
        self.enter(TicketState::Waiting);
        for clock in self.those(|clock| clock.ended_by_resolve) {
            let goes_on = match &clock.target {
                Target::Solution | Target::Resolution => true,
                Target::Stage(name) => name == stage,
                _ => false,
            };
            let anew = plan
                .rule(&clock.target)
                .is_some_and(|rule| rule.is_reset_by(&Trigger::Reopen));
            if goes_on && !anew {
                self.go_on(&clock, self.due_after_end(&clock));
                self.stand_still(&clock.target);
            }
        }
        self.happens(&Trigger::Reopen);
    }

    /// When a clock that the resolution ended runs out if it goes on here: by what its rules and its calendar say now, be it other than
    /// they said then.
    fn due_after_end(&self, clock: &Clock) -> UnixMs {
        match self.ruled_by(clock).filter(|_| !clock.by_hand) {
            Some(by) => {
                let by = self.reckoned_of(by, clock);
                let since = clock.since().unwrap_or(clock.mark);
                by.own.after_stand(by.due, since, self.at)
            }
            None => self.own_time(clock).after_stand(clock.due, clock.mark, self.at),
        }
    }

    /// Everything that still runs no longer counts.
    pub(in crate::engine) fn stop(&mut self) {
        for clock in self.those(Clock::is_open) {
            self.stop_one(&clock);
        }
    }
}
