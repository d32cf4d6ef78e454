//! A 4-ary min heap of `(key, id)` that tells its owner where each id stands.
//!
//! The owner keeps the place of an id in its own node (`place(id, position)` is called for every id that moves), so
//! that removal from the middle needs no search and no hash map. Four children a node: half the levels of a binary
//! heap, and siblings share a cache line or two (LaMarca & Ladner, "The Influence of Caches on the Performance of
//! Heaps", 1996). Insert, remove, pop: O(log₄ n) comparisons up, 4·log₄ n down; the least is O(1). Equal keys come in
//! the order of their ids. Items lie in chunks of [`CHUNK`]: growth allocates one and copies nothing, an emptied one is
//! freed when the one before it is half empty too, so a burst does not keep its memory.

/// Items in one chunk.
pub const CHUNK: usize = 1 << 12;
const ARITY: usize = 4;

/// The heap; keys are held inline so that sifting touches nothing else.
#[derive(Debug, Clone)]
pub struct IndexedHeap<K> {
    /// All but the last two are full; the one before the last is full unless the last is empty.
    chunks: Vec<Vec<(K, u32)>>,
    len: usize,
}

impl<K> Default for IndexedHeap<K> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<K: Copy + Ord> IndexedHeap<K> {
    /// The number of ids held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no id is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The least `(key, id)`. O(1).
    #[inline]
    pub fn first(&self) -> Option<(K, u32)> {
        self.chunks.first()?.first().copied()
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (K, u32)> + '_ {
        self.chunks.iter().flatten().copied()
    }

    /// Adds an id, which must not be in the heap. O(log n), O(1) on average for random keys.
    pub fn push(&mut self, key: K, id: u32, mut place: impl FnMut(u32, u32)) {
        let chunk = self.len / CHUNK;
        if chunk == self.chunks.len() {
            // Small heaps, of which there may be many, grow from nothing.
            let room = if chunk == 0 { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(room));
        }
        self.chunks[chunk].push((key, id));
        self.len += 1;
        self.up(self.len - 1, &mut place);
    }

    /// Takes the least entry out. O(log n).
    pub fn pop(&mut self, place: impl FnMut(u32, u32)) -> Option<(K, u32)> {
        self.remove(0, place)
    }

    /// Takes the entry at `position` out (as last told by `place`); `None` if there is none. O(log n).
    pub fn remove(&mut self, position: u32, mut place: impl FnMut(u32, u32)) -> Option<(K, u32)> {
        let position = position as usize;
        if position >= self.len {
            return None;
        }
        let last = self.pop_last()?;
        if position == self.len {
            return Some(last);
        }
        let out = std::mem::replace(self.item_mut(position), last);
        if last < out {
            self.up(position, &mut place);
        } else {
            self.down(position, &mut place);
        }
        Some(out)
    }

    fn pop_last(&mut self) -> Option<(K, u32)> {
        let chunk = self.len.checked_sub(1)? / CHUNK;
        let last = self.chunks[chunk].pop()?;
        self.len -= 1;
        if self.len % CHUNK == CHUNK / 2 {
            self.chunks.truncate(chunk + 1);
        } else if self.len == 0 && self.chunks[0].capacity() > CHUNK / 2 {
            self.chunks = Vec::new();
        }
        Some(last)
    }

    #[inline]
    fn item(&self, at: usize) -> (K, u32) {
        self.chunks[at / CHUNK][at % CHUNK]
    }

    #[inline]
    fn item_mut(&mut self, at: usize) -> &mut (K, u32) {
        &mut self.chunks[at / CHUNK][at % CHUNK]
    }

    fn up(&mut self, mut at: usize, place: &mut impl FnMut(u32, u32)) {
        let item = self.item(at);
        while at > 0 {
            let parent = (at - 1) / ARITY;
            let above = self.item(parent);
            if above <= item {
                break;
            }
            *self.item_mut(at) = above;
            place(above.1, at as u32);
            at = parent;
        }
        *self.item_mut(at) = item;
        place(item.1, at as u32);
    }

    fn down(&mut self, mut at: usize, place: &mut impl FnMut(u32, u32)) {
        let item = self.item(at);
        loop {
            let first = at * ARITY + 1;
            let end = (first + ARITY).min(self.len);
            if first >= end {
                break;
            }
            let (mut child, mut least) = (first, self.item(first));
            for other in first + 1..end {
                let candidate = self.item(other);
                if candidate < least {
                    (child, least) = (other, candidate);
                }
            }
            if item <= least {
                break;
            }
            *self.item_mut(at) = least;
            place(least.1, at as u32);
            at = child;
        }
        *self.item_mut(at) = item;
        place(item.1, at as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_heap_over_several_chunks_is_an_ordered_set() {
        let mut heap = IndexedHeap::default();
        let (mut set, mut places) = (BTreeSet::new(), BTreeMap::new());
        let mut random = 1u64;
        for turn in 0..60_000u32 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Grows over several chunks, then shrinks to nothing.
            let grows = if turn < 30_000 { 8 } else { 1 };
            if random >> 60 < grows + 3 {
                heap.push(random >> 40, turn, |id, place| {
                    places.insert(id, place);
                });
                set.insert((random >> 40, turn));
            } else if random >> 33 & 1 == 0 {
                let out = heap.pop(|id, place| {
                    places.insert(id, place);
                });
                assert_eq!(out, set.pop_first());
            } else if let Some(&entry) = set.range((random >> 30 & 0xFF_FFFF, 0)..).next() {
                let place = places[&entry.1];
                let out = heap.remove(place, |id, place| {
                    places.insert(id, place);
                });
                assert_eq!(out, Some(entry));
                set.remove(&entry);
            }
            assert_eq!(heap.first(), set.first().copied());
            assert_eq!(heap.len(), set.len());
        }
        assert!(heap.iter().collect::<BTreeSet<_>>() == set);
        while let Some(entry) = heap.pop(|_, _| ()) {
            assert_eq!(Some(entry), set.pop_first());
        }
        assert!(set.is_empty() && heap.is_empty());
    }
}
