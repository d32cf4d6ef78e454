//! Mistakes in a policy file: where, what is wrong, what would be right.

use crate::model::Refusal;
use std::fmt;
use std::ops::Range;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.line, self.column, self.what, self.remedy)
    }
}

impl std::error::Error for Problem {}

/// Collects mistakes by byte offset; lines and columns are counted once, at the end.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<(usize, String, String)>,
}

impl Problems {
    /// A mistake at these bytes of the text; both messages become one line each.
    pub(super) fn at(&mut self, place: &Range<usize>, what: impl Into<String>, remedy: impl Into<String>) {
        let line = |text: String| text.replace(char::is_control, "?");
        self.found
            .push((place.start, line(what.into()), line(remedy.into())));
    }

    /// A mistake that `model` found in a word: its message already says what the word takes.
    pub(super) fn refused(&mut self, place: &Range<usize>, refusal: &Refusal) {
        let (what, takes) = refusal
            .message
            .split_once(": it ")
            .unwrap_or((&refusal.message, "takes something else"));
        self.at(place, what, format!("it {takes}"));
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// All of them in the order of the text. Linear in the text, but for the sort.
    pub(super) fn into_list(mut self, text: &str) -> Vec<Problem> {
        self.found.sort_by_key(|(offset, ..)| *offset);
        let (mut line, mut column, mut passed) = (1, 1, 0);
        let mut list = Vec::with_capacity(self.found.len());
        for (offset, what, remedy) in self.found {
            while let Some(c) = text[passed..].chars().next().filter(|_| passed < offset) {
                passed += c.len_utf8();
                (line, column) = if c == '\n' {
                    (line + 1, 1)
                } else {
                    (line, column + 1)
                };
            }
            list.push(Problem {
                line,
                column,
                what,
                remedy,
            });
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let text = "a\n服务 x\nend";
        let mut problems = Problems::default();
        for word in ["end", "x", "a"] {
            let start = text.find(word).unwrap();
            problems.at(&(start..start + 1), word, "");
        }
        problems.at(&(999..1000), "beyond", "");
        let places: Vec<_> = problems
            .into_list(text)
            .into_iter()
            .map(|p| (p.what, p.line, p.column))
            .collect();
        let expected = [("a", 1, 1), ("x", 2, 4), ("end", 3, 1), ("beyond", 3, 4)];
        assert_eq!(places, expected.map(|(w, l, c)| (w.to_owned(), l, c)));
    }

    #[test]
    fn a_problem_is_one_line_that_ends_with_the_remedy() {
        let mut problems = Problems::default();
        problems.refused(&(0..1), &Refusal::bad_arg("within '5': it takes a duration"));
        problems.refused(&(0..1), &Refusal::bad_arg("something odd"));
        let lines: Vec<String> = problems.into_list("x").iter().map(Problem::to_string).collect();
        assert_eq!(lines[0], "1:1: within '5'; it takes a duration");
        assert_eq!(lines[1], "1:1: something odd; it takes something else");
    }
}
