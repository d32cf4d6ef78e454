//! Between the core and the log thread: batches go one way over a ring and come back empty over another, how far the
//! log is comes back through two counters.
//!
//! No lock, no allocation once the batches have grown. A sleeping side is woken only when it has said that it sleeps (see
//! [`super::bell`]): parking and waking costs 35 µs, a hand-over 10 ns.

use super::bell::{Bell, Call};
use super::disk::DiskState;
use crate::journal::Batch;
use crate::model::Seq;
use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Batches under way at most. What comes faster gathers in the core's own batch.
const BATCHES_MAX: usize = 64;

/// What the two threads share.
#[derive(Debug)]
pub struct LogLine {
    full: ArrayQueue<Batch>,
    empty: ArrayQueue<Batch>,
    /// Where the log thread sleeps.
    bell: CachePadded<Bell>,
    stop: AtomicBool,
    /// Somebody needs what was written to be synced, whatever the policy.
    sync_asked: AtomicBool,
    /// Something else that the log thread waits for has come.
    nudged: AtomicBool,
    /// Tells the core to look.
    call: CachePadded<Call>,
    core: Notify,
    written_seq: CachePadded<AtomicU64>,
    durable_seq: CachePadded<AtomicU64>,
    /// Bytes of batches that the log thread is done with, as the policy counts it.
    done_bytes: AtomicU64,
    disk_state: AtomicU8,
    disk_free_bytes: AtomicU64,
    limit_bytes: AtomicU64,
    /// Looked at by refusals alone.
    disk_why: Mutex<String>,
}

impl LogLine {
    /// A line of a log that ends with `seq`, all of it durable.
    pub fn new(seq: Seq) -> LogLine {
        LogLine {
            full: ArrayQueue::new(BATCHES_MAX),
            empty: ArrayQueue::new(BATCHES_MAX),
            bell: CachePadded::default(),
            stop: AtomicBool::new(false),
            sync_asked: AtomicBool::new(false),
            nudged: AtomicBool::new(false),
            call: CachePadded::default(),
            core: Notify::new(),
            written_seq: CachePadded::new(AtomicU64::new(seq)),
            durable_seq: CachePadded::new(AtomicU64::new(seq)),
            done_bytes: AtomicU64::new(0),
            disk_state: AtomicU8::new(DiskState::Ok as u8),
            disk_free_bytes: AtomicU64::new(0),
            limit_bytes: AtomicU64::new(u64::MAX),
            disk_why: Mutex::default(),
        }
    }

    /// Hands a batch over, or gives it back when too many are under way.
    pub fn send(&self, batch: Batch) -> Result<(), Batch> {
        self.full.push(batch)?;
        self.bell.ring();
        Ok(())
    }

    /// An empty batch: a used one if there is one.
    pub fn fresh(&self) -> Batch {
        self.empty.pop().unwrap_or_default()
    }

    /// The next batch to write.
    pub fn next(&self) -> Option<Batch> {
        self.full.pop()
    }

    /// Gives a written batch back.
    pub fn give_back(&self, mut batch: Batch) {
        batch.clear();
        let _ = self.empty.push(batch);
    }

