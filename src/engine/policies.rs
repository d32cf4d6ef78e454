//! Policy versions: all stay readable, the newest of each name is active.

use super::calendars::{Calendars, Extended, Lines};
use crate::calendar::Calendar;
use crate::model::Text;
use crate::model::event::{Details, PolicyActivated};
use crate::policy::{ClockRule, Keys, Plan, Plans, RuleBook};
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
    /// The calendars that counted when it took effect, those that its tickets may name among them.
    lines: Lines,
    /// How many calendar versions there were then: a snapshot tells both in their order.
    calendars_before: usize,
}

/// What a ticket is under: its policy version, and what that says of tickets like it.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub book: Arc<RuleBook>,
    pub plan: Arc<Plan>,
    /// The ticket's own calendar, which counts in place of the policy's.
    pub own: Option<Arc<Calendar>>,
}

impl Terms {
    /// The calendar of a clock, if it has one: the ticket's own, else the policy's.
    pub(super) fn calendar(&self, rule: &ClockRule) -> Option<&Calendar> {
        let of_policy = self.book.calendar(rule);
        match (&self.own, rule.calendar) {
            (Some(own), Some(_)) => Some(own),
            _ => of_policy.map(|calendar| &**calendar),
        }
    }
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
    pub(super) fn activate(&mut self, fact: &PolicyActivated, calendars: &Calendars) -> Result<(), String> {
        let mut book = RuleBook::activated(fact)
            .map_err(|what| format!("policy {}@{} cannot be used: {what}", fact.name, fact.version))?;
        for name in fact.rules.calendars.clone() {
            let calendar = calendars.newest(&name).ok_or_else(|| {
                format!(
                    "policy {}@{} names calendar {name}, which is not there",
                    fact.name, fact.version
                )
            })?;
            book.use_calendar(&name, calendar);
        }
        self.active.insert(fact.name.clone(), self.versions.len() as u32);
        self.versions.push(Version {
            fact: fact.clone(),
            book: Arc::new(book),
            plans: Plans::default(),
            lines: calendars.lines().clone(),
            calendars_before: calendars.facts().len(),
        });
        Ok(())
    }

    /// The active version of this name.
    pub(super) fn active(&self, name: &str) -> Option<u32> {
        self.active.get(name).copied()
    }

    /// A longer calendar takes the place of the one before, wherever that one counts.
    pub(super) fn use_calendar(&mut self, name: &str, extended: &Extended) {
        for version in &mut self.versions {
            if version.lines.get(name) == Some(&extended.line) {
                Arc::make_mut(&mut version.book).use_calendar(name, &extended.calendar);
            }
        }
    }

    /// The line of this calendar that counts for tickets of a version.
    pub(super) fn line(&self, number: u32, calendar: &str) -> Option<u32> {
        self.versions.get(number as usize)?.lines.get(calendar).copied()
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
            own: None,
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

    /// Every version as it was activated, and how many calendar versions there were before it.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&PolicyActivated, usize)> {
        self.versions
            .iter()
            .map(|version| (&version.fact, version.calendars_before))
    }
}
