//! What another version of its policy does to the clocks of a ticket.

use super::Effects;
use super::own_time::OwnTime;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::Text;
use crate::model::event::ClockChange;
use crate::model::record::ClockState;
use crate::model::rules::Trigger;
use crate::model::target::Target;
use crate::model::versions::MigrationMode;

impl<'a> Effects<'a> {
    /// From now on it is under these terms.
    pub(in crate::engine) fn migrate(&mut self, new: &'a Terms, stage: &str, mode: MigrationMode) {
        match mode {
            // What the new version says counts from the receipt, as if the ticket had been opened under it.
            MigrationMode::Retroactive => self.relevel(new, stage, &[]),
            MigrationMode::FromNow => self.go_on_under(new, stage),
        }
    }

    /// What runs keeps its due. A clock that the new version does not have no longer counts; one that it brings, and
    /// that the ticket never had, starts now.
    fn go_on_under(&mut self, new: &'a Terms, stage: &str) {
        let old = self.terms;
        let has = |terms: &Terms, target: &Target| terms.plan.rule(target).is_some();
        for clock in self.those(|clock| clock.is_open() && !clock.by_hand) {
            if has(old, &clock.target) && !has(new, &clock.target) {
                self.drop_one(&clock, self.own_time(&clock));
            }
        }
        self.terms = new;
        // What is left of one that stands still is told in the time that it counts from here on.
        for clock in self.those(|clock| clock.state == ClockState::Paused && !clock.by_hand) {
            let before = OwnTime::of_target(old, &clock.target);
            let own = self.own_time(&clock);
            let rest = self.due_at_rest(&clock, before);
            if let Some(since) = clock.since()
                && (own.is_natural() != before.is_natural())
            {
                let remaining = own.between(since, rest);
                self.push(&clock.target, ClockChange::Paused { due: rest, remaining });
            }
        }
        // A ladder of other steps is not gone on with by number: of what has passed only the last step is taken.
        for clock in self.those(Clock::is_open) {
            let steps = |terms: &'a Terms| terms.plan.clock(&clock.target).map(|rule| &rule.steps);
            if steps(old) != steps(new) {
                self.leave_steps(&clock.target);
                self.set_ladder(&clock.target, clock.start, clock.due);
            }
        }
        self.settle();
        let staged = (!stage.is_empty()).then(|| Trigger::Stage(Text::new(stage)));
        for trigger in std::iter::once(Trigger::Open).chain(staged) {
            for rule in new.plan.started_by(&trigger) {
                if self.clock(&rule.target).is_none() {
                    self.start_rule(rule, self.at);
                }
            }
        }
    }
}
