//! Seeded random numbers (SplitMix64, Steele, Lea and Flood 2014), so that a failure can be run again.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

/// A source of random numbers; the same seed gives the same ones.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The seed of this run: `SLAD_SEED`, else one of the moment; printed, so that it can be given again.
    pub(crate) fn seed() -> u64 {
        let seed = std::env::var("SLAD_SEED").map_or_else(
            |_| {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                now.unwrap().as_millis() as u64 % 1_000_000_000
            },
            |given| given.parse().expect("SLAD_SEED is a whole number"),
        );
        println!("SLAD_SEED={seed}");
        seed
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
