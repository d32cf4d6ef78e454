//! Each bad input and its one line.

use crate::resp::{array, ask, ask_bytes, opened, ticket};
use slad::wire::Caps;

#[test]
fn each_bad_input_has_its_one_line() {
    let long_id = "x".repeat(129);
    for (line, expected) in [
        ("FOO", "ERR unknown command 'FOO'"),
        (
            "TICKT.OPEN t1",
            "ERR unknown command 'TICKT.OPEN' (did you mean 'TICKET.OPEN'?)",
        ),
        ("GET x", "ERR unknown command 'GET'"),
        (
            "TICKET.OPEN",
            "ERR wrong number of arguments for 'ticket.open' command: TICKET.OPEN id [field value]…",
        ),
        (
            "AGENT.GET",
            "ERR wrong number of arguments for 'agent.get' command: AGENT.GET id",
        ),
        (
            "AGENT.GET a b",
            "ERR wrong number of arguments for 'agent.get' command: AGENT.GET id",
        ),
        (
            "QUEUE.LIST x",
            "ERR wrong number of arguments for 'queue.list' command: QUEUE.LIST",
        ),
        (
            "TICKET.PAUSE t1",
            "ERR wrong number of arguments for 'ticket.pause' command: TICKET.PAUSE id reason R [field value]…",
        ),
        (
            "TICKET.PAUSE t1 by x",
            "REQUIRED TICKET.PAUSE needs its field 'reason': TICKET.PAUSE id reason R [field value]…",
        ),
        (
            "TICKET.IMPORT t1 clock.resolution due=5,elapsed=6",
            "BADARG clock.resolution has due and elapsed: give one of them",
        ),
        (
            "TICKET.IMPORT t1 clock.notice met=5,MET=6",
            "BADARG field 'clock.notice MET' is given twice: give it once",
        ),
        (
            "TICKET.IMPORT t1 clock.update stopped,elapsed=5m",
            "BADARG clock.update has elapsed of a clock that runs no more: give its due, or leave elapsed out",
        ),
        (
            "TICKET.EXTEND t1 resolution",
            "ERR wrong number of arguments for 'ticket.extend' command: TICKET.EXTEND id target for D [approver A] [field value]…",
        ),
        (
            "TICKET.EXTEND t1 resolution by x",
            "REQUIRED TICKET.EXTEND needs its field 'for': TICKET.EXTEND id target for D [approver A] [field value]…",
        ),
        (
            "TICKET.EXTEND t1 resolution for 0bd",
            "BADARG for '0bd': it takes more than no time",
        ),
        (
            "TICKET.APPROVE t1 stage:",
            "BADARG target is empty: it takes 1-128 bytes of UTF-8 without control characters",
        ),
        (
            "TICKET.PROGRESS t1 promisse 5",
            "BADARG TICKET.PROGRESS has no field 'promisse' (did you mean 'promise'?): it takes eta, promise, by, reason, at, hold, token",
        ),
        (
            "TICKET.OPEN t1 hold 5",
            "BADARG TICKET.OPEN has no field 'hold': it takes policy, queue, opened_at, class, priority, \
customer, segment, channel, skills, issue, parent, links, assist, prefer, calendar, has, due.TARGET, attr.NAME, by, reason, at, token",
        ),
        (
            "TICKET.PROGRESS t1 eta",
            "BADARG field 'eta' of TICKET.PROGRESS has no value: it takes RFC 3339 or epoch milliseconds",
        ),
        (
            "TICKET.RESPOND t1 by a BY b",
            "BADARG field 'BY' is given twice: give it once",
        ),
        (
            "TICKET.OPEN t1 attr.a 1 ATTR.a 2",
            "BADARG field 'attr.a' is given twice: give it once",
        ),
        (
            "TICKET.OPEN t1 due.update 1 due.UPDATE 2",
            "BADARG field 'due.update' is given twice: give it once",
        ),
        (
            "TICKET.RATE t1 5 a 1 a 2",
            "BADARG field 'a' is given twice: give it once",
        ),
        (
            "TICKET.OPEN t1 at yesterday",
            "BADARG at 'yesterday': it takes RFC 3339 (2026-01-31T09:00:00Z) or epoch milliseconds",
        ),
        (
            "TICKET.OPEN t1 due.update soon",
            "BADARG due.update 'soon': it takes RFC 3339 (2026-01-31T09:00:00Z) or epoch milliseconds",
        ),
        (
            "AGENT.NEXT a1 block 5",
            "BADARG block '5': it takes a duration such as 500ms, 90s, 15m, 4h, 3d, 2w, 1mo, 1bd",
        ),
        (
            "AGENT.NEXT a1 block 1bd",
            "BADARG block '1bd' needs a calendar: use ms, s, m, h, d or w",
        ),
        (
            "CLOCK.ADVANCE x",
            "BADARG duration 'x': it takes a duration such as 500ms, 90s, 15m, 4h, 3d, 2w, 1mo, 1bd",
        ),
        (
            "TICKET.OPEN t1 skills network>=11",
            "BADARG skill 'network>=11': skills takes 'name' or 'name>=level' separated by commas, level 1-10",
        ),
        (
            "AGENT.SET a1 skills network:0",
            "BADARG skill 'network:0': skills takes 'name' or 'name:level' separated by commas, level 1-10",
        ),
        (
            "AGENT.SET a1 capacity -1",
            "BADARG capacity '-1': it takes a whole number 1-1000000000",
        ),
        (
            "AGENT.SET a1 queues a,,b",
            "BADARG queues has an empty name: it takes names separated by commas",
        ),
        (
            "TICKET.OPEN t1 links a,a",
            "BADARG links names 'a' twice: it takes names separated by commas",
        ),
        (
            "TICKET.RATE t1 6",
            "BADARG score '6': it takes a whole number 1-5",
        ),
        (
            "TICKET.RATE t1 5 speed x",
            "BADARG score 'speed' 'x': it takes a whole number 1-5",
        ),
        (
            "TICKET.RESPOND t1 hold 0",
            "BADARG hold '0': it takes a whole number of at least 1",
        ),
        (
            "TICKET.RESPOND t1 by ''",
            "BADARG by is empty: it takes text, or leave it out",
        ),
        (
            "TICKET.CANCEL t1 as span",
            "BADARG as 'span' (did you mean 'spam'?): it takes abandoned, duplicate, spam, withdrawn",
        ),
        (
            "TICKET.SET t1 by me",
            "BADARG TICKET.SET sets nothing: it takes at least one of class, priority, customer, segment, \
channel, skills, issue, parent, links, assist, prefer, calendar, has, due.TARGET, attr.NAME",
        ),
        (
            "TICKET.SET t1 policy none",
            "BADARG TICKET.SET has no field 'policy': it takes class, priority, customer, segment, \
channel, skills, issue, parent, links, assist, prefer, calendar, has, due.TARGET, attr.NAME, by, reason, at, hold, token",
        ),
        (
            "TICKET.OPEN ''",
            "BADARG ticket is empty: it takes 1-128 bytes of UTF-8 without control characters",
        ),
        (
            "TICKET.OPEN \"a\\nb\"",
            "BADARG ticket 'a?b' has a control character: it takes 1-128 bytes of UTF-8 without control characters",
        ),
        (
            "TICKET.OPEN \"\\xff\"",
            "BADARG ticket is not UTF-8 (byte 0): send text as UTF-8",
        ),
        (
            &format!("TICKET.OPEN {long_id}"),
            "BADARG ticket has 129 bytes: it takes 1-128 bytes of UTF-8 without control characters",
        ),
        (
            "TICKET.LIST state waitin",
            "BADARG state 'waitin' (did you mean 'waiting'?): it takes waiting, assigned, resolved, closed",
        ),
        (
            "TICKET.LIST paused maybe",
            "BADARG paused 'maybe': it takes yes or no",
        ),
        (
            "TICKET.LIST count 10001",
            "LIMIT count 10001: at most 10000 are given at a time",
        ),
        (
            "TICKET.LIST count 0",
            "BADARG count '0': it takes a whole number of at least 1",
        ),
        (
            "TICKET.LIST cursor x",
            "BADARG cursor 'x': it takes the cursor of the page before, or leave it out",
        ),
        (
            "TICKET.LIST target frist_response",
            "BADARG target 'frist_response' (did you mean 'first_response'?): it takes \
first_response, next_response, update, assignment, notice, work_start, solution, resolution, promise, follow_up, stage:NAME or custom:NAME",
        ),
        (
            "AGENT.LIST presence here",
            "BADARG presence 'here': it takes ready, paused, away, offline",
        ),
        (
            "AGENT.LEAVE a1 kep",
            "BADARG AGENT.LEAVE's argument 'kep' (did you mean 'keep'?): it takes keep or release",
        ),
        (
            "QUEUE.SET q closed",
            "BADARG state of a queue 'closed': it takes open",
        ),
        (
            "QUEUE.PEEK q -1",
            "BADARG n '-1': it takes a whole number of at least 1",
        ),
        (
            "XLEN evnts",
            "BADARG key 'evnts' (did you mean 'events'?): it takes events, events:sla, events:breaches, \
events:routing, events:queue:Q, events:agent:A or events:ticket:T",
        ),
        (
            "XREAD STREAMS events events:sla 0",
            "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
        ),
        (
            "XREAD BLOCK x STREAMS events 0",
            "BADARG BLOCK 'x': it takes a whole number 0-9223372036854775807",
        ),
        (
            "XREAD STREAMS events x",
            "BADARG id 'x': it takes <seq>-<part>, <seq>, 0 or $",
        ),
        (
            "XREAD STREEMS events 0",
            "BADARG XREAD has no option 'STREEMS' (did you mean 'STREAMS'?): XREAD [COUNT n] [BLOCK ms] STREAMS key… id…",
        ),
        (
            "XREAD COUNT 5 BLOCK",
            "ERR wrong number of arguments for 'xread' command: XREAD [COUNT n] [BLOCK ms] STREAMS key… id…",
        ),
        (
            "XRANGE events - + LIMIT 5",
            "BADARG XRANGE has no option 'LIMIT': XRANGE key start end [COUNT n]",
        ),
        (
            "XRANGE events - x",
            "BADARG id 'x': it takes -, +, <seq>, <seq>-<part>, or ( before an id to leave it out",
        ),
        (
            "XINFO GROUPS events",
            "BADARG XINFO's subcommand 'GROUPS': it takes STREAM",
        ),
        ("HELLO 4", "NOPROTO unsupported protocol version: it takes 2 or 3"),
        (
            "HELLO x",
            "ERR Protocol version is not an integer or out of range: HELLO takes 2 or 3",
        ),
        (
            "HELLO 3 FOO",
            "ERR Syntax error in HELLO option 'FOO': HELLO [2|3 [AUTH user password] [SETNAME name]]",
        ),
        ("SELECT 1", "ERR DB index is out of range: there is only 0"),
        (
            "CLIENT KILLL ID 5",
            "ERR unknown subcommand 'KILLL' of CLIENT (did you mean 'KILL'?): it takes SETINFO, SETNAME, GETNAME, ID, INFO, LIST, KILL",
        ),
        (
            "CLIENT KILL 127.0.0.1:5",
            "ERR wrong number of arguments for 'client' command: CLIENT SETINFO LIB-NAME|LIB-VER value | SETNAME name | GETNAME | ID | INFO | LIST | KILL ID n",
        ),
        (
            "CLIENT KILL ADDR x:5",
            "BADARG CLIENT KILL's filter 'ADDR': it takes ID",
        ),
        (
            "CLIENT SETNAME 'a b'",
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ),
        (
            "COMMAND LIST",
            "ERR unknown subcommand 'LIST' of COMMAND: it takes INFO, DOCS, COUNT",
        ),
        (
            "CONFIG SET a b",
            "ERR unknown subcommand 'SET' of CONFIG (did you mean 'GET'?): it takes GET",
        ),
    ] {
        match ask(line) {
            Err(refusal) => assert_eq!(refusal, expected, "{line}"),
            Ok(request) => panic!("{line}: {request:?}"),
        }
    }
}

