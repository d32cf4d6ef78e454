//! How large a frame may become: it has to fit the log whatever a transaction asks for.
//!
//! A frame is archived whole, in at most 1 GiB. One command's events are bounded by the caps on its arguments and by
//! [`super::Config::leave_max`]; a transaction stops adding to its frame once [`FRAME_BYTES_MAX`] is reached.

use crate::model::event::{AgentFact, Body, Event, TicketFact};

/// A transaction's frame takes nothing more beyond this, bytes as [`estimate`] counts them. What one command adds on top of it
/// still fits.
pub(super) const FRAME_BYTES_MAX: usize = 256 << 20;
/// An event without its long parts, generously: ids of 128 bytes, texts of 1 KiB.
const EVENT_BYTES: usize = 4 << 10;
/// Each text of a list beside its own bytes.
const ITEM_BYTES: usize = 32;
/// An agent's whole description: two lists of 64 names of up to 128 bytes.
const PROFILE_BYTES: usize = 20 << 10;

/// Bytes that these events take in the log at most. Cost: a look at each event and its attributes.
pub(super) fn estimate(events: &[Event]) -> usize {
    events.iter().map(one).sum()
}

fn one(event: &Event) -> usize {
    let details = match &event.body {
        Body::Ticket(ticket) => match &ticket.fact {
            TicketFact::Opened(opened) => opened.details.as_deref(),
            TicketFact::Imported(imported) => imported.opened.details.as_deref(),
            TicketFact::Changed(changed) => changed.details.as_deref(),
            _ => None,
        },
        Body::Agent(agent) if matches!(agent.fact, AgentFact::Changed(_)) => {
            return EVENT_BYTES + PROFILE_BYTES;
        }
        _ => None,
    };
    let long = details.map_or(0, |d| {
        let names = d.links.iter().chain(&d.assist).chain(&d.has);
        let attributes = d
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2 * ITEM_BYTES);
        names.map(|name| name.len() + ITEM_BYTES).sum::<usize>() + attributes.sum::<usize>()
    });
    EVENT_BYTES + long
}
