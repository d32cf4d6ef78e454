//! What goes on with old segments behind the writer's back: index files are made, what the rules let go is taken out and its
//! files are deleted or handed on.
//!
//! A segment goes in this order: out of [`Published`], so that nobody begins to read it; renamed, and the directory synced,
//! before the next one is; then it waits until the last reader has let go of its mapping (a mapping of what is cut off ends
//! in SIGBUS); then its file is used again, or cut off in steps of [`STEP_BYTES`] and removed. A file that has a second
//! name, as in a backup of hard links, only loses the one that is ours.
//!
//! Cost: removing 64 MiB at once has held commits up for 100 ms; a step takes 1 ms. Who calls decides on which thread, and
//! pauses between the steps. A failure harms nothing: what was not deleted has a name that the next start removes.

use super::JournalError;
use super::disk::DiskFile;
use super::published::Published;
use super::reader::Reader;
use super::retire::{Facts, Rules, SegmentFacts, Why, plan};
use super::segment::{self, Segment};
use super::{sidecar, snapshot};
use crate::model::{Seq, UnixMs};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Cut off a file in one step, bytes.
pub const STEP_BYTES: u64 = 2 << 20;

/// A segment that is retained no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retired {
    /// Its id.
    pub id: u64,
    /// First seq that is gone with it.
    pub first_seq: Seq,
    /// Last one.
    pub last_seq: Seq,
    /// Length of its file.
    pub bytes: u64,
    /// Why it goes.
    pub why: Why,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is nothing to do.
    Idle,
    /// There is more: pause and call again.
    Again,
    /// Somebody still reads a segment that goes: call again in a while.
    Held,
}

/// A file on its way out.
#[derive(Debug)]
struct Going {
    name: String,
    file: Option<Arc<dyn DiskFile>>,
}

/// Keeps the log's old segments. There is one a log, on any thread but the log's.
#[derive(Debug)]
pub struct Keeper {
    published: Arc<Published>,
    reader: Arc<Reader>,
    snapshots_kept: usize,
    /// Out of sight, under their old name or (true) a new one that is not synced.
    taken: VecDeque<(Arc<Segment>, bool)>,
    /// Renamed; somebody may still read them.
    held: Vec<Arc<Segment>>,
    going: VecDeque<Going>,
    /// Snapshots that were found whole.
    whole: BTreeSet<Seq>,
    /// Segments that cannot be indexed, because they do not hold what was written.
    damaged: BTreeSet<u64>,
    /// The disk has too little room to keep files for later.
    is_low: bool,
    /// The disk is low, and what is on its way out is to be waited for before more goes.
    postponed: bool,
}

fn retired_name(name: &str) -> String {
    format!("retired-{}.tmp", name.trim_end_matches(".slad"))
}

impl Keeper {
    pub(super) fn new(published: Arc<Published>, reader: Arc<Reader>, snapshots_kept: usize) -> Keeper {
        Keeper {
            published,
            reader,
            snapshots_kept: snapshots_kept.max(snapshot::KEPT_MIN),
            taken: VecDeque::new(),
            held: Vec::new(),
            going: VecDeque::new(),
            whole: BTreeSet::new(),
            damaged: BTreeSet::new(),
            is_low: false,
            postponed: false,
        }
    }

    fn io<T>(&self, op: &'static str, name: &str, done: io::Result<T>) -> Result<T, JournalError> {
        done.map_err(|e| JournalError::io(op, &self.published.disk().path(name), e))
    }

    /// Bytes free on the disk.
    pub fn free_bytes(&self) -> Result<u64, JournalError> {
        self.io("statvfs", "", self.published.disk().free_bytes())
    }

    /// Writes one index file that is missing, of the newest sealed segment first, and gives the segment and the length of
    /// the file; `None`: there is none to write. Cost: some 200 ms of one core for 64 MiB, then 1 to 3 MiB written. A
    /// segment that turns out to be damaged is told once and passed over from then on.
    pub fn write_index(&mut self) -> Result<Option<(u64, u64)>, JournalError> {
        self.reader.write_index(&self.damaged).map_err(|(segment, e)| {
            if e.is_unreadable() {
                self.damaged.insert(segment);
            }
            e
        })
    }

