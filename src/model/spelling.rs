//! Spellings of the plain enums, for the wire and for people. They may gain words; what is archived is the variant.

use super::clock::Jump;
use super::command::Cancelled;
use super::event::*;
use super::versions::MigrationMode;

macro_rules! spelled {
    ($type:ty, $what:literal: $($variant:ident = $text:literal),+ $(,)?) => {
        impl $type {
            /// Every variant.
            pub const ALL: &'static [$type] = &[$(<$type>::$variant),+];

            /// As it is spelled on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(<$type>::$variant => $text),+ }
            }

            /// Reads the spelling; the error lists the known ones.
            pub fn parse(text: &str) -> Result<Self, super::Refusal> {
                match text { $($text => Ok(<$type>::$variant),)+
                    _ => Err(super::Refusal::bad_arg(format!("{} '{text}'{}: it takes {}", $what,
                        super::text::hint(text, [$($text),+]), [$($text),+].join(", ")))) }
            }
        }
    };
}

spelled!(Presence, "presence": Ready = "ready", Paused = "paused", Away = "away", Offline = "offline");
spelled!(TicketState, "state": Waiting = "waiting", Assigned = "assigned", Resolved = "resolved", Closed = "closed");
spelled!(Closed, "end": Resolved = "resolved", Abandoned = "abandoned", Duplicate = "duplicate", Spam = "spam", Withdrawn = "withdrawn");
spelled!(Cancelled, "as": Abandoned = "abandoned", Duplicate = "duplicate", Spam = "spam", Withdrawn = "withdrawn");
spelled!(AssignedHow, "how": Next = "next", Assign = "assign");
spelled!(Released, "why": Command = "command", AgentLeft = "agent_left");
spelled!(Jump, "how": Advanced = "advanced", Stepped = "stepped", Frozen = "frozen", Accepted = "accepted", Rejected = "rejected", Returned = "returned");
spelled!(MigrationMode, "mode": Retroactive = "retroactive", FromNow = "fromnow");