#[test]
fn caps_are_limits_and_rubbish_is_not_echoed_whole() {
    let caps = Caps::default();
    let many: Vec<Vec<u8>> = (0..65).map(|i| format!("attr.n{i}").into_bytes()).collect();
    let mut args: Vec<&[u8]> = vec![b"TICKET.OPEN", b"t1"];
    for name in &many {
        args.extend([name.as_slice(), b"x"]);
    }
    let big = vec![b'x'; 16 * 1024 + 1];
    let list = (0..65).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    for (args, expected) in [
        (args, "LIMIT more than 64 attributes: drop attr.n64"),
        (
            vec![&b"TICKET.OPEN"[..], b"t1", b"attr.a", &big],
            "LIMIT attr.a has 16385 bytes: at most 16384 are taken",
        ),
        (
            vec![b"TICKET.OPEN", b"t1", b"links", list.as_bytes()],
            "LIMIT links lists 65: at most 64 are taken",
        ),
        (
            vec![b"TICKET.OPEN", b"t1", b"skills", list.as_bytes()],
            "LIMIT skills lists 65: at most 64 are taken",
        ),
        (
            vec![b"TICKET.RESPOND", b"t1", b"by", &big[..1025]],
            "LIMIT by has 1025 bytes: at most 1024 are taken",
        ),
    ] {
        assert_eq!(ask_bytes(&array(&args), &caps), Err(expected.to_owned()));
    }
    let huge = vec![b'y'; 1 << 20];
    for args in [
        vec![&huge[..]],
        vec![b"TICKET.RESPOND", b"t1", &huge, b"x"],
        vec![b"TICKET.RESPOND", b"t1", b"at", &huge],
        vec![b"TICKET.CANCEL", b"t1", b"as", &huge],
        vec![b"TICKET.LIST", b"target", &huge],
        vec![b"AGENT.NEXT", b"a", b"block", &huge],
        vec![b"CLIENT", &huge],
        vec![b"XLEN", &huge],
        vec![b"HELLO", &huge],
    ] {
        let refusal = ask_bytes(&array(&args), &caps).unwrap_err();
        assert!(refusal.len() < 600, "{} bytes", refusal.len());
    }
}

#[test]
fn a_repeat_has_the_same_fingerprint_and_nothing_else_does() {
    let print = |line: &str| opened(line).fingerprint;
    let one = print("TICKET.OPEN t1 policy none priority P1 attr.a x");
    assert_eq!(
        one,
        print("ticket.open t1 PRIORITY P1 ATTR.a x policy none token k")
    );
    for other in [
        "TICKET.OPEN t2 policy none priority P1 attr.a x",
        "TICKET.OPEN t1 policy none priority P2 attr.a x",
        "TICKET.OPEN t1 policy none priority P1 attr.A x",
        "TICKET.OPEN t1 policy none priority P1",
        "TICKET.OPEN t1 policy none priority P1 attr.a x by me",
    ] {
        assert_ne!(one, print(other), "{other}");
    }
    let token = |line: &str| ticket(line).common.unwrap().fingerprint;
    assert_eq!(
        token("TICKET.PAUSE t1 reason r token a by me"),
        token("ticket.pause t1 by me reason r token b")
    );
    assert_ne!(
        token("TICKET.RESOLVE t1 token a"),
        token("TICKET.CLOSE t1 token a")
    );
}
