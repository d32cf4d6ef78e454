//! What the feed says of tickets and their clocks: the larger half of [`super::fields`].

use super::NEVER;
use super::event::*;
use super::fields::{Sink, head, instant, kind, list, skills, tail, versioned, yes};

pub(super) fn ticket(event: &Event, ticket: &TicketEvent, sink: &mut impl Sink) {
    match &ticket.fact {
        TicketFact::Warned(sla) | TicketFact::Breached(sla) => {
            return self::sla(event, ticket, sla, |sink| sink.int("late_ms", sla.late_ms), sink);
        }
        TicketFact::Withdrawn(withdrawn) => {
            return sla(
                event,
                ticket,
                &withdrawn.sla,
                |sink| took_back(withdrawn, sink),
                sink,
            );
        }
        TicketFact::Stepped(stepped) => {
            return sla(event, ticket, &stepped.sla, |sink| step(stepped, sink), sink);
        }
        _ => {}
    }
    head(event, sink);
    sink.text("ticket", &ticket.id);
    sink.text("queue", &ticket.queue);
    if !ticket.agent.is_empty() {
        sink.text("agent", &ticket.agent);
    }
    fact(&ticket.fact, sink);
    for effect in ticket.clocks.iter().flat_map(|c| &c.effects) {
        if let ClockChange::Started { due, .. }
        | ClockChange::Moved { due, .. }
        | ClockChange::Resumed { due, .. } = effect.change
        {
            sink.int(&format!("due.{}", effect.target), due);
        }
    }
    tail(event, ticket.origin.as_deref(), sink);
}

fn fact(fact: &TicketFact, sink: &mut impl Sink) {
    match fact {
        TicketFact::Opened(opened) => self::opened(opened, sink),
        TicketFact::Inbound(back) | TicketFact::Resumed(back) => {
            if matches!(fact, TicketFact::Inbound(_)) && back.resumed {
                sink.text("resumed", "yes");
            }
            if back.over > 0 {
                sink.int("over", i64::from(back.over));
            }
        }
        TicketFact::Progressed { eta, promise } => {
            instant("eta", *eta, sink);
            instant("promise", *promise, sink);
        }
        TicketFact::Marked { name } => sink.text("mark", name),
        TicketFact::Paused { reason } => sink.text("reason", reason),
        TicketFact::Changed(changed) => {
            sink.text("fields", &list(&changed.fields));
            if let Some((priority, _)) = &changed.priority {
                sink.text("priority", priority);
            }
            if let Some(required) = &changed.skills {
                sink.text("skills", &skills(required));
            }
            if let Some(details) = &changed.details {
                self::details(details, sink);
            }
        }
        TicketFact::Assigned { how, over, from } => {
            sink.text("how", how.as_str());
            if *over > 0 {
                sink.int("over", i64::from(*over));
            }
            if !from.is_empty() {
                sink.text("from", from);
            }
        }
        TicketFact::Released { why } => sink.text("why", why.as_str()),
        TicketFact::Transferred { from } => sink.text("from", from),
        TicketFact::Resolved { close_at } => instant("close_at", *close_at, sink),
        TicketFact::Migrated(migrated) => {
            sink.text("fields", "policy");
            sink.text("policy", &versioned(&migrated.policy, migrated.version));
            sink.text("priority", &migrated.priority);
            sink.text("mode", migrated.mode.as_str());
        }
        TicketFact::Rated(rated) => {
            sink.int("score", i64::from(rated.score));
            for (name, score) in &rated.named {
                sink.int(&format!("score.{name}"), i64::from(*score));
            }
        }
        TicketFact::Closed { how } => sink.text("as", how.as_str()),
        TicketFact::StageEntered(stage) => {
            sink.text("stage", &stage.name);
            given("left", &stage.left, sink);
            given("from", &stage.from, sink);
        }
        TicketFact::ExtensionRequested(extension)
        | TicketFact::Extended(extension)
        | TicketFact::ExtensionRejected(extension) => self::extension(extension, sink),
        TicketFact::Escalated(escalated) => {
            sink.text("from", &escalated.from);
            sink.int("times", i64::from(escalated.times));
        }
        TicketFact::Imported(imported) => self::imported(imported, sink),
        TicketFact::Responded | TicketFact::Reopened => {}
        TicketFact::Warned(_)
        | TicketFact::Breached(_)
        | TicketFact::Withdrawn(_)
        | TicketFact::Stepped(_) => {}
    }
}

fn opened(opened: &Opened, sink: &mut impl Sink) {
    sink.text("policy", &versioned(&opened.policy, opened.version));
    sink.text("priority", &opened.priority);
    sink.int("opened_at", opened.opened_at);
    if opened.entered_late {
        sink.text("entered_late", "yes");
    }
    if !opened.skills.is_empty() {
        sink.text("skills", &skills(&opened.skills));
    }
    if let Some(details) = &opened.details {
        self::details(details, sink);
    }
}

fn imported(imported: &Imported, sink: &mut impl Sink) {
    sink.text("state", imported.state.as_str());
    instant("since", imported.since, sink);
    if imported.over > 0 {
        sink.int("over", i64::from(imported.over));
    }
    given("paused", &imported.paused, sink);
    given("stage", &imported.stage, sink);
    instant("close_at", imported.close_at, sink);
    if imported.held_back {
        sink.text("held_back", "yes");
    }
    let missed = |clock: &&Standing| clock.breached_due != NEVER;
    for clock in imported.clocks.iter().filter(missed) {
        sink.int(&format!("breached.{}", clock.target), clock.breached_due);
    }
    opened(&imported.opened, sink);
}

