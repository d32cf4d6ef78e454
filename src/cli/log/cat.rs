//! `slad log cat`: events as the feed has them, a line each.

use super::select::Selection;
use super::{Failure, Folder, Output, end, entry, exit, view};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

/// Arguments of `log cat`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    selection: Selection,
    /// `table`: text for people; `json`: an object a line.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Shows; the exit code.
pub fn run(args: &Args) -> u8 {
    end(show(args))
}

fn show(args: &Args) -> Result<(), Failure> {
    args.selection.check()?;
    let view = view(&args.folder.data)?;
    let write = match args.output {
        Output::Table => entry::line,
        Output::Json => entry::json,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let each = args.selection.each(
        &view,
        |_| (),
        |seq, part, event| {
            written = writeln!(out, "{}", write(seq, part, event));
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        },
    );
    let written = written.and_then(|()| out.flush());
    // What lies before damage has been shown; then comes why it ends.
    ended(written)?;
    each
}

/// A reader that has seen enough is nobody's mistake.
pub(super) fn ended(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err((
            exit::START_FAILED,
            format!("the output could not be written: {e}"),
        )),
        _ => Ok(()),
    }
}
