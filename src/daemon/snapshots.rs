//! Snapshots: the state of one seq, copied out between batches and written by a thread of its own.
//!
//! The core copies a few hundred entities at a time and lets others run in between; the channel to the writing thread is
//! short, so a slow disk slows the snapshot and nothing else. The writer is paced. A snapshot that fails is given up
//! with a warning: the log alone is enough.

use super::connection::{Connection, Woken};
use super::core::{Core, CoreRef};
use super::disk::DiskState;
use crate::journal::disk::Disk;
use crate::journal::snapshot::prune;
use crate::journal::{JournalError, OpenedLog, SnapshotInfo, SnapshotWriter};
use crate::model::event::{Body, SnapshotTaken};
use crate::model::record::Record;
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, Seq};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Entities copied between two batches: some 100 µs.
const SLICE_RECORDS: usize = 256;
/// Slices on their way to the writer.
const SLICES_MAX: usize = 8;
/// Bytes a second that the writer takes at most, so that commits keep their share of the disk.
const BYTES_PER_SECOND: u64 = 300 << 20;
/// How often a snapshot looks whether what it holds is durable by now.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Where snapshots go.
#[derive(Debug, Clone)]
pub struct Store {
    disk: Arc<dyn Disk>,
    log_id: u64,
    epoch: u32,
    keep: usize,
}

impl Store {
    /// The place of a log's snapshots, of which `keep` are kept.
    pub fn new(opened: &OpenedLog, keep: u32) -> Store {
        Store {
            disk: opened.disk(),
            log_id: opened.log_id(),
            epoch: opened.epoch(),
            keep: keep as usize,
        }
    }
}

/// How the last snapshots went, for those who asked for one.
#[derive(Debug, Default)]
pub struct Progress {
    /// Snapshots begun.
    pub begun: u64,
    /// Snapshots ended, well or not.
    pub ended: u64,
    /// What became of the last one: the seq of its `snapshot.taken`, or why not.
    pub last: Option<Result<Seq, String>>,
}

enum Slice {
    Records(Vec<Record>),
    Finish(u64),
}

/// Takes snapshots when they are asked for, and when the time or the number of events has come.
pub async fn run(core: CoreRef) {
    let (asked, every) = {
        let core = core.borrow();
        (core.snapshot.clone(), core.shared.config.snapshot.every)
    };
    loop {
        // A wake-up every quarter of an hour at most; by the number of events the core itself asks.
        let _ = tokio::time::timeout(every, asked.wait()).await;
        let idle = {
            let core = core.borrow();
            core.seq() <= core.shared.snapshot_seq.load(Relaxed)
                && core.snapshots.begun == core.snapshots.ended
        };
        if idle && !core.borrow().snapshots_asked() {
            continue;
        }
        core.borrow_mut().snapshots.begun += 1;
        let taken = match core.borrow().shared.disk().0 {
            DiskState::Ok => None,
            _ => Some(Err("the disk is full".to_owned())),
        };
        let taken = match taken {
            Some(refused) => refused,
            None => take(&core).await,
        };
        if let Err(why) = &taken {
            tracing::warn!("no snapshot: {why}");
        }
        core.borrow_mut().snapshot_ended(taken);
    }
}

async fn take(core: &CoreRef) -> Result<Seq, String> {
    let started = Instant::now();
    let (store, head, at) = {
        let mut core = core.borrow_mut();
        let at = core.now();
        let store = core.store().ok_or("the log is not open")?;
        let r = core.running().ok_or("the log is not open")?;
        let head = r.engine.snapshot_begin().ok_or("another one is being taken")?;
        push_on(&mut core);
        (store, head, at)
    };
    let info = match copy(core, store, head.seq, head.state_hash, at).await {
        Ok(info) => info,
        Err(why) => {
            if let Some(r) = core.borrow_mut().running() {
                r.engine.snapshot_abort();
            }
            return Err(why);
        }
    };
    let mut core = core.borrow_mut();
    let now = core.now();
    if let Some(meter) = &core.meter {
        meter.snapshot(info.at);
    }
    let seq = core.record(
        now,
        Body::SnapshotTaken(SnapshotTaken {
            seq: info.seq,
            state_hash: info.state_hash.value,
            bytes: info.bytes,
            records: info.records,
        }),
    );
    tracing::info!(
        snapshot_seq = info.seq,
        records = info.records,
        bytes = info.bytes,
        took_ms = started.elapsed().as_millis() as u64,
        "snapshot taken"
    );
    // Two are there now, perhaps, and older segments no longer needed.
    core.shared.housekeeping.ring();
    // What comes right after is no reason for the next one.
    core.shared.snapshot_seq.store(seq, Relaxed);
    core.shared.snapshot_of.store(info.seq, Relaxed);
    Ok(seq)
}

