//! The one command table. A row says what a command is called, takes, does and answers, and how it is read; parsing,
//! errors, COMMAND's replies and the README's table all derive from it, so that they cannot disagree.
//!
//! [`find`] costs about 5 ns: a hash of the name's ends into a table built at compile time, then one comparison.

mod agent;
mod connection;
mod feed;
mod field;
mod import;
mod opening;
mod policy;
mod queue;
mod read;
mod server;
mod ticket;

use super::parse::Call;
use crate::model::command::Request;
use crate::model::{Code, Refusal, text};
pub use field::{Field, Key};
use std::borrow::Cow;

/// What a command does, for clients and for the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// Changes state.
    pub const WRITE: Flags = Flags(1);
    /// Looks only.
    pub const READONLY: Flags = Flags(1 << 1);
    /// Makes the state grow: refused first when room runs out.
    pub const DENYOOM: Flags = Flags(1 << 2);
    /// For operators.
    pub const ADMIN: Flags = Flags(1 << 3);
    /// Not from scripts (there are none; clients like to know).
    pub const NOSCRIPT: Flags = Flags(1 << 4);
    /// May wait.
    pub const BLOCKING: Flags = Flags(1 << 5);
    /// Answered while the log is being replayed.
    pub const LOADING: Flags = Flags(1 << 6);
    /// Constant or logarithmic in the state.
    pub const FAST: Flags = Flags(1 << 7);
    /// Answered before authentication.
    pub const NO_AUTH: Flags = Flags(1 << 8);
    /// Its keys stand behind a keyword.
    pub const MOVABLEKEYS: Flags = Flags(1 << 9);

    const NAMES: [(Flags, &'static str); 10] = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "readonly"),
        (Flags::DENYOOM, "denyoom"),
        (Flags::ADMIN, "admin"),
        (Flags::NOSCRIPT, "noscript"),
        (Flags::BLOCKING, "blocking"),
        (Flags::LOADING, "loading"),
        (Flags::FAST, "fast"),
        (Flags::NO_AUTH, "no_auth"),
        (Flags::MOVABLEKEYS, "movablekeys"),
    ];

    /// Both.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Are all of `other` set?
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// As COMMAND INFO spells them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flags::NAMES
            .into_iter()
            .filter(move |(flag, _)| self.has(*flag))
            .map(|(_, name)| name)
    }
}

/// What becomes of a command between MULTI and EXEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InMulti {
    /// Queued, and run by EXEC.
    Queued,
    /// Done at once: EXEC itself, DISCARD, RESET, QUIT.
    AtOnce,
    /// Refused: it cannot be part of one instant and one frame.
    Refused,
}

/// A positional argument.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name in the syntax line.
    pub name: &'static str,
    /// COMMAND DOCS' type: `string`, `integer`, `pure-token`, …
    pub kind: &'static str,
    /// May be left out.
    pub optional: bool,
    /// May be given several times.
    pub multiple: bool,
}

/// A mandatory positional argument.
const fn param(name: &'static str) -> Param {
    Param {
        name,
        kind: "string",
        optional: false,
        multiple: false,
    }
}

impl Param {
    const fn integer(self) -> Param {
        Param {
            kind: "integer",
            ..self
        }
    }

    const fn optional(self) -> Param {
        Param {
            optional: true,
            ..self
        }
    }

    const fn multiple(self) -> Param {
        Param {
            multiple: true,
            ..self
        }
    }
}

const ID: Param = param("id");

/// One command.
#[derive(Debug)]
pub struct Row {
    /// Its name, upper case.
    pub name: &'static str,
    /// What follows the name, for people: `id [field value]…`; may be empty.
    pub syntax: &'static str,
    /// Fewest arguments, the name included.
    pub arity_min: usize,
    /// Most arguments, the name included; 0: as many as the limits allow.
    pub arity_max: usize,
    /// What it does, one line.
    pub summary: &'static str,
    /// What it answers, for people.
    pub reply: &'static str,
    /// Section of the help.
    pub group: &'static str,
    /// Version that brought it.
    pub since: &'static str,
    /// What it costs.
    pub complexity: &'static str,
    /// What it does, for programs.
    pub flags: Flags,
    /// Which arguments name what it touches: first, last, step; all 0: none.
    pub keys: (i64, i64, i64),
    /// In a transaction.
    pub in_multi: InMulti,
    /// Positional arguments, in order.
    pub params: &'static [Param],
    /// Field/value pairs behind them, in groups, in any order.
    pub fields: &'static [&'static [Field]],
    /// Reads the arguments; the arity has been checked.
    pub(super) read: fn(&Call<'_>) -> Result<Request, Refusal>,
}

