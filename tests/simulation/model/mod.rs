//! The judge: slad's contract written a second time, by lists and scans.
//!
//! It shares nothing with the engine but the vocabulary of `slad::model`, costs time in proportion to everything it
//! holds, and keeps every event for ever. It has no socket, no log, no feed and no real time: `block` never ends by
//! itself here.

mod agents;
mod course;
mod levels;
mod moves;
mod parse;
mod reads;
mod rules;
mod state;
mod tickets;

use crate::value::Value;
use parse::Line;
use slad::model::event::*;
use slad::model::{NEVER, Seq, UnixMs, time};
use state::*;

pub use rules::QUEUES;

/// 2026-01-01T00:00:00Z, where a virtual clock starts.
pub const START_MS: UnixMs = 1_767_225_600_000;

const TOKEN_KEPT_MS: i64 = 86_400_000;

/// A key that was used, and what was answered.
#[derive(Clone)]
struct Token {
    key: String,
    print: String,
    reply: Value,
    logged_at: UnixMs,
}

/// Everything.
#[derive(Clone)]
pub struct Model {
    pub now: UnixMs,
    /// Seq of the newest event.
    pub seq: Seq,
    /// All events with their seqs, since the model began.
    pub events: Vec<(Seq, Event)>,
    /// Replies of waiting NEXTs that ended, by connection.
    pub wakes: Vec<(usize, Value)>,
    tickets: Vec<Ticket>,
    gone: Vec<Gone>,
    agents: Vec<Agent>,
    declared: Vec<(String, Seq)>,
    tokens: Vec<Token>,
    waits: Vec<Wait>,
    last_logged: UnixMs,
    /// Nothing fires beyond this seq, and a clock that moves stands still there: for what a crash left of a command.
    pub stop_at: Seq,
}

impl Model {
    /// An empty site; the events up to `seq` (policies taking effect) are the daemon's own.
    pub fn new(seq: Seq) -> Model {
        Model {
            now: START_MS,
            seq,
            events: Vec::new(),
            wakes: Vec::new(),
            tickets: Vec::new(),
            gone: Vec::new(),
            agents: Vec::new(),
            declared: Vec::new(),
            tokens: Vec::new(),
            waits: Vec::new(),
            last_logged: START_MS,
            stop_at: Seq::MAX,
        }
    }

    /// One command on a connection; `None`: an AGENT.NEXT that waits now.
    pub fn apply(&mut self, conn: usize, args: &[String]) -> Option<Value> {
        let reply = self.run(Some(conn), args);
        self.fire_all();
        reply
    }

    /// The commands of a MULTI, run by EXEC: one frame; none waits.
    pub fn exec(&mut self, commands: &[Vec<String>]) -> Value {
        let replies = commands
            .iter()
            .map(|args| self.run(None, args).unwrap_or(Value::Nil))
            .collect();
        self.fire_all();
        Value::List(replies)
    }

    /// Would MULTI queue it? An error is the reply in place of `QUEUED`, and EXEC then answers EXECABORT.
    pub fn queueable(args: &[String]) -> Result<(), Value> {
        parse::line(args).map(|_| ())
    }

    /// The daemon was killed and started again: connections are gone, everything else stands.
    pub fn restarted(&mut self) {
        self.waits.clear();
        self.wakes.clear();
    }

    /// The daemon logged facts of its own.
    pub fn skip_to(&mut self, seq: Seq) {
        self.seq = seq;
    }

    fn run(&mut self, conn: Option<usize>, args: &[String]) -> Option<Value> {
        let line = match parse::line(args) {
            Ok(line) => line,
            Err(refusal) => return Some(refusal),
        };
        if let Some(reply) = self.bound(&line) {
            return Some(reply);
        }
        // A read changes nothing, so it fires nothing either: within EXEC it sees what the commands before it left.
        let reads = ["TICKET.GET", "TICKET.HISTORY", "TICKET.LIST", "TICKET.COUNT"];
        if line.name.starts_with("TICKET.") && !reads.contains(&line.name.as_str()) {
            self.fire_of(&line.pos);
        }
        match line.name.as_str() {
            "AGENT.NEXT" => return self.next(conn, &line),
            "CLOCK.ADVANCE" => {
                let ms = time::duration("d", line.pos[0].as_bytes()).unwrap();
                return Some(self.clock_to(self.now + ms));
            }
            "CLOCK.SET" => {
                let to = time::instant("t", line.pos[0].as_bytes()).unwrap();
                return Some(if to < self.now {
                    Value::refused("BADARG")
                } else {
                    self.clock_to(to)
                });
            }
            _ => {}
        }
        if let Some(reply) = self.read(&line) {
            return Some(reply);
        }
        let before = self.seq;
        let result = if line.name.starts_with("TICKET.") {
            self.ticket_command(&line)
        } else {
            self.agent_command(&line)
        };
        Some(match result {
            Ok(seq) => {
                if self.seq > before {
                    self.bind(&line, Value::Int(seq as i64));
                }
                self.end_waits();
                Value::Int(seq as i64)
            }
            Err(code) => {
                assert_eq!(self.seq, before, "a refused command logs nothing");
                Value::refused(code)
            }
        })
    }

