//! The log without its daemon: reading it, checking it, cutting it, copying it, putting it back.
//!
//! | file | idea |
//! |---|---|
//! | [`disk`] | a directory that may be somebody else's: read, never written, never mapped |
//! | [`view`] | the events of a directory, also while a daemon writes to it |
//! | [`mod@check`] | everything that can be wrong with each file |
//! | [`cut`] | places between two frames, by seq or time |
//! | [`repair`] | cutting a log there, on an operator's word alone |
//! | `copy` | bytes from file to file, as cheaply as the file system has it |
//! | [`backup`], [`restore`] | a directory to a backup, and back |
//!
//! All of it shares the reading of frames, headers and snapshots with recovery, so that a tool and a start never judge the
//! same bytes differently. Nothing here replays: state belongs to the engine, and who has both compares their hashes.

pub mod backup;
pub mod check;
mod copy;
pub mod cut;
pub mod disk;
pub mod repair;
pub mod restore;
#[cfg(test)]
mod tests;
pub mod view;

pub use check::{Report, check};
pub use cut::{Cut, Until};
pub use disk::ReadOnlyDisk;
pub use view::{Piece, View};
