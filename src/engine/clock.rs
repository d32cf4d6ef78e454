//! One SLA clock of a ticket: how it stands, when it next fires, and what an effect makes of it.

use crate::model::account::{Account, Stretch};
use crate::model::event::{ClockChange, KeptOf};
use crate::model::record::{ClockRecord, ClockState};
use crate::model::target::Target;
use crate::model::time::Span;
use crate::model::{DurationMs, NEVER, UnixMs};

/// A clock. 88 bytes; a ticket has one to four.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clock {
    pub target: Target,
    pub state: ClockState,
    pub start: UnixMs,
    pub due: UnixMs,
    /// When it warns, or did; [`NEVER`]: never.
    pub warn_at: UnixMs,
    /// Paused: ms left. Met or stopped: when.
    pub mark: i64,
    pub warned: bool,
    pub breached: bool,
    /// The due that it missed; a later one does not undo that.
    pub breached_due: UnixMs,
    pub by_hand: bool,
    pub ended_by_resolve: bool,
    pub late_by_level: bool,
    /// Its due lies where its calendar is not published yet.
    pub provisional: bool,
    /// Other rules ended it, so that others again may bring it back.
    pub dropped: bool,
    /// What it stood still, and what was added: with its start all that its due comes from.
    pub account: Option<Box<Account>>,
}

/// What a clock does next. The order is that of instants within a millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Firing {
    Warning,
    /// A step up to the due, by its place in the policy's list.
    Step(u16),
    Breach,
    /// A step after the due.
    StepAfter(u16),
}

impl Clock {
    /// A clock that an effect is about to start.
    pub(super) fn new(target: Target) -> Clock {
        Clock {
            target,
            state: ClockState::Stopped,
            start: 0,
            due: NEVER,
            warn_at: NEVER,
            mark: 0,
            warned: false,
            breached: false,
            breached_due: NEVER,
            by_hand: false,
            ended_by_resolve: false,
            late_by_level: false,
            provisional: false,
            dropped: false,
            account: None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == ClockState::Running
    }

    /// Running or paused: its aim is still ahead.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, ClockState::Running | ClockState::Paused)
    }

    /// When it runs out, or would if it ran on from `at`.
    pub(super) fn due_from(&self, at: UnixMs) -> UnixMs {
        if self.state == ClockState::Paused {
            at.saturating_add(self.mark)
        } else {
            self.due
        }
    }

    /// The next instant at which this clock fires, and what.
    pub(super) fn next(&self) -> Option<(UnixMs, Firing)> {
        if !self.is_running() {
            return None;
        }
        if !self.warned && self.warn_at != NEVER && !self.breached {
            return Some((self.warn_at, Firing::Warning));
        }
        // In time up to and including its due: the breach is one millisecond later.
        (!self.breached).then(|| (self.due.saturating_add(1), Firing::Breach))
    }

    /// The warning still to come when the due moves by `shift`.
    pub(super) fn warn_shifted(&self, shift: DurationMs) -> UnixMs {
        if self.warned || self.warn_at == NEVER {
            NEVER
        } else {
            self.warn_at.saturating_add(shift)
        }
    }

    /// Does what the event says.
    pub(super) fn apply(&mut self, change: &ClockChange, at: UnixMs) {
        match *change {
            ClockChange::Started {
                start,
                due,
                warn_at,
                by_hand,
                provisional,
            } => {
                *self = Clock {
                    state: ClockState::Running,
                    start,
                    due,
                    warn_at,
                    by_hand,
                    provisional,
                    ..Clock::new(self.target.clone())
                };
            }
            ClockChange::Met { at, due } => {
                self.state = ClockState::Met;
                self.shift_to(due);
                self.mark = at;
            }
            ClockChange::Moved {
                due,
                warn_at,
                by_hand,
                provisional,
            } => {
                if self.state == ClockState::Paused {
                    self.mark = self.mark.saturating_add(due.saturating_sub(self.due));
                }
                self.due = due;
                self.by_hand = by_hand;
                self.provisional = provisional;
                self.set_warning(warn_at);
            }
            ClockChange::Stopped { due } | ClockChange::Dropped { due } => {
                self.state = ClockState::Stopped;
                self.shift_to(due);
                self.mark = at;
                self.dropped = matches!(change, ClockChange::Dropped { .. });
            }
            ClockChange::Paused { due, remaining } => {
                if self.state != ClockState::Paused {
                    self.account_mut().since = at;
                }
                self.state = ClockState::Paused;
                self.shift_to(due);
                self.mark = remaining;
            }
            ClockChange::Resumed {
                due,
                warn_at,
                provisional,
            } => {
                self.run_on(at);
                self.state = ClockState::Running;
                self.due = due;
                self.mark = 0;
                self.ended_by_resolve = false;
                self.provisional = provisional;
                self.set_warning(warn_at);
            }
        }
    }

