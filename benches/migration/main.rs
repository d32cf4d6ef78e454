//! All open tickets go over to another version of their policy while commands flow, from outside.
//!
//! `cargo bench --bench migration [retroactive] [fromnow]`; without words, `retroactive`. Each on a release daemon of its own.
//!
//! Opens `SLAD_BENCH_TICKETS` (1000000) tickets under version 1 of a policy with business time and ladders, loads version 2, and
//! measures `SLAD_BENCH_CONNECTIONS` (4) clients that together send `SLAD_BENCH_RATE` (2000) commands a second: for `SLAD_BENCH_SECONDS`
//! (10) while nothing else happens, during `POLICY.MIGRATE … DRYRUN`, and during the migration. It fails unless the migration did what
//! the dry run said, to the ticket, with all those commands in between, and left no ticket under version 1.
//!
//! `SLAD_BENCH_SYNC` (always); `TMPDIR` is where the data goes; say so when it is a disk of memory.

#![allow(missing_docs)]

#[path = "../support/daemon.rs"]
mod daemon;
mod desk;
mod flow;
#[path = "../support/open_loop.rs"]
mod open_loop;

use daemon::{Daemon, fine};
use desk::Desk;
use flow::Flow;
use slad::cli::client::Value;
use std::error::Error;
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Nothing is logged for so long: it is at rest.
const SETTLE: Duration = Duration::from_secs(3);

/// What came of a migration is a map of these, in this order, behind its `seq`.
const COUNTS: [&str; 6] = ["tickets", "stayed", "moved", "started", "stopped", "breached"];

fn setting(name: &str, default: u64) -> Fallible<u64> {
    Ok(std::env::var(name).map_or(Ok(default), |text| text.parse())?)
}

fn main() -> Fallible<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for mode in ["retroactive", "fromnow"] {
        let is_default = words.is_empty() && mode == "retroactive";
        if is_default || words.iter().any(|word| word == mode) {
            run(mode)?;
        }
    }
    Ok(())
}

fn run(mode: &str) -> Fallible<()> {
    let tickets = setting("SLAD_BENCH_TICKETS", 1_000_000)?.max(1);
    let connections = setting("SLAD_BENCH_CONNECTIONS", 4)?.max(1);
    let rate = setting("SLAD_BENCH_RATE", 2_000)?.max(connections);
    let seconds = Duration::from_secs(setting("SLAD_BENCH_SECONDS", 10)?);
    let sync = std::env::var("SLAD_BENCH_SYNC").unwrap_or_else(|_| "always".to_owned());
    let folder = tempfile::tempdir()?;
    let desk = Desk::new(folder.path())?;
    let daemon = Daemon::start(folder.path(), &sync, &["policies=policies"])?;
    let took = desk.fill(&daemon, tickets, connections)?;
    println!(
        "open            {:.0} tickets/s ({tickets} tickets, sync {sync})",
        tickets as f64 / took.as_secs_f64()
    );
    desk.second()?;
    fine(daemon.client()?.command(&["POLICY.RELOAD"])?)?;
    let flow = Flow::new(tickets, connections, rate);
    settle(&daemon)?;
    // So that the next snapshot comes where it does in any run: a million events from here.
    fine(daemon.client()?.command(&["SNAPSHOT"])?)?;

    let (quiet, _) = flow.during(&daemon, || {
        std::thread::sleep(seconds);
        Ok(())
    })?;
    println!("quiet           {quiet} ({} commands, {rate}/s)", quiet.count());
    let mode = mode.to_uppercase();
    let migrate = ["POLICY.MIGRATE", "desk", "1", "2", &mode];
    let mut said = Vec::new();
    for (name, words) in [
        ("dry run", &[&migrate[..], &["DRYRUN"]].concat()[..]),
        ("migration", &migrate[..]),
    ] {
        let before: u64 = daemon.info("written_seq")?.parse()?;
        let log_before: u64 = daemon.info("log_bytes")?.parse()?;
        let snapshot_before = daemon.info("snapshot_seq")?;
        let (busy, (took, counts)) = flow.during(&daemon, || {
            let mut client = daemon.client()?;
            let began = Instant::now();
            let reply = client.command(words)?;
            Ok((began.elapsed(), counts(&reply)?))
        })?;
        println!(
            "{name:15} {busy} ({} commands); p99 is {:.2} times the quiet one",
            busy.count(),
            busy.at(0.99) / quiet.at(0.99)
        );
        let numbers = COUNTS.iter().zip(&counts);
        let numbers: Vec<String> = numbers.map(|(name, n)| format!("{name} {n}")).collect();
        println!(
            "                {:.2} s, {:.0} tickets/s: {}",
            took.as_secs_f64(),
            tickets as f64 / took.as_secs_f64(),
            numbers.join(", ")
        );
        let after: u64 = daemon.info("written_seq")?.parse()?;
        let log_after: u64 = daemon.info("log_bytes")?.parse()?;
        println!(
            "                {} events logged, those of the commands and timers included; {:.1} MiB",
            after - before,
            (log_after - log_before) as f64 / 1048576.0
        );
        if daemon.info("snapshot_seq")? != snapshot_before {
            println!("                a snapshot was taken meanwhile");
        }
        said.push(counts);
    }
    desk.was_in_time()?;
    if said[0] != said[1] {
        return Err(format!("the dry run said {:?}, the migration did {:?}", said[0], said[1]).into());
    }
    let [gone, stayed] = [said[1][0], said[1][1]];
    let [first, second] = [under(&daemon, "1")?, under(&daemon, "2")?];
    let expected = tickets + flow.opened();
    if (gone, stayed, first, second) != (tickets, 0, 0, expected) {
        return Err(format!(
            "of {tickets} tickets {gone} went over and {stayed} stayed; {first} are under version 1, and {second}, not {expected}, under 2"
        )
        .into());
    }
    println!("                as the dry run said; {second} tickets under version 2, none under 1");
    Ok(())
}

/// Waits until what the openings left to do is done: timers that were overdue, a snapshot, the disk's own work.
fn settle(daemon: &Daemon) -> Fallible<()> {
    let mut before = daemon.info("written_seq")?;
    loop {
        std::thread::sleep(SETTLE);
        let seq = daemon.info("written_seq")?;
        if seq == before {
            return Ok(());
        }
        before = seq;
    }
}

/// The numbers of a reply to POLICY.MIGRATE.
fn counts(reply: &Value) -> Fallible<Vec<u64>> {
    COUNTS.iter().map(|name| number(reply, name)).collect()
}

/// A number in a map.
fn number(reply: &Value, name: &str) -> Fallible<u64> {
    let Value::List(pairs) = reply else {
        return Err(format!("it takes a map with {name}, not {reply:?}").into());
    };
    let found = pairs.chunks(2).find_map(|pair| match pair {
        [Value::Text(key), Value::Int(n)] if key == name.as_bytes() => Some(*n),
        _ => None,
    });
    Ok(u64::try_from(
        found.ok_or_else(|| format!("there is no {name} in {reply:?}"))?,
    )?)
}

/// Open tickets under a version.
fn under(daemon: &Daemon, version: &str) -> Fallible<u64> {
    let reply = daemon.client()?.command(&["POLICY.GET", "desk", version])?;
    number(&reply, "tickets")
}
