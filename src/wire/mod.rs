//! Floor 1: RESP bytes ↔ the words of [`crate::model`]. No socket, no state, no clock.
//!
//! | file | idea |
//! |---|---|
//! | [`frame`] | bytes → the arguments of one request, without copying, resumable |
//! | [`inline`] | requests typed by hand, with quotes |
//! | [`table`] | one row a command: from it parsing, errors, COMMAND and the README derive |
//! | [`mod@parse`] | arguments → [`Request`], driven by the row's fields |
//! | [`value`] | single values: names, numbers, lists, entry ids, feed keys |
//! | [`digest`] | fingerprint of a command: equal for repeats |
//! | [`docs`] | COMMAND's replies and the README's table |
//! | [`encode`] | [`Reply`] → bytes |
//! | [`feed`] | events → stream entries |
//!
//! A request costs one pass over its bytes; framing allocates nothing once its span list has grown, parsing what the
//! model's own strings and boxes need. Hostile input gets a refusal; memory grows only with bytes that were received.
//!
//! What it does not do: decide anything against the state, hold connections, or know which protocol a connection
//! speaks.
//!
//! [`Request`]: crate::model::command::Request
//! [`Reply`]: crate::model::reply::Reply

pub mod digest;
pub mod docs;
pub mod encode;
pub mod feed;
pub mod frame;
pub mod inline;
pub mod parse;
pub mod table;
pub mod value;

pub use encode::Protocol;
pub use frame::{Args, Framed, Framer, Limits, ProtocolError};
pub use parse::{Caps, Parsed, parse};
pub use table::{Row, find};
