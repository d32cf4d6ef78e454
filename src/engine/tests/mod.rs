//! The engine as a value: stories, and properties under random commands.

mod bounds;
mod desk;
mod horizon;
mod jumps;
mod replay;
mod stories;
