//! A transaction: the events of one atomic frame, each applied the moment it is decided.

use super::Output;
use super::clock::Clock;
use super::effects::{Effects, TakenBack, Told, Undone};
use super::policies::Terms;
use super::state::State;
use super::ticket::{Due, NONE};
use crate::model::command::Common;
use crate::model::event::*;
use crate::model::reply::{Reply, Taken};
use crate::model::target::Target;
use crate::model::{Seq, TENANT_DEFAULT, Text, UnixMs};
use crate::policy::Trigger;

/// Decides and applies; `finish` ends the frame.
pub(super) struct Transaction<'a> {
    pub state: &'a mut State,
    pub out: &'a mut Output,
    pub now: UnixMs,
    /// Policy of tickets that name none.
    pub default_policy: &'a Text,
    /// Tickets that one LEAVE gives back at most.
    pub leave_max: usize,
    /// An EXEC: everything is one frame.
    pub one_frame: bool,
}

/// What an event about a ticket says beside its fact.
#[derive(Default)]
pub(super) struct Saying<'a> {
    pub cause: Seq,
    pub common: Option<&'a Common>,
    /// What it does to the clocks; what it shows to have been wrong is taken back.
    pub told: Told,
    /// The agent concerned, where it is not the holder.
    pub agent: Option<Text>,
    /// The queue afterwards, where it changes.
    pub queue: Option<Text>,
    /// The priority afterwards, where it changes.
    pub priority: Option<Text>,
    /// The policy and version afterwards, where they change.
    pub policy: Option<Text>,
}

