//! TICKET.GET: a ticket as a map.

use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::engine::state::State;
use crate::engine::ticket::Ticket;
use crate::model::event::{Details, TicketState};
use crate::model::fields::{seq, skills};
use crate::model::record::ClockState;
use crate::model::reply::Reply;
use crate::model::{Refusal, Text, UnixMs};

/// The ticket of this id, live or remembered.
pub(super) fn get(state: &State, now: UnixMs, id: &Text) -> Result<Reply, Refusal> {
    if let Some(ticket) = state.ticket_slot(id).and_then(|slot| state.tickets.get(slot)) {
        return Ok(map(state, now, ticket));
    }
    let closed = state
        .closed
        .get(id)
        .ok_or_else(|| Refusal::not_found(format!("ticket '{id}' is not known: open it with TICKET.OPEN")))?;
    let resolved = if closed.resolve_seq == 0 {
        Reply::Null
    } else {
        Reply::Int(seq(closed.resolve_seq))
    };
    Ok(Reply::Map(vec![
        ("ticket", Reply::Bulk(id.clone())),
        ("state", text("closed")),
        ("as", text(closed.how.as_str())),
        ("resolved_seq", resolved),
        ("closed_seq", Reply::Int(seq(closed.close_seq))),
        ("last_seq", Reply::Int(seq(closed.last_seq))),
    ]))
}

/// A live ticket as a map.
pub(super) fn map(state: &State, now: UnixMs, ticket: &Ticket) -> Reply {
    let book = state.policies.book(ticket.book);
    let empty = Details::default();
    let terms = state.terms_of(ticket);
    let details = ticket.details.as_deref().unwrap_or(&empty);
    let required = &state.routing.requirements.get(ticket.requirement).skills;
    let assigned = ticket.state == TicketState::Assigned;
    Reply::Map(vec![
        ("ticket", Reply::Bulk(ticket.id.clone())),
        ("state", text(ticket.state.as_str())),
        ("queue", Reply::Bulk(state.queues.name(ticket.queue).clone())),
        ("agent", Reply::text_or_null(&state.agent_name(ticket.agent))),
        (
            "hold",
            if assigned {
                Reply::Int(seq(ticket.hold))
            } else {
                Reply::Null
            },
        ),
        ("priority", Reply::Bulk(book.priority_name(ticket.level).clone())),
        ("rank", Reply::Int(i64::from(ticket.rank))),
        ("policy", Reply::Bulk(book.versioned.clone())),
        ("class", Reply::text_or_null(&details.class)),
        ("customer", Reply::text_or_null(&details.customer)),
        ("segment", Reply::text_or_null(&details.segment)),
        ("channel", Reply::text_or_null(&details.channel)),
        ("skills", Reply::text_or_null(&skills(required))),
        (
            "paused",
            ticket
                .paused()
                .map_or(Reply::Null, |reason| Reply::Bulk(reason.clone())),
        ),
        (
            "held_back",
            text(if state.is_held_back(ticket) { "yes" } else { "no" }),
        ),
        ("opened_at", Reply::Int(ticket.opened_at)),
        ("due", Reply::instant(ticket.live_deadline())),
        ("links", texts(&details.links)),
        ("assist", texts(&details.assist)),
        ("parent", Reply::text_or_null(&details.parent)),
        ("issue", Reply::text_or_null(&details.issue)),
        ("prefer", Reply::text_or_null(&details.prefer)),
        ("calendar", Reply::text_or_null(&details.calendar)),
        ("stage", Reply::text_or_null(ticket.stage())),
        (
            "attributes",
            Reply::Pairs(
                details
                    .attributes
                    .iter()
                    .map(|(n, v)| (n.clone(), Reply::Bulk(v.clone())))
                    .collect(),
            ),
        ),
        (
            "clocks",
            Reply::List(
                ticket
                    .clocks
                    .iter()
                    .map(|clock| self::clock(&terms, ticket, clock, now))
                    .collect(),
            ),
        ),
        ("opened_seq", Reply::Int(seq(ticket.opened_seq))),
        ("last_seq", Reply::Int(seq(ticket.last_seq))),
    ])
}

fn clock(terms: &Terms, ticket: &Ticket, clock: &Clock, now: UnixMs) -> Reply {
    let (state, remaining) = match clock.state {
        ClockState::Running => ("running", Reply::Int(terms.left(clock, now))),
        ClockState::Paused => ("paused", Reply::Int(clock.mark)),
        ClockState::Met => ("met", Reply::Null),
        ClockState::Stopped => ("stopped", Reply::Null),
    };
    let past = ticket.past(&clock.target);
    let yes = |flag: bool| text(if flag { "yes" } else { "no" });
    Reply::Map(vec![
        (
            "target",
            Reply::Bulk(compact_str::ToCompactString::to_compact_string(&clock.target)),
        ),
        ("due", Reply::Int(clock.due)),
        ("remaining", remaining),
        ("state", text(state)),
        ("breached", yes(clock.breached)),
        ("by_hand", yes(clock.by_hand)),
        ("provisional", yes(clock.provisional)),
        (
            "first_due",
            past.map_or(Reply::Null, |past| Reply::instant(past.first_due)),
        ),
        ("first_breach", Reply::instant(ticket.first_breach(clock))),
        (
            "extension",
            past.and_then(|past| past.asked.as_ref())
                .map_or(Reply::Null, |asked| {
                    Reply::Bulk(Text::new(asked.span.to_string()))
                }),
        ),
    ])
}

/// A short constant as a reply.
pub(super) fn text(text: &'static str) -> Reply {
    Reply::Bulk(Text::const_new(text))
}

/// Names as a list.
pub(super) fn texts(names: &[Text]) -> Reply {
    Reply::List(names.iter().cloned().map(Reply::Bulk).collect())
}
