//! What waits: AGENT.NEXT with block, XREAD with BLOCK, timers, the virtual clock.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Daemon, Value};

#[test]
fn a_waiting_next_gets_the_ticket_and_holds_back_its_pipeline() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let (mut agent, mut other) = (daemon.client(), daemon.client());
    other.say("AGENT.SET a1 skills net:3");
    agent.send(&["AGENT.NEXT", "a1", "block", "30s"]);
    agent.send(&["PING"]);
    assert!(agent.is_silent(50), "nothing further is answered while it waits");
    let opened = other.say("TICKET.OPEN t1 policy none skills net>=2").int();
    let taken = agent.reply();
    assert_eq!(taken.get("ticket").text(), "t1");
    assert_eq!(taken.get("seq").int(), opened + 1);
    assert_eq!(agent.reply().text(), "PONG");
}

#[test]
fn a_wait_ends_by_time_by_close_and_by_a_newer_one() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut other = daemon.client();
    other.say("AGENT.SET a1");
    let mut agent = daemon.client();
    let started = Instant::now();
    assert_eq!(agent.say("AGENT.NEXT a1 block 60ms"), Value::Null);
    assert!(started.elapsed() >= Duration::from_millis(60));
    agent.send(&["AGENT.NEXT", "a1", "block", "30s"]);
    assert!(agent.is_silent(30));
    let mut newer = daemon.client();
    newer.send(&["AGENT.NEXT", "a1", "block", "30s"]);
    assert_eq!(agent.reply(), Value::Null, "a newer one ends the older");
    drop(newer);
    let started = Instant::now();
    while !other.say("INFO clients").text().contains("blocked_clients:0") {
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    other.say("TICKET.OPEN t1 policy none");
    assert_eq!(
        other.say("TICKET.GET t1").get("state").text(),
        "waiting",
        "a closed connection takes nothing"
    );
}

#[test]
fn readers_wait_for_their_own_keys() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let (mut breaches, mut ticket, mut all, mut other) =
        (daemon.client(), daemon.client(), daemon.client(), daemon.client());
    breaches.send(&["XREAD", "BLOCK", "0", "STREAMS", "events:breaches", "0"]);
    ticket.send(&[
        "XREAD",
        "BLOCK",
        "0",
        "STREAMS",
        "events:ticket:t2",
        "events:agent:a1",
        "0",
        "0",
    ]);
    all.send(&["XREAD", "BLOCK", "0", "STREAMS", "events", "$"]);
    assert!(all.is_silent(30));
    let seq = other
        .say("TICKET.OPEN t1 policy none due.resolution 2026-01-01T00:10:00Z")
        .int();
    assert_eq!(all.reply().list()[0].list()[1].ids(), [format!("{seq}-0")]);
    assert!(ticket.is_silent(50) && breaches.is_silent(1));
    let jumped = other.say("CLOCK.ADVANCE 10m").int();
    assert_eq!(jumped, seq + 1, "met at its exact millisecond is in time");
    assert!(breaches.is_silent(50));
    other.say("CLOCK.ADVANCE 1ms");
    let breach = breaches.reply();
    let entry = &breach.list()[0].list()[1].list()[0];
    let fields = &entry.list()[1];
    assert_eq!(fields.list()[0].text(), "type");
    assert_eq!(fields.get("type").text(), "sla.breached");
    assert_eq!(fields.get("due").text(), "1767226200000");
    assert_eq!(fields.get("late_ms").text(), "0");
    other.say("TICKET.OPEN t2 policy none");
    assert_eq!(ticket.reply().list()[0].list()[0].text(), "events:ticket:t2");
    let started = Instant::now();
    assert_eq!(ticket.say("XREAD BLOCK 40 STREAMS events $"), Value::Null);
    assert!(started.elapsed() >= Duration::from_millis(40));
    assert_eq!(ticket.say("XREAD STREAMS events:queue:nowhere 0"), Value::Null);
}

#[test]
fn the_feed_reads_both_ways() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    let first = client.say("TICKET.OPEN t0 policy none").int();
    for n in 1..20 {
        client.say(&format!("TICKET.OPEN t{n} policy none"));
    }
    let all = client.say("XRANGE events - +").ids();
    assert_eq!(all.len() as i64, client.say("XLEN events").int());
    let mut back = client.say("XREVRANGE events + -").ids();
    back.reverse();
    assert_eq!(all, back);
    let some = client.say(&format!("XRANGE events ({first} + COUNT 3")).ids();
    assert_eq!(
        some,
        (first + 1..first + 4)
            .map(|n| format!("{n}-0"))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        client.say("TICKET.HISTORY t3").ids(),
        [format!("{}-0", first + 3)]
    );
    assert!(client.say("TICKET.HISTORY nobody").text().starts_with("NOTFOUND"));
    let info = client.say("XINFO STREAM events:ticket:t3");
    assert_eq!(info.get("length").int(), 1);
    assert_eq!(info.get("last-generated-id").text(), format!("{}-0", first + 3));
}

