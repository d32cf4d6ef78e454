//! The rule book: what a policy says, ready to be asked. Immutable once parsed.

use super::meaning::Trigger;
use crate::model::command::Open;
use crate::model::target::Target;
use crate::model::time::Span;
use crate::model::{DurationMs, NEVER, Text, UnixMs};

/// One version of one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleBook {
    /// Name by which tickets ask for it.
    pub name: Text,
    /// Number of the version, from 1; given by who loads it.
    pub version: u32,
    /// `name@version`, as every clock effect names the rules; kept, because spelling it costs more than a copy.
    pub versioned: Text,
    /// XXH3 of the text: equal texts are the same rules.
    pub hash: u64,
    /// The file as it was read.
    pub text: String,
    /// Name for people; empty if none was given.
    pub label: String,
    /// Index in `priorities` of the one that a ticket has unless it says otherwise.
    pub default_priority: u16,
    /// Most urgent first. Never empty; ranks differ.
    pub priorities: Vec<Level>,
    /// Classes that tickets may have; empty: any.
    pub classes: Vec<Text>,
    /// Segments that tickets may have; empty: any.
    pub segments: Vec<Text>,
    /// Channels that tickets may have; empty: any.
    pub channels: Vec<Text>,
    /// What holds for the clock of a target in levels that give it no budget, so that only a due set by hand starts it.
    pub targets: Vec<TargetRule>,
    /// What a ticket must bring when it is opened.
    pub required: Vec<Text>,
    /// Reasons of a pause that ends when the customer writes or calls.
    pub customer_pauses: Vec<Text>,
    /// How long a resolved ticket can still be reopened; `None`: it closes at once.
    pub close_after: Option<Span>,
}

/// One priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Name by which tickets ask for it.
    pub name: Text,
    /// Name for people; empty if none was given.
    pub label: String,
    /// 0 most urgent; compares across policies.
    pub rank: u8,
    /// Where its tickets wait.
    pub queue: Text,
    /// Its clocks, in the order of their targets.
    pub clocks: Vec<ClockRule>,
}

/// One clock of a priority.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockRule {
    /// What it is aimed at.
    pub target: Target,
    /// How long it runs.
    pub budget: Span,
    /// When it warns; `None`: it does not.
    pub warn: Option<Warn>,
    /// Reasons of a pause that stop it.
    pub pauses_on: Vec<Text>,
    /// What meets it: any one of these. Never empty.
    pub met_by: Vec<Trigger>,
}

/// What a policy says of a target whatever the level.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetRule {
    /// What the clock is aimed at.
    pub target: Target,
    /// Reasons of a pause that stop it.
    pub pauses_on: Vec<Text>,
    /// What meets it: any one of these. Never empty.
    pub met_by: Vec<Trigger>,
}

/// When a clock warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warn {
    /// This long before the due, ms; more than 0.
    Before(DurationMs),
    /// When this share of the time from start to due is over; 1–99.
    Percent(u8),
}

impl RuleBook {
    /// The priority of this name, and its index.
    pub fn level(&self, name: &str) -> Option<(u16, &Level)> {
        let index = self.priorities.iter().position(|level| level.name == name)?;
        Some((u16::try_from(index).ok()?, &self.priorities[index]))
    }

    /// Does a pause for this reason stop the clock of the target? The level's rule says, else the policy's.
    pub fn stops(&self, level: &Level, target: &Target, reason: &str) -> bool {
        match (level.rule(target), self.target(target)) {
            (Some(rule), _) => rule.pauses_on(reason),
            (None, Some(rule)) => rule.pauses_on.iter().any(|listed| listed == reason),
            (None, None) => false,
        }
    }

    /// Does this meet the clock of the target? The level's rule says, else the policy's, else what the target means.
    pub fn meets(&self, level: &Level, target: &Target, trigger: &Trigger) -> bool {
        match (level.rule(target), self.target(target)) {
            (Some(rule), _) => rule.met_by_trigger(trigger),
            (None, Some(rule)) => rule.met_by.contains(trigger),
            (None, None) => trigger.meets(target),
        }
    }

