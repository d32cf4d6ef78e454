//! Many ordered lanes over one set of nodes: the least key of a lane is found in O(1).
//!
//! Keys of a lane mostly arrive in ascending order, so a lane is an intrusive list that is appended to; an id whose
//! key is below the list's last goes to the lane's indexed 4-ary heap instead, whatever the size of either. The head
//! is the lesser of the two. In order: append and remove O(1); out of order: O(log n). Memory: one node an id (the key
//! and 12 bytes), one (key, id) more in a heap. An id is in at most one lane. Equal keys of one lane come in any order.

use super::chunked::Chunked;
use super::heap::IndexedHeap;

const NIL: u32 = u32::MAX;
/// `prev` of a node in its lane's heap; `next` is then its place there. Ids are below it.
const IN_HEAP: u32 = u32::MAX - 1;

#[derive(Debug, Clone, Copy)]
struct Node<K> {
    key: K,
    /// [`NIL`]: in none.
    lane: u32,
    next: u32,
    prev: u32,
}

#[derive(Debug, Clone)]
struct Lane<K> {
    /// Of the list; [`NIL`] when it is empty.
    first: u32,
    last: u32,
    /// Copies, so that asking for the head of many lanes touches only the lanes.
    first_key: K,
    last_key: K,
    heap: IndexedHeap<K>,
    len: usize,
}

/// The lanes and the nodes that they share.
#[derive(Debug, Clone)]
pub struct Lanes<K> {
    nodes: Chunked<Node<K>>,
    lanes: Vec<Lane<K>>,
}

impl<K: Copy + Ord + Default> Default for Lanes<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Ord + Default> Lanes<K> {
    /// No lanes.
    pub fn new() -> Self {
        let node = Node {
            key: K::default(),
            lane: NIL,
            next: NIL,
            prev: NIL,
        };
        Self {
            nodes: Chunked::new(node),
            lanes: Vec::new(),
        }
    }

    /// Makes an empty lane; lanes are numbered from 0 and never removed.
    pub fn add_lane(&mut self) -> u32 {
        self.lanes.push(Lane {
            first: NIL,
            last: NIL,
            first_key: K::default(),
            last_key: K::default(),
            heap: IndexedHeap::default(),
            len: 0,
        });
        self.lanes.len() as u32 - 1
    }

    /// The number of lanes made.
    pub fn lanes(&self) -> u32 {
        self.lanes.len() as u32
    }

    /// The number of ids in a lane.
    ///
    /// # Panics
    /// If the lane was never made, as every method that takes one.
    pub fn len(&self, lane: u32) -> usize {
        self.lanes[lane as usize].len
    }

    /// Whether a lane is empty.
    pub fn is_empty(&self, lane: u32) -> bool {
        self.len(lane) == 0
    }

    /// The lane an id is in.
    #[inline]
    pub fn lane_of(&self, id: u32) -> Option<u32> {
        self.nodes
            .get(id)
            .map(|node| node.lane)
            .filter(|lane| *lane != NIL)
    }

    /// The key an id waits under.
    #[inline]
    pub fn key_of(&self, id: u32) -> Option<K> {
        self.nodes
            .get(id)
            .filter(|node| node.lane != NIL)
            .map(|node| node.key)
    }

    /// Puts an id into a lane, taking it out of the one it is in, if any. O(1) if `key` is not below the last in
    /// order, else O(log n).
    pub fn insert(&mut self, lane: u32, id: u32, key: K) {
        debug_assert!(id < IN_HEAP, "ids are below 2^32 - 2");
        self.nodes.reach(id);
        if self.nodes[id].lane != NIL {
            self.remove(id);
        }
        let entry = &mut self.lanes[lane as usize];
        entry.len += 1;
        if entry.last == NIL {
            self.nodes[id] = Node {
                key,
                lane,
                next: NIL,
                prev: NIL,
            };
            (entry.first, entry.first_key) = (id, key);
            (entry.last, entry.last_key) = (id, key);
        } else if key >= entry.last_key {
            self.nodes[id] = Node {
                key,
                lane,
                next: NIL,
                prev: entry.last,
            };
            self.nodes[entry.last].next = id;
            (entry.last, entry.last_key) = (id, key);
        } else {
            self.nodes[id] = Node {
                key,
                lane,
                next: NIL,
                prev: IN_HEAP,
            };
            let nodes = &mut self.nodes;
            entry.heap.push(key, id, |id, place| nodes[id].next = place);
        }
    }

