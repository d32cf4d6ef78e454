//! A running daemon whose wall clock is stepped: small steps are told and taken, jumps freeze timers until somebody
//! decides, also over restarts and kill -9; nothing fires early, and everything fires once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

#[path = "../support/feed.rs"]
mod feed;
#[path = "../support/mod.rs"]
mod support;
mod wall;

use support::Daemon;
use wall::{Site, pass};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A due that comes while the timers are frozen, unless a busy machine takes longer to freeze them.
const SOON: i64 = 5_000;
/// What a busy machine may take for a few commands: the steps here are of minutes and hours.
const BUSY: i64 = 20_000;

/// The same, to within what a busy machine takes.
#[track_caller]
fn assert_near(a: i64, b: i64) {
    assert!((a - b).abs() < BUSY, "{a} is {} ms from {b}", a - b);
}

#[test]
fn small_steps_are_told_and_taken() {
    let mut site = Site::start();
    let now = site.clock_ms();
    assert_near(now, site.wall_ms());
    for (ticket, after) in [
        ("fired", 50),
        ("second", 60_000),
        ("first", 50_000),
        ("later", 2 * MINUTE + SOON),
    ] {
        site.open(ticket, now + after);
    }
    site.breach_of("fired");
    site.step(2 * MINUTE);
    let jumped = site.jumps().pop().unwrap();
    assert_eq!(jumped.text("how"), "stepped");
    assert_near(jumped.int("to") - jumped.int("from"), 2 * MINUTE);
    assert_near(site.clock_ms(), site.wall_ms());
    for ticket in ["first", "second"] {
        assert_eq!(
            site.breach_of(ticket).int("cause"),
            jumped.seq,
            "{ticket} is marked"
        );
    }
    let later = site.breach_of("later");
    let by_passing = later.int("due") >= jumped.int("to");
    assert_eq!(later.find("cause").is_none(), by_passing, "{later:?}");
    assert!(later.int("late_ms") < BUSY || !by_passing, "{later:?}");
    assert!(later.int("at") <= site.wall_ms());

    // Back again: what has fired stays fired, and nothing new fires before its time.
    let due = site.clock_ms() + SOON / 2;
    site.open("after", due);
    site.step(-SOON);
    let jumped = site.jumps().pop().unwrap();
    assert_eq!(jumped.text("how"), "stepped");
    assert!(jumped.int("to") < jumped.int("from"));
    assert_eq!(site.info("clock_holds"), "wall");
    loop {
        let breached = site.breached();
        if site.wall_ms() > due {
            break;
        }
        assert_eq!(breached, ["fired", "first", "second", "later"]);
        pass(100);
    }
    let after = site.breach_of("after");
    assert!(
        after.int("at") <= site.wall_ms() && after.int("late_ms") < BUSY,
        "{after:?}"
    );
    site.assert_ready("wall");
    assert_eq!(site.metric("slad_clock_jumps_total"), "2");
    assert_eq!(site.breached().len(), 5);
    // Steps that are none.
    for by in [60, -60, 90, -90] {
        site.step(by);
    }
    assert_eq!(site.jumps().len(), 2);
}

#[test]
fn what_a_ticket_is_told_never_runs_backwards() {
    let mut site = Site::start();
    let mut client = site.client();
    site.open("t", site.clock_ms() + HOUR);
    client.say("TICKET.INBOUND t").int();
    site.step(-MINUTE);
    client.say("TICKET.INBOUND t").int();
    let told = feed::read(&mut client, "events:ticket:t", "-");
    assert_eq!(told.len(), 3);
    assert!(told[2].int("at") >= told[1].int("at"));
    assert_near(told[2].int("logged_at"), site.wall_ms());
}

