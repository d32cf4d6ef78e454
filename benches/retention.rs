//! What the deletion of old segments adds to durable commits: single commits, one after the other, in rounds that alternate
//! between quiet, deletion in steps as the daemon does it, and deletion at once.
//!
//! `cargo bench --bench retention`. `SLAD_BENCH_ROUNDS` (default 5), `SLAD_BENCH_FILES` of 64 MiB deleted a round (default 8);
//! `SLAD_BENCH_DIR` says on which disk (default: the target directory's). Goal: at most 2 ms more at p99.
#![allow(missing_docs, reason = "a program, not a library")]

use slad::journal::disk::{Disk, RealDisk};
use slad::journal::{Batch, Config, Rules, Step, open};
use slad::model::event::{Body, Event, SnapshotTaken};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FILE_BYTES: u64 = 64 << 20;
/// As the daemon pauses between two steps.
const STEP_PAUSE: Duration = Duration::from_millis(10);
const RULES: Rules = Rules {
    age_ms: None,
    bytes_max: None,
    free_bytes_min: 0,
};

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Quiet,
    Steps,
    AtOnce,
}

fn number(name: &str, default: usize) -> usize {
    let given = std::env::var(name).ok().and_then(|v| v.parse().ok());
    given.unwrap_or(default)
}

fn event() -> Event {
    Event {
        at: 1,
        logged_at: 1,
        cause: 0,
        tenant: 0,
        body: Body::SnapshotTaken(SnapshotTaken {
            seq: 1,
            state_hash: 2,
            bytes: 3,
            records: 4,
        }),
    }
}

/// `p` of 1,000, µs.
fn quantile(sorted: &[u64], p: usize) -> u64 {
    let at = (sorted.len() * p / 1_000).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0)
}

fn name(n: usize) -> String {
    format!("retired-log-{n:016}.tmp")
}

fn run(dir: &Path) -> Result<(), Failed> {
    let (rounds, files) = (number("SLAD_BENCH_ROUNDS", 5), number("SLAD_BENCH_FILES", 8));
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(dir, std::process::id())?);
    let log = open(disk.clone(), Config::default())?;
    let mut keeper = log.keeper(Arc::new(log.reader()), 2);
    let mut writer = log.into_writer()?;
    let mut batch = Batch::new();
    let ways = [Way::Quiet, Way::Steps, Way::AtOnce];
    let mut took: Vec<Vec<u64>> = vec![Vec::new(); ways.len()];
    let mut lasted = Duration::from_secs(2);
    for round in 0..rounds {
        for (n, way) in ways.into_iter().enumerate() {
            if way != Way::Quiet {
                for file in 0..files {
                    let file = disk.create(&name(file))?;
                    file.zero_fill(FILE_BYTES)?;
                    file.sync()?;
                }
                disk.sync_dir()?;
            }
            let done = AtomicBool::new(false);
            let began = Instant::now();
            let deleted = std::thread::scope(|scope| -> Result<Duration, Failed> {
                let deleting = scope.spawn(|| -> Result<Duration, Failed> {
                    match way {
                        Way::Quiet => std::thread::sleep(lasted),
                        Way::Steps => {
                            keeper.retire(&RULES, 0)?;
                            while keeper.step()? != Step::Idle {
                                std::thread::sleep(STEP_PAUSE);
                            }
                        }
                        Way::AtOnce => {
                            for file in 0..files {
                                disk.remove(&name(file))?;
                                std::thread::sleep(lasted / files.max(1) as u32);
                            }
                        }
                    }
                    done.store(true, Ordering::Relaxed);
                    Ok(began.elapsed())
                });
                while !done.load(Ordering::Relaxed) && !deleting.is_finished() {
                    batch.clear();
                    batch.push(writer.next_seq(), &[event()])?;
                    let at = Instant::now();
                    writer.append(&mut batch)?;
                    writer.sync()?;
                    took[n].push(at.elapsed().as_micros() as u64);
                }
                deleting.join().map_err(|_| "the deleting thread died")?
            })?;
            if way == Way::Steps {
                // The others last as long.
                lasted = deleted;
            }
        }
        println!("round {} of {rounds}", round + 1);
    }
    println!(
        "{:<8} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "", "commits", "p50 µs", "p99 µs", "p99.9", "max"
    );
    let mut quiet = (1, 1);
    for (way, took) in ways.iter().zip(&mut took) {
        took.sort_unstable();
        let at = |p| quantile(took, p);
        if *way == Way::Quiet {
            quiet = (at(500).max(1), at(990).max(1));
        }
        println!(
            "{:<8} {:>9} {:>8} {:>8} {:>8} {:>8}   p50 × {:.2}, p99 × {:.2}, p99 {:+.2} ms",
            format!("{way:?}"),
            took.len(),
            at(500),
            at(990),
            at(999),
            took.last().copied().unwrap_or(0),
            at(500) as f64 / quiet.0 as f64,
            at(990) as f64 / quiet.1 as f64,
            (at(990) as f64 - quiet.1 as f64) / 1_000.0,
        );
    }
    Ok(())
}

fn main() {
    let root = std::env::var_os("SLAD_BENCH_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        std::path::PathBuf::from,
    );
    let dir = root.join(format!("bench-retention-{}", std::process::id()));
    let result = run(&dir);
    let _ = std::fs::remove_dir_all(&dir);
    if let Err(e) = result {
        eprintln!("{e}");
        std::process::exit(1);
    }
}
