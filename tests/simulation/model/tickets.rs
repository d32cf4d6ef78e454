//! Commands to tickets: which are repeats, which are allowed, and the facts that move no ticket.

use super::parse::Line;
use super::rules;
use super::state::*;
use super::{Model, origin};
use slad::model::event::*;
use slad::model::target::Target;
use slad::model::{NEVER, Seq, UnixMs, time};

/// How far ahead an instant may lie and still count as now.
pub(super) const AHEAD_MS: i64 = 5_000;

pub(super) type Done = Result<Seq, &'static str>;

impl Model {
    pub(super) fn ticket_command(&mut self, line: &Line) -> Done {
        if line.name == "TICKET.OPEN" {
            return self.open(line);
        }
        let op = &line.name["TICKET.".len()..];
        let id = line.pos[0].as_str();
        let Some(i) = self.find(id) else {
            return self.on_closed(op, line);
        };
        if let Some(hold) = line.hold
            && !(self.tickets[i].state == TicketState::Assigned && self.tickets[i].hold == hold)
        {
            return Err("STATE");
        }
        if let Some(seq) = self.stands(i, op, line) {
            return Ok(seq);
        }
        use TicketState::{Assigned, Resolved, Waiting};
        let allowed: &[TicketState] = match op {
            "MARK" => &[Waiting, Assigned, Resolved],
            "RELEASE" => &[Assigned],
            "REOPEN" | "CLOSE" | "RATE" => &[Resolved],
            "CANCEL" => &[Waiting, Assigned, Resolved],
            _ => &[Waiting, Assigned],
        };
        if !allowed.contains(&self.tickets[i].state) {
            return Err("STATE");
        }
        let at = self.instant(line.at, self.tickets[i].last_at)?;
        let seq = match op {
            "INBOUND" | "RESUME" => self.back(i, at, op == "INBOUND", line),
            "RESPOND" | "PROGRESS" => self.contact(i, at, op == "RESPOND", line),
            "MARK" => self.mark(i, at, line),
            "PAUSE" => self.pause(i, at, line),
            "SET" => self.set(i, at, line)?,
            "STAGE" => self.stage(i, at, line),
            "EXTEND" => self.extend(i, at, line)?,
            "APPROVE" | "REJECT" => self.decide(i, at, op == "APPROVE", line)?,
            "ESCALATE" => return Err("STATE"),
            "TRANSFER" => self.transfer(i, at, line)?,
            "ASSIGN" => self.assign(i, at, line)?,
            "RELEASE" => self.release(i, at, line),
            "RESOLVE" => self.resolve(i, at, line),
            "REOPEN" => self.reopen(i, at, line),
            "RATE" => self.fact(i, at, rated(line), &Effects::default(), line),
            "CLOSE" => self.close(i, at, 0, Closed::Resolved, Some(line)),
            _ => {
                let how = Closed::parse(line.get("as").unwrap_or("withdrawn")).unwrap();
                self.close(i, at, 0, how, Some(line))
            }
        };
        if let Some(i) = self.find(id) {
            self.tickets[i].last_at = at;
        } else if let Some(gone) = self.gone.iter_mut().find(|g| g.id == id) {
            gone.last_at = at;
        }
        Ok(seq)
    }

