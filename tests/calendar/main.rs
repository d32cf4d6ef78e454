//! Working time against published vectors, against naive models written a second way, and against itself.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly in its helpers too"
)]

#[path = "../support/random.rs"]
mod random;

mod cases;
mod drawn;
mod naive;
mod python;
mod shipped;
mod vectors;
