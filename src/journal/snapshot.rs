//! The state at one seq in a file of its own. See [`super::format`] for the bytes.
//!
//! Written under a temporary name, synced, renamed, and then the directory is synced: a snapshot is there whole or not at all.
//! Cost: one write a chunk. Pacing, and what goes into it, are the caller's matter. A damaged snapshot is passed over
//! in favour of the one before; the log from the older one on must therefore be kept.

use super::JournalError;
use super::disk::{Disk, DiskFile};
use super::format::*;
use super::frame::StateHash;
use crate::model::record::Record;
use crate::model::{Seq, UnixMs};
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::vec::ArchivedVec;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: [u8; 8] = *b"SLADSNP1";
const HEADER_BYTES: usize = 64;
const CHUNK_HEADER_BYTES: usize = 24;
const RECORDS: u32 = 1;
const FOOTER: u32 = 2;
const FOOTER_BYTES: usize = 40;
/// Snapshots kept by [`prune`].
pub const KEPT_MIN: usize = 2;

pub(super) fn name_of(seq: Seq) -> String {
    format!("snapshot-{seq:020}.slad")
}

fn seq_of(name: &str) -> Option<Seq> {
    let digits = name.strip_prefix("snapshot-")?.strip_suffix(".slad")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

fn chunk_crc(seq: Seq, offset: u64, header: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&seq.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &offset.to_le_bytes());
    crc32c::crc32c_append(crc, &header[4..CHUNK_HEADER_BYTES])
}

/// What a finished snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The last seq it holds.
    pub seq: Seq,
    /// Epoch it was written in.
    pub epoch: u32,
    /// When, as the writer said.
    pub at: UnixMs,
    /// Hash of the state.
    pub state_hash: StateHash,
    /// Entities.
    pub records: u64,
    /// Length of the file.
    pub bytes: u64,
}

/// Writes one snapshot.
#[derive(Debug)]
pub struct SnapshotWriter {
    disk: Arc<dyn Disk>,
    file: Arc<dyn DiskFile>,
    tmp: String,
    path: PathBuf,
    info: SnapshotInfo,
    log_id: u64,
    chunks: u32,
    digest: u64,
    buffer: AlignedVec<16>,
}

impl SnapshotWriter {
    /// Begins a snapshot of the state after `seq`, which must be durable.
    pub fn create(
        disk: Arc<dyn Disk>,
        log_id: u64,
        seq: Seq,
        epoch: u32,
        at: UnixMs,
    ) -> Result<SnapshotWriter, JournalError> {
        let tmp = name_of(seq).replace(".slad", ".tmp");
        let path = disk.path(&tmp);
        let mut header = [0; HEADER_BYTES];
        put(&mut header, 0, MAGIC);
        put(&mut header, 12, SNAPSHOT_VERSION.to_le_bytes());
        put(&mut header, 16, seq.to_le_bytes());
        put(&mut header, 24, log_id.to_le_bytes());
        put(&mut header, 32, epoch.to_le_bytes());
        put(&mut header, 36, 1u32.to_le_bytes());
        put(&mut header, 40, at.to_le_bytes());
        let crc = crc32c::crc32c(&header[12..]);
        put(&mut header, 8, crc.to_le_bytes());
        let file = disk
            .create(&tmp)
            .map_err(|e| JournalError::io("create", &path, e))?;
        if let Err(e) = file.write_at(&header, 0) {
            let _ = disk.remove(&tmp);
            return Err(JournalError::io("write", &path, e));
        }
        let info = SnapshotInfo {
            seq,
            epoch,
            at,
            state_hash: StateHash::now(0),
            records: 0,
            bytes: HEADER_BYTES as u64,
        };
        Ok(SnapshotWriter {
            disk,
            file,
            tmp,
            path,
            info,
            log_id,
            chunks: 0,
            digest: 0,
            buffer: AlignedVec::new(),
        })
    }

    /// Adds records: aim at chunks of 64 KiB to 1 MiB.
    pub fn chunk(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.resize(CHUNK_HEADER_BYTES, 0);
        let buffer = rkyv::api::high::to_bytes_in::<_, Error>(&Records(records), buffer)
            .map_err(|e| JournalError::Misuse(format!("records that cannot be archived: {e}")))?;
        self.write(buffer, RECORDS, records.len() as u32)?;
        self.info.records += records.len() as u64;
        Ok(())
    }

