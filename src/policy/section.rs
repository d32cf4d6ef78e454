//! One table of a policy file, read key by key: wrong types and unknown keys are reported, never guessed at.

use super::problem::Problems;
use crate::model::text::{self, Text};
use crate::model::time::{self, Span};
use std::collections::HashSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A word and its bytes in the text.
pub(super) type Placed<T> = (T, Range<usize>);

/// A table.
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// Where the table begins: the place of what is missing in it.
    pub(super) place: Range<usize>,
    /// How it is called in messages.
    pub(super) called: String,
}

impl<'a> Section<'a> {
    /// Takes a table, reporting the keys that it should not have.
    pub(super) fn new(
        table: &'a DeTable<'a>,
        place: Range<usize>,
        called: impl Into<String>,
        known: &[&str],
        problems: &mut Problems,
    ) -> Self {
        let called = called.into();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let hint = text::hint(name, known.iter().copied());
                problems.at(
                    &key.span(),
                    format!("{called} has no key '{name}'{hint}"),
                    format!("it takes {}", known.join(", ")),
                );
            }
        }
        Section { table, place, called }
    }

    /// What stands under this key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// A string.
    pub(super) fn text(&self, key: &str, problems: &mut Problems) -> Option<Placed<&'a str>> {
        string(key, self.get(key)?, problems)
    }

    /// A name that tickets, agents or people refer to.
    pub(super) fn name(&self, key: &str, problems: &mut Problems) -> Option<Placed<Text>> {
        let (word, place) = self.text(key, problems)?;
        Some((name(key, word, &place, problems)?, place))
    }

    /// A list of different words, each turned into a value by `read`, which reports what it cannot read.
    pub(super) fn list<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        mut read: impl FnMut(&'a str, &Range<usize>, &mut Problems) -> Option<T>,
    ) -> Option<Placed<Vec<T>>> {
        let value = self.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            wrong(key, value, "a list such as [\"customer\", \"outcome\"]", problems);
            return None;
        };
        let mut seen = HashSet::with_capacity(items.len());
        let mut list = Vec::with_capacity(items.len());
        for item in items.iter() {
            let Some((word, place)) = string(key, item, problems) else {
                continue;
            };
            if !seen.insert(word) {
                problems.at(&place, format!("{key} names '{word}' twice"), "name it once");
                continue;
            }
            list.extend(read(word, &place, problems));
        }
        Some((list, value.span()))
    }

    /// A list of different names; a missing key is an empty list.
    pub(super) fn names(&self, key: &str, problems: &mut Problems) -> Vec<Text> {
        self.list(key, problems, |word, place, problems| {
            name(key, word, place, problems)
        })
        .map_or_else(Vec::new, |(list, _)| list)
    }

    /// A length of time, longer than nothing.
    pub(super) fn span(&self, key: &str, problems: &mut Problems) -> Option<Placed<Span>> {
        let (word, place) = self.text(key, problems)?;
        Some((span(key, word, &place, problems)?, place))
    }

    /// A table under this key; `takes` describes it.
    pub(super) fn table(&self, key: &str, takes: &str, problems: &mut Problems) -> Option<&'a DeTable<'a>> {
        let value = self.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            wrong(key, value, takes, problems);
        }
        table
    }
}

/// A string value.
pub(super) fn string<'a>(
    key: &str,
    value: &'a Spanned<DeValue<'a>>,
    problems: &mut Problems,
) -> Option<Placed<&'a str>> {
    let Some(word) = value.get_ref().as_str() else {
        wrong(key, value, "text in double quotes", problems);
        return None;
    };
    Some((word, value.span()))
}

/// Reports a value of the wrong type.
pub(super) fn wrong(key: &str, value: &Spanned<DeValue<'_>>, takes: &str, problems: &mut Problems) {
    let is = value.get_ref().type_str();
    problems.at(
        &value.span(),
        format!("{key} is of type {is}"),
        format!("it takes {takes}"),
    );
}

/// Checks a name. Commas separate names in commands, so a name with one could never be asked for.
pub(super) fn name(key: &str, word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<Text> {
    if word.contains(',') || word.trim() != word {
        problems.at(
            place,
            format!("{key} '{word}' has a comma, or a space at an end"),
            "commands could not name it: leave that out",
        );
        return None;
    }
    text::id(key, word.as_bytes())
        .map_err(|refusal| problems.refused(place, &refusal))
        .ok()
}

/// Checks a length of time.
pub(super) fn span(key: &str, word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<Span> {
    match time::span(key, word.as_bytes()) {
        Ok(Span::Ms(0) | Span::Months(0) | Span::BusinessDays(0)) => {
            problems.at(
                place,
                format!("{key} '{word}' is no time at all"),
                "give a duration longer than nothing, such as 15m, or leave it out",
            );
            None
        }
        Ok(span) => Some(span),
        Err(refusal) => {
            problems.refused(place, &refusal);
            None
        }
    }
}
