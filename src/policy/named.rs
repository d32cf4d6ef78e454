//! What the rules of a policy name: its queues and its targets, for who has to know all of them.

use crate::model::Text;
use crate::model::rules::{Rules, Trigger};
use crate::model::target::Target;
use std::collections::BTreeSet;

impl Rules {
    /// The queues: where tickets wait, where steps, stages and chains send them, whose transfers count, what is reminded. In
    /// the order of names.
    pub fn queues(&self) -> impl Iterator<Item = &Text> {
        let ruled = self
            .rules
            .iter()
            .flat_map(|rule| rule.queue.iter().chain(&rule.queues));
        let clocks = self.rules.iter().flat_map(|rule| &rule.clocks);
        let stages = self.stages.iter().filter_map(|stage| stage.clock.as_ref());
        let clocks = clocks.chain(stages).chain(&self.targets);
        let triggers = clocks.clone().flat_map(|clock| {
            let lists = [&clock.starts_on, &clock.met_by, &clock.stops_on, &clock.resets_on];
            lists.into_iter().flatten()
        });
        let steps = clocks.flat_map(|clock| &clock.steps);
        let names: BTreeSet<&Text> = ruled
            .chain(self.stages.iter().filter_map(|stage| stage.queue.as_ref()))
            .chain(steps.filter_map(|step| step.queue.as_ref()))
            .chain(self.classes.iter().flat_map(|class| &class.chain))
            .chain(self.reminders.iter().map(|reminder| &reminder.queue))
            .chain(triggers.filter_map(Trigger::queue))
            .collect();
        names.into_iter()
    }

    /// Every target that a rule, a stage or a table says something of, each once, in their order.
    pub fn targets(&self) -> BTreeSet<&Target> {
        let ruled = self.rules.iter().flat_map(|rule| &rule.clocks);
        let staged = self.stages.iter().filter_map(|stage| stage.clock.as_ref());
        ruled
            .chain(staged)
            .chain(&self.targets)
            .map(|clock| &clock.target)
            .collect()
    }
}
