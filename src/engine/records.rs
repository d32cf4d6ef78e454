//! State ↔ records: what snapshots store.

use super::agent::Agent;
use super::clock::Clock;
use super::state::{State, id_hash};
use super::ticket::{NONE, Pause, Ticket};
use crate::model::calendar::CalendarExtended;
use crate::model::event::Details;
use crate::model::record::{
    AgentRecord, CalendarRecord, ClockReading, ClockRecord, ClosedRecord, QueueRecord, Record,
    ReminderRecord, TicketRecord, TokenRecord,
};
use crate::model::{NEVER, Seq, TENANT_DEFAULT, Text};

/// Records of a snapshot that wait until all are there: what changed while it was taken stands out of order.
#[derive(Debug, Default)]
pub(super) struct Loading {
    closed: Vec<ClosedRecord>,
    tokens: Vec<TokenRecord>,
    closed_next: u64,
    tokens_next: u64,
}

impl State {
    /// The ticket in this slot as a record.
    pub(super) fn ticket_record(&self, slot: u32) -> Option<Record> {
        let ticket = self.tickets.get(slot)?;
        let book = self.policies.book(ticket.book);
        let pause = ticket.pause.as_deref().cloned().unwrap_or_default();
        Some(Record::Ticket(Box::new(TicketRecord {
            tenant: TENANT_DEFAULT,
            id: ticket.id.clone(),
            state: ticket.state,
            queue: self.queues.name(ticket.queue).clone(),
            queue_by_policy: ticket.queue_by_policy,
            asked_queue: self.asked_queue(ticket.asked_queue).cloned().unwrap_or_default(),
            agent: self.agent_name(ticket.agent),
            hold: ticket.hold,
            hold_at: ticket.hold_at,
            policy: book.name.clone(),
            version: book.version,
            priority: book.priority_name(ticket.level).clone(),
            rank: ticket.rank,
            skills: self.routing.requirements.get(ticket.requirement).skills.clone(),
            opened_at: ticket.opened_at,
            opened_seq: ticket.opened_seq,
            last_seq: ticket.last_seq,
            commanded_at: ticket.commanded_at,
            respond_seq: ticket.respond_seq,
            resolve_seq: ticket.resolve_seq,
            close_at: ticket.close_at,
            fingerprint: ticket.fingerprint,
            paused: pause.reason,
            pause_seq: pause.pause_seq,
            resume_seq: pause.resume_seq,
            paused_at: pause.since,
            pauses: pause.over,
            clocks: ticket
                .clocks
                .iter()
                .map(Clock::to_record)
                .collect::<Vec<ClockRecord>>(),
            details: ticket.details.clone(),
            course: ticket.course.clone(),
            held_back: ticket.held_back,
            calendar_line: (ticket.calendar_line != NONE).then_some(ticket.calendar_line),
        })))
    }

    /// The agent in this slot as a record.
    pub(super) fn agent_record(&self, slot: u32) -> Option<Record> {
        let agent = self.agents.get(slot)?;
        Some(Record::Agent(Box::new(AgentRecord {
            tenant: TENANT_DEFAULT,
            id: agent.id.clone(),
            profile: agent.described.clone(),
            presence: agent.presence,
            reason: agent.reason.clone(),
            changed_seq: agent.changed_seq,
            presence_seq: agent.presence_seq,
        })))
    }

    /// The time, policy versions and declared queues: few, copied at once.
    pub(super) fn small_tables(&self) -> Vec<Record> {
        // Which calendars count for a policy version depends on which there were before it.
        let mut calendars = self.calendars.facts().iter();
        let mut rules = Vec::new();
        let mut told = 0;
        for (policy, before) in self.policies.facts() {
            rules.extend(calendars.by_ref().take(before - told).map(calendar_record));
            told = before;
            rules.push(Record::Policy(Box::new(policy.clone())));
        }
        rules.extend(calendars.map(calendar_record));
        rules.extend(self.reminders.last().map(|(policy, name, instant)| {
            Record::Reminder(Box::new(ReminderRecord {
                tenant: TENANT_DEFAULT,
                policy: policy.clone(),
                name: name.clone(),
                instant,
            }))
        }));
        let queues = self.declared.iter().map(|(queue, seq)| {
            let queue = self.queues.name(*queue).clone();
            Record::Queue(Box::new(QueueRecord {
                tenant: TENANT_DEFAULT,
                queue,
                seq: *seq,
            }))
        });
        let clock = Record::Clock(Box::new(ClockReading {
            logged_at: self.logged_at,
            virtual_clock: self.virtual_clock,
            jumped: self.jumped,
            closed_next: self.closed.range().end,
            tokens_next: self.tokens.range().end,
            imports_done: self.imports_done,
        }));
        std::iter::once(clock)
            .chain(rules)
            .chain(queues)
            .chain(self.migration_records())
            .collect()
    }

    /// Makes room for so many tickets.
    pub(super) fn expect(&mut self, tickets: usize) {
        let State {
            ticket_ids,
            tickets: slots,
            ..
        } = self;
        ticket_ids.reserve(tickets, |slot| {
            slots.get(slot).map_or(0, |ticket| id_hash(&ticket.id))
        });
    }

