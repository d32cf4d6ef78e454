//! Seeded hashing. xxh3 takes a few ns for an id and is fast for long keys too; the seed, given by whoever makes a
//! table, keeps a client from preparing ids that collide. Not a cryptographic hash, and not one to store.

use std::hash::{BuildHasher, Hash, Hasher};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The hash of some bytes under a seed.
#[inline]
pub fn hash_bytes(seed: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

/// Hashes any key with xxh3 under a seed, each field's hash seeding the next one's.
#[derive(Debug, Clone, Copy)]
pub struct SeededHash {
    seed: u64,
}

impl SeededHash {
    /// Hashing under `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The hash of a key.
    #[inline]
    pub fn of<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hash_one(key)
    }
}

impl BuildHasher for SeededHash {
    type Hasher = SeededHasher;

    #[inline]
    fn build_hasher(&self) -> SeededHasher {
        SeededHasher { state: self.seed }
    }
}

/// A [`Hasher`] whose state is one word.
#[derive(Debug, Clone, Copy)]
pub struct SeededHasher {
    state: u64,
}

impl Hasher for SeededHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.state = xxh3_64_with_seed(bytes, self.state);
    }

    /// The byte that ends a `str`: one step of a multiplicative hash is enough to keep "a","b" from "ab","".
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.state = (self.state ^ u64::from(byte))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
    }
}
