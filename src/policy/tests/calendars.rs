//! Calendar files: what they come to, and every mistake by a line of a table.

use crate::calendar::{Zones, date};
use crate::model::calendar::{HolidayScope, Window};
use crate::policy::{CalendarFile, Problem, embedded_calendars};

fn parse(text: &str) -> Result<CalendarFile, Vec<Problem>> {
    CalendarFile::parse("desk", text, &Zones::bundled())
}

/// A calendar with marked mistakes.
fn check(marked: &str, expected: &[(&str, &str)]) {
    super::check_marked(parse, marked, expected);
}

/// A calendar that is open on Mondays, with these lines after its week.
fn after_week(lines: &str) -> String {
    format!(
        "zone = \"UTC\"\npublished_until = 2026-12-31\n[week]\nmon = [\"09:00-17:00\"]\nwed = [\"22:00-06:00\"]\n{lines}"
    )
}

#[test]
fn a_file_says_what_it_means() {
    let text = "zone = \"Europe/Berlin\"\nlabel = \"Büro\"\npublished_until = \"2027-01-31\"\nholiday_scope = \"calendar_day\"\n\
        [week]\nmon = [\"13:00-17:00\", \"08:00-12:00\"]\nsat = [\"20:00-24:00\"]\nsun = [\"00:00-00:00\"]\n\
        [[overrides]]\ndays = [2026-12-24]\nhours = [\"08:00-12:00\"]\n\
        [[holidays]]\nlabel = \"b\"\ndays = [\"2026-12-25/2026-12-26\", 2026-12-31]\n[[holidays]]\ndays = [\"2026-01-01\"]\n";
    let file = parse(text).unwrap();
    let spec = &file.spec;
    assert_eq!(
        (&*spec.name, &*spec.label, &*spec.zone),
        ("desk", "Büro", "Europe/Berlin")
    );
    assert_eq!(spec.published_until, date::day(2027, 1, 31));
    assert_eq!(spec.holiday_scope, HolidayScope::CalendarDay);
    let window = |open_min, close_min| Window { open_min, close_min };
    assert_eq!(spec.week[0], [window(480, 720), window(780, 1_020)]);
    assert_eq!(spec.week[5], [window(1_200, 1_440)]);
    assert_eq!(
        (spec.week[6][0], spec.week[6][0].end_min()),
        (window(0, 0), 1_440)
    );
    let holidays = spec.holidays.iter();
    let holidays: Vec<_> = holidays
        .map(|h| (date::text(h.first), date::text(h.last), &*h.label))
        .collect();
    let own = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let expected = [
        (own("2026-01-01", "2026-01-01"), ""),
        (own("2026-12-25", "2026-12-26"), "b"),
        (own("2026-12-31", "2026-12-31"), "b"),
    ];
    assert_eq!(holidays, expected.map(|((a, b), label)| (a, b, label)));
    assert_eq!(spec.overrides[0].windows, [window(480, 720)]);
    assert_eq!(file.text, text);
    assert!(file.zone.tzdata_version.starts_with("20"));
    assert_eq!(file.hash, parse(text).unwrap().hash);
    assert_ne!(file.hash, parse(&text.replace("Büro", "Buero")).unwrap().hash);
    assert!(file.compile().is_ok());
}

#[test]
fn mistakes_at_the_top() {
    let week = "[week]\nmon = [\"09:00-17:00\"]\n";
    for (lines, what, remedy) in [
        (
            "zone = ¦\"Asia/Shanghia\"",
            "no zone 'Asia/Shanghia' (did you mean 'Asia/Shanghai'?)",
            "IANA name",
        ),
        ("zone = ¦\"CST-8\"", "no zone 'CST-8'", "IANA name"),
        ("zone = ¦8", "of type integer", "double quotes"),
        ("¦label = \"x\"", "has no zone", "zone = \"Asia/Shanghai\""),
        (
            "zone = \"UTC\"\n¦hours = 5",
            "a calendar has no key 'hours'",
            "it takes name, label",
        ),
        (
            "zone = \"UTC\"\n¦published_untill = 2026-12-31",
            "(did you mean 'published_until'?)",
            "it takes name",
        ),
        (
            "zone = \"UTC\"\npublished_until = ¦\"2026-02-30\"",
            "'2026-02-30' is no date",
            "such as 2026-12-31",
        ),
        (
            "zone = \"UTC\"\npublished_until = ¦1969-12-31",
            "'1969-12-31' is no date",
            "from 1970-01-01",
        ),
        (
            "zone = \"UTC\"\npublished_until = ¦2026-12-31T00:00:00Z",
            "is no date",
            "such as 2026-12-31",
        ),
        (
            "zone = \"UTC\"\npublished_until = ¦2026",
            "of type integer",
            "a date such as",
        ),
        (
            "zone = \"UTC\"\nholiday_scope = ¦\"shift-start\"",
            "(did you mean 'shift_start'?)",
            "calendar_day",
        ),
        ("zone = \"UTC\"\nname = ¦\"a@1\"", "has an '@'", "leave it out"),
        (
            "zone = \"UTC\"\nlabel = ¦\"\"",
            "label is empty",
            "one line of text",
        ),
        ("zone = \"UTC\"\nholidays = ¦5", "of type integer", "[[holidays]]"),
        (
            "zone = \"UTC\"\noverrides = [¦5]",
            "of type integer",
            "[[overrides]]",
        ),
    ] {
        // The place of what is missing is the beginning of the file.
        check(&format!("{lines}\n{week}"), &[(what, remedy)]);
    }
}

