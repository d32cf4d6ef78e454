//! Waiting tickets in lanes: one per requirement and rank.

use crate::collections::{BitSet, Lanes};
use crate::model::{Seq, UnixMs};
use std::collections::BTreeMap;

/// Order within a rank: live deadline, receipt, seq of the opening.
pub(in crate::engine) type Key = (UnixMs, UnixMs, Seq);

/// The lanes of one rank.
#[derive(Debug, Default)]
struct Rank {
    /// Lane of each requirement, by its number.
    lanes: BTreeMap<u32, u32>,
    /// Requirements whose lane has tickets.
    occupied: BitSet,
    /// How many those are.
    count: usize,
}

/// All lanes.
#[derive(Debug, Default)]
pub(in crate::engine) struct WaitingLanes {
    lanes: Lanes<Key>,
    ranks: BTreeMap<u8, Rank>,
    /// Rank and requirement of each lane.
    places: Vec<(u8, u32)>,
}

impl WaitingLanes {
    /// Puts a ticket where it belongs, or moves it there; true: it was not in this lane before. Cost: O(1) when its key is
    /// the lane's last, else O(log n).
    pub(in crate::engine) fn place(&mut self, slot: u32, rank: u8, requirement: u32, key: Key) -> bool {
        let rank_lanes = self.ranks.entry(rank).or_default();
        let lane = *rank_lanes.lanes.entry(requirement).or_insert_with(|| {
            self.places.push((rank, requirement));
            self.lanes.add_lane()
        });
        let is_new = self.lanes.lane_of(slot) != Some(lane);
        if !is_new && self.lanes.key_of(slot) == Some(key) {
            return false;
        }
        self.remove(slot);
        if let Some(rank_lanes) = self.ranks.get_mut(&rank) {
            if self.lanes.len(lane) == 0 {
                rank_lanes.occupied.set(requirement);
                rank_lanes.count += 1;
            }
            self.lanes.insert(lane, slot, key);
        }
        is_new
    }

    /// Takes a ticket out; nothing happens if it is in no lane.
    pub(in crate::engine) fn remove(&mut self, slot: u32) {
        let Some(lane) = self.lanes.lane_of(slot) else {
            return;
        };
        self.lanes.remove(slot);
        let (rank, requirement) = self.places[lane as usize];
        if self.lanes.len(lane) == 0
            && let Some(rank_lanes) = self.ranks.get_mut(&rank)
        {
            rank_lanes.occupied.clear(requirement);
            rank_lanes.count -= 1;
        }
    }

    /// The best ticket among the requirements in `serves`. Cost: the ranks in use, and the occupied lanes served
    /// in the first rank that has any.
    pub(in crate::engine) fn best(&self, serves: &BitSet) -> Option<(Key, u32)> {
        self.ranks
            .values()
            .filter(|rank| rank.count > 0)
            .find_map(|rank| {
                rank.occupied
                    .and_iter(serves)
                    .filter_map(|requirement| self.lanes.head(*rank.lanes.get(&requirement)?))
                    .min()
            })
    }
}
