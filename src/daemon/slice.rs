//! Long work in slices by time: commands go on in between, and wait no longer than a slice takes.
//!
//! By time rather than by number, for what is looked at costs from 20 ns (a ticket that a count passes over) to some µs (one that
//! a migration is weighed for). Cost: a reading of the clock, 25 ns, for each part that is not to be interrupted.

use super::core::Core;
use crate::engine::Scan;
use crate::model::UnixMs;
use crate::model::reply::Reply;
use std::time::{Duration, Instant};

/// How long one takes: a few times what giving others their turn costs.
const SLICE: Duration = Duration::from_micros(200);
/// Slots that a long read looks at in one part.
const SCAN_SLOTS_MAX: usize = 64;

/// A slice under way.
#[derive(Debug)]
pub(super) struct Slice(Instant);

impl Slice {
    /// It begins now.
    pub(super) fn begin() -> Slice {
        Slice(Instant::now())
    }

    /// Is it others' turn?
    pub(super) fn is_over(&self) -> bool {
        self.0.elapsed() >= SLICE
    }
}

impl Core {
    /// Carries a long read on by a slice; the reply when that was the last.
    pub fn scan(&mut self, now: UnixMs, scan: &mut Scan) -> Option<Reply> {
        let Some(r) = &mut self.running else {
            return Some(Reply::Null);
        };
        let slice = Slice::begin();
        loop {
            let reply = r.engine.scan(now, scan, SCAN_SLOTS_MAX);
            if reply.is_some() || slice.is_over() {
                return reply;
            }
        }
    }
}
