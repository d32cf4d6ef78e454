//! Commands to agents and queues, and who gets which ticket.

use super::parse::{self, Line};
use super::state::*;
use super::{Model, origin};
use crate::flat;
use crate::value::Value;
use slad::model::event::*;
use slad::model::{NEVER, Seq, skill};

type Done = Result<Seq, &'static str>;

impl Model {
    pub(super) fn agent_command(&mut self, line: &Line) -> Done {
        let id = line.pos[0].as_str();
        match line.name.as_str() {
            "QUEUE.SET" => {
                if let Some((_, seq)) = self.declared.iter().find(|(q, _)| q == id) {
                    return Ok(*seq);
                }
                let changed = QueueChanged {
                    queue: id.into(),
                    origin: origin(line, true),
                };
                let seq = self.log(self.now, 0, Body::QueueChanged(Box::new(changed)));
                self.declared.push((id.to_owned(), seq));
                Ok(seq)
            }
            "AGENT.SET" => self.agent_set(id, line),
            "AGENT.READY" => self.presence(id, Presence::Ready, line),
            "AGENT.AWAY" => self.presence(id, Presence::Away, line),
            "AGENT.PAUSE" => self.presence(id, Presence::Paused, line),
            _ => self.leave(id, line),
        }
    }

    fn agent_set(&mut self, id: &str, line: &Line) -> Done {
        let known = self.agent(id);
        let mut agent = match known {
            Some(a) => self.agents[a].clone(),
            None => Agent {
                id: id.to_owned(),
                queues: Vec::new(),
                skills: Vec::new(),
                capacity: 1,
                label: String::new(),
                presence: Presence::Offline,
                reason: String::new(),
                changed_seq: 0,
                presence_seq: None,
            },
        };
        let describe = |a: &Agent| AgentProfile {
            queues: a.queues.iter().map(|q| q.as_str().into()).collect(),
            skills: a.skills.clone(),
            capacity: a.capacity,
            label: a.label.as_str().into(),
        };
        let before = describe(&agent);
        if let Some(text) = line.get("queues") {
            agent.queues = parse::names(text).unwrap();
            agent.queues.sort();
            agent.queues.dedup();
            if agent.queues.iter().any(|q| !self.queue_known(q)) {
                return Err("BADARG");
            }
        }
        if let Some(text) = line.get("skills") {
            agent.skills = skill::skills(text.as_bytes()).unwrap();
        }
        if let Some(text) = line.get("capacity") {
            agent.capacity = text.parse().unwrap();
        }
        if let Some(text) = line.get("label") {
            agent.label = text.to_owned();
        }
        let profile = describe(&agent);
        if known.is_some() && profile == before {
            return Ok(agent.changed_seq);
        }
        let fact = AgentFact::Changed(profile);
        let seq = self.log_agent(id, fact, origin(line, true));
        agent.changed_seq = seq;
        match known {
            Some(a) => self.agents[a] = agent,
            None => self.agents.push(agent),
        }
        self.offer_agent(id, seq);
        Ok(seq)
    }

    fn log_agent(&mut self, id: &str, fact: AgentFact, origin: Option<Box<Origin>>) -> Seq {
        let event = AgentEvent {
            id: id.into(),
            fact,
            origin,
        };
        self.log(self.now, 0, Body::Agent(Box::new(event)))
    }

    fn presence(&mut self, id: &str, presence: Presence, line: &Line) -> Done {
        let a = self.agent(id).ok_or("NOTFOUND")?;
        let paused = presence == Presence::Paused;
        let reason = if paused {
            line.reason.clone()
        } else {
            String::new()
        };
        let agent = &self.agents[a];
        if agent.presence == presence && agent.reason == reason {
            return Ok(agent.presence_seq.unwrap_or(agent.changed_seq));
        }
        let fact = AgentFact::Presence {
            presence,
            reason: reason.as_str().into(),
        };
        let seq = self.log_agent(id, fact, origin(line, !paused));
        let agent = &mut self.agents[a];
        (agent.presence, agent.reason, agent.presence_seq) = (presence, reason, Some(seq));
        if presence != Presence::Ready {
            self.end_wait(id);
        }
        Ok(seq)
    }

    fn leave(&mut self, id: &str, line: &Line) -> Done {
        let a = self.agent(id).ok_or("NOTFOUND")?;
        let keep = line.pos.get(1).is_some_and(|how| how == "keep");
        if self.agents[a].presence == Presence::Offline && (keep || self.load(id) == 0) {
            return self.presence(id, Presence::Offline, line);
        }
        let fact = AgentFact::Presence {
            presence: Presence::Offline,
            reason: "".into(),
        };
        let seq = self.log_agent(id, fact, origin(line, true));
        let agent = &mut self.agents[a];
        (agent.presence, agent.reason, agent.presence_seq) = (Presence::Offline, String::new(), Some(seq));
        self.end_wait(id);
        if keep {
            return Ok(seq);
        }
        let mut held: Vec<(Seq, String)> = self
            .tickets
            .iter()
            .filter(|t| t.state == TicketState::Assigned && t.agent == id && t.paused.is_none())
            .map(|t| (t.hold, t.id.clone()))
            .collect();
        held.sort();
        let mut released = Vec::new();
        for (_, ticket) in held {
            let i = self.find(&ticket).unwrap();
            let cause = self.give_back(i, (self.now, seq), Released::AgentLeft, None);
            released.push((self.tickets[i].order(), ticket, cause));
        }
        released.sort();
        for (_, ticket, cause) in released {
            let i = self.find(&ticket).unwrap();
            self.offer_ticket(i, cause);
        }
        Ok(seq)
    }

