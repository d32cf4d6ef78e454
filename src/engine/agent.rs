//! An agent as the engine keeps it.

use crate::model::event::{AgentProfile, Presence};
use crate::model::{Seq, Text};
use std::collections::BTreeMap;

/// An agent. `held` and `load` follow from the tickets and are not stored.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub id: Text,
    pub described: AgentProfile,
    pub presence: Presence,
    /// Why, if paused.
    pub reason: Text,
    pub changed_seq: Seq,
    /// Seq of the last change of presence; 0: none yet.
    pub presence_seq: Seq,
    /// Tickets in hand by the seq of their assignment.
    pub held: BTreeMap<Seq, u32>,
    /// How many of them count against the capacity.
    pub load: u32,
    /// Number of the profile that agents with the same queues and skills share.
    pub profile: u32,
}

impl Agent {
    pub(super) fn new(id: Text) -> Agent {
        Agent {
            id,
            described: AgentProfile {
                queues: Vec::new(),
                skills: Vec::new(),
                capacity: 1,
                label: Text::default(),
            },
            presence: Presence::Offline,
            reason: Text::default(),
            changed_seq: 0,
            presence_seq: 0,
            held: BTreeMap::new(),
            load: 0,
            profile: super::ticket::NONE,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.load >= self.described.capacity
    }
}