    /// Takes an id out of its lane; returns the lane and the key, `None` if it was in none. O(1), in a heap O(log n).
    pub fn remove(&mut self, id: u32) -> Option<(u32, K)> {
        let node = *self.nodes.get(id).filter(|node| node.lane != NIL)?;
        let entry = &mut self.lanes[node.lane as usize];
        entry.len -= 1;
        if node.prev == IN_HEAP {
            let nodes = &mut self.nodes;
            entry.heap.remove(node.next, |id, place| nodes[id].next = place);
        } else {
            if node.prev == NIL {
                entry.first = node.next;
            } else {
                self.nodes[node.prev].next = node.next;
            }
            if node.next == NIL {
                entry.last = node.prev;
                if node.prev != NIL {
                    entry.last_key = self.nodes[node.prev].key;
                }
            } else {
                let after = &mut self.nodes[node.next];
                after.prev = node.prev;
                if node.prev == NIL {
                    entry.first_key = after.key;
                }
            }
        }
        self.nodes[id].lane = NIL;
        Some((node.lane, node.key))
    }

    /// The least key of a lane and its id. O(1).
    #[inline]
    pub fn head(&self, lane: u32) -> Option<(K, u32)> {
        let lane = &self.lanes[lane as usize];
        let listed = (lane.first != NIL).then_some((lane.first_key, lane.first));
        match (listed, lane.heap.first()) {
            (Some(listed), Some(heaped)) => Some(listed.min(heaped)),
            (listed, heaped) => listed.or(heaped),
        }
    }

    /// Everything in a lane: the part in order first, in order, then the rest in no order. O(n) for all.
    pub fn iter(&self, lane: u32) -> impl Iterator<Item = (K, u32)> + '_ {
        let lane = &self.lanes[lane as usize];
        let listed = std::iter::successors((lane.first != NIL).then_some(lane.first), |id| {
            Some(self.nodes[*id].next).filter(|next| *next != NIL)
        });
        listed.map(|id| (self.nodes[id].key, id)).chain(lane.heap.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    type Key = (i64, i64, u64);

    proptest! {
        #[test]
        fn lanes_are_ordered_sets(ops in prop::collection::vec((0u32..3, 0u32..60, 0u8..10, -20i64..20), 1..400)) {
            let mut lanes: Lanes<Key> = Lanes::new();
            for lane in 0..3 {
                prop_assert_eq!(lanes.add_lane(), lane);
            }
            let mut sets: [BTreeSet<(Key, u32)>; 3] = Default::default();
            let mut place: BTreeMap<u32, (u32, Key)> = BTreeMap::new();
            for (seq, (lane, id, kind, by)) in ops.into_iter().enumerate() {
                match kind {
                    // Mostly in order, with some before and some long after their turn.
                    0..6 => {
                        let key = (seq as i64 / 4 + if kind < 2 { by } else { 0 }, by, seq as u64);
                        lanes.insert(lane, id, key);
                        if let Some((lane, key)) = place.insert(id, (lane, key)) {
                            sets[lane as usize].remove(&(key, id));
                        }
                        sets[lane as usize].insert((key, id));
                    }
                    6..8 => {
                        prop_assert_eq!(lanes.remove(id), place.get(&id).copied());
                        if let Some((lane, key)) = place.remove(&id) {
                            sets[lane as usize].remove(&(key, id));
                        }
                    }
                    _ => if let Some((key, id)) = lanes.head(lane) {
                        prop_assert_eq!(lanes.remove(id), Some((lane, key)));
                        prop_assert_eq!(sets[lane as usize].pop_first(), Some((key, id)));
                        place.remove(&id);
                    }
                }
                for lane in 0..3u32 {
                    let set = &sets[lane as usize];
                    prop_assert_eq!(lanes.head(lane), set.first().copied());
                    prop_assert_eq!(lanes.len(lane), set.len());
                    prop_assert_eq!(lanes.is_empty(lane), set.is_empty());
                    prop_assert_eq!(&lanes.iter(lane).collect::<BTreeSet<_>>(), set);
                }
            }
            for id in 0..60 {
                prop_assert_eq!(lanes.lane_of(id), place.get(&id).map(|(lane, _)| *lane));
                prop_assert_eq!(lanes.key_of(id), place.get(&id).map(|(_, key)| *key));
            }
        }
    }
}
