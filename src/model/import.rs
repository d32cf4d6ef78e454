//! Open tickets of an older system that are taken over: what is asked, and the fact (a part of the log's facts, version 1,
//! see [`super::event`]).

use super::account::Account;
use super::event::{Opened, Origin, TicketState};
use super::target::Target;
use super::ticket_command::Open;
use super::{DurationMs, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// The fields of `TICKET.IMPORT`: a ticket as if it were opened, and what the older system knows of its life so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Import {
    /// What TICKET.OPEN takes. Its fingerprint is the import's.
    pub open: Open,
    /// Where it stands, if said; else its agent or its resolution says so.
    pub state: Option<TicketState>,
    /// Who has it.
    pub agent: Option<Text>,
    /// Since when.
    pub agent_since: Option<UnixMs>,
    /// Reason of the pause in force.
    pub paused: Option<Text>,
    /// Since when.
    pub paused_since: Option<UnixMs>,
    /// The stage in which it is.
    pub stage: Option<Text>,
    /// Since when.
    pub stage_since: Option<UnixMs>,
    /// When it was resolved.
    pub resolved_at: Option<UnixMs>,
    /// What is known of its clocks, in the order of their targets, each once.
    pub clocks: Vec<KnownClock>,
    /// It is not handed out before the import is done.
    pub held_back: bool,
    /// Only look whether it could be imported.
    pub check: bool,
}

/// What the older system knows of one clock. The rest is what the policy says.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownClock {
    /// The clock.
    pub target: Target,
    /// Its due; of one that stands still, as it was when it stopped.
    pub due: Option<UnixMs>,
    /// How much of its budget was used up, ms of its own time.
    pub elapsed_ms: Option<DurationMs>,
    /// When it started, if not with the ticket.
    pub start: Option<UnixMs>,
    /// When it was met.
    pub met: Option<UnixMs>,
    /// It no longer counts.
    pub stopped: bool,
    /// Its breach was told.
    pub breached: Option<When>,
    /// Its warning was given.
    pub warned: Option<When>,
}

impl KnownClock {
    /// Nothing is known of it yet.
    pub fn new(target: Target) -> KnownClock {
        KnownClock {
            target,
            due: None,
            elapsed_ms: None,
            start: None,
            met: None,
            stopped: false,
            breached: None,
            warned: None,
        }
    }
}

/// It was; perhaps also when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Not known when.
    Some,
    /// At this instant.
    At(UnixMs),
}

/// A ticket was taken over from an older system, with the life it had there.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Imported {
    /// As if it had been opened here.
    pub opened: Opened,
    /// Where it stands.
    pub state: TicketState,
    /// Since when, if it is assigned or resolved; else [`super::NEVER`].
    pub since: UnixMs,
    /// By how much the agent's capacity is exceeded.
    pub over: u32,
    /// Reason of the pause, or empty.
    pub paused: Text,
    /// Since when it is paused; [`super::NEVER`]: it is not.
    pub paused_since: UnixMs,
    /// The stage in which it is, or empty.
    pub stage: Text,
    /// When it closes by itself; [`super::NEVER`]: not.
    pub close_at: UnixMs,
    /// It is not handed out before `import.done`.
    pub held_back: bool,
    /// The clocks of which more is to be said than the effects of the event say, in the order of their targets.
    pub clocks: Vec<Standing>,
}

/// What had become of a clock.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Standing {
    /// The clock.
    pub target: Target,
    /// Its warning had been given, or would have been.
    pub warned: bool,
    /// The due that it had missed; [`super::NEVER`]: none.
    pub breached_due: UnixMs,
    /// The resolution ended it: REOPEN brings it back.
    pub ended_by_resolve: bool,
    /// What it stood still there, and what its due says beside its budget.
    pub account: Option<Box<Account>>,
}

/// An import is done: what it held back is handed out.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ImportDone {
    /// Who and why, if said.
    pub origin: Option<Box<Origin>>,
}
