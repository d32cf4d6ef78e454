//! What each command takes, and what becomes of it.

use crate::resp::{ask, opened, t, ticket};
use slad::model::command::*;
use slad::model::target::Target;
use slad::wire::find;
use slad::wire::table::ROWS;

#[test]
fn every_command_has_a_good_form() {
    let good = [
        "TICKET.OPEN t1 policy none class c priority P1 customer k segment s channel ch queue q skills network>=3,zh issue i prefer a7 calendar cn-office \
         parent p links a,b assist d opened_at 1767225600000 has description,outcome due.first_response 2026-01-01T00:00:00Z \
         due.custom:Foo 1767225600000 attr.Os linux by me reason because at 1767225600000 token k1",
        "ticket.open t1",
        "TICKET.INBOUND t1 by x",
        "TICKET.RESPOND t1 hold 12 at 2026-01-01T00:00:00+08:00",
        "TICKET.PROGRESS t1 eta 1767225600000 PROMISE 1767225600001 token x",
        "TICKET.MARK t1 notice_sent",
        "TICKET.PAUSE t1 reason customer",
        "TICKET.RESUME t1",
        "TICKET.SET t1 priority P2",
        "TICKET.STAGE t1 final-review",
        "TICKET.EXTEND t1 resolution FOR 2bd approver boss hold 3",
        "TICKET.APPROVE t1 stage:final-review by boss",
        "TICKET.REJECT t1 custom:callback",
        "TICKET.ESCALATE t1 reason stuck",
        "TICKET.IMPORT t1 policy none opened_at 5 agent a1 agent_since 6 paused customer paused_since 7 stage s stage_since 7 clock.resolution elapsed=90m,warned clock.notice met=6 due.custom:x 9 held_back yes check no at 8",
        "TICKET.IMPORT t1 state resolved resolved_at 6 clock.update due=9,start=5,breached=6 clock.solution stopped by x",
        "IMPORT.DONE by me reason through token k",
        "TICKET.TRANSFER t1 q2 reason full",
        "TICKET.ASSIGN t1 a1",
        "TICKET.RELEASE t1",
        "TICKET.RESOLVE t1",
        "TICKET.REOPEN t1",
        "TICKET.RATE t1 5 speed 4 courtesy 3 by k",
        "TICKET.CLOSE t1",
        "TICKET.CANCEL t1 as spam",
        "TICKET.GET t1 t2",
        "TICKET.EXPLAIN t1",
        "TICKET.HISTORY t1",
        "TICKET.LIST state waiting queue q paused yes breached no target resolution due_before 1767225600000 sort opened \
         cursor -5-3 count 10",
        "TICKET.COUNT",
        "AGENT.SET a1 queues b,a skills network:5,zh capacity 1000000 label 'A Name' token k",
        "AGENT.READY a1",
        "AGENT.PAUSE a1 reason lunch",
        "AGENT.AWAY a1",
        "AGENT.LEAVE a1 keep by me",
        "AGENT.NEXT a1 block 5s token n1",
        "AGENT.GET a1",
        "AGENT.LIST queue q presence READY",
        "QUEUE.SET q open by me",
        "QUEUE.LIST",
        "QUEUE.STATS q",
        "QUEUE.PEEK q 5",
        "POLICY.LIST",
        "POLICY.GET service-levels 3",
        "POLICY.PREVIEW none@2 queue q class c priority P1 due.resolution 2026-01-01T00:00:00Z at 1767225600000",
        "POLICY.RELOAD dryrun",
        "POLICY.MIGRATE service-levels 1 2 retroactive DRYRUN by me reason because",
        "XREAD COUNT 5 BLOCK 0 STREAMS events events:sla $ 0",
        "XRANGE events - + COUNT 3",
        "XREVRANGE events:ticket:t1 + -",
        "XLEN events:breaches",
        "XINFO STREAM events:queue:q",
        "HELLO 3 AUTH default pw SETNAME n",
        "AUTH pw",
        "PING",
        "ECHO x",
        "SELECT 0",
        "QUIT",
        "RESET",
        "CLIENT SETINFO lib-name redis-py",
        "MULTI",
        "EXEC",
        "DISCARD",
        "COMMAND DOCS ticket.open",
        "INFO server",
        "CONFIG GET save",
        "SNAPSHOT",
        "CLOCK.ADVANCE 15m",
        "CLOCK.SET 2026-01-02T00:00:00Z",
        "CLOCK.ACCEPT",
        "CLOCK.REJECT",
        "SHUTDOWN",
    ];
    let mut covered = Vec::new();
    for line in good {
        if let Err(refusal) = ask(line) {
            panic!("{line}: {refusal}");
        }
        let name = line.split(' ').next().unwrap();
        covered.push(find(name.as_bytes()).unwrap().name);
    }
    for row in ROWS {
        assert!(covered.contains(&row.name), "{} has no good form here", row.name);
    }
}

