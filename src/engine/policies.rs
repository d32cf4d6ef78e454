//! Policy versions: all stay readable; of each name one is in force for new tickets, beside it perhaps a pilot.
//!
//! Costs: the version of a new ticket is found by one look-up of the name; a version by a look-up and a binary search.

use crate::model::Text;
use crate::model::event::PolicyActivated;
use crate::policy::RuleBook;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All versions, in the order in which they took effect.
#[derive(Debug, Default)]
pub(super) struct Policies {
    books: Vec<(PolicyActivated, Arc<RuleBook>)>,
    names: BTreeMap<Text, Versions>,
}

/// The versions of one name, by their numbers in [`Policies`].
#[derive(Debug, Default)]
struct Versions {
    /// All, in rising order of their versions.
    all: Vec<u32>,
    /// The newest.
    newest: u32,
}

impl Policies {
    /// The version takes effect. Fails when its text cannot be read, which a log written by this program never shows.
    pub(super) fn activate(&mut self, fact: &PolicyActivated) -> Result<(), String> {
        let book = RuleBook::parse(&fact.name, &fact.text, fact.version).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            format!("policy {}@{} cannot be read: {first}", fact.name, fact.version)
        })?;
        let number = self.books.len() as u32;
        let versions = self.names.entry(fact.name.clone()).or_default();
        let newest = versions
            .all
            .last()
            .map_or(0, |last| self.books[*last as usize].0.version);
        if fact.version <= newest {
            return Err(format!(
                "policy {}@{} follows {}@{newest}",
                fact.name, fact.version, fact.name
            ));
        }
        versions.all.push(number);
        versions.newest = number;
        self.books.push((fact.clone(), Arc::new(book)));
        Ok(())
    }

    /// The version of this name that new tickets get.
    pub(super) fn active(&self, name: &str) -> Option<u32> {
        self.names.get(name).map(|versions| versions.newest)
    }

    /// The newest version of this name, a pilot or not.
    pub(super) fn newest(&self, name: &str) -> Option<u32> {
        self.names.get(name)?.all.last().copied()
    }

    /// This very version.
    pub(super) fn find(&self, name: &str, version: u32) -> Option<u32> {
        let all = self.all(name);
        let at = all.binary_search_by_key(&version, |number| self.fact(*number).version);
        at.ok().map(|at| all[at])
    }

    /// The version of this name that came after this one.
    pub(super) fn next(&self, name: &str, version: u32) -> Option<u32> {
        let mut later = self.all(name).iter().copied();
        later.find(|number| self.fact(*number).version > version)
    }

    /// Every version of this name, oldest first.
    pub(super) fn all(&self, name: &str) -> &[u32] {
        self.names.get(name).map_or(&[], |versions| &versions.all)
    }

    pub(super) fn book(&self, number: u32) -> &Arc<RuleBook> {
        &self.books[number as usize].1
    }

    /// The version as it was activated.
    pub(super) fn fact(&self, number: u32) -> &PolicyActivated {
        &self.books[number as usize].0
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(Text::as_str)
    }

    pub(super) fn active_books(&self) -> impl Iterator<Item = &RuleBook> {
        self.names
            .values()
            .map(|versions| &*self.books[versions.newest as usize].1)
    }

    /// Every version as it was activated.
    pub(super) fn facts(&self) -> impl Iterator<Item = &PolicyActivated> {
        self.books.iter().map(|(fact, _)| fact)
    }
}
