//! Writing the index file of a sealed segment, on any thread but the log's.
//!
//! Cost: the segment is read and verified twice (some 200 ms of one core for 64 MiB), then 1 to 3 MiB are written and synced in pieces. It is there whole or not at all; it can always be made
//! again, so it is never worth stopping for.

use super::JournalError;
use super::format::*;
use super::index::Index;
use super::segment::Segment;
use super::sidecar::*;
use super::sidecar_blocks::*;
use std::sync::atomic::Ordering;

/// Written before it is synced: what a commit may have to wait for.
const PIECE_BYTES: usize = 1 << 20;

/// Lays the whole file.
fn encode(log_id: u64, segment: &Segment, index: &Index) -> Result<Vec<u8>, JournalError> {
    let digest = segment.digest.load(Ordering::Relaxed);
    let salt = salt(log_id, segment.id, digest);
    let mut out = vec![0; BLOCK_BYTES];
    let first_seq = segment.first_seq;
    let offsets = index.with_offsets(segment, |offsets| {
        let entries = offsets.entries().iter().map(|(seq, offset)| {
            let mut entry = [0; OFFSET_BYTES];
            put(&mut entry, 0, ((seq - first_seq) as u32).to_le_bytes());
            put(&mut entry, 4, ((offset / 8) as u32).to_le_bytes());
            entry
        });
        lay(&mut out, salt, entries)
    })?;
    let lives = index.with_lives(segment, |lives| {
        let entries = lives.sorted().into_iter().map(|(hash, seq)| {
            let mut entry = [0; LIFE_BYTES];
            put(&mut entry, 0, hash.to_le_bytes());
            put(&mut entry, 8, seq.to_le_bytes());
            entry
        });
        lay(&mut out, salt, entries)
    })?;
    let [postings, lists, names] = index.with_postings(segment, |postings| {
        let lists = postings.lists();
        let seqs: Vec<[u8; POSTING_BYTES]> = (lists.iter())
            .flat_map(|(_, seqs)| seqs.iter().map(|seq| seq.to_le_bytes()))
            .collect();
        let postings = lay(&mut out, salt, seqs.into_iter());
        let (mut first, mut name_at, mut names) = (0u32, 0u32, Vec::new());
        let entries: Vec<[u8; LIST_BYTES]> = (lists.iter())
            .map(|((kind, name), seqs)| {
                let mut entry = [0; LIST_BYTES];
                let fields = [*kind, name_at, name.len() as u32, first, seqs.len() as u32];
                for (n, field) in fields.into_iter().enumerate() {
                    put(&mut entry, n * 4, field.to_le_bytes());
                }
                names.extend(name.bytes().map(|byte| [byte]));
                (name_at, first) = (name_at + name.len() as u32, first + seqs.len() as u32);
                entry
            })
            .collect();
        let lists = lay(&mut out, salt, entries.into_iter());
        [postings, lists, lay(&mut out, salt, names.into_iter())]
    })?;
    put(&mut out, 0, MAGIC);
    put(&mut out, 12, INDEX_VERSION.to_le_bytes());
    let length = out.len() as u64;
    let says = [
        log_id,
        segment.id,
        digest,
        first_seq,
        segment.last_seq(),
        segment.end(),
        length,
    ];
    for (at, value) in (16..).step_by(8).zip(says) {
        put(&mut out, at, value.to_le_bytes());
    }
    for (n, section) in [offsets, lives, postings, lists, names].into_iter().enumerate() {
        put(&mut out, 80 + n * 8, section.block.to_le_bytes());
        put(&mut out, 84 + n * 8, section.entries.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out[12..HEADER_BYTES]);
    put(&mut out, 8, crc.to_le_bytes());
    Ok(out)
}

/// Writes the index file of a sealed segment from `index`, in the place of one that cannot be used. Its length, bytes.
pub(super) fn write(
    disk: &dyn super::disk::Disk,
    log_id: u64,
    segment: &Segment,
    index: &Index,
) -> Result<u64, JournalError> {
    let bytes = encode(log_id, segment, index)?;
    let name = name_of(segment.id);
    let tmp = name.replace(".slad", ".tmp");
    let path = disk.path(&tmp);
    let io = |op| {
        let path = path.clone();
        move |e| JournalError::io(op, &path, e)
    };
    let file = disk.create(&tmp).map_err(io("create"))?;
    let write = || {
        for (n, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
            file.write_at(piece, (n * PIECE_BYTES) as u64)
                .map_err(io("write"))?;
            file.sync().map_err(io("sync"))?;
        }
        disk.rename(&tmp, &name).map_err(io("rename"))?;
        disk.sync_dir().map_err(io("sync directory"))
    };
    if let Err(e) = write() {
        // It may be renamed already: then it is whole.
        let _ = disk.remove(&tmp);
        return Err(e);
    }
    segment.sidecar.was_written();
    Ok(bytes.len() as u64)
}
