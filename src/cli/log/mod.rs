//! `slad log …`: the log read, checked, exported and cut without the daemon.
//!
//! | file | idea |
//! |---|---|
//! | [`verify`] | every file checked, the state replayed and its hashes compared |
//! | [`proof`] | the replay, shared with backup and restore |
//! | [`cat`], [`export`] | events for people, and for programs |
//! | [`select`], [`entry`] | which entries, and how one is written |
//! | [`repair`] | cutting the log, on the operator's word |

pub mod cat;
pub mod entry;
pub mod export;
pub mod proof;
pub mod repair;
pub mod select;
pub mod verify;

use super::{exit, say};
use crate::daemon::config::Config;
use crate::daemon::startup::boot_id;
use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::offline::{ReadOnlyDisk, View};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `log`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check every file of the log, replay it and compare the state hashes. Writes nothing; also beside a running daemon.
    Verify(verify::Args),
    /// Show events as the feed has them. Writes nothing; also beside a running daemon.
    Cat(cat::Args),
    /// Write events as JSON lines or CSV.
    Export(export::Args),
    /// Cut the log at a place that you name. Never done by itself; what is cut is kept.
    Repair(repair::Args),
}

/// Runs; the exit code.
pub fn run(args: &Args) -> u8 {
    open_files();
    match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::Cat(args) => cat::run(args),
        Command::Export(args) => export::run(args),
        Command::Repair(args) => repair::run(args),
    }
}

/// The folder of a log.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// Folder of the log: a daemon's, running or not, a copy or a backup.
    #[arg(long, value_name = "DIR", default_value_os_t = Config::default().data)]
    pub data: PathBuf,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// A failure: the exit code, and why.
pub type Failure = (u8, String);

/// The failure that an error of the log is.
pub fn failure(e: impl Into<JournalError>) -> Failure {
    let e = e.into();
    let code = match &e {
        JournalError::Locked { .. } => exit::IN_USE,
        JournalError::Io { .. } | JournalError::Misuse(_) => exit::START_FAILED,
        JournalError::Corrupt { .. }
        | JournalError::TooNew { .. }
        | JournalError::Foreign { .. }
        | JournalError::Refused { .. } => exit::LOG_REFUSED,
    };
    (code, e.to_string())
}

/// Says a failure; its exit code.
pub fn end(result: Result<(), Failure>) -> u8 {
    match result {
        Ok(()) => 0,
        Err((code, why)) => {
            say(why);
            code
        }
    }
}

/// A folder for reading.
pub fn disk(dir: &Path) -> Result<Arc<ReadOnlyDisk>, Failure> {
    ReadOnlyDisk::new(dir)
        .map(Arc::new)
        .map_err(|e| failure(JournalError::io("open", dir, e)))
}

/// The log in a folder, which must have one.
pub fn view(dir: &Path) -> Result<View, Failure> {
    let view = View::open(disk(dir)? as Arc<dyn Disk>, boot_id()).map_err(failure)?;
    if view.is_empty() {
        return Err(no_log(dir));
    }
    Ok(view)
}

/// There is nothing to read.
pub fn no_log(dir: &Path) -> Failure {
    let what = format!(
        "{}: there is no log in it (no file log-….slad): give its folder by --data",
        dir.display()
    );
    (exit::START_FAILED, what)
}

/// A long log has more segments than a process may have open files by default.
pub fn open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused, it goes on with what there is: the file that is one too many says so.
    let _ = setrlimit(Resource::Nofile, limit);
}
