//! Local dates as day numbers, and back. The algorithms are Howard Hinnant's `days_from_civil` and `civil_from_days`
//! (<https://howardhinnant.github.io/date_algorithms.html>), for the years that calendars cover: no date of theirs is refused.

use crate::model::calendar::Day;

/// The first date that calendars cover: 1970-01-01.
pub const DAY_FIRST: Day = 0;

/// The last date that calendars cover: 2200-12-31.
pub const DAY_LAST: Day = 84_370;

/// The number of a date, or `None` when there is no such date or its year is not 1970–2200.
pub fn day(year: i32, month: u32, of_month: u32) -> Option<Day> {
    let valid = (1970..=2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&of_month);
    valid.then(|| day_unchecked(year, month, of_month))
}

/// The number of a date that exists, of any year from 0 on.
fn day_unchecked(year: i32, month: u32, of_month: u32) -> Day {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let months_since_march = (month as i32 + 9) % 12;
    let of_year = (153 * months_since_march + 2) / 5 + of_month as i32 - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month (1–12) and day of month (1–31) of a date.
pub fn civil(day: Day) -> (i32, u32, u32) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + i32::from(month <= 2);
    (year, month as u32, of_month as u32)
}

/// Day of the week: 0 is Monday, 6 Sunday.
pub fn weekday(day: Day) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// The same day of the month `months` later, or the last of that month if it has no such day.
pub fn months_later(from: Day, months: u32) -> Day {
    let (year, month, of_month) = civil(from);
    // Ten thousand years: later than any date there is a use for, and sums stay far from overflowing.
    let index = month as i64 - 1 + i64::from(months.min(120_000));
    let (year, month) = (year + (index / 12) as i32, (index % 12) as u32 + 1);
    day_unchecked(year, month, of_month.min(days_in_month(year, month)))
}

/// A date as people write it: `2026-10-01`.
pub fn text(day: Day) -> String {
    let (year, month, of_month) = civil(day);
    format!("{year:04}-{month:02}-{of_month:02}")
}

fn days_in_month(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_is_the_one_after_the_one_before() {
        let mut date = jiff::civil::date(1970, 1, 1);
        for number in DAY_FIRST..=DAY_LAST {
            let (year, month, of_month) = civil(number);
            assert_eq!(
                (year, month, of_month),
                (i32::from(date.year()), date.month() as u32, date.day() as u32)
            );
            assert_eq!(day(year, month, of_month), Some(number));
            assert_eq!(text(number), date.to_string());
            assert_eq!(weekday(number), date.weekday().to_monday_zero_offset() as usize);
            date = date.tomorrow().unwrap();
        }
        assert_eq!(text(DAY_LAST + 1), "2201-01-01");
    }

    #[test]
    fn dates_that_do_not_exist_have_no_number() {
        for (year, month, of_month) in [
            (2026, 2, 29),
            (2100, 2, 29),
            (2026, 13, 1),
            (2026, 0, 1),
            (2026, 4, 31),
            (2026, 1, 0),
            (1969, 12, 31),
            (2201, 1, 1),
        ] {
            assert_eq!(day(year, month, of_month), None, "{year}-{month}-{of_month}");
        }
        assert!(day(2000, 2, 29).is_some() && day(2028, 2, 29).is_some());
    }

    #[test]
    fn months_clamp_to_the_end_of_the_month() {
        for (from, months, to) in [
            ((2026, 1, 31), 1, "2026-02-28"),
            ((2024, 2, 29), 12, "2025-02-28"),
            ((2024, 2, 29), 48, "2028-02-29"),
            ((2026, 12, 15), 1, "2027-01-15"),
            ((2026, 8, 31), 13, "2027-09-30"),
            ((2026, 8, 31), 0, "2026-08-31"),
        ] {
            let from = day(from.0, from.1, from.2).unwrap();
            assert_eq!(text(months_later(from, months)), to);
        }
    }
}
