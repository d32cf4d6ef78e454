//! The bytes of the log, drawn once. Format version 1, frame schema 1, snapshot version 1, index version 1. All numbers little-endian.
//!
//! # Directory
//! ```text
//! LOCK                            flock; the pid of the holder as text
//! log-<id, 16 digits>.slad        a segment; ids are dense, from 1
//! log-<id>.tmp                    a segment that is being prepared; removed at the next start, as is every `.tmp`
//! index-<id>.slad                 where what stands in a sealed segment; made again when it is missing
//! index-<id>.tmp                  one that is being made
//! reserve.slad                    zeros, as long as a segment: becomes the next one when the disk is full (below)
//! reserve.tmp                     a reserve that is being made
//! snapshot-<seq, 20 digits>.slad  the state after that seq
//! snapshot-<seq>.tmp              a snapshot that is being written
//! retired-<name>.tmp              a file on its way out, or to be used again
//! damaged-<seq>.bin               a snapshot that was passed over; never read again
//! torn-<id>-<offset>.bin          bytes that a recovery or a repair cut from a segment; never read again
//! torn-<id>-<offset>.bin.tmp      such bytes while they are being copied
//! torn-log-<id>.slad              a whole segment that a repair set aside, likewise
//! torn-snapshot-<seq>.slad        a snapshot that a repair set aside: of a seq that was cut
//! torn-<name>-<n>.slad            either of the two where a repair has used that name before; n from 2
//! restoring                       a restore is under way, or was broken off: no start until the folder is emptied
//! ```
//!
//! # Segment
//! Preallocated and written with zeros before use. Two header blocks of 4,096 bytes (each 128 bytes used, the rest
//! zero), then frames from offset 8,192 on, without holes, then zeros to the end of the file.
//! ```text
//!   0  8  magic "SLADLOG1"            64  8  sealed: offset after the last frame; 0 = not sealed
//!   8  4  CRC32C of bytes 12..128     72  8  sealed: last seq; first seq - 1 when it has no event
//!  12  4  format version (1)          80  8  sealed: digest (below)
//!  16  8  segment id                  88  8  sealed: number of frames, control frames included
//!  24  4  epoch                       96  8  recovered: first seq that may be lost, 0 = none
//!  28  4  generation: 0 prepared,    104  8  recovered: last seq that may be lost, 0 = none
//!         1 started, 2 sealed        112  8  recovered: bytes cut
//!  32  8  first seq (0 = prepared)   120  4  recovered: epoch of the next segment, 0 = the same
//!  40  8  `logged_at` of the first   124  4  zero
//!         event, ms
//!  48  8  length of the file
//!  56  8  log id: the same in every file of a log
//! ```
//! The valid copy of the highest generation counts. A change of state is written and synced to the second copy before the
//! first one is touched, so that one is always whole.
//!
//! The **reserve** becomes segment N without taking room: both header blocks are written in place (generation 0) and synced, then
//! it is renamed to `log-N` and the directory is synced, and only then a frame may be written. So a file of the reserve's name
//! is all zeros from offset 8,192 on; what its header blocks hold means nothing. One whose length is not that of a
//! segment is removed at the start.
//!
//! # Frame
//! Begins at a multiple of 8; what one command or one timer firing did, or a control frame. 32 bytes, then the payload,
//! then zeros to the next multiple of 8.
//! ```text
//!   0  4  CRC32C of (log id, segment id, offset in the file: 8 bytes each; then bytes 4..32)
//!   4  4  CRC32C of the payload
//!   8  8  first seq (of control frames: see below)
//!  16  4  length of the payload, bytes
//!  20  4  number of events; 0 in control frames
//!  24  4  epoch, that of the segment
//!  28  2  tenant
//!  30  1  kind
//!  31  1  schema of the payload
//! ```
//! | kind | first seq | payload |
//! |---|---|---|
//! | 1 events | seq of the first event | schema 1: rkyv 0.8 archive (little-endian, aligned, 32-bit pointers) of `Vec<model::event::Event>`, root last |
//! | 2 marker | N: everything up to N was synced | none |
//! | 3 reserve | C: seqs up to C may be shown before they are synced | none |
//! | 4 session | last seq before it | schema 1: boot id (16 bytes), state (u32: 1 opened, 2 closed), policy (u32: 1 always, 2 shows unsynced facts) |
//! | 5 state hash | last seq before it | schema 1: hash of the state after that seq (u64), version of its reckoning (u32), zero (u32) |
//!
//! Every segment begins with a marker, a session and, where unsynced facts are shown, a reserve. A segment is sealed and
//! synced before the first byte of the next one is written. The salt binds a frame to its place: moved, repeated or left
//! from an earlier use of the file it does not verify, and a client that writes the bytes of a frame into a ticket does
//! not know the log id. The digest of a segment is a chain over its frames: `d = xxh3_64(bytes 0..8 of the header, seed d)`,
//! from 0.
//!
//! A state hash lets every replay prove itself: a state that comes out otherwise stops the start. The version says how
//! the hash was reckoned; one of another version is not compared.
//!
//! **Order of checks**: CRC of the header, CRC of the payload, bytecheck of the archive, meaning (kind, epoch, dense
//! seqs, count). Bytecheck alone passes most bit flips; without the CRCs it proves nothing. What fails behind the CRCs in the
//! archive is no damage but of another form: a program between two releases wrote it, and a start says so.
//!
//! # The end of the log
//! The first offset of the last started segment where no frame verifies. If only zeros follow, nothing was torn. If
//! anything else follows, and a marker anywhere in the log covers the seq expected there, it is **damage**: slad refuses to
//! start. The seal covers the segment's last seq as a marker does once both copies of the header tell of it: the first is
//! written after the sync of the second, and that sync is one of all that stands before the seal. Otherwise it is a
//! **torn tail**: its bytes are kept in a `torn-` file and zeroed (on a full disk they stay where they are, behind the
//! seal), the segment is sealed, the next one has a new epoch and numbers on above every seq that may have been shown.
//!
//! # Snapshot
//! ```text
//! header, 64 bytes:  0 8 magic "SLADSNP1" · 8 4 CRC32C of 12..64 · 12 4 version (1) · 16 8 seq · 24 8 log id
//!                   32 4 epoch · 36 4 record schema (1) · 40 8 `at` given by the writer, ms · 48 16 zero
//! chunk, 24 bytes:   0 4 CRC32C of (seq, offset, 4..24) · 4 4 CRC32C of the payload · 8 4 length of the payload
//!                   12 4 records · 16 4 number of the chunk, from 0 · 20 4 kind: 1 records, 2 footer
//!                   then the payload: rkyv archive of `Vec<model::record::Record>`, padded with zeros to 8
//! footer:            a chunk of kind 2, payload 40 bytes: 0 8 state hash · 8 8 records · 16 8 chunks · 24 8 digest
//!                   32 4 version of the hash's reckoning · 36 4 zero
//! ```
//! The digest is the same chain as a segment's, over bytes 0..8 of each chunk. The footer ends the file.
//!
//! # Index
//! Derived from its sealed segment and nothing else: a file that is damaged, or of another segment, log or version, is not used
//! and made again. A header block, then blocks of 4,096 bytes, numbered from 0 with the header's; each array begins with a
//! block of its own, and no entry crosses blocks.
//! ```text
//! header:   0 8 magic "SLADIDX1" · 8 4 CRC32C of 12..120 · 12 4 version (1) · 16 8 log id · 24 8 segment id
//!          32 8 digest of the segment · 40 8 first seq · 48 8 last seq · 56 8 end of the segment's last frame
//!          64 8 length of this file · 72 8 zero
//!          80 8 offsets · 88 8 lives · 96 8 postings · 104 8 lists · 112 8 names: each 0 4 first block · 4 4 entries
//! block:    0 4 CRC32C of (CRC32C of log id, segment id, digest; number of the block: 8 bytes each; bytes 4..4096)
//!           4 4 zero · 8 4088 entries, then zeros
//! offsets:  0 4 seq of a frame's first event · 4 4 its offset / 8; ascending, some 4 KiB apart
//! lives:    0 8 xxh3_64 of a ticket's id · 8 4 seq of the newest event of a life of it in this segment; ascending
//! postings: 0 4 seq; ascending within a list
//! lists:    0 4 kind: 1 sla, 2 breaches, 3 routing, 4 queue, 5 agent · 4 4 first byte of the name among the names
//!           8 4 its length · 12 4 first posting · 16 4 postings; ascending by kind, then name
//! names:    bytes
//! ```
//! Seqs are relative to the segment's first seq. A life of a ticket is what links connect: an event whose link is 0
//! begins one.
//!
//! # Retention
//! Segments go from the oldest on, so that ids stay dense. One may go when it is sealed, the next one is sealed too (a log
//! always has a sealed segment to number on from), and the next one begins at or before the seq after the oldest kept whole
//! snapshot, of which there must be two. Its file is renamed to `retired-….tmp` and the directory synced before the next
//! one is touched and before a byte of it changes; it is then cut off in steps and removed, or filled with zeros under the
//! name of the next segment's preparation.
//!
//! # Changing it
//! Archived types are frozen. A new field, a new variant, another order: copy the type (`EventV1`), archive the new one under
//! `schema = 2`, convert the old one when reading, and commit a directory written by the last release under
//! `tests/fixtures/log-v<n>/` with a test that reads it. Reserved bytes are zero and ignored when read; a use of them that
//! older programs must not ignore raises the format version. A version or schema above the known one stops the start with
//! a message that says so; an unknown *kind*, of a frame or of a snapshot's chunk, does too.

