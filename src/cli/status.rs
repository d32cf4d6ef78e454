//! `slad status`: INFO of a running daemon.

use super::client::{Client, Value};
use super::{exit, print, say};
use std::path::PathBuf;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sections to show; all of them if none is named.
    #[arg(value_name = "SECTION")]
    pub sections: Vec<String>,
    /// The daemon's socket.
    #[arg(long, value_name = "PATH", default_value = "./slad.sock")]
    pub socket: PathBuf,
}

/// Shows; the exit code.
pub fn run(args: &Args) -> u8 {
    let mut words = vec!["INFO"];
    words.extend(args.sections.iter().map(String::as_str));
    match Client::connect(&args.socket).and_then(|mut c| c.command(&words)) {
        Ok(Value::Text(info)) => {
            print(String::from_utf8_lossy(&info).replace('\r', "").trim_end());
            0
        }
        Ok(other) => {
            say(format_args!("unexpected reply: {other:?}"));
            exit::START_FAILED
        }
        Err(e) => {
            say(e);
            exit::START_FAILED
        }
    }
}
