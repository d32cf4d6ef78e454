//! Sealing the segment that is full and starting the next one.
//!
//! Cost: one sync for the seal. The next segment is the spare one if it was prepared in time; one that is being
//! prepared is waited for; else it is made here: 1 ms a MiB; else, on a full disk, the reserve becomes it.

use super::JournalError;
use super::format::*;
use super::segment::*;
use super::sidecar::SidecarSlot;
use super::writer::{Active, Writer};
use crate::collections::sync::AtomicU64;
use crate::model::{Seq, UnixMs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl Writer {
    pub(super) fn preparation_of(&self, file_bytes: u64) -> Preparation {
        Preparation {
            disk: Arc::clone(&self.disk),
            header: SegmentHeader {
                id: self.tail.next_id,
                epoch: self.tail.epoch,
                generation: PREPARED,
                file_bytes,
                log_id: self.tail.log_id,
                ..SegmentHeader::default()
            },
            recycler: Arc::clone(self.published.recycler()),
            done: None,
        }
    }

    /// A segment that a frame of `bytes` fits: the spare one, or one made now. A frame of any legal size finds one.
    pub(super) fn take_prepared(&mut self, bytes: u64) -> Result<Prepared, JournalError> {
        // One that is under way elsewhere has this one's name: made twice, the later would replace the file of the
        // segment that is already written to.
        if let Some(handed) = self.handed.take()
            && let Ok(prepared) = handed.recv()
        {
            self.install(prepared);
        }
        let need = (DATA_START + CONTROL_ROOM_BYTES as u64 + bytes + TAIL_ROOM_BYTES).next_multiple_of(4096);
        if let Some(spare) = self.tail.spare.take_if(|s| s.header.file_bytes >= need) {
            return Ok(spare);
        }
        // A spare one that is too small is made anew under its name.
        match self.preparation_of(need.max(self.config.segment_bytes)).run() {
            Ok(prepared) => {
                self.tail.spare = None;
                Ok(prepared)
            }
            Err(e) if e.is_disk_full() => self.use_reserve(need).unwrap_or(Err(e)),
            Err(e) => Err(e),
        }
    }

    pub(super) fn rotate(
        &mut self,
        prepared: Prepared,
        first_seq: Seq,
        at: UnixMs,
    ) -> Result<(), JournalError> {
        let result = self.seal().and_then(|()| self.start(prepared, first_seq, at));
        self.failed |= result.is_err();
        result
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        let Some(active) = self.tail.active.as_mut() else {
            return Ok(());
        };
        active.header.generation = SEALED;
        active.header.sealed_end = active.end;
        active.header.last_seq = self.tail.last_seq;
        active.header.digest = active.digest;
        active.header.frames = active.frames;
        let block = active.header.encode();
        let shared = &active.shared;
        let io = |op| move |e| JournalError::io(op, &shared.path, e);
        shared
            .file
            .write_at(&block, HEADER_BLOCK_BYTES)
            .map_err(io("write"))?;
        shared.file.sync().map_err(io("sync"))?;
        // The first copy may reach the disk when it likes: the second one is whole.
        shared.file.write_at(&block, 0).map_err(io("write"))?;
        shared.digest.store(active.digest, Ordering::Relaxed);
        shared.sealed.store(true, Ordering::Release);
        self.tail.active = None;
        self.durable = self.tail.last_seq;
        self.reserved_durable = self.reserved;
        self.dirty = false;
        self.published.set_durable(self.durable);
        Ok(())
    }

    fn start(&mut self, prepared: Prepared, first_seq: Seq, at: UnixMs) -> Result<(), JournalError> {
        let header = SegmentHeader {
            generation: STARTED,
            first_seq,
            created_at: at,
            ..prepared.header
        };
        let path = self.disk.path(&name_of(header.id));
        let shared = Arc::new(Segment {
            id: header.id,
            path: path.clone(),
            salt: header.salt(),
            epoch: header.epoch,
            first_seq,
            created_at: at,
            file_bytes: header.file_bytes,
            end: AtomicU64::new(DATA_START),
            last_seq: AtomicU64::new(first_seq - 1),
            sealed: AtomicBool::new(false),
            digest: AtomicU64::new(0),
            sidecar: SidecarSlot::default(),
            file: prepared.file,
        });
        // Only the second copy: the first one stays whole whatever becomes of this write.
        (shared.file)
            .write_at(&header.encode(), HEADER_BLOCK_BYTES)
            .map_err(|e| JournalError::io("write", &path, e))?;
        self.tail.active = Some(Active {
            shared: Arc::clone(&shared),
            header,
            end: DATA_START,
            frames: 0,
            digest: 0,
        });
        self.tail.next_id = header.id + 1;
        self.published.add(shared);
        let control = self.opening();
        self.write_control(&control)?;
        if self.config.sync.shows_unsynced() {
            // Whoever opens the log after a loss of power must find the reserve, or seqs that were shown from this
            // segment would be used again.
            self.sync()?;
        }
        Ok(())
    }
}