#[test]
fn mistakes_in_the_week() {
    for (lines, what, remedy) in [
        ("¦# nothing", "has no [week]", "mon = ["),
        ("¦[week]", "is never open", "at least one window"),
        (
            "¦[week]\nmon = []\ntue = []",
            "is never open",
            "at least one window",
        ),
        ("week = ¦5", "of type integer", "a table of days"),
        (
            "[week]\nmon = [\"09:00-17:00\"]\n¦mno = []",
            "the week has no key 'mno' (did you mean 'mon'?)",
            "it takes mon, tue",
        ),
        (
            "[week]\nmon = ¦\"09:00-17:00\"",
            "of type string",
            "a list such as",
        ),
        (
            "[week]\nmon = [¦\"9:00-17:00\"]",
            "'9:00-17:00' is no window",
            "such as 09:00-12:00",
        ),
        ("[week]\nmon = [¦\"09:00\"]", "is no window", "two times"),
        ("[week]\nmon = [¦\"09:00-24:01\"]", "is no window", "18:00-24:00"),
        (
            "[week]\nmon = [¦\"24:00-06:00\"]",
            "is no window",
            "22:00-06:00 overnight",
        ),
        ("[week]\nmon = [¦\"09:60-10:00\"]", "is no window", "two times"),
        ("[week]\nmon = [¦\"+9:00-10:00\"]", "is no window", "two times"),
        (
            "[week]\nmon = [\"09:00-12:00\", ¦\"11:59-13:00\"]",
            "09:00-12:00 and 11:59-13:00 overlap",
            "let one end",
        ),
        (
            "[week]\nmon = [\"09:00-12:00\", ¦\"09:00-12:00\"]",
            "twice",
            "once",
        ),
        (
            "[week]\nmon = [¦\"22:00-06:00\", \"20:00-08:00\"]",
            "20:00-08:00 and 22:00-06:00 overlap",
            "join them",
        ),
        (
            "[week]\nmon = [¦\"22:00-06:00\"]\ntue = [\"05:59-12:00\"]",
            "mon 22:00-06:00 runs into tue 05:59-12:00",
            "when tue opens",
        ),
        (
            "[week]\nmon = [\"00:00-12:00\"]\nsun = [¦\"22:00-00:01\"]",
            "sun 22:00-00:01 runs into mon",
            "when mon opens",
        ),
    ] {
        let lines = match lines.strip_prefix('¦').filter(|l| !l.starts_with('[')) {
            // What is missing is reported at the beginning.
            Some(rest) => format!("¦zone = \"UTC\"\n{rest}"),
            None => format!("zone = \"UTC\"\n{lines}"),
        };
        check(&lines, &[(what, remedy)]);
    }
}