    /// The first reply, if the token is bound.
    fn bound(&self, line: &Line) -> Option<Value> {
        let token = self
            .tokens
            .iter()
            .find(|t| !line.token.is_empty() && t.key == line.token)?;
        Some(if token.print == line.print {
            token.reply.clone()
        } else {
            Value::refused("BADARG")
        })
    }

    fn bind(&mut self, line: &Line, reply: Value) {
        if !line.token.is_empty() {
            let (key, print) = (line.token.clone(), line.print.clone());
            self.tokens.push(Token {
                key,
                print,
                reply,
                logged_at: self.now,
            });
        }
    }

    fn log(&mut self, at: UnixMs, cause: Seq, body: Body) -> Seq {
        self.seq += 1;
        self.last_logged = self.now;
        let last = self.last_logged;
        self.tokens.retain(|t| last - t.logged_at <= TOKEN_KEPT_MS);
        self.events.push((
            self.seq,
            Event {
                at,
                logged_at: self.now,
                cause,
                tenant: 0,
                body,
            },
        ));
        self.seq
    }

    /// Logs a fact of the ticket at place `i`.
    fn log_ticket(
        &mut self,
        i: usize,
        (at, cause): (UnixMs, Seq),
        agent: &str,
        fact: TicketFact,
        effects: &Effects,
        origin: Option<Box<Origin>>,
    ) -> Seq {
        let t = &self.tickets[i];
        let clocks = (!effects.list.is_empty()).then(|| {
            Box::new(ClockEffects {
                policy: t.policy_text().into(),
                priority: t.priority.as_str().into(),
                effects: effects.list.clone(),
                ladders: Vec::new(),
                kept: None,
            })
        });
        let event = TicketEvent {
            id: t.id.as_str().into(),
            queue: t.queue.as_str().into(),
            agent: agent.into(),
            prev: t.last_seq,
            fact,
            clocks,
            origin,
        };
        let seq = self.log(at, cause, Body::Ticket(event));
        self.tickets[i].last_seq = seq;
        seq
    }

    /// What a back-dated fact took back, as its consequences.
    fn log_withdrawn(&mut self, i: usize, cause: Seq, effects: &mut Effects) {
        let mut list = std::mem::take(&mut effects.withdrawn);
        list.sort_by(|a, b| (&a.sla.target, a.breach).cmp(&(&b.sla.target, b.breach)));
        for withdrawn in list {
            let fact = TicketFact::Withdrawn(Box::new(withdrawn));
            let agent = self.tickets[i].agent.clone();
            self.log_ticket(i, (self.now, cause), &agent, fact, &Effects::default(), None);
        }
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.tickets.iter().position(|t| t.id == id)
    }

    fn agent(&self, id: &str) -> Option<usize> {
        self.agents.iter().position(|a| a.id == id)
    }

    /// Tickets in an agent's hands that take up capacity.
    fn load(&self, agent: &str) -> u32 {
        self.tickets
            .iter()
            .filter(|t| t.state == TicketState::Assigned && t.agent == agent && t.paused.is_none())
            .count() as u32
    }

    /// By how much an agent's capacity is exceeded.
    fn over(&self, agent: &str) -> u32 {
        self.agent(agent)
            .map_or(0, |a| self.load(agent).saturating_sub(self.agents[a].capacity))
    }

    fn queue_known(&self, queue: &str) -> bool {
        if queue == "none" {
            return false;
        }
        QUEUES.contains(&queue)
            || self.declared.iter().any(|(q, _)| q == queue)
            || self.tickets.iter().any(|t| t.queue == queue)
    }

