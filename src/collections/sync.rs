//! The atomics of what threads share without a lock: std's, or, in model checks, loom's, which try every order that the
//! memory model allows.
//!
//! What is checked is the code that runs: `cargo test --features model-check --lib model_check` builds it with the
//! other types and nothing else. Outside of tests the feature changes nothing.

#[cfg(all(test, feature = "model-check"))]
pub use loom::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(not(all(test, feature = "model-check")))]
pub use std::sync::atomic::{AtomicBool, AtomicU64};
