//! Versions of policies through the socket: loaded, read, previewed, piloted, migrated, and there again after a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "../support/feed.rs"]
mod feed;
mod loading;
mod migrating;
mod pilot;
#[path = "../support/random.rs"]
mod random;
mod reckoned;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod under_load;
