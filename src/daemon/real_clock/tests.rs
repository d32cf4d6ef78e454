use super::*;
use std::cell::Cell;
use std::rc::Rc;

const T0: UnixMs = 1_767_225_600_000;
const BOOT: i64 = 5_000_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A machine whose clocks go when they are told to.
#[derive(Clone)]
struct Machine {
    wall_us: Rc<Cell<i64>>,
    boot_us: Rc<Cell<i64>>,
    /// The thread is put aside for so long between the next reading's two halves, and the one after …
    aside_us: Rc<Cell<i64>>,
    /// … so many times.
    asides: Rc<Cell<usize>>,
}

impl Machine {
    fn new() -> Machine {
        let cell = |at| Rc::new(Cell::new(at));
        Machine {
            wall_us: cell(T0 * 1_000),
            boot_us: cell(BOOT),
            aside_us: cell(0),
            asides: Rc::new(Cell::new(0)),
        }
    }

    fn source(&self) -> Source {
        let machine = self.clone();
        Box::new(move || {
            let wall_us = machine.wall_us.get();
            if machine.asides.get() > 0 {
                machine.asides.set(machine.asides.get() - 1);
                machine.pass_us(machine.aside_us.get());
            }
            machine.pass_us(1);
            let boot_us = machine.boot_us.get();
            Reading { wall_us, boot_us }
        })
    }

    fn pass_us(&self, us: i64) {
        self.wall_us.set(self.wall_us.get() + us);
        self.boot_us.set(self.boot_us.get() + us);
    }

    fn pass(&self, ms: i64) {
        self.pass_us(ms * 1_000);
    }

    fn step(&self, ms: i64) {
        self.wall_us.set(self.wall_us.get() + ms * 1_000);
    }

    fn put_aside(&self, ms: i64, times: usize) {
        self.aside_us.set(ms * 1_000);
        self.asides.set(times);
    }

    /// Another start of the machine.
    fn reboot(&self) {
        self.boot_us.set(30_000_000);
    }

    fn wall(&self) -> UnixMs {
        self.wall_us.get() / 1_000
    }

    fn clock(&self, past: Past) -> RealClock {
        RealClock::new(self.source(), past)
    }
}

fn past(newest: UnixMs) -> Past {
    Past {
        newest,
        jumped: None,
        boot: 7,
        jump_max: 5 * MINUTE,
    }
}

fn how(jump: Option<ClockJumped>) -> Option<Jump> {
    jump.map(|jump| jump.how)
}

/// Looks; the time is about `at`, and this is what became of it.
#[track_caller]
fn looks(clock: &mut RealClock, at: UnixMs, expected: Option<Jump>, holds: Holds) -> Option<ClockJumped> {
    let (now, jump) = clock.look();
    assert!((now - at).abs() <= 2, "{} ms off", now - at);
    assert_eq!((how(jump), clock.holds()), (expected, holds));
    assert_eq!(clock.shown(), now);
    jump
}

#[test]
fn it_passes_as_the_wall_clock_does_and_sleep_is_no_step() {
    let machine = Machine::new();
    let mut clock = machine.clock(past(0));
    for ms in [0, 1, 7, 1_000, 30 * 24 * HOUR] {
        machine.pass(ms);
        looks(&mut clock, machine.wall(), None, Holds::Wall);
    }
    let at = machine.wall() + 50;
    assert!((clock.boot_us_at(at) - (machine.boot_us.get() + 50_000)).abs() < 2_000);
}

#[test]
fn little_steps_are_followed_without_a_word_and_time_never_runs_backwards() {
    let machine = Machine::new();
    let mut clock = machine.clock(past(0));
    let (before, _) = clock.look();
    machine.step(-90);
    assert_eq!(clock.look(), (before, None), "it stands");
    machine.step(-90);
    assert_eq!(clock.look(), (before, None));
    machine.pass(181);
    looks(&mut clock, machine.wall(), None, Holds::Wall);
    assert!(clock.shown() > before);
    machine.step(99);
    looks(&mut clock, machine.wall(), None, Holds::Wall);
}

#[test]
fn steps_are_told_and_taken() {
    for by in [101, 2_000, 5 * MINUTE - 1, -101, -2_000, 1 - 5 * MINUTE] {
        let machine = Machine::new();
        let mut clock = machine.clock(past(0));
        clock.look();
        machine.pass(1_000);
        let expected = machine.wall();
        machine.step(by);
        let jump = looks(&mut clock, machine.wall(), Some(Jump::Stepped), Holds::Wall).unwrap();
        assert!((jump.from - expected).abs() <= 2, "where it would be");
        assert!((jump.to - jump.from - by).abs() <= 2, "{jump:?}");
        assert_eq!(jump.boot, 7);
        machine.pass(500);
        looks(&mut clock, machine.wall(), None, Holds::Wall);
    }
}

