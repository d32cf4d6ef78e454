//! What systemd is told, and the socket it may have opened.
//!
//! Outside systemd every call is a no-op. A lost notification is logged and not fatal: systemd itself decides what a missing
//! one means. Nothing is taken out of the environment: the daemon starts no children.

use sd_notify::NotifyState;
use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// Commands are answered from now on.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// One line for `systemctl status`, such as how far the replay has come.
pub fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// The replay takes longer than the unit allows a start to take: asks for this much more from now on.
pub fn extend_start(by: Duration) {
    let micros = u32::try_from(by.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::ExtendTimeoutUsec(micros)]);
}

/// The way out has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// How often [`watchdog`] is due: half of what the unit asks for, so that one late call does no harm. `None`: the unit has
/// no watchdog.
pub fn watchdog_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// The daemon does its work. To be called by the thread whose standstill is to be noticed.
pub fn watchdog() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::warn!("systemd could not be told {states:?}: {e}");
    }
}

/// The listening Unix socket that systemd passed, if any. To be called once, early: the descriptor has one owner. More
/// than one socket, or one of another kind, is an error: it would otherwise be open and never answered.
pub fn activated() -> io::Result<Option<UnixListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    match passed.len() {
        0 => Ok(None),
        1 => passed.take_unix_listener(0),
        n => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("systemd passed {n} sockets; slad.socket needs exactly one ListenStream="),
        )),
    }
}
