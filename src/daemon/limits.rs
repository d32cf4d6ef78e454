//! What clients may cost, as the core thread wants it: the configuration's caps in the types of those who apply them.

use super::config;
use super::multi::Room;
use crate::wire;
use std::time::Duration;

/// The caps.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of a request's framing.
    pub wire: wire::Limits,
    /// Of a request's fields.
    pub caps: wire::Caps,
    /// Connections at a time.
    pub connections_max: usize,
    /// Replies of one connection that wait for a release; beyond them nothing more of it is read.
    pub pipeline_max: usize,
    /// Replies of one connection that wait to be taken, bytes; beyond them it is cut off.
    pub output_bytes_max: usize,
    /// Between MULTI and EXEC.
    pub multi: Room,
    /// Bytes on their way to the log; beyond them nothing more is read from anybody.
    pub journal_backlog_bytes_max: u64,
    /// Entries in one reply of the feed.
    pub feed_count_max: usize,
    /// How long commands wait for the end of loading.
    pub loading_wait: Duration,
}

impl Limits {
    /// The caps of a configuration.
    pub fn new(config: &config::Config) -> Limits {
        let limits = &config.limits;
        let frame = wire::Limits::default();
        Limits {
            wire: wire::Limits {
                args_max: limits.args_max as usize,
                bulk_bytes_max: bytes(limits.bulk_bytes_max),
                inline_bytes_max: frame.inline_bytes_max.min(bytes(limits.request_bytes_max)),
                request_bytes_max: bytes(limits.request_bytes_max),
            },
            caps: wire::Caps::default(),
            connections_max: limits.connections_max as usize,
            pipeline_max: limits.pipeline_max as usize,
            output_bytes_max: bytes(limits.output_bytes_max),
            multi: Room {
                commands_max: limits.multi_max as usize,
                bytes_max: bytes(limits.multi_bytes_max),
            },
            journal_backlog_bytes_max: limits.journal_backlog_bytes_max,
            feed_count_max: limits.feed_count_max as usize,
            loading_wait: config.loading_wait,
        }
    }
}

fn bytes(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
