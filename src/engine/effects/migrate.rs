//! What another version of its policy does to the clocks of a ticket.

use super::Effects;
use crate::model::event::ClockChange;
use crate::model::versions::MigrationMode;
use crate::policy::{Level, RuleBook, Start, meaning};

impl<'a> Effects<'a> {
    /// From now on the rules are those of `book`, and there of `level`.
    pub(in crate::engine) fn migrate(&mut self, book: &'a RuleBook, level: &'a Level, mode: MigrationMode) {
        self.book = book;
        match mode {
            // What the new version says counts from the receipt, as if the ticket had been opened under it.
            MigrationMode::Retroactive => self.relevel(level, &[]),
            MigrationMode::FromNow => self.from_now(level),
        }
    }

    /// What runs keeps its due. A clock that the new version does not have no longer counts; one that it brings, and
    /// that the ticket never had, starts now.
    fn from_now(&mut self, new: &'a Level) {
        let old = std::mem::replace(&mut self.level, new);
        for clock in self.those(|clock| clock.is_open() && !clock.by_hand) {
            if old.rule(&clock.target).is_some() && new.rule(&clock.target).is_none() {
                let due = clock.due_from(self.at);
                self.push(&clock.target, ClockChange::Stopped { due });
            }
        }
        for rule in new
            .clocks
            .iter()
            .filter(|rule| meaning(&rule.target).starts == Start::Open)
        {
            if !self.clocks.iter().any(|clock| clock.target == rule.target) {
                self.start_rule(rule, self.at);
            }
        }
    }
}