#[test]
fn a_jump_freezes_until_it_is_accepted() {
    let mut site = Site::start();
    let now = site.clock_ms();
    site.open("half", now + HOUR / 2);
    site.open("soon", now + SOON);
    site.step(HOUR);
    site.assert_frozen();
    let jumped = site.jumps().pop().unwrap();
    assert_eq!(jumped.text("how"), "frozen");
    assert_near(jumped.int("to") - jumped.int("from"), HOUR);
    // Commands go on, in the time before.
    assert_near(site.clock_ms(), site.wall_ms() - HOUR);
    site.wait_until(now + SOON + 1);
    let mut client = site.client();
    client.say("TICKET.INBOUND soon").int();
    let told = feed::read(&mut client, "events:ticket:soon", "-");
    assert!(told[1].int("at") > now + SOON);
    assert_near(told[1].int("at"), site.wall_ms() - HOUR);
    assert!(site.breached().is_empty(), "no timer fires");
    let warnings = site.daemon.log().matches("no timer fires until").count();
    assert_eq!(warnings, 1, "one warning");

    let accepted = client.say("CLOCK.ACCEPT").int();
    for ticket in ["soon", "half"] {
        assert_eq!(site.breach_of(ticket).int("cause"), accepted, "{ticket}");
    }
    assert_eq!(site.breached(), ["soon", "half"], "in order");
    assert_near(site.clock_ms(), site.wall_ms());
    site.assert_ready("wall");
    assert_eq!(site.hows(), ["frozen", "accepted"]);
    assert_eq!(
        site.metric("slad_clock_jumps_total"),
        "1",
        "the decision is no jump"
    );
    for command in ["CLOCK.ACCEPT", "CLOCK.REJECT"] {
        let refused = client.say(command);
        assert!(
            refused.text().starts_with("STATE nothing is frozen"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_jump_that_is_rejected_leaves_the_time_as_it_was() {
    for by in [HOUR, -HOUR] {
        let mut site = Site::start();
        let now = site.clock_ms();
        site.open("half", now + HOUR / 2);
        site.open("soon", now + SOON);
        site.step(by);
        site.assert_frozen();
        site.wait_until(now + SOON + 1);
        assert!(site.breached().is_empty());
        let mut client = site.client();
        let rejected = client.say("CLOCK.REJECT").int();
        assert_eq!(site.breach_of("soon").int("cause"), rejected);
        site.assert_ready("own");
        assert_near(site.clock_ms(), now + SOON);
        site.open("own", site.clock_ms() + 100);
        let own = site.breach_of("own");
        assert!(own.int("late_ms") < BUSY, "by its own time: {own:?}");
        assert!(
            client
                .say("CLOCK.REJECT")
                .text()
                .starts_with("STATE nothing is frozen")
        );
        // The wall clock comes back, and holds again without a word.
        site.step(-by);
        site.assert_ready("wall");
        assert_near(site.clock_ms(), site.wall_ms());
        assert_eq!(site.hows(), ["frozen", "rejected"]);
        assert_eq!(site.breached(), ["soon", "own"]);
        assert!(
            client
                .say("CLOCK.ACCEPT")
                .text()
                .starts_with("STATE nothing is frozen")
        );
    }
}

#[test]
fn a_jump_that_undoes_itself_thaws() {
    let mut site = Site::start();
    let due = site.clock_ms() + SOON;
    site.open("soon", due);
    site.step(-HOUR);
    site.assert_frozen();
    site.wait_until(due + 1);
    site.step(HOUR);
    site.assert_ready("wall");
    let returned = site.jumps().pop().unwrap();
    assert_eq!(site.breach_of("soon").int("cause"), returned.seq);
    assert_eq!(site.hows(), ["frozen", "returned"]);
}

#[test]
fn frozen_stays_frozen_over_restarts_and_kills() {
    for by in [HOUR, -HOUR] {
        let mut site = Site::start();
        let now = site.clock_ms();
        site.open("half", now + HOUR / 2);
        site.open("soon", now + SOON);
        site.step(by);
        site.assert_frozen();
        site.kill_and_restart();
        site.assert_frozen();
        site.wait_until(now + SOON + 1);
        site.open("frozen", site.clock_ms() + 10);
        site.kill_and_restart();
        site.stop();
        site.restart();
        site.assert_frozen();
        assert!(site.breached().is_empty(), "{:?}", site.breached());
        assert!(site.clock_ms() > now + SOON, "time goes on");
        assert_near(site.clock_ms(), site.wall_ms() - by);
        assert_eq!(site.hows(), ["frozen"], "told once");
        let rejected = site.client().say("CLOCK.REJECT").int();
        for ticket in ["soon", "frozen"] {
            assert_eq!(site.breach_of(ticket).int("cause"), rejected, "{ticket}");
        }
        // And what was rejected stays so.
        site.kill_and_restart();
        site.assert_ready("own");
        assert_near(site.clock_ms(), site.wall_ms() - by);
        site.step(-by);
        site.assert_ready("wall");
        assert_eq!(site.breached(), ["soon", "frozen"]);
        assert_eq!(site.hows(), ["frozen", "rejected"]);
    }
}

#[test]
fn a_step_while_it_was_down_is_found_at_the_start() {
    let mut site = Site::start();
    site.open("half", site.clock_ms() + HOUR / 2);
    site.stop();
    site.step_unseen(-MINUTE);
    site.restart();
    site.assert_ready("wall");
    assert_eq!(site.hows(), ["stepped"]);
    assert_near(site.clock_ms(), site.wall_ms());
    site.stop();
    site.step_unseen(-HOUR);
    site.restart();
    site.assert_frozen();
    assert_eq!(site.hows(), ["stepped", "frozen"]);
    assert!(site.client().say("CLOCK.ACCEPT").int() > 0);
    assert_near(site.clock_ms(), site.wall_ms());
    assert!(site.breached().is_empty());
    // Ahead is time in which nothing ran.
    site.stop();
    site.step_unseen(2 * HOUR);
    site.restart();
    let half = site.breach_of("half");
    assert!(half.find("cause").is_none(), "{half:?}");
    site.assert_ready("wall");
    assert_eq!(site.hows(), ["stepped", "frozen", "accepted"]);
}

#[test]
fn each_kind_of_clock_keeps_to_its_own_log() {
    let real = "--virtual-clock on a log that was written under the real clock";
    let made_up = "this log was written under a virtual clock";
    for (first, second, says) in [
        (&[][..], &["--virtual-clock"][..], real),
        (&["--virtual-clock"][..], &[][..], made_up),
    ] {
        let mut daemon = Daemon::start(first);
        let mut client = daemon.client();
        for command in ["CLOCK.ACCEPT", "CLOCK.REJECT"] {
            let refused = client.say(command);
            let says = if first.is_empty() {
                "STATE nothing is frozen"
            } else {
                "ERR CLOCK.ACCEPT and CLOCK.REJECT are for"
            };
            assert!(refused.text().starts_with(says), "{refused:?}");
        }
        drop(client);
        daemon.kill();
        daemon.set_args(second);
        daemon.spawn();
        assert_ne!(daemon.ended(), 0);
        let log = daemon.log();
        assert!(log.contains(says) && log.contains("another --data"), "{log}");
        daemon.set_args(first);
        daemon.restart();
    }
}

#[test]
fn commands_wait_while_a_virtual_clock_is_on_its_way() {
    let daemon = Daemon::start(&["--virtual-clock", "--sync", "never"]);
    let mut client = daemon.client();
    let mut other = daemon.client();
    let mut waited = 0;
    for round in 0..5 {
        let due = 1_767_225_600_000 + round * 2 * HOUR + HOUR;
        let commands: Vec<_> = (0..20_000)
            .map(|n| {
                feed::words(&format!(
                    "TICKET.OPEN r{round}-{n} policy none queue none due.resolution {due}"
                ))
            })
            .collect();
        let last = feed::pipeline(&mut client, &commands).last().unwrap().int();
        client.send(&["CLOCK.ADVANCE", "2h"]);
        pass(2);
        let opened = other
            .say(&format!("TICKET.OPEN other{round} policy none queue none"))
            .int();
        let jumped = client.reply().int();
        // Before the clock set out, or after it arrived.
        if opened == last + 1 {
            assert_eq!(jumped, last + 20_002);
        } else {
            assert_eq!((jumped, opened), (last + 20_001, last + 20_002));
            waited += 1;
        }
    }
    assert!(waited > 0, "it never came in between");
}
