//! What lives came to, for the line that a run prints.

use super::flips;
use std::fmt;

/// What lives came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    pub commands: u64,
    pub events: u64,
    pub starts: u64,
    pub kills: u64,
    pub power: u64,
    pub errors: u64,
    pub failed_starts: u64,
    pub gaps: u64,
    pub snapshots: u64,
    pub from_snapshot: u64,
    /// State hashes of the log that a replay came out with.
    pub hashes: u64,
    pub flips: flips::Flips,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.commands += other.commands;
        self.events += other.events;
        self.starts += other.starts;
        self.kills += other.kills;
        self.power += other.power;
        self.errors += other.errors;
        self.failed_starts += other.failed_starts;
        self.gaps += other.gaps;
        self.snapshots += other.snapshots;
        self.from_snapshot += other.from_snapshot;
        self.hashes += other.hashes;
        self.flips.add(&other.flips);
    }

    /// Many runs must have met everything that there is to meet.
    pub fn reach(&self, runs: u64) {
        let all = [
            self.kills,
            self.power,
            self.errors,
            self.failed_starts,
            self.gaps,
            self.snapshots,
            self.from_snapshot,
            self.hashes,
            self.flips.refused,
            self.flips.torn,
            self.flips.harmless,
        ];
        assert!(runs < 1_000 || all.iter().all(|n| *n > 0), "{self}");
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands, {} events, {} starts ({} failed), {} kills, {} power losses, {} disk errors, {} gaps told, \
             {} snapshots ({} started from), {} state hashes, {}",
            self.commands,
            self.events,
            self.starts,
            self.failed_starts,
            self.kills,
            self.power,
            self.errors,
            self.gaps,
            self.snapshots,
            self.from_snapshot,
            self.hashes,
            self.flips
        )
    }
}
