//! TICKET.EXPLAIN: why each due is what it is. Which rule gave the clock, which time it counts, what pauses and extensions
//! added, which windows and which dates with a name of their own lie on the way.
//!
//! Cost: a step for each working window between start and due, [`WINDOWS_MAX`] at most, and one for each date, [`DATES_MAX`]
//! at most.

use super::ticket::text;
use crate::calendar::Calendar;
use crate::engine::clock::Clock;
use crate::engine::policies::Terms;
use crate::engine::state::State;
use crate::engine::ticket::Ticket;
use crate::model::calendar::iso;
use crate::model::fields::seq;
use crate::model::record::ClockState;
use crate::model::reply::Reply;
use crate::model::rules::{ClockRule, Time};
use crate::model::{NEVER, Refusal, Text, UnixMs};

/// Windows told of one clock: the first ones.
const WINDOWS_MAX: usize = 64;
/// Stretches told in which one clock stood still.
const PAUSES_MAX: usize = 64;
/// Dates looked at for one clock: about three years.
const DATES_MAX: i32 = 1_100;

/// The ticket of this id explained.
pub(super) fn explain(state: &State, now: UnixMs, id: &Text) -> Result<Reply, Refusal> {
    let ticket = state
        .ticket_slot(id)
        .and_then(|slot| state.tickets.get(slot))
        .ok_or_else(|| {
            Refusal::not_found(format!(
                "ticket '{id}' is not open: TICKET.HISTORY {id} tells what was"
            ))
        })?;
    let terms = state.terms_of(ticket);
    // A clock may go on with the due that an earlier version gave it.
    let under = |clock| (&terms, terms.of(clock));
    let clocks = ticket
        .clocks
        .iter()
        .map(|clock| due(under(clock), ticket, clock, now));
    Ok(Reply::Map(vec![
        ("ticket", Reply::Bulk(id.clone())),
        ("state", text(ticket.state.as_str())),
        ("queue", Reply::Bulk(state.queues.name(ticket.queue).clone())),
        ("stage", Reply::text_or_null(ticket.stage())),
        (
            "paused",
            ticket
                .paused()
                .map_or(Reply::Null, |reason| Reply::Bulk(reason.clone())),
        ),
        ("policy", Reply::Bulk(terms.book.versioned.clone())),
        ("opened_at", Reply::Int(ticket.opened_at)),
        ("opened_seq", Reply::Int(seq(ticket.opened_seq))),
        ("dues", Reply::List(clocks.collect())),
    ]))
}

/// A clock under these terms, and those that gave it its due.
fn due((now_under, terms): (&Terms, &Terms), ticket: &Ticket, clock: &Clock, now: UnixMs) -> Reply {
    let rule = terms.plan.clock(&clock.target);
    let counted = rule.filter(|_| !clock.by_hand);
    let calendar = counted.and_then(|rule| terms.calendar(rule));
    let budgeted = counted.filter(|rule| rule.budget.is_some());
    let stood = counted.map(|rule| {
        let own = clock
            .stood()
            .map(|stretch| rule.between(stretch.from, stretch.to, calendar));
        own.sum::<i64>()
    });
    let past = ticket.past(&clock.target);
    let first_due = past.map_or(NEVER, |past| past.first_due);
    // What the budget alone does not explain: pauses, and extensions.
    let added = budgeted.map(|rule| rule.between(rule.due(clock.start, calendar), clock.due, calendar));
    let end = if clock.state == ClockState::Paused {
        now.max(clock.start)
    } else {
        clock.due
    };
    Reply::Map(vec![
        (
            "target",
            Reply::Bulk(compact_str::ToCompactString::to_compact_string(&clock.target)),
        ),
        ("state", text(state_word(clock.state))),
        ("start", Reply::Int(clock.start)),
        ("due", Reply::Int(clock.due)),
        ("why", Reply::Bulk(why(terms, clock, counted))),
        (
            "budget",
            budgeted
                .and_then(|rule| rule.budget)
                .map_or(Reply::Null, |span| Reply::Bulk(Text::new(span.to_string()))),
        ),
        (
            "time",
            text(counted.map_or("natural", |rule| time_word(rule.time))),
        ),
        ("policy", Reply::Bulk(terms.book.versioned.clone())),
        ("added_ms", added.map_or(Reply::Null, Reply::Int)),
        ("paused_ms", stood.map_or(Reply::Null, Reply::Int)),
        ("pauses", pauses(clock)),
        ("first_due", Reply::instant(first_due)),
        ("first_breach", Reply::instant(ticket.first_breach(clock))),
        ("left_ms", left(now_under, clock, now)),
        (
            "pauses_on",
            Reply::List(
                now_under
                    .plan
                    .clock(&clock.target)
                    .map_or(&[][..], |rule| &rule.pauses_on)
                    .iter()
                    .cloned()
                    .map(Reply::Bulk)
                    .collect(),
            ),
        ),
        (
            "calendar",
            calendar.map_or(Reply::Null, |calendar| Reply::Bulk(calendar.spec().name.clone())),
        ),
        ("provisional", text(if clock.provisional { "yes" } else { "no" })),
        ("windows", windows(counted, calendar, clock.start, end)),
        ("dates", dates(calendar, clock.start, end)),
    ])
}

