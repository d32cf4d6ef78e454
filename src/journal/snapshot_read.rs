//! Finding, opening and verifying snapshots. See [`super::format`] for the bytes.
//!
//! Cost: opening reads all of it once for its checksums; the records are verified again when they are decoded.

use super::JournalError;
use super::disk::{Disk, DiskFile};
use super::format::*;
use super::frame::{StateHash, chain};
use super::snapshot::*;
use crate::model::Seq;
use crate::model::record::Record;
use rkyv::rancor::Error;
use rkyv::vec::ArchivedVec;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot whose checksums, count and digest hold.
#[derive(Debug)]
pub struct SnapshotReader {
    file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    info: SnapshotInfo,
}

/// A chunk's place.
struct Chunk {
    offset: u64,
    payload_bytes: usize,
    records: u32,
    kind: u32,
}

impl SnapshotReader {
    /// What it is.
    pub fn info(&self) -> SnapshotInfo {
        self.info
    }

    /// Gives each record to `f`, in the order in which they were written.
    pub fn records(&self, mut f: impl FnMut(Record) -> Result<(), String>) -> Result<(), JournalError> {
        let damage = |offset, what| JournalError::corrupt(&self.path, offset, self.info.seq, what);
        let foreign = |offset, what: String| JournalError::foreign(&self.path, offset, self.info.seq, what);
        let mut at = HEADER_BYTES as u64;
        while at < self.info.bytes {
            let chunk = read_chunk(&*self.file, self.info.seq, at, self.info.bytes)
                .map_err(|e| JournalError::io("read", &self.path, e))?
                .ok_or_else(|| damage(at, "the chunk does not match its checksum".to_owned()))?;
            let payload = self
                .file
                .read(chunk.offset, chunk.payload_bytes)
                .map_err(|e| JournalError::io("read", &self.path, e))?;
            if chunk.kind == RECORDS {
                let records = rkyv::access::<ArchivedVec<rkyv::Archived<Record>>, Error>(&payload)
                    .map_err(|_| foreign(at, "the archive is invalid".to_owned()))?;
                if records.len() != chunk.records as usize {
                    return Err(foreign(
                        at,
                        "the archive has another number of records".to_owned(),
                    ));
                }
                for record in records.iter() {
                    let record =
                        rkyv::deserialize::<Record, Error>(record).map_err(|e| foreign(at, e.to_string()))?;
                    f(record).map_err(|what| JournalError::Refused {
                        seq: self.info.seq,
                        what,
                    })?;
                }
            }
            at = chunk.offset + pad8(chunk.payload_bytes) as u64;
        }
        Ok(())
    }
}

/// Reads and verifies a chunk's header and payload.
fn read_chunk(file: &dyn DiskFile, seq: Seq, at: u64, end: u64) -> std::io::Result<Option<Chunk>> {
    let payload_at = at + CHUNK_HEADER_BYTES as u64;
    if payload_at > end {
        return Ok(None);
    }
    let header = file.read(at, CHUNK_HEADER_BYTES)?;
    let payload_bytes = u32_at(&header, 8) as usize;
    if u32_at(&header, 0) != chunk_crc(seq, at, &header) || pad8(payload_bytes) as u64 > end - payload_at {
        return Ok(None);
    }
    if crc32c::crc32c(&file.read(payload_at, payload_bytes)?) != u32_at(&header, 4) {
        return Ok(None);
    }
    Ok(Some(Chunk {
        offset: payload_at,
        payload_bytes,
        records: u32_at(&header, 12),
        kind: u32_at(&header, 20),
    }))
}

/// The snapshots of a directory.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) newest: Option<SnapshotReader>,
    pub(super) skipped: Vec<JournalError>,
}

