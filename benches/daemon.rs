//! The daemon with a million open tickets, from outside: memory, log, rest, snapshot, restart.
//!
//! Starts the release binary on a folder of its own. Tickets have two dues set by hand, hours away, and one of 64
//! skills. `SLAD_BENCH_TICKETS` (1000000) of them; `SLAD_BENCH_CONNECTIONS` (4); `SLAD_BENCH_SYNC` (interval);
//! `TMPDIR` is where the data goes. Files are warm in the page cache when it starts again.

#![allow(missing_docs)]

#[path = "support/daemon.rs"]
mod daemon;

use daemon::{BATCH, Daemon, fill, fine};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SETTLE: Duration = Duration::from_secs(3);
const REST: Duration = Duration::from_secs(10);

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Woken how often over ten quiet seconds.
fn rest(daemon: &Daemon) -> Fallible<()> {
    std::thread::sleep(SETTLE);
    let before = daemon.switches()?;
    std::thread::sleep(REST);
    let after = daemon.switches()?;
    // A thread that ended meanwhile woke at least once to do so; a new one counts from its beginning.
    let ended = before.keys().filter(|name| !after.contains_key(*name));
    let mut count = 0;
    let mut by_thread: Vec<String> = ended.map(|name| format!("{name} ended")).collect();
    for (name, switches) in &after {
        let woken = switches - before.get(name).unwrap_or(&0);
        count += woken;
        by_thread.push(format!("{name}: {woken}"));
    }
    println!(
        "idle            {count} wake-ups in {} s ({})",
        REST.as_secs(),
        by_thread.join(", ")
    );
    Ok(())
}

fn snapshots(data: &Path) -> Fallible<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with("snapshot-")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn setting(name: &str, default: usize) -> Fallible<usize> {
    Ok(std::env::var(name).map_or(Ok(default), |text| text.parse())?)
}

fn main() -> Fallible<()> {
    let tickets = setting("SLAD_BENCH_TICKETS", 1_000_000)?.max(1);
    let connections = setting("SLAD_BENCH_CONNECTIONS", 4)?.max(1);
    let sync = std::env::var("SLAD_BENCH_SYNC").unwrap_or_else(|_| "interval".to_owned());
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let per = |bytes: u64| bytes as f64 / tickets as f64;

    let daemon = Daemon::start(folder.path(), &sync, &[])?;
    println!(
        "empty           ready after {:.0} ms",
        daemon.ready_after.as_secs_f64() * 1e3
    );
    let empty = daemon.resident()?;
    let log_bytes: u64 = daemon.info("log_bytes")?.parse()?;
    let info_rss: u64 = daemon.info("used_memory_rss")?.parse()?;
    let took = fill(&daemon, tickets, connections)?;
    println!(
        "open            {:.0} tickets/s ({tickets} tickets, {connections} connections, {BATCH} a batch, sync {sync})",
        tickets as f64 / took.as_secs_f64()
    );
    rest(&daemon)?;
    let full = daemon.resident()?;
    let info_full: u64 = daemon.info("used_memory_rss")?.parse()?;
    println!(
        "memory          {:.0} bytes a ticket resident ({:.0} by INFO), {:.0} without mapped files; {:.0} MiB in all",
        per(full[0].saturating_sub(empty[0])),
        per(info_full.saturating_sub(info_rss)),
        per(full[1].saturating_sub(empty[1])),
        full[0] as f64 / 1048576.0,
    );
    let log_full: u64 = daemon.info("log_bytes")?.parse()?;
    println!(
        "log             {:.0} bytes a ticket",
        per(log_full.saturating_sub(log_bytes))
    );

    let began = Instant::now();
    fine(daemon.client()?.command(&["SNAPSHOT"])?)?;
    let took = began.elapsed();
    let newest = snapshots(&data)?.pop().ok_or("there is no snapshot")?;
    let bytes = fs::metadata(newest)?.len();
    println!(
        "snapshot        {:.2} s, {:.0} bytes a ticket, {:.0} MiB/s",
        took.as_secs_f64(),
        per(bytes),
        bytes as f64 / 1048576.0 / took.as_secs_f64()
    );
    let hash = daemon.info("state_hash")?;
    daemon.kill()?;

    let again = Daemon::start(folder.path(), &sync, &[])?;
    println!(
        "start, snapshot {:.2} s after kill -9",
        again.ready_after.as_secs_f64()
    );
    let restored = again.resident()?;
    println!(
        "                {:.0} bytes a ticket, {:.0} without mapped files",
        per(restored[0].saturating_sub(empty[0])),
        per(restored[1].saturating_sub(empty[1]))
    );
    same(&again, &hash)?;
    again.kill()?;

    for snapshot in snapshots(&data)? {
        fs::remove_file(snapshot)?;
    }
    let again = Daemon::start(folder.path(), &sync, &[])?;
    println!(
        "start, log      {:.2} s after kill -9",
        again.ready_after.as_secs_f64()
    );
    same(&again, &hash)?;
    Ok(())
}

fn same(daemon: &Daemon, hash: &str) -> Fallible<()> {
    let found = daemon.info("state_hash")?;
    if found == hash {
        return Ok(());
    }
    Err(format!("the state hash was {hash} and is {found}").into())
}
