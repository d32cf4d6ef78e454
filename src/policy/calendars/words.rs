//! The words of a calendar file: windows, dates, ranges of dates.

use super::super::problem::Problems;
use super::super::section::{self, Section};
use crate::calendar::date;
use crate::model::calendar::{DAY_MIN, Day, Window};
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// The longest range of dates in one word: a year. Longer ones are misspelled years.
const RANGE_DAYS_MAX: Day = 366;

const TAKES_DATE: &str = "it takes a date from 1970-01-01 to 2200-12-31, such as 2026-12-31";
const TAKES_DAYS: &str =
    "it takes dates such as \"2026-10-10\" and ranges such as \"2026-10-01/2026-10-07\", from 1970 to 2200";

/// A list of windows and their places, by opening time.
pub(super) fn windows(
    of: &Section<'_>,
    key: &str,
    problems: &mut Problems,
) -> (Vec<Window>, Vec<Range<usize>>) {
    let list = of.list(key, problems, |word, place, problems| {
        Some((window(key, word, place, problems)?, place.clone()))
    });
    let mut list = list.map_or_else(Vec::new, |(list, _)| list);
    list.sort_by_key(|(window, _)| window.open_min);
    list.into_iter().unzip()
}

fn window(key: &str, word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<Window> {
    let read = word.split_once('-').and_then(|(open, close)| {
        let window = Window {
            open_min: minutes(open).filter(|m| *m < DAY_MIN)?,
            close_min: minutes(close)?,
        };
        Some(window)
    });
    if read.is_none() {
        problems.at(
            place,
            format!("{key}: '{word}' is no window"),
            "it takes two times of a day, such as 09:00-12:00, 18:00-24:00, or 22:00-06:00 overnight",
        );
    }
    read
}

/// `HH:MM` from 00:00 to 24:00.
pub(in crate::policy) fn minutes(word: &str) -> Option<u16> {
    let (hour, minute) = word.split_once(':')?;
    let number = |word: &str| {
        let digits = word.len() == 2 && word.bytes().all(|b| b.is_ascii_digit());
        word.parse::<u16>().ok().filter(|_| digits)
    };
    let minutes = number(hour)? * 60 + number(minute).filter(|minute| *minute < 60)?;
    (minutes <= DAY_MIN).then_some(minutes)
}

/// One date, as TOML's own or in quotes.
pub(in crate::policy) fn date(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<Day> {
    let read = match value.get_ref() {
        DeValue::String(word) => day(word),
        DeValue::Datetime(_) => own_day(value.get_ref()),
        _ => {
            section::wrong(key, value, "a date such as 2026-12-31", problems);
            return None;
        }
    };
    if read.is_none() {
        let word = spelled(value.get_ref());
        problems.at(&value.span(), format!("{key} '{word}' is no date"), TAKES_DATE);
    }
    read
}

/// First and last date of each word of `days`, with its place.
pub(super) fn days(of: &Section<'_>, problems: &mut Problems) -> Vec<(Day, Day, Range<usize>)> {
    let Some(value) = of.get("days") else {
        problems.at(
            &of.place,
            format!("{} has no days", of.called),
            "add a line such as days = [\"2026-10-01/2026-10-07\"]",
        );
        return Vec::new();
    };
    let Some(items) = value.get_ref().as_array() else {
        section::wrong(
            "days",
            value,
            "a list such as [\"2026-10-01/2026-10-07\"]",
            problems,
        );
        return Vec::new();
    };
    if items.iter().next().is_none() {
        let what = format!("{} names no day", of.called);
        problems.at(&value.span(), what, "name its days, or leave it out");
    }
    let mut found = Vec::new();
    for item in items.iter() {
        let read = match item.get_ref() {
            DeValue::String(word) => match word.split_once('/') {
                Some((first, last)) => day(first).zip(day(last)),
                None => day(word).map(|day| (day, day)),
            },
            DeValue::Datetime(_) => own_day(item.get_ref()).map(|day| (day, day)),
            _ => {
                section::wrong("days", item, "dates in double quotes", problems);
                continue;
            }
        };
        match read {
            Some((first, last)) => {
                if in_order(first, last, &item.span(), problems) {
                    found.push((first, last, item.span()));
                }
            }
            None => {
                let word = spelled(item.get_ref());
                problems.at(&item.span(), format!("days: '{word}' is no date"), TAKES_DAYS);
            }
        }
    }
    found
}

fn in_order(first: Day, last: Day, place: &Range<usize>, problems: &mut Problems) -> bool {
    let (from, to) = (date::text(first), date::text(last));
    if last < first {
        problems.at(
            place,
            format!("days: {from}/{to} ends before it begins"),
            format!("write the earlier date first: {to}/{from}"),
        );
    } else if last - first >= RANGE_DAYS_MAX {
        problems.at(
            place,
            format!("days: {from}/{to} is longer than a year"),
            "check the years; a day of the week that is always closed is left out of [week]",
        );
    } else {
        return true;
    }
    false
}

/// `YYYY-MM-DD`.
fn day(word: &str) -> Option<Day> {
    let digits = |part: &str, length: usize| {
        let plain = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| plain)
    };
    let mut parts = word.split('-');
    let (year, month, of_month) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    date::day(digits(year, 4)? as i32, digits(month, 2)?, digits(of_month, 2)?)
}

/// A date of TOML's own, without a time.
fn own_day(value: &DeValue<'_>) -> Option<Day> {
    let given = value
        .as_datetime()
        .filter(|given| given.time.is_none() && given.offset.is_none())?;
    let own = given.date?;
    date::day(i32::from(own.year), u32::from(own.month), u32::from(own.day))
}

fn spelled(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(word) => word.to_string(),
        DeValue::Datetime(given) => given.to_string(),
        other => other.type_str().to_owned(),
    }
}