    /// Tells the log thread to finish and end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Has the log thread been told to end?
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Has everything that was sent up to now synced, whatever the policy.
    pub fn ask_sync(&self) {
        self.sync_asked.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Was a sync asked for since the last look?
    pub fn take_sync_asked(&self) -> bool {
        self.sync_asked.swap(false, Ordering::SeqCst)
    }

    /// Tells the log thread to look again at what it waits for, other than batches.
    pub fn nudge(&self) {
        self.nudged.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// The log thread sleeps until it is woken, or for `timeout`. Batches on the line keep it awake only if it
    /// `takes_batches`.
    pub fn sleep(&self, timeout: Option<std::time::Duration>, takes_batches: bool) {
        self.bell.sleep(timeout, || {
            let has_work = (takes_batches && !self.full.is_empty())
                || self.is_stopping()
                || self.sync_asked.load(Ordering::SeqCst)
                || self.nudged.swap(false, Ordering::SeqCst);
            !has_work
        });
    }

    /// Everything up to `seq` was written.
    pub fn set_written(&self, seq: Seq) {
        self.written_seq.store(seq, Ordering::Release);
    }

    /// Everything up to `seq` was synced.
    pub fn set_durable(&self, seq: Seq) {
        self.durable_seq.store(seq, Ordering::Release);
    }

    /// Last seq written.
    pub fn written_seq(&self) -> Seq {
        self.written_seq.load(Ordering::Acquire)
    }

    /// Last seq synced.
    pub fn durable_seq(&self) -> Seq {
        self.durable_seq.load(Ordering::Acquire)
    }

    /// So many more bytes need not be waited for any longer; tells the core to look.
    pub fn done(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Release);
        self.call.call(|| self.core.notify_one());
    }

    /// Bytes that need not be waited for any longer, since the start.
    pub fn done_bytes(&self) -> u64 {
        self.done_bytes.load(Ordering::Acquire)
    }

    /// How much room the log has; the bytes free on its disk are kept up while that is too little.
    /// `room_bytes`: what is sure to find room behind what the log thread is done with.
    pub fn set_disk(&self, state: DiskState, free_bytes: u64, room_bytes: u64) {
        let limit_bytes = self.done_bytes().saturating_add(room_bytes);
        self.limit_bytes.store(limit_bytes, Ordering::Relaxed);
        self.disk_free_bytes.store(free_bytes, Ordering::Relaxed);
        self.disk_state.store(state as u8, Ordering::Release);
    }

    /// Why the disk has no room, in the words of what failed.
    pub fn set_disk_why(&self, why: &str) {
        why.clone_into(&mut self.disk_why.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What [`LogLine::set_disk_why`] said last.
    pub fn disk_why(&self) -> String {
        self.disk_why
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Bytes, counted as [`LogLine::done_bytes`] are, up to which everything is sure to find room, as was said last.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes.load(Ordering::Relaxed)
    }

    /// What [`LogLine::set_disk`] said last.
    pub fn disk(&self) -> (DiskState, u64) {
        let state = usize::from(self.disk_state.load(Ordering::Acquire));
        let state = DiskState::ALL.get(state).copied().unwrap_or_default();
        (state, self.disk_free_bytes.load(Ordering::Relaxed))
    }

    /// The core waits for the log to come further.
    pub async fn further(&self) {
        self.core.notified().await;
        self.call.answer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_log_thread_that_can_take_no_batch_sleeps_over_them_until_it_is_nudged() {
        let line = Arc::new(LogLine::new(0));
        line.send(Batch::new()).unwrap();
        let short = Duration::from_millis(30);
        let slept = |takes_batches, timeout| {
            let started = std::time::Instant::now();
            line.sleep(Some(timeout), takes_batches);
            started.elapsed()
        };
        assert!(slept(true, Duration::from_secs(20)) < Duration::from_secs(10));
        // Parking may end early, but not each time.
        assert!((0..10).any(|_| slept(false, short) >= short));
        line.nudge();
        assert!(slept(false, Duration::from_secs(20)) < Duration::from_secs(10));
    }

    #[test]
    fn no_wake_up_is_lost_between_the_threads() {
        const BATCHES: u64 = 20_000;
        let line = Arc::new(LogLine::new(0));
        let log = {
            let line = line.clone();
            std::thread::spawn(move || {
                let mut seen = 0;
                loop {
                    while let Some(batch) = line.next() {
                        seen += 1;
                        line.give_back(batch);
                        line.set_written(seen);
                    }
                    if line.is_stopping() && seen == BATCHES {
                        return seen;
                    }
                    // A lost wake-up would show as a sleep of this length.
                    line.sleep(Some(Duration::from_secs(20)), true);
                }
            })
        };
        let started = std::time::Instant::now();
        for _ in 0..BATCHES {
            let mut batch = line.fresh();
            while let Err(back) = line.send(batch) {
                batch = back;
                std::thread::yield_now();
            }
        }
        line.stop();
        assert_eq!(log.join().unwrap(), BATCHES);
        assert_eq!(line.written_seq(), BATCHES);
        assert!(started.elapsed() < Duration::from_secs(15), "a wake-up was lost");
    }
}
