//! Reading a segment frame by frame: published ones strictly, the last one up to where it ends.

use super::JournalError;
use super::control::Session;
use super::disk::DiskFile;
use super::format::*;
use super::frame::{Found, Frame, FrameHeader, Kind, chain, frame_at, header_at};
use super::segment::{Segment, SegmentHeader};
use crate::model::Seq;
use std::io;
use std::path::Path;

/// Bytes looked at in one go when searching for anything but zeros.
const SEARCH_PIECE_BYTES: usize = 1 << 16;

/// How far the last segment can be followed, and what its frames say.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    /// Offset after the last good frame.
    pub(super) end: u64,
    /// Last seq; `first - 1` when there is no event.
    pub(super) last_seq: Seq,
    pub(super) frames: u64,
    pub(super) digest: u64,
    /// Highest marker, and where the last one stands.
    pub(super) marker: Seq,
    pub(super) marker_offset: u64,
    /// Highest reserve.
    pub(super) reserve: Seq,
    pub(super) session: Option<Session>,
    /// Why the frame at `end` is none; `None`: zeros, or the end of the file.
    pub(super) fault: Option<&'static str>,
}

/// Follows the frames of a segment from its start. `first` is the seq that its first event must have.
pub(super) fn scan(
    file: &dyn DiskFile,
    path: &Path,
    header: &SegmentHeader,
    first: Seq,
    limit: u64,
) -> Result<Scan, JournalError> {
    let salt = header.salt();
    let mut scan = Scan {
        end: DATA_START,
        last_seq: first - 1,
        frames: 0,
        digest: 0,
        marker: 0,
        marker_offset: DATA_START,
        reserve: 0,
        session: None,
        fault: None,
    };
    loop {
        let found = frame_at(file, salt, scan.end, limit).map_err(|e| JournalError::io("read", path, e))?;
        let (frame, bytes) = match found {
            Found::Frame(frame, bytes) => (frame, bytes),
            Found::Nothing => return Ok(scan),
            Found::Bad(why) => {
                scan.fault = Some(why);
                return Ok(scan);
            }
        };
        check_meaning(&frame, path, scan.end, header.epoch, scan.last_seq + 1)?;
        if frame.is(Kind::Events) {
            scan.last_seq = frame.last_seq();
        } else if frame.is(Kind::Marker) {
            scan.marker = scan.marker.max(frame.first_seq);
            scan.marker_offset = scan.end;
        } else if frame.is(Kind::Reserve) {
            scan.reserve = scan.reserve.max(frame.first_seq);
        } else if frame.is(Kind::Session) {
            scan.session = Session::decode(bytes.payload(&frame));
        }
        scan.digest = chain(scan.digest, bytes.header_bytes());
        scan.frames += 1;
        scan.end += frame.size();
    }
}

/// A frame whose checksums hold must also make sense: if it does not, a program or the disk has put it there, not a
/// crash.
pub(super) fn check_meaning(
    frame: &FrameHeader,
    path: &Path,
    offset: u64,
    epoch: u32,
    expected: Seq,
) -> Result<(), JournalError> {
    if frame.kind > Kind::LAST as u8 || frame.schema > EVENTS_SCHEMA {
        return Err(JournalError::TooNew {
            path: path.to_path_buf(),
            what: "frame",
            found: u32::from(frame.kind) << 8 | u32::from(frame.schema),
            known: (Kind::LAST as u32) << 8 | u32::from(EVENTS_SCHEMA),
        });
    }
    let wrong = if frame.epoch != epoch {
        format!("a frame of epoch {} in a segment of epoch {epoch}", frame.epoch)
    } else if frame.is(Kind::StateHash) && frame.first_seq.saturating_add(1) != expected {
        format!("a state hash of seq {} before seq {expected}", frame.first_seq)
    } else if !frame.is(Kind::Events) {
        return Ok(());
    } else if frame.first_seq != expected {
        format!(
            "a frame that begins with seq {} where {expected} is expected",
            frame.first_seq
        )
    } else if frame.count == 0 {
        "an events frame without events".to_owned()
    } else {
        return Ok(());
    };
    Err(JournalError::corrupt(path, offset, expected, wrong))
}

/// What stands behind the end of the last segment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ahead {
    /// Offset after the last byte that is not zero; 0: there is none.
    pub(super) garbage_end: u64,
    /// Highest marker among what still verifies.
    pub(super) marker: Seq,
    /// Highest seq that a header names.
    pub(super) last_seq: Seq,
    /// Highest reserve.
    pub(super) reserve: Seq,
}

