//! slad: SLA timers and ticket routing in one durable process.

pub mod cli;
pub mod collections;
pub mod daemon;
pub mod engine;
pub mod journal;
pub mod model;
pub mod policy;
pub mod wire;
