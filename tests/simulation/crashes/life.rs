//! One life: starts, commands, an end of some kind, and again; everything from one seed.

use super::counts::Counts;
use super::desk::{Desk, Died, fresh, value};
use super::facts::Facts;
use super::flips;
use super::judge::{Done, Judge, same};
use crate::generator::{Dice, Generator, Step};
use crate::model::Model;
use crate::resp::words;
use crate::value::Value;
use slad::engine::Engine;
use slad::journal::sim::{Fault, SimDisk};
use slad::journal::{Config, OpenedLog, StateHash, Stored, SyncPolicy, open};
use slad::model::Seq;
use slad::model::event::{Event, LogRecovered};
use std::collections::VecDeque;
use std::sync::Arc;

/// Connections for NEXTs that wait.
const WAITERS: usize = 4;
/// Operations that a failure tells.
const TOLD: usize = 60;

struct Life {
    dice: Dice,
    disk: SimDisk,
    config: Config,
    judge: Judge,
    generator: Generator,
    facts: Facts,
    /// Never crashed: it applies what survives, as it survives.
    reference: Engine,
    /// Must be there after a kill, after a loss of power, and after what came last of both.
    written: Seq,
    durable: Seq,
    safe: Seq,
    /// May have been seen by somebody.
    shown: Seq,
    /// State hash and seq when the last process ended.
    ended: (Seq, u64),
    counts: Counts,
    /// The last operations, when they are to be told.
    told: Option<VecDeque<String>>,
}

/// Lives the life of a seed, and tells its last operations, most of all when it fails.
pub fn told(seed: u64) -> String {
    run(seed, true).to_string()
}

/// Lives the life of a seed.
pub fn run(seed: u64, tell: bool) -> Counts {
    let mut dice = Dice::new(seed);
    let config = Config {
        segment_bytes: *dice.pick(&[16, 16, 32, 64]) << 10,
        sync: *dice.pick(&SyncPolicy::ALL),
        log_id: 1 + seed,
        boot_id: [0; 16],
    };
    let mut life = Life {
        generator: Generator::new(dice.below(i64::MAX) as u64),
        dice,
        disk: SimDisk::new(),
        config,
        judge: Judge::new(),
        facts: Facts::default(),
        reference: fresh(),
        written: 0,
        durable: 0,
        safe: 0,
        shown: 0,
        ended: (0, 0),
        counts: Counts::default(),
        told: tell.then(VecDeque::new),
    };
    life.note(|| format!("{config:?}"));
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.live()));
    if let Err(why) = lived {
        if let Some(told) = &life.told {
            let last: Vec<&str> = told.iter().map(String::as_str).collect();
            eprintln!(
                "SLAD_CRASH_SEED={seed}: the last operations\n  {}",
                last.join("\n  ")
            );
        }
        std::panic::resume_unwind(why);
    }
    life.counts
}

