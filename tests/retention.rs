//! Old segments through the socket: they go, readers are told, a restart does not need them, and what is kept is found.
//!
//! 8 kills while they go; `SLAD_TEST_LONG=1`: 100. The seed is printed, `SLAD_SEED` gives it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

#[path = "support/random.rs"]
mod random;
mod support;

use random::Random;
use slad::engine::{self, Engine};
use slad::journal::disk::RealDisk;
use slad::journal::{Batch, Config, SnapshotWriter};
use slad::model::event::{Body, Closed, Event, TicketEvent, TicketFact};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Client, Daemon, Value};

/// A line of INFO.
fn info(client: &mut Client, name: &str) -> String {
    let info = client.say("INFO persistence");
    let mut lines = info.text().lines();
    let found = lines.find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap().to_owned()
}

fn figure(client: &mut Client, name: &str) -> i64 {
    info(client, name).parse().unwrap()
}

fn until(what: &str, daemon: &Daemon, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{what}: {}",
            daemon.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn files(folder: &Path, prefix: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|f| f.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|n| n.starts_with(prefix)).collect();
    names.sort();
    names
}

/// Opens and ends tickets until the log has so many more segments.
fn fill(client: &mut Client, prefix: &str, segments: i64) -> u32 {
    let upto = figure(client, "log_segments") + segments;
    let text = "x".repeat(900);
    let mut n = 0;
    while figure(client, "log_segments") < upto {
        for _ in 0..200 {
            let id = format!("{prefix}{n}");
            client.send(&["TICKET.OPEN", &id, "policy", "none", "attr.text", &text]);
            client.send(&["TICKET.CANCEL", &id, "as", "spam"]);
            n += 1;
        }
        for _ in 0..400 {
            client.reply().int();
        }
    }
    n
}

fn is_gap(reply: &Value, first: i64) -> bool {
    matches!(reply, Value::Error(e) if *e == format!("GAP {first}-0"))
}

