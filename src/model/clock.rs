//! The daemon's clock as commands move it and as the log tells of it.

use super::{DurationMs, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// `CLOCK.…`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockCommand {
    /// `CLOCK.ADVANCE D`, ms
    Advance(DurationMs),
    /// `CLOCK.SET T`
    Set(UnixMs),
    /// `CLOCK.ACCEPT`
    Accept,
    /// `CLOCK.REJECT`
    Reject,
}

/// The clock moved other than by passing, or it was decided which clock holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct ClockJumped {
    /// What the daemon's clock showed.
    pub from: UnixMs,
    /// Where it was moved, or where the wall clock is.
    pub to: UnixMs,
    /// What became of it.
    pub how: Jump,
    /// The daemon's time from here on, less the clock that counts since the machine was started, µs. A daemon that
    /// starts again finds its own time by it. 0 for a virtual clock.
    pub offset_us: i64,
    /// Which start of the machine that was (a digest of its boot id); 0 for a virtual clock, or where the system does
    /// not say.
    pub boot: u64,
}

/// What became of a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Jump {
    /// CLOCK.ADVANCE or CLOCK.SET of a virtual clock.
    Advanced,
    /// The wall clock was stepped by little: its time holds.
    Stepped,
    /// It was stepped by more than `clock_jump_max`: the time before goes on, and no timer fires until this is settled.
    Frozen,
    /// CLOCK.ACCEPT: the wall clock's time holds.
    Accepted,
    /// CLOCK.REJECT: the time before goes on, and timers fire by it.
    Rejected,
    /// The wall clock came back by itself before anybody had to decide.
    Returned,
}

impl ClockJumped {
    /// A virtual clock was moved.
    pub const fn advanced(from: UnixMs, to: UnixMs) -> ClockJumped {
        let (how, offset_us, boot) = (Jump::Advanced, 0, 0);
        ClockJumped {
            from,
            to,
            how,
            offset_us,
            boot,
        }
    }

    /// Is it of a virtual clock?
    pub fn is_virtual(&self) -> bool {
        self.how == Jump::Advanced
    }

    /// Was a clock of the machine stepped? Else it is a virtual clock, or somebody decided about an earlier step.
    pub fn is_step(&self) -> bool {
        matches!(self.how, Jump::Stepped | Jump::Frozen | Jump::Returned)
    }
}
