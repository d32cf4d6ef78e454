//! `slad backup`: the log and its snapshots to a folder of their own, of a running daemon or a stopped one.
//!
//! A running daemon is asked for a snapshot and for what is durable; its files are only read. Of a stopped one the folder is
//! locked meanwhile. What was copied is verified like any log.

use super::client::{Client, Value};
use super::log::verify::{replayed, verify};
use super::log::{Failure, disk, end, failure, no_log, open_files};
use super::progress::{Progress, bytes};
use super::{exit, print};
use crate::daemon::startup::boot_id;
use crate::journal::JournalError;
use crate::journal::disk::{Disk, RealDisk};
use crate::journal::offline::backup::{BackupError, Copied, Settings, backup};
use crate::journal::offline::repair::lock;
use crate::model::Seq;
use std::cell::RefCell;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the backup; made if it is missing. One of the same log gets what is new.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Socket of the running daemon; default: ./slad.sock, unless --data is given.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Folder of the log. Alone: of a stopped daemon. With --socket: where the daemon's folder is found from here.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Do not ask the daemon for a new snapshot.
    #[arg(long)]
    no_snapshot: bool,
    /// Remove from the backup what the log no longer has.
    #[arg(long)]
    prune: bool,
    /// Do not verify the whole backup afterwards, only what was copied.
    #[arg(long)]
    quick: bool,
}

/// Backs up; the exit code.
pub fn run(args: &Args) -> u8 {
    open_files();
    end(take(args))
}

/// Where the log is, and how far it is durable.
struct Source {
    data: PathBuf,
    durable_seq: Option<Seq>,
    _lock: Option<Box<dyn Send + Sync>>,
}

fn take(args: &Args) -> Result<(), Failure> {
    let source = match (&args.socket, &args.data) {
        (None, Some(data)) => stopped(data)?,
        (socket, data) => {
            let socket = socket.clone().unwrap_or_else(|| PathBuf::from("./slad.sock"));
            running(&socket, data.as_deref(), !args.no_snapshot)?
        }
    };
    let progress = RefCell::new(Progress::new("copying", 0));
    let settings = Settings {
        from: &source.data,
        to: &args.to,
        boot_id: boot_id(),
        durable_seq: source.durable_seq,
        prune: args.prune,
    };
    let is_same =
        |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if is_same(&source.data, &args.to) {
        return Err((
            exit::USAGE,
            format!("--to {}: this is the folder of the log itself", args.to.display()),
        ));
    }
    let copied = backup(
        settings,
        |n| progress.borrow_mut().total(n),
        |n| progress.borrow_mut().add(n),
    );
    drop(progress);
    let copied = copied.map_err(|e| match e {
        BackupError::Target(what) => (exit::USAGE, what),
        BackupError::Log(e) => failure(e),
    })?;
    tell(&copied, &args.to);
    if args.quick {
        return Ok(());
    }
    let verified = verify(&args.to)?;
    match &verified.proof {
        Some(Ok(proof)) if verified.is_whole() => {
            print(replayed(proof));
            Ok(())
        }
        _ => Err((
            exit::LOG_REFUSED,
            format!(
                "{}: the backup is damaged: `slad log verify --data` shows where",
                args.to.display()
            ),
        )),
    }
}

fn tell(copied: &Copied, to: &Path) {
    print(format_args!(
        "{}: {} segments and {} snapshots copied ({}), {} segments were there",
        to.display(),
        copied.segments,
        copied.snapshots,
        bytes(copied.bytes),
        copied.segments_had
    ));
    match (copied.older_files, copied.removed) {
        (0, _) => {}
        (older, 0) => print(format_args!(
            "{older} files are kept that the log no longer has (--prune removes them)"
        )),
        (_, removed) => print(format_args!("{removed} files removed that the log no longer has")),
    }
}

/// The folder of a stopped daemon, locked.
fn stopped(data: &Path) -> Result<Source, Failure> {
    let names = disk(data)?
        .list()
        .map_err(|e| failure(JournalError::io("list", data, e)))?;
    if !names.iter().any(|n| n.starts_with("log-")) {
        return Err(no_log(data));
    }
    let real =
        RealDisk::new(data, std::process::id()).map_err(|e| failure(JournalError::io("open", data, e)))?;
    let guard = lock(&real).map_err(|e| {
        let (code, why) = failure(e);
        (code, format!("{why}. Of a running daemon, give its --socket"))
    })?;
    Ok(Source {
        data: data.to_path_buf(),
        durable_seq: None,
        _lock: Some(guard),
    })
}

/// Asks a running daemon.
fn running(socket: &Path, data: Option<&Path>, snapshot: bool) -> Result<Source, Failure> {
    let failed = |e: io::Error| {
        (
            exit::START_FAILED,
            format!("{e}: of a stopped daemon, give the folder of its log by --data"),
        )
    };
    let mut client = Client::connect(socket).map_err(failed)?;
    let said = |what: String| (exit::START_FAILED, format!("{}: {what}", socket.display()));
    if snapshot && let Value::Error(e) = client.command(&["SNAPSHOT"]).map_err(failed)? {
        return Err(said(format!("{e} (without a new snapshot: --no-snapshot)")));
    }
    let data = match data {
        Some(data) => data.to_path_buf(),
        None => match client.command(&["CONFIG", "GET", "data"]).map_err(failed)? {
            Value::List(pair) => match pair.get(1) {
                Some(Value::Text(path)) => folder(socket, &String::from_utf8_lossy(path)),
                other => return Err(said(format!("it does not say where its log is: {other:?}"))),
            },
            other => return Err(said(format!("it does not say where its log is: {other:?}"))),
        },
    };
    let Value::Text(info) = client.command(&["INFO", "persistence"]).map_err(failed)? else {
        return Err(said("it does not answer INFO".to_owned()));
    };
    let info = String::from_utf8_lossy(&info).into_owned();
    let field = |name: &str| {
        let line = info.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|v| v.trim().parse::<u64>().ok())
    };
    if field("loading") == Some(1) {
        return Err(said("it is still loading: try again once it is ready".to_owned()));
    }
    match field("durable_seq") {
        Some(seq) => Ok(Source {
            data,
            durable_seq: Some(seq),
            _lock: None,
        }),
        None => Err(said("INFO has no durable_seq: is it slad?".to_owned())),
    }
}

/// A folder as the daemon names it, seen from here: a relative one begins where the daemon runs.
fn folder(socket: &Path, named: &str) -> PathBuf {
    let path = PathBuf::from(named.trim_matches('"'));
    if path.is_absolute() {
        return path;
    }
    let runs_in = || {
        let stream = UnixStream::connect(socket).ok()?;
        let pid = rustix::net::sockopt::socket_peercred(&stream).ok()?.pid;
        std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).ok()
    };
    runs_in().map_or(path.clone(), |cwd| cwd.join(path))
}
