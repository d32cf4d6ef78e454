//! PAUSE and RESUME: clocks that name the reason stand still; the agent is free meanwhile.

use super::Case;
use crate::engine::effects::Effects;
use crate::engine::transaction::Transaction;
use crate::model::event::{Presence, Released, Return, TicketFact};
use crate::model::{Code, Refusal, Seq, Text};

/// Pauses of one ticket: all are kept, for dues are reckoned by them.
const PAUSES_MAX: usize = 1_000;

impl Transaction<'_> {
    pub(super) fn pause(&mut self, case: &Case, reason: &Text) -> Result<Seq, Refusal> {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let before = ticket.pause.as_deref().map_or(0, |pause| pause.over.len());
        if before >= PAUSES_MAX {
            let what = format!(
                "{} was paused {before} times: a ticket takes {PAUSES_MAX}",
                ticket.id
            );
            return Err(Refusal::new(Code::Limit, what));
        }
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.pause(reason);
        // The reason stands in the fact.
        let common = case.common.map(|common| crate::model::command::Common {
            reason: None,
            ..common.clone()
        });
        let case = Case {
            common: common.as_ref(),
            ..*case
        };
        let fact = TicketFact::Paused {
            reason: reason.clone(),
        };
        Ok(self.tell(&case, fact, effects))
    }

    pub(super) fn resume(&mut self, case: &Case) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.resume();
        let over = self.over_when_back(case.slot);
        let seq = self.tell(case, TicketFact::Resumed(Return { resumed: true, over }), effects);
        self.release_if_left(case, seq);
        seq
    }

    /// By how much the holder's capacity is exceeded when the ticket counts again.
    pub(super) fn over_when_back(&self, slot: u32) -> u32 {
        let holder = self
            .state
            .tickets
            .get(slot)
            .and_then(|ticket| self.state.agents.get(ticket.agent));
        holder.map_or(0, |agent| {
            (agent.load + 1).saturating_sub(agent.described.capacity)
        })
    }

    /// A ticket that comes back to an agent who has left goes back to its queue; one that comes back to an agent who
    /// waits for work may fill that agent's hands.
    pub(super) fn release_if_left(&mut self, case: &Case, cause: Seq) {
        let Some(agent) = self.state.tickets.get(case.slot).map(|ticket| ticket.agent) else {
            return;
        };
        match self
            .state
            .agents
            .get(agent)
            .map(|agent| (agent.presence, agent.is_full()))
        {
            Some((Presence::Offline, _))
                if self.state.agents.get(agent).is_some_and(|a| a.presence_seq != 0) =>
            {
                let case = Case {
                    slot: case.slot,
                    at: self.now,
                    common: None,
                };
                self.give_back(&case, Released::AgentLeft, cause);
            }
            Some((_, true)) => self.end_wait(agent),
            _ => {}
        }
    }
}