/// Hands what has gathered to the log thread, and then has it synced: a sync covers only what was handed over before.
fn push_on(core: &mut Core) {
    core.submit();
    if let Some(r) = core.running() {
        r.log.line().ask_sync();
    }
}

async fn copy(
    core: &CoreRef,
    store: Store,
    seq: Seq,
    state_hash: u64,
    at: i64,
) -> Result<SnapshotInfo, String> {
    let (send, receive) = sync_channel(SLICES_MAX);
    let writer = tokio::task::spawn_blocking(move || write(&store, seq, at, &receive));
    let mut more = true;
    while more {
        let mut slice = Vec::with_capacity(SLICE_RECORDS);
        more = {
            let mut core = core.borrow_mut();
            let r = core.running().ok_or("the daemon goes down")?;
            r.engine.snapshot_step(SLICE_RECORDS, &mut slice)
        };
        if !slice.is_empty() && !hand_over(&send, Slice::Records(slice)).await {
            break;
        }
        tokio::task::yield_now().await;
    }
    // A snapshot must not hold what the log could still lose. A batch that found the line full was not part of the last
    // sync, and under `never` nobody else asks for one: so it is asked for again.
    while core.borrow().shared.durable_seq() < seq {
        if core.borrow().is_disk_exhausted() {
            break;
        }
        push_on(&mut core.borrow_mut());
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    if core.borrow().shared.durable_seq() >= seq {
        hand_over(&send, Slice::Finish(state_hash)).await;
    }
    drop(send);
    match writer.await {
        Ok(Ok(info)) => Ok(info),
        Ok(Err(e)) => Err(e.to_string()),
        Err(e) => Err(e.to_string()),
    }
}

/// Hands a slice over, waiting while too many are under way. `false`: the writer has given up.
async fn hand_over(send: &SyncSender<Slice>, mut slice: Slice) -> bool {
    loop {
        match send.try_send(slice) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(back)) => slice = back,
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn write(store: &Store, seq: Seq, at: i64, slices: &Receiver<Slice>) -> Result<SnapshotInfo, JournalError> {
    let mut writer = SnapshotWriter::create(store.disk.clone(), store.log_id, seq, store.epoch, at)?;
    let started = Instant::now();
    while let Ok(slice) = slices.recv() {
        match slice {
            Slice::Records(records) => {
                if let Err(e) = writer.chunk(&records) {
                    let _ = writer.abort();
                    return Err(e);
                }
                let due = Duration::from_micros(writer.bytes() * 1_000_000 / BYTES_PER_SECOND);
                std::thread::sleep(due.saturating_sub(started.elapsed()));
            }
            Slice::Finish(state_hash) => {
                let info = writer.finish(state_hash)?;
                // The snapshot is there; an old one too many costs space and nothing else.
                if let Err(e) = prune(&*store.disk, store.keep) {
                    tracing::warn!("old snapshots could not be removed: {e}");
                }
                return Ok(info);
            }
        }
    }
    writer.abort()?;
    Err(JournalError::Misuse("the snapshot was given up".to_owned()))
}

impl Connection {
    /// `SNAPSHOT`: replies with the seq of its `snapshot.taken` once it is there.
    pub(super) async fn snapshot(&mut self) -> bool {
        let number = {
            let mut core = self.core.borrow_mut();
            core.ask_snapshot(&self.peer)
        };
        self.blocked(true);
        let stays = loop {
            let last = {
                let core = self.core.borrow();
                (core.snapshots.ended >= number).then(|| core.snapshots.last.clone())
            };
            if let Some(last) = last {
                self.say_now(&match last {
                    Some(Ok(seq)) => Reply::Seq(seq),
                    Some(Err(why)) => Refusal::new(Code::Err, format!("no snapshot: {why}")).into(),
                    None => Reply::Null,
                });
                break true;
            }
            if self.until(None).await == Woken::Gone {
                break false;
            }
        };
        self.blocked(false);
        stays
    }
}
