//! What the end of the last segment is: whole, torn, or damaged. See [`super::format`] for the rule. Judging changes nothing, so
//! that the tools that only read say what a start would do.

use super::JournalError;
use super::format::*;
use super::recovery::{Loaded, look, seq_after};
use super::scan::{Ahead, Scan, scan};
use super::segment::*;
use crate::model::Seq;
use crate::model::event::Event;

/// What the end of the last segment comes to.
pub(super) struct Verdict {
    pub(super) end: Scan,
    pub(super) ahead: Ahead,
    /// The segment was sealed, and it is as the seal says: nothing is to be done.
    pub(super) whole: bool,
    /// Something stands behind the end that must go.
    pub(super) torn: bool,
    pub(super) closed: bool,
    /// Last seq that may have been shown and is gone; 0: none is.
    pub(super) lost_to: Seq,
}

/// Finds the end of the last segment and judges what lies behind it: changes nothing but `last`'s first seq in memory.
/// An error is damage: the log must not be opened.
pub(super) fn judge(
    boot_id: [u8; 16],
    last: &mut Loaded,
    before: Option<SegmentHeader>,
) -> Result<Verdict, JournalError> {
    let first = match (last.header.first_seq, before) {
        (0, Some(before)) => seq_after(&before),
        (0, None) => 1,
        (seq, _) => seq,
    };
    last.header.first_seq = first;
    let sealed = last.header.is_sealed();
    let limit = if sealed {
        last.header.sealed_end
    } else {
        last.header.file_bytes
    };
    if limit < DATA_START || limit > last.header.file_bytes {
        return Err(JournalError::corrupt(
            &last.path,
            64,
            first,
            "the sealed end lies outside the file",
        ));
    }
    let end = scan(&*last.file, &last.path, &last.header, first, limit)?;
    let closed = end.session.is_some_and(|s| !s.opened);
    if sealed {
        let header = &last.header;
        let whole =
            (end.end, end.digest, end.last_seq) == (header.sealed_end, header.digest, header.last_seq);
        if whole {
            let ahead = Ahead::default();
            let (torn, lost_to) = (false, 0);
            return Ok(Verdict {
                end,
                ahead,
                whole,
                torn,
                closed,
                lost_to,
            });
        }
    }
    let ahead = look(last, end.end)?;
    // A seal that both copies tell of, and one that an earlier recovery wrote, came after the sync of all of it.
    let marker = if last.header.next_epoch != 0 || (sealed && last.is_settled) {
        last.header.last_seq
    } else {
        end.marker.max(ahead.marker)
    };
    let torn = ahead.garbage_end != 0 || sealed;
    if torn && marker > end.last_seq {
        let why = end.fault.unwrap_or("zeros where a frame was written");
        let what = format!(
            "{why}; everything up to seq {marker} had been synced, so this is damage, not a torn tail. \
             Restore a backup, or cut the log here with `slad log repair --truncate-at`"
        );
        return Err(JournalError::corrupt(&last.path, end.end, end.last_seq + 1, what));
    }
    let power_lost = (end.session).is_some_and(|s| s.opened && s.shows_unsynced && s.boot_id != boot_id);
    let mut lost_to = 0;
    if torn {
        // Whatever stood there was at least one event; its header may still name more, and where it is destroyed the
        // bytes say how many there can have been.
        let bytes = ahead.garbage_end.saturating_sub(end.end);
        lost_to = ahead.last_seq.max(end.last_seq + events_at_most(bytes));
        // The gap that an earlier recovery told of does not shrink.
        lost_to = lost_to.max(last.header.lost_to);
    }
    if power_lost && end.reserve > end.last_seq {
        lost_to = lost_to.max(end.reserve);
    }
    Ok(Verdict {
        end,
        ahead,
        whole: false,
        torn,
        closed,
        lost_to,
    })
}

/// Events that frames of so many bytes in all can have held: one at least.
pub(super) fn events_at_most(bytes: u64) -> u64 {
    let event = size_of::<rkyv::Archived<Event>>() as u64;
    (bytes.saturating_sub(FRAME_HEADER_BYTES as u64) / event).max(1)
}

/// The header of a segment that ends at `end` from now on, with a gap up to `lost_to` behind it and a new epoch after
/// it. `carried` is the segment before, if it has a gap that no event has told of yet.
pub(super) fn sealed_with_gap(
    header: &SegmentHeader,
    end: &Scan,
    carried: Option<SegmentHeader>,
    lost_to: Seq,
    cut_bytes: u64,
) -> SegmentHeader {
    SegmentHeader {
        generation: header.generation.max(SEALED) + 1,
        sealed_end: end.end,
        last_seq: end.last_seq,
        digest: end.digest,
        frames: end.frames,
        // A gap that no event could tell of yet goes on in this one.
        lost_from: carried.map_or(end.last_seq + 1, |b| b.lost_from),
        lost_to,
        cut_bytes: cut_bytes + carried.map_or(0, |b| b.cut_bytes),
        next_epoch: header.epoch + 1,
        ..*header
    }
}

/// Writes a header over one that is in force: the second copy first, so that one is always whole.
pub(super) fn write_seal(last: &Loaded) -> Result<(), JournalError> {
    let io = |op| {
        let path = last.path.clone();
        move |e| JournalError::io(op, &path, e)
    };
    let block = last.header.encode();
    for copy in [HEADER_BLOCK_BYTES, 0] {
        last.file.write_at(&block, copy).map_err(io("write"))?;
        last.file.sync().map_err(io("sync"))?;
    }
    Ok(())
}
