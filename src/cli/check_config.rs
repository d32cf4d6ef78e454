//! `slad check-config`: reads a configuration and reports every mistake with its place and its remedy.

use super::{exit, print, say};
use crate::daemon::config::Config;
use std::path::PathBuf;

/// Arguments of `check-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file.
    #[arg(value_name = "FILE", default_value = "config/slad.toml")]
    pub file: PathBuf,
}

/// Checks; the exit code.
pub fn run(args: &Args) -> u8 {
    match Config::load(&args.file) {
        Ok(_) => {
            print(format_args!("{}: no mistake found", args.file.display()));
            0
        }
        Err(mistakes) => {
            say(mistakes);
            exit::USAGE
        }
    }
}
