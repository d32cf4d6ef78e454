//! A segment: its two headers, its preparation, and what readers share of it.

use super::JournalError;
use super::disk::{Disk, DiskFile};
use super::format::*;
use super::frame::Salt;
use super::recycle::Recycler;
use super::sidecar::SidecarSlot;
use crate::collections::sync::AtomicU64;
use crate::model::{Seq, UnixMs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

const MAGIC: [u8; 8] = *b"SLADLOG1";
const HEADER_BYTES: usize = 128;

/// States of a segment, as the generation of its header counts them.
pub(super) const PREPARED: u32 = 0;
pub(super) const STARTED: u32 = 1;
pub(super) const SEALED: u32 = 2;

/// A segment's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SegmentHeader {
    pub(super) id: u64,
    pub(super) epoch: u32,
    pub(super) generation: u32,
    pub(super) first_seq: Seq,
    pub(super) created_at: UnixMs,
    pub(super) file_bytes: u64,
    pub(super) log_id: u64,
    pub(super) sealed_end: u64,
    pub(super) last_seq: Seq,
    pub(super) digest: u64,
    pub(super) frames: u64,
    pub(super) lost_from: Seq,
    pub(super) lost_to: Seq,
    pub(super) cut_bytes: u64,
    pub(super) next_epoch: u32,
}

/// What one header block holds.
pub(super) enum HeaderRead {
    Valid(SegmentHeader),
    TooNew(u32),
    Invalid,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; HEADER_BLOCK_BYTES as usize] {
        let mut out = [0; HEADER_BLOCK_BYTES as usize];
        put(&mut out, 0, MAGIC);
        put(&mut out, 12, FORMAT_VERSION.to_le_bytes());
        put(&mut out, 16, self.id.to_le_bytes());
        put(&mut out, 24, self.epoch.to_le_bytes());
        put(&mut out, 28, self.generation.to_le_bytes());
        put(&mut out, 32, self.first_seq.to_le_bytes());
        put(&mut out, 40, self.created_at.to_le_bytes());
        put(&mut out, 48, self.file_bytes.to_le_bytes());
        put(&mut out, 56, self.log_id.to_le_bytes());
        put(&mut out, 64, self.sealed_end.to_le_bytes());
        put(&mut out, 72, self.last_seq.to_le_bytes());
        put(&mut out, 80, self.digest.to_le_bytes());
        put(&mut out, 88, self.frames.to_le_bytes());
        put(&mut out, 96, self.lost_from.to_le_bytes());
        put(&mut out, 104, self.lost_to.to_le_bytes());
        put(&mut out, 112, self.cut_bytes.to_le_bytes());
        put(&mut out, 120, self.next_epoch.to_le_bytes());
        let crc = crc32c::crc32c(&out[12..HEADER_BYTES]);
        put(&mut out, 8, crc.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> HeaderRead {
        let Some(bytes) = bytes.get(..HEADER_BYTES) else {
            return HeaderRead::Invalid;
        };
        if bytes[..8] != MAGIC || u32_at(bytes, 8) != crc32c::crc32c(&bytes[12..]) {
            return HeaderRead::Invalid;
        }
        if u32_at(bytes, 12) > FORMAT_VERSION {
            return HeaderRead::TooNew(u32_at(bytes, 12));
        }
        HeaderRead::Valid(SegmentHeader {
            id: u64_at(bytes, 16),
            epoch: u32_at(bytes, 24),
            generation: u32_at(bytes, 28),
            first_seq: u64_at(bytes, 32),
            created_at: u64_at(bytes, 40) as i64,
            file_bytes: u64_at(bytes, 48),
            log_id: u64_at(bytes, 56),
            sealed_end: u64_at(bytes, 64),
            last_seq: u64_at(bytes, 72),
            digest: u64_at(bytes, 80),
            frames: u64_at(bytes, 88),
            lost_from: u64_at(bytes, 96),
            lost_to: u64_at(bytes, 104),
            cut_bytes: u64_at(bytes, 112),
            next_epoch: u32_at(bytes, 120),
        })
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.generation >= SEALED
    }

    pub(super) fn salt(&self) -> Salt {
        Salt::new(self.log_id, self.id)
    }
}

/// Name of a segment's file.
pub(super) fn name_of(id: u64) -> String {
    format!("log-{id:016}.slad")
}

/// Id of a segment by the name of its file; `None`: not a segment.
pub(super) fn id_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".slad")?;
    (digits.len() == 16).then(|| digits.parse().ok())?
}

