//! Which segments may go, and which of those go now: a function of facts.
//!
//! What a restart needs never goes, whatever the rules say: see "Retention" in [`super::format`]. Of what is left, the
//! oldest go first, and none goes before one that is older. Cost: a look at each segment.

use crate::model::{Seq, UnixMs};

/// How long what a restart does not need is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A segment goes when its newest event is older than this, ms. `None`: never for its age.
    pub age_ms: Option<i64>,
    /// The oldest go while the segments' files have more bytes than this. `None`: never for their size.
    pub bytes_max: Option<u64>,
    /// The oldest go while the disk has fewer bytes free than this.
    pub free_bytes_min: u64,
}

/// Why a segment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// All of it is older than what is kept.
    Age,
    /// The log is larger than it may be.
    Bytes,
    /// The disk has too little room.
    LowDisk,
}

impl Why {
    /// As it is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Age => "age",
            Why::Bytes => "bytes",
            Why::LowDisk => "low disk",
        }
    }
}

/// What is known of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its id.
    pub id: u64,
    /// First seq.
    pub first_seq: Seq,
    /// `logged_at` of its first event; 0: not known.
    pub created_at: UnixMs,
    /// Length of its file.
    pub bytes: u64,
    /// Is it sealed?
    pub is_sealed: bool,
}

/// What the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The time, ms since the epoch.
    pub now: UnixMs,
    /// Every segment, oldest first.
    pub segments: &'a [SegmentFacts],
    /// Seq of the oldest whole snapshot that is kept; `None`: there are not two.
    pub snapshot_seq: Option<Seq>,
    /// Bytes free on the disk.
    pub free_bytes: u64,
}

