//! A due fires at its exact millisecond, once, in order: under the virtual clock to the millisecond, under the real
//! one never early.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "support/feed.rs"]
mod feed;
#[path = "support/random.rs"]
mod random;
mod support;

use feed::{Entry, pipeline, words};
use random::Random;
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};
use support::{Client, Daemon};

/// Where the virtual clock starts.
const START: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Targets that the tests use, in the order in which they fire within a millisecond.
const TARGETS: [&str; 4] = ["first_response", "work_start", "solution", "resolution"];

/// A warning or breach that has to come. Its order is the order in which they have to come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Firing {
    at: i64,
    opened_seq: i64,
    target: usize,
    is_breach: bool,
    ticket: String,
    due: i64,
}

impl Firing {
    fn breach(ticket: &str, opened_seq: i64, target: &str, due: i64) -> Firing {
        Firing {
            at: due + 1,
            opened_seq,
            target: order_of(target),
            is_breach: true,
            ticket: ticket.to_owned(),
            due,
        }
    }

    fn of(entry: &Entry, opened: &HashMap<String, i64>) -> Firing {
        let ticket = entry.text("ticket").to_owned();
        Firing {
            at: entry.int("at"),
            opened_seq: opened[&ticket],
            target: order_of(entry.text("target")),
            is_breach: entry.kind() == "sla.breached",
            due: entry.int("due"),
            ticket,
        }
    }
}

fn order_of(target: &str) -> usize {
    TARGETS.iter().position(|t| *t == target).unwrap()
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_millis() as i64
}

fn set_clock(client: &mut Client, to: i64) {
    client.cmd(&["CLOCK.SET", &to.to_string()]).int();
}

/// Opens the tickets; their opening seqs.
fn open(client: &mut Client, tickets: &[(String, String)]) -> HashMap<String, i64> {
    let commands: Vec<_> = tickets
        .iter()
        .map(|(id, fields)| words(&format!("TICKET.OPEN {id} {fields}")))
        .collect();
    let replies = pipeline(client, &commands);
    tickets
        .iter()
        .zip(replies)
        .map(|((id, _), reply)| (id.clone(), reply.int()))
        .collect()
}

/// The feed shows exactly these, in this order, each at its instant.
fn assert_fired(entries: &[Entry], expected: &[Firing], opened: &HashMap<String, i64>) {
    for (n, (entry, firing)) in entries.iter().zip(expected).enumerate() {
        assert_eq!(&Firing::of(entry, opened), firing, "firing {n}: {entry:?}");
        assert_eq!(entry.int("late_ms"), 0, "{entry:?}");
        assert!(
            entry.find("logged_at").is_none(),
            "logged at its instant: {entry:?}"
        );
    }
    assert_eq!(entries.len(), expected.len(), "each once");
}

/// The clock of a ticket, in TICKET.GET.
fn is_breached(client: &mut Client, ticket: &str, target: &str) -> bool {
    let reply = client.cmd(&["TICKET.GET", ticket]);
    let clocks = reply.get("clocks");
    let clock = clocks
        .list()
        .iter()
        .find(|c| c.get("target").text() == target)
        .unwrap();
    clock.get("breached").text() == "yes"
}

