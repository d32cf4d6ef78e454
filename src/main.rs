//! The `slad` binary: arguments → subcommand → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    slad::cli::run()
}
