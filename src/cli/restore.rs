//! `slad restore`: a backup checked, or put back as a new data folder.

use super::log::proof::prove;
use super::log::select::{Place, place};
use super::log::verify::replayed;
use super::log::{Failure, disk, end, failure, no_log, open_files};
use super::progress::{Progress, bytes};
use super::{exit, print, say};
use crate::daemon::startup::boot_id;
use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::offline::restore::{Plan, RestoreError, is_free, plan, restore};
use crate::journal::offline::{Until, View, check};
use crate::model::{Seq, time};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup; any folder of a log will do.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// Folder to restore to: it must be empty, or not there yet.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Check that it can be restored; without --data nothing is written.
    #[arg(long)]
    verify: bool,
    /// Restore up to this seq, or up to the last event logged at or before this time. Atomic frames stay whole: the end is
    /// the last one that lies within.
    #[arg(long, value_name = "SEQ|TIME", value_parser = place)]
    until: Option<Place>,
    /// The last seq that anybody may have seen: the restored log numbers on above it. Default: 4294967296 above the backup's
    /// last, for the daemon went on after it. The backup's own last: the log goes on without a gap.
    #[arg(long, value_name = "SEQ")]
    shown_to: Option<Seq>,
}

/// Restores; the exit code.
pub fn run(args: &Args) -> u8 {
    open_files();
    end(put_back(args))
}

fn refused(e: RestoreError) -> Failure {
    match e {
        RestoreError::Wanted(what) => (exit::USAGE, what),
        RestoreError::Log(e) => failure(e),
    }
}

fn put_back(args: &Args) -> Result<(), Failure> {
    if args.data.is_none() && !args.verify {
        let what = "say what to do: --data DIR restores to that folder, --verify only checks";
        return Err((exit::USAGE, what.to_owned()));
    }
    if let Some(data) = &args.data {
        is_free(data).map_err(refused)?;
    }
    let until = args.until.map(|place| match place {
        Place::Seq(seq) => Until::Seq(seq),
        Place::Time(at) => Until::Time(at),
    });
    let folder = disk(&args.backup)? as Arc<dyn Disk>;
    let (view, damage) = View::salvage(folder, boot_id()).map_err(failure)?;
    if view.is_empty() {
        return Err(damage.map_or_else(|| no_log(&args.backup), failure));
    }
    let plan = plan(&view, until, args.shown_to).map_err(refused)?;
    if let (Some(damage), None) = (damage, until) {
        return Err(up_to(failure(damage), view.last_seq()));
    }
    tell(&view, &plan, args);
    let mut progress = Progress::new("verifying", plan.bytes);
    let mut wrong = Vec::new();
    let proof = prove(
        &view,
        Some(plan.cut.last_seq),
        |n| progress.at(n),
        |seq, e| wrong.push((seq, e)),
    );
    drop(progress);
    for (_, e) in &wrong {
        say(format_args!("{e}. This snapshot is left out"));
    }
    let proof = proof.map_err(|e| match e {
        JournalError::Corrupt { seq, .. } if seq > 0 => up_to(failure(e), seq - 1),
        e => failure(e),
    })?;
    let left_out: Vec<Seq> = wrong.into_iter().map(|(seq, _)| seq).collect();
    print(replayed(&proof));
    let Some(data) = &args.data else {
        return Ok(());
    };
    let mut progress = Progress::new("restoring", plan.bytes);
    let done = restore(&view, &plan, &left_out, data, |n| progress.add(n));
    drop(progress);
    done.map_err(|e| match e {
        // Somebody else came first: what is there is not of this restore.
        RestoreError::Wanted(_) => refused(e),
        RestoreError::Log(e) => {
            let (code, why) = failure(e);
            let then = "is not complete: empty it and restore again";
            (code, format!("{why}. {} {then}", data.display()))
        }
    })?;
    check_written(data, plan.cut.last_seq)?;
    print(format_args!(
        "{}: restored and checked, {}",
        data.display(),
        bytes(plan.bytes)
    ));
    Ok(())
}

/// What a damaged backup still gives.
fn up_to((code, why): Failure, seq: Seq) -> Failure {
    (
        code,
        format!("{why}. What lies before can be restored: --until {seq}"),
    )
}

fn tell(view: &View, plan: &Plan, args: &Args) {
    let oldest = match plan.first_seq {
        0 | 1 => 1,
        _ => plan.oldest_snapshot_seq,
    };
    print(format_args!(
        "{}: log {:016x}, seqs {} to {}; can be restored up to any seq from {oldest} on",
        args.backup.display(),
        view.log_id(),
        plan.first_seq,
        view.last_seq(),
    ));
    match plan.snapshot_seq {
        0 => print("no snapshot: the state comes from the first event"),
        seq => print(format_args!("newest snapshot up to the end: of seq {seq}")),
    }
    if args.until.is_some() {
        let at = match plan.cut.logged_at {
            0 => String::new(),
            at => format!(", logged at {}", time::rfc3339(at)),
        };
        print(format_args!("it will end after seq {}{at}", plan.cut.last_seq));
    }
    if args.data.is_some() && plan.shown_to > plan.cut.last_seq {
        print(format_args!(
            "seqs {} to {} may have been shown and are given up: the first start tells them as log.recovered, and numbers on \
             above them",
            plan.cut.last_seq + 1,
            plan.shown_to
        ));
    }
}

/// Reads back what was written.
fn check_written(data: &Path, last_seq: Seq) -> Result<(), Failure> {
    let disk = disk(data)? as Arc<dyn Disk>;
    let report = check(&disk, boot_id(), |_| ()).map_err(failure)?;
    if report.is_whole() && report.last_seq() == last_seq {
        return Ok(());
    }
    let what = report
        .problems()
        .next()
        .map_or_else(String::new, |p| p.error.to_string());
    Err((
        exit::LOG_REFUSED,
        format!(
            "{}: what was written is not what was read: {what}",
            data.display()
        ),
    ))
}
