//! The page that Prometheus reads, fed by a running daemon.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

mod support;

use std::io::{Read, Write};
use support::Daemon;

fn page(daemon: &Daemon) -> String {
    let log = daemon.log();
    // Of the last start.
    let (_, address) = log.rsplit_once("127.0.0.1:").unwrap();
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
fn policies_loaded_later_have_labels_of_their_own() {
    let desk = r#"default_priority = "N1"

[priorities.N1]
rank = 10
queue = "night"
clocks = { first_response = "1h" }
"#;
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies");
    std::fs::create_dir(&policies).unwrap();
    std::fs::write(policies.join("desk.toml"), desk).unwrap();
    let args = [
        "--virtual-clock",
        "--policies",
        "policies",
        "--set",
        "http=127.0.0.1:0",
    ];
    let mut daemon = Daemon::start_in(folder, &args);
    let mut client = daemon.client();
    let breached = |policy: &str, priority: &str, target: &str| {
        format!(
            "slad_sla_outcomes_total{{outcome=\"breached\",policy=\"{policy}\",priority=\"{priority}\",target=\"{target}\"}}"
        )
    };
    client.say("TICKET.OPEN t1 policy desk");
    client.say("CLOCK.ADVANCE 2h");
    assert_eq!(
        value(&page(&daemon), &breached("desk", "N1", "first_response")),
        1.0
    );

    // A policy more, and a version that names more.
    let dusk = desk.replace("N1", "D1").replace("night", "dusk");
    std::fs::write(policies.join("dusk.toml"), dusk).unwrap();
    let clocks = r#"clocks = { first_response = "1h", "custom:parts" = "1h" }"#;
    let parts = r#"targets."custom:parts".starts_on = ["open"]"#;
    let more = format!("{parts}\n{desk}\n[priorities.N2]\nrank = 20\nqueue = \"night\"\n{clocks}\n");
    std::fs::write(policies.join("desk.toml"), more).unwrap();
    let reply = client.say("POLICY.RELOAD");
    assert_eq!(reply.get("activated").list().len(), 2, "{reply:?}");
    let loaded = page(&daemon);
    for (series, wanted) in [
        (breached("desk", "N1", "first_response"), 1.0),
        (breached("desk", "N2", "custom:parts"), 0.0),
        (breached("dusk", "D1", "first_response"), 0.0),
        (
            "slad_first_response_seconds_count{policy=\"dusk\"}".to_owned(),
            0.0,
        ),
        ("slad_wait_seconds_count{queue=\"dusk\"}".to_owned(), 0.0),
    ] {
        assert_eq!(value(&loaded, &series), wanted, "{series}");
    }
    client.say("TICKET.OPEN t2 policy dusk");
    client.say("TICKET.OPEN t3 policy desk priority N2");
    client.say("CLOCK.ADVANCE 2h");
    client.say("TICKET.RESPOND t2");
    client.say("AGENT.SET a1");
    client.say("TICKET.ASSIGN t2 a1");
    let counted = |daemon: &Daemon| {
        let now = page(daemon);
        for label in ["policy", "priority", "target", "queue"] {
            let series = format!("slad_label_overflow_total{{label=\"{label}\"}}");
            assert_eq!(value(&now, &series), 0.0, "{series}");
        }
        now
    };
    becomes(&daemon, "slad_tickets{queue=\"dusk\",state=\"assigned\"}", 1.0);
    let now = counted(&daemon);
    for (series, wanted) in [
        (breached("desk", "N1", "first_response"), 1.0),
        (breached("desk", "N2", "custom:parts"), 1.0),
        (breached("dusk", "D1", "first_response"), 1.0),
        (
            "slad_first_response_seconds_sum{policy=\"dusk\"}".to_owned(),
            7_200.0,
        ),
        ("slad_wait_seconds_sum{queue=\"dusk\"}".to_owned(), 7_200.0),
    ] {
        assert_eq!(value(&now, &series), wanted, "{series}");
    }

    // What the log alone knows, the versions of open tickets among it.
    std::fs::remove_file(policies.join("dusk.toml")).unwrap();
    std::fs::write(policies.join("desk.toml"), desk).unwrap();
    client.say("TICKET.OPEN t4 policy dusk");
    client.say("TICKET.OPEN t5 policy desk priority N2");
    daemon.kill();
    daemon.restart();
    let mut client = daemon.client();
    assert_eq!(client.say("POLICY.GET desk").get("version").int(), 3);
    assert_eq!(
        value(&page(&daemon), &breached("dusk", "D1", "first_response")),
        0.0
    );
    client.say("CLOCK.ADVANCE 2h");
    let now = counted(&daemon);
    assert_eq!(value(&now, &breached("dusk", "D1", "first_response")), 1.0);
    assert_eq!(value(&now, &breached("desk", "N2", "first_response")), 1.0);
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
