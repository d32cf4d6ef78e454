//! The daemon in small: the real engine on the real journal, one thread, no socket.

use super::facts::Facts;
use crate::daemon;
use crate::model::START_MS;
use crate::value::Value;
use slad::engine::{self, Engine, Outcome, Output};
use slad::journal::disk::Disk;
use slad::journal::snapshot::prune;
use slad::journal::{Batch, JournalError, OpenedLog, Published, SnapshotWriter, SyncPolicy, Writer};
use slad::model::clock::ClockCommand;
use slad::model::command::{Command, Request, Session};
use slad::model::event::{Body, ClockJumped, LogRecovered, PolicyActivated, SnapshotTaken};
use slad::model::reply::Reply;
use slad::model::{Seq, UnixMs};
use slad::policy::RuleBook;
use slad::wire::{Caps, Framed, Framer};
use std::sync::{Arc, LazyLock};

/// The policies that the judge knows, read once for all lives. What the comments say is no matter here.
static POLICIES: LazyLock<Vec<PolicyActivated>> = LazyLock::new(|| {
    let known = slad::policy::embedded().into_iter().take(2);
    let read = known.map(|(name, text)| {
        let text = if name == daemon::JUDGED.0 {
            daemon::JUDGED.1
        } else {
            text
        };
        let bare = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let text = bare.collect::<Vec<_>>().join("\n");
        let book = RuleBook::parse(name, &text, 1).expect("embedded policies read");
        book.activation("embedded", true)
    });
    read.collect()
});

/// The process ends: the log failed, or the simulated machine did.
#[derive(Debug)]
pub struct Died(pub JournalError);

impl From<JournalError> for Died {
    fn from(e: JournalError) -> Died {
        Died(e)
    }
}

/// A snapshot under way.
struct Copying {
    seq: Seq,
    state_hash: u64,
    writer: SnapshotWriter,
}

/// A running daemon.
pub struct Desk {
    pub engine: Engine,
    writer: Writer,
    pub published: Arc<Published>,
    disk: Arc<dyn Disk>,
    log_id: u64,
    epoch: u32,
    pub now: UnixMs,
    sync: SyncPolicy,
    batch: Batch,
    out: Output,
    copying: Option<Copying>,
    framer: Framer,
    /// Everything up to here was written, and the write told so.
    pub written: Seq,
    /// NEXTs that ended.
    pub wakes: Vec<(u64, Reply)>,
}

/// An engine that knows nothing.
pub fn fresh() -> Engine {
    Engine::new(engine::Config {
        virtual_clock: true,
        ..engine::Config::default()
    })
}

impl Desk {
    /// Goes on where the log ends: as the daemon does it.
    pub fn new(
        opened: OpenedLog,
        mut engine: Engine,
        snapshot_at: UnixMs,
        sync: SyncPolicy,
    ) -> Result<Desk, Died> {
        if opened.next_seq() > engine.seq() + 1 {
            engine.restored(opened.next_seq() - 1);
        }
        let floor = engine.last_instant().max(snapshot_at);
        engine.ready(floor);
        let (disk, log_id, epoch, written) =
            (opened.disk(), opened.log_id(), opened.epoch(), opened.last_seq());
        let mut writer = opened.into_writer()?;
        writer.prepare_next()?;
        Ok(Desk {
            engine,
            published: writer.published(),
            writer,
            disk,
            log_id,
            epoch,
            now: floor.max(START_MS),
            sync,
            batch: Batch::new(),
            out: Output::default(),
            copying: None,
            framer: Framer::default(),
            written,
            wakes: Vec::new(),
        })
    }

    /// The facts that a start begins with.
    pub fn first_facts(&mut self, recovered: Option<LogRecovered>, facts: &mut Facts) {
        if let Some(recovered) = recovered {
            self.record(Body::LogRecovered(Box::new(recovered)), facts);
        }
        for activated in POLICIES.iter() {
            let known = self.engine.policy_hash(&activated.name);
            if known.is_some_and(|(_, hash)| hash == activated.hash) {
                continue;
            }
            self.record(Body::PolicyActivated(Box::new(activated.clone())), facts);
        }
    }

