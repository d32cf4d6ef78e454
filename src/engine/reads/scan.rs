//! Long reads in slices: they walk the ticket slots, a bounded number a call, while commands go on in between.
//!
//! A ticket that is there all along is seen exactly once; one that comes, goes or changes meanwhile may be seen or
//! not. A page costs a walk over all tickets (about 20 ns each) and keeps no more than the page.

use super::queues::Tally;
use super::ticket;
use crate::engine::routing::Key;
use crate::engine::state::State;
use crate::engine::ticket::{NONE, Ticket};
use crate::model::command::{Filter, List, Read, Sort};
use crate::model::fields::skills;
use crate::model::reply::Reply;
use crate::model::versions::{Migration, MigrationTally};
use crate::model::{Refusal, Seq, Text, UnixMs, text};
use crate::policy::Plans;
use std::collections::BinaryHeap;

/// A long read under way.
#[derive(Debug)]
pub struct Scan {
    next: u32,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The page so far: the least keys, greatest on top.
    List {
        list: List,
        page: BinaryHeap<((i64, Seq), u32)>,
        more: bool,
    },
    Count {
        filters: Vec<Filter>,
        found: i64,
    },
    Peek {
        queue: u32,
        count: usize,
        head: BinaryHeap<((u8, Key), u32)>,
    },
    Stats {
        queue: u32,
        tally: Tally,
    },
    /// What a migration would do, and how many tickets it would leave where they are.
    DryRun {
        migration: Migration,
        tally: MigrationTally,
        stayed: u64,
        plans: Plans,
    },
}

impl Scan {
    /// What a migration would do.
    pub(super) fn dry_run(migration: &Migration) -> Scan {
        let what = What::DryRun {
            migration: migration.clone(),
            tally: MigrationTally::default(),
            stayed: 0,
            plans: Plans::default(),
        };
        Scan { next: 0, what }
    }

    pub(super) fn new(state: &State, read: &Read) -> Result<Scan, Refusal> {
        let queue = |name: &Text| {
            let known = || state.queues.iter().map(|(_, name)| name.as_str());
            state.queues.get(name).ok_or_else(|| {
                Refusal::bad_arg(format!(
                    "queue '{name}' is not known{}: QUEUE.LIST lists them",
                    text::hint(name, known())
                ))
            })
        };
        let filters: &[Filter] = match read {
            Read::TicketCount { filters } => filters,
            Read::TicketList(list) => &list.filters,
            _ => &[],
        };
        for filter in filters {
            match filter {
                Filter::Queue(name) => queue(name).map(drop)?,
                Filter::Policy(name) => state.known_policy(name).map(drop)?,
                _ => {}
            }
        }
        let what = match read {
            Read::TicketCount { filters } => What::Count {
                filters: filters.clone(),
                found: 0,
            },
            Read::QueuePeek { queue: name, count } => What::Peek {
                queue: queue(name)?,
                count: *count as usize,
                head: BinaryHeap::new(),
            },
            Read::QueueStats { queue: name } => What::Stats {
                queue: queue(name)?,
                tally: Tally::default(),
            },
            Read::TicketList(list) => What::List {
                list: (**list).clone(),
                page: BinaryHeap::new(),
                more: false,
            },
            _ => What::Count {
                filters: Vec::new(),
                found: 0,
            },
        };
        Ok(Scan { next: 0, what })
    }

    /// Looks at up to `slots_max` slots; the reply when that was all.
    pub(in crate::engine) fn step(&mut self, state: &State, now: UnixMs, slots_max: usize) -> Option<Reply> {
        let slots = state.tickets.capacity_slots();
        let end = (u64::from(self.next))
            .saturating_add(slots_max as u64)
            .min(u64::from(slots)) as u32;
        for slot in self.next..end {
            if let Some(ticket) = state.tickets.get(slot) {
                self.what.look(state, now, slot, ticket);
            }
        }
        self.next = end;
        (end >= state.tickets.capacity_slots()).then(|| self.what.reply(state, now))
    }
}

impl What {
    fn look(&mut self, state: &State, now: UnixMs, slot: u32, ticket: &Ticket) {
        match self {
            What::DryRun {
                migration,
                tally,
                stayed,
                plans,
            } => match state.would_migrate(ticket, now, migration, plans) {
                Some(Some(clocks)) => tally.add(clocks),
                Some(None) => *stayed += 1,
                None => {}
            },
            What::Count { filters, found } => {
                *found += i64::from(filters.iter().all(|f| holds(f, state, ticket)))
            }
            What::Stats { queue, tally } if ticket.queue == *queue => tally.look(ticket),
            What::Stats { .. } => {}
            What::Peek { queue, count, head } => {
                if ticket.queue == *queue && state.is_routable(ticket) {
                    let key = (ticket.live_deadline(), ticket.opened_at, ticket.opened_seq);
                    keep_least(head, ((ticket.rank, key), slot), *count);
                }
            }
            What::List { list, page, more } => {
                let key = key(list.sort, ticket);
                if list.cursor.is_none_or(|after| key > after)
                    && list.filters.iter().all(|f| holds(f, state, ticket))
                {
                    *more |= keep_least(page, (key, slot), list.count as usize);
                }
            }
        }
    }

