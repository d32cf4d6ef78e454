//! The page that Prometheus reads, fed by a running daemon.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

mod support;

use std::io::{Read, Write};
use support::Daemon;

fn page(daemon: &Daemon) -> String {
    let log = daemon.log();
    let address = log.split("127.0.0.1:").nth(1).unwrap();
    let port: u16 = address
        .chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

fn shown(page: &str, series: &str) -> Option<f64> {
    let line = page
        .lines()
        .find_map(|l| l.strip_prefix(series)?.strip_prefix(' '));
    line.map(|v| v.parse().unwrap())
}

fn value(page: &str, series: &str) -> f64 {
    shown(page, series).unwrap_or_else(|| panic!("no {series} in\n{page}"))
}

/// Waits until the series has this value: sizes are published once a second, a command is counted right after its release.
fn becomes(daemon: &Daemon, series: &str, wanted: f64) {
    let started = std::time::Instant::now();
    loop {
        // A counter that nothing was counted on yet is not shown.
        let found = shown(&page(daemon), series);
        if found == Some(wanted) {
            return;
        }
        assert!(
            started.elapsed().as_secs() < 15,
            "{series} is {found:?}, not {wanted}"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn what_was_measured_is_shown() {
    let daemon = Daemon::start(&["--virtual-clock", "--set", "http=127.0.0.1:0"]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 5");
    client.say("TICKET.OPEN t1 policy none");
    client.say("TICKET.OPEN t2 policy none");
    client.say("CLOCK.ADVANCE 40s");
    assert_eq!(client.say("AGENT.NEXT a1").get("ticket").text(), "t1");
    client.say("TICKET.RESPOND t1");
    client.say("TICKET.RESPOND t1");
    client.say("CLOCK.ADVANCE 60s");
    client.say("TICKET.RESOLVE t1");
    let now = page(&daemon);
    for (series, wanted) in [
        ("slad_wait_seconds_count{queue=\"default\"}", 1.0),
        ("slad_wait_seconds_sum{queue=\"default\"}", 40.0),
        ("slad_first_response_seconds_count{policy=\"none\"}", 1.0),
        ("slad_first_response_seconds_sum{policy=\"none\"}", 40.0),
        ("slad_resolution_seconds_count{policy=\"none\"}", 1.0),
        ("slad_resolution_seconds_sum{policy=\"none\"}", 100.0),
    ] {
        assert_eq!(value(&now, series), wanted, "{series}");
    }
    becomes(&daemon, "slad_oldest_waiting_seconds{queue=\"default\"}", 100.0);
    client.say("AGENT.NEXT a1");
    becomes(&daemon, "slad_oldest_waiting_seconds{queue=\"default\"}", 0.0);
}

#[test]
fn every_command_is_counted_once_however_it_is_answered() {
    let daemon = Daemon::start(&["--virtual-clock", "--set", "http=127.0.0.1:0"]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 5");
    client.send(&["AGENT.NEXT", "a1", "block", "10s"]);
    let mut other = daemon.client();
    while !other.say("INFO clients").text().contains("blocked_clients:1") {}
    other.say("TICKET.OPEN t1 policy none");
    client.reply();
    client.say("AGENT.NEXT a1 block 10ms");
    for line in [
        "MULTI",
        "TICKET.OPEN t2 policy none",
        "TICKET.RESPOND unknown",
        "PING",
        "EXEC",
        "XLEN events",
        "XRANGE events - +",
        "XREAD STREAMS events 0",
        "XREAD BLOCK 5 STREAMS events $",
        "TICKET.HISTORY t1",
        "TICKET.HISTORY unknown",
        "TICKET.LIST",
        "SNAPSHOT",
        "CLOCK.ADVANCE 1s",
    ] {
        client.say(line);
    }
    becomes(
        &daemon,
        "slad_commands_total{command=\"CLOCK.ADVANCE\",result=\"ok\"}",
        1.0,
    );
    let now = page(&daemon);
    for (command, result, wanted) in [
        ("AGENT.NEXT", "ok", 2.0),
        ("MULTI", "ok", 1.0),
        ("EXEC", "ok", 1.0),
        ("TICKET.OPEN", "ok", 2.0),
        ("TICKET.RESPOND", "notfound", 1.0),
        ("XLEN", "ok", 1.0),
        ("XRANGE", "ok", 1.0),
        ("XREAD", "ok", 2.0),
        ("TICKET.HISTORY", "ok", 1.0),
        ("TICKET.HISTORY", "notfound", 1.0),
        ("TICKET.LIST", "ok", 1.0),
        ("SNAPSHOT", "ok", 1.0),
        ("CLOCK.ADVANCE", "ok", 1.0),
    ] {
        let series = format!("slad_commands_total{{command=\"{command}\",result=\"{result}\"}}");
        assert_eq!(value(&now, &series), wanted, "{series}");
    }
}

#[test]
fn lengths_of_filtered_feeds_are_their_entries() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    client.say("AGENT.SET a1 capacity 50");
    for n in 0..20 {
        client.say(&format!(
            "TICKET.OPEN t{n} priority P1 customer c has description,outcome"
        ));
        client.say("AGENT.NEXT a1");
    }
    client.say("TICKET.TRANSFER t1 default");
    client.say("CLOCK.ADVANCE 3d");
    for key in [
        "events",
        "events:sla",
        "events:breaches",
        "events:routing",
        "events:queue:default",
        "events:queue:tech-support",
        "events:queue:nowhere",
        "events:agent:a1",
        "events:ticket:t1",
    ] {
        let entries = client.say(&format!("XRANGE {key} - +")).list().len() as i64;
        assert_eq!(client.say(&format!("XLEN {key}")).int(), entries, "{key}");
        assert!(entries > 0 || key.ends_with("nowhere"), "{key}");
    }
}
