//! What can go wrong with the log, told so that an operator knows where to look.

use crate::model::Seq;
use std::io;
use std::path::{Path, PathBuf};

/// A failure of the log. None is ever retried by this module: after an I/O error of a writer the daemon stops.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused an operation.
    #[error("{path}: {op} failed: {source}", path = path.display())]
    Io {
        /// What was asked of the disk (`write`, `sync`, `open`, …).
        op: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Stored bytes are not what was written.
    #[error("{path}: offset {offset}, seq {seq}: {what}", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it, bytes from its start.
        offset: u64,
        /// The first seq that is affected; 0: none, or unknown.
        seq: Seq,
        /// What is wrong, and where it is known what to do.
        what: String,
    },
    /// Another process has the directory.
    #[error("BUSY {path} is in use{}: one daemon a directory", holder(*pid), path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Process that holds it, if it could be read.
        pid: Option<u32>,
    },
    /// Written by a newer slad.
    #[error("{path}: {what} version {found}, but this slad knows up to {known}: start the newer slad",
            path = path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// What has the version (segment, snapshot, frame schema).
        what: &'static str,
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
    },
    /// The checksums hold, but what they cover is of another form than what this slad writes under the same numbers: a
    /// program between two releases wrote it.
    #[error("{path}: offset {offset}, seq {seq}: written in a form that this slad does not read ({what}). The checksums hold, so \
             nothing is damaged: start the version of slad that wrote it", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Where in it, bytes from its start.
        offset: u64,
        /// The first seq that is affected.
        seq: Seq,
        /// What does not fit.
        what: String,
    },
    /// The caller broke a rule of the log: a bug, or an event that cannot be stored.
    #[error("the log cannot take this: {0}")]
    Misuse(String),
    /// The consumer of a replay refused an event.
    #[error("seq {seq}: {what}")]
    Refused {
        /// The event's seq.
        seq: Seq,
        /// Why, in the consumer's words.
        what: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" by process {pid}"))
}

impl JournalError {
    /// Wraps an `io::Error` with the operation and the path.
    pub fn io(op: &'static str, path: &Path, source: io::Error) -> JournalError {
        JournalError::Io {
            op,
            path: path.to_path_buf(),
            source,
        }
    }

    /// Damage at a place.
    pub fn corrupt(path: &Path, offset: u64, seq: Seq, what: impl Into<String>) -> JournalError {
        JournalError::Corrupt {
            path: path.to_path_buf(),
            offset,
            seq,
            what: what.into(),
        }
    }

    /// Whole, and of another form.
    pub fn foreign(path: &Path, offset: u64, seq: Seq, what: impl Into<String>) -> JournalError {
        JournalError::Foreign {
            path: path.to_path_buf(),
            offset,
            seq,
            what: what.into(),
        }
    }

    /// Is it what is stored that cannot be read, so that trying again would not help?
    pub fn is_unreadable(&self) -> bool {
        matches!(self, JournalError::Corrupt { .. } | JournalError::Foreign { .. })
    }

    /// Is the disk full, or the share of it that this user may have?
    pub fn is_disk_full(&self) -> bool {
        let full = |e: &io::Error| {
            matches!(
                e.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        };
        matches!(self, JournalError::Io { source, .. } if full(source))
    }
}
