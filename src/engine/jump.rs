//! Jumps of the real clock: the only fact by which the newest instant of the log may go back.
//!
//! Nothing is decided here: the daemon judges what its clocks show, the log tells what came of it. SLA dues keep their
//! instants. After a step backwards nothing fires again, because what has fired is noted at its clock, and nothing fires
//! early, because the wheel gives out what is at or before `now` alone, however far it has been turned (`collections`
//! tests it); so it need not be rebuilt, which would take a second or two at 10 M tickets. Cost: none, but two
//! comparisons a timer.

use super::state::State;
use crate::model::event::{ClockJumped, Jump};
use crate::model::record::JumpRecord;
use crate::model::{Seq, UnixMs};

impl State {
    /// The clock jumped, or it was decided which one holds: from here on it shows `now`.
    ///
    /// What has a *remaining time* rather than an instant is to be moved here, and nowhere else, by `now - logged_at`
    /// as it was before; replay comes through here too.
    pub(super) fn apply_jump(&mut self, seq: Seq, now: UnixMs, jump: &ClockJumped) {
        if jump.is_virtual() {
            self.virtual_clock = true;
            return;
        }
        // What became due while the timers were frozen is late for the same reason as what the jump passed over.
        let due_from = match &self.jumped {
            Some(before) if before.jump.how == Jump::Frozen => before.due_from,
            _ => jump.from,
        };
        self.jumped = Some(JumpRecord {
            seq,
            jump: *jump,
            due_from,
            due_to: now,
        });
        self.logged_at = now;
    }

    /// Do timers wait until it is decided which clock holds?
    pub(super) fn is_frozen(&self) -> bool {
        self.jumped
            .as_ref()
            .is_some_and(|jumped| jumped.jump.how == Jump::Frozen)
    }

    /// The jump that passed over this instant: what fires late because of it names it as its cause. 0: none did.
    pub(super) fn passed_over(&self, instant: UnixMs) -> Seq {
        let over = |jumped: &&JumpRecord| jumped.due_from < instant && instant <= jumped.due_to;
        self.jumped.as_ref().filter(over).map_or(0, |jumped| jumped.seq)
    }
}
