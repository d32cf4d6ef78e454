//! Policy versions: all stay readable, the newest of each name is active.

use crate::model::Text;
use crate::model::event::PolicyActivated;
use crate::policy::RuleBook;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All versions, in the order in which they took effect.
#[derive(Debug, Default)]
pub(super) struct Policies {
    books: Vec<(PolicyActivated, Arc<RuleBook>)>,
    active: BTreeMap<Text, u32>,
}

impl Policies {
    /// The version takes effect. Fails when its text cannot be read, which a log written by this program never shows.
    pub(super) fn activate(&mut self, fact: &PolicyActivated) -> Result<(), String> {
        let book = RuleBook::parse(&fact.name, &fact.text, fact.version).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            format!("policy {}@{} cannot be read: {first}", fact.name, fact.version)
        })?;
        self.active.insert(fact.name.clone(), self.books.len() as u32);
        self.books.push((fact.clone(), Arc::new(book)));
        Ok(())
    }

    /// The active version of this name.
    pub(super) fn active(&self, name: &str) -> Option<u32> {
        self.active.get(name).copied()
    }

    /// This very version.
    pub(super) fn find(&self, name: &str, version: u32) -> Option<u32> {
        self.books
            .iter()
            .position(|(fact, _)| fact.name == name && fact.version == version)
            .map(|i| i as u32)
    }

    pub(super) fn book(&self, number: u32) -> &Arc<RuleBook> {
        &self.books[number as usize].1
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.active.keys().map(Text::as_str)
    }

    pub(super) fn active_books(&self) -> impl Iterator<Item = &RuleBook> {
        self.active
            .values()
            .map(|number| &*self.books[*number as usize].1)
    }

    /// Every version as it was activated.
    pub(super) fn facts(&self) -> impl Iterator<Item = &PolicyActivated> {
        self.books.iter().map(|(fact, _)| fact)
    }
}
