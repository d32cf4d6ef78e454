//! Arrays in blocks that carry their own checksum, so that a look into an index file proves what it looks at and reads
//! nothing else.
//!
//! Cost of a look: one page from the cache, 0.3 µs for its checksum.

use super::disk::DiskFile;
use super::format::put;

/// A block, its checksum included.
pub(super) const BLOCK_BYTES: usize = 4096;
/// Checksum, and 4 bytes of zero.
const BLOCK_HEADER_BYTES: usize = 8;
/// What entries may take of a block.
const ROOM_BYTES: usize = BLOCK_BYTES - BLOCK_HEADER_BYTES;

/// The file does not hold what was written, or could not be read: make it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// Whose block it is: a CRC over log id, segment id and the segment's digest.
pub(super) fn salt(log_id: u64, segment_id: u64, digest: u64) -> u32 {
    let crc = crc32c::crc32c(&log_id.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &segment_id.to_le_bytes());
    crc32c::crc32c_append(crc, &digest.to_le_bytes())
}

fn block_crc(salt: u32, number: u32, block: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(salt, &u64::from(number).to_le_bytes());
    crc32c::crc32c_append(crc, &block[4..])
}

/// Where an array stands: its first block, and its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) block: u32,
    pub(super) entries: u32,
}

/// Entries of `entry_bytes` that fit a block.
pub(super) const fn per_block(entry_bytes: usize) -> u32 {
    (ROOM_BYTES / entry_bytes) as u32
}

/// Blocks that so many entries take.
pub(super) const fn blocks_of(entries: u32, entry_bytes: usize) -> u32 {
    entries.div_ceil(per_block(entry_bytes))
}

/// Adds an array to a file that has whole blocks so far.
pub(super) fn lay<const N: usize>(
    out: &mut Vec<u8>,
    salt: u32,
    entries: impl ExactSizeIterator<Item = [u8; N]>,
) -> Section {
    let section = Section {
        block: (out.len() / BLOCK_BYTES) as u32,
        entries: entries.len() as u32,
    };
    let most = per_block(N);
    let mut start = None;
    for (n, entry) in (0u32..).zip(entries) {
        if n % most == 0 {
            close(out, salt, start);
            start = Some(out.len());
            out.resize(out.len() + BLOCK_HEADER_BYTES, 0);
        }
        out.extend_from_slice(&entry);
    }
    close(out, salt, start);
    section
}

/// Fills the block that begins at `start` up and gives it its checksum.
fn close(out: &mut Vec<u8>, salt: u32, start: Option<usize>) {
    let Some(start) = start else {
        return;
    };
    out.resize(start + BLOCK_BYTES, 0);
    let block = &mut out[start..];
    let crc = block_crc(salt, (start / BLOCK_BYTES) as u32, block);
    put(block, 0, crc.to_le_bytes());
}

/// A file of blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) file: &'a dyn DiskFile,
    pub(super) salt: u32,
}

impl Blocks<'_> {
    /// Gives the entries `[from, to)` of an array to `f`, until it returns false.
    pub(super) fn each<const N: usize>(
        &self,
        section: Section,
        from: u32,
        to: u32,
        mut f: impl FnMut(u32, [u8; N]) -> bool,
    ) -> Result<(), Damaged> {
        let most = per_block(N);
        let mut next = from;
        let to = to.min(section.entries);
        while next < to {
            let number = section.block + next / most;
            let bytes = (self.file)
                .read(u64::from(number) * BLOCK_BYTES as u64, BLOCK_BYTES)
                .map_err(|_| Damaged)?;
            if super::format::u32_at(&bytes, 0) != block_crc(self.salt, number, &bytes) {
                return Err(Damaged);
            }
            let stop = to.min((next / most + 1) * most);
            while next < stop {
                let at = BLOCK_HEADER_BYTES + (next % most) as usize * N;
                let entry = bytes.get(at..at + N).and_then(|b| b.try_into().ok());
                if !f(next, entry.ok_or(Damaged)?) {
                    return Ok(());
                }
                next += 1;
            }
        }
        Ok(())
    }

    /// One entry.
    pub(super) fn entry<const N: usize>(&self, section: Section, n: u32) -> Result<[u8; N], Damaged> {
        let mut found = None;
        self.each(section, n, n.saturating_add(1), |_, entry| {
            found = Some(entry);
            false
        })?;
        found.ok_or(Damaged)
    }

    /// Number of the first entry of `[from, to)` for which `is_before` does not hold; they are ordered by it.
    pub(super) fn partition_point<const N: usize>(
        &self,
        section: Section,
        from: u32,
        to: u32,
        is_before: impl Fn([u8; N]) -> Result<bool, Damaged>,
    ) -> Result<u32, Damaged> {
        let (mut low, mut high) = (from, to);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(self.entry(section, middle)?)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::disk::Disk;
    use crate::journal::sim::SimDisk;

    fn checked<const N: usize>(counts: impl IntoIterator<Item = u32>) {
        for count in counts {
            let entry = |n: u32| -> [u8; N] { std::array::from_fn(|at| (n as usize * 31 + at) as u8) };
            let mut out = vec![0; BLOCK_BYTES];
            let first = lay(&mut out, 7, (0..count as usize).map(|n| entry(n as u32)));
            let second = lay(&mut out, 7, [[9; N]].into_iter());
            assert_eq!(out.len() % BLOCK_BYTES, 0);
            assert_eq!((first.block, second.block), (1, 1 + blocks_of(count, N)));
            let disk = SimDisk::new();
            disk.put("x", out.clone());
            let file = disk.open("x").unwrap();
            let blocks = Blocks {
                file: &*file,
                salt: 7,
            };
            let mut read = Vec::new();
            blocks
                .each(first, 0, u32::MAX, |n, e: [u8; N]| {
                    read.push((n, e));
                    true
                })
                .unwrap();
            assert_eq!(
                read,
                (0..count).map(|n| (n, entry(n))).collect::<Vec<_>>(),
                "{count} of {N} bytes"
            );
            assert_eq!(blocks.entry(second, 0), Ok([9; N]));
            assert_eq!(blocks.entry::<N>(second, 1), Err(Damaged));
            let other = Blocks { salt: 8, ..blocks };
            assert_eq!(other.entry::<N>(second, 0), Err(Damaged), "another file's block");
            let moved = Section { block: 0, entries: 1 };
            assert_eq!(blocks.entry::<N>(moved, 0), Err(Damaged));
        }
    }

    #[test]
    fn arrays_of_any_length_fill_their_blocks() {
        checked::<4>([0, 1, 1021, 1022, 1023, 2044, 5000]);
        checked::<8>([0, 510, 511, 512, 1022]);
        checked::<12>([339, 340, 341, 680]);
        checked::<20>([203, 204, 205]);
        checked::<1>([4087, 4088, 4089]);
    }
}
