//! slad: SLA timers and ticket routing in one durable process.

pub mod cli;
pub mod daemon;
pub mod model;
