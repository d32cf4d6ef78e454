//! One read of the feed, ready to be done on any thread: which entries of which keys, how many, how large.

use super::core::Core;
use crate::journal::{JournalError, Reader, Wanted};
use crate::model::Seq;
use crate::model::command::{EntryId, FeedKey};
use crate::wire::Protocol;
use crate::wire::feed::{Entries, Streams};

/// Entries taken from the log at a time, so that a reply's bytes can be counted while it grows.
pub(super) const CHUNK: usize = 256;
/// A read that begins within this many events of the end is done on the core thread; one of a filtered key, where postings
/// have at most as many events to take in first (each 150 ns).
const NEAR_EVENTS: u64 = 4_096;

/// One key to be read.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) key: FeedKey,
    pub(super) from: EntryId,
    pub(super) to: EntryId,
    /// The ticket's newest event, for its own key: its events are linked.
    pub(super) chain: Option<Seq>,
}

/// A read, ready to be done on any thread.
#[derive(Debug)]
pub(super) struct Plan {
    /// Sees the log as it was when the read began, so that retention leaves no hole in a reply.
    pub(super) reader: Reader,
    pub(super) spans: Vec<Span>,
    pub(super) count: usize,
    pub(super) reverse: bool,
    /// Nothing above may be seen.
    pub(super) upto_seq: Seq,
    /// Stop after the entry that passes this.
    pub(super) bytes_max: usize,
    pub(super) protocol: Protocol,
    /// XREAD's reply: entries by key.
    pub(super) by_key: bool,
}

impl Plan {
    /// May the read have to wait for the disk?
    pub(super) fn is_far(&self) -> bool {
        let first = self.spans.iter().map(|s| s.from.seq).min().unwrap_or(0);
        self.upto_seq.saturating_sub(first) > NEAR_EVENTS
            || self.spans.iter().any(|s| s.searches(self.upto_seq))
            || (self.spans.iter().any(|s| s.is_posted(self.upto_seq))
                && !self.reader.is_indexed(first, NEAR_EVENTS))
    }

    /// Does the read. `None` instead of bytes: nothing was found for XREAD.
    pub(super) fn run(&self) -> Result<Option<Vec<u8>>, JournalError> {
        let reader = &self.reader;
        let mut out = Vec::new();
        if self.by_key {
            let mut streams = Streams::begin(&mut out, self.protocol);
            for span in &self.spans {
                streams.key(&mut out, &span.key);
                self.each(reader, span, &mut out, |out, id, event| {
                    streams.push(out, id, event)
                })?;
            }
            return Ok(streams.finish(&mut out).then_some(out));
        }
        let mut entries = Entries::begin(&mut out);
        for span in &self.spans {
            self.each(reader, span, &mut out, |out, id, event| {
                entries.push(out, id, event)
            })?;
        }
        entries.finish(&mut out);
        Ok(Some(out))
    }

    fn each(
        &self,
        reader: &Reader,
        span: &Span,
        out: &mut Vec<u8>,
        mut push: impl FnMut(&mut Vec<u8>, EntryId, &crate::model::event::Event),
    ) -> Result<(), JournalError> {
        let mut left = self.count;
        let (mut from, mut to) = (span.from, span.to);
        // A ticket's events are linked from the newest on: each chunk would walk them all.
        let chunk = if matches!(span.key, FeedKey::Ticket(_)) {
            left
        } else {
            CHUNK
        };
        while left > 0 && out.len() < self.bytes_max && from <= to {
            let wanted = Wanted {
                from,
                to,
                count: left.min(chunk),
                reverse: self.reverse,
                upto_seq: self.upto_seq,
            };
            let found = span.read(reader, wanted)?;
            let Some(&(seq, part, _)) = found.last() else {
                return Ok(());
            };
            left -= found.len();
            let last = EntryId { seq, part };
            for (seq, part, event) in &found {
                push(
                    out,
                    EntryId {
                        seq: *seq,
                        part: *part,
                    },
                    event,
                );
            }
            if found.len() < wanted.count {
                return Ok(());
            }
            if self.reverse {
                let Some(before) = before(last) else {
                    return Ok(());
                };
                to = before;
            } else {
                from = Wanted::after(last);
            }
        }
        Ok(())
    }
}

impl Span {
    pub(super) fn read(
        &self,
        reader: &Reader,
        wanted: Wanted,
    ) -> Result<Vec<crate::journal::Entry>, JournalError> {
        match &self.key {
            FeedKey::Ticket(ticket) => reader.ticket(ticket, self.chain, wanted),
            key => reader.entries(key, wanted),
        }
    }

    /// Is it found by the postings?
    fn is_posted(&self, upto_seq: Seq) -> bool {
        !matches!(self.key, FeedKey::All | FeedKey::Ticket(_)) && self.from.seq <= upto_seq
    }

    /// May old segments have to be asked for a ticket? Not where its newest event was seen before.
    fn searches(&self, upto_seq: Seq) -> bool {
        matches!(self.key, FeedKey::Ticket(_))
            && self.from.seq <= upto_seq
            && self.chain.is_none_or(|newest| newest >= self.from.seq)
    }
}

/// The greatest id below.
fn before(id: EntryId) -> Option<EntryId> {
    match id.part.checked_sub(1) {
        Some(part) => Some(EntryId { seq: id.seq, part }),
        None => Some(EntryId {
            seq: id.seq.checked_sub(1)?,
            part: u64::MAX,
        }),
    }
}

/// A read of entries as XRANGE has them, bounded as the configuration says.
pub(super) fn plan(
    core: &Core,
    reader: Reader,
    spans: Vec<Span>,
    upto_seq: Seq,
    count: Option<u32>,
    protocol: Protocol,
) -> Plan {
    let most = core.limits.feed_count_max;
    Plan {
        reader,
        spans,
        count: count.map_or(most, |count| (count as usize).min(most)),
        reverse: false,
        upto_seq,
        bytes_max: core.limits.output_bytes_max / 2,
        protocol,
        by_key: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_an_id_is_the_greatest_below() {
        let id = |seq, part| EntryId { seq, part };
        assert_eq!(before(id(5, 3)), Some(id(5, 2)));
        assert_eq!(before(id(5, 0)), Some(id(4, u64::MAX)));
        assert_eq!(before(EntryId::MIN), None);
    }
}
