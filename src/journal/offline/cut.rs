//! Places between two frames: where a log can end.

use super::view::{Part, View};
use crate::journal::JournalError;
use crate::journal::frame::{Kind, events};
use crate::journal::scan::Walk;
use crate::model::{Seq, UnixMs};

/// How far a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Up to this seq.
    Seq(Seq),
    /// Up to the last event logged at or before this instant.
    Time(UnixMs),
}

/// A place after a whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Segment that it lies in.
    pub segment: u64,
    /// Offset after the frame.
    pub offset: u64,
    /// Last seq before it.
    pub last_seq: Seq,
    /// When that event was logged; 0: there is none in the segment.
    pub logged_at: UnixMs,
}

impl View {
    /// The last place up to which everything is wanted: frames are taken whole or not at all. `None` when not even the first
    /// frame is. Reads the frames of one segment.
    pub fn cut(&self, until: Until) -> Result<Option<Cut>, JournalError> {
        let begins_within = |p: &Part| match until {
            Until::Seq(seq) => p.segment.first_seq <= seq,
            Until::Time(at) => p.header.created_at <= at,
        };
        // A segment whose first frame is not wanted whole leaves the one before.
        let Some(n) = self.parts().iter().rposition(begins_within) else {
            return Ok(None);
        };
        for part in self.parts()[..=n].iter().rev() {
            if let Some(cut) = last_within(part, until)? {
                return Ok(Some(cut));
            }
        }
        Ok(None)
    }

    /// After the last whole frame; `None` in an empty log.
    pub fn end(&self) -> Option<Cut> {
        self.parts().last().map(|p| Cut {
            segment: p.header.id,
            offset: p.segment.end(),
            last_seq: p.segment.last_seq(),
            logged_at: 0,
        })
    }
}

/// The place after the last frame of a segment that is wanted, with the control frames right behind it.
fn last_within(part: &Part, until: Until) -> Result<Option<Cut>, JournalError> {
    let segment = &part.segment;
    let mut walk = Walk::whole(segment);
    let mut found: Option<Cut> = None;
    loop {
        let offset = walk.offset();
        let next = match walk.frame() {
            // What is damaged lies behind what is wanted.
            Err(_) if matches!(until, Until::Seq(seq) if walk.expected() > seq) => return Ok(found),
            next => next?,
        };
        let Some((header, frame)) = next else {
            return Ok(found);
        };
        if header.is(Kind::Events) {
            let foreign = |what| JournalError::foreign(&segment.path, offset, header.first_seq, what);
            let events = events(&header, frame.payload(&header)).map_err(foreign)?;
            let logged_at = events.iter().map(|e| e.logged_at.to_native()).max().unwrap_or(0);
            let is_wanted = match until {
                Until::Seq(seq) => header.last_seq() <= seq,
                Until::Time(at) => logged_at <= at,
            };
            if !is_wanted {
                return Ok(found);
            }
            found = Some(Cut {
                segment: part.header.id,
                offset: walk.offset(),
                last_seq: header.last_seq(),
                logged_at,
            });
        } else if let Some(cut) = &mut found {
            cut.offset = walk.offset();
        }
    }
}
