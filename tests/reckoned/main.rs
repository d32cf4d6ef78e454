//! How dues are reckoned when rules and calendars change under a ticket's feet, against tickets that never knew it otherwise.
//!
//! | file | idea |
//! |---|---|
//! | `desk` | an engine without a daemon: told line by line, started anew from its log |
//! | `offices` | calendars drawn at random: short ones, and the longer ones that follow them |
//! | `policies` | versions of a policy drawn at random: the same conditions, other budgets |
//! | `twins` | a ticket whose rules change has the dues of its twin that had the last ones from the start |
//! | `walker` | the same dues by a walk from minute to minute |
//!
//! Nothing that is expected comes from the code that changes a due: a twin has nothing changed, the walker subtracts no instants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod desk;
mod offices;
mod policies;
#[path = "../support/random.rs"]
mod random;
mod twins;
mod walker;
