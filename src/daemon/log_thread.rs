//! The log thread: takes batches from the line, appends, syncs by the policy, says how far it is.
//!
//! Group commit by itself: while a sync runs, the core's batches gather on the line and go out together with the next.
//! Everything blocking about the log happens here and nowhere else. A failed write or sync ends the process without an
//! acknowledgement: what the disk did with it is unknown, so nothing is tried again. A disk without room for the next
//! segment is another matter: nothing was written, so the batch is kept and goes on when there is room.

use super::fatal;
use super::log_line::LogLine;
use super::log_room::Room;
use super::metrics::LogRecorder;
use super::shared::Shared;
use crate::journal::{Batch, JournalError, SyncPolicy, Writer};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A marker of its own follows this long after the last write.
const MARK_AFTER: Duration = Duration::from_millis(100);
/// Bytes written before a sync at most: a sync of more takes longer than is worth waiting for.
const SYNC_BYTES_MAX: u64 = 8 << 20;

/// Starts the thread. It ends by [`LogLine::stop`], with everything synced and marked.
pub fn start(
    writer: Writer,
    line: Arc<LogLine>,
    room: Room,
    sync: SyncPolicy,
    shared: Arc<Shared>,
    recorder: LogRecorder,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("slad-log".to_owned())
        .spawn(move || {
            let log = LogThread {
                writer,
                line,
                sync,
                shared,
                recorder,
                room,
                kept: None,
                segment_id: 0,
                wrote_at: Instant::now(),
                synced_at: Instant::now(),
                unsynced: false,
                unmarked: false,
            };
            if let Err(e) = log.run() {
                fatal::exit(fatal::LOG_FAILED, &e.to_string());
            }
        })
}

struct LogThread {
    writer: Writer,
    line: Arc<LogLine>,
    sync: SyncPolicy,
    shared: Arc<Shared>,
    recorder: LogRecorder,
    room: Room,
    /// A batch that met a full disk, or the rest of one.
    kept: Option<Batch>,
    /// The segment that was written to last.
    segment_id: u64,
    wrote_at: Instant,
    synced_at: Instant,
    /// Something was written and not synced, under `interval` or `never`.
    unsynced: bool,
    /// Something was written that no marker follows yet.
    unmarked: bool,
}

impl LogThread {
    fn run(mut self) -> Result<(), JournalError> {
        loop {
            // Looked at before the batches: whoever asked had sent them by then.
            let sync_asked = self.line.take_sync_asked();
            // Likewise: after the batches, one sent in between and then the stop would be dropped.
            let stopping = self.line.is_stopping();
            let (bytes, progress) = self.write_some()?;
            if progress {
                self.line.done(bytes);
            }
            self.room.tend(&mut self.writer, self.kept.is_some());
            if self.syncs_later() && self.synced_at.elapsed() >= self.interval() {
                self.sync_now()?;
            }
            if sync_asked {
                self.sync_now()?;
            }
            if progress {
                continue;
            }
            if stopping {
                return self.end();
            }
            if self.marks() && self.wrote_at.elapsed() >= MARK_AFTER {
                self.unmarked = false;
                self.writer.marker()?;
            }
            self.line.sleep(self.wait(), self.kept.is_none());
        }
    }

    /// Writes what is on the line and syncs it if the policy says so; bytes that need not be waited for any longer, and
    /// whether anything was written.
    fn write_some(&mut self) -> Result<(u64, bool), JournalError> {
        let mut bytes = 0;
        let before = self.writer.next_seq();
        while bytes < SYNC_BYTES_MAX
            && let Some(mut batch) = self.kept.take().or_else(|| self.line.next())
        {
            let appended = self.writer.append(&mut batch);
            match appended {
                Ok(appended) => {
                    self.line.set_written(appended.last_seq);
                    bytes += batch.len_bytes() as u64;
                    self.line.give_back(batch);
                    if appended.segment_id != self.segment_id {
                        self.segment_id = appended.segment_id;
                        self.shared.housekeeping.ring();
                    }
                }
                Err(e) if e.is_disk_full() && self.writer.is_alive() => {
                    // Frames that fitted are as good as any.
                    self.line.set_written(self.writer.next_seq() - 1);
                    self.room.failed(e.to_string());
                    // Old segments may be allowed to go for want of room.
                    self.shared.housekeeping.ring();
                    self.kept = Some(batch);
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        // What was left of a batch may have been a state hash alone.
        let progress = bytes > 0 || self.writer.next_seq() > before;
        if progress {
            if self.sync == SyncPolicy::Always {
                self.sync_now()?;
            } else {
                self.unsynced = true;
            }
            self.unmarked = true;
            self.wrote_at = Instant::now();
        }
        Ok((bytes, progress))
    }

    /// Ends the log well; what a full disk did not take was never acknowledged, and is lost.
    fn end(self) -> Result<(), JournalError> {
        self.writer.close()?;
        match self.kept {
            None => Ok(()),
            Some(batch) => Err(JournalError::Misuse(format!(
                "the disk is full: {} bytes of facts that nobody was told of could not be written",
                batch.len_bytes()
            ))),
        }
    }

    fn sync_now(&mut self) -> Result<(), JournalError> {
        let before = Instant::now();
        self.writer.sync()?;
        let took = before.elapsed();
        self.shared.synced(took);
        self.recorder.synced(took);
        self.unsynced = false;
        self.synced_at = Instant::now();
        self.line.set_durable(self.line.written_seq());
        Ok(())
    }

    /// Longest time between two syncs under `interval`.
    fn interval(&self) -> Duration {
        self.shared.config.sync_interval
    }

    /// Is there something that `interval` has yet to sync?
    fn syncs_later(&self) -> bool {
        self.unsynced && self.sync == SyncPolicy::Interval
    }

    /// Is a marker of its own to come? It tells what is durable, so it follows the sync.
    fn marks(&self) -> bool {
        self.unmarked && !self.syncs_later()
    }

    /// How long there is nothing to do unless a batch comes.
    fn wait(&self) -> Option<Duration> {
        let sync = self
            .syncs_later()
            .then(|| self.interval().saturating_sub(self.synced_at.elapsed()));
        let mark = self
            .marks()
            .then(|| MARK_AFTER.saturating_sub(self.wrote_at.elapsed()));
        [sync, mark, self.room.wait()].into_iter().flatten().min()
    }
}
