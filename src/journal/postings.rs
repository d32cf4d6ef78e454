//! Which events of a segment stand under which filtered key: lists of seqs, grown as the segment grows.
//!
//! Cost: every event is looked at once (150 ns with its checks), 4 bytes an event and key. A ticket's own history is
//! not posted: each event links to the one before.

use super::JournalError;
use super::format::DATA_START;
use super::frame::{Kind, events};
use super::scan::Walk;
use super::segment::Segment;
use crate::model::Seq;
use crate::model::command::FeedKey;
use crate::model::event::{ArchivedBody, ArchivedEvent, ArchivedTicketFact, ArchivedTicketState, Event};
use std::collections::HashMap;

/// A list's kind and name, as an index file orders them.
pub(super) type ListKey<'a> = (u32, &'a str);
pub(super) const LIST_SLA: u32 = 1;
pub(super) const LIST_BREACHES: u32 = 2;
pub(super) const LIST_ROUTING: u32 = 3;
pub(super) const LIST_QUEUE: u32 = 4;
pub(super) const LIST_AGENT: u32 = 5;

/// The list of a key; `None`: the key has no postings.
pub(super) fn list_key(key: &FeedKey) -> Option<ListKey<'_>> {
    Some(match key {
        FeedKey::Sla => (LIST_SLA, ""),
        FeedKey::Breaches => (LIST_BREACHES, ""),
        FeedKey::Routing => (LIST_ROUTING, ""),
        FeedKey::Queue(name) => (LIST_QUEUE, name),
        FeedKey::Agent(name) => (LIST_AGENT, name),
        FeedKey::All | FeedKey::Ticket(_) => return None,
    })
}

/// Seqs relative to the segment's first one, ascending, by key.
#[derive(Debug, Default)]
pub(super) struct Postings {
    at: u64,
    next_seq: Seq,
    sla: Vec<u32>,
    breaches: Vec<u32>,
    routing: Vec<u32>,
    queues: HashMap<Box<str>, Vec<u32>>,
    agents: HashMap<Box<str>, Vec<u32>>,
}

impl Postings {
    pub(super) fn new(segment: &Segment) -> Postings {
        Postings {
            at: DATA_START,
            next_seq: segment.first_seq,
            ..Postings::default()
        }
    }

    /// First seq that is not taken in.
    pub(super) fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// Takes in what was published since.
    pub(super) fn extend(&mut self, segment: &Segment) -> Result<(), JournalError> {
        let mut walk = Walk::new(segment, self.at, self.next_seq);
        while let Some((header, frame)) = walk.frame()? {
            if header.is(Kind::Events) {
                let archived = events(&header, frame.payload(&header))
                    .map_err(|what| JournalError::foreign(&segment.path, self.at, header.first_seq, what))?;
                for (seq, event) in (header.first_seq..).zip(archived.iter()) {
                    let relative = u32::try_from(seq - segment.first_seq).map_err(|_| {
                        JournalError::corrupt(&segment.path, self.at, seq, "too many events in one segment")
                    })?;
                    self.post(relative, event);
                }
            }
            (self.at, self.next_seq) = (walk.offset(), walk.expected());
        }
        Ok(())
    }

    fn post(&mut self, seq: u32, event: &rkyv::Archived<Event>) {
        keys(event, |key| match key {
            Key::Sla => push(&mut self.sla, seq),
            Key::Breaches => push(&mut self.breaches, seq),
            Key::Routing => push(&mut self.routing, seq),
            Key::Queue(name) => push_named(&mut self.queues, name, seq),
            Key::Agent(name) => push_named(&mut self.agents, name, seq),
        });
    }

    /// Every list with its key, in the order of an index file: by kind, then by name.
    pub(super) fn lists(&self) -> Vec<(ListKey<'_>, &[u32])> {
        let mut lists = vec![
            ((LIST_SLA, ""), self.sla.as_slice()),
            ((LIST_BREACHES, ""), &self.breaches),
            ((LIST_ROUTING, ""), &self.routing),
        ];
        for (kind, named) in [(LIST_QUEUE, &self.queues), (LIST_AGENT, &self.agents)] {
            lists.extend(
                named
                    .iter()
                    .map(|(name, list)| ((kind, &**name), list.as_slice())),
            );
        }
        lists.retain(|(_, list)| !list.is_empty());
        lists.sort_unstable_by_key(|(key, _)| *key);
        lists
    }

