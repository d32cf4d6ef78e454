//! Floor 0: the plain words that every floor above shares. Nothing here acts.
//!
//! | file | idea |
//! |---|---|
//! | [`time`] | instants, durations and how people write them; no clock |
//! | [`text`] | ids and names: what a valid one is, and which known one is nearest |
//! | [`target`] | what an SLA clock is aimed at |
//! | [`skill`] | skills of agents, requirements of tickets |
//! | [`calendar`] | working time as data: weeks, holidays, zones |
//! | [`clock`] | the daemon's clock as commands move it and as the log tells of it |
//! | [`command`], `ticket_command`, [`session`] | what clients ask for, of the engine and of the daemon itself |
//! | [`versions`] | versions of policies: what is asked about them, and tickets that go from one to another |
//! | [`event`] | what happened: the facts of the log; [`sla`] and [`course`] are parts of it |
//! | [`import`] | open tickets of an older system: what is asked, and the fact |
//! | `spelling` | how the plain enums of events and commands are spelled |
//! | [`fields`], `ticket_fields` | an event as the field/value pairs that the feed shows |
//! | [`reply`] | what clients are answered |
//! | [`record`] | the state as snapshots store it |
//! | [`account`] | what the due of a clock is made of beside its budget |
//! | [`rules`] | a compiled policy as the log keeps it |
//! | [`refusal`] | why a command was not carried out |

pub mod account;
pub mod calendar;
pub mod clock;
pub mod command;
pub mod course;
pub mod event;
pub mod fields;
pub mod import;
pub mod record;
pub mod refusal;
pub mod reply;
pub mod rules;
pub mod session;
pub mod skill;
pub mod sla;
mod spelling;
pub mod target;
pub mod text;
mod ticket_command;
mod ticket_fields;
pub mod time;
pub mod versions;

pub use refusal::{Code, Refusal};
pub use text::Text;
pub use time::{DurationMs, NEVER, UnixMs};

/// Number of an event: dense, from 1, never used twice. 0 stands for "none".
pub type Seq = u64;

/// How the state hash is reckoned. To be raised with every change of the canonical bytes: a hash of another version, of an
/// older or newer program, is not compared.
pub const STATE_HASH_VERSION: u32 = 1;

/// Whose data a record is. Every record carries one; `default` = 0 is the only one so far.
pub type TenantId = u16;

/// The only tenant until tenants come.
pub const TENANT_DEFAULT: TenantId = 0;
