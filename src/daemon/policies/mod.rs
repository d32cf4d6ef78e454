//! The site's policies: from the folder into the log, at start and whenever somebody asks.
//!
//! | file | idea |
//! |---|---|
//! | [`folder`] | what is on the disk |
//! | [`load`] | what of it is new, checked as a whole: all or nothing |
//! | [`calendars`] | the same of calendars |
//! | [`diff`] | how two texts differ |
//! | `first` | the start |
//! | [`reload`] | POLICY.RELOAD and SIGHUP |
//! | [`migrations`] | open tickets on their way to another version |
//!
//! A text makes a new version when it is not the one that its name has; what is gone from the folder stays in force, for
//! no rule changes unasked. A text inside the binary takes the place of one that came from a binary too, and of no file's.
//! Mistakes anywhere leave everything as it is, and are told to whoever asked, in the daemon's own log, in INFO and
//! in a metric, until the folder reads well again.

pub mod calendars;
pub mod diff;
mod first;
pub mod folder;
pub mod load;
pub mod migrations;
pub mod reload;

use super::wake::Wake;
use crate::policy::Problem;
use std::fmt;
use std::rc::Rc;

/// Where the text of an embedded policy comes from, as its version says.
pub const EMBEDDED: &str = "embedded";

/// Something wrong with a file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Which file, as it is to be found in the folder.
    pub file: String,
    /// Where in it, and what; without a place it is about the whole file.
    pub problem: Result<Problem, String>,
}

impl Mistake {
    /// It is about the whole file.
    pub fn of_file(file: &str, what: impl Into<String>) -> Mistake {
        Mistake {
            file: file.to_owned(),
            problem: Err(what.into()),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Ok(problem) => write!(f, "{}:{problem}", self.file),
            Err(what) => write!(f, "{}: {what}", self.file),
        }
    }
}

/// What the core keeps of policies beside the engine.
#[derive(Debug, Default)]
pub struct Desk {
    /// Raised by SIGHUP.
    pub reload: Rc<Wake>,
    /// Held by whoever reads the folder, so that versions are counted one after the other.
    pub reading: Rc<tokio::sync::Mutex<()>>,
    /// Mistakes of the last look at the folder.
    pub mistakes: Vec<Mistake>,
    /// Migrations, and who waits for them.
    pub migrations: migrations::Desk,
}