#[test]
fn old_segments_go_and_nothing_else() {
    let mut daemon = Daemon::start(&["--virtual-clock", "--set", "retention.bytes=3MiB"]);
    let mut client = daemon.client();
    client.say("TICKET.OPEN lasting policy none");
    fill(&mut client, "a", 4);
    assert_eq!(
        figure(&mut client, "first_seq"),
        1,
        "without snapshots nothing goes"
    );
    client.say("SNAPSHOT").int();
    client.say("TICKET.PAUSE lasting reason customer").int();
    fill(&mut client, "b", 1);
    assert_eq!(figure(&mut client, "first_seq"), 1, "nor with one");
    client.say("SNAPSHOT").int();
    until("nothing went", &daemon, || {
        figure(&mut daemon.client(), "log_segments") == 3
    });
    let first = figure(&mut client, "first_seq");
    assert!(first > 1_000, "{first}");
    assert!(figure(&mut client, "log_segments_retired") >= 3);
    let said = daemon.log();
    let line = said.lines().rfind(|l| l.contains("segment retired")).unwrap();
    assert!(
        line.contains(&format!("last_seq={}", first - 1)) && line.contains("bytes"),
        "{line}"
    );
    // A cursor that is older is told; the beginning is the first retained.
    for command in [
        "XRANGE events 1 +",
        "XRANGE events:routing 2 + COUNT 1",
        "XREAD STREAMS events 1",
    ] {
        let reply = client.say(command);
        assert!(is_gap(&reply, first), "{command}: {reply:?}");
    }
    // One that nothing can follow is not old.
    for cursor in [
        "18446744073709551615-0",
        "18446744073709551615-18446744073709551615",
    ] {
        for key in ["events", "events:routing", "events:ticket:lasting"] {
            assert_eq!(client.say(&format!("XREAD STREAMS {key} {cursor}")), Value::Null);
        }
    }
    let before = first - 1;
    assert!(is_gap(
        &client.say(&format!("XRANGE events {before} + COUNT 1")),
        first
    ));
    let at_first = client.say(&format!("XREAD COUNT 1 STREAMS events {before}"));
    assert_eq!(at_first.list()[0].list()[1].ids(), [format!("{first}-0")]);
    for command in ["XRANGE events - + COUNT 1", "XRANGE events 0 + COUNT 1"] {
        assert_eq!(client.say(command).ids(), [format!("{first}-0")], "{command}");
    }
    let stream = client.say("XINFO STREAM events");
    let last = figure(&mut client, "last_seq");
    assert_eq!(stream.get("length").int(), last - first + 1);
    assert_eq!(stream.get("recorded-first-entry-id").text(), format!("{first}-0"));
    assert_eq!(stream.get("max-deleted-entry-id").text(), format!("{before}-0"));
    assert_eq!(client.say("XLEN events").int(), last - first + 1);
    // What is left of a ticket that is older than the log.
    let kept = client.say("TICKET.HISTORY lasting");
    assert_eq!(kept.ids().len(), 1, "the pause, not the opening: {kept:?}");
    client.say("TICKET.RESUME lasting").int();
    assert_eq!(client.say("TICKET.HISTORY lasting").ids().len(), 2);
    // Out of sight at once, out of the folder one after the other; what a crash leaves there is seen again after it.
    until("the files stay", &daemon, || {
        files(&daemon.data(), "log-").len() <= 4 && files(&daemon.data(), "retired-").len() < 2
    });
    let hash = info(&mut client, "state_hash");
    for way in ["stop", "kill"] {
        if way == "stop" {
            assert_eq!(daemon.stop(), 0, "{}", daemon.log());
        } else {
            daemon.kill();
        }
        daemon.restart();
        let mut client = daemon.client();
        assert_eq!(info(&mut client, "state_hash"), hash, "{way}");
        assert_eq!(figure(&mut client, "first_seq"), first, "{way}");
        assert_eq!(client.say("TICKET.GET lasting").get("state").text(), "waiting");
    }
    until("no index files", &daemon, || {
        files(&daemon.data(), "index-").len() == 2
    });
    let segments = files(&daemon.data(), "log-");
    let indexes = files(&daemon.data(), "index-");
    assert_eq!(indexes[0].replace("index", "log"), segments[0]);
}

#[test]
fn age_goes_by_the_clock_of_the_daemon() {
    let daemon = Daemon::start(&["--virtual-clock", "--set", "retention.age=2d"]);
    let mut client = daemon.client();
    fill(&mut client, "a", 3);
    client.say("CLOCK.ADVANCE 1d").int();
    fill(&mut client, "b", 2);
    for _ in 0..2 {
        client.say("TICKET.OPEN now policy none");
        client.say("CLOCK.ADVANCE 1h").int();
        client.say("SNAPSHOT").int();
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(
        figure(&mut client, "first_seq"),
        1,
        "all of it is younger than two days"
    );
    client.say("CLOCK.ADVANCE 1d").int();
    client.say("SNAPSHOT").int();
    until("nothing went", &daemon, || {
        figure(&mut daemon.client(), "log_segments_retired") > 0
    });
    std::thread::sleep(Duration::from_millis(200));
    let opened = client.say("XRANGE events - + COUNT 1");
    let fields = &opened.list()[0].list()[1];
    assert!(fields.get("ticket").text().starts_with(['a', 'b']));
    // The segment in which the day changed, and what is younger, stay.
    assert_eq!(figure(&mut client, "log_segments_retired"), 3);
    assert!(
        daemon.log().contains("why=\"age\"") || daemon.log().contains("why=age"),
        "{}",
        daemon.log()
    );
}

/// Event `n` of a log whose ticket `t<n % 500>` is opened and closed again and again, in lives that nothing links.
fn fact(n: u64) -> Event {
    let fact = match n / 500 % 2 {
        0 => TicketFact::Responded,
        _ => TicketFact::Closed { how: Closed::Spam },
    };
    Event {
        at: 1_767_225_600_000,
        logged_at: 1_767_225_600_000,
        cause: 0,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: format!("t{}", n % 500).into(),
            queue: "default".into(),
            agent: format!("agent-{}", n % 7).into(),
            prev: if (n / 500).is_multiple_of(2) { 0 } else { n - 500 },
            fact,
            clocks: None,
            origin: None,
        }),
    }
}

