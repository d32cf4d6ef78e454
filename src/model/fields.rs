//! An event as the feed shows it: entries of field/value pairs, and the keys under which each stands.
//!
//! Entry 0 of an event is the event itself; entries 1, 2 … are derived from what it did to clocks and stand in
//! `events:sla` alone. Nothing is allocated but the strings that have to be put together.

use super::command::FeedKey;
use super::event::*;
use super::skill::Required;
use super::versions::Migration;
use super::{NEVER, Seq, Text, UnixMs};
use std::fmt::Write;

/// Takes the pairs of one entry, in order.
pub trait Sink {
    /// A pair with a text value.
    fn text(&mut self, name: &str, value: &str);
    /// A pair with a whole number.
    fn int(&mut self, name: &str, value: i64);
}

impl Sink for Vec<(String, String)> {
    fn text(&mut self, name: &str, value: &str) {
        self.push((name.to_owned(), value.to_owned()));
    }
    fn int(&mut self, name: &str, value: i64) {
        self.push((name.to_owned(), value.to_string()));
    }
}

/// Number of entries that an event stands for: itself, and one for each change of a clock.
pub fn entries(event: &Event) -> u64 {
    match &event.body {
        Body::Ticket(TicketEvent {
            clocks: Some(clocks), ..
        }) => 1 + clocks.effects.len() as u64,
        _ => 1,
    }
}

/// Does entry `part` of the event stand under `key`?
pub fn belongs(event: &Event, part: u64, key: &FeedKey) -> bool {
    if part > 0 {
        return *key == FeedKey::Sla;
    }
    match (key, &event.body) {
        (FeedKey::All, _) => true,
        (FeedKey::Sla, Body::Ticket(t)) => t.fact.is_sla(),
        (FeedKey::Breaches, Body::Ticket(t)) => matches!(t.fact, TicketFact::Breached(_)),
        (FeedKey::Routing, Body::Ticket(t)) => t.fact.is_routing(),
        (FeedKey::Routing, Body::Agent(_) | Body::QueueChanged(_) | Body::ImportDone(_)) => true,
        (FeedKey::Queue(queue), Body::Ticket(t)) => t.queue == *queue || t.fact.queue_left() == Some(queue),
        (FeedKey::Queue(queue), Body::QueueChanged(q)) => q.queue == *queue,
        (FeedKey::Queue(queue), Body::QueueReminded(q)) => q.queue == *queue,
        (FeedKey::Agent(agent), Body::Ticket(t)) => {
            t.agent == *agent || matches!(&t.fact, TicketFact::Assigned { from, .. } if from == agent)
        }
        (FeedKey::Agent(agent), Body::Agent(a)) => a.id == *agent,
        (FeedKey::Ticket(id), Body::Ticket(t)) => t.id == *id,
        _ => false,
    }
}

/// The `type` of the event itself.
pub fn kind(event: &Event) -> &'static str {
    match &event.body {
        Body::Ticket(t) => match &t.fact {
            TicketFact::Opened(_) => "ticket.opened",
            TicketFact::Inbound(_) => "ticket.inbound",
            TicketFact::Responded => "ticket.responded",
            TicketFact::Progressed { .. } => "ticket.progressed",
            TicketFact::Marked { .. } => "ticket.marked",
            TicketFact::Paused { .. } => "ticket.paused",
            TicketFact::Resumed(_) => "ticket.resumed",
            TicketFact::Changed(_) => "ticket.changed",
            TicketFact::Assigned { .. } => "ticket.assigned",
            TicketFact::Released { .. } => "ticket.released",
            TicketFact::Transferred { .. } => "ticket.transferred",
            TicketFact::Resolved { .. } => "ticket.resolved",
            TicketFact::Reopened => "ticket.reopened",
            TicketFact::Rated(_) => "ticket.rated",
            TicketFact::Closed { .. } => "ticket.closed",
            TicketFact::Warned(_) => "sla.warned",
            TicketFact::Breached(_) => "sla.breached",
            TicketFact::Withdrawn(_) => "sla.withdrawn",
            TicketFact::Migrated(_) => "ticket.changed",
            TicketFact::StageEntered(_) => "ticket.stage",
            TicketFact::ExtensionRequested(_) => "ticket.extension_requested",
            TicketFact::Extended(_) => "ticket.extended",
            TicketFact::ExtensionRejected(_) => "ticket.extension_rejected",
            TicketFact::Escalated(_) => "ticket.escalated",
            TicketFact::Stepped(_) => "sla.step",
            TicketFact::Imported(_) => "ticket.imported",
        },
        Body::Agent(a) => match &a.fact {
            AgentFact::Changed(_) => "agent.changed",
            AgentFact::Presence { .. } => "agent.presence",
        },
        Body::PolicyActivated(_) => "policy.activated",
        Body::PolicyMigrating(_) => "policy.migrating",
        Body::PolicyMigrated(_) => "policy.migrated",
        Body::CalendarExtended(_) => "calendar.extended",
        Body::QueueChanged(_) => "queue.changed",
        Body::QueueReminded(_) => "queue.reminder",
        Body::LogRecovered(_) => "log.recovered",
        Body::ClockJumped(_) => "clock.jumped",
        Body::SnapshotTaken(_) => "snapshot.taken",
        Body::ImportDone(_) => "import.done",
    }
}