    /// Keeps what is said beside its changes.
    pub(super) fn keep(&mut self, what: KeptOf) {
        let account = self.account_mut();
        match what {
            KeptOf::Added(ms) => account.add(Span::Ms(ms)),
            KeptOf::Stood(stretch) => account.stand(stretch),
        }
    }

    pub(super) fn account_mut(&mut self) -> &mut Account {
        self.account.get_or_insert_default()
    }

    /// When it stood still so far, up to where it stands still now.
    pub(super) fn stood(&self) -> impl DoubleEndedIterator<Item = Stretch> {
        self.account.iter().flat_map(|account| account.stood())
    }

    /// Since when it stands still, or stood when it ended.
    pub(super) fn since(&self) -> Option<UnixMs> {
        let since = self.account.as_deref()?.since;
        (since != NEVER).then_some(since)
    }

    /// The version whose rules gave the due, where it is not the ticket's own.
    pub(super) fn version(&self) -> Option<u32> {
        let version = self.account.as_deref()?.version;
        (version != 0).then_some(version)
    }

    /// It runs on: a pause is over, or the ticket is not done after all. What other rules had ended counts on as if it had run.
    fn run_on(&mut self, at: UnixMs) {
        let ended = !self.is_open();
        if std::mem::take(&mut self.dropped) {
            let mark = self.mark;
            if let Some(account) = &mut self.account {
                account.run_on(mark);
            }
        } else if self.since().is_some() {
            self.account_mut().run_on(at);
        } else if ended {
            let stretch = Stretch {
                from: self.mark,
                to: at,
            };
            self.account_mut().stand(stretch);
        }
    }

    /// The due that a paused clock would have had; its warning moves along.
    fn shift_to(&mut self, due: UnixMs) {
        if !self.warned && self.warn_at != NEVER {
            self.warn_at = self.warn_at.saturating_add(due - self.due);
        }
        self.due = due;
    }

    /// A warning that was given stays given; one that is not to come is forgotten.
    fn set_warning(&mut self, warn_at: UnixMs) {
        if warn_at != NEVER {
            self.warn_at = warn_at;
            self.warned = false;
        } else if !self.warned {
            self.warn_at = NEVER;
        }
    }

    pub(super) fn to_record(&self) -> ClockRecord {
        ClockRecord {
            target: self.target.clone(),
            state: self.state,
            start: self.start,
            due: self.due,
            warn_at: self.warn_at,
            mark: self.mark,
            warned: self.warned,
            breached: self.breached,
            breached_due: self.breached_due,
            by_hand: self.by_hand,
            ended_by_resolve: self.ended_by_resolve,
            late_by_level: self.late_by_level,
            provisional: self.provisional,
            dropped: self.dropped,
            account: self.account.clone(),
        }
    }

    pub(super) fn from_record(record: ClockRecord) -> Clock {
        Clock {
            target: record.target,
            state: record.state,
            start: record.start,
            due: record.due,
            warn_at: record.warn_at,
            mark: record.mark,
            warned: record.warned,
            breached: record.breached,
            breached_due: record.breached_due,
            by_hand: record.by_hand,
            ended_by_resolve: record.ended_by_resolve,
            late_by_level: record.late_by_level,
            provisional: record.provisional,
            dropped: record.dropped,
            account: record.account,
        }
    }
}

const _: () = assert!(size_of::<Clock>() <= 88, "a ticket has several");
