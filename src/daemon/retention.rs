//! Old segments: their index files are made, and what the configuration keeps no longer goes, on a thread of its own.
//!
//! It looks after each rotation, each snapshot, and once an hour. Nothing here is urgent: pauses between the pieces leave the
//! disk and the processor to others, and a failure is told and tried again the next time. Neither the core nor the log
//! thread ever waits for it.

use super::fatal;
use super::shared::Shared;
use crate::journal::keeper::Retired;
use crate::journal::{JournalError, Keeper, Rules, Step};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Looked at least so often: age comes by itself.
const EVERY: Duration = Duration::from_secs(3_600);
/// Between two pieces of a file that is deleted: some 200 MiB/s.
const STEP_PAUSE: Duration = Duration::from_millis(10);
/// How long a reader is given until it is asked again whether it still reads what goes.
const HELD_PAUSE: Duration = Duration::from_millis(250);
/// After an index file it rests for as many times as long as it took.
const INDEX_RESTS: u32 = 3;
/// Index files are made only while the disk has this much more room than must stay free.
const INDEX_ROOM_BYTES: u64 = 64 << 20;

/// Wakes the thread, and ends it.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<Rung>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    looks: bool,
    stops: bool,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, Rung> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There may be something to do.
    pub fn ring(&self) {
        self.state().looks = true;
        self.rung.notify_one();
    }

    /// Ends the thread after the piece that it is at.
    pub fn stop(&self) {
        self.state().stops = true;
        self.rung.notify_one();
    }

    /// Waits, at most so long, until it rings. False: to end.
    fn wait(&self, at_most: Duration) -> bool {
        let is_quiet = |rung: &mut Rung| !rung.looks && !rung.stops;
        let waited = self.rung.wait_timeout_while(self.state(), at_most, is_quiet);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        rung.looks = false;
        !rung.stops
    }

    /// Waits so long, whoever rings meanwhile. False: to end.
    fn pause(&self, time: Duration) -> bool {
        let waited = self
            .rung
            .wait_timeout_while(self.state(), time, |rung| !rung.stops);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stops
    }
}

/// Starts the thread. [`Bell::stop`] ends it.
pub fn start(keeper: Keeper, shared: Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    let retention = shared.config.retention;
    let rules = Rules {
        age_ms: (retention.age).map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)),
        bytes_max: retention.bytes,
        free_bytes_min: retention.free_bytes_min,
    };
    std::thread::Builder::new()
        .name("slad-keep".to_owned())
        .spawn(move || {
            let mut housekeeping = Housekeeping {
                keeper,
                rules,
                shared,
            };
            let mut goes_on = true;
            while goes_on {
                goes_on = housekeeping.look();
            }
        })
}

struct Housekeeping {
    keeper: Keeper,
    rules: Rules,
    shared: Arc<Shared>,
}

impl Housekeeping {
    /// Looks once, does what there is to do, and waits for the next time. False: to end.
    fn look(&mut self) -> bool {
        if let Ok(Some(path)) = self.keeper.missing() {
            let why = format!(
                "{}: the file went away under the daemon; what it held cannot be read again",
                path.display()
            );
            fatal::exit(fatal::LOG_CUT_OFF, &why);
        }
        match self.keeper.retire(&self.rules, self.shared.now_ms()) {
            Ok(retired) => retired.iter().for_each(tell),
            Err(e) => warn("old segments could not be looked at", &e),
        }
        let mut at_most = EVERY;
        loop {
            match self.keeper.step() {
                Ok(Step::Idle) => {
                    if self.keeper.is_postponed() {
                        at_most = HELD_PAUSE;
                    }
                    break;
                }
                Ok(Step::Again) => {}
                Ok(Step::Held) => {
                    at_most = HELD_PAUSE;
                    break;
                }
                Err(e) => {
                    warn("an old file could not be deleted", &e);
                    break;
                }
            }
            if !self.shared.housekeeping.pause(STEP_PAUSE) {
                return false;
            }
        }
        match self.index() {
            Ok(true) => self.shared.housekeeping.wait(Duration::ZERO),
            Ok(false) => self.shared.housekeeping.wait(at_most),
            Err(goes_on) => goes_on,
        }
    }

    /// Makes one index file, if one is missing; tells whether there may be more. `Err(false)`: to end.
    fn index(&mut self) -> Result<bool, bool> {
        let room = self.rules.free_bytes_min.saturating_add(INDEX_ROOM_BYTES);
        let began = Instant::now();
        let made = match self.keeper.free_bytes() {
            Ok(free) if free < room => return Ok(false),
            Ok(_) => self.keeper.write_index(),
            Err(e) => Err(e),
        };
        match made {
            Ok(None) => Ok(false),
            Ok(Some((segment, bytes))) => {
                let took = began.elapsed();
                tracing::debug!(segment, bytes, took_ms = took.as_millis() as u64, "indexed");
                // A ring ends the rest: room on the disk may be more urgent than the next index file.
                if self.shared.housekeeping.wait(took * INDEX_RESTS) {
                    Ok(true)
                } else {
                    Err(false)
                }
            }
            Err(e) => {
                warn("an index file could not be made", &e);
                // A segment that cannot be read is passed over; what the disk refused is for another time.
                Ok(e.is_unreadable())
            }
        }
    }
}

fn tell(retired: &Retired) {
    tracing::info!(
        segment = retired.id,
        first_seq = retired.first_seq,
        last_seq = retired.last_seq,
        bytes = retired.bytes,
        why = retired.why.as_str(),
        "segment retired"
    );
}

fn warn(what: &str, e: &JournalError) {
    tracing::warn!("{what}: {e}");
}
