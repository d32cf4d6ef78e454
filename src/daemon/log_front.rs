//! The core's end of the log: frames gather in a batch, the batch goes over the line, how far the log came says what
//! may be released.

use super::disk::DiskState;
use super::fatal;
use super::log_line::LogLine;
use crate::engine::Output;
use crate::journal::Batch;
use crate::model::Seq;
use std::sync::Arc;

/// Room left for a command at least: what one may log unless it is a large transaction.
const TIGHT_BYTES: u64 = 64 << 10;

/// When a reply may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseAfter {
    /// After the write: survives the death of the process.
    Write,
    /// After the sync: survives a power loss.
    Sync,
}

/// The core's end.
#[derive(Debug)]
pub struct LogFront {
    line: Arc<LogLine>,
    gathering: Batch,
    release_after: ReleaseAfter,
    /// Bytes that were ever put into a batch.
    taken_bytes: u64,
}

impl LogFront {
    /// The end of `line` that the core holds.
    pub fn new(line: Arc<LogLine>, release_after: ReleaseAfter) -> LogFront {
        LogFront {
            gathering: line.fresh(),
            line,
            release_after,
            taken_bytes: 0,
        }
    }

    /// Takes the frames out of `out`; its wakes stay.
    ///
    /// A frame that cannot be stored ends the process: the engine has gone past it, so there is no way back.
    pub fn take(&mut self, out: &mut Output) {
        let before = self.gathering.len_bytes();
        let mut start = 0;
        let mut seq = out.first_seq;
        for end in out.frame_ends.drain(..) {
            let frame = &out.events[start..end];
            if let Err(e) = self.gathering.push(seq, frame) {
                fatal::exit(fatal::LOG_FAILED, &format!("seq {seq}: {e}"));
            }
            seq += frame.len() as Seq;
            start = end;
        }
        out.events.clear();
        self.taken_bytes += (self.gathering.len_bytes() - before) as u64;
    }

    /// Says what the state is after the frames taken last, if they have not gone yet.
    pub fn prove(&mut self, state_hash: u64) {
        let before = self.gathering.len_bytes();
        self.gathering.push_state_hash(state_hash);
        self.taken_bytes += (self.gathering.len_bytes() - before) as u64;
    }

    /// Hands what has gathered to the log thread, unless too much is under way: then it goes with the next.
    pub fn submit(&mut self) {
        if self.gathering.is_empty() {
            return;
        }
        let batch = std::mem::replace(&mut self.gathering, self.line.fresh());
        if let Err(back) = self.line.send(batch) {
            self.gathering = back;
        }
    }

    /// Can nothing more be written for want of room?
    pub fn is_disk_exhausted(&self) -> bool {
        self.line.disk().0 == DiskState::Exhausted
    }

    /// Is the disk so full that another command might not find room behind what is under way already?
    pub fn is_tight(&self) -> bool {
        // Control frames, and the end of a segment that the next frame does not fit, take room too.
        let slack_bytes = self.backlog_bytes() / 8 + TIGHT_BYTES;
        self.line.disk().0 == DiskState::Low
            && self.taken_bytes.saturating_add(slack_bytes) > self.line.limit_bytes()
    }

    /// Everything up to here may be seen.
    pub fn released(&self) -> Seq {
        match self.release_after {
            ReleaseAfter::Write => self.line.written_seq(),
            ReleaseAfter::Sync => self.line.durable_seq(),
        }
    }

    /// The line to the log thread.
    pub fn line(&self) -> Arc<LogLine> {
        self.line.clone()
    }

    /// Has everything been handed over?
    pub fn is_submitted(&self) -> bool {
        self.gathering.is_empty()
    }

    /// Bytes that are not released yet.
    pub fn backlog_bytes(&self) -> u64 {
        self.taken_bytes.saturating_sub(self.line.done_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::ClockJumped;
    use crate::model::event::{Body, Event};

    fn front() -> LogFront {
        LogFront::new(Arc::new(LogLine::new(0)), ReleaseAfter::Sync)
    }

    fn take(front: &mut LogFront, seq: Seq) {
        let event = Event {
            at: 1,
            logged_at: 1,
            cause: 0,
            tenant: 0,
            body: Body::ClockJumped(ClockJumped::advanced(0, 1)),
        };
        front.take(&mut Output {
            first_seq: seq,
            events: vec![event],
            frame_ends: vec![1],
            ..Output::default()
        });
    }

    #[test]
    fn on_a_full_disk_nothing_is_taken_that_may_not_fit_behind_what_is_under_way() {
        let mut front = front();
        take(&mut front, 1);
        let frame_bytes = front.backlog_bytes();
        let room_bytes = TIGHT_BYTES + 20 * frame_bytes;
        front.line.set_disk(DiskState::Ok, 0, 0);
        assert!(!front.is_tight(), "room is looked at on a full disk alone");
        front.line.set_disk(DiskState::Low, 0, room_bytes);
        let mut seq = 1;
        while !front.is_tight() {
            seq += 1;
            take(&mut front, seq);
            assert!(
                front.backlog_bytes() <= room_bytes,
                "more is taken than finds room"
            );
        }
        assert!(seq > 10, "what surely fits is taken");
        // The log thread is done with all of it, and there is as much room again.
        front.line.done(front.backlog_bytes());
        front.line.set_disk(DiskState::Low, 0, room_bytes);
        assert!(!front.is_tight());
    }

    #[test]
    fn a_state_hash_counts_as_what_it_takes() {
        let mut front = front();
        take(&mut front, 1);
        front.prove(7);
        front.line.done(front.gathering.len_bytes() as u64);
        assert_eq!(front.backlog_bytes(), 0);
        take(&mut front, 2);
        assert!(front.backlog_bytes() > 0, "a drift would hide it");
    }
}
