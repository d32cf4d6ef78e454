//! The state as snapshots store it: one record an entity, names spelled out, version 1.
//!
//! Wheel, lanes and indexes are not stored but rebuilt. As with events, **a change here is a new schema version**.

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::account::{Account, PastPause};
use super::calendar::CalendarExtended;
use super::course::Course;
use super::event::{AgentProfile, ClockJumped, Closed, Details, PolicyActivated, Presence, TicketState};
use super::reply::Taken;
use super::skill::Required;
use super::target::Target;
use super::versions::MigrationRecord;
use super::{Seq, TenantId, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// One entity of the state.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub enum Record {
    /// Where time stood.
    Clock(Box<ClockReading>),
    /// A live ticket.
    Ticket(Box<TicketRecord>),
    /// An agent.
    Agent(Box<AgentRecord>),
    /// A ticket that is over and still remembered; oldest first.
    Closed(Box<ClosedRecord>),
    /// A token that is still bound; oldest first.
    Token(Box<TokenRecord>),
    /// A policy version, oldest first.
    Policy(Box<PolicyActivated>),
    /// A declared queue.
    Queue(Box<QueueRecord>),
    /// A migration under way, in the order in which they began.
    Migration(Box<MigrationRecord>),
    /// A calendar version, oldest first.
    Calendar(Box<CalendarRecord>),
    /// When a queue was last reminded of something.
    Reminder(Box<ReminderRecord>),
}

/// Where time stood.
#[derive(Debug, Clone, Copy, PartialEq, Archive, Serialize, Deserialize)]
pub struct ClockReading {
    /// Newest instant at which an event was logged.
    pub logged_at: UnixMs,
    /// It is written under a virtual clock: such a log needs one again.
    pub virtual_clock: bool,
    /// The last jump of the real clock.
    pub jumped: Option<JumpRecord>,
    /// Number that the next closed ticket gets.
    pub closed_next: u64,
    /// Number that the next token gets.
    pub tokens_next: u64,
    /// Seq of the last `import.done`; 0: none.
    pub imports_done: Seq,
}

/// The last jump of the real clock.
#[derive(Debug, Clone, Copy, PartialEq, Archive, Serialize, Deserialize)]
pub struct JumpRecord {
    /// Seq of its event.
    pub seq: Seq,
    /// The event.
    pub jump: ClockJumped,
    /// Timers of instants after this …
    pub due_from: UnixMs,
    /// … up to this one are late because of it.
    pub due_to: UnixMs,
}

/// A live ticket.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct TicketRecord {
    pub tenant: TenantId,
    pub id: Text,
    pub state: TicketState,
    pub queue: Text,
    pub queue_by_policy: bool,
    /// The queue that it was opened with, by which rules match; empty: it named none.
    pub asked_queue: Text,
    /// Holder, or empty.
    pub agent: Text,
    /// Seq of the assignment; 0: none.
    pub hold: Seq,
    /// When it was assigned, for people.
    pub hold_at: UnixMs,
    pub policy: Text,
    pub version: u32,
    pub priority: Text,
    pub rank: u8,
    pub skills: Vec<Required>,
    pub opened_at: UnixMs,
    pub opened_seq: Seq,
    pub last_seq: Seq,
    /// `at` of the last commanded event.
    pub commanded_at: UnixMs,
    pub respond_seq: Seq,
    pub resolve_seq: Seq,
    pub close_at: UnixMs,
    pub fingerprint: u64,
    /// Reason of the pause, or empty.
    pub paused: Text,
    pub pause_seq: Seq,
    pub resume_seq: Seq,
    /// Since when the pause in force is, or when the last one began.
    pub paused_at: UnixMs,
    /// The pauses that are over, in order.
    pub pauses: Vec<PastPause>,
    pub clocks: Vec<ClockRecord>,
    pub details: Option<Box<Details>>,
    /// Stages, extensions, escalations, steps.
    pub course: Option<Box<Course>>,
    /// It was imported to be handed out only after the `import.done` that follows.
    pub held_back: bool,
    /// Number of the line of versions of its own calendar, if it has one.
    pub calendar_line: Option<u32>,
}

/// A clock, in target order.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ClockRecord {
    pub target: Target,
    pub state: ClockState,
    pub start: UnixMs,
    pub due: UnixMs,
    /// When it warns, or did; [`super::NEVER`]: never.
    pub warn_at: UnixMs,
    /// Paused: ms left. Met or stopped: when.
    pub mark: i64,
    pub warned: bool,
    pub breached: bool,
    /// The due that it missed; a later one does not undo that.
    pub breached_due: UnixMs,
    pub by_hand: bool,
    /// Ended by the RESOLVE that stands, so that REOPEN brings it back.
    pub ended_by_resolve: bool,
    /// A change of level moved its due into the past.
    pub late_by_level: bool,
    /// Its due lies where its calendar is not published yet.
    pub provisional: bool,
    /// Other rules ended it, so that others again may bring it back.
    pub dropped: bool,
    /// What it stood still, and what was added.
    pub account: Option<Box<Account>>,
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum ClockState {
    Running,
    Paused,
    Met,
    Stopped,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct AgentRecord {
    pub tenant: TenantId,
    pub id: Text,
    pub profile: AgentProfile,
    pub presence: Presence,
    /// Reason of the pause, or empty.
    pub reason: Text,
    pub changed_seq: Seq,
    pub presence_seq: Seq,
}

/// A ticket that is over.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ClosedRecord {
    pub tenant: TenantId,
    /// How many tickets were closed before: which one is forgotten next depends on it.
    pub number: u64,
    pub id: Text,
    pub how: Closed,
    pub resolve_seq: Seq,
    pub close_seq: Seq,
    pub last_seq: Seq,
    /// `at` of the last commanded event.
    pub commanded_at: UnixMs,
    pub queue: Text,
    /// Digest of the fields that it was opened or imported with.
    pub fingerprint: u64,
    /// Seq of the event by which it came.
    pub opened_seq: Seq,
}

/// A token and the reply that it stands for.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct TokenRecord {
    pub tenant: TenantId,
    /// How many tokens were bound before: which one is forgotten next depends on it.
    pub number: u64,
    pub token: Text,
    pub fingerprint: u64,
    /// Seq of the event that bound it.
    pub seq: Seq,
    /// When it was bound.
    pub logged_at: UnixMs,
    /// AGENT.NEXT's reply; otherwise the reply is the seq.
    pub taken: Option<Box<Taken>>,
}

/// When a queue was last reminded of something.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ReminderRecord {
    pub tenant: TenantId,
    pub policy: Text,
    /// What the policy calls it.
    pub name: Text,
    pub instant: UnixMs,
}

/// A calendar version.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct CalendarRecord {
    pub tenant: TenantId,
    /// Seq of its `calendar.extended`.
    pub seq: Seq,
    pub fact: CalendarExtended,
}

/// A declared queue.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct QueueRecord {
    pub tenant: TenantId,
    pub queue: Text,
    /// Seq of its `queue.changed`.
    pub seq: Seq,
}
