//! A file of the simulated disk: what programs see, and how to take back what was written since its last sync.
//!
//! Cost: a write copies what it overwrites; a sync forgets that.

/// Unsynced bytes survive or vanish in units of this size.
const SECTOR_BYTES: usize = 512;

/// A file.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub(super) now: Vec<u8>,
    /// Length at the last sync.
    synced_len: usize,
    /// Writes since the last sync, in order.
    unsynced: Vec<Overwrite>,
    /// What those writes overwrote, one after the other.
    old: Vec<u8>,
}

/// A write that a loss of power may take back.
#[derive(Debug, Clone, Copy)]
struct Overwrite {
    offset: usize,
    length: usize,
    /// Where in `old` the bytes begin that were there before; beyond the end of the file there were none.
    old_at: usize,
    old_length: usize,
}

impl Content {
    pub(super) fn synced(bytes: Vec<u8>) -> Content {
        Content {
            synced_len: bytes.len(),
            now: bytes,
            ..Content::default()
        }
    }

    /// Makes room for a write of `length` bytes and notes what it overwrites.
    pub(super) fn overwrite(&mut self, offset: usize, length: usize) -> &mut [u8] {
        let old = self.now.get(offset..).unwrap_or(&[]);
        let old = &old[..old.len().min(length)];
        self.unsynced.push(Overwrite {
            offset,
            length,
            old_at: self.old.len(),
            old_length: old.len(),
        });
        self.old.extend_from_slice(old);
        if self.now.len() < offset + length {
            self.now.resize(offset + length, 0);
        }
        &mut self.now[offset..offset + length]
    }

    /// Was it written to since its last sync?
    pub(super) fn is_dirty(&self) -> bool {
        !self.unsynced.is_empty()
    }

    pub(super) fn sync(&mut self) {
        self.synced_len = self.now.len();
        self.unsynced.clear();
        self.old.clear();
    }

    /// Cuts the file. What is cut off is gone for good: only files that no start relies on are cut.
    pub(super) fn truncate(&mut self, length: usize) {
        self.now.truncate(length);
        self.synced_len = self.synced_len.min(length);
        self.unsynced.retain_mut(|write| {
            write.length = write.length.min(length.saturating_sub(write.offset));
            write.old_length = write.old_length.min(write.length);
            write.length > 0
        });
    }

    /// Takes writes back, sector by sector, from the newest to the oldest, until the sector's coin says that it had
    /// reached the disk by then.
    pub(super) fn lose(&mut self, mut survives: impl FnMut() -> bool) {
        let mut settled = vec![false; self.now.len().div_ceil(SECTOR_BYTES)];
        let mut length = self.synced_len;
        for write in std::mem::take(&mut self.unsynced).into_iter().rev() {
            let end = write.offset + write.length;
            let mut at = write.offset;
            while at < end {
                let sector = at / SECTOR_BYTES;
                let stop = ((sector + 1) * SECTOR_BYTES).min(end);
                if settled[sector] || survives() {
                    settled[sector] = true;
                    length = length.max(stop);
                } else {
                    let old = write.old_at + (at - write.offset).min(write.old_length)
                        ..write.old_at + (stop - write.offset).min(write.old_length);
                    let (back, fresh) = self.now[at..stop].split_at_mut(old.len());
                    back.copy_from_slice(&self.old[old]);
                    fresh.fill(0);
                }
                at = stop;
            }
        }
        self.now.truncate(length);
        self.sync();
    }
}
