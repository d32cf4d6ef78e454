//! Control frames: markers, reserves, sessions. See [`super::format`].

use super::format::*;
use super::frame::{FrameHeader, Kind, Salt};
use crate::model::Seq;

/// Who writes, and how: what decides after a crash whether anything that was shown can be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) boot_id: [u8; 16],
    pub(super) opened: bool,
    pub(super) shows_unsynced: bool,
}

/// Bytes of a session's payload.
const SESSION_BYTES: usize = 24;

impl Session {
    fn encode(self) -> [u8; SESSION_BYTES] {
        let mut out = [0; SESSION_BYTES];
        put(&mut out, 0, self.boot_id);
        put(&mut out, 16, (if self.opened { 1u32 } else { 2 }).to_le_bytes());
        put(&mut out, 20, (1 + u32::from(self.shows_unsynced)).to_le_bytes());
        out
    }

    pub(super) fn decode(payload: &[u8]) -> Option<Session> {
        Some(Session {
            boot_id: payload.get(..16)?.try_into().ok()?,
            opened: u32_at(payload, 16) == 1,
            shows_unsynced: u32_at(payload, 20) == 2,
        })
    }
}

/// The bytes of a few control frames.
pub(super) type Small = Vec<u8>;

/// Lays control frames one after the other from a place on.
pub(super) struct Frames {
    salt: Salt,
    offset: u64,
    epoch: u32,
    bytes: Small,
}

impl Frames {
    pub(super) fn new(salt: Salt, offset: u64, epoch: u32) -> Frames {
        Frames {
            salt,
            offset,
            epoch,
            bytes: Small::new(),
        }
    }

    /// A marker or a reserve.
    pub(super) fn seq(&mut self, kind: Kind, seq: Seq) {
        self.frame(kind, seq, &[]);
    }

    /// A session.
    pub(super) fn session(&mut self, session: Session, last_seq: Seq) {
        self.frame(Kind::Session, last_seq, &session.encode());
    }

    fn frame(&mut self, kind: Kind, seq: Seq, payload: &[u8]) {
        let start = self.bytes.len();
        self.bytes.resize(start + FRAME_HEADER_BYTES, 0);
        let header = FrameHeader::control(kind, seq, self.epoch, payload);
        header.encode(self.salt, self.offset + start as u64, &mut self.bytes[start..]);
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(start + header.size() as usize, 0);
    }

    pub(super) fn done(self) -> Small {
        self.bytes
    }
}

/// Kind, seq and header of each frame in bytes that [`Frames`] laid.
pub(super) fn each(bytes: &[u8]) -> impl Iterator<Item = (u8, Seq, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let header = bytes.get(at..at + FRAME_HEADER_BYTES)?;
        at += FRAME_HEADER_BYTES + pad8(u32_at(header, 16) as usize);
        Some((header[30], u64_at(header, 8), header))
    })
}
