//! Where the daemon stands on its way from the first byte of the log to the last reply.

/// Where the daemon stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The log is being read.
    Loading,
    /// Serving.
    Ready,
    /// Going down: what was accepted is finished, nothing new is.
    Stopping,
}
