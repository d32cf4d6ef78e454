//! A disk in memory that loses, tears and refuses, for tests and simulation.
//!
//! Each file is what programs see, and how to take back what was written since its last sync; [`SimDisk::power_loss`]
//! takes all of that back, or some of it as the seed says: each sector ends as it was after one of its writes, so that
//! writes are lost in part and out of order. Creates, renames and removes since the last `sync_dir` survive up to one of
//! them. Operations can be counted and made to fail at a given number, and the whole
//! disk can be made so small that it is full until room is made. Everything is a function of the calls and the seed.
//!
//! Cost: a write copies what it overwrites, a sync forgets it; a million small lives are simulated in minutes.

use super::disk::{Bytes, Disk, DiskFile};
use super::sim_file::Content;
use rkyv::util::AlignedVec;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happens at the operation that a fault is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with an I/O error; a write has no effect.
    Error,
    /// A write stores only its first half, then fails.
    ShortWrite,
    /// The disk is full: a write or preallocation fails.
    Full,
    /// It fails, and so does everything after it: the process is gone.
    Crash,
}

/// A change of names that a loss of power may take back.
#[derive(Debug, Clone)]
enum Naming {
    Set(String, usize),
    Remove(String),
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// Changes of names since the last `sync_dir`; a rename is one.
    unsynced_names: Vec<Vec<Naming>>,
    files: Vec<Content>,
    locked: bool,
    operations: u64,
    fault: Option<(u64, Fault)>,
    crashed: bool,
    /// Bytes that its files may have together; `None`: no end.
    capacity: Option<u64>,
}

impl State {
    /// Bytes that are left.
    fn free_bytes(&self) -> u64 {
        let Some(capacity) = self.capacity else {
            return 1 << 40;
        };
        let used = |file: &usize| self.files[*file].now.len() as u64;
        capacity.saturating_sub(self.names.values().map(used).sum())
    }

    /// Fails if the file cannot become so long.
    fn make_room(&self, file: usize, length: usize) -> io::Result<()> {
        let more = length.saturating_sub(self.files[file].now.len()) as u64;
        if more > self.free_bytes() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// A directory in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty directory.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations that write, sync or change names, so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets operation number `operation` (counted as [`SimDisk::operations`] does, from 1) go wrong.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state().fault = Some((operation, fault));
    }

    /// From now on the disk holds so many bytes: what makes a file longer than that leaves room for fails, until there is
    /// room or the limit is moved. Writing over what is there always goes.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Bytes that all files have together.
    pub fn used_bytes(&self) -> u64 {
        let state = self.state();
        (state.names.values())
            .map(|file| state.files[*file].now.len() as u64)
            .sum()
    }

    /// Has the operation that was to go wrong been reached?
    pub fn is_failing(&self) -> bool {
        let state = self.state();
        state.crashed || state.fault.is_some_and(|(at, _)| state.operations >= at)
    }

    /// The process dies and another one starts: nothing that was written is lost, the lock is free, faults are off.
    pub fn restart(&self) {
        let mut state = self.state();
        state.locked = false;
        state.crashed = false;
        state.fault = None;
    }

    /// The power goes: each sector ends as one of the writes since its file's last sync left it, or as none did, and changes
    /// of names that were not synced survive up to one of them, as `seed` decides; seed 0 loses all of it. Includes [`SimDisk::restart`].
    pub fn power_loss(&self, seed: u64) {
        self.restart();
        let mut state = self.state();
        let mut random = Random(seed);
        let state = &mut *state;
        for content in state.files.iter_mut().filter(|c| c.is_dirty()) {
            content.lose(|| seed != 0 && random.next() & 1 == 1);
        }
        let kept = match seed {
            0 => 0,
            _ => random.next() as usize % (state.unsynced_names.len() + 1),
        };
        for change in state.unsynced_names.drain(..).take(kept).flatten() {
            match change {
                Naming::Set(name, file) => {
                    state.synced_names.insert(name, file);
                }
                Naming::Remove(name) => {
                    state.synced_names.remove(&name);
                }
            }
        }
        state.names.clone_from(&state.synced_names);
    }

