//! Requirements: a queue and the skills a ticket asks for, interned.
//!
//! Found by what they are made of, without building one: every opening looks twice, and most find what is there.

use crate::collections::hash::SeededHash;
use crate::engine::state::SEED;
use crate::model::skill::Required;
use hashbrown::HashTable;

/// What a ticket asks of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Requirement {
    /// Number of the queue.
    pub queue: u32,
    /// Sorted by name.
    pub skills: Vec<Required>,
}

impl Requirement {
    fn is(&self, queue: u32, skills: &[Required]) -> bool {
        self.queue == queue && self.skills == skills
    }
}

/// All requirements seen since the process started.
#[derive(Debug, Default)]
pub(in crate::engine) struct Requirements {
    all: Vec<Requirement>,
    /// Places in `all`.
    numbers: HashTable<u32>,
}

fn hash(queue: u32, skills: &[Required]) -> u64 {
    SeededHash::new(SEED).of(&(queue, skills))
}

impl Requirements {
    pub(in crate::engine) fn intern(&mut self, queue: u32, skills: &[Required]) -> u32 {
        if let Some(number) = self.find(queue, skills) {
            return number;
        }
        let Requirements { all, numbers } = self;
        let number = all.len() as u32;
        all.push(Requirement {
            queue,
            skills: skills.to_vec(),
        });
        numbers.insert_unique(hash(queue, skills), number, |number| {
            let known = &all[*number as usize];
            hash(known.queue, &known.skills)
        });
        number
    }

    fn find(&self, queue: u32, skills: &[Required]) -> Option<u32> {
        self.numbers
            .find(hash(queue, skills), |number| {
                self.all[*number as usize].is(queue, skills)
            })
            .copied()
    }

    pub(in crate::engine) fn get(&self, number: u32) -> &Requirement {
        &self.all[number as usize]
    }

    pub(in crate::engine) fn len(&self) -> usize {
        self.all.len()
    }

    /// Is this queue and skill set known already?
    pub(in crate::engine) fn knows(&self, queue: u32, skills: &[Required]) -> bool {
        self.find(queue, skills).is_some()
    }
}
