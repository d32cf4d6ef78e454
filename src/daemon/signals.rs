//! Signals that ask the daemon to stop.
//!
//! SIGTERM and SIGINT: an orderly end (replies go out, the log is synced and marked). A second one does not hurry it: kill -9
//! is safe at any moment. SIGHUP has the policies read again, once they have been read at all. SIGPIPE needs no care: Rust ignores it.

use super::wake::Wake;
use std::io;
use std::rc::Rc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for signals. Made before anything that takes time, so that none is lost.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    reload: Rc<Wake>,
}

impl Signals {
    /// Takes over the signals; needs a tokio runtime with I/O. SIGHUP raises `reload`.
    pub fn new(reload: Rc<Wake>) -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            reload,
        })
    }

    /// Resolves with the signal's name when one asks the daemon to stop. May be dropped and called again.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => self.reload.raise(),
            }
        }
    }
}
