//! What another version of its policy does to the clocks of a ticket.

use super::Effects;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::model::Text;
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
        // It counts on as it did: in the time of the version that gave it its due.
        let version = old.book.version;
        let goes_on = |clock: &&mut Clock| !clock.by_hand && (clock.is_open() || clock.ended_by_resolve);
        for clock in self.clocks.iter_mut().filter(goes_on) {
            if clock.version().is_none() {
                clock.account_mut().version = version;
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
                // One that rules without it had ended begins anew.
                if self.clock(&rule.target).is_none_or(|clock| clock.dropped) {
                    self.start_rule(rule, self.at);
                }
            }
        }
    }
}