/// A log of so many segments, and snapshots of a state that has forgotten every ticket of it. The last seq.
fn forgotten(data: &Path, segments: usize) -> u64 {
    let config = Config {
        segment_bytes: 1 << 20,
        log_id: 77,
        ..Config::default()
    };
    let disk = Arc::new(RealDisk::new(data, 1).unwrap());
    let opened = slad::journal::open(disk.clone(), config).unwrap();
    let (log_id, epoch) = (opened.log_id(), opened.epoch());
    let mut writer = opened.into_writer().unwrap();
    while writer.published().segment_count() < segments {
        let mut batch = Batch::new();
        for seq in writer.next_seq()..writer.next_seq() + 500 {
            batch.push(seq, &[fact(seq)]).unwrap();
        }
        writer.append(&mut batch).unwrap();
    }
    let last = writer.next_seq() - 1;
    writer.close().unwrap();
    for seq in [last - 1, last] {
        let mut engine = Engine::new(engine::Config::default());
        engine.restored(seq);
        let snapshot = SnapshotWriter::create(disk.clone(), log_id, seq, epoch, 0).unwrap();
        snapshot.finish(engine.state_hash()).unwrap();
    }
    last
}

#[test]
fn a_ticket_that_the_engine_has_forgotten_is_found_in_old_segments() {
    let mut daemon = Daemon::start(&[]);
    assert_eq!(daemon.stop(), 0);
    for file in std::fs::read_dir(daemon.data()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let last = forgotten(&daemon.data(), 5);
    daemon.restart();
    let loaded = daemon.log();
    assert!(loaded.contains(&format!("snapshot_seq={last}")), "{loaded}");
    let history = |daemon: &Daemon, ticket: u64| -> Vec<String> {
        daemon.client().say(&format!("TICKET.HISTORY t{ticket}")).ids()
    };
    let all = |ticket: u64, from: u64| -> Vec<String> {
        let seqs = (from..=last).filter(|n| n % 500 == ticket && *n > 0);
        seqs.map(|n| format!("{n}-0")).collect()
    };
    // Right after the start from memory, then from the files, then from the files of a cold start.
    for round in 0..3 {
        for ticket in [0, 1, 250, 499] {
            assert_eq!(history(&daemon, ticket), all(ticket, 1), "round {round}");
        }
        let mut client = daemon.client();
        assert!(client.say("TICKET.GET t250").text().starts_with("NOTFOUND"));
        let reply = client.say("TICKET.HISTORY t500");
        assert!(reply.text().starts_with("NOTFOUND"), "{reply:?}");
        let newest = client.say("XREVRANGE events:ticket:t250 + - COUNT 1").ids();
        assert_eq!(newest.first(), all(250, 1).last());
        assert_eq!(
            client.say("XLEN events:ticket:t250").int(),
            all(250, 1).len() as i64
        );
        let read = client.say("XREAD COUNT 2 STREAMS events:ticket:t250 1000-0");
        assert_eq!(read.list()[0].list()[1].ids(), all(250, 1_001)[..2]);
        let agent = client.say("XRANGE events:agent:agent-3 - + COUNT 3").ids();
        assert_eq!(agent, ["3-0", "10-0", "17-0"]);
        until("no index files", &daemon, || {
            files(&daemon.data(), "index-").len() == 4
        });
        if round == 1 {
            daemon.kill();
            daemon.restart();
        }
    }
    // A new life of the id is told with the old ones.
    let mut client = daemon.client();
    let opened = client.say("TICKET.OPEN t250 policy none").int();
    let mut lives = all(250, 1);
    lives.push(format!("{opened}-0"));
    assert_eq!(client.say("TICKET.HISTORY t250").ids(), lives);
    assert_eq!(daemon.stop(), 0, "{}", daemon.log());
}

/// Opens and ends tickets until the daemon is gone; the last seq that was acknowledged.
fn load(mut client: Client, prefix: &str) -> i64 {
    let text = "x".repeat(2_000);
    let mut last = 0;
    for round in 0.. {
        for n in 0..50 {
            let id = format!("{prefix}-{round}-{n}");
            let mut bytes = support::encode(&["TICKET.OPEN", &id, "policy", "none", "attr.text", &text]);
            bytes.extend(support::encode(&["TICKET.CANCEL", &id, "as", "spam"]));
            if std::io::Write::write_all(&mut client.stream, &bytes).is_err() {
                return last;
            }
        }
        for _ in 0..100 {
            match client.try_reply() {
                Ok(reply) => last = reply.int(),
                Err(_) => return last,
            }
        }
    }
    last
}

/// Reads the feed from the first retained event on, each one in its place: how many, and the last. A cursor that
/// retention overtakes begins anew.
fn dense(client: &mut Client) -> (i64, i64) {
    'anew: loop {
        let (mut events, mut next) = (0, None::<i64>);
        loop {
            let from = next.map_or("-".to_owned(), |seq| seq.to_string());
            let page = client.say(&format!("XRANGE events {from} + COUNT 1000"));
            if matches!(&page, Value::Error(e) if e.starts_with("GAP")) {
                continue 'anew;
            }
            let ids = page.ids();
            for id in ids.iter().filter(|id| id.ends_with("-0")) {
                let seq: i64 = id.trim_end_matches("-0").parse().unwrap();
                assert!(
                    next.is_none_or(|next| next == seq),
                    "{seq} where {next:?} belongs"
                );
                (events, next) = (events + 1, Some(seq + 1));
            }
            if ids.is_empty() {
                return (events, next.map_or(0, |next| next - 1));
            }
        }
    }
}

