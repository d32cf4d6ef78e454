//! Open tickets go over from one version of their policy to another, some at a time.
//!
//! That it was begun, and how far it has come, is state: a restart goes on where the log ends. Which slot is next is not:
//! a ticket that went over is under another version, so that looking from the first slot on again finds the rest. Cost:
//! a look at each slot, and for each ticket what a change of level costs (some 3 µs), a frame of its own.

use super::clock::Clock;
use super::decide::{begins, home_queue, labels_fit};
use super::effects::{Effects, Told};
use super::policies::{Terms, keys};
use super::state::State;
use super::ticket::{NONE, Ticket};
use super::transaction::{Saying, Transaction};
use super::{Engine, Output};
use crate::model::event::*;
use crate::model::record::{ClockState, Record};
use crate::model::versions::*;
use crate::model::{Code, Refusal, Seq, Text, UnixMs};
use crate::policy::{Keys, Plans, RuleBook};
use std::sync::Arc;

/// Where a migration under way goes on.
#[derive(Debug, Default)]
pub(super) struct Job {
    begun: Seq,
    next: u32,
    stayed: u64,
}

/// A migration has come to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Migrated {
    /// Seq of its `policy.migrated`.
    pub seq: Seq,
    /// What it did.
    pub ended: PolicyMigrated,
}

impl Engine {
    /// Begins a migration: the seq of its `policy.migrating`. It is carried on by [`Engine::migrate_on`], after those that
    /// were begun before.
    ///
    /// # Errors
    /// `BADARG` for what is not known, `BUSY` while another one of the same policy is under way.
    pub fn migrate(
        &mut self,
        now: UnixMs,
        migration: &Migration,
        origin: Option<Box<Origin>>,
        out: &mut Output,
    ) -> Result<Seq, Refusal> {
        self.state.check_migration(migration)?;
        let under_way = self.state.migrations.iter();
        if let Some(other) = under_way
            .map(|m| &m.migration)
            .find(|m| m.policy == migration.policy)
        {
            return Err(Refusal::new(
                Code::Busy,
                format!(
                    "tickets of {} are going over from {} to {}: wait for its policy.migrated",
                    other.policy, other.from, other.to
                ),
            ));
        }
        let begun = PolicyMigrating {
            migration: migration.clone(),
            origin,
        };
        Ok(self.record(now, Body::PolicyMigrating(Box::new(begun)), out))
    }

    /// Do timers have to fire first that ran out before the start?
    pub fn catches_up(&self) -> bool {
        self.catches_up
    }

    /// Is a migration under way?
    pub fn is_migrating(&self) -> bool {
        !self.state.migrations.is_empty()
    }

    /// Carries the first migration on by `slots_max` slots, `tickets_max` tickets at most, unless timers are overdue since the
    /// start. Tells when it has ended.
    pub fn migrate_on(
        &mut self,
        now: UnixMs,
        slots_max: u32,
        tickets_max: u32,
        out: &mut Output,
    ) -> Option<Migrated> {
        let MigrationRecord { begun, migration, .. } = self.state.migrations.first()?.clone();
        // What is overdue fires in the order of dues, not of slots: after a restart all of it comes first.
        if self.catches_up {
            return None;
        }
        if self.job.begun != begun {
            self.job = Job {
                begun,
                ..Job::default()
            };
        }
        let slots = self.state.tickets.capacity_slots();
        let end = self.job.next.saturating_add(slots_max).min(slots);
        let mut tickets = 0;
        while self.job.next < end && tickets < tickets_max {
            let slot = self.job.next;
            self.job.next += 1;
            if !self.state.is_to_migrate(slot, begun, &migration) {
                continue;
            }
            tickets += 1;
            let mut transaction = self.transaction(now, false, out);
            let went = transaction.migrate(slot, begun, &migration);
            transaction.match_waiting();
            transaction.end_frame();
            self.job.stayed += u64::from(went == Some(false));
        }
        if self.job.next < self.state.tickets.capacity_slots() {
            return None;
        }
        let tally = self.state.migrations.first()?.tally;
        let ended = PolicyMigrated {
            migration,
            begun,
            tally,
            stayed: self.job.stayed,
        };
        let seq = self.record(now, Body::PolicyMigrated(Box::new(ended.clone())), out);
        Some(Migrated { seq, ended })
    }
}

