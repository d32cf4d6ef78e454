//! What the log was given, and what it must therefore hold. Knows nothing of engine or journal.

use slad::model::Seq;
use slad::model::event::{Body, Event, TicketFact};
use slad::model::target::Target;
use std::collections::HashMap;

/// Everything that was ever given to the log and not lost since.
#[derive(Default)]
pub struct Facts {
    pub events: Vec<(Seq, Event)>,
    /// Last seq of each frame.
    frame_ends: Vec<Seq>,
    /// Gaps that recoveries told of.
    pub told: Vec<(Seq, Seq)>,
}

impl Facts {
    /// A frame was given to the log.
    pub fn frame(&mut self, first: Seq, events: &[Event]) {
        self.events.extend((first..).zip(events.iter().cloned()));
        self.frame_ends.push(first + events.len() as Seq - 1);
    }

    /// The newest fact of no later seq than `seq`.
    pub fn last_up_to(&self, seq: Seq) -> Seq {
        let place = self.events.partition_point(|(s, _)| *s <= seq);
        place.checked_sub(1).map_or(0, |last| self.events[last].0)
    }

    /// The log holds exactly `stored`, up to `last`: the first of what it was given, whole frames, gaps only where they were told.
    pub fn hold(&mut self, stored: &[(Seq, Event)]) {
        for (place, (found, given)) in stored.iter().zip(&self.events).enumerate() {
            assert_eq!(
                found, given,
                "event number {place} of the log is not the one that was written"
            );
        }
        assert!(
            stored.len() <= self.events.len(),
            "the log invents {:?}",
            stored.get(self.events.len())
        );
        let last = stored.last().map_or(0, |(seq, _)| *seq);
        while self.frame_ends.last().is_some_and(|end| *end > last) {
            self.frame_ends.pop();
        }
        let end = self.frame_ends.last().copied().unwrap_or(0);
        assert_eq!(end, last, "half a frame survived");
        self.events.truncate(stored.len());
        let mut before = 0;
        for (seq, event) in stored {
            if *seq != before + 1 {
                let gap = (before + 1, *seq - 1);
                assert!(self.told.contains(&gap), "the gap {gap:?} was never told");
                assert!(
                    matches!(&event.body, Body::LogRecovered(r) if (r.lost_from, r.lost_to) == gap),
                    "log.recovered does not stand at the end of the gap {gap:?}: {event:?}"
                );
            }
            before = *seq;
        }
    }

    /// No ticket in two hands, each timer once and not early, time never backwards.
    pub fn make_sense(&self) {
        let mut holders: HashMap<&str, &str> = HashMap::new();
        let mut fired: HashMap<(&str, Target, bool), Seq> = HashMap::new();
        let mut logged_at = 0;
        for (seq, event) in &self.events {
            assert!(event.logged_at >= logged_at, "seq {seq}: time runs backwards");
            logged_at = event.logged_at;
            let Body::Ticket(ticket) = &event.body else {
                continue;
            };
            let id = ticket.id.as_str();
            for effect in ticket.clocks.iter().flat_map(|c| &c.effects) {
                for breach in [false, true] {
                    fired.remove(&(id, effect.target.clone(), breach));
                }
            }
            match &ticket.fact {
                TicketFact::Opened(_) => {
                    assert_eq!(holders.remove(id), None, "seq {seq}: a held ticket is opened");
                    fired.retain(|(ticket, _, _), _| *ticket != id);
                }
                TicketFact::Assigned { from, .. } => {
                    let holder = holders.insert(id, ticket.agent.as_str()).unwrap_or("");
                    assert_eq!(holder, from.as_str(), "seq {seq}: {id} is in two hands");
                }
                TicketFact::Transferred { .. }
                | TicketFact::Released { .. }
                | TicketFact::Resolved { .. }
                | TicketFact::Closed { .. } => {
                    holders.remove(id);
                }
                TicketFact::Breached(sla) | TicketFact::Warned(sla) => {
                    let breach = matches!(ticket.fact, TicketFact::Breached(_));
                    assert!(
                        !breach || event.logged_at > sla.due,
                        "seq {seq}: {id} breaches early"
                    );
                    let earlier = fired.insert((id, sla.target.clone(), breach), *seq);
                    assert_eq!(earlier, None, "seq {seq}: a timer of {id} fires twice");
                }
                TicketFact::Withdrawn(withdrawn) => {
                    for breach in [false, true] {
                        fired.remove(&(id, withdrawn.sla.target.clone(), breach));
                    }
                }
                _ => {}
            }
        }
    }
}
