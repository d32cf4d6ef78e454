//! Facts about agents.

use crate::engine::state::State;
use crate::model::Seq;
use crate::model::event::{AgentEvent, AgentFact, AgentProfile};

impl State {
    pub(super) fn apply_agent(&mut self, seq: Seq, event: &AgentEvent) {
        let slot = self.agent_or_new(&event.id);
        self.before_agent(slot);
        match &event.fact {
            AgentFact::Changed(described) => {
                let profile = self.profile_of(described);
                if let Some(agent) = self.agents.get_mut(slot) {
                    agent.described = described.clone();
                    agent.changed_seq = seq;
                    agent.profile = profile;
                }
                self.routing.waiting.move_to(slot, profile);
            }
            AgentFact::Presence { presence, reason } => {
                if let Some(agent) = self.agents.get_mut(slot) {
                    agent.presence = *presence;
                    agent.reason = reason.clone();
                    agent.presence_seq = seq;
                }
            }
        }
    }

    /// Number of the profile of an agent so described.
    pub(in crate::engine) fn profile_of(&mut self, described: &AgentProfile) -> u32 {
        let queues = described
            .queues
            .iter()
            .map(|queue| self.queues.intern(queue))
            .collect();
        self.routing.profiles.intern(queues, &described.skills)
    }
}
