//! TICKET.OPEN.

use super::course::{first_stage, home_queue};
use super::custody::some;
use super::required::check_details_have;
use crate::engine::effects::Effects;
use crate::engine::policies::keys;
use crate::engine::transaction::{Transaction, origin};
use crate::model::command::{Common, Fields, Open, QUEUE_NONE};
use crate::model::event::*;
use crate::model::fields::list;
use crate::model::rules::Priority;
use crate::model::{Code, Refusal, Seq, Text, UnixMs, text};
use crate::policy::RuleBook;
use std::sync::Arc;

/// Requirements that a process keeps at most: each is looked at once for every profile of agents.
const REQUIREMENTS_MAX: usize = 65_536;

impl Transaction<'_> {
    pub(super) fn open(&mut self, id: &Text, open: &Open, common: Option<&Common>) -> Result<Seq, Refusal> {
        // Opening begins a new life: an earlier ticket of this id says nothing about when it may have happened.
        let at = super::checks::check_at(common, 0, self.now)?;
        let name = open.policy.as_ref().unwrap_or(self.default_policy);
        let version = self.state.version_for(name, open)?;
        let event = self.opening(id, open, common, at, version, true)?;
        let seq = self.emit(at, 0, Body::Ticket(event));
        if let Some(slot) = self.state.ticket_slot(id)
            && first_stage(&self.terms(slot)).is_some()
        {
            self.first_stage(slot, at, seq);
        }
        Ok(seq)
    }

    /// The event of an opening under these rules, if nothing is against it. A look ahead need not bring what the policy
    /// requires: it is not `complete`.
    pub(in crate::engine) fn opening(
        &mut self,
        id: &Text,
        open: &Open,
        common: Option<&Common>,
        at: UnixMs,
        number: u32,
        complete: bool,
    ) -> Result<TicketEvent, Refusal> {
        let opened_at = open.opened_at.unwrap_or(at);
        if opened_at > at + super::checks::AHEAD_MS {
            let (opened_at, at) = (
                crate::model::time::rfc3339(opened_at),
                crate::model::time::rfc3339(at),
            );
            return Err(Refusal::bad_arg(format!(
                "opened_at {opened_at} is after {at}: give the time of receipt"
            )));
        }
        let opened_at = opened_at.min(at);
        let book = Arc::clone(self.state.policies.book(number));
        let (level, priority) = priority(&book, &open.fields)?;
        check_labels(&book, &open.fields)?;
        check_class(&book, &open.fields)?;
        self.check_calendar(&open.fields)?;
        if let Some(queue) = &open.queue {
            self.known_queue(queue)?;
        }
        let missing = book.missing(open);
        if complete && !missing.is_empty() {
            let policy = book.versioned.clone();
            return Err(Refusal::new(
                Code::Required,
                format!(
                    "{} ({policy}): give each as a field, as attr.NAME, or declare it with has \"NAME,…\"",
                    list(&missing)
                ),
            ));
        }
        let mut details = Details::default();
        let given = set_details(&mut details, &open.fields);
        let plan = self
            .state
            .policies
            .plan(number, &keys(&details, level, open.queue.as_deref()));
        let own = self.state.calendar_line(number, &details.calendar);
        let terms = self.state.terms(number, plan, own);
        let plan = &terms.plan;
        let stage = first_stage(&terms);
        if let Some(stage) = stage.filter(|_| complete) {
            let of = format!("{}, stage {}", book.versioned, stage.name);
            check_details_have(&details, &stage.requires, &of)?;
        }
        let by_policy = || home_queue(&terms, stage.map_or("", |stage| &stage.name));
        let queue = open.queue.clone().unwrap_or_else(by_policy);
        let skills = open.fields.skills.clone().unwrap_or_else(|| plan.skills.clone());
        self.room_for_requirement(&queue, &skills)?;
        let mut effects = Effects::of_opening(&terms, opened_at, at);
        effects.open(&open.fields.dues);
        // What a ticket does next is a fact of its own: a look ahead shows it as well.
        if let Some(stage) = stage.filter(|_| !complete) {
            effects.begin_in_stage(&stage.name);
        }
        let told = effects.finish();
        let name = || (book.versioned.clone(), priority.name.clone());
        let (clocks, _) = told.clocks(|| name().0, || name().1);
        let opened = Opened {
            opened_at,
            policy: book.name.clone(),
            version: book.version,
            priority: priority.name.clone(),
            rank: plan.rank,
            queue_by_policy: open.queue.is_none(),
            entered_late: book
                .rules
                .entry_within
                .is_some_and(|within| within.after(opened_at) < at),
            skills,
            fingerprint: open.fingerprint,
            details: given.then(|| Box::new(details)),
        };
        Ok(TicketEvent {
            id: id.clone(),
            queue,
            agent: Text::default(),
            prev: self.state.closed.get(id).map_or(0, |earlier| earlier.last_seq),
            fact: TicketFact::Opened(Box::new(opened)),
            clocks,
            origin: origin(common),
        })
    }

    /// Refuses a calendar that is not known.
    pub(super) fn check_calendar(&self, fields: &Fields) -> Result<(), Refusal> {
        let calendars = &self.state.calendars;
        let Some(name) = fields
            .calendar
            .as_ref()
            .filter(|name| calendars.newest(name).is_none())
        else {
            return Ok(());
        };
        let known: Vec<&str> = calendars.names().collect();
        let takes = if known.is_empty() {
            "there are none yet".to_owned()
        } else {
            format!("it takes {}", some(&known))
        };
        Err(Refusal::bad_arg(format!(
            "calendar '{name}' is not known{}: {takes}",
            text::hint(name, known.iter().copied())
        )))
    }

    /// Refuses a combination of queue and skills beyond the number that is kept.
    pub(super) fn room_for_requirement(
        &self,
        queue: &str,
        skills: &[crate::model::skill::Required],
    ) -> Result<(), Refusal> {
        let requirements = &self.state.routing.requirements;
        let known = self
            .state
            .queues
            .get(queue)
            .is_some_and(|queue| requirements.knows(queue, skills));
        if known || queue == QUEUE_NONE || requirements.len() < REQUIREMENTS_MAX {
            return Ok(());
        }
        Err(Refusal::new(
            Code::Limit,
            format!(
                "{REQUIREMENTS_MAX} different combinations of queue and skills are in use: use one of them"
            ),
        ))
    }
}

