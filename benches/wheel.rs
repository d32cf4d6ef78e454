//! The timing wheel beside its rivals: an ordered map, and a binary heap that forgets lazily.
//!
//! One million entries over a day by default; `SLAD_BENCH_ENTRIES=10000000` for the figures of the goals. Each figure
//! is the time of a whole phase; criterion's throughput line gives entries a second. At the end the longest single
//! call is printed for a burst in one millisecond and for a day's entries, moved with a budget of 512 (in processor
//! time; the sum contains the reading of the clock around every call).

#![allow(missing_docs)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use slad::collections::Wheel;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hint::black_box;
use std::time::{Duration, Instant};

const START_MS: i64 = 1_767_225_600_000;
const SPAN_MS: u64 = 86_400_000;

trait Timers: Default {
    const NAME: &'static str;
    fn schedule(&mut self, id: u32, at: i64);
    fn cancel(&mut self, id: u32);
    fn pop(&mut self, now: i64) -> Option<(i64, u32)>;
}

struct Wheeled(Wheel);

impl Default for Wheeled {
    fn default() -> Self {
        Self(Wheel::new(START_MS))
    }
}

impl Timers for Wheeled {
    const NAME: &'static str = "Wheel";
    fn schedule(&mut self, id: u32, at: i64) {
        self.0.schedule(id, at);
    }
    fn cancel(&mut self, id: u32) {
        self.0.cancel(id);
    }
    fn pop(&mut self, now: i64) -> Option<(i64, u32)> {
        self.0.pop(now, u64::from)
    }
}

#[derive(Default)]
struct Ordered {
    map: BTreeMap<(i64, u32), ()>,
    at: Vec<i64>,
}

impl Timers for Ordered {
    const NAME: &'static str = "BTreeMap";
    fn schedule(&mut self, id: u32, at: i64) {
        if id as usize >= self.at.len() {
            self.at.resize(id as usize + 1, 0);
        }
        let old = std::mem::replace(&mut self.at[id as usize], at);
        if old != 0 {
            self.map.remove(&(old, id));
        }
        self.map.insert((at, id), ());
    }
    fn cancel(&mut self, id: u32) {
        let old = std::mem::take(&mut self.at[id as usize]);
        self.map.remove(&(old, id));
    }
    fn pop(&mut self, now: i64) -> Option<(i64, u32)> {
        let entry = *self.map.first_entry().filter(|entry| entry.key().0 <= now)?.key();
        self.map.pop_first();
        self.at[entry.1 as usize] = 0;
        Some(entry)
    }
}

#[derive(Default)]
struct Heaped {
    heap: BinaryHeap<Reverse<(i64, u32)>>,
    at: Vec<i64>,
}

impl Timers for Heaped {
    const NAME: &'static str = "BinaryHeap, lazy";
    fn schedule(&mut self, id: u32, at: i64) {
        if id as usize >= self.at.len() {
            self.at.resize(id as usize + 1, 0);
        }
        self.at[id as usize] = at;
        self.heap.push(Reverse((at, id)));
    }
    fn cancel(&mut self, id: u32) {
        self.at[id as usize] = 0;
    }
    fn pop(&mut self, now: i64) -> Option<(i64, u32)> {
        while let Some(&Reverse((at, id))) = self.heap.peek().filter(|entry| entry.0.0 <= now) {
            self.heap.pop();
            if self.at[id as usize] == at {
                self.at[id as usize] = 0;
                return Some((at, id));
            }
        }
        None
    }
}

fn entries() -> u32 {
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

fn instant(id: u32) -> i64 {
    START_MS + 1 + (mix(u64::from(id)) % SPAN_MS) as i64
}

/// The ids in an order that looks random: a multiplication by an odd number permutes a power of two.
fn scattered(count: u32) -> impl Iterator<Item = u32> {
    let size = count.next_power_of_two();
    (0..size)
        .map(move |n| n.wrapping_mul(0x9E37_79B1) & (size - 1))
        .filter(move |id| *id < count)
}

fn filled<T: Timers>(count: u32) -> T {
    let mut timers = T::default();
    for id in 0..count {
        timers.schedule(id, instant(id));
    }
    timers
}

fn phases<T: Timers>(criterion: &mut Criterion) {
    let count = entries();
    let mut group = criterion.benchmark_group("wheel");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(u64::from(count)));
    group
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(1));
    group.bench_function(BenchmarkId::new("insert", T::NAME), |bencher| {
        bencher.iter_batched(|| (), |()| filled::<T>(count), BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("cancel", T::NAME), |bencher| {
        let cancel = |mut timers: T| {
            scattered(count).for_each(|id| timers.cancel(id));
            timers
        };
        bencher.iter_batched(|| filled::<T>(count), cancel, BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("later", T::NAME), |bencher| {
        let later = |mut timers: T| {
            scattered(count).for_each(|id| timers.schedule(id, instant(id) + 3_600_000));
            timers
        };
        bencher.iter_batched(|| filled::<T>(count), later, BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("fire", T::NAME), |bencher| {
        let fire = |mut timers: T| {
            let mut fired = 0;
            for step in 0..=SPAN_MS / 100 {
                while let Some(entry) = timers.pop(START_MS + 1 + step as i64 * 100) {
                    black_box(entry);
                    fired += 1;
                }
            }
            assert_eq!(fired, count);
            timers
        };
        bencher.iter_batched(|| filled::<T>(count), fire, BatchSize::PerIteration);
    });
    group.finish();
}

/// The longest call of each kind while a filled wheel is drained as the daemon drains it.
fn longest(name: &str, mut wheel: Wheel, nows: impl Iterator<Item = i64>) {
    let (mut longest_work, mut longest_pop, mut popped) = (Duration::ZERO, Duration::ZERO, 0);
    let begin = Instant::now();
    for now in nows {
        loop {
            let start = Instant::now();
            let more = wheel.work(now, 512, u64::from);
            longest_work = longest_work.max(start.elapsed());
            if !more {
                break;
            }
        }
        loop {
            let start = Instant::now();
            let entry = wheel.pop(now, u64::from);
            longest_pop = longest_pop.max(start.elapsed());
            if entry.is_none() {
                break;
            }
            popped += 1;
        }
    }
    println!(
        "longest call, {name}: work(512) {longest_work:?}, pop {longest_pop:?}; {popped} in {:?}",
        begin.elapsed()
    );
}

fn steps(_: &mut Criterion) {
    let mut burst = Wheel::new(START_MS);
    (0..500_000).for_each(|id| burst.schedule(id, START_MS + 5_000_000));
    longest(
        "500,000 in one ms",
        burst,
        (0..6_000_000).step_by(1000).map(|ms| START_MS + ms),
    );
    let spread = filled::<Wheeled>(entries()).0;
    longest(
        "all of a day",
        spread,
        (0..=SPAN_MS as i64 + 1).step_by(100).map(|ms| START_MS + ms),
    );
}

criterion_group!(
    benches,
    phases::<Wheeled>,
    phases::<Ordered>,
    phases::<Heaped>,
    steps
);
criterion_main!(benches);
