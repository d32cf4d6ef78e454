//! Structures that know no domain word (floor 0). Everything is keyed by a `u32` slot id and lives in side arrays
//! that grow by whole chunks, so that no growth ever copies what is already there.
//!
//! | file | what | cost |
//! |---|---|---|
//! | `chunked` | a growing array in chunks, default-filled | access O(1), growth one chunk |
//! | `slab` | values by slot id, last freed first used | O(1), growth one chunk |
//! | `hash` | seeded xxh3 for bytes and for `Hash` keys | a few ns a key |
//! | `id_index` | hash → slot without storing the key | O(1), growth one of 4,096 shards |
//! | `heap` | 4-ary min heap whose places are told to its owner | O(log₄ n) |
//! | `bits` | a ring of occupancy bits with a summary | O(1) for the sizes used |
//! | `wheel` | hierarchical timing wheel, exact to the millisecond | O(1) schedule, cancel, postpone |
//! | `lane` | many ordered lanes over shared nodes | O(1) in order, O(log n) out of order |
//! | `bitset` | growable set of small numbers | n / 64 words |
//! | `sync` | atomics that model checks can watch | those of std |
//! | `history_map` | the newest N by insertion, found by key | O(1), growth one chunk and one shard |
//!
//! None of them reads a clock, starts a thread or draws a random number; every seed is an argument.

mod bits;
pub mod bitset;
pub mod chunked;
pub mod hash;
pub mod heap;
pub mod history_map;
pub mod id_index;
pub mod lane;
pub mod slab;
pub mod sync;
pub mod wheel;

pub use bitset::BitSet;
pub use history_map::Remembered;
pub use id_index::IdIndex;
pub use lane::Lanes;
pub use slab::Slab;
pub use wheel::Wheel;
