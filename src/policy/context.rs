//! What the parts of a policy file have to know of each other: the names it declares, its calendars.

use super::problem::Problems;
use super::section::{Placed, Section};
use crate::model::rules::{ClassPattern, Time};
use crate::model::{Text, text};
use std::cell::RefCell;
use std::ops::Range;

/// Names that the rest of the file refers to.
pub(super) struct Context<'a> {
    text: &'a str,
    /// Calendars that there are.
    known: &'a [&'a str],
    /// Those that the policy names so far.
    named: RefCell<Vec<Text>>,
    /// The policy's own calendar.
    pub(super) calendar: Option<u16>,
    /// The policy's own kind of time.
    pub(super) time: Time,
    pub(super) priorities: Vec<Text>,
    /// Empty: any.
    pub(super) classes: Vec<Text>,
    /// Empty: any.
    pub(super) segments: Vec<Text>,
    /// Empty: any.
    pub(super) channels: Vec<Text>,
    /// Empty: any.
    pub(super) stages: Vec<Text>,
}

/// Kinds of time, and how files spell them.
pub(super) const TIMES: [(&str, Time); 3] = [
    ("natural", Time::Natural),
    ("business", Time::Business),
    ("elapsed", Time::Elapsed),
];

impl<'a> Context<'a> {
    /// Reads the policy's calendar and time; the names come as they are read.
    pub(super) fn read(
        top: &Section<'_>,
        text: &'a str,
        known: &'a [&'a str],
        problems: &mut Problems,
    ) -> Self {
        let mut context = Context {
            text,
            known,
            named: RefCell::default(),
            calendar: None,
            time: Time::Natural,
            priorities: Vec::new(),
            classes: Vec::new(),
            segments: Vec::new(),
            channels: Vec::new(),
            stages: Vec::new(),
        };
        context.calendar = context.calendar(top, problems).map(|(index, _)| index);
        context.time = top
            .choice("time", &TIMES, problems)
            .map_or(Time::Natural, |(time, _)| time);
        context
    }

    /// The calendar that a section names, as an index into what the policy names.
    pub(super) fn calendar(&self, of: &Section<'_>, problems: &mut Problems) -> Option<Placed<u16>> {
        let (name, place) = of.name("calendar", problems)?;
        if !self.known.contains(&name.as_str()) {
            let known = if self.known.is_empty() {
                "a calendar file beside the policies".to_owned()
            } else {
                self.known.join(", ")
            };
            let hint = text::hint(&name, self.known.iter().copied());
            problems.at(
                &place,
                format!("calendar '{name}' is not known{hint}"),
                format!("it takes {known}; a calendar of your own is a file calendars/{name}.toml"),
            );
            return None;
        }
        let mut named = self.named.borrow_mut();
        let index = named.iter().position(|known| *known == name).unwrap_or_else(|| {
            named.push(name);
            named.len() - 1
        });
        Some((u16::try_from(index).ok()?, place))
    }

    /// The calendars that were named.
    pub(super) fn into_calendars(self) -> Vec<Text> {
        self.named.into_inner()
    }

    /// Line in the text, from 1.
    pub(super) fn line(&self, place: &Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..place.start.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Reports a word that is none of the names that the file declares as `what`; without any declared, any will do.
    pub(super) fn declared(
        what: &str,
        word: &str,
        names: &[Text],
        place: &Range<usize>,
        problems: &mut Problems,
    ) -> bool {
        if names.is_empty() || names.iter().any(|name| name == word) {
            return true;
        }
        let hint = text::hint(word, names.iter().map(Text::as_str));
        let known: Vec<&str> = names.iter().map(Text::as_str).collect();
        problems.at(
            place,
            format!("{what} '{word}' is not declared in this file{hint}"),
            format!("it takes {}", known.join(", ")),
        );
        false
    }

    /// Index of a priority.
    pub(super) fn priority(&self, word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<u16> {
        // Without priorities that was reported already.
        if self.priorities.is_empty() || !Self::declared("priority", word, &self.priorities, place, problems)
        {
            return None;
        }
        let index = self.priorities.iter().position(|name| name == word)?;
        u16::try_from(index).ok()
    }

    /// A class or a pattern `prefix.*`, of which there must be one.
    pub(super) fn class(
        &self,
        word: &str,
        place: &Range<usize>,
        problems: &mut Problems,
    ) -> Option<ClassPattern> {
        let Some(prefix) = word.strip_suffix(".*") else {
            if word.contains('*') {
                problems.at(
                    place,
                    format!("class '{word}' is no pattern"),
                    "a pattern ends with .* after a name, such as fault.*; leave class out for every class",
                );
                return None;
            }
            let name = super::section::name("class", word, place, problems)?;
            return Self::declared("class", word, &self.classes, place, problems)
                .then_some(ClassPattern::Exact(name));
        };
        if prefix.contains('*') {
            problems.at(
                place,
                format!("class '{word}' has more than one *"),
                "a pattern has one, at its end: fault.*",
            );
            return None;
        }
        let pattern = ClassPattern::Below(super::section::name("class", prefix, place, problems)?);
        if self.classes.is_empty() || self.classes.iter().any(|class| pattern.matches(class)) {
            return Some(pattern);
        }
        let known: Vec<&str> = self.classes.iter().map(Text::as_str).collect();
        problems.at(
            place,
            format!("no declared class matches '{word}': the rule would never be reached"),
            format!("the classes are {}", known.join(", ")),
        );
        None
    }
}