impl State {
    /// Both versions are there, and they differ.
    pub(super) fn check_migration(&self, migration: &Migration) -> Result<(), Refusal> {
        let Migration { policy, from, to, .. } = migration;
        for version in [from, to] {
            self.check_version(policy, *version)?;
        }
        if from == to {
            return Err(Refusal::bad_arg(format!(
                "from and to are both {from}: tickets of {policy}@{from} go over to another version"
            )));
        }
        Ok(())
    }

    /// Is it a ticket of the version, opened before the migration was begun?
    fn is_to_migrate(&self, slot: u32, begun: Seq, migration: &Migration) -> bool {
        self.tickets.get(slot).is_some_and(|ticket| {
            let fact = self.policies.fact(ticket.book);
            ticket.opened_seq < begun && fact.version == migration.from && fact.name == migration.policy
        })
    }

    /// A migration begins.
    pub(super) fn begin_migration(&mut self, begun: Seq, migration: &Migration) {
        self.add_migration(MigrationRecord {
            begun,
            migration: migration.clone(),
            tally: MigrationTally::default(),
        });
    }

    pub(super) fn add_migration(&mut self, record: MigrationRecord) {
        let hash = self.sum.canon.migration(&record);
        self.sum.add(hash);
        self.migrations.push(record);
    }

    /// A ticket went over.
    pub(super) fn apply_migrated(
        &mut self,
        slot: u32,
        event: &Event,
        ticket: &TicketEvent,
        migrated: &TicketMigrated,
    ) -> Result<(), String> {
        let TicketMigrated { policy, version, .. } = migrated;
        let book = self.policies.find(policy, *version);
        let level = book.and_then(|book| self.policies.book(book).level(&migrated.priority));
        let (Some(book), Some((level, _))) = (book, level) else {
            return Err(format!(
                "ticket {}: unknown policy {policy}@{version} or priority",
                ticket.id
            ));
        };
        let Some(state) = self.tickets.get(slot) else {
            return Ok(());
        };
        let before = self.policies.book(state.book).version;
        let line = self.line_under(state, book);
        match migrated.mode {
            MigrationMode::Retroactive => self.rule_clocks(slot),
            MigrationMode::FromNow => self.keep_ruled(slot, before, ticket),
        }
        self.edit(slot, |t| {
            t.calendar_line = line;
            t.book = book;
            t.level = level;
            t.rank = migrated.rank;
        });
        self.replan_ticket(slot);
        if let Some(skills) = &migrated.skills
            && let Some(queue) = self.tickets.get(slot).map(|t| t.queue)
        {
            let requirement = self.routing.requirements.intern(queue, skills);
            self.edit(slot, |t| t.requirement = requirement);
        }
        self.move_to_queue(slot, &ticket.queue, event.at);
        self.count_migrated(event.cause, migrated.tally);
        Ok(())
    }

    /// A ticket went over, by the migration that began with this event.
    pub(super) fn count_migrated(&mut self, begun: Seq, ticket: TicketTally) {
        let State { migrations, sum, .. } = self;
        if let Some(record) = migrations.iter_mut().find(|record| record.begun == begun) {
            let hash = sum.canon.migration(record);
            sum.subtract(hash);
            record.tally.add(ticket);
            let hash = sum.canon.migration(record);
            sum.add(hash);
        }
    }

    /// The migration has ended.
    pub(super) fn end_migration(&mut self, begun: Seq) -> Result<(), String> {
        let Some(at) = self.migrations.iter().position(|record| record.begun == begun) else {
            return Err(format!("no migration began with event {begun}"));
        };
        let record = self.migrations.remove(at);
        let hash = self.sum.canon.migration(&record);
        self.sum.subtract(hash);
        Ok(())
    }

    pub(super) fn migration_records(&self) -> impl Iterator<Item = Record> {
        self.migrations
            .iter()
            .map(|record| Record::Migration(Box::new(record.clone())))
    }

