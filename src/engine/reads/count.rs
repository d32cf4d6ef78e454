//! Counters for INFO and metrics.

use crate::engine::state::{QueueCounts, State};
use crate::model::event::{Presence, TicketState};
use crate::model::{NEVER, Text, UnixMs};

/// Counters of the whole state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Live tickets.
    pub tickets: u64,
    /// Tickets that wait for a timer.
    pub timers: u64,
    /// Agents known.
    pub agents: u64,
    /// Agents by presence, in the order of [`Presence::ALL`].
    pub presences: [u64; Presence::ALL.len()],
    /// AGENT.NEXTs that wait.
    pub waiting_agents: u64,
    /// Tickets that agents may hold at a time.
    pub capacity: u64,
    /// Closed tickets still remembered.
    pub closed: u64,
    /// Tokens bound.
    pub tokens: u64,
    /// Each queue.
    pub queues: Vec<QueueFigures>,
}

/// Counters of one queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueFigures {
    /// Its name.
    pub queue: Text,
    /// Its tickets by state.
    pub counts: QueueCounts,
}

/// Counts. Cost: the number of queues and agents.
pub(in crate::engine) fn figures(state: &State) -> Figures {
    let mut presences = [0; Presence::ALL.len()];
    let mut capacity = 0;
    for (_, agent) in state.agents.iter() {
        if let Some(place) = Presence::ALL
            .iter()
            .position(|presence| *presence == agent.presence)
        {
            presences[place] += 1;
        }
        capacity += u64::from(agent.described.capacity);
    }
    let queues = state.queues.iter().map(|(number, name)| QueueFigures {
        queue: name.clone(),
        counts: state.counts.get(number as usize).copied().unwrap_or_default(),
    });
    Figures {
        tickets: state.tickets.len() as u64,
        timers: state.wheel.len() as u64,
        agents: state.agents.len() as u64,
        presences,
        waiting_agents: state.routing.waiting.len() as u64,
        capacity,
        closed: state.closed.len() as u64,
        tokens: state.tokens.len() as u64,
        queues: queues.collect(),
    }
}

/// One slice of the search for the longest waiting tickets. Cost: a look at each slot.
pub(in crate::engine) fn oldest_waiting(
    state: &State,
    from: u32,
    slots_max: u32,
    oldest: &mut Vec<UnixMs>,
) -> Option<u32> {
    oldest.resize(state.queues.iter().count(), NEVER);
    let end = state.tickets.capacity_slots();
    let stop = from.saturating_add(slots_max).min(end);
    for ticket in (from..stop).filter_map(|slot| state.tickets.get(slot)) {
        if ticket.state == TicketState::Waiting
            && let Some(oldest) = oldest.get_mut(ticket.queue as usize)
        {
            *oldest = ticket.opened_at.min(*oldest);
        }
    }
    (stop < end).then_some(stop)
}
