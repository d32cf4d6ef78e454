//! An engine without a daemon: told line by line under a virtual clock, and started anew from what it logged.

use crate::offices::Office;
use slad::calendar::Zones;
use slad::engine::{Config, Engine, Outcome, Output};
use slad::model::Text;
use slad::model::calendar::CalendarExtended;
use slad::model::command::Request;
use slad::model::event::{Body, Event, TicketFact};
use slad::model::reply::Reply;
use slad::model::versions::{Migration, MigrationMode};
use slad::policy::{CalendarFile, RuleBook};
use slad::wire::{Caps, Framed, Framer};

/// What is told of a clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) target: String,
    pub(crate) state: String,
    pub(crate) due: i64,
    pub(crate) remaining: Option<i64>,
    pub(crate) breached: bool,
    pub(crate) provisional: bool,
}

impl Told {
    pub(crate) fn is_open(&self) -> bool {
        self.remaining.is_some()
    }
}

pub(crate) struct Desk {
    engine: Engine,
    pub(crate) now: i64,
    out: Output,
    log: Vec<Event>,
    /// Calendars and policies that took effect.
    versions: Vec<(String, u32)>,
    /// Warnings and breaches: which, of what, when.
    pub(crate) fired: Vec<(&'static str, String, i64)>,
}

fn engine() -> Engine {
    Engine::new(Config {
        virtual_clock: true,
        ..Config::default()
    })
}

impl Desk {
    pub(crate) fn new(now: i64) -> Desk {
        let mut desk = Desk {
            engine: engine(),
            now,
            out: Output::default(),
            log: Vec::new(),
            versions: Vec::new(),
            fired: Vec::new(),
        };
        desk.engine.ready(now);
        desk
    }

    fn take(&mut self) {
        for event in self.out.events.drain(..) {
            if let Body::Ticket(ticket) = &event.body {
                let fired = match &ticket.fact {
                    TicketFact::Warned(sla) => Some(("warned", sla)),
                    TicketFact::Breached(sla) => Some(("breached", sla)),
                    _ => None,
                };
                self.fired
                    .extend(fired.map(|(what, sla)| (what, sla.target.to_string(), event.at)));
            }
            self.log.push(event);
        }
        self.out.clear();
    }

    fn next(&mut self, name: &str) -> u32 {
        match self.versions.iter_mut().find(|(known, _)| known == name) {
            Some((_, version)) => {
                *version += 1;
                *version
            }
            None => {
                self.versions.push((name.to_owned(), 1));
                1
            }
        }
    }

    /// A calendar takes effect; what hangs on it is left for later.
    pub(crate) fn calendar(&mut self, office: &Office, text: &str) {
        let file = CalendarFile::parse(&office.name, text, &Zones::bundled())
            .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        let calendar = CalendarExtended {
            version: self.next(&office.name),
            name: Text::new(&office.name),
            hash: file.hash,
            text: file.text,
            spec: file.spec,
            zone: file.zone,
            reason: Text::default(),
        };
        self.engine.record(
            self.now,
            Body::CalendarExtended(Box::new(calendar)),
            &mut self.out,
        );
        self.take();
    }

    /// A version of policy `p` takes effect.
    pub(crate) fn policy(&mut self, text: &str) {
        let version = self.next("policy p");
        let book = RuleBook::read("p", text, version, &["one", "two"])
            .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        let body = Body::PolicyActivated(Box::new(book.activation("", true)));
        self.engine.record(self.now, body, &mut self.out);
        self.take();
    }

    /// Up to this instant; whatever runs out by then fires.
    pub(crate) fn to(&mut self, now: i64) {
        self.now = now;
        while self.engine.advance(now, 16, &mut self.out) {}
        self.take();
    }

    /// All tickets go over.
    pub(crate) fn migrate(&mut self, from: u32, to: u32, mode: MigrationMode) {
        self.to(self.now);
        let migration = Migration {
            policy: Text::new("p"),
            from,
            to,
            mode,
        };
        let begun = self.engine.migrate(self.now, &migration, None, &mut self.out);
        begun.unwrap_or_else(|refused| panic!("{refused:?}"));
        while self.engine.is_migrating() {
            self.engine.migrate_on(self.now, 64, 64, &mut self.out);
        }
        self.take();
    }

    /// The process is killed, and started again from its log.
    pub(crate) fn restart(&mut self) {
        let hash = self.engine.state_hash();
        self.engine = engine();
        for (seq, event) in (1..).zip(&self.log) {
            self.engine.replay(seq, event).unwrap();
        }
        self.engine.ready(self.now);
        assert_eq!(self.engine.state_hash(), hash, "a replay is not what was");
    }

    /// A command.
    pub(crate) fn say(&mut self, line: &str) -> Reply {
        let words: Vec<&str> = line.split_whitespace().collect();
        let bytes = encode(&words);
        let mut framer = Framer::default();
        assert!(matches!(framer.next(&bytes), Ok(Framed::Command { .. })));
        let parsed = slad::wire::parse(framer.args(&bytes), &Caps::default());
        let Request::Engine(command) = parsed.unwrap_or_else(|e| panic!("{line}: {e}")).request else {
            panic!("{line} is not for the engine");
        };
        let outcome = self.engine.execute(self.now, &command, 0, &mut self.out);
        self.take();
        match outcome {
            Outcome::Done(reply) => reply,
            _ => panic!("{line} waits"),
        }
    }

    /// The clocks of a ticket.
    pub(crate) fn clocks(&mut self, ticket: &str) -> Vec<Told> {
        let Reply::Map(map) = self.say(&format!("TICKET.GET {ticket}")) else {
            panic!("no ticket {ticket}");
        };
        let Some((_, Reply::List(clocks))) = map.into_iter().find(|(name, _)| *name == "clocks") else {
            panic!("no clocks of {ticket}");
        };
        clocks.iter().map(told).collect()
    }
}

fn told(clock: &Reply) -> Told {
    let Reply::Map(map) = clock else {
        panic!("{clock:?}")
    };
    let of = |name: &str| &map.iter().find(|(known, _)| *known == name).unwrap().1;
    let text = |name: &str| match of(name) {
        Reply::Bulk(text) => text.to_string(),
        other => panic!("{name}: {other:?}"),
    };
    let int = |name: &str| match of(name) {
        Reply::Int(value) => Some(*value),
        _ => None,
    };
    Told {
        target: text("target"),
        state: text("state"),
        due: int("due").unwrap(),
        remaining: int("remaining"),
        breached: text("breached") == "yes",
        provisional: text("provisional") == "yes",
    }
}

fn encode(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}
