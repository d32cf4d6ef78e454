//! Commands at a constant rate, from several clients: responses and progress on open tickets, openings, resolutions, reads.

use super::Fallible;
use super::daemon::{Daemon, fine, id};
use super::desk::IDLE;
use super::open_loop::{Latencies, Pace};
use slad::cli::client::{Client, Value};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Instant;

/// A client's last word; its echo is the last reply.
const END: &[u8] = b"end";

/// The flow.
pub(crate) struct Flow {
    tickets: u64,
    connections: u64,
    /// Commands a second of one connection.
    rate: u64,
    /// Tickets opened so far, all under the version that is active.
    opened: AtomicU64,
}

impl Flow {
    /// So many commands a second in all, about so many tickets of the desk.
    pub(crate) fn new(tickets: u64, connections: u64, rate: u64) -> Flow {
        Flow {
            tickets,
            connections,
            rate: rate / connections,
            opened: AtomicU64::new(0),
        }
    }

    /// Tickets that the flow has opened.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(SeqCst)
    }

    /// Latencies while `work` is done, and what it gave.
    pub(crate) fn during<T>(
        &self,
        daemon: &Daemon,
        work: impl FnOnce() -> Fallible<T>,
    ) -> Fallible<(Latencies, T)> {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let clients = (0..self.connections)
                .map(|_| {
                    let reading = daemon.client()?;
                    let sending = reading.twin()?;
                    let pace = Pace::new(self.rate);
                    let (pace, is_over) = (std::sync::Arc::new(pace), &is_over);
                    let paced = pace.clone();
                    let sender = scope.spawn(move || self.send(sending, &paced, is_over));
                    let reader = scope.spawn(move || read(reading, &pace).map_err(|e| e.to_string()));
                    Ok((sender, reader))
                })
                .collect::<io::Result<Vec<_>>>();
            let done = work();
            is_over.store(true, SeqCst);
            let mut all = Latencies::new()?;
            for (sender, reader) in clients? {
                sender.join().map_err(|_| "a sender died")??;
                all.add(&reader.join().map_err(|_| "a reader died")??)?;
            }
            Ok((all, done?))
        })
    }

    fn send(&self, mut client: Client, pace: &Pace, is_over: &AtomicBool) -> io::Result<()> {
        let mut next = 0;
        let mut opened = String::new();
        while !is_over.load(SeqCst) {
            let due = pace.due();
            while next < due {
                self.push(&mut client, next, &mut opened);
                next += 1;
            }
            client.send()?;
            std::thread::sleep(pace.instant(next).saturating_duration_since(Instant::now()));
        }
        client.push(&[b"ECHO", END]);
        client.send()
    }

    /// The command with this number: five kinds in turn.
    fn push(&self, client: &mut Client, number: u64, opened: &mut String) {
        let any = number.wrapping_mul(2_654_435_761) % self.tickets;
        // What happens to these changes nothing of what a migration does to them, so that its numbers can be foretold.
        let in_work = id((any - any % IDLE) as usize);
        match number % 5 {
            0 => client.push(&[b"TICKET.RESPOND", in_work.as_bytes()]),
            1 => client.push(&[b"TICKET.PROGRESS", in_work.as_bytes()]),
            2 => {
                *opened = format!("n{}", self.opened.fetch_add(1, SeqCst));
                let words = ["TICKET.OPEN", opened, "policy", "desk", "customer", "c1"];
                client.push(&words.map(str::as_bytes));
            }
            3 => client.push(&[b"TICKET.RESOLVE", opened.as_bytes()]),
            _ => client.push(&[b"TICKET.GET", id(any as usize).as_bytes()]),
        }
    }
}

fn read(mut client: Client, pace: &Pace) -> Fallible<Latencies> {
    let mut latencies = Latencies::new()?;
    for answered in 0.. {
        let reply = client.reply()?;
        if matches!(&reply, Value::Text(text) if text == END) {
            break;
        }
        fine(reply)?;
        latencies.record(pace.late(answered));
    }
    Ok(latencies)
}
