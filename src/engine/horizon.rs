//! A calendar was published for longer: dues that lay past its old end are reckoned anew.
//!
//! Some tickets at a time, between commands, each in a frame of its own whose cause is the calendar's event. Cost: a look at every
//! ticket, once an extension. What a restart interrupts goes on after it: a due that still counts as provisional although it
//! is published by now was not reckoned yet.

use super::Engine;
use super::Output;
use super::effects::Effects;
use super::policies::Terms;
use super::state::State;
use super::ticket::Ticket;
use super::transaction::{Saying, Transaction};
use crate::calendar::Calendar;
use crate::model::event::{Changed, TicketFact};
use crate::model::{Seq, Text, UnixMs};
use std::sync::Arc;

/// Slots looked at in one call at most.
const SLOTS_MAX: u32 = 512;

/// Dues of one line of calendars that are to be reckoned anew.
#[derive(Debug)]
pub(super) struct Horizon {
    /// Number of the line.
    line: u32,
    /// The calendar before.
    before: Arc<Calendar>,
    /// Seq of the event that extended it.
    cause: Seq,
    /// Only what is published by now: the rest may have been reckoned before a restart.
    published_only: bool,
    /// The slot to go on from.
    next: u32,
}

impl State {
    /// This line of calendars goes further now.
    pub(super) fn extend_horizon(&mut self, line: u32, cause: Seq, published_only: bool) {
        if let Some(before) = self.calendars.before(line).cloned() {
            self.horizons.push_back(Horizon {
                line,
                before,
                cause,
                published_only,
                next: 0,
            });
        }
    }

    /// After a restart: looks again at what any extension may have left.
    pub(super) fn resume_horizons(&mut self) {
        let lines: Vec<(u32, Seq)> = self.calendars.extended().collect();
        for (line, cause) in lines {
            self.extend_horizon(line, cause, true);
        }
    }

    /// Does a clock of this ticket count by this line of calendars?
    fn counts_by(&self, ticket: &Ticket, line: u32) -> bool {
        let is_line = |name: &str| self.policies.line(ticket.book, name) == Some(line);
        let own = ticket.details.as_deref().map_or("", |details| &details.calendar);
        let rules = &self.policies.book(ticket.book).rules;
        if own.is_empty() {
            rules.calendars.iter().any(|name| is_line(name))
        } else {
            is_line(own) || self.calendars.lines().get(own) == Some(&line)
        }
    }
}

impl Engine {
    /// Reckons some dues anew; to be called while [`State::horizons`] has any.
    pub(super) fn reckon(&mut self, now: UnixMs, out: &mut Output) {
        let Some(horizon) = self.state.horizons.front() else {
            return;
        };
        let (first, cause, line) = (horizon.next, horizon.cause, horizon.line);
        let (before, published_only) = (Arc::clone(&horizon.before), horizon.published_only);
        let Some(newest) = self.state.calendars.of_line(line).cloned() else {
            self.state.horizons.pop_front();
            return;
        };
        let end = self.state.tickets.capacity_slots();
        let last = first.saturating_add(SLOTS_MAX).min(end);
        match self.state.horizons.front_mut() {
            Some(horizon) if last < end => horizon.next = last,
            _ => {
                self.state.horizons.pop_front();
            }
        }
        for slot in first..last {
            let waits = self.state.tickets.get(slot).is_some_and(|ticket| {
                ticket.clocks.iter().any(|clock| clock.provisional) && self.state.counts_by(ticket, line)
            });
            if waits {
                let mut transaction = self.transaction(now, false, out);
                transaction.reckon(slot, (&before, &newest), cause, published_only);
                transaction.end_frame();
            }
        }
    }
}

impl Transaction<'_> {
    fn reckon(
        &mut self,
        slot: u32,
        (before, newest): (&Arc<Calendar>, &Arc<Calendar>),
        cause: Seq,
        published_only: bool,
    ) {
        self.fire_overdue(slot);
        // What fired may have closed it.
        let Some(ticket) = self.state.tickets.get(slot) else {
            return;
        };
        let terms = self.terms(slot);
        let then = Terms {
            own: Some(Arc::clone(before)),
            ..terms.clone()
        };
        let at = self.now.max(ticket.commanded_at);
        let mut effects = Effects::new(ticket, &terms, at);
        effects.reckon(newest, &then, published_only);
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
            cause,
            effects: told.effects,
            ladders: told.ladders,
            ..Saying::default()
        };
        self.say(slot, at, TicketFact::Changed(Box::new(fact)), saying);
    }
}
