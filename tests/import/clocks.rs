//! Where the clocks of imported tickets stand, and what they do from then on: as a table, and compared with the same lives
//! lived here.

use super::support::{Client, Daemon, Value};
use super::{HOUR, MINUTE, P2, START, T0, import, number, p2};

/// One clock of a ticket: state, due from T0, breached, remaining.
fn clock(client: &mut Client, id: &str, target: &str) -> String {
    let ticket = client.cmd(&["TICKET.GET", id]);
    let clocks = ticket.get("clocks");
    let found = clocks.list().iter().find(|c| c.get("target").text() == target);
    let Some(clock) = found else {
        return "none".to_owned();
    };
    let remaining = match clock.get("remaining") {
        Value::Int(ms) => format!(" left {}", ms / MINUTE),
        _ => String::new(),
    };
    let breached = if clock.get("breached").text() == "yes" {
        " breached"
    } else {
        ""
    };
    let by_hand = if clock.get("by_hand").text() == "yes" {
        " by_hand"
    } else {
        ""
    };
    let due = (clock.get("due").int() - T0) / MINUTE;
    format!(
        "{} due {due}{remaining}{breached}{by_hand}",
        clock.get("state").text()
    )
}

/// The `sla.*` facts of a ticket after its first event: kind, target, minutes after T0.
fn fired(client: &mut Client, id: &str) -> Vec<String> {
    let all = client.cmd(&["XRANGE", &format!("events:ticket:{id}"), "-", "+"]);
    let mut fired = Vec::new();
    for entry in all.list() {
        let fields = &entry.list()[1];
        let kind = fields.get("type").text();
        if kind.starts_with("sla.") {
            let at = number(fields.get("at")) - T0;
            fired.push(format!("{kind} {} {}", fields.get("target").text(), at / MINUTE));
        }
    }
    fired
}

