//! Ways in which the daemon ends by itself, each with its own exit code.

/// Something outside refused: the socket, the configuration, a thread.
pub const START_FAILED: u8 = 1;
/// A write or a sync of the log failed: what was not acknowledged may be lost, what was is safe. Start again once the
/// disk is well.
pub const LOG_FAILED: u8 = 3;
/// The log is damaged before its end, or newer than this program: nothing was changed.
pub const LOG_REFUSED: u8 = 4;
/// A file of the log was truncated or removed from outside, or could not be read, while it was in use. See
/// [`crate::journal::sigbus`].
pub const LOG_CUT_OFF: u8 = 6;
/// Another daemon has the data directory or the socket.
pub const IN_USE: u8 = 5;

/// Ends the process at once: nothing that was not acknowledged will be.
pub fn exit(code: u8, why: &str) -> ! {
    tracing::error!(code, "going down: {why}");
    std::process::exit(i32::from(code))
}
