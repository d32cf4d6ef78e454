//! Readers of the feed that wait, found by the keys that they wait for.
//!
//! An event costs one look per kind of key that anybody waits for, not one per reader: 3,000 readers on their own keys
//! pay only for what concerns them. A reader that was found is taken out and woken when its event is released;
//! it looks for itself and waits again if there was nothing for it after all.

use super::peer::Peer;
use crate::model::command::FeedKey;
use crate::model::event::{Body, Event, TicketFact};
use crate::model::{Seq, Text};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Number of a wait.
pub type WaitId = u64;

/// All waiting readers. Generic over the sleeper for the tests' sake.
#[derive(Debug)]
pub struct FeedWaits<S = Rc<Peer>> {
    readers: HashMap<WaitId, (S, Vec<FeedKey>)>,
    by_key: HashMap<FeedKey, Vec<WaitId>>,
    /// How many waits name a queue, an agent, a ticket: kinds nobody waits for cost nothing.
    named: [usize; 3],
    /// Who is to be woken when which seq is released; seqs grow.
    due: VecDeque<(Seq, S)>,
    last: WaitId,
}

impl<S> Default for FeedWaits<S> {
    fn default() -> Self {
        FeedWaits {
            readers: HashMap::new(),
            by_key: HashMap::new(),
            named: [0; 3],
            due: VecDeque::new(),
            last: 0,
        }
    }
}

/// What wakes a sleeper.
pub trait Sleeper: Clone {
    /// Wakes it.
    fn wake(&self);
}

impl Sleeper for Rc<Peer> {
    fn wake(&self) {
        self.wake.raise();
    }
}

impl<S: Sleeper> FeedWaits<S> {
    /// `sleeper` waits for the next event under any of `keys`. What was executed up to `newest` but is not released
    /// yet may concern it too: it is woken then, to look.
    pub fn wait(&mut self, sleeper: S, keys: Vec<FeedKey>, newest: Seq, released: Seq) -> WaitId {
        self.last += 1;
        for key in &keys {
            if let Some(kind) = named(key) {
                self.named[kind] += 1;
            }
            self.by_key.entry(key.clone()).or_default().push(self.last);
        }
        if newest > released {
            self.due.push_back((newest, sleeper.clone()));
        }
        self.readers.insert(self.last, (sleeper, keys));
        self.last
    }

    /// The wait is over; harmless if it was found already.
    pub fn cancel(&mut self, id: WaitId) {
        self.take(id);
    }

    /// Readers that wait now.
    pub fn len(&self) -> usize {
        self.readers.len()
    }

    /// Does nobody wait?
    pub fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// These events were executed: finds whom they concern.
    pub fn note(&mut self, first_seq: Seq, events: &[Event]) {
        for (seq, event) in (first_seq..).zip(events) {
            if self.readers.is_empty() {
                return;
            }
            self.note_one(seq, event);
        }
    }

    fn note_one(&mut self, seq: Seq, event: &Event) {
        self.found(seq, &FeedKey::All);
        let [queues, agents, tickets] = self.named;
        match &event.body {
            Body::Ticket(t) => {
                if t.fact.is_sla() || t.clocks.is_some() {
                    self.found(seq, &FeedKey::Sla);
                }
                if matches!(t.fact, TicketFact::Breached(_)) {
                    self.found(seq, &FeedKey::Breaches);
                }
                let other_queue = t.fact.queue_left();
                let other_agent = match &t.fact {
                    TicketFact::Assigned { from, .. } => Some(from),
                    _ => None,
                };
                if t.fact.is_routing() {
                    self.found(seq, &FeedKey::Routing);
                }
                if queues > 0 {
                    self.found_named(seq, FeedKey::Queue, Some(&t.queue));
                    self.found_named(seq, FeedKey::Queue, other_queue);
                }
                if agents > 0 {
                    self.found_named(seq, FeedKey::Agent, Some(&t.agent));
                    self.found_named(seq, FeedKey::Agent, other_agent);
                }
                if tickets > 0 {
                    self.found_named(seq, FeedKey::Ticket, Some(&t.id));
                }
            }
            Body::ImportDone(_) => self.found(seq, &FeedKey::Routing),
            Body::Agent(a) => {
                self.found(seq, &FeedKey::Routing);
                if agents > 0 {
                    self.found_named(seq, FeedKey::Agent, Some(&a.id));
                }
            }
            Body::QueueReminded(q) if queues > 0 => {
                self.found_named(seq, FeedKey::Queue, Some(&q.queue));
            }
            Body::QueueChanged(q) => {
                self.found(seq, &FeedKey::Routing);
                if queues > 0 {
                    self.found_named(seq, FeedKey::Queue, Some(&q.queue));
                }
            }
            _ => {}
        }
    }

