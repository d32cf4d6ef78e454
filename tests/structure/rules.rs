//! The rules as data: change the design here, and only here.

/// What a top-level module may import, by name. A module that is not here has no floor and is refused.
pub(crate) const FLOORS: &[(&str, &[&str])] = &[
    // Floor 0: plain words and plain structures; neither knows the other.
    ("model", &[]),
    ("collections", &[]),
    // Working time, on plain words.
    ("calendar", &["model"]),
    // Floor 1
    ("policy", &["model", "collections", "calendar"]),
    ("wire", &["model", "collections"]),
    ("journal", &["model", "collections"]),
    // Floor 2
    ("engine", &["model", "collections", "calendar", "policy"]),
    // Floor 3
    (
        "daemon",
        &[
            "model",
            "collections",
            "calendar",
            "policy",
            "wire",
            "journal",
            "engine",
        ],
    ),
    // Floor 4
    (
        "cli",
        &[
            "model",
            "collections",
            "calendar",
            "policy",
            "wire",
            "journal",
            "engine",
            "daemon",
        ],
    ),
    // The binary: arguments → subcommand → exit code.
    ("main", &["cli"]),
];

/// Modules that may use every facility of the machine.
pub(crate) const OUTSIDE: &[&str] = &["daemon", "cli", "main"];

/// What nobody below floor 3 may name: the path, and why.
pub(crate) const FORBIDDEN: &[(&str, &str)] = &[
    ("std::time::SystemTime", "time is an argument"),
    ("std::time::Instant", "time is an argument"),
    ("std::thread", "threads belong to the daemon"),
    ("std::net", "sockets belong to the daemon"),
    ("std::os::unix::net", "sockets belong to the daemon"),
    ("std::process", "processes belong to the daemon"),
    ("std::env", "the environment is read by the daemon"),
    ("std::hash::RandomState", "no randomness but a seed"),
    (
        "std::collections::hash_map::RandomState",
        "no randomness but a seed",
    ),
    ("tokio", "sockets and timers belong to the daemon"),
    ("hyper", "sockets belong to the daemon"),
    ("rand", "no randomness but a seed"),
    ("fastrand", "no randomness but a seed"),
    ("getrandom", "no randomness but a seed"),
    ("jiff::Timestamp::now", "time is an argument"),
    ("jiff::Zoned::now", "time is an argument"),
    (
        "jiff::tz::TimeZone::system",
        "the environment is read by the daemon",
    ),
];

/// What below floor 3 only the journal may name.
pub(crate) const JOURNAL_ONLY: &[(&str, &str)] = &[
    ("std::fs", "files belong to the journal"),
    ("std::os::fd", "files belong to the journal"),
    ("rustix", "files belong to the journal"),
    ("memmap2", "files belong to the journal"),
    ("libc", "files belong to the journal"),
];

/// Longest source file, lines.
pub(crate) const LINES_MAX: usize = 500;

/// The top level: everything else is a dot file or ignored by git.
pub(crate) const TOP_LEVEL_FILES: &[&str] =
    &["CHANGELOG.md", "Cargo.lock", "Cargo.toml", "LICENSE", "README.md"];
/// Folders of the top level.
pub(crate) const TOP_LEVEL_FOLDERS: &[&str] = &["benches", "config", "src", "systemd", "tests"];

/// Where the README's command table begins and ends.
pub(crate) const TABLE_MARKS: (&str, &str) = ("<!-- commands -->", "<!-- /commands -->");

/// The command table as the README must show it: generated from the rows that also parse.
pub(crate) fn command_table() -> String {
    slad::wire::docs::readme_table()
}
