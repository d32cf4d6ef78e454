//! What one frame may hold, what is measured, and who has waited longest.

use super::desk::*;
use crate::engine::Measure;
use crate::model::command::*;
use crate::model::reply::Reply;
use crate::model::{Code, NEVER, Text, UnixMs};

fn code(reply: &Reply) -> Option<Code> {
    match reply {
        Reply::Refused(refusal) => Some(refusal.code),
        _ => None,
    }
}

fn set_attribute(id: &str, name: &str, value: &str) -> Command {
    let fields = Fields {
        attributes: vec![(Text::new(name), Text::new(value))],
        ..Fields::default()
    };
    ticket(id, TicketOp::Set(Box::new(fields)))
}

#[test]
fn nobody_gives_back_more_than_a_frame_holds() {
    let mut desk = Desk::with(|config| config.leave_max = 2);
    desk.run(&set_agent("a1", "", 10));
    desk.run(&agent("a1", AgentOp::Ready));
    for id in ["t1", "t2", "t3"] {
        desk.run(&open(id, |_| ()));
        taken(desk.run(&next("a1")));
    }
    let before = desk.engine.seq();
    let refused = desk.run(&agent("a1", AgentOp::Leave { keep: false }));
    assert_eq!(code(&refused), Some(Code::Limit), "{refused:?}");
    assert_eq!(desk.engine.seq(), before, "nothing was logged");
    desk.run(&ticket("t1", TicketOp::Release));
    desk.run(&agent("a1", AgentOp::Leave { keep: false }));
    let kinds = desk.kinds(before + 2);
    assert_eq!(kinds, ["agent.presence", "ticket.released", "ticket.released"]);
}

#[test]
fn a_ticket_collects_no_attributes_without_end() {
    let mut desk = Desk::new();
    desk.run(&open("t", |_| ()));
    for n in 0..64 {
        let set = desk.run(&set_attribute("t", &format!("n{n}"), "v"));
        assert!(matches!(set, Reply::Seq(_)), "{set:?}");
    }
    let one_more = desk.run(&set_attribute("t", "n64", "v"));
    assert_eq!(code(&one_more), Some(Code::Limit), "{one_more:?}");
    let known = desk.run(&set_attribute("t", "n63", "w"));
    assert!(matches!(known, Reply::Seq(_)), "{known:?}");
}

#[test]
fn a_transaction_stops_where_its_frame_is_full() {
    let mut desk = Desk::with(|config| config.frame_bytes_max = 100_000);
    desk.run(&open("t", |_| ()));
    let long = "x".repeat(16 << 10);
    let mut commands: Vec<Command> = (0..20)
        .map(|n| set_attribute("t", &format!("n{n}"), &long))
        .collect();
    commands.push(Command::Read(Read::QueueList));
    let replies = desk.run_all(&commands);
    // The n-th event tells n attributes: 20 + 37 + 53 + 70 KB …
    let done = replies.iter().take_while(|r| matches!(r, Reply::Seq(_))).count();
    assert!((2..=4).contains(&done), "{done} done");
    let (read, refused) = replies[done..].split_last().unwrap();
    assert!(refused.iter().all(|r| code(r) == Some(Code::Limit)));
    assert!(matches!(read, Reply::List(_)), "reads log nothing: {read:?}");
    let next = desk.run_all(&commands[..1]);
    assert!(matches!(next[0], Reply::Seq(_)), "the next frame is empty again");
}

#[test]
fn times_are_measured_where_they_end() {
    let mut desk = Desk::new();
    let queue = |name: &str| Text::new(name);
    let policy = Text::new("none");
    desk.run(&set_agent("a1", "", 10));
    let opened = desk.now - 5_000;
    desk.run(&open("t", |open| open.opened_at = Some(opened)));
    desk.advance(1_000);
    taken(desk.run(&next("a1")));
    desk.advance(2_000);
    for _ in 0..2 {
        desk.run(&ticket("t", TicketOp::Respond));
    }
    desk.run(&ticket("t", TicketOp::Release));
    desk.advance(3_000);
    taken(desk.run(&next("a1")));
    desk.run(&ticket(
        "t",
        TicketOp::Transfer {
            queue: queue("tech-support"),
        },
    ));
    desk.advance(4_000);
    taken(desk.run(&next("a1")));
    desk.run(&ticket("t", TicketOp::Resolve));
    assert_eq!(
        desk.measures,
        [
            Measure::Wait(queue("default"), 6_000),
            Measure::FirstResponse(policy.clone(), 8_000),
            Measure::Wait(queue("default"), 3_000),
            Measure::Wait(queue("tech-support"), 4_000),
            Measure::Resolution(policy, 15_000),
        ]
    );
}

#[test]
fn the_longest_waiting_are_found_however_the_search_is_cut() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "", 10));
    let first = desk.now;
    for n in 0..20 {
        desk.run(&open(&format!("t{n}"), |open| {
            if n % 2 == 1 {
                open.queue = Some(Text::new("tech-support"));
            }
        }));
        desk.advance(10);
    }
    // The longest waiting of each queue go to the agent.
    for _ in 0..2 {
        taken(desk.run(&next("a1")));
    }
    for slots_max in [1, 3, 1_000] {
        let mut oldest: Vec<UnixMs> = Vec::new();
        let mut next = Some(0);
        while let Some(from) = next {
            next = desk.engine.oldest_waiting(from, slots_max, &mut oldest);
        }
        let figures = desk.engine.figures();
        let of = |name: &str| oldest[figures.queues.iter().position(|q| q.queue == name).unwrap()];
        assert_eq!(of("default"), first + 20);
        assert_eq!(of("tech-support"), first + 30);
        assert_eq!(of("none"), NEVER);
    }
}
