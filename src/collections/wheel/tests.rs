use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The judge: the same calls on an ordered set.
#[derive(Default)]
struct Judge {
    set: BTreeSet<(i64, u64, u32)>,
    at: std::collections::BTreeMap<u32, i64>,
}

/// Many equal ties, so that ids decide too.
fn tie(id: u32) -> u64 {
    u64::from(id.wrapping_mul(2_654_435_761) >> 24 & 15)
}

impl Judge {
    fn schedule(&mut self, id: u32, at: i64) {
        self.cancel(id);
        self.set.insert((at, tie(id), id));
        self.at.insert(id, at);
    }

    fn cancel(&mut self, id: u32) {
        if let Some(at) = self.at.remove(&id) {
            self.set.remove(&(at, tie(id), id));
        }
    }

    fn pop(&mut self, now: i64) -> Option<(i64, u32)> {
        let (at, _, id) = *self.set.first().filter(|(at, _, _)| *at <= now)?;
        self.cancel(id);
        Some((at, id))
    }
}

#[derive(Debug, Clone)]
enum Op {
    Schedule(u32, i64),
    ScheduleAbsolute(u32, i64),
    Cancel(u32),
    Pops(i64, usize),
    Drain(i64),
    Work(usize),
    NextAt,
    ToNext,
}

fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        -5_000i64..5_000,
        // A clock that is set back by hours.
        -20_000_000i64..0,
        0i64..20,
        0i64..10_000_000,
        0i64..10_000_000_000,
        (0u32..42).prop_map(|power| 1 << power),
        (10u32..42, -2i64..3).prop_map(|(power, by)| (1 << power) + by),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let id = 0u32..200;
    prop_oneof![
        8 => (id.clone(), distance()).prop_map(|(id, at)| Op::Schedule(id, at)),
        1 => (id.clone(), prop_oneof![Just(i64::MAX - 1), Just(i64::MAX), Just(0), any::<i64>()])
            .prop_map(|(id, at)| Op::ScheduleAbsolute(id, at)),
        2 => id.prop_map(Op::Cancel),
        3 => (distance(), 0usize..5).prop_map(|(by, count)| Op::Pops(by, count)),
        1 => distance().prop_map(Op::Drain),
        2 => (0usize..64).prop_map(Op::Work),
        2 => Just(Op::NextAt),
        1 => Just(Op::ToNext),
    ]
}

fn run(start: i64, ops: Vec<Op>) -> Result<(), TestCaseError> {
    let (mut wheel, mut judge, mut now) = (Wheel::new(start), Judge::default(), start);
    for op in ops {
        match op {
            Op::Schedule(id, by) => {
                wheel.schedule(id, now.saturating_add(by));
                judge.schedule(id, now.saturating_add(by));
            }
            Op::ScheduleAbsolute(id, at) => {
                wheel.schedule(id, at);
                judge.schedule(id, at);
            }
            Op::Cancel(id) => {
                wheel.cancel(id);
                judge.cancel(id);
            }
            Op::Pops(by, count) => {
                now = now.saturating_add(by);
                for _ in 0..count {
                    prop_assert_eq!(wheel.pop(now, tie), judge.pop(now));
                }
            }
            Op::Drain(by) => {
                now = now.saturating_add(by);
                while let Some(expected) = judge.pop(now) {
                    prop_assert_eq!(wheel.pop(now, tie), Some(expected));
                }
                prop_assert_eq!(wheel.pop(now, tie), None);
            }
            Op::Work(budget) => {
                wheel.work(now, budget, tie);
            }
            Op::NextAt => {
                let truth = judge.set.first().map(|(at, _, _)| *at);
                let said = wheel.next_at();
                prop_assert_eq!(said.is_some(), truth.is_some());
                prop_assert!(said <= truth, "{:?} said, {:?} true", said, truth);
            }
            Op::ToNext => {
                // Once nothing is due and nothing was left undone, the answer is exact.
                while let Some(expected) = judge.pop(now) {
                    prop_assert_eq!(wheel.pop(now, tie), Some(expected));
                }
                prop_assert_eq!(wheel.pop(now, tie), None);
                let truth = judge.set.first().map(|(at, _, _)| *at);
                prop_assert_eq!(wheel.next_at(), truth);
                prop_assert!(truth.is_none_or(|at| at > now));
                now = truth.unwrap_or(now);
            }
        }
        prop_assert_eq!(wheel.len(), judge.at.len());
    }
    for id in 0..200 {
        prop_assert_eq!(wheel.at(id), judge.at.get(&id).copied());
    }
    while let Some(expected) = judge.pop(i64::MAX) {
        prop_assert_eq!(wheel.pop(i64::MAX, tie), Some(expected));
    }
    prop_assert_eq!(wheel.pop(i64::MAX, tie), None);
    prop_assert!(wheel.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_wheel_is_an_ordered_set(
        start in prop_oneof![Just(0i64), Just(1_767_225_600_000), 0i64..1 << 45],
        ops in prop::collection::vec(op(), 1..300),
    ) {
        run(start, ops)?;
    }
}

/// A fixed sequence of numbers that look random.
fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        seed >> 24
    }
}

