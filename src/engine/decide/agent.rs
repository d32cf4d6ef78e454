//! Commands to agents.

use super::Case;
use crate::engine::WaiterId;
use crate::engine::transaction::{Transaction, origin};
use crate::model::command::{AgentCommand, AgentFields, AgentOp, Common, QUEUE_NONE};
use crate::model::event::{AgentEvent, AgentFact, AgentProfile, Body, Presence, Released};
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, Seq, Text};

/// What a command comes to.
pub(in crate::engine) enum Next {
    /// An answer.
    Reply(Reply),
    /// The answer comes when there is a ticket.
    Wait,
}

impl Transaction<'_> {
    pub(super) fn agent(&mut self, command: &AgentCommand, waiter: WaiterId) -> Result<Next, Refusal> {
        let common = command.common.as_deref();
        let (presence, reason) = match &command.op {
            AgentOp::Set(fields) => return self.set_agent(&command.id, fields, common).map(done),
            AgentOp::Next { block_ms } => {
                return self.next(&command.id, *block_ms, command.common.clone(), waiter);
            }
            AgentOp::Leave { keep } => return self.leave(&command.id, *keep, common).map(done),
            AgentOp::Ready => (Presence::Ready, Text::default()),
            AgentOp::Away => (Presence::Away, Text::default()),
            AgentOp::Pause { reason } => (Presence::Paused, reason.clone()),
        };
        let slot = self.known_agent(&command.id)?;
        self.set_presence(slot, presence, reason, common).map(done)
    }

    fn set_agent(
        &mut self,
        id: &Text,
        fields: &AgentFields,
        common: Option<&Common>,
    ) -> Result<Seq, Refusal> {
        for queue in fields.queues.iter().flatten() {
            if queue == QUEUE_NONE {
                return Err(Refusal::bad_arg(
                    "queues: 'none' is the queue of tickets that are never routed",
                ));
            }
            self.known_queue(queue)?;
        }
        let slot = self.state.agent_slot(id);
        let old = slot.and_then(|slot| self.state.agents.get(slot));
        let empty = AgentProfile {
            queues: Vec::new(),
            skills: Vec::new(),
            capacity: 1,
            label: Text::default(),
        };
        let mut new = old.map_or(empty, |agent| agent.described.clone());
        new.queues = fields.queues.clone().unwrap_or(new.queues);
        new.skills = fields.skills.clone().unwrap_or(new.skills);
        new.capacity = fields.capacity.unwrap_or(new.capacity);
        new.label = fields.label.clone().unwrap_or(new.label);
        if let Some(old) = old.filter(|old| old.described == new && old.changed_seq != 0) {
            return Ok(old.changed_seq);
        }
        let seq = self.agent_event(id, AgentFact::Changed(new), common);
        if let Some(slot) = slot.filter(|slot| self.state.routing.waiting.is_waiting(*slot)) {
            self.serve_changed(slot, seq);
        }
        Ok(seq)
    }

    /// An agent that waits has other skills, queues or capacity now.
    fn serve_changed(&mut self, slot: u32, cause: Seq) {
        let Some((profile, full)) = self.state.agents.get(slot).map(|a| (a.profile, a.is_full())) else {
            return;
        };
        if full {
            self.end_wait(slot);
        } else {
            // Nothing but this touches the ticket: what it has overdue comes first, in the same frame, and may change whose it is
            // to be.
            while self.state.routing.waiting.is_waiting(slot)
                && let Some((_, ticket)) = self.state.routing.best(profile)
            {
                let one_frame = std::mem::replace(&mut self.one_frame, true);
                let fired = self.fire_overdue(ticket);
                self.one_frame = one_frame;
                if !fired {
                    self.assign_waiting(ticket, slot, cause);
                    break;
                }
            }
        }
    }

    fn agent_event(&mut self, id: &Text, fact: AgentFact, common: Option<&Common>) -> Seq {
        let event = AgentEvent {
            id: id.clone(),
            fact,
            origin: origin(common),
        };
        self.emit(self.now, 0, Body::Agent(Box::new(event)))
    }

    fn set_presence(
        &mut self,
        slot: u32,
        presence: Presence,
        reason: Text,
        common: Option<&Common>,
    ) -> Result<Seq, Refusal> {
        let Some(agent) = self.state.agents.get(slot) else {
            return Ok(self.state.seq);
        };
        if agent.presence == presence && agent.reason == reason && agent.presence_seq != 0 {
            return Ok(agent.presence_seq);
        }
        if presence != Presence::Ready {
            self.end_wait(slot);
        }
        let id = self.state.agent_name(slot);
        // The reason of a pause stands in the fact.
        let common = common.map(|c| Common {
            reason: c.reason.clone().filter(|_| reason.is_empty()),
            ..c.clone()
        });
        Ok(self.agent_event(&id, AgentFact::Presence { presence, reason }, common.as_ref()))
    }

    /// The agent goes, and its tickets go back to their queues in the order in which it got them, unless kept. One who
    /// never said READY has work all the same: what it holds goes back.
    fn leave(&mut self, id: &Text, keep: bool, common: Option<&Common>) -> Result<Seq, Refusal> {
        let slot = self.known_agent(id)?;
        if let Some(agent) = self.state.agents.get(slot)
            && agent.presence == Presence::Offline
            && (keep || agent.load == 0)
        {
            return Ok(if agent.presence_seq == 0 {
                agent.changed_seq
            } else {
                agent.presence_seq
            });
        }
        let held = self.state.agents.get(slot).map_or(0, |a| a.held.len());
        if !keep && held > self.leave_max {
            return Err(Refusal::new(
                Code::Limit,
                format!(
                    "{id} holds {held} tickets, and one frame gives back {} at most; possible: AGENT.LEAVE {id} keep, TICKET.RELEASE",
                    self.leave_max
                ),
            ));
        }
        self.end_wait(slot);
        let fact = AgentFact::Presence {
            presence: Presence::Offline,
            reason: Text::default(),
        };
        let seq = self.agent_event(id, fact, common);
        if !keep {
            let held: Vec<u32> = self
                .state
                .agents
                .get(slot)
                .map_or_else(Vec::new, |a| a.held.values().copied().collect());
            for ticket in held {
                // A paused ticket stays: nobody works on it, and it may come back before it is resumed.
                if self.state.tickets.get(ticket).is_some_and(|t| !t.is_paused()) {
                    let case = Case {
                        slot: ticket,
                        at: self.now,
                        common: None,
                    };
                    self.give_back(&case, Released::AgentLeft, seq);
                }
            }
        }
        Ok(seq)
    }

    fn next(
        &mut self,
        id: &Text,
        block_ms: Option<u64>,
        common: Option<Box<Common>>,
        waiter: WaiterId,
    ) -> Result<Next, Refusal> {
        let slot = self.known_agent(id)?;
        let Some(agent) = self.state.agents.get(slot) else {
            return Ok(Next::Reply(Reply::Null));
        };
        if agent.presence == Presence::Paused {
            let reason = &agent.reason;
            return Err(Refusal::state(format!(
                "{id} is paused ({reason}); possible: AGENT.READY, then AGENT.NEXT"
            )));
        }
        if agent.is_full() {
            return Err(Refusal::new(
                Code::Limit,
                format!(
                    "{id} has {} of {} tickets: resolve, release or pause one",
                    agent.load, agent.described.capacity
                ),
            ));
        }
        let profile = agent.profile;
        self.end_wait(slot);
        // What the best one has overdue comes first, and may change its queue, its rank or what it requires.
        while let Some((_, ticket)) = self.state.routing.best(profile) {
            if !self.fire_overdue(ticket) {
                return Ok(Next::Reply(self.assign_next(ticket, slot, 0, common.as_deref())));
            }
        }
        if block_ms.is_none_or(|ms| ms == 0) || self.one_frame {
            return Ok(Next::Reply(Reply::Null));
        }
        self.state.routing.waiting.begin(slot, profile, waiter, common);
        Ok(Next::Wait)
    }
}

fn done(seq: Seq) -> Next {
    Next::Reply(Reply::Seq(seq))
}