#[test]
fn a_hundred_thousand_dues_over_an_hour_fire_at_their_milliseconds() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    let mut random = Random::new(Random::seed());
    let count = 100_000;
    let mut due = || START + 1 + random.below(HOUR as u64) as i64;

    // Every tenth has a second clock, now and then with the very same due.
    let mut dues: Vec<(i64, Option<i64>)> = (0..count)
        .map(|n| {
            let first = due();
            let second = match n % 20 {
                0 => Some(due()),
                10 => Some(first),
                _ => None,
            };
            (first, second)
        })
        .collect();
    let tickets: Vec<_> = (0..count)
        .map(|n| {
            let (first, second) = dues[n];
            let second = second.map_or(String::new(), |due| format!(" due.first_response {due}"));
            // Timers alone and tickets of a queue alike.
            let queue = ["none", "default"][n % 2];
            (
                format!("t{n}"),
                format!("policy none queue {queue} due.resolution {first}{second}"),
            )
        })
        .collect();
    let opened = open(&mut client, &tickets);

    // Some dues move, earlier or later; some tickets are done before theirs.
    let mut commands = Vec::new();
    for n in (0..count).step_by(7) {
        dues[n].0 = due();
        commands.push(words(&format!("TICKET.SET t{n} due.resolution {}", dues[n].0)));
    }
    let is_done = |n: usize| n % 11 == 3;
    commands.extend(
        (0..count)
            .filter(|n| is_done(*n))
            .map(|n| words(&format!("TICKET.RESOLVE t{n}"))),
    );
    for reply in pipeline(&mut client, &commands) {
        reply.int();
    }
    let mut expected: Vec<Firing> = Vec::new();
    for n in (0..count).filter(|n| !is_done(*n)) {
        let (id, seq) = (&tickets[n].0, opened[&tickets[n].0]);
        expected.push(Firing::breach(id, seq, "resolution", dues[n].0));
        expected.extend(
            dues[n]
                .1
                .map(|due| Firing::breach(id, seq, "first_response", due)),
        );
    }
    expected.sort();
    assert!(expected.len() > 95_000);

    // On the way the clock stands at a due: that one has not fired, a millisecond later it has.
    for stop in 1..8 {
        let here = expected[expected.len() / 8 * stop].clone();
        let fired_before = |now: i64| expected.iter().filter(|f| f.at <= now).count() as i64;
        set_clock(&mut client, here.due);
        assert!(
            !is_breached(&mut client, &here.ticket, TARGETS[here.target]),
            "met at its exact millisecond is in time"
        );
        assert_eq!(client.say("XLEN events:breaches").int(), fired_before(here.due));
        client.say("CLOCK.ADVANCE 1ms").int();
        assert!(is_breached(&mut client, &here.ticket, TARGETS[here.target]));
        assert_eq!(
            client.say("XLEN events:breaches").int(),
            fired_before(here.due + 1)
        );
    }
    client.say("CLOCK.ADVANCE 1h").int();
    assert_fired(
        &feed::read(&mut client, "events:breaches", "-"),
        &expected,
        &opened,
    );
}

#[test]
fn a_hundred_thousand_dues_in_one_millisecond_fire_in_order_of_opening() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    let due = START + 37 * MINUTE + 123;
    let tickets: Vec<_> = (0..100_000)
        // Ids whose order is not that of the openings.
        .map(|n| {
            (
                format!("t{}", n * 7919 % 100_000),
                format!("policy none due.resolution {due}"),
            )
        })
        .collect();
    let opened = open(&mut client, &tickets);
    assert_eq!(opened.len(), tickets.len());
    let mut expected: Vec<_> = opened
        .iter()
        .map(|(id, seq)| Firing::breach(id, *seq, "resolution", due))
        .collect();
    expected.sort();

    set_clock(&mut client, due);
    assert_eq!(
        client.say("XLEN events:breaches").int(),
        0,
        "a due's exact millisecond is in time"
    );
    let jumped = client.say("CLOCK.ADVANCE 1ms").int();
    let entries = feed::read(&mut client, "events:breaches", "-");
    assert_fired(&entries, &expected, &opened);
    assert_eq!(
        entries.last().unwrap().seq,
        jumped - 1,
        "the clock has moved once all have fired"
    );
    assert_eq!(entries[0].seq, jumped - 100_000, "and nothing came between them");
    client.say("CLOCK.ADVANCE 1h").int();
    assert_eq!(client.say("XLEN events:breaches").int(), 100_000, "each once");
}

