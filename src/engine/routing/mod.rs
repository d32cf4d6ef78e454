//! Who gets what. Derived state: rebuilt from tickets and agents, never stored.
//!
//! A *requirement* is a queue and a set of required skills; agents with equal queues and skills share a
//! *profile*; which requirements a profile can serve is worked out once and kept as bits. Waiting tickets stand
//! in *lanes*, one per requirement and rank, each ordered by live deadline, receipt, opening. The best ticket for
//! an agent is the best head among the non-empty lanes of the most urgent rank that the profile can serve: the
//! cost depends on the number of such lanes, never on the backlog.

mod lanes;
mod profiles;
mod requirements;
mod waiting;

pub(super) use lanes::{Key, WaitingLanes};
pub(super) use profiles::Profiles;
pub(super) use requirements::Requirements;
pub(super) use waiting::Waiting;

/// The routing state.
#[derive(Debug, Default)]
pub(super) struct Routing {
    pub requirements: Requirements,
    pub profiles: Profiles,
    pub lanes: WaitingLanes,
    pub waiting: Waiting,
}

impl Routing {
    /// The best waiting ticket for agents of this profile, and the order it stands in.
    pub(super) fn best(&mut self, profile: u32) -> Option<(Key, u32)> {
        let serves = self.profiles.serves(profile, &self.requirements);
        self.lanes.best(serves)
    }

    /// The agent that has waited longest among those for whom there is a ticket, and the best ticket for it.
    pub(super) fn best_for_waiting(&mut self) -> Option<(u32, u32)> {
        let Routing {
            requirements,
            profiles,
            lanes,
            waiting,
        } = self;
        let mut found = None;
        let agent = waiting.longest(|profile| {
            let best = lanes.best(profiles.serves(profile, requirements));
            if let Some((_, slot)) = best {
                found = Some(slot);
            }
            best.is_some()
        })?;
        Some((found?, agent))
    }

    /// The agent that has waited longest among those who can serve the requirement.
    pub(super) fn longest_waiting(&mut self, requirement: u32) -> Option<u32> {
        let Routing {
            requirements,
            profiles,
            waiting,
            ..
        } = self;
        waiting.longest(|profile| profiles.serves(profile, requirements).get(requirement))
    }
}
