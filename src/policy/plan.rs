//! What the rules say of a ticket: the most specific one decides, for each clock and each property by itself.
//!
//! A plan borrows its clocks from those that all plans of a book share, so that ten thousand plans cost little more than
//! the rules. Plans know no ticket: when a clock starts and what becomes of it is the engine's matter.

use super::book::RuleBook;
use super::matching::{self, Keys, Place, Set};
use crate::model::Text;
use crate::model::rules::{ClockRule, Rule, Rules, Trigger};
use crate::model::skill::Required;
use crate::model::target::Target;
use std::sync::Arc;

/// What holds for tickets that the rules do not tell apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// 0 most urgent.
    pub rank: u8,
    /// Where they wait unless they name a queue.
    pub queue: Text,
    /// Skills that they require unless they name theirs.
    pub skills: Vec<Required>,
    /// The agent that gets them first; empty: none.
    pub prefer: Text,
    /// In the order of targets, one at most a target. One without a budget says how a due set by hand behaves.
    pub clocks: Vec<Arc<ClockRule>>,
    /// Indexes in [`Rules::stages`] of the stages that they pass, in order.
    pub stages: Vec<u16>,
    /// Which rules decided all but the clocks.
    pub set_by: SetBy,
    /// Which rule decided each clock; `None`: a stage or a `[targets]` table.
    by: Vec<Option<u32>>,
}

/// Indexes in [`Rules::rules`] of the rules that decided; `None`: none did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetBy {
    /// The rank; else it is the priority's.
    pub rank: Option<u32>,
    /// The queue.
    pub queue: Option<u32>,
    /// The skills.
    pub skills: Option<u32>,
    /// The preferred agent.
    pub prefer: Option<u32>,
}

/// Who decides what, for one policy: sets of rules, and the clocks shared by all its plans.
#[derive(Debug, Clone)]
pub(super) struct Deciders {
    rank: Set,
    queue: Set,
    skills: Set,
    prefer: Set,
    /// In the order of targets.
    clocks: Vec<Decider>,
    stages: Vec<Option<Arc<ClockRule>>>,
}

/// Who decides the clock of one target.
#[derive(Debug, Clone)]
struct Decider {
    target: Target,
    set: Set,
    /// Each of these rules' clock, in their order.
    clocks: Vec<(u32, Arc<ClockRule>)>,
    fallback: Option<Arc<ClockRule>>,
}

/// What a plan is made of: equal signatures, equal plans.
pub(super) type Signature = Vec<u32>;

/// No rule, in a signature.
const NOBODY: u32 = u32::MAX;

impl Deciders {
    pub(super) fn new(rules: &Rules) -> Deciders {
        let list = &rules.rules;
        let ruled = list.iter().flat_map(|rule| &rule.clocks);
        let staged = rules.stages.iter().filter_map(|stage| stage.clock.as_ref());
        let mut targets: Vec<&Target> = ruled
            .chain(staged)
            .chain(&rules.targets)
            .map(|clock| &clock.target)
            .collect();
        targets.sort();
        targets.dedup();
        let clocks = targets.into_iter().map(|target| Decider::new(rules, target));
        Deciders {
            rank: matching::set(list, |rule| rule.rank.is_some()),
            queue: matching::set(list, |rule| rule.queue.is_some()),
            skills: matching::set(list, |rule| rule.skills.is_some()),
            prefer: matching::set(list, |rule| rule.prefer.is_some()),
            clocks: clocks.collect(),
            stages: rules
                .stages
                .iter()
                .map(|stage| stage.clock.clone().map(Arc::new))
                .collect(),
        }
    }
}

impl Decider {
    fn new(rules: &Rules, target: &Target) -> Decider {
        let clock = |rule: &Rule| rule.clocks.iter().find(|clock| clock.target == *target).cloned();
        let fallback = rules.targets.iter().find(|clock| clock.target == *target);
        Decider {
            target: target.clone(),
            set: matching::set(&rules.rules, |rule| clock(rule).is_some()),
            clocks: rules
                .rules
                .iter()
                .enumerate()
                .filter_map(|(index, rule)| Some((index as u32, Arc::new(clock(rule)?))))
                .collect(),
            fallback: fallback.cloned().map(Arc::new),
        }
    }
}

impl RuleBook {
    /// The plan of tickets with these keys. Cost: see `matching`; [`super::Plans`] keeps what was worked out.
    pub fn plan(&self, keys: &Keys) -> Plan {
        let place = self.place(keys);
        let (_, set) = self.signature(place, keys.class);
        self.compose(place, keys.class, &set)
    }

    pub(super) fn place(&self, keys: &Keys) -> Place {
        self.matcher.place(keys)
    }

    fn rule_queue(&self, rule: Option<usize>) -> &str {
        rule.and_then(|rule| self.rules.rules[rule].queue.as_deref())
            .unwrap_or_default()
    }

