//! Waking who sleeps, and only then: parking and waking a thread costs 35 µs, a look at a flag next to nothing.
//!
//! [`Bell`] wakes a thread, [`Call`] a task. Both hold one promise: what was done before a ring is seen by the sleeper
//! without another ring, however the two run into each other. The model checks below try every order of it; the
//! code that they run is the code that the daemon runs.

use crate::collections::sync::AtomicBool;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::AcqRel;
use std::time::Duration;

#[cfg(all(test, feature = "model-check"))]
use loom::thread::{self, Thread};
#[cfg(not(all(test, feature = "model-check")))]
use std::thread::{self, Thread};

/// A thread that sleeps when it has nothing to do. One thread sleeps, any number ring.
#[derive(Debug)]
pub struct Bell {
    /// The thread sleeps, or is about to.
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Default for Bell {
    fn default() -> Self {
        Bell {
            asleep: AtomicBool::new(false),
            thread: OnceLock::new(),
        }
    }
}

impl Bell {
    /// Wakes the thread if it sleeps. To be called after what it is to see was stored, with whatever ordering.
    pub fn ring(&self) {
        // Every change of the flag is a swap, so each has seen what was stored before all earlier ones: if this one finds the
        // flag down, the sleeper's next raising it sees what this caller stored, and its second look finds that.
        if self.asleep.swap(false, AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Sleeps until somebody rings, or for `timeout`; not at all unless `is_idle` still says so once the flag is up. May
    /// return early.
    pub fn sleep(&self, timeout: Option<Duration>, is_idle: impl FnOnce() -> bool) {
        let _ = self.thread.set(thread::current());
        self.asleep.swap(true, AcqRel);
        if is_idle() {
            park(timeout);
        }
        // A store would cut the chain: a ring that came meanwhile, and found the flag down, would be lost.
        self.asleep.swap(false, AcqRel);
    }
}

#[cfg(not(all(test, feature = "model-check")))]
fn park(timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => thread::park_timeout(timeout),
        None => thread::park(),
    }
}

/// In a model nobody is saved by a time-out.
#[cfg(all(test, feature = "model-check"))]
fn park(_timeout: Option<Duration>) {
    thread::park();
}

/// Tells a task once that there is something to look at, until it has looked.
#[derive(Debug)]
pub struct Call {
    /// It has been told and has not looked yet.
    told: AtomicBool,
}

impl Default for Call {
    fn default() -> Self {
        Call {
            told: AtomicBool::new(false),
        }
    }
}

impl Call {
    /// Tells with `wake`, unless that was done and not answered yet. To be called after what is to be looked at was stored.
    pub fn call(&self, wake: impl FnOnce()) {
        // A swap, so that whoever lowers the flag has seen what was stored before it was found raised.
        if !self.told.swap(true, AcqRel) {
            wake();
        }
    }

    /// To be called when woken, before looking.
    pub fn answer(&self) {
        // A swap, not a store: it has to see what `call` stored before it found the flag raised.
        self.told.swap(false, AcqRel);
    }
}

#[cfg(all(test, feature = "model-check"))]
mod model_check {
    use super::*;
    use loom::sync::atomic::AtomicU64;
    use loom::sync::{Arc, Notify};
    use std::sync::atomic::Ordering::{Acquire, Release};

    /// Every order with up to three preemptions: more take hours and, by experience, find nothing else.
    fn check(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    // No thread is joined: a late ring would count as what the join waits for.

    /// The line to the log thread: a ring (how much was ever put on it), two requests, and the bell.
    #[derive(Default)]
    struct Line {
        bell: Bell,
        ring: AtomicU64,
        stop: AtomicBool,
    }

    /// Whatever is put on the ring is taken off, and a stop is heeded: a sleep that nobody ends shows as a deadlock.
    #[test]
    fn the_log_thread_never_sleeps_on_work() {
        check(|| {
            let line = Arc::new(Line::default());
            let core = line.clone();
            loom::thread::spawn(move || {
                core.ring.store(1, Release);
                core.bell.ring();
                core.stop.store(true, Release);
                core.bell.ring();
            });
            let mut taken = 0;
            loop {
                let stopping = line.stop.load(Acquire);
                let there = line.ring.load(Acquire);
                if there > taken {
                    taken = there;
                    continue;
                }
                if stopping {
                    break;
                }
                line.bell.sleep(None, || {
                    line.ring.load(Acquire) == taken && !line.stop.load(Acquire)
                });
            }
            assert_eq!(taken, 1, "a stop comes after all that was sent before it");
        });
    }

    /// Two threads that ring: the core's batches, and a sync that somebody else asks for.
    #[test]
    fn a_request_from_another_thread_is_heard() {
        check(|| {
            let line = Arc::new(Line::default());
            for asks in [false, true] {
                let line = line.clone();
                loom::thread::spawn(move || {
                    if asks {
                        line.stop.store(true, Release);
                    } else {
                        line.ring.store(1, Release);
                    }
                    line.bell.ring();
                });
            }
            let (mut taken, mut asked) = (0, false);
            while taken == 0 || !asked {
                taken = line.ring.load(Acquire);
                asked = line.stop.load(Acquire);
                line.bell.sleep(None, || {
                    line.ring.load(Acquire) == taken
                        && line.stop.load(Acquire) == asked
                        && (taken == 0 || !asked)
                });
            }
        });
    }

    /// The core sees how far the log came, though it is told only once for several steps.
    #[test]
    fn the_core_sees_the_last_step_of_the_log() {
        check(|| {
            let shared = Arc::new((Call::default(), AtomicU64::new(0), Notify::new()));
            let log = shared.clone();
            loom::thread::spawn(move || {
                let (call, durable, core) = &*log;
                for seq in 1..=2 {
                    durable.store(seq, Release);
                    call.call(|| core.notify());
                }
            });
            let (call, durable, core) = &*shared;
            while durable.load(Acquire) < 2 {
                core.wait();
                call.answer();
            }
        });
    }
}
