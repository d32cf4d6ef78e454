//! Which entries of the log are wanted.

use super::super::exit;
use super::{Failure, failure};
use crate::journal::offline::{Piece, View};
use crate::model::command::FeedKey;
use crate::model::event::Event;
use crate::model::{Seq, UnixMs, fields, text, time};
use crate::wire::value::feed_key;
use std::ops::ControlFlow;

/// From this number on a whole number is an instant in epoch milliseconds (2001 and later), below it a seq.
const INSTANT_MIN: u64 = 1_000_000_000_000;

/// A place in the log: a seq, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A seq.
    Seq(Seq),
    /// When it was logged.
    Time(UnixMs),
}

/// Reads a place.
pub fn place(given: &str) -> Result<Place, String> {
    match given.parse::<u64>() {
        Ok(seq) if seq < INSTANT_MIN => Ok(Place::Seq(seq)),
        _ => time::instant("", given.as_bytes())
            .map(Place::Time)
            .map_err(|_| {
                "it takes a seq (12345), RFC 3339 (2026-01-31T09:00:00Z) or epoch milliseconds (from 1000000000000 on)"
                    .to_owned()
            }),
    }
}

/// Arguments that choose entries.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// First entry: a seq, RFC 3339 or epoch milliseconds of when it was logged.
    #[arg(long, value_name = "SEQ|TIME", value_parser = place)]
    pub from: Option<Place>,
    /// Last entry, likewise.
    #[arg(long, value_name = "SEQ|TIME", value_parser = place)]
    pub to: Option<Place>,
    /// Only the events of this ticket.
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,
    /// Only what stands under this key of the feed: events (default), events:sla, events:breaches, events:routing,
    /// events:queue:Q, events:agent:A, events:ticket:T.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

impl Selection {
    fn keys(&self) -> Result<(FeedKey, Option<FeedKey>), Failure> {
        let usage = |flag: &str, e: crate::model::Refusal| (exit::USAGE, format!("{flag}: {}", e.message));
        let key = match &self.key {
            None => FeedKey::All,
            Some(key) => feed_key(key.as_bytes()).map_err(|e| usage("--key", e))?,
        };
        let ticket = match &self.ticket {
            None => None,
            Some(id) => Some(FeedKey::Ticket(
                text::id("ticket", id.as_bytes()).map_err(|e| usage("--ticket", e))?,
            )),
        };
        Ok((key, ticket))
    }

    /// Are the arguments good? To be asked before anything is opened.
    pub fn check(&self) -> Result<(), Failure> {
        let is_reversed = match (self.from, self.to) {
            (Some(Place::Seq(from)), Some(Place::Seq(to))) => from > to,
            (Some(Place::Time(from)), Some(Place::Time(to))) => from > to,
            _ => false,
        };
        if is_reversed {
            return Err((
                exit::USAGE,
                "--from lies after --to: there is nothing between them".to_owned(),
            ));
        }
        self.keys().map(|_| ())
    }

    /// Gives each entry that is wanted to `f`, in order, until `f` breaks; `on_bytes` is told how far the reading is.
    pub fn each(
        &self,
        view: &View,
        mut on_bytes: impl FnMut(u64),
        mut f: impl FnMut(Seq, u64, &Event) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let (key, ticket) = self.keys()?;
        let after = match self.from {
            None => 0,
            Some(Place::Seq(seq)) => seq.saturating_sub(1),
            Some(Place::Time(at)) => view.seq_before(at),
        };
        let is_early = |seq: Seq, event: &Event| match self.from {
            None => false,
            Some(Place::Seq(from)) => seq < from,
            Some(Place::Time(at)) => event.logged_at < at,
        };
        let is_late = |seq: Seq, event: &Event| match self.to {
            None => false,
            Some(Place::Seq(to)) => seq > to,
            Some(Place::Time(at)) => event.logged_at > at,
        };
        let walked = view.walk(after, |piece, bytes| {
            on_bytes(bytes);
            let Piece::Frame(first, events) = piece else {
                return Ok(ControlFlow::Continue(()));
            };
            for (seq, event) in (first..).zip(&events) {
                if is_late(seq, event) {
                    return Ok(ControlFlow::Break(()));
                }
                if is_early(seq, event) {
                    continue;
                }
                if ticket.as_ref().is_some_and(|t| !fields::belongs(event, 0, t)) {
                    continue;
                }
                for part in 0..fields::entries(event) {
                    if fields::belongs(event, part, &key) && f(seq, part, event).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        });
        walked.map_err(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seqs_and_instants_are_times() {
        assert_eq!(place("12"), Ok(Place::Seq(12)));
        assert_eq!(place("999999999999"), Ok(Place::Seq(999_999_999_999)));
        assert_eq!(place("1767225600000"), Ok(Place::Time(1_767_225_600_000)));
        assert_eq!(place("2026-01-01T00:00:00Z"), Ok(Place::Time(1_767_225_600_000)));
        for bad in ["", "-1", "yesterday", "2026-01-01", "99999999999999999999"] {
            assert!(place(bad).unwrap_err().contains("RFC 3339"), "{bad}");
        }
    }
}
