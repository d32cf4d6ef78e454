//! Stories: what a desk lives through, with the instants.

use super::desk::*;
use crate::model::command::*;
use crate::model::reply::Reply;
use crate::model::target::Target;
use crate::model::{Code, Text};

const MIN: i64 = 60_000;

#[test]
fn a_ticket_from_opening_to_closing() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "net:5", 1));
    assert_eq!(desk.run(&open_level("t1", "P1")), Reply::Seq(4));
    assert!(
        desk.entry(4, 0)
            .starts_with("type=ticket.opened at=1767225600000 ticket=t1 queue=tech-support")
    );
    assert!(desk.entry(4, 1).starts_with("type=sla.started due=1767226500000 ticket=t1 target=first_response policy=service-levels@1 queue=tech-support priority=P1"));
    let (id, hold) = taken(desk.run(&next("a1")));
    assert_eq!((id.as_str(), hold), ("t1", 5));
    let refused = desk.run(&next("a1"));
    assert!(matches!(refused, Reply::Refused(r) if r.code == Code::Limit));
    assert_eq!(desk.run(&ticket("t1", TicketOp::Respond)), Reply::Seq(6));
    // The warning at 80 % of two hours, then the breach one millisecond after the due, solution before resolution.
    desk.advance(120 * MIN);
    assert_eq!(desk.kinds(7), ["sla.warned", "sla.warned"]);
    desk.advance(1);
    assert_eq!(desk.kinds(9), ["sla.breached", "sla.breached"]);
    assert_eq!(
        desk.entry(9, 0),
        "type=sla.breached due=1767232800000 ticket=t1 target=solution policy=service-levels@1 queue=tech-support \
         priority=P1 late_ms=0 agent=a1 at=1767232800001"
    );
    assert_eq!(desk.run(&ticket("t1", TicketOp::Resolve)), Reply::Seq(11));
    assert_eq!(
        desk.run(&ticket("t1", TicketOp::Resolve)),
        Reply::Seq(11),
        "a repeat"
    );
    desk.advance(3 * 24 * 60 * MIN);
    assert_eq!(desk.kinds(12), ["ticket.closed"]);
    assert_eq!(
        desk.run(&ticket("t1", TicketOp::Resolve)),
        Reply::Seq(11),
        "a repeat on a closed ticket"
    );
    assert_eq!(desk.run(&ticket("t1", TicketOp::Close)), Reply::Seq(12));
    let refused = desk.run(&ticket("t1", TicketOp::Respond));
    assert!(
        matches!(refused, Reply::Refused(r) if r.to_string() == "STATE t1 is closed; possible: MARK, RATE, OPEN")
    );
}

#[test]
fn a_waiting_next_gets_the_ticket_that_comes() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "net:5", 1));
    desk.run(&set_agent("a2", "net:5", 1));
    assert_eq!(desk.run_waiting(&wait("a1"), 11), Reply::Simple("waiting"));
    assert_eq!(desk.run_waiting(&wait("a2"), 12), Reply::Simple("waiting"));
    assert_eq!(
        desk.run(&open("t1", |o| o.fields.skills =
            Some(crate::model::skill::required(b"net>=5").unwrap()))),
        Reply::Seq(5)
    );
    assert_eq!(desk.kinds(5), ["ticket.opened", "ticket.assigned"]);
    assert!(
        desk.entry(6, 0).ends_with("agent=a1 how=next cause=5"),
        "{}",
        desk.entry(6, 0)
    );
    let (waiter, reply) = desk.wakes.remove(0);
    assert_eq!((waiter, taken(reply)), (11, ("t1".to_owned(), 6)));
    // A ticket beyond its skill does not wake the other; a newer NEXT ends the older with null.
    desk.run(&open("t2", |o| {
        o.fields.skills = Some(crate::model::skill::required(b"net>=6").unwrap())
    }));
    assert!(desk.wakes.is_empty());
    desk.run_waiting(&wait("a2"), 13);
    assert_eq!(desk.wakes.remove(0), (12, Reply::Null));
    desk.run(&set_agent("a2", "net:6", 1));
    assert_eq!(taken(desk.wakes.remove(0).1).0, "t2");
}

