//! What the model remembers: tickets, clocks, agents, waits. Plain lists; everything is found by looking at all of it.

use slad::model::event::{ClockChange, ClockEffect, Presence, SlaFact, TicketState, Withdrawn};
use slad::model::skill::{Required, Skill};
use slad::model::target::Target;
use slad::model::{NEVER, Seq, UnixMs};

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stand {
    Running,
    /// What was left when it stopped.
    Paused(i64),
    Met,
    Stopped,
}

/// One SLA timer of a ticket.
#[derive(Debug, Clone)]
pub struct Clock {
    pub target: Target,
    pub due: UnixMs,
    pub warn_at: UnixMs,
    pub by_hand: bool,
    pub stand: Stand,
    /// The instant of the warning that was given.
    pub warned: Option<UnixMs>,
    pub breached: bool,
    /// The due that it missed.
    pub missed: UnixMs,
    /// Met or stopped by the RESOLVE that stands.
    pub by_resolve: bool,
    /// Stopped because a new level lacks it.
    pub by_level: bool,
    /// Its due was past when a TICKET.SET gave it.
    pub past_when_set: bool,
    /// When a new level stopped it.
    pub stopped_at: UnixMs,
    /// Where its budget counts from.
    pub start: UnixMs,
    /// Since when it stands still.
    pub since: UnixMs,
    /// What moved its due since it started, in order.
    pub moves: Vec<Move>,
}

/// What moved a due.
#[derive(Debug, Clone)]
pub enum Move {
    Stood(UnixMs, UnixMs),
    Longer(slad::model::time::Span),
}

/// What is kept of a clock beside the clock.
#[derive(Debug, Clone)]
pub struct Past {
    pub target: Target,
    pub first_due: Option<UnixMs>,
    pub first_breach: Option<UnixMs>,
    pub asked: Option<slad::model::event::Extension>,
}

impl Clock {
    pub fn new(target: Target, due: UnixMs, warn_at: UnixMs, by_hand: bool) -> Clock {
        Clock {
            target,
            due,
            warn_at,
            by_hand,
            stand: Stand::Running,
            warned: None,
            breached: false,
            missed: NEVER,
            by_resolve: false,
            by_level: false,
            past_when_set: false,
            stopped_at: 0,
            start: 0,
            since: 0,
            moves: Vec::new(),
        }
    }

    /// It stands still with what is left of it, or goes on doing so.
    pub fn rest(&mut self, remaining: i64, at: UnixMs) {
        if !matches!(self.stand, Stand::Paused(_)) {
            self.since = at;
        }
        self.stand = Stand::Paused(remaining);
    }

    /// It stood still up to here.
    pub fn end_rest(&mut self, at: UnixMs) {
        if let Stand::Paused(_) = self.stand {
            self.moves.push(Move::Stood(self.since, at));
        }
    }

    /// The due of another budget, from the start on, as it was when the clock stopped if it stands still.
    pub fn refigured(&self, budget_ms: i64) -> UnixMs {
        let mut due = self.start + budget_ms;
        for moved in &self.moves {
            match moved {
                Move::Stood(from, to) => due += to.max(&self.start) - from.max(&self.start),
                Move::Longer(span) => due = span.after(due),
            }
        }
        due
    }

    /// Running or standing still: not met, not given up.
    pub fn unmet(&self) -> bool {
        matches!(self.stand, Stand::Running | Stand::Paused(_))
    }

    /// When it would run out if it went on at `at`.
    pub fn due_if_run(&self, at: UnixMs) -> UnixMs {
        match self.stand {
            Stand::Paused(remaining) => at + remaining,
            _ => self.due,
        }
    }

    /// Moves the due, and the warning with it if one is to come.
    pub fn shift_to(&mut self, due: UnixMs) {
        if self.warn_at != NEVER {
            self.warn_at += due - self.due;
        }
        self.due = due;
    }
}