/// Who decided the clock.
fn why(terms: &Terms, clock: &Clock, rule: Option<&ClockRule>) -> Text {
    if clock.by_hand {
        return Text::const_new("set by hand");
    }
    let decided = terms.plan.decided_by(&clock.target);
    let decider = decided.and_then(|rule| terms.book.rules.rules.get(rule));
    match (decider, rule) {
        (Some(decider), _) => decider.called.clone(),
        (None, Some(_)) => Text::const_new("the policy's own"),
        (None, None) => Text::const_new("rules that it was under before"),
    }
}

fn left(terms: &Terms, clock: &Clock, now: UnixMs) -> Reply {
    match clock.state {
        ClockState::Running => Reply::Int(terms.left(clock, now)),
        ClockState::Paused => Reply::Int(clock.mark),
        ClockState::Met | ClockState::Stopped => Reply::Null,
    }
}

/// When it stood still, the latest stretches; the last of one that stands still has no end yet.
fn pauses(clock: &Clock) -> Reply {
    let over = clock
        .stood()
        .map(|stretch| (stretch.from, Reply::Int(stretch.to)));
    let since = clock.since().filter(|_| clock.state == ClockState::Paused);
    let mut latest: Vec<Reply> = over
        .chain(since.map(|since| (since, Reply::Null)))
        .rev()
        .take(PAUSES_MAX)
        .map(|(from, to)| Reply::List(vec![Reply::Int(from), to]))
        .collect();
    latest.reverse();
    Reply::List(latest)
}

/// The windows that count on the way.
fn windows(rule: Option<&ClockRule>, calendar: Option<&Calendar>, from: UnixMs, to: UnixMs) -> Reply {
    let counts = rule.is_some_and(|rule| rule.time == Time::Business);
    let Some(calendar) = calendar.filter(|_| counts) else {
        return Reply::List(Vec::new());
    };
    let windows = calendar.windows(from, to).take(WINDOWS_MAX);
    Reply::List(
        windows
            .map(|(open, close)| Reply::List(vec![Reply::Int(open), Reply::Int(close)]))
            .collect(),
    )
}

/// Holidays and days with hours of their own on the way.
fn dates(calendar: Option<&Calendar>, from: UnixMs, to: UnixMs) -> Reply {
    let Some(calendar) = calendar else {
        return Reply::List(Vec::new());
    };
    let (first, last) = (calendar.date(from), calendar.date(to));
    let days = first..=last.min(first.saturating_add(DATES_MAX));
    let named = days.filter_map(|day| {
        let plan = calendar.day(day);
        let (what, label) = match (plan.replaced, plan.holiday) {
            (Some(label), _) => ("override", label),
            (None, Some(label)) => ("holiday", label),
            (None, None) => return None,
        };
        Some(Reply::Map(vec![
            ("date", Reply::Bulk(Text::new(iso(day)))),
            (what, Reply::Bulk(Text::new(label))),
        ]))
    });
    Reply::List(named.collect())
}

fn state_word(state: ClockState) -> &'static str {
    match state {
        ClockState::Running => "running",
        ClockState::Paused => "paused",
        ClockState::Met => "met",
        ClockState::Stopped => "stopped",
    }
}

fn time_word(time: Time) -> &'static str {
    match time {
        Time::Natural => "natural",
        Time::Business => "business",
        Time::Elapsed => "elapsed",
    }
}
