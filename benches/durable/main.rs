//! How long until a fact is durable, at a constant rate: from the instant at which it was to happen.
//!
//! `cargo bench --bench durable [log] [snapshot]`; without words, `log`.
//!
//! - `log`: the daemon's own log thread over its own line, without engine and socket: 10 k, 100 k and 1 M events a
//!   second (`SLAD_BENCH_RATES`, with commas), five seconds each (`SLAD_BENCH_SECONDS`).
//! - `snapshot`: the daemon with `SLAD_BENCH_TICKETS` (1000000) open tickets; one connection sends
//!   `SLAD_BENCH_RATE` (10000) commands a second while nothing else happens, and while SNAPSHOT runs, in turns.
//!
//! Data goes to `TMPDIR`; say so when it is a disk of memory. p50/p99/p99.9/max in ms, and ratios of p99 in one run.

#![allow(missing_docs)]

#[path = "../support/daemon.rs"]
mod daemon;

mod busy;
mod log;
#[path = "../support/open_loop.rs"]
mod open_loop;

use std::error::Error;

type Fallible<T> = Result<T, Box<dyn Error>>;

fn setting(name: &str, default: u64) -> Fallible<u64> {
    Ok(std::env::var(name).map_or(Ok(default), |text| text.parse())?)
}

fn main() -> Fallible<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wants = |word: &str| words.iter().any(|w| w == word);
    if words.is_empty() || wants("log") {
        log::run()?;
    }
    if wants("snapshot") {
        busy::snapshot()?;
    }
    Ok(())
}
