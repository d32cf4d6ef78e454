//! Where the outcomes of one policy are counted: a row for each of its priorities, targets and outcomes.
//!
//! All but `other` are shown from the start, for any due can be set by hand, and a first breach has to be an increase: a
//! new series that begins at 1 is none. Rows that a later version adds stand behind all others, wherever those are.

use super::cells::Rows;
use super::sla::{Map, OUTCOMES};
use super::{OTHER, PolicyLabels};
use crate::model::Text;
use crate::model::target::{PLAIN, Target};

/// The rows of one policy. Priority 0 and target 0 are `other`; the plain targets follow that, in their order.
#[derive(Clone)]
pub(super) struct Grid {
    priorities: Names,
    targets: Names,
    /// Place of the first outcome, by priority and target.
    places: Vec<Vec<usize>>,
}

/// Names by number; the first is `other`, which is no name that could be found.
#[derive(Clone)]
struct Names {
    names: Vec<Text>,
    numbers: Map<usize>,
}

impl Names {
    fn new() -> Names {
        Names {
            names: vec![Text::const_new(OTHER)],
            numbers: Map::default(),
        }
    }

    fn add(&mut self, name: &str) {
        if name != OTHER && !self.numbers.contains_key(name) {
            self.numbers.insert(Text::new(name), self.names.len());
            self.names.push(Text::new(name));
        }
    }
}

impl Grid {
    /// The rows of a policy that names nothing, not laid out yet.
    pub(super) fn new() -> Grid {
        let mut targets = Names::new();
        PLAIN.iter().for_each(|(_, name)| targets.add(name));
        Grid {
            priorities: Names::new(),
            targets,
            places: Vec::new(),
        }
    }

    /// Takes the names of the policy; the number of rows that are to be laid out for it.
    pub(super) fn take(&mut self, policy: &PolicyLabels) -> usize {
        policy
            .priorities
            .iter()
            .for_each(|name| self.priorities.add(name));
        policy.targets.iter().for_each(|name| self.targets.add(name));
        let laid: usize = self.places.iter().map(Vec::len).sum();
        (self.priorities.names.len() * self.targets.names.len() - laid) * OUTCOMES.len()
    }

    /// Lays out what is missing, behind so many rows of the family and those in `layout`.
    pub(super) fn lay_out(&mut self, policy: &str, before: usize, layout: &mut Rows) {
        self.places.resize(self.priorities.names.len(), Vec::new());
        for (places, priority) in self.places.iter_mut().zip(&self.priorities.names) {
            for target in self.targets.names.iter().skip(places.len()) {
                places.push(before + layout.len());
                let always = priority != OTHER && target != OTHER;
                for outcome in OUTCOMES {
                    let labels = [
                        ("policy", policy),
                        ("target", target),
                        ("priority", priority),
                        ("outcome", outcome),
                    ];
                    layout.push(&labels, always);
                }
            }
        }
    }

    /// Number of the priority.
    pub(super) fn priority(&self, name: &str) -> Option<usize> {
        self.priorities.numbers.get(name).copied()
    }

    /// Number of the target.
    pub(super) fn target(&self, target: &Target) -> Option<usize> {
        let plain = PLAIN.iter().position(|(plain, _)| plain == target);
        let named = || self.targets.numbers.get(target.to_string().as_str()).copied();
        plain.map(|number| number + 1).or_else(named)
    }

    /// Place of the first outcome.
    pub(super) fn place(&self, priority: usize, target: usize) -> Option<usize> {
        self.places.get(priority)?.get(target).copied()
    }
}