    /// Turns one bit of a file over, below the log and for good: `mask` of the byte at `offset`.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) {
        let mut state = self.state();
        let State { names, files, .. } = &mut *state;
        let byte = names
            .get(name)
            .and_then(|file| files.get_mut(*file))
            .and_then(|content| content.now.get_mut(offset));
        if let Some(byte) = byte {
            *byte ^= mask;
        }
    }

    /// Names, and what programs see in each file.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let bytes = |file: &usize| state.files[*file].now.clone();
        state
            .names
            .iter()
            .map(|(name, file)| (name.clone(), bytes(file)))
            .collect()
    }

    /// Replaces or adds a file, synced: for damaging one.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let file = state.files.len();
        state.files.push(Content::synced(bytes));
        state.names.insert(name.to_owned(), file);
        state.synced_names.insert(name.to_owned(), file);
    }

    /// A directory of its own with the same files.
    pub fn fork(&self) -> SimDisk {
        let other = SimDisk::new();
        for (name, bytes) in self.contents() {
            other.put(&name, bytes);
        }
        other
    }

    /// The same, with what each disk would lose.
    pub fn fork_with_unsynced(&self) -> SimDisk {
        let state = self.state();
        SimDisk {
            state: Arc::new(Mutex::new(State {
                names: state.names.clone(),
                synced_names: state.synced_names.clone(),
                unsynced_names: state.unsynced_names.clone(),
                files: state.files.clone(),
                capacity: state.capacity,
                ..State::default()
            })),
        }
    }

    /// Counts an operation. `Ok(true)`: it is to stop half way.
    fn step(state: &mut State) -> io::Result<bool> {
        state.operations += 1;
        if state.crashed {
            return Err(io::Error::other("the process is gone"));
        }
        match state.fault {
            Some((at, fault)) if at == state.operations => match fault {
                Fault::Error => Err(io::Error::other("a fault was asked for")),
                Fault::Full => Err(io::ErrorKind::StorageFull.into()),
                Fault::ShortWrite => Ok(true),
                Fault::Crash => {
                    state.crashed = true;
                    Ok(true)
                }
            },
            _ => Ok(false),
        }
    }
}

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, name.to_owned())
}

fn halted() -> io::Error {
    io::Error::other("a fault was asked for half way")
}

struct Guard(Arc<Mutex<State>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).locked = false;
    }
}

impl Disk for SimDisk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("sim").join(name)
    }

    fn lock(&self, _name: &str) -> io::Result<Result<Box<dyn Send + Sync>, Option<u32>>> {
        let mut state = self.state();
        if state.locked {
            return Ok(Err(None));
        }
        state.locked = true;
        Ok(Ok(Box::new(Guard(Arc::clone(&self.state)))))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = *self.state().names.get(name).ok_or_else(|| not_found(name))?;
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            file,
        }))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        if SimDisk::step(&mut state)? {
            return Err(halted());
        }
        let file = state.files.len();
        state.files.push(Content::default());
        state.names.insert(name.to_owned(), file);
        (state.unsynced_names).push(vec![Naming::Set(name.to_owned(), file)]);
        drop(state);
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            file,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        if SimDisk::step(&mut state)? {
            return Err(halted());
        }
        let file = state.names.remove(from).ok_or_else(|| not_found(from))?;
        state.names.insert(to.to_owned(), file);
        let change = vec![Naming::Remove(from.to_owned()), Naming::Set(to.to_owned(), file)];
        state.unsynced_names.push(change);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        if SimDisk::step(&mut state)? {
            return Err(halted());
        }
        state.names.remove(name).ok_or_else(|| not_found(name))?;
        state.unsynced_names.push(vec![Naming::Remove(name.to_owned())]);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        if SimDisk::step(&mut state)? {
            return Err(halted());
        }
        let State {
            names,
            synced_names,
            unsynced_names,
            ..
        } = &mut *state;
        if !unsynced_names.is_empty() {
            unsynced_names.clear();
            synced_names.clone_from(names);
        }
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.state().free_bytes())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.file].now.len() as u64)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let half = SimDisk::step(&mut state)?;
        let bytes = if half { &bytes[..bytes.len() / 2] } else { bytes };
        let (from, to) = (offset as usize, offset as usize + bytes.len());
        state.make_room(self.file, to)?;
        state.files[self.file]
            .overwrite(from, bytes.len())
            .copy_from_slice(bytes);
        if half { Err(halted()) } else { Ok(()) }
    }

    fn zero_fill(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let half = SimDisk::step(&mut state)?;
        let bytes = if half { bytes / 2 } else { bytes };
        state.make_room(self.file, bytes as usize)?;
        state.files[self.file].overwrite(0, bytes as usize).fill(0);
        if half { Err(halted()) } else { Ok(()) }
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        if SimDisk::step(&mut state)? {
            return Err(halted());
        }
        state.files[self.file].truncate(bytes as usize);
        Ok(())
    }

    fn is_linked_elsewhere(&self) -> io::Result<bool> {
        Ok(false)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if SimDisk::step(&mut state)? {
            return Err(halted());
        }
        state.files[self.file].sync();
        Ok(())
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes<'_>> {
        let state = self.disk.state();
        let from = offset as usize;
        let bytes = state.files[self.file]
            .now
            .get(from..from + length)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut copy = AlignedVec::new();
        copy.extend_from_slice(bytes);
        Ok(Bytes::Copied(copy))
    }
}
