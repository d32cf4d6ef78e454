//! The log thread alone: this thread plays the core, with no engine behind it.

use super::open_loop::{Latencies, Pace};
use super::{Fallible, setting};
use slad::daemon::config::Config as DaemonConfig;
use slad::daemon::log_line::LogLine;
use slad::daemon::log_room::Room;
use slad::daemon::shared::Shared;
use slad::daemon::{log_thread, meter};
use slad::journal::disk::RealDisk;
use slad::journal::{Batch, Config, SyncPolicy, open};
use slad::model::event::{AssignedHow, Body, Event, TicketEvent, TicketFact};
use std::sync::Arc;
use std::time::Duration;

/// The commonest kind of event: short names, no clocks.
fn event() -> Event {
    Event {
        at: 1_767_225_600_000,
        logged_at: 1_767_225_600_000,
        cause: 0,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: "t12345678".into(),
            queue: "billing".into(),
            agent: "a17".into(),
            prev: 99,
            fact: TicketFact::Assigned {
                how: AssignedHow::Next,
                over: 0,
                from: "".into(),
            },
            clocks: None,
            origin: None,
        }),
    }
}

/// Every rate in turn.
pub(crate) fn run() -> Fallible<()> {
    let rates = std::env::var("SLAD_BENCH_RATES").unwrap_or_else(|_| "10000,100000,1000000".to_owned());
    let seconds = Duration::from_secs(setting("SLAD_BENCH_SECONDS", 5)?);
    for rate in rates.split(',') {
        let rate: u64 = rate.trim().parse()?;
        let (latencies, bytes) = at_rate(rate, seconds)?;
        println!("log, {rate:>8} events/s   {latencies}   {bytes} bytes an event");
    }
    Ok(())
}

fn at_rate(rate: u64, seconds: Duration) -> Fallible<(Latencies, u64)> {
    let folder = tempfile::tempdir()?;
    let disk = Arc::new(RealDisk::new(folder.path(), std::process::id())?);
    let mut writer = open(
        disk,
        Config {
            sync: SyncPolicy::Always,
            ..Config::default()
        },
    )?
    .into_writer()?;
    // As in a daemon that has been running for a while.
    writer.make_reserve()?;
    let published = writer.published();
    let line = Arc::new(LogLine::new(0));
    let shared = Arc::new(Shared::new(DaemonConfig {
        http: None,
        data: folder.path().to_owned(),
        ..DaemonConfig::default()
    }));
    let laid = meter::lay(&shared)?;
    let room = Room::open(&mut writer, line.clone(), shared.config.segment_bytes)?;
    let thread = log_thread::start(writer, line.clone(), room, SyncPolicy::Always, shared, laid.log)?;

    let event = event();
    let mut latencies = Latencies::new()?;
    let mut gathering: Batch = line.fresh();
    let pace = Pace::new(rate);
    let total = rate * seconds.as_secs();
    let (mut next, mut durable) = (0, 0);
    while durable < total {
        let due = pace.due().min(total);
        while next < due {
            next += 1;
            gathering.push(next, std::slice::from_ref(&event))?;
        }
        if !gathering.is_empty() {
            let batch = std::mem::replace(&mut gathering, line.fresh());
            if let Err(back) = line.send(batch) {
                gathering = back;
            }
        }
        let seen = line.durable_seq();
        while durable < seen {
            // Event n was to happen when n - 1 had passed.
            latencies.record(pace.late(durable));
            durable += 1;
        }
        if due == next {
            // The core sleeps in epoll here; giving the core away is the nearest thing.
            std::thread::yield_now();
        }
    }
    line.stop();
    thread.join().map_err(|_| "the log thread died")?;
    Ok((latencies, published.log_bytes() / total))
}
