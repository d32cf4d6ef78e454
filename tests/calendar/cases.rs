//! Random cases against the naive models, and what has to hold between the answers. `SLAD_SEED` runs the same ones again.

use crate::drawn::{Drawn, draw};
use crate::naive::{Desk, Model};
use crate::random::Random;
use slad::calendar::{BEYOND, Calendar, DayEnd, Zones};
use slad::model::time::{DAY_MS, rfc3339};
use std::time::{Duration, Instant};

/// Cases a calendar by seconds, by minutes and by intervals: the finer the walk, the longer it takes.
const CASES: [u64; 3] = [30, 70, 200];

/// Least calendars of a short run, however slow the machine.
const CALENDARS_MIN: u64 = 10;

/// A model of one calendar, and how far it reaches.
struct Reach<'a> {
    model: &'a dyn Model,
    from: i64,
    to: i64,
    /// Pauses begin and end on multiples of this, ms.
    grain: i64,
    name: &'a str,
}

#[test]
fn dues_are_those_of_the_naive_models() {
    let seed = Random::seed();
    let mut random = Random::new(seed);
    let zones = Zones::bundled();
    let names: Vec<String> = zones
        .names()
        .into_iter()
        .filter(|name| zones.table(name).is_some())
        .collect();
    let long = std::env::var_os("SLAD_TEST_LONG").is_some();
    let began = Instant::now();
    let (mut cases, mut calendars) = (0_u64, 0_u64);
    let mut by_model = [0_u64; 3];
    while if long {
        cases < 1_000_000
    } else {
        calendars < CALENDARS_MIN || began.elapsed() < Duration::from_secs(20)
    } {
        let drawn = draw(&mut random, &names);
        let table = zones.table(&drawn.spec.zone).unwrap();
        let calendar =
            Calendar::compile(&drawn.spec, &table).unwrap_or_else(|e| panic!("{e} {:?}", drawn.spec));
        calendars += 1;
        models(&drawn, &calendar, &mut |at, reach| {
            for _ in 0..CASES[at] {
                let shown = || format!("SLAD_SEED={seed}, {} of {:?}", reach.name, drawn.spec);
                case(&mut random, &calendar, reach, &shown);
                cases += 1;
                by_model[at] += 1;
            }
        });
        let desk = Desk {
            spec: &drawn.spec,
            zone: &drawn.zone,
        };
        for _ in 0..10 {
            dates(&mut random, &calendar, &desk, drawn.anchor_s, seed);
        }
    }
    println!(
        "{cases} cases of {calendars} calendars, 0 differences: {} by seconds, {} by minutes, {} by intervals",
        by_model[0], by_model[1], by_model[2]
    );
    assert!(by_model.iter().all(|cases| *cases >= 100), "{by_model:?}");
}