/// A started segment as readers share it. `end` grows while it is the active one.
#[derive(Debug)]
pub struct Segment {
    pub(super) id: u64,
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) salt: Salt,
    pub(super) epoch: u32,
    pub(super) first_seq: Seq,
    /// `logged_at` of its first event; 0: not known.
    pub(super) created_at: UnixMs,
    pub(super) file_bytes: u64,
    /// Offset after the last published frame.
    pub(super) end: AtomicU64,
    /// Last published seq; `first_seq - 1` when there is none.
    pub(super) last_seq: AtomicU64,
    pub(super) sealed: AtomicBool,
    /// Once sealed: the digest that its header says.
    pub(super) digest: AtomicU64,
    /// Once sealed: its index file.
    pub(super) sidecar: SidecarSlot,
}

impl Segment {
    /// Last published seq. Everything up to it lies before an `end` loaded afterwards.
    pub(super) fn last_seq(&self) -> Seq {
        self.last_seq.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Shows what was written up to `end`. The end first: who sees the seq must find its frame before the end.
    pub(super) fn show(&self, end: u64, last_seq: Seq) {
        self.end.store(end, Ordering::Release);
        self.last_seq.store(last_seq, Ordering::Release);
    }
}

/// A segment that can be made ahead of need, on any thread.
#[derive(Debug)]
pub struct Preparation {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) header: SegmentHeader,
    /// Files to be used again.
    pub(super) recycler: Arc<Recycler>,
    /// Where the writer looks for it when it needs it before it is installed.
    pub(super) done: Option<Sender<Prepared>>,
}

/// A segment that is ready for use.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) header: SegmentHeader,
}

impl Preparation {
    /// Creates (or takes a retired one), zero-fills, heads, syncs and names the file: about 1 ms a MiB. A failure leaves
    /// at most a `.tmp`.
    pub fn run(self) -> Result<Prepared, JournalError> {
        let name = name_of(self.header.id);
        let tmp = name.replace(".slad", ".tmp");
        let path = self.disk.path(&tmp);
        let io = |op| {
            let path = path.clone();
            move |e| JournalError::io(op, &path, e)
        };
        let file = match self.recycler.take(&*self.disk, self.header.file_bytes, &tmp) {
            Some(file) => file,
            None => self.disk.create(&tmp).map_err(io("create"))?,
        };
        let prepare = || {
            file.zero_fill(self.header.file_bytes)
                .map_err(io("preallocate"))?;
            write_headers(&*file, &self.header).map_err(io("write"))?;
            file.sync().map_err(io("sync"))?;
            self.disk.rename(&tmp, &name).map_err(io("rename"))?;
            self.disk.sync_dir().map_err(io("sync directory"))
        };
        if let Err(e) = prepare() {
            // Gives the room back to a full disk; if even that fails the next start removes it.
            let _ = self.disk.remove(&tmp);
            return Err(e);
        }
        let prepared = Prepared {
            file,
            header: self.header,
        };
        if let Some(done) = &self.done {
            // A writer that is gone needs none.
            let _ = done.send(prepared.clone());
        }
        Ok(prepared)
    }
}

/// Writes both copies at once: only for a file that nobody relies on yet.
pub(super) fn write_headers(file: &dyn DiskFile, header: &SegmentHeader) -> std::io::Result<()> {
    let block = header.encode();
    file.write_at(&block, 0)?;
    file.write_at(&block, HEADER_BLOCK_BYTES)
}
