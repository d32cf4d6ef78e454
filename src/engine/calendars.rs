//! Versions of calendars. One that says the same as the version before up to where that was published goes on with it, for
//! everything that counts by it; one that differs earlier begins a line of its own, for policy versions that take effect
//! afterwards.
//!
//! Costs: taking in a version compiles it, about 10 ms; looking one up is a look-up of the name.

use crate::calendar::Calendar;
use crate::model::calendar::CalendarExtended;
use crate::model::{Seq, Text};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All versions, and which counts.
#[derive(Debug, Default)]
pub(super) struct Calendars {
    /// With the seqs of their events.
    facts: Vec<(Seq, CalendarExtended)>,
    lines: Vec<Line>,
    /// Number of the newest line of each name.
    names: BTreeMap<Text, u32>,
}

/// Versions of which each is a longer one of the one before.
#[derive(Debug)]
struct Line {
    /// The newest took the place of one before.
    extended: bool,
    newest: Arc<Calendar>,
    /// Seq of the event of the newest.
    seq: Seq,
}

/// The lines that counted when a policy version took effect, by name of the calendar.
pub(super) type Lines = BTreeMap<Text, u32>;

/// What a new version came to.
pub(super) struct Extended {
    /// Number of its line.
    pub line: u32,
    /// It goes on with the version before, so that it counts wherever that one did.
    pub goes_on: bool,
    pub calendar: Arc<Calendar>,
}

impl Calendars {
    /// A version takes effect. Fails when it cannot be compiled, which a log written by this program never shows.
    pub(super) fn take(&mut self, seq: Seq, fact: &CalendarExtended) -> Result<Extended, String> {
        let calendar = Calendar::compile(&fact.spec, &fact.zone).map_err(|fault| {
            format!(
                "calendar {}@{} cannot be used: {fault:?}",
                fact.name, fact.version
            )
        })?;
        let calendar = Arc::new(calendar);
        self.facts.push((seq, fact.clone()));
        let known = self.names.get(&fact.name).copied();
        let line = known.and_then(|line| self.lines.get_mut(line as usize));
        if let (Some(number), Some(line)) = (known, line)
            && calendar.extends(&line.newest)
        {
            line.newest = Arc::clone(&calendar);
            line.extended = true;
            line.seq = seq;
            return Ok(Extended {
                line: number,
                goes_on: true,
                calendar,
            });
        }
        let number = self.lines.len() as u32;
        self.lines.push(Line {
            extended: false,
            newest: Arc::clone(&calendar),
            seq,
        });
        self.names.insert(fact.name.clone(), number);
        Ok(Extended {
            line: number,
            goes_on: false,
            calendar,
        })
    }

    /// The newest calendar of a line.
    pub(super) fn of_line(&self, line: u32) -> Option<&Arc<Calendar>> {
        self.lines.get(line as usize).map(|line| &line.newest)
    }

    /// Lines that were extended, with the seq of the last extension.
    pub(super) fn extended(&self) -> impl Iterator<Item = (u32, Seq)> {
        let lines = (0..).zip(&self.lines);
        lines
            .filter(|(_, line)| line.extended)
            .map(|(number, line)| (number, line.seq))
    }

    /// The newest calendar of this name.
    pub(super) fn newest(&self, name: &str) -> Option<&Arc<Calendar>> {
        self.names.get(name).and_then(|line| self.of_line(*line))
    }

    /// Version and text hash of the newest calendar of this name.
    pub(super) fn newest_fact(&self, name: &str) -> Option<&CalendarExtended> {
        let facts = self.facts.iter().rev().map(|(_, fact)| fact);
        facts.into_iter().find(|fact| fact.name == name)
    }

    /// The lines that count now.
    pub(super) fn lines(&self) -> &Lines {
        &self.names
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(Text::as_str)
    }

    /// Every version as it took effect.
    pub(super) fn facts(&self) -> &[(Seq, CalendarExtended)] {
        &self.facts
    }
}
