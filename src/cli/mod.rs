//! Floor 4: the command line, one file a subcommand.
//!
//! | file | idea |
//! |---|---|
//! | [`serve`] | the daemon; also what `slad` alone does |
//! | [`check_config`] | every mistake in a configuration, with its place |
//! | [`status`] | INFO of a running daemon |
//! | [`import`] | open tickets of an older system |
//! | [`log`] | the log read, checked, exported and cut without the daemon |
//! | [`backup`], [`mod@restore`] | the log to a backup and back |
//! | [`progress`] | a progress bar for the above |
//! | [`mod@bench`] | closed-loop load of whole ticket lives |
//! | [`client`] | a blocking RESP client for the above |
//! | [`exit`] | exit codes |

pub mod backup;
pub mod bench;
pub mod check_config;
pub mod client;
pub mod exit;
pub mod import;
pub mod log;
pub mod progress;
pub mod restore;
pub mod serve;
pub mod status;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// SLA timers and ticket routing in one durable process. Without a subcommand: `serve` with defaults.
#[derive(Debug, Parser)]
#[command(name = "slad", version, about, max_term_width = 110)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve.
    Serve(serve::Args),
    /// Read a configuration and report every mistake in it.
    CheckConfig(check_config::Args),
    /// Show INFO of a running daemon.
    Status(status::Args),
    /// Read, check, export and cut the log, without the daemon.
    Log(log::Args),
    /// Copy the log and its snapshots to a backup, of a running daemon or a stopped one.
    Backup(backup::Args),
    /// Check a backup, or restore it to a new data folder.
    Restore(restore::Args),
    /// Bring open tickets of an older system into a running daemon, with the life that they had there.
    Import(import::Args),
    /// Put closed-loop load of whole ticket lives on a running daemon.
    Bench(bench::Args),
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            let _ = e.print();
            // Help and the version are no mistakes.
            return ExitCode::from(if e.use_stderr() { exit::USAGE } else { 0 });
        }
    };
    ExitCode::from(match args.command {
        None => serve::run(serve::Args::default()),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::CheckConfig(args)) => check_config::run(&args),
        Some(Command::Status(args)) => status::run(&args),
        Some(Command::Log(args)) => log::run(&args),
        Some(Command::Backup(args)) => backup::run(&args),
        Some(Command::Restore(args)) => restore::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
    })
}

/// Says why on stderr.
fn say(why: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "slad: {why}");
}

/// Prints to stdout; a closed pipe is nobody's mistake.
fn print(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}
