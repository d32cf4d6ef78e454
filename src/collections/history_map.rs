//! The newest N entries by insertion, found by key, by age and by number.
//!
//! Entries are numbered from 0 in the order of their insertion and kept in chunks of [`CHUNK`]: growth allocates a
//! chunk, forgetting the oldest frees one, nothing is copied. The index keeps the number alone (its low 32 bits), in
//! [`IdIndex`]'s shards, so a key is stored once. Removing by key leaves a gap that goes when it is the oldest; more
//! than N + 1,024 gaps push the oldest entry out as well.
//! Insert, get, remove, pop: O(1). Memory: one `Option<(K, V)>` an entry, 5 to 10 bytes in the index. Pruning by age
//! is a loop of the caller's over [`Remembered::oldest`] and [`Remembered::pop_oldest`].

use super::hash::SeededHash;
use super::id_index::IdIndex;
use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::Hash;
use std::ops::Range;

/// Entries in one chunk.
pub const CHUNK: usize = 1 << 10;

/// An entry that made room for a newer one: its number, key and value.
pub type Evicted<K, V> = (u64, K, V);

/// The map.
#[derive(Debug, Clone)]
pub struct Remembered<K, V> {
    chunks: VecDeque<Vec<Option<(K, V)>>>,
    /// The number of the first chunk's first entry, a multiple of [`CHUNK`].
    base: u64,
    /// The number of the oldest entry that is left; gaps before it are gone.
    start: u64,
    /// The number that the next entry gets.
    end: u64,
    index: IdIndex,
    hash: SeededHash,
    entries_max: usize,
}

impl<K: Hash + Eq, V> Remembered<K, V> {
    /// An empty map for at most `entries_max` entries (at least 1, below 2³¹), hashed under `seed`.
    pub fn new(entries_max: usize, seed: u64) -> Self {
        Self {
            chunks: VecDeque::new(),
            base: 0,
            start: 0,
            end: 0,
            index: IdIndex::new(seed),
            hash: SeededHash::new(seed),
            entries_max: entries_max.clamp(1, (1 << 31) - 1),
        }
    }

    /// The number of entries (gaps do not count).
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The numbers from the oldest entry to the newest, gaps included.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    /// Adds an entry as the newest and returns its number, and the oldest one if it had to go for it. A key that is
    /// in already is replaced: its old entry is dropped, and the new one is the newest.
    pub fn insert(&mut self, key: K, value: V) -> (u64, Option<Evicted<K, V>>) {
        self.remove(&key);
        // Gaps are bounded as well, else one old entry could keep the room of any number of removed ones.
        let gaps = self.end - self.start - self.len() as u64;
        let full = self.len() == self.entries_max || gaps > (self.entries_max + CHUNK) as u64;
        let evicted = if full { self.pop_oldest() } else { None };
        (self.push(key, value), evicted)
    }

    /// Puts an entry back under the number that it had. Entries come in the order of their numbers, into a map that was
    /// never used; nothing is evicted. With the same numbers the map will forget the same entries.
    pub fn restore(&mut self, number: u64, key: K, value: V) {
        self.skip_to(number);
        self.push(key, value);
    }

    /// The next entry gets this number, if it is not lower than the one it would get; those in between are gaps.
    pub fn skip_to(&mut self, number: u64) {
        if self.is_empty() && number > self.end {
            let offset = (number % CHUNK as u64) as usize;
            (self.base, self.start, self.end) = (number - offset as u64, number, number);
            self.chunks.clear();
            if offset > 0 {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.resize_with(offset, || None);
                self.chunks.push_back(chunk);
            }
        }
        while self.end < number {
            self.append(None);
        }
    }

    /// Adds the next number.
    fn append(&mut self, entry: Option<(K, V)>) {
        if self.end == self.base + (self.chunks.len() * CHUNK) as u64 {
            self.chunks.push_back(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(entry);
        }
        self.end += 1;
    }

    fn push(&mut self, key: K, value: V) -> u64 {
        let number = self.end;
        let hash = self.hash.of(&key);
        self.append(Some((key, value)));
        let Self {
            chunks,
            base,
            start,
            index,
            hash: hasher,
            ..
        } = self;
        index.insert(hash, number as u32, |low| {
            entry(chunks, *base, full_number(*start, low)).map_or(0, |(key, _)| hasher.of(key))
        });
        number
    }

    /// The number of a key's entry.
    pub fn number_of<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<u64>
    where
        K: Borrow<Q>,
    {
        let is = |low| {
            self.at(full_number(self.start, low))
                .is_some_and(|(found, _)| found.borrow() == key)
        };
        self.index
            .get(self.hash.of(key), is)
            .map(|low| full_number(self.start, low))
    }

    /// A key's value.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.at(self.number_of(key)?).map(|(_, value)| value)
    }

