//! The wall clock, judged by the one that counts since the machine was started.
//!
//! Both run at the same rate, also while time synchronisation slews them, so that what lies between them changes only when
//! the wall clock is *stepped*: set by hand, by a synchronisation that gave up slewing, by a leap second. A step of up to
//! 100 ms is followed without a word, time standing still meanwhile if it went backwards. A larger one is told. One over
//! `jump_max` freezes: the time before goes on by the boot-time clock, which no step can move, until somebody decides
//! which clock holds, or the wall clock comes back by itself.
//!
//! Cost: two readings through the vDSO (some 50 ns) a look. When they seem to lie apart more are taken, for this thread
//! may have been put aside between the two: only a pair taken within a millisecond is believed.
//!
//! It knows no log and no engine: who looks is told what to record.

use crate::model::event::{ClockJumped, Jump};
use crate::model::{DurationMs, UnixMs};

/// A larger change of the wall clock is a step, ms.
pub const STEP_MS: DurationMs = 100;
/// Two looks that lie further apart are checked, µs.
const DOUBT_US: i64 = 1_000;
/// Readings taken at most to find two within [`DOUBT_US`].
const READINGS_MAX: usize = 16;

/// Both clocks, the wall clock read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, µs since the epoch.
    pub wall_us: i64,
    /// Since the machine was started, sleep included, µs.
    pub boot_us: i64,
}

/// Where readings come from.
pub type Source = Box<dyn FnMut() -> Reading>;

/// The clocks of this machine.
pub fn machine() -> Source {
    Box::new(|| {
        let wall_us = super::clock::wall_us();
        Reading {
            wall_us,
            boot_us: boot_us(),
        }
    })
}

/// The clock that counts since the machine was started, sleep included, µs.
pub fn boot_us() -> i64 {
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    boot.tv_sec * 1_000_000 + boot.tv_nsec / 1_000
}

/// What a start knows of the time before it.
#[derive(Debug, Clone, Copy)]
pub struct Past {
    /// Newest instant of the log; 0 for an empty one.
    pub newest: UnixMs,
    /// The last jump that it tells of.
    pub jumped: Option<ClockJumped>,
    /// Which start of the machine this is: a digest of its boot id, 0 where the system does not say.
    pub boot: u64,
    /// A larger step freezes, ms.
    pub jump_max: DurationMs,
}

/// Whose time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The wall clock's.
    Wall,
    /// That from before a jump, until somebody decides.
    Frozen,
    /// That from before a jump that was rejected.
    Own,
}

impl Holds {
    /// As INFO shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Holds::Wall => "wall",
            Holds::Frozen => "frozen",
            Holds::Own => "own",
        }
    }
}

/// The clock.
pub struct RealClock {
    source: Source,
    jump_max: DurationMs,
    boot: u64,
    holds: Holds,
    /// The time, less the boot-time clock, µs.
    offset_us: i64,
    /// The wall clock, less the boot-time clock, at the last look, µs.
    wall_offset_us: Option<i64>,
    last: Reading,
    /// Newest instant given out: the time goes back by a jump alone.
    newest: UnixMs,
}

impl std::fmt::Debug for RealClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RealClock { holds, last, .. } = self;
        write!(f, "RealClock({holds:?}, {last:?}, offset {} µs)", self.offset_us)
    }
}

impl RealClock {
    /// A clock that goes on where the log ends. The wall clock ahead of that is the time in which nothing ran; behind it,
    /// the first look will call it a step backwards. A jump that was left open, or rejected, stays so.
    pub fn new(source: Source, past: Past) -> RealClock {
        let Past {
            newest,
            jumped,
            boot,
            jump_max,
        } = past;
        let nowhere = Reading {
            wall_us: 0,
            boot_us: 0,
        };
        let mut clock = RealClock {
            source,
            jump_max,
            boot,
            holds: Holds::Wall,
            offset_us: 0,
            wall_offset_us: None,
            last: nowhere,
            newest,
        };
        let last = clock.believable().unwrap_or_else(|| (clock.source)());
        clock.last = last;
        let ended = newest * 1_000 - last.boot_us;
        let wall = offset(last);
        let ahead_ms = (wall - ended) / 1_000;
        let left = jumped.and_then(|jump| match jump.how {
            Jump::Frozen => Some((Holds::Frozen, jump)),
            Jump::Rejected => Some((Holds::Own, jump)),
            _ => None,
        });
        (clock.holds, clock.offset_us) = match left {
            // The boot-time clock has counted on meanwhile.
            Some((holds, jump))
                if boot != 0 && jump.boot == boot && jump.offset_us >= ended - STEP_MS * 1_000 =>
            {
                (holds, jump.offset_us)
            }
            // Another start of the machine: how long it was off nobody knows. Not far from where the log ends, the wall
            // clock is believed again; else it is a jump once more, and somebody has to decide.
            Some((Holds::Frozen, _)) if ahead_ms.abs() <= jump_max => (Holds::Frozen, ended),
            Some(_) if ahead_ms.abs() > jump_max => (Holds::Wall, ended),
            _ if ahead_ms < -STEP_MS => (Holds::Wall, ended),
            _ => (Holds::Wall, wall),
        };
        clock.newest = newest.max(clock.own_ms());
        clock
    }

