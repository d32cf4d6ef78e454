//! From a key's hash to the slot that holds the key; the key itself is stored once, in the slot.
//!
//! [`SHARDS`] small open-addressing tables (hashbrown's, after Abseil's Swiss tables) instead of one: a table that
//! doubles rehashes all it has, and at ten million keys one table would stall its one insert for over 100 ms; a shard
//! then holds 2,400 keys and its doubling takes about 0.2 ms even if every key is a cache miss. Lookup, insert,
//! remove: O(1), one miss in the table and one in the slot. Memory: 5 to 10 bytes a key, 128 KB for the shards.

use super::hash::hash_bytes;
use hashbrown::HashTable;

/// The number of tables.
pub const SHARDS: usize = 4096;

/// Slots by hash.
#[derive(Debug, Clone)]
pub struct IdIndex {
    shards: Box<[HashTable<u32>]>,
    seed: u64,
    len: usize,
}

impl IdIndex {
    /// An empty index whose [`hash`](Self::hash) is seeded.
    pub fn new(seed: u64) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| HashTable::new()).collect(),
            seed,
            len: 0,
        }
    }

    /// The number of slots indexed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no slot is indexed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The hash of a key under this index's seed.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        hash_bytes(self.seed, key)
    }

    /// Bits that a table uses neither for the place (the low ones) nor for its tags (the top seven).
    #[inline]
    fn shard(hash: u64) -> usize {
        (hash >> 40) as usize % SHARDS
    }

    /// The slot with this hash for which `is` says that it holds the key.
    #[inline]
    pub fn get(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.shards[Self::shard(hash)]
            .find(hash, |slot| is(*slot))
            .copied()
    }

    /// Adds a slot; the caller has made sure that its key is not in. `rehash` gives the hash of a slot's key, which
    /// must still be readable for every slot in the index.
    #[inline]
    pub fn insert(&mut self, hash: u64, slot: u32, rehash: impl Fn(u32) -> u64) {
        self.shards[Self::shard(hash)].insert_unique(hash, slot, |slot| rehash(*slot));
        self.len += 1;
    }

    /// Makes room for `more` slots, spread as hashes spread them, so that filling the index rehashes next to nothing.
    /// `rehash` as for [`IdIndex::insert`].
    pub fn reserve(&mut self, more: usize, rehash: impl Fn(u32) -> u64) {
        // Hashes spread like dice: three standard deviations above the mean leave few shards to grow.
        let mean = more / SHARDS;
        let each = mean + 3 * mean.isqrt();
        for shard in &mut self.shards {
            shard.reserve(each, |slot| rehash(*slot));
        }
    }

    /// Takes a slot out and returns it; `None` if there is none with this hash for which `is` holds.
    #[inline]
    pub fn remove(&mut self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let entry = self.shards[Self::shard(hash)]
            .find_entry(hash, |slot| is(*slot))
            .ok()?;
        self.len -= 1;
        Some(entry.remove().0)
    }

    /// All slots, in no meaningful order: nothing that can be seen from outside may depend on it.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.shards.iter().flat_map(|shard| shard.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::btree_map::Entry;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn an_index_is_a_map(seed: u64, narrow: bool, ops in prop::collection::vec((any::<bool>(), 0u32..300), 1..600)) {
            let mut index = IdIndex::new(seed);
            let mut names: Vec<String> = Vec::new();
            let mut model: BTreeMap<String, u32> = BTreeMap::new();
            // With few distinct hashes every lookup meets others' slots.
            let hash = |name: &str| {
                let hash = hash_bytes(seed, name.as_bytes());
                if narrow { hash & (3 << 40) } else { hash }
            };
            for (add, number) in ops {
                let name = format!("ticket-{number}");
                let code = hash(&name);
                prop_assert_eq!(index.get(code, |slot| names[slot as usize] == name), model.get(&name).copied());
                if !add {
                    prop_assert_eq!(index.remove(code, |slot| names[slot as usize] == name), model.remove(&name));
                } else if let Entry::Vacant(place) = model.entry(name.clone()) {
                    let slot = names.len() as u32;
                    names.push(name);
                    index.insert(code, slot, |slot| hash(&names[slot as usize]));
                    place.insert(slot);
                }
                prop_assert_eq!(index.len(), model.len());
            }
            prop_assert_eq!(index.iter().collect::<BTreeSet<_>>(), model.values().copied().collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn shards_fill_evenly_and_survive_their_growth() {
        let mut index = IdIndex::new(1);
        let key = |slot: u32| format!("t{slot}");
        for slot in 0..200_000 {
            let hash = index.hash(key(slot).as_bytes());
            index.insert(hash, slot, |slot| hash_bytes(1, key(slot).as_bytes()));
        }
        for slot in 0..200_000 {
            let hash = index.hash(key(slot).as_bytes());
            assert_eq!(index.get(hash, |found| found == slot), Some(slot));
        }
        let fullest = index.shards.iter().map(HashTable::len).max().unwrap();
        assert!(fullest < 2 * 200_000 / SHARDS, "{fullest} in the fullest shard");
    }
}
