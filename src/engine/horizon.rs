//! A calendar was published for longer: dues past its old end are reckoned anew.
//!
//! Some tickets at a time, between commands, each in a frame of its own whose cause is the calendar's event; a ticket that is touched
//! before its turn is reckoned first. A due is reckoned from its clock's start on, so that doing it twice changes nothing: what a restart
//! interrupts is simply looked at again. Cost: a look at every ticket, once an extension and once a start.

use super::Engine;
use super::Output;
use super::effects::Effects;
use super::state::State;
use super::ticket::Ticket;
use super::transaction::{Saying, Transaction};
use crate::model::event::{Changed, TicketFact};
use crate::model::{Seq, Text, UnixMs};
use std::sync::Arc;

/// Slots looked at in one call at most.
const SLOTS_MAX: u32 = 512;

/// Dues of one line of calendars that are to be reckoned anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon {
    /// Number of the line.
    line: u32,
    /// Seq of the event that extended it.
    cause: Seq,
    /// The slot to go on from.
    next: u32,
}

impl State {
    /// This line of calendars goes further now.
    pub(super) fn extend_horizon(&mut self, line: u32, cause: Seq) {
        self.horizons.push_back(Horizon { line, cause, next: 0 });
    }

    /// After a restart: looks again at what any extension may have left.
    pub(super) fn resume_horizons(&mut self) {
        let lines: Vec<(u32, Seq)> = self.calendars.extended().collect();
        for (line, cause) in lines {
            self.extend_horizon(line, cause);
        }
    }

    /// Has the ticket a due that hangs on this line of calendars?
    fn hangs_on(&self, ticket: &Ticket, line: u32) -> bool {
        let provisional = |clock: &super::clock::Clock| clock.is_open() && clock.provisional;
        let is_line = |name: &Text| self.policies.line(ticket.book, name) == Some(line);
        let rules = &self.policies.book(ticket.book).rules;
        ticket.clocks.iter().any(provisional)
            && (ticket.calendar_line == line
                || rules.calendars.iter().any(is_line)
                || ticket.clocks.iter().any(|clock| clock.version().is_some()))
    }
}

impl Engine {
    /// Reckons some dues anew; to be called while [`State::horizons`] has any.
    pub(super) fn reckon(&mut self, now: UnixMs, out: &mut Output) {
        let end = self.state.tickets.capacity_slots();
        let Some(horizon) = self.state.horizons.front_mut() else {
            return;
        };
        let (this, first) = (*horizon, horizon.next);
        let last = first.saturating_add(SLOTS_MAX).min(end);
        horizon.next = last;
        let mut transaction = self.transaction(now, false, out);
        for slot in first..last {
            transaction.reckon(slot, this);
        }
        if last == end {
            self.state.horizons.pop_front();
        }
    }
}

impl Transaction<'_> {
    /// What is to be reckoned anew of this ticket is, before it is touched.
    pub(super) fn reckon_first(&mut self, slot: u32) {
        for place in 0..self.state.horizons.len() {
            if let Some(horizon) = self.state.horizons.get(place).copied() {
                self.reckon(slot, horizon);
            }
        }
    }

    fn reckon(&mut self, slot: u32, horizon: Horizon) {
        let Some(ticket) = self.state.tickets.get(slot) else {
            return;
        };
        if !self.state.hangs_on(ticket, horizon.line) {
            return;
        }
        let Some(newest) = self.state.calendars.of_line(horizon.line).map(Arc::clone) else {
            return;
        };
        let terms = self.terms(slot);
        let at = self.now.max(ticket.commanded_at);
        let mut effects = Effects::new(ticket, &terms, at);
        effects.reckon(&newest);
        let told = effects.finish();
        if told.effects.is_empty() {
            return;
        }
        let fact = Changed {
            priority: None,
            skills: None,
            details: None,
            fields: vec![Text::const_new("calendar")],
        };
        let saying = Saying {
            cause: horizon.cause,
            told,
            ..Saying::default()
        };
        self.say(slot, at, TicketFact::Changed(Box::new(fact)), saying);
        self.end_frame();
    }
}
