//! Moving on: the position goes from one occupied slot to the next, never tick by tick; slots that it enters are
//! moved down level by level, eight entries a step.
//!
//! **Invariant**: everything in the levels is at or after `position`; when `opening` is `None`, everything in the
//! levels is after it and no level has anything in the slot that `position` is in.

use super::Wheel;
use super::lists::{LEVELS, Lists, SHIFTS};

impl Wheel {
    /// Does at most about `budget` entries' worth of what `pop(now)` would otherwise have to do first, then moves the
    /// slots that come next down ahead of time. Returns whether more is left to do: call it between batches, and
    /// before sleeping until it returns `false`.
    ///
    /// `false` means that every entry due at `now` lies in the heap and that the next slot of every level is moved
    /// down: pops at `now` are O(log d). Costs 20–100 ns an entry touched.
    pub fn work(&mut self, now: i64, budget: usize, tie: impl Fn(u32) -> u64) -> bool {
        let mut left = budget as isize;
        while left > 0 {
            let done = self.step(now, &tie);
            if done == 0 {
                return self.work_ahead(left);
            }
            left -= done as isize;
        }
        true
    }

    /// One bounded step towards everything due at `now` being in the heap: returns the number of entries it touched,
    /// or 1 for moving on, 0 when nothing is left to do.
    pub(super) fn step(&mut self, now: i64, tie: &impl Fn(u32) -> u64) -> usize {
        if self.lists.has_fresh() {
            self.forget_bound();
            return self.step_fresh(tie);
        }
        while let Some(level) = self.opening {
            let slot = Lists::slot_of(level, self.position);
            if self.lists.is_occupied(level, slot) {
                return self.step_down(level, slot, tie);
            }
            self.opening = level.checked_sub(1);
            self.forget_bound();
        }
        usize::from(self.position < now && self.move_on(now))
    }

    /// A bound that was rounded down may be said better now.
    fn forget_bound(&mut self) {
        if !self.next_is_exact {
            self.known_next = None;
        }
    }

    fn step_fresh(&mut self, tie: &impl Fn(u32) -> u64) -> usize {
        for count in 0..8 {
            let Some((id, at)) = self.lists.take_fresh() else {
                self.fresh_from = i64::MAX;
                return count.max(1);
            };
            // It may have been postponed since.
            if at > self.position {
                self.lists.link(id, at, self.position);
            } else {
                self.push_due(id, at, tie(id));
            }
        }
        8
    }

    /// Moves up to eight entries out of the slot, which `position` is in or is about to enter.
    fn step_down(&mut self, level: usize, slot: i64, tie: &impl Fn(u32) -> u64) -> usize {
        let (count, taken) = self.lists.take_round(level, slot);
        for &(id, at) in &taken[..count] {
            if at > self.position {
                self.lists.link(id, at, self.position);
            } else {
                self.push_due(id, at, tie(id));
            }
        }
        count
    }

    /// Moves the position to the next occupied slot that starts at or before `now`, else to `now`. Returns whether
    /// there was one.
    fn move_on(&mut self, now: i64) -> bool {
        let old = self.position;
        // Mostly the next millisecond with something in it is in the same second: no wider slot starts before it.
        let next = self
            .lists
            .next_occupied(0, old)
            .filter(|at| Lists::slot_of(1, *at) == Lists::slot_of(1, old))
            .or_else(|| (0..LEVELS).filter_map(|level| self.slot_start(level)).min());
        let Some(next) = next.filter(|next| *next <= now) else {
            self.position = now;
            return false;
        };
        self.position = next;
        self.forget_bound();
        // The highest level whose slot changed; those above had theirs emptied before.
        self.opening = (0..LEVELS)
            .rev()
            .find(|level| (old ^ next) >> SHIFTS[*level] != 0);
        true
    }

    /// Where the first occupied slot of a level starts.
    pub(super) fn slot_start(&self, level: usize) -> Option<i64> {
        let slot = self
            .lists
            .next_occupied(level, Lists::slot_of(level, self.position))?;
        Some(slot << SHIFTS[level])
    }

    /// Moves the slots after the current ones down. Returns whether more is left.
    fn work_ahead(&mut self, mut left: isize) -> bool {
        for level in (1..LEVELS).rev() {
            let slot = Lists::slot_of(level, self.position) + 1;
            while self.lists.is_occupied(level, slot) {
                if left <= 0 {
                    return true;
                }
                let (count, taken) = self.lists.take_round(level, slot);
                for &(id, at) in &taken[..count] {
                    self.lists.link(id, at, self.position);
                }
                left -= count as isize;
            }
        }
        false
    }
}