    /// The next timer. Found by looking at every clock of every ticket.
    fn next_timer(&self, only: Option<&[String]>) -> Option<Timer> {
        let mut best: Option<(Order, usize)> = None;
        for (i, t) in self.tickets.iter().enumerate() {
            if only.is_some_and(|ids| !ids.contains(&t.id)) {
                continue;
            }
            let mut offer = |key| {
                if best.as_ref().is_none_or(|(b, _)| key < *b) {
                    best = Some((key, i));
                }
            };
            if t.state == TicketState::Resolved && t.close_at != NEVER {
                offer((t.close_at, t.opened_seq, 1, 0, false));
            }
            for (c, clock) in t
                .clocks
                .iter()
                .enumerate()
                .filter(|(_, c)| c.stand == Stand::Running)
            {
                if !clock.breached && clock.warned.is_none() && clock.warn_at != NEVER {
                    offer((clock.warn_at, t.opened_seq, 0, c, false));
                }
                if !clock.breached {
                    offer((clock.due + 1, t.opened_seq, 0, c, true));
                }
            }
        }
        best.map(|((at, _, closes, clock, breach), i)| (at, i, (closes == 0).then_some((clock, breach))))
    }

    /// Fires what is due by now, in order.
    pub fn fire_all(&mut self) {
        while self.seq < self.stop_at
            && let Some((at, ticket, what)) = self.next_timer(None)
            && at <= self.now
        {
            self.fire(at, ticket, what);
        }
    }

    pub(super) fn fire_of(&mut self, ids: &[String]) {
        while let Some((at, ticket, what)) = self.next_timer(Some(ids))
            && at <= self.now
        {
            self.fire(at, ticket, what);
        }
    }

    fn fire(&mut self, instant: UnixMs, i: usize, what: Option<(usize, bool)>) {
        let Some((c, breach)) = what else {
            self.close(i, self.now, 0, Closed::Resolved, None);
            return;
        };
        let t = &mut self.tickets[i];
        let sla = Box::new(SlaFact {
            target: t.clocks[c].target.clone(),
            due: t.clocks[c].due,
            policy: t.policy_text().into(),
            priority: t.priority.as_str().into(),
            late_ms: self.now - instant,
        });
        let fact = if breach {
            t.clocks[c].breached = true;
            t.clocks[c].missed = t.clocks[c].due;
            TicketFact::Breached(sla)
        } else {
            t.clocks[c].warned = Some(instant);
            t.clocks[c].warn_at = NEVER;
            TicketFact::Warned(sla)
        };
        let why = (breach && t.clocks[c].past_when_set).then(|| {
            Box::new(Origin {
                reason: "relevel".into(),
                ..Origin::default()
            })
        });
        let agent = t.agent.clone();
        self.log_ticket(i, (self.now, 0), &agent, fact, &Effects::default(), why);
    }

    /// Moves the clock forward, stopping at every instant at which something fires.
    fn clock_to(&mut self, to: UnixMs) -> Value {
        let from = self.now;
        while self.seq < self.stop_at
            && let Some((at, ticket, what)) = self.next_timer(None)
            && at <= to
        {
            self.now = at.max(self.now);
            self.fire(at, ticket, what);
        }
        if self.seq >= self.stop_at {
            return Value::Nil;
        }
        self.now = to;
        let jump = Body::ClockJumped(ClockJumped::advanced(from, to));
        Value::Int(self.log(to, 0, jump) as i64)
    }
}

/// An instant, the ticket's place, and which of its clocks breaches (or warns); no clock: the ticket closes.
type Timer = (UnixMs, usize, Option<(usize, bool)>);

/// The order of timers: instant, seq of the opening, closings last, clocks by target, a warning before a breach.
type Order = (UnixMs, Seq, u8, usize, bool);

/// Who and why, if said. The reason of a pause stands in the fact.
fn origin(line: &Line, reason: bool) -> Option<Box<Origin>> {
    let reason = if reason { line.reason.as_str() } else { "" };
    (!(line.by.is_empty() && reason.is_empty() && line.token.is_empty())).then(|| {
        Box::new(Origin {
            by: line.by.as_str().into(),
            reason: reason.into(),
            token: line.token.as_str().into(),
            fingerprint: 0,
        })
    })
}
