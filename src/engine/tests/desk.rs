//! A desk to tell stories at: an engine with the embedded policies, a clock, and short names for commands.

use crate::calendar::Zones;
use crate::engine::{Config, Engine, Measure, Outcome, Output};
use crate::model::calendar::CalendarExtended;
use crate::model::command::*;
use crate::model::event::{Body, ClockJumped, Event, Jump};
use crate::model::fields;
use crate::model::reply::Reply;
use crate::model::{Seq, Text, UnixMs};
use crate::policy::{CalendarFile, RuleBook};

pub(super) const T0: UnixMs = 1_767_225_600_000;

/// Four levels in natural time: what the stories are told under.
const LEVELS: &str = include_str!("../../../tests/simulation/policies/service-levels.toml");

/// Everything that a clock can do, in office hours.
const OFFICE: &str = r#"
name = "office"
calendar = "cn-office"
time = "business"
queue = "default"
default_priority = "P2"
close_after = "1d"
customer_pauses = ["customer"]
[classes.plain]
chain = ["business"]
[classes.staged]
priority = "P1"
[[stages]]
name = "check"
classes = "staged"
within = "4h"
pauses_on = ["customer", "state:assigned"]
[[stages]]
name = "act"
classes = "staged"
within = "6h"
carry_over = true
queue = "business"
[priorities.P1]
rank = 5
[priorities.P2]
rank = 15
[priorities.P3]
rank = 25
[priorities.P4]
rank = 35
[[rules]]
clocks.first_response = { within = "1h", warn = "-20m", steps = [{ at = "50%", rank = 3 }, { at = "+30m", queue = "business", relax = "drop:x" }] }
clocks.resolution = { within = "2bd", time = "natural", pauses_on = ["customer"], warn = "70%", resets_on = ["reopen"], steps = [{ at = "-2h", notify = "lead" }] }
clocks.next_response = "30m"
clocks.update = "8h"
clocks.follow_up = { within = "3h", warn = "none" }
clocks."custom:hands" = { within = "3h", starts_on = ["assign"], pauses_on = ["state:waiting"], met_by = ["resolve"], stops_on = ["transfer:business"] }
[[rules]]
priority = "P1"
clocks.first_response = { within = "20m", steps = [{ at = "0%", notify = "head" }] }
[extensions.resolution]
lead = "4h"
approver = "boss"
"#;

pub(super) struct Desk {
    pub engine: Engine,
    pub now: UnixMs,
    pub log: Vec<Event>,
    pub wakes: Vec<(u64, Reply)>,
    pub measures: Vec<Measure>,
}