#[test]
fn mistakes_in_holidays_and_overrides() {
    for (lines, what, remedy) in [
        (
            "¦[[holidays]]\nlabel = \"x\"",
            "a holiday has no days",
            "days = [",
        ),
        ("[[holidays]]\ndays = ¦[]", "names no day", "leave it out"),
        (
            "[[holidays]]\ndays = ¦\"2026-10-01\"",
            "of type string",
            "a list such as",
        ),
        ("[[holidays]]\ndays = [¦5]", "of type integer", "double quotes"),
        (
            "[[holidays]]\ndays = [¦\"2026-10-1\"]",
            "'2026-10-1' is no date",
            "such as \"2026-10-10\"",
        ),
        (
            "[[holidays]]\ndays = [¦\"2026-02-29\"]",
            "'2026-02-29' is no date",
            "ranges",
        ),
        ("[[holidays]]\ndays = [¦\"2026-10-01/\"]", "is no date", "ranges"),
        (
            "[[holidays]]\ndays = [¦\"2026-10-07/2026-10-01\"]",
            "ends before it begins",
            "2026-10-01/2026-10-07",
        ),
        (
            "[[holidays]]\ndays = [¦\"2025-10-01/2026-10-07\"]",
            "longer than a year",
            "check the years",
        ),
        (
            "[[holidays]]\ndays = [¦\"2027-01-01\"]",
            "2027-01-01 is past published_until",
            "past 2026-12-31 the plain week counts",
        ),
        (
            "[[holidays]]\ndays = [\"2026-10-01/2026-10-07\", ¦\"2026-10-07\"]",
            "2026-10-07 has two holidays",
            "in one holiday",
        ),
        (
            "[[holidays]]\n¦hours = []\ndays = [\"2026-10-01\"]",
            "a holiday has no key 'hours'",
            "it takes label, days",
        ),
        (
            "¦[[overrides]]\ndays = [\"2026-10-10\"]",
            "has no hours",
            "hours = [] to close",
        ),
        (
            "[[overrides]]\nhours = [\"09:00-12:00\", ¦\"10:00-11:00\"]\ndays = [\"2026-10-10\"]",
            "2026-10-10: the windows 09:00-12:00 and 10:00-11:00 overlap",
            "let one end",
        ),
        // 2026-10-08 is a Thursday: the shift of Wednesday runs to 06:00.
        (
            "[[overrides]]\nhours = [¦\"05:00-12:00\"]\ndays = [\"2026-10-08\"]",
            "2026-10-07 22:00-06:00 runs into 2026-10-08 05:00-12:00",
            "let one end",
        ),
        (
            "[[overrides]]\nhours = [\"08:00-12:00\", ¦\"20:00-09:00\"]\ndays = [\"2026-10-08/2026-10-09\"]",
            "2026-10-08 20:00-09:00 runs into 2026-10-09 08:00-12:00",
            "let one end",
        ),
        (
            "[[overrides]]\nhours = [¦\"20:00-10:00\"]\ndays = [\"2026-10-11\"]",
            "2026-10-11 20:00-10:00 runs into 2026-10-12 09:00-17:00",
            "let one end",
        ),
    ] {
        check(&after_week(lines), &[(what, remedy)]);
    }
    // Of two that overlap, the one that begins later is pointed at, wherever it stands.
    check(
        &after_week(
            "[[overrides]]\nhours = []\ndays = [¦\"2026-10-10\"]\n[[overrides]]\nhours = []\ndays = [\"2026-10-09/2026-10-11\"]\n",
        ),
        &[("2026-10-10 has two overrides", "in one override")],
    );
}

#[test]
fn an_override_on_a_holiday_is_no_mistake_and_a_shift_may_end_where_the_next_begins() {
    for lines in [
        "[[holidays]]\ndays = [\"2026-10-05/2026-10-07\"]\n[[overrides]]\nhours = [\"09:00-12:00\"]\ndays = [\"2026-10-06\"]\n",
        // The shift of the evening before ends at 06:00; on a holiday it does not open at all.
        "[[overrides]]\nhours = [\"06:00-12:00\"]\ndays = [\"2026-10-08\"]\n",
        "[[holidays]]\ndays = [\"2026-10-07\"]\n[[overrides]]\nhours = [\"05:00-12:00\"]\ndays = [\"2026-10-08\"]\n",
        "[[overrides]]\nhours = [\"00:00-24:00\"]\ndays = [\"2026-10-02/2026-10-04\"]\n",
    ] {
        let file = parse(&after_week(lines));
        assert!(file.is_ok(), "{file:?}\n{lines}");
    }
}

#[test]
fn all_mistakes_are_found_at_once() {
    let text = "zone = \"UTC\"\n¦nmae = \"x\"\npublished_until = ¦\"soon\"\n[week]\nmon = [¦\"9-17\", ¦\"8-9\"]\n[[holidays]]\ndays = [¦\"x\"]\n";
    let expected = [("nmae", ""), ("soon", ""), ("9-17", ""), ("8-9", ""), ("'x'", "")];
    check(text, &expected);
}

#[test]
fn an_embedded_calendar_cut_anywhere_is_read_or_refused_by_place() {
    let whole = embedded_calendars()[1].1;
    for cut in (0..whole.len())
        .step_by(7)
        .filter(|at| whole.is_char_boundary(*at))
    {
        let text = &whole[..cut];
        for p in parse(text).err().into_iter().flatten() {
            let line = text.split('\n').nth(p.line - 1);
            assert!(line.is_some_and(|l| p.column <= l.chars().count() + 1), "{p}");
            assert!(!p.what.is_empty() && !p.remedy.is_empty(), "{p}");
        }
    }
}
