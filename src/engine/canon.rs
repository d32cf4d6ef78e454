//! Canonical bytes of an entity, and the state hash over them.
//!
//! The state hash is the wrapping sum over all entities of XXH3 of their canonical bytes: names are spelled out and
//! lists have a stored order, so the sum depends on the state alone and not on how it came about. It is kept up to
//! date at the cost of two hashes for each entity touched between two looks at it (about 0.1 µs). A change of these
//! bytes raises [`crate::model::STATE_HASH_VERSION`].

use super::agent::Agent;
use super::state::State;
use super::ticket::Ticket;
use crate::model::account::{Account, Entry, Stretch};
use crate::model::calendar::CalendarExtended;
use crate::model::course::Course;
use crate::model::event::{AgentProfile, Details, PolicyActivated};
use crate::model::record::{ClockState, ClosedRecord, TokenRecord};
use crate::model::target::{PLAIN, Target};
use crate::model::versions::MigrationRecord;
use crate::model::{Seq, TENANT_DEFAULT, Text};
use xxhash_rust::xxh3::xxh3_64;

/// Collects canonical bytes.
#[derive(Debug, Default)]
pub(super) struct Canon(Vec<u8>);

/// What kind of entity the bytes are of; part of them.
#[derive(Clone, Copy)]
enum Kind {
    Ticket = 1,
    Agent = 2,
    Closed = 3,
    Token = 4,
    Policy = 5,
    Queue = 6,
    Calendar = 7,
    Migration = 8,
    Reminder = 9,
    ImportDone = 10,
}

impl Canon {
    fn begin(&mut self, kind: Kind) {
        self.0.clear();
        self.0.push(kind as u8);
        self.0.extend_from_slice(&TENANT_DEFAULT.to_le_bytes());
    }