    fn target(&self, target: &Target) -> Option<&TargetRule> {
        self.targets.iter().find(|rule| rule.target == *target)
    }

    /// The queues that a ticket of this class is escalated to, one after the other.
    pub fn chain(&self, _class: &str) -> &[Text] {
        &[]
    }

    /// The queues that the policy sends tickets to, each once.
    pub fn queues(&self) -> impl Iterator<Item = &Text> {
        let levels = &self.priorities;
        levels.iter().enumerate().filter_map(|(index, level)| {
            let known = levels[..index].iter().any(|earlier| earlier.queue == level.queue);
            (!known).then_some(&level.queue)
        })
    }

    /// The required names that this opening does not bring: neither as a field, nor as `attr.NAME`, nor in `has`.
    pub fn missing(&self, open: &Open) -> Vec<Text> {
        self.required
            .iter()
            .filter(|name| !brings(open, name))
            .cloned()
            .collect()
    }
}

/// `opened_at` counts as given: without it, it is now.
fn brings(open: &Open, name: &str) -> bool {
    let fields = &open.fields;
    let list = |given: &Option<Vec<Text>>| given.as_ref().is_some_and(|list| !list.is_empty());
    let field = match name {
        "policy" => open.policy.is_some(),
        "queue" => open.queue.is_some(),
        "opened_at" => true,
        "class" => fields.class.is_some(),
        "priority" => fields.priority.is_some(),
        "customer" => fields.customer.is_some(),
        "segment" => fields.segment.is_some(),
        "channel" => fields.channel.is_some(),
        "skills" => fields.skills.as_ref().is_some_and(|list| !list.is_empty()),
        "issue" => fields.issue.is_some(),
        "parent" => fields.parent.is_some(),
        "prefer" => fields.prefer.is_some(),
        "calendar" => fields.calendar.is_some(),
        "links" => list(&fields.links),
        "assist" => list(&fields.assist),
        _ => name
            .strip_prefix("due.")
            .is_some_and(|target| fields.dues.iter().any(|(due, _)| due.to_string() == target)),
    };
    field
        || fields.has.iter().any(|has| has == name)
        || fields
            .attributes
            .iter()
            .any(|(attribute, _)| attribute == name.strip_prefix("attr.").unwrap_or(name))
}

impl Level {
    /// The rule of the clock aimed at this.
    pub fn rule(&self, target: &Target) -> Option<&ClockRule> {
        self.clocks.iter().find(|rule| rule.target == *target)
    }
}

impl ClockRule {
    /// The instant at which the budget is used up, without pauses.
    pub fn due(&self, start: UnixMs) -> UnixMs {
        self.budget.after(start)
    }

    /// The instant of the warning of a clock that runs from `start` to `due`: not before the start, always before the
    /// due. [`NEVER`] if the clock does not warn.
    pub fn warn_at(&self, start: UnixMs, due: UnixMs) -> UnixMs {
        if due <= start {
            return NEVER;
        }
        match self.warn {
            None => NEVER,
            Some(Warn::Before(ms)) => due.saturating_sub(ms).max(start),
            // Whole milliseconds, rounded down: at most 99 % of the run, so before the due. 128 bits: the product of
            // a century in ms and 99 fits 64, but a due may be the end of time.
            Some(Warn::Percent(percent)) => {
                let run = i128::from(due) - i128::from(start);
                let at = i128::from(start) + run * i128::from(percent) / 100;
                UnixMs::try_from(at).unwrap_or(NEVER)
            }
        }
    }

    /// Does this meet the clock?
    pub fn met_by_trigger(&self, trigger: &Trigger) -> bool {
        self.met_by.contains(trigger)
    }

    /// Does a pause for this reason stop the clock?
    pub fn pauses_on(&self, reason: &str) -> bool {
        self.pauses_on.iter().any(|listed| listed == reason)
    }
}
