//! What the engine fills and the log thread writes: frames, serialized back to back with room for their headers.
//!
//! Cost: one rkyv serialization an event and no allocation once the buffers have grown; `clear` keeps them (a buffer
//! that one giant frame blew up is given back). Checksums and places are the writer's matter.

use super::JournalError;
use super::format::{CONTROL_ROOM_BYTES, FRAME_HEADER_BYTES, PAYLOAD_BYTES_MAX, pad8};
use super::frame::{ArchivedEvents, Kind, STATE_HASH_BYTES, StateHash};
use crate::model::event::Event;
use crate::model::{Seq, TenantId, UnixMs};
use rkyv::rancor::{Error, Fallible, Source};
use rkyv::ser::allocator::{Arena, ArenaHandle};
use rkyv::ser::{Allocator, Serializer, Writer};
use rkyv::util::AlignedVec;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Place, Serialize};
use std::fmt;

/// Buffers above this size are given back by `clear`, bytes.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// Frames to be appended together. One frame = the events of one command or one firing, atomic. It remembers which
/// of them are written, so that an append that met a full disk can be called again.
pub struct Batch {
    pub(super) bytes: AlignedVec<16>,
    pub(super) frames: Vec<Pending>,
    /// Frames that are written.
    pub(super) written: usize,
    arena: Arena,
}

/// A frame that waits for its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// Where its header begins in the buffer.
    pub(super) start: usize,
    pub(super) payload_bytes: u32,
    pub(super) kind: Kind,
    pub(super) count: u32,
    /// Seq of its first event; of a state hash, the one after which it holds.
    pub(super) first_seq: Seq,
    pub(super) tenant: TenantId,
    pub(super) logged_at: UnixMs,
}

impl Pending {
    pub(super) fn end(&self) -> usize {
        self.start + FRAME_HEADER_BYTES + pad8(self.payload_bytes as usize)
    }

    /// Seq of the first event in this frame or after it.
    pub(super) fn begins_with(&self) -> Seq {
        match self.kind {
            Kind::Events => self.first_seq,
            _ => self.first_seq + 1,
        }
    }

    /// Last seq written once this frame is.
    pub(super) fn last_seq(&self) -> Seq {
        self.begins_with() + u64::from(self.count) - 1
    }
}

/// Borrowed events that archive as a vector does.
struct Events<'a>(&'a [Event]);

impl Archive for Events<'_> {
    type Archived = ArchivedEvents;
    type Resolver = VecResolver;
    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedEvents>) {
        ArchivedVec::resolve_from_len(self.0.len(), resolver, out);
    }
}

impl<S> Serialize<S> for Events<'_>
where
    S: Fallible + Allocator + Writer + ?Sized,
    S::Error: Source,
    Event: Serialize<S>,
{
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        ArchivedEvents::serialize_from_slice(self.0, serializer)
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("frames", &self.frames.len())
            .field("bytes", &self.len_bytes())
            .finish()
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        let mut batch = Batch {
            bytes: AlignedVec::new(),
            frames: Vec::new(),
            written: 0,
            arena: Arena::new(),
        };
        batch.clear();
        batch
    }

    /// Adds one atomic frame. Seqs must follow the batch's last one. On an error the batch is as it was.
    pub fn push(&mut self, first_seq: Seq, events: &[Event]) -> Result<(), JournalError> {
        let Some(first) = events.first() else {
            return Err(JournalError::Misuse("a frame without events".to_owned()));
        };
        if let Some(last) = self.last_seq()
            && first_seq != last + 1
        {
            return Err(JournalError::Misuse(format!(
                "seq {first_seq} does not follow {last}"
            )));
        }
        let start = self.bytes.len();
        let payload = start + FRAME_HEADER_BYTES;
        self.bytes.resize(payload, 0);
        let result = {
            let arena: ArenaHandle<'_> = self.arena.acquire();
            let mut serializer = Serializer::new(&mut self.bytes, arena, ());
            rkyv::api::serialize_using::<_, Error>(&Events(events), &mut serializer)
        };
        let payload_bytes = self.bytes.len() - payload;
        let failure = match result {
            Err(e) => Some(format!("events that cannot be archived: {e}")),
            Ok(_) if payload_bytes > PAYLOAD_BYTES_MAX => Some(format!("a frame of {payload_bytes} bytes")),
            Ok(_) => None,
        };
        if let Some(what) = failure {
            self.bytes.resize(start, 0);
            return Err(JournalError::Misuse(what));
        }
        self.bytes.resize(payload + pad8(payload_bytes), 0);
        self.frames.push(Pending {
            start,
            payload_bytes: payload_bytes as u32,
            kind: Kind::Events,
            count: events.len() as u32,
            first_seq,
            tenant: first.tenant,
            logged_at: first.logged_at,
        });
        Ok(())
    }

    /// Adds the hash of the state after the batch's last event, so that a replay can prove itself equal. A batch without
    /// events takes none.
    pub fn push_state_hash(&mut self, hash: u64) {
        let Some(last) = self.frames.last().copied() else {
            return;
        };
        let start = self.bytes.len();
        let payload = StateHash::now(hash).encode();
        self.bytes.resize(start + FRAME_HEADER_BYTES, 0);
        self.bytes.extend_from_slice(&payload);
        self.frames.push(Pending {
            start,
            payload_bytes: STATE_HASH_BYTES as u32,
            kind: Kind::StateHash,
            count: 0,
            first_seq: last.last_seq(),
            ..last
        });
    }

    /// Bytes that the frames take in the log, control frames apart.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len() - CONTROL_ROOM_BYTES
    }

    /// Has it no frame?
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Seq of the first event.
    pub fn first_seq(&self) -> Option<Seq> {
        self.frames.first().map(Pending::begins_with)
    }

    /// Seq of the last event.
    pub fn last_seq(&self) -> Option<Seq> {
        self.frames.last().map(Pending::last_seq)
    }

    /// Seq of the first event that is not written yet, or would follow what else is not.
    pub(super) fn unwritten_seq(&self) -> Option<Seq> {
        self.frames.get(self.written).map(Pending::begins_with)
    }

    /// Takes the frames out and keeps the buffers.
    pub fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = AlignedVec::new();
            self.arena = Arena::new();
        }
        self.bytes.clear();
        self.bytes.resize(CONTROL_ROOM_BYTES, 0);
        self.frames.clear();
        self.written = 0;
    }
}
