//! A live ticket as the engine keeps it.

use super::clock::{Clock, Firing};
use crate::model::account::{ENTRIES_MAX, PastPause, Stretch};
use crate::model::course::{Course, Past};
use crate::model::event::{Details, Ladder, TicketState};
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
    /// It was imported to be handed out only after the `import.done` that follows; never changes.
    pub held_back: bool,
    /// Number of the line of versions of its own calendar, or [`NONE`].
    pub calendar_line: u32,
    pub clocks: Vec<Clock>,
    /// The pause, running or past.
    pub pause: Option<Box<Pause>>,
    pub details: Option<Box<Details>>,
    /// Stages, extensions, escalations, steps.
    pub course: Option<Box<Course>>,
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
    /// Since when the pause that runs is, or when the last one began.
    pub since: UnixMs,
    /// Those that are over, in order: a clock that comes later has stood still in them too.
    pub over: Vec<PastPause>,
}

impl Pause {
    /// The pause that runs, if one does, is over.
    pub(super) fn end(&mut self, at: UnixMs) {
        let reason = std::mem::take(&mut self.reason);
        let stretch = Stretch {
            from: self.since,
            to: at,
        };
        if reason.is_empty() || stretch.to <= stretch.from {
            return;
        }
        if self.over.len() == ENTRIES_MAX {
            self.over.remove(0);
        }
        self.over.push(PastPause { reason, stretch });
    }
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
        let clock = self.next_of_clocks();
        let due = |(at, target, firing): (UnixMs, &Target, Firing)| (at, Due::Clock(target.clone(), firing));
        match self.closing() {
            Some(close_at) if clock.is_none_or(|(at, ..)| close_at < at) => Some((close_at, Due::Close)),
            _ => clock.map(due),
        }
    }

    /// When it next does something by itself.
    pub(super) fn next_instant(&self) -> Option<UnixMs> {
        let clock = self.next_of_clocks().map(|(at, ..)| at);
        self.closing().into_iter().chain(clock).min()
    }

    /// When a resolved ticket closes by itself: not while what is to follow its completion still can be in time.
    fn closing(&self) -> Option<UnixMs> {
        let waits = || {
            self.clocks
                .iter()
                .any(|clock| clock.is_running() && !clock.breached)
        };
        let closes = self.state == TicketState::Resolved && self.close_at != NEVER && !waits();
        closes.then_some(self.close_at)
    }

    fn next_of_clocks(&self) -> Option<(UnixMs, &Target, Firing)> {
        let clocks = self
            .clocks
            .iter()
            .filter_map(|clock| clock.next().map(|(at, firing)| (at, &clock.target, firing)));
        let steps = self.ladders().iter().filter_map(|ladder| self.next_step(ladder));
        clocks.chain(steps).min()
    }

    /// The next step of a ladder whose clock runs.
    fn next_step<'a>(&self, ladder: &'a Ladder) -> Option<(UnixMs, &'a Target, Firing)> {
        let clock = self.clock(&ladder.target).filter(|clock| clock.is_running())?;
        let rung = ladder.rungs.iter().find(|rung| !rung.done)?;
        let firing = if rung.at <= clock.due {
            Firing::Step(rung.step)
        } else {
            Firing::StepAfter(rung.step)
        };
        Some((rung.at, &ladder.target, firing))
    }

    /// The steps of its clocks.
    pub(super) fn ladders(&self) -> &[Ladder] {
        self.course.as_deref().map_or(&[], |course| &course.ladders)
    }

    /// The steps of this clock, if it has any.
    pub(super) fn ladder(&self, target: &Target) -> Option<&Ladder> {
        self.ladders().iter().find(|ladder| ladder.target == *target)
    }

    /// What stays on record of this clock.
    pub(super) fn past(&self, target: &Target) -> Option<&Past> {
        let pasts = self.course.as_deref().map_or(&[][..], |course| &course.pasts);
        pasts.iter().find(|past| past.target == *target)
    }

    /// The due that this clock missed first, in whichever cycle; [`NEVER`]: none.
    pub(super) fn first_breach(&self, clock: &Clock) -> UnixMs {
        let earlier = self.past(&clock.target).map_or(NEVER, |past| past.first_breach);
        earlier.min(clock.breached_due)
    }

    /// The same, to be changed; new if need be.
    pub(super) fn past_mut(&mut self, target: &Target) -> &mut Past {
        let pasts = &mut self.course.get_or_insert_default().pasts;
        let place = match pasts.binary_search_by(|past| past.target.cmp(target)) {
            Ok(place) => place,
            Err(place) => {
                let past = Past {
                    target: target.clone(),
                    first_due: NEVER,
                    first_breach: NEVER,
                    asked: None,
                };
                pasts.insert(place, past);
                place
            }
        };
        &mut pasts[place]
    }

    /// The stage in which it is, or an empty name.
    pub(super) fn stage(&self) -> &str {
        self.course.as_deref().map_or("", |course| &course.stage)
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
