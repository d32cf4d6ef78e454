//! A 4-ary min heap of `(key, id)` that tells its owner where each id stands.
//!
//! The owner keeps the place of an id in its own node (`place(id, position)` is called for every id that moves), so
//! that removal from the middle needs no search and no hash map. Four children a node: half the levels of a binary
//! heap, and siblings share a cache line or two (LaMarca & Ladner, "The Influence of Caches on the Performance of
//! Heaps", 1996). Insert, remove, pop: O(log₄ n) comparisons up, 4·log₄ n down; the least is O(1). Equal keys come in
//! the order of their ids. The backing `Vec` doubles: at a million entries one push in a million moves 24 MB.

const ARITY: usize = 4;

/// The heap; keys are held inline so that sifting touches nothing else.
#[derive(Debug, Clone)]
pub struct IndexedHeap<K> {
    items: Vec<(K, u32)>,
}

impl<K> Default for IndexedHeap<K> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<K: Copy + Ord> IndexedHeap<K> {
    /// The number of ids held.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether no id is held.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The least `(key, id)`. O(1).
    #[inline]
    pub fn first(&self) -> Option<(K, u32)> {
        self.items.first().copied()
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (K, u32)> + '_ {
        self.items.iter().copied()
    }

    /// Adds an id, which must not be in the heap. O(log n), O(1) on average for random keys.
    pub fn push(&mut self, key: K, id: u32, mut place: impl FnMut(u32, u32)) {
        self.items.push((key, id));
        self.up(self.items.len() - 1, &mut place);
    }

    /// Takes the least entry out. O(log n).
    pub fn pop(&mut self, place: impl FnMut(u32, u32)) -> Option<(K, u32)> {
        self.remove(0, place)
    }

    /// Takes the entry at `position` out (as last told by `place`); `None` if there is none. O(log n).
    pub fn remove(&mut self, position: u32, mut place: impl FnMut(u32, u32)) -> Option<(K, u32)> {
        let position = position as usize;
        if position >= self.items.len() {
            return None;
        }
        let out = self.items.swap_remove(position);
        if let Some(&moved) = self.items.get(position) {
            if moved < out {
                self.up(position, &mut place);
            } else {
                self.down(position, &mut place);
            }
        }
        // A long burst must not keep its memory for ever.
        if self.items.capacity() > 1024 && self.items.is_empty() {
            self.items = Vec::new();
        }
        Some(out)
    }

    fn up(&mut self, mut at: usize, place: &mut impl FnMut(u32, u32)) {
        let item = self.items[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            let above = self.items[parent];
            if above <= item {
                break;
            }
            self.items[at] = above;
            place(above.1, at as u32);
            at = parent;
        }
        self.items[at] = item;
        place(item.1, at as u32);
    }

    fn down(&mut self, mut at: usize, place: &mut impl FnMut(u32, u32)) {
        let item = self.items[at];
        loop {
            let first = at * ARITY + 1;
            let last = (first + ARITY).min(self.items.len());
            let Some(children) = self.items.get(first..last) else {
                break;
            };
            let Some((offset, &least)) = children.iter().enumerate().min_by_key(|(_, child)| **child) else {
                break;
            };
            if item <= least {
                break;
            }
            self.items[at] = least;
            place(least.1, at as u32);
            at = first + offset;
        }
        self.items[at] = item;
        place(item.1, at as u32);
    }
}
