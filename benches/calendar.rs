//! Working time beside its rivals: a walk over a list of windows, and two crates that walk day by day.
//!
//! Office hours with a break and China's holidays (`config/calendars/cn-office.toml`), budgets of one day, one month and ten
//! years of working time from starts drawn over two years: the goal is one figure for all three. The crates get the same hours
//! and holidays; workclock knows no make-up days, so that its answers differ, ule-hours gives up after ten years of calendar
//! time unless told to go on. Python's businesstimedelta: `tests/calendar/rival.py --time`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a bench may fail loudly")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use slad::calendar::{Calendar, DayEnd, Zones};
use slad::model::calendar::Day;
use slad::policy::{CalendarFile, embedded_calendars};
use std::hint::black_box;
use std::time::Duration;

const START_MS: i64 = 1_735_689_600_000; // 2025-01-01T00:00:00Z
const TWO_YEARS_MS: u64 = 730 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Working hours of about one day, one month and ten years.
const BUDGETS: [(&str, i64); 3] = [("1 day", 7), ("1 month", 155), ("10 years", 18_500)];

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn start(n: u64) -> i64 {
    START_MS + (mix(n + 1) % TWO_YEARS_MS) as i64
}

fn office() -> CalendarFile {
    let (name, text) = embedded_calendars()[1];
    CalendarFile::parse(name, text, &Zones::bundled()).unwrap()
}

trait Rival {
    const NAME: &'static str;
    fn new(file: &CalendarFile) -> Self;
    fn due(&self, start: i64, budget_ms: i64) -> i64;
    fn elapsed(&self, from: i64, to: i64) -> i64;
}

impl Rival for Calendar {
    const NAME: &'static str = "slad";
    fn new(file: &CalendarFile) -> Self {
        file.compile().unwrap()
    }
    fn due(&self, start: i64, budget_ms: i64) -> i64 {
        self.due_after(start, budget_ms)
    }
    fn elapsed(&self, from: i64, to: i64) -> i64 {
        Calendar::elapsed(self, from, to)
    }
}

/// What one writes first: the windows in a list, found by binary search and walked.
struct Walk(Vec<(i64, i64)>);

impl Rival for Walk {
    const NAME: &'static str = "walk over windows";
    fn new(file: &CalendarFile) -> Self {
        let until = START_MS + 20 * 366 * 86_400_000;
        Walk(file.compile().unwrap().windows(START_MS, until).collect())
    }
    fn due(&self, start: i64, budget_ms: i64) -> i64 {
        let mut left = budget_ms;
        for (open, close) in &self.0[self.0.partition_point(|(_, close)| *close <= start)..] {
            let open = *open.max(&start);
            if left <= close - open {
                return open + left;
            }
            left -= close - open;
        }
        i64::MAX
    }
    fn elapsed(&self, from: i64, to: i64) -> i64 {
        let windows = &self.0[self.0.partition_point(|(_, close)| *close <= from)..];
        let windows = windows.iter().take_while(|(open, _)| *open < to);
        windows
            .map(|(open, close)| close.min(&to) - open.max(&from))
            .sum()
    }
}

fn instant(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap()
}

fn dates(ranges: impl Iterator<Item = (Day, Day)>) -> Vec<Date> {
    let of = |day: Day| date(1970, 1, 1).checked_add(i64::from(day).days()).unwrap();
    ranges.flat_map(|(first, last)| (first..=last).map(of)).collect()
}

fn holidays(file: &CalendarFile) -> Vec<Date> {
    dates(file.spec.holidays.iter().map(|h| (h.first, h.last)))
}

impl Rival for workclock::Schedule {
    const NAME: &'static str = "workclock";
    fn new(file: &CalendarFile) -> Self {
        use jiff::civil::time;
        use workclock::{Break, Holidays, Schedule, Weekdays, WorkDay};
        Schedule::builder()
            .time_zone("Asia/Shanghai")
            .rule(WorkDay::new(
                time(9, 0, 0, 0),
                time(18, 0, 0, 0),
                Weekdays::MON_TO_FRI,
            ))
            .rule(Break::new(
                time(12, 0, 0, 0),
                time(13, 30, 0, 0),
                Weekdays::MON_TO_FRI,
            ))
            .rule(Holidays::new(holidays(file)))
            .build()
            .unwrap()
    }
    fn due(&self, start: i64, budget_ms: i64) -> i64 {
        let due = self.add(instant(start), SignedDuration::from_millis(budget_ms));
        due.unwrap().as_millisecond()
    }
    fn elapsed(&self, from: i64, to: i64) -> i64 {
        self.between(instant(from), instant(to)).as_millis() as i64
    }
}

impl Rival for ule_hours::Schedule {
    const NAME: &'static str = "ule-hours";
    fn new(file: &CalendarFile) -> Self {
        let hours = "09:00-12:00, 13:30-18:00";
        let mut builder = ule_hours::Schedule::builder("Asia/Shanghai").unwrap();
        builder = builder.mon_fri(hours).unwrap().horizon_days(366 * 20);
        for day in holidays(file) {
            builder = builder.closed_on(day);
        }
        for day in dates(file.spec.overrides.iter().map(|o| (o.first, o.last))) {
            builder = builder.special(day, hours).unwrap();
        }
        builder.build()
    }
    fn due(&self, start: i64, budget_ms: i64) -> i64 {
        let due = self.add(instant(start), SignedDuration::from_millis(budget_ms));
        due.unwrap().as_millisecond()
    }
    fn elapsed(&self, from: i64, to: i64) -> i64 {
        self.between(instant(from), instant(to)).as_millis() as i64
    }
}

fn questions<R: Rival>(criterion: &mut Criterion) {
    let file = office();
    let rival = R::new(&file);
    let mut group = criterion.benchmark_group("calendar");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    for (name, hours) in BUDGETS {
        let mut n = 0;
        group.bench_function(
            BenchmarkId::new(format!("due after {name}"), R::NAME),
            |bencher| {
                bencher.iter(|| {
                    n += 1;
                    rival.due(black_box(start(n)), black_box(hours * HOUR_MS))
                });
            },
        );
        // As much calendar time as the budget takes.
        let span = rival.due(START_MS, hours * HOUR_MS) - START_MS;
        group.bench_function(
            BenchmarkId::new(format!("elapsed over {name}"), R::NAME),
            |bencher| {
                bencher.iter(|| {
                    n += 1;
                    let from = start(n);
                    rival.elapsed(black_box(from), black_box(from + span))
                });
            },
        );
    }
    group.finish();
}

/// What only slad has, and what it costs to make.
fn own(criterion: &mut Criterion) {
    let file = office();
    let calendar = file.compile().unwrap();
    let mut group = criterion.benchmark_group("calendar");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let mut n = 0;
    group.bench_function("start before a due", |bencher| {
        bencher.iter(|| {
            n += 1;
            calendar.start_before(black_box(start(n)), black_box(4 * HOUR_MS))
        });
    });
    group.bench_function("3 business days", |bencher| {
        bencher.iter(|| {
            n += 1;
            calendar.business_days_after(black_box(start(n)), 3, DayEnd::EndOfDay)
        });
    });
    group.bench_function("1 month", |bencher| {
        bencher.iter(|| {
            n += 1;
            calendar.months_after(black_box(start(n)), 1)
        });
    });
    group.bench_function("compile", |bencher| bencher.iter(|| file.compile()));
    group.finish();
}

criterion_group!(
    benches,
    questions::<Calendar>,
    questions::<Walk>,
    questions::<ule_hours::Schedule>,
    questions::<workclock::Schedule>,
    own
);
criterion_main!(benches);
