//! The log replayed into an engine, and its state hashes compared: what a start does, from the log's beginning.
//!
//! Where the first events are no longer retained, the oldest whole snapshot is the beginning. Compared are the hashes that
//! the log carries and those of the snapshots. Cost: a start from the beginning, and the memory of the state.

use crate::engine::{Config, Engine};
use crate::journal::offline::{Piece, View};
use crate::journal::{JournalError, SnapshotReader, StateHash};
use crate::model::{Seq, UnixMs};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What a replay came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proof {
    /// Seq of the snapshot that it began with; 0: it began with the first event.
    pub from: Seq,
    /// Events replayed.
    pub events: u64,
    /// Hashes that came out as they were written.
    pub hashes: u64,
    /// The last seq.
    pub seq: Seq,
    /// When it was logged.
    pub at: UnixMs,
    /// Live tickets after it.
    pub tickets: u64,
    /// Hash of the state after it.
    pub state_hash: u64,
}

/// Replays up to `upto`, or to the end. `on_bytes` is told how far the reading is. A hash that comes out otherwise is an error with
/// its place. `on_snapshot` is told of each snapshot that is whole but does not give the state it says, and what is wrong: it
/// is passed over, as a start does.
pub fn prove(
    view: &View,
    upto: Option<Seq>,
    mut on_bytes: impl FnMut(u64),
    mut on_snapshot: impl FnMut(Seq, JournalError),
) -> Result<Proof, JournalError> {
    let mut proof = Proof::default();
    let mut said: BTreeMap<Seq, StateHash> = BTreeMap::new();
    let mut base: Option<Engine> = None;
    let is_whole = view.first_seq() <= 1;
    // Newest first: the last that gives the state it says is the beginning, where one is needed.
    let mut snapshots = Vec::new();
    for found in view.snapshots() {
        match found {
            Ok(s) if upto.is_some_and(|seq| s.info().seq > seq) => {}
            Ok(s) => snapshots.push(s),
            Err(JournalError::Corrupt { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    let begins = |s: &SnapshotReader| !is_whole && s.info().seq + 1 >= view.first_seq();
    let oldest = snapshots.iter().rfind(|s| begins(s)).map(|s| s.info().seq);
    let mut good = None;
    for snapshot in &snapshots {
        let info = snapshot.info();
        // One state at a time is in memory: that of the beginning is the last.
        let engine = match restored(snapshot) {
            Ok(engine) => engine,
            // The daemon removed it meanwhile.
            Err(_) if !view.has_snapshot(info.seq) => continue,
            Err(e @ JournalError::Io { .. }) => return Err(e),
            Err(e) => {
                on_snapshot(info.seq, e);
                continue;
            }
        };
        said.insert(info.seq, info.state_hash);
        proof.hashes += 1;
        if begins(snapshot) {
            good = Some(snapshot);
            base = (oldest == Some(info.seq)).then_some(engine);
        }
    }
    if let Some(snapshot) = good {
        (proof.from, proof.seq) = (snapshot.info().seq, snapshot.info().seq);
        if base.is_none() {
            base = Some(restored(snapshot)?);
        }
    }
    let mut engine = match base {
        Some(engine) => engine,
        None if is_whole => Engine::new(Config::default()),
        None => {
            return Err(JournalError::Refused {
                seq: view.first_seq(),
                what: "the log begins here, and no whole snapshot holds what came before".to_owned(),
            });
        }
    };
    let after = proof.from;
    let mut is_refused = false;
    let walked = view.walk(after, |piece, bytes| {
        on_bytes(bytes);
        match piece {
            Piece::Frame(first, events) => {
                if upto.is_some_and(|seq| first > seq) {
                    return Ok(ControlFlow::Break(()));
                }
                for (seq, event) in (first..).zip(&events).filter(|(seq, _)| *seq > after) {
                    engine.replay(seq, event)?;
                    proof.events += 1;
                    (proof.seq, proof.at) = (seq, event.logged_at);
                }
                if let Some(hash) = said.remove(&proof.seq) {
                    compare(&mut engine, proof.seq, hash, "its snapshot says")
                        .inspect_err(|_| is_refused = true)?;
                    proof.hashes += 1;
                }
            }
            Piece::Hash(seq, hash) => {
                if upto.is_some_and(|upto| seq > upto) {
                    return Ok(ControlFlow::Break(()));
                }
                compare(&mut engine, seq, hash, "the log says").inspect_err(|_| is_refused = true)?;
                proof.hashes += 1;
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    match walked {
        // What cannot be read lies behind what is wanted.
        Err(e) if e.is_unreadable() && !is_refused && upto.is_some_and(|upto| proof.seq >= upto) => {}
        walked => walked?,
    }
    proof.state_hash = engine.state_hash();
    proof.tickets = engine.figures().tickets;
    Ok(proof)
}

fn compare(engine: &mut Engine, seq: Seq, said: StateHash, who: &str) -> Result<(), String> {
    let found = engine.state_hash();
    if said.allows(found) {
        return Ok(());
    }
    Err(format!(
        "the replay gives state {found:016x} after seq {seq}, but {who} {:016x}",
        said.value
    ))
}

/// The state that a snapshot gives, which must be the one that it says.
fn restored(snapshot: &SnapshotReader) -> Result<Engine, JournalError> {
    let info = snapshot.info();
    let mut engine = Engine::new(Config::default());
    let wrong = |what| JournalError::corrupt(snapshot.path(), 0, info.seq, what);
    snapshot
        .records(|record| engine.restore(record))
        .map_err(|e| match e {
            JournalError::Refused { what, .. } => wrong(what),
            e => e,
        })?;
    engine.restored(info.seq);
    compare(&mut engine, info.seq, info.state_hash, "it says").map_err(wrong)?;
    Ok(engine)
}
