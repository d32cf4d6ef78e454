//! A daemon on a folder of its own, filled with open tickets: for the benches that look at it from outside.
#![allow(dead_code, reason = "every bench uses its own part of this")]

use super::Fallible;
use slad::cli::client::{Client, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Commands sent at a time.
pub(crate) const BATCH: usize = 512;
const PATIENCE: Duration = Duration::from_secs(120);
const HOUR_MS: u64 = 3_600_000;

/// A daemon on a folder; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) folder: PathBuf,
    /// From its start to its first answer that is not LOADING.
    pub(crate) ready_after: Duration,
}

impl Daemon {
    pub(crate) fn start(folder: &Path, sync: &str, settings: &[&str]) -> Fallible<Daemon> {
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
            .args(settings.iter().flat_map(|s| ["--set", s]))
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
            if let Some(status) = daemon.child.try_wait()? {
                let said = fs::read_to_string(folder.join("log"))?;
                let last = said.lines().last().unwrap_or_default();
                return Err(format!("it does not start: {status}: {last}").into());
            }
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

    pub(crate) fn client(&self) -> io::Result<Client> {
        Client::connect(&self.folder.join("s"))
    }

    pub(crate) fn info(&self, name: &str) -> Fallible<String> {
        let [value] = self.infos([name])?;
        Ok(value)
    }

    /// What one reply shows of these.
    fn infos<const N: usize>(&self, names: [&str; N]) -> Fallible<[String; N]> {
        let Value::Text(info) = self.client()?.command(&["INFO"])? else {
            return Err("INFO is no text".into());
        };
        let info = String::from_utf8(info)?;
        let mut values = names.map(|_| String::new());
        for (name, value) in names.iter().zip(&mut values) {
            let line = info
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            *value = line.ok_or_else(|| format!("INFO has no {name}"))?.to_owned();
        }
        Ok(values)
    }

    /// The newest seq and the state hash with it: looked at until nothing happens between two looks.
    pub(crate) fn standing(&self) -> Fallible<[String; 2]> {
        let began = Instant::now();
        let look = || self.infos(["written_seq", "state_hash"]);
        let mut before = look()?;
        while began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
            let standing = look()?;
            if standing == before {
                return Ok(standing);
            }
            before = standing;
        }
        Err("it does not come to rest".into())
    }

    /// Bytes of resident memory, all of it and what belongs to no file.
    pub(crate) fn resident(&self) -> Fallible<[u64; 2]> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(["VmRSS:", "RssAnon:"].map(|name| field(&status, name) * 1024))
    }

    /// Voluntary context switches by thread, as "id name".
    pub(crate) fn switches(&self) -> Fallible<BTreeMap<String, u64>> {
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

    pub(crate) fn kill(mut self) -> io::Result<()> {
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

pub(crate) fn id(n: usize) -> String {
    format!("t{n:09}")
}

pub(crate) fn fine(reply: Value) -> io::Result<()> {
    match reply {
        Value::Error(e) => Err(io::Error::other(e)),
        _ => Ok(()),
    }
}

/// Opens the tickets of one connection: `first`, `first + step`, …
pub(crate) fn open(mut client: Client, first: usize, step: usize, end: usize, now: u64) -> io::Result<()> {
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

pub(crate) fn fill(daemon: &Daemon, tickets: usize, connections: usize) -> Fallible<Duration> {
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
