//! Where the frames of a segment stand: one entry for about 4 KiB of log, grown as the segment grows.
//!
//! Cost: hopping over headers the first time (15 ns a frame), then a binary search and at most 4 KiB of hops. 16 bytes
//! an entry: 256 KiB for a segment of 64 MiB.

use super::JournalError;
use super::format::DATA_START;
use super::frame::Kind;
use super::scan::Walk;
use super::segment::Segment;
use crate::model::Seq;

/// Distance of two entries, bytes.
const STRIDE_BYTES: u64 = 4096;

/// First seq and offset of some frames, ascending in both.
#[derive(Debug)]
pub(super) struct Offsets {
    entries: Vec<(Seq, u64)>,
    at: u64,
    next_seq: Seq,
}

impl Offsets {
    pub(super) fn new(segment: &Segment) -> Offsets {
        Offsets {
            entries: Vec::new(),
            at: DATA_START,
            next_seq: segment.first_seq,
        }
    }

    /// Takes in what was published since.
    pub(super) fn extend(&mut self, segment: &Segment) -> Result<(), JournalError> {
        let mut walk = Walk::new(segment, self.at, self.next_seq);
        while let Some((offset, header)) = walk.header()? {
            let far = self
                .entries
                .last()
                .is_none_or(|(_, last)| offset >= last + STRIDE_BYTES);
            if header.is(Kind::Events) && far {
                self.entries.push((header.first_seq, offset));
            }
            (self.at, self.next_seq) = (walk.offset(), walk.expected());
        }
        Ok(())
    }

    /// First seq and offset of the entry at or before `seq`.
    pub(super) fn before(&self, seq: Seq) -> Option<(Seq, u64)> {
        let n = self.entries.partition_point(|(first, _)| *first <= seq);
        self.entries.get(n.checked_sub(1)?).copied()
    }

    /// First seq and offset of every entry.
    pub(super) fn entries(&self) -> &[(Seq, u64)] {
        &self.entries
    }
}
