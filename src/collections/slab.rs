//! Values by slot id. A freed slot is the next one used (last in, first out), so that the working set stays small
//! and warm; ids are dense from 0. Storage is in chunks of [`CHUNK`] slots: growth allocates one chunk and never moves
//! a value. Insert, remove, get: O(1). No generations: whoever keeps an id beyond its value's life must check it.

/// Slots in one chunk.
pub const CHUNK: usize = 1 << 12;
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone)]
enum Slot<T> {
    Full(T),
    /// The next free slot, [`NONE`] at the end.
    Free(u32),
}

/// Values of `T` by slot id.
#[derive(Debug, Clone)]
pub struct Slab<T> {
    chunks: Vec<Vec<Slot<T>>>,
    free: u32,
    len: usize,
    /// Slots ever used: every id is below it.
    used: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: NONE,
            len: 0,
            used: 0,
        }
    }
}

impl<T> Slab<T> {
    /// An empty slab.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of values held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every id in use is below this number; scans in slices go from 0 up to it. Never shrinks.
    pub fn capacity_slots(&self) -> u32 {
        self.used
    }

    /// The id that the next [`insert`](Self::insert) will give.
    pub fn next_id(&self) -> u32 {
        if self.free == NONE { self.used } else { self.free }
    }

    /// Stores a value and returns its id.
    ///
    /// # Panics
    /// Beyond 2³² − 1 values.
    pub fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if self.free != NONE {
            let id = self.free;
            let slot = &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK];
            if let Slot::Free(next) = *slot {
                self.free = next;
            }
            *slot = Slot::Full(value);
            return id;
        }
        let id = self.used;
        assert!(id != NONE, "a slab holds at most 2^32 - 1 values");
        if id as usize / CHUNK == self.chunks.len() {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[id as usize / CHUNK].push(Slot::Full(value));
        self.used += 1;
        id
    }

    /// Takes a value out and frees its slot; `None` if the slot is free or was never used.
    pub fn try_remove(&mut self, id: u32) -> Option<T> {
        let slot = self
            .chunks
            .get_mut(id as usize / CHUNK)?
            .get_mut(id as usize % CHUNK)?;
        if matches!(slot, Slot::Free(_)) {
            return None;
        }
        let Slot::Full(value) = std::mem::replace(slot, Slot::Free(self.free)) else {
            return None;
        };
        self.free = id;
        self.len -= 1;
        Some(value)
    }

    /// Takes a value out and frees its slot.
    ///
    /// # Panics
    /// If the slot holds no value: that is a bug of the caller, and going on would give a slot to two owners.
    pub fn remove(&mut self, id: u32) -> T {
        let value = self.try_remove(id);
        assert!(value.is_some(), "slot {id} is removed but holds nothing");
        value.unwrap_or_else(|| unreachable!("asserted above"))
    }

    /// The value of a slot, if it holds one.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&T> {
        match self.chunks.get(id as usize / CHUNK)?.get(id as usize % CHUNK)? {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    /// The value of a slot to change, if it holds one.
    #[inline]
    pub fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        match self
            .chunks
            .get_mut(id as usize / CHUNK)?
            .get_mut(id as usize % CHUNK)?
        {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    /// All values by ascending id. O([`capacity_slots`](Self::capacity_slots)).
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.chunks
            .iter()
            .flatten()
            .enumerate()
            .filter_map(|(id, slot)| match slot {
                Slot::Full(value) => Some((id as u32, value)),
                Slot::Free(_) => None,
            })
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    /// The value of a slot that the caller knows to be in use.
    #[inline]
    fn index(&self, id: u32) -> &T {
        self.get(id)
            .unwrap_or_else(|| unreachable!("slot {id} is read but holds nothing"))
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut T {
        self.get_mut(id)
            .unwrap_or_else(|| unreachable!("slot {id} is changed but holds nothing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_slab_is_a_map_of_its_ids(ops in prop::collection::vec(any::<u16>(), 1..400)) {
            let (mut slab, mut model) = (Slab::new(), BTreeMap::new());
            let mut freed = Vec::new();
            for (turn, op) in ops.iter().enumerate() {
                if op % 3 < 2 {
                    let expected = slab.next_id();
                    let id = slab.insert(turn);
                    prop_assert_eq!(id, expected);
                    prop_assert_eq!(id, freed.pop().unwrap_or(model.len() as u32), "last freed, first used");
                    prop_assert!(model.insert(id, turn).is_none());
                } else if let Some(&id) = model.keys().nth(*op as usize % model.len().max(1)) {
                    prop_assert_eq!(Some(slab.remove(id)), model.remove(&id));
                    prop_assert_eq!(slab.try_remove(id), None);
                    freed.push(id);
                }
                prop_assert_eq!(slab.len(), model.len());
            }
            prop_assert!(slab.iter().map(|(id, value)| (id, *value)).eq(model.iter().map(|(id, value)| (*id, *value))));
            prop_assert!(model.keys().all(|id| *id < slab.capacity_slots() && slab.get(*id) == model.get(id)));
        }
    }

    #[test]
    fn growth_never_moves_a_value() {
        let mut slab = Slab::new();
        let first = slab.insert(0u64);
        let address = std::ptr::from_ref(&slab[first]);
        for value in 1..(3 * CHUNK as u64) {
            slab.insert(value);
        }
        assert_eq!(address, std::ptr::from_ref(&slab[first]));
        assert_eq!(slab.capacity_slots() as usize, 3 * CHUNK);
        assert_eq!(slab[2 * CHUNK as u32], 2 * CHUNK as u64);
        *slab.get_mut(5).unwrap() = 77;
        assert_eq!(slab[5], 77);
    }
}
