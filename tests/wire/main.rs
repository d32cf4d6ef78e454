//! The wire floor from outside: every command's good and bad forms, framing under any split, encodings read back.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly in its helpers too"
)]

mod bad;
mod feed;
mod framing;
mod good;
mod replies;
mod resp;
mod table;
