//! The core: the engine, its clock and its way to the log, as a value on one thread.
//!
//! **Invariant**: a reply is released only when the newest fact that it saw is as durable as the sync policy promises;
//! therefore each is tagged with the engine's seq at the moment it was made, and leaves when [`Core::release`]
//! comes past it.
//!
//! All connections, timers and snapshots live on this thread and borrow the core for one batch at a time; nobody keeps
//! it over an await. Cost a batch: one reading of the clock, one hand-over to the log thread, one write a connection.

use super::clock::Clock;
use super::disk::DiskState;
use super::feed_waits::FeedWaits;
use super::limits::Limits;
use super::log_front::LogFront;
use super::meter::Meter;
use super::peer::Peer;
pub use super::phase::Phase;
use super::policies::Desk;
use super::shared::Shared;
use super::snapshots::{Progress, Store};
use super::wake::Wake;
use crate::engine::{Engine, Outcome, Output, WaiterId};
use crate::journal::Reader;
use crate::model::command::Command;
use crate::model::event::Body;
use crate::model::reply::Reply;
use crate::model::{Code, Seq, UnixMs};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How connections, timers and snapshots hold the core: borrowed for a batch, never over an await.
pub type CoreRef = Rc<RefCell<Core>>;

/// The engine and what it is connected to; there once the log has been read.
pub struct Running {
    /// The single writer.
    pub engine: Engine,
    /// Its time.
    pub clock: Clock,
    /// Its way to the log.
    pub log: LogFront,
    pub(super) out: Output,
}

/// The state of the core thread.
pub struct Core {
    /// Where the daemon stands.
    pub phase: Phase,
    /// What other threads see.
    pub shared: Arc<Shared>,
    /// What connections may cost.
    pub limits: Limits,
    /// Readers of the feed that wait.
    pub feed: FeedWaits,
    /// Raised when there is something for the log thread.
    pub commit: Rc<Wake>,
    /// Raised when the next timer may have come nearer.
    pub rearm: Rc<Wake>,
    /// Raised when the daemon shall go down.
    pub stop: Rc<Wake>,
    /// Raised when a snapshot was asked for.
    pub snapshot: Rc<Wake>,
    /// Raised when something happened that the published sizes do not show yet.
    pub changed: Rc<Wake>,
    /// What is recorded for Prometheus.
    pub meter: Option<Meter>,
    /// How snapshots went.
    pub snapshots: Progress,
    /// Policies beside the engine.
    pub policies: Desk,
    pub(super) running: Option<Running>,
    reader: Option<Arc<Reader>>,
    store: Option<Store>,
    /// Who waits for a snapshot.
    for_snapshot: Vec<(u64, Rc<Peer>)>,
    /// The event after which the next snapshot is due by number.
    snapshot_at: Seq,
    /// The event after which the log is next told the state hash.
    prove_at: Seq,
    released: Seq,
    peers: HashMap<u64, Rc<Peer>>,
    /// Who waits in AGENT.NEXT, by the number the engine knows.
    pub(super) waiting: HashMap<WaiterId, Rc<Peer>>,
    waiters: WaiterId,
    /// Peers with replies that wait for a release, in the order in which they began to.
    unreleased: Vec<Rc<Peer>>,
    /// Peers that wait for the daemon itself: for the end of loading, or for the log to catch up.
    held_up: Vec<Rc<Peer>>,
    armed_for: Option<UnixMs>,
    /// A virtual clock is on its way.
    advancing: bool,
    /// How much room the log has, as was heeded last.
    pub(super) disk: DiskState,
}

impl Core {
    /// A core that has yet to load.
    pub fn new(shared: Arc<Shared>, limits: Limits) -> CoreRef {
        Rc::new(RefCell::new(Core {
            phase: Phase::Loading,
            shared,
            limits,
            feed: FeedWaits::default(),
            commit: Rc::default(),
            rearm: Rc::default(),
            stop: Rc::default(),
            snapshot: Rc::default(),
            changed: Rc::default(),
            meter: None,
            snapshots: Progress::default(),
            policies: Desk::default(),
            running: None,
            reader: None,
            store: None,
            for_snapshot: Vec::new(),
            snapshot_at: Seq::MAX,
            prove_at: Seq::MAX,
            released: 0,
            peers: HashMap::new(),
            waiting: HashMap::new(),
            waiters: 0,
            unreleased: Vec::new(),
            advancing: false,
            held_up: Vec::new(),
            armed_for: None,
            disk: DiskState::Ok,
        }))
    }

