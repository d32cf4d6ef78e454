//! How a ticket goes on: STAGE, EXTEND, APPROVE, REJECT, ESCALATE.

use super::Case;
use super::custody::some;
use crate::engine::effects::Effects;
use crate::engine::ticket::Ticket;
use crate::engine::transaction::{Saying, Transaction};
use crate::model::event::{Escalated, Extension, StageEntered, TicketFact};
use crate::model::target::Target;
use crate::model::time::Span;
use crate::model::{NEVER, Refusal, Seq, Text, text};
use std::sync::Arc;

impl Transaction<'_> {
    /// The stage in which it is ends, and the named one begins.
    pub(super) fn stage(&mut self, case: &Case, name: &Text) -> Result<Seq, Refusal> {
        let book = self.book(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let mut effects = Effects::new(ticket, &book, case.at);
        effects.enter_stage(ticket.stage(), name);
        let fact = TicketFact::StageEntered(Box::new(StageEntered {
            name: name.clone(),
            left: Text::new(ticket.stage()),
            from: Text::default(),
        }));
        Ok(self.tell(case, fact, effects))
    }

    /// More time for a clock: asked for, or granted at once.
    pub(super) fn extend(
        &mut self,
        case: &Case,
        target: &Target,
        span: Span,
        approver: Option<&Text>,
    ) -> Result<Seq, Refusal> {
        let book = Arc::clone(&self.book(case.slot));
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let due_before = open_due(ticket, target, case)?;
        let mut extension = Extension {
            target: target.clone(),
            span,
            due_before,
            first_due: first_due(ticket, target, due_before),
            late: false,
            approver: Text::default(),
            notice: Text::default(),
        };
        let mut effects = Effects::new(ticket, &book, case.at);
        let Some(approver) = approver else {
            return Ok(self.tell(case, TicketFact::ExtensionRequested(Box::new(extension)), effects));
        };
        extension.approver = approver.clone();
        effects.extend(target, span);
        Ok(self.tell(case, TicketFact::Extended(Box::new(extension)), effects))
    }

    /// What was asked for is granted: it counts from the due that the clock has by now.
    pub(super) fn approve(&mut self, case: &Case, target: &Target) -> Result<Seq, Refusal> {
        let book = self.book(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let asked = asked(ticket, target)?;
        let due_before = open_due(ticket, target, case)?;
        let granted = Extension {
            due_before,
            first_due: first_due(ticket, target, due_before),
            approver: case.common.and_then(|c| c.by.clone()).unwrap_or_default(),
            ..asked.clone()
        };
        let mut effects = Effects::new(ticket, &book, case.at);
        effects.extend(target, asked.span);
        Ok(self.tell(case, TicketFact::Extended(Box::new(granted)), effects))
    }

    /// What was asked for is refused.
    pub(super) fn reject(&mut self, case: &Case, target: &Target) -> Result<Seq, Refusal> {
        let book = self.book(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let rejected = Extension {
            approver: case.common.and_then(|c| c.by.clone()).unwrap_or_default(),
            ..asked(ticket, target)?.clone()
        };
        let effects = Effects::new(ticket, &book, case.at);
        Ok(self.tell(case, TicketFact::ExtensionRejected(Box::new(rejected)), effects))
    }

    /// One queue up the chain of the ticket's class.
    pub(super) fn escalate(&mut self, case: &Case) -> Result<Seq, Refusal> {
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let book = self.state.policies.book(ticket.book);
        let class = ticket.details.as_deref().map_or("", |details| &details.class);
        let times = ticket.course.as_deref().map_or(0, |course| course.escalated);
        let chain = book.chain(class);
        let Some(queue) = chain.get(usize::from(times)).cloned() else {
            let why = match (class, chain.len()) {
                ("", _) => "it has no class".to_owned(),
                (class, 0) => format!("class '{class}' of {} has no chain", book.versioned),
                (class, n) => format!("it has gone up all {n} queues of the chain of class '{class}'"),
            };
            return Err(Refusal::state(format!(
                "{} cannot be escalated: {why}; possible: TICKET.TRANSFER, TICKET.SET class",
                ticket.id
            )));
        };
        let from = self.state.queues.name(ticket.queue).clone();
        let fact = TicketFact::Escalated(Box::new(Escalated {
            from,
            times: times.saturating_add(1),
        }));
        let saying = Saying {
            common: case.common,
            queue: Some(queue),
            ..Saying::default()
        };
        Ok(self.say(case.slot, case.at, fact, saying))
    }
}

/// The due of a clock that can be given more time, as it stands at the command's instant.
fn open_due(ticket: &Ticket, target: &Target, case: &Case) -> Result<i64, Refusal> {
    if let Some(clock) = ticket.clock(target).filter(|clock| clock.is_open()) {
        return Ok(clock.due_from(case.at));
    }
    let known: Vec<String> = ticket
        .clocks
        .iter()
        .filter(|clock| clock.is_open())
        .map(|clock| clock.target.to_string())
        .collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let open = if names.is_empty() {
        "no clock of it runs".to_owned()
    } else {
        format!("open: {}", some(&names))
    };
    let given = target.to_string();
    Err(Refusal::state(format!(
        "{} has no open clock '{given}'{}; {open}",
        ticket.id,
        text::hint(&given, names)
    )))
}

/// The due that stays on record.
fn first_due(ticket: &Ticket, target: &Target, due_now: i64) -> i64 {
    ticket
        .past(target)
        .map(|past| past.first_due)
        .filter(|first| *first != NEVER)
        .unwrap_or(due_now)
}

fn asked<'a>(ticket: &'a Ticket, target: &Target) -> Result<&'a Extension, Refusal> {
    ticket
        .past(target)
        .and_then(|past| past.asked.as_deref())
        .ok_or_else(|| {
            Refusal::state(format!(
                "no extension of '{target}' is asked for on {}; possible: TICKET.EXTEND",
                ticket.id
            ))
        })
}
