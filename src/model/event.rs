//! What happened: the facts of the log, version 1.
//!
//! Events carry results (dues, holders, seqs), so that applying them decides nothing. They are what the log
//! archives: **a change to a type here is a new schema version** (see `journal`), never an edit.
//!
//! Sizes: an archived ticket event takes 60–90 bytes and its strings over 8 bytes; rare or large parts are boxed
//! so that the common ones stay small.

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::calendar::CalendarExtended;
pub use super::clock::{ClockJumped, Jump};
pub use super::course::{Escalated, Extension, StageEntered};
pub use super::import::{ImportDone, Imported, Standing};
use super::skill::{Required, Skill};
pub use super::sla::{
    ClockChange, ClockEffect, ClockEffects, Kept, KeptOf, Ladder, Rung, SlaFact, Stepped, Withdrawn,
};
pub use super::versions::{PolicyActivated, PolicyMigrated, PolicyMigrating, TicketMigrated};
use super::{Seq, TenantId, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// One fact. Its seq is its place in the log.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Event {
    /// When it happened (given by `at`, else when it was logged).
    pub at: UnixMs,
    /// When it was logged.
    pub logged_at: UnixMs,
    /// Seq of the event whose consequence this is; 0: none.
    pub cause: Seq,
    /// Whose data it is.
    pub tenant: TenantId,
    /// What happened to what.
    pub body: Body,
}

/// What happened to what.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub enum Body {
    /// To a ticket.
    Ticket(TicketEvent),
    /// To an agent.
    Agent(Box<AgentEvent>),
    /// A policy version took effect.
    PolicyActivated(Box<PolicyActivated>),
    /// Open tickets of one policy version begin to go over to another.
    PolicyMigrating(Box<PolicyMigrating>),
    /// They have.
    PolicyMigrated(Box<PolicyMigrated>),
    /// A queue was declared or opened.
    QueueChanged(Box<QueueChanged>),
    /// A torn tail was cut when the log was opened.
    LogRecovered(Box<LogRecovered>),
    /// The clock moved other than by passing, or it was decided which one holds.
    ClockJumped(ClockJumped),
    /// A snapshot was written.
    SnapshotTaken(SnapshotTaken),
    /// A calendar version took effect.
    CalendarExtended(Box<CalendarExtended>),
    /// A queue's reminder came.
    QueueReminded(Box<QueueReminded>),
    /// An import is done.
    ImportDone(Box<ImportDone>),
}

/// Who, why, and the token.
#[derive(Debug, Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
pub struct Origin {
    /// `by`, or empty.
    pub by: Text,
    /// `reason`, or empty.
    pub reason: Text,
    /// `token`, or empty.
    pub token: Text,
    /// Digest of the command that bound the token; 0 without a token.
    pub fingerprint: u64,
}

/// A fact about a ticket.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct TicketEvent {
    /// The ticket.
    pub id: Text,
    /// Its queue after this event.
    pub queue: Text,
    /// The agent concerned (new holder, or the one who had it), or empty.
    pub agent: Text,
    /// Seq of the ticket's previous event; 0: this is its first.
    pub prev: Seq,
    /// What happened.
    pub fact: TicketFact,
    /// What it did to the ticket's clocks, if anything.
    pub clocks: Option<Box<ClockEffects>>,
    /// Who and why, if said.
    pub origin: Option<Box<Origin>>,
}

/// What happened to a ticket.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub enum TicketFact {
    /// It came in.
    Opened(Box<Opened>),
    /// The customer wrote or called.
    Inbound(Return),
    /// The customer got a response.
    Responded,
    /// Progress was reported.
    Progressed {
        /// Expected finish told to the customer; [`super::NEVER`]: none.
        eta: UnixMs,
        /// Next contact promised; [`super::NEVER`]: none.
        promise: UnixMs,
    },
    /// A milestone.
    Marked {
        /// Its name.
        name: Text,
    },
    /// Its clocks that name the reason stand still.
    Paused {
        /// The reason.
        reason: Text,
    },
    /// The pause ended.
    Resumed(Return),
    /// Fields were set.
    Changed(Box<Changed>),
    /// An agent has it; the seq of this event is the hold.
    Assigned {
        /// By which way.
        how: AssignedHow,
        /// By how much the agent's capacity is exceeded.
        over: u32,
        /// The agent it was taken from, or empty.
        from: Text,
    },
    /// It went back to its queue.
    Released {
        /// Why.
        why: Released,
    },
    /// It went to another queue.
    Transferred {
        /// The queue it left.
        from: Text,
    },
    /// Done; the customer may disagree.
    Resolved {
        /// When it closes by itself; [`super::NEVER`]: not.
        close_at: UnixMs,
    },
    /// The customer disagreed.
    Reopened,
    /// The customer rated it.
    Rated(Box<Rated>),
    /// It is over; it leaves memory.
    Closed {
        /// How it ended.
        how: Closed,
    },
    /// A clock came to its warning.
    Warned(Box<SlaFact>),
    /// A clock ran out.
    Breached(Box<SlaFact>),
    /// A back-dated fact shows that a clock had been met.
    Withdrawn(Box<Withdrawn>),
    /// It entered a stage.
    StageEntered(Box<StageEntered>),
    /// More time was asked for.
    ExtensionRequested(Box<Extension>),
    /// More time was granted.
    Extended(Box<Extension>),
    /// More time was asked for and not granted.
    ExtensionRejected(Box<Extension>),
    /// It went one queue up the chain of its class.
    Escalated(Box<Escalated>),
    /// A step of an escalation ladder was taken.
    Stepped(Box<Stepped>),
    /// It is under another version of its policy.
    Migrated(Box<TicketMigrated>),
    /// It was taken over from an older system.
    Imported(Box<Imported>),
}