impl Found {
    /// Puts what was passed over out of the way, under a name that nothing reads: it does not count as a snapshot that
    /// is kept, and the next start does not read it again.
    pub(super) fn set_aside(&self, disk: &dyn Disk) -> Result<(), JournalError> {
        let named = |e: &JournalError| match e {
            JournalError::Corrupt { path, seq, .. } => {
                (name_of(*seq) == path.file_name()?.to_str()?).then_some(*seq)
            }
            _ => None,
        };
        for seq in self.skipped.iter().filter_map(named) {
            let name = name_of(seq);
            disk.rename(&name, &format!("damaged-{seq:020}.bin"))
                .map_err(|e| JournalError::io("rename", &disk.path(&name), e))?;
        }
        Ok(())
    }

    /// Passes the newest over, for `what` was found wrong with it, and takes the one before in its place.
    pub(super) fn pass_over(
        &mut self,
        what: String,
        disk: &Arc<dyn Disk>,
        log_id: u64,
    ) -> Result<(), JournalError> {
        let Some(bad) = self.newest.take() else {
            return Ok(());
        };
        let seq = bad.info.seq;
        self.skipped.push(JournalError::corrupt(&bad.path, 0, seq, what));
        let mut older = search(disk, log_id, seq, |older| older < seq)?;
        self.skipped.append(&mut older.skipped);
        self.newest = older.newest;
        Ok(())
    }
}

/// The newest valid snapshot of the log `log_id` that is of no later seq than `last_seq`.
pub(super) fn newest(disk: &Arc<dyn Disk>, log_id: u64, last_seq: Seq) -> Result<Found, JournalError> {
    search(disk, log_id, last_seq, |_| true)
}