    /// The seqs under a key; `None`: the key has no postings.
    pub(super) fn of(&self, key: &FeedKey) -> Option<&[u32]> {
        Some(match key {
            FeedKey::Sla => &self.sla,
            FeedKey::Breaches => &self.breaches,
            FeedKey::Routing => &self.routing,
            FeedKey::Queue(name) => self.queues.get(name.as_str()).map_or(&[], Vec::as_slice),
            FeedKey::Agent(name) => self.agents.get(name.as_str()).map_or(&[], Vec::as_slice),
            FeedKey::All | FeedKey::Ticket(_) => return None,
        })
    }
}

/// An event may stand under a key for two reasons; it is posted once.
fn push(list: &mut Vec<u32>, seq: u32) {
    if list.last() != Some(&seq) {
        list.push(seq);
    }
}

fn push_named(lists: &mut HashMap<Box<str>, Vec<u32>>, name: &str, seq: u32) {
    match lists.get_mut(name) {
        Some(list) => push(list, seq),
        None => {
            lists.insert(name.into(), vec![seq]);
        }
    }
}

/// A key under which an event stands.
enum Key<'a> {
    Sla,
    Breaches,
    Routing,
    Queue(&'a str),
    Agent(&'a str),
}

/// A ticket left this queue for another one.
fn left<'a>(queue: &'a str, post: &mut impl FnMut(Key<'a>)) {
    post(Key::Routing);
    post(Key::Queue(queue));
}

/// The same rule as `model::fields::belongs`, turned round and on archived events.
fn keys<'a>(event: &'a ArchivedEvent, mut post: impl FnMut(Key<'a>)) {
    match &event.body {
        ArchivedBody::Ticket(ticket) => {
            use ArchivedTicketFact as Fact;
            let derived = ticket.clocks.as_ref().is_some_and(|c| !c.effects.is_empty());
            if derived
                || matches!(
                    ticket.fact,
                    Fact::Warned(_) | Fact::Breached(_) | Fact::Withdrawn(_) | Fact::Stepped(_)
                )
            {
                post(Key::Sla);
            }
            post(Key::Queue(&ticket.queue));
            if !ticket.agent.is_empty() {
                post(Key::Agent(&ticket.agent));
            }
            match &ticket.fact {
                Fact::Breached(_) => post(Key::Breaches),
                Fact::Assigned { from, .. } => {
                    post(Key::Routing);
                    if !from.is_empty() {
                        post(Key::Agent(from));
                    }
                }
                Fact::Released { .. } => post(Key::Routing),
                Fact::Transferred { from } => left(from, &mut post),
                Fact::Escalated(escalated) => left(&escalated.from, &mut post),
                Fact::StageEntered(stage) if !stage.from.is_empty() => left(&stage.from, &mut post),
                Fact::Stepped(stepped) if !stepped.from.is_empty() => left(&stepped.from, &mut post),
                Fact::Imported(imported) if matches!(imported.state, ArchivedTicketState::Assigned) => {
                    post(Key::Routing);
                }
                _ => {}
            }
        }
        ArchivedBody::ImportDone(_) => post(Key::Routing),
        ArchivedBody::Agent(agent) => {
            post(Key::Routing);
            post(Key::Agent(&agent.id));
        }
        ArchivedBody::QueueReminded(reminder) => post(Key::Queue(&reminder.queue)),
        ArchivedBody::QueueChanged(queue) => {
            post(Key::Routing);
            post(Key::Queue(&queue.queue));
        }
        ArchivedBody::PolicyActivated(_)
        | ArchivedBody::PolicyMigrating(_)
        | ArchivedBody::PolicyMigrated(_)
        | ArchivedBody::CalendarExtended(_)
        | ArchivedBody::LogRecovered(_)
        | ArchivedBody::ClockJumped(_)
        | ArchivedBody::SnapshotTaken(_) => {}
    }
}