    /// `at`, if it may be: not before `earliest`; a little ahead counts as now.
    pub(super) fn instant(&self, at: Option<UnixMs>, earliest: UnixMs) -> Result<UnixMs, &'static str> {
        match at {
            None => Ok(self.now),
            Some(at) if at > self.now + AHEAD_MS || at < earliest => Err("BADARG"),
            Some(at) => Ok(at.min(self.now)),
        }
    }

    /// The repeats whose result stands: the old seq.
    fn stands(&self, i: usize, op: &str, line: &Line) -> Option<Seq> {
        let t = &self.tickets[i];
        match op {
            "PAUSE" => t
                .paused
                .as_ref()
                .filter(|(r, _)| *r == line.reason)
                .map(|(_, seq)| *seq),
            "RESUME" if t.paused.is_none() => Some(t.resume_seq.unwrap_or(t.opened_seq)),
            "ASSIGN" if t.state == TicketState::Assigned && t.agent == line.pos[1] => Some(t.hold),
            "RESOLVE" if t.state == TicketState::Resolved => t.resolve_seq,
            "STAGE" if t.stage.0 == line.pos[1] => Some(t.stage.1),
            "RESPOND" if !t.any_unmet(&[Target::FirstResponse, Target::NextResponse, Target::Update]) => {
                t.respond_seq
            }
            _ => None,
        }
    }

    /// A command to a ticket that is not live.
    fn on_closed(&mut self, op: &str, line: &Line) -> Done {
        let Some(g) = self.gone.iter().position(|g| g.id == line.pos[0]) else {
            return Err("NOTFOUND");
        };
        if line.hold.is_some() {
            return Err("STATE");
        }
        let gone = &self.gone[g];
        let fact = match op {
            "RESOLVE" => return Ok(gone.resolve_seq.unwrap_or(gone.close_seq)),
            "CLOSE" | "CANCEL" => return Ok(gone.close_seq),
            "MARK" => TicketFact::Marked {
                name: line.pos[1].as_str().into(),
            },
            "RATE" => rated(line),
            _ => return Err("STATE"),
        };
        let at = self.instant(line.at, gone.last_at)?;
        let event = TicketEvent {
            id: line.pos[0].as_str().into(),
            queue: gone.queue.as_str().into(),
            agent: "".into(),
            prev: self.gone[g].last_seq,
            fact,
            clocks: None,
            origin: origin(line, true),
        };
        let seq = self.log(at, 0, Body::Ticket(event));
        self.gone[g].last_seq = seq;
        self.gone[g].last_at = at;
        Ok(seq)
    }

    /// A fact with nothing special about it: logged with the holder, its withdrawals after it.
    pub(super) fn fact(
        &mut self,
        i: usize,
        at: UnixMs,
        fact: TicketFact,
        effects: &Effects,
        line: &Line,
    ) -> Seq {
        let agent = self.tickets[i].agent.clone();
        let reason = line.name != "TICKET.PAUSE";
        let seq = self.log_ticket(i, (at, 0), &agent, fact, effects, origin(line, reason));
        let mut effects = Effects {
            list: Vec::new(),
            withdrawn: effects.withdrawn.clone(),
        };
        self.log_withdrawn(i, seq, &mut effects);
        seq
    }

    /// INBOUND and RESUME.
    fn back(&mut self, i: usize, at: UnixMs, inbound: bool, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let policy = rules::policy(&t.policy).unwrap();
        let mut effects = Effects::default();
        let resumed = match &t.paused {
            None => false,
            Some((reason, _)) => !inbound || policy.customer_pauses.contains(&reason.as_str()),
        };
        if resumed {
            t.end_pause(at);
            t.resume_clocks(at, &mut effects);
        }
        let agent = t.agent.clone();
        let over = if resumed && !agent.is_empty() {
            self.over(&agent)
        } else {
            0
        };
        let back = Return { resumed, over };
        let fact = if inbound {
            TicketFact::Inbound(back)
        } else {
            TicketFact::Resumed(back)
        };
        let seq = self.fact(i, at, fact, &effects, line);
        if resumed {
            self.tickets[i].resume_seq = Some(seq);
            if agent.is_empty() {
                self.offer_ticket(i, seq);
            } else if self.agent(&agent).is_some_and(|a| self.agents[a].has_left()) {
                let released = self.give_back(i, (self.now, seq), Released::AgentLeft, None);
                self.offer_ticket(i, released);
            }
        }
        seq
    }

    /// RESPOND and PROGRESS.
    fn contact(&mut self, i: usize, at: UnixMs, respond: bool, line: &Line) -> Seq {
        let read = |name: &str| line.get(name).map(|v| time::instant(name, v.as_bytes()).unwrap());
        let (eta, promise) = (read("eta"), read("promise"));
        let t = &mut self.tickets[i];
        let mut effects = Effects::default();
        if respond {
            t.meet(&Target::FirstResponse, at, &mut effects);
            t.meet(&Target::NextResponse, at, &mut effects);
        }
        // No level of either policy has a budget for updates: only a due set by hand can be met here.
        t.meet(&Target::Update, at, &mut effects);
        if !respond {
            for target in rules::policy(&t.policy).unwrap().met_by_progress {
                t.meet(&Target::parse(target).unwrap(), at, &mut effects);
            }
        }
        match promise {
            Some(due) => t.restart(at, Clock::new(Target::Promise, due, NEVER, true), &mut effects),
            None => t.meet(&Target::Promise, at, &mut effects),
        }
        let fact = if respond {
            TicketFact::Responded
        } else {
            TicketFact::Progressed {
                eta: eta.unwrap_or(NEVER),
                promise: promise.unwrap_or(NEVER),
            }
        };
        let seq = self.fact(i, at, fact, &effects, line);
        if respond {
            self.tickets[i].respond_seq = Some(seq);
        }
        seq
    }

    fn mark(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let name = line.pos[1].as_str();
        let mut effects = Effects::default();
        let aim = match name {
            "notice_sent" => Some(Target::Notice),
            "work_started" => Some(Target::WorkStart),
            "solution_sent" => Some(Target::Solution),
            _ => None,
        };
        for target in aim.into_iter().chain([Target::Custom(name.into())]) {
            self.tickets[i].meet(&target, at, &mut effects);
        }
        self.fact(i, at, TicketFact::Marked { name: name.into() }, &effects, line)
    }

    fn pause(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let policy = rules::policy(&t.policy).unwrap();
        let mut effects = Effects::default();
        let reason = line.reason.as_str();
        for c in 0..t.clocks.len() {
            let stops = policy.pauses(&t.clocks[c].target, reason);
            let stood = matches!(t.clocks[c].stand, Stand::Paused(_));
            if !t.clocks[c].unmet() || !stops && !stood {
                continue;
            }
            if !stood {
                let due = t.clocks[c].due;
                t.take_back(c, at, due, &mut effects);
            }
            let clock = &mut t.clocks[c];
            let due = clock.due_if_run(at);
            clock.shift_to(due);
            if stops {
                clock.rest(due - at, at);
                effects.add(
                    &clock.target,
                    ClockChange::Paused {
                        due,
                        remaining: due - at,
                    },
                );
            } else {
                clock.end_rest(at);
                clock.stand = Stand::Running;
                effects.add(
                    &clock.target,
                    ClockChange::Resumed {
                        due,
                        warn_at: clock.warn_at,
                        provisional: false,
                    },
                );
            }
        }
        let seq = self.fact(
            i,
            at,
            TicketFact::Paused {
                reason: reason.into(),
            },
            &effects,
            line,
        );
        self.tickets[i].end_pause(at);
        self.tickets[i].paused = Some((line.reason.clone(), seq));
        self.tickets[i].paused_at = at;
        seq
    }
}

fn rated(line: &Line) -> TicketFact {
    let named = line
        .fields
        .iter()
        .map(|(name, n)| (name.as_str().into(), n.parse().unwrap()))
        .collect();
    TicketFact::Rated(Box::new(Rated {
        score: line.pos[1].parse().unwrap(),
        named,
    }))
}