    /// A key's value to change.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let number = self.number_of(key)?;
        self.place(number)?.as_mut().map(|(_, value)| value)
    }

    /// Takes a key's entry out. Its number stays used.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let number = self.number_of(key)?;
        self.take(number).map(|(_, value)| value)
    }

    /// The entry of a number; `None` if it is a gap or not remembered.
    pub fn at(&self, number: u64) -> Option<(&K, &V)> {
        if number < self.start {
            return None;
        }
        entry(&self.chunks, self.base, number)
    }

    /// The oldest entry: its number, key and value. O(1).
    pub fn oldest(&self) -> Option<(u64, &K, &V)> {
        self.at(self.start).map(|(key, value)| (self.start, key, value))
    }

    /// Takes the oldest entry out. O(1), and one step for each gap that follows it.
    pub fn pop_oldest(&mut self) -> Option<Evicted<K, V>> {
        let number = self.start;
        self.take(number).map(|(key, value)| (number, key, value))
    }

    /// All entries from the oldest to the newest.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &K, &V)> {
        self.range()
            .filter_map(|number| self.at(number).map(|(key, value)| (number, key, value)))
    }

    fn place(&mut self, number: u64) -> Option<&mut Option<(K, V)>> {
        let offset = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.chunks.get_mut(offset / CHUNK)?.get_mut(offset % CHUNK)
    }

    fn take(&mut self, number: u64) -> Option<(K, V)> {
        let (key, value) = self.place(number)?.take()?;
        self.index.remove(self.hash.of(&key), |low| low == number as u32);
        // The oldest number is always an entry, never a gap.
        while self.start < self.end && self.at(self.start).is_none() {
            self.start += 1;
            if self.start - self.base == CHUNK as u64 {
                self.chunks.pop_front();
                self.base = self.start;
            }
        }
        Some((key, value))
    }
}

/// A number from its low 32 bits: numbers remembered are less than 2³² apart.
fn full_number(start: u64, low: u32) -> u64 {
    start + u64::from(low.wrapping_sub(start as u32))
}

fn entry<K, V>(chunks: &VecDeque<Vec<Option<(K, V)>>>, base: u64, number: u64) -> Option<(&K, &V)> {
    let offset = usize::try_from(number.checked_sub(base)?).ok()?;
    chunks
        .get(offset / CHUNK)?
        .get(offset % CHUNK)?
        .as_ref()
        .map(|(key, value)| (key, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The judge: a list of (number, key, value), searched from end to end.
    type Model = Vec<(u64, String, u32)>;

    proptest! {
        #[test]
        fn the_newest_are_remembered(
            entries_max in 1usize..40,
            ops in prop::collection::vec((0u8..10, 0u32..60), 1..500),
            far: bool,
        ) {
            let mut map: Remembered<String, u32> = Remembered::new(entries_max, 5);
            if far {
                // As if 2³² − 100 entries had been and gone.
                let number = (1 << 32) - 100u64;
                (map.base, map.start, map.end) = (number - number % CHUNK as u64, number, number);
                map.chunks.push_back((0..number % CHUNK as u64).map(|_| None).collect());
            }
            let (mut model, mut end): (Model, u64) = (Vec::new(), map.end);
            for (turn, (kind, name)) in ops.into_iter().enumerate() {
                let key = format!("k{name}");
                let place = model.iter().position(|(_, found, _)| *found == key);
                match kind {
                    0..6 => {
                        if let Some(place) = place {
                            model.remove(place);
                        }
                        let evicted = (model.len() == entries_max).then(|| model.remove(0));
                        prop_assert_eq!(map.insert(key.clone(), turn as u32), (end, evicted));
                        model.push((end, key, turn as u32));
                        end += 1;
                    }
                    6 => prop_assert_eq!(map.remove(key.as_str()), place.map(|place| model.remove(place).2)),
                    7 => {
                        let oldest = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(map.pop_oldest(), oldest);
                    }
                    8 => {
                        if let Some(value) = map.get_mut(&key) {
                            *value += 1000;
                        }
                        if let Some(place) = place {
                            model[place].2 += 1000;
                        }
                    }
                    _ => {
                        prop_assert_eq!(map.get(&key).copied(), place.map(|place| model[place].2));
                        prop_assert_eq!(map.number_of(&key), place.map(|place| model[place].0));
                    }
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.oldest().map(|(number, _, _)| number), model.first().map(|(number, _, _)| *number));
                prop_assert_eq!(map.range().end, end);
                prop_assert_eq!(map.range().start, model.first().map_or(end, |(number, _, _)| *number));
            }
            prop_assert!(map.iter().map(|(number, key, value)| (number, key.clone(), *value)).eq(model));
        }
    }

    #[test]
    fn gaps_are_bounded() {
        let mut map: Remembered<u64, u64> = Remembered::new(10, 5);
        map.insert(0, 0);
        for key in 1..5_000 {
            map.insert(key, key);
            map.remove(&key);
            assert!(map.range().end - map.range().start <= 10 + CHUNK as u64 + 2);
        }
        assert!(map.chunks.len() <= 3);
        assert_eq!(map.get(&0), None);
    }

    #[test]
    fn chunks_come_and_go() {
        let mut map: Remembered<u64, u64> = Remembered::new(3 * CHUNK, 5);
        for key in 0..10 * CHUNK as u64 {
            let (number, evicted) = map.insert(key, key * 2);
            assert_eq!(number, key);
            let gone = key
                .checked_sub(3 * CHUNK as u64)
                .map(|gone| (gone, gone, gone * 2));
            assert_eq!(evicted, gone);
        }
        assert!(map.chunks.len() <= 4);
        assert_eq!(map.get(&(10 * CHUNK as u64 - 1)), Some(&(20 * CHUNK as u64 - 2)));
        assert_eq!(map.get(&(7 * CHUNK as u64 - 1)), None);
        while map.pop_oldest().is_some() {}
        assert!(map.chunks.is_empty() && map.is_empty());
        assert_eq!(map.insert(1, 1).0, 10 * CHUNK as u64);
    }
}