    fn record(&mut self, body: Body, facts: &mut Facts) -> Seq {
        let seq = self.engine.record(self.now, body, &mut self.out);
        self.take(facts);
        seq
    }

    fn take(&mut self, facts: &mut Facts) {
        for (first, events) in self.out.frames() {
            self.batch
                .push(first, events)
                .expect("a frame that can be stored");
            facts.frame(first, events);
        }
        if !self.out.events.is_empty() && self.engine.seq().is_multiple_of(4) {
            self.batch.push_state_hash(self.engine.state_hash());
        }
        self.wakes.append(&mut self.out.wakes);
        self.out.clear();
    }

    /// Fires what is due.
    pub fn drain(&mut self, facts: &mut Facts) {
        self.drain_to(self.now, facts);
    }

    fn drain_to(&mut self, to: UnixMs, facts: &mut Facts) {
        while self.engine.advance(to, 16, &mut self.out) {}
        self.take(facts);
    }

    fn request(&mut self, args: &[String]) -> Result<Request, Value> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
        for arg in args {
            bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
            bytes.extend_from_slice(arg.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        assert!(matches!(self.framer.next(&bytes), Ok(Framed::Command { .. })));
        match slad::wire::parse(self.framer.args(&bytes), &Caps::default()) {
            Ok(parsed) => Ok(parsed.request),
            Err(refusal) => Err(Value::Error(refusal.to_string())),
        }
    }

    /// One command; `None`: a NEXT that waits now under the number `waiter`.
    pub fn execute(&mut self, args: &[String], waiter: u64, facts: &mut Facts) -> Option<Value> {
        let reply = match self.request(args) {
            Ok(Request::Engine(command)) => match self.run(&command, waiter) {
                Some(reply) => reply,
                None => {
                    self.take(facts);
                    return None;
                }
            },
            Ok(Request::Session(Session::Clock(ClockCommand::Advance(by)))) => {
                self.jump(self.now + by, facts)
            }
            Ok(Request::Session(Session::Clock(ClockCommand::Set(to)))) => self.jump(to, facts),
            Ok(other) => panic!("{other:?} is not for a desk"),
            Err(refused) => return Some(refused),
        };
        self.take(facts);
        self.drain(facts);
        Some(value(&reply))
    }

    fn run(&mut self, command: &Command, waiter: u64) -> Option<Reply> {
        match self.engine.execute(self.now, command, waiter, &mut self.out) {
            Outcome::Done(reply) => Some(reply),
            Outcome::Waiting => None,
            Outcome::Scan(mut scan) => loop {
                if let Some(reply) = self.engine.scan(self.now, &mut scan, 64) {
                    break Some(reply);
                }
            },
        }
    }

    fn jump(&mut self, to: UnixMs, facts: &mut Facts) -> Reply {
        let from = self.now;
        if to < from {
            return Reply::Refused(slad::model::Refusal::bad_arg("it moves forward only"));
        }
        self.drain_to(to, facts);
        self.now = to;
        let jumped = ClockJumped::advanced(from, to);
        Reply::Seq(self.record(Body::ClockJumped(jumped), facts))
    }

    /// The commands of an EXEC; an error of any of them aborts it.
    pub fn exec(&mut self, group: &[Vec<String>], facts: &mut Facts) -> Value {
        let mut commands = Vec::new();
        for args in group {
            match self.request(args) {
                Ok(Request::Engine(command)) => commands.push(command),
                Ok(other) => panic!("{other:?} in a transaction"),
                Err(_) => return Value::refused("EXECABORT"),
            }
        }
        let replies = self.engine.execute_all(self.now, &commands, &mut self.out);
        self.take(facts);
        self.drain(facts);
        Value::List(replies.iter().map(value).collect())
    }

    /// Writes what has gathered, and syncs it if the policy says so, or `sync`.
    pub fn commit(&mut self, sync: bool) -> Result<(), Died> {
        if let Some(last) = self.batch.last_seq() {
            if let Err(e) = self.writer.append(&mut self.batch) {
                if !e.is_disk_full() || !self.writer.is_alive() {
                    return Err(e.into());
                }
                self.writer.append(&mut self.batch)?;
            }
            self.batch.clear();
            self.written = last;
        }
        if sync || self.sync == SyncPolicy::Always {
            self.writer.sync()?;
        }
        Ok(())
    }

    /// Everything that the policy says is safe may be seen.
    pub fn shown(&self) -> Seq {
        match self.sync {
            SyncPolicy::Always => self.published.durable_seq(),
            SyncPolicy::Interval | SyncPolicy::Never => self.written,
        }
    }

    /// What a log thread does beside: prepares the next segment, marks.
    pub fn tidy(&mut self, prepare: bool, mark: bool) -> Result<(), Died> {
        if prepare && self.writer.used() > 0.25 {
            // The rotation meets it again.
            let _ = self.writer.prepare_next();
        }
        if mark {
            self.writer.marker()?;
        }
        Ok(())
    }

    /// Begins a snapshot, unless one is under way.
    pub fn snapshot(&mut self) -> Result<(), Died> {
        if self.copying.is_some() {
            return Ok(());
        }
        self.commit(true)?;
        let Some(head) = self.engine.snapshot_begin() else {
            return Ok(());
        };
        match SnapshotWriter::create(self.disk.clone(), self.log_id, head.seq, self.epoch, self.now) {
            Ok(writer) => {
                let (seq, state_hash) = (head.seq, head.state_hash);
                self.copying = Some(Copying {
                    seq,
                    state_hash,
                    writer,
                });
            }
            Err(_) => self.engine.snapshot_abort(),
        }
        Ok(())
    }

    /// Carries a snapshot on; the seq of its `snapshot.taken` when it is there.
    pub fn copy(&mut self, records: usize, facts: &mut Facts) -> Option<Seq> {
        let mut copying = self.copying.take()?;
        let mut slice = Vec::new();
        let more = self.engine.snapshot_step(records, &mut slice);
        if copying.writer.chunk(&slice).is_err() {
            let _ = copying.writer.abort();
            self.engine.snapshot_abort();
            return None;
        }
        if more {
            self.copying = Some(copying);
            return None;
        }
        assert!(self.published.durable_seq() >= copying.seq);
        // A snapshot that fails is given up: the log alone is enough.
        let info = copying.writer.finish(copying.state_hash).ok()?;
        let _ = prune(&*self.disk, 2);
        let taken = SnapshotTaken {
            seq: info.seq,
            state_hash: info.state_hash.value,
            bytes: info.bytes,
            records: info.records,
        };
        Some(self.record(Body::SnapshotTaken(taken), facts))
    }

    /// Ends in order.
    pub fn close(mut self) -> Result<Seq, Died> {
        self.commit(true)?;
        let last = self.written;
        self.writer.close()?;
        Ok(last)
    }
}

/// A reply as RESP2 shows it.
pub fn value(reply: &Reply) -> Value {
    let flat = |pairs: Vec<(&str, Value)>| {
        Value::List(pairs.into_iter().flat_map(|(k, v)| [Value::text(k), v]).collect())
    };
    match reply {
        Reply::Seq(seq) => Value::Int(*seq as i64),
        Reply::Refused(refusal) => Value::Error(refusal.to_string()),
        Reply::Null => Value::Nil,
        Reply::Simple(text) => Value::Simple((*text).to_owned()),
        Reply::Int(n) => Value::Int(*n),
        Reply::Bulk(text) => Value::text(text.as_str()),
        Reply::Bytes(bytes) => Value::text(String::from_utf8_lossy(bytes)),
        Reply::Verbatim(text) => Value::text(text.as_str()),
        Reply::List(items) => Value::List(items.iter().map(value).collect()),
        Reply::Map(pairs) => flat(pairs.iter().map(|(k, v)| (*k, value(v))).collect()),
        Reply::Pairs(pairs) => flat(pairs.iter().map(|(k, v)| (k.as_str(), value(v))).collect()),
        Reply::Taken(taken) => flat(vec![
            ("ticket", Value::text(taken.ticket.as_str())),
            ("hold", Value::Int(taken.hold as i64)),
            ("seq", Value::Int(taken.seq as i64)),
            ("queue", Value::text(taken.queue.as_str())),
            ("priority", Value::text(taken.priority.as_str())),
            ("policy", Value::text(taken.policy.as_str())),
            ("due", value(&Reply::instant(taken.due))),
        ]),
    }
}