    /// The time now, ms since the epoch, and what has to be recorded at this instant before anything else is.
    pub fn look(&mut self) -> (UnixMs, Option<ClockJumped>) {
        let reading = (self.source)();
        let before = self.wall_offset_us;
        self.last = reading;
        if before.is_some_and(|before| (offset(reading) - before).abs() <= DOUBT_US) {
            self.wall_offset_us = Some(offset(reading));
            if self.holds == Holds::Wall {
                self.offset_us = offset(reading);
            }
            return (self.go_on(), None);
        }
        match self.believable() {
            Some(reading) => {
                self.last = reading;
                let jump = self.judge();
                (self.go_on(), jump)
            }
            // No two readings together: this machine is too busy to say. The next look will.
            None => {
                self.newest = self.newest.max(self.own_ms());
                (self.newest, None)
            }
        }
    }

    /// CLOCK.ACCEPT (`true`) or CLOCK.REJECT: the time now, and what has to be recorded. `None`: there is nothing to
    /// decide. A jump that was rejected may still be accepted.
    pub fn decide(&mut self, accept: bool) -> Option<(UnixMs, ClockJumped)> {
        let (how, holds) = match (self.holds, accept) {
            (Holds::Frozen | Holds::Own, true) => (Jump::Accepted, Holds::Wall),
            (Holds::Frozen, false) => (Jump::Rejected, Holds::Own),
            _ => return None,
        };
        let from = self.go_on();
        let to = ms(self.last.wall_us);
        if accept {
            self.offset_us = offset(self.last);
            self.newest = to;
        }
        self.wall_offset_us = Some(offset(self.last));
        self.holds = holds;
        Some((self.newest, self.jump(from, to, how)))
    }

    /// What the difference between the time and the wall clock comes to.
    fn judge(&mut self) -> Option<ClockJumped> {
        let before = self.wall_offset_us.replace(offset(self.last));
        let apart_us = offset(self.last) - self.offset_us;
        let (from, to) = (self.newest.max(self.own_ms()), ms(self.last.wall_us));
        let follow = |clock: &mut RealClock| {
            clock.holds = Holds::Wall;
            clock.offset_us = offset(clock.last);
        };
        if apart_us.abs() <= STEP_MS * 1_000 {
            let was = self.holds;
            follow(self);
            return (was == Holds::Frozen).then(|| self.jump(from, to, Jump::Returned));
        }
        if apart_us.abs() <= self.jump_max * 1_000 {
            follow(self);
            self.newest = to;
            return Some(self.jump(from, to, Jump::Stepped));
        }
        let is_where_it_was =
            before.is_none_or(|before| (offset(self.last) - before).abs() <= STEP_MS * 1_000);
        match self.holds {
            Holds::Frozen => None,
            Holds::Own if is_where_it_was => None,
            Holds::Wall | Holds::Own => {
                self.holds = Holds::Frozen;
                Some(self.jump(from, to, Jump::Frozen))
            }
        }
    }

    fn jump(&self, from: UnixMs, to: UnixMs, how: Jump) -> ClockJumped {
        ClockJumped {
            from,
            to,
            how,
            offset_us: self.offset_us,
            boot: self.boot,
        }
    }

    /// A reading whose two halves belong together.
    fn believable(&mut self) -> Option<Reading> {
        let mut before = (self.source)();
        for _ in 0..READINGS_MAX {
            let reading = (self.source)();
            // Its wall clock was read after the boot-time clock of the one before, and before its own.
            if reading.boot_us - before.boot_us <= DOUBT_US {
                return Some(reading);
            }
            before = reading;
        }
        None
    }

    fn go_on(&mut self) -> UnixMs {
        let now = match self.holds {
            Holds::Wall => ms(self.last.wall_us),
            Holds::Frozen | Holds::Own => self.own_ms(),
        };
        self.newest = self.newest.max(now);
        self.newest
    }

    /// The time by the boot-time clock.
    fn own_ms(&self) -> UnixMs {
        ms(self.last.boot_us + self.offset_us)
    }

    /// Whose time it is.
    pub fn holds(&self) -> Holds {
        self.holds
    }

    /// The newest instant that was given out.
    pub fn shown(&self) -> UnixMs {
        self.newest
    }

    /// How far the wall clock is ahead of the time, ms, as of the last look.
    pub fn wall_ahead_ms(&self) -> DurationMs {
        match self.holds {
            Holds::Wall => 0,
            Holds::Frozen | Holds::Own => (offset(self.last) - self.offset_us) / 1_000,
        }
    }

    /// The time, less the boot-time clock, µs.
    pub fn offset_us(&self) -> i64 {
        self.offset_us
    }

    /// When this clock will show `at`, by the boot-time clock, µs.
    pub fn boot_us_at(&self, at: UnixMs) -> i64 {
        at.saturating_mul(1_000).saturating_sub(self.offset_us)
    }
}

fn offset(reading: Reading) -> i64 {
    reading.wall_us - reading.boot_us
}

fn ms(us: i64) -> UnixMs {
    us.div_euclid(1_000)
}

#[cfg(test)]
mod tests;
