//! Floor 2, the single writer: (state, now, command) → events. Pure: no clock, no thread, no I/O, no chance.
//!
//! | place | idea |
//! |---|---|
//! | `state` | all that the engine knows; `ticket`, `agent`, `clock`, `policies`, `names` are its parts |
//! | `apply` | an event changes the state: the only way it changes, in operation and on replay alike |
//! | `decide` | a command becomes events or a refusal; one file a family of commands |
//! | `effects` | what a fact does to SLA clocks under the ticket's policy |
//! | `transaction` | the events of one atomic frame, each applied the moment it is decided |
//! | `routing` | requirements, profiles, lanes, waiting NEXTs: derived, rebuilt at start |
//! | `measures`, `frame_size` | how long things took; how much one frame may hold |
//! | `choice` | which version of a policy a new ticket gets |
//! | `migration` | open tickets go over to another version of their policy, some at a time |
//! | `steps` | what a step of an escalation ladder does to its ticket |
//! | `calendars`, `horizon` | versions of calendars; dues past what was published |
//! | `reminders` | what queues are reminded of |
//! | `timers`, `jump` | expiry is an input: `advance(now)`; what a jump of the clock does |
//! | `reads` | GET, LIST, COUNT, queues; long ones in slices |
//! | `canon`, `records`, `copying` | the state hash; snapshots of one seq while commands go on |
//!
//! **Invariant**: nothing changes state but [`Engine::replay`] and what `decide` and `timers` emit, which go through
//! the same `apply`. **Invariant**: a ticket is in exactly one place: in a lane, in an agent's hands, or in neither
//! because it is paused, resolved or not routed. **Invariant**: no waiting NEXT could take a waiting ticket.

mod agent;
mod apply;
mod calendars;
mod canon;
mod choice;
mod clock;
mod copying;
mod decide;
mod effects;
mod frame_size;
mod horizon;
mod jump;
mod measures;
mod migration;
mod names;
mod policies;
mod reads;
mod records;
mod reminders;
mod routing;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod ticket;
mod timers;
mod transaction;

pub use copying::SnapshotHead;
pub use measures::Measure;
pub use migration::Migrated;
pub use reads::{Figures, QueueFigures, Scan};
pub use state::QueueCounts;

use crate::model::command::Command;
use crate::model::event::{Body, ClockJumped, Event, PolicyActivated};
use crate::model::record::Record;
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, Seq, Text, UnixMs};
use decide::Next;
use state::State;
use transaction::Transaction;

/// The daemon's number for a waiting AGENT.NEXT: unique while it waits.
pub type WaiterId = u64;

/// What the engine needs to be told once.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Policy of tickets that name none.
    pub default_policy: Text,
    /// Queues known beside those of the policies.
    pub queues: Vec<Text>,
    /// Time is moved by CLOCK.ADVANCE: timers are stamped with their own instants.
    pub virtual_clock: bool,
    /// Closed tickets remembered at most.
    pub closed_max: usize,
    /// Tokens kept at most.
    pub tokens_max: usize,
    /// Tickets that one AGENT.LEAVE gives back at most: they are one frame.
    pub leave_max: usize,
    /// A transaction's frame takes nothing more once its events may take this many bytes in the log.
    pub frame_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            default_policy: Text::const_new("service-levels"),
            queues: Vec::new(),
            virtual_clock: false,
            closed_max: 1_000_000,
            tokens_max: 1_000_000,
            leave_max: 100_000,
            frame_bytes_max: frame_size::FRAME_BYTES_MAX,
        }
    }
}

/// What commands and timers produced: to be logged, then released. Reuse it: `clear` keeps the room.
#[derive(Debug, Default)]
pub struct Output {
    /// Seq of `events[0]`.
    pub first_seq: Seq,
    /// Events with dense seqs.
    pub events: Vec<Event>,
    /// Ends of the frames: `events[previous..end]` is atomic.
    pub frame_ends: Vec<usize>,
    /// Waiting NEXTs that ended; to be answered once all of `events` is as durable as promised.
    pub wakes: Vec<(WaiterId, Reply)>,
    /// What ended by these events, and how long it took.
    pub measures: Vec<Measure>,
}

