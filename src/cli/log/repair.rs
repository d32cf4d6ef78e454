//! `slad log repair`: cuts the log at a place that the operator names.

use super::super::progress::bytes;
use super::{Failure, Folder, disk, end, exit, failure, no_log};
use crate::cli::print;
use crate::journal::JournalError;
use crate::journal::disk::{Disk, RealDisk};
use crate::journal::offline::repair::{At, Plan, RepairError, lock, plan};
use crate::model::Seq;

/// Arguments of `log repair`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
    /// Cut before this offset of this segment, which must be between two frames: `3:8192`, or with the name of the file.
    /// `slad log verify` names the place.
    #[arg(long, value_name = "SEGMENT:OFFSET", value_parser = place, conflicts_with = "truncate_at_seq")]
    truncate_at: Option<(u64, u64)>,
    /// Cut after this seq, which must be the last of a frame.
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    truncate_at_seq: Option<Seq>,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

fn place(given: &str) -> Result<(u64, u64), String> {
    let read = || {
        let (segment, offset) = given.split_once(':')?;
        let id = segment
            .strip_prefix("log-")
            .map_or(segment, |s| s.strip_suffix(".slad").unwrap_or(s));
        Some((id.parse().ok()?, offset.parse().ok()?))
    };
    read()
        .ok_or_else(|| "it takes SEGMENT:OFFSET, such as 3:8192 or log-0000000000000003.slad:8192".to_owned())
}

/// Repairs; the exit code.
pub fn run(args: &Args) -> u8 {
    end(repair(args))
}

fn repair(args: &Args) -> Result<(), Failure> {
    let dir = &args.folder.data;
    let at = match (args.truncate_at, args.truncate_at_seq) {
        (Some((segment, offset)), _) => At::Offset { segment, offset },
        (None, Some(seq)) => At::Seq(seq),
        (None, None) => {
            let what = "say where: --truncate-at SEGMENT:OFFSET or --truncate-at-seq SEQ; `slad log verify` names the place";
            return Err((exit::USAGE, what.to_owned()));
        }
    };
    // `RealDisk` would make a folder that is missing.
    let names = disk(dir)?
        .list()
        .map_err(|e| failure(JournalError::io("list", dir, e)))?;
    if !names
        .iter()
        .any(|n| n.starts_with("log-") && n.ends_with(".slad"))
    {
        return Err(no_log(dir));
    }
    let real =
        RealDisk::new(dir, std::process::id()).map_err(|e| failure(JournalError::io("open", dir, e)))?;
    let _lock = lock(&real).map_err(failure)?;
    let plan = plan(&real, at).map_err(|e| match e {
        RepairError::Place(what) => (exit::USAGE, what),
        RepairError::Log(e) => failure(e),
    })?;
    tell(&plan, args.dry_run);
    if args.dry_run {
        return Ok(());
    }
    plan.carry_out(&real).map_err(|e| match e {
        JournalError::Io { .. } => (
            exit::START_FAILED,
            format!("{e}: nothing was lost, but the repair is not complete: run it again"),
        ),
        e => failure(e),
    })?;
    print(format_args!(
        "what lies before was checked by its headers alone: slad log verify --data {}",
        dir.display()
    ));
    Ok(())
}

fn tell(plan: &Plan, is_dry: bool) {
    let (would, is) = if is_dry {
        ("would end", "would be")
    } else {
        ("ends", "is")
    };
    print(format_args!(
        "{} {would} at offset {}, after seq {}",
        plan.file, plan.offset, plan.last_seq
    ));
    print(format_args!(
        "seqs {} to {} go out of the log ({}); the next start tells them as log.recovered and begins epoch {}",
        plan.lost_from,
        plan.lost_to,
        bytes(plan.cut_bytes),
        plan.epoch
    ));
    if let Some(torn) = &plan.torn {
        print(format_args!("what follows in {} {is} kept in {torn}", plan.file));
    }
    for (from, to) in &plan.set_aside {
        print(format_args!("{from} {is} set aside as {to}"));
    }
    for name in &plan.removed {
        print(format_args!("{name} {is} removed: it holds nothing"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_a_segment_and_an_offset() {
        assert_eq!(place("3:8192"), Ok((3, 8192)));
        assert_eq!(place("log-0000000000000003.slad:8192"), Ok((3, 8192)));
        for bad in ["", "3", "3:", ":8", "3:-8", "x:8", "3:8:9"] {
            assert!(place(bad).unwrap_err().contains("SEGMENT:OFFSET"), "{bad}");
        }
    }
}
