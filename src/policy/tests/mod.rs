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

/// Each `¦` in the text marks a place where a problem is expected; the words stand in that problem.
fn check_marked<T: std::fmt::Debug>(
    parse: impl Fn(&str) -> Result<T, Vec<Problem>>,
    marked: &str,
    expected: &[(&str, &str)],
) {
    let mut places = Vec::new();
    for (line, text) in marked.lines().enumerate() {
        let columns = text.chars().enumerate().filter(|(_, c)| *c == '¦').enumerate();
        places.extend(columns.map(|(before, (column, _))| (line + 1, column + 1 - before)));
    }
    let text = marked.replace('¦', "");
    let problems = parse(&text).expect_err(&text);
    let found: Vec<_> = problems.iter().map(|p| (p.line, p.column)).collect();
    assert_eq!(found, places, "{problems:#?}\n{text}");
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (what, remedy)) in problems.iter().zip(expected) {
        assert!(problem.what.contains(what), "'{what}' is not in {problem}");
        assert!(problem.remedy.contains(remedy), "'{remedy}' is not in {problem}");
    }
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