    fn write(&mut self, mut buffer: AlignedVec<16>, kind: u32, records: u32) -> Result<(), JournalError> {
        let payload_bytes = buffer.len() - CHUNK_HEADER_BYTES;
        if payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(JournalError::Misuse(format!("a chunk of {payload_bytes} bytes")));
        }
        let payload_crc = crc32c::crc32c(&buffer[CHUNK_HEADER_BYTES..]);
        put(&mut buffer, 4, payload_crc.to_le_bytes());
        put(&mut buffer, 8, (payload_bytes as u32).to_le_bytes());
        put(&mut buffer, 12, records.to_le_bytes());
        put(&mut buffer, 16, self.chunks.to_le_bytes());
        put(&mut buffer, 20, kind.to_le_bytes());
        let crc = chunk_crc(self.info.seq, self.info.bytes, &buffer);
        put(&mut buffer, 0, crc.to_le_bytes());
        buffer.resize(CHUNK_HEADER_BYTES + pad8(payload_bytes), 0);
        self.file
            .write_at(&buffer, self.info.bytes)
            .map_err(|e| JournalError::io("write", &self.path, e))?;
        self.digest = super::frame::chain(self.digest, &buffer);
        self.info.bytes += buffer.len() as u64;
        self.chunks += 1;
        self.buffer = buffer;
        Ok(())
    }

    /// Bytes written so far, for pacing.
    pub fn bytes(&self) -> u64 {
        self.info.bytes
    }

    /// Syncs and names the snapshot. What was written is removed when that fails: nobody would before the next start.
    pub fn finish(mut self, state_hash: u64) -> Result<SnapshotInfo, JournalError> {
        let finished = self.close(state_hash);
        if finished.is_err() {
            // It may be renamed already, or the disk gone: the first error is the one to tell.
            let _ = self.disk.remove(&self.tmp);
        }
        finished
    }

    fn close(&mut self, state_hash: u64) -> Result<SnapshotInfo, JournalError> {
        self.info.state_hash = StateHash::now(state_hash);
        let mut buffer = AlignedVec::new();
        buffer.resize(CHUNK_HEADER_BYTES + FOOTER_BYTES, 0);
        put(&mut buffer, CHUNK_HEADER_BYTES, state_hash.to_le_bytes());
        put(
            &mut buffer,
            CHUNK_HEADER_BYTES + 8,
            self.info.records.to_le_bytes(),
        );
        put(
            &mut buffer,
            CHUNK_HEADER_BYTES + 16,
            u64::from(self.chunks).to_le_bytes(),
        );
        put(&mut buffer, CHUNK_HEADER_BYTES + 24, self.digest.to_le_bytes());
        let version = self.info.state_hash.version;
        put(&mut buffer, CHUNK_HEADER_BYTES + 32, version.to_le_bytes());
        self.write(buffer, FOOTER, 0)?;
        let io = |op| {
            let path = self.path.clone();
            move |e| JournalError::io(op, &path, e)
        };
        self.file.sync().map_err(io("sync"))?;
        // Read back before it counts: what is named a snapshot has been whole once.
        let found = verify(&self.file, &self.path, self.info.seq, self.log_id)?;
        if found != self.info {
            return Err(JournalError::corrupt(
                &self.path,
                0,
                self.info.seq,
                "what was read back is not what was written",
            ));
        }
        self.disk
            .rename(&self.tmp, &name_of(self.info.seq))
            .map_err(io("rename"))?;
        self.disk.sync_dir().map_err(io("sync directory"))?;
        Ok(self.info)
    }

    /// Gives it up and removes what was written.
    pub fn abort(self) -> Result<(), JournalError> {
        self.disk
            .remove(&self.tmp)
            .map_err(|e| JournalError::io("remove", &self.path, e))
    }
}

/// Borrowed records that archive as a vector does.
struct Records<'a>(&'a [Record]);

impl rkyv::Archive for Records<'_> {
    type Archived = ArchivedVec<rkyv::Archived<Record>>;
    type Resolver = rkyv::vec::VecResolver;
    fn resolve(&self, resolver: Self::Resolver, out: rkyv::Place<Self::Archived>) {
        ArchivedVec::resolve_from_len(self.0.len(), resolver, out);
    }
}

impl<S> rkyv::Serialize<S> for Records<'_>
where
    S: rkyv::rancor::Fallible + rkyv::ser::Allocator + rkyv::ser::Writer + ?Sized,
    S::Error: rkyv::rancor::Source,
    Record: rkyv::Serialize<S>,
{
    fn serialize(&self, serializer: &mut S) -> Result<Self::Resolver, S::Error> {
        ArchivedVec::serialize_from_slice(self.0, serializer)
    }
}

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
                    .map_err(|e| damage(at, format!("the archive is invalid: {e}")))?;
                if records.len() != chunk.records as usize {
                    return Err(damage(at, "the archive has another number of records".to_owned()));
                }
                for record in records.iter() {
                    let record =
                        rkyv::deserialize::<Record, Error>(record).map_err(|e| damage(at, e.to_string()))?;
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

/// Seqs of the snapshots in a directory, newest first.
pub(super) fn seqs(disk: &dyn Disk) -> Result<Vec<Seq>, JournalError> {
    let dir = disk.path("");
    let names = disk.list().map_err(|e| JournalError::io("list", &dir, e))?;
    let mut seqs: Vec<Seq> = names.iter().filter_map(|n| seq_of(n)).collect();
    seqs.sort_unstable_by(|a, b| b.cmp(a));
    Ok(seqs)
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
fn verify(
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
        digest = super::frame::chain(digest, &file.read(at, CHUNK_HEADER_BYTES).map_err(io("read"))?);
        records += u64::from(chunk.records);
        chunks += 1;
        at = next;
    }
}

/// Removes all but the newest `keep` snapshots, of which [`KEPT_MIN`] stay in any case. Call it after a snapshot was finished.
pub fn prune(disk: &dyn Disk, keep: usize) -> Result<(), JournalError> {
    let mut old = seqs(disk)?;
    let old = old.split_off(keep.max(KEPT_MIN).min(old.len()));
    if old.is_empty() {
        return Ok(());
    }
    for seq in old {
        let name = name_of(seq);
        disk.remove(&name)
            .map_err(|e| JournalError::io("remove", &disk.path(&name), e))?;
    }
    disk.sync_dir()
        .map_err(|e| JournalError::io("sync directory", &disk.path(""), e))
}
