//! `slad bench`: closed-loop load of whole ticket lives (open, take, respond, resolve) on a running daemon.
//!
//! Every connection keeps `pipeline` lives going and waits for all replies of a step before it sends the next, as a
//! client that pipelines does. Latencies are of single steps, from sending to the last reply. A closed loop hides queueing:
//! for latency under a constant rate use an open-loop driver.

use super::client::{Client, Value};
use super::{exit, print, say};
use hdrhistogram::Histogram;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Steps of a life.
const STEPS: [&str; 4] = ["open", "take", "respond", "resolve"];

/// Arguments of `bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The daemon's socket.
    #[arg(long, value_name = "PATH", default_value = "./slad.sock")]
    pub socket: PathBuf,
    /// Connections.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Lives that a connection keeps going.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub pipeline: u32,
    /// Seconds to measure.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Agents, each with three of 64 skills.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub agents: u32,
    /// Tickets that wait before the measurement begins.
    #[arg(long, default_value_t = 0)]
    pub backlog: u32,
}

/// Longest latency told apart, µs: a minute.
const LATENCY_US_MAX: u64 = 60_000_000;

type Steps = [Histogram<u64>; STEPS.len()];

/// Runs; the exit code.
pub fn run(args: &Args) -> u8 {
    match bench(args) {
        Ok(()) => 0,
        Err(e) => {
            say(e);
            exit::START_FAILED
        }
    }
}

fn bench(args: &Args) -> io::Result<()> {
    let run = format!("{:x}", std::process::id());
    prepare(args, &run)?;
    let (stop, lives) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let workers: Vec<_> = (0..args.connections)
        .map(|number| {
            let worker = Worker {
                args: args.clone(),
                name: format!("{run}-{number}"),
                number,
                stop: stop.clone(),
                lives: lives.clone(),
            };
            std::thread::spawn(move || worker.run())
        })
        .collect();
    std::thread::sleep(Duration::from_secs(args.seconds));
    let counted = lives.load(Relaxed);
    let took = started.elapsed();
    stop.store(true, Relaxed);
    let mut all: Option<Steps> = None;
    for worker in workers {
        let steps = worker
            .join()
            .map_err(|_| io::Error::other("a connection's thread died"))??;
        match &mut all {
            None => all = Some(steps),
            Some(all) => {
                for (sum, one) in all.iter_mut().zip(&steps) {
                    sum.add(one).map_err(io::Error::other)?;
                }
            }
        }
    }
    print(format_args!(
        "{:.0} lifecycles/s ({} connections, pipeline {}, {:.1} s)",
        counted as f64 / took.as_secs_f64(),
        args.connections,
        args.pipeline,
        took.as_secs_f64()
    ));
    for (name, steps) in STEPS.iter().zip(all.iter().flatten()) {
        let ms = |p: f64| steps.value_at_quantile(p) as f64 / 1_000.0;
        print(format_args!(
            "{name:8} p50 {:.3} ms  p99 {:.3} ms  p99.9 {:.3} ms  max {:.3} ms",
            ms(0.5),
            ms(0.99),
            ms(0.999),
            steps.max() as f64 / 1_000.0
        ));
    }
    Ok(())
}

fn skill(n: u32) -> String {
    format!("s{}", n % 64)
}

fn prepare(args: &Args, run: &str) -> io::Result<()> {
    let mut client = Client::connect(&args.socket)?;
    let mut commands: Vec<Vec<String>> = (0..args.agents)
        .map(|n| {
            let skills = format!("{}:5,{}:5,{}:5", skill(n), skill(n + 21), skill(n + 42));
            [
                "AGENT.SET",
                &format!("bench-{n}"),
                "skills",
                &skills,
                "capacity",
                "1000000",
            ]
            .map(str::to_owned)
            .to_vec()
        })
        .collect();
    commands.extend((0..args.backlog).map(|n| open(&format!("backlog-{run}-{n}"), n)));
    for chunk in commands.chunks(512) {
        for command in chunk {
            let words: Vec<&[u8]> = command.iter().map(String::as_bytes).collect();
            client.push(&words);
        }
        client.send()?;
        for _ in chunk {
            fine(client.reply()?)?;
        }
    }
    Ok(())
}

fn open(id: &str, n: u32) -> Vec<String> {
    [
        "TICKET.OPEN",
        id,
        "policy",
        "none",
        "priority",
        &format!("P{}", n % 10),
        "skills",
        &skill(n),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn fine(reply: Value) -> io::Result<Value> {
    match reply {
        Value::Error(e) => Err(io::Error::other(e)),
        reply => Ok(reply),
    }
}

struct Worker {
    args: Args,
    name: String,
    number: u32,
    stop: Arc<AtomicBool>,
    lives: Arc<AtomicU64>,
}

impl Worker {
    fn run(self) -> io::Result<Steps> {
        let new = || Histogram::<u64>::new_with_max(LATENCY_US_MAX, 3).map_err(io::Error::other);
        let mut steps = [new()?, new()?, new()?, new()?];
        let mut client = Client::connect(&self.args.socket)?;
        let mut round = 0_u32;
        while !self.stop.load(Relaxed) {
            let opens =
                (0..self.args.pipeline).map(|n| open(&format!("{}-{round}-{n}", self.name), n + round));
            let opens: Vec<_> = opens.collect();
            self.step(&mut client, &mut steps[0], &opens)?;
            let takes: Vec<_> = (0..self.args.pipeline)
                .map(|n| {
                    let agent = (self.number + round * self.args.pipeline + n) % self.args.agents;
                    vec!["AGENT.NEXT".to_owned(), format!("bench-{agent}")]
                })
                .collect();
            let taken = self.step(&mut client, &mut steps[1], &takes)?;
            // What somebody else took is theirs to end: each ends what it was given.
            let mine: Vec<String> = taken.into_iter().filter_map(ticket).collect();
            for (step, name) in [(2, "TICKET.RESPOND"), (3, "TICKET.RESOLVE")] {
                let commands: Vec<_> = mine.iter().map(|id| vec![name.to_owned(), id.clone()]).collect();
                self.step(&mut client, &mut steps[step], &commands)?;
            }
            self.lives.fetch_add(mine.len() as u64, Relaxed);
            round = round.wrapping_add(1);
        }
        Ok(steps)
    }

    fn step(
        &self,
        client: &mut Client,
        took: &mut Histogram<u64>,
        commands: &[Vec<String>],
    ) -> io::Result<Vec<Value>> {
        let started = Instant::now();
        for command in commands {
            let words: Vec<&[u8]> = command.iter().map(String::as_bytes).collect();
            client.push(&words);
        }
        client.send()?;
        let replies = commands
            .iter()
            .map(|_| fine(client.reply()?))
            .collect::<io::Result<Vec<_>>>()?;
        if !commands.is_empty() {
            took.saturating_record(u64::try_from(started.elapsed().as_micros()).unwrap_or(LATENCY_US_MAX));
        }
        Ok(replies)
    }
}

/// The ticket that an AGENT.NEXT gave.
fn ticket(reply: Value) -> Option<String> {
    match reply {
        Value::List(pairs) => match pairs.into_iter().nth(1) {
            Some(Value::Text(id)) => String::from_utf8(id).ok(),
            _ => None,
        },
        _ => None,
    }
}