    /// The matching rules, and what the plan is made of.
    pub(super) fn signature(&self, place: Place, class: &str) -> (Signature, Set) {
        let set = self.matcher.matching(place, |rule| self.rule_queue(rule));
        let deciders = &self.deciders;
        let first = |of: &Set| matching::first(&set, of).map_or(NOBODY, |rule| rule as u32);
        let mut signature = vec![
            u32::from(self.rank(place, &set)),
            first(&deciders.rank),
            first(&deciders.queue),
            first(&deciders.skills),
            first(&deciders.prefer),
        ];
        signature.extend(deciders.clocks.iter().map(|decider| first(&decider.set)));
        signature.extend(self.stages_of(class).map(u32::from));
        (signature, set)
    }

    fn rank(&self, place: Place, set: &Set) -> u8 {
        let ruled = matching::first(set, &self.deciders.rank);
        ruled
            .and_then(|rule| self.rules.rules[rule].rank)
            .unwrap_or_else(|| self.rules.priorities.get(place.priority()).map_or(0, |p| p.rank))
    }

    fn stages_of(&self, class: &str) -> impl Iterator<Item = u16> {
        let passes = move |patterns: &[crate::model::rules::ClassPattern]| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(class))
        };
        let stages = self.rules.stages.iter().enumerate();
        stages
            .filter(move |(_, stage)| passes(&stage.classes))
            .map(|(index, _)| index as u16)
    }

    pub(super) fn compose(&self, place: Place, class: &str, set: &Set) -> Plan {
        let deciders = &self.deciders;
        let deciding = |of: &Set| matching::first(set, of).map(|rule| rule as u32);
        let decided = |of: &Set| matching::first(set, of).map(|rule| &self.rules.rules[rule]);
        let stages: Vec<u16> = self.stages_of(class).collect();
        let mut clocks = Vec::new();
        let mut by = Vec::new();
        for decider in &deciders.clocks {
            let ruled = matching::first(set, &decider.set).map(|rule| rule as u32);
            let own = ruled.and_then(|rule| {
                let place = decider
                    .clocks
                    .binary_search_by_key(&rule, |(index, _)| *index)
                    .ok()?;
                Some(Arc::clone(&decider.clocks[place].1))
            });
            let staged = || {
                let aimed = |clock: &&Arc<ClockRule>| clock.target == decider.target;
                let mut clocks = stages
                    .iter()
                    .filter_map(|stage| deciders.stages[usize::from(*stage)].as_ref());
                clocks.find(aimed).map(Arc::clone)
            };
            if let Some(clock) = own.or_else(staged).or_else(|| decider.fallback.clone()) {
                clocks.push(clock);
                by.push(ruled);
            }
        }
        Plan {
            rank: self.rank(place, set),
            queue: decided(&deciders.queue)
                .and_then(|rule| rule.queue.clone())
                .unwrap_or_default(),
            skills: decided(&deciders.skills)
                .and_then(|rule| rule.skills.clone())
                .unwrap_or_default(),
            prefer: decided(&deciders.prefer)
                .and_then(|rule| rule.prefer.clone())
                .unwrap_or_default(),
            clocks,
            stages,
            set_by: SetBy {
                rank: deciding(&deciders.rank),
                queue: deciding(&deciders.queue),
                skills: deciding(&deciders.skills),
                prefer: deciding(&deciders.prefer),
            },
            by,
        }
    }
}

impl Plan {
    /// What holds for the clock of this target, with a budget or without.
    pub fn clock(&self, target: &Target) -> Option<&ClockRule> {
        let place = self
            .clocks
            .binary_search_by(|clock| clock.target.cmp(target))
            .ok()?;
        Some(&self.clocks[place])
    }

    /// The clock of this target, if the rules give it a budget.
    pub fn rule(&self, target: &Target) -> Option<&ClockRule> {
        self.clock(target).filter(|clock| clock.budget.is_some())
    }

    /// The clocks with a budget that this starts.
    pub fn started_by<'a>(&'a self, trigger: &'a Trigger) -> impl Iterator<Item = &'a ClockRule> {
        self.clocks
            .iter()
            .map(|clock| &**clock)
            .filter(move |clock| clock.budget.is_some() && clock.starts_on.contains(trigger))
    }

    /// Does a pause for this reason stop the clock of the target?
    pub fn stops(&self, target: &Target, reason: &str) -> bool {
        self.clock(target).is_some_and(|clock| clock.is_paused_by(reason))
    }

    /// Does this meet the clock of the target? Without a rule it does by what the target means.
    pub fn meets(&self, target: &Target, trigger: &Trigger) -> bool {
        match self.clock(target) {
            Some(clock) => clock.met_by.contains(trigger),
            None => trigger.meets(target),
        }
    }

    /// Index in [`Rules::rules`] of the rule that decided the clock; `None`: a stage, a `[targets]` table or nobody did.
    pub fn decided_by(&self, target: &Target) -> Option<usize> {
        let place = self
            .clocks
            .binary_search_by(|clock| clock.target.cmp(target))
            .ok()?;
        self.by[place].map(|rule| rule as usize)
    }
}
