//! What threads other than the core see of the daemon: who is connected, whether it serves, a few counters.

use super::clients::Clients;
use super::config::Config;
use super::disk::DiskState;
use super::http::Health;
use super::log_line::LogLine;
use super::retention::Bell;
use crate::journal::Published;
use crate::model::{Seq, UnixMs};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// No clock was looked at yet.
const UNKNOWN: i64 = i64::MIN;

/// Shared by all threads.
#[derive(Debug)]
pub struct Shared {
    /// What is configured.
    pub config: Config,
    /// Who is connected.
    pub clients: Arc<Clients>,
    /// When the process began.
    pub started: Instant,
    /// Events replayed so far while loading.
    pub replayed: AtomicU64,
    /// The event behind which something new is worth a snapshot.
    pub snapshot_seq: AtomicU64,
    /// Last seq that the newest snapshot holds.
    pub snapshot_of: AtomicU64,
    /// Rings when a segment was sealed or a snapshot taken.
    pub housekeeping: Bell,
    /// Bytes that were cut from the log's torn end at the last start.
    pub cut_bytes: AtomicU64,
    ready: AtomicBool,
    /// What the daemon is doing, for `/readyz`.
    pub health: Arc<Health>,
    /// Instant at which a virtual clock stands, ms; negative: the clock is real.
    standing_ms: AtomicI64,
    /// A real clock's time less the boot-time clock, µs, as of the core's last look; [`UNKNOWN`] before the first.
    offset_us: AtomicI64,
    commands: AtomicU64,
    refused: AtomicU64,
    syncs: AtomicU64,
    sync_us: AtomicU64,
    log: OnceLock<(Arc<LogLine>, Arc<Published>)>,
}

impl Shared {
    /// At the start of the process.
    pub fn new(config: Config) -> Shared {
        Shared {
            clients: Arc::new(Clients::new(config.socket.display().to_string())),
            config,
            started: Instant::now(),
            replayed: AtomicU64::new(0),
            snapshot_seq: AtomicU64::new(0),
            snapshot_of: AtomicU64::new(0),
            housekeeping: Bell::default(),
            cut_bytes: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            health: Arc::new(Health::default()),
            standing_ms: AtomicI64::new(-1),
            offset_us: AtomicI64::new(UNKNOWN),
            commands: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            sync_us: AtomicU64::new(0),
            log: OnceLock::new(),
        }
    }

    /// The log is open.
    pub fn opened(&self, line: Arc<LogLine>, published: Arc<Published>) {
        let _ = self.log.set((line, published));
    }

    /// A virtual clock stands here.
    pub fn stands_at(&self, at: UnixMs) {
        self.standing_ms.store(at, Relaxed);
    }

    /// The time of the daemon, real or virtual, ms since the epoch.
    pub fn now_ms(&self) -> UnixMs {
        match self.standing_ms.load(Relaxed) {
            at if at >= 0 => at,
            _ => match self.offset_us.load(Relaxed) {
                UNKNOWN => super::clock::wall(),
                offset_us => super::real_clock::boot_us().saturating_add(offset_us) / 1_000,
            },
        }
    }

    /// The daemon's time is this much more than the boot-time clock, µs. No jump of the wall clock that nobody has judged yet
    /// moves what [`Shared::now_ms`] says.
    pub fn runs_at(&self, offset_us: i64) {
        self.offset_us.store(offset_us, Relaxed);
    }

    /// Is the daemon serving?
    pub fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    /// Says whether the daemon is serving.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Relaxed);
    }

    /// Last seq written.
    pub fn written_seq(&self) -> Seq {
        self.log.get().map_or(0, |(line, _)| line.written_seq())
    }

    /// Last seq synced.
    pub fn durable_seq(&self) -> Seq {
        self.log.get().map_or(0, |(line, _)| line.durable_seq())
    }

    /// Bytes of the log.
    pub fn log_bytes(&self) -> u64 {
        self.log.get().map_or(0, |(_, published)| published.log_bytes())
    }

    /// How much room the log has, and the bytes free on its disk when it was looked at last.
    pub fn disk(&self) -> (DiskState, u64) {
        self.log.get().map_or((DiskState::Ok, 0), |(line, _)| line.disk())
    }

    /// First seq retained.
    pub fn first_seq(&self) -> Seq {
        self.log.get().map_or(0, |(_, published)| published.first_seq())
    }

    /// Segments of the log.
    pub fn segments(&self) -> u64 {
        self.log
            .get()
            .map_or(0, |(_, published)| published.segment_count() as u64)
    }

    /// Segments that retention took out since the start.
    pub fn segments_retired(&self) -> u64 {
        self.log
            .get()
            .map_or(0, |(_, published)| published.retired_count())
    }

    /// Counts commands.
    pub fn count_commands(&self, count: u64) {
        self.commands.fetch_add(count, Relaxed);
    }

    /// Commands since the start.
    pub fn commands(&self) -> u64 {
        self.commands.load(Relaxed)
    }

    /// Counts a refusal.
    pub fn count_refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Refusals since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Counts a sync that took so long.
    pub fn synced(&self, took: Duration) {
        self.syncs.fetch_add(1, Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sync_us.fetch_add(us, Relaxed);
    }

    /// Syncs since the start, and how long they took together, µs.
    pub fn syncs(&self) -> (u64, u64) {
        (self.syncs.load(Relaxed), self.sync_us.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::real_clock::boot_us;

    #[test]
    fn the_time_that_others_see_is_the_clock_s_and_not_the_wall_s() {
        let shared = Shared::new(Config::default());
        assert!(
            (shared.now_ms() - crate::daemon::clock::wall()).abs() < 60_000,
            "nobody has looked yet"
        );
        // The core's clock shows 1970, whatever the wall clock was set to.
        shared.runs_at(-boot_us());
        assert!((0..60_000).contains(&shared.now_ms()), "{}", shared.now_ms());
        shared.stands_at(7);
        assert_eq!(shared.now_ms(), 7);
    }
}
