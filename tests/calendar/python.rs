//! The same cases asked of Python's businesstimedelta (`rival.py`), as far as it can express them: windows within a day, none
//! near the change of the clocks, holidays that close whole days, no make-up days. Runs where `SLAD_PYTHON` names a Python that
//! has it: `tests/run calendar-python` installs one.

use crate::random::Random;
use serde_json::{Value, json};
use slad::calendar::{Calendar, Zones, date};
use slad::model::calendar::{CalendarSpec, Day, Holiday, HolidayScope, Window};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const ZONES: [&str; 8] = [
    "UTC",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/New_York",
    "America/St_Johns",
    "Europe/Berlin",
    "Australia/Sydney",
];

/// It walks from window to window at some 0.3 ms each, so that spans are kept to weeks.
const CASES_A_CALENDAR: u64 = 10;

fn draw(random: &mut Random, today: Day) -> CalendarSpec {
    let mut week: [Vec<Window>; 7] = Default::default();
    for windows in &mut week {
        // From 04:00 to 22:00: summer time begins and ends at night.
        let mut edges: Vec<u16> = (0..2 * random.below(4))
            .map(|_| 240 + random.below(217) as u16 * 5)
            .collect();
        edges.sort_unstable();
        edges.dedup();
        *windows = edges
            .chunks_exact(2)
            .map(|two| Window {
                open_min: two[0],
                close_min: two[1],
            })
            .collect();
    }
    week[2] = vec![Window {
        open_min: 540,
        close_min: 1_020,
    }];
    // It needs a holiday within five years of any date.
    let mut days: Vec<Day> = (0..random.below(20))
        .map(|_| today + random.below(200) as Day)
        .collect();
    days.extend([today + 1_000, today + 2_000]);
    days.sort_unstable();
    days.dedup();
    let holidays = days.into_iter().map(|day| Holiday {
        first: day,
        last: day,
        label: String::new(),
    });
    CalendarSpec {
        name: "drawn".into(),
        label: String::new(),
        zone: (*random.pick(&ZONES)).into(),
        week,
        holidays: holidays.collect(),
        overrides: Vec::new(),
        holiday_scope: HolidayScope::CalendarDay,
        published_until: None,
    }
}

fn told(spec: &CalendarSpec, cases: &[(i64, i64, i64)]) -> Value {
    let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let day = |windows: &Vec<Window>| -> Vec<[String; 2]> {
        windows
            .iter()
            .map(|w| [time(w.open_min), time(w.close_min)])
            .collect()
    };
    json!({
        "zone": &*spec.zone,
        "week": spec.week.iter().map(day).collect::<Vec<_>>(),
        "holidays": spec.holidays.iter().map(|h| date::text(h.first)).collect::<Vec<_>>(),
        "cases": cases,
    })
}

#[test]
#[ignore = "needs a Python with businesstimedelta: tests/run calendar-python"]
fn businesstimedelta_finds_the_same() {
    let python = std::env::var("SLAD_PYTHON").expect("SLAD_PYTHON names a Python with businesstimedelta");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/calendar/rival.py");
    let mut rival = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ask = rival.stdin.take().unwrap();
    let mut answers = BufReader::new(rival.stdout.take().unwrap()).lines();
    let seed = Random::seed();
    let mut random = Random::new(seed);
    let zones = Zones::bundled();
    let calendars = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        2_000
    } else {
        150
    };
    for _ in 0..calendars {
        let today = date::day(2005, 1, 1).unwrap() + random.below(7_000) as Day;
        let spec = draw(&mut random, today);
        let calendar = Calendar::compile(&spec, &zones.table(&spec.zone).unwrap()).unwrap();
        let cases: Vec<(i64, i64, i64)> = (0..CASES_A_CALENDAR)
            .map(|_| {
                let start = i64::from(today) * 86_400 + random.below(100 * 86_400) as i64;
                let budget = 1 + random.below(60 * 3_600) as i64;
                (start, budget, start + random.below(12 * 86_400) as i64)
            })
            .collect();
        writeln!(ask, "{}", told(&spec, &cases)).unwrap();
        let answer: Vec<[i64; 2]> = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        for ((start, budget, other), [due, elapsed]) in cases.into_iter().zip(answer) {
            let shown = || format!("SLAD_SEED={seed}: {start} {budget} {other} of {spec:?}");
            assert_eq!(
                calendar.due_after(start * 1_000, budget * 1_000),
                due * 1_000,
                "due: {}",
                shown()
            );
            let ours = calendar.elapsed(start * 1_000, other * 1_000);
            assert_eq!(ours, elapsed * 1_000, "elapsed: {}", shown());
        }
    }
    drop(ask);
    assert!(rival.wait().unwrap().success());
    println!(
        "{} cases of {calendars} calendars, 0 differences",
        calendars * CASES_A_CALENDAR
    );
}
