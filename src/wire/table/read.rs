//! The commands that look at tickets.

use super::field::{A_NAME, AN_INSTANT, Field, Key, YES_NO, field};
use super::{Flags, ID, InMulti, Row, opening};
use crate::model::command::{Command, Feed, Filter, List, Read, Request, Sort};
use crate::model::event::TicketState;
use crate::model::{Refusal, text};
use crate::wire::parse::Call;
use crate::wire::value;

/// Tickets a page unless said otherwise.
const COUNT_DEFAULT: u32 = 100;

const FILTERS: &[Field] = &[
    field(
        Key::State,
        "state",
        "waiting, assigned, resolved or closed",
        "in this state",
    ),
    field(Key::Queue, "queue", "the name of a queue", "in this queue"),
    field(
        Key::Policy,
        "policy",
        "the name of a policy",
        "under any version of it",
    ),
    field(Key::Class, "class", A_NAME, "of this kind"),
    field(Key::Agent, "agent", "an agent's id", "held by this agent"),
    field(Key::Customer, "customer", A_NAME, "of this customer"),
    field(Key::Segment, "segment", A_NAME, "of this kind of customer"),
    field(Key::Channel, "channel", A_NAME, "of this kind of work"),
    field(
        Key::Target,
        "target",
        "the name of a target",
        "with a running clock aimed at it",
    ),
    field(
        Key::DueBefore,
        "due_before",
        AN_INSTANT,
        "whose live deadline is earlier",
    ),
    field(Key::OpenedBefore, "opened_before", AN_INSTANT, "opened earlier"),
    field(Key::Paused, "paused", YES_NO, "paused, or not"),
    field(
        Key::Breached,
        "breached",
        YES_NO,
        "with a breached running clock, or without",
    ),
];

const PAGING: &[Field] = &[
    field(Key::Sort, "sort", "due or opened", "order; default: due"),
    field(
        Key::Cursor,
        "cursor",
        "the cursor of the page before",
        "go on from there",
    ),
    field(
        Key::Count,
        "count",
        "a whole number 1-10000",
        "tickets a page; default: 100",
    ),
];

const fn read(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        group: "ticket",
        flags: Flags::READONLY,
        ..Row::new(name, read)
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        syntax: "id [id…]",
        arity_min: 2,
        arity_max: 0,
        summary: "Where tickets stand",
        reply: "a map; of several ids a list of maps, null for an unknown one",
        complexity: "O(k) in the ids",
        flags: Flags::READONLY.and(Flags::FAST),
        keys: (1, -1, 1),
        params: &[ID.multiple()],
        ..read("TICKET.GET", get)
    },
    Row {
        syntax: "id",
        arity_min: 2,
        arity_max: 2,
        summary: "Why each due of a ticket is what it is: rule, time, pauses, extensions, windows, holidays",
        reply: "a map: `dues`, a list of maps, and where the ticket stands",
        complexity: "O(n) in the days between start and due",
        keys: (1, 1, 1),
        params: &[ID],
        ..read("TICKET.EXPLAIN", |call| {
            let id = call.id(1, "ticket")?;
            Ok(Request::Engine(Command::Read(Read::TicketExplain { id })))
        })
    },
    Row {
        syntax: "id",
        arity_min: 2,
        arity_max: 2,
        summary: "Everything that happened to a ticket",
        reply: "its events, oldest first, as XRANGE gives them",
        complexity: "O(n) in its events",
        keys: (1, 1, 1),
        in_multi: InMulti::Refused,
        params: &[ID],
        ..read("TICKET.HISTORY", |call| {
            Ok(Request::Feed(Feed::History(call.id(1, "ticket")?)))
        })
    },
    Row {
        syntax: "[filter value]… [sort due|opened] [cursor c] [count n]",
        arity_max: 0,
        summary: "Tickets that pass every filter, a page at a time",
        reply: "a map: `tickets`, and the `cursor` of the next page or null",
        complexity: "O(n) in the tickets",
        fields: &[FILTERS, PAGING],
        ..read("TICKET.LIST", list)
    },
    Row {
        syntax: "[filter value]…",
        arity_max: 0,
        summary: "How many tickets pass every filter",
        reply: "a number",
        complexity: "O(n) in the tickets",
        fields: &[FILTERS],
        ..read("TICKET.COUNT", count)
    },
];

fn get(call: &Call<'_>) -> Result<Request, Refusal> {
    let ids = call
        .args
        .from(1)
        .map(|id| text::id("ticket", id))
        .collect::<Result<_, _>>()?;
    Ok(Request::Engine(Command::Read(Read::TicketGet { ids })))
}

fn list(call: &Call<'_>) -> Result<Request, Refusal> {
    let mut list = Box::new(List {
        filters: Vec::new(),
        sort: Sort::Due,
        cursor: None,
        count: COUNT_DEFAULT,
    });
    call.pairs(1, false, |key, _, value| {
        match key {
            Key::Sort => {
                list.sort = value::choice("sort", value, &[("due", Sort::Due), ("opened", Sort::Opened)])?;
            }
            Key::Cursor => list.cursor = Some(cursor(value)?),
            Key::Count => list.count = value::page("count", value, call.caps)?,
            key => list.filters.extend(filter(key, value)?),
        }
        Ok(())
    })?;
    Ok(Request::Engine(Command::Read(Read::TicketList(list))))
}

fn count(call: &Call<'_>) -> Result<Request, Refusal> {
    let mut filters = Vec::new();
    call.pairs(1, false, |key, _, value| {
        filters.extend(filter(key, value)?);
        Ok(())
    })?;
    Ok(Request::Engine(Command::Read(Read::TicketCount { filters })))
}

fn filter(key: Key, value: &[u8]) -> Result<Option<Filter>, Refusal> {
    Ok(Some(match key {
        Key::State => Filter::State(TicketState::parse(&value::word(value))?),
        Key::Queue => Filter::Queue(text::id("queue", value)?),
        Key::Policy => Filter::Policy(text::id("policy", value)?),
        Key::Class => Filter::Class(text::id("class", value)?),
        Key::Agent => Filter::Agent(text::id("agent", value)?),
        Key::Customer => Filter::Customer(text::id("customer", value)?),
        Key::Segment => Filter::Segment(text::id("segment", value)?),
        Key::Channel => Filter::Channel(text::id("channel", value)?),
        Key::Target => Filter::Target(opening::target(value)?),
        Key::DueBefore => Filter::DueBefore(value::instant("due_before", value)?),
        Key::OpenedBefore => Filter::OpenedBefore(value::instant("opened_before", value)?),
        Key::Paused => Filter::Paused(value::yes_no("paused", value)?),
        Key::Breached => Filter::Breached(value::yes_no("breached", value)?),
        _ => return Ok(None),
    }))
}

/// `<key>-<seq>`; the key is an instant and may be negative.
fn cursor(bytes: &[u8]) -> Result<(i64, u64), Refusal> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.rsplit_once('-'))
        .and_then(|(key, seq)| Some((key.parse().ok()?, seq.parse().ok()?)))
        .ok_or_else(|| {
            Refusal::bad_arg(format!(
                "cursor '{}': it takes the cursor of the page before, or leave it out",
                value::shown(bytes)
            ))
        })
}