    /// What a dry run says of a ticket: `None`, it is none of those that would go; `Some(None)`, it would stay. `plans` are
    /// those of the version that it would be under.
    pub(super) fn would_migrate(
        &self,
        ticket: &Ticket,
        now: UnixMs,
        migration: &Migration,
        plans: &mut Plans,
    ) -> Option<Option<TicketTally>> {
        let fact = self.policies.fact(ticket.book);
        let is_of = fact.version == migration.from && fact.name == migration.policy;
        let closes = ticket.state == TicketState::Resolved && ticket.close_at <= now;
        if !is_of || closes {
            return None;
        }
        let old = self.terms_of(ticket);
        let number = self.policies.find(&migration.policy, migration.to)?;
        let book = Arc::clone(self.policies.book(number));
        let Some(level) = place(ticket, &old.book, &book) else {
            return Some(None);
        };
        let plan = self.with_keys(ticket, level, |keys| plans.find(&book, keys));
        let plan = Arc::clone(plans.get(plan));
        let own = self.line_under(ticket, number);
        let own = self.calendars.of_line(own).cloned();
        let new = Terms {
            book,
            plan,
            own,
            older: older(&old),
        };
        let mut ticket = ticket.clone();
        ticket.clocks.iter_mut().for_each(|clock| fire(clock, now));
        let told = effects(&ticket, &old, &new, now, migration.mode);
        Some(Some(weigh(&ticket, &told.effects, now)))
    }

    /// The line of the ticket's own calendar under another version: the one that this names, else the one that it has.
    fn line_under(&self, ticket: &Ticket, book: u32) -> u32 {
        let name = ticket.details.as_deref().map_or("", |details| &details.calendar);
        let line = (!name.is_empty())
            .then(|| self.policies.line(book, name))
            .flatten();
        line.unwrap_or(ticket.calendar_line)
    }

