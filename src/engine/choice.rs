//! Which version of a policy: the one that was named, the one in force, or the pilot.
//!
//! Cost: a look-up of the name; where a pilot asks for queues and the ticket names none, the plan of the version in force.

use super::decide::{priority, set_details};
use super::policies::keys;
use super::state::State;
use crate::model::command::Open;
use crate::model::event::Details;
use crate::model::{Refusal, text};
use std::sync::Arc;

impl State {
    /// The policy and this version of it are known.
    pub(super) fn check_version(&self, policy: &str, version: u32) -> Result<u32, Refusal> {
        if let Some(number) = self.policies.find(policy, version) {
            return Ok(number);
        }
        let all = self.policies.all(policy);
        let versions = all.first().zip(all.last()).map(|(first, last)| {
            let version = |number: u32| self.policies.fact(number).version;
            (version(*first), version(*last))
        });
        match versions {
            Some((first, last)) => Err(Refusal::bad_arg(format!(
                "{policy} has no version {version}: it takes {first} to {last}"
            ))),
            None => self.known_policy(policy),
        }
    }

    /// The version that new tickets under this policy get.
    pub(super) fn known_policy(&self, name: &str) -> Result<u32, Refusal> {
        let known = self.policies.active(name).or_else(|| self.policies.newest(name));
        known.ok_or_else(|| self.unknown_policy(name))
    }

    /// No name has an `@`, but tickets show the version that they are under as `name@version`.
    fn unknown_policy(&self, given: &str) -> Refusal {
        let known: Vec<&str> = self.policies.names().collect();
        let all = known.join(", ");
        let Some((name, _)) = given.split_once('@') else {
            let hint = text::hint(given, known);
            return Refusal::bad_arg(format!("policy '{given}' is not known{hint}: it takes {all}"));
        };
        let right = text::nearest(name, known).map_or_else(|| all.clone(), |right| format!("'{right}'"));
        Refusal::bad_arg(format!(
            "policy takes a name; '{given}' looks like name@version: write {right}"
        ))
    }

    /// The version that a new ticket gets: the pilot if it is for such a ticket, else the one in force.
    pub(super) fn version_for(&mut self, name: &str, open: &Open) -> Result<u32, Refusal> {
        let active = self.known_policy(name).map_err(|mut refusal| {
            if name.contains('@') {
                refusal.message +=
                    ", for a version is not chosen at opening: a ticket gets the one in force, or the pilot";
            }
            refusal
        })?;
        let Some(number) = self.policies.pilot(name) else {
            return Ok(active);
        };
        let Some(pilot) = &self.policies.fact(number).rules.pilot else {
            return Ok(active);
        };
        let fields = &open.fields;
        let class = fields.class.as_deref().unwrap_or_default();
        let segment = fields.segment.as_deref().unwrap_or_default();
        let by_class = pilot.classes.iter().any(|pattern| pattern.matches(class));
        if by_class || pilot.segments.iter().any(|listed| listed == segment) {
            return Ok(number);
        }
        if pilot.queues.is_empty() {
            return Ok(active);
        }
        let queues = pilot.queues.clone();
        let queue = match &open.queue {
            Some(queue) => queue.clone(),
            // Where the version in force would send it: the pilot must not decide what is its own.
            None => {
                let book = Arc::clone(self.policies.book(active));
                let Ok((level, _)) = priority(&book, fields) else {
                    return Ok(active);
                };
                let mut details = Details::default();
                set_details(&mut details, fields);
                let plan = self.policies.plan(active, &keys(&details, level, None));
                self.policies.plan_of(active, plan).queue.clone()
            }
        };
        Ok(if queues.contains(&queue) { number } else { active })
    }
}