    /// Takes out what the rules let go at `now`; [`Keeper::step`] does the rest. Reads the snapshots that it relies on once
    /// each, and only when something is to go.
    pub fn retire(&mut self, rules: &Rules, now: UnixMs) -> Result<Vec<Retired>, JournalError> {
        self.sweep()?;
        let free_bytes = self.free_bytes()?;
        self.is_low = free_bytes < rules.free_bytes_min;
        if self.is_low {
            let names = self.published.recycler().give_up();
            self.going
                .extend(names.into_iter().map(|name| Going { name, file: None }));
        }
        // What is on its way out will make room. Judged by the room there is until then, a reader that holds on to one old
        // segment would cost all of them.
        let goes_already = !(self.taken.is_empty() && self.held.is_empty() && self.going.is_empty());
        self.postponed = self.is_low && goes_already;
        let free_bytes = if goes_already { u64::MAX } else { free_bytes };
        let segments = self.published.segments();
        let known: Vec<SegmentFacts> = segments.iter().map(|s| facts(s)).collect();
        let facts = Facts {
            now,
            segments: &known,
            snapshot_seq: Some(Seq::MAX),
            free_bytes,
        };
        if plan(rules, &facts).is_empty() {
            return Ok(Vec::new());
        }
        let facts = Facts {
            snapshot_seq: self.oldest_whole_snapshot()?,
            ..facts
        };
        drop(segments);
        let mut retired = Vec::new();
        for (id, why) in plan(rules, &facts) {
            let Some(segment) = self.published.take_oldest(id) else {
                break;
            };
            retired.push(Retired {
                id,
                first_seq: segment.first_seq,
                last_seq: segment.last_seq(),
                bytes: segment.file_bytes,
                why,
            });
            self.taken.push_back((segment, false));
        }
        Ok(retired)
    }

    /// A segment whose file is gone from the folder: somebody has removed or renamed it under the daemon, and no start would
    /// find it again.
    pub fn missing(&self) -> Result<Option<PathBuf>, JournalError> {
        // The segments first: one that begins meanwhile has its file already.
        let segments = self.published.segments();
        let names: BTreeSet<String> = self
            .io("list", "", self.published.disk().list())?
            .into_iter()
            .collect();
        // A listing that runs beside renames may be of no one moment on some file systems: the name itself decides.
        let is_gone = |name: &str| {
            let opened = self.published.disk().open(name);
            opened.is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
        };
        let gone = segments.iter().find(|s| {
            let name = segment::name_of(s.id);
            !names.contains(&name) && is_gone(&name)
        });
        Ok(gone.map(|s| s.path.clone()))
    }

    /// Is another look due once what is on its way out is gone?
    pub fn is_postponed(&self) -> bool {
        self.postponed
    }

    /// Finds what others left to be deleted: old snapshots, and what an earlier step could not do.
    fn sweep(&mut self) -> Result<(), JournalError> {
        let disk = Arc::clone(self.published.disk());
        let names = self.io("list", "", disk.list())?;
        let is_new = |name: &String| {
            name.starts_with("retired-")
                && name.ends_with(".tmp")
                && !self.published.recycler().has(name)
                && !self.going.iter().any(|g| g.name == *name)
                && !self
                    .held_segments()
                    .any(|s| retired_name(&segment::name_of(s.id)) == *name)
        };
        let new: Vec<String> = names.into_iter().filter(is_new).collect();
        if !new.is_empty() {
            // Before a byte of them goes, no loss of power may bring their old names back.
            self.io("sync directory", "", disk.sync_dir())?;
            self.going
                .extend(new.into_iter().map(|name| Going { name, file: None }));
        }
        Ok(())
    }

