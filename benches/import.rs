//! A whole site moves in: `slad import --hold-routing` of a million open tickets, from outside.
//!
//! Writes the lines to a file first; starts the release binary on a folder of its own. A ticket has a policy with three
//! clocks, one of which was met elsewhere and one has part of its budget used up; every fourth is in an agent's hands, every
//! tenth is paused. Then the file is asked about (`--dry-run`), imported, and imported again, which finds all there; then what was
//! held back is handed out, and the daemon starts again after kill -9. `SLAD_BENCH_TICKETS` (1000000); `SLAD_BENCH_SYNC` (always);
//! `TMPDIR` is where the data goes.

#![allow(missing_docs)]

#[path = "support/daemon.rs"]
mod daemon;

use daemon::{Daemon, fine};
use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const AGENTS: usize = 1_000;
const HOUR_MS: u64 = 3_600_000;
/// What was held back is in its lanes within this.
const PATIENCE: Duration = Duration::from_secs(60);

type Fallible<T> = Result<T, Box<dyn Error>>;

fn write_lines(path: &Path, tickets: usize, now: u64) -> Fallible<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    for n in 0..tickets {
        let opened = now - HOUR_MS - (n as u64).wrapping_mul(7_919) % (40 * HOUR_MS);
        let met = opened + 600_000;
        let priority = n % 3 + 2;
        let agent = match n % 4 {
            0 => format!(r#","agent":{{"id":"a{}","since":{met}}}"#, n % AGENTS),
            _ => String::new(),
        };
        let paused = match n % 10 {
            3 => format!(r#","paused":{{"reason":"customer","since":{met}}}"#),
            _ => String::new(),
        };
        writeln!(
            out,
            r#"{{"id":"old-{n:09}","priority":"P{priority}","customer":"c{}","has":["description","outcome"],"opened_at":{opened},"attr":{{"site":"north"}},"clocks":{{"first_response":{{"met_at":{met}}},"resolution":{{"elapsed":"45m"}}}}{agent}{paused}}}"#,
            n % 10_000
        )?;
    }
    out.flush()?;
    Ok(fs::metadata(path)?.len())
}

/// One run of the tool, and what it said.
fn import(daemon: &Daemon, flags: &[&str]) -> Fallible<(Duration, String)> {
    let began = Instant::now();
    let ended = Command::new(env!("CARGO_BIN_EXE_slad"))
        .current_dir(&daemon.folder)
        .args(["import", "--format", "jsonl", "--socket", "s"])
        .args(flags)
        .arg("tickets.jsonl")
        .output()?;
    let said = String::from_utf8(ended.stdout)?;
    if !ended.status.success() {
        let last = said.lines().last().unwrap_or_default();
        return Err(format!("{last} {}", String::from_utf8(ended.stderr)?).into());
    }
    Ok((began.elapsed(), said.trim().to_owned()))
}

fn main() -> Fallible<()> {
    let tickets: usize = std::env::var("SLAD_BENCH_TICKETS").map_or(Ok(1_000_000), |text| text.parse())?;
    let sync = std::env::var("SLAD_BENCH_SYNC").unwrap_or_else(|_| "always".to_owned());
    let folder = tempfile::tempdir()?;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let bytes = write_lines(&folder.path().join("tickets.jsonl"), tickets, now)?;
    let daemon = Daemon::start(folder.path(), &sync, &[])?;
    let mut client = daemon.client()?;
    for n in 0..AGENTS {
        let id = format!("a{n}");
        fine(client.command(&["AGENT.SET", &id, "capacity", "1000"])?)?;
    }
    println!(
        "lines           {tickets}, {:.0} bytes each, sync {sync}",
        bytes as f64 / tickets as f64
    );
    let log_before: u64 = daemon.info("log_bytes")?.parse()?;
    for (name, flags) in [
        ("dry run", &["--dry-run"][..]),
        ("import", &["--hold-routing"]),
        ("again", &[]),
    ] {
        let (took, said) = import(&daemon, flags)?;
        println!(
            "{name:15} {:.0} tickets/s, {:.1} s ({said})",
            tickets as f64 / took.as_secs_f64(),
            took.as_secs_f64()
        );
        if name == "import" {
            let log: u64 = daemon.info("log_bytes")?.parse()?;
            handed_out(&daemon, tickets)?;
            println!(
                "                {:.0} bytes of log a ticket",
                log.saturating_sub(log_before) as f64 / tickets as f64
            );
        }
    }
    let [seq, hash] = daemon.standing()?;
    daemon.kill()?;
    let again = Daemon::start(folder.path(), &sync, &[])?;
    println!(
        "start           {:.2} s after kill -9",
        again.ready_after.as_secs_f64()
    );
    let [found_seq, found] = again.standing()?;
    if found_seq != seq {
        println!("                clocks ran out meanwhile: only the state hashes in the log were compared");
    } else if found != hash {
        return Err(format!("the state hash was {hash} and is {found}, both after event {seq}").into());
    }
    Ok(())
}

/// From the end of the import to the last ticket in its lane: timers wait for that, so one that is due now fires after it.
fn handed_out(daemon: &Daemon, tickets: usize) -> Fallible<()> {
    let began = Instant::now();
    let mut client = daemon.client()?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)?
        .as_millis()
        .to_string();
    let probe = [
        "TICKET.OPEN",
        "probe",
        "policy",
        "none",
        "queue",
        "none",
        "due.resolution",
        &now,
    ];
    fine(client.command(&probe)?)?;
    let breached = format!("{:?}", b"sla.breached");
    while began.elapsed() < PATIENCE {
        let life = client.command(&["XRANGE", "events:ticket:probe", "-", "+"])?;
        if format!("{life:?}").contains(&breached) {
            println!(
                "handed out      {tickets} tickets within {:.2} s of the import's end",
                began.elapsed().as_secs_f64()
            );
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("what was held back is not handed out".into())
}
