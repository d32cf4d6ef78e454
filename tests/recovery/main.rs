//! kill -9 at random moments under pipelined load, for each sync policy: nothing acknowledged is lost, nothing is done
//! twice, no ticket is in two agents' hands, and what comes back is what the feed tells.
//!
//! 12 kills a policy; `SLAD_TEST_LONG=1`: 1,000. The seed is printed, `SLAD_SEED` gives it: commands and delays are the
//! same then, how far the daemon gets by the kill is not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "../support/feed.rs"]
mod feed;
mod load;
mod power;
#[path = "../support/random.rs"]
mod random;
mod replay;
#[path = "../support/mod.rs"]
mod support;

use load::{AGENTS, DUE_MS_MAX, Load, Sent};
use random::Random;
use replay::Model;
use std::collections::HashMap;
use std::time::Duration;
use support::{Client, Daemon, Value};

const CONNECTIONS: u64 = 4;
/// Snapshots so often that kills hit them under way and restarts begin at them.
fn flags(sync: &str) -> Vec<String> {
    let options = ["snapshot.every_events=1500", "state_hash_every_events=200"];
    let mut flags = vec!["--sync".to_owned(), sync.to_owned()];
    flags.extend(options.iter().flat_map(|o| ["--set".to_owned(), (*o).to_owned()]));
    flags
}
/// Tickets looked at after each restart; at the end of a log's life all are.
const SAMPLE: usize = 300;

/// What the rounds went through, so that a test that exercised nothing fails.
#[derive(Default)]
struct Totals {
    kills: u64,
    acknowledged: u64,
    refused: u64,
    lost_unanswered: u64,
    from_snapshot: u64,
    torn: u64,
    tokens: u64,
    kinds: HashMap<String, u64>,
}

impl Totals {
    fn add(&mut self, other: Totals) {
        self.kills += other.kills;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.lost_unanswered += other.lost_unanswered;
        self.from_snapshot += other.from_snapshot;
        self.torn += other.torn;
        self.tokens += other.tokens;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }
}

#[test]
fn kill_9_under_always_loses_nothing() {
    kill_9_loses_nothing("always", 1);
}

#[test]
fn kill_9_under_interval_loses_nothing() {
    kill_9_loses_nothing("interval", 2);
}

#[test]
fn kill_9_under_never_loses_nothing() {
    kill_9_loses_nothing("never", 3);
}

fn is_long() -> bool {
    std::env::var_os("SLAD_TEST_LONG").is_some()
}

fn kill_9_loses_nothing(sync: &str, salt: u64) {
    // Most of a kill is waiting: several logs at a time.
    let (side_by_side, kills_each) = if is_long() { (4, 250) } else { (1, 12) };
    let kills = side_by_side * kills_each;
    let seed = Random::seed().wrapping_add(salt);
    let totals = std::thread::scope(|scope| {
        let logs: Vec<_> = (0..side_by_side)
            .map(|n| {
                scope.spawn(move || so_many_kills(sync, Random::new(seed.wrapping_add(n << 8)), kills_each))
            })
            .collect();
        let mut totals = Totals::default();
        for log in logs {
            totals.add(log.join().unwrap());
        }
        totals
    });
    println!(
        "{} kills under {sync}: {} acknowledged facts all there, {} refusals, {} commands unanswered; {} restarts from a snapshot, \
         {} torn tails, {} tokens repeated",
        totals.kills,
        totals.acknowledged,
        totals.refused,
        totals.lost_unanswered,
        totals.from_snapshot,
        totals.torn,
        totals.tokens
    );
    assert!(totals.acknowledged > 50 * kills, "too little happened");
    assert!(
        totals.from_snapshot > 0 && totals.tokens > 0,
        "too little happened"
    );
    for kind in [
        "opened",
        "assigned",
        "released",
        "transferred",
        "paused",
        "resumed",
        "inbound",
        "responded",
        "progressed",
        "marked",
        "changed",
        "resolved",
        "reopened",
        "closed",
        "rated",
    ] {
        assert!(
            totals.kinds.contains_key(&format!("ticket.{kind}")),
            "no {kind}: {:?}",
            totals.kinds
        );
    }
    for kind in [
        "sla.breached",
        "agent.changed",
        "agent.presence",
        "snapshot.taken",
    ] {
        assert!(totals.kinds.contains_key(kind), "no {kind}: {:?}", totals.kinds);
    }
}

fn so_many_kills(sync: &str, mut random: Random, kills: u64) -> Totals {
    let mut totals = Totals::default();
    while totals.kills < kills {
        let lives = (1 + random.below(4)).min(kills - totals.kills);
        one_log(sync, &mut random, lives, &mut totals);
    }
    totals
}

fn set_agents(daemon: &Daemon, random: &mut Random) {
    for agent in AGENTS {
        let set = format!(
            "AGENT.SET {agent} capacity {} skills net:{}",
            5 + random.below(20),
            1 + random.below(9)
        );
        daemon.client().say(&set).int();
        daemon.client().say(&format!("AGENT.READY {agent}")).int();
    }
}