#[test]
fn a_back_dated_response_takes_the_breach_back() {
    let mut desk = Desk::new();
    let due = T0 + 10 * MIN;
    desk.run(&open("t1", |o| {
        o.fields.dues = vec![(Target::FirstResponse, due)]
    }));
    desk.advance(10 * MIN);
    assert_eq!(desk.log.len(), 3, "in time at its exact millisecond");
    desk.advance(1);
    assert_eq!(desk.kinds(4), ["sla.breached"]);
    let at = |at| Common {
        at: Some(at),
        ..Common::default()
    };
    let refused = desk.run(&ticket_with("t1", TicketOp::Respond, at(T0 - 1)));
    assert!(matches!(refused, Reply::Refused(r) if r.code == Code::BadArg));
    assert_eq!(
        desk.run(&ticket_with("t1", TicketOp::Respond, at(due))),
        Reply::Seq(5)
    );
    assert_eq!(desk.kinds(5), ["ticket.responded", "sla.withdrawn"]);
    assert!(
        desk.entry(6, 0).contains("withdrawn=sla.breached"),
        "{}",
        desk.entry(6, 0)
    );
}

#[test]
fn an_old_holder_is_fenced() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "", 2));
    desk.run(&set_agent("a2", "", 2));
    desk.run(&open("t1", |_| {}));
    let (_, hold) = taken(desk.run(&next("a1")));
    desk.run(&ticket(
        "t1",
        TicketOp::Assign {
            agent: Text::new("a2"),
        },
    ));
    let fenced = desk.run(&ticket_with(
        "t1",
        TicketOp::Respond,
        Common {
            hold: Some(hold),
            ..Common::default()
        },
    ));
    let Reply::Refused(refusal) = fenced else {
        panic!("{fenced:?}")
    };
    assert_eq!(
        refusal.to_string(),
        format!("STATE t1 is not held under {hold}; a2 holds it under 7 since 2026-01-01T00:00:00.000Z")
    );
}

#[test]
fn a_token_gives_the_first_reply_again() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "", 2));
    desk.run(&open("t1", |_| {}));
    desk.run(&open("t2", |_| {}));
    let common = |fingerprint| Common {
        token: Some(Text::new("k")),
        fingerprint,
        ..Common::default()
    };
    let take = |fingerprint| {
        Command::Agent(AgentCommand {
            id: Text::new("a1"),
            op: AgentOp::Next { block_ms: None },
            common: Some(Box::new(common(fingerprint))),
        })
    };
    let first = desk.run(&take(1));
    assert_eq!(desk.run(&take(1)), first);
    assert!(matches!(desk.run(&take(2)), Reply::Refused(r) if r.code == Code::BadArg));
    desk.advance(24 * 60 * MIN + 1);
    desk.run(&open("t3", |_| {}));
    let again = taken(desk.run(&take(1)));
    assert_eq!(again.0, "t2", "after a day the token is free");
}

#[test]
fn the_most_urgent_comes_first() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "", 100));
    let due = |minutes: i64| vec![(Target::Resolution, T0 + minutes * MIN)];
    let with = |priority: &str, dues: Vec<(Target, i64)>| {
        let priority = Text::new(priority);
        move |o: &mut Open| {
            o.fields.priority = Some(priority);
            o.fields.dues = dues;
        }
    };
    desk.run(&open("later", with("P1", due(9))));
    desk.run(&open("undated", with("P1", vec![])));
    desk.run(&open("less", with("P2", due(1))));
    desk.run(&open("sooner", with("P1", due(5))));
    desk.run(&open("middle", with("P1", due(7))));
    let order: Vec<String> = (0..5).map(|_| taken(desk.run(&next("a1"))).0).collect();
    assert_eq!(order, ["sooner", "middle", "later", "undated", "less"]);
}

#[test]
fn leaving_gives_the_tickets_back() {
    let mut desk = Desk::new();
    desk.run(&set_agent("a1", "", 5));
    desk.run(&agent("a1", AgentOp::Ready));
    for id in ["t1", "t2"] {
        desk.run(&open(id, |_| {}));
        desk.run(&next("a1"));
    }
    desk.run(&ticket(
        "t2",
        TicketOp::Pause {
            reason: Text::new("parts"),
        },
    ));
    let before = desk.engine.seq();
    desk.run(&agent("a1", AgentOp::Leave { keep: false }));
    assert_eq!(desk.kinds(before + 1), ["agent.presence", "ticket.released"]);
    desk.run(&ticket("t2", TicketOp::Resume));
    assert_eq!(desk.kinds(before + 3), ["ticket.resumed", "ticket.released"]);
}
