//! How a ticket goes on: stages, extensions, escalations. A part of the log's facts, version 1 (see [`super::event`]), and of
//! the state.

use super::event::Ladder;
use super::target::Target;
use super::time::Span;
use super::{Seq, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// A ticket entered a stage; the one in which it was is over.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct StageEntered {
    /// The stage.
    pub name: Text,
    /// The stage that it left, or empty.
    pub left: Text,
    /// The queue that it left for the stage's own, or empty: it stays where it was, in the same hands.
    pub from: Text,
}

/// More time for a clock: asked for, granted or refused.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Extension {
    /// The clock.
    pub target: Target,
    /// How much more, in the clock's own time.
    pub span: Span,
    /// The due before.
    pub due_before: UnixMs,
    /// The due that the clock had before its first extension.
    pub first_due: UnixMs,
    /// It was asked for later than the policy's lead before the due.
    pub late: bool,
    /// Who granted it; of a request: who may, a role of the policy; or empty.
    pub approver: Text,
    /// Whom the policy wants told, a role, or empty.
    pub notice: Text,
}

/// A ticket went one queue up the chain of its class.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Escalated {
    /// The queue that it left.
    pub from: Text,
    /// How many times it has been escalated, this time included.
    pub times: u16,
}

/// What the state knows of all this; few tickets have any of it.
#[derive(Debug, Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
pub struct Course {
    /// The stage in which the ticket is, or empty.
    pub stage: Text,
    /// Seq of the event by which it entered it; 0: none.
    pub stage_seq: Seq,
    /// How many times it was escalated.
    pub escalated: u16,
    /// Clocks with a past worth keeping, in the order of their targets.
    pub pasts: Vec<Past>,
    /// Steps of its clocks, in the order of their targets.
    pub ladders: Vec<Ladder>,
}

/// What stays on record of one clock, whatever becomes of it.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Past {
    /// The clock.
    pub target: Target,
    /// Its due before the first extension; [`super::NEVER`]: never extended.
    pub first_due: UnixMs,
    /// The due that an earlier cycle of it missed first; [`super::NEVER`]: none did.
    pub first_breach: UnixMs,
    /// The extension that is asked for and not decided.
    pub asked: Option<Box<Extension>>,
}