impl Life {
    fn live(&mut self) {
        for _ in 0..1 + self.dice.below(3) {
            let desk = self.start();
            let steps = 5 + self.dice.below(45);
            self.serve(desk, steps);
            if self.dice.chance(30) {
                let (judge, facts) = (&self.judge.model, &self.facts);
                flips::turn_one_over(
                    &self.disk,
                    self.config,
                    facts,
                    judge.seq,
                    &mut self.dice,
                    &mut self.counts.flips,
                );
            }
        }
        drop(self.start());
        self.facts.make_sense();
        self.counts.events += self.facts.events.len() as u64;
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push_back(format!("{:>5} {}", self.disk.operations(), what()));
            if told.len() > TOLD {
                told.pop_front();
            }
        }
    }

    /// Lets an operation within the next `operations` go wrong.
    fn arm(&mut self, operations: i64) {
        let at = self.disk.operations() + 1 + self.dice.below(operations) as u64;
        let fault = *self
            .dice
            .pick(&[Fault::Crash, Fault::ShortWrite, Fault::Error, Fault::Full]);
        self.note(|| format!("operation {at} will meet {fault:?}"));
        self.disk.fail_at(at, fault);
    }

    /// Starts, however often that takes.
    fn start(&mut self) -> Desk {
        for attempt in 0.. {
            if attempt < 3 && self.dice.chance(30) {
                self.arm(16);
            }
            match self.try_to_start() {
                Ok(desk) => return desk,
                Err(Died(e)) => {
                    assert!(self.disk.is_failing(), "it refuses to start: {e}");
                    self.note(|| format!("the start fails: {e}"));
                    self.counts.failed_starts += 1;
                    self.fall();
                }
            }
        }
        unreachable!("the fourth attempt meets no fault")
    }

    fn try_to_start(&mut self) -> Result<Desk, Died> {
        let mut opened = open(Arc::new(self.disk.clone()), self.config)?;
        self.note(|| format!("opened {opened:?}"));
        let mut stored: Vec<(Seq, Event)> = Vec::new();
        let mut hashes: Vec<(Seq, StateHash)> = Vec::new();
        opened.replay_stored(0, |seq, what| {
            match what {
                Stored::Event(event) => stored.push((seq, event)),
                Stored::Hash(hash) => hashes.push((seq, hash)),
            }
            Ok(())
        })?;
        let last = stored.last().map_or(0, |(seq, _)| *seq);
        // A segment that begins behind a gap and has no event yet ends with the gap.
        assert!((last..opened.next_seq()).contains(&opened.last_seq()));
        assert!(
            last >= self.safe,
            "seq {} was safe, the log ends with {last}",
            self.safe
        );
        if let Some(r) = opened.recovery() {
            self.facts.told.push((r.lost_from, r.lost_to));
            assert!(
                r.lost_from <= last + 1 && r.lost_to >= r.lost_from.max(last),
                "{r:?}"
            );
        }
        assert!(
            opened.next_seq() > self.shown.max(last),
            "seq {} was seen, {} comes next",
            self.shown,
            opened.next_seq()
        );
        assert!(opened.next_seq() == last + 1 || opened.recovery().is_some());
        if last < self.shown {
            let r = opened
                .recovery()
                .expect("what was seen is gone, and nobody tells");
            assert!(r.lost_to >= self.shown);
        }
        self.facts.hold(&stored);
        let (engine, snapshot_at) = self.rebuilt(&mut opened, &stored, &hashes, last)?;
        self.judge.back_to(last);
        // What opening found it has also made safe.
        (self.durable, self.written) = (last, last);

        let recovered = opened.recovery().map(|r| LogRecovered {
            cut_bytes: r.cut_bytes,
            lost_from: r.lost_from,
            lost_to: r.lost_to,
            epoch: r.epoch,
        });
        let told = recovered.is_some();
        let mut desk = Desk::new(opened, engine, snapshot_at, self.config.sync)?;
        self.shown = self.shown.max(last);
        assert_eq!(desk.now, self.judge.model.now, "the clock goes on where it stood");
        desk.first_facts(recovered, &mut self.facts);
        self.judge.skip_to(desk.engine.seq());
        desk.drain(&mut self.facts);
        let before = self.judge.model.seq;
        self.judge.fire();
        self.same_events(before, "what was due at the start");
        if let Err(died) = desk.commit(false) {
            self.take_down(&mut desk);
            return Err(died);
        }
        self.same_state(&mut desk);
        self.take_down(&mut desk);
        self.judge.settle_if(self.durable);
        self.counts.starts += 1;
        self.counts.gaps += u64::from(told);
        Ok(desk)
    }

    /// The state, from a snapshot and the rest of the log if there is one, and from the log alone.
    fn rebuilt(
        &mut self,
        opened: &mut OpenedLog,
        stored: &[(Seq, Event)],
        hashes: &[(Seq, StateHash)],
        last: Seq,
    ) -> Result<(Engine, i64), Died> {
        let done = self.reference.seq();
        let rest = stored.partition_point(|(seq, _)| *seq <= done);
        for (seq, event) in &stored[rest..] {
            self.reference.replay(*seq, event).expect("the log makes sense");
        }
        let expected = self.reference.state_hash();
        if self.ended.0 == last {
            assert_eq!(expected, self.ended.1, "the state is the one that was left");
        }
        // An engine and its policies cost more than a small log: with a snapshot, the whole log is replayed now and then.
        let mut from_log = None;
        if opened.snapshot().is_none() || self.dice.chance(25) {
            let mut engine = fresh();
            let mut hashes = hashes.iter().peekable();
            for (seq, event) in stored {
                engine.replay(*seq, event).expect("the log makes sense");
                if let Some((_, said)) = hashes.next_if(|(at, _)| at == seq) {
                    assert_eq!(engine.state_hash(), said.value, "the state after seq {seq}");
                    self.counts.hashes += 1;
                }
            }
            assert!(hashes.next().is_none(), "a state hash of no event");
            assert_eq!(engine.state_hash(), expected, "from the log alone");
            from_log = Some(engine);
        }
        assert!(
            opened.skipped_snapshots().is_empty(),
            "{:?}",
            opened.skipped_snapshots()
        );
        let Some(snapshot) = opened.snapshot() else {
            return Ok((from_log.expect("replayed above"), 0));
        };
        let info = snapshot.info();
        let mut engine = fresh();
        snapshot.records(|record| engine.restore(record))?;
        engine.restored(info.seq);
        assert_eq!(
            engine.state_hash(),
            info.state_hash.value,
            "the snapshot is what it says"
        );
        let rest = stored.partition_point(|(seq, _)| *seq <= info.seq);
        for (seq, event) in &stored[rest..] {
            engine.replay(*seq, event).expect("the log makes sense");
        }
        assert_eq!(engine.state_hash(), expected, "from the snapshot of {}", info.seq);
        self.counts.from_snapshot += 1;
        Ok((engine, info.at))
    }

    /// The events since `before` are the model's.
    fn same_events(&mut self, before: Seq, what: &str) {
        let model = &self.judge.model;
        let from = model.events.partition_point(|(seq, _)| *seq <= before);
        let place = self.facts.events.partition_point(|(seq, _)| *seq <= before);
        let (expected, got) = (&model.events[from..], &self.facts.events[place..]);
        let alike = expected.len() == got.len()
            && expected
                .iter()
                .zip(got)
                .all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1));
        assert!(alike, "{what}\n expected {expected:#?}\n got      {got:#?}");
    }

    /// GET-level answers are the model's.
    fn same_state(&mut self, desk: &mut Desk) {
        let model = &mut self.judge.model;
        let (tickets, agents) = (model.live(), model.agent_ids());
        let looks = tickets.iter().map(|id| words(&["TICKET.GET", id]));
        let looks = looks.chain(agents.iter().map(|id| words(&["AGENT.GET", id])));
        for look in looks.chain([words(&["AGENT.LIST"]), words(&["QUEUE.PEEK", "default"])]) {
            let expected = model.apply(0, &look).expect("a read");
            let got = desk.execute(&look, 0, &mut self.facts).expect("a read");
            assert!(
                expected.admits(&got),
                "{look:?}\n expected {expected}\n got      {got}"
            );
        }
    }

    /// Serves until its time has come, or something breaks.
    fn serve(&mut self, mut desk: Desk, steps: i64) {
        if self.dice.chance(60) {
            self.arm(steps * 3);
        }
        for _ in 0..steps {
            if let Err(Died(e)) = self.step(&mut desk) {
                assert!(self.disk.is_failing(), "the log fails by itself: {e}");
                self.note(|| format!("the daemon ends: {e}"));
                self.counts.errors += 1;
                break;
            }
        }
        self.take_down(&mut desk);
        let is_whole = !self.disk.is_failing();
        if is_whole && self.dice.chance(20) {
            match desk.close() {
                Ok(last) => {
                    let last = self.facts.last_up_to(last);
                    (self.written, self.durable) = (last, last);
                }
                Err(Died(e)) => assert!(self.disk.is_failing(), "closing fails: {e}"),
            }
            self.note(|| "closed".to_owned());
            // `ended` holds whether or not the close came through.
        } else {
            drop(desk);
        }
        self.fall();
    }

    /// What has been promised so far.
    fn take_down(&mut self, desk: &mut Desk) {
        self.written = self.facts.last_up_to(desk.written);
        // What is durable may end in a gap, where there is nothing to keep.
        self.durable = self.facts.last_up_to(desk.published.durable_seq());
        self.shown = self.shown.max(desk.shown());
        self.ended = (desk.engine.seq(), desk.engine.state_hash());
    }

    /// Kill or loss of power.
    fn fall(&mut self) {
        if self.dice.chance(45) {
            self.note(|| "killed".to_owned());
            self.counts.kills += 1;
            self.disk.restart();
            self.safe = self.written;
        } else {
            let seed = self.dice.below(1 << 40) as u64 * u64::from(!self.dice.chance(20));
            self.note(|| format!("the power goes: {seed}"));
            self.counts.power += 1;
            self.disk.power_loss(seed);
            self.config.boot_id[0] += 1;
            (self.written, self.safe) = (self.durable, self.durable);
        }
    }

    fn step(&mut self, desk: &mut Desk) -> Result<(), Died> {
        let before = self.judge.model.seq;
        let step = self.generator.step(&self.judge.model);
        self.note(|| format!("{step:?}"));
        self.counts.commands += 1;
        let (model, facts) = (&mut self.judge.model, &mut self.facts);
        let (what, expected, got) = match step {
            Step::One(args) => {
                let expected = model.apply(0, &args);
                let got = desk.execute(&args, 0, facts);
                (Done::Command(0, args), expected, got)
            }
            Step::Multi(group) => {
                if group.iter().any(|args| Model::queueable(args).is_err()) {
                    assert_eq!(desk.exec(&group, facts), Value::refused("EXECABORT"));
                    return Ok(());
                }
                let expected = model.exec(&group);
                let got = desk.exec(&group, facts);
                (Done::Exec(group), Some(expected), Some(got))
            }
            Step::Block(args) => {
                let busy = model.waiting_conns();
                let Some(conn) = (1..=WAITERS).find(|c| !busy.contains(c)) else {
                    return Ok(());
                };
                let expected = model.apply(conn, &args);
                let got = desk.execute(&args, conn as u64, facts);
                (Done::Command(conn, args), expected, got)
            }
        };
        let alike = match (&expected, &got) {
            (Some(a), Some(b)) => a.admits(b),
            (a, b) => a == b,
        };
        assert!(alike, "{what:?}\n expected {expected:?}\n got      {got:?}");
        self.judge.note(what, before);
        self.same_events(before, "the events of the last command");
        self.same_wakes(desk);

        let dice = &mut self.dice;
        if dice.chance(60) {
            desk.commit(dice.chance(20))?;
        }
        desk.tidy(dice.chance(30), dice.chance(20))?;
        if dice.chance(4) {
            desk.snapshot()?;
        }
        if let Some(seq) = desk.copy(1 + dice.below(40) as usize, &mut self.facts) {
            self.counts.snapshots += 1;
            self.judge.skip_to(seq);
        }
        Ok(())
    }

    /// The NEXTs that ended were answered as the model answers them.
    fn same_wakes(&mut self, desk: &mut Desk) {
        let mut expected = std::mem::take(&mut self.judge.model.wakes);
        let mut got: Vec<(usize, Value)> = desk
            .wakes
            .drain(..)
            .map(|(waiter, reply)| (waiter as usize, value(&reply)))
            .collect();
        expected.sort_by_key(|(conn, _)| *conn);
        got.sort_by_key(|(conn, _)| *conn);
        let alike = expected.len() == got.len()
            && expected
                .iter()
                .zip(&got)
                .all(|(a, b)| a.0 == b.0 && a.1.admits(&b.1));
        assert!(
            alike,
            "NEXTs that ended\n expected {expected:?}\n got      {got:?}"
        );
    }
}