fn search(
    disk: &Arc<dyn Disk>,
    log_id: u64,
    last_seq: Seq,
    is_wanted: impl Fn(Seq) -> bool,
) -> Result<Found, JournalError> {
    let mut found = Found::default();
    for seq in seqs(&**disk)?.into_iter().filter(|seq| is_wanted(*seq)) {
        match open(&**disk, seq, log_id, last_seq) {
            Ok(reader) => {
                found.newest = Some(reader);
                break;
            }
            Err(e @ JournalError::Corrupt { .. }) => found.skipped.push(e),
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

/// Seq of a whole snapshot of the log `log_id` that is later than `last_seq`, if there is one: what it holds was synced when it
/// was written, so the log cannot end before. Nothing is read unless a name says so.
pub(super) fn proves(disk: &dyn Disk, log_id: u64, last_seq: Seq) -> Result<Option<Seq>, JournalError> {
    for seq in seqs(disk)?.into_iter().filter(|seq| *seq > last_seq) {
        if is_whole(disk, seq, log_id, Seq::MAX)? {
            return Ok(Some(seq));
        }
    }
    Ok(None)
}

/// Seq and log of the newest snapshot in a directory whose header holds.
pub(super) fn any(disk: &dyn Disk) -> Result<Option<(Seq, u64)>, JournalError> {
    for seq in seqs(disk)? {
        let path = disk.path(&name_of(seq));
        let file = disk
            .open(&name_of(seq))
            .map_err(|e| JournalError::io("open", &path, e))?;
        let Ok(header) = file.read(0, HEADER_BYTES) else {
            continue;
        };
        if header[..8] == MAGIC && u32_at(&header, 8) == crc32c::crc32c(&header[12..]) {
            return Ok(Some((seq, u64_at(&header, 24))));
        }
    }
    Ok(None)
}

/// Seqs of the snapshots in a directory, newest first.
pub(super) fn seqs(disk: &dyn Disk) -> Result<Vec<Seq>, JournalError> {
    let dir = disk.path("");
    let names = disk.list().map_err(|e| JournalError::io("list", &dir, e))?;
    let mut seqs: Vec<Seq> = names.iter().filter_map(|n| seq_of(n)).collect();
    seqs.sort_unstable_by(|a, b| b.cmp(a));
    Ok(seqs)
}

/// Is a snapshot there, and whole? Reads all of it.
pub(super) fn is_whole(disk: &dyn Disk, seq: Seq, log_id: u64, last_seq: Seq) -> Result<bool, JournalError> {
    match open(disk, seq, log_id, last_seq) {
        Ok(_) => Ok(true),
        Err(JournalError::Corrupt { .. }) => Ok(false),
        Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Opens a snapshot and verifies all of it.
pub(super) fn open(
    disk: &dyn Disk,
    seq: Seq,
    log_id: u64,
    last_seq: Seq,
) -> Result<SnapshotReader, JournalError> {
    let name = name_of(seq);
    let path = disk.path(&name);
    let file = disk.open(&name).map_err(|e| JournalError::io("open", &path, e))?;
    let info = verify(&file, &path, seq, log_id)?;
    if seq > last_seq {
        let what = "it is of a later seq than the log's last";
        return Err(JournalError::corrupt(&path, 16, seq, what));
    }
    Ok(SnapshotReader { file, path, info })
}

/// Checks header, chunks and footer of the snapshot of `seq`. Reads all of it.
pub(super) fn verify(
    file: &Arc<dyn DiskFile>,
    path: &Path,
    seq: Seq,
    log_id: u64,
) -> Result<SnapshotInfo, JournalError> {
    let io = |op| move |e| JournalError::io(op, path, e);
    let damage = |offset, what: &str| JournalError::corrupt(path, offset, seq, what);
    let length = file.len().map_err(io("stat"))?;
    if length < HEADER_BYTES as u64 {
        return Err(damage(length, "the file is too short for a snapshot"));
    }
    let header = file.read(0, HEADER_BYTES).map_err(io("read"))?.to_vec();
    if header[..8] != MAGIC || u32_at(&header, 8) != crc32c::crc32c(&header[12..]) {
        return Err(damage(0, "the header does not match its checksum"));
    }
    let version = u32_at(&header, 12).max(u32_at(&header, 36));
    if version > SNAPSHOT_VERSION {
        return Err(JournalError::TooNew {
            path: path.to_path_buf(),
            what: "snapshot",
            found: version,
            known: SNAPSHOT_VERSION,
        });
    }
    if u64_at(&header, 16) != seq {
        return Err(damage(16, "the file was renamed: it is of another seq"));
    }
    if u64_at(&header, 24) != log_id {
        return Err(damage(24, "it belongs to another log"));
    }
    let (mut at, mut digest, mut records, mut chunks) = (HEADER_BYTES as u64, 0, 0, 0u64);
    loop {
        let chunk = read_chunk(&**file, seq, at, length).map_err(io("read"))?;
        let Some(chunk) = chunk else {
            return Err(damage(at, "the chunk does not match its checksum"));
        };
        if chunk.kind > FOOTER {
            // Passed over, it would be set aside: the newer slad could not use it any more.
            return Err(JournalError::TooNew {
                path: path.to_path_buf(),
                what: "snapshot chunk",
                found: chunk.kind,
                known: FOOTER,
            });
        }
        let next = chunk.offset + pad8(chunk.payload_bytes) as u64;
        if chunk.kind == FOOTER && chunk.payload_bytes == FOOTER_BYTES {
            let footer = file.read(chunk.offset, FOOTER_BYTES).map_err(io("read"))?;
            let says = (u64_at(&footer, 8), u64_at(&footer, 16), u64_at(&footer, 24));
            if says != (records, chunks, digest) || next != length {
                return Err(damage(at, "the footer does not match the chunks"));
            }
            return Ok(SnapshotInfo {
                seq,
                epoch: u32_at(&header, 32),
                at: u64_at(&header, 40) as i64,
                state_hash: StateHash {
                    value: u64_at(&footer, 0),
                    version: u32_at(&footer, 32),
                },
                records,
                bytes: length,
            });
        }
        digest = chain(digest, &file.read(at, CHUNK_HEADER_BYTES).map_err(io("read"))?);
        records += u64::from(chunk.records);
        chunks += 1;
        at = next;
    }
}