fn extension(extension: &Extension, sink: &mut impl Sink) {
    sink.text("target", &extension.target.to_string());
    sink.text("for", &extension.span.to_string());
    sink.int("due_before", extension.due_before);
    sink.int("first_due", extension.first_due);
    sink.text("late", yes(extension.late));
    given("approver", &extension.approver, sink);
    given("notice", &extension.notice, sink);
}

fn took_back(withdrawn: &Withdrawn, sink: &mut impl Sink) {
    if withdrawn.step.is_some() {
        sink.text("withdrawn", "sla.step");
        sink.text("step", &withdrawn.at_word);
    } else if withdrawn.breach {
        sink.text("withdrawn", "sla.breached");
    } else {
        sink.text("withdrawn", "sla.warned");
    }
}

fn step(stepped: &Stepped, sink: &mut impl Sink) {
    sink.int("late_ms", stepped.sla.late_ms);
    sink.text("step", &stepped.at_word);
    if !stepped.notify.is_empty() {
        sink.text("notify", &list(&stepped.notify));
    }
    if let Some(rank) = stepped.rank {
        sink.int("rank", i64::from(rank));
    }
    given("from", &stepped.from, sink);
    given("relax", &stepped.relax, sink);
    if let Some(required) = &stepped.skills {
        sink.text("skills", &skills(required));
    }
}

/// A pair, if there is anything to say.
fn given(name: &str, value: &str, sink: &mut impl Sink) {
    if !value.is_empty() {
        sink.text(name, value);
    }
}

fn details(details: &Details, sink: &mut impl Sink) {
    for (name, value) in [
        ("class", &details.class),
        ("customer", &details.customer),
        ("segment", &details.segment),
        ("channel", &details.channel),
        ("issue", &details.issue),
        ("parent", &details.parent),
        ("prefer", &details.prefer),
        ("calendar", &details.calendar),
    ] {
        if !value.is_empty() {
            sink.text(name, value);
        }
    }
    for (name, values) in [
        ("links", &details.links),
        ("assist", &details.assist),
        ("has", &details.has),
    ] {
        if !values.is_empty() {
            sink.text(name, &list(values));
        }
    }
    for (name, value) in &details.attributes {
        sink.text(&format!("attr.{name}"), value);
    }
}

fn sla<S: Sink>(event: &Event, ticket: &TicketEvent, sla: &SlaFact, rest: impl FnOnce(&mut S), sink: &mut S) {
    sink.text("type", kind(event));
    sink.int("due", sla.due);
    sink.text("ticket", &ticket.id);
    sink.text("target", &sla.target.to_string());
    sink.text("policy", &sla.policy);
    sink.text("queue", &ticket.queue);
    sink.text("priority", &sla.priority);
    rest(sink);
    if !ticket.agent.is_empty() {
        sink.text("agent", &ticket.agent);
    }
    sink.int("at", event.at);
    tail(event, ticket.origin.as_deref(), sink);
}

pub(super) fn derived(
    event: &Event,
    ticket: &TicketEvent,
    of: &ClockEffects,
    effect: &ClockEffect,
    sink: &mut impl Sink,
) {
    let (kind, due) = match effect.change {
        ClockChange::Started { due, .. } => ("sla.started", due),
        ClockChange::Met { due, .. } => ("sla.met", due),
        ClockChange::Moved { due, .. } | ClockChange::Resumed { due, .. } => ("sla.moved", due),
        ClockChange::Stopped { due } | ClockChange::Dropped { due } | ClockChange::Paused { due, .. } => {
            ("sla.stopped", due)
        }
    };
    sink.text("type", kind);
    sink.int("due", due);
    sink.text("ticket", &ticket.id);
    sink.text("target", &effect.target.to_string());
    sink.text("policy", &of.policy);
    sink.text("queue", &ticket.queue);
    sink.text("priority", &of.priority);
    match effect.change {
        ClockChange::Met { at, due } => {
            sink.int("met_at", at);
            sink.text("in_time", yes(at <= due));
        }
        ClockChange::Paused { remaining, .. } => sink.int("remaining_ms", remaining),
        ClockChange::Started { provisional, .. }
        | ClockChange::Moved { provisional, .. }
        | ClockChange::Resumed { provisional, .. }
            if provisional =>
        {
            sink.text("provisional", "yes");
        }
        _ => {}
    }
    // It did not happen by this event: whoever counts what was met and started here leaves it out.
    if let TicketFact::Imported(_) = ticket.fact {
        sink.text("imported", "yes");
    }
    sink.int("at", event.at);
}

impl TicketFact {
    /// Is it about a clock alone: does it stand in `events:sla` itself?
    pub fn is_sla(&self) -> bool {
        matches!(
            self,
            TicketFact::Warned(_)
                | TicketFact::Breached(_)
                | TicketFact::Withdrawn(_)
                | TicketFact::Stepped(_)
        )
    }

    /// Does it say who has the ticket, or where it waits?
    pub fn is_routing(&self) -> bool {
        matches!(
            self,
            TicketFact::Assigned { .. }
                | TicketFact::Released { .. }
                | TicketFact::Transferred { .. }
                | TicketFact::Escalated(_)
        ) || matches!(self, TicketFact::Imported(imported) if imported.state == TicketState::Assigned)
            || self.queue_left().is_some()
    }

    /// The queue that the ticket left by this, if it says so.
    pub fn queue_left(&self) -> Option<&super::Text> {
        match self {
            TicketFact::Transferred { from } => Some(from),
            TicketFact::Escalated(escalated) => Some(&escalated.from),
            TicketFact::StageEntered(stage) if !stage.from.is_empty() => Some(&stage.from),
            TicketFact::Stepped(stepped) if !stepped.from.is_empty() => Some(&stepped.from),
            _ => None,
        }
    }
}
