//! What clients ask for, already parsed and checked on its own (not yet against the state).

use super::skill::Skill;
use super::target::Target;
pub use super::ticket_command::{Cancelled, Fields, Open, TicketCommand, TicketOp};
use super::versions::PolicyRead;
use super::{Seq, Text, UnixMs};

pub use super::session::{Client, Describe, Session};

/// Name of the pseudo queue whose tickets are never routed.
pub const QUEUE_NONE: &str = "none";

/// A command for the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Changes a ticket.
    Ticket(TicketCommand),
    /// Changes an agent, or takes a ticket for one.
    Agent(AgentCommand),
    /// Declares a queue or opens it: `QUEUE.SET q open`.
    QueueOpen {
        /// Name of the queue.
        queue: Text,
        /// Who, why, token.
        common: Option<Box<Common>>,
    },
    /// An import is done: what it held back is handed out. `IMPORT.DONE`
    ImportDone {
        /// Who, why, token.
        common: Option<Box<Common>>,
    },
    /// Looks without changing anything.
    Read(Read),
}

impl Command {
    /// Does this command change state when it succeeds?
    pub fn writes(&self) -> bool {
        !matches!(self, Command::Read(_))
    }
}

/// The universal fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Common {
    /// Who did it.
    pub by: Option<Text>,
    /// Why.
    pub reason: Option<Text>,
    /// When it happened, if not now.
    pub at: Option<UnixMs>,
    /// The assignment under which the caller acts; refused when the ticket is no longer held under it.
    pub hold: Option<Seq>,
    /// Key under which the command is done at most once.
    pub token: Option<Text>,
    /// Digest of the whole command but the token: the same for the same command, fields in any order.
    pub fingerprint: u64,
}

/// A command to one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentCommand {
    /// The agent's id.
    pub id: Text,
    /// What to do.
    pub op: AgentOp,
    /// Universal fields, if any were given (`at` and `hold` never are).
    pub common: Option<Box<Common>>,
}

/// What to do to an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentOp {
    /// `AGENT.SET`: creates or changes.
    Set(Box<AgentFields>),
    /// `AGENT.READY`
    Ready,
    /// `AGENT.PAUSE`; the reason is mandatory and stands here.
    Pause {
        /// Why.
        reason: Text,
    },
    /// `AGENT.AWAY`
    Away,
    /// `AGENT.LEAVE`
    Leave {
        /// Keep the tickets in hand instead of releasing them.
        keep: bool,
    },
    /// `AGENT.NEXT`
    Next {
        /// How long to wait for a ticket, ms of real time; `None`: answer at once.
        block_ms: Option<u64>,
    },
}

/// The fields of `AGENT.SET`. `None`: not given, stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentFields {
    /// Queues served, sorted; empty = every queue.
    pub queues: Option<Vec<Text>>,
    /// Skills, sorted by name.
    pub skills: Option<Vec<Skill>>,
    /// Tickets at a time.
    pub capacity: Option<u32>,
    /// Name for people.
    pub label: Option<Text>,
}

/// A look at the state.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// `TICKET.EXPLAIN id`
    TicketExplain {
        /// The ticket.
        id: Text,
    },
    /// `TICKET.GET id [id…]`
    TicketGet {
        /// One or more ids.
        ids: Vec<Text>,
    },
    /// `TICKET.LIST`
    TicketList(Box<List>),
    /// `TICKET.COUNT`
    TicketCount {
        /// Which ones.
        filters: Vec<Filter>,
    },
    /// `AGENT.GET id`
    AgentGet {
        /// The agent.
        id: Text,
    },
    /// `AGENT.LIST [queue q] [presence p]`
    AgentList {
        /// Serving this queue.
        queue: Option<Text>,
        /// In this presence.
        presence: Option<super::event::Presence>,
    },
    /// `QUEUE.LIST`
    QueueList,
    /// `QUEUE.STATS q`
    QueueStats {
        /// The queue.
        queue: Text,
    },
    /// `POLICY.LIST` and the other looks at policies
    Policy(PolicyRead),
    /// `QUEUE.PEEK q [n]`
    QueuePeek {
        /// The queue.
        queue: Text,
        /// How many, from the head.
        count: u32,
    },
}

/// `TICKET.LIST`
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Order.
    pub sort: Sort,
    /// Where the previous page ended, as its reply gave it.
    pub cursor: Option<(i64, Seq)>,
    /// Tickets a page.
    pub count: u32,
}

/// Order of a list; the seq of the opening breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By live deadline.
    Due,
    /// By `opened_at`.
    Opened,
}

/// One condition on a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// In this state.
    State(super::event::TicketState),
    /// In this queue.
    Queue(Text),
    /// Under this policy, any version.
    Policy(Text),
    /// Of this class.
    Class(Text),
    /// Held by this agent.
    Agent(Text),
    /// Of this customer.
    Customer(Text),
    /// Of this segment.
    Segment(Text),
    /// Of this channel.
    Channel(Text),
    /// With a running clock aimed at this.
    Target(Target),
    /// Live deadline before this instant.
    DueBefore(UnixMs),
    /// Opened before this instant.
    OpenedBefore(UnixMs),
    /// Paused, or not.
    Paused(bool),
    /// With a breached running clock, or without.
    Breached(bool),
}

/// A read of the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum Feed {
    /// `XREAD [COUNT n] [BLOCK ms] STREAMS key… id…`
    Read {
        /// Entries a key at most.
        count: Option<u32>,
        /// Wait this long for the first; `Some(0)`: for ever.
        block_ms: Option<u64>,
        /// Keys and the id after which to read.
        keys: Vec<(FeedKey, After)>,
    },
    /// `XRANGE key start end [COUNT n]`, `XREVRANGE key end start [COUNT n]`
    Range {
        /// Which entries.
        key: FeedKey,
        /// First id wanted.
        from: EntryId,
        /// Last id wanted.
        to: EntryId,
        /// Entries at most.
        count: Option<u32>,
        /// Newest first.
        reverse: bool,
    },
    /// `XLEN key`
    Len(FeedKey),
    /// `XINFO STREAM key`
    Info(FeedKey),
    /// `TICKET.HISTORY id`
    History(Text),
}

/// Id of a feed entry: `<seq>-<part>`; part 0 is the event, the rest are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Seq of the event.
    pub seq: Seq,
    /// 0, or which derived entry.
    pub part: u64,
}

impl EntryId {
    /// Before every entry.
    pub const MIN: EntryId = EntryId { seq: 0, part: 0 };
    /// After every entry.
    pub const MAX: EntryId = EntryId {
        seq: Seq::MAX,
        part: u64::MAX,
    };
}

/// Where an XREAD starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// After this id; `0` = from the first retained.
    Id(EntryId),
    /// `$`: only what comes from now on.
    Newest,
}

/// A key of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FeedKey {
    /// `events`: everything, dense.
    All,
    /// `events:sla`: warnings, breaches, withdrawals, and the derived started, met, moved, stopped.
    Sla,
    /// `events:breaches`: `sla.breached` alone.
    Breaches,
    /// `events:routing`: who got what, and who is there.
    Routing,
    /// `events:queue:Q`
    Queue(Text),
    /// `events:agent:A`
    Agent(Text),
    /// `events:ticket:T`
    Ticket(Text),
}

/// Any command.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// For the engine.
    Engine(Command),
    /// For the feed.
    Feed(Feed),
    /// For the connection or the daemon.
    Session(Session),
}
