//! `slad log export`: events for other programs, as JSON lines or CSV.
//!
//! A file appears whole or not at all: it is written beside, synced and renamed.

use super::super::progress::Progress;
use super::cat::ended;
use super::select::Selection;
use super::{Failure, Folder, end, entry, exit, view};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Arguments of `log export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    selection: Selection,
    /// How events are written.
    #[arg(long, value_enum)]
    format: Format,
    /// File to write; without one they go to the output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object a line: id, seq, and every field of the feed's entry.
    Jsonl,
    /// RFC 4180, with a head: seq, part, type, at, time, logged_at, ticket, agent, queue, priority, policy, target, due,
    /// late_ms, by, reason, token, cause, skills, and fields, a JSON object of all others. Texts that a spreadsheet would take
    /// for a formula begin with an apostrophe.
    Csv,
}

/// Exports; the exit code.
pub fn run(args: &Args) -> u8 {
    end(export(args))
}

fn export(args: &Args) -> Result<(), Failure> {
    args.selection.check()?;
    let Some(path) = &args.output else {
        return ended(write(args, &mut BufWriter::new(io::stdout().lock()))?);
    };
    let failed = |e: io::Error| (exit::START_FAILED, format!("{}: {e}", path.display()));
    let tmp = beside(path).ok_or_else(|| {
        (
            exit::USAGE,
            format!("--output {}: it takes the name of a file", path.display()),
        )
    })?;
    let file = File::create(&tmp).map_err(|e| (exit::START_FAILED, format!("{}: {e}", tmp.display())))?;
    let mut out = BufWriter::new(file);
    let finish = |out: BufWriter<File>| -> io::Result<()> {
        out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        std::fs::rename(&tmp, path)
    };
    let written = write(args, &mut out).and_then(|written| written.map_err(failed));
    let done = written.and_then(|()| finish(out).map_err(failed));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&tmp);
    }
    done
}

/// Where a file is written before it has its name.
fn beside(path: &Path) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    Some(path.with_file_name(name))
}

/// Writes all entries; the inner error is the output's.
fn write(args: &Args, out: &mut impl Write) -> Result<io::Result<()>, Failure> {
    let view = view(&args.folder.data)?;
    let mut progress = Progress::new("exporting", view.frame_bytes());
    let mut written = match args.format {
        Format::Jsonl => Ok(()),
        Format::Csv => out.write_all(entry::csv_head().as_bytes()),
    };
    args.selection.each(
        &view,
        |bytes| progress.at(bytes),
        |seq, part, event| {
            if written.is_ok() {
                written = match args.format {
                    Format::Jsonl => writeln!(out, "{}", entry::json(seq, part, event)),
                    Format::Csv => out.write_all(entry::csv(seq, part, event).as_bytes()),
                };
            }
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        },
    )?;
    Ok(written.and_then(|()| out.flush()))
}
