//! Random commands through the socket, every reply and then the whole feed and state compared with the model's.

use crate::daemon::{self, Entry, Site};
use crate::generator::{Generator, Step};
use crate::model::{Model, QUEUES};
use crate::resp::{Conn, words};
use crate::value::Value;
use slad::model::command::FeedKey;
use slad::model::fields;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Steps sent in one write.
const PIPELINE: usize = 32;
/// Connections for NEXTs that wait.
const WAITERS: usize = 6;
/// Steps between two comparisons of everything.
const CHECK_EVERY: usize = 1_000;
/// Facts that the daemon logs by itself, about which the model knows nothing.
const DAEMON_FACTS: [&str; 5] = [
    "calendar.extended",
    "policy.activated",
    "log.recovered",
    "snapshot.taken",
    "clock.jumped",
];

struct Run {
    seed: u64,
    index: usize,
    site: Box<dyn Site>,
    main: Conn,
    waiters: Vec<Conn>,
    model: Model,
    generator: Generator,
    /// Sent together with the next flush: commands, and a reply expected for each.
    pending: Vec<(Vec<String>, Value)>,
    last: VecDeque<String>,
    /// The feed was compared up to here.
    checked: u64,
    /// Seqs of the daemon's own facts.
    foreign: BTreeSet<u64>,
    replies: u64,
    refused: u64,
    waits: u64,
}

/// What a run came to, for the printed line.
pub struct Figures {
    pub replies: u64,
    pub refused: u64,
    pub waits: u64,
    pub events: usize,
}

/// Drives `steps` random steps from `seed`; panics at the first difference.
pub fn run(mut site: Box<dyn Site>, seed: u64, steps: usize) -> Figures {
    let main = site.connect();
    let waiters = (0..WAITERS).map(|_| site.connect()).collect();
    let mut run = Run {
        seed,
        index: 0,
        site,
        main,
        waiters,
        model: Model::new(0),
        generator: Generator::new(seed),
        pending: Vec::new(),
        last: VecDeque::new(),
        checked: 0,
        foreign: BTreeSet::new(),
        replies: 0,
        refused: 0,
        waits: 0,
    };
    run.adopt();
    for index in 0..steps {
        run.index = index;
        run.step();
        if index % CHECK_EVERY == CHECK_EVERY - 1 {
            run.compare();
        }
        if index == steps / 2 {
            run.restart();
        }
    }
    run.compare();
    run.compare_keys();
    run.compare_histories();
    Figures {
        replies: run.replies,
        refused: run.refused,
        waits: run.waits,
        events: run.model.events.len(),
    }
}

impl Run {
    fn step(&mut self) {
        match self.generator.step(&self.model) {
            Step::One(args) => {
                let reply = self
                    .model
                    .apply(0, &args)
                    .unwrap_or_else(|| panic!("{args:?} waits on the main connection"));
                self.expect(args, reply);
            }
            Step::Multi(group) => {
                self.expect(words(&["MULTI"]), Value::Simple("OK".to_owned()));
                let mut aborted = false;
                for args in &group {
                    let queued = Model::queueable(args);
                    aborted |= queued.is_err();
                    self.expect(
                        args.clone(),
                        queued.err().unwrap_or(Value::Simple("QUEUED".to_owned())),
                    );
                }
                let reply = if aborted {
                    Value::refused("EXECABORT")
                } else {
                    self.model.exec(&group)
                };
                self.expect(words(&["EXEC"]), reply);
            }
            Step::Block(args) => self.block(&args),
        }
        if self.pending.len() >= PIPELINE {
            self.flush();
        }
    }

    fn note(&mut self, args: &[String]) {
        self.last.push_back(format!("{args:?}"));
        if self.last.len() > PIPELINE + 10 {
            self.last.pop_front();
        }
    }

    fn expect(&mut self, args: Vec<String>, reply: Value) {
        self.note(&args);
        self.pending.push((args, reply));
    }

