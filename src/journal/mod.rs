//! stub
pub mod batch;
pub mod disk;
pub mod error;
pub mod format;
mod frame;
mod map;
pub mod segment;
pub use error::JournalError;