    /// Takes a record in. Policies come before tickets, as [`State::snapshot_step`] gives them; otherwise in any order.
    pub(super) fn restore(&mut self, record: Record) -> Result<(), String> {
        match record {
            Record::Clock(reading) => {
                self.logged_at = reading.logged_at;
                self.virtual_clock = reading.virtual_clock;
                self.jumped = reading.jumped;
                self.set_imports_done(reading.imports_done);
                (self.loading.closed_next, self.loading.tokens_next) =
                    (reading.closed_next, reading.tokens_next);
            }
            Record::Policy(fact) => {
                let hash = self.sum.canon.policy(&fact);
                self.sum.add(hash);
                let State {
                    policies, calendars, ..
                } = self;
                policies.activate(&fact, calendars)?;
                self.learn_queues();
            }
            Record::Calendar(record) => self.take_calendar(record.seq, &record.fact)?,
            Record::Reminder(reminder) => {
                self.tell_reminder(&reminder.policy, &reminder.name, reminder.instant);
            }
            Record::Queue(queue) => {
                let number = self.queues.intern(&queue.queue);
                self.declared.insert(number, queue.seq);
                let hash = self.sum.canon.queue(&queue.queue, queue.seq);
                self.sum.add(hash);
            }
            Record::Migration(record) => self.add_migration(*record),
            Record::Agent(record) => self.restore_agent(*record),
            Record::Ticket(record) => self.restore_ticket(*record)?,
            Record::Closed(record) => self.loading.closed.push(*record),
            Record::Token(record) => self.loading.tokens.push(*record),
        }
        Ok(())
    }

    /// All records were taken in: what is remembered in an order is put into it.
    pub(super) fn restored(&mut self) {
        let Loading {
            mut closed,
            mut tokens,
            closed_next,
            tokens_next,
        } = std::mem::take(&mut self.loading);
        closed.sort_by_key(|closed| closed.number);
        tokens.sort_by_key(|token| token.number);
        for closed in closed {
            let hash = self.sum.canon.closed(&closed);
            self.sum.add(hash);
            self.closed.restore(closed.number, closed.id.clone(), closed);
        }
        self.closed.skip_to(closed_next);
        for token in tokens {
            let hash = self.sum.canon.token(&token);
            self.sum.add(hash);
            self.tokens.restore(token.number, token.token.clone(), token);
        }
        self.tokens.skip_to(tokens_next);
    }

    fn restore_agent(&mut self, record: AgentRecord) {
        let slot = self.agent_or_new(&record.id);
        self.before_agent(slot);
        let profile = self.profile_of(&record.profile);
        if let Some(agent) = self.agents.get_mut(slot) {
            agent.described = record.profile;
            agent.presence = record.presence;
            agent.reason = record.reason;
            agent.changed_seq = record.changed_seq;
            agent.presence_seq = record.presence_seq;
            agent.profile = profile;
        }
    }

    fn restore_ticket(&mut self, record: TicketRecord) -> Result<(), String> {
        let unknown = || {
            format!(
                "ticket {}: unknown policy {}@{}",
                record.id, record.policy, record.version
            )
        };
        let book = self
            .policies
            .find(&record.policy, record.version)
            .ok_or_else(unknown)?;
        let (level, _) = self
            .policies
            .book(book)
            .level(&record.priority)
            .ok_or_else(unknown)?;
        let queue = self.queues.intern(&record.queue);
        let asked_queue = if record.asked_queue.is_empty() {
            NONE
        } else {
            self.queues.intern(&record.asked_queue)
        };
        let none = Details::default();
        let details = record.details.as_deref().unwrap_or(&none);
        let plan = self.replan(book, level, details, asked_queue);
        let requirement = self.routing.requirements.intern(queue, &record.skills);
        // A snapshot may give a ticket before its agent; the agent is filled in when its own record comes.
        let agent = if record.agent.is_empty() {
            NONE
        } else {
            self.agent_or_new(&record.agent)
        };
        let pause = (record.pause_seq != 0).then(|| {
            Box::new(Pause {
                reason: record.paused,
                pause_seq: record.pause_seq,
                resume_seq: record.resume_seq,
                since: record.paused_at,
                over: record.pauses,
            })
        });
        let ticket = Ticket {
            id: record.id,
            opened_at: record.opened_at,
            waiting_at: NEVER,
            opened_seq: record.opened_seq,
            last_seq: record.last_seq,
            commanded_at: record.commanded_at,
            respond_seq: record.respond_seq,
            resolve_seq: record.resolve_seq,
            close_at: record.close_at,
            fingerprint: record.fingerprint,
            hold: record.hold,
            hold_at: record.hold_at,
            agent,
            queue,
            requirement,
            book,
            level,
            plan,
            asked_queue,
            rank: record.rank,
            state: record.state,
            queue_by_policy: record.queue_by_policy,
            clocks: record.clocks.into_iter().map(Clock::from_record).collect(),
            pause,
            details: record.details,
            course: record.course,
            held_back: record.held_back,
            calendar_line: record.calendar_line.unwrap_or(NONE),
        };
        let (hold, counts) = (ticket.hold, !ticket.is_paused());
        let slot = self.insert_ticket(ticket);
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.held.insert(hold, slot);
            agent.load += u32::from(counts);
        }
        Ok(())
    }

    /// The slot of this agent, made if need be.
    pub(super) fn agent_or_new(&mut self, id: &Text) -> u32 {
        if let Some(slot) = self.agent_slot(id) {
            return slot;
        }
        let mut agent = Agent::new(id.clone());
        agent.profile = self.profile_of(&agent.described);
        self.before_agent(self.agents.next_id());
        let slot = self.agents.insert(agent);
        let State {
            agent_ids, agents, ..
        } = self;
        agent_ids.insert(id_hash(id), slot, |slot| {
            agents.get(slot).map_or(0, |agent| id_hash(&agent.id))
        });
        slot
    }
}

fn calendar_record((seq, fact): &(Seq, CalendarExtended)) -> Record {
    Record::Calendar(Box::new(CalendarRecord {
        tenant: TENANT_DEFAULT,
        seq: *seq,
        fact: fact.clone(),
    }))
}
