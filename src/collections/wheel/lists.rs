//! The wheel's memory: one 16-byte node an id, and the list heads of every slot of every level.
//!
//! Each slot is threaded as [`THREADS`] lists by id, so that emptying it follows eight chains at once and eight cache
//! misses are in flight instead of one. Lists are doubly linked through `u32` ids; the `prev` of a first node names
//! its list, so that unlinking needs neither a search nor the (possibly moved on) instant of the entry.

use crate::collections::bits::BitRing;
use crate::collections::chunked::Chunked;

/// Lists a slot.
pub(super) const THREADS: usize = 8;
/// No id, no list.
pub(super) const NIL: u32 = u32::MAX;
/// `prev` of an id that is not in the wheel.
pub(super) const ABSENT: u32 = u32::MAX;
/// `prev` of an id in the heap of due entries; `next` is then its place there.
pub(super) const DUE: u32 = u32::MAX - 1;
/// Marks a `prev` that is a list, not an id. Ids are therefore below 2³¹.
const HEAD: u32 = 1 << 31;

/// Level `k` has slots of 2^`SHIFTS[k]` ms and holds two slots of level `k + 1`: the current one and the one after.
/// 1 ms, 1.024 s, 70 min, 25 d, 2.2 y, 70 y, 2,231 y, … up to the end of `i64`: no overflow list is needed.
pub(super) const SHIFTS: [u32; LEVELS + 1] = [0, 10, 22, 31, 36, 41, 46, 51, 56, 61, 63];
/// The number of levels.
pub(super) const LEVELS: usize = 10;

/// The number of slots of a level.
const fn slots(level: usize) -> usize {
    1 << (SHIFTS[level + 1] - SHIFTS[level] + 1)
}

/// The first list of each level; the last entry is the list of fresh entries, which no level holds.
const BASES: [usize; LEVELS + 1] = {
    let mut bases = [0; LEVELS + 1];
    let mut level = 0;
    while level < LEVELS {
        bases[level + 1] = bases[level] + slots(level) * THREADS;
        level += 1;
    }
    bases
};
/// The list of entries that were due when they were scheduled.
const FRESH: usize = BASES[LEVELS];

/// One entry of the wheel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The instant; it may be later than the slot the node is linked in.
    pub(super) at: i64,
    pub(super) next: u32,
    pub(super) prev: u32,
}

/// Nodes, heads and occupancy.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    pub(super) nodes: Chunked<Node>,
    heads: Vec<u32>,
    occupied: Vec<BitRing>,
}

impl Lists {
    pub(super) fn new() -> Self {
        Self {
            nodes: Chunked::new(Node {
                at: 0,
                next: NIL,
                prev: ABSENT,
            }),
            heads: vec![NIL; FRESH + 1],
            occupied: (0..LEVELS).map(|level| BitRing::new(slots(level))).collect(),
        }
    }

    /// The slot of `level` that holds the instant `at` (absolute, not reduced to the ring).
    #[inline]
    pub(super) fn slot_of(level: usize, at: i64) -> i64 {
        at >> SHIFTS[level]
    }

    #[inline]
    fn ring(level: usize, slot: i64) -> usize {
        slot as usize & (slots(level) - 1)
    }

    #[inline]
    pub(super) fn is_occupied(&self, level: usize, slot: i64) -> bool {
        self.occupied[level].get(Self::ring(level, slot))
    }

    /// The first occupied slot of `level` from `slot` on.
    #[inline]
    pub(super) fn next_occupied(&self, level: usize, slot: i64) -> Option<i64> {
        self.occupied[level]
            .distance(Self::ring(level, slot))
            .map(|distance| slot + distance as i64)
    }

    #[inline]
    pub(super) fn has_fresh(&self) -> bool {
        self.heads[FRESH] != NIL
    }

    /// The heads of a slot's lists.
    pub(super) fn heads_of(&self, level: usize, slot: i64) -> [u32; THREADS] {
        let base = BASES[level] + Self::ring(level, slot) * THREADS;
        std::array::from_fn(|thread| self.heads[base + thread])
    }

    /// Links an id, whose instant is set and lies after the wheel's position `now`.
    #[inline]
    pub(super) fn link(&mut self, id: u32, at: i64, now: i64) {
        let mut level = 0;
        // The lowest level that reaches as far: in the current or the next slot of the level above.
        while level + 1 < LEVELS && Self::slot_of(level + 1, at) > Self::slot_of(level + 1, now) + 1 {
            level += 1;
        }
        let ring = Self::ring(level, Self::slot_of(level, at));
        self.occupied[level].set(ring);
        self.push(BASES[level] + ring * THREADS + id as usize % THREADS, id, at);
    }

    /// Links an id among those that are due already.
    pub(super) fn link_fresh(&mut self, id: u32, at: i64) {
        self.push(FRESH, id, at);
    }

    #[inline]
    fn push(&mut self, list: usize, id: u32, at: i64) {
        let old = std::mem::replace(&mut self.heads[list], id);
        self.nodes[id] = Node {
            at,
            next: old,
            prev: HEAD | list as u32,
        };
        if old != NIL {
            self.nodes[old].prev = id;
        }
    }

    /// Unlinks an id that is in a list.
    pub(super) fn unlink(&mut self, id: u32) {
        let Node { next, prev, .. } = self.nodes[id];
        if next != NIL {
            self.nodes[next].prev = prev;
        }
        if prev & HEAD == 0 {
            self.nodes[prev].next = next;
            return;
        }
        let list = (prev & !HEAD) as usize;
        self.heads[list] = next;
        if next == NIL && list != FRESH {
            let level = BASES.partition_point(|base| *base <= list) - 1;
            self.clear_if_empty(level, (list - BASES[level]) / THREADS);
        }
    }

    fn clear_if_empty(&mut self, level: usize, ring: usize) {
        let base = BASES[level] + ring * THREADS;
        if self.heads[base..base + THREADS].iter().all(|head| *head == NIL) {
            self.occupied[level].clear(ring);
        }
    }

    /// Takes up to one node from each of a slot's lists out: `(count, nodes)`, first loading all, so that the misses
    /// overlap. The nodes' links are left stale: the caller links them anew.
    pub(super) fn take_round(&mut self, level: usize, slot: i64) -> (usize, [(u32, i64); THREADS]) {
        let ring = Self::ring(level, slot);
        let base = BASES[level] + ring * THREADS;
        let (mut count, mut taken) = (0, [(NIL, 0); THREADS]);
        let mut left = false;
        for list in base..base + THREADS {
            let id = self.heads[list];
            if id == NIL {
                continue;
            }
            let node = self.nodes[id];
            taken[count] = (id, node.at);
            count += 1;
            self.heads[list] = node.next;
            if node.next != NIL {
                left = true;
                self.nodes[node.next].prev = HEAD | list as u32;
            }
        }
        if !left {
            self.occupied[level].clear(ring);
        }
        (count, taken)
    }

    /// Takes one of the fresh entries out.
    pub(super) fn take_fresh(&mut self) -> Option<(u32, i64)> {
        let id = self.heads[FRESH];
        if id == NIL {
            return None;
        }
        let at = self.nodes[id].at;
        self.unlink(id);
        Some((id, at))
    }
}
