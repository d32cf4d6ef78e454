//! TICKET.IMPORT and IMPORT.DONE: open tickets of an older system.
//!
//! `at` is the instant up to which the older system was in charge, now if it is not given: what was due by then it has told.

use super::course::{first_stage, home_queue, stages};
use super::custody::some;
use super::required::check_details_have;
use crate::engine::effects::{Effects, Life};
use crate::engine::policies::{Terms, keys};
use crate::engine::transaction::{Transaction, origin};
use crate::model::command::Common;
use crate::model::event::*;
use crate::model::import::Import;
use crate::model::time::rfc3339;
use crate::model::{Code, NEVER, Refusal, Seq, Text, UnixMs, text};

/// What a check answers where an import would have a seq.
const WOULD_BE: Seq = 0;

impl Transaction<'_> {
    /// A ticket that is not there is taken over; one that is was compared before.
    pub(super) fn import(
        &mut self,
        id: &Text,
        import: &Import,
        common: Option<&Common>,
    ) -> Result<Seq, Refusal> {
        let known = self.state.closed.get(id);
        if let Some(closed) = known.filter(|closed| closed.fingerprint == import.open.fingerprint) {
            // It was imported, and has come to its end here since.
            return Ok(closed.opened_seq);
        }
        let at = super::checks::check_at(common, 0, self.now)?;
        let mut event = self.importing(id, import, common, at)?;
        if import.check {
            return Ok(WOULD_BE);
        }
        let agent = self.state.agent_slot(&event.agent);
        if let (TicketFact::Imported(imported), Some(agent)) = (&mut event.fact, agent) {
            let counts = u32::from(imported.paused.is_empty());
            imported.over = self.state.agents.get(agent).map_or(0, |agent| {
                (agent.load + counts).saturating_sub(agent.described.capacity)
            });
        }
        let seq = self.emit(at, 0, Body::Ticket(event));
        if let Some(agent) = agent
            && self.state.agents.get(agent).is_some_and(|agent| agent.is_full())
        {
            self.end_wait(agent);
        }
        Ok(seq)
    }

    /// The import is done: what it held back is handed out.
    pub(super) fn import_done(&mut self, common: Option<&Common>) -> Seq {
        let fact = ImportDone {
            origin: origin(common),
        };
        self.emit(self.now, 0, Body::ImportDone(Box::new(fact)))
    }

    /// The event, if nothing is against it.
    fn importing(
        &mut self,
        id: &Text,
        import: &Import,
        common: Option<&Common>,
        at: UnixMs,
    ) -> Result<TicketEvent, Refusal> {
        let state = state(import)?;
        let name = import.open.policy.as_ref().unwrap_or(self.default_policy);
        let number = self.state.version_for(name, &import.open)?;
        let mut event = self.opening(id, &import.open, common, at, number, true)?;
        let TicketFact::Opened(opened) = event.fact else {
            return Err(Refusal::new(Code::Err, "an opening is no opening"));
        };
        check_instants(import, opened.opened_at, at)?;
        if let Some(agent) = &import.agent {
            self.known_agent(agent)?;
            event.agent = agent.clone();
        }
        let none = Details::default();
        let details = opened.details.as_deref().unwrap_or(&none);
        let book = self.state.policies.book(number);
        let level = book.level(&opened.priority).map_or(0, |(level, _)| level);
        let asked = import.open.queue.as_deref();
        let plan = self.state.policies.plan(number, &keys(details, level, asked));
        let own = self.state.calendar_line(number, &details.calendar);
        let terms = self.state.terms(number, plan, own);
        let (stage, first) = stage(import, &terms, id, details)?;
        if asked.is_none() {
            event.queue = home_queue(&terms, stage.as_deref().unwrap_or_default());
            self.room_for_requirement(&event.queue, &opened.skills)?;
        }
        let resolved = (state == TicketState::Resolved).then(|| import.resolved_at.unwrap_or(at));
        let since = import.stage_since.unwrap_or(at);
        let life = Life {
            dues: &import.open.fields.dues,
            clocks: &import.clocks,
            stage: stage.as_ref().map(|name| (name, (!first).then_some(since))),
            assigned: (state == TicketState::Assigned).then(|| import.agent_since.unwrap_or(at)),
            paused: import
                .paused
                .as_ref()
                .map(|reason| (reason, import.paused_since.unwrap_or(at))),
            resolved,
        };
        let mut effects = Effects::of_opening(&terms, opened.opened_at, at);
        let clocks = effects.live(&life)?;
        let close_at = match (resolved, terms.book.rules.close_after) {
            (Some(resolved), Some(after)) => after.after(resolved),
            (Some(_), None) if effects.awaits() => at,
            (Some(_), None) => {
                let policy = &terms.book.versioned;
                return Err(Refusal::bad_arg(format!(
                    "{id} is resolved, and under {policy} that closes a ticket: leave it out"
                )));
            }
            (None, _) => NEVER,
        };
        let told = effects.finish();
        let name = || (terms.book.versioned.clone(), opened.priority.clone());
        (event.clocks, _) = told.clocks(|| name().0, || name().1);
        event.fact = TicketFact::Imported(Box::new(Imported {
            state,
            since: resolved.or(life.assigned).unwrap_or(NEVER),
            over: 0,
            paused: import.paused.clone().unwrap_or_default(),
            paused_since: life.paused.map_or(NEVER, |(_, since)| since),
            stage: stage.unwrap_or_default(),
            close_at,
            held_back: import.held_back,
            clocks,
            opened: Opened {
                // It was entered elsewhere, long ago.
                entered_late: false,
                ..*opened
            },
        }));
        Ok(event)
    }
}

