//! Exit codes, one table.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, or ended by a signal or SHUTDOWN with everything synced |
//! | 1 | could not start, read or write, or the daemon could not be reached, or it refused |
//! | 2 | wrong arguments (a place to cut or a folder that will not do included), or mistakes in the configuration |
//! | 3 | a write or sync of the log failed; what was acknowledged is safe |
//! | 4 | the log is damaged before its end, newer than this program, or of a form that it does not read; nothing was changed. Of `log verify`, `backup` and `restore`: so is what they read |
//! | 5 | another daemon has the data folder or the socket |
//! | 6 | a file of the log was truncated from outside, or its disk failed, while it was being read |
//! | 7 | `import`: some lines were refused, and each was told; the others are in (with `--strict` none is) |

pub use crate::daemon::fatal::{IN_USE, LOG_CUT_OFF, LOG_FAILED, LOG_REFUSED, START_FAILED};

/// Wrong arguments, or mistakes in the configuration.
pub const USAGE: u8 = 2;

/// Some lines of an import were refused.
pub const BAD_LINES: u8 = 7;
