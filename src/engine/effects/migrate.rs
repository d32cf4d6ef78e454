//! What another version of its policy does to the clocks of a ticket.

use super::Effects;
use crate::engine::policies::Terms;
use crate::model::event::ClockChange;
use crate::model::rules::Trigger;
use crate::model::versions::MigrationMode;

impl<'a> Effects<'a> {
    /// From now on it is under these terms.
    pub(in crate::engine) fn migrate(&mut self, new: &'a Terms, mode: MigrationMode) {
        match mode {
            // What the new version says counts from the receipt, as if the ticket had been opened under it.
            MigrationMode::Retroactive => {
                self.book = &new.book;
                self.relevel(&new.plan, &[]);
            }
            MigrationMode::FromNow => self.from_now(new),
        }
    }

    /// What runs keeps its due. A clock that the new version does not have no longer counts; one that it brings, and
    /// that the ticket never had, starts now.
    fn from_now(&mut self, new: &'a Terms) {
        let old = std::mem::replace(&mut self.plan, &new.plan);
        self.book = &new.book;
        for clock in self.those(|clock| clock.is_open() && !clock.by_hand) {
            if old.rule(&clock.target).is_some() && new.plan.rule(&clock.target).is_none() {
                let due = clock.due_from(self.at);
                self.push(&clock.target, ClockChange::Stopped { due });
            }
        }
        for rule in new.plan.started_by(&Trigger::Open) {
            if !self.clocks.iter().any(|clock| clock.target == rule.target) {
                self.start_rule(rule, self.at);
            }
        }
    }
}