/// A live ticket.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: String,
    pub state: TicketState,
    pub queue: String,
    pub queue_by_policy: bool,
    pub agent: String,
    pub hold: Seq,
    pub policy: String,
    pub version: u32,
    pub priority: String,
    /// While a command changes it: as it was.
    pub priority_before: Option<String>,
    pub rank: u8,
    pub skills: Vec<Required>,
    pub details: slad::model::event::Details,
    pub opened_at: UnixMs,
    pub opened_seq: Seq,
    pub last_seq: Seq,
    /// `at` of the last commanded event.
    pub last_at: UnixMs,
    pub print: String,
    pub paused: Option<(String, Seq)>,
    pub paused_at: UnixMs,
    /// The pauses that are over.
    pub pauses: Vec<(String, UnixMs, UnixMs)>,
    pub resume_seq: Option<Seq>,
    pub respond_seq: Option<Seq>,
    pub resolve_seq: Option<Seq>,
    pub resolved_at: UnixMs,
    pub close_at: UnixMs,
    /// Sorted by target.
    pub clocks: Vec<Clock>,
    /// The stage it is in, and the event by which it came there.
    pub stage: (String, Seq),
    pub pasts: Vec<Past>,
}

/// What commands did to the clocks, on the way to an event.
#[derive(Default)]
pub struct Effects {
    pub list: Vec<ClockEffect>,
    pub withdrawn: Vec<Withdrawn>,
}

impl Effects {
    pub fn add(&mut self, target: &Target, change: ClockChange) {
        self.list.push(ClockEffect {
            target: target.clone(),
            change,
        });
        self.list.sort_by(|a, b| a.target.cmp(&b.target));
    }
}

impl Ticket {
    /// Earliest due among the running clocks.
    pub fn live_due(&self) -> UnixMs {
        self.clocks
            .iter()
            .filter(|c| c.stand == Stand::Running)
            .map(|c| c.due)
            .min()
            .unwrap_or(NEVER)
    }

    /// The order of a queue.
    pub fn order(&self) -> (u8, UnixMs, UnixMs, Seq) {
        (self.rank, self.live_due(), self.opened_at, self.opened_seq)
    }

    pub fn routable(&self) -> bool {
        self.state == TicketState::Waiting && self.paused.is_none() && self.queue != "none"
    }

    pub fn policy_text(&self) -> String {
        format!("{}@{}", self.policy, self.version)
    }

    pub fn clock(&self, target: &Target) -> Option<usize> {
        self.clocks.iter().position(|c| c.target == *target)
    }

    fn unmet(&self, target: &Target) -> Option<usize> {
        self.clock(target).filter(|i| self.clocks[*i].unmet())
    }

    pub fn any_unmet(&self, targets: &[Target]) -> bool {
        targets.iter().any(|t| self.unmet(t).is_some())
    }

    /// A fact at `at` meets, ends, stops or moves the clock: what fired after that instant is taken back. Whoever calls says
    /// afterwards, by [`Ticket::say_again`], when a warning comes again.
    pub fn take_back(&mut self, i: usize, at: UnixMs, due: UnixMs, effects: &mut Effects) {
        let sla = SlaFact {
            target: self.clocks[i].target.clone(),
            due,
            policy: self.policy_text().into(),
            // What was given is called as it was then.
            priority: self
                .priority_before
                .as_ref()
                .unwrap_or(&self.priority)
                .as_str()
                .into(),
            late_ms: 0,
        };
        let clock = &mut self.clocks[i];
        if clock.warned.is_some_and(|w| at < w) {
            effects.withdrawn.push(Withdrawn {
                sla: sla.clone(),
                breach: false,
                step: None,
                at_word: Default::default(),
                ladder: 0,
                again: slad::model::NEVER,
            });
            // Taken back, it may come again.
            clock.warn_at = clock.warned.take().unwrap();
        }
        if clock.breached && at <= clock.missed {
            let sla = SlaFact {
                due: clock.missed,
                ..sla
            };
            effects.withdrawn.push(Withdrawn {
                sla,
                breach: true,
                step: None,
                at_word: Default::default(),
                ladder: 0,
                again: slad::model::NEVER,
            });
            clock.breached = false;
            let (target, missed) = (clock.target.clone(), clock.missed);
            let past = self.past(&target);
            past.first_breach = past.first_breach.filter(|first| *first != missed);
        }
    }

