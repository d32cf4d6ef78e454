//! Calendars by their corners; the vectors and the naive models are in `tests/calendar`.

use super::*;
use crate::model::calendar::{HolidayScope, Transition, Window};

/// Open on weekdays from 09:00 to 17:00 in UTC.
fn plain() -> CalendarSpec {
    let day = vec![Window {
        open_min: 540,
        close_min: 1_020,
    }];
    let mut week = [const { Vec::new() }; 7];
    week[..5].fill(day);
    CalendarSpec {
        name: "plain".into(),
        label: String::new(),
        zone: "UTC".into(),
        week,
        holidays: Vec::new(),
        overrides: Vec::new(),
        holiday_scope: HolidayScope::ShiftStart,
        published_until: None,
    }
}

fn utc() -> ZoneTable {
    Zones::bundled().table("UTC").unwrap()
}

const HOUR: i64 = 3_600_000;
/// 2026-01-01, a Thursday.
const THURSDAY: i64 = 1_767_225_600_000;

#[test]
fn beyond_the_years_covered_nothing_opens() {
    let calendar = Calendar::compile(&plain(), &utc()).unwrap();
    // 2200-12-31 is a Wednesday.
    let last = (i64::from(DAY_LAST) + 1) * DAY_MS;
    let close = last - 7 * HOUR;
    assert_eq!(calendar.due_after(close - HOUR, HOUR), close);
    assert_eq!(calendar.due_after(close - HOUR, HOUR + 1), BEYOND);
    for start in [close, last, last + 1, i64::MAX] {
        assert_eq!(calendar.due_after(start, 1), BEYOND);
        assert_eq!(calendar.due_after(start, i64::MAX), BEYOND);
        assert_eq!(calendar.business_days_after(start, 1, DayEnd::SameTime), BEYOND);
        assert_eq!(calendar.months_after(start, 1), BEYOND);
        assert_eq!(calendar.elapsed(start, i64::MAX), 0);
    }
    assert_eq!(calendar.start_before(i64::MAX, HOUR), Some(close - HOUR));
    assert_eq!(calendar.months_after(THURSDAY, u32::MAX), BEYOND);
    assert_eq!(
        calendar.business_days_after(THURSDAY, u32::MAX, DayEnd::EndOfDay),
        BEYOND
    );
    // Before 1970 nothing was open: Thursday, 1970-01-01 09:00 is the first opening.
    assert_eq!(calendar.due_after(i64::MIN, 1), 9 * HOUR + 1);
    assert_eq!(calendar.elapsed(i64::MIN, 10 * HOUR), HOUR);
    assert_eq!(calendar.start_before(10 * HOUR, HOUR), Some(9 * HOUR));
    assert_eq!(calendar.start_before(10 * HOUR, HOUR + 1), None);
    assert_eq!(
        calendar.business_days_after(i64::MIN, 1, DayEnd::EndOfDay),
        17 * HOUR
    );
}

#[test]
fn a_budget_of_nothing_is_over_at_once() {
    let calendar = Calendar::compile(&plain(), &utc()).unwrap();
    for budget in [0, -1, i64::MIN] {
        assert_eq!(calendar.due_after(THURSDAY, budget), THURSDAY);
        assert_eq!(calendar.start_before(THURSDAY, budget), Some(THURSDAY));
    }
    assert_eq!(
        calendar.business_days_after(THURSDAY, 0, DayEnd::EndOfDay),
        THURSDAY
    );
    assert_eq!(calendar.months_after(THURSDAY, 0), THURSDAY);
}

