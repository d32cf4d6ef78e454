//! A file read through memory.
//!
//! The mapping covers the whole file, but bytes are handed out only for ranges that the log has published, which
//! nobody writes again. A file that is truncated from outside while it is mapped ends in SIGBUS: see [`super::sigbus`].
#![expect(
    unsafe_code,
    reason = "a mapping is the only way to read published frames without a copy and a system call each"
)]

use super::sigbus::{self, Known};
use memmap2::{MmapOptions, MmapRaw};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
        Map::known_by(file, sigbus::File::Open(file.as_raw_fd()))
    }

    /// Maps the file of this name, which need not stay open. Fails on an empty one.
    pub(super) fn named(path: &Path) -> io::Result<Map> {
        let name = CString::new(path.as_os_str().as_bytes())?;
        Map::known_by(&File::open(path)?, sigbus::File::Named(name))
    }

    fn known_by(file: &File, known: sigbus::File) -> io::Result<Map> {
        let raw = MmapOptions::new().map_raw_read_only(file)?;
        Ok(Map {
            _known: Known::new(raw.as_ptr() as usize, raw.len(), known),
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
