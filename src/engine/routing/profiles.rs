//! Profiles: agents with equal queues and skills, and which requirements they can serve.

use super::requirements::{Requirement, Requirements};
use crate::collections::BitSet;
use crate::collections::hash::SeededHash;
use crate::engine::state::SEED;
use crate::model::skill::Skill;
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Profile {
    /// Numbers of the queues, sorted; empty = every queue.
    queues: Vec<u32>,
    /// Sorted by name.
    skills: Vec<Skill>,
}

impl Profile {
    /// Cost: one pass over both skill lists, which are sorted.
    fn can_serve(&self, requirement: &Requirement) -> bool {
        let in_queue = self.queues.is_empty() || self.queues.binary_search(&requirement.queue).is_ok();
        let mut has = self.skills.iter();
        in_queue
            && requirement.skills.iter().all(|needed| {
                has.by_ref()
                    .find(|skill| skill.name >= needed.name)
                    .is_some_and(|skill| skill.name == needed.name && skill.level >= needed.level_min)
            })
    }
}

#[derive(Debug, Default)]
struct Known {
    serves: BitSet,
    /// Requirements below this number have been looked at.
    seen: usize,
}

/// All profiles that agents have had since the process started.
#[derive(Debug)]
pub(in crate::engine) struct Profiles {
    all: Vec<(Profile, Known)>,
    numbers: HashMap<Profile, u32, SeededHash>,
}

impl Default for Profiles {
    fn default() -> Profiles {
        Profiles {
            all: Vec::new(),
            numbers: HashMap::with_hasher(SeededHash::new(SEED)),
        }
    }
}

impl Profiles {
    pub(in crate::engine) fn intern(&mut self, mut queues: Vec<u32>, skills: &[Skill]) -> u32 {
        queues.sort_unstable();
        let profile = Profile {
            queues,
            skills: skills.to_vec(),
        };
        if let Some(number) = self.numbers.get(&profile) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.all.push((profile.clone(), Known::default()));
        self.numbers.insert(profile, number);
        number
    }

    /// The requirements that agents of this profile can serve. New requirements are looked at once.
    pub(in crate::engine) fn serves(&mut self, profile: u32, requirements: &Requirements) -> &BitSet {
        let (profile, known) = &mut self.all[profile as usize];
        for number in known.seen..requirements.len() {
            if profile.can_serve(requirements.get(number as u32)) {
                known.serves.set(number as u32);
            }
        }
        known.seen = requirements.len();
        &known.serves
    }

    /// Do agents of this profile serve the queue?
    pub(in crate::engine) fn in_queue(&self, profile: u32, queue: u32) -> bool {
        let (profile, _) = &self.all[profile as usize];
        profile.queues.is_empty() || profile.queues.binary_search(&queue).is_ok()
    }
}
