//! Migrations: open tickets go over to another version of their policy, in slices between the batches of commands.
//!
//! After each `Slice` everybody else has a turn. While the disk is full or the log has to catch up, it waits: it could make
//! facts faster than a disk takes them, and others would stand behind them. It goes on as soon as the log has come further, so that
//! neither waits for a tick. What was begun before a restart goes on after it.

use crate::daemon::connection::{Connection, Woken};
use crate::daemon::core::{Core, CoreRef, Phase};
use crate::daemon::disk::DiskState;
use crate::daemon::peer::Peer;
use crate::daemon::slice::Slice;
use crate::daemon::wake::Wake;
use crate::engine::Migrated;
use crate::model::event::Origin;
use crate::model::versions::Migration;
use crate::model::{Refusal, Seq};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Tickets that go over before the slice may end.
const TICKETS_MAX: u32 = 8;
/// Slots looked at before the slice may end.
const SLOTS_MAX: u32 = 1_024;
/// Bytes on their way to the log beyond which it waits: what others command has to get there behind them.
const BACKLOG_BYTES_MAX: u64 = 256 << 10;
/// How often it is looked again whether a disk that was full has room.
const DISK_AGAIN: Duration = Duration::from_millis(100);
/// How long until it is looked again whether timers have caught up.
const TIMERS_AGAIN: Duration = Duration::from_millis(5);

/// Migrations that somebody waits for.
#[derive(Default)]
pub struct Desk {
    /// Raised when one was begun, or may go on.
    pub wake: Rc<Wake>,
    /// The one under way waits until the log has come further, or a virtual clock has arrived.
    is_held_up: bool,
    /// By the seq with which it began: who waits, and what came of it.
    waiting: HashMap<Seq, (Rc<Peer>, Option<Migrated>)>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({} waiting)", self.waiting.len())
    }
}

impl Desk {
    /// The log has come further, or a virtual clock has arrived.
    pub(in crate::daemon) fn go_on(&mut self) {
        if std::mem::take(&mut self.is_held_up) {
            self.wake.raise();
        }
    }

    /// What came of those of these that have ended and were not told yet.
    fn take_done(&mut self, begun: &[Seq]) -> Vec<Migrated> {
        let done = |seq| self.waiting.get_mut(seq).and_then(|(_, done)| done.take());
        begun.iter().filter_map(done).collect()
    }
}

/// What there is to do.
enum Next {
    /// The slice was made; others have their turn.
    Made,
    /// The disk is full.
    Full,
    /// What ran out before the start fires first.
    Later,
    /// None is under way, or it is held up.
    Nothing,
}

/// Carries on whatever was begun.
pub async fn run(core: CoreRef) {
    let wake = core.borrow().policies.migrations.wake.clone();
    loop {
        let next = core.borrow_mut().next_slice();
        match next {
            Next::Made => tokio::task::yield_now().await,
            Next::Full => tokio::time::sleep(DISK_AGAIN).await,
            Next::Later => tokio::time::sleep(TIMERS_AGAIN).await,
            Next::Nothing => wake.wait().await,
        }
    }
}

impl Core {
    fn next_slice(&mut self) -> Next {
        if !self.running().is_some_and(|r| r.engine.is_migrating()) {
            return Next::Nothing;
        }
        if self.running().is_some_and(|r| r.engine.catches_up()) {
            return Next::Later;
        }
        if self.disk != DiskState::Ok {
            return Next::Full;
        }
        if self.is_busy() || self.is_behind(BACKLOG_BYTES_MAX) {
            self.policies.migrations.is_held_up = true;
            return Next::Nothing;
        }
        self.migrate_on();
        Next::Made
    }
}

impl Core {
    /// Begins a migration: the seq of the fact.
    fn migrate(&mut self, migration: &Migration, origin: Option<Box<Origin>>) -> Result<Seq, Refusal> {
        let now = self.now();
        let Some(r) = self.running() else {
            return Ok(0);
        };
        let begun = r.engine.migrate(now, migration, origin, &mut r.out);
        self.end_turn();
        self.policies.migrations.wake.raise();
        begun
    }

    /// A slice.
    fn migrate_on(&mut self) {
        let now = self.now();
        let Some(r) = self.running() else {
            return;
        };
        let slice = Slice::begin();
        let ended = loop {
            let ended = r.engine.migrate_on(now, SLOTS_MAX, TICKETS_MAX, &mut r.out);
            if ended.is_some() || slice.is_over() {
                break ended;
            }
        };
        self.end_turn();
        let Some(migrated) = ended else {
            return;
        };
        let ended = &migrated.ended;
        tracing::info!(
            policy = ended.migration.policy.as_str(),
            from = ended.migration.from,
            to = ended.migration.to,
            tickets = ended.tally.tickets,
            stayed = ended.stayed,
            "migrated: {}",
            ended.tally.sentence()
        );
        if let Some((peer, done)) = self.policies.migrations.waiting.get_mut(&ended.begun) {
            peer.wake.raise();
            *done = Some(migrated);
        }
    }
}

impl Connection {
    /// `POLICY.MIGRATE`: replies with what it did, once it has.
    pub(in crate::daemon) async fn migrate(
        &mut self,
        migration: &Migration,
        origin: Option<Box<Origin>>,
    ) -> bool {
        let begun = self.core.borrow_mut().migrate(migration, origin);
        let begun = match begun {
            Ok(begun) => begun,
            Err(refusal) => {
                self.say_now(&refusal.into());
                return !self.peer.is_broken();
            }
        };
        match self.migrated(&[begun]).await {
            Waited::Gone => false,
            Waited::Stopping => true,
            Waited::Done(all) => {
                for Migrated { seq, ended } in all {
                    self.say_now(&ended.tally.reply(Some(seq), ended.stayed));
                }
                !self.peer.is_broken()
            }
        }
    }

    /// Waits until the migrations that began with these events have ended. To be called in the turn in which they began.
    pub(in crate::daemon) async fn migrated(&mut self, begun: &[Seq]) -> Waited {
        for begun in begun {
            let place = (self.peer.clone(), None);
            self.core
                .borrow_mut()
                .policies
                .migrations
                .waiting
                .insert(*begun, place);
        }
        self.blocked(true);
        let mut all = Vec::with_capacity(begun.len());
        let waited = loop {
            all.extend(self.core.borrow_mut().policies.migrations.take_done(begun));
            if all.len() == begun.len() {
                break Waited::Done(all);
            }
            match self.until(None).await {
                Woken::Gone => break Waited::Gone,
                _ if self.core.borrow().phase == Phase::Stopping => break Waited::Stopping,
                _ => {}
            }
        };
        self.core
            .borrow_mut()
            .policies
            .migrations
            .waiting
            .retain(|seq, _| !begun.contains(seq));
        self.blocked(false);
        waited
    }
}

/// What a wait for migrations came to.
pub(in crate::daemon) enum Waited {
    /// All have ended.
    Done(Vec<Migrated>),
    /// The daemon goes down; they go on after the next start.
    Stopping,
    /// The client is gone; they go on.
    Gone,
}
