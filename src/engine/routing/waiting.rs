//! Waiting NEXTs: agents whose AGENT.NEXT found nothing and waits. Transient: a restart ends them all.

use crate::collections::hash::SeededHash;
use crate::engine::WaiterId;
use crate::engine::state::SEED;
use crate::model::command::Common;
use std::collections::{BTreeMap, HashMap};

/// One waiting NEXT.
#[derive(Debug)]
pub(in crate::engine) struct Waiter {
    /// The daemon's number for it.
    pub id: WaiterId,
    /// `by`, `reason`, `token` of the command.
    pub common: Option<Box<Common>>,
    profile: u32,
    since: u64,
}

/// All waiting NEXTs, at most one an agent.
#[derive(Debug)]
pub(in crate::engine) struct Waiting {
    agents: HashMap<u32, Waiter, SeededHash>,
    by_id: HashMap<WaiterId, u32, SeededHash>,
    /// Agents of each profile by how long they wait.
    by_profile: BTreeMap<u32, BTreeMap<u64, u32>>,
    began: u64,
}

impl Default for Waiting {
    fn default() -> Waiting {
        let hash = SeededHash::new(SEED);
        Waiting {
            agents: HashMap::with_hasher(hash),
            by_id: HashMap::with_hasher(hash),
            by_profile: BTreeMap::new(),
            began: 0,
        }
    }
}

impl Waiting {
    /// The agent waits; the caller has ended an older wait of the same agent.
    pub(in crate::engine) fn begin(
        &mut self,
        agent: u32,
        profile: u32,
        id: WaiterId,
        common: Option<Box<Common>>,
    ) {
        self.began += 1;
        self.by_profile
            .entry(profile)
            .or_default()
            .insert(self.began, agent);
        self.by_id.insert(id, agent);
        self.agents.insert(
            agent,
            Waiter {
                id,
                common,
                profile,
                since: self.began,
            },
        );
    }

    /// Ends the wait of this agent.
    pub(in crate::engine) fn end(&mut self, agent: u32) -> Option<Waiter> {
        let waiter = self.agents.remove(&agent)?;
        self.by_id.remove(&waiter.id);
        if let Some(agents) = self.by_profile.get_mut(&waiter.profile) {
            agents.remove(&waiter.since);
            if agents.is_empty() {
                self.by_profile.remove(&waiter.profile);
            }
        }
        Some(waiter)
    }

    /// Ends the wait with this number.
    pub(in crate::engine) fn cancel(&mut self, id: WaiterId) -> bool {
        self.by_id
            .get(&id)
            .copied()
            .is_some_and(|agent| self.end(agent).is_some())
    }

    /// The agent's profile changed: it keeps its place in time.
    pub(in crate::engine) fn move_to(&mut self, agent: u32, profile: u32) {
        let Some(waiter) = self.agents.get_mut(&agent) else {
            return;
        };
        let (old, since) = (waiter.profile, waiter.since);
        waiter.profile = profile;
        if let Some(agents) = self.by_profile.get_mut(&old) {
            agents.remove(&since);
            if agents.is_empty() {
                self.by_profile.remove(&old);
            }
        }
        self.by_profile.entry(profile).or_default().insert(since, agent);
    }

    /// The agent that has waited longest among the profiles that can. Cost: the profiles that wait.
    pub(in crate::engine) fn longest(&self, mut can: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut longest: Option<(u64, u32)> = None;
        for (profile, agents) in &self.by_profile {
            if let Some((since, agent)) = agents.first_key_value()
                && longest.is_none_or(|(best, _)| *since < best)
                && can(*profile)
            {
                longest = Some((*since, *agent));
            }
        }
        longest.map(|(_, agent)| agent)
    }

    pub(in crate::engine) fn is_waiting(&self, agent: u32) -> bool {
        self.agents.contains_key(&agent)
    }

    pub(in crate::engine) fn len(&self) -> usize {
        self.agents.len()
    }

    pub(in crate::engine) fn agents(&self) -> impl Iterator<Item = u32> {
        self.agents.keys().copied()
    }
}
