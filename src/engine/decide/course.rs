//! How a ticket goes on: STAGE, EXTEND, APPROVE, REJECT, ESCALATE.

use super::Case;
use super::custody::some;
use super::required::check_details_have;
use crate::engine::effects::Effects;
use crate::engine::policies::Terms;
use crate::engine::ticket::Ticket;
use crate::engine::transaction::{Saying, Transaction};
use crate::model::event::{Details, Escalated, Extension, StageEntered, TicketFact, TicketState};
use crate::model::rules::{Stage, Trigger};
use crate::model::target::Target;
use crate::model::time::Span;
use crate::model::{NEVER, Refusal, Seq, Text, UnixMs, text};

impl Transaction<'_> {
    /// The stage in which it is ends, and the named one begins, in its own queue if it has one.
    pub(super) fn stage(&mut self, case: &Case, name: &Text) -> Result<Seq, Refusal> {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let known: Vec<&Stage> = stages(&terms).collect();
        let stage = known.iter().find(|stage| stage.name == *name);
        if stage.is_none() && !known.is_empty() {
            let names: Vec<&str> = known.iter().map(|stage| stage.name.as_str()).collect();
            return Err(Refusal::bad_arg(format!(
                "stage '{name}' is not one that {} goes through under {}{}: it takes {}",
                ticket.id,
                terms.book.versioned,
                text::hint(name, names.iter().copied()),
                some(&names)
            )));
        }
        if let Some(stage) = stage {
            let of = format!("{}, stage {name}", terms.book.versioned);
            self.check_has(ticket, &stage.requires, &of)?;
        }
        let here = self.state.queues.name(ticket.queue);
        let queue = stage
            .and_then(|stage| stage.queue.as_ref())
            .filter(|queue| *queue != here);
        let mut effects = Effects::new(ticket, &terms, case.at);
        if let Some(queue) = queue {
            effects.enter(TicketState::Waiting);
            effects.happens(&Trigger::TransferTo(queue.clone()));
        }
        effects.enter_stage(ticket.stage(), name);
        let fact = StageEntered {
            name: name.clone(),
            left: Text::new(ticket.stage()),
            from: queue.map(|_| here.clone()).unwrap_or_default(),
        };
        let told = effects.finish();
        let saying = Saying {
            common: case.common,
            told,
            queue: queue.cloned(),
            ..Saying::default()
        };
        let seq = self.say(
            case.slot,
            case.at,
            TicketFact::StageEntered(Box::new(fact)),
            saying,
        );
        Ok(seq)
    }

    /// A ticket whose rules have stages and that is in none enters the first, as a consequence of `cause`.
    pub(in crate::engine) fn first_stage(&mut self, slot: u32, at: UnixMs, cause: Seq) {
        let terms = self.terms(slot);
        let Some(ticket) = self.state.tickets.get(slot) else {
            return;
        };
        let none = Details::default();
        let details = ticket.details.as_deref().unwrap_or(&none);
        let Some(stage) = begins(&terms, ticket.stage(), details) else {
            return;
        };
        let mut effects = Effects::new(ticket, &terms, at);
        effects.begin_in_stage(&stage.name);
        let told = effects.finish();
        let fact = StageEntered {
            name: stage.name.clone(),
            left: Text::default(),
            from: Text::default(),
        };
        let saying = Saying {
            cause,
            told,
            ..Saying::default()
        };
        self.say(slot, at, TicketFact::StageEntered(Box::new(fact)), saying);
    }

    /// More time for a clock: asked for, or granted at once.
    pub(super) fn extend(
        &mut self,
        case: &Case,
        target: &Target,
        span: Span,
        approver: Option<&Text>,
    ) -> Result<Seq, Refusal> {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        let due_before = open_due(ticket, &effects, target)?;
        if matches!(span, Span::BusinessDays(_)) && !effects.knows_business_days(target) {
            return Err(Refusal::bad_arg(format!(
                "for '{span}' needs a calendar, and {} has none: use d (24 h)",
                terms.book.versioned
            )));
        }
        let rules = &terms.book.rules.extensions;
        let rule = rules.iter().find(|rule| rule.target == *target);
        let mut extension = Extension {
            target: target.clone(),
            span,
            due_before,
            first_due: first_due(ticket, target, due_before),
            late: rule.is_some_and(|rule| effects.time_left(target) < rule.lead_ms),
            approver: rule.map(|rule| rule.approver.clone()).unwrap_or_default(),
            notice: rule.map(|rule| rule.notice.clone()).unwrap_or_default(),
        };
        let Some(approver) = approver else {
            return Ok(self.tell(case, TicketFact::ExtensionRequested(Box::new(extension)), effects));
        };
        extension.approver = approver.clone();
        effects.extend(target, span);
        Ok(self.tell(case, TicketFact::Extended(Box::new(extension)), effects))
    }

    /// What was asked for is granted: it counts from the due that the clock has by now.
    pub(super) fn approve(&mut self, case: &Case, target: &Target) -> Result<Seq, Refusal> {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let asked = asked(ticket, target)?;
        let mut effects = Effects::new(ticket, &terms, case.at);
        let due_before = open_due(ticket, &effects, target)?;
        let granted = Extension {
            due_before,
            first_due: first_due(ticket, target, due_before),
            approver: case.common.and_then(|c| c.by.clone()).unwrap_or_default(),
            ..asked.clone()
        };
        effects.extend(target, asked.span);
        Ok(self.tell(case, TicketFact::Extended(Box::new(granted)), effects))
    }

    /// What was asked for is refused.
    pub(super) fn reject(&mut self, case: &Case, target: &Target) -> Result<Seq, Refusal> {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let rejected = Extension {
            approver: case.common.and_then(|c| c.by.clone()).unwrap_or_default(),
            ..asked(ticket, target)?.clone()
        };
        let effects = Effects::new(ticket, &terms, case.at);
        Ok(self.tell(case, TicketFact::ExtensionRejected(Box::new(rejected)), effects))
    }

    /// One queue up the chain of the ticket's class.
    pub(super) fn escalate(&mut self, case: &Case) -> Result<Seq, Refusal> {
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let terms = self.terms(case.slot);
        let class = ticket.details.as_deref().map_or("", |details| &details.class);
        let times = ticket.course.as_deref().map_or(0, |course| course.escalated);
        let chain = terms.book.class(class).map_or(&[][..], |class| &class.chain);
        let Some(queue) = chain.get(usize::from(times)).cloned() else {
            let why = match (class, chain.len()) {
                ("", _) => "it has no class".to_owned(),
                (class, 0) => format!("class '{class}' of {} has no chain", terms.book.versioned),
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
        Ok(self.send_to_queue(case, fact, queue))
    }
}

/// The stages that a ticket under these terms goes through, in order.
pub(super) fn stages(terms: &Terms) -> impl Iterator<Item = &Stage> {
    let all = &terms.book.rules.stages;
    let indexes = terms.plan.stages.iter();
    indexes.filter_map(|index| all.get(usize::from(*index)))
}

/// The one in which it begins.
pub(super) fn first_stage(terms: &Terms) -> Option<&Stage> {
    stages(terms).next()
}

/// The one that a ticket enters which comes under rules with stages: the first, if it is in none (`stage` is empty) and has what that
/// requires.
pub(in crate::engine) fn begins<'a>(terms: &'a Terms, stage: &str, details: &Details) -> Option<&'a Stage> {
    let first = first_stage(terms).filter(|_| stage.is_empty())?;
    check_details_have(details, &first.requires, "")
        .is_ok()
        .then_some(first)
}

/// Where a ticket in this stage waits unless somebody sends it elsewhere: the stage's queue, else that of the rules.
pub(in crate::engine) fn home_queue(terms: &Terms, stage: &str) -> Text {
    let staged = stages(terms).find(|known| known.name == stage);
    let queue = staged.and_then(|stage| stage.queue.as_ref());
    queue.unwrap_or(&terms.plan.queue).clone()
}

/// The due of a clock that can be given more time, as it stands at the command's instant.
fn open_due(ticket: &Ticket, effects: &Effects, target: &Target) -> Result<UnixMs, Refusal> {
    if let Some(due) = effects.open_due(target) {
        return Ok(due);
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
