//! All that the engine knows. Only `apply` changes it, entity by entity, announcing each change beforehand.

use super::agent::Agent;
use super::calendars::Calendars;
use super::canon::Canon;
use super::copying::Copying;
use super::horizon::Horizon;
use super::names::Names;
use super::policies::{Policies, Terms, keys};
use super::records::Loading;
use super::reminders::Reminders;
use super::routing::Routing;
use super::ticket::{NONE, Ticket};
use crate::collections::hash::hash_bytes;
use crate::collections::{BitSet, IdIndex, Remembered, Slab, Wheel};
use crate::model::calendar::CalendarExtended;
use crate::model::command::QUEUE_NONE;
use crate::model::event::{Details, TicketState};
use crate::model::record::{ClosedRecord, JumpRecord, TokenRecord};
use crate::model::versions::MigrationRecord;
use crate::model::{Seq, Text, UnixMs};
use crate::policy::Plans;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The state.
#[derive(Debug)]
pub(super) struct State {
    /// Newest event.
    pub seq: Seq,
    /// Newest instant at which an event was logged; only a jump of the clock sets it back.
    pub logged_at: UnixMs,
    /// The log is written under a virtual clock, and needs one again.
    pub virtual_clock: bool,
    /// The last jump of the real clock.
    pub jumped: Option<JumpRecord>,
    pub tickets: Slab<Ticket>,
    pub ticket_ids: IdIndex,
    /// The slot that was looked up last.
    pub ticket_memo: Cell<u32>,
    pub agents: Slab<Agent>,
    pub agent_ids: IdIndex,
    pub queues: Names,
    /// Seq of the `queue.changed` of declared queues, by number.
    pub declared: BTreeMap<u32, Seq>,
    pub policies: Policies,
    /// Migrations under way, in the order in which they began.
    pub migrations: Vec<MigrationRecord>,
    /// Derived: how many tickets are open under each policy version, by its number.
    open_under: Vec<u64>,
    pub calendars: Calendars,
    /// What queues were last reminded of.
    pub reminders: Reminders,
    /// Dues to be reckoned anew, because a calendar goes further: derived.
    pub horizons: VecDeque<Horizon>,
    /// Tickets that are over, the newest.
    pub closed: Remembered<Text, ClosedRecord>,
    /// Seq of the last `import.done`: what was imported before then and held back is handed out; 0: there was none.
    pub imports_done: Seq,
    /// Derived: the slot from which to go on with handing out what an import had held back.
    pub handing_out: Option<u32>,
    /// Tokens that are bound.
    pub tokens: Remembered<Text, TokenRecord>,
    /// Derived: who gets what.
    pub routing: Routing,
    /// Derived: what each ticket does next by itself.
    pub wheel: Wheel,
    /// Derived: how many tickets each queue has in each state.
    pub counts: Vec<QueueCounts>,
    /// Derived structures are kept up; not while a log is replayed.
    pub live: bool,
    pub sum: Sum,
    /// The snapshot that is being taken.
    pub copying: Option<Copying>,
    pub loading: Loading,
    /// Tickets that became routable since the last look, with the event that made them so.
    pub routable: Vec<(u32, Seq)>,
}

/// How many tickets a queue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// In the queue, paused ones included.
    pub waiting: u64,
    /// In agents' hands.
    pub assigned: u64,
    /// Done, not yet closed.
    pub resolved: u64,
    /// Paused, waiting or assigned.
    pub paused: u64,
}

/// The state hash, and what it does not count yet.
#[derive(Debug, Default)]
pub(super) struct Sum {
    total: u64,
    tickets: Dirty,
    agents: Dirty,
    pub canon: Canon,
}

/// Slots that changed since the hash was last looked at, and are not in the total.
#[derive(Debug, Default)]
struct Dirty {
    slots: Vec<u32>,
    marked: BitSet,
}

impl Dirty {
    /// True the first time.
    fn mark(&mut self, slot: u32) -> bool {
        let first = !self.marked.get(slot);
        if first {
            self.marked.set(slot);
            self.slots.push(slot);
        }
        first
    }
}

