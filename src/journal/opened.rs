//! An opened log before it is written to: snapshot, replay, then the writer.

use super::JournalError;
use super::config::Config;
use super::disk::Disk;
use super::frame::{Kind, StateHash, events, to_event};
use super::keeper::Keeper;
use super::published::Published;
use super::reader::Reader;
use super::recovery::Recovery;
use super::scan::Walk;
use super::snapshot::{Found, SnapshotReader};
use super::writer::{Tail, Writer};
use crate::model::Seq;
use crate::model::event::Event;
use std::sync::Arc;

/// What a replay comes across.
#[derive(Debug, PartialEq)]
pub enum Stored {
    /// The event of the seq.
    Event(Event),
    /// What the state after the seq must be.
    Hash(StateHash),
}

/// An opened log. It owns the lock.
pub struct OpenedLog {
    disk: Arc<dyn Disk>,
    config: Config,
    lock: Box<dyn Send + Sync>,
    published: Arc<Published>,
    tail: Tail,
    recovery: Option<Recovery>,
    found: Found,
}

impl std::fmt::Debug for OpenedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedLog")
            .field("last_seq", &self.last_seq())
            .field("recovery", &self.recovery)
            .finish_non_exhaustive()
    }
}

impl OpenedLog {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        config: Config,
        lock: Box<dyn Send + Sync>,
        published: Arc<Published>,
        tail: Tail,
        recovery: Option<Recovery>,
        found: Found,
    ) -> OpenedLog {
        OpenedLog {
            disk,
            config,
            lock,
            published,
            tail,
            recovery,
            found,
        }
    }

    /// What had to be cut, or may be lost; to be logged as `log.recovered` before anything else. Told again at each start
    /// until an event has been written.
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    /// The newest snapshot that is whole.
    pub fn snapshot(&self) -> Option<&SnapshotReader> {
        self.found.newest.as_ref()
    }

    /// Passes the newest snapshot over, for `what` its reader found wrong with it: from now on
    /// [`OpenedLog::snapshot`] is the one before, if there is one. Reads and verifies that one.
    pub fn pass_over_snapshot(&mut self, what: String) -> Result<(), JournalError> {
        self.found.pass_over(what, &self.disk, self.tail.log_id)
    }

    /// Snapshots that were passed over, and why.
    pub fn skipped_snapshots(&self) -> &[JournalError] {
        &self.found.skipped
    }

    /// First seq retained; `last_seq() + 1` when there is none.
    pub fn first_seq(&self) -> Seq {
        self.published.first_seq()
    }

    /// Last seq stored.
    pub fn last_seq(&self) -> Seq {
        self.published.written_seq()
    }

    /// Seq that the next event gets: above everything that may ever have been shown.
    pub fn next_seq(&self) -> Seq {
        self.tail.last_seq + 1
    }

    /// Bytes free on the disk.
    pub fn free_bytes(&self) -> Result<u64, JournalError> {
        let dir = self.disk.path("");
        self.disk
            .free_bytes()
            .map_err(|e| JournalError::io("statvfs", &dir, e))
    }

    /// Gives every event after `after_seq` to `f`, in order, all of it verified. Stops at the first error; `f`'s own is
    /// [`JournalError::Refused`]. Fails when events right after `after_seq` are no longer retained.
    pub fn replay(
        &self,
        after_seq: Seq,
        mut f: impl FnMut(Seq, Event) -> Result<(), String>,
    ) -> Result<(), JournalError> {
        self.replay_stored(after_seq, |seq, stored| match stored {
            Stored::Event(event) => f(seq, event),
            Stored::Hash(_) => Ok(()),
        })
    }

    /// The same with the state hashes in between, each after the seq for which it holds. A consumer that comes out
    /// with another state must refuse it.
    pub fn replay_stored(
        &self,
        after_seq: Seq,
        mut f: impl FnMut(Seq, Stored) -> Result<(), String>,
    ) -> Result<(), JournalError> {
        let segments = self.published.segments();
        if let Some(first) = segments.first()
            && first.first_seq > after_seq + 1
        {
            return Err(JournalError::corrupt(
                &first.path,
                0,
                after_seq + 1,
                format!(
                    "the log begins with seq {}, and no snapshot holds what came before",
                    first.first_seq
                ),
            ));
        }
        for segment in segments.iter().filter(|s| s.last_seq() > after_seq) {
            let mut walk = Walk::whole(segment);
            loop {
                let offset = walk.offset();
                let Some((header, frame)) = walk.frame()? else {
                    break;
                };
                let damage = |what| JournalError::corrupt(&segment.path, offset, header.first_seq, what);
                if header.is(Kind::StateHash) && header.first_seq > after_seq {
                    let (seq, hash) = (header.first_seq, StateHash::decode(frame.payload(&header)));
                    // The file and the place, because the state that comes out wrong may have been read wrong.
                    f(seq, Stored::Hash(hash)).map_err(damage)?;
                }
                if !header.is(Kind::Events) || header.last_seq() <= after_seq {
                    continue;
                }
                let foreign = |what| JournalError::foreign(&segment.path, offset, header.first_seq, what);
                let archived = events(&header, frame.payload(&header)).map_err(foreign)?;
                for (seq, event) in (header.first_seq..).zip(archived.iter()) {
                    if seq > after_seq {
                        let event = to_event(event).map_err(foreign)?;
                        f(seq, Stored::Event(event)).map_err(|what| JournalError::Refused { seq, what })?;
                    }
                }
            }
            if walk.expected() != segment.last_seq() + 1 {
                return Err(JournalError::corrupt(
                    &segment.path,
                    walk.offset(),
                    walk.expected(),
                    format!("the segment ends before seq {}", segment.last_seq()),
                ));
            }
        }
        Ok(())
    }

    /// A reader of the log; it stays good when the log is written to.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.published))
    }

    /// What makes index files and takes old segments out. `keep` snapshots are kept: the log from the oldest whole one of
    /// them on stays.
    pub fn keeper(&self, reader: Arc<Reader>, keep: usize) -> Keeper {
        Keeper::new(Arc::clone(&self.published), reader, keep)
    }

    /// The disk, for writing snapshots.
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    /// Epoch of what is written from now on: one more than before where facts may have been lost.
    pub fn epoch(&self) -> u32 {
        self.tail.epoch
    }

    /// Identity of the log.
    pub fn log_id(&self) -> u64 {
        self.tail.log_id
    }

    /// Begins to write: notes the session in the log and syncs it. Snapshots that were passed over are set aside.
    pub fn into_writer(self) -> Result<Writer, JournalError> {
        self.found.set_aside(&*self.disk)?;
        Writer::new(self.disk, self.config, self.published, self.tail, self.lock)
    }
}