    /// On a difference: the first event that differs is nearer to its cause than the reply, so it is printed as well.
    fn first_event(&mut self) {
        let mut conn = self.site.connect();
        let from = self.checked + 1;
        let got = daemon::feed(&mut conn, "events", from, 0);
        let expected = self.entries(from, &FeedKey::All);
        let got: Vec<&Entry> = got.iter().filter(|e| !self.foreign.contains(&e.seq)).collect();
        if let Some(i) = (0..expected.len()).find(|i| got.get(*i) != expected.get(*i).as_ref()) {
            eprintln!(
                "first event that differs: expected {:?}\n  got {:?}",
                expected[i],
                got.get(i)
            );
        }
    }

    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.main.send(pending.iter().map(|(args, _)| args.as_slice()));
        for (args, expected) in &pending {
            let got = self.main.read();
            self.replies += 1;
            self.refused += u64::from(got.is_error());
            if !expected.admits(&got) {
                self.first_event();
                self.differ(&format!("{args:?}"), &expected.to_string(), &got.to_string());
            }
        }
        self.wake();
    }

    /// Reads the replies of the waiting NEXTs that have ended.
    fn wake(&mut self) {
        for (conn, expected) in std::mem::take(&mut self.model.wakes) {
            let got = self.waiters[conn - 1].read();
            self.waits += 1;
            if !expected.admits(&got) {
                self.differ(
                    &format!("a waiting NEXT on connection {conn}"),
                    &expected.to_string(),
                    &got.to_string(),
                );
            }
        }
    }

    /// An AGENT.NEXT that may wait, on a connection that is free.
    fn block(&mut self, args: &[String]) {
        self.flush();
        let busy = self.model.waiting_conns();
        let Some(conn) = (1..=WAITERS).find(|c| !busy.contains(c)) else {
            return;
        };
        self.note(args);
        let replaces = self.model.waits(&args[1]);
        let reply = self.model.apply(conn, args);
        self.waiters[conn - 1].send([args]);
        match reply {
            Some(expected) => {
                let got = self.waiters[conn - 1].read();
                if !expected.admits(&got) {
                    self.differ(&format!("{args:?}"), &expected.to_string(), &got.to_string());
                }
            }
            // The daemon has taken it up when the older one has ended, or when it says that a NEXT waits.
            None if replaces => {}
            None => self.until_waiting(&args[1]),
        }
        self.wake();
    }

    fn until_waiting(&mut self, agent: &str) {
        let began = Instant::now();
        loop {
            let got = self.main.ask(&words(&["AGENT.GET", agent]));
            if got.at("waiting") == Some(&Value::text("yes")) {
                return;
            }
            if began.elapsed() > Duration::from_secs(10) {
                self.differ(
                    "AGENT.GET of an agent whose NEXT waits",
                    "waiting yes",
                    &got.to_string(),
                );
            }
        }
    }

    /// Takes over facts that only the daemon can know of, at the end of the feed.
    fn adopt(&mut self) {
        for entry in daemon::feed(&mut self.main, "events", self.model.seq + 1, 0) {
            let kind = entry.get("type").unwrap_or("").to_owned();
            if !DAEMON_FACTS.contains(&kind.as_str()) || entry.seq != self.model.seq + 1 {
                self.differ(
                    "a fact that nobody commanded",
                    "the daemon's own facts",
                    &format!("{entry:?}"),
                );
            }
            self.foreign.insert(entry.seq);
            self.model.skip_to(entry.seq);
        }
    }

    /// SIGKILL in the middle, on odd seeds after a snapshot.
    fn restart(&mut self) {
        self.flush();
        if self.seed % 2 == 1 {
            let reply = self.main.ask(&words(&["SNAPSHOT"]));
            assert!(!reply.is_error(), "SNAPSHOT: {reply}");
            let began = Instant::now();
            let before = self.model.seq;
            while self.model.seq == before && began.elapsed() < Duration::from_secs(10) {
                self.adopt();
            }
            assert!(self.model.seq > before, "snapshot.taken is logged");
        }
        let before = self.hash();
        self.site.kill_and_restart();
        self.main = self.site.connect();
        self.waiters = (0..WAITERS).map(|_| self.site.connect()).collect();
        self.model.restarted();
        self.last.push_back("(SIGKILL, restart)".to_owned());
        let seq = self.model.seq;
        self.adopt();
        if self.model.seq == seq {
            let after = self.hash();
            if before != after {
                self.differ("state_hash after the restart", &before, &after);
            }
        }
        self.compare();
    }

    fn hash(&mut self) -> String {
        let info = self.main.ask(&words(&["INFO"])).to_string();
        info.lines()
            .find_map(|l| l.trim().strip_prefix("state_hash:"))
            .unwrap_or("")
            .to_owned()
    }

    fn same(&mut self, args: &[String]) {
        let expected = self.model.apply(0, args).expect("a read");
        let got = self.main.ask(args);
        if !expected.admits(&got) {
            self.differ(&format!("{args:?}"), &expected.to_string(), &got.to_string());
        }
    }

    /// The feed since the last time, and all of the state.
    fn compare(&mut self) {
        self.flush();
        let from = self.checked + 1;
        let got = daemon::feed(&mut self.main, "events", from, 0);
        let expected = self.entries(from, &FeedKey::All);
        self.same_feed("events", &expected, &got);
        let sla = daemon::feed(&mut self.main, "events:sla", from, 0);
        let expected = self.entries(from, &FeedKey::Sla);
        self.same_feed("events:sla", &expected, &sla);
        self.checked = self.model.seq;

        for id in self.model.live() {
            self.same(&words(&["TICKET.GET", &id]));
        }
        for id in self.model.agent_ids() {
            self.same(&words(&["AGENT.GET", &id]));
        }
        for queue in self.model.queues() {
            self.same(&words(&["QUEUE.PEEK", &queue, "1000"]));
            self.same(&words(&["QUEUE.STATS", &queue]));
        }
        self.same(&words(&["QUEUE.LIST"]));
        self.same(&words(&["AGENT.LIST"]));
        for _ in 0..10 {
            let filters = self.generator.filters(self.model.now);
            let mut count = words(&["TICKET.COUNT"]);
            count.extend(filters.clone());
            self.same(&count);
            self.list(&filters);
        }
    }

    /// TICKET.LIST page by page.
    fn list(&mut self, filters: &[String]) {
        let sort = *self.generator.dice.pick(&["due", "opened"]);
        let mut args = words(&["TICKET.LIST"]);
        args.extend_from_slice(filters);
        args.extend(words(&["sort", sort]));
        let expected = self.model.apply(0, &args).expect("a read");
        args.extend(words(&[
            "count",
            &(1 + self.generator.dice.below(20)).to_string(),
        ]));
        let mut all = Vec::new();
        let mut page_args = args.clone();
        loop {
            let page = self.main.ask(&page_args);
            match page.at("tickets") {
                Some(Value::List(tickets)) => all.extend(tickets.clone()),
                _ => self.differ(&format!("{page_args:?}"), "tickets", &page.to_string()),
            }
            match page.at("cursor") {
                Some(Value::Text(cursor)) => {
                    page_args = args.clone();
                    page_args.extend(words(&["cursor", cursor]));
                }
                _ => break,
            }
        }
        let got = Value::List(crate::flat!["tickets" => Value::List(all), "cursor" => Value::Nil]);
        if !expected.admits(&got) {
            self.differ(
                &format!("{args:?} and its further pages"),
                &expected.to_string(),
                &got.to_string(),
            );
        }
    }

    /// The histories of live tickets: all their events, those of earlier lives of the id included.
    fn compare_histories(&mut self) {
        for id in self.model.live().iter().take(10) {
            let args = words(&["TICKET.HISTORY", id]);
            let reply = self.main.ask(&args);
            if reply.is_error() {
                self.differ(&format!("{args:?}"), "entries", &reply.to_string());
            }
            let expected = self.entries(0, &FeedKey::Ticket(id.as_str().into()));
            self.same_feed(&format!("{args:?}"), &expected, &daemon::entries(&reply));
        }
    }

    /// The filtered keys, whole.
    fn compare_keys(&mut self) {
        let mut keys = vec![
            ("events:breaches".to_owned(), FeedKey::Breaches),
            ("events:routing".to_owned(), FeedKey::Routing),
        ];
        keys.extend(
            QUEUES
                .iter()
                .map(|q| (format!("events:queue:{q}"), FeedKey::Queue((*q).into()))),
        );
        keys.extend(
            ["a0", "a5"]
                .iter()
                .map(|a| (format!("events:agent:{a}"), FeedKey::Agent((*a).into()))),
        );
        keys.extend(
            ["t0", "t7", "t30"]
                .iter()
                .map(|t| (format!("events:ticket:{t}"), FeedKey::Ticket((*t).into()))),
        );
        for (name, key) in keys {
            let got = daemon::feed(&mut self.main, &name, 0, 0);
            let expected = self.entries(0, &key);
            self.same_feed(&name, &expected, &got);
        }
    }

    fn entries(&self, from: u64, key: &FeedKey) -> Vec<Entry> {
        rendered(&self.model, from, key)
    }

    fn same_feed(&self, key: &str, expected: &[Entry], got: &[Entry]) {
        let got: Vec<&Entry> = got.iter().filter(|e| !self.foreign.contains(&e.seq)).collect();
        for (i, entry) in expected.iter().enumerate() {
            if got.get(i) != Some(&entry) {
                self.differ(
                    &format!("{key}, entry {i}"),
                    &format!("{entry:?}"),
                    &format!("{:?}", got.get(i)),
                );
            }
        }
        if got.len() > expected.len() {
            self.differ(
                &format!("{key}, end"),
                "no further entry",
                &format!("{:?}", got[expected.len()]),
            );
        }
    }

    fn differ(&self, what: &str, expected: &str, got: &str) -> ! {
        let skip = self.last.len().saturating_sub(self.pending.len() + PIPELINE + 10);
        let last: Vec<&str> = self.last.iter().skip(skip).map(String::as_str).collect();
        let before = last.iter().position(|l| *l == what).map_or(last.len(), |i| i + 1);
        let last = last[before.saturating_sub(10)..before].join("\n  ");
        // SLAD_SHOW=t40: what the model knows of one ticket.
        if let Ok(ticket) = std::env::var("SLAD_SHOW") {
            let mut clocks = rendered(&self.model, 0, &FeedKey::Sla);
            clocks.retain(|e| e.pairs.iter().any(|(_, value)| *value == ticket));
            let mut shown = rendered(&self.model, 0, &FeedKey::Ticket(ticket.as_str().into()));
            shown.extend(clocks);
            shown.sort_by_key(|e| (e.seq, e.part));
            shown.iter().for_each(|entry| println!("{entry:?}"));
        }
        panic!(
            "SLAD_SEED={} differs by step {}: {what}\n expected {expected}\n got      {got}\n last commands\n  {last}",
            self.seed, self.index
        );
    }
}

/// The model's events from a seq on, as entries of a key.
pub fn rendered(model: &Model, from: u64, key: &FeedKey) -> Vec<Entry> {
    let mut out = Vec::new();
    let first = model.events.partition_point(|(seq, _)| *seq < from);
    for (seq, event) in &model.events[first..] {
        for part in (0..fields::entries(event)).filter(|part| fields::belongs(event, *part, key)) {
            let mut pairs: Vec<(String, String)> = Vec::new();
            fields::visit(event, part, &mut pairs);
            out.push(Entry {
                seq: *seq,
                part,
                pairs,
            });
        }
    }
    out
}
