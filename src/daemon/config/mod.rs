//! The configuration: defaults, the file, and every mistake in it at once.
//!
//! | file | idea |
//! |---|---|
//! | [`keys`] | one row a key: name, what it takes, how it is read and shown, what it is for |
//! | [`value`] | sizes, durations, counts and names as people write them |
//! | [`problem`] | a mistake with its file, line and column |
//!
//! Reading takes microseconds and happens once, at start. Flags are laid over the file by the command line, through
//! [`Config::set`]. Nothing is read from the environment, and nothing is read again while the daemon runs: policies are, and
//! have a folder of their own.

pub mod keys;
pub mod problem;
pub mod value;

use crate::model::Text;
use problem::{ConfigError, Problem, Problems};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Everything that can be configured. `Default` is what an empty file gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Unix socket that clients connect to.
    pub socket: PathBuf,
    /// Folder of the log and the snapshots.
    pub data: PathBuf,
    /// Address of `/metrics` and the rest; `None`: off. Always a loopback one.
    pub http: Option<SocketAddr>,
    /// When replies are released.
    pub sync: Sync,
    /// Longest time between two syncs under `interval`.
    pub sync_interval: Duration,
    /// Size of a log segment.
    pub segment_bytes: u64,
    /// Policy of tickets that name none.
    pub default_policy: Text,
    /// Folder of the site's policies and calendars; `None`: those inside the binary alone.
    pub policies: Option<PathBuf>,
    /// Queues that exist beside those of the policies.
    pub queues: Vec<Text>,
    /// How long commands wait for the replay at start before they are answered `LOADING`.
    pub loading_wait: Duration,
    /// A larger step of the wall clock freezes timers until somebody decides.
    pub clock_jump_max: Duration,
    /// When snapshots are taken.
    pub snapshot: Snapshot,
    /// Events between two state hashes in the log.
    pub state_hash_every_events: u64,
    /// How long history is kept.
    pub retention: Retention,
    /// Caps, so that no client can take more than its share.
    pub limits: Limits,
    /// What the daemon says of itself.
    pub log: Log,
}

/// When replies and feed entries are released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// After fdatasync: nothing acknowledged is ever lost.
    Always,
    /// After the write; a sync follows within the interval: a power loss may cost that much.
    Interval,
    /// After the write; the kernel decides when it reaches the disk.
    Never,
}

/// When snapshots are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// After this many events.
    pub every_events: u64,
    /// Or after this long, if anything happened.
    pub every: Duration,
    /// How many are kept; the log from the oldest on is kept for restart.
    pub keep: u32,
}

/// How long the log keeps what a restart does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Segments whose newest event is older go; `None`: none does for its age.
    pub age: Option<Duration>,
    /// The oldest segments go while their files have more bytes; `None`: none does for their size.
    pub bytes: Option<u64>,
    /// The oldest segments go while the disk has fewer bytes free; 0: off.
    pub free_bytes_min: u64,
}

/// Caps. Beyond them a client is answered `LIMIT`, and cut off where that would not stop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections_max: u32,
    /// Arguments of a command, its name included.
    pub args_max: u32,
    /// One argument.
    pub bulk_bytes_max: u64,
    /// One command with all its arguments.
    pub request_bytes_max: u64,
    /// Commands of one connection that wait for their replies.
    pub pipeline_max: u32,
    /// Replies of one connection that wait to be read.
    pub output_bytes_max: u64,
    /// Commands between MULTI and EXEC.
    pub multi_max: u32,
    /// Their bytes.
    pub multi_bytes_max: u64,
    /// Bytes on their way to the log; beyond them commands wait.
    pub journal_backlog_bytes_max: u64,
    /// Entries in one reply of the feed.
    pub feed_count_max: u32,
}

/// What the daemon says of itself, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What is said: a level, or `target=level` pairs (the syntax of `RUST_LOG`).
    pub filter: String,
    /// How it is said.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people, on stderr.
    Text,
    /// One JSON object a line, on stderr.
    Json,
    /// Fields, to the systemd journal.
    Journald,
}

const MIB: u64 = 1 << 20;

impl Default for Config {
    fn default() -> Self {
        Config {
            socket: PathBuf::from("./slad.sock"),
            data: PathBuf::from("./slad-data"),
            http: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9975))),
            sync: Sync::Always,
            sync_interval: Duration::from_millis(100),
            segment_bytes: 64 * MIB,
            default_policy: Text::const_new("service-levels"),
            policies: None,
            queues: Vec::new(),
            loading_wait: Duration::from_secs(30),
            state_hash_every_events: 16_384,
            clock_jump_max: Duration::from_secs(5 * 60),
            snapshot: Snapshot {
                every_events: 1_000_000,
                every: Duration::from_secs(15 * 60),
                keep: 2,
            },
            retention: Retention {
                age: Some(Duration::from_secs(730 * 86_400)),
                bytes: None,
                free_bytes_min: 0,
            },
            limits: Limits {
                connections_max: 10_000,
                args_max: 1_024,
                bulk_bytes_max: MIB,
                request_bytes_max: 4 * MIB,
                pipeline_max: 10_000,
                output_bytes_max: 64 * MIB,
                multi_max: 1_000,
                multi_bytes_max: 16 * MIB,
                journal_backlog_bytes_max: 64 * MIB,
                feed_count_max: 10_000,
            },
            log: Log {
                filter: "info".to_owned(),
                format: LogFormat::Text,
            },
        }
    }
}

