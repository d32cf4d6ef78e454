//! One table of a policy file, read key by key: wrong types and unknown keys are reported, never guessed at.

use super::problem::Problems;
use crate::model::text::{self, Text};
use crate::model::time::{self, Span};
use std::collections::HashSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a rank takes.
pub(super) const TAKES_RANK: &str = "it takes a whole number from 0, the most urgent, to 255";

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

    /// One word, or a list of different ones, each turned into a value by `read`.
    pub(super) fn words<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        mut read: impl FnMut(&'a str, &Range<usize>, &mut Problems) -> Option<T>,
    ) -> Option<Placed<Vec<T>>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(word) => {
                let list = read(word, &value.span(), problems).into_iter().collect();
                Some((list, value.span()))
            }
            DeValue::Array(_) => self.list(key, problems, read),
            _ => {
                wrong(
                    key,
                    value,
                    "text in double quotes, or a list such as [\"a\", \"b\"]",
                    problems,
                );
                None
            }
        }
    }

    /// One name, or a list of different ones; a missing key is an empty list.
    pub(super) fn one_or_more(&self, key: &str, problems: &mut Problems) -> Vec<Text> {
        let read =
            |word: &str, place: &Range<usize>, problems: &mut Problems| name(key, word, place, problems);
        self.words(key, problems, read)
            .map_or_else(Vec::new, |(list, _)| list)
    }

    /// `true` or `false`; a missing key is `false`.
    pub(super) fn flag(&self, key: &str, problems: &mut Problems) -> bool {
        let Some(value) = self.get(key) else {
            return false;
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            wrong(key, value, "true or false", problems);
        }
        flag.unwrap_or(false)
    }

    /// One of a few words, and what it stands for.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<Placed<T>> {
        let (word, place) = self.text(key, problems)?;
        let found = choices.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let hint = text::hint(word, names.iter().copied());
            problems.at(
                &place,
                format!("there is no {key} '{word}'{hint}"),
                format!("it takes {}", names.join(", ")),
            );
        }
        found.map(|(_, choice)| (*choice, place))
    }

    /// A rank.
    pub(super) fn rank(&self, problems: &mut Problems) -> Option<Placed<u8>> {
        let value = self.get("rank")?;
        let number = value.get_ref().as_integer();
        let rank = number.and_then(|n| u8::from_str_radix(n.as_str(), n.radix()).ok());
        if rank.is_none() {
            let what = match number {
                Some(number) => format!("rank {number} is out of range"),
                None => format!("rank is of type {}", value.get_ref().type_str()),
            };
            problems.at(&value.span(), what, TAKES_RANK);
        }
        rank.map(|rank| (rank, value.span()))
    }

    /// The tables of an array of tables, `[[key]]`.
    pub(super) fn tables(
        &self,
        key: &str,
        called: &str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Vec<Section<'a>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let takes = format!("tables: [[{key}]] with {}", known.join(", "));
        let Some(items) = value.get_ref().as_array() else {
            wrong(key, value, &takes, problems);
            return Vec::new();
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => found.push(Section::new(table, item.span(), called, known, problems)),
                None => wrong(key, item, &takes, problems),
            }
        }
        found
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