    fn int(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn seq(&mut self, value: Seq) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    fn text(&mut self, value: &str) {
        self.0.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
    }

    fn texts(&mut self, values: &[Text]) {
        self.int(values.len() as i64);
        for value in values {
            self.text(value);
        }
    }

    fn hash(&self) -> u64 {
        xxh3_64(&self.0)
    }

    /// Hash of a live ticket.
    pub(super) fn ticket(&mut self, ticket: &Ticket, state: &State) -> u64 {
        let book = state.policies.book(ticket.book);
        self.begin(Kind::Ticket);
        self.text(&ticket.id);
        self.byte(ticket.state as u8);
        self.text(state.queues.name(ticket.queue));
        self.byte(u8::from(ticket.queue_by_policy));
        self.byte(u8::from(ticket.held_back));
        self.int(i64::from(ticket.calendar_line));
        self.text(state.asked_queue(ticket.asked_queue).map_or("", Text::as_str));
        self.text(
            state
                .agents
                .get(ticket.agent)
                .map_or("", |agent| agent.id.as_str()),
        );
        self.seq(ticket.hold);
        self.int(ticket.hold_at);
        self.text(&book.name);
        self.int(i64::from(book.version));
        self.int(i64::from(ticket.level));
        self.byte(ticket.rank);
        let skills = &state.routing.requirements.get(ticket.requirement).skills;
        self.int(skills.len() as i64);
        for skill in skills {
            self.text(&skill.name);
            self.byte(skill.level_min);
        }
        for seq in [
            ticket.opened_seq,
            ticket.last_seq,
            ticket.respond_seq,
            ticket.resolve_seq,
            ticket.fingerprint,
        ] {
            self.seq(seq);
        }
        for at in [ticket.opened_at, ticket.commanded_at, ticket.close_at] {
            self.int(at);
        }
        self.byte(u8::from(ticket.pause.is_some()));
        if let Some(pause) = &ticket.pause {
            self.text(&pause.reason);
            self.seq(pause.pause_seq);
            self.seq(pause.resume_seq);
            self.int(pause.since);
            self.int(pause.over.len() as i64);
            for pause in &pause.over {
                self.text(&pause.reason);
                self.stretch(pause.stretch);
            }
        }
        self.int(ticket.clocks.len() as i64);
        for clock in &ticket.clocks {
            self.target(&clock.target);
            self.byte(match clock.state {
                ClockState::Running => 0,
                ClockState::Paused => 1,
                ClockState::Met => 2,
                ClockState::Stopped => 3,
            });
            for at in [
                clock.start,
                clock.due,
                clock.warn_at,
                clock.mark,
                clock.breached_due,
            ] {
                self.int(at);
            }
            let flags = [
                clock.warned,
                clock.breached,
                clock.by_hand,
                clock.ended_by_resolve,
                clock.late_by_level,
                clock.provisional,
                clock.dropped,
            ];
            self.byte(flags.iter().fold(0, |bits, flag| bits << 1 | u8::from(*flag)));
            self.byte(u8::from(clock.account.is_some()));
            if let Some(account) = &clock.account {
                self.account(account);
            }
        }
        self.byte(u8::from(ticket.details.is_some()));
        if let Some(details) = &ticket.details {
            self.details(details);
        }
        self.byte(u8::from(ticket.course.is_some()));
        if let Some(course) = &ticket.course {
            self.course(course);
        }
        self.hash()
    }

    fn account(&mut self, account: &Account) {
        self.int(account.entries.len() as i64);
        for entry in &account.entries {
            match entry {
                Entry::Stood(stretch) => {
                    self.byte(0);
                    self.stretch(*stretch);
                }
                Entry::Added(span) => {
                    self.byte(1);
                    self.text(&span.to_string());
                }
            }
        }
        self.int(account.since);
        self.int(i64::from(account.version));
        self.int(account.taken.len() as i64);
        for taken in &account.taken {
            self.seq(taken.ladder);
            self.int(i64::from(taken.step));
        }
    }

    fn stretch(&mut self, stretch: Stretch) {
        self.int(stretch.from);
        self.int(stretch.to);
    }

    fn course(&mut self, course: &Course) {
        self.text(&course.stage);
        self.seq(course.stage_seq);
        self.int(i64::from(course.escalated));
        self.int(course.pasts.len() as i64);
        for past in &course.pasts {
            self.target(&past.target);
            self.int(past.first_due);
            self.int(past.first_breach);
            self.byte(u8::from(past.asked.is_some()));
            if let Some(asked) = &past.asked {
                self.text(&asked.span.to_string());
                self.int(asked.due_before);
                self.int(asked.first_due);
                self.byte(u8::from(asked.late));
                self.text(&asked.approver);
                self.text(&asked.notice);
            }
        }
        self.int(course.ladders.len() as i64);
        for ladder in &course.ladders {
            self.target(&ladder.target);
            self.int(ladder.rungs.len() as i64);
            for rung in &ladder.rungs {
                self.int(i64::from(rung.step));
                self.int(rung.at);
                self.byte(u8::from(rung.done));
            }
        }
    }

    fn target(&mut self, target: &Target) {
        let plain = PLAIN.iter().position(|(plain, _)| plain == target);
        self.byte(plain.map_or(u8::MAX, |place| place as u8));
        if plain.is_none() {
            self.text(&target.to_string());
        }
    }

    fn details(&mut self, details: &Details) {
        for text in [
            &details.class,
            &details.customer,
            &details.segment,
            &details.channel,
            &details.issue,
            &details.parent,
            &details.prefer,
            &details.calendar,
        ] {
            self.text(text);
        }
        self.texts(&details.links);
        self.texts(&details.assist);
        self.texts(&details.has);
        self.int(details.attributes.len() as i64);
        for (name, value) in &details.attributes {
            self.text(name);
            self.text(value);
        }
    }

    /// Hash of an agent.
    pub(super) fn agent(&mut self, agent: &Agent) -> u64 {
        self.begin(Kind::Agent);
        self.text(&agent.id);
        self.profile(&agent.described);
        self.byte(agent.presence as u8);
        self.text(&agent.reason);
        self.seq(agent.changed_seq);
        self.seq(agent.presence_seq);
        self.hash()
    }

    fn profile(&mut self, profile: &AgentProfile) {
        self.texts(&profile.queues);
        self.int(profile.skills.len() as i64);
        for skill in &profile.skills {
            self.text(&skill.name);
            self.byte(skill.level);
        }
        self.int(i64::from(profile.capacity));
        self.text(&profile.label);
    }

    /// Hash of a ticket that is over.
    pub(super) fn closed(&mut self, closed: &ClosedRecord) -> u64 {
        self.begin(Kind::Closed);
        self.text(&closed.id);
        self.byte(closed.how as u8);
        for seq in [closed.resolve_seq, closed.close_seq, closed.last_seq] {
            self.seq(seq);
        }
        self.int(closed.commanded_at);
        self.text(&closed.queue);
        self.seq(closed.fingerprint);
        self.seq(closed.opened_seq);
        self.hash()
    }

    /// Hash of a bound token.
    pub(super) fn token(&mut self, token: &TokenRecord) -> u64 {
        self.begin(Kind::Token);
        self.text(&token.token);
        self.seq(token.fingerprint);
        self.seq(token.seq);
        self.int(token.logged_at);
        self.byte(u8::from(token.taken.is_some()));
        if let Some(taken) = &token.taken {
            for text in [&taken.ticket, &taken.queue, &taken.priority, &taken.policy] {
                self.text(text);
            }
            self.int(taken.due);
        }
        self.hash()
    }

    /// Hash of a policy version.
    pub(super) fn policy(&mut self, policy: &PolicyActivated) -> u64 {
        self.begin(Kind::Policy);
        self.text(&policy.name);
        self.int(i64::from(policy.version));
        self.text(&policy.text);
        self.hash()
    }

    /// Hash of a migration under way.
    pub(super) fn migration(&mut self, record: &MigrationRecord) -> u64 {
        let MigrationRecord {
            begun,
            migration,
            tally,
        } = record;
        self.begin(Kind::Migration);
        self.seq(*begun);
        self.text(&migration.policy);
        self.int(i64::from(migration.from));
        self.int(i64::from(migration.to));
        self.byte(migration.mode as u8);
        for count in [
            tally.tickets,
            tally.moved,
            tally.started,
            tally.stopped,
            tally.breached,
        ] {
            self.seq(count);
        }
        self.hash()
    }

    /// Hash of a calendar version.
    pub(super) fn calendar(&mut self, calendar: &CalendarExtended) -> u64 {
        self.begin(Kind::Calendar);
        self.text(&calendar.name);
        self.int(i64::from(calendar.version));
        self.text(&calendar.text);
        self.text(&calendar.zone.tzdata_version);
        self.hash()
    }

    /// Hash of a reminder that was told.
    pub(super) fn reminder(&mut self, policy: &str, name: &str, instant: i64) -> u64 {
        self.begin(Kind::Reminder);
        self.text(policy);
        self.text(name);
        self.int(instant);
        self.hash()
    }

    /// Hash of the end of the last import.
    pub(super) fn import_done(&mut self, seq: Seq) -> u64 {
        self.begin(Kind::ImportDone);
        self.seq(seq);
        self.hash()
    }

    /// Hash of a declared queue.
    pub(super) fn queue(&mut self, queue: &str, seq: Seq) -> u64 {
        self.begin(Kind::Queue);
        self.text(queue);
        self.seq(seq);
        self.hash()
    }
}