    /// The pause, if one is in force, is over.
    pub fn end_pause(&mut self, at: UnixMs) {
        if let Some((reason, _)) = self.paused.take() {
            self.pauses.push((reason, self.paused_at, at));
        }
    }

    /// In which pauses between two instants a clock of this target would have stood still.
    pub fn stood(&self, target: &Target, from: UnixMs, to: UnixMs) -> Vec<Move> {
        let policy = super::rules::policy(&self.policy).unwrap();
        let mut all = self.pauses.clone();
        all.extend(
            self.paused
                .iter()
                .map(|(reason, _)| (reason.clone(), self.paused_at, to)),
        );
        all.into_iter()
            .filter(|(reason, ..)| policy.pauses(target, reason))
            .map(|(_, since, until)| (since.max(from), until.min(to)))
            .filter(|(since, until)| since < until)
            .map(|(since, until)| Move::Stood(since, until))
            .collect()
    }

    /// What is kept of a clock; made if need be.
    pub fn past(&mut self, target: &Target) -> &mut Past {
        if !self.pasts.iter().any(|p| p.target == *target) {
            self.pasts.push(Past {
                target: target.clone(),
                first_due: None,
                first_breach: None,
                asked: None,
            });
        }
        self.pasts.iter_mut().find(|p| p.target == *target).unwrap()
    }

    /// Meets the clock if it is unmet.
    pub fn meet(&mut self, target: &Target, at: UnixMs, effects: &mut Effects) {
        let Some(i) = self.unmet(target) else { return };
        let due = self.clocks[i].due_if_run(at);
        self.take_back(i, at, due, effects);
        self.clocks[i].shift_to(due);
        self.clocks[i].end_rest(at);
        self.clocks[i].stand = Stand::Met;
        effects.add(target, ClockChange::Met { at, due });
    }

    /// Meets the cycle that runs, if one does, and begins the next one.
    pub fn restart(&mut self, at: UnixMs, fresh: Clock, effects: &mut Effects) {
        self.meet(&fresh.target.clone(), at, effects);
        self.start((at, at), fresh, effects);
    }

    /// Starts a clock counted from `start` by a fact at `at`, in place of one that is met or stopped.
    pub fn start(&mut self, (start, at): (UnixMs, UnixMs), fresh: Clock, effects: &mut Effects) {
        let (due, warn_at, by_hand) = (fresh.due, fresh.warn_at, fresh.by_hand);
        let target = fresh.target.clone();
        effects.add(
            &target,
            ClockChange::Started {
                start,
                due,
                warn_at,
                by_hand,
                provisional: false,
            },
        );
        let missed = self.clocks.iter().find(|c| c.target == target && c.breached);
        if let Some(missed) = missed.map(|c| c.missed) {
            let past = self.past(&target);
            past.first_breach = Some(past.first_breach.map_or(missed, |first| first.min(missed)));
        }
        if let Some(i) = self.unmet(&target) {
            let due = self.clocks[i].due_if_run(at);
            self.take_back(i, at, due, effects);
        }
        self.clocks.retain(|c| c.target != target);
        self.clocks.push(Clock { start, ..fresh });
        self.clocks.sort_by(|a, b| a.target.cmp(&b.target));
        let i = self.clock(&target).unwrap();
        self.stand_still(i, at, effects);
    }

