//! A growable set of small numbers, one bit each. Set, clear, get: O(1); iteration and the set operations: a word
//! (64 numbers) a step. It never shrinks, and trailing empty words do not count: equality is that of the sets.

/// A set of `u32`.
#[derive(Debug, Clone, Default)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number; returns whether it was not in. Grows to `bit / 64` words.
    pub fn set(&mut self, bit: u32) -> bool {
        let word = bit as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let was = self.words[word];
        self.words[word] |= 1 << (bit % 64);
        was != self.words[word]
    }

    /// Takes a number out; returns whether it was in.
    pub fn clear(&mut self, bit: u32) -> bool {
        let Some(word) = self.words.get_mut(bit as usize / 64) else {
            return false;
        };
        let was = *word;
        *word &= !(1 << (bit % 64));
        was != *word
    }

    /// Whether a number is in.
    #[inline]
    pub fn get(&self, bit: u32) -> bool {
        self.words
            .get(bit as usize / 64)
            .is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }

    /// Whether no number is in. O(words).
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many numbers are in. O(words).
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Empties the set and keeps its memory.
    pub fn clear_all(&mut self) {
        self.words.fill(0);
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        bits(self.words.iter().copied())
    }

    /// The numbers that are in both, ascending, without allocating.
    pub fn and_iter<'a>(&'a self, other: &'a BitSet) -> impl Iterator<Item = u32> + 'a {
        bits(
            self.words
                .iter()
                .zip(&other.words)
                .map(|(one, other)| one & other),
        )
    }

    /// Whether any number is in both.
    pub fn intersects(&self, other: &BitSet) -> bool {
        self.words
            .iter()
            .zip(&other.words)
            .any(|(one, other)| one & other != 0)
    }

    /// Adds all numbers of another set.
    pub fn union_with(&mut self, other: &BitSet) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }
}

impl PartialEq for BitSet {
    fn eq(&self, other: &Self) -> bool {
        let common = self.words.len().min(other.words.len());
        let rest = self.words[common..].iter().chain(&other.words[common..]);
        self.words[..common] == other.words[..common] && rest.into_iter().all(|word| *word == 0)
    }
}

impl Eq for BitSet {}

impl FromIterator<u32> for BitSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::new();
        for number in numbers {
            set.set(number);
        }
        set
    }
}

fn bits(words: impl Iterator<Item = u64>) -> impl Iterator<Item = u32> {
    words.enumerate().flat_map(|(index, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| index as u32 * 64 + rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_bit_set_is_a_set(
            ops in prop::collection::vec((any::<bool>(), 0u32..400), 0..200),
            other in prop::collection::btree_set(0u32..700, 0..80),
        ) {
            let (mut set, mut model) = (BitSet::new(), BTreeSet::new());
            for (add, bit) in ops {
                if add {
                    prop_assert_eq!(set.set(bit), model.insert(bit));
                } else {
                    prop_assert_eq!(set.clear(bit), model.remove(&bit));
                }
                prop_assert_eq!(set.get(bit), add);
            }
            prop_assert_eq!(set.is_empty(), model.is_empty());
            prop_assert_eq!(set.count(), model.len());
            prop_assert!(set.iter().eq(model.iter().copied()));
            let others: BitSet = other.iter().copied().collect();
            prop_assert!(set.and_iter(&others).eq(model.intersection(&other).copied()));
            prop_assert_eq!(set.intersects(&others), model.intersection(&other).next().is_some());
            prop_assert_eq!(set == others, model == other);
            prop_assert_eq!(&set, &model.iter().copied().collect::<BitSet>());
            set.union_with(&others);
            prop_assert!(set.iter().eq(model.union(&other).copied()));
            set.clear_all();
            prop_assert_eq!(set, BitSet::new());
        }
    }
}
