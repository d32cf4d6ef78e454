//! `slad import`: open tickets of an older system brought into a running daemon, with the life that they had there.
//!
//! | file | idea |
//! |---|---|
//! | [`line`](mod@line) | a line of JSON → the fields of TICKET.IMPORT |
//! | [`flow`] | one pass over the lines: sent on by one thread, answered to another |
//!
//! The daemon decides on every line: this program knows neither policies nor queues. A line is one command and one event, and a
//! repeat of it is none: what broke off is simply run again, and finds what is there already. `--dry-run` asks the daemon of
//! every line whether it would take it; combinations of queue and skills beyond the number that a daemon keeps show only in
//! the run itself.
//!
//! With `--hold-routing` the tickets wait, clocks running, until `IMPORT.DONE` is sent at the end. After a crash they wait on: run
//! the import again, or send that command by any client.
//!
//! Cost: two threads and 256 commands a write; memory does not grow with the file, but for a dry run, which keeps 16 bytes a line
//! to know the ids that come twice.

pub mod flow;
pub mod line;

use super::client::{Client, Value};
use super::log::Output;
use super::{exit, print, say};
use crate::model::time;
use flow::{Counts, Pass, Source};
use serde_json::json;
use std::io;
use std::path::PathBuf;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The tickets, one a line; - for the input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How they are written.
    #[arg(long, value_enum)]
    pub format: Format,
    /// The daemon's socket.
    #[arg(long, value_name = "PATH", default_value = "./slad.sock")]
    pub socket: PathBuf,
    /// Only ask the daemon of every line whether it would take it; nothing is changed.
    #[arg(long)]
    pub dry_run: bool,
    /// Import nothing if a single line is wrong: they are all asked about first.
    #[arg(long)]
    pub strict: bool,
    /// The tickets are handed out only when all lines are through.
    #[arg(long)]
    pub hold_routing: bool,
    /// The instant up to which the older system was in charge (RFC 3339 or epoch ms): what was due by then is not told again, and
    /// `elapsed` counts up to it. Default: when the line is imported. A line's own `at` beats it.
    #[arg(long, value_name = "T")]
    pub at: Option<String>,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "table")]
    pub output: Output,
}

/// How the lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A JSON object a line.
    Jsonl,
}

/// Imports; the exit code.
pub fn run(args: &Args) -> u8 {
    if let Some(at) = &args.at
        && let Err(refusal) = time::instant("--at", at.as_bytes())
    {
        say(refusal.message);
        return exit::USAGE;
    }
    let is_input = args.file.as_os_str() == "-";
    if args.strict && !args.dry_run && is_input {
        say("--strict reads the lines twice: give a FILE in place of -");
        return exit::USAGE;
    }
    if args.strict && !args.dry_run {
        let (counts, code) = pass(args, true);
        if code != 0 {
            if code == exit::BAD_LINES {
                tell(args, &counts, "nothing was imported");
            }
            return code;
        }
    }
    let (counts, code) = pass(args, args.dry_run);
    if code == 0 || code == exit::BAD_LINES {
        let note = if args.dry_run { "nothing was changed" } else { "" };
        tell(args, &counts, note);
    }
    code
}

/// One pass over all lines; with `check` it changes nothing.
fn pass(args: &Args, check: bool) -> (Counts, u8) {
    let mut counts = Counts::default();
    let ended = Source::open(&args.file).and_then(|source| {
        let mut bad = |number: u64, why: &str| tell_bad(args, number, why);
        let pass = Pass {
            check,
            held_back: args.hold_routing && !check,
            at: args.at.as_deref(),
        };
        let mut client = Client::connect(&args.socket)?;
        flow::run(&pass, source, &mut client, &mut counts, &mut bad)?;
        if pass.held_back {
            let words = ["IMPORT.DONE", "by", "slad import"];
            match client.command(&words)? {
                Value::Int(_) => {}
                other => return Err(io::Error::other(format!("IMPORT.DONE: {other:?}"))),
            }
        }
        Ok(())
    });
    match ended {
        Ok(()) if counts.bad > 0 => (counts, exit::BAD_LINES),
        Ok(()) => (counts, 0),
        Err(e) => {
            say(&e);
            if !check && counts.lines() > 0 {
                let lines = counts.lines();
                say(format_args!(
                    "{lines} lines were answered; run it again: what is there already stays as it is"
                ));
                if args.hold_routing {
                    say("the tickets are held back until then, or until IMPORT.DONE is sent");
                }
            }
            (counts, exit::START_FAILED)
        }
    }
}

fn tell_bad(args: &Args, number: u64, why: &str) {
    match args.output {
        Output::Table => print(format_args!("{}:{number}: {why}", args.file.display())),
        Output::Json => print(json!({ "line": number, "error": why })),
    }
}

fn tell(args: &Args, counts: &Counts, note: &str) {
    let Counts { new, there, bad } = *counts;
    let lines = counts.lines();
    let (is_check, imported) = match (args.dry_run, note.is_empty()) {
        (true, _) => (true, "would be imported"),
        (false, true) => (false, "imported"),
        (false, false) => (true, "could be imported"),
    };
    match args.output {
        Output::Table => {
            let note = if note.is_empty() {
                String::new()
            } else {
                format!("; {note}")
            };
            print(format_args!(
                "{lines} lines: {new} {imported}, {there} there already, {bad} bad{note}"
            ));
        }
        Output::Json => print(json!({
            "lines": lines,
            "new": new,
            "there_already": there,
            "bad": bad,
            "changed": !is_check,
        })),
    }
}
