//! Tickets that are over: the newest are remembered, so that repeats and late ratings find them.

use crate::engine::state::State;
use crate::model::event::{Event, TicketEvent, TicketFact};
use crate::model::record::{ClosedRecord, Record};
use crate::model::{Seq, Text};

impl State {
    /// A fact about a ticket that is over.
    pub(super) fn apply_to_closed(
        &mut self,
        seq: Seq,
        event: &Event,
        ticket: &TicketEvent,
    ) -> Result<(), String> {
        let follows = matches!(ticket.fact, TicketFact::Withdrawn(_));
        let fits = follows || matches!(ticket.fact, TicketFact::Marked { .. } | TicketFact::Rated(_));
        let Some(mut closed) = self.closed.get(&ticket.id).cloned().filter(|_| fits) else {
            return Err(format!("event {seq}: no ticket {} to do this to", ticket.id));
        };
        self.before_closed(&ticket.id);
        closed.last_seq = seq;
        if !follows {
            closed.commanded_at = event.at;
        }
        let hash = self.sum.canon.closed(&closed);
        self.sum.add(hash);
        if let Some(place) = self.closed.get_mut(&ticket.id) {
            *place = closed;
        }
        Ok(())
    }

    /// The ticket is over. No ticket of this id is remembered: opening it forgot an earlier one.
    pub(in crate::engine) fn remember_closed(&mut self, closed: ClosedRecord) {
        let hash = self.sum.canon.closed(&closed);
        self.sum.add(hash);
        if let (_, Some((index, _, evicted))) = self.closed.insert(closed.id.clone(), closed) {
            let hash = self.sum.canon.closed(&evicted);
            self.sum.subtract(hash);
            if self
                .copying
                .as_mut()
                .is_some_and(|copying| copying.closed.leaves(index))
            {
                self.save_ahead(Record::Closed(Box::new(evicted)));
            }
        }
    }

    /// The id is in use again, or the ticket is remembered anew.
    pub(super) fn forget_closed(&mut self, id: &Text) {
        if self.before_closed(id) {
            self.closed.remove(id);
        }
    }

    /// To be called before a remembered ticket changes or goes. False: there is none of this id.
    fn before_closed(&mut self, id: &Text) -> bool {
        let State {
            closed, copying, sum, ..
        } = self;
        let Some((index, (_, record))) = closed
            .number_of(id)
            .and_then(|index| Some((index, closed.at(index)?)))
        else {
            return false;
        };
        let hash = sum.canon.closed(record);
        sum.subtract(hash);
        if copying
            .as_mut()
            .is_some_and(|copying| copying.closed.leaves(index))
        {
            let record = Record::Closed(Box::new(record.clone()));
            self.save_ahead(record);
        }
        true
    }
}