/// The priority asked for, or that of the class, or the policy's default.
pub(in crate::engine) fn priority<'a>(
    book: &'a RuleBook,
    fields: &Fields,
) -> Result<(u16, &'a Priority), Refusal> {
    let Some(name) = &fields.priority else {
        let usual = book.usual_priority(fields.class.as_deref().unwrap_or_default());
        return Ok((usual, &book.rules.priorities[usize::from(usual)]));
    };
    book.level(name).ok_or_else(|| {
        let known: Vec<&str> = book
            .rules
            .priorities
            .iter()
            .map(|priority| priority.name.as_str())
            .collect();
        let hint = text::hint(name, known.iter().copied());
        let policy = book.versioned.clone();
        Refusal::bad_arg(format!(
            "priority '{name}' is not one of {policy}{hint}: it takes {}",
            known.join(", ")
        ))
    })
}

/// A policy that lists classes, segments or channels takes no others.
pub(super) fn check_labels(book: &RuleBook, fields: &Fields) -> Result<(), Refusal> {
    for (what, given) in [
        ("class", &fields.class),
        ("segment", &fields.segment),
        ("channel", &fields.channel),
    ] {
        let Some(given) = given.as_ref().filter(|given| !book.takes(what, given)) else {
            continue;
        };
        let known: Vec<&str> = book.declared(what).into_iter().map(Text::as_str).collect();
        let hint = text::hint(given, known.iter().copied());
        let policy = book.versioned.clone();
        return Err(Refusal::bad_arg(format!(
            "{what} '{given}' is not one of {policy}{hint}: it takes {}",
            some(&known)
        )));
    }
    Ok(())
}

/// Has the policy a place for a ticket of this class, segment and channel?
pub(in crate::engine) fn labels_fit(book: &RuleBook, details: &Details) -> bool {
    [
        ("class", &details.class),
        ("segment", &details.segment),
        ("channel", &details.channel),
    ]
    .into_iter()
    .all(|(key, value)| value.is_empty() || book.takes(key, value))
}

/// A class that was retired takes no new tickets.
pub(super) fn check_class(book: &RuleBook, fields: &Fields) -> Result<(), Refusal> {
    let class = fields.class.as_deref().and_then(|class| book.class(class));
    let Some(retired) = class.filter(|class| class.retired) else {
        return Ok(());
    };
    let live = book.rules.classes.iter().filter(|class| !class.retired);
    let known: Vec<&str> = live.map(|class| class.name.as_str()).collect();
    let policy = &book.versioned;
    Err(Refusal::bad_arg(format!(
        "class '{}' of {policy} is retired: it takes {}",
        retired.name,
        some(&known)
    )))
}

/// Puts the given fields into `details`; true if there were any.
pub(in crate::engine) fn set_details(details: &mut Details, fields: &Fields) -> bool {
    let mut given_any = !fields.has.is_empty() || !fields.attributes.is_empty();
    for (place, given) in [
        (&mut details.class, &fields.class),
        (&mut details.customer, &fields.customer),
        (&mut details.segment, &fields.segment),
        (&mut details.channel, &fields.channel),
        (&mut details.issue, &fields.issue),
        (&mut details.parent, &fields.parent),
        (&mut details.prefer, &fields.prefer),
        (&mut details.calendar, &fields.calendar),
    ] {
        if let Some(given) = given {
            *place = given.clone();
            given_any = true;
        }
    }
    for (place, given) in [
        (&mut details.links, &fields.links),
        (&mut details.assist, &fields.assist),
    ] {
        if let Some(given) = given {
            *place = given.clone();
            given_any = true;
        }
    }
    for name in &fields.has {
        if let Err(place) = details.has.binary_search(name) {
            details.has.insert(place, name.clone());
        }
    }
    for (name, value) in &fields.attributes {
        match details.attributes.binary_search_by(|(known, _)| known.cmp(name)) {
            Ok(place) => details.attributes[place].1 = value.clone(),
            Err(place) => details.attributes.insert(place, (name.clone(), value.clone())),
        }
    }
    given_any
}

/// Attributes, and texts in `has`, that a ticket has at most: TICKET.SET adds to both, and each of its events tells all.
const DETAILS_MAX: usize = 64;

/// `LIMIT` if a ticket would have more than its share.
pub(super) fn check_details(details: &Details) -> Result<(), Refusal> {
    for (what, count) in [
        ("attributes", details.attributes.len()),
        ("texts in has", details.has.len()),
    ] {
        if count > DETAILS_MAX {
            return Err(Refusal::new(
                Code::Limit,
                format!("a ticket has at most {DETAILS_MAX} {what}; with these it would have {count}"),
            ));
        }
    }
    Ok(())
}