/// The segments to go, oldest first, and why. `snapshot_seq` of `facts` is what a restart begins with.
pub fn plan(rules: &Rules, facts: &Facts<'_>) -> Vec<(u64, Why)> {
    let Some(snapshot_seq) = facts.snapshot_seq else {
        return Vec::new();
    };
    let mut bytes: u64 = facts.segments.iter().map(|s| s.bytes).sum();
    let mut free_bytes = facts.free_bytes;
    let mut going = Vec::new();
    for (n, pair) in facts.segments.windows(2).enumerate() {
        let [segment, next] = pair else {
            break;
        };
        let restarts_without = next.first_seq <= snapshot_seq.saturating_add(1);
        if !(segment.is_sealed && next.is_sealed && restarts_without) {
            break;
        }
        // All of it was logged by the time the next one began. Where that is not known (a header was lost), by the time
        // the first one after it began of which it is: later, so nothing goes too early.
        let is_old = rules.age_ms.is_some_and(|age| {
            let began = || facts.segments.iter().skip(n + 1).map(|s| s.created_at);
            began()
                .find(|at| *at > 0)
                .is_some_and(|at| facts.now.saturating_sub(at) > age)
        });
        let why = if is_old {
            Why::Age
        } else if rules.bytes_max.is_some_and(|most| bytes > most) {
            Why::Bytes
        } else if free_bytes < rules.free_bytes_min {
            Why::LowDisk
        } else {
            break;
        };
        going.push((segment.id, why));
        bytes -= segment.bytes;
        free_bytes = free_bytes.saturating_add(segment.bytes);
    }
    going
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const NONE: Rules = Rules {
        age_ms: None,
        bytes_max: None,
        free_bytes_min: 0,
    };

    /// Segments of 100 events and 10 bytes, a day each, the last one active.
    fn segments(n: u64) -> Vec<SegmentFacts> {
        let one = |id: u64| SegmentFacts {
            id,
            first_seq: (id - 1) * 100 + 1,
            created_at: id as i64 * DAY,
            bytes: 10,
            is_sealed: id < n,
        };
        (1..=n).map(one).collect()
    }

    fn going(rules: Rules, now: i64, snapshot_seq: Option<Seq>, free_bytes: u64) -> Vec<(u64, Why)> {
        let facts = Facts {
            now,
            segments: &segments(6),
            snapshot_seq,
            free_bytes,
        };
        plan(&rules, &facts)
    }

    #[test]
    fn age_is_that_of_the_newest_event() {
        let rules = Rules {
            age_ms: Some(2 * DAY),
            ..NONE
        };
        let at = |now| going(rules, now, Some(Seq::MAX), 0).len();
        assert_eq!(at(4 * DAY), 0, "segment 1 ended with day 2: just two days old");
        assert_eq!(at(4 * DAY + 1), 1);
        assert_eq!(at(6 * DAY), 2, "segments 1 and 2 ended before day 4");
        assert_eq!(at(i64::MAX), 4, "the newest sealed one and the active one stay");
        assert_eq!(at(i64::MIN), 0);
        assert_eq!(going(rules, 4 * DAY + 1, Some(Seq::MAX), 0), [(1, Why::Age)]);
        assert!(going(NONE, i64::MAX, Some(Seq::MAX), u64::MAX).is_empty());
    }

    #[test]
    fn size_and_a_full_disk_take_the_oldest() {
        let at_most = |bytes| Rules {
            bytes_max: Some(bytes),
            ..NONE
        };
        let going_for = |rules, free| going(rules, 0, Some(Seq::MAX), free);
        assert!(going_for(at_most(60), 0).is_empty());
        assert_eq!(going_for(at_most(59), 0), [(1, Why::Bytes)]);
        assert_eq!(going_for(at_most(40), 0), [(1, Why::Bytes), (2, Why::Bytes)]);
        assert_eq!(going_for(at_most(0), 0).len(), 4);
        let room = |free_bytes_min| Rules {
            free_bytes_min,
            ..NONE
        };
        assert!(going_for(room(100), 100).is_empty());
        assert_eq!(going_for(room(100), 85), [(1, Why::LowDisk), (2, Why::LowDisk)]);
        assert_eq!(going_for(room(u64::MAX), 0).len(), 4);
    }

    #[test]
    fn what_a_restart_needs_stays() {
        let all = Rules {
            bytes_max: Some(0),
            ..NONE
        };
        let count = |snapshot| going(all, 0, snapshot, 0).len();
        assert_eq!(count(None), 0, "without two whole snapshots nothing goes");
        assert_eq!(count(Some(0)), 0);
        assert_eq!(count(Some(99)), 0);
        assert_eq!(count(Some(100)), 1, "the restart begins with event 101");
        assert_eq!(count(Some(399)), 3);
        assert_eq!(count(Some(400)), 4);
        assert_eq!(count(Some(599)), 4);
    }

    #[test]
    fn a_gap_between_two_segments_is_no_loss() {
        let all = Rules {
            bytes_max: Some(0),
            ..NONE
        };
        let mut segments = segments(4);
        // Events 101 to 150 were lost by a power cut.
        segments[1].first_seq = 151;
        let count = |snapshot_seq| {
            let facts = Facts {
                now: 0,
                segments: &segments,
                snapshot_seq: Some(snapshot_seq),
                free_bytes: 0,
            };
            plan(&all, &facts).len()
        };
        assert_eq!(count(100), 0, "a replay from 101 would not find its way");
        assert_eq!(count(150), 1);
    }

    #[test]
    fn an_unknown_time_is_that_of_the_next_known_one_and_stops_nothing_for_good() {
        let rules = Rules {
            age_ms: Some(0),
            ..NONE
        };
        let mut segments = segments(6);
        segments[2].created_at = 0;
        let at = |segments: &[SegmentFacts], now| {
            let facts = Facts {
                now,
                segments,
                snapshot_seq: Some(Seq::MAX),
                free_bytes: 0,
            };
            plan(&rules, &facts).len()
        };
        assert_eq!(at(&segments, 3 * DAY), 1, "when segment 2 ended is not known");
        assert_eq!(at(&segments, 4 * DAY), 1);
        assert_eq!(at(&segments, 4 * DAY + 1), 3, "by then segment 4 had begun");
        assert_eq!(at(&segments, 1_000 * DAY), 4);
        assert_eq!(at(&segments[..1], 1_000 * DAY), 0);
        for segment in &mut segments {
            segment.created_at = 0;
        }
        assert_eq!(at(&segments, i64::MAX), 0, "nothing is known: age is no reason");
    }
}