/// Drains in small steps of time with bounded work, as the daemon does, and returns what came out.
fn drain(wheel: &mut Wheel, from: i64, to: i64, step: usize) -> Vec<(i64, u32)> {
    let mut out = Vec::new();
    for now in (from..=to).step_by(step) {
        while wheel.work(now, 512, tie) {}
        while let Some(entry) = wheel.pop(now, tie) {
            assert!(entry.0 <= now, "never early");
            out.push(entry);
        }
    }
    out
}

#[test]
fn a_hundred_thousand_spread_and_as_many_in_one_millisecond() {
    let start = 1_767_225_600_000;
    let mut wheel = Wheel::new(start);
    let mut random = numbers(7);
    let mut expected: Vec<(i64, u64, u32)> = (0..200_000u32)
        .map(|id| {
            let at = if id % 2 == 0 {
                start + (random() % 20_000) as i64
            } else {
                start + 5_000_000
            };
            (at, tie(id), id)
        })
        .collect();
    for (at, _, id) in &expected {
        wheel.schedule(*id, *at);
    }
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(at, _, id)| (at, id)).collect();
    let mut out = drain(&mut wheel, start, start + 30_000, 7);
    assert_eq!(out.len(), 100_000);
    // Too many to look at: the start of their slot, a second before at most.
    let next = wheel.next_at().unwrap();
    assert!(next <= start + 5_000_000 && next > start + 5_000_000 - 1_024);
    assert_eq!(wheel.pop(start + 4_999_999, tie), None);
    out.extend(drain(&mut wheel, start + 5_000_000, start + 5_000_000, 1));
    assert!(out == expected, "order differs");
}

#[test]
fn work_is_bounded_and_comes_to_an_end() {
    let start = 1_767_225_600_000;
    let mut wheel = Wheel::new(start);
    let mut random = numbers(9);
    for id in 0..50_000u32 {
        wheel.schedule(id, start + (random() % 40_000_000_000) as i64);
    }
    let mut calls = 0;
    while wheel.work(start, 100, tie) {
        calls += 1;
        assert!(calls < 50_000, "work ends");
    }
    // A jump over years: each entry is touched once a level it falls through and once on its way into the heap.
    let now = start + 40_000_000_000;
    let mut calls = 0;
    while wheel.work(now, 100, tie) {
        calls += 1;
        assert!(calls < 50_000 * 8 / 100 + 50_000, "work ends");
    }
    assert_eq!(wheel.due.len(), 50_000);
    let mut last = (0, 0, 0);
    for _ in 0..50_000 {
        let (at, id) = wheel.pop(now, tie).unwrap();
        assert!((at, tie(id), id) > last);
        last = (at, tie(id), id);
    }
}

#[test]
fn a_bound_is_given_when_a_slot_is_crowded_and_it_converges() {
    let start = 1_767_225_600_000;
    let mut wheel = Wheel::new(start);
    for id in 0..50_000u32 {
        wheel.schedule(id, start + 100_000_000 + i64::from(id % 1000));
    }
    let (mut now, mut wakes) = (start, 0);
    loop {
        assert_eq!(wheel.pop(now, tie), None);
        let next = wheel.next_at().unwrap();
        assert!(next > now && next <= start + 100_000_000);
        now = next;
        wakes += 1;
        assert!(wakes < 10);
        if now == start + 100_000_000 {
            break;
        }
    }
    assert!(wheel.pop(now, tie).is_some());
}

#[test]
fn postponing_is_lazy_and_never_early() {
    let mut wheel = Wheel::new(0);
    wheel.schedule(1, 100);
    for by in 1..1_000 {
        wheel.schedule(1, 100 + by * 1_000);
    }
    assert_eq!(wheel.pop(999_099, tie), None);
    assert_eq!(wheel.next_at(), Some(999_100));
    wheel.schedule(1, 999_099);
    assert_eq!(wheel.pop(999_099, tie), Some((999_099, 1)));
}