/// Did the fact end a pause?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Return {
    /// The pause ended with this fact.
    pub resumed: bool,
    /// By how much the capacity of the agent who has it back is exceeded.
    pub over: u32,
}

/// How a ticket came to its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum AssignedHow {
    /// The agent asked for the next one.
    Next,
    /// Somebody gave it to the agent.
    Assign,
}

/// Why a ticket went back to its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Released {
    /// TICKET.RELEASE.
    Command,
    /// Its agent left.
    AgentLeft,
}

/// How a ticket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Closed {
    /// Resolved, and nobody objected.
    Resolved,
    /// Cancelled: the customer gave up waiting.
    Abandoned,
    /// Cancelled: there is another ticket for it.
    Duplicate,
    /// Cancelled: not a request.
    Spam,
    /// Cancelled: the customer took it back.
    Withdrawn,
}

/// All that is known of a new ticket.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Opened {
    /// Receipt: where the clocks start.
    pub opened_at: UnixMs,
    /// Policy by name.
    pub policy: Text,
    /// Its version.
    pub version: u32,
    /// Priority by name.
    pub priority: Text,
    /// Its rank, 0 most urgent.
    pub rank: u8,
    /// The queue came from the policy, so that a new level may move the ticket.
    pub queue_by_policy: bool,
    /// It was entered later after its receipt than its policy wants.
    pub entered_late: bool,
    /// Required skills, sorted.
    pub skills: Vec<Required>,
    /// Digest of the fields: a repeat of the command has the same.
    pub fingerprint: u64,
    /// The rest, if any was given.
    pub details: Option<Box<Details>>,
}

/// What few tickets have, or what only people read. Empty = not given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub struct Details {
    /// Kind of request.
    pub class: Text,
    /// The customer.
    pub customer: Text,
    /// Kind of customer.
    pub segment: Text,
    /// Kind of work.
    pub channel: Text,
    /// What it is about.
    pub issue: Text,
    /// Ticket it belongs to.
    pub parent: Text,
    /// Related tickets.
    pub links: Vec<Text>,
    /// Who helps.
    pub assist: Vec<Text>,
    /// Texts that exist elsewhere, sorted.
    pub has: Vec<Text>,
    /// `attr.NAME`, sorted by name.
    pub attributes: Vec<(Text, Text)>,
    /// Agent who is to have it if possible.
    pub prefer: Text,
    /// Calendar that counts for its clocks in place of the policy's.
    pub calendar: Text,
}

/// What TICKET.SET made of a ticket: the whole new values of what it touched.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Changed {
    /// New priority and its rank.
    pub priority: Option<(Text, u8)>,
    /// New requirements.
    pub skills: Option<Vec<Required>>,
    /// New details, all of them.
    pub details: Option<Box<Details>>,
    /// Names of the fields that were given, in the order of the command table.
    pub fields: Vec<Text>,
}

/// A rating.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Rated {
    /// Overall, 1–5.
    pub score: u8,
    /// Further scores by name.
    pub named: Vec<(Text, u8)>,
}

/// A fact about an agent.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct AgentEvent {
    /// The agent.
    pub id: Text,
    /// What happened.
    pub fact: AgentFact,
    /// Who and why, if said.
    pub origin: Option<Box<Origin>>,
}

/// What happened to an agent.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub enum AgentFact {
    /// Created or changed: the whole new description.
    Changed(AgentProfile),
    /// Presence changed.
    Presence {
        /// The new one.
        presence: Presence,
        /// Why (of a pause), or empty.
        reason: Text,
    },
}

/// What an agent is and can do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub struct AgentProfile {
    /// Queues served, sorted; empty = every queue.
    pub queues: Vec<Text>,
    /// Skills, sorted by name.
    pub skills: Vec<Skill>,
    /// Tickets at a time.
    pub capacity: u32,
    /// Name for people, or empty.
    pub label: Text,
}

/// Is the agent there?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub enum Presence {
    /// Takes work.
    Ready,
    /// There, but takes none.
    Paused,
    /// Not at the desk.
    Away,
    /// Not there.
    Offline,
}

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub enum TicketState {
    /// In a queue.
    Waiting,
    /// In an agent's hands.
    Assigned,
    /// Done; may be reopened.
    Resolved,
    /// Over.
    Closed,
}

/// A queue was declared or opened.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct QueueChanged {
    /// Name of the queue.
    pub queue: Text,
    /// Who and why, if said.
    pub origin: Option<Box<Origin>>,
}

/// A queue is reminded of something.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct QueueReminded {
    /// The queue.
    pub queue: Text,
    /// What the policy calls the reminder.
    pub name: Text,
    /// The policy, and its version.
    pub policy: Text,
    pub version: u32,
    /// When it was to come.
    pub instant: UnixMs,
    /// Tickets that wait in the queue.
    pub waiting: u64,
}

/// A torn tail was cut.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct LogRecovered {
    /// Bytes that were cut and kept in a file.
    pub cut_bytes: u64,
    /// First seq that may have been lost; 0: none.
    pub lost_from: Seq,
    /// Last seq that may have been lost; 0: none.
    pub lost_to: Seq,
    /// The epoch that begins here.
    pub epoch: u32,
}

/// A snapshot was written.
#[derive(Debug, Clone, Copy, PartialEq, Archive, Serialize, Deserialize)]
pub struct SnapshotTaken {
    /// The last seq it holds.
    pub seq: Seq,
    /// The state hash at that seq.
    pub state_hash: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// Entities in it.
    pub records: u64,
}
