//! Plans by number: tickets keep a number of four bytes, and equal plans are kept once.
//!
//! A plan is worked out when the first ticket of its combination of keys comes; from then on finding it takes a hash for
//! each key that some rule asks about, and one of the combination. Memory: 32 bytes for each combination of values named
//! in rules that tickets have shown, and the plans that differ, however many combinations the rules could tell apart.

use super::book::RuleBook;
use super::matching::{Keys, Place};
use super::plan::{Plan, Signature};
use crate::collections::hash::SeededHash;
use std::collections::HashMap;
use std::sync::Arc;

const SEED: u64 = 0x91a5_5eed;

/// The plans of one version of a policy that tickets have had so far.
#[derive(Debug)]
pub struct Plans {
    list: Vec<Arc<Plan>>,
    places: HashMap<Place, u32, SeededHash>,
    signatures: HashMap<Signature, u32, SeededHash>,
}

impl Default for Plans {
    fn default() -> Plans {
        Plans {
            list: Vec::new(),
            places: HashMap::with_hasher(SeededHash::new(SEED)),
            signatures: HashMap::with_hasher(SeededHash::new(SEED)),
        }
    }
}

impl Plans {
    /// Number of the plan that `book`, always the same one, has for these keys. Numbers depend on the order of the
    /// questions: they are for memory, not for the log.
    pub fn find(&mut self, book: &RuleBook, keys: &Keys) -> u32 {
        let place = book.place(keys);
        if let Some(number) = self.places.get(&place) {
            return *number;
        }
        let (signature, set) = book.signature(place, keys.class);
        let list = &mut self.list;
        let number = *self.signatures.entry(signature).or_insert_with(|| {
            list.push(Arc::new(book.compose(place, keys.class, &set)));
            list.len() as u32 - 1
        });
        self.places.insert(place, number);
        number
    }

    /// The plan of this number.
    ///
    /// # Panics
    /// If [`Plans::find`] never gave the number.
    pub fn get(&self, number: u32) -> &Arc<Plan> {
        &self.list[number as usize]
    }

    /// How many different ones there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// None was asked for yet.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
