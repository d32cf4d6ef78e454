//! Policy versions: all stay readable, the newest of each name is active.

use crate::model::Text;
use crate::model::event::{Details, PolicyActivated};
use crate::policy::{Keys, Plan, Plans, RuleBook};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All versions, in the order in which they took effect.
#[derive(Debug, Default)]
pub(super) struct Policies {
    versions: Vec<Version>,
    active: BTreeMap<Text, u32>,
}

/// One version, and the plans that tickets have had under it. Plans are derived: in no hash and no snapshot.
#[derive(Debug)]
struct Version {
    fact: PolicyActivated,
    book: Arc<RuleBook>,
    plans: Plans,
}

/// What a ticket is under: its policy version, and what that says of tickets like it.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub book: Arc<RuleBook>,
    pub plan: Arc<Plan>,
}

/// What rules match a ticket by: `queue` is the one that it was opened with, if it named one.
pub(super) fn keys<'a>(details: &'a Details, priority: u16, queue: Option<&'a str>) -> Keys<'a> {
    Keys {
        class: &details.class,
        priority,
        segment: &details.segment,
        channel: &details.channel,
        customer: &details.customer,
        queue,
    }
}

impl Policies {
    /// The version takes effect. Fails when its compiled form makes no sense, which a log written by this program never
    /// shows.
    pub(super) fn activate(&mut self, fact: &PolicyActivated) -> Result<(), String> {
        let book = RuleBook::activated(fact)
            .map_err(|what| format!("policy {}@{} cannot be used: {what}", fact.name, fact.version))?;
        self.active.insert(fact.name.clone(), self.versions.len() as u32);
        self.versions.push(Version {
            fact: fact.clone(),
            book: Arc::new(book),
            plans: Plans::default(),
        });
        Ok(())
    }

    /// The active version of this name.
    pub(super) fn active(&self, name: &str) -> Option<u32> {
        self.active.get(name).copied()
    }

    /// This very version.
    pub(super) fn find(&self, name: &str, version: u32) -> Option<u32> {
        self.versions
            .iter()
            .position(|known| known.fact.name == name && known.fact.version == version)
            .map(|i| i as u32)
    }

    pub(super) fn book(&self, number: u32) -> &Arc<RuleBook> {
        &self.versions[number as usize].book
    }

    /// Number of the plan that a version has for these keys.
    pub(super) fn plan(&mut self, number: u32, keys: &Keys) -> u32 {
        let Version { book, plans, .. } = &mut self.versions[number as usize];
        plans.find(book, keys)
    }

    /// The version and the plan of these numbers.
    pub(super) fn terms(&self, number: u32, plan: u32) -> Terms {
        let version = &self.versions[number as usize];
        Terms {
            book: Arc::clone(&version.book),
            plan: Arc::clone(version.plans.get(plan)),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.active.keys().map(Text::as_str)
    }

    pub(super) fn active_books(&self) -> impl Iterator<Item = &RuleBook> {
        self.active
            .values()
            .map(|number| &*self.versions[*number as usize].book)
    }

    /// Every version as it was activated.
    pub(super) fn facts(&self) -> impl Iterator<Item = &PolicyActivated> {
        self.versions.iter().map(|version| &version.fact)
    }
}