/// Dirty entities at most before they are counted: bounds the work of one look at the hash.
const DIRTY_MAX: usize = 4_096;

impl Sum {
    pub(super) fn add(&mut self, hash: u64) {
        self.total = self.total.wrapping_add(hash);
    }

    pub(super) fn subtract(&mut self, hash: u64) {
        self.total = self.total.wrapping_sub(hash);
    }
}

/// Hash of a ticket's or an agent's id in the indexes. Seeded by a constant: replay must not depend on chance, and
/// clients of a local socket do not attack its hash tables.
pub(super) fn id_hash(id: &str) -> u64 {
    hash_bytes(SEED, id.as_bytes())
}

/// Seed of every hash table of the engine.
pub(super) const SEED: u64 = 0x51AD_51AD;

impl State {
    pub(super) fn new(closed_max: usize, tokens_max: usize) -> State {
        let mut queues = Names::default();
        queues.intern(QUEUE_NONE);
        State {
            seq: 0,
            logged_at: 0,
            virtual_clock: false,
            jumped: None,
            tickets: Slab::new(),
            ticket_ids: IdIndex::new(SEED),
            ticket_memo: Cell::new(NONE),
            agents: Slab::new(),
            agent_ids: IdIndex::new(SEED),
            queues,
            declared: BTreeMap::new(),
            policies: Policies::default(),
            migrations: Vec::new(),
            open_under: Vec::new(),
            calendars: Calendars::default(),
            reminders: Reminders::default(),
            horizons: VecDeque::new(),
            closed: Remembered::new(closed_max, SEED),
            imports_done: 0,
            handing_out: None,
            tokens: Remembered::new(tokens_max, SEED),
            routing: Routing::default(),
            wheel: Wheel::new(0),
            counts: Vec::new(),
            live: false,
            sum: Sum::default(),
            copying: None,
            loading: Loading::default(),
            routable: Vec::new(),
        }
    }

    /// Slot of a live ticket.
    pub(super) fn ticket_slot(&self, id: &str) -> Option<u32> {
        // One command looks its ticket up for every event it makes.
        let memo = self.ticket_memo.get();
        if self.tickets.get(memo).is_some_and(|t| t.id == id) {
            return Some(memo);
        }
        let slot = self.ticket_ids.get(id_hash(id), |slot| {
            self.tickets.get(slot).is_some_and(|t| t.id == id)
        })?;
        self.ticket_memo.set(slot);
        Some(slot)
    }

    /// Slot of an agent.
    pub(super) fn agent_slot(&self, id: &str) -> Option<u32> {
        let hash = id_hash(id);
        self.agent_ids
            .get(hash, |slot| self.agents.get(slot).is_some_and(|a| a.id == id))
    }

    /// Name of the agent in this slot, or an empty one.
    pub(super) fn agent_name(&self, slot: u32) -> Text {
        if slot == NONE {
            Text::default()
        } else {
            self.agents.get(slot).map_or_else(Text::default, |a| a.id.clone())
        }
    }

    /// Is this a queue that tickets may be sent to: of an active policy, declared, or in use?
    pub(super) fn knows_queue(&self, name: &str) -> bool {
        self.queues.get(name).is_some()
    }

    /// Name of the queue that a ticket was opened with, if it named one.
    pub(super) fn asked_queue(&self, number: u32) -> Option<&Text> {
        (number != NONE).then(|| self.queues.name(number))
    }

    /// Number of the plan for a ticket with these keys.
    pub(super) fn replan(&mut self, book: u32, level: u16, details: &Details, asked_queue: u32) -> u32 {
        let State { policies, queues, .. } = self;
        let queue = (asked_queue != NONE).then(|| queues.name(asked_queue).as_str());
        policies.plan(book, &keys(details, level, queue))
    }

    /// What a ticket of this version, plan and line of a calendar of its own ([`NONE`]: it has none) is under.
    pub(super) fn terms(&self, book: u32, plan: u32, own_line: u32) -> Terms {
        Terms {
            own: self.calendars.of_line(own_line).cloned(),
            ..self.policies.terms(book, plan)
        }
    }

