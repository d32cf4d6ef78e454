//! The engine alone: lives of tickets on a backlog, what the log costs on top, and replay.
//!
//! Commands are read from the bytes that a client sends, ahead of the clock; batches of 64, one instant each, as the
//! daemon feeds them; all times are the thread's processor time. `frames` is the same
//! again with every event serialized into frames in memory, without a disk.
//!
//! `SLAD_BENCH_BACKLOG` (100000,1000000) tickets that wait, one run each; `SLAD_BENCH_LIVES` (200000) lives a run.
//! `SLAD_BENCH_WALL=1` takes the wall clock instead: the other one cannot be read under valgrind.

#![allow(missing_docs)]

use slad::engine::{Config, Engine, Outcome, Output};
use slad::journal::Batch;
use slad::model::command::{Command, Request};
use slad::model::event::{Body, Event};
use slad::model::reply::Reply;
use slad::policy::RuleBook;
use slad::wire::frame::{Framed, Framer, Limits};
use slad::wire::parse::{Caps, parse};
use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const START_MS: i64 = 1_767_225_600_000;
const BATCH: usize = 64;
const AGENTS: usize = 1_000;
const STEPS: [&str; 4] = ["open", "next", "respond", "resolve"];

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Reads commands as a connection does.
struct Reader {
    framer: Framer,
    bytes: Vec<u8>,
}

impl Reader {
    fn new() -> Reader {
        Reader {
            framer: Framer::new(Limits::default()),
            bytes: Vec::new(),
        }
    }

    fn read(&mut self, words: &[&str]) -> Fallible<Command> {
        self.bytes.clear();
        write!(self.bytes, "*{}\r\n", words.len())?;
        for word in words {
            write!(self.bytes, "${}\r\n{word}\r\n", word.len())?;
        }
        let Framed::Command { .. } = self.framer.next(&self.bytes)? else {
            return Err("half a request".into());
        };
        match parse(self.framer.args(&self.bytes), &Caps::default())
            .map_err(|e| e.message)?
            .request
        {
            Request::Engine(command) => Ok(command),
            _ => Err("not for the engine".into()),
        }
    }

    /// Priorities 5, 15, 40, 40 %; dues 2 to 3 h and 3 to 10 h after the start.
    fn open(&mut self, n: usize) -> Fallible<Command> {
        let priority = match n % 20 {
            0 => "P1",
            1..=3 => "P2",
            4..=11 => "P3",
            _ => "P4",
        };
        let spread = (n as i64).wrapping_mul(7_919);
        let response = (START_MS + 7_200_000 + spread % 3_600_000).to_string();
        let resolution = (START_MS + 10_800_000 + spread % 25_200_000).to_string();
        let skill = format!("s{}", n.wrapping_mul(2_654_435_761) >> 7 & 63);
        self.read(&[
            "TICKET.OPEN",
            &format!("t{n:09}"),
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
        ])
    }
}

/// What becomes of the events.
enum Sink {
    Dropped,
    Frames(Batch),
    Kept(Vec<Event>),
}

struct Run {
    engine: Engine,
    out: Output,
    now: i64,
    sink: Sink,
    frame_bytes: u64,
}

impl Run {
    fn new(sink: Sink) -> Fallible<Run> {
        let mut run = Run {
            engine: Engine::new(Config::default()),
            out: Output::default(),
            now: START_MS,
            sink,
            frame_bytes: 0,
        };
        run.engine.ready(START_MS);
        for (name, text) in slad::policy::embedded() {
            let book = RuleBook::parse(name, text, 1).map_err(|problems| format!("{problems:?}"))?;
            let activated = book.activation("embedded", false);
            let body = Body::PolicyActivated(Box::new(activated));
            run.engine.record(run.now, body, &mut run.out);
        }
        run.log()?;
        let mut reader = Reader::new();
        let mut commands = Vec::with_capacity(AGENTS);
        for n in 0..AGENTS {
            let skills = format!("s{}:5,s{}:5,s{}:5", n % 64, (n + 21) % 64, (n + 42) % 64);
            let id = format!("a{n}");
            commands.push(reader.read(&["AGENT.SET", &id, "skills", &skills, "capacity", "1000000"])?);
        }
        run.batch(&commands, &mut Vec::new())?;
        Ok(run)
    }

    fn log(&mut self) -> Fallible<()> {
        match &mut self.sink {
            Sink::Dropped => {}
            Sink::Frames(batch) => {
                for (seq, events) in self.out.frames() {
                    batch.push(seq, events)?;
                }
                self.frame_bytes += batch.len_bytes() as u64;
                batch.clear();
            }
            Sink::Kept(events) => events.append(&mut self.out.events),
        }
        self.out.clear();
        Ok(())
    }

    fn batch(&mut self, commands: &[Command], replies: &mut Vec<Reply>) -> Fallible<()> {
        self.now += 1;
        for command in commands {
            match self.engine.execute(self.now, command, 0, &mut self.out) {
                Outcome::Done(Reply::Refused(refusal)) => return Err(refusal.message.into()),
                Outcome::Done(reply) => replies.push(reply),
                Outcome::Waiting | Outcome::Scan(_) => return Err("nothing may wait here".into()),
            }
        }
        self.engine.advance(self.now, 512, &mut self.out);
        self.log()
    }

