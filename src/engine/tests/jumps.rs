//! Jumps of the real clock: nothing fires early, twice or unmarked, and replay gives the same state at every seq.

use super::desk::*;
use crate::engine::{Config, Engine};
use crate::model::command::*;
use crate::model::event::{Body, Event, Jump, TicketFact};
use crate::model::fields;
use crate::model::reply::Reply;
use crate::model::target::Target;
use crate::model::{Seq, Text, UnixMs};
use std::collections::HashMap;

const MIN: i64 = 60_000;
const HOUR: i64 = 60 * MIN;

fn desk() -> Desk {
    Desk::with(|config| config.virtual_clock = false)
}

fn due(id: &str, target: Target, at: UnixMs) -> Command {
    open(id, |o| o.fields.dues = vec![(target, at)])
}

fn seq(reply: Reply) -> Seq {
    match reply {
        Reply::Seq(seq) => seq,
        other => panic!("no seq: {other:?}"),
    }
}

fn at(desk: &Desk, seq: Seq) -> UnixMs {
    desk.log[seq as usize - 1].at
}

/// Ticket and cause of the breaches from `seq` on.
fn breaches(desk: &Desk, from: Seq) -> Vec<(String, Seq)> {
    let breach = |event: &Event| match &event.body {
        Body::Ticket(t) if matches!(t.fact, TicketFact::Breached(_)) => Some((t.id.to_string(), event.cause)),
        _ => None,
    };
    desk.log[from as usize - 1..].iter().filter_map(breach).collect()
}

#[test]
fn a_step_forwards_fires_all_that_passed_in_order_and_marked() {
    let mut desk = desk();
    for (id, after) in [("t3", 30), ("t1", 10), ("t2", 20), ("t5", 3_700), ("t4", 3_590)] {
        desk.run(&due(id, Target::Resolution, desk.now + after * 1_000));
    }
    desk.advance(10_001);
    let fired = desk.engine.seq();
    assert_eq!(
        breaches(&desk, 1),
        [("t1".to_owned(), 0)],
        "by passing: not marked"
    );
    let jumped = desk.jump(HOUR, Jump::Stepped);
    assert_eq!(
        desk.engine.seq(),
        fired + 1,
        "the fact comes before what it makes due"
    );
    desk.drain();
    let marked = |id: &str| (id.to_owned(), jumped);
    assert_eq!(
        breaches(&desk, jumped),
        [marked("t2"), marked("t3"), marked("t4")]
    );
    assert!(
        desk.entry(jumped + 1, 0)
            .ends_with(&format!("at={} cause={jumped}", desk.now))
    );
    desk.advance(200_000);
    assert_eq!(breaches(&desk, jumped).last(), Some(&("t5".to_owned(), 0)));
}

#[test]
fn a_step_backwards_fires_nothing_again_and_nothing_early() {
    let mut desk = desk();
    let start = desk.now;
    desk.run(&due("t1", Target::Resolution, start + 10 * MIN));
    desk.run(&due("t2", Target::Resolution, start + 70 * MIN));
    desk.run(&due("t3", Target::Resolution, start + 61 * MIN));
    desk.advance(HOUR);
    assert_eq!(breaches(&desk, 1).len(), 1);
    let jumped = desk.jump(-HOUR, Jump::Stepped);
    assert_eq!(desk.engine.last_instant(), start, "the newest instant goes back");
    desk.run(&due("t0", Target::Resolution, start + 5 * MIN));
    desk.advance(5 * MIN);
    assert_eq!(breaches(&desk, jumped), [], "at its due it is in time");
    desk.advance(1);
    assert_eq!(breaches(&desk, jumped), [("t0".to_owned(), 0)]);
    desk.advance(56 * MIN - 1);
    assert_eq!(breaches(&desk, jumped).len(), 1, "t1 has fired before the step");
    desk.advance(1);
    assert_eq!(breaches(&desk, jumped)[1..], [("t3".to_owned(), 0)]);
    desk.advance(9 * MIN);
    assert_eq!(breaches(&desk, jumped)[2..], [("t2".to_owned(), 0)]);
}