#[test]
fn kill_9_while_segments_go_loses_nothing_that_is_kept() {
    let kills = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        100
    } else {
        8
    };
    let mut random = Random::new(Random::seed());
    let flags = ["retention.bytes=2MiB", "snapshot.every_events=300"].map(|set| ["--set", set]);
    let mut daemon = Daemon::start(&flags.concat());
    daemon.client().say("TICKET.OPEN lasting policy none").int();
    let (mut retired, mut held) = (0, 0);
    for kill in 0..kills {
        let (client, prefix) = (daemon.client(), format!("k{kill}"));
        let loading = std::thread::spawn(move || load(client, &prefix));
        let began = Instant::now();
        let patience = Duration::from_millis(100 + random.below(700));
        while began.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
            retired = figure(&mut daemon.client(), "log_segments_retired");
        }
        daemon.kill();
        held += retired;
        let acknowledged = loading.join().unwrap();
        daemon.restart();
        let mut client = daemon.client();
        let hash = info(&mut client, "state_hash");
        assert!(figure(&mut client, "last_seq") >= acknowledged);
        assert_eq!(client.say("TICKET.GET lasting").get("state").text(), "waiting");
        // What a restart does not need goes on going; then all that is left is dense.
        std::thread::sleep(Duration::from_millis(random.below(300)));
        let (events, last) = dense(&mut client);
        assert!(events > 0 && last >= acknowledged);
        if random.one_in(2) {
            daemon.kill();
            daemon.restart();
            assert_eq!(info(&mut daemon.client(), "state_hash"), hash);
        }
        let log = daemon.log();
        let complaint = log
            .lines()
            .find(|l| l.contains(" ERROR ") || (l.contains(" WARN ") && !l.contains("torn")));
        assert_eq!(complaint, None);
    }
    println!("{kills} kills while segments go: {held} segments had gone");
    assert!(held > 0, "no segment went");
}
