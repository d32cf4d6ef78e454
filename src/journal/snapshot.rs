//! The state at one seq in a file of its own. See [`super::format`] for the bytes.
//!
//! Written under a temporary name, synced, renamed, and then the directory is synced: a snapshot is there whole or not at all.
//! Cost: one write a chunk. Pacing, and what goes into it, are the caller's matter. A damaged snapshot is passed over
//! in favour of the one before; the log from the older one on must therefore be kept.

use super::JournalError;
use super::disk::{Disk, DiskFile};
use super::format::*;
use super::frame::StateHash;
pub use super::snapshot_read::SnapshotReader;
use super::snapshot_read::verify;
pub(super) use super::snapshot_read::{Found, any, is_whole, newest, open, proves, seqs};
use crate::model::record::Record;
use crate::model::{Seq, UnixMs};
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::vec::ArchivedVec;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) const MAGIC: [u8; 8] = *b"SLADSNP1";
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const CHUNK_HEADER_BYTES: usize = 24;
pub(super) const RECORDS: u32 = 1;
pub(super) const FOOTER: u32 = 2;
pub(super) const FOOTER_BYTES: usize = 40;
/// Bytes written before they are synced: a commit that comes meanwhile waits for one piece on its way to the disk, and not, at the
/// end, for all of the snapshot.
const SYNC_BYTES: u64 = 1 << 20;
/// Snapshots kept by [`prune`].
pub const KEPT_MIN: usize = 2;

pub(super) fn name_of(seq: Seq) -> String {
    format!("snapshot-{seq:020}.slad")
}

pub(super) fn seq_of(name: &str) -> Option<Seq> {
    let digits = name.strip_prefix("snapshot-")?.strip_suffix(".slad")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

pub(super) fn chunk_crc(seq: Seq, offset: u64, header: &[u8]) -> u32 {
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
    synced_bytes: u64,
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
            synced_bytes: 0,
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
        if self.info.bytes - self.synced_bytes >= SYNC_BYTES {
            self.synced_bytes = self.info.bytes;
            self.file
                .sync()
                .map_err(|e| JournalError::io("sync", &self.path, e))?;
        }
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

/// Retires all but the newest `keep` snapshots, of which [`KEPT_MIN`] stay in any case. Call it after a snapshot was
/// finished. They get a name under which the keeper (or the next start) deletes them: removing gigabytes at once would
/// hold up commits.
pub fn prune(disk: &dyn Disk, keep: usize) -> Result<(), JournalError> {
    let mut old = seqs(disk)?;
    let old = old.split_off(keep.max(KEPT_MIN).min(old.len()));
    if old.is_empty() {
        return Ok(());
    }
    for seq in old {
        let name = name_of(seq);
        let retired = format!("retired-{}", name.replace(".slad", ".tmp"));
        disk.rename(&name, &retired)
            .map_err(|e| JournalError::io("rename", &disk.path(&name), e))?;
    }
    disk.sync_dir()
        .map_err(|e| JournalError::io("sync directory", &disk.path(""), e))
}
