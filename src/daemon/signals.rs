//! Signals that ask the daemon to stop.
//!
//! SIGTERM and SIGINT: an orderly end (replies go out, the log is synced and marked). A second one does not hurry it: kill -9
//! is safe at any moment. SIGHUP is only told. SIGPIPE needs no care: Rust ignores it.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for signals. Made before anything that takes time, so that none is lost.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes over the signals; needs a tokio runtime with I/O.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves with the signal's name when one asks the daemon to stop. May be dropped and called again.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP: nothing is reloaded yet; restart to have the configuration read again");
                }
            }
        }
    }
}