    fn held_segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.taken.iter().map(|(s, _)| s).chain(&self.held)
    }

    /// Seq of the oldest whole snapshot of those that are kept; `None`: there are not two whole ones.
    fn oldest_whole_snapshot(&mut self) -> Result<Option<Seq>, JournalError> {
        let disk = &**self.published.disk();
        let mut kept = snapshot::seqs(disk)?;
        kept.truncate(self.snapshots_kept);
        self.whole.retain(|seq| kept.contains(seq));
        for seq in kept {
            let last_seq = self.published.written_seq();
            if !self.whole.contains(&seq) && snapshot::is_whole(disk, seq, self.published.log_id(), last_seq)?
            {
                self.whole.insert(seq);
            }
        }
        let is_enough = self.whole.len() >= snapshot::KEPT_MIN;
        Ok(self.whole.first().copied().filter(|_| is_enough))
    }

    /// Does one small piece of what is left to do. After an error go on with the next call, or give it up for now.
    pub fn step(&mut self) -> Result<Step, JournalError> {
        if let Some((segment, renamed)) = self.taken.front() {
            let disk = Arc::clone(self.published.disk());
            let name = segment::name_of(segment.id);
            if !renamed {
                self.io("rename", &name, disk.rename(&name, &retired_name(&name)))?;
                if let Some((_, renamed)) = self.taken.front_mut() {
                    *renamed = true;
                }
            }
            // Durable before the next one is renamed, else a loss of power could leave a hole; and before its bytes change.
            self.io("sync directory", "", disk.sync_dir())?;
            self.held
                .extend(self.taken.pop_front().map(|(segment, _)| segment));
            return Ok(Step::Again);
        }
        let free = self.held.iter_mut().position(|held| {
            // Nobody has the segment, so nobody can get at its file; and nobody had taken that out of it.
            Arc::get_mut(held).is_some_and(|segment| Arc::get_mut(&mut segment.file).is_some())
        });
        if let Some(free) = free {
            let segment = self.held.swap_remove(free);
            let (id, bytes) = (segment.id, segment.file_bytes);
            // Its mappings end here.
            drop(segment);
            self.reader.forget(id);
            self.release(id, bytes);
            return Ok(Step::Again);
        }
        if let Some(going) = self.going.pop_front() {
            if let Some(rest) = self.cut(going)? {
                self.going.push_front(rest);
            }
            return Ok(Step::Again);
        }
        Ok(if self.held.is_empty() {
            Step::Idle
        } else {
            Step::Held
        })
    }

    /// Nobody reads the segment's file any more: it is used again, or goes.
    fn release(&mut self, id: u64, bytes: u64) {
        let name = retired_name(&segment::name_of(id));
        let disk = self.published.disk();
        let is_ours = || disk.open(&name)?.is_linked_elsewhere().map(|linked| !linked);
        let again =
            !self.is_low && is_ours().unwrap_or(false) && self.published.recycler().offer(&name, bytes);
        if !again {
            self.going.push_back(Going { name, file: None });
        }
        self.going.push_back(Going {
            name: sidecar::name_of(id),
            file: None,
        });
    }

    /// Cuts a piece off a file, or removes what is left of it. Gives it back if there is more.
    fn cut(&self, going: Going) -> Result<Option<Going>, JournalError> {
        let disk = self.published.disk();
        let name = going.name;
        let file = match going.file {
            Some(file) => file,
            None => match disk.open(&name) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => self.io("open", &name, file)?,
            },
        };
        let length = self.io("stat", &name, file.len())?;
        if length <= STEP_BYTES || self.io("stat", &name, file.is_linked_elsewhere())? {
            drop(file);
            self.io("remove", &name, disk.remove(&name))?;
            return Ok(None);
        }
        self.io("truncate", &name, file.truncate(length - STEP_BYTES))?;
        Ok(Some(Going {
            name,
            file: Some(file),
        }))
    }
}

fn facts(segment: &Segment) -> SegmentFacts {
    SegmentFacts {
        id: segment.id,
        first_seq: segment.first_seq,
        created_at: segment.created_at,
        bytes: segment.file_bytes,
        is_sealed: segment.sealed.load(Ordering::Acquire),
    }
}
