//! The log → the engine, while the socket already answers.
//!
//! A thread of its own opens the log, verifies and decodes; the core applies what it is sent, a chunk at a time, and
//! serves whoever may be served in between. The channel is short: memory stays bounded however long the log is.
//!
//! A snapshot is believed only when the state that it gives has the hash that it says. Otherwise it is passed over, and
//! the one before, or in the end the log from its first event, gives the state.

use super::core::CoreRef;
use super::notify;
use super::shared::Shared;
use crate::engine::Engine;
use crate::journal::disk::RealDisk;
use crate::journal::{self, JournalError, OpenedLog, SnapshotInfo, SnapshotReader, StateHash, Stored};
use crate::model::event::Event;
use crate::model::record::Record;
use crate::model::{Seq, UnixMs};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Facts or records sent at a time.
const CHUNK: usize = 4096;
/// Chunks under way.
const CHUNKS_MAX: usize = 8;
/// systemd is told this often how far the replay is.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// What is asked for each time: a replay that gets nowhere for so long may be given up.
const MORE_TIME: Duration = Duration::from_secs(30);

/// What the loading thread sends.
enum Loaded {
    /// A snapshot of so many records begins.
    Begin(u64),
    Records(Vec<Record>),
    /// The snapshot is complete. The thread waits to hear whether the state is the one that it says.
    Snapshot(SnapshotInfo),
    /// The snapshot could not be read to its end: another one follows, or the log.
    Broken,
    Events(Vec<(Seq, Event)>),
    /// What the state after the seq must be.
    Hash(Seq, StateHash),
    Done(Box<OpenedLog>),
    Failed(JournalError),
}

/// Why loading failed.
#[derive(Debug)]
pub enum LoadError {
    /// The log.
    Journal(JournalError),
    /// The engine refused what the log holds.
    Engine(String),
    /// The thread could not be started, or died.
    Thread(String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Journal(e) => e.fmt(f),
            LoadError::Engine(what) => write!(f, "the log holds what cannot be: {what}"),
            LoadError::Thread(what) => f.write_str(what),
        }
    }
}

/// What loading found, for the one line that tells it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Entities from the snapshot.
    pub records: u64,
    /// Events replayed.
    pub events: u64,
    /// State hashes that the replay came out with as the log says.
    pub hashes: u64,
    /// Seq of the snapshot; 0: none.
    pub snapshot_seq: Seq,
    /// When the snapshot was taken; a virtual clock must not go below it.
    pub snapshot_at: UnixMs,
}

/// Reads the log under `config` into an engine, `fresh` at first.
pub async fn load(
    core: &CoreRef,
    config: journal::Config,
    fresh: impl Fn() -> Engine,
) -> Result<(OpenedLog, Engine, Counts), LoadError> {
    let shared = core.borrow().shared.clone();
    let mut counts = Counts::default();
    let mut engine = fresh();
    let mut refused: Option<String> = None;
    let (judge, judged) = mpsc::channel();
    let mut chunks = start(shared.clone(), config, judged).map_err(|e| LoadError::Thread(e.to_string()))?;
    let mut told: Option<Instant> = None;
    loop {
        let chunk = chunks.recv().await;
        // Only what comes is a reason to wait for more.
        if chunk.is_some() && told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            notify::extend_start(MORE_TIME);
            notify::status(&format!(
                "loading: {} records, {} events so far",
                counts.records, counts.events
            ));
        }
        match chunk {
            Some(Loaded::Begin(records)) => engine.expect(records),
            Some(Loaded::Records(records)) => {
                counts.records += records.len() as u64;
                if refused.is_none() {
                    refused = records.into_iter().try_for_each(|r| engine.restore(r)).err();
                }
            }
            Some(Loaded::Broken) => {
                (engine, refused, counts.records) = (fresh(), None, 0);
            }
            Some(Loaded::Snapshot(info)) => {
                let verdict = refused.take().map_or_else(|| holds(&mut engine, &info), Err);
                if verdict.is_ok() {
                    (counts.snapshot_seq, counts.snapshot_at) = (info.seq, info.at);
                } else {
                    (engine, counts.records) = (fresh(), 0);
                }
                // A thread that is gone tells why below.
                let _ = judge.send(verdict);
            }
            Some(Loaded::Events(events)) => {
                counts.events += events.len() as u64;
                for (seq, event) in &events {
                    engine
                        .replay(*seq, event)
                        .map_err(|what| LoadError::Engine(format!("seq {seq}: {what}")))?;
                }
                shared.replayed.store(counts.events, Relaxed);
            }
            Some(Loaded::Hash(seq, said)) => {
                let found = engine.state_hash();
                if !said.allows(found) {
                    return Err(LoadError::Engine(format!(
                        "seq {seq}: the replay gives state {found:016x}, but the log was written with {:016x}: this \
                         program does not read the log as the one that wrote it did",
                        said.value
                    )));
                }
                counts.hashes += 1;
            }
            Some(Loaded::Done(opened)) => return Ok((*opened, engine, counts)),
            Some(Loaded::Failed(e)) => return Err(LoadError::Journal(e)),
            None => return Err(LoadError::Thread("the loading thread ended early".to_owned())),
        }
        tokio::task::yield_now().await;
    }
}

