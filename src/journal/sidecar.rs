//! Reading the index file of a sealed segment. See [`super::format`] for the bytes.
//!
//! Opening one costs a mapping and a look at its header; a look-up reads a few pages and proves each. Nothing in it is
//! trusted beyond that: seqs that it names are read from the segment and checked there, and a file that is damaged,
//! of another segment or of another log is passed over; the keeper then makes it anew.

use super::disk::{Disk, DiskFile};
use super::format::*;
use super::lives;
use super::postings::{ListKey, list_key};
use super::segment::Segment;
use super::sidecar_blocks::*;
use crate::model::Seq;
use crate::model::command::FeedKey;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const MAGIC: [u8; 8] = *b"SLADIDX1";
pub(super) const HEADER_BYTES: usize = 120;
pub(super) const OFFSET_BYTES: usize = 8;
pub(super) const LIFE_BYTES: usize = 12;
pub(super) const POSTING_BYTES: usize = 4;
pub(super) const LIST_BYTES: usize = 20;
/// Bytes of an entry in each section, in the order of the header.
const ENTRY_BYTES: [usize; 5] = [OFFSET_BYTES, LIFE_BYTES, POSTING_BYTES, LIST_BYTES, 1];

/// Name of a segment's index file.
pub(super) fn name_of(id: u64) -> String {
    format!("index-{id:016}.slad")
}

/// Id of the segment by the name of its index file; `None`: it is none.
pub(super) fn id_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("index-")?.strip_suffix(".slad")?;
    (digits.len() == 16).then(|| digits.parse().ok())?
}

/// What is known of a segment's index file.
#[derive(Debug, Default)]
enum Known {
    /// Nobody has looked.
    #[default]
    Nothing,
    /// There is none that can be used.
    Missing,
    /// It is open.
    Open(Arc<Sidecar>),
}

/// A segment's index file, opened when first asked for. It lives as long as the segment.
#[derive(Debug, Default)]
pub(super) struct SidecarSlot(Mutex<Known>);

impl SidecarSlot {
    /// The index file, if there is one that can be used.
    pub(super) fn get(&self, disk: &dyn Disk, log_id: u64, segment: &Segment) -> Option<Arc<Sidecar>> {
        if !segment.sealed.load(Ordering::Acquire) {
            return None;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*known, Known::Nothing) {
            *known = match Sidecar::open(disk, log_id, segment) {
                Ok(Some(sidecar)) => Known::Open(Arc::new(sidecar)),
                Ok(None) => Known::Missing,
                Err(e) if e.kind() == io::ErrorKind::NotFound => Known::Missing,
                // Too many open files, say: it may be there the next time.
                Err(_) => Known::Nothing,
            };
        }
        match &*known {
            Known::Open(sidecar) => Some(Arc::clone(sidecar)),
            Known::Nothing | Known::Missing => None,
        }
    }

    /// It turned out not to hold what it should.
    pub(super) fn is_damaged(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::Missing;
    }

    /// It was written: to be looked for again.
    pub(super) fn was_written(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::Nothing;
    }

    /// Is it open?
    pub(super) fn is_open(&self) -> bool {
        matches!(
            *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            Known::Open(_)
        )
    }

    /// Must it be written? False also where nobody has looked and it may be there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(
            *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            Known::Missing
        )
    }
}

/// An index file.
#[derive(Debug)]
pub(super) struct Sidecar {
    file: Arc<dyn DiskFile>,
    salt: u32,
    first_seq: Seq,
    offsets: Section,
    lives: Section,
    postings: Section,
    lists: Section,
    names: Section,
}

impl Sidecar {
    /// Opens a segment's; `Ok(None)`: what is there is not its index.
    fn open(disk: &dyn Disk, log_id: u64, segment: &Segment) -> io::Result<Option<Sidecar>> {
        let name = name_of(segment.id);
        let file = match disk.open_read(&name) {
            // An empty file cannot be mapped.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => return Ok(None),
            file => file?,
        };
        let length = file.len()?;
        if length < BLOCK_BYTES as u64 {
            return Ok(None);
        }
        let header = file.read(0, HEADER_BYTES)?;
        let digest = segment.digest.load(Ordering::Relaxed);
        let says = [
            log_id,
            segment.id,
            digest,
            segment.first_seq,
            segment.last_seq(),
            segment.end(),
            length,
        ];
        let is_its = header[..8] == MAGIC
            && u32_at(&header, 8) == crc32c::crc32c(&header[12..])
            && u32_at(&header, 12) == INDEX_VERSION
            && (16..)
                .step_by(8)
                .zip(says)
                .all(|(at, value)| u64_at(&header, at) == value);
        let section = |n: usize| Section {
            block: u32_at(&header, 80 + n * 8),
            entries: u32_at(&header, 84 + n * 8),
        };
        let fits = (ENTRY_BYTES.iter().enumerate()).all(|(n, bytes)| {
            let Section { block, entries } = section(n);
            let end = u64::from(block) + u64::from(blocks_of(entries, *bytes));
            end * BLOCK_BYTES as u64 <= length
        });
        let sidecar = (is_its && fits).then(|| Sidecar {
            salt: salt(log_id, segment.id, digest),
            first_seq: segment.first_seq,
            offsets: section(0),
            lives: section(1),
            postings: section(2),
            lists: section(3),
            names: section(4),
            file: Arc::clone(&file),
        });
        Ok(sidecar)
    }

