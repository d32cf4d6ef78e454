//! The wire floor alone, per command of the lifecycle that clients run most: framing, framing + parsing, encoding.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use slad::model::Text;
use slad::model::command::{EntryId, Request};
use slad::model::event::{Body, Event, SlaFact, TicketEvent, TicketFact};
use slad::model::reply::{Reply, Taken};
use slad::model::target::Target;
use slad::wire::{Caps, Framed, Framer, Limits, Protocol, encode, feed, parse};
use std::hint::black_box;

const COMMANDS: [(&str, &str); 5] = [
    (
        "open",
        "TICKET.OPEN t-000123456 policy none priority P3 skills s17 due.first_response 1767225600000 \
         due.resolution 1767229200000",
    ),
    ("take", "AGENT.NEXT agent-0123"),
    ("respond", "TICKET.RESPOND t-000123456"),
    ("resolve", "TICKET.RESOLVE t-000123456"),
    (
        "poll",
        "XREAD COUNT 1000 BLOCK 400 STREAMS events:breaches 123456-0",
    ),
];

fn resp(line: &str) -> Vec<u8> {
    let args: Vec<&str> = line.split(' ').collect();
    let mut out = format!("*{}\r\n", args.len());
    for arg in args {
        out.push_str(&format!("${}\r\n{arg}\r\n", arg.len()));
    }
    out.into_bytes()
}

fn frame(framer: &mut Framer, bytes: &[u8]) -> usize {
    match framer.next(bytes) {
        Ok(Framed::Command { used }) => used,
        _ => 0,
    }
}

fn requests(c: &mut Criterion) {
    let caps = Caps::default();
    let mut group = c.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    for (name, line) in COMMANDS {
        let bytes = resp(line);
        let mut framer = Framer::new(Limits::default());
        group.bench_function(format!("frame/{name}"), |b| {
            b.iter(|| frame(&mut framer, black_box(&bytes)));
        });
        group.bench_function(format!("frame+parse/{name}"), |b| {
            b.iter(|| -> Option<Request> {
                frame(&mut framer, black_box(&bytes));
                parse(framer.args(&bytes), &caps)
                    .ok()
                    .map(|parsed| parsed.request)
            });
        });
    }
    group.finish();
}

fn replies(c: &mut Criterion) {
    let taken = Reply::Taken(Box::new(Taken {
        ticket: Text::new("t-000123456"),
        hold: 123_456_789,
        seq: 123_456_789,
        queue: Text::new("default"),
        priority: Text::new("P3"),
        policy: Text::new("none@1"),
        due: 1_767_225_600_000,
    }));
    let event = Event {
        at: 1_767_225_600_001,
        logged_at: 1_767_225_600_001,
        cause: 0,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: Text::new("t-000123456"),
            queue: Text::new("default"),
            agent: Text::default(),
            prev: 17,
            fact: TicketFact::Breached(Box::new(SlaFact {
                target: Target::FirstResponse,
                due: 1_767_225_600_000,
                policy: Text::new("none@1"),
                priority: Text::new("P3"),
                late_ms: 0,
            })),
            clocks: None,
            origin: None,
        }),
    };
    let mut group = c.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    let room = || Vec::with_capacity(1024);
    group.bench_function("encode/seq", |b| {
        b.iter_batched_ref(
            room,
            |out| encode::reply(out, Protocol::V2, black_box(&Reply::Seq(123_456_789))),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("encode/taken", |b| {
        b.iter_batched_ref(
            room,
            |out| encode::reply(out, Protocol::V2, black_box(&taken)),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("encode/breach entry", |b| {
        let id = EntryId {
            seq: 123_456,
            part: 0,
        };
        b.iter_batched_ref(
            room,
            |out| feed::entry(out, id, black_box(&event)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, requests, replies);
criterion_main!(benches);
