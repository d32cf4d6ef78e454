//! What events say of clocks: effects, warnings, breaches, steps. A part of the log's facts, version 1 (see [`super::event`]).

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::account::Stretch;
use super::skill::Required;
use super::target::Target;
use super::{DurationMs, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// What an event did to the clocks of its ticket, and what the feed says of each of them.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ClockEffects {
    /// `name@version`.
    pub policy: Text,
    /// Priority by name, after the event.
    pub priority: Text,
    /// In the order of the targets.
    pub effects: Vec<ClockEffect>,
    /// The ladders of the clocks that have another one from here on.
    pub ladders: Vec<Ladder>,
    /// What is to be kept beside all that; few events have any of it.
    pub kept: Option<Box<Vec<Kept>>>,
}

/// What is to be kept of a clock beside its effects: its due says it already.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Kept {
    /// Which clock.
    pub target: Target,
    /// What.
    pub what: KeptOf,
}

/// What is to be kept of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Archive, Serialize, Deserialize)]
pub enum KeptOf {
    /// Its budget is longer by this, ms of its own time, or shorter: for what the stage before left over, or for the life that it had
    /// elsewhere.
    Added(DurationMs),
    /// It stood still before it was there: the ticket was paused.
    Stood(Stretch),
}

/// What an event did to one clock.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ClockEffect {
    /// Which clock.
    pub target: Target,
    /// What happened to it.
    pub change: ClockChange,
}

/// What happened to a clock.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub enum ClockChange {
    /// It runs.
    Started {
        /// From when its budget counts.
        start: UnixMs,
        /// When it runs out.
        due: UnixMs,
        /// When it warns; [`super::NEVER`]: not.
        warn_at: UnixMs,
        /// The due was set by hand.
        by_hand: bool,
        /// The due lies where its calendar is not published yet.
        provisional: bool,
    },
    /// Its aim was reached.
    Met {
        /// When.
        at: UnixMs,
        /// When it would have run out.
        due: UnixMs,
    },
    /// It has another due.
    Moved {
        /// The new one.
        due: UnixMs,
        /// The new warning; [`super::NEVER`]: none to come.
        warn_at: UnixMs,
        /// The due was set by hand.
        by_hand: bool,
        /// The due lies where its calendar is not published yet.
        provisional: bool,
    },
    /// It no longer counts.
    Stopped {
        /// When it would have run out.
        due: UnixMs,
    },
    /// It no longer counts, for the rules that the ticket is under now do not have it; others may bring it back.
    Dropped {
        /// When it would have run out.
        due: UnixMs,
    },
    /// It stands still.
    Paused {
        /// When it would have run out.
        due: UnixMs,
        /// What was left of its budget, ms; negative once breached.
        remaining: i64,
    },
    /// It runs again.
    Resumed {
        /// The new due.
        due: UnixMs,
        /// The new warning; [`super::NEVER`]: none to come.
        warn_at: UnixMs,
        /// The due lies where its calendar is not published yet.
        provisional: bool,
    },
}

/// A warning or a breach.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct SlaFact {
    /// The clock.
    pub target: Target,
    /// Its due.
    pub due: UnixMs,
    /// `name@version`.
    pub policy: Text,
    /// Priority by name.
    pub priority: Text,
    /// How late the daemon was: after `warn_at`, or after `due` + 1 ms.
    pub late_ms: i64,
}

/// A warning, a step or a breach that a back-dated fact took back. What a step did to the ticket stays done.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The clock and the rest, as the fact taken back had them; `late_ms` is 0.
    pub sla: SlaFact,
    /// It was a breach; else a warning or a step.
    pub breach: bool,
    /// Its place in the ladder, if it was a step.
    pub step: Option<u16>,
    /// The step as the policy spells it (`-4h`), or empty.
    pub at_word: Text,
    /// Digest of the ladder that it was a step of; 0: it was none.
    pub ladder: u64,
    /// When a warning that was taken back comes again; [`super::NEVER`]: not.
    pub again: UnixMs,
}

/// The steps of one clock: where they stand now. It takes the place of the clock's ladder before.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Ladder {
    /// The clock.
    pub target: Target,
    /// In the order of their instants; empty: the clock has no steps any more.
    pub rungs: Vec<Rung>,
}

/// One step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Rung {
    /// Its place in the policy's list of steps.
    pub step: u16,
    /// When it is taken, or was.
    pub at: UnixMs,
    /// It was taken.
    pub done: bool,
}

/// A step of an escalation ladder that was taken, and what it did to the ticket. The ticket's queue afterwards stands in the event.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Stepped {
    /// The clock; `late_ms` counts from the step's instant.
    pub sla: SlaFact,
    /// Its place in the policy's list of steps.
    pub step: u16,
    /// As the policy spells it: `-4h`, `80%`, `+30m`.
    pub at_word: Text,
    /// Roles that are to be told.
    pub notify: Vec<Text>,
    /// The ticket's rank from here on, if the step changed it.
    pub rank: Option<u8>,
    /// The queue that the ticket left, or empty.
    pub from: Text,
    /// Required skills from here on, if the step relaxed them.
    pub skills: Option<Vec<Required>>,
    /// The relaxation as the policy spells it, or empty.
    pub relax: Text,
}
