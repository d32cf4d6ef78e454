//! Where `now` comes from: the real clock ([`RealClock`]), or a virtual one that only commands move.
//!
//! Cost: what the real one costs, a batch of commands and never a command.

use super::real_clock::{Holds, RealClock};
use crate::model::UnixMs;
use crate::model::event::ClockJumped;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a virtual clock starts unless told: 2026-01-01T00:00:00Z.
pub const VIRTUAL_START: UnixMs = 1_767_225_600_000;

/// Tells the time of the daemon.
#[derive(Debug)]
pub enum Clock {
    /// That of the machine.
    Real(RealClock),
    /// It stands here until a command moves it.
    Standing(UnixMs),
}

impl Clock {
    /// A clock that stands at `start`, or later if the log was written later.
    pub fn standing(start: UnixMs, floor: UnixMs) -> Clock {
        Clock::Standing(start.max(floor))
    }

    /// The time, ms since the epoch, and what has to be recorded at this instant before anything else is.
    pub fn look(&mut self) -> (UnixMs, Option<ClockJumped>) {
        match self {
            Clock::Real(clock) => clock.look(),
            Clock::Standing(at) => (*at, None),
        }
    }

    /// The time as it was given out last, or where the log ended.
    pub fn shown(&self) -> UnixMs {
        match self {
            Clock::Real(clock) => clock.shown(),
            Clock::Standing(at) => *at,
        }
    }

    /// The clock of the machine, unless this one is virtual.
    pub fn real(&self) -> Option<&RealClock> {
        match self {
            Clock::Real(clock) => Some(clock),
            Clock::Standing(_) => None,
        }
    }

    /// Is the time moved by commands alone?
    pub fn is_virtual(&self) -> bool {
        self.real().is_none()
    }

    /// Do timers wait until it is decided which clock holds?
    pub fn is_frozen(&self) -> bool {
        self.real().is_some_and(|clock| clock.holds() == Holds::Frozen)
    }

    /// Moves a virtual clock forward to `to`; a real clock, or an instant in the past, is left alone (`false`).
    pub fn move_to(&mut self, to: UnixMs) -> bool {
        match self {
            Clock::Standing(at) if to >= *at => {
                *at = to;
                true
            }
            _ => false,
        }
    }
}

/// The wall clock, ms since the epoch; 0 for a clock set before it.
pub fn wall() -> UnixMs {
    wall_us() / 1_000
}

/// The wall clock, µs since the epoch; 0 for a clock set before it.
pub fn wall_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_stands_and_moves_forward_only() {
        let mut clock = Clock::standing(1_000, 2_000);
        let stands = |clock: &mut Clock, at| clock.look() == (at, None) && clock.shown() == at;
        assert!(
            stands(&mut clock, 2_000),
            "the log is further than the start asked for"
        );
        assert!(clock.move_to(5_000) && clock.move_to(5_000));
        assert!(!clock.move_to(4_999));
        assert!(stands(&mut clock, 5_000));
        assert!(clock.is_virtual() && !clock.is_frozen());
    }
}
