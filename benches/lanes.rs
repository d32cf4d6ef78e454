//! Ordered lanes beside their rivals: an ordered map a lane, a lock-free skip list a lane, an ordered map behind a
//! mutex a lane. One pair is: take the head of a lane, put a newer id at its end. 64 lanes, one million waiting
//! (`SLAD_BENCH_ENTRIES` changes that); once with keys in order, once with one in four out of order.

#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_skiplist::SkipMap;
use slad::collections::Lanes;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const LANES: u32 = 64;
type Key = (i64, i64, u64);

trait Waiting {
    const NAME: &'static str;
    fn make() -> Self;
    fn put(&mut self, lane: u32, id: u32, key: Key);
    fn take(&mut self, lane: u32) -> Option<(Key, u32)>;
}

impl Waiting for Lanes<Key> {
    const NAME: &'static str = "Lanes";
    fn make() -> Self {
        let mut lanes = Self::new();
        (0..LANES).for_each(|_| {
            lanes.add_lane();
        });
        lanes
    }
    fn put(&mut self, lane: u32, id: u32, key: Key) {
        self.insert(lane, id, key);
    }
    fn take(&mut self, lane: u32) -> Option<(Key, u32)> {
        let head = self.head(lane)?;
        self.remove(head.1);
        Some(head)
    }
}

impl Waiting for Vec<BTreeMap<Key, u32>> {
    const NAME: &'static str = "BTreeMap";
    fn make() -> Self {
        (0..LANES).map(|_| BTreeMap::new()).collect()
    }
    fn put(&mut self, lane: u32, id: u32, key: Key) {
        self[lane as usize].insert(key, id);
    }
    fn take(&mut self, lane: u32) -> Option<(Key, u32)> {
        self[lane as usize].pop_first()
    }
}

impl Waiting for Vec<Mutex<BTreeMap<Key, u32>>> {
    const NAME: &'static str = "Mutex<BTreeMap>";
    fn make() -> Self {
        (0..LANES).map(|_| Mutex::default()).collect()
    }
    fn put(&mut self, lane: u32, id: u32, key: Key) {
        self[lane as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, id);
    }
    fn take(&mut self, lane: u32) -> Option<(Key, u32)> {
        self[lane as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_first()
    }
}

impl Waiting for Vec<SkipMap<Key, u32>> {
    const NAME: &'static str = "SkipMap";
    fn make() -> Self {
        (0..LANES).map(|_| SkipMap::new()).collect()
    }
    fn put(&mut self, lane: u32, id: u32, key: Key) {
        self[lane as usize].insert(key, id);
    }
    fn take(&mut self, lane: u32) -> Option<(Key, u32)> {
        self[lane as usize]
            .pop_front()
            .map(|entry| (*entry.key(), *entry.value()))
    }
}

fn entries() -> u64 {
    std::env::var("SLAD_BENCH_ENTRIES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000)
}

/// A number that looks random, the same for the same `n`.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// The key of the `seq`th arrival; out of order, one in four is due up to half a backlog before its turn.
fn key(seq: u64, in_order: bool) -> Key {
    let early = if in_order || !seq.is_multiple_of(4) {
        0
    } else {
        mix(seq) % (entries() / 2)
    };
    (seq as i64 - early as i64, seq as i64, seq)
}

fn pairs<W: Waiting>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lanes");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for (order, in_order) in [("in order", true), ("one in four out of order", false)] {
        let mut waiting = W::make();
        let mut seq = 0;
        while seq < entries() {
            waiting.put(mix(seq) as u32 % LANES, seq as u32, key(seq, in_order));
            seq += 1;
        }
        group.bench_function(BenchmarkId::new(order, W::NAME), |bencher| {
            bencher.iter(|| {
                let lane = mix(seq) as u32 % LANES;
                let taken = waiting.take(lane);
                // The freed slot is the one used next, as a slab does it.
                if let Some((_, id)) = taken {
                    waiting.put(lane, id, key(seq, in_order));
                }
                seq += 1;
                taken
            });
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    pairs::<Lanes<Key>>,
    pairs::<Vec<BTreeMap<Key, u32>>>,
    pairs::<Vec<Mutex<BTreeMap<Key, u32>>>>,
    pairs::<Vec<SkipMap<Key, u32>>>
);
criterion_main!(benches);
