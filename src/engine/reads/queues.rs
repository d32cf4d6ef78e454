//! QUEUE.LIST, and what a scan finds for QUEUE.STATS.

use super::ticket::texts;
use crate::engine::state::State;
use crate::engine::ticket::Ticket;
use crate::model::event::{Presence, TicketState};
use crate::model::reply::Reply;
use crate::model::{NEVER, Text, UnixMs};

/// All queues from which tickets are routed, sorted.
pub(super) fn list(state: &State) -> Reply {
    let mut names: Vec<Text> = state
        .queues
        .iter()
        .filter(|(number, _)| state.is_routed(*number))
        .map(|(_, name)| name.clone())
        .collect();
    names.sort_unstable();
    texts(&names)
}

/// What QUEUE.STATS has to look at every ticket for.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    breached: i64,
    oldest: UnixMs,
    next_due: UnixMs,
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            breached: 0,
            oldest: NEVER,
            next_due: NEVER,
        }
    }
}

impl Tally {
    pub(super) fn look(&mut self, ticket: &Ticket) {
        self.breached += i64::from(ticket.is_breached());
        self.next_due = self.next_due.min(ticket.live_deadline());
        if ticket.state == TicketState::Waiting {
            self.oldest = self.oldest.min(ticket.opened_at);
        }
    }

    pub(super) fn reply(&self, state: &State, now: UnixMs, queue: u32) -> Reply {
        let counts = state.counts.get(queue as usize).copied().unwrap_or_default();
        let serves = |profile: u32| state.is_routed(queue) && state.routing.profiles.in_queue(profile, queue);
        let ready = state
            .agents
            .iter()
            .filter(|(_, a)| a.presence == Presence::Ready && serves(a.profile))
            .count();
        let waiting = state
            .routing
            .waiting
            .agents()
            .filter_map(|slot| state.agents.get(slot));
        let waiting = waiting.filter(|agent| serves(agent.profile)).count();
        let int = |n: u64| Reply::Int(n as i64);
        let oldest = if self.oldest == NEVER {
            Reply::Null
        } else {
            Reply::Int((now - self.oldest).max(0))
        };
        Reply::Map(vec![
            ("queue", Reply::Bulk(state.queues.name(queue).clone())),
            ("waiting", int(counts.waiting)),
            ("paused", int(counts.paused)),
            ("assigned", int(counts.assigned)),
            ("resolved", int(counts.resolved)),
            ("breached", Reply::Int(self.breached)),
            ("oldest_waiting_ms", oldest),
            ("next_due", Reply::instant(self.next_due)),
            ("agents", int(ready as u64)),
            ("waiting_agents", int(waiting as u64)),
        ])
    }
}