impl Output {
    /// Empties it.
    pub fn clear(&mut self) {
        self.first_seq = 0;
        self.events.clear();
        self.frame_ends.clear();
        self.wakes.clear();
        self.measures.clear();
    }

    /// The frames: seq of the first event, and the events.
    pub fn frames(&self) -> impl Iterator<Item = (Seq, &[Event])> {
        let starts = std::iter::once(0).chain(self.frame_ends.iter().copied());
        starts
            .zip(&self.frame_ends)
            .map(|(start, end)| (self.first_seq + start as Seq, &self.events[start..*end]))
    }
}

/// What a command comes to.
#[derive(Debug)]
pub enum Outcome {
    /// The reply.
    Done(Reply),
    /// An AGENT.NEXT that waits: its reply comes in [`Output::wakes`].
    Waiting,
    /// A long read: run [`Engine::scan`] until it replies.
    Scan(Box<Scan>),
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    state: State,
    config: Config,
    /// Where the migration under way goes on.
    job: migration::Job,
    /// What ran out before the start has not fired yet.
    catches_up: bool,
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(config: Config) -> Engine {
        let mut state = State::new(config.closed_max, config.tokens_max);
        for queue in &config.queues {
            state.queues.intern(queue);
        }
        let job = migration::Job::default();
        Engine {
            state,
            config,
            job,
            catches_up: false,
        }
    }

    /// Some `records` are about to be taken in: makes room for as many tickets, so that the index is not grown step by step.
    pub fn expect(&mut self, records: u64) {
        self.state.expect(usize::try_from(records).unwrap_or(0));
    }

    /// Takes in a record of a snapshot. Policies come first, as [`Engine::snapshot_step`] gives them.
    pub fn restore(&mut self, record: Record) -> Result<(), String> {
        self.state.restore(record)
    }

    /// All records were given: the snapshot is of this seq.
    pub fn restored(&mut self, seq: Seq) {
        self.state.restored();
        self.state.seq = seq;
    }

    /// Applies an event of the log.
    pub fn replay(&mut self, seq: Seq, event: &Event) -> Result<(), String> {
        self.state.apply(seq, event)
    }

    /// Loading is over: builds wheel and lanes (about 0.2 µs a ticket).
    pub fn ready(&mut self, now: UnixMs) {
        self.state.live = true;
        self.state.resume_horizons();
        self.state.wheel = crate::collections::Wheel::new(now);
        for slot in 0..self.state.tickets.capacity_slots() {
            self.state.derive(slot, 0);
        }
        // Under a virtual clock nothing runs out while there is no daemon.
        let late = self.state.wheel.next_at().is_some_and(|at| at <= now);
        self.catches_up = late && !self.config.virtual_clock;
    }

    fn transaction<'a>(&'a mut self, now: UnixMs, one_frame: bool, out: &'a mut Output) -> Transaction<'a> {
        let Engine { state, config, .. } = self;
        Transaction {
            state,
            out,
            now,
            default_policy: &config.default_policy,
            leave_max: config.leave_max,
            one_frame,
        }
    }

    /// Carries out one command at `now`, which never runs backwards but by a jump that was recorded. `waiter` is the number under which an AGENT.NEXT
    /// may wait; 0: it may not.
    pub fn execute(&mut self, now: UnixMs, command: &Command, waiter: WaiterId, out: &mut Output) -> Outcome {
        if let Command::Read(read) = command {
            return reads::read(&mut self.state, now, read);
        }
        let mut transaction = self.transaction(now, false, out);
        let next = decide::run(&mut transaction, command, waiter);
        transaction.end_frame();
        match next {
            Ok(Next::Reply(reply)) => Outcome::Done(reply),
            Ok(Next::Wait) => Outcome::Waiting,
            Err(refusal) => Outcome::Done(Reply::Refused(refusal)),
        }
    }

