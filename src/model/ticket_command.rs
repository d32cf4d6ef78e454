//! What clients ask of a ticket (see [`super::command`]).

use super::command::Common;
use super::import::Import;
use super::skill::Required;
use super::target::Target;
use super::time::Span;
use super::{Text, UnixMs};

/// A command to one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketCommand {
    /// The ticket's id.
    pub id: Text,
    /// What to do.
    pub op: TicketOp,
    /// Universal fields, if any were given.
    pub common: Option<Box<Common>>,
}

/// What to do to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum TicketOp {
    /// `TICKET.OPEN`
    Open(Box<Open>),
    /// `TICKET.IMPORT`
    Import(Box<Import>),
    /// `TICKET.INBOUND`: the customer wrote or called.
    Inbound,
    /// `TICKET.RESPOND`
    Respond,
    /// `TICKET.PROGRESS`
    Progress {
        /// Expected finish that the customer was told.
        eta: Option<UnixMs>,
        /// Next contact that the customer was promised.
        promise: Option<UnixMs>,
    },
    /// `TICKET.MARK`: a milestone.
    Mark {
        /// Its name.
        name: Text,
    },
    /// `TICKET.PAUSE`; the reason is mandatory and stands here, not in [`Common`].
    Pause {
        /// Which clocks stop depends on it.
        reason: Text,
    },
    /// `TICKET.RESUME`
    Resume,
    /// `TICKET.SET`
    Set(Box<Fields>),
    /// `TICKET.TRANSFER`
    Transfer {
        /// To which queue.
        queue: Text,
    },
    /// `TICKET.ASSIGN`
    Assign {
        /// To which agent.
        agent: Text,
    },
    /// `TICKET.STAGE`: ends the running stage and enters this one.
    Stage {
        /// Its name.
        name: Text,
    },
    /// `TICKET.EXTEND`: more time for a clock.
    Extend {
        /// Which clock.
        target: Target,
        /// How much more; more than nothing.
        span: Span,
        /// Who has granted it; `None`: it is asked for.
        approver: Option<Text>,
    },
    /// `TICKET.APPROVE`: grants what was asked for.
    Approve {
        /// Of which clock.
        target: Target,
    },
    /// `TICKET.REJECT`: refuses what was asked for.
    Reject {
        /// Of which clock.
        target: Target,
    },
    /// `TICKET.ESCALATE`: one queue up the chain of the ticket's class.
    Escalate,
    /// `TICKET.RELEASE`
    Release,
    /// `TICKET.RESOLVE`
    Resolve,
    /// `TICKET.REOPEN`
    Reopen,
    /// `TICKET.RATE`
    Rate {
        /// Overall, 1–5.
        score: u8,
        /// Further scores by name, 1–5 each, in the order given.
        named: Vec<(Text, u8)>,
    },
    /// `TICKET.CLOSE`
    Close,
    /// `TICKET.CANCEL`
    Cancel {
        /// How it ended.
        how: Cancelled,
    },
}

/// How a ticket was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// The customer gave up waiting.
    Abandoned,
    /// There is another ticket for it.
    Duplicate,
    /// Not a request.
    Spam,
    /// The customer took it back (the default).
    Withdrawn,
}

/// The fields of `TICKET.OPEN`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Open {
    /// Policy, if not the default one.
    pub policy: Option<Text>,
    /// Queue, if not the policy's; `none` = timers only.
    pub queue: Option<Text>,
    /// Receipt at the customer's end, if not now.
    pub opened_at: Option<UnixMs>,
    /// What TICKET.SET can set as well.
    pub fields: Fields,
    /// Digest of all fields in any order, token apart: a repeat has the same.
    pub fingerprint: u64,
}

/// The fields that both `TICKET.OPEN` and `TICKET.SET` take. `None` or empty: not given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    /// Kind of request.
    pub class: Option<Text>,
    /// Priority by name.
    pub priority: Option<Text>,
    /// The customer.
    pub customer: Option<Text>,
    /// Kind of customer.
    pub segment: Option<Text>,
    /// Kind of work.
    pub channel: Option<Text>,
    /// Required skills, sorted by name.
    pub skills: Option<Vec<Required>>,
    /// What it is about: tickets with the same issue are repeats.
    pub issue: Option<Text>,
    /// Ticket it belongs to.
    pub parent: Option<Text>,
    /// Related tickets.
    pub links: Option<Vec<Text>>,
    /// Departments or people that help.
    pub assist: Option<Vec<Text>>,
    /// Agent who is to have it if possible.
    pub prefer: Option<Text>,
    /// Calendar in place of the policy's.
    pub calendar: Option<Text>,
    /// Names of required texts that exist but are not stored.
    pub has: Vec<Text>,
    /// Dues set by hand, each target once.
    pub dues: Vec<(Target, UnixMs)>,
    /// `attr.NAME` values, each name once.
    pub attributes: Vec<(Text, Text)>,
}