#[test]
fn warnings_come_when_four_fifths_of_the_time_are_over() {
    // Plain levels in natural time, so that every instant is a sum.
    let policies = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/policies");
    let daemon = Daemon::start(&["--virtual-clock", "--policies", policies]);
    let mut client = daemon.client();
    let mut random = Random::new(Random::seed());
    // The levels of `service-levels`: target and time.
    let levels: [(&str, &[(&str, i64)]); 4] = [
        (
            "P1",
            &[
                ("first_response", 15 * MINUTE),
                ("solution", 2 * HOUR),
                ("resolution", 2 * HOUR),
            ],
        ),
        (
            "P2",
            &[
                ("first_response", 30 * MINUTE),
                ("work_start", 4 * HOUR),
                ("resolution", DAY),
            ],
        ),
        ("P3", &[("first_response", 2 * HOUR), ("resolution", DAY)]),
        ("P4", &[("first_response", 3 * DAY), ("resolution", 14 * DAY)]),
    ];
    let mut opened = HashMap::new();
    let mut expected = Vec::new();
    let mut now = START;
    for batch in 0..100 {
        let mut tickets = Vec::new();
        let mut clocks = Vec::new();
        for n in 0..40 {
            let (priority, of) = random.pick(&levels);
            let id = format!("t{batch}-{n}");
            let fields = format!("priority {priority} customer c{n} has description,outcome");
            tickets.push((id.clone(), fields));
            clocks.push((id, *of));
        }
        let seqs = open(&mut client, &tickets);
        // Who is answered at once misses no first response.
        let answered: Vec<_> = clocks
            .iter()
            .filter(|_| random.one_in(3))
            .map(|(id, _)| id.clone())
            .collect();
        let commands: Vec<_> = answered
            .iter()
            .map(|id| words(&format!("TICKET.RESPOND {id}")))
            .collect();
        for reply in pipeline(&mut client, &commands) {
            reply.int();
        }
        for (id, of) in &clocks {
            for (target, time) in of.iter() {
                if *target == "first_response" && answered.contains(id) {
                    continue;
                }
                let breach = Firing::breach(id, seqs[id], target, now + time);
                let warning = Firing {
                    at: now + time * 4 / 5,
                    is_breach: false,
                    ..breach.clone()
                };
                expected.extend([warning, breach]);
            }
        }
        opened.extend(seqs);
        // Warnings of earlier ones come between these openings.
        let step = random.below(5 * MINUTE as u64) as i64;
        now += step;
        client.say(&format!("CLOCK.ADVANCE {step}ms")).int();
    }
    expected.sort();
    assert_eq!(opened.len(), 4_000);
    let exact = expected[expected.len() / 2].clone();
    assert!(exact.at > now, "the half of them is to come");
    let fired = |client: &mut Client| -> Vec<Entry> {
        let mut entries = feed::read(client, "events:sla", "-");
        entries.retain(|e| e.part == 0);
        entries
    };
    for (at, passed) in [(exact.at - 1, exact.at - 1), (exact.at, exact.at)] {
        set_clock(&mut client, at);
        let expected: Vec<_> = expected.iter().filter(|f| f.at <= passed).cloned().collect();
        assert_fired(&fired(&mut client), &expected, &opened);
    }
    client.say("CLOCK.ADVANCE 15d").int();
    assert_fired(&fired(&mut client), &expected, &opened);
}

#[test]
fn the_real_clock_is_never_early() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    let mut random = Random::new(Random::seed());
    let first = now_ms() + 500;
    let mut expected: HashMap<(String, String), i64> = HashMap::new();
    let mut tickets = Vec::new();
    for n in 0..2_000 {
        let mut due = || first + random.below(2_000) as i64;
        let id = format!("t{n}");
        let mut fields = "policy none".to_owned();
        for target in &TARGETS[..1 + n % 3] {
            let due = due();
            fields += &format!(" due.{target} {due}");
            expected.insert((id.clone(), (*target).to_owned()), due);
        }
        tickets.push((id, fields));
    }
    let opened = open(&mut client, &tickets);
    let started = Instant::now();
    let mut seen: Vec<Entry> = Vec::new();
    while seen.len() < expected.len() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "only {} of {} have fired",
            seen.len(),
            expected.len()
        );
        let after = seen
            .last()
            .map_or("0".to_owned(), |e| format!("({}-{}", e.seq, e.part));
        let more = feed::read(&mut client, "events:breaches", &after);
        let now = now_ms();
        assert!(
            more.iter().all(|e| e.int("at") <= now && e.int("due") < now),
            "seen before its time"
        );
        seen.extend(more);
        std::thread::sleep(Duration::from_millis(2));
    }
    // Nothing comes after the last.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(
        client.say("XLEN events:breaches").int(),
        expected.len() as i64,
        "each once"
    );
    let mut newest: HashMap<String, Firing> = HashMap::new();
    for entry in &seen {
        let firing = Firing::of(entry, &opened);
        let due = expected.remove(&(firing.ticket.clone(), entry.text("target").to_owned()));
        assert_eq!(
            due,
            Some(firing.due),
            "once, and for the due that was set: {entry:?}"
        );
        assert!(firing.at > firing.due, "early: {entry:?}");
        assert_eq!(entry.int("late_ms"), firing.at - firing.due - 1);
        let order = |f: &Firing| (f.due, f.target);
        if let Some(before) = newest.insert(firing.ticket.clone(), firing.clone()) {
            assert!(
                order(&before) < order(&firing),
                "{before:?} came before {firing:?}"
            );
        }
    }
    assert!(expected.is_empty());
}
