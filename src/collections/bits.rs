//! Occupancy bits of a wheel level: a ring of a power of two of bits, with one summary bit a word, so that the next
//! occupied slot of 8,192 is found in three words instead of 128.

/// A ring of bits.
#[derive(Debug, Clone)]
pub(crate) struct BitRing {
    words: Vec<u64>,
    summary: Vec<u64>,
    mask: usize,
}

impl BitRing {
    /// A ring of `bits` bits (a power of two), all clear.
    pub(crate) fn new(bits: usize) -> Self {
        let words = bits.div_ceil(64);
        Self {
            words: vec![0; words],
            summary: vec![0; words.div_ceil(64)],
            mask: bits - 1,
        }
    }

    #[inline]
    pub(crate) fn set(&mut self, bit: usize) {
        self.words[bit / 64] |= 1 << (bit % 64);
        self.summary[bit / 4096] |= 1 << (bit / 64 % 64);
    }

    #[inline]
    pub(crate) fn clear(&mut self, bit: usize) {
        let word = &mut self.words[bit / 64];
        *word &= !(1 << (bit % 64));
        if *word == 0 {
            self.summary[bit / 4096] &= !(1 << (bit / 64 % 64));
        }
    }

    #[inline]
    pub(crate) fn get(&self, bit: usize) -> bool {
        self.words[bit / 64] >> (bit % 64) & 1 != 0
    }

    /// How far it is from `bit` to the next set bit going round, 0 if `bit` itself is set.
    #[inline]
    pub(crate) fn distance(&self, bit: usize) -> Option<usize> {
        self.next(bit)
            .or_else(|| self.next(0))
            .map(|found| found.wrapping_sub(bit) & self.mask)
    }

    fn next(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let rest = self.words[word] >> (from % 64);
        if rest != 0 {
            return Some(from + rest.trailing_zeros() as usize);
        }
        let after = word + 1;
        let mut group = after / 64;
        let mut bits = self.summary.get(group)? >> (after % 64) << (after % 64);
        while bits == 0 {
            group += 1;
            bits = *self.summary.get(group)?;
        }
        let word = group * 64 + bits.trailing_zeros() as usize;
        Some(word * 64 + self.words[word].trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distance_is_that_of_a_walk(power in 2u32..14, bits in prop::collection::vec(any::<u16>(), 0..12), from: u16) {
            let size = 1usize << power;
            let mut ring = BitRing::new(size);
            let mut model = vec![false; size];
            for (turn, bit) in bits.iter().map(|bit| *bit as usize % size).enumerate() {
                if turn % 4 == 3 { ring.clear(bit) } else { ring.set(bit) }
                model[bit] = turn % 4 != 3;
                prop_assert_eq!(ring.get(bit), model[bit]);
            }
            let from = from as usize % size;
            prop_assert_eq!(ring.distance(from), (0..size).find(|step| model[(from + step) % size]));
        }
    }
}
