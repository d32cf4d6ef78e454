//! A constant rate, and latencies from the instant at which each thing was to happen: a pause shows in everything that it
//! held up (Gil Tene's "coordinated omission").
#![allow(dead_code, reason = "every bench uses its own part of this")]

use super::Fallible;
use hdrhistogram::Histogram;
use std::fmt;
use std::time::{Duration, Instant};

/// Longest latency told apart, ns: a minute.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// When the things of a constant rate are due.
pub(crate) struct Pace {
    began: Instant,
    rate: u64,
}

impl Pace {
    pub(crate) fn new(rate: u64) -> Pace {
        Pace {
            began: Instant::now(),
            rate,
        }
    }

    /// How many were to happen by now.
    pub(crate) fn due(&self) -> u64 {
        1 + (self.began.elapsed().as_nanos() * u128::from(self.rate) / 1_000_000_000) as u64
    }

    /// When the thing with this number (from 0) is due.
    pub(crate) fn instant(&self, number: u64) -> Instant {
        self.began + Duration::from_nanos((u128::from(number) * 1_000_000_000 / u128::from(self.rate)) as u64)
    }

    /// Since when the thing with this number (from 0) has been due.
    pub(crate) fn late(&self, number: u64) -> Duration {
        self.instant(number).elapsed()
    }
}

/// What it took.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Fallible<Latencies> {
        Ok(Latencies(Histogram::new_with_max(LATENCY_NS_MAX, 3)?))
    }

    pub(crate) fn record(&mut self, took: Duration) {
        self.0
            .saturating_record(u64::try_from(took.as_nanos()).unwrap_or(LATENCY_NS_MAX));
    }

    pub(crate) fn add(&mut self, other: &Latencies) -> Fallible<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// ms.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|q| self.at(q));
        let max = self.0.max() as f64 / 1e6;
        write!(f, "p50 {p50:.3}  p99 {p99:.3}  p99.9 {p999:.3}  max {max:.3} ms")
    }
}