impl Desk {
    pub(super) fn new() -> Desk {
        Desk::with(|_| ())
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Desk {
        let mut config = Config {
            virtual_clock: true,
            closed_max: 50,
            tokens_max: 20,
            ..Config::default()
        };
        change(&mut config);
        let mut desk = Desk {
            engine: Engine::new(config),
            now: T0,
            log: Vec::new(),
            wakes: Vec::new(),
            measures: Vec::new(),
        };
        desk.engine.ready(T0);
        let (none, text) = crate::policy::embedded()[0];
        desk.activate(none, text);
        desk.activate("service-levels", LEVELS);
        desk
    }

    /// A desk with everything that is in the binary, and a policy whose clocks count office hours.
    pub(super) fn with_everything() -> Desk {
        let mut desk = Desk::new();
        for (name, text) in crate::policy::embedded_calendars() {
            let file = CalendarFile::parse(name, text, &Zones::bundled()).unwrap();
            desk.calendar(name, 1, file);
        }
        for (name, text) in crate::policy::embedded().into_iter().skip(2) {
            desk.activate(name, text);
        }
        desk.activate("office", OFFICE);
        desk
    }

    /// A version of a calendar takes effect.
    pub(super) fn calendar(&mut self, name: &str, version: u32, file: CalendarFile) -> Seq {
        self.record(Body::CalendarExtended(Box::new(CalendarExtended {
            name: Text::new(name),
            version,
            hash: file.hash,
            text: file.text,
            spec: file.spec,
            zone: file.zone,
            reason: Text::default(),
        })))
    }

    fn activate(&mut self, name: &str, text: &str) -> Seq {
        let book = RuleBook::parse(name, text, 1).unwrap();
        let activated = book.activation("", self.engine.config.virtual_clock);
        self.record(Body::PolicyActivated(Box::new(activated)))
    }

    fn record(&mut self, body: Body) -> Seq {
        let mut out = Output::default();
        let seq = self.engine.record(self.now, body, &mut out);
        self.take(out);
        self.drain();
        seq
    }

    fn take(&mut self, out: Output) {
        for (first_seq, events) in out.frames() {
            assert_eq!(first_seq, self.log.len() as Seq + 1, "seqs are dense");
            self.log.extend_from_slice(events);
        }
        assert_eq!(
            out.frame_ends.last().copied().unwrap_or(0),
            out.events.len(),
            "every event is in a frame"
        );
        self.wakes.extend(out.wakes);
        self.measures.extend(out.measures);
    }

    pub(super) fn run(&mut self, command: &Command) -> Reply {
        self.run_waiting(command, 0)
    }

    pub(super) fn run_waiting(&mut self, command: &Command, waiter: u64) -> Reply {
        let before = self.engine.seq();
        let mut out = Output::default();
        let outcome = self.engine.execute(self.now, command, waiter, &mut out);
        self.take(out);
        let reply = match outcome {
            Outcome::Done(reply) => reply,
            Outcome::Waiting => Reply::Simple("waiting"),
            Outcome::Scan(mut scan) => loop {
                if let Some(reply) = self.engine.scan(self.now, &mut scan, 3) {
                    break reply;
                }
            },
        };
        if !command.writes() {
            assert_eq!(self.engine.seq(), before, "a read logs nothing");
        }
        self.drain();
        reply
    }

    /// EXEC.
    pub(super) fn run_all(&mut self, commands: &[Command]) -> Vec<Reply> {
        let mut out = Output::default();
        let replies = self.engine.execute_all(self.now, commands, &mut out);
        assert!(out.frame_ends.len() <= 1, "one frame");
        self.take(out);
        replies
    }

    pub(super) fn drain(&mut self) {
        let mut out = Output::default();
        while self.engine.advance(self.now, 7, &mut out) {}
        self.take(out);
    }

    pub(super) fn advance(&mut self, ms: i64) {
        self.now += ms;
        self.drain();
    }

    /// The clock jumps by `by`, and this becomes of it; timers are not looked at. The seq of the fact.
    pub(super) fn jump(&mut self, by: i64, how: Jump) -> Seq {
        let jump = ClockJumped {
            from: self.now,
            to: self.now + by,
            how,
            offset_us: 0,
            boot: 1,
        };
        if !matches!(how, Jump::Frozen | Jump::Rejected) {
            self.now += by;
        }
        let mut out = Output::default();
        let seq = self.engine.record(self.now, Body::ClockJumped(jump), &mut out);
        self.take(out);
        seq
    }

    /// The entries of event `seq`, as `field=value` words.
    pub(super) fn entry(&self, seq: Seq, part: u64) -> String {
        let mut pairs: Vec<(String, String)> = Vec::new();
        fields::visit(&self.log[seq as usize - 1], part, &mut pairs);
        pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Types of the events from `seq` on.
    pub(super) fn kinds(&self, from: Seq) -> Vec<&'static str> {
        self.log[from as usize - 1..].iter().map(fields::kind).collect()
    }

    pub(super) fn hash(&mut self) -> u64 {
        self.engine.state_hash()
    }
}

pub(super) fn ticket(id: &str, op: TicketOp) -> Command {
    Command::Ticket(TicketCommand {
        id: Text::new(id),
        op,
        common: None,
    })
}

pub(super) fn ticket_with(id: &str, op: TicketOp, common: Common) -> Command {
    Command::Ticket(TicketCommand {
        id: Text::new(id),
        op,
        common: Some(Box::new(common)),
    })
}

pub(super) fn open(id: &str, change: impl FnOnce(&mut Open)) -> Command {
    let mut open = Open {
        policy: Some(Text::new("none")),
        ..Open::default()
    };
    change(&mut open);
    open.fingerprint = xxhash_rust::xxh3::xxh3_64(format!("{open:?}").as_bytes());
    ticket(id, TicketOp::Open(Box::new(open)))
}

/// An OPEN that `service-levels` takes.
pub(super) fn open_level(id: &str, priority: &str) -> Command {
    open(id, |open| {
        open.policy = None;
        open.fields.priority = Some(Text::new(priority));
        open.fields.customer = Some(Text::new("c1"));
        open.fields.has = vec![Text::new("description"), Text::new("outcome")];
    })
}

pub(super) fn agent(id: &str, op: AgentOp) -> Command {
    Command::Agent(AgentCommand {
        id: Text::new(id),
        op,
        common: None,
    })
}

pub(super) fn set_agent(id: &str, skills: &str, capacity: u32) -> Command {
    let skills = crate::model::skill::skills(skills.as_bytes()).unwrap();
    let fields = AgentFields {
        skills: Some(skills),
        capacity: Some(capacity),
        ..AgentFields::default()
    };
    agent(id, AgentOp::Set(Box::new(fields)))
}

pub(super) fn next(id: &str) -> Command {
    agent(id, AgentOp::Next { block_ms: None })
}

pub(super) fn wait(id: &str) -> Command {
    agent(
        id,
        AgentOp::Next {
            block_ms: Some(60_000),
        },
    )
}

pub(super) fn taken(reply: Reply) -> (String, Seq) {
    match reply {
        Reply::Taken(taken) => (taken.ticket.to_string(), taken.hold),
        other => panic!("no ticket: {other:?}"),
    }
}