impl Config {
    /// Reads a file. Every mistake in it is reported, in the order of the file.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        Config::load_over(Config::default(), path)
    }

    /// As [`Config::load`], over other defaults: what a flag has already set counts when keys are checked together.
    pub fn load_over(defaults: Config, path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Config::parse_over(defaults, path, &text).map_err(ConfigError::Wrong)
    }

    /// Reads the text of a file; `path` is for the messages.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Problems> {
        Config::parse_over(Config::default(), path, text)
    }

    fn parse_over(defaults: Config, path: &Path, text: &str) -> Result<Config, Problems> {
        let mut config = defaults;
        let mut found: Vec<(usize, String)> = Vec::new();
        let (table, errors) = DeTable::parse_recoverable(text);
        found.extend(errors.iter().map(|e| {
            let at = e.span().map_or(0, |span| span.start);
            (at, e.message().replace('\n', "; "))
        }));
        // What follows a broken line may be a guess of the parser's: the syntax comes first.
        if found.is_empty() {
            config.read_table("", table.get_ref(), &mut found);
        }
        if found.is_empty() {
            found.extend(
                config
                    .contradictions()
                    .into_iter()
                    .map(|(key, what)| (offset(table.get_ref(), key).unwrap_or(0), what)),
            );
        }
        if found.is_empty() {
            return Ok(config);
        }
        found.sort_by_key(|(at, _)| *at);
        Err(Problems(
            found
                .into_iter()
                .map(|(at, what)| Problem::new(path, text, at, what))
                .collect(),
        ))
    }

    /// Sets one key from text, as a flag does. The error says what is wrong and what the key takes.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let key = keys::find(name).ok_or_else(|| keys::unknown("", name))?;
        key.set(self, &DeValue::String(text.into()))?;
        match self.contradictions().into_iter().next() {
            Some((_, what)) => Err(what),
            None => Ok(()),
        }
    }

    fn read_table(&mut self, prefix: &str, table: &DeTable<'_>, found: &mut Vec<(usize, String)>) {
        for (name, value) in table {
            let full = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            match (keys::find(&full), value.get_ref()) {
                (Some(key), given) => {
                    if let Err(what) = key.set(self, given) {
                        found.push((value.span().start, what));
                    }
                }
                (None, DeValue::Table(inner)) if keys::is_section(&full) => {
                    self.read_table(&full, inner, found);
                }
                (None, _) if keys::is_section(&full) => {
                    found.push((
                        value.span().start,
                        format!("{full} is a section: write [{full}] and its keys below"),
                    ));
                }
                (None, _) => found.push((name.span().start, keys::unknown(prefix, name.get_ref()))),
            }
        }
    }

    /// Values that are right alone but not together, each with the key to change.
    fn contradictions(&self) -> Vec<(&'static str, String)> {
        let limits = &self.limits;
        let mut found = Vec::new();
        found.extend(self.unknown_default_policy());
        let mut needs = |holds: bool, key: &'static str, other: &str, least: u64| {
            if !holds {
                let least = value::show_size(least);
                found.push((
                    key,
                    format!("{key} is smaller than {other}: it takes {least} or more"),
                ));
            }
        };
        needs(
            limits.request_bytes_max >= limits.bulk_bytes_max,
            "limits.request_bytes_max",
            "limits.bulk_bytes_max",
            limits.bulk_bytes_max,
        );
        needs(
            limits.journal_backlog_bytes_max >= limits.request_bytes_max,
            "limits.journal_backlog_bytes_max",
            "limits.request_bytes_max",
            limits.request_bytes_max,
        );
        found
    }
}

impl Config {
    /// Without a folder of policies there are those inside the binary alone; with one, its files decide at start.
    fn unknown_default_policy(&self) -> Option<(&'static str, String)> {
        let known = || crate::policy::embedded().into_iter().map(|(name, _)| name);
        let given = &self.default_policy;
        if self.policies.is_some() || known().any(|known| known == given) {
            return None;
        }
        let why = format!(
            "default_policy \"{given}\" is unknown{}: it takes the name of a policy: {}, or one of the folder that \
             `policies` names",
            crate::model::text::hint(given, known()),
            known().collect::<Vec<_>>().join(", ")
        );
        Some(("default_policy", why))
    }
}

/// A mistake in the value of a key, or at the beginning of a file that does not give it.
pub fn problem_at(path: &Path, text: &str, key: &str, message: String) -> Problem {
    let (table, _) = DeTable::parse_recoverable(text);
    let at = offset(table.get_ref(), key).unwrap_or(0);
    Problem::new(path, text, at, message)
}

/// Where the value of a dotted key stands in the text.
fn offset(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let (first, rest) = key
        .split_once('.')
        .map_or((key, None), |(first, rest)| (first, Some(rest)));
    let value: &Spanned<DeValue<'_>> = table.get(first)?;
    match rest {
        None => Some(value.span().start),
        Some(rest) => Some(offset(value.get_ref().as_table()?, rest).unwrap_or(value.span().start)),
    }
}

#[cfg(test)]
mod tests;
