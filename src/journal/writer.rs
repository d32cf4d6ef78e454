//! The one writer: gives frames their place and checksums, writes them, syncs, rotates.
//!
//! Cost: one `pwrite` a batch (two where it crosses a segment), one `fdatasync` a [`Writer::sync`]; sealing a segment syncs
//! once more. Nothing is retried: after a failure that may have left half a frame the writer refuses everything. A disk
//! without room for the next segment is no such failure: the writer lives, and the same batch can be appended again.

use super::JournalError;
use super::batch::Batch;
use super::config::Config;
use super::control::{self, Session};
use super::disk::Disk;
use super::format::*;
use super::frame::{FrameHeader, Kind, chain};
use super::published::Published;
use super::reserve::Reserve;
use super::segment::*;
use crate::model::Seq;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// Where an append ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Seq of the last event written.
    pub last_seq: Seq,
    /// Segment that took it.
    pub segment_id: u64,
    /// Offset after its frame in that segment.
    pub end_offset: u64,
}

/// The segment that grows.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) shared: Arc<Segment>,
    pub(super) header: SegmentHeader,
    pub(super) end: u64,
    pub(super) frames: u64,
    pub(super) digest: u64,
}

/// What is known of the log's end when writing begins.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) active: Option<Active>,
    pub(super) spare: Option<Prepared>,
    pub(super) reserve: Option<Reserve>,
    pub(super) next_id: u64,
    pub(super) epoch: u32,
    pub(super) log_id: u64,
    /// Last seq used, or skipped because it may have been shown.
    pub(super) last_seq: Seq,
}

