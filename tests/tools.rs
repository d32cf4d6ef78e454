//! The tools for the people on call, against real daemons: verify, cat, export, repair, backup, restore.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "support/feed.rs"]
mod feed;
#[path = "tools/run.rs"]
mod run;
mod support;

#[path = "tools/backups.rs"]
mod backups;
#[path = "tools/checking.rs"]
mod checking;
#[path = "tools/cutting.rs"]
mod cutting;
#[path = "tools/foreign.rs"]
mod foreign;
#[path = "tools/reading.rs"]
mod reading;
