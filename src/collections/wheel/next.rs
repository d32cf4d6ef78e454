//! When to wake: the earliest instant, found without moving the position.

use super::Wheel;
use super::lists::{LEVELS, Lists, NIL, SHIFTS, THREADS};

/// Entries looked at before an answer is rounded down to the start of a slot.
const LOOK_MAX: usize = 4096;

impl Wheel {
    /// The instant of the earliest entry, or a bound that is not after it: exact unless the slot it lies in holds more
    /// than some thousand entries, or [`work`](Self::work) has been left unfinished. `None` if there is no entry.
    ///
    /// After a `pop(now)` that returned `None` the answer is after that `now`, and calling `pop` at each answer always
    /// gets on. O(1) while the earliest entry stands, else O(entries of the slots looked at, at most 4,096).
    pub fn next_at(&mut self) -> Option<i64> {
        if self.len == 0 {
            return None;
        }
        if self.known_next.is_none() {
            let (next, exact) = self.find_next();
            (self.known_next, self.next_is_exact) = (Some(next), exact);
        }
        self.known_next
    }

    /// The bound, and whether it is the instant of an entry.
    fn find_next(&mut self) -> (i64, bool) {
        let mut next = self.due.first().map_or(i64::MAX, |((at, _), _)| at);
        if self.lists.has_fresh() {
            // All of them are at or before the position, and nothing in the levels is before it.
            return (next.min(self.fresh_from), false);
        }
        if self.opening.is_some() {
            return (next.min(self.position), false);
        }
        let mut exact = true;
        let mut left = LOOK_MAX;
        // Each level's first slot that starts before the best so far; one whose entries have all been postponed
        // empties itself, and the next one is looked at.
        for level in 0..LEVELS {
            while let Some(start) = self.slot_start(level).filter(|start| *start < next) {
                match self.look_into(level, start, &mut left) {
                    Some(None) => {}
                    Some(Some(least)) => {
                        if least < next {
                            (next, exact) = (least, true);
                        }
                        break;
                    }
                    None => {
                        (next, exact) = (start, false);
                        break;
                    }
                }
            }
        }
        (next, exact)
    }

    /// The least instant in a slot, if anything is left in it; the outer `None` if it holds too many to look at.
    fn look_into(&mut self, level: usize, start: i64, left: &mut usize) -> Option<Option<i64>> {
        let slot = Lists::slot_of(level, start);
        let mut heads: [u32; THREADS] = self.lists.heads_of(level, slot);
        let mut least: Option<i64> = None;
        while heads.iter().any(|head| *head != NIL) {
            for head in &mut heads {
                if *head == NIL {
                    continue;
                }
                if *left == 0 {
                    return None;
                }
                *left -= 1;
                let (id, node) = (*head, self.lists.nodes[*head]);
                *head = node.next;
                if node.at >> SHIFTS[level] != slot {
                    self.lists.unlink(id);
                    self.lists.link(id, node.at, self.position);
                } else {
                    least = Some(least.map_or(node.at, |least| least.min(node.at)));
                    if node.at == start {
                        return Some(least);
                    }
                }
            }
        }
        Some(least)
    }
}
