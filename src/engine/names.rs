//! Names as small numbers. The number is private to the process: events, records and hashes carry the name.

use crate::collections::hash::SeededHash;
use crate::model::Text;
use std::collections::HashMap;

/// Interns names; a name keeps its number for the life of the process.
#[derive(Debug)]
pub(super) struct Names {
    names: Vec<Text>,
    numbers: HashMap<Text, u32, SeededHash>,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            names: Vec::new(),
            numbers: HashMap::with_hasher(SeededHash::new(super::state::SEED)),
        }
    }
}

impl Names {
    /// The number of this name, new if need be.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(Text::new(name));
        self.numbers.insert(Text::new(name), number);
        number
    }

    /// The number of this name, if it is known.
    pub(super) fn get(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The name with this number.
    pub(super) fn name(&self, number: u32) -> &Text {
        const EMPTY: &Text = &Text::const_new("");
        self.names.get(number as usize).unwrap_or(EMPTY)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Text)> {
        self.names
            .iter()
            .enumerate()
            .map(|(number, name)| (number as u32, name))
    }
}
