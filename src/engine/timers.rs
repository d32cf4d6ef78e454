//! Expiry is an input: `advance(now)` fires what is due, in order, each in a frame of its own.

use super::{Engine, Output};
use crate::model::UnixMs;

/// Wheel entries moved in one call at most: about 0.1 ms.
const WORK_MAX: usize = 512;
/// Slots in which tickets are looked for that an import had held back, in one call: about 0.1 ms.
const HANDED_OUT_MAX: u32 = 512;

impl Engine {
    /// Fires up to `fires_max` timers whose instants are at or before `now`, in the order of instant, seq of the
    /// ticket's opening, target; true: more are due. With a virtual clock each is stamped with its own instant. None
    /// fires while it is open which clock holds.
    pub fn advance(&mut self, now: UnixMs, fires_max: usize, out: &mut Output) -> bool {
        let more = self.fire_due(now, fires_max, out);
        self.catches_up &= more || self.state.is_frozen();
        more
    }

    fn fire_due(&mut self, now: UnixMs, fires_max: usize, out: &mut Output) -> bool {
        if self.hand_out(now, out) {
            return true;
        }
        if self.state.is_frozen() {
            return false;
        }
        if !self.state.horizons.is_empty() {
            // A virtual clock stands where the last timer left it: what follows has instants of its own.
            let virtual_clock = self.config.virtual_clock;
            let now = if virtual_clock {
                now.min(self.state.logged_at)
            } else {
                now
            };
            self.reckon(now, out);
            return true;
        }
        let virtual_clock = self.config.virtual_clock;
        let super::state::State { wheel, tickets, .. } = &mut self.state;
        let tie = |slot: u32| tickets.get(slot).map_or(0, |ticket| ticket.opened_seq);
        // Slots are moved down a few entries at a time, so that no call is long.
        if wheel.work(now, WORK_MAX, tie) {
            return true;
        }
        for _ in 0..fires_max {
            let reminder = self.state.next_reminder(now);
            let super::state::State { wheel, tickets, .. } = &mut self.state;
            let tie = |slot: u32| tickets.get(slot).map_or(0, |ticket| ticket.opened_seq);
            // What comes before the next reminder, then the reminder.
            let upto = reminder.as_ref().map_or(now, |(at, ..)| now.min(*at));
            let Some((_, slot)) = wheel.pop(upto, tie) else {
                let Some((instant, policy, name)) = reminder.filter(|(at, ..)| *at <= now) else {
                    return false;
                };
                let stamp = if virtual_clock {
                    instant.max(self.state.logged_at).min(now)
                } else {
                    now
                };
                self.remind(instant, &policy, &name, stamp, out);
                continue;
            };
            // The wheel may hold an instant that the ticket has since outlived; the ticket knows.
            let due = self
                .state
                .tickets
                .get(slot)
                .and_then(super::ticket::Ticket::next_due);
            let Some((instant, due)) = due.filter(|(at, _)| *at <= now) else {
                self.state.derive(slot, 0);
                continue;
            };
            let stamp = if virtual_clock {
                instant.max(self.state.logged_at).min(now)
            } else {
                now
            };
            let mut transaction = self.transaction(stamp, false, out);
            transaction.fire(slot, instant, due);
            transaction.end_frame();
        }
        true
    }

    /// Goes on with handing out what an import had held back; false: nothing is left to do. Agents that wait are served when all
    /// of it is in its lanes: the best ticket first, wherever it was.
    fn hand_out(&mut self, now: UnixMs, out: &mut Output) -> bool {
        if !self.state.hand_out(HANDED_OUT_MAX) {
            return false;
        }
        self.state.routable.clear();
        if self.state.handing_out.is_none() {
            let mut transaction = self.transaction(now, false, out);
            transaction.serve_waiting();
            transaction.end_frame();
        }
        true
    }

    /// The instant of the next timer, or an earlier one at which to ask again; `None`: nothing is pending, or timers are
    /// frozen.
    pub fn next_instant(&mut self) -> Option<UnixMs> {
        if self.state.handing_out.is_some() {
            return Some(0);
        }
        if self.state.is_frozen() {
            return None;
        }
        if !self.state.horizons.is_empty() {
            return Some(self.state.logged_at);
        }
        let now = self.state.logged_at;
        let reminder = self.state.next_reminder(now).map(|(at, ..)| at);
        let timer = self.state.wheel.next_at();
        reminder.into_iter().chain(timer).min()
    }
}