impl Transaction<'_> {
    /// Adds an event to the frame and applies it.
    pub(super) fn emit(&mut self, at: UnixMs, cause: Seq, body: Body) -> Seq {
        let seq = self.state.seq + 1;
        let event = Event {
            at,
            logged_at: self.now,
            cause,
            tenant: TENANT_DEFAULT,
            body,
        };
        let applied = self.state.apply(seq, &event);
        // What was just decided on this state fits this state: anything else is a bug, and no log may hold it.
        assert!(applied.is_ok(), "event {seq} does not fit the state: {applied:?}");
        if self.out.events.is_empty() {
            self.out.first_seq = seq;
        }
        self.out.events.push(event);
        seq
    }

    /// Adds an event about a live ticket.
    pub(super) fn say(&mut self, slot: u32, at: UnixMs, fact: TicketFact, saying: Saying) -> Seq {
        self.breach_first(slot, at, &saying.told.effects);
        let Some(ticket) = self.state.tickets.get(slot) else {
            return self.state.seq;
        };
        let book = self.state.policies.book(ticket.book);
        let called = (!saying.told.taken_back.is_empty())
            .then(|| (book.versioned.clone(), book.priority_name(ticket.level).clone()));
        let (clocks, taken_back) = saying.told.clocks(
            || saying.policy.unwrap_or_else(|| book.versioned.clone()),
            || {
                let own = || book.priority_name(ticket.level).clone();
                saying.priority.unwrap_or_else(own)
            },
        );
        let event = TicketEvent {
            id: ticket.id.clone(),
            queue: saying
                .queue
                .unwrap_or_else(|| self.state.queues.name(ticket.queue).clone()),
            agent: saying
                .agent
                .unwrap_or_else(|| self.state.agent_name(ticket.agent)),
            prev: ticket.last_seq,
            fact,
            clocks,
            origin: origin(saying.common),
        };
        let measure = super::measures::measure(self.state, slot, &event.fact, at);
        self.out.measures.extend(measure);
        let closed = matches!(event.fact, TicketFact::Closed { .. });
        let gone = (closed && called.is_some()).then(|| (event.id.clone(), event.queue.clone()));
        let seq = self.emit(at, saying.cause, Body::Ticket(event));
        if let Some(called) = called {
            self.withdraw(slot, seq, taken_back, &called, gone.as_ref());
        }
        seq
    }

    /// The rules of a ticket, and what they say of tickets like it.
    pub(super) fn terms(&self, slot: u32) -> Terms {
        match self.state.tickets.get(slot) {
            Some(ticket) => self.state.terms_of(ticket),
            None => self.state.terms(0, 0, NONE),
        }
    }

    /// Fires everything that the ticket has overdue, each in a frame of its own. True if anything fired.
    pub(super) fn fire_overdue(&mut self, slot: u32) -> bool {
        if !self.state.horizons.is_empty() {
            self.reckon_first(slot);
        }
        // The wheel knows without looking at the clocks.
        if self.state.is_frozen() || self.state.wheel.at(slot).is_none_or(|at| at > self.now) {
            return false;
        }
        let mut fired = false;
        while let Some((instant, due)) = self
            .state
            .tickets
            .get(slot)
            .and_then(super::ticket::Ticket::next_due)
            && instant <= self.now
        {
            self.fire(slot, instant, due);
            self.end_frame();
            fired = true;
        }
        fired
    }

    /// One timer of a ticket goes off.
    pub(super) fn fire(&mut self, slot: u32, instant: UnixMs, due: Due) {
        let late_ms = self.now - instant;
        let cause = self.state.passed_over(instant);
        match due {
            Due::Close => {
                // What ran out by now runs on until here.
                let terms = self.terms(slot);
                let told = self.state.tickets.get(slot).map(|ticket| {
                    let mut effects = Effects::new(ticket, &terms, self.now);
                    effects.stop();
                    effects.finish()
                });
                self.say(
                    slot,
                    self.now,
                    TicketFact::Closed {
                        how: Closed::Resolved,
                    },
                    Saying {
                        cause,
                        told: told.unwrap_or_default(),
                        ..Saying::default()
                    },
                );
            }
            Due::Clock(target, firing) => {
                let Some((sla, by_level)) = self.sla_fact(slot, &target, late_ms) else {
                    return;
                };
                let common = crate::model::command::Common {
                    reason: by_level.then(|| Text::const_new("relevel")),
                    ..Default::default()
                };
                let (fact, common) = match firing {
                    super::clock::Firing::Warning => (TicketFact::Warned(sla), None),
                    super::clock::Firing::Breach => (TicketFact::Breached(sla), Some(&common)),
                    super::clock::Firing::Step(step) | super::clock::Firing::StepAfter(step) => {
                        return self.take_step(slot, *sla, step, cause);
                    }
                };
                self.say(
                    slot,
                    self.now,
                    fact,
                    Saying {
                        cause,
                        common,
                        ..Saying::default()
                    },
                );
            }
        }
    }

    /// Records the breaches that a fact which happened `at` would swallow, for it ends or moves clocks that ran out before.
    /// There are some only while timers are frozen: otherwise what is overdue fires before its ticket is touched.
    fn breach_first(&mut self, slot: u32, at: UnixMs, effects: &[ClockEffect]) {
        if effects.is_empty() || !self.state.is_frozen() {
            return;
        }
        let shown = at.min(self.now);
        let ran_out = |clock: &&Clock| clock.is_running() && !clock.breached && clock.due < shown;
        for ClockEffect { target, .. } in effects {
            let ticket = self.state.tickets.get(slot);
            let clock = ticket.and_then(|ticket| ticket.clock(target)).filter(ran_out);
            let Some(late_ms) = clock.map(|clock| self.now - clock.due - 1) else {
                continue;
            };
            if let Some((sla, _)) = self.sla_fact(slot, target, late_ms) {
                self.say(slot, self.now, TicketFact::Breached(sla), Saying::default());
            }
        }
    }

    /// What a warning or breach of this clock says, and whether a change of level made it late.
    pub(super) fn sla_fact(&self, slot: u32, target: &Target, late_ms: i64) -> Option<(Box<SlaFact>, bool)> {
        let ticket = self.state.tickets.get(slot)?;
        let clock = ticket.clock(target)?;
        let book = self.state.policies.book(ticket.book);
        let sla = SlaFact {
            target: target.clone(),
            due: clock.due,
            policy: book.versioned.clone(),
            priority: book.priority_name(ticket.level).clone(),
            late_ms,
        };
        Some((Box::new(sla), clock.late_by_level))
    }

    /// Gives tickets that became routable to agents that wait for one, until no waiting agent could take any.
    pub(super) fn match_waiting(&mut self) {
        let mut routable = std::mem::take(&mut self.state.routable);
        if self.state.routing.waiting.len() > 0 {
            routable.sort_by_key(|(slot, cause)| (self.order(*slot), *cause));
            routable.dedup_by_key(|(slot, _)| *slot);
            for (slot, cause) in routable.drain(..) {
                let Some(requirement) = self
                    .state
                    .tickets
                    .get(slot)
                    .filter(|ticket| self.state.is_routable(ticket))
                    .map(|ticket| ticket.requirement)
                else {
                    continue;
                };
                while self.is_routable(slot)
                    && let Some(agent) = self.state.routing.longest_waiting(requirement)
                {
                    self.assign_waiting(slot, agent, cause);
                }
            }
        }
        routable.clear();
        // What was assigned just now is routable no more; nothing new can have come.
        self.state.routable = routable;
    }

    /// An import is done: agents that wait get what it had held back, who has waited longest the best ticket.
    pub(super) fn serve_waiting(&mut self) {
        let cause = self.state.imports_done;
        while let Some((slot, agent)) = self.state.routing.best_for_waiting() {
            // What fired may have changed whom it goes to, or closed it.
            if !self.fire_overdue(slot) {
                self.assign_waiting(slot, agent, cause);
            }
        }
    }

    fn is_routable(&self, slot: u32) -> bool {
        self.state
            .tickets
            .get(slot)
            .is_some_and(|ticket| self.state.is_routable(ticket))
    }

    fn order(&self, slot: u32) -> (u8, UnixMs, UnixMs, Seq) {
        let last = (u8::MAX, UnixMs::MAX, UnixMs::MAX, Seq::MAX);
        let ticket = self.state.tickets.get(slot);
        ticket.map_or(last, |t| (t.rank, t.live_deadline(), t.opened_at, t.opened_seq))
    }

    /// The ticket goes to an agent whose NEXT waits, as a consequence of `cause`.
    pub(super) fn assign_waiting(&mut self, slot: u32, agent: u32, cause: Seq) {
        let Some(waiter) = self.state.routing.waiting.end(agent) else {
            return;
        };
        // Another command may have bound the token meanwhile: its reply is this one's too, and the ticket stays.
        if let Some(bound) = self.bound(waiter.common.as_deref()) {
            self.out
                .wakes
                .push((waiter.id, bound.unwrap_or_else(Reply::Refused)));
            return;
        }
        let taken = self.assign_next(slot, agent, cause, waiter.common.as_deref());
        self.out.wakes.push((waiter.id, taken));
    }

    /// The ticket goes to the agent that asked for the next one.
    pub(super) fn assign_next(
        &mut self,
        slot: u32,
        agent: u32,
        cause: Seq,
        common: Option<&Common>,
    ) -> Reply {
        let terms = self.terms(slot);
        let Some(ticket) = self.state.tickets.get(slot) else {
            return Reply::Null;
        };
        let at = self.now.max(ticket.commanded_at);
        let mut effects = Effects::new(ticket, &terms, at);
        effects.enter(TicketState::Assigned);
        effects.happens(&Trigger::Assign);
        let told = effects.finish();
        let name = self.state.agent_name(agent);
        let fact = TicketFact::Assigned {
            how: AssignedHow::Next,
            over: 0,
            from: Text::default(),
        };
        let saying = Saying {
            cause,
            common,
            told,
            agent: Some(name),
            ..Saying::default()
        };
        self.say(slot, at, fact, saying);
        self.state
            .taken(slot)
            .map_or(Reply::Null, |taken| Reply::Taken(Box::new(taken)))
    }

    /// Takes back warnings and breaches that a back-dated fact has shown to be wrong.
    /// What was given is `called` by the policy and the priority that the ticket had then; `gone`: the id
    /// and the queue of a ticket that the fact has closed.
    fn withdraw(
        &mut self,
        slot: u32,
        cause: Seq,
        taken_back: Vec<TakenBack>,
        called: &(Text, Text),
        gone: Option<&(Text, Text)>,
    ) {
        for TakenBack {
            target,
            due,
            what,
            again,
        } in taken_back
        {
            let breach = what == Undone::Breach;
            let rung = match what {
                Undone::Step(rung) => Some(rung),
                Undone::Warning | Undone::Breach => None,
            };
            let (step, ladder) = rung
                .as_ref()
                .map_or((None, 0), |rung| (Some(rung.step), rung.ladder));
            let sla = SlaFact {
                target,
                due,
                policy: called.0.clone(),
                priority: called.1.clone(),
                late_ms: 0,
            };
            let fact = TicketFact::Withdrawn(Box::new(Withdrawn {
                sla,
                breach,
                step,
                at_word: rung.map(|rung| rung.word).unwrap_or_default(),
                ladder,
                again,
            }));
            let saying = Saying {
                cause,
                ..Saying::default()
            };
            match gone {
                None => self.say(slot, self.now, fact, saying),
                Some((id, queue)) => self.say_of_gone(id, queue, cause, fact),
            };
        }
    }

    /// Adds a consequence to what is known of a ticket that this very frame has closed.
    fn say_of_gone(&mut self, id: &Text, queue: &Text, cause: Seq, fact: TicketFact) -> Seq {
        let Some(closed) = self.state.closed.get(id) else {
            return cause;
        };
        let event = TicketEvent {
            id: id.clone(),
            queue: queue.clone(),
            agent: Text::default(),
            prev: closed.last_seq,
            fact,
            clocks: None,
            origin: None,
        };
        self.emit(self.now, cause, Body::Ticket(event))
    }

    /// The agent's waiting NEXT, if any, ends with nothing.
    pub(super) fn end_wait(&mut self, agent: u32) {
        if let Some(waiter) = self.state.routing.waiting.end(agent) {
            self.out.wakes.push((waiter.id, Reply::Null));
        }
    }

    /// What happened since the last end is one atomic frame.
    pub(super) fn end_frame(&mut self) {
        if self.one_frame {
            return;
        }
        let end = self.out.events.len();
        if self.out.frame_ends.last().copied().unwrap_or(0) < end {
            self.out.frame_ends.push(end);
        }
    }
}

/// Who and why, if said.
pub(super) fn origin(common: Option<&Common>) -> Option<Box<Origin>> {
    let common = common.filter(|c| c.by.is_some() || c.reason.is_some() || c.token.is_some())?;
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    Some(Box::new(Origin {
        by: text(&common.by),
        reason: text(&common.reason),
        token: text(&common.token),
        fingerprint: if common.token.is_some() {
            common.fingerprint
        } else {
            0
        },
    }))
}

impl State {
    /// AGENT.NEXT's reply for a ticket just assigned.
    pub(super) fn taken(&self, slot: u32) -> Option<Taken> {
        let ticket = self.tickets.get(slot)?;
        let book = self.policies.book(ticket.book);
        Some(Taken {
            ticket: ticket.id.clone(),
            hold: ticket.hold,
            seq: ticket.hold,
            queue: self.queues.name(ticket.queue).clone(),
            priority: book.priority_name(ticket.level).clone(),
            policy: book.versioned.clone(),
            due: ticket.live_deadline(),
        })
    }
}