#[test]
fn what_the_good_forms_mean() {
    let open = opened(
        "TICKET.OPEN t1 has o,d attr.b 2 attr.a 1 due.resolution 5 DUE.First_Response 4 skills zh,network>=3 links ''",
    );
    assert_eq!(open.fields.has, [t("d"), t("o")]);
    assert_eq!(open.fields.attributes, [(t("a"), t("1")), (t("b"), t("2"))]);
    assert_eq!(
        open.fields.dues,
        [(Target::FirstResponse, 4), (Target::Resolution, 5)]
    );
    assert_eq!(open.fields.links, Some(vec![]));
    assert_eq!(open.fields.skills.as_ref().unwrap()[0].level_min, 3);
    assert!(open.fingerprint != 0 && open.policy.is_none() && open.opened_at.is_none());

    assert_eq!(ticket("TICKET.RESPOND t1").common, None);
    let common = ticket("TICKET.RESPOND t1 BY me hold 7 at 5").common.unwrap();
    assert_eq!(
        (common.by.as_deref(), common.hold, common.at),
        (Some("me"), Some(7), Some(5))
    );
    assert_eq!((common.token, common.fingerprint), (None, 0));
    assert!(ticket("TICKET.RESPOND t1 token k").common.unwrap().fingerprint != 0);

    let pause = ticket("TICKET.PAUSE t1 reason customer");
    assert_eq!(
        pause.op,
        TicketOp::Pause {
            reason: t("customer")
        }
    );
    assert_eq!(pause.common, None, "the reason is the operation's");
    assert_eq!(
        ticket("TICKET.PAUSE t1 by me reason c")
            .common
            .unwrap()
            .by
            .as_deref(),
        Some("me")
    );
    assert_eq!(
        ticket("TICKET.RATE t1 1 Speed 2 by me").op,
        TicketOp::Rate {
            score: 1,
            named: vec![(t("Speed"), 2)]
        }
    );
    assert_eq!(
        ticket("TICKET.CANCEL t1").op,
        TicketOp::Cancel {
            how: Cancelled::Withdrawn
        }
    );
    assert_eq!(
        ticket("TICKET.CANCEL t1 AS Spam").op,
        TicketOp::Cancel { how: Cancelled::Spam }
    );

    let next = |line: &str| match ask(line) {
        Ok(Request::Engine(Command::Agent(AgentCommand {
            op: AgentOp::Next { block_ms },
            ..
        }))) => block_ms,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(next("AGENT.NEXT a1"), None);
    assert_eq!(next("AGENT.NEXT a1 block 0"), None);
    assert_eq!(next("AGENT.NEXT a1 block 0ms"), None);
    assert_eq!(next("AGENT.NEXT a1 block 5s"), Some(5000));
    let leave = |line: &str| match ask(line) {
        Ok(Request::Engine(Command::Agent(AgentCommand {
            op: AgentOp::Leave { keep },
            common,
            ..
        }))) => (keep, common.is_some()),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(leave("AGENT.LEAVE a1"), (false, false));
    assert_eq!(leave("AGENT.LEAVE a1 KEEP"), (true, false));
    assert_eq!(leave("AGENT.LEAVE a1 release by me"), (false, true));
    assert_eq!(leave("AGENT.LEAVE a1 by me"), (false, true));

    let list = match ask("TICKET.LIST cursor -5-3") {
        Ok(Request::Engine(Command::Read(Read::TicketList(list)))) => list,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (list.cursor, list.count, list.sort),
        (Some((-5, 3)), 100, Sort::Due)
    );
}

#[test]
fn ids_and_keys_of_the_feed() {
    let range = |line: &str| match ask(line) {
        Ok(Request::Feed(Feed::Range {
            from,
            to,
            count,
            reverse,
            ..
        })) => (from, to, count, reverse),
        other => panic!("{line}: {other:?}"),
    };
    let id = |seq, part| EntryId { seq, part };
    assert_eq!(
        range("XRANGE events - +"),
        (EntryId::MIN, EntryId::MAX, None, false)
    );
    assert_eq!(
        range("XRANGE events 5 7"),
        (id(5, 0), id(7, u64::MAX), None, false)
    );
    assert_eq!(
        range("XRANGE events (5 (7"),
        (id(5, 1), id(7, u64::MAX - 1), None, false)
    );
    assert_eq!(
        range("XRANGE events (5-3 (7-0"),
        (id(5, 4), id(6, u64::MAX), None, false)
    );
    assert_eq!(
        range("XREVRANGE events 7-2 5 COUNT 0"),
        (id(5, 0), id(7, 2), Some(0), true)
    );
    assert_eq!(range("XRANGE events (5-18446744073709551615 +").0, id(6, 0));
    assert!(
        ask("XRANGE events - (0-0")
            .unwrap_err()
            .starts_with("BADARG id '(0-0'")
    );
    assert!(ask("XRANGE events (18446744073709551615-18446744073709551615 +").is_err());
    match ask("xread count 0 streams events events:agent:a:b $ 0-1").unwrap() {
        Request::Feed(Feed::Read {
            count,
            block_ms,
            keys,
        }) => {
            assert_eq!((count, block_ms), (None, None));
            assert_eq!(
                keys,
                [
                    (FeedKey::All, After::Newest),
                    (FeedKey::Agent(t("a:b")), After::Id(id(0, 1)))
                ]
            );
        }
        other => panic!("{other:?}"),
    }
}