/// Gives the pairs of entry `part` to `sink`. A part that the event does not have gives nothing.
pub fn visit(event: &Event, part: u64, sink: &mut impl Sink) {
    match (&event.body, part) {
        (Body::Ticket(ticket), 1..) => {
            if let Some(effects) = ticket.clocks.as_deref()
                && let Some(effect) = effects.effects.get(part as usize - 1)
            {
                super::ticket_fields::derived(event, ticket, effects, effect, sink);
            }
        }
        (_, 1..) => {}
        (Body::Ticket(ticket), 0) => super::ticket_fields::ticket(event, ticket, sink),
        (Body::Agent(agent), 0) => self::agent(event, agent, sink),
        (Body::PolicyActivated(policy), 0) => {
            head(event, sink);
            sink.text("policy", &policy.name);
            sink.int("version", i64::from(policy.version));
            sink.text("hash", &format!("{:016x}", policy.hash));
            sink.text("source", &policy.source);
            let about = &policy.rules.about;
            for (name, value) in [
                ("reason", &about.reason),
                ("requested_by", &about.requested_by),
                ("approved_by", &about.approved_by),
            ] {
                if !value.is_empty() {
                    sink.text(name, value);
                }
            }
            tail(event, None, sink);
        }
        (Body::PolicyMigrating(begun), 0) => {
            head(event, sink);
            migration(&begun.migration, sink);
            tail(event, begun.origin.as_deref(), sink);
        }
        (Body::PolicyMigrated(ended), 0) => {
            head(event, sink);
            migration(&ended.migration, sink);
            for (name, count) in [
                ("tickets", ended.tally.tickets),
                ("stayed", ended.stayed),
                ("moved", ended.tally.moved),
                ("started", ended.tally.started),
                ("stopped", ended.tally.stopped),
                ("breached", ended.tally.breached),
            ] {
                sink.int(name, count as i64);
            }
            tail(event, None, sink);
        }
        (Body::CalendarExtended(calendar), 0) => {
            head(event, sink);
            sink.text("calendar", &calendar.name);
            sink.int("version", i64::from(calendar.version));
            sink.text("hash", &format!("{:016x}", calendar.hash));
            sink.text("zone", &calendar.spec.zone);
            sink.text("tzdata", &calendar.zone.tzdata_version);
            if let Some(day) = calendar.spec.published_until {
                sink.text("published_until", &super::calendar::iso(day));
            }
            if !calendar.reason.is_empty() {
                sink.text("reason", &calendar.reason);
            }
            tail(event, None, sink);
        }
        (Body::QueueReminded(reminder), 0) => {
            head(event, sink);
            sink.text("queue", &reminder.queue);
            sink.text("reminder", &reminder.name);
            sink.text("policy", &versioned(&reminder.policy, reminder.version));
            sink.int("waiting", reminder.waiting as i64);
            sink.int("late_ms", event.at - reminder.instant);
            tail(event, None, sink);
        }
        (Body::QueueChanged(queue), 0) => {
            head(event, sink);
            sink.text("queue", &queue.queue);
            sink.text("state", "open");
            tail(event, queue.origin.as_deref(), sink);
        }
        (Body::LogRecovered(log), 0) => {
            head(event, sink);
            sink.int("cut_bytes", log.cut_bytes as i64);
            sink.int("lost_from", log.lost_from as i64);
            sink.int("lost_to", log.lost_to as i64);
            sink.int("epoch", i64::from(log.epoch));
            tail(event, None, sink);
        }
        (Body::ClockJumped(jump), 0) => {
            head(event, sink);
            sink.int("from", jump.from);
            sink.int("to", jump.to);
            sink.text("how", jump.how.as_str());
            sink.text("virtual", yes(jump.is_virtual()));
            tail(event, None, sink);
        }
        (Body::ImportDone(done), 0) => {
            head(event, sink);
            tail(event, done.origin.as_deref(), sink);
        }
        (Body::SnapshotTaken(snapshot), 0) => {
            head(event, sink);
            sink.int("snapshot_seq", snapshot.seq as i64);
            sink.text("state_hash", &format!("{:016x}", snapshot.state_hash));
            sink.int("bytes", snapshot.bytes as i64);
            sink.int("records", snapshot.records as i64);
            tail(event, None, sink);
        }
    }
}