use crate::model::Seq;

/// Version of segments written.
pub const FORMAT_VERSION: u32 = 1;
/// Schema of the events written.
pub const EVENTS_SCHEMA: u8 = 1;
/// Version of snapshots written.
pub const SNAPSHOT_VERSION: u32 = 1;
/// Version of index files written; of another one none is read.
pub(super) const INDEX_VERSION: u32 = 1;
/// Smallest segment, bytes: for simulations, that rotate all the time. A daemon takes no less than 1 MiB.
pub const SEGMENT_BYTES_MIN: u64 = 16 << 10;
/// Segment unless configured, bytes.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;
/// Name of the reserve.
pub(super) const RESERVE_NAME: &str = "reserve.slad";
/// Name of a reserve that is being made.
pub(super) const RESERVE_TMP: &str = "reserve.tmp";
/// One header block, bytes.
pub(super) const HEADER_BLOCK_BYTES: u64 = 4096;
/// Where frames begin.
pub(super) const DATA_START: u64 = 2 * HEADER_BLOCK_BYTES;
/// A frame's header, bytes.
pub(super) const FRAME_HEADER_BYTES: usize = 32;
/// Stands in a folder while a restore writes it.
pub(super) const RESTORING: &str = "restoring";
/// Room for control frames before a batch: marker, session, reserve.
pub(super) const CONTROL_ROOM_BYTES: usize = 128;
/// End of a segment kept free of events, so that a last marker and the closing of the session fit.
pub(super) const TAIL_ROOM_BYTES: u64 = 256;
/// Largest payload, bytes: archives point with signed 32-bit offsets.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;
/// Seqs that may be shown ahead of a sync under `interval` and `never`.
pub(super) const RESERVE_SEQS: Seq = 1 << 24;

const _: () = assert!(DATA_START.is_multiple_of(8) && FRAME_HEADER_BYTES.is_multiple_of(8));
const _: () = assert!(CONTROL_ROOM_BYTES.is_multiple_of(16) && CONTROL_ROOM_BYTES >= 32 + 56 + 32);
const _: () = assert!(SEGMENT_BYTES_MIN > DATA_START + CONTROL_ROOM_BYTES as u64 + TAIL_ROOM_BYTES);

/// Rounds up to the next multiple of 8.
pub(super) const fn pad8(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

/// Reads a `u32` at `at`; 0 beyond the end.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

/// Reads a `u64` at `at`; 0 beyond the end.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

/// Writes bytes at `at`; the caller's buffers have a fixed, sufficient size.
pub(super) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(slot) = bytes.get_mut(at..at + N) {
        slot.copy_from_slice(&value);
    }
}