#[test]
fn being_put_aside_between_two_readings_is_no_step() {
    let machine = Machine::new();
    let mut clock = machine.clock(past(0));
    clock.look();
    for (ms, times) in [
        (50, 1),
        (400, 1),
        (10 * MINUTE, 1),
        (400, 5),
        (400, 40),
        (HOUR, 40),
    ] {
        let before = clock.shown();
        machine.put_aside(ms, times);
        let (now, jump) = clock.look();
        assert_eq!(jump, None, "{ms} ms, {times} times");
        assert!(now >= before && now <= machine.wall());
        machine.put_aside(0, 0);
        looks(&mut clock, machine.wall(), None, Holds::Wall);
    }
    // And a step is still found.
    machine.put_aside(400, 3);
    machine.step(2_000);
    assert_eq!(how(clock.look().1), Some(Jump::Stepped));
}

#[test]
fn a_jump_freezes_and_time_goes_on() {
    for by in [5 * MINUTE + 5, HOUR, 300 * 24 * HOUR, -5 * MINUTE - 5, -HOUR] {
        for accept in [true, false] {
            let machine = Machine::new();
            let mut clock = machine.clock(past(0));
            let own = machine.clone();
            clock.look();
            machine.step(by);
            let jump = looks(&mut clock, machine.wall() - by, Some(Jump::Frozen), Holds::Frozen).unwrap();
            assert_eq!(jump.to - jump.from, by);
            machine.pass(3_000);
            looks(&mut clock, own.wall() - by, None, Holds::Frozen);
            assert!((clock.wall_ahead_ms() - by).abs() <= 2);
            let (now, decided) = clock.decide(accept).unwrap();
            if accept {
                assert_eq!(decided.how, Jump::Accepted);
                assert!((now - machine.wall()).abs() <= 2);
                looks(&mut clock, machine.wall(), None, Holds::Wall);
                assert_eq!(clock.wall_ahead_ms(), 0);
                assert_eq!(clock.decide(true), None, "settled");
            } else {
                assert_eq!(decided.how, Jump::Rejected);
                assert!((now - (machine.wall() - by)).abs() <= 2);
                machine.pass(HOUR);
                looks(&mut clock, machine.wall() - by, None, Holds::Own);
                assert_eq!(clock.decide(false), None, "settled");
                // The wall clock comes back, and holds again without a word.
                machine.step(-by + 60);
                looks(&mut clock, machine.wall(), None, Holds::Wall);
            }
            assert_eq!(clock.decide(false), None, "nothing is frozen");
        }
    }
}

#[test]
fn a_wall_clock_that_comes_back_by_itself_thaws() {
    for (back, expected) in [
        (HOUR, Jump::Returned),
        (HOUR - 90, Jump::Returned),
        (HOUR - 2_000, Jump::Stepped),
        (HOUR + 2_000, Jump::Stepped),
    ] {
        let machine = Machine::new();
        let mut clock = machine.clock(past(0));
        clock.look();
        machine.step(HOUR);
        clock.look();
        machine.pass(10_000);
        // Elsewhere, but as far away: frozen still, and told once.
        machine.step(7 * HOUR);
        looks(&mut clock, machine.wall() - 8 * HOUR, None, Holds::Frozen);
        machine.step(-7 * HOUR - back);
        let at = match expected {
            Jump::Stepped => machine.wall(),
            // Behind by little: it stands until the wall clock has caught up.
            _ => machine.wall().max(clock.shown()),
        };
        looks(&mut clock, at, Some(expected), Holds::Wall);
        machine.pass(200);
        looks(&mut clock, machine.wall(), None, Holds::Wall);
    }
}

#[test]
fn after_a_rejection_it_may_step_again_or_be_accepted_after_all() {
    let machine = Machine::new();
    let mut clock = machine.clock(past(0));
    clock.look();
    machine.step(HOUR);
    clock.look();
    clock.decide(false).unwrap();
    machine.step(HOUR);
    looks(
        &mut clock,
        machine.wall() - 2 * HOUR,
        Some(Jump::Frozen),
        Holds::Frozen,
    );
    clock.decide(false).unwrap();
    let (now, jump) = clock.decide(true).unwrap();
    assert_eq!((jump.how, jump.to), (Jump::Accepted, now));
    machine.step(-2 * HOUR);
    assert_eq!(how(clock.look().1), Some(Jump::Frozen));
    clock.decide(false).unwrap();
    machine.step(2 * HOUR - 4 * MINUTE);
    looks(&mut clock, machine.wall(), Some(Jump::Stepped), Holds::Wall);
}