pub(super) fn head(event: &Event, sink: &mut impl Sink) {
    sink.text("type", kind(event));
    sink.int("at", event.at);
}

pub(super) fn tail(event: &Event, origin: Option<&Origin>, sink: &mut impl Sink) {
    if let Some(origin) = origin {
        for (name, value) in [
            ("by", &origin.by),
            ("reason", &origin.reason),
            ("token", &origin.token),
        ] {
            if !value.is_empty() {
                sink.text(name, value);
            }
        }
    }
    if event.logged_at != event.at {
        sink.int("logged_at", event.logged_at);
    }
    if event.cause != 0 {
        sink.int("cause", event.cause as i64);
    }
}

fn migration(migration: &Migration, sink: &mut impl Sink) {
    sink.text("policy", &migration.policy);
    sink.int("from", i64::from(migration.from));
    sink.int("to", i64::from(migration.to));
    sink.text("mode", migration.mode.as_str());
}

fn agent(event: &Event, agent: &AgentEvent, sink: &mut impl Sink) {
    head(event, sink);
    sink.text("agent", &agent.id);
    match &agent.fact {
        AgentFact::Changed(profile) => {
            sink.text("queues", &list(&profile.queues));
            let mut skills = String::new();
            for skill in &profile.skills {
                let comma = if skills.is_empty() { "" } else { "," };
                let _ = write!(skills, "{comma}{}:{}", skill.name, skill.level);
            }
            sink.text("skills", &skills);
            sink.int("capacity", i64::from(profile.capacity));
            if !profile.label.is_empty() {
                sink.text("label", &profile.label);
            }
        }
        AgentFact::Presence { presence, reason } => {
            sink.text("presence", presence.as_str());
            if !reason.is_empty() {
                sink.text("reason", reason);
            }
        }
    }
    tail(event, agent.origin.as_deref(), sink);
}

pub(super) fn instant(name: &str, at: UnixMs, sink: &mut impl Sink) {
    if at != NEVER {
        sink.int(name, at);
    }
}

pub(super) fn yes(b: bool) -> &'static str {
    if b { "yes" } else { "no" }
}

/// `name@version`, as a ticket's policy is shown.
pub fn versioned(name: &str, version: u32) -> Text {
    compact_str::format_compact!("{name}@{version}")
}

/// `network>=3,zh>=1`
pub fn skills(required: &[Required]) -> String {
    let mut out = String::new();
    for skill in required {
        let comma = if out.is_empty() { "" } else { "," };
        let _ = write!(out, "{comma}{}>={}", skill.name, skill.level_min);
    }
    out
}

/// Names separated by commas.
pub fn list(names: &[Text]) -> String {
    names.iter().map(Text::as_str).collect::<Vec<_>>().join(",")
}

/// Seqs are shown as numbers that fit RESP's integers.
pub fn seq(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