/// A log from its first event, through so many kills.
fn one_log(sync: &str, random: &mut Random, lives: u64, totals: &mut Totals) {
    let flags = flags(sync);
    let mut daemon = Daemon::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    set_agents(&daemon, random);
    let mut sent: Vec<Sent> = Vec::new();
    for life in 0..lives {
        sent.extend(kill_under_load(&mut daemon, random, life));
        for _ in 0..random.below(3) {
            kill_while_it_starts(&daemon, &flags, random);
        }
        daemon.restart();
        totals.kills += 1;
        let log = daemon.log();
        let complaint = log
            .lines()
            .find(|l| l.contains(" ERROR ") || (l.contains(" WARN ") && !l.contains("torn")));
        assert_eq!(complaint, None, "it had been going down by itself");
        let loaded = log.lines().rfind(|l| l.contains("loaded")).unwrap();
        totals.from_snapshot += u64::from(!loaded.contains("snapshot_seq=0"));

        let is_last = life + 1 == lives;
        let model = settled(&daemon, &sent, random, is_last);
        for reply in sent.iter().filter_map(|sent| sent.reply.as_ref()) {
            assert!(
                !matches!(reply, Value::Int(seq) if model.is_lost(*seq)),
                "acknowledged and gone: {reply:?}"
            );
        }
        repeat_tokens(&mut daemon.client(), &sent, totals);
        same_hash_again(&mut daemon, random);
        if is_last {
            for (kind, count) in model.kinds {
                totals.torn += if kind == "log.recovered" { count } else { 0 };
                *totals.kinds.entry(kind).or_default() += count;
            }
        }
    }
    for sent in sent.iter().flat_map(|s| std::iter::once(s).chain(&s.inner)) {
        match &sent.reply {
            Some(Value::Error(_)) => totals.refused += 1,
            Some(Value::Int(_) | Value::List(_)) => totals.acknowledged += 1,
            Some(_) => {}
            None => totals.lost_unanswered += 1,
        }
    }
}

/// Connections that send until the daemon is gone.
fn under_load(daemon: &Daemon, random: &mut Random, life: u64) -> Vec<std::thread::JoinHandle<Vec<Sent>>> {
    (0..CONNECTIONS)
        .map(|n| {
            let load = Load::new(format!("l{life}c{n}"), Random::new(random.next()));
            let mut client = daemon.client();
            std::thread::spawn(move || load.run(&mut client))
        })
        .collect()
}

fn kill_under_load(daemon: &mut Daemon, random: &mut Random, life: u64) -> Vec<Sent> {
    let connections = under_load(daemon, random, life);
    // Often early, when little has happened; sometimes a second.
    let most = *random.pick(&[10, 40, 100, 350]);
    std::thread::sleep(Duration::from_millis(5 + random.below(most)));
    daemon.kill();
    connections.into_iter().flat_map(|c| c.join().unwrap()).collect()
}

/// kill -9 somewhere between its first instruction and its first replies: recovery has to be safe against its own end.
fn kill_while_it_starts(daemon: &Daemon, flags: &[String], random: &mut Random) {
    let data = daemon.data();
    let mut child = support::spawn(data.parent().unwrap(), flags);
    std::thread::sleep(Duration::from_micros(random.below(60_000)));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until no timer is to come, replays the feed, and compares.
fn settled(daemon: &Daemon, sent: &[Sent], random: &mut Random, is_whole: bool) -> Model {
    let mut client = daemon.client();
    std::thread::sleep(Duration::from_millis(DUE_MS_MAX + 10));
    loop {
        let (seq, _) = position(&mut client);
        let events = feed::read(&mut client, "events", "-");
        let model = Model::of(&events);
        for sent in sent {
            model.check(&events, sent);
        }
        let mut ids: Vec<&String> = model.tickets.keys().collect();
        ids.sort();
        if !is_whole && ids.len() > SAMPLE {
            ids = (0..SAMPLE).map(|_| *random.pick(&ids)).collect();
        }
        // Still a timer, or a snapshot that the load had asked for: once more.
        if position(&mut client).0 != seq || events.last().unwrap().seq != seq {
            continue;
        }
        model.compare(&mut client, &ids);
        if position(&mut client).0 == seq {
            assert_eq!(client.say("XLEN events").int(), events.len() as i64);
            return model;
        }
    }
}

/// The newest seq, and the state hash at it.
fn position(client: &mut Client) -> (i64, String) {
    let info = client.say("INFO persistence");
    let line = |name: &str| {
        let found = info
            .text()
            .lines()
            .find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        found
            .unwrap_or_else(|| panic!("no {name} in {info:?}"))
            .to_owned()
    };
    (line("last_seq").parse().unwrap(), line("state_hash"))
}

/// The state is what it was; a snapshot may have been taken meanwhile.
fn nothing_done_since(client: &mut Client, before: &(i64, String), what: &str) {
    assert_eq!(position(client).1, before.1, "{what}");
    let since = feed::read(client, "events", &format!("{}-0", before.0));
    let mut since = since.iter().filter(|entry| entry.seq > before.0);
    let other = since.find(|entry| entry.kind() != "snapshot.taken");
    assert!(other.is_none(), "{what}: {other:?}");
}

/// A token that was answered before the kill gets the same answer after it, and nothing is done.
fn repeat_tokens(client: &mut Client, sent: &[Sent], totals: &mut Totals) {
    let before = position(client);
    let answered =
        |sent: &&Sent| matches!(sent.reply, Some(Value::List(_))) && sent.words.contains(&"token".to_owned());
    for sent in sent.iter().rev().filter(answered).take(10) {
        let words: Vec<&str> = sent.words.iter().map(String::as_str).collect();
        assert_eq!(Some(client.cmd(&words)), sent.reply, "{words:?}");
        totals.tokens += 1;
    }
    nothing_done_since(client, &before, "");
}

/// Another restart, orderly or not, with or without a snapshot of now, gives the same state.
fn same_hash_again(daemon: &mut Daemon, random: &mut Random) {
    let mut client = daemon.client();
    let way = random.below(4);
    if way < 2 {
        client.say("SNAPSHOT").int();
    }
    let before = position(&mut client);
    if way.is_multiple_of(2) {
        assert_eq!(daemon.stop(), 0, "{}", daemon.log());
    } else {
        daemon.kill();
    }
    daemon.restart();
    nothing_done_since(&mut daemon.client(), &before, &format!("way {way}"));
}