#[test]
fn a_start_takes_time_ahead_as_time_off_and_time_behind_as_a_step() {
    for (newest, expected, holds) in [
        (T0 - 300 * 24 * HOUR, None, Holds::Wall),
        (T0 - 1, None, Holds::Wall),
        (T0 + 90, None, Holds::Wall),
        (T0 + 110, Some(Jump::Stepped), Holds::Wall),
        (T0 + 4 * MINUTE, Some(Jump::Stepped), Holds::Wall),
        (T0 + 6 * MINUTE, Some(Jump::Frozen), Holds::Frozen),
    ] {
        let machine = Machine::new();
        let mut clock = machine.clock(past(newest));
        assert!(clock.shown() >= newest, "until the step is recorded");
        let at = match (expected, holds) {
            (Some(Jump::Stepped), _) => T0,
            (_, Holds::Frozen) => newest,
            _ => T0.max(newest),
        };
        let jump = looks(&mut clock, at, expected, holds);
        if let Some(jump) = jump {
            assert!(
                (jump.from - newest).abs() <= 2 && (jump.to - T0).abs() <= 2,
                "{jump:?}"
            );
        }
    }
}

/// Jumps by `by`, perhaps rejects that, and starts again `off` ms later; meanwhile the wall clock was stepped `back`.
fn restarted(machine: &Machine, (by, back): (i64, i64), reject: bool, off: i64, reboot: bool) -> RealClock {
    let mut clock = machine.clock(past(0));
    clock.look();
    machine.step(by);
    let (mut newest, jump) = clock.look();
    let mut jumped = jump.unwrap();
    if reject {
        (newest, jumped) = clock.decide(false).unwrap();
    }
    machine.pass(off);
    machine.step(back);
    if reboot {
        machine.reboot();
    }
    let clock = machine.clock(Past {
        jumped: Some(jumped),
        boot: if reboot { 8 } else { 7 },
        ..past(newest)
    });
    assert!(clock.shown() >= newest && clock.shown() <= newest + off + 2);
    clock
}

#[test]
fn what_is_open_or_rejected_stays_so_over_a_restart() {
    for by in [HOUR, -HOUR] {
        let machine = Machine::new();
        let mut clock = restarted(&machine, (by, 0), false, 20 * MINUTE, false);
        looks(&mut clock, machine.wall() - by, None, Holds::Frozen);
        machine.step(-by);
        looks(&mut clock, machine.wall(), Some(Jump::Returned), Holds::Wall);

        let machine = Machine::new();
        let mut clock = restarted(&machine, (by, 0), true, 20 * MINUTE, false);
        looks(&mut clock, machine.wall() - by, None, Holds::Own);
        machine.step(by);
        looks(
            &mut clock,
            machine.wall() - 2 * by,
            Some(Jump::Frozen),
            Holds::Frozen,
        );

        for (reject, expected) in [(false, Some(Jump::Returned)), (true, None)] {
            let machine = Machine::new();
            let mut clock = restarted(&machine, (by, -by), reject, 20 * MINUTE, false);
            looks(&mut clock, machine.wall(), expected, Holds::Wall);
        }
    }
}

#[test]
fn after_another_start_of_the_machine_it_is_judged_anew() {
    // The wall clock came right meanwhile: the rest is time off.
    for (reject, expected) in [(false, Some(Jump::Stepped)), (true, None)] {
        let machine = Machine::new();
        let mut clock = restarted(&machine, (HOUR, -HOUR), reject, 2 * MINUTE, true);
        assert!((clock.shown() - (T0 + if reject { 2 * MINUTE } else { 0 })).abs() <= 2);
        looks(&mut clock, machine.wall(), expected, Holds::Wall);
    }
    // It is still far off: somebody has to decide, by a fact that this start of the machine can go by.
    for (by, reject) in [(HOUR, false), (HOUR, true), (-HOUR, false), (-HOUR, true)] {
        let machine = Machine::new();
        let mut clock = restarted(&machine, (by, 0), reject, 1_000, true);
        let jump = looks(&mut clock, T0, Some(Jump::Frozen), Holds::Frozen);
        assert_eq!(jump.unwrap().boot, 8);
        machine.pass(5_000);
        looks(&mut clock, T0 + 5_000, None, Holds::Frozen);
    }
}
