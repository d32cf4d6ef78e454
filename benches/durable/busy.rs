//! The whole daemon at a constant rate of commands, quiet and while it does something big beside.

use super::daemon::{Daemon, fill, fine, id};
use super::open_loop::{Latencies, Pace};
use super::{Fallible, setting};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Turns of quiet and busy.
const TURNS: usize = 3;
/// A quiet turn.
const QUIET: Duration = Duration::from_secs(5);

/// One fact a command at `rate`, until `is_over` says so; the latencies of the replies.
fn load(daemon: &Daemon, tickets: usize, rate: u64, is_over: Arc<AtomicBool>) -> Fallible<Latencies> {
    let mut reading = daemon.client()?;
    let mut sending = reading.twin()?;
    let pace = Arc::new(Pace::new(rate));
    let sent = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(AtomicBool::new(false));
    let sender = {
        let (pace, sent, ended) = (pace.clone(), sent.clone(), ended.clone());
        std::thread::spawn(move || -> io::Result<()> {
            let mut next = 0_u64;
            while !is_over.load(SeqCst) {
                let due = pace.due();
                while next < due {
                    let ticket = id((next.wrapping_mul(2_654_435_761) % tickets as u64) as usize);
                    sending.push(&[b"TICKET.MARK", ticket.as_bytes(), b"checked"]);
                    next += 1;
                }
                sent.store(next, SeqCst);
                sending.send()?;
                std::thread::sleep(Duration::from_micros(50));
            }
            ended.store(true, SeqCst);
            Ok(())
        })
    };
    let mut latencies = Latencies::new()?;
    let mut answered = 0;
    loop {
        if answered == sent.load(SeqCst) {
            if ended.load(SeqCst) && answered == sent.load(SeqCst) {
                break;
            }
            std::thread::sleep(Duration::from_micros(50));
            continue;
        }
        fine(reading.reply()?)?;
        latencies.record(pace.late(answered));
        answered += 1;
    }
    sender.join().map_err(|_| "the sender died")??;
    Ok(latencies)
}

/// The load while `work` is done; its latencies, and how long the work took.
fn during(
    daemon: &Daemon,
    tickets: usize,
    rate: u64,
    work: impl FnOnce() -> Fallible<()>,
) -> Fallible<(Latencies, Duration)> {
    let is_over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let over = is_over.clone();
        let loading = scope.spawn(move || load(daemon, tickets, rate, over).map_err(|e| e.to_string()));
        let began = Instant::now();
        let done = work();
        let took = began.elapsed();
        is_over.store(true, SeqCst);
        let latencies = loading.join().map_err(|_| "the load died")??;
        done?;
        Ok((latencies, took))
    })
}

fn quiet() -> Fallible<()> {
    std::thread::sleep(QUIET);
    Ok(())
}

/// Quiet and busy in turns; `busy` gets the daemon.
fn in_turns(
    what: &str,
    daemon: &Daemon,
    tickets: usize,
    rate: u64,
    busy: impl Fn(&Daemon) -> Fallible<()>,
) -> Fallible<()> {
    let (mut still, mut moved) = (Latencies::new()?, Latencies::new()?);
    for turn in 1..=TURNS {
        let (latencies, _) = during(daemon, tickets, rate, quiet)?;
        println!("quiet {turn}              {latencies}");
        still.add(&latencies)?;
        let (latencies, took) = during(daemon, tickets, rate, || busy(daemon))?;
        println!("{what} {turn}, {:6.2} s   {latencies}", took.as_secs_f64());
        moved.add(&latencies)?;
    }
    println!("quiet                {still}");
    println!(
        "{what:21}{moved}   p99 is {:.2} times the quiet one",
        moved.at(0.99) / still.at(0.99)
    );
    Ok(())
}

/// Commands while SNAPSHOT runs.
pub(crate) fn snapshot() -> Fallible<()> {
    let tickets = setting("SLAD_BENCH_TICKETS", 1_000_000)?.max(1) as usize;
    let rate = setting("SLAD_BENCH_RATE", 10_000)?.max(1);
    let folder = tempfile::tempdir()?;
    let daemon = Daemon::start(folder.path(), "always", &[])?;
    fill(&daemon, tickets, 4)?;
    println!("{tickets} open tickets, {rate} commands/s, every reply durable");
    in_turns("snapshot", &daemon, tickets, rate, |daemon| {
        fine(daemon.client()?.command(&["SNAPSHOT"])?)?;
        Ok(())
    })
}