#[test]
fn what_is_commanded_never_runs_backwards() {
    let mut desk = desk();
    desk.run(&set_agent("a1", "", 9));
    for id in ["t1", "t2", "t3"] {
        desk.run(&open_level(id, "P1"));
    }
    let before = desk.now;
    desk.jump(-2 * MIN, Jump::Stepped);
    let told = seq(desk.run(&ticket("t1", TicketOp::Respond)));
    assert_eq!(at(&desk, told), before);
    assert_eq!(desk.log[told as usize - 1].logged_at, desk.now);
    let (id, hold) = taken(desk.run(&next("a1")));
    assert_eq!(at(&desk, hold), before);
    let released = seq(desk.run(&ticket(&id, TicketOp::Release)));
    assert_eq!(at(&desk, released), before);
    for op in [TicketOp::Inbound, TicketOp::Resolve] {
        let last = seq(desk.run(&ticket("t1", op)));
        assert_eq!(at(&desk, last), before);
    }
    desk.advance(2 * MIN + 7);
    let last = seq(desk.run(&ticket("t1", TicketOp::Reopen)));
    assert_eq!(at(&desk, last), desk.now);
}

#[test]
fn frozen_timers_wait_and_a_command_does_not_set_them_off() {
    for (how, by) in [(Jump::Accepted, HOUR), (Jump::Rejected, 0), (Jump::Returned, 0)] {
        let mut desk = desk();
        desk.run(&due("t1", Target::Resolution, desk.now + 10_000));
        desk.run(&due("t2", Target::Resolution, desk.now + 30 * MIN));
        desk.advance(1_000);
        let frozen = desk.jump(HOUR, Jump::Frozen);
        assert!(desk.engine.is_frozen());
        assert_eq!(desk.engine.next_instant(), None);
        desk.advance(60_000);
        desk.run(&ticket("t1", TicketOp::Inbound));
        assert_eq!(breaches(&desk, frozen), []);
        let decided = desk.jump(by, how);
        assert!(!desk.engine.is_frozen());
        assert_eq!(breaches(&desk, frozen), []);
        desk.drain();
        let mut expected = vec![("t1".to_owned(), decided)];
        if how == Jump::Accepted {
            expected.push(("t2".to_owned(), decided));
        }
        assert_eq!(breaches(&desk, frozen), expected, "{how:?}");
        desk.advance(2 * HOUR);
        assert_eq!(breaches(&desk, frozen).len(), 2);
    }
}

#[test]
fn a_breach_that_a_command_would_swallow_is_recorded() {
    // Late by the command's own instant, and no timer fires to say so.
    let mut desk = desk();
    for id in ["t1", "t2", "t3", "t4"] {
        desk.run(&due(id, Target::Resolution, desk.now + 10_000));
    }
    desk.jump(HOUR, Jump::Frozen);
    desk.advance(9_000);
    let in_time = seq(desk.run(&ticket("t4", TicketOp::Resolve)));
    assert_eq!(breaches(&desk, 1), []);
    assert!(desk.entry(in_time, 1).contains("in_time=yes"));
    desk.advance(1_500);
    let resolved = seq(desk.run(&ticket("t1", TicketOp::Resolve)));
    assert_eq!(breaches(&desk, 1), [("t1".to_owned(), 0)]);
    assert!(
        desk.entry(resolved - 1, 0).contains("late_ms=499"),
        "{}",
        desk.entry(resolved - 1, 0)
    );
    assert!(desk.entry(resolved, 1).contains("in_time=no"));
    desk.run(&ticket("t2", TicketOp::Cancel { how: Cancelled::Spam }));
    assert_eq!(breaches(&desk, 1).len(), 2);
    desk.run(&ticket(
        "t3",
        TicketOp::Pause {
            reason: Text::new("customer"),
        },
    ));
    assert_eq!(
        breaches(&desk, 1).len(),
        2,
        "under this policy it runs on, and will fire"
    );
    desk.jump(0, Jump::Rejected);
    desk.drain();
    desk.run(&ticket("t3", TicketOp::Resume));
    desk.drain();
    assert_eq!(breaches(&desk, 1).len(), 3, "each once");
}

#[test]
fn tokens_outlive_a_step_backwards_and_end_a_day_later() {
    let mut desk = desk();
    let common = |token: &str| Common {
        token: Some(Text::new(token)),
        fingerprint: 1,
        ..Common::default()
    };
    desk.run(&open("t1", |_| ()));
    let first = desk.run(&ticket_with("t1", TicketOp::Inbound, common("k1")));
    desk.jump(-HOUR, Jump::Stepped);
    desk.run(&ticket_with("t1", TicketOp::Inbound, common("k2")));
    assert_eq!(
        desk.run(&ticket_with("t1", TicketOp::Inbound, common("k1"))),
        first
    );
    desk.advance(24 * HOUR + 1);
    desk.run(&ticket("t1", TicketOp::Inbound));
    assert_eq!(
        desk.run(&ticket_with("t1", TicketOp::Inbound, common("k1"))),
        first,
        "23 h by its instant"
    );
    desk.advance(HOUR);
    desk.run(&ticket("t1", TicketOp::Inbound));
    assert_ne!(
        desk.run(&ticket_with("t1", TicketOp::Inbound, common("k1"))),
        first
    );
}