/// Each way in which a clock may stand, and what it does in the day after the import.
#[test]
fn every_way_in_which_a_clock_may_stand() {
    let daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 10");
    let opened = |ago: i64| format!(r#""opened_at": {}"#, T0 - ago);
    // (line, target, how it stands, what fires in the next 48 hours)
    let cases: Vec<(String, &str, &str, Vec<&str>)> = vec![
        // Nothing is said: as if it had been here all the time, and nothing of it is told again.
        (
            opened(0),
            "resolution",
            "running due 1440 left 1440",
            vec!["sla.warned 1152", "sla.breached 1440"],
        ),
        (
            opened(20 * HOUR),
            "resolution",
            "running due 240 left 240",
            vec!["sla.breached 240"],
        ),
        (
            opened(19 * HOUR),
            "resolution",
            "running due 300 left 300",
            vec!["sla.warned 12", "sla.breached 300"],
        ),
        (
            opened(30 * HOUR),
            "resolution",
            "running due -360 left -360 breached",
            vec![],
        ),
        // A due of the policy's own clock, which pauses stop; and one set by hand.
        (
            opened(HOUR) + &format!(r#", "clocks": {{"resolution": {{"due": {}}}}}"#, T0 + 3 * HOUR),
            "resolution",
            "running due 180 left 180",
            vec!["sla.breached 180"],
        ),
        (
            opened(HOUR) + &format!(r#", "due.resolution": {}"#, T0 + 3 * HOUR),
            "resolution",
            "running due 180 left 180 by_hand",
            vec!["sla.breached 180"],
        ),
        // So much of the budget is used up.
        (
            opened(90 * HOUR) + r#", "clocks": {"resolution": {"elapsed": "18h"}}"#,
            "resolution",
            "running due 360 left 360",
            vec!["sla.warned 72", "sla.breached 360"],
        ),
        (
            opened(90 * HOUR) + r#", "clocks": {"resolution": {"elapsed": "23h"}}"#,
            "resolution",
            "running due 60 left 60",
            vec!["sla.breached 60"],
        ),
        (
            opened(90 * HOUR) + r#", "clocks": {"resolution": {"elapsed": 90000000}}"#,
            "resolution",
            "running due -60 left -60 breached",
            vec![],
        ),
        // Met in time, met late, no longer counting.
        (
            opened(3 * HOUR)
                + &format!(
                    r#", "clocks": {{"first_response": {{"met_at": {}}}}}"#,
                    T0 - 160 * MINUTE
                ),
            "first_response",
            "met due -150",
            vec![],
        ),
        (
            opened(3 * HOUR)
                + &format!(
                    r#", "clocks": {{"first_response": {{"met_at": {}}}}}"#,
                    T0 - 10 * MINUTE
                ),
            "first_response",
            "met due -150 breached",
            vec![],
        ),
        (
            opened(3 * HOUR) + r#", "clocks": {"work_start": {"stopped": true}}"#,
            "work_start",
            "stopped due 60",
            vec![],
        ),
        // The older system gave the warning, or told a breach before it gave more time.
        (
            opened(0) + r#", "clocks": {"resolution": {"warned": true}}"#,
            "resolution",
            "running due 1440 left 1440",
            vec!["sla.breached 1440"],
        ),
        (
            opened(30 * HOUR)
                + &format!(
                    r#", "clocks": {{"resolution": {{"due": {}, "breached": {}}}}}"#,
                    T0 + HOUR,
                    T0 - 6 * HOUR
                ),
            "resolution",
            "running due 60 left 60 breached",
            vec![],
        ),
        // A clock that the policy does not have: a due of its own.
        (
            opened(HOUR)
                + &format!(
                    r#", "clocks": {{"custom:audit": {{"due": {}, "start": {}}}}}"#,
                    T0 + HOUR,
                    T0 - HOUR
                ),
            "custom:audit",
            "running due 60 left 60 by_hand",
            vec!["sla.breached 60"],
        ),
        // Paused: what is left is what was left when the pause began. The first response runs on.
        (
            opened(10 * HOUR)
                + &format!(
                    r#", "paused": {{"reason": "customer", "since": {}}}"#,
                    T0 - 4 * HOUR
                ),
            "resolution",
            "paused due 840 left 1080",
            vec![],
        ),
        (
            opened(30 * HOUR) + r#", "paused": "customer", "clocks": {"resolution": {"elapsed": "20h"}}"#,
            "resolution",
            "paused due 240 left 240",
            vec![],
        ),
        (
            opened(60 * HOUR) + &format!(r#", "paused": {{"reason": "customer", "since": {}}}"#, T0 - HOUR),
            "resolution",
            "paused due -2160 left -2100 breached",
            vec![],
        ),
        (
            opened(0) + r#", "paused": "customer""#,
            "first_response",
            "running due 30 left 30",
            vec!["sla.warned 24", "sla.breached 30"],
        ),
        // In hands, and done but not yet over.
        (
            opened(HOUR) + &format!(r#", "agent": {{"id": "a1", "since": {}}}"#, T0 - 30 * MINUTE),
            "resolution",
            "running due 1380 left 1380",
            vec!["sla.warned 1092", "sla.breached 1380"],
        ),
        (
            opened(5 * HOUR) + &format!(r#", "state": "resolved", "resolved_at": {}"#, T0 - HOUR),
            "resolution",
            "met due 1140",
            vec![],
        ),
        (
            opened(30 * HOUR) + r#", "state": "resolved""#,
            "resolution",
            "met due -360 breached",
            vec![],
        ),
    ];
    let lines: String = cases
        .iter()
        .enumerate()
        .map(|(n, (rest, ..))| p2(&format!("t{n}"), rest))
        .collect();
    let said = import(&daemon, &lines, &[]);
    let n = cases.len();
    assert_eq!(
        said.out,
        format!("{n} lines: {n} imported, 0 there already, 0 bad\n"),
        "{}",
        said.err
    );
    assert_eq!(said.code, 0);
    for (n, (line, target, stands, _)) in cases.iter().enumerate() {
        assert_eq!(clock(&mut client, &format!("t{n}"), target), *stands, "{line}");
    }
    client.say("CLOCK.ADVANCE 48h");
    for (n, (line, target, _, fires)) in cases.iter().enumerate() {
        let fired: Vec<String> = fired(&mut client, &format!("t{n}"))
            .into_iter()
            .filter(|fact| fact.contains(&format!(" {target} ")))
            .map(|fact| fact.replace(&format!(" {target}"), ""))
            .collect();
        assert_eq!(fired, *fires, "{line}");
    }
    // A pause that was imported ends here, with what was left.
    client.say("TICKET.RESUME t15");
    assert_eq!(
        clock(&mut client, "t15", "resolution"),
        "running due 3960 left 1080"
    );
    let breaches = client.cmd(&["XRANGE", "events:breaches", "-", "+"]);
    let expected: usize = cases
        .iter()
        .map(|(.., fires)| fires.iter().filter(|f| f.contains("breached")).count())
        .sum();
    assert!(breaches.list().len() >= expected);
}

/// The same life, lived here and imported: the same clocks, the same future. Stages, ladders and business time among them.
#[test]
fn a_life_lived_here_and_the_same_life_imported_go_on_alike() {
    let daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 10");
    let due = T0 + 9 * HOUR;
    let lives = [
        (format!("{P2} opened_at {T0}"), vec![], String::new()),
        (
            format!("{P2} opened_at {T0}"),
            vec!["PAUSE {} reason customer"],
            format!(" paused customer paused_since {}", T0 + HOUR),
        ),
        (
            "policy approval-stages class refund customer c".to_owned(),
            vec![],
            format!(" opened_at {T0}"),
        ),
        (
            format!(
                "policy service-process class technical priority P2 customer c1 due.resolution {due} has description,wanted"
            ),
            vec!["ASSIGN {} a1"],
            format!(" opened_at {T0} agent a1 agent_since {}", T0 + HOUR),
        ),
        (
            format!("{P2} opened_at {T0}"),
            vec!["RESOLVE {}"],
            format!(" resolved_at {}", T0 + HOUR),
        ),
    ];
    let mut opened = Vec::new();
    for (n, (fields, ..)) in lives.iter().enumerate() {
        let reply = client.say(&format!("TICKET.OPEN lived{n} {fields}"));
        opened.push(matches!(reply, Value::Int(_)));
        assert!(opened[n], "{fields}: {reply:?}");
    }
    client.say("CLOCK.ADVANCE 1h");
    for (n, (_, steps, _)) in lives.iter().enumerate() {
        for step in steps {
            let step = step.replace("{}", &format!("lived{n}"));
            assert!(
                matches!(client.say(&format!("TICKET.{step}")), Value::Int(_)),
                "{step}"
            );
        }
    }
    client.say("CLOCK.ADVANCE 2h");
    for (n, (fields, _, life)) in lives.iter().enumerate() {
        let reply = client.say(&format!("TICKET.IMPORT imported{n} {fields}{life}"));
        assert!(matches!(reply, Value::Int(_)), "{fields}{life}: {reply:?}");
    }
    let imported_at = T0 + 3 * HOUR;
    for n in 0..lives.len() {
        let shown = |client: &mut Client, name: &str| {
            let ticket = client.cmd(&["TICKET.GET", &format!("{name}{n}")]);
            let parts = ["state", "queue", "agent", "paused", "stage", "clocks", "due"];
            parts.map(|part| ticket.get(part).clone())
        };
        assert_eq!(
            shown(&mut client, "lived"),
            shown(&mut client, "imported"),
            "{:?}",
            lives[n]
        );
    }
    client.say("CLOCK.ADVANCE 72h");
    for (n, life) in lives.iter().enumerate() {
        let mut since = |name: &str| {
            let mut fired = fired(&mut client, &format!("{name}{n}"));
            fired.retain(|fact| {
                let at: i64 = fact.rsplit(' ').next().unwrap().parse().unwrap();
                at > (imported_at - T0) / MINUTE
            });
            fired
        };
        assert_eq!(since("lived"), since("imported"), "{life:?}");
    }
}

/// `at` is the instant up to which the older system was in charge: what was due before is its own, what came after is late.
#[test]
fn what_came_due_after_the_export_is_told_late() {
    let daemon = Daemon::start(&[START]);
    let mut client = daemon.client();
    let lines = p2(
        "t1",
        &format!(
            r#""opened_at": {}, "clocks": {{"resolution": {{"elapsed": "23h"}}}}"#,
            T0 - 50 * HOUR
        ),
    );
    let at = (T0 - 2 * HOUR).to_string();
    assert_eq!(import(&daemon, &lines, &["--at", &at]).code, 0);
    client.say("CLOCK.ADVANCE 1m");
    assert_eq!(
        clock(&mut client, "t1", "resolution"),
        "running due -60 left -61 breached"
    );
    let breach = client.cmd(&["XRANGE", "events:breaches", "-", "+"]);
    assert_eq!(number(breach.list()[0].list()[1].get("late_ms")), HOUR - 1);
    let wrong = import(&daemon, &lines, &["--at", "yesterday"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("RFC 3339"), "{}", wrong.err);
}