const ZEROS: [u8; 4096] = [0; 4096];

/// Searches `[from, file_bytes)` for anything but zeros, and for headers that still verify.
pub(super) fn look_ahead(file: &dyn DiskFile, header: &SegmentHeader, from: u64) -> io::Result<Ahead> {
    let salt = header.salt();
    let mut ahead = Ahead::default();
    let mut at = from;
    while at < header.file_bytes {
        let length = (header.file_bytes - at).min(SEARCH_PIECE_BYTES as u64) as usize;
        let piece = file.read(at, length)?;
        // Nearly always all is zeros: compared by the page, a segment takes milliseconds.
        for (page, bytes) in piece.chunks(ZEROS.len()).enumerate() {
            if bytes == &ZEROS[..bytes.len()] {
                continue;
            }
            let page_at = at + (page * ZEROS.len()) as u64;
            for (word, bytes) in bytes.chunks(8).enumerate() {
                let Some(last) = bytes.iter().rposition(|b| *b != 0) else {
                    continue;
                };
                let offset = page_at + word as u64 * 8;
                ahead.garbage_end = offset + last as u64 + 1;
                if let Ok(frame) = header_at(file, salt, offset, header.file_bytes)? {
                    if frame.is(Kind::Marker) {
                        ahead.marker = ahead.marker.max(frame.first_seq);
                    } else if frame.is(Kind::Events) {
                        ahead.last_seq = ahead.last_seq.max(frame.last_seq());
                    } else if frame.is(Kind::Reserve) {
                        ahead.reserve = ahead.reserve.max(frame.first_seq);
                    }
                }
            }
        }
        at += length as u64;
    }
    Ok(ahead)
}

/// Goes through the published frames of a segment; whatever does not verify there is damage.
pub(super) struct Walk<'a> {
    segment: &'a Segment,
    at: u64,
    end: u64,
    expected: Seq,
}

impl<'a> Walk<'a> {
    /// From the frame at `at`, which begins with `expected` (or is a control frame before it).
    pub(super) fn new(segment: &'a Segment, at: u64, expected: Seq) -> Walk<'a> {
        Walk {
            segment,
            at,
            end: segment.end(),
            expected,
        }
    }

    /// From the first frame on.
    pub(super) fn whole(segment: &'a Segment) -> Walk<'a> {
        Walk::new(segment, DATA_START, segment.first_seq)
    }

    /// Offset of the frame that comes next.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// First seq of the next events frame.
    pub(super) fn expected(&self) -> Seq {
        self.expected
    }

    fn advance(&mut self, frame: &FrameHeader) -> Result<(), JournalError> {
        let segment = self.segment;
        check_meaning(frame, &segment.path, self.at, segment.epoch, self.expected)?;
        self.at += frame.size();
        if frame.is(Kind::Events) {
            self.expected = frame.last_seq() + 1;
        }
        Ok(())
    }

    fn damage(&self, why: &str) -> JournalError {
        JournalError::corrupt(&self.segment.path, self.at, self.expected, why)
    }

    fn read_failed(&self, e: io::Error) -> JournalError {
        JournalError::io("read", &self.segment.path, e)
    }

    /// The next frame, verified.
    pub(super) fn frame(&mut self) -> Result<Option<(FrameHeader, Frame<'a>)>, JournalError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let file = &*self.segment.file;
        match frame_at(file, self.segment.salt, self.at, self.end).map_err(|e| self.read_failed(e))? {
            Found::Frame(frame, bytes) => {
                self.advance(&frame)?;
                Ok(Some((frame, bytes)))
            }
            Found::Nothing => Err(self.damage("zeros where a frame was written")),
            Found::Bad(why) => Err(self.damage(why)),
        }
    }

    /// The next frame's header and offset; the payload is not touched.
    pub(super) fn header(&mut self) -> Result<Option<(u64, FrameHeader)>, JournalError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let file = &*self.segment.file;
        let offset = self.at;
        match header_at(file, self.segment.salt, offset, self.end).map_err(|e| self.read_failed(e))? {
            Ok(frame) => {
                self.advance(&frame)?;
                Ok(Some((offset, frame)))
            }
            Err(why) => Err(self.damage(why.unwrap_or("zeros where a frame was written"))),
        }
    }
}