    /// A clock that begins to run during a pause that names it stands still at once.
    pub fn stand_still(&mut self, i: usize, at: UnixMs, effects: &mut Effects) {
        let Some((reason, _)) = &self.paused else { return };
        if super::rules::policy(&self.policy)
            .unwrap()
            .pauses(&self.clocks[i].target, reason)
        {
            let due = self.clocks[i].due;
            self.clocks[i].rest(due - at, at);
            effects.add(
                &self.clocks[i].target,
                ClockChange::Paused {
                    due,
                    remaining: due - at,
                },
            );
        }
    }

    /// Another due for a clock in its present cycle; what fired stays fired.
    pub fn move_to(
        &mut self,
        i: usize,
        at: UnixMs,
        (due, warn_at, by_hand): (UnixMs, UnixMs, bool),
        effects: &mut Effects,
    ) {
        let ran_out = self.clocks[i].due_if_run(at);
        self.take_back(i, at, ran_out, effects);
        let clock = &mut self.clocks[i];
        if let Stand::Paused(remaining) = &mut clock.stand {
            *remaining += due - clock.due;
        }
        (clock.due, clock.warn_at, clock.by_hand) = (due, warn_at, by_hand);
        effects.add(
            &clock.target,
            ClockChange::Moved {
                due,
                warn_at,
                by_hand,
                provisional: false,
            },
        );
    }

    /// The clock no longer counts.
    pub fn stop(&mut self, i: usize, at: UnixMs, effects: &mut Effects) {
        let due = self.clocks[i].due_if_run(at);
        self.take_back(i, at, due, effects);
        self.clocks[i].shift_to(due);
        self.clocks[i].end_rest(at);
        self.clocks[i].stand = Stand::Stopped;
        self.clocks[i].by_level = false;
        effects.add(&self.clocks[i].target, ClockChange::Stopped { due });
    }

    /// Stops every clock that still runs or stands still.
    pub fn stop_all(&mut self, at: UnixMs, effects: &mut Effects) {
        for i in 0..self.clocks.len() {
            if self.clocks[i].unmet() {
                self.stop(i, at, effects);
            }
        }
    }

    /// Ends the pause for every clock that stands still.
    pub fn resume_clocks(&mut self, at: UnixMs, effects: &mut Effects) {
        for clock in &mut self.clocks {
            if let Stand::Paused(remaining) = clock.stand {
                clock.shift_to(at + remaining);
                clock.end_rest(at);
                clock.stand = Stand::Running;
                effects.add(
                    &clock.target,
                    ClockChange::Resumed {
                        due: clock.due,
                        warn_at: clock.warn_at,
                        provisional: false,
                    },
                );
            }
        }
    }
}

/// What is kept of a closed ticket.
#[derive(Debug, Clone)]
pub struct Gone {
    pub id: String,
    pub how: &'static str,
    pub resolve_seq: Option<Seq>,
    pub close_seq: Seq,
    pub last_seq: Seq,
    pub queue: String,
    /// `at` of its last commanded event.
    pub last_at: UnixMs,
}

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    pub id: String,
    pub queues: Vec<String>,
    pub skills: Vec<Skill>,
    pub capacity: u32,
    pub label: String,
    pub presence: Presence,
    pub reason: String,
    pub changed_seq: Seq,
    pub presence_seq: Option<Seq>,
}

impl Agent {
    /// Was there and is no more; who pulls without ever having been ready has not left.
    pub fn has_left(&self) -> bool {
        self.presence == Presence::Offline && self.presence_seq.is_some()
    }

    pub fn serves(&self, queue: &str) -> bool {
        queue != "none" && (self.queues.is_empty() || self.queues.iter().any(|q| q == queue))
    }

    pub fn can(&self, required: &[Required]) -> bool {
        required.iter().all(|r| {
            self.skills
                .iter()
                .any(|s| s.name == r.name && s.level >= r.level_min)
        })
    }
}

/// A NEXT that waits.
#[derive(Debug, Clone)]
pub struct Wait {
    pub agent: String,
    pub conn: usize,
    pub line: super::parse::Line,
}