#[test]
fn a_real_timer_fires_and_never_early() {
    let daemon = Daemon::start(&[]);
    let (mut reader, mut other) = (daemon.client(), daemon.client());
    assert!(other.say("CLOCK.ADVANCE 1s").text().contains("--virtual-clock"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    for n in 0..5 {
        let due = now() + 60;
        other.say(&format!("TICKET.OPEN t{n} policy none due.resolution {due}"));
        let breach = reader.say("XREAD BLOCK 20000 STREAMS events:breaches $");
        let seen = now();
        assert_ne!(breach, Value::Null);
        assert!(seen > due, "{} ms early", due - seen);
    }
}

#[test]
fn the_virtual_clock_moves_forward_only() {
    let daemon = Daemon::start(&["--virtual-clock=2026-03-01T00:00:00Z"]);
    let mut client = daemon.client();
    let seq = client.say("CLOCK.SET 2026-03-01T01:00:00Z").int();
    assert!(
        client
            .say("CLOCK.SET 2026-02-01T00:00:00Z")
            .text()
            .starts_with("BADARG")
    );
    assert_eq!(client.say("CLOCK.ADVANCE 0s").int(), seq + 1);
    assert!(
        client
            .say("INFO server")
            .text()
            .contains("clock_ms:1772326800000")
    );
}

#[test]
fn a_pipeline_sees_in_the_feed_what_it_did_before() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    let before = client.say("XLEN events").int();
    for n in 0..20 {
        let ticket = format!("t{n}");
        let key = format!("events:ticket:{ticket}");
        let requests: [&[&str]; 8] = [
            &["TICKET.OPEN", &ticket, "policy", "none"],
            &["TICKET.HISTORY", &ticket],
            &["TICKET.OPEN", &format!("{ticket}b"), "policy", "none"],
            &["XRANGE", "events", "-", "+"],
            &["TICKET.OPEN", &format!("{ticket}c"), "policy", "none"],
            &["XLEN", "events"],
            &["TICKET.OPEN", &format!("{ticket}d"), "policy", "none"],
            &["XREAD", "STREAMS", &key, "0"],
        ];
        let bytes: Vec<u8> = requests.iter().flat_map(|r| support::encode(r)).collect();
        client.stream.write_all(&bytes).unwrap();
        let opened = client.reply().int();
        assert_eq!(client.reply().ids(), [format!("{opened}-0")], "the history");
        let second = client.reply().int();
        let all = client.reply().ids();
        assert_eq!(all.last(), Some(&format!("{second}-0")), "the whole feed");
        assert!(all.contains(&format!("{opened}-0")));
        client.reply().int();
        assert_eq!(client.reply().int(), before + n * 4 + 3, "its length");
        client.reply().int();
        let read = client.reply();
        assert_eq!(read.list()[0].list()[1].ids(), [format!("{opened}-0")]);
    }
}

#[test]
fn a_ticket_is_never_without_history_for_others() {
    let daemon = Daemon::start(&[]);
    let (mut writer, mut reader) = (daemon.client(), daemon.client());
    writer.say("TICKET.OPEN t1 policy none");
    for n in 0..200 {
        let priority = ["P1", "P2"][n % 2];
        writer.send(&["TICKET.SET", "t1", "priority", priority]);
        let seen = reader.say("TICKET.HISTORY t1").ids().len();
        assert!(seen > n, "{seen} of {} events", n + 1);
        writer.reply().int();
    }
}

#[test]
fn a_close_behind_more_input_than_is_read_ends_the_wait() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut other = daemon.client();
    other.say("AGENT.SET a1");
    let mut agent = daemon.client();
    agent.send(&["AGENT.NEXT", "a1", "block", "1h"]);
    let waits = |other: &mut support::Client, n: u32| {
        let started = Instant::now();
        while !other
            .say("INFO clients")
            .text()
            .contains(&format!("blocked_clients:{n}"))
        {
            assert!(started.elapsed() < Duration::from_secs(5), "not {n}");
        }
    };
    waits(&mut other, 1);
    // Until neither the daemon nor the socket takes any more.
    agent
        .stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let pings = support::encode(&["PING"]).repeat(10_000);
    let mut taken = 0;
    while let Ok(bytes) = agent.stream.write(&pings) {
        taken += bytes;
        assert!(taken < 64 << 20, "there is no end to it");
    }
    waits(&mut other, 1);
    drop(agent);
    waits(&mut other, 0);
}
