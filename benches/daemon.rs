//! The daemon with a million open tickets, from outside: memory, log, rest, snapshot, restart.
//!
//! Starts the release binary on a folder of its own. Tickets have two dues set by hand, hours away, and one of 64
//! skills. `SLAD_BENCH_TICKETS` (1000000) of them; `SLAD_BENCH_CONNECTIONS` (4); `SLAD_BENCH_SYNC` (interval);
//! `TMPDIR` is where the data goes. Files are warm in the page cache when it starts again.

#![allow(missing_docs)]

use slad::cli::client::{Client, Value};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const BATCH: usize = 512;
const SETTLE: Duration = Duration::from_secs(3);
const REST: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);
const HOUR_MS: u64 = 3_600_000;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// A daemon on a folder; killed when dropped.
struct Daemon {
    child: Child,
    folder: PathBuf,
    /// From its start to its first answer that is not LOADING.
    ready_after: Duration,
}

impl Daemon {
    fn start(folder: &Path, sync: &str) -> Fallible<Daemon> {
        let began = Instant::now();
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_slad"))
            .current_dir(folder)
            .args([
                "serve",
                "--data",
                "data",
                "--socket",
                "s",
                "--http",
                "127.0.0.1:0",
                "--sync",
                sync,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut daemon = Daemon {
            child,
            folder: folder.to_owned(),
            ready_after: Duration::ZERO,
        };
        loop {
            let answer = daemon
                .client()
                .and_then(|mut client| client.command(&["TICKET.GET", &id(0)]));
            match answer {
                Ok(Value::Error(e)) if e.starts_with("LOADING") => {}
                Ok(_) => break,
                Err(e) if began.elapsed() > PATIENCE => return Err(format!("it does not answer: {e}").into()),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        daemon.ready_after = began.elapsed();
        Ok(daemon)
    }

    fn client(&self) -> io::Result<Client> {
        Client::connect(&self.folder.join("s"))
    }

    fn info(&self, name: &str) -> Fallible<String> {
        let Value::Text(info) = self.client()?.command(&["INFO"])? else {
            return Err("INFO is no text".into());
        };
        let info = String::from_utf8(info)?;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.ok_or_else(|| format!("INFO has no {name}"))?.to_owned())
    }

    /// Bytes of resident memory, all of it and what belongs to no file.
    fn resident(&self) -> Fallible<[u64; 2]> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(["VmRSS:", "RssAnon:"].map(|name| field(&status, name) * 1024))
    }

    /// Voluntary context switches by thread, as "id name".
    fn switches(&self) -> Fallible<BTreeMap<String, u64>> {
        let mut all = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?;
            // A thread may end between the listing and the look.
            let Ok(status) = fs::read_to_string(task.path().join("status")) else {
                continue;
            };
            let name = status.lines().find_map(|line| line.strip_prefix("Name:"));
            let name = format!(
                "{} {}",
                task.file_name().display(),
                name.unwrap_or_default().trim()
            );
            all.insert(name, field(&status, "voluntary_ctxt_switches:"));
        }
        Ok(all)
    }

    fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn field(status: &str, name: &str) -> u64 {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn id(n: usize) -> String {
    format!("t{n:09}")
}

fn fine(reply: Value) -> io::Result<()> {
    match reply {
        Value::Error(e) => Err(io::Error::other(e)),
        _ => Ok(()),
    }
}

/// Opens the tickets of one connection: `first`, `first + step`, …
fn open(mut client: Client, first: usize, step: usize, end: usize, now: u64) -> io::Result<()> {
    let numbers: Vec<usize> = (first..end).step_by(step).collect();
    for chunk in numbers.chunks(BATCH) {
        for n in chunk {
            let priority = match n % 20 {
                0 => "P1",
                1..=3 => "P2",
                4..=11 => "P3",
                _ => "P4",
            };
            let spread = (*n as u64).wrapping_mul(7_919);
            let response = (now + 2 * HOUR_MS + spread % HOUR_MS).to_string();
            let resolution = (now + 3 * HOUR_MS + spread % (7 * HOUR_MS)).to_string();
            let skill = format!("s{}", n.wrapping_mul(2_654_435_761) >> 7 & 63);
            let id = id(*n);
            let words = [
                "TICKET.OPEN",
                &id,
                "policy",
                "none",
                "priority",
                priority,
                "skills",
                &skill,
                "due.first_response",
                &response,
                "due.resolution",
                &resolution,
            ];
            client.push(&words.map(str::as_bytes));
        }
        client.send()?;
        for _ in chunk {
            fine(client.reply()?)?;
        }
    }
    Ok(())
}

fn fill(daemon: &Daemon, tickets: usize, connections: usize) -> Fallible<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let began = Instant::now();
    let workers = (0..connections)
        .map(|n| {
            let client = daemon.client()?;
            Ok(std::thread::spawn(move || {
                open(client, n, connections, tickets, now)
            }))
        })
        .collect::<io::Result<Vec<_>>>()?;
    for worker in workers {
        worker.join().map_err(|_| "a connection's thread died")??;
    }
    Ok(began.elapsed())
}

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

    let daemon = Daemon::start(folder.path(), &sync)?;
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

    let again = Daemon::start(folder.path(), &sync)?;
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
    let again = Daemon::start(folder.path(), &sync)?;
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