impl Row {
    /// What the rows of a group have in common, to be overridden with `..`.
    const fn new(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
        Row {
            name,
            syntax: "",
            arity_min: 1,
            arity_max: 1,
            summary: "",
            reply: "`OK`",
            group: "",
            since: "0.1.0",
            complexity: "O(1)",
            flags: Flags::NONE,
            keys: (0, 0, 0),
            in_multi: InMulti::Queued,
            params: &[],
            fields: &[],
            read,
        }
    }

    /// The whole syntax line.
    pub fn usage(&self) -> Cow<'static, str> {
        if self.syntax.is_empty() {
            Cow::Borrowed(self.name)
        } else {
            Cow::Owned(format!("{} {}", self.name, self.syntax))
        }
    }

    /// Arity as COMMAND gives it: negative when it is only the fewest.
    pub fn arity(&self) -> i64 {
        let fewest = self.arity_min as i64;
        if self.arity_max == self.arity_min {
            fewest
        } else {
            -fewest
        }
    }

    /// Every field, in order.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().flat_map(|group| group.iter())
    }

    /// Checks the number of arguments, the name included.
    #[inline]
    pub fn check_arity(&self, count: usize) -> Result<(), Refusal> {
        if count < self.arity_min || (self.arity_max != 0 && count > self.arity_max) {
            return Err(self.wrong_arity());
        }
        Ok(())
    }

    /// The refusal for a wrong number of arguments: it shows the right form.
    pub fn wrong_arity(&self) -> Refusal {
        Refusal::new(
            Code::Err,
            format!(
                "wrong number of arguments for '{}' command: {}",
                self.name.to_ascii_lowercase(),
                self.usage()
            ),
        )
    }
}

const GROUPS: [&[Row]; 9] = [
    ticket::ROWS,
    import::ROWS,
    read::ROWS,
    agent::ROWS,
    queue::ROWS,
    policy::ROWS,
    feed::ROWS,
    connection::ROWS,
    server::ROWS,
];

const COUNT: usize = {
    let mut count = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

/// Every command, in the order of the README.
pub static ROWS: [&Row; COUNT] = {
    let mut rows = [&GROUPS[0][0]; COUNT];
    let (mut group, mut at) = (0, 0);
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            rows[at] = &GROUPS[group][row];
            at += 1;
            row += 1;
        }
        group += 1;
    }
    rows
};

const SLOTS: usize = 256;
const FREE: u8 = u8::MAX;

// The index is one byte a slot, and probing must end.
const _: () = assert!(COUNT < FREE as usize && COUNT < SLOTS / 2);

/// Row number by hash of the name, open addressing.
static INDEX: [u8; SLOTS] = {
    let mut index = [FREE; SLOTS];
    let mut row = 0;
    while row < COUNT {
        let mut slot = hash(ROWS_FOR_INDEX[row].as_bytes());
        while index[slot] != FREE {
            slot = (slot + 1) % SLOTS;
        }
        index[slot] = row as u8;
        row += 1;
    }
    index
};

const ROWS_FOR_INDEX: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let (mut group, mut at) = (0, 0);
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            names[at] = GROUPS[group][row].name;
            at += 1;
            row += 1;
        }
        group += 1;
    }
    names
};

/// Folds case away and mixes the name's first and last 8 bytes with its length: names that share a prefix
/// (`TICKET.`) differ at the end.
const fn hash(name: &[u8]) -> usize {
    let (mut head, mut tail) = (0u64, 0u64);
    let mut i = 0;
    while i < 8 && i < name.len() {
        head = head << 8 | (name[i] & 0xdf) as u64;
        tail = tail << 8 | (name[name.len() - 1 - i] & 0xdf) as u64;
        i += 1;
    }
    let mixed = (head ^ tail.rotate_left(29) ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize
}

/// Number of the row with this name, in any case: stable within a build, for counters by command.
#[inline]
pub fn index_of(name: &[u8]) -> Option<usize> {
    let mut slot = hash(name);
    loop {
        let row = usize::from(INDEX[slot]);
        let known = ROWS.get(row)?;
        if known.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(row);
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// The row with this name, in any case.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    index_of(name).map(|row| ROWS[row])
}

/// The refusal for a name that no row has: it offers the nearest.
pub fn unknown(name: &[u8]) -> Refusal {
    let given = super::value::shown(name);
    let hint = text::hint(&given, ROWS.iter().map(|row| row.name));
    Refusal::new(Code::Err, format!("unknown command '{given}'{hint}"))
}
