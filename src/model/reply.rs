//! What clients are answered, before it is encoded for their protocol version.

use super::{Refusal, Seq, Text, UnixMs};

/// A reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The seq of the command's own event.
    Seq(Seq),
    /// A refusal.
    Refused(Refusal),
    /// Nothing there.
    Null,
    /// `+OK` and the like.
    Simple(&'static str),
    /// A number.
    Int(i64),
    /// A string.
    Bulk(Text),
    /// A long or binary string.
    Bytes(Vec<u8>),
    /// Text for people: a verbatim string in RESP3.
    Verbatim(String),
    /// A list.
    List(Vec<Reply>),
    /// Pairs, in this order: a map in RESP3, a flat list in RESP2.
    Map(Vec<(&'static str, Reply)>),
    /// Pairs with keys known only at run time.
    Pairs(Vec<(Text, Reply)>),
    /// What AGENT.NEXT answers; apart because it is the hottest.
    Taken(Box<Taken>),
}

/// AGENT.NEXT's ticket: a map that begins `ticket I`.
#[derive(Debug, Clone, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Taken {
    /// The ticket.
    pub ticket: Text,
    /// Its fencing number, which is the seq of the assignment.
    pub hold: Seq,
    /// Seq of the assignment.
    pub seq: Seq,
    /// The queue it came from.
    pub queue: Text,
    /// Priority by name.
    pub priority: Text,
    /// `name@version`.
    pub policy: Text,
    /// Live deadline; [`super::NEVER`] (null on the wire): none.
    pub due: UnixMs,
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Reply::Refused(refusal)
    }
}

impl Reply {
    /// An instant as an integer, or null for [`super::NEVER`].
    pub fn instant(at: UnixMs) -> Reply {
        if at == super::NEVER {
            Reply::Null
        } else {
            Reply::Int(at)
        }
    }

    /// A string, or null when it is empty.
    pub fn text_or_null(text: &str) -> Reply {
        if text.is_empty() {
            Reply::Null
        } else {
            Reply::Bulk(Text::new(text))
        }
    }
}
