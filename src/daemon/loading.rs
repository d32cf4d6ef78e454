//! The log → the engine, while the socket already answers.
//!
//! A thread of its own opens the log, verifies and decodes; the core applies what it is sent, a chunk at a time, and
//! serves whoever may be served in between. The channel is short: memory stays bounded however long the log is.

use super::core::CoreRef;
use super::notify;
use super::shared::Shared;
use crate::engine::Engine;
use crate::journal::disk::RealDisk;
use crate::journal::{self, JournalError, OpenedLog, SnapshotInfo};
use crate::model::event::Event;
use crate::model::record::Record;
use crate::model::{Seq, UnixMs};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
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
    Records(Vec<Record>),
    /// The snapshot is complete: the state is the one that it says.
    Snapshot(SnapshotInfo),
    Events(Vec<(Seq, Event)>),
    Done(Box<OpenedLog>),
    Failed(JournalError),
}

/// Why loading failed.
#[derive(Debug)]
pub enum LoadError {
    /// The log.
    Journal(JournalError),
    /// The engine refused what the log holds, or the state is not what the snapshot says.
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
    /// Seq of the snapshot; 0: none.
    pub snapshot_seq: Seq,
    /// When the snapshot was taken; the clock must not go below it.
    pub snapshot_at: UnixMs,
}

/// Reads the log under `config` into `engine`.
pub async fn load(
    core: &CoreRef,
    config: journal::Config,
    engine: &mut Engine,
) -> Result<(OpenedLog, Counts), LoadError> {
    let shared = core.borrow().shared.clone();
    let mut counts = Counts::default();
    let mut chunks = start(shared.clone(), config).map_err(|e| LoadError::Thread(e.to_string()))?;
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
            Some(Loaded::Records(records)) => {
                counts.records += records.len() as u64;
                for record in records {
                    engine.restore(record).map_err(LoadError::Engine)?;
                }
            }
            Some(Loaded::Snapshot(info)) => {
                let (seq, hash) = (info.seq, info.state_hash);
                (counts.snapshot_seq, counts.snapshot_at) = (seq, info.at);
                engine.restored(seq);
                let found = engine.state_hash();
                if found != hash {
                    return Err(LoadError::Engine(format!(
                        "the snapshot of seq {seq} gives state {found:016x}, not {hash:016x}"
                    )));
                }
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
            Some(Loaded::Done(opened)) => return Ok((*opened, counts)),
            Some(Loaded::Failed(e)) => return Err(LoadError::Journal(e)),
            None => return Err(LoadError::Thread("the loading thread ended early".to_owned())),
        }
        tokio::task::yield_now().await;
    }
}

fn start(shared: Arc<Shared>, config: journal::Config) -> std::io::Result<Receiver<Loaded>> {
    let (send, receive) = channel(CHUNKS_MAX);
    std::thread::Builder::new()
        .name("slad-load".to_owned())
        .spawn(move || {
            let last = match read(&shared, config, &send) {
                Ok(opened) => Loaded::Done(Box::new(opened)),
                Err(e) => Loaded::Failed(e),
            };
            let _ = send.blocking_send(last);
        })?;
    Ok(receive)
}

fn read(shared: &Shared, config: journal::Config, send: &Sender<Loaded>) -> Result<OpenedLog, JournalError> {
    let gone = |_| "the daemon goes down".to_owned();
    let folder = &shared.config.data;
    let disk = RealDisk::new(folder, std::process::id()).map_err(|e| JournalError::io("open", folder, e))?;
    let opened = journal::open(Arc::new(disk), config)?;
    let mut after = 0;
    if let Some(snapshot) = opened.snapshot() {
        let mut chunk = Vec::with_capacity(CHUNK);
        snapshot.records(|record| {
            chunk.push(record);
            if chunk.len() == CHUNK {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                send.blocking_send(Loaded::Records(full)).map_err(gone)?;
            }
            Ok(())
        })?;
        after = snapshot.info().seq;
        let _ = send.blocking_send(Loaded::Records(chunk));
        let _ = send.blocking_send(Loaded::Snapshot(snapshot.info()));
    }
    let mut chunk = Vec::with_capacity(CHUNK);
    opened.replay(after, |seq, event| {
        chunk.push((seq, event));
        if chunk.len() == CHUNK {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            send.blocking_send(Loaded::Events(full)).map_err(gone)?;
        }
        Ok(())
    })?;
    let _ = send.blocking_send(Loaded::Events(chunk));
    Ok(opened)
}