    /// What this ticket is under.
    pub(super) fn terms_of(&self, ticket: &Ticket) -> Terms {
        let mut terms = self.terms(ticket.book, ticket.plan, ticket.calendar_line);
        for version in ticket.clocks.iter().filter_map(super::clock::Clock::version) {
            if terms.older.iter().all(|(known, _)| *known != version) {
                terms
                    .older
                    .extend(self.terms_before(ticket, version).map(|before| (version, before)));
            }
        }
        terms
    }

    /// The rules that an earlier version of its policy has for a ticket like this.
    fn terms_before(&self, ticket: &Ticket, version: u32) -> Option<Terms> {
        let now = self.policies.book(ticket.book);
        let number = self.policies.find(&now.name, version)?;
        let book = Arc::clone(self.policies.book(number));
        let (level, _) = book.level(now.priority_name(ticket.level))?;
        let mut plans = Plans::default();
        let plan = self.with_keys(ticket, level, |keys| plans.find(&book, keys));
        let plan = Arc::clone(plans.get(plan));
        let own = self.calendars.of_line(ticket.calendar_line).cloned();
        Some(Terms {
            book,
            plan,
            own,
            older: Vec::new(),
        })
    }

    /// The line of the calendar of this name that counts from now on for a ticket of this policy version; [`NONE`] for an empty
    /// name. A calendar that came after the version counts as it is now: later ones that differ do not follow.
    pub(super) fn calendar_line(&self, book: u32, name: &str) -> u32 {
        if name.is_empty() {
            return NONE;
        }
        let line = self.policies.line(book, name);
        line.or_else(|| self.calendars.lines().get(name).copied())
            .unwrap_or(NONE)
    }

    /// A queue was reminded.
    pub(super) fn tell_reminder(&mut self, policy: &Text, name: &Text, instant: UnixMs) {
        let known = self.reminders.last().find(|(p, n, _)| *p == policy && *n == name);
        if let Some((_, _, before)) = known {
            let hash = self.sum.canon.reminder(policy, name, before);
            self.sum.subtract(hash);
        }
        let hash = self.sum.canon.reminder(policy, name, instant);
        self.sum.add(hash);
        self.reminders.tell(policy, name, instant);
    }

    /// A calendar version takes effect.
    pub(super) fn take_calendar(&mut self, seq: Seq, fact: &CalendarExtended) -> Result<(), String> {
        let hash = self.sum.canon.calendar(fact);
        self.sum.add(hash);
        let extended = self.calendars.take(seq, fact)?;
        self.reminders.forget_next();
        if extended.goes_on {
            self.policies.use_calendar(&fact.name, &extended);
            if self.live {
                self.extend_horizon(extended.line, seq);
            }
        }
        Ok(())
    }

    /// Matches the rules anew by what the ticket is now.
    pub(super) fn replan_ticket(&mut self, slot: u32) {
        let State {
            policies,
            queues,
            tickets,
            ..
        } = self;
        let Some(ticket) = tickets.get_mut(slot) else {
            return;
        };
        let none = Details::default();
        let details = ticket.details.as_deref().unwrap_or(&none);
        let queue = (ticket.asked_queue != NONE).then(|| queues.name(ticket.asked_queue).as_str());
        ticket.plan = policies.plan(ticket.book, &keys(details, ticket.level, queue));
    }

    /// Tickets of the pseudo queue are never routed.
    pub(super) fn is_routed(&self, queue: u32) -> bool {
        queue != 0
    }

    /// Does the ticket wait for an agent?
    pub(super) fn is_routable(&self, ticket: &Ticket) -> bool {
        ticket.state == TicketState::Waiting
            && !ticket.is_paused()
            && self.is_routed(ticket.queue)
            && !self.is_held_back(ticket)
    }

    /// Was it imported by an import that is not done?
    pub(super) fn is_held_back(&self, ticket: &Ticket) -> bool {
        ticket.held_back && ticket.opened_seq > self.imports_done
    }

