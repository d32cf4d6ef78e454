//! Local time and UTC. Both ways by binary search over a zone's transitions, of which a zone with summer time has 460 in the
//! years covered.
//!
//! A local time that the clocks skip moves forward by what they skip; one that they show twice is the first. Source: RFC 5545
//! §3.3.5, "compatible" in Temporal.

use crate::model::calendar::{Day, ZoneTable};
use crate::model::time::{DAY_MS, UnixMs};

/// Furthest that local time is taken to be from UTC, s. (Manila was 15 h 56 min behind; POSIX allows no more than 24 h.)
pub(super) const OFFSET_MAX_S: i64 = 26 * 3_600;

/// Furthest from 1970 that an instant has a local date here: 2300-01-01, past all that calendars cover.
const FURTHEST_MS: UnixMs = 10_413_792_000_000;

/// A zone's offsets, ready to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Zone {
    base_offset_s: i64,
    /// Instants from which the offset of the same place in `offsets_s` holds, s.
    utc_s: Box<[i64]>,
    /// Local times from which that offset is the one to subtract, s.
    local_s: Box<[i64]>,
    offsets_s: Box<[i64]>,
}

impl Zone {
    /// Takes a table that `check` found no fault with.
    pub(super) fn new(table: &ZoneTable) -> Zone {
        let base_offset_s = i64::from(table.base_offset_s);
        let mut before = base_offset_s;
        let mut local_s = Vec::with_capacity(table.transitions.len());
        for transition in &table.transitions {
            let after = i64::from(transition.offset_s);
            // Skipped times (after > before) and the first pass of repeated ones (after < before) are reckoned with the
            // offset before: skipped ones land beyond the gap by as much as they lay behind its beginning.
            local_s.push(transition.at_s + before.max(after));
            before = after;
        }
        Zone {
            base_offset_s,
            utc_s: table.transitions.iter().map(|t| t.at_s).collect(),
            local_s: local_s.into(),
            offsets_s: table.transitions.iter().map(|t| i64::from(t.offset_s)).collect(),
        }
    }

    /// Local time of an instant, ms since the local 1970-01-01T00:00.
    pub(super) fn local_ms(&self, at: UnixMs) -> i64 {
        at + 1_000 * self.offset_s(&self.utc_s, at.div_euclid(1_000))
    }

    /// The instant of a local time, both in ms.
    pub(super) fn utc_ms(&self, local_ms: i64) -> UnixMs {
        local_ms - 1_000 * self.offset_s(&self.local_s, local_ms.div_euclid(1_000))
    }

    /// The instant of so many minutes after the midnight that begins a date, s.
    pub(super) fn utc_s(&self, day: Day, minutes: u16) -> i64 {
        let local_s = i64::from(day) * 86_400 + i64::from(minutes) * 60;
        local_s - self.offset_s(&self.local_s, local_s)
    }

    /// The local date of an instant, and the ms since its midnight. Instants beyond the years 1670 to 2300 are taken as these.
    pub(super) fn date(&self, at: UnixMs) -> (Day, i64) {
        let local_ms = self.local_ms(at.clamp(-FURTHEST_MS, FURTHEST_MS));
        (local_ms.div_euclid(DAY_MS) as Day, local_ms.rem_euclid(DAY_MS))
    }

    /// Is local time the same in both until this instant, s?
    pub(super) fn same_until(&self, other: &Zone, until_s: i64) -> bool {
        let changes = |zone: &Zone| zone.utc_s.partition_point(|at| *at < until_s);
        let (ours, theirs) = (changes(self), changes(other));
        self.base_offset_s == other.base_offset_s
            && self.utc_s[..ours] == other.utc_s[..theirs]
            && self.offsets_s[..ours] == other.offsets_s[..theirs]
    }

    fn offset_s(&self, from: &[i64], at_s: i64) -> i64 {
        match from.partition_point(|from| *from <= at_s) {
            0 => self.base_offset_s,
            after => self.offsets_s[after - 1],
        }
    }
}