    /// What the rules match the ticket by, at this level.
    pub(super) fn with_keys<T>(&self, ticket: &Ticket, level: u16, with: impl FnOnce(&Keys<'_>) -> T) -> T {
        let none = Details::default();
        let details = ticket.details.as_deref().unwrap_or(&none);
        let queue = (ticket.asked_queue != NONE).then(|| self.queues.name(ticket.asked_queue).as_str());
        with(&keys(details, level, queue))
    }
}

/// What is overdue fires before the ticket is touched.
fn fire(clock: &mut Clock, now: UnixMs) {
    if clock.is_running() && !clock.breached {
        clock.warned |= clock.warn_at <= now;
        if clock.due < now {
            clock.breached = true;
        }
    }
}

/// The level that the ticket has under the new version; `None`: there is no place for it.
fn place(ticket: &Ticket, old: &RuleBook, new: &RuleBook) -> Option<u16> {
    let fits = ticket
        .details
        .as_deref()
        .is_none_or(|details| labels_fit(new, details));
    let (level, _) = new.level(old.priority_name(ticket.level)).filter(|_| fits)?;
    Some(level)
}

/// The stage in which the ticket is under these terms: rules with stages begin with the first.
fn stage_under(ticket: &Ticket, new: &Terms) -> Text {
    let none = Details::default();
    let details = ticket.details.as_deref().unwrap_or(&none);
    let begins = begins(new, ticket.stage(), details).filter(|_| ticket.state != TicketState::Resolved);
    begins.map_or_else(|| Text::new(ticket.stage()), |stage| stage.name.clone())
}

/// What is said of clocks that go on with the dues of the version before.
fn older(old: &Terms) -> Vec<(u32, Terms)> {
    let mut older = old.older.clone();
    let own = Terms {
        older: Vec::new(),
        ..old.clone()
    };
    older.push((old.book.version, own));
    older
}

fn effects(ticket: &Ticket, old: &Terms, new: &Terms, at: UnixMs, mode: MigrationMode) -> Told {
    // What a resolved ticket aimed at is settled; only if it is reopened do the new rules count.
    if ticket.state == TicketState::Resolved {
        return Told::default();
    }
    let mut effects = Effects::new(ticket, old, at).with_pauses(ticket);
    effects.migrate(new, &stage_under(ticket, new), mode);
    effects.finish()
}

/// What these effects do to the ticket as it is before them.
fn weigh(ticket: &Ticket, effects: &[ClockEffect], now: UnixMs) -> TicketTally {
    let mut tally = TicketTally::default();
    for (place, ClockEffect { target, change }) in effects.iter().enumerate() {
        let clock = ticket.clock(target);
        let due = match *change {
            ClockChange::Moved { due, .. } => {
                tally.moved += u16::from(clock.is_some_and(|clock| clock.due != due));
                due
            }
            ClockChange::Started { due, .. } | ClockChange::Resumed { due, .. } => {
                // One that stood still and runs on ran before.
                tally.started += u16::from(clock.is_none_or(|clock| clock.state != ClockState::Paused));
                due
            }
            ClockChange::Stopped { .. } | ClockChange::Dropped { .. } => {
                tally.stopped += 1;
                continue;
            }
            ClockChange::Met { .. } | ClockChange::Paused { .. } => continue,
        };
        let is_new = matches!(change, ClockChange::Started { .. });
        // What the new rules let stand still or run on is told by the last change of the clock.
        let is_last = effects[place + 1..].iter().all(|later| later.target != *target);
        let was_paused = clock.is_some_and(|clock| clock.state == ClockState::Paused);
        let stands_still = !is_last || matches!(change, ClockChange::Moved { .. }) && was_paused;
        let is_told = !is_new && clock.is_some_and(|clock| clock.breached);
        tally.breached += u16::from(!stands_still && !is_told && due < now);
    }
    tally
}

impl Transaction<'_> {
    /// The ticket in this slot goes over. `Some(false)`: it stays; `None`: a timer has just closed it.
    fn migrate(&mut self, slot: u32, begun: Seq, migration: &Migration) -> Option<bool> {
        if self.fire_overdue(slot) && !self.state.is_to_migrate(slot, begun, migration) {
            return None;
        }
        let old = self.terms(slot);
        let number = self.state.policies.find(&migration.policy, migration.to)?;
        let book = Arc::clone(self.state.policies.book(number));
        let ticket = self.state.tickets.get(slot)?;
        let Some(level) = place(ticket, &old.book, &book) else {
            return Some(false);
        };
        let asked = ticket.asked_queue;
        let details = ticket.details.clone().unwrap_or_default();
        let own = self.state.line_under(ticket, number);
        let plan = self.state.replan(number, level, &details, asked);
        let new = Terms {
            older: older(&old),
            ..self.state.terms(number, plan, own)
        };
        let ticket = self.state.tickets.get(slot)?;
        let at = self.now.max(ticket.commanded_at);
        let moves = ticket.queue_by_policy && ticket.state == TicketState::Waiting;
        let told = effects(ticket, &old, &new, at, migration.mode);
        let required = &self.state.routing.requirements.get(ticket.requirement).skills;
        let are_ruled = old.plan.skills != new.plan.skills && *required == old.plan.skills;
        let priority = book.priority_name(level).clone();
        let migrated = TicketMigrated {
            policy: book.name.clone(),
            version: book.version,
            priority: priority.clone(),
            // A rank that a step has raised stays as urgent.
            rank: if ticket.rank == old.plan.rank {
                new.plan.rank
            } else {
                new.plan.rank.min(ticket.rank)
            },
            skills: are_ruled.then(|| new.plan.skills.clone()),
            mode: migration.mode,
            tally: weigh(ticket, &told.effects, at),
        };
        let saying = Saying {
            cause: begun,
            told,
            queue: moves.then(|| home_queue(&new, &stage_under(ticket, &new))),
            priority: Some(priority),
            policy: Some(book.versioned.clone()),
            ..Saying::default()
        };
        let seq = self.say(slot, at, TicketFact::Migrated(Box::new(migrated)), saying);
        if self
            .state
            .tickets
            .get(slot)
            .is_some_and(|t| t.state != TicketState::Resolved)
        {
            self.first_stage(slot, at, seq);
        }
        Some(true)
    }
}
