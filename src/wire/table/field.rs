//! Fields: the `name value` pairs behind the positional arguments.

/// What a field sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of that name, described in its row")]
pub enum Key {
    By,
    Reason,
    At,
    Hold,
    Token,
    Policy,
    Class,
    Priority,
    Customer,
    Segment,
    Channel,
    Queue,
    Skills,
    Issue,
    Parent,
    Links,
    Assist,
    OpenedAt,
    Has,
    Due,
    Attr,
    Eta,
    Promise,
    As,
    /// A name of the caller's choice.
    Any,
    State,
    Agent,
    Target,
    DueBefore,
    OpenedBefore,
    Paused,
    Breached,
    Sort,
    Cursor,
    Count,
    Queues,
    Capacity,
    Label,
    Presence,
    Block,
    Prefer,
    Calendar,
    For,
    Approver,
    AgentSince,
    PausedSince,
    Stage,
    StageSince,
    ResolvedAt,
    Clock,
    HeldBack,
    Check,
}

/// A field of a command.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name, lower case; of a prefixed field the prefix with its dot.
    pub name: &'static str,
    /// For people: what stands behind the prefix; empty: the name is whole.
    pub rest: &'static str,
    /// What it sets.
    pub key: Key,
    /// What its value is, as a noun.
    pub takes: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Must be given.
    pub required: bool,
}

impl Field {
    /// The name for people: `priority`, `attr.NAME`.
    pub fn shown(&self) -> String {
        format!("{}{}", self.name, self.rest)
    }

    /// Is it a family of fields, `attr.NAME`?
    pub const fn is_prefix(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What `given` adds to the prefix, or nothing for a whole name; `None`: another field.
    #[inline]
    pub(in crate::wire) fn matches<'a>(&self, given: &'a [u8]) -> Option<&'a [u8]> {
        let name = self.name.as_bytes();
        if self.rest.is_empty() {
            (given.len() == name.len() && given.eq_ignore_ascii_case(name)).then_some(&[])
        } else {
            let (head, rest) = given.split_at_checked(name.len())?;
            head.eq_ignore_ascii_case(name).then_some(rest)
        }
    }
}

pub(super) const fn field(key: Key, name: &'static str, takes: &'static str, doc: &'static str) -> Field {
    Field {
        name,
        rest: "",
        key,
        takes,
        doc,
        required: false,
    }
}

pub(super) const fn family(
    key: Key,
    name: &'static str,
    rest: &'static str,
    takes: &'static str,
    doc: &'static str,
) -> Field {
    Field {
        rest,
        ..field(key, name, takes, doc)
    }
}

impl Field {
    pub(super) const fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }
}

pub(super) const A_NAME: &str = "a name of 1-128 bytes";
pub(super) const A_TEXT: &str = "text";
pub(super) const NAMES: &str = "names separated by commas";
pub(super) const AN_INSTANT: &str = "RFC 3339 or epoch milliseconds";
pub(super) const A_DURATION: &str = "a duration such as 15m, 4h, 3d, 1mo or 1bd";
pub(super) const YES_NO: &str = "yes or no";

const BY: Field = field(Key::By, "by", A_TEXT, "who did it");
const REASON: Field = field(Key::Reason, "reason", A_TEXT, "why");
const AT: Field = field(Key::At, "at", AN_INSTANT, "when it happened, if not now");
const HOLD: Field = field(
    Key::Hold,
    "hold",
    "the seq of an assignment",
    "refuse unless the ticket is held under it",
);
const TOKEN: Field = field(
    Key::Token,
    "token",
    A_NAME,
    "done at most once under this key; a repeat gets the first reply again",
);
const PAUSE_REASON: Field =
    field(Key::Reason, "reason", A_TEXT, "which clocks stop depends on it").required();

/// Of every command to a ticket.
pub(super) const OF_TICKETS: &[Field] = &[BY, REASON, AT, HOLD, TOKEN];
/// Of TICKET.OPEN.
pub(super) const OF_OPEN: &[Field] = &[BY, REASON, AT, TOKEN];
/// Of TICKET.PAUSE.
pub(super) const OF_PAUSE: &[Field] = &[PAUSE_REASON, BY, AT, HOLD, TOKEN];
/// Of every command to an agent or a queue.
pub(super) const OF_AGENTS: &[Field] = &[BY, REASON, TOKEN];
/// Of POLICY.PREVIEW.
pub(super) const OF_PREVIEW: &[Field] = &[field(
    Key::At,
    "at",
    AN_INSTANT,
    "when it would be opened, past or future; default: now",
)];
/// Of what operators do to policies.
pub(super) const OF_POLICIES: &[Field] = &[BY, REASON];
/// Of AGENT.PAUSE.
pub(super) const OF_AGENT_PAUSE: &[Field] = &[PAUSE_REASON, BY, TOKEN];
