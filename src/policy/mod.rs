//! Floor 1: text in, an immutable rule book out. It decides which clocks a ticket gets and when they run out.
//!
//! | file | idea |
//! |---|---|
//! | [`rules`] | the rule book: priorities, clocks, warnings, required fields |
//! | [`mod@meaning`] | what each target means unless a policy says otherwise |
//! | `parse`, `levels`, `clocks`, `section` | TOML → rule book; every mistake with its line, column and remedy |
//! | [`mod@calendars`] | calendar files: TOML → working time as data |
//! | [`problem`] | a mistake in a policy file |
//! | [`mod@embedded`] | the policies inside the binary |
//!
//! Costs: parsing is linear in the text and done once a version. Afterwards nothing here allocates but
//! [`RuleBook::missing`]; looking up a level or a clock scans a handful of entries.
//!
//! It reads no file and no clock, knows no ticket and keeps no versions: who loads a policy gives it its number.
//! So far: natural time, one level a ticket. Calendars, stages, ladders and rules by class are not in the format yet;
//! their keys are refused rather than ignored, so that no file means less than it says.

pub mod calendars;
mod clocks;
pub mod embedded;
mod levels;
pub mod meaning;
mod parse;
pub mod problem;
pub mod rules;
mod section;

#[cfg(test)]
mod tests;

pub use calendars::CalendarFile;
pub use embedded::{embedded, embedded_calendars};
pub use meaning::{Meaning, Start, Trigger, meaning};
pub use problem::Problem;
pub use rules::{ClockRule, Level, RuleBook, TargetRule, Warn};