/// Appends to the log. There is at most one a directory: it owns the lock.
pub struct Writer {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) config: Config,
    pub(super) published: Arc<Published>,
    pub(super) tail: Tail,
    pub(super) durable: Seq,
    marked: Seq,
    /// Highest reserve written, and highest synced.
    pub(super) reserved: Seq,
    pub(super) reserved_durable: Seq,
    pub(super) dirty: bool,
    pub(super) failed: bool,
    /// The next segment, while somebody else prepares it. Ends without one when the preparation failed or was dropped.
    pub(super) handed: Option<Receiver<Prepared>>,
    _lock: Box<dyn Send + Sync>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("last_seq", &self.tail.last_seq)
            .field("durable", &self.durable)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        config: Config,
        published: Arc<Published>,
        tail: Tail,
        lock: Box<dyn Send + Sync>,
    ) -> Result<Writer, JournalError> {
        let durable = tail.last_seq;
        let mut writer = Writer {
            disk,
            config,
            published,
            tail,
            durable,
            marked: 0,
            reserved: 0,
            reserved_durable: 0,
            dirty: false,
            failed: false,
            handed: None,
            _lock: lock,
        };
        writer.published.set_durable(durable);
        if writer.has_room(TAIL_ROOM_BYTES) {
            let control = writer.opening();
            writer.write_control(&control)?;
            writer.sync()?;
        }
        Ok(writer)
    }

    /// What readers share.
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }

    /// Seq that the next event must have.
    pub fn next_seq(&self) -> Seq {
        self.tail.last_seq + 1
    }

    /// Can it still take anything? Not after a failure that may have left half a frame.
    pub fn is_alive(&self) -> bool {
        !self.failed
    }

    /// Epoch of what is written.
    pub fn epoch(&self) -> u32 {
        self.tail.epoch
    }

    /// Writes the batch's frames and shows them to readers; durable only after [`Writer::sync`]. When no further segment
    /// can be had because the disk is full ([`JournalError::is_disk_full`]) and the writer [is alive](Writer::is_alive), what
    /// fitted was written and shown, up to `next_seq() - 1`; the same batch, called again, goes on behind it. After any
    /// other error the writer is dead.
    pub fn append(&mut self, batch: &mut Batch) -> Result<Appended, JournalError> {
        self.check_alive()?;
        let (Some(first), Some(last)) = (batch.unwritten_seq(), batch.last_seq()) else {
            return Err(JournalError::Misuse(
                "a batch without a frame to write".to_owned(),
            ));
        };
        if first != self.next_seq() {
            return Err(JournalError::Misuse(format!(
                "seq {first} does not follow {}",
                self.tail.last_seq
            )));
        }
        let mut result = Ok(());
        while result.is_ok() && batch.written < batch.frames.len() {
            let some = self.append_some(batch, batch.written);
            result = some.map(|next| batch.written = next);
        }
        self.failed |= matches!(&result, Err(e) if !e.is_disk_full());
        if self.next_seq() > first && !self.failed {
            if self.config.sync.shows_unsynced() && self.tail.last_seq > self.reserved_durable {
                self.sync()?;
            }
            self.published.set_written(self.tail.last_seq);
        }
        result?;
        let active = self.active()?;
        Ok(Appended {
            last_seq: last,
            segment_id: active.header.id,
            end_offset: active.end,
        })
    }

    /// Writes the frames from `next` on that fit the active segment, or rotates. Gives the first one left.
    fn append_some(&mut self, batch: &mut Batch, next: usize) -> Result<usize, JournalError> {
        let from = batch.frames[next].start;
        let bytes = (batch.frames[next].end() - from) as u64;
        let limit = self
            .tail
            .active
            .as_ref()
            .map_or(0, |a| a.header.file_bytes - TAIL_ROOM_BYTES);
        let end = self.tail.active.as_ref().map_or(0, |a| a.end);
        let control = self.due_control(batch.last_seq().unwrap_or(0));
        let room = limit.saturating_sub(end + control.len() as u64);
        if bytes > room {
            let prepared = self.take_prepared(bytes)?;
            self.rotate(
                prepared,
                batch.frames[next].begins_with(),
                batch.frames[next].logged_at,
            )?;
            return Ok(next);
        }
        let fits = batch.frames[next..]
            .iter()
            .take_while(|f| (f.end() - from) as u64 <= room)
            .count();
        let upto = next + fits;
        let Batch { bytes, frames, .. } = batch;
        let written = &frames[next..upto];
        let (last, stop) = written.last().map_or((0, from), |f| (f.last_seq(), f.end()));
        let start = from - control.len();
        bytes[start..from].copy_from_slice(&control);
        let epoch = self.tail.epoch;
        let active = self.active_mut()?;
        let base = active.end;
        active.chain_control(&control);
        for frame in written {
            let payload = frame.start + FRAME_HEADER_BYTES;
            let header = FrameHeader {
                payload_crc: crc32c::crc32c(&bytes[payload..payload + frame.payload_bytes as usize]),
                first_seq: frame.first_seq,
                payload_bytes: frame.payload_bytes,
                count: frame.count,
                epoch,
                tenant: frame.tenant,
                kind: frame.kind as u8,
                schema: EVENTS_SCHEMA,
            };
            let out = &mut bytes[frame.start..payload];
            header.encode(active.shared.salt, base + (frame.start - start) as u64, out);
            active.digest = chain(active.digest, out);
            active.frames += 1;
        }
        let result = active.write(&bytes[start..stop], last);
        self.dirty = true;
        self.failed |= result.is_err();
        result?;
        self.tail.last_seq = last;
        self.controls_written(&control);
        Ok(upto)
    }

    /// Makes everything written durable.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.check_alive()?;
        if self.dirty {
            let active = self.active()?;
            if let Err(e) = active.shared.file.sync() {
                let error = JournalError::io("sync", &active.shared.path, e);
                self.failed = true;
                return Err(error);
            }
            self.dirty = false;
        }
        self.durable = self.tail.last_seq;
        self.reserved_durable = self.reserved;
        self.published.set_durable(self.durable);
        Ok(())
    }

    /// Writes a marker of its own, when something was synced that no marker covers yet: for idle times. Not synced.
    pub fn marker(&mut self) -> Result<(), JournalError> {
        self.check_alive()?;
        // What closing needs stays free.
        if self.durable == self.marked || !self.has_room(TAIL_ROOM_BYTES - 64) {
            return Ok(());
        }
        let control = self.due_control(self.tail.last_seq);
        self.write_control(&control)
    }

    /// Ends writing: everything synced, marked, and noted as closed.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.sync()?;
        if !self.has_room(TAIL_ROOM_BYTES / 2) {
            return Ok(());
        }
        let active = self.active()?;
        let (salt, end, epoch) = (active.shared.salt, active.end, self.tail.epoch);
        let mut control = control::Frames::new(salt, end, epoch);
        control.seq(Kind::Marker, self.durable);
        control.session(self.session(false), self.tail.last_seq);
        let control = control.done();
        self.write_control(&control)?;
        self.sync()
    }

    /// Share of the active segment that is used, 0 to 1, for deciding when to prepare the next one.
    pub fn used(&self) -> f64 {
        self.tail
            .active
            .as_ref()
            .map_or(1.0, |a| a.end as f64 / a.header.file_bytes as f64)
    }

    /// The next segment's preparation, if there is no spare one and none under way: run it on any thread, then
    /// [`Writer::install`] it. A rotation that comes sooner waits for it, so it must be run or dropped, and not by whoever
    /// appends after having kept it.
    pub fn preparation(&mut self) -> Option<Preparation> {
        match self.handed.as_ref().map(Receiver::try_recv) {
            Some(Ok(prepared)) => self.install(prepared),
            Some(Err(TryRecvError::Empty)) => return None,
            Some(Err(TryRecvError::Disconnected)) | None => self.handed = None,
        }
        if self.tail.spare.is_some() {
            return None;
        }
        let (done, handed) = channel();
        self.handed = Some(handed);
        Some(Preparation {
            done: Some(done),
            ..self.preparation_of(self.config.segment_bytes)
        })
    }

    /// Takes a prepared segment as the spare one.
    pub fn install(&mut self, prepared: Prepared) {
        if self.tail.spare.is_none() && prepared.header.id == self.tail.next_id {
            self.handed = None;
            self.tail.spare = Some(prepared);
        }
    }

    /// Prepares the next segment here and now, unless there is a spare one: 1 ms a MiB. A failure harms nothing.
    pub fn prepare_next(&mut self) -> Result<(), JournalError> {
        if let Some(preparation) = self.preparation() {
            let prepared = preparation.run()?;
            self.install(prepared);
        }
        Ok(())
    }

    /// The control frames that a segment, or a session in one, begins with.
    pub(super) fn opening(&self) -> Vec<u8> {
        let Some(active) = &self.tail.active else {
            return Vec::new();
        };
        let mut control = control::Frames::new(active.shared.salt, active.end, self.tail.epoch);
        control.seq(Kind::Marker, self.durable);
        control.session(self.session(true), self.tail.last_seq);
        if self.config.sync.shows_unsynced() {
            control.seq(
                Kind::Reserve,
                self.reserved.max(self.tail.last_seq + RESERVE_SEQS),
            );
        }
        control.done()
    }

    /// The control frames that belong before events up to `last`.
    fn due_control(&self, last: Seq) -> control::Small {
        let Some(active) = &self.tail.active else {
            return control::Small::default();
        };
        let mut control = control::Frames::new(active.shared.salt, active.end, self.tail.epoch);
        if self.durable > self.marked {
            control.seq(Kind::Marker, self.durable);
        }
        if self.config.sync.shows_unsynced() && last + RESERVE_SEQS / 2 > self.reserved {
            control.seq(Kind::Reserve, last + RESERVE_SEQS);
        }
        control.done()
    }

    fn session(&self, opened: bool) -> Session {
        Session {
            boot_id: self.config.boot_id,
            opened,
            shows_unsynced: self.config.sync.shows_unsynced(),
        }
    }

    pub(super) fn write_control(&mut self, control: &[u8]) -> Result<(), JournalError> {
        if control.is_empty() {
            return Ok(());
        }
        let active = self.active_mut()?;
        active.chain_control(control);
        let last = active.shared.last_seq();
        let result = active.write(control, last);
        self.dirty = true;
        self.failed |= result.is_err();
        result?;
        self.controls_written(control);
        Ok(())
    }

    /// Takes note of markers and reserves that were written.
    fn controls_written(&mut self, control: &[u8]) {
        for (kind, seq, _) in control::each(control) {
            match kind {
                k if k == Kind::Marker as u8 => self.marked = self.marked.max(seq),
                k if k == Kind::Reserve as u8 => self.reserved = self.reserved.max(seq),
                _ => {}
            }
        }
    }

    /// Are `bytes` free before the end of the active segment?
    fn has_room(&self, bytes: u64) -> bool {
        self.tail
            .active
            .as_ref()
            .is_some_and(|a| a.end + bytes <= a.header.file_bytes)
    }

    fn check_alive(&self) -> Result<(), JournalError> {
        if self.failed {
            return Err(JournalError::Misuse(
                "an earlier write or sync failed; the log takes nothing more until it is opened again"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn active(&self) -> Result<&Active, JournalError> {
        self.tail.active.as_ref().ok_or_else(no_active)
    }

    fn active_mut(&mut self) -> Result<&mut Active, JournalError> {
        self.tail.active.as_mut().ok_or_else(no_active)
    }
}

fn no_active() -> JournalError {
    JournalError::Misuse("no segment is active".to_owned())
}

impl Active {
    fn chain_control(&mut self, control: &[u8]) {
        for (_, _, header) in control::each(control) {
            self.digest = chain(self.digest, header);
            self.frames += 1;
        }
    }

    /// Writes at the end and shows it.
    fn write(&mut self, bytes: &[u8], last_seq: Seq) -> Result<(), JournalError> {
        let shared = &self.shared;
        (shared.file)
            .write_at(bytes, self.end)
            .map_err(|e| JournalError::io("write", &shared.path, e))?;
        self.end += bytes.len() as u64;
        shared.show(self.end, last_seq);
        Ok(())
    }
}
