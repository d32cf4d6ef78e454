//! Requirements: a queue and the skills a ticket asks for, interned.

use crate::model::skill::Required;
use std::collections::HashMap;

/// What a ticket asks of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::engine) struct Requirement {
    /// Number of the queue.
    pub queue: u32,
    /// Sorted by name.
    pub skills: Vec<Required>,
}

/// All requirements seen since the process started.
#[derive(Debug, Default)]
pub(in crate::engine) struct Requirements {
    all: Vec<Requirement>,
    numbers: HashMap<Requirement, u32>,
}

impl Requirements {
    pub(in crate::engine) fn intern(&mut self, queue: u32, skills: &[Required]) -> u32 {
        let requirement = Requirement {
            queue,
            skills: skills.to_vec(),
        };
        if let Some(number) = self.numbers.get(&requirement) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.all.push(requirement.clone());
        self.numbers.insert(requirement, number);
        number
    }

    pub(in crate::engine) fn get(&self, number: u32) -> &Requirement {
        &self.all[number as usize]
    }

    pub(in crate::engine) fn len(&self) -> usize {
        self.all.len()
    }

    /// Is this queue and skill set known already?
    pub(in crate::engine) fn knows(&self, queue: u32, skills: &[Required]) -> bool {
        self.numbers.contains_key(&Requirement {
            queue,
            skills: skills.to_vec(),
        })
    }
}
