//! What facts do to the clocks of a ticket, and to their steps.

use crate::engine::clock::Clock;
use crate::engine::state::State;
use crate::engine::steps::digest;
use crate::engine::ticket::Ticket;
use crate::model::NEVER;
use crate::model::account::Taken;
use crate::model::event::*;
use crate::model::target::Target;

impl State {
    pub(super) fn apply_clocks(&mut self, slot: u32, event: &Event, ticket: &TicketEvent) {
        let (Some(effects), Some(state)) = (&ticket.clocks, self.tickets.get_mut(slot)) else {
            return;
        };
        for effect in &effects.effects {
            if let ClockChange::Started { .. } = effect.change {
                begin_again(state, &effect.target);
            }
            let clock = state.clock_mut(&effect.target);
            let was_late =
                clock.is_running() && !clock.breached && !clock.late_by_level && clock.due < event.at;
            clock.apply(&effect.change, event.at);
            match ticket.fact {
                TicketFact::Resolved { .. } => clock.ended_by_resolve = !clock.is_open(),
                TicketFact::Changed(_) | TicketFact::Migrated(_) => {
                    // A breach that the event takes back does not stand.
                    let stands = clock.breached && event.at > clock.breached_due;
                    let is_late = !stands && clock.due_from(event.at) < event.at;
                    clock.late_by_level = is_late && !was_late;
                }
                _ => {}
            }
        }
        for kept in effects.kept.iter().flat_map(|kept| kept.iter()) {
            state.clock_mut(&kept.target).keep(kept.what);
        }
        for ladder in &effects.ladders {
            set_ladder(state, &ladder.target, Some(ladder));
        }
    }

    /// A warning, a step or a breach is taken back. What a step did to the ticket stays done.
    pub(super) fn withdraw(&mut self, slot: u32, withdrawn: &Withdrawn) {
        let target = &withdrawn.sla.target;
        let ladder = withdrawn.ladder;
        // The clock may have another ladder by now.
        let is_its = self.ladder_digest(slot, target) == Some(ladder);
        self.edit(slot, |ticket| {
            if let Some(step) = withdrawn.step {
                if is_its {
                    mark_rung(ticket, target, step, false);
                }
                if let Some(account) = &mut ticket.clock_mut(target).account {
                    account.taken.retain(|taken| *taken != Taken { ladder, step });
                }
            } else if withdrawn.breach {
                if ticket
                    .past(target)
                    .is_some_and(|past| past.first_breach == withdrawn.sla.due)
                {
                    ticket.past_mut(target).first_breach = NEVER;
                }
                let clock = ticket.clock_mut(target);
                clock.breached = false;
                clock.breached_due = NEVER;
            } else {
                let clock = ticket.clock_mut(target);
                clock.warned = false;
                if clock.is_open() {
                    clock.warn_at = withdrawn.again;
                }
            }
        });
    }

    /// A step was taken: of the ladder that the clock has now, and it is remembered should it have another one meanwhile.
    pub(super) fn take_rung(&mut self, slot: u32, target: &Target, step: u16) {
        let ladder = self.ladder_digest(slot, target);
        self.edit(slot, |ticket| {
            mark_rung(ticket, target, step, true);
            if let Some(ladder) = ladder {
                let taken = &mut ticket.clock_mut(target).account_mut().taken;
                let this = Taken { ladder, step };
                if !taken.contains(&this) {
                    taken.push(this);
                }
            }
        });
    }

    fn ladder_digest(&self, slot: u32, target: &Target) -> Option<u64> {
        let ticket = self.tickets.get(slot)?;
        let plan = self.policies.plan_of(ticket.book, ticket.plan);
        Some(digest(&plan.clock(target)?.steps))
    }

    /// The dues of the ticket's clocks are reckoned by its own version from here on.
    pub(in crate::engine) fn rule_clocks(&mut self, slot: u32) {
        self.edit(slot, |ticket| {
            for clock in ticket.clocks.iter_mut().filter(|clock| clock.version().is_some()) {
                clock.account_mut().version = 0;
            }
        });
    }

    /// The ticket goes over to another version with the dues that it has: those that this event does not give come from the version
    /// before, or from the one that they came from already.
    pub(in crate::engine) fn keep_ruled(&mut self, slot: u32, version: u32, ticket: &TicketEvent) {
        let effects = ticket.clocks.iter().flat_map(|clocks| &clocks.effects);
        let started = |target: &Target| {
            let starts = |effect: &ClockEffect| matches!(effect.change, ClockChange::Started { .. });
            effects
                .clone()
                .any(|effect| effect.target == *target && starts(effect))
        };
        self.edit(slot, |ticket| {
            let goes_on = |clock: &&mut Clock| !clock.by_hand && (clock.is_open() || clock.ended_by_resolve);
            let ruled = ticket.clocks.iter_mut().filter(goes_on);
            for clock in ruled.filter(|clock| clock.version().is_none()) {
                if !started(&clock.target) {
                    clock.account_mut().version = version;
                }
            }
        });
    }
}

/// A clock starts another cycle: the first breach stays on record, the steps of the old cycle are forgotten.
fn begin_again(ticket: &mut Ticket, target: &Target) {
    let missed = ticket.clock(target).filter(|clock| clock.breached);
    if let Some(due) = missed.map(|clock| clock.breached_due) {
        let past = ticket.past_mut(target);
        past.first_breach = past.first_breach.min(due);
    }
    set_ladder(ticket, target, None);
}

/// Ladders stay in the order of their targets; one without steps is none.
fn set_ladder(ticket: &mut Ticket, target: &Target, ladder: Option<&Ladder>) {
    let ladder = ladder.filter(|ladder| !ladder.rungs.is_empty());
    if ladder.is_none() && ticket.ladder(target).is_none() {
        return;
    }
    let ladders = &mut ticket.course.get_or_insert_default().ladders;
    let place = ladders.binary_search_by(|known| known.target.cmp(target));
    match (place, ladder) {
        (Ok(place), Some(ladder)) => ladders[place] = ladder.clone(),
        (Ok(place), None) => {
            ladders.remove(place);
        }
        (Err(place), Some(ladder)) => ladders.insert(place, ladder.clone()),
        (Err(_), None) => {}
    }
}

fn mark_rung(ticket: &mut Ticket, target: &Target, step: u16, done: bool) {
    let Some(course) = &mut ticket.course else { return };
    let rungs = course
        .ladders
        .iter_mut()
        .filter(|ladder| ladder.target == *target)
        .flat_map(|ladder| &mut ladder.rungs);
    for rung in rungs.filter(|rung| rung.step == step) {
        rung.done = done;
    }
}
