//! Tickets taken over from an older system.

use crate::engine::state::State;
use crate::engine::ticket::Pause;
use crate::model::event::{Imported, TicketEvent, TicketState};
use crate::model::record::ClockState;
use crate::model::{NEVER, Seq};

impl State {
    /// The rest of a ticket that has just been put there as if it were opened, its clocks with it.
    pub(super) fn take_over(&mut self, slot: u32, seq: Seq, ticket: &TicketEvent, imported: &Imported) {
        self.edit(slot, |t| {
            for standing in &imported.clocks {
                let clock = t.clock_mut(&standing.target);
                clock.warned = standing.warned;
                clock.breached = standing.breached_due != NEVER;
                clock.breached_due = standing.breached_due;
                clock.ended_by_resolve = standing.ended_by_resolve;
                clock.account.clone_from(&standing.account);
                if standing.ended_by_resolve && clock.state == ClockState::Stopped {
                    clock.mark = imported.since;
                }
            }
            // How long it waited elsewhere is not measured here.
            t.waiting_at = NEVER;
            t.held_back = imported.held_back;
            t.state = imported.state;
            if !imported.paused.is_empty() {
                t.pause = Some(Box::new(Pause {
                    reason: imported.paused.clone(),
                    pause_seq: seq,
                    resume_seq: 0,
                    since: imported.paused_since,
                    over: Vec::new(),
                }));
            }
            if !imported.stage.is_empty() {
                let course = t.course.get_or_insert_default();
                course.stage = imported.stage.clone();
                course.stage_seq = seq;
            }
        });
        match imported.state {
            TicketState::Assigned => {
                let agent = self.agent_or_new(&ticket.agent);
                self.edit(slot, |t| {
                    t.agent = agent;
                    t.hold = seq;
                    t.hold_at = imported.since;
                });
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.held.insert(seq, slot);
                }
                self.change_load(slot, 1);
            }
            TicketState::Resolved => self.edit(slot, |t| {
                t.resolve_seq = seq;
                t.close_at = imported.close_at;
            }),
            TicketState::Waiting | TicketState::Closed => {}
        }
    }

    /// What was imported up to here is held back no more. The tickets come into their lanes a few at a time: see
    /// [`State::hand_out`].
    pub(super) fn end_import(&mut self, seq: Seq) {
        self.set_imports_done(seq);
        if self.live {
            self.handing_out = Some(0);
        }
    }

    /// The last import that is done ended with this event.
    pub(in crate::engine) fn set_imports_done(&mut self, seq: Seq) {
        let before = self.imports_done;
        for (seq, counts) in [(before, false), (seq, true)] {
            if seq != 0 {
                let hash = self.sum.canon.import_done(seq);
                if counts {
                    self.sum.add(hash);
                } else {
                    self.sum.subtract(hash);
                }
            }
        }
        self.imports_done = seq;
    }

    /// Goes on with putting into their lanes what an import had held back: at most `slots_max` slots. False: nothing is left
    /// to do.
    pub(in crate::engine) fn hand_out(&mut self, slots_max: u32) -> bool {
        let Some(from) = self.handing_out else {
            return false;
        };
        let end = from.saturating_add(slots_max).min(self.tickets.capacity_slots());
        for slot in from..end {
            if self.tickets.get(slot).is_some_and(|ticket| ticket.held_back) {
                self.derive(slot, self.imports_done);
            }
        }
        self.handing_out = (end < self.tickets.capacity_slots()).then_some(end);
        true
    }
}
