//! One row a key. Reading, checking, `CONFIG GET`, the nearest key in an error, and `config/slad.toml` derive from it.

use super::Config;
use super::value::*;
use crate::model::text;
use std::fmt::Write;
use std::time::Duration;
use toml::de::DeValue;

/// One key.
pub struct Key {
    /// Its name, with its section: `snapshot.every`.
    pub name: &'static str,
    /// What it takes, for errors: "it takes …".
    pub takes: &'static str,
    /// What it is for; lines of the default file.
    pub about: &'static str,
    read: fn(&mut Config, &DeValue<'_>) -> Reading<()>,
    show: fn(&Config) -> Shown,
}

/// A value, and whether TOML quotes it.
struct Shown {
    text: String,
    quoted: bool,
}

fn quoted<T: ToString>(text: &T) -> Shown {
    Shown {
        text: text.to_string(),
        quoted: true,
    }
}

fn bare<T: ToString>(text: &T) -> Shown {
    Shown {
        text: text.to_string(),
        quoted: false,
    }
}

/// Fixes the type that `show` takes to the field's.
fn show_with<T>(field: &T, show: fn(&T) -> Shown) -> Shown {
    show(field)
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// A row: name, what it takes, the field with its reader and its writer, what it is for.
macro_rules! row {
    ($name:literal, $takes:literal, $($field:ident).+, $read:expr, $show:expr, $about:literal) => {
        Key {
            name: $name,
            takes: $takes,
            about: $about,
            read: |config, given| {
                let read: fn(&DeValue<'_>) -> Reading<_> = $read;
                config.$($field).+ = read(given)?;
                Ok(())
            },
            show: |config| {
                show_with(&config.$($field).+, $show)
            },
        }
    };
}

/// Every key, in the order of the file.
pub const KEYS: &[Key] = &[
    row!(
        "socket",
        "the path of a Unix socket, at most 107 bytes",
        socket,
        socket,
        |p| quoted(&p.display()),
        "Unix socket that clients connect to. Whoever may open it may do everything: its permissions are the access\n\
         control. Under systemd the socket unit sets it."
    ),
    row!(
        "data",
        "the path of a folder",
        data,
        path,
        |p| quoted(&p.display()),
        "Folder of the log and the snapshots; made at the first start."
    ),
    row!(
        "http",
        "a loopback address such as \"127.0.0.1:9975\" (port 0: a free one), or \"\" for none",
        http,
        loopback,
        |a| quoted(&a.map_or_else(String::new, |a| a.to_string())),
        "Address of /metrics, /livez, /readyz and /version; \"\" turns them off."
    ),
    row!(
        "sync",
        "\"always\", \"interval\" or \"never\"",
        sync,
        sync,
        |s| quoted(&s.as_str()),
        "When a reply is released: \"always\" after fdatasync, so that nothing acknowledged is ever lost; \"interval\" after\n\
         the write, with a sync every sync_interval, so that a power loss may cost that much, kill -9 nothing; \"never\"\n\
         leaves the syncs to the kernel."
    ),
    row!(
        "sync_interval",
        "a duration from 1ms to 1h, such as \"100ms\"",
        sync_interval,
        |v| duration(v, Duration::from_millis(1), HOUR),
        |d| quoted(&show_duration(*d)),
        "Longest time between two syncs under \"interval\"."
    ),
    row!(
        "segment_bytes",
        "a size from 1MiB to 1GiB, such as \"64MiB\"",
        segment_bytes,
        |v| size(v, KIB * KIB, GIB),
        |b| quoted(&show_size(*b)),
        "Size of a log segment. Segments are allocated whole, one ahead."
    ),
    row!(
        "default_policy",
        "the name of a policy such as \"service-levels\"",
        default_policy,
        policy,
        quoted,
        "Policy of tickets that name none."
    ),
    row!(
        "policies",
        "the path of a folder, or \"\" for none",
        policies,
        folder,
        |p| quoted(&p.as_ref().map_or_else(String::new, |p| p.display().to_string())),
        "Folder of the site's policies, one NAME.toml each, and of their calendars in calendars/. Names that it does not\n\
         give are those inside the binary. POLICY.RELOAD and SIGHUP read it again."
    ),
    row!(
        "queues",
        "a list of names such as [\"night\", \"vip\"]",
        queues,
        names,
        |q| bare(&format!(
            "[{}]",
            q.iter().map(|q| toml_string(q)).collect::<Vec<_>>().join(", ")
        )),
        "Queues that exist beside those of the policies."
    ),
    row!(
        "loading_wait",
        "a duration from 0s to 1h, such as \"30s\"",
        loading_wait,
        |v| duration(v, Duration::ZERO, HOUR),
        |d| quoted(&show_duration(*d)),
        "How long commands wait for the replay at start before they are answered LOADING."
    ),
    row!(
        "state_hash_every_events",
        "a whole number from 1",
        state_hash_every_events,
        |v| count(v, 1, u64::MAX >> 1),
        bare,
        "Events between two state hashes in the log: every replay reckons them again and refuses to go on where one differs."
    ),
    row!(
        "clock_jump_max",
        "a duration from 1s to 8760h, such as \"5m\"",
        clock_jump_max,
        |v| duration(v, SECOND, HOUR * 8_760),
        |d| quoted(&show_duration(*d)),
        "The wall clock may be stepped this far at once, by hand or by time synchronisation; a larger jump freezes timers\n\
         until CLOCK.ACCEPT or CLOCK.REJECT, while commands go on."
    ),
    row!(
        "snapshot.every_events",
        "a whole number from 1",
        snapshot.every_events,
        |v| count(v, 1, u64::MAX >> 1),
        bare,
        "A snapshot is taken after this many events: what a restart has to replay at most."
    ),
    row!(
        "snapshot.every",
        "a duration from 1s to 8760h, such as \"15m\"",
        snapshot.every,
        |v| duration(v, SECOND, HOUR * 8_760),
        |d| quoted(&show_duration(*d)),
        "Or after this long, if anything happened."
    ),
    row!(
        "snapshot.keep",
        "a whole number from 2",
        snapshot.keep,
        |v| count32(v, 2),
        bare,
        "Snapshots that are kept; two at least, so that a damaged one costs time and not data."
    ),
    row!(
        "retention.age",
        "a duration from 1h to 36500d, such as \"730d\" (d = 24 h), or \"unlimited\"",
        retention.age,
        |v| unless_unlimited(v, |v| duration(v, HOUR, HOUR * 24 * 36_500)),
        |d| quoted(&show_or_unlimited(*d, show_days)),
        "A segment goes when its newest event is older: \"730d\" are two years, \"unlimited\" keeps all."
    ),
    row!(
        "retention.bytes",
        "a size from 1MiB, such as \"200GiB\", or \"unlimited\"",
        retention.bytes,
        |v| unless_unlimited(v, |v| size(v, KIB * KIB, u64::MAX >> 1)),
        |b| quoted(&show_or_unlimited(*b, show_size)),
        "The oldest segments go while the segments take more of the disk than this; snapshots and index files come on top."
    ),
    row!(
        "retention.free_bytes_min",
        "a size such as \"2GiB\"; \"0B\" turns it off",
        retention.free_bytes_min,
        |v| size(v, 0, u64::MAX >> 1),
        |b| quoted(&if *b == 0 { "0B".to_owned() } else { show_size(*b) }),
        "The oldest segments go, however young, while the disk has less room than this."
    ),
    row!(
        "limits.connections_max",
        "a whole number from 1",
        limits.connections_max,
        |v| count32(v, 1),
        bare,
        "Connections at a time."
    ),
    row!(
        "limits.args_max",
        "a whole number from 16",
        limits.args_max,
        |v| count32(v, 16),
        bare,
        "Arguments of a command, its name included."
    ),
    row!(
        "limits.bulk_bytes_max",
        "a size from 1KiB to 1GiB, such as \"1MiB\"",
        limits.bulk_bytes_max,
        |v| size(v, KIB, GIB),
        |b| quoted(&show_size(*b)),
        "One argument."
    ),
    row!(
        "limits.request_bytes_max",
        "a size from 1KiB to 1GiB, such as \"4MiB\"",
        limits.request_bytes_max,
        |v| size(v, KIB, GIB),
        |b| quoted(&show_size(*b)),
        "One command with all its arguments; at least bulk_bytes_max."
    ),
    row!(
        "limits.pipeline_max",
        "a whole number from 1",
        limits.pipeline_max,
        |v| count32(v, 1),
        bare,
        "Commands of one connection that wait for their replies."
    ),
    row!(
        "limits.output_bytes_max",
        "a size from 64KiB to 64GiB, such as \"64MiB\"",
        limits.output_bytes_max,
        |v| size(v, 64 * KIB, 64 * GIB),
        |b| quoted(&show_size(*b)),
        "Replies of one connection that wait to be read; a client that reads slower is cut off."
    ),
    row!(
        "limits.multi_max",
        "a whole number from 1",
        limits.multi_max,
        |v| count32(v, 1),
        bare,
        "Commands between MULTI and EXEC."
    ),
    row!(
        "limits.multi_bytes_max",
        "a size from 1KiB to 64MiB, such as \"16MiB\"",
        limits.multi_bytes_max,
        |v| size(v, KIB, 64 * KIB * KIB),
        |b| quoted(&show_size(*b)),
        "Bytes of the commands between MULTI and EXEC."
    ),
    row!(
        "limits.journal_backlog_bytes_max",
        "a size from 1MiB to 64GiB, such as \"64MiB\"",
        limits.journal_backlog_bytes_max,
        |v| size(v, KIB * KIB, 64 * GIB),
        |b| quoted(&show_size(*b)),
        "Bytes on their way to the log; beyond them commands wait for the disk. At least request_bytes_max."
    ),
    row!(
        "limits.feed_count_max",
        "a whole number from 1",
        limits.feed_count_max,
        |v| count32(v, 1),
        bare,
        "Entries in one reply of the feed, whatever COUNT says."
    ),
    row!(
        "log.filter",
        "a level (error, warn, info, debug, trace) or target=level pairs",
        log.filter,
        filter,
        quoted,
        "What the daemon says of itself: error, warn, info, debug or trace, also by part: \"info,slad::journal=debug\"."
    ),
    row!(
        "log.format",
        "\"text\", \"json\" or \"journald\"",
        log.format,
        format,
        |f| quoted(&f.as_str()),
        "How: \"text\" and \"json\" go to stderr, \"journald\" to the systemd journal with its fields."
    ),
];

/// What the sections are for, in the default file.
const SECTIONS: &[(&str, &str)] = &[
    (
        "snapshot",
        "When the state is written out, so that a start does not grow with history.",
    ),
    (
        "retention",
        "How long history is kept. What a restart needs stays in any case: two snapshots, the log from the older one on.",
    ),
    (
        "limits",
        "Caps, so that no client takes more than its share. Beyond them: LIMIT.",
    ),
    (
        "log",
        "What the daemon says of itself; the facts are elsewhere, in the event log.",
    ),
];

impl Key {
    /// Sets the key; the error names it, what was given, what is wrong and what it takes.
    pub(super) fn set(&self, config: &mut Config, given: &DeValue<'_>) -> Result<(), String> {
        (self.read)(config, given).map_err(|wrong| {
            let shown = match given {
                DeValue::String(s) => format!(" {}", toml_string(s)),
                DeValue::Integer(i) => format!(" {i}"),
                DeValue::Float(f) => format!(" {f}"),
                DeValue::Boolean(b) => format!(" {b}"),
                _ => String::new(),
            };
            format!("{}{shown} {wrong}: it takes {}", self.name, self.takes)
        })
    }

    /// The value as text, as `CONFIG GET` shows it.
    pub fn get(&self, config: &Config) -> String {
        (self.show)(config).text
    }
}

/// The row of a key.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Is it the name of a section?
pub(super) fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|(section, _)| *section == name)
}

/// What to say to a key that there is not: the nearest one, in its section or elsewhere.
pub(super) fn unknown(section: &str, given: &str) -> String {
    let place = if section.is_empty() {
        String::new()
    } else {
        format!(" in [{section}]")
    };
    let full = if section.is_empty() {
        given.to_owned()
    } else {
        format!("{section}.{given}")
    };
    // The same key under another section is nearer than any that looks alike.
    let elsewhere = KEYS
        .iter()
        .find(|key| key.name.rsplit('.').next() == given.rsplit('.').next())
        .map(|key| key.name);
    let names = || {
        KEYS.iter()
            .map(|key| key.name)
            .chain(SECTIONS.iter().map(|(name, _)| *name))
    };
    // A long section name must not make everything in it look alike.
    let alike = names()
        .filter(|name| match section {
            "" => true,
            section => name
                .strip_prefix(section)
                .is_some_and(|rest| rest.starts_with('.')),
        })
        .map(|name| (name, name.rsplit('.').next().unwrap_or(name)))
        .collect::<Vec<_>>();
    let near = text::nearest(given, alike.iter().map(|(_, short)| *short))
        .and_then(|short| alike.iter().find(|(_, s)| *s == short).map(|(name, _)| *name))
        .or_else(|| text::nearest(given, names()));
    match elsewhere.or(near) {
        Some(name) => format!("unknown key '{given}'{place}: did you mean {}?", placed(name)),
        None => {
            let known: Vec<_> = alike.iter().map(|(_, short)| *short).collect();
            format!("unknown key '{full}': there are {}", known.join(", "))
        }
    }
}

/// `keep in [snapshot]`
fn placed(name: &str) -> String {
    match name.split_once('.') {
        Some((section, key)) => format!("'{key}' in [{section}]"),
        None if is_section(name) => format!("[{name}]"),
        None => format!("'{name}'"),
    }
}

fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The file with every key at its default: what `config/slad.toml` holds.
pub fn default_file() -> String {
    let defaults = Config::default();
    let mut out = String::from(
        "# slad: every key, at its default. What is not set here keeps it; flags beat the file.\n\
         # `slad check-config` says what is wrong with a file, and where.\n\
         # Sizes are bytes or \"64MiB\", durations \"100ms\", \"30s\", \"15m\", \"1h\".\n",
    );
    let mut section = "";
    for key in KEYS {
        let (of, short) = key.name.split_once('.').unwrap_or(("", key.name));
        out.push('\n');
        if of != section {
            section = of;
            let about = SECTIONS
                .iter()
                .find(|(name, _)| *name == of)
                .map_or("", |(_, about)| about);
            let _ = write!(out, "# {about}\n[{of}]\n\n");
        }
        for line in key.about.lines() {
            let _ = writeln!(out, "# {line}");
        }
        let shown = (key.show)(&defaults);
        let value = if shown.quoted {
            toml_string(&shown.text)
        } else {
            shown.text
        };
        let _ = writeln!(out, "{short} = {value}");
    }
    out
}