    fn blocks(&self) -> Blocks<'_> {
        Blocks {
            file: &*self.file,
            salt: self.salt,
        }
    }

    /// First seq and offset of the frame noted at or before `seq`.
    pub(super) fn offset_before(&self, seq: Seq) -> Result<Option<(Seq, u64)>, Damaged> {
        let read = |e: [u8; OFFSET_BYTES]| {
            let first = self.first_seq + u64::from(u32_at(&e, 0));
            (first, u64::from(u32_at(&e, 4)) * 8)
        };
        let n = (self.blocks())
            .partition_point(self.offsets, 0, self.offsets.entries, |e| Ok(read(e).0 <= seq))?;
        match n.checked_sub(1) {
            None => Ok(None),
            Some(n) => self.blocks().entry(self.offsets, n).map(|e| Some(read(e))),
        }
    }

    /// The newest event of each of the ticket's lives, newest first; a few may be another ticket's of the same hash.
    pub(super) fn lives(&self, ticket: &str) -> Result<Vec<Seq>, Damaged> {
        let wanted = lives::hash(ticket);
        let most = per_block(LIFE_BYTES);
        let hash = |n| {
            self.blocks()
                .entry::<LIFE_BYTES>(self.lives, n)
                .map(|e| u64_at(&e, 0))
        };
        // Hashes are spread evenly, so their value says where they stand, to within a block or two.
        let guess = (u128::from(wanted) * u128::from(self.lives.entries)) >> 64;
        let mut start = guess as u32 / most * most;
        while start > 0 && hash(start)? >= wanted {
            start = start.saturating_sub(most);
        }
        let mut found = Vec::new();
        let each = |_, e: [u8; LIFE_BYTES]| {
            let hash = u64_at(&e, 0);
            if hash == wanted {
                found.push(self.first_seq + u64::from(u32_at(&e, 8)));
            }
            hash <= wanted
        };
        (self.blocks()).each(self.lives, start, self.lives.entries, each)?;
        found.reverse();
        Ok(found)
    }

    /// The list of a key: its first posting, and how many it has.
    fn list(&self, key: ListKey<'_>) -> Result<(u32, u32), Damaged> {
        let n = self
            .blocks()
            .partition_point(self.lists, 0, self.lists.entries, |e| {
                self.with_key(e, |found| found < (key.0, key.1.as_bytes()))
            })?;
        if n == self.lists.entries {
            return Ok((0, 0));
        }
        let entry: [u8; LIST_BYTES] = self.blocks().entry(self.lists, n)?;
        if !self.with_key(entry, |found| found == (key.0, key.1.as_bytes()))? {
            return Ok((0, 0));
        }
        Ok((u32_at(&entry, 12), u32_at(&entry, 16)))
    }

    fn with_key<R>(&self, entry: [u8; LIST_BYTES], f: impl FnOnce((u32, &[u8])) -> R) -> Result<R, Damaged> {
        let (from, length) = (u32_at(&entry, 4), u32_at(&entry, 8));
        let mut name = Vec::with_capacity(length.min(1024) as usize);
        self.blocks()
            .each(self.names, from, from.saturating_add(length), |_, [byte]| {
                name.push(byte);
                true
            })?;
        Ok(f((u32_at(&entry, 0), &name)))
    }

    /// Number of the first posting of `[from, to)` whose seq is not below `seq`.
    fn posting(&self, from: u32, to: u32, seq: Seq) -> Result<u32, Damaged> {
        self.blocks()
            .partition_point(self.postings, from, to, |e: [u8; POSTING_BYTES]| {
                Ok(self.first_seq + u64::from(u32::from_le_bytes(e)) < seq)
            })
    }

    /// Up to `count` seqs under a key within `[low, high]`, from the low end or, in `reverse`, from the high one.
    pub(super) fn seqs(
        &self,
        key: &FeedKey,
        low: Seq,
        high: Seq,
        count: usize,
        reverse: bool,
    ) -> Result<Vec<Seq>, Damaged> {
        let Some(key) = list_key(key) else {
            return Ok(Vec::new());
        };
        let (first, entries) = self.list(key)?;
        let end = first.saturating_add(entries);
        let from = self.posting(first, end, low)?;
        let to = self.posting(from, end, high.saturating_add(1))?;
        let n = (to - from).min(u32::try_from(count).unwrap_or(u32::MAX));
        let (from, to) = if reverse { (to - n, to) } else { (from, from + n) };
        let mut seqs = Vec::with_capacity(n as usize);
        self.blocks().each(self.postings, from, to, |_, e| {
            seqs.push(self.first_seq + u64::from(u32::from_le_bytes(e)));
            true
        })?;
        if reverse {
            seqs.reverse();
        }
        Ok(seqs)
    }

    /// Number of seqs under a key up to `upto_seq`.
    pub(super) fn count(&self, key: &FeedKey, upto_seq: Seq) -> Result<u64, Damaged> {
        let Some(key) = list_key(key) else {
            return Ok(0);
        };
        let (first, entries) = self.list(key)?;
        let end = self.posting(first, first.saturating_add(entries), upto_seq.saturating_add(1))?;
        Ok(u64::from(end - first))
    }
}
