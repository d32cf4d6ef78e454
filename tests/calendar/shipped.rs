//! The calendars that are shipped: `cn-office` beside the vectors' calendar of the same days, and what people ask of it.

use serde_json::Value;
use slad::calendar::{Calendar, DayEnd, Zones, date};
use slad::model::time::{instant, rfc3339};
use slad::policy::{CalendarFile, embedded_calendars};

fn shipped(name: &str) -> Calendar {
    let (_, text) = embedded_calendars()
        .into_iter()
        .find(|(own, _)| *own == name)
        .unwrap();
    CalendarFile::parse("file", text, &Zones::bundled())
        .unwrap()
        .compile()
        .unwrap()
}

fn at(text: &str) -> i64 {
    instant("at", text.as_bytes()).unwrap()
}

#[test]
fn the_office_keeps_the_days_of_the_vectors() {
    let text = include_str!("../fixtures/business-time.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let theirs = &all["calendars"]["cn_office"];
    let has = |list: &Value, day: &str| list.as_array().unwrap().iter().any(|d| d == day);
    let office = shipped("cn-office");
    let mut kinds = [0; 3];
    for day in date::day(2025, 1, 1).unwrap()..=date::day(2026, 12, 31).unwrap() {
        let name = date::text(day);
        let plan = office.day(day);
        assert_eq!(plan.holiday.is_some(), has(&theirs["holidays"], &name), "{name}");
        let windows = theirs["overrides"].get(&name);
        assert_eq!(plan.replaced.is_some(), windows.is_some(), "{name}");
        // Labels are told, and every working date has the same hours.
        assert!(
            plan.holiday.is_none_or(|label| !label.is_empty())
                && plan.replaced.is_none_or(|l| l.ends_with("调休"))
        );
        let hours: Vec<_> = plan.windows.iter().map(|w| (w.open_min, w.close_min)).collect();
        assert!(
            hours.is_empty() || hours == [(540, 720), (810, 1_080)],
            "{name} {hours:?}"
        );
        assert_eq!(office.is_working(day), !hours.is_empty());
        kinds[usize::from(plan.holiday.is_some()) + 2 * usize::from(windows.is_some())] += 1;
    }
    assert_eq!(kinds, [730 - 61 - 11, 61, 11]);
}

#[test]
fn the_office_knows_what_is_not_published() {
    let office = shipped("cn-office");
    assert_eq!(
        office.published_until_ms().map(rfc3339).unwrap(),
        "2026-12-31T16:00:00.000Z"
    );
    assert!(!office.is_provisional(at("2026-12-31T16:00:00Z")));
    assert!(office.is_provisional(at("2026-12-31T16:00:00.001Z")));
    // Thursday 17:00 and two hours: the day after is New Year's Day, which nobody has published.
    let due = office.due_after(at("2026-12-31T17:00:00+08:00"), 7_200_000);
    assert_eq!(due, at("2027-01-01T10:00:00+08:00"));
    assert!(office.is_provisional(due));
}

#[test]
fn a_longer_office_extends_it_and_a_different_one_does_not() {
    let (_, text) = embedded_calendars()[1];
    let read = |text: &str| {
        let file = CalendarFile::parse("file", text, &Zones::bundled());
        file.unwrap_or_else(|p| panic!("{p:?}")).compile().unwrap()
    };
    let old = read(text);
    let longer = text.replace("published_until = 2026-12-31", "published_until = 2027-12-31");
    let longer = longer + "\n[[holidays]]\nlabel = \"元旦\"\ndays = [\"2027-01-01/2027-01-03\"]\n";
    let new = read(&longer);
    assert!(new.extends(&old) && !old.extends(&new) && old.extends(&old));
    let start = at("2026-12-31T17:00:00+08:00");
    assert_eq!(new.due_after(start, 7_200_000), at("2027-01-04T10:00:00+08:00"));
    for (from, to) in [
        (
            "days = [\"2026-10-01/2026-10-07\"]",
            "days = [\"2026-10-01/2026-10-08\"]",
        ),
        ("\"2026-02-14\", ", ""),
        (
            "tue = [\"09:00-12:00\", \"13:30-18:00\"]",
            "tue = [\"09:00-12:00\", \"13:30-17:59\"]",
        ),
        ("zone = \"Asia/Shanghai\"", "zone = \"Asia/Macau\""),
    ] {
        let other = longer.replacen(from, to, 1);
        assert_ne!(other, longer);
        assert!(!read(&other).extends(&old), "{to}");
    }
    let shorter = read(&text.replace("published_until = 2026-12-31", "published_until = 2026-12-30"));
    assert!(!shorter.extends(&old) && old.extends(&shorter));
}

#[test]
fn around_the_clock_every_date_works() {
    let always = shipped("24x7");
    let start = at("2026-02-14T23:59:00+08:00");
    assert_eq!(always.due_after(start, 3_600_000), start + 3_600_000);
    let end = always.business_days_after(start, 1, DayEnd::EndOfDay);
    assert_eq!(end, at("2026-02-16T00:00:00+08:00"));
    assert_eq!(always.published_until_ms(), None);
    assert_eq!(always.windows(start, end).collect::<Vec<_>>(), [(start, end)]);
}
