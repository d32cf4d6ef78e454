//! In whose hands: ASSIGN, RELEASE, TRANSFER.

use super::Case;
use crate::engine::effects::Effects;
use crate::engine::transaction::{Saying, Transaction};
use crate::model::event::{AssignedHow, Released, TicketFact, TicketState};
use crate::model::{Refusal, Seq, Text, text};
use crate::policy::Trigger;

impl Transaction<'_> {
    pub(super) fn assign(&mut self, case: &Case, agent: &Text) -> Result<Seq, Refusal> {
        let slot = self.known_agent(agent)?;
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.enter(TicketState::Assigned);
        effects.happens(&Trigger::Assign);
        let from = self.state.agent_name(ticket.agent);
        let counts = u32::from(!ticket.is_paused());
        let over = self.state.agents.get(slot).map_or(0, |agent| {
            (agent.load + counts).saturating_sub(agent.described.capacity)
        });
        let told = effects.finish();
        let fact = TicketFact::Assigned {
            how: AssignedHow::Assign,
            over,
            from,
        };
        let saying = Saying {
            common: case.common,
            told,
            agent: Some(agent.clone()),
            ..Saying::default()
        };
        let seq = self.say(case.slot, case.at, fact, saying);
        if self.state.agents.get(slot).is_some_and(|agent| agent.is_full()) {
            self.end_wait(slot);
        }
        Ok(seq)
    }

    pub(super) fn release(&mut self, case: &Case) -> Seq {
        self.give_back(case, Released::Command, 0)
    }

    /// The ticket goes back to its queue.
    pub(super) fn give_back(&mut self, case: &Case, why: Released, cause: Seq) -> Seq {
        self.put_back(
            case,
            TicketFact::Released { why },
            cause,
            &[Trigger::Release],
            None,
        )
    }

    pub(super) fn transfer(&mut self, case: &Case, queue: &Text) -> Result<Seq, Refusal> {
        self.known_queue(queue)?;
        let from = self
            .state
            .tickets
            .get(case.slot)
            .map(|ticket| self.state.queues.name(ticket.queue).clone());
        let fact = TicketFact::Transferred {
            from: from.unwrap_or_default(),
        };
        Ok(self.send_to_queue(case, fact, queue.clone()))
    }

    /// The ticket goes to another queue, in nobody's hands.
    pub(super) fn send_to_queue(&mut self, case: &Case, fact: TicketFact, queue: Text) -> Seq {
        let triggers = [Trigger::Transfer, Trigger::TransferTo(queue.clone())];
        self.put_back(case, fact, 0, &triggers, Some(queue))
    }

    fn put_back(
        &mut self,
        case: &Case,
        fact: TicketFact,
        cause: Seq,
        triggers: &[Trigger],
        queue: Option<Text>,
    ) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.enter(TicketState::Waiting);
        for trigger in triggers {
            effects.happens(trigger);
        }
        let told = effects.finish();
        let saying = Saying {
            cause,
            common: case.common,
            told,
            queue,
            ..Saying::default()
        };
        self.say(case.slot, case.at, fact, saying)
    }

    pub(super) fn known_agent(&self, id: &Text) -> Result<u32, Refusal> {
        self.state
            .agent_slot(id)
            .ok_or_else(|| Refusal::not_found(format!("agent '{id}' is not known: create it with AGENT.SET")))
    }

    /// Refuses a queue that neither a policy, nor the configuration, nor QUEUE.SET has named.
    pub(super) fn known_queue(&self, name: &str) -> Result<(), Refusal> {
        if self.state.knows_queue(name) {
            return Ok(());
        }
        let mut known: Vec<&str> = self.state.queues.iter().map(|(_, name)| name.as_str()).collect();
        known.sort_unstable();
        Err(Refusal::bad_arg(format!(
            "queue '{name}' is not known{}: it takes {}, or declare it with QUEUE.SET {name} open",
            text::hint(name, known.iter().copied()),
            some(&known)
        )))
    }
}

/// The first few names, and how many more there are.
pub(super) fn some(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    match names.len() {
        0..=SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}