fn models(drawn: &Drawn, calendar: &Calendar, take: &mut dyn FnMut(usize, &Reach<'_>)) {
    let desk = Desk {
        spec: &drawn.spec,
        zone: &drawn.zone,
    };
    // The case's start lies about the anchor; strips begin before it, on a whole hour for minutes to fit.
    let from_s = (drawn.anchor_s - 130_000).max(0) / 3_600 * 3_600;
    let reach = |days: i64| from_s + days * 86_400;
    let seconds = desk.strip(from_s, reach(4), 1);
    let ends = |to_s: i64| (from_s * 1_000, to_s * 1_000);
    let (from, to) = ends(reach(4));
    take(
        0,
        &Reach {
            model: &seconds,
            from,
            to,
            grain: 1_000,
            name: "seconds",
        },
    );
    if desk.fits(from_s, reach(62), 60) {
        let minutes = desk.strip(from_s, reach(62), 60);
        let (from, to) = ends(reach(62));
        take(
            1,
            &Reach {
                model: &minutes,
                from,
                to,
                grain: 60_000,
                name: "minutes",
            },
        );
    }
    let list = desk.list(from_s, reach(4_020));
    let (from, to) = ends(reach(4_020));
    take(
        2,
        &Reach {
            model: &list,
            from,
            to,
            grain: 1,
            name: "intervals",
        },
    );
    // The windows themselves.
    let windows: Vec<_> = calendar.windows(from, to).collect();
    assert_eq!(windows, list.open, "{:?}", drawn.spec);
}

fn case(random: &mut Random, calendar: &Calendar, reach: &Reach<'_>, shown: &dyn Fn() -> String) {
    let span = reach.to - reach.from;
    let within = |random: &mut Random, of: i64| reach.from + random.below(of as u64) as i64;
    let start = within(random, (span / 2).min(4 * DAY_MS));
    let start = if random.one_in(2) {
        start / 60_000 * 60_000
    } else {
        start
    };
    let start = start.max(reach.from);
    // Working time of a random stretch, so that it ends on an opening or a closing often enough.
    let other = within(random, span);
    let other = if random.one_in(2) {
        (other / 1_800_000 * 1_800_000).max(reach.from)
    } else {
        other
    };
    let (early, late) = (start.min(other), start.max(other));
    let elapsed = reach.model.elapsed(early, late);
    let say =
        |what: &str, a: i64, b: i64| format!("{what} {} {} ({b} ms): {}", rfc3339(a), rfc3339(b), shown());
    assert_eq!(
        calendar.elapsed(early, late),
        elapsed,
        "{}",
        say("elapsed", early, late)
    );
    assert_eq!(
        calendar.elapsed(late, early),
        -elapsed,
        "{}",
        say("elapsed back", early, late)
    );
    let budget = match random.below(4) {
        0 if elapsed > 0 => elapsed,
        1 if elapsed > 0 => 1 + random.below(elapsed as u64) as i64,
        2 => (1 + random.below(2_880)) as i64 * 60_000,
        _ => 1 + random.below((span / 3) as u64) as i64,
    };
    let due = calendar.due_after(start, budget);
    match reach.model.due(start, budget, &[]) {
        Some(expected) => assert_eq!(due, expected, "{}", say("due", start, budget)),
        None => assert!(due > reach.to, "{}", say("due too early", start, budget)),
    }
    if due == BEYOND {
        return;
    }
    assert_eq!(
        calendar.elapsed(start, due),
        budget,
        "{}",
        say("elapsed of due", start, budget)
    );
    let part = random.below(budget as u64 + 1) as i64;
    let parts = calendar.due_after(calendar.due_after(start, part), budget - part);
    assert_eq!(parts, due, "{}", say("due in two parts", start, budget));
    let back = calendar.start_before(due, budget);
    assert!(
        back.is_some_and(|s| s >= start
            && calendar.elapsed(s, due) == budget
            && calendar.due_after(s, budget) == due),
        "{}",
        say("start of due", start, budget)
    );
    let back = calendar.start_before(late, budget);
    match reach.model.start(late.min(reach.to - 1), budget) {
        Some(expected) if late < reach.to => {
            assert_eq!(back, Some(expected), "{}", say("start", late, budget))
        }
        _ => assert!(
            back.is_none_or(|back| back < reach.from.max(late)),
            "{}",
            say("start too late", late, budget)
        ),
    }
    let pauses = pauses(random, reach, start, due);
    let mut moved = due;
    for (from, to) in &pauses {
        if *from < moved {
            moved = calendar.due_after(*to, calendar.elapsed((*from).max(start), moved));
        }
    }
    match reach.model.due(start, budget, &pauses) {
        Some(expected) => assert_eq!(moved, expected, "{pauses:?} {}", say("paused", start, budget)),
        None => assert!(
            moved > reach.to,
            "{pauses:?} {}",
            say("paused too early", start, budget)
        ),
    }
}

/// Up to three pauses, in order and apart.
fn pauses(random: &mut Random, reach: &Reach<'_>, start: i64, due: i64) -> Vec<(i64, i64)> {
    let base = start / reach.grain * reach.grain + reach.grain;
    let span = ((due - start).min(reach.to - start) * 3 / 2 / reach.grain).max(8) as u64;
    let count = random.below(4) as usize * 2;
    let mut ends: Vec<i64> = (0..count)
        .map(|_| base + random.below(span) as i64 * reach.grain)
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends.chunks_exact(2)
        .map(|two| (two[0], two[1]))
        .collect::<Vec<_>>()
}

/// Business days and months against jiff's dates.
fn dates(random: &mut Random, calendar: &Calendar, desk: &Desk<'_>, anchor_s: i64, seed: u64) {
    let start = anchor_s * 1_000 + random.below(4 * DAY_MS as u64) as i64 - 2 * DAY_MS;
    let start = start.max(DAY_MS);
    let most = *random.pick(&[3, 30, 130]);
    let n = 1 + random.below(most) as u32;
    let shown = || format!("{n} after {}: SLAD_SEED={seed}, {:?}", rfc3339(start), desk.spec);
    let end = calendar.business_days_after(start, n, DayEnd::EndOfDay);
    assert_eq!(
        end,
        desk.business_days(start, n, false),
        "business days: {}",
        shown()
    );
    let same = calendar.business_days_after(start, n, DayEnd::SameTime);
    assert_eq!(same, desk.business_days(start, n, true), "same time: {}", shown());
    assert_eq!(
        calendar.months_after(start, n),
        desk.months(start, n),
        "months: {}",
        shown()
    );
}