    fn reply(&mut self, state: &State, now: UnixMs) -> Reply {
        match self {
            What::DryRun { tally, stayed, .. } => tally.reply(None, *stayed),
            What::Count { found, .. } => Reply::Int(*found),
            What::Stats { queue, tally } => tally.reply(state, now, *queue),
            What::Peek { head, .. } => {
                let head = std::mem::take(head).into_sorted_vec();
                Reply::List(
                    head.into_iter()
                        .filter_map(|(_, slot)| peeked(state, state.tickets.get(slot)?))
                        .collect(),
                )
            }
            What::List { page, more, .. } => {
                let page = std::mem::take(page).into_sorted_vec();
                let cursor = page
                    .last()
                    .filter(|_| *more)
                    .map(|((key, seq), _)| Reply::Bulk(compact_str::format_compact!("{key}-{seq}")));
                let tickets = page
                    .iter()
                    // A ticket may have gone, and its slot be another's, since it was seen.
                    .filter_map(|((_, seq), slot)| state.tickets.get(*slot).filter(|t| t.opened_seq == *seq))
                    .map(|ticket| ticket::map(state, now, ticket))
                    .collect();
                Reply::Map(vec![
                    ("tickets", Reply::List(tickets)),
                    ("cursor", cursor.unwrap_or(Reply::Null)),
                ])
            }
        }
    }
}

/// Keeps the `count` least; true: one had to go.
fn keep_least<T: Ord>(heap: &mut BinaryHeap<T>, item: T, count: usize) -> bool {
    if heap.len() < count {
        heap.push(item);
        return false;
    }
    if let Some(mut greatest) = heap.peek_mut()
        && item < *greatest
    {
        *greatest = item;
    }
    true
}

fn key(sort: Sort, ticket: &Ticket) -> (i64, Seq) {
    match sort {
        Sort::Due => (ticket.live_deadline(), ticket.opened_seq),
        Sort::Opened => (ticket.opened_at, ticket.opened_seq),
    }
}

fn peeked(state: &State, ticket: &Ticket) -> Option<Reply> {
    let priority = state.policies.book(ticket.book).priority_name(ticket.level);
    let required = &state.routing.requirements.get(ticket.requirement).skills;
    Some(Reply::Map(vec![
        ("ticket", Reply::Bulk(ticket.id.clone())),
        ("priority", Reply::Bulk(priority.clone())),
        ("rank", Reply::Int(i64::from(ticket.rank))),
        ("due", Reply::instant(ticket.live_deadline())),
        ("opened_at", Reply::Int(ticket.opened_at)),
        ("skills", Reply::text_or_null(&skills(required))),
    ]))
}

fn holds(filter: &Filter, state: &State, ticket: &Ticket) -> bool {
    let detail = |wanted: &Text, of: fn(&crate::model::event::Details) -> &Text| {
        ticket
            .details
            .as_deref()
            .map_or(wanted.is_empty(), |details| of(details) == wanted)
    };
    match filter {
        Filter::State(wanted) => ticket.state == *wanted,
        Filter::Queue(wanted) => state.queues.name(ticket.queue) == wanted,
        Filter::Policy(wanted) => state.policies.book(ticket.book).name == *wanted,
        Filter::Agent(wanted) => {
            ticket.agent != NONE
                && state
                    .agents
                    .get(ticket.agent)
                    .is_some_and(|agent| agent.id == *wanted)
        }
        Filter::Class(wanted) => detail(wanted, |d| &d.class),
        Filter::Customer(wanted) => detail(wanted, |d| &d.customer),
        Filter::Segment(wanted) => detail(wanted, |d| &d.segment),
        Filter::Channel(wanted) => detail(wanted, |d| &d.channel),
        Filter::Target(wanted) => ticket.clock(wanted).is_some_and(|clock| clock.is_running()),
        Filter::DueBefore(instant) => ticket.live_deadline() < *instant,
        Filter::OpenedBefore(instant) => ticket.opened_at < *instant,
        Filter::Paused(wanted) => ticket.is_paused() == *wanted,
        Filter::Breached(wanted) => ticket.is_breached() == *wanted,
    }
}
