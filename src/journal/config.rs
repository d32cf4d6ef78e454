//! What the log is told when it is opened.

use super::format::SEGMENT_BYTES_DEFAULT;
use crate::model::Refusal;

/// When replies and feed entries may be released. The caller syncs; the log only has to know whether facts are
/// shown before they are synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// After fdatasync: nothing acknowledged is ever lost.
    #[default]
    Always,
    /// After the write, synced every 100 ms: a power loss takes at most that and one sync.
    Interval,
    /// After the write, synced when the system likes: safe against a kill only.
    Never,
}

impl SyncPolicy {
    /// Every policy.
    pub const ALL: [SyncPolicy; 3] = [SyncPolicy::Always, SyncPolicy::Interval, SyncPolicy::Never];

    /// As it is spelled in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            SyncPolicy::Always => "always",
            SyncPolicy::Interval => "interval",
            SyncPolicy::Never => "never",
        }
    }

    /// Reads the spelling; the error lists the known ones.
    pub fn parse(text: &str) -> Result<SyncPolicy, Refusal> {
        SyncPolicy::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| {
                let known = SyncPolicy::ALL.map(SyncPolicy::as_str);
                Refusal::bad_arg(format!(
                    "sync '{text}'{}: it takes {}",
                    crate::model::text::hint(text, known),
                    known.join(", ")
                ))
            })
    }

    pub(super) fn shows_unsynced(self) -> bool {
        self != SyncPolicy::Always
    }
}

/// Settings of a log.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Length of a segment file, bytes; at least [`super::format::SEGMENT_BYTES_MIN`].
    pub segment_bytes: u64,
    /// Sync policy: see [`SyncPolicy`].
    pub sync: SyncPolicy,
    /// Identity of a new log, hard to guess (taken from the system's randomness by the caller). An existing log keeps
    /// its own.
    pub log_id: u64,
    /// What changes with every boot of the machine, such as the kernel's boot id: as long as it stays, the system
    /// still has everything that was written.
    pub boot_id: [u8; 16],
}

impl Default for Config {
    fn default() -> Self {
        Config {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            sync: SyncPolicy::Always,
            log_id: 1,
            boot_id: [0; 16],
        }
    }
}
