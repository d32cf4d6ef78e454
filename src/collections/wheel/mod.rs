//! A hierarchical timing wheel: one entry an id, exact to the millisecond, in a total order.
//!
//! After Varghese & Lauck, "Hashed and Hierarchical Timing Wheels" (1987), with what later ones taught: next-occupied
//! bitmaps instead of ticks (tokio's `time/wheel`), time as an argument and polling with a limit (Agrona's
//! `DeadlineTimerWheel`).
//!
//! Ten levels, each spanning two slots of the level above: 2,048 × 1 ms, 8,192 × 1.024 s, 1,024 × 70 min, 64 × 25 d,
//! then wider ones to the end of `i64`. An entry lies on the lowest level that reaches it. Because a level holds the
//! *next* slot of the level above as well as the current one, slots can be moved down long before they are due, a few
//! entries at a time: that is [`Wheel::work`]. What lies at or before the wheel's position is kept in a 4-ary
//! heap by (instant, tie, id), and comes out of it in exact order.
//!
//! Costs: schedule, cancel: O(1), two cache misses. Postpone: one store; the entry finds its new place when its old
//! one opens. Pop: O(log d) for d due entries, plus one move a level in an entry's life. Memory: 16 bytes an id, 24
//! more while due, 330 KB of heads. A call to `work(budget)` touches at most `budget + 16` entries. `pop`
//! does what is left to do before it can answer, however much: who calls `work` until it has nothing more to do
//! before popping never meets a long step of its making: with 500,000
//! entries in one millisecond and a budget of 512 the longest call of `work` took 0.10 to 0.14 ms of processor time
//! (`benches/wheel.rs`).
//!
//! It does not read a clock, and an id is in it once: whoever has several instants schedules the least.

mod lists;
mod next;
mod turn;

#[cfg(test)]
mod tests;

use super::heap::IndexedHeap;
use lists::{ABSENT, DUE, Lists};

/// The wheel. Ids are below 2³¹; instants any `i64`, in ms, those before the wheel's position being due at once.
#[derive(Debug, Clone)]
pub struct Wheel {
    lists: Lists,
    /// Entries at or before `position`, by (instant, tie).
    due: IndexedHeap<(i64, u64)>,
    /// Everything at or before this instant is due or fresh; everything in the levels is at or after it.
    position: i64,
    /// Levels from this one down to 0 may have something in their slot of `position`; `None`: none has.
    opening: Option<usize>,
    /// A lower bound of the instants of fresh entries.
    fresh_from: i64,
    len: usize,
    /// What `next_at` found, while it stands.
    known_next: Option<i64>,
    next_is_exact: bool,
}

impl Default for Wheel {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Wheel {
    /// An empty wheel that stands at `start` (ms). Starting near the instants to come saves every entry scheduled
    /// before the first `pop` a move through the upper levels.
    pub fn new(start: i64) -> Self {
        Self {
            lists: Lists::new(),
            due: IndexedHeap::default(),
            position: start.max(0),
            opening: None,
            fresh_from: i64::MAX,
            len: 0,
            known_next: None,
            next_is_exact: false,
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The instant of an id's entry (ms). O(1).
    #[inline]
    pub fn at(&self, id: u32) -> Option<i64> {
        self.lists
            .nodes
            .get(id)
            .filter(|node| node.prev != ABSENT)
            .map(|node| node.at)
    }

    /// Schedules `id` at `at` (ms), or moves it there. O(1); O(log n) if the entry is due already. The id's tie must
    /// not change while it is scheduled.
    #[inline]
    pub fn schedule(&mut self, id: u32, at: i64) {
        debug_assert!(id < 1 << 31, "ids are below 2^31");
        self.lists.nodes.reach(id);
        let node = self.lists.nodes[id];
        if node.prev == ABSENT {
            self.len += 1;
        } else {
            if self.known_next == Some(node.at) {
                self.known_next = None;
            }
            if node.prev == DUE {
                self.drop_due(node.next);
            } else if at >= node.at {
                // Later: it stays where it is and moves when that place opens.
                self.lists.nodes[id].at = at;
                return;
            } else {
                self.lists.unlink(id);
            }
        }
        if self.known_next.is_some_and(|next| at < next) {
            (self.known_next, self.next_is_exact) = (Some(at), true);
        }
        self.place(id, at);
    }

    /// Takes an id's entry out, if it has one. O(1); O(log n) if it is due already.
    #[inline]
    pub fn cancel(&mut self, id: u32) {
        let Some(&node) = self.lists.nodes.get(id) else {
            return;
        };
        if node.prev == ABSENT {
            return;
        }
        if self.known_next == Some(node.at) {
            self.known_next = None;
        }
        if node.prev == DUE {
            self.drop_due(node.next);
        } else {
            self.lists.unlink(id);
        }
        self.lists.nodes[id].prev = ABSENT;
        self.len -= 1;
    }

    /// Takes out and returns the entry that is least by (instant, `tie(id)`, id) among those with an instant ≤ `now`.
    ///
    /// Always the least of those present, whatever was scheduled between two calls. O(log d) when [`work`](Self::work)
    /// has nothing left to do at `now`, else after doing that work.
    #[inline]
    pub fn pop(&mut self, now: i64, tie: impl Fn(u32) -> u64) -> Option<(i64, u32)> {
        loop {
            if let Some(((at, _), id)) = self.due.first() {
                // What is still in the levels is at or after `position`.
                if (self.opening.is_none() || at < self.position) && !self.lists.has_fresh() {
                    if at > now {
                        return None;
                    }
                    self.known_next = None;
                    self.drop_due(0);
                    self.lists.nodes[id].prev = ABSENT;
                    self.len -= 1;
                    return Some((at, id));
                }
            }
            if self.step(now, &tie) == 0 && self.due.is_empty() {
                return None;
            }
        }
    }

    fn place(&mut self, id: u32, at: i64) {
        if at > self.position {
            self.lists.link(id, at, self.position);
        } else {
            self.lists.link_fresh(id, at);
            self.fresh_from = self.fresh_from.min(at);
        }
    }

    fn push_due(&mut self, id: u32, at: i64, tie: u64) {
        self.lists.nodes[id].prev = DUE;
        let nodes = &mut self.lists.nodes;
        self.due.push((at, tie), id, |id, place| nodes[id].next = place);
    }

    fn drop_due(&mut self, place: u32) {
        let nodes = &mut self.lists.nodes;
        self.due.remove(place, |id, place| nodes[id].next = place);
    }
}