    /// The log has been read: everything in it is released, and who waited for it goes on.
    pub fn run(&mut self, engine: Engine, clock: Clock, log: LogFront, reader: Arc<Reader>, store: Store) {
        self.released = engine.seq();
        self.prove_at = engine
            .seq()
            .saturating_add(self.shared.config.state_hash_every_events);
        self.reader = Some(reader);
        self.store = Some(store);
        self.next_snapshot(0);
        self.running = Some(Running {
            engine,
            clock,
            log,
            out: Output::default(),
        });
        self.heed_disk();
    }

    /// Serves from now on.
    pub fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.shared.set_ready(true);
        self.show_clock();
        self.let_go();
        self.rearm.raise();
    }

    /// The engine and its surroundings, once loaded.
    pub fn running(&mut self) -> Option<&mut Running> {
        self.running.as_mut()
    }

    /// Reads the log, once it is open.
    pub fn reader(&self) -> Option<Arc<Reader>> {
        self.reader.clone()
    }

    /// Where snapshots go, once the log is open.
    pub fn store(&self) -> Option<Store> {
        self.store.clone()
    }

    /// Asks for a snapshot of what is there now; tells which one it will be. `peer` is woken when it is there.
    pub fn ask_snapshot(&mut self, peer: &Rc<Peer>) -> u64 {
        self.for_snapshot.push((self.snapshots.begun + 1, peer.clone()));
        self.snapshot.raise();
        self.snapshots.begun + 1
    }

    /// Does anybody wait for a snapshot?
    pub fn snapshots_asked(&self) -> bool {
        !self.for_snapshot.is_empty()
    }

    /// A snapshot ended, well or not.
    pub fn snapshot_ended(&mut self, taken: Result<Seq, String>) {
        self.snapshots.ended = self.snapshots.begun;
        // One that failed is not tried again before as much has happened as after one that went well.
        let from = taken.as_ref().map_or_else(|_| self.seq(), |_| 0);
        self.snapshots.last = Some(taken);
        self.next_snapshot(from);
        let ended = self.snapshots.ended;
        let answered = self.for_snapshot.extract_if(.., |(number, _)| *number <= ended);
        answered.for_each(|(_, peer)| peer.wake.raise());
        // Those who asked while this one ran want what it may not hold.
        if !self.for_snapshot.is_empty() {
            self.snapshot.raise();
        }
    }

    fn next_snapshot(&mut self, from: Seq) {
        let last = self.shared.snapshot_seq.load(Relaxed).max(from);
        self.snapshot_at = last.saturating_add(self.shared.config.snapshot.every_events);
    }

    /// Everything up to here may be seen.
    pub fn released(&self) -> Seq {
        self.released
    }

    /// The newest fact: what a reply made now has to wait for.
    pub fn seq(&self) -> Seq {
        self.running.as_ref().map_or(0, |r| r.engine.seq())
    }

    /// Has the log so much to catch up with that nothing new is taken? Not while the disk is full: then commands add
    /// nothing, and have to be told so.
    pub fn is_backlogged(&self) -> bool {
        !self.is_disk_exhausted() && self.is_behind(self.limits.journal_backlog_bytes_max)
    }

    /// Are more than these bytes on their way to the log?
    pub fn is_behind(&self, bytes: u64) -> bool {
        self.running
            .as_ref()
            .is_some_and(|r| r.log.backlog_bytes() > bytes)
    }

    /// Is nothing new taken, for the log has to catch up, or a virtual clock is on its way?
    pub fn is_busy(&self) -> bool {
        self.advancing || self.is_backlogged()
    }

    /// A virtual clock sets out (`true`) or has arrived: meanwhile commands wait, for they would have to see every timer
    /// fired that is due by then.
    pub fn set_advancing(&mut self, advancing: bool) {
        self.advancing = advancing;
        if !advancing {
            self.policies.migrations.go_on();
            self.let_go();
        }
    }

    /// Wakes `peer` when loading is over, the log has caught up or the virtual clock has arrived.
    pub fn hold_up(&mut self, peer: &Rc<Peer>) {
        self.held_up.push(peer.clone());
    }

    /// Executes one command. `None`: the command waits, and the peer is answered later ([`Peer::take_answered`]) under
    /// the number that is returned beside it.
    pub fn execute(&mut self, now: UnixMs, command: &Command, peer: &Rc<Peer>) -> Executed {
        let waiter = self.waiters + 1;
        let Some(r) = &mut self.running else {
            return Executed::Done(Reply::Null);
        };
        r.settle(now);
        let outcome = r.engine.execute(now, command, waiter, &mut r.out);
        r.settle(now);
        match outcome {
            Outcome::Done(reply) => Executed::Done(reply),
            Outcome::Scan(scan) => Executed::Scan(scan),
            Outcome::Waiting => {
                self.waiters = waiter;
                peer.take_answered();
                self.waiting.insert(waiter, peer.clone());
                Executed::Waiting(waiter)
            }
        }
    }

    /// Counts a command of this place in the table that is answered with `reply`, for INFO and Prometheus.
    pub fn count(&mut self, row: usize, reply: &Reply, since: std::time::Instant) {
        if matches!(reply, Reply::Refused(_)) {
            self.shared.count_refused();
        }
        let released = self.released;
        let seq = match reply {
            Reply::Refused(refusal) if refusal.code == Code::DiskFull => released,
            _ => self.seq(),
        };
        if let Some(meter) = &mut self.meter {
            meter.command(row, reply, seq, released, since);
        }
    }

    /// Executes the commands of an EXEC: one instant, one frame.
    pub fn execute_all(&mut self, now: UnixMs, commands: &[Command]) -> Vec<Reply> {
        let Some(r) = &mut self.running else {
            return Vec::new();
        };
        r.settle(now);
        let replies = r.engine.execute_all(now, commands, &mut r.out);
        r.settle(now);
        replies
    }

    /// Records a fact of the daemon's own; the reply that tells it has to wait for the seq returned.
    pub fn record(&mut self, now: UnixMs, body: Body) -> Seq {
        self.record_all(now, vec![body])
    }

    /// As [`Core::record`], all of these in one frame; the seq of the first.
    pub fn record_all(&mut self, now: UnixMs, bodies: Vec<Body>) -> Seq {
        let Some(r) = &mut self.running else {
            return 0;
        };
        let seq = r.engine.record_all(now, bodies, &mut r.out);
        self.end_turn();
        seq
    }

    /// Fires what is overdue, at most `fires_max`; tells whether more is.
    pub fn advance(&mut self, now: UnixMs, fires_max: usize) -> bool {
        let Some(r) = &mut self.running else {
            return false;
        };
        let more = r.engine.advance(now, fires_max, &mut r.out);
        self.end_turn();
        more
    }

    /// Ends a wait of AGENT.NEXT that timed out or whose connection closed. `false`: it had been answered.
    pub fn cancel_wait(&mut self, waiter: WaiterId) -> bool {
        if self.waiting.remove(&waiter).is_none() {
            return false;
        }
        if let Some(r) = &mut self.running {
            r.engine.cancel_wait(waiter);
        }
        true
    }

    /// Ends a batch: its frames go towards the log, those it woke are answered.
    pub fn end_turn(&mut self) {
        let Some(r) = &mut self.running else {
            return;
        };
        if !r.out.events.is_empty() {
            self.feed.note(r.out.first_seq, &r.out.events);
            if let Some(meter) = &mut self.meter {
                meter.events(r.out.first_seq, &r.out.events, !r.clock.is_virtual());
                meter.measures(&r.out.measures);
            }
            r.out.measures.clear();
            self.changed.raise();
            r.log.take(&mut r.out);
            if r.engine.seq() >= self.prove_at {
                self.prove_at = r
                    .engine
                    .seq()
                    .saturating_add(self.shared.config.state_hash_every_events);
                r.log.prove(r.engine.state_hash());
            }
            self.commit.raise();
        }
        let seq = r.engine.seq();
        if !r.out.wakes.is_empty() {
            let wakes = std::mem::take(&mut r.out.wakes);
            for (waiter, reply) in wakes {
                if let Some(peer) = self.waiting.remove(&waiter) {
                    peer.answer(reply, seq, self.released);
                    self.settle_peer(&peer);
                }
            }
        }
        let Some(r) = &mut self.running else {
            return;
        };
        if seq >= self.snapshot_at {
            self.snapshot_at = Seq::MAX;
            self.snapshot.raise();
        }
        let next = r.engine.next_instant();
        if next.is_some_and(|at| self.armed_for.is_none_or(|armed| at < armed)) {
            self.rearm.raise();
        }
    }

    /// When the timer task has to look again; it is remembered, so that only an earlier instant wakes it. Never while the
    /// disk is full.
    pub fn arm(&mut self) -> Option<UnixMs> {
        let fires = !self.is_disk_exhausted();
        self.armed_for = self
            .running
            .as_mut()
            .filter(|_| fires)
            .and_then(|r| r.engine.next_instant());
        self.armed_for
    }

    /// Writes what may be written to `peer`, and remembers it if more has to wait.
    pub fn settle_peer(&mut self, peer: &Rc<Peer>) {
        peer.flush(self.released);
        if peer.waiting() > 0 && !peer.list(true) {
            self.unreleased.push(peer.clone());
        }
    }

    /// Hands what has gathered to the log thread.
    pub fn submit(&mut self) {
        if let Some(r) = &mut self.running {
            r.log.submit();
        }
    }

    /// The log has come further: releases replies and feed entries, and lets go on who waited for it.
    pub fn release(&mut self) {
        let Some(r) = &mut self.running else {
            return;
        };
        r.log.submit();
        let released = r.log.released();
        if released > self.released {
            self.released = released;
            for peer in std::mem::take(&mut self.unreleased) {
                peer.list(false);
                self.settle_peer(&peer);
            }
            self.feed.released(released);
            if let Some(meter) = &mut self.meter {
                meter.released(released, &self.shared);
            }
        }
        self.heed_disk();
        self.policies.migrations.go_on();
        if !self.held_up.is_empty() && self.phase != Phase::Loading && !self.is_busy() {
            self.let_go();
        }
    }

    pub(super) fn let_go(&mut self) {
        for peer in self.held_up.drain(..) {
            peer.wake.raise();
        }
    }

    /// Enters a connection.
    pub fn enter(&mut self, peer: Rc<Peer>) {
        self.peers.insert(peer.client.id, peer);
    }

    /// Takes a connection out.
    pub fn leave(&mut self, peer: &Rc<Peer>) {
        self.peers.remove(&peer.client.id);
        self.shared.clients.leave(peer.client.id);
        self.held_up.retain(|p| !Rc::ptr_eq(p, peer));
    }

    /// Wakes the connection with this number, for CLIENT KILL. `false`: there is none.
    pub fn kill(&mut self, id: u64) -> bool {
        let Some(peer) = self.peers.get(&id) else {
            return false;
        };
        self.shared.clients.kill(id);
        peer.wake.raise();
        true
    }

    /// Wakes every connection, to see that the daemon goes down.
    pub fn wake_all(&self) {
        for peer in self.peers.values() {
            peer.wake.raise();
        }
    }

    /// Connections that have not gone yet.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }
}

/// What became of a command.
pub enum Executed {
    /// It is done.
    Done(Reply),
    /// It waits for a ticket under this number.
    Waiting(WaiterId),
    /// It is a long read, to be carried on in slices.
    Scan(Box<crate::engine::Scan>),
}

impl Running {
    /// Under a virtual clock no command runs while a timer is overdue.
    fn settle(&mut self, now: UnixMs) {
        if self.clock.is_virtual() && !self.log.is_disk_exhausted() {
            while self.engine.advance(now, usize::MAX, &mut self.out) {}
        }
    }
}
