//! Policy versions: all stay readable; of each name one is in force for new tickets, beside it perhaps a pilot.
//!
//! Costs: the version of a new ticket is found by one look-up of the name; a version by a look-up and a binary search.

use super::calendars::{Calendars, Extended, Lines};
use super::clock::Clock;
use crate::calendar::Calendar;
use crate::model::event::{Details, PolicyActivated};
use crate::model::{DurationMs, Text, UnixMs};
use crate::policy::{ClockRule, Keys, Plan, Plans, RuleBook};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All versions, in the order in which they took effect.
#[derive(Debug, Default)]
pub(super) struct Policies {
    versions: Vec<Version>,
    names: BTreeMap<Text, Versions>,
}

/// The versions of one name, by their numbers in [`Policies`].
#[derive(Debug, Default)]
struct Versions {
    /// All, in rising order of their versions.
    all: Vec<u32>,
    /// The newest without a pilot.
    active: Option<u32>,
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
    /// Earlier versions whose rules clocks of the ticket go on under, and what these say; few tickets have any.
    pub older: Vec<(u32, Terms)>,
}

impl Terms {
    /// Those that gave a clock its due, and whose time it counts: of an earlier version, if it came from there with its due kept.
    pub(super) fn of(&self, clock: &Clock) -> &Terms {
        let version = clock.version();
        let older = version.and_then(|version| self.older.iter().find(|(known, _)| *known == version));
        older.map_or(self, |(_, terms)| terms)
    }

    /// The calendar of what has no clock's own: the ticket's, else the first that the policy names.
    pub(super) fn usual_calendar(&self) -> Option<&Calendar> {
        let of_policy = || self.book.calendar_at(0);
        self.own
            .as_deref()
            .or_else(|| of_policy().map(|calendar| &**calendar))
    }

    /// What is left of a running clock, ms of its own time: of working time where it counts that, else day and night.
    pub(super) fn left(&self, clock: &Clock, now: UnixMs) -> DurationMs {
        let terms = self.of(clock);
        match terms.plan.clock(&clock.target).filter(|_| !clock.by_hand) {
            Some(rule) => rule.between(now, clock.due, terms.calendar(rule)),
            None => clock.due - now,
        }
    }

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
        let number = self.versions.len() as u32;
        let versions = self.names.entry(fact.name.clone()).or_default();
        let newest = versions
            .all
            .last()
            .map_or(0, |last| self.versions[*last as usize].fact.version);
        if fact.version <= newest {
            return Err(format!(
                "policy {}@{} follows {}@{newest}",
                fact.name, fact.version, fact.name
            ));
        }
        versions.all.push(number);
        if fact.rules.pilot.is_none() {
            versions.active = Some(number);
        }
        self.versions.push(Version {
            fact: fact.clone(),
            book: Arc::new(book),
            plans: Plans::default(),
            lines: calendars.lines().clone(),
            calendars_before: calendars.facts().len(),
        });
        Ok(())
    }

    /// The version of this name that new tickets get unless a pilot is for them.
    pub(super) fn active(&self, name: &str) -> Option<u32> {
        self.names.get(name)?.active
    }

    /// The newest version of this name if it is tried on some tickets only.
    pub(super) fn pilot(&self, name: &str) -> Option<u32> {
        self.newest(name)
            .filter(|number| self.fact(*number).rules.pilot.is_some())
    }

    /// The newest version of this name, a pilot or not.
    pub(super) fn newest(&self, name: &str) -> Option<u32> {
        self.names.get(name)?.all.last().copied()
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
            older: Vec::new(),
        }
    }

    /// The plan of this number that a version has.
    pub(super) fn plan_of(&self, number: u32, plan: u32) -> &Plan {
        self.versions[number as usize].plans.get(plan)
    }

    /// The version as it was activated.
    pub(super) fn fact(&self, number: u32) -> &PolicyActivated {
        &self.versions[number as usize].fact
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(Text::as_str)
    }

    pub(super) fn active_books(&self) -> impl Iterator<Item = &RuleBook> {
        self.names
            .values()
            .flat_map(|versions| versions.active.iter().chain(versions.all.last()))
            .map(|number| &*self.versions[*number as usize].book)
    }

    /// Every version as it was activated, and how many calendar versions there were before it.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&PolicyActivated, usize)> {
        self.versions
            .iter()
            .map(|version| (&version.fact, version.calendars_before))
    }
}