/// Where it stands; a refusal if it is said in two ways that differ.
fn state(import: &Import) -> Result<TicketState, Refusal> {
    use TicketState::{Assigned, Resolved, Waiting};
    let (agent, resolved) = (import.agent.is_some(), import.resolved_at.is_some());
    let by_fields = match (resolved, agent) {
        (true, _) => Resolved,
        (false, true) => Assigned,
        (false, false) => Waiting,
    };
    let state = import.state.unwrap_or(by_fields);
    let wrong = match state {
        Waiting if resolved => Some("state waiting with resolved_at: leave one of them out"),
        Waiting if agent => Some("state waiting with an agent: leave one of them out"),
        Assigned if resolved => Some("state assigned with resolved_at: leave one of them out"),
        Assigned if !agent => Some("state assigned: give the agent"),
        Resolved if agent => Some("a resolved ticket is in nobody's hands: leave agent out"),
        Resolved if import.paused.is_some() => Some("a resolved ticket is not paused: leave paused out"),
        _ => None,
    };
    let loose = [
        (
            import.agent_since.is_some() && !agent,
            "agent_since without agent",
        ),
        (
            import.paused_since.is_some() && import.paused.is_none(),
            "paused_since without paused",
        ),
        (
            import.stage_since.is_some() && import.stage.is_none(),
            "stage_since without stage",
        ),
    ];
    let loose = loose.into_iter().find(|(is, _)| *is).map(|(_, what)| what);
    match wrong
        .map(str::to_owned)
        .or(loose.map(|what| format!("{what}: give both")))
    {
        Some(wrong) => Err(Refusal::bad_arg(wrong)),
        None => Ok(state),
    }
}

/// The life lies between its receipt and the instant up to which it is told.
fn check_instants(import: &Import, opened_at: UnixMs, at: UnixMs) -> Result<(), Refusal> {
    for (name, given) in [
        ("agent_since", import.agent_since),
        ("paused_since", import.paused_since),
        ("stage_since", import.stage_since),
        ("resolved_at", import.resolved_at),
    ] {
        if let Some(given) = given
            && !(opened_at..=at).contains(&given)
        {
            let [given, from, to] = [given, opened_at, at].map(rfc3339);
            return Err(Refusal::bad_arg(format!(
                "{name} {given}: it takes an instant from opened_at, {from}, to at, {to}"
            )));
        }
    }
    Ok(())
}

/// The stage in which it is, if its policy has any, and whether it is the one in which such a ticket begins.
fn stage(
    import: &Import,
    terms: &Terms,
    id: &Text,
    details: &Details,
) -> Result<(Option<Text>, bool), Refusal> {
    let first = first_stage(terms).map(|stage| stage.name.clone());
    let Some(name) = &import.stage else {
        return Ok((first, true));
    };
    let names: Vec<&str> = stages(terms).map(|stage| stage.name.as_str()).collect();
    match stages(terms).find(|stage| stage.name == *name) {
        Some(stage) => {
            let of = format!("{}, stage {name}", terms.book.versioned);
            check_details_have(details, &stage.requires, &of)?;
        }
        None if names.is_empty() => {}
        None => {
            return Err(Refusal::bad_arg(format!(
                "stage '{name}' is not one that {id} goes through under {}{}: it takes {}",
                terms.book.versioned,
                text::hint(name, names.iter().copied()),
                some(&names)
            )));
        }
    }
    // A chain begins with the ticket, unless it is said when.
    let begins = first.as_ref() == Some(name) && import.stage_since.is_none();
    Ok((Some(name.clone()), begins))
}