    /// EXEC: all commands in one instant and one frame, a reply each; nothing waits.
    pub fn execute_all(&mut self, now: UnixMs, commands: &[Command], out: &mut Output) -> Vec<Reply> {
        let mut replies = Vec::with_capacity(commands.len());
        let (mut frame_bytes, mut counted) = (0, out.events.len());
        for command in commands {
            frame_bytes += frame_size::estimate(&out.events[counted..]);
            counted = out.events.len();
            replies.push(match command {
                Command::Read(read) => match reads::read(&mut self.state, now, read) {
                    Outcome::Done(reply) => reply,
                    Outcome::Waiting => Reply::Null,
                    Outcome::Scan(mut scan) => loop {
                        if let Some(reply) = self.scan(now, &mut scan, usize::MAX) {
                            break reply;
                        }
                    },
                },
                command if command.writes() && frame_bytes > self.config.frame_bytes_max => {
                    Reply::Refused(Refusal::new(
                        Code::Limit,
                        "this transaction has logged as much as one frame holds: put the rest into another",
                    ))
                }
                command => match decide::run(&mut self.transaction(now, true, out), command, 0) {
                    Ok(Next::Reply(reply)) => reply,
                    Ok(Next::Wait) => Reply::Null,
                    Err(refusal) => Reply::Refused(refusal),
                },
            });
        }
        self.transaction(now, false, out).end_frame();
        replies
    }

    /// A fact of the daemon itself, in a frame of its own.
    pub fn record(&mut self, now: UnixMs, body: Body, out: &mut Output) -> Seq {
        let mut transaction = self.transaction(now, false, out);
        let seq = transaction.emit(now, 0, body);
        transaction.end_frame();
        seq
    }

    /// Facts of the daemon itself, all in one frame: the seq of the first.
    pub fn record_all(&mut self, now: UnixMs, bodies: Vec<Body>, out: &mut Output) -> Seq {
        let mut transaction = self.transaction(now, false, out);
        let first = transaction.state.seq + 1;
        for body in bodies {
            transaction.emit(now, 0, body);
        }
        transaction.end_frame();
        first
    }

    /// A waiting NEXT ends unanswered: its time is over, or its connection is gone. False: it had ended before.
    pub fn cancel_wait(&mut self, waiter: WaiterId) -> bool {
        self.state.routing.waiting.cancel(waiter)
    }

    /// Goes on with a long read; looks at `slots_max` slots at most. `None`: not finished, call again.
    pub fn scan(&mut self, now: UnixMs, scan: &mut Scan, slots_max: usize) -> Option<Reply> {
        scan.step(&self.state, now, slots_max)
    }

    /// Newest event.
    pub fn seq(&self) -> Seq {
        self.state.seq
    }

    /// The last jump of the real clock: by it a daemon that starts again knows which clock holds.
    pub fn last_jump(&self) -> Option<ClockJumped> {
        self.state.jumped.map(|jumped| jumped.jump)
    }

    /// Do timers wait until it is decided which clock holds?
    pub fn is_frozen(&self) -> bool {
        self.state.is_frozen()
    }

    /// Is this log written under a virtual clock? Then it needs one again.
    pub fn is_virtual(&self) -> bool {
        self.state.virtual_clock
    }

    /// Newest instant at which an event was logged, since the clock last jumped.
    pub fn last_instant(&self) -> UnixMs {
        self.state.logged_at
    }

    /// The state hash. Cost: a hash for each entity changed since the last look, 8,192 at most.
    pub fn state_hash(&mut self) -> u64 {
        self.state.hash()
    }

