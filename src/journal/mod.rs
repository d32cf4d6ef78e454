//! Floor 1: the log. Events to files and back over a small disk trait; no thread, no clock, no engine.
//!
//! | file | idea |
//! |---|---|
//! | [`mod@format`] | the bytes, drawn once, and how they may change |
//! | [`disk`], [`sim`] | what the log needs from a disk: the real one, and one that crashes when told to |
//! | `map`, [`sigbus`] | reading through memory, and what if the memory goes: the only unsafe code |
//! | `frame`, `control` | a frame, its checks and its events; markers, reserves, sessions |
//! | [`batch`] | what the engine fills |
//! | [`segment`], [`writer`], `rotate`, [`reserve`] | what the log thread writes; room for a full disk |
//! | [`published`] | what the writer shows to readers |
//! | `scan`, `verdict`, [`recovery`], [`opened`] | finding the end, cutting a torn tail, refusing damage; replay |
//! | [`reader`], [`feed`], `history` | events by seq, entries by key, all lives of a ticket |
//! | `index`, `offsets`, `postings`, `lives` | what is known of a segment in memory |
//! | `sidecar`, `sidecar_blocks`, `sidecar_write` | the same in an index file, for sealed segments |
//! | [`snapshot`], [`snapshot_read`] | the state of one seq, written and read |
//! | [`retire`], [`keeper`], `recycle` | which old segments go, how they go, and what becomes of their files |
//! | [`offline`] | the log without a daemon: reading, checking, cutting, copying |
//!
//! # The loop of a log thread
//! ```
//! # use slad::journal::{self, batch::Batch, config::Config, disk::RealDisk};
//! # use slad::model::event::{Body, ClockJumped, Event};
//! # use std::sync::Arc;
//! # let dir = std::env::temp_dir().join(format!("slad-doc-{}", std::process::id()));
//! # let event = Event { at: 1, logged_at: 1, cause: 0, tenant: 0,
//! #     body: Body::ClockJumped(ClockJumped::advanced(0, 1)) };
//! let disk = Arc::new(RealDisk::new(&dir, std::process::id())?);
//! let config = Config { segment_bytes: 1 << 20, ..Config::default() };
//! let opened = journal::recovery::open(disk, config)?;
//! opened.replay(0, |_seq, _event| Ok(()))?;
//! let reader = opened.reader(); // for any thread, as `Arc<Reader>`
//! let mut writer = opened.into_writer()?;
//! writer.make_reserve()?; // for a full disk; on any thread: `reserve_preparation()`, then `install_reserve`
//!
//! // The engine's thread: one frame a command.
//! let mut batch = Batch::new();
//! batch.push(writer.next_seq(), &[event])?;
//!
//! // The log's thread, for each batch that the ring gives it:
//! let appended = writer.append(&mut batch)?; // visible to readers; on a full disk: again later, with the same batch
//! writer.sync()?; // under `always`: before anything up to `appended.last_seq` is released
//! batch.clear(); // and back to the engine
//! if writer.used() > 0.5 {
//!     writer.prepare_next()?; // or `preparation()` on another thread, then `install`
//! }
//! writer.marker()?; // once idle for 100 ms
//!
//! assert_eq!(reader.last_seq(), appended.last_seq);
//! writer.close()?; // at shutdown
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod batch;
pub mod config;
mod control;
pub mod disk;
pub mod error;
pub mod feed;
pub mod format;
mod frame;
mod history;
mod index;
pub mod keeper;
mod lives;
mod map;
pub mod offline;
mod offsets;
pub mod opened;
mod postings;
pub mod published;
pub mod reader;
pub mod recovery;
mod recycle;
pub mod reserve;
pub mod retire;
mod rotate;
mod scan;
pub mod segment;
mod sidecar;
mod sidecar_blocks;
mod sidecar_write;
pub mod sigbus;
pub mod sim;
mod sim_file;
pub mod snapshot;
pub mod snapshot_read;
#[cfg(test)]
mod tests;
mod verdict;
pub mod writer;

pub use batch::Batch;
pub use config::{Config, SyncPolicy};
pub use error::JournalError;
pub use feed::{Entry, Wanted};
pub use frame::StateHash;
pub use keeper::{Keeper, Step};
pub use opened::{OpenedLog, Stored};
pub use published::Published;
pub use reader::Reader;
pub use recovery::{Recovery, open};
pub use retire::{Rules, Why};
pub use snapshot::{SnapshotInfo, SnapshotReader, SnapshotWriter};
pub use writer::{Appended, Writer};
