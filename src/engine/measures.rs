//! How long things took, measured where both ends are known: when the second one happens.
//!
//! For the daemon's histograms only: no state, not replayed, not logged. Cost: a look at the ticket and a name copied
//! for a first response, a resolution or an assignment; nothing for other facts.

use super::state::State;
use crate::model::event::{TicketFact, TicketState};
use crate::model::{NEVER, Text, UnixMs};

/// A duration that just ended, ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// From submission to the first response, by policy.
    FirstResponse(Text, UnixMs),
    /// From submission to a resolution, by policy.
    Resolution(Text, UnixMs),
    /// From coming into a queue to an agent's hands, by queue. Tickets that were waiting in a snapshot when the
    /// daemon started are not measured: when they came into their queue is not in it.
    Wait(Text, UnixMs),
}

/// What ends when `fact` happens `at` to the ticket in `slot`, which does not know of it yet.
pub(super) fn measure(state: &State, slot: u32, fact: &TicketFact, at: UnixMs) -> Option<Measure> {
    let ticket = state.tickets.get(slot)?;
    let policy = || state.policies.book(ticket.book).name.clone();
    let since = |from: UnixMs| (at - from).max(0);
    match fact {
        TicketFact::Responded if ticket.respond_seq == 0 => {
            Some(Measure::FirstResponse(policy(), since(ticket.opened_at)))
        }
        TicketFact::Resolved { .. } => Some(Measure::Resolution(policy(), since(ticket.opened_at))),
        TicketFact::Assigned { .. } if ticket.state == TicketState::Waiting && ticket.waiting_at != NEVER => {
            let queue = state.queues.name(ticket.queue).clone();
            Some(Measure::Wait(queue, since(ticket.waiting_at)))
        }
        _ => None,
    }
}
