//! A live ticket as the engine keeps it.

use super::clock::{Clock, Firing};
use crate::model::event::{Details, TicketState};
use crate::model::target::Target;
use crate::model::{NEVER, Seq, Text, UnixMs};

/// No agent, no policy, …
pub(super) const NONE: u32 = u32::MAX;

/// A live ticket. What few tickets have is boxed.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub id: Text,
    pub opened_at: UnixMs,
    /// When it last came into its queue; [`NEVER`]: not known. For measuring only: in no hash and no snapshot.
    pub waiting_at: UnixMs,
    pub opened_seq: Seq,
    pub last_seq: Seq,
    /// `at` of the last commanded event: no later command may be back-dated to before it.
    pub commanded_at: UnixMs,
    /// Seq of the last RESPOND; 0: none yet.
    pub respond_seq: Seq,
    /// Seq of the RESOLVE that stands; 0: none.
    pub resolve_seq: Seq,
    /// When a resolved ticket closes by itself.
    pub close_at: UnixMs,
    /// Digest of the fields it was opened with.
    pub fingerprint: u64,
    /// Seq of the assignment, the fencing number; 0: not assigned.
    pub hold: Seq,
    pub hold_at: UnixMs,
    /// Slot of the holder, or [`NONE`].
    pub agent: u32,
    /// Number of the queue.
    pub queue: u32,
    /// Number of the requirement: queue and skills.
    pub requirement: u32,
    /// Number of the policy version.
    pub book: u32,
    /// Index of the priority in it.
    pub level: u16,
    /// Number of the plan that the version has for it: derived, in no hash and no snapshot.
    pub plan: u32,
    /// Number of the queue that it was opened with, or [`NONE`]: the policy's. Rules match by it.
    pub asked_queue: u32,
    pub rank: u8,
    pub state: TicketState,
    pub queue_by_policy: bool,
    pub clocks: Vec<Clock>,
    /// The pause, running or past.
    pub pause: Option<Box<Pause>>,
    pub details: Option<Box<Details>>,
}

/// What is known of a ticket's pauses.
#[derive(Debug, Clone, Default)]
pub(super) struct Pause {
    /// Reason of the pause that runs, or empty.
    pub reason: Text,
    /// Seq of the last PAUSE.
    pub pause_seq: Seq,
    /// Seq of what ended the last pause; 0: none ended yet.
    pub resume_seq: Seq,
}

/// What a ticket does next by itself. The order is that of instants within a millisecond.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Clock(Target, Firing),
    Close,
}

impl Ticket {
    /// Why it is paused, if it is.
    pub(super) fn paused(&self) -> Option<&Text> {
        self.pause
            .as_deref()
            .map(|pause| &pause.reason)
            .filter(|reason| !reason.is_empty())
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused().is_some()
    }

    /// Earliest due among running clocks, breached ones included; [`NEVER`] when none runs.
    pub(super) fn live_deadline(&self) -> UnixMs {
        self.clocks
            .iter()
            .filter(|c| c.is_running())
            .map(|c| c.due)
            .min()
            .unwrap_or(NEVER)
    }

    /// The next thing it does by itself, and when. Cost: one look at each clock.
    pub(super) fn next_due(&self) -> Option<(UnixMs, Due)> {
        if self.state == TicketState::Resolved {
            return (self.close_at != NEVER).then_some((self.close_at, Due::Close));
        }
        let mut next: Option<(UnixMs, &Target, Firing)> = None;
        for clock in &self.clocks {
            if let Some((at, firing)) = clock.next()
                && next
                    .is_none_or(|(best, target, other)| (at, &clock.target, firing) < (best, target, other))
            {
                next = Some((at, &clock.target, firing));
            }
        }
        next.map(|(at, target, firing)| (at, Due::Clock(target.clone(), firing)))
    }

    /// When it next does something by itself.
    pub(super) fn next_instant(&self) -> Option<UnixMs> {
        if self.state == TicketState::Resolved {
            return (self.close_at != NEVER).then_some(self.close_at);
        }
        self.clocks
            .iter()
            .filter_map(|c| c.next().map(|(at, _)| at))
            .min()
    }

    pub(super) fn clock(&self, target: &Target) -> Option<&Clock> {
        self.clocks.iter().find(|c| c.target == *target)
    }

    /// The clock of this target, new if need be; clocks stay in the order of their targets.
    pub(super) fn clock_mut(&mut self, target: &Target) -> &mut Clock {
        let place = match self.clocks.binary_search_by(|c| c.target.cmp(target)) {
            Ok(place) => place,
            Err(place) => {
                self.clocks.insert(place, Clock::new(target.clone()));
                place
            }
        };
        &mut self.clocks[place]
    }

    /// Does a breached clock still run?
    pub(super) fn is_breached(&self) -> bool {
        self.clocks.iter().any(|c| c.is_running() && c.breached)
    }
}