/// What fires by itself, and whether the clock showed its instant by then.
fn fired(event: &Event) -> Option<(String, &'static str, UnixMs)> {
    let Body::Ticket(ticket) = &event.body else {
        return None;
    };
    match &ticket.fact {
        TicketFact::Warned(sla) => Some((
            format!("{} {} {}", ticket.id, sla.target, sla.due),
            "warned",
            event.at - sla.late_ms,
        )),
        TicketFact::Breached(sla) => Some((
            format!("{} {} {}", ticket.id, sla.target, sla.due),
            "breached",
            sla.due + 1,
        )),
        _ => None,
    }
}

#[test]
fn replay_is_the_same_at_every_seq_whatever_the_clock_does() {
    for seed in 1..=8_u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut below = move |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) % n
        };
        let mut desk = desk();
        let config = || Config {
            closed_max: 50,
            tokens_max: 20,
            ..Config::default()
        };
        let mut replayed = Engine::new(config());
        let mut checked = 0;
        let mut seen: HashMap<(String, &str), Seq> = HashMap::new();
        let mut records = Vec::new();
        for step in 0..1_200 {
            let id = format!("t{}", below(25));
            let now = desk.now;
            match below(14) {
                0..=5 => {
                    // Dues that nobody else has, so that each fires once at most.
                    let dues = vec![
                        (Target::Resolution, now + below(3_000_000) as i64),
                        (Target::FirstResponse, now + below(300_000) as i64),
                    ];
                    desk.run(&open(&id, |o| o.fields.dues = dues));
                }
                6 => drop(desk.run(&ticket(&id, TicketOp::Respond))),
                7 => drop(desk.run(&ticket(&id, TicketOp::Resolve))),
                8 => drop(desk.run(&ticket(&id, TicketOp::Cancel { how: Cancelled::Spam }))),
                9 => drop(desk.run(&ticket_with(
                    &id,
                    TicketOp::Inbound,
                    Common {
                        token: Some(Text::from(format!("k{}", below(50)))),
                        ..Common::default()
                    },
                ))),
                10 => {
                    let by = below(600_000) as i64 - 300_000;
                    let how = if desk.engine.is_frozen() {
                        Jump::Accepted
                    } else {
                        Jump::Stepped
                    };
                    desk.jump(by, how);
                    desk.drain();
                }
                11 if below(3) == 0 && !desk.engine.is_frozen() => {
                    desk.jump(HOUR, Jump::Frozen);
                }
                11 if desk.engine.is_frozen() => {
                    desk.jump(0, Jump::Rejected);
                    desk.drain();
                }
                _ => desk.advance(below(60_000) as i64),
            }
            if step == 600 {
                let head = desk.engine.snapshot_begin().unwrap();
                while desk.engine.snapshot_step(100, &mut records) {}
                let mut restored = Engine::new(config());
                records
                    .drain(..)
                    .for_each(|record| restored.restore(record).unwrap());
                restored.restored(head.seq);
                assert_eq!(restored.state_hash(), head.state_hash, "seed {seed}");
                assert_eq!(restored.last_jump(), desk.engine.last_jump());
                assert_eq!(restored.last_instant(), desk.engine.last_instant());
                assert_eq!(restored.is_frozen(), desk.engine.is_frozen());
            }
            // What is new in the log.
            let mut marks: HashMap<Seq, UnixMs> = HashMap::new();
            for (place, event) in desk.log.iter().enumerate().skip(checked) {
                let seq = place as Seq + 1;
                replayed.replay(seq, event).unwrap();
                if let Some((what, kind, instant)) = fired(event) {
                    assert!(event.at >= instant, "seed {seed}: early: {}", fields::kind(event));
                    assert_eq!(
                        seen.insert((what.clone(), kind), seq),
                        None,
                        "seed {seed}: {what} {kind} twice"
                    );
                    if event.cause != 0 {
                        let before = marks.insert(event.cause, instant);
                        assert!(before.is_none_or(|before| before <= instant), "in order");
                    }
                }
            }
            checked = desk.log.len();
            assert_eq!(replayed.state_hash(), desk.hash(), "seed {seed}, step {step}");
        }
        assert!(desk.log.iter().any(|event| event.cause != 0), "some were marked");
    }
}
