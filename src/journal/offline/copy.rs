//! Bytes from file to file, as cheaply as the file system has it: shared extents where it can (`copy_file_range`), plain reads
//! and writes elsewhere. Never hard links: segments are rewritten in place when they are sealed or used again.

use crate::journal::JournalError;
use crate::journal::format::{DATA_START, HEADER_BLOCK_BYTES};
use crate::journal::segment::SegmentHeader;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes copied between two words of progress.
const PIECE_BYTES: u64 = 8 << 20;

/// Copies `[from, to)` to the same place of another file.
fn range(source: &File, target: &File, from: u64, to: u64, on_bytes: &mut dyn FnMut(u64)) -> io::Result<()> {
    let (mut at, mut by_hand) = (from, false);
    let mut buffer = Vec::new();
    while at < to {
        let piece = (to - at).min(PIECE_BYTES) as usize;
        let n = if by_hand {
            buffer.resize(piece.min(1 << 20), 0);
            let n = source.read_at(&mut buffer, at)?;
            target.write_all_at(&buffer[..n], at)?;
            n
        } else {
            let (mut off_in, mut off_out) = (at, at);
            match rustix::fs::copy_file_range(source, Some(&mut off_in), target, Some(&mut off_out), piece) {
                Ok(n) => n,
                Err(rustix::io::Errno::INTR) => continue,
                // Two file systems, or one that has no such call.
                Err(_) => {
                    by_hand = true;
                    continue;
                }
            }
        };
        if n == 0 && !by_hand {
            // Some file systems say nothing was copied where they mean that they cannot.
            by_hand = true;
        } else if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at += n as u64;
        on_bytes(n as u64);
    }
    Ok(())
}

/// A file that appears under its name once it is complete.
pub(super) struct Copying {
    file: File,
    tmp: PathBuf,
    path: PathBuf,
}

impl Copying {
    /// Begins `folder/name`.
    pub(super) fn begin(folder: &Path, name: &str) -> Result<Copying, JournalError> {
        let path = folder.join(name);
        let tmp = folder.join(format!("{name}.tmp"));
        let file = OpenOptions::new()
            .write(true)
            .read(true)
            .create(true)
            .truncate(true)
            .open(&tmp)
            .map_err(|e| JournalError::io("create", &tmp, e))?;
        Ok(Copying { file, tmp, path })
    }

    /// Takes the whole of a file over, which had this length when it was verified.
    pub(super) fn whole(
        &self,
        source: &Path,
        length: u64,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<(), JournalError> {
        let from = File::open(source).map_err(|e| JournalError::io("open", source, e))?;
        range(&from, &self.file, 0, length, on_bytes).map_err(|e| JournalError::io("copy", source, e))
    }

    /// Takes the frames of a segment over up to `end`, under this header. Behind them the file is a hole, which reads as zeros:
    /// nobody writes to a copy.
    pub(super) fn segment(
        &self,
        source: &Path,
        header: &SegmentHeader,
        end: u64,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<(), JournalError> {
        let from = File::open(source).map_err(|e| JournalError::io("open", source, e))?;
        range(&from, &self.file, DATA_START, end, on_bytes)
            .map_err(|e| JournalError::io("copy", source, e))?;
        let block = header.encode();
        let head = || {
            self.file.set_len(header.file_bytes)?;
            self.file.write_all_at(&block, 0)?;
            self.file.write_all_at(&block, HEADER_BLOCK_BYTES)
        };
        head().map_err(|e| JournalError::io("write", &self.tmp, e))
    }

    /// Syncs and names it. The caller syncs the folder.
    pub(super) fn finish(self) -> Result<(), JournalError> {
        self.file
            .sync_all()
            .and_then(|()| std::fs::rename(&self.tmp, &self.path))
            .map_err(|e| JournalError::io("write", &self.path, e))
    }
}

/// Removes the half-written file of a copy that failed; nothing else would.
pub(super) fn give_up(folder: &Path, name: &str) {
    let _ = std::fs::remove_file(folder.join(format!("{name}.tmp")));
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| JournalError::io("sync directory", folder, e))
}
