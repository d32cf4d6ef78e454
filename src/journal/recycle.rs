//! Files of retired segments that wait to be segments again.
//!
//! Filling a file with zeros in place needs no new room and changes no metadata, and one that is used again need not be
//! deleted. At most [`KEPT_MAX`] wait: a log whose retention keeps its size retires one for each that it begins. Between
//! two uses a file has a `.tmp` name, so that the next start removes what a crash left.

use super::disk::{Disk, DiskFile};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files that wait at most.
const KEPT_MAX: usize = 1;

/// The files that wait, by name.
#[derive(Debug)]
pub(super) struct Recycler {
    file_bytes: u64,
    names: Mutex<Vec<String>>,
}

impl Recycler {
    /// For files of this length alone.
    pub(super) fn new(file_bytes: u64) -> Recycler {
        Recycler {
            file_bytes,
            names: Mutex::new(Vec::new()),
        }
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a file that nobody reads and nobody else links. False: it is not wanted, delete it.
    pub(super) fn offer(&self, name: &str, file_bytes: u64) -> bool {
        let mut names = self.names();
        let wanted = file_bytes == self.file_bytes && names.len() < KEPT_MAX;
        if wanted {
            names.push(name.to_owned());
        }
        wanted
    }

    /// A waiting file of this length, now named `name`; its bytes are old. `None`: make one.
    pub(super) fn take(&self, disk: &dyn Disk, file_bytes: u64, name: &str) -> Option<Arc<dyn DiskFile>> {
        if file_bytes != self.file_bytes {
            return None;
        }
        // Renamed under the lock: whoever deletes what waits for nothing either finds it here or no longer by this name.
        let mut names = self.names();
        let old = names.pop()?;
        disk.rename(&old, name).ok()?;
        drop(names);
        let file = disk.open(name).ok()?;
        (file.len().ok()? == file_bytes).then_some(file)
    }

    /// Does the file wait here?
    pub(super) fn has(&self, name: &str) -> bool {
        self.names().iter().any(|n| n == name)
    }

    /// Gives all waiting files up, to be deleted.
    pub(super) fn give_up(&self) -> Vec<String> {
        std::mem::take(&mut *self.names())
    }
}
