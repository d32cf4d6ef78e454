//! Small lives with crashes: the real engine and the real journal over the simulated disk, against the same judge.
//!
//! One seed drives everything: the clock, the commands, the policy of syncing, the size of segments, kills, losses of
//! power that keep some sectors and not others, disk errors at any operation (of a start, too), bits that turn over.
//! `life` is one such life, `desk` the daemon in small, `facts` what the log must hold, `flips` what damage must
//! come to, `judge` how the model is asked.
//!
//! `SLAD_CRASH_SEED=n` replays one life and tells its last operations; `SLAD_CRASH_RUNS=n` sets how many there are.

mod counts;
mod desk;
mod facts;
mod flips;
mod judge;
mod life;

use counts::Counts;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

/// Lives for the time that a run of all tests has, and for a long one.
const RUNS_SHORT: u64 = 6_000;
const RUNS_LONG: u64 = 1_000_000;
/// Lives that fail before nothing more is tried.
const FAILURES_MAX: u64 = 8;
/// Seeds that a thread takes at a time.
const SHARE: u64 = 50;

#[test]
fn no_crash_loses_doubles_or_invents_a_fact() {
    if let Some(seed) = setting("SLAD_CRASH_SEED") {
        println!("{}", life::told(seed));
        return;
    }
    let long = std::env::var("SLAD_TEST_LONG").is_ok();
    let runs = setting("SLAD_CRASH_RUNS").unwrap_or(if long { RUNS_LONG } else { RUNS_SHORT });
    println!("SLAD_CRASH_SEED=1 (to {runs})");
    let next = AtomicU64::new(1);
    let failed = AtomicU64::new(0);
    let all = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut counts = Counts::default();
                while failed.load(Ordering::Relaxed) < FAILURES_MAX {
                    let first = next.fetch_add(SHARE, Ordering::Relaxed);
                    if first > runs {
                        break;
                    }
                    for seed in first..(first + SHARE).min(runs + 1) {
                        match std::panic::catch_unwind(|| life::run(seed, false)) {
                            Ok(life) => counts.add(&life),
                            Err(_) => {
                                eprintln!("SLAD_CRASH_SEED={seed} shows it again, with its last operations");
                                // A few more seeds tell more than one.
                                if failed.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_MAX {
                                    return;
                                }
                            }
                        }
                    }
                }
                all.lock().unwrap().add(&counts);
            });
        }
    });
    assert_eq!(failed.load(Ordering::Relaxed), 0, "lives failed: see above");
    let counts = all.lock().unwrap();
    println!("{runs} runs: {counts}");
    counts.reach(runs);
}

/// The same seed is the same life; and a journal that forgets, or makes something up, is noticed.
#[test]
fn a_life_replays_exactly() {
    for seed in [3, 77, 1_234] {
        assert_eq!(life::run(seed, false), life::run(seed, true), "seed {seed}");
    }
}