    /// Opens `count` tickets from number `from` on; the time without the reading of the commands.
    fn backlog(&mut self, from: usize, count: usize) -> Fallible<Duration> {
        let (mut reader, mut took, mut replies) = (Reader::new(), Duration::ZERO, Vec::new());
        for start in (from..from + count).step_by(BATCH) {
            let end = (start + BATCH).min(from + count);
            let commands = (start..end)
                .map(|n| reader.open(n))
                .collect::<Fallible<Vec<_>>>()?;
            let began = processor_time();
            self.batch(&commands, &mut replies)?;
            took += processor_time() - began;
            replies.clear();
        }
        Ok(took)
    }

    /// Lives: as many tickets are opened as are taken, answered and resolved. The time of each step.
    fn lives(&mut self, from: usize, count: usize) -> Fallible<[Duration; 4]> {
        let (mut reader, mut took, mut replies) = (Reader::new(), [Duration::ZERO; 4], Vec::new());
        for start in (from..from + count).step_by(BATCH) {
            let opens = (start..start + BATCH)
                .map(|n| reader.open(n))
                .collect::<Fallible<Vec<_>>>()?;
            let nexts = (start..start + BATCH)
                .map(|n| reader.read(&["AGENT.NEXT", &format!("a{}", n % AGENTS)]))
                .collect::<Fallible<Vec<_>>>()?;
            let mut step = |run: &mut Run, step: usize, commands: &[Command]| -> Fallible<Vec<Reply>> {
                replies.clear();
                let began = processor_time();
                run.batch(commands, &mut replies)?;
                took[step] += processor_time() - began;
                Ok(std::mem::take(&mut replies))
            };
            step(self, 0, &opens)?;
            let taken = step(self, 1, &nexts)?;
            let mut ends = [Vec::with_capacity(BATCH), Vec::with_capacity(BATCH)];
            for reply in &taken {
                let Reply::Taken(taken) = reply else {
                    return Err("an agent found nothing".into());
                };
                ends[0].push(reader.read(&["TICKET.RESPOND", &taken.ticket])?);
                ends[1].push(reader.read(&["TICKET.RESOLVE", &taken.ticket])?);
            }
            step(self, 2, &ends[0])?;
            step(self, 3, &ends[1])?;
        }
        Ok(took)
    }
}

/// Of this thread: other processes' turns do not count, what they do to the caches does.
fn processor_time() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    if std::env::var_os("SLAD_BENCH_WALL").is_some() {
        return BEGAN.elapsed();
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn number(name: &str, default: &str) -> Fallible<Vec<usize>> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    Ok(text.split(',').map(str::parse).collect::<Result<_, _>>()?)
}

fn ns(took: Duration, count: usize) -> f64 {
    took.as_nanos() as f64 / count as f64
}

fn lives(what: &str, sink: Sink, backlog: usize, lives: usize) -> Fallible<Run> {
    let mut run = Run::new(sink)?;
    let opened = run.backlog(0, backlog)?;
    let bytes_before = run.frame_bytes;
    let steps = run.lives(backlog, lives)?;
    let all: Duration = steps.iter().sum();
    println!(
        "{what:8} backlog {backlog:>9}: {:>6.2} M op/s, {:>6.0} k lives/s; backlog opened at {:.0} ns a ticket",
        4_000.0 / ns(all, lives),
        1e6 / ns(all, lives),
        ns(opened, backlog.max(1)),
    );
    let names = STEPS
        .iter()
        .zip(steps)
        .map(|(name, took)| format!("{name} {:.0}", ns(took, lives)));
    println!(
        "                            ns: {}",
        names.collect::<Vec<_>>().join(", ")
    );
    if run.frame_bytes > 0 {
        let bytes = (run.frame_bytes - bytes_before) as f64 / lives as f64;
        println!("                            {bytes:.0} bytes of frames a life");
    }
    Ok(run)
}

fn replay(backlog: usize, count: usize) -> Fallible<()> {
    let mut run = Run::new(Sink::Kept(Vec::new()))?;
    run.backlog(0, backlog)?;
    run.lives(backlog, count)?;
    let hash = run.engine.state_hash();
    let Sink::Kept(events) = run.sink else {
        return Err("the events are gone".into());
    };
    let mut engine = Engine::new(Config::default());
    let began = processor_time();
    for (n, event) in events.iter().enumerate() {
        engine.replay(n as u64 + 1, event)?;
    }
    let took = processor_time() - began;
    let began = processor_time();
    engine.ready(run.now);
    let ready = processor_time() - began;
    assert_eq!(black_box(engine.state_hash()), hash, "the replayed state differs");
    println!(
        "replay   backlog {backlog:>9}: {:>6.2} M events/s ({} events, {:.0} ns each); wheel and lanes {:.0} ns a ticket",
        1e3 / ns(took, events.len()),
        events.len(),
        ns(took, events.len()),
        ns(ready, backlog.max(1)),
    );
    Ok(())
}

fn main() -> Fallible<()> {
    let count = number("SLAD_BENCH_LIVES", "200000")?
        .first()
        .copied()
        .unwrap_or(0)
        .next_multiple_of(BATCH);
    for backlog in number("SLAD_BENCH_BACKLOG", "100000,1000000")? {
        // An agent must find something in each of its skills.
        let backlog = backlog.max(4_096);
        lives("engine", Sink::Dropped, backlog, count)?;
        lives("frames", Sink::Frames(Batch::new()), backlog, count)?;
        replay(backlog, count)?;
    }
    Ok(())
}
