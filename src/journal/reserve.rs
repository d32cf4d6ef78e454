//! The reserve: a segment's worth of disk, taken while there is some and used when there is none.
//!
//! A file of zeros becomes the next segment without a byte of the disk: its headers are written in place, then it gets the
//! segment's name. So facts go on being recorded for a while on a full disk; how long is the caller's to watch with
//! [`Writer::room_bytes`]. Cost: making it is what a segment costs, 1 ms a MiB, on any thread; using it two syncs.
//!
//! On a file system that copies on write even a preallocated file takes room when it is written to: there the reserve
//! helps nothing, and a full disk is a failed write.

use super::JournalError;
use super::disk::{Disk, DiskFile};
use super::format::*;
use super::segment::*;
use super::writer::Writer;
use std::io;
use std::sync::Arc;

/// A file of zeros that can become a segment.
#[derive(Debug)]
pub struct Reserve {
    file: Arc<dyn DiskFile>,
    file_bytes: u64,
}

/// A reserve that can be made on any thread.
#[derive(Debug)]
pub struct ReservePreparation {
    disk: Arc<dyn Disk>,
    file_bytes: u64,
}

impl ReservePreparation {
    /// Creates, zero-fills, syncs and names the file: about 1 ms a MiB. A failure leaves at most a `.tmp`.
    pub fn run(self) -> Result<Reserve, JournalError> {
        let path = self.disk.path(RESERVE_TMP);
        let io = |op| {
            let path = path.clone();
            move |e| JournalError::io(op, &path, e)
        };
        let file = self.disk.create(RESERVE_TMP).map_err(io("create"))?;
        let made = || {
            file.zero_fill(self.file_bytes).map_err(io("preallocate"))?;
            file.sync().map_err(io("sync"))?;
            (self.disk.rename(RESERVE_TMP, RESERVE_NAME)).map_err(io("rename"))?;
            self.disk.sync_dir().map_err(io("sync directory"))
        };
        if let Err(e) = made() {
            // Gives the room back to a full disk; if even that fails the next start removes it.
            let _ = self.disk.remove(RESERVE_TMP);
            return Err(e);
        }
        Ok(Reserve {
            file,
            file_bytes: self.file_bytes,
        })
    }
}

impl Reserve {
    /// The reserve that an earlier start left. One of another length is removed: segments have another one now.
    pub(super) fn find(disk: &dyn Disk, segment_bytes: u64) -> Result<Option<Reserve>, JournalError> {
        let path = disk.path(RESERVE_NAME);
        let io = |op| {
            let path = path.clone();
            move |e| JournalError::io(op, &path, e)
        };
        let file = match disk.open(RESERVE_NAME) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io("open")(e)),
        };
        if file.len().map_err(io("stat"))? == segment_bytes {
            return Ok(Some(Reserve {
                file,
                file_bytes: segment_bytes,
            }));
        }
        disk.remove(RESERVE_NAME).map_err(io("remove"))?;
        Ok(None)
    }

    /// Gives it the headers and the name of a segment. Nothing but headers is written before the name is durable, so
    /// that whatever has the reserve's name is all zeros behind them.
    fn become_segment(&self, disk: &dyn Disk, header: &SegmentHeader) -> Result<(), JournalError> {
        let path = disk.path(RESERVE_NAME);
        let io = |op| {
            let path = path.clone();
            move |e| JournalError::io(op, &path, e)
        };
        write_headers(&*self.file, header).map_err(io("write"))?;
        self.file.sync().map_err(io("sync"))?;
        (disk.rename(RESERVE_NAME, &name_of(header.id))).map_err(io("rename"))?;
        disk.sync_dir().map_err(io("sync directory"))
    }
}

impl Writer {
    /// Bytes that can be written without a further file: what is left of the active segment, the spare one, the
    /// reserve. A frame that does not fit the rest of a segment begins the next one, so a little less than this is sure.
    pub fn room_bytes(&self) -> u64 {
        let usable =
            |bytes: u64| bytes.saturating_sub(DATA_START + CONTROL_ROOM_BYTES as u64 + TAIL_ROOM_BYTES);
        let active = (self.tail.active.as_ref())
            .map_or(0, |a| a.header.file_bytes.saturating_sub(a.end + TAIL_ROOM_BYTES));
        let spare = self
            .tail
            .spare
            .as_ref()
            .map_or(0, |s| usable(s.header.file_bytes));
        let reserve = self.tail.reserve.as_ref().map_or(0, |r| usable(r.file_bytes));
        active + spare + reserve
    }

    /// Is the next segment ready?
    pub fn has_spare(&self) -> bool {
        self.tail.spare.is_some()
    }

    /// Is there a reserve?
    pub fn has_reserve(&self) -> bool {
        self.tail.reserve.is_some()
    }

    /// Is there a file to write to: an active segment, a spare one, or the reserve?
    pub fn has_file(&self) -> bool {
        self.tail.active.is_some() || self.has_spare() || self.has_reserve()
    }

    /// Bytes free on the disk.
    pub fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }

    /// The reserve's preparation, unless there is one: run it on any thread, one at a time, then
    /// [`Writer::install_reserve`] it.
    pub fn reserve_preparation(&self) -> Option<ReservePreparation> {
        (!self.has_reserve()).then(|| ReservePreparation {
            disk: Arc::clone(&self.disk),
            file_bytes: self.config.segment_bytes,
        })
    }

    /// Takes a reserve.
    pub fn install_reserve(&mut self, reserve: Reserve) {
        self.tail.reserve = Some(reserve);
    }

    /// Makes the reserve here and now, unless there is one: 1 ms a MiB. A failure harms nothing.
    pub fn make_reserve(&mut self) -> Result<(), JournalError> {
        if let Some(preparation) = self.reserve_preparation() {
            let reserve = preparation.run()?;
            self.install_reserve(reserve);
        }
        Ok(())
    }

    /// The reserve as the next segment, if a frame of which it has to hold `need` bytes fits.
    pub(super) fn use_reserve(&mut self, need: u64) -> Option<Result<Prepared, JournalError>> {
        let reserve = self.tail.reserve.take_if(|r| r.file_bytes >= need)?;
        let header = self.preparation_of(reserve.file_bytes).header;
        if let Err(e) = reserve.become_segment(&*self.disk, &header) {
            self.tail.reserve = Some(reserve);
            return Some(Err(e));
        }
        // One that was too small had the same name.
        self.tail.spare = None;
        Some(Ok(Prepared {
            file: reserve.file,
            header,
        }))
    }
}