    fn found_named(&mut self, seq: Seq, kind: fn(Text) -> FeedKey, name: Option<&Text>) {
        if let Some(name) = name.filter(|n| !n.is_empty()) {
            self.found(seq, &kind(name.clone()));
        }
    }

    fn found(&mut self, seq: Seq, key: &FeedKey) {
        let Some(ids) = self.by_key.remove(key) else {
            return;
        };
        for id in ids {
            if let Some((sleeper, _)) = self.take(id) {
                self.due.push_back((seq, sleeper));
            }
        }
    }

    fn take(&mut self, id: WaitId) -> Option<(S, Vec<FeedKey>)> {
        let (sleeper, keys) = self.readers.remove(&id)?;
        for key in &keys {
            if let Some(kind) = named(key) {
                self.named[kind] -= 1;
            }
            if let Some(ids) = self.by_key.get_mut(key) {
                if let Some(at) = ids.iter().position(|other| *other == id) {
                    ids.swap_remove(at);
                }
                if ids.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        Some((sleeper, keys))
    }

    /// Everything up to `released` may be seen: wakes whom it concerns.
    pub fn released(&mut self, released: Seq) {
        while self.due.front().is_some_and(|(seq, _)| *seq <= released) {
            if let Some((_, sleeper)) = self.due.pop_front() {
                sleeper.wake();
            }
        }
    }
}

fn named(key: &FeedKey) -> Option<usize> {
    match key {
        FeedKey::Queue(_) => Some(0),
        FeedKey::Agent(_) => Some(1),
        FeedKey::Ticket(_) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{AssignedHow, TicketEvent};
    use crate::model::fields;
    use std::cell::RefCell;

    #[derive(Clone)]
    struct Named(&'static str, Rc<RefCell<Vec<&'static str>>>);

    impl Sleeper for Named {
        fn wake(&self) {
            self.1.borrow_mut().push(self.0);
        }
    }

    fn assigned(ticket: &str, agent: &str, from: &str) -> Event {
        Event {
            at: 1,
            logged_at: 1,
            cause: 0,
            tenant: 0,
            body: Body::Ticket(TicketEvent {
                id: ticket.into(),
                queue: "q".into(),
                agent: agent.into(),
                prev: 0,
                fact: TicketFact::Assigned {
                    how: AssignedHow::Assign,
                    over: 0,
                    from: from.into(),
                },
                clocks: None,
                origin: None,
            }),
        }
    }

    #[test]
    fn a_reader_is_woken_for_its_own_key_when_the_event_is_released() {
        let woken = Rc::new(RefCell::new(Vec::new()));
        let mut waits = FeedWaits::default();
        let keys = [
            ("all", FeedKey::All),
            ("sla", FeedKey::Sla),
            ("routing", FeedKey::Routing),
            ("queue", FeedKey::Queue("q".into())),
            ("a1", FeedKey::Agent("a1".into())),
            ("a2", FeedKey::Agent("a2".into())),
            ("a3", FeedKey::Agent("a3".into())),
            ("t1", FeedKey::Ticket("t1".into())),
            ("t2", FeedKey::Ticket("t2".into())),
        ];
        for (name, key) in &keys {
            waits.wait(Named(name, woken.clone()), vec![key.clone()], 0, 0);
        }
        let event = assigned("t1", "a1", "a2");
        waits.note(1, std::slice::from_ref(&event));
        assert!(woken.borrow().is_empty(), "not before its release");
        waits.released(1);
        let mut expected: Vec<_> = keys
            .iter()
            .filter(|(_, key)| fields::belongs(&event, 0, key))
            .map(|(name, _)| *name)
            .collect();
        let mut got = woken.borrow().clone();
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected);
        assert_eq!(waits.len(), 3);
        assert_eq!(waits.named, [0, 1, 1]);
    }

    #[test]
    fn what_is_executed_but_not_released_wakes_a_late_reader() {
        let woken = Rc::new(RefCell::new(Vec::new()));
        let mut waits = FeedWaits::default();
        let id = waits.wait(Named("late", woken.clone()), vec![FeedKey::All], 7, 5);
        waits.released(6);
        assert!(woken.borrow().is_empty());
        waits.released(7);
        assert_eq!(*woken.borrow(), ["late"]);
        waits.cancel(id);
        waits.cancel(id);
        assert!(waits.is_empty() && waits.by_key.is_empty());
    }
}