#[test]
fn spans_of_every_kind_have_a_due() {
    let calendar = Calendar::compile(&plain(), &utc()).unwrap();
    let start = THURSDAY + 16 * HOUR;
    let due = |span, end| crate::model::time::rfc3339(calendar.due(start, span, end));
    assert_eq!(
        due(Span::Ms(2 * HOUR), DayEnd::EndOfDay),
        "2026-01-02T10:00:00.000Z"
    );
    assert_eq!(
        due(Span::BusinessDays(2), DayEnd::EndOfDay),
        "2026-01-05T17:00:00.000Z"
    );
    assert_eq!(
        due(Span::BusinessDays(2), DayEnd::SameTime),
        "2026-01-05T16:00:00.000Z"
    );
    assert_eq!(due(Span::Months(1), DayEnd::EndOfDay), "2026-02-01T16:00:00.000Z");
}

#[test]
fn a_start_before_a_due_is_the_latest() {
    let calendar = Calendar::compile(&plain(), &utc()).unwrap();
    // All of Thursday before Friday 09:00 is left at Thursday's opening; of nothing more at Friday's.
    let friday = THURSDAY + DAY_MS;
    assert_eq!(
        calendar.start_before(friday + 9 * HOUR, 8 * HOUR),
        Some(THURSDAY + 9 * HOUR)
    );
    assert_eq!(
        calendar.start_before(friday + 10 * HOUR, HOUR),
        Some(friday + 9 * HOUR)
    );
    assert_eq!(
        calendar.start_before(friday + 10 * HOUR, HOUR + 1),
        Some(THURSDAY + 17 * HOUR - 1)
    );
}

#[test]
fn windows_are_joined_and_cut() {
    let mut spec = plain();
    spec.week[3] = vec![Window {
        open_min: 1_320,
        close_min: 360,
    }];
    spec.week[4] = vec![Window {
        open_min: 360,
        close_min: 720,
    }];
    let calendar = Calendar::compile(&spec, &utc()).unwrap();
    let windows = |from, to| calendar.windows(from, to).collect::<Vec<_>>();
    let night = THURSDAY + 22 * HOUR;
    assert_eq!(
        windows(THURSDAY, THURSDAY + 4 * DAY_MS),
        [(night, night + 14 * HOUR)]
    );
    assert_eq!(
        windows(night + HOUR, night + 3 * HOUR),
        [(night + HOUR, night + 3 * HOUR)]
    );
    assert_eq!(windows(night, night), []);
    assert_eq!(windows(night + 14 * HOUR, THURSDAY + 4 * DAY_MS), []);
    assert_eq!(windows(i64::MIN, 9 * HOUR), []);
}

#[test]
fn data_from_elsewhere_is_checked() {
    let berlin = Zones::bundled().table("Europe/Berlin").unwrap();
    let fault = Calendar::compile(&plain(), &berlin).unwrap_err();
    assert!(
        fault.part == Part::Zone && fault.to_string().contains("in zone 'UTC'"),
        "{fault}"
    );
    for transitions in [
        vec![(5, 0), (5, 3_600)],
        vec![(5, 0), (4, 3_600)],
        vec![(5, 200_000)],
    ] {
        let transitions = transitions.into_iter();
        let transitions = transitions
            .map(|(at_s, offset_s)| Transition { at_s, offset_s })
            .collect();
        let table = ZoneTable { transitions, ..utc() };
        assert!(Calendar::compile(&plain(), &table).is_err());
    }
    let mut spec = plain();
    spec.week[0] = vec![Window {
        open_min: 1_440,
        close_min: 5,
    }];
    assert!(
        Calendar::compile(&spec, &utc())
            .unwrap_err()
            .what
            .contains("24:00-00:05 is no time")
    );
    spec.week[0] = (0..49)
        .map(|n| Window {
            open_min: n * 20,
            close_min: n * 20 + 10,
        })
        .collect();
    assert!(
        Calendar::compile(&spec, &utc())
            .unwrap_err()
            .remedy
            .contains("up to 48 a day")
    );
    spec.week[0].pop();
    assert!(Calendar::compile(&spec, &utc()).is_ok());
    spec.published_until = Some(DAY_LAST + 1);
    assert_eq!(
        Calendar::compile(&spec, &utc()).unwrap_err().part,
        Part::PublishedUntil
    );
}
