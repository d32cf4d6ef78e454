//! Floor 1: text in, an immutable rule book out. It decides which clocks a ticket gets and when they run out.
//!
//! | file | idea |
//! |---|---|
//! | `book` | the rule book: one version of a policy, made from text or from what the log keeps |
//! | `plan`, `matching`, `plans` | which rules decide for a ticket; plans by number |
//! | `timing` | when a clock runs out, warns, takes its steps |
//! | `required` | what a ticket must bring |
//! | `named` | the queues and targets that the rules name |
//! | [`mod@meaning`], `trigger` | what each target means unless a policy says otherwise |
//! | `parse` | TOML → compiled rules; every mistake with its line, column and remedy |
//! | `section`, `context` | one table of a file; the names that its parts refer to |
//! | `levels`, `classes`, `clocks`, `instants`, `stages`, `ruling`, `extras` | the parts of a file |
//! | `proof`, `region` | no contradiction, no gap, nothing in vain between the rules |
//! | [`mod@calendars`] | calendar files: TOML → working time as data |
//! | [`problem`] | a mistake in a policy file |
//! | [`mod@embedded`] | the policies inside the binary |
//!
//! What is compiled is plain data of the model ([`crate::model::rules`]), which the log keeps: replay makes the same book of
//! it, whatever a later program would read in the text.
//!
//! Costs: parsing is linear in the text and done once a version. Afterwards a plan is found by a few hashes, and nothing
//! here allocates but [`RuleBook::missing`] and a plan seen for the first time.
//!
//! It reads no file and no clock, knows no ticket and keeps no versions: who loads a policy gives it its number.
//! Keys that it does not know are refused rather than ignored, so that no file means less than it says.

mod book;
pub mod calendars;
mod classes;
mod clocks;
mod context;
pub mod embedded;
mod extras;
mod instants;
mod levels;
mod matching;
pub mod meaning;
mod named;
mod parse;
mod plan;
mod plans;
pub mod problem;
mod proof;
mod region;
mod required;
mod ruling;
mod section;
mod stages;
mod timing;
mod trigger;

#[cfg(test)]
mod tests;

pub use crate::model::rules::{ClockRule, Trigger, Warn};
pub use book::RuleBook;
pub use calendars::CalendarFile;
pub use embedded::{embedded, embedded_calendars};
pub use matching::Keys;
pub use meaning::{Meaning, meaning};
pub use plan::{Plan, SetBy};
pub use plans::Plans;
pub use problem::Problem;