/// Is the state the one that the snapshot says?
fn holds(engine: &mut Engine, info: &SnapshotInfo) -> Result<(), String> {
    engine.restored(info.seq);
    let (found, said) = (engine.state_hash(), info.state_hash);
    if said.allows(found) {
        return Ok(());
    }
    Err(format!("it gives state {found:016x}, not {:016x}", said.value))
}

type Judged = mpsc::Receiver<Result<(), String>>;

fn start(shared: Arc<Shared>, config: journal::Config, judged: Judged) -> std::io::Result<Receiver<Loaded>> {
    let (send, receive) = channel(CHUNKS_MAX);
    std::thread::Builder::new()
        .name("slad-load".to_owned())
        .spawn(move || {
            let last = match read(&shared, config, &send, &judged) {
                Ok(opened) => Loaded::Done(Box::new(opened)),
                Err(e) => Loaded::Failed(e),
            };
            let _ = send.blocking_send(last);
        })?;
    Ok(receive)
}

const GONE: &str = "the daemon goes down";

fn read(
    shared: &Shared,
    config: journal::Config,
    send: &Sender<Loaded>,
    judged: &Judged,
) -> Result<OpenedLog, JournalError> {
    let gone = |_| GONE.to_owned();
    let folder = &shared.config.data;
    let disk = RealDisk::new(folder, std::process::id()).map_err(|e| JournalError::io("open", folder, e))?;
    let mut opened = journal::open(Arc::new(disk), config)?;
    let mut after = 0;
    let mut foreign = None;
    while let Some(snapshot) = opened.snapshot() {
        let info = snapshot.info();
        match restore(snapshot, send, judged) {
            Ok(Ok(())) => {
                after = info.seq;
                break;
            }
            Ok(Err(what)) => opened.pass_over_snapshot(what)?,
            Err(e @ JournalError::Foreign { .. }) => {
                let _ = send.blocking_send(Loaded::Broken);
                opened.pass_over_snapshot("it is of a form that this slad does not read".to_owned())?;
                foreign = Some(e);
            }
            Err(e) => return Err(e),
        }
    }
    // Without it nothing says what was before the log's first event.
    if let Some(e) = foreign.filter(|_| after == 0 && opened.first_seq() > 1) {
        return Err(e);
    }
    let mut chunk = Vec::with_capacity(CHUNK);
    opened.replay_stored(after, |seq, stored| {
        let hash = match stored {
            Stored::Event(event) => {
                chunk.push((seq, event));
                None
            }
            Stored::Hash(hash) => Some(hash),
        };
        if chunk.len() == CHUNK || hash.is_some() {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            send.blocking_send(Loaded::Events(full)).map_err(gone)?;
        }
        match hash {
            Some(hash) => send.blocking_send(Loaded::Hash(seq, hash)).map_err(gone),
            None => Ok(()),
        }
    })?;
    let _ = send.blocking_send(Loaded::Events(chunk));
    Ok(opened)
}

/// Sends a snapshot and hears what the core says to it; `Ok(Err)`: it is not to be used.
fn restore(
    snapshot: &SnapshotReader,
    send: &Sender<Loaded>,
    judged: &Judged,
) -> Result<Result<(), String>, JournalError> {
    let _ = send.blocking_send(Loaded::Begin(snapshot.info().records));
    let mut chunk = Vec::with_capacity(CHUNK);
    let read = snapshot.records(|record| {
        chunk.push(record);
        if chunk.len() == CHUNK {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            send.blocking_send(Loaded::Records(full))
                .map_err(|_| GONE.to_owned())?;
        }
        Ok(())
    });
    match read {
        Ok(()) => {}
        Err(JournalError::Corrupt { what, .. }) => {
            let _ = send.blocking_send(Loaded::Broken);
            return Ok(Err(what));
        }
        Err(e) => return Err(e),
    }
    let _ = send.blocking_send(Loaded::Records(chunk));
    let _ = send.blocking_send(Loaded::Snapshot(snapshot.info()));
    judged.recv().map_err(|_| JournalError::Misuse(GONE.to_owned()))
}
