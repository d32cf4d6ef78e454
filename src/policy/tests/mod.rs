//! What a policy file may say, what it may not, and what the clocks come to.

mod books;
mod calendars;
mod mistakes;
mod plans;
mod proofs;
mod properties;
mod rulings;
mod shipped;

use super::{Keys, Plan, Problem, RuleBook, embedded};

fn parse(text: &str) -> Result<RuleBook, Vec<Problem>> {
    RuleBook::parse("test", text, 7)
}

fn good(text: &str) -> RuleBook {
    parse(text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

fn service_levels() -> RuleBook {
    good(embedded()[1].1)
}

/// What the book says of tickets of this priority that tell nothing else.
fn plan(book: &RuleBook, priority: &str) -> Plan {
    let (priority, _) = book.level(priority).unwrap();
    book.plan(&Keys {
        priority,
        ..Keys::default()
    })
}

/// A policy with these lines at the top.
fn top(lines: &str) -> String {
    format!("{lines}\nqueue = \"q\"\ndefault_priority = \"P1\"\n[priorities.P1]\nrank = 1\n")
}

/// A policy with one priority of these lines.
fn level(lines: &str) -> String {
    format!("default_priority = \"P1\"\ncalendar = \"cn-office\"\n[priorities.P1]\n{lines}\n")
}

/// A policy with these clocks.
fn clocks(lines: &str) -> String {
    level(&format!(
        "rank = 1\nqueue = \"q\"\n[priorities.P1.clocks]\n{lines}"
    ))
}