    /// Newest event of a live or remembered ticket: the head of its chain of events.
    pub fn last_event_of(&self, ticket: &str) -> Option<Seq> {
        let live = self
            .state
            .ticket_slot(ticket)
            .and_then(|slot| self.state.tickets.get(slot))
            .map(|t| t.last_seq);
        live.or_else(|| self.state.closed.get(ticket).map(|closed| closed.last_seq))
    }

    /// The newest version of a policy, a pilot or not.
    pub fn newest_policy(&self, name: &str) -> Option<&PolicyActivated> {
        let policies = &self.state.policies;
        Some(policies.fact(policies.newest(name)?))
    }

    /// Version and text hash of the newest version of a policy.
    pub fn policy_hash(&self, name: &str) -> Option<(u32, u64)> {
        let fact = self.newest_policy(name)?;
        Some((fact.version, fact.hash))
    }

    /// The newest version of each calendar.
    pub fn newest_calendars(&self) -> impl Iterator<Item = &crate::model::calendar::CalendarExtended> {
        let calendars = &self.state.calendars;
        calendars.names().filter_map(|name| calendars.newest_fact(name))
    }

    /// The names of the policies, in their order.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.state.policies.names()
    }

    /// The versions that count for a ticket, open or new.
    pub fn policies_in_force(&self) -> impl Iterator<Item = &crate::model::event::PolicyActivated> {
        let policies = &self.state.policies;
        let versions = policies.names().flat_map(|name| policies.all(name));
        let in_force = versions.copied().filter(|number| {
            let name = policies.fact(*number).name.as_str();
            let is_for_new = [policies.active(name), policies.newest(name)].contains(&Some(*number));
            is_for_new || self.state.open_under(*number) > 0
        });
        in_force.map(|number| policies.fact(number))
    }

    /// The versions of a policy that open tickets are under, and how many; also those that migrations under way bring
    /// tickets to, though none may be there yet.
    pub fn versions_in_use(&self, name: &str) -> Vec<(u32, u64)> {
        let under_way = || self.state.migrations.iter().map(|record| &record.migration);
        let is_goal = |version| under_way().any(|m| m.policy == name && m.to == version);
        let all = self.state.policies.all(name).iter();
        let used = all.map(|number| {
            (
                self.state.policies.fact(*number).version,
                self.state.open_under(*number),
            )
        });
        used.filter(|(version, open)| *open > 0 || is_goal(*version))
            .collect()
    }

    /// Version and text hash of the newest version of a calendar.
    pub fn calendar_hash(&self, name: &str) -> Option<(u32, u64)> {
        let fact = self.state.calendars.newest_fact(name)?;
        Some((fact.version, fact.hash))
    }

    /// Begins a snapshot of this very moment; `None` while another one runs.
    pub fn snapshot_begin(&mut self) -> Option<SnapshotHead> {
        self.state.snapshot_begin()
    }

    /// Copies up to `records_max` entities to `out`; true: there are more.
    pub fn snapshot_step(&mut self, records_max: usize, out: &mut Vec<Record>) -> bool {
        self.state.snapshot_step(records_max, out)
    }

    /// Gives the snapshot up.
    pub fn snapshot_abort(&mut self) {
        self.state.snapshot_abort();
    }

    /// Looks on for the ticket that has waited longest, by number of the queue as in [`Figures::queues`]: at `slots_max` slots
    /// from `from` on, 0 at first. `oldest` is made long enough; it holds [`crate::model::NEVER`] where none waits. The
    /// slot to go on from, until all were looked at.
    pub fn oldest_waiting(&self, from: u32, slots_max: u32, oldest: &mut Vec<UnixMs>) -> Option<u32> {
        reads::oldest_waiting(&self.state, from, slots_max, oldest)
    }

    /// Counters for INFO and metrics. Cost: the number of queues and agents.
    pub fn figures(&self) -> Figures {
        reads::figures(&self.state)
    }
}