    /// AGENT.NEXT; `None`: it waits.
    pub(super) fn next(&mut self, conn: Option<usize>, line: &Line) -> Option<Value> {
        let id = line.pos[0].as_str();
        let Some(a) = self.agent(id) else {
            return Some(Value::refused("NOTFOUND"));
        };
        if self.agents[a].presence == Presence::Paused {
            return Some(Value::refused("STATE"));
        }
        if self.load(id) >= self.agents[a].capacity {
            return Some(Value::refused("LIMIT"));
        }
        self.end_wait(id);
        if let Some(i) = self.best_for(a) {
            // Within EXEC the ticket may have become overdue by a command before this one.
            let taken = [self.tickets[i].id.clone()];
            self.fire_of(&taken);
            return Some(self.take(i, 0, line));
        }
        if let (Some(conn), Some(_)) = (conn, line.get("block")) {
            self.waits.push(Wait {
                agent: id.to_owned(),
                conn,
                line: line.clone(),
            });
            return None;
        }
        Some(Value::Nil)
    }

    /// Gives the ticket to the agent whose NEXT it is.
    fn take(&mut self, i: usize, cause: Seq, line: &Line) -> Value {
        let agent = line.pos[0].as_str();
        let (seq, _) = self.hand_over(i, (self.now, cause), agent, AssignedHow::Next, origin(line, true));
        if cause == 0 {
            self.tickets[i].last_at = self.now;
        }
        let t = &self.tickets[i];
        let due = if t.live_due() == NEVER {
            Value::Nil
        } else {
            Value::Int(t.live_due())
        };
        let reply = Value::List(flat![
            "ticket" => t.id.as_str(), "hold" => seq as i64, "seq" => seq as i64, "queue" => t.queue.as_str(),
            "priority" => t.priority.as_str(), "policy" => t.policy_text().as_str(), "due" => due,
        ]);
        self.bind(line, reply.clone());
        reply
    }

    /// The best waiting ticket that an agent can take.
    fn best_for(&self, a: usize) -> Option<usize> {
        let agent = &self.agents[a];
        let mut fits: Vec<_> = (0..self.tickets.len())
            .filter(|i| {
                let t = &self.tickets[*i];
                t.routable() && agent.serves(&t.queue) && agent.can(&t.skills)
            })
            .collect();
        fits.sort_by_key(|i| self.tickets[*i].order());
        fits.first().copied()
    }

    /// A ticket may have become routable: the agent who has waited longest and can take it gets it.
    pub(super) fn offer_ticket(&mut self, i: usize, cause: Seq) {
        self.end_waits();
        if !self.tickets[i].routable() {
            return;
        }
        while let Some(w) = self.waits.iter().position(|w| {
            let agent = &self.agents[self.agent(&w.agent).unwrap()];
            agent.serves(&self.tickets[i].queue) && agent.can(&self.tickets[i].skills)
        }) {
            let wait = self.waits.remove(w);
            if let Some(reply) = self.bound(&wait.line) {
                self.wakes.push((wait.conn, reply));
                continue;
            }
            let reply = self.take(i, cause, &wait.line);
            self.wakes.push((wait.conn, reply));
            return;
        }
    }

    /// An agent can do more than before: if it waits, it gets the best ticket that fits.
    fn offer_agent(&mut self, id: &str, cause: Seq) {
        self.end_waits();
        let a = self.agent(id).unwrap();
        if let Some(w) = self.waits.iter().position(|w| w.agent == id)
            && let Some(i) = self.best_for(a)
        {
            let wait = self.waits.remove(w);
            let taken = [self.tickets[i].id.clone()];
            self.fire_of(&taken);
            let bound = self.bound(&wait.line);
            let reply = bound.unwrap_or_else(|| self.take(i, cause, &wait.line));
            self.wakes.push((wait.conn, reply));
        }
    }

    /// Ends the wait of an agent with null.
    fn end_wait(&mut self, agent: &str) {
        if let Some(w) = self.waits.iter().position(|w| w.agent == agent) {
            let wait = self.waits.remove(w);
            self.wakes.push((wait.conn, Value::Nil));
        }
    }

    /// Ends the waits of agents that have become full.
    pub(super) fn end_waits(&mut self) {
        let waiting: Vec<String> = self.waits.iter().map(|w| w.agent.clone()).collect();
        for id in waiting {
            if self.load(&id) >= self.agents[self.agent(&id).unwrap()].capacity {
                self.end_wait(&id);
            }
        }
        debug_assert!(
            self.waits
                .iter()
                .all(|w| self.agents[self.agent(&w.agent).unwrap()].presence != Presence::Paused)
        );
    }

    /// Does a NEXT of this agent wait?
    pub fn waits(&self, agent: &str) -> bool {
        self.waits.iter().any(|w| w.agent == agent)
    }

    /// Connections whose NEXT waits.
    pub fn waiting_conns(&self) -> Vec<usize> {
        self.waits.iter().map(|w| w.conn).collect()
    }
}
