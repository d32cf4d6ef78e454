//! A file read through memory.
//!
//! The mapping covers the whole file, but bytes are handed out only for ranges that the log has published, which
//! nobody writes again. A file that is truncated from outside while it is mapped ends in SIGBUS: see [`super::sigbus`].
#![expect(
    unsafe_code,
    reason = "a mapping is the only way to read published frames without a copy and a system call each"
)]

use super::sigbus::Known;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// A read-only, shared mapping of a file at the length it had.
#[derive(Debug)]
pub(super) struct Map {
    // Dropped before the mapping: what is known must be there.
    _known: Known,
    raw: MmapRaw,
}

impl Map {
    /// Maps the file, which must stay open as long. Fails on an empty one.
    pub(super) fn new(file: &File) -> io::Result<Map> {
        let raw = MmapOptions::new().map_raw_read_only(file)?;
        Ok(Map {
            _known: Known::new(raw.as_ptr() as usize, raw.len(), file.as_raw_fd()),
            raw,
        })
    }

    /// Its length, bytes.
    pub(super) fn len(&self) -> usize {
        self.raw.len()
    }

    /// The bytes `[offset, offset + length)`, or `None` beyond the mapping. They must be published: written before,
    /// and not again while the borrow lives.
    pub(super) fn bytes(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        if offset.checked_add(length)? > self.raw.len() {
            return None;
        }
        // SAFETY: the range lies inside the mapping, which lives as long as `self`; u8 has no alignment and no
        // invalid values; and by the contract above no write to these bytes of the file happens meanwhile.
        Some(unsafe { std::slice::from_raw_parts(self.raw.as_ptr().add(offset), length) })
    }
}
