//! Where `now` comes from: the wall clock, or a virtual one that only commands move.
//!
//! Cost: one `clock_gettime` through the vDSO (about 20 ns) a batch of commands, never one a command.
//! It does not notice that the wall clock was stepped; it only never goes below what the log has seen, so that
//! `at` of events never runs backwards.

use crate::model::UnixMs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a virtual clock starts unless told: 2026-01-01T00:00:00Z.
pub const VIRTUAL_START: UnixMs = 1_767_225_600_000;

/// Tells the time of the daemon.
#[derive(Debug)]
pub struct Clock {
    /// `Some`: the time stands here until a command moves it.
    standing_at: Option<UnixMs>,
    /// Newest instant given out or logged; a real clock never goes below it.
    floor: UnixMs,
}

impl Clock {
    /// The wall clock, never below `floor` (the newest logged instant).
    pub fn real(floor: UnixMs) -> Clock {
        Clock {
            standing_at: None,
            floor,
        }
    }

    /// A clock that stands at `start`, or later if the log was written later.
    pub fn standing(start: UnixMs, floor: UnixMs) -> Clock {
        let at = start.max(floor);
        Clock {
            standing_at: Some(at),
            floor: at,
        }
    }

    /// The time, ms since the epoch.
    pub fn now(&mut self) -> UnixMs {
        if let Some(at) = self.standing_at {
            return at;
        }
        self.floor = self.floor.max(wall());
        self.floor
    }

    /// Is the time moved by commands alone?
    pub fn is_virtual(&self) -> bool {
        self.standing_at.is_some()
    }

    /// Moves a virtual clock forward to `to`; a real clock, or an instant in the past, is left alone (`false`).
    pub fn move_to(&mut self, to: UnixMs) -> bool {
        match &mut self.standing_at {
            Some(at) if to >= *at => {
                *at = to;
                self.floor = to;
                true
            }
            _ => false,
        }
    }
}

/// The wall clock, ms since the epoch; 0 for a clock set before it.
pub fn wall() -> UnixMs {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| UnixMs::try_from(d.as_millis()).unwrap_or(UnixMs::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_clock_never_goes_below_what_was_logged() {
        let ahead = wall() + 3_600_000;
        assert_eq!(Clock::real(ahead).now(), ahead);
        let before = wall();
        assert!(Clock::real(0).now() >= before);
        assert!(!Clock::real(0).move_to(ahead));
    }

    #[test]
    fn a_virtual_clock_stands_and_moves_forward_only() {
        let mut clock = Clock::standing(1_000, 2_000);
        assert_eq!(clock.now(), 2_000, "the log is further than the start asked for");
        assert!(clock.move_to(5_000) && clock.move_to(5_000));
        assert!(!clock.move_to(4_999));
        assert_eq!(clock.now(), 5_000);
    }
}