    /// To be called before a ticket in this slot is changed, removed or put there.
    pub(super) fn before_ticket(&mut self, slot: u32) {
        let State {
            tickets,
            copying,
            sum,
            ..
        } = self;
        let exists = tickets.get(slot).is_some();
        let copy = copying
            .as_mut()
            .is_some_and(|copying| copying.tickets.leaves(u64::from(slot)));
        let first = sum.tickets.mark(slot);
        if !exists {
            return;
        }
        if copy && let Some(record) = self.ticket_record(slot) {
            self.save_ahead(record);
        }
        if first {
            let hash = self.ticket_hash(slot);
            self.sum.subtract(hash);
        }
        self.count(slot, -1);
    }

    /// To be called after a ticket in this slot was changed or put there.
    pub(super) fn after_ticket(&mut self, slot: u32) {
        self.count(slot, 1);
        if self.sum.tickets.slots.len() > DIRTY_MAX {
            self.settle();
        }
    }

    /// To be called before an agent in this slot is changed or put there.
    pub(super) fn before_agent(&mut self, slot: u32) {
        if self.sum.agents.slots.len() > DIRTY_MAX {
            self.settle();
        }
        let exists = self.agents.get(slot).is_some();
        let copy = self
            .copying
            .as_mut()
            .is_some_and(|copying| copying.agents.leaves(u64::from(slot)));
        let first = self.sum.agents.mark(slot);
        if !exists {
            return;
        }
        if copy && let Some(record) = self.agent_record(slot) {
            self.save_ahead(record);
        }
        if first {
            let State { agents, sum, .. } = self;
            if let Some(agent) = agents.get(slot) {
                let hash = sum.canon.agent(agent);
                sum.subtract(hash);
            }
        }
    }

    fn ticket_hash(&mut self, slot: u32) -> u64 {
        let mut canon = std::mem::take(&mut self.sum.canon);
        let hash = self
            .tickets
            .get(slot)
            .map_or(0, |ticket| canon.ticket(ticket, self));
        self.sum.canon = canon;
        hash
    }

    /// Counts what changed since the last look.
    fn settle(&mut self) {
        let mut slots = std::mem::take(&mut self.sum.tickets.slots);
        for slot in slots.drain(..) {
            self.sum.tickets.marked.clear(slot);
            let hash = self.ticket_hash(slot);
            self.sum.add(hash);
        }
        self.sum.tickets.slots = slots;
        let State { sum, agents, .. } = self;
        let mut slots = std::mem::take(&mut sum.agents.slots);
        for slot in slots.drain(..) {
            sum.agents.marked.clear(slot);
            if let Some(agent) = agents.get(slot) {
                let hash = sum.canon.agent(agent);
                sum.add(hash);
            }
        }
        sum.agents.slots = slots;
    }

    /// The state hash. Cost: a hash for each entity changed since the last look, 8,192 at most.
    pub(super) fn hash(&mut self) -> u64 {
        self.settle();
        self.sum.total
    }

    /// How many tickets are open under the policy version of this number.
    pub(super) fn open_under(&self, book: u32) -> u64 {
        self.open_under.get(book as usize).copied().unwrap_or(0)
    }

    fn count(&mut self, slot: u32, by: i64) {
        let Some(ticket) = self.tickets.get(slot) else {
            return;
        };
        let book = ticket.book as usize;
        if self.open_under.len() <= book {
            self.open_under.resize(book + 1, 0);
        }
        self.open_under[book] = self.open_under[book].wrapping_add_signed(by);
        let queue = ticket.queue as usize;
        if self.counts.len() <= queue {
            self.counts.resize(queue + 1, QueueCounts::default());
        }
        let counts = &mut self.counts[queue];
        let add = |n: &mut u64| *n = n.wrapping_add_signed(by);
        match ticket.state {
            TicketState::Waiting => add(&mut counts.waiting),
            TicketState::Assigned => add(&mut counts.assigned),
            TicketState::Resolved => add(&mut counts.resolved),
            TicketState::Closed => {}
        }
        if ticket.is_paused() {
            add(&mut counts.paused);
        }
    }
}
