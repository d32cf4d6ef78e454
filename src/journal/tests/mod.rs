//! Tests of the log as a whole, over the simulated disk unless they say otherwise.

mod crash;
mod damage;
mod feed;
mod full;
mod indexes;
mod matrix;
mod retention;
mod round_trip;
mod snapshots;

use super::sim::SimDisk;
use super::{Batch, Config, JournalError, OpenedLog, SyncPolicy, Writer, open};
use crate::model::event::*;
use crate::model::target::Target;
use crate::model::{NEVER, Seq, Text};
use std::sync::Arc;

pub(super) const SMALL: Config = Config {
    segment_bytes: 1 << 20,
    sync: SyncPolicy::Always,
    log_id: 0x51ad_51ad_51ad_51ad,
    boot_id: [7; 16],
};

/// Event number `n`: kinds, texts and links differ, and all of it follows from `n`.
pub(super) fn event(n: Seq) -> Event {
    let ticket = n % 97;
    let fact = match n % 5 {
        0 => TicketFact::Opened(Box::new(Opened {
            opened_at: n as i64,
            policy: Text::new("service-levels"),
            version: 1,
            priority: Text::new("P3"),
            rank: 30,
            queue_by_policy: true,
            entered_late: false,
            skills: Vec::new(),
            fingerprint: n.wrapping_mul(31),
            details: None,
        })),
        1 => TicketFact::Assigned {
            how: AssignedHow::Next,
            over: 0,
            from: Text::new(if n.is_multiple_of(2) {
                ""
            } else {
                "agent-of-an-earlier-shift-1"
            }),
        },
        2 => TicketFact::Breached(Box::new(SlaFact {
            target: Target::FirstResponse,
            due: n as i64,
            policy: Text::new("service-levels@1"),
            priority: Text::new("P3"),
            late_ms: 0,
        })),
        3 => TicketFact::Transferred {
            from: Text::new("billing"),
        },
        _ => TicketFact::Responded,
    };
    let clocks = n.is_multiple_of(5).then(|| {
        let change = ClockChange::Started {
            start: 1,
            due: 2,
            warn_at: NEVER,
            by_hand: false,
            provisional: false,
        };
        let effect = |target| ClockEffect {
            target,
            change: change.clone(),
        };
        Box::new(ClockEffects {
            policy: Text::new("service-levels@1"),
            priority: Text::new("P3"),
            effects: vec![effect(Target::FirstResponse), effect(Target::Resolution)],
            ladders: Vec::new(),
            kept: None,
        })
    });
    Event {
        at: 1_767_225_600_000 + n as i64,
        logged_at: 1_767_225_600_000 + n as i64,
        cause: n % 3,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: compact_str::format_compact!("ticket-with-a-rather-long-id-{ticket}"),
            queue: compact_str::format_compact!("queue-{}", n % 3),
            agent: compact_str::format_compact!("a{}", n % 4),
            prev: n.saturating_sub(97),
            fact,
            clocks,
            origin: None,
        }),
    }
}

/// Events `from..=to`, in frames of up to three.
pub(super) fn batch(from: Seq, to: Seq) -> Batch {
    let mut batch = Batch::new();
    let mut seq = from;
    while seq <= to {
        let n = (1 + seq % 3).min(to - seq + 1);
        let events: Vec<Event> = (seq..seq + n).map(event).collect();
        batch.push(seq, &events).unwrap();
        seq += n;
    }
    batch
}

pub(super) fn opened(disk: &SimDisk) -> Result<OpenedLog, JournalError> {
    open(Arc::new(disk.clone()), SMALL)
}

pub(super) fn writer(disk: &SimDisk) -> Writer {
    opened(disk).unwrap().into_writer().unwrap()
}

/// Seqs stored, after checking that each event is the one that was written.
pub(super) fn stored(opened: &OpenedLog) -> Vec<Seq> {
    let mut seqs = Vec::new();
    let first = opened.first_seq();
    opened
        .replay(first - 1, |seq, stored| {
            assert_eq!(stored, event(seq), "seq {seq}");
            seqs.push(seq);
            Ok(())
        })
        .unwrap();
    seqs
}

/// A log with events 1..=n, each batch of ten synced.
pub(super) fn log_of(n: Seq) -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    let mut seq = 1;
    while seq <= n {
        let to = (seq + 9).min(n);
        writer.append(&mut batch(seq, to)).unwrap();
        writer.sync().unwrap();
        seq = to + 1;
    }
    disk
}
