//! What is wrong with a calendar, by the part of it that is. The reader of calendar files turns the part into a line and a
//! column; the rest of the program never sees a calendar with a fault.

use super::date::{DAY_FIRST, DAY_LAST, text, weekday};
use super::zone::OFFSET_MAX_S;
use crate::model::calendar::{CalendarSpec, DAY_MIN, Day, HolidayScope, Window, ZoneTable};
use std::fmt;

/// Most windows a day: one every half hour.
pub const WINDOWS_MAX: usize = 48;

/// The days of the week as files and messages call them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Which part of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of the week.
    Week,
    /// A window by its weekday (0 is Monday) and its place in that day's list.
    WeekWindow(usize, usize),
    /// A holiday by its place.
    Holiday(usize),
    /// An override by its place.
    Override(usize),
    /// A window by its override's place and its place in that list.
    OverrideWindow(usize, usize),
    /// The zone.
    Zone,
    /// `published_until`.
    PublishedUntil,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// With which part.
    pub part: Part,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

impl std::error::Error for Fault {}

/// Everything that is wrong with a calendar; nothing: it compiles. Linear in the calendar, but for a search a date whose
/// night shift may run into the next date's hours.
pub fn check(spec: &CalendarSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    week(spec, &mut faults);
    let holidays: Vec<_> = spec.holidays.iter().map(|h| (h.first, h.last)).collect();
    dates(spec, "holiday", &holidays, Part::Holiday, &mut faults);
    let overrides: Vec<_> = spec.overrides.iter().map(|o| (o.first, o.last)).collect();
    dates(spec, "override", &overrides, Part::Override, &mut faults);
    for (at, list) in spec.overrides.iter().enumerate() {
        let called = dates_text(list.first, list.last);
        windows(
            &called,
            &list.windows,
            |w| Part::OverrideWindow(at, w),
            &mut faults,
        );
    }
    if let Some(day) = spec
        .published_until
        .filter(|day| !(DAY_FIRST..=DAY_LAST).contains(day))
    {
        let what = format!("published_until is in the year {}", super::date::civil(day).0);
        let remedy = "it takes a date from 1970-01-01 to 2200-12-31".to_owned();
        faults.push(Fault {
            part: Part::PublishedUntil,
            what,
            remedy,
        });
    }
    // What runs into what is only asked of dates that are in order.
    if faults.is_empty() {
        neighbours(spec, &mut faults);
    }
    faults
}

/// Is the zone's table one that a calendar can be compiled with? A table read from a zone database is.
pub(super) fn check_zone(spec: &CalendarSpec, zone: &ZoneTable) -> Result<(), Fault> {
    let fault = |what: String, remedy: &str| {
        let remedy = remedy.to_owned();
        Err(Fault {
            part: Part::Zone,
            what,
            remedy,
        })
    };
    if spec.zone != zone.name {
        return fault(
            format!(
                "the calendar is in zone '{}', the table of '{}'",
                spec.zone, zone.name
            ),
            "it takes the table of its own zone",
        );
    }
    let offsets = zone
        .transitions
        .iter()
        .map(|t| t.offset_s)
        .chain([zone.base_offset_s]);
    let ordered = zone.transitions.windows(2).all(|two| two[0].at_s < two[1].at_s);
    if !ordered
        || offsets
            .into_iter()
            .any(|offset| i64::from(offset).abs() >= OFFSET_MAX_S)
    {
        return fault(
            format!(
                "the table of zone '{}' is out of order or out of range",
                zone.name
            ),
            "read it from the zone data again",
        );
    }
    Ok(())
}

/// The windows that open on a date: an override's, else none on a holiday, else the week's.
pub(super) fn windows_on(spec: &CalendarSpec, day: Day) -> &[Window] {
    if let Some(at) = override_on(spec, day) {
        &spec.overrides[at].windows
    } else if holiday_on(spec, day).is_some() {
        &[]
    } else {
        &spec.week[weekday(day)]
    }
}

/// The override of a date, by its place.
pub(super) fn override_on(spec: &CalendarSpec, day: Day) -> Option<usize> {
    let at = spec.overrides.partition_point(|o| o.last < day);
    spec.overrides.get(at).filter(|o| o.first <= day).map(|_| at)
}

/// The holiday on a date, by its place.
pub(super) fn holiday_on(spec: &CalendarSpec, day: Day) -> Option<usize> {
    let at = spec.holidays.partition_point(|h| h.last < day);
    spec.holidays.get(at).filter(|h| h.first <= day).map(|_| at)
}

/// Is all of this date closed, whatever opened before it?
pub(super) fn cuts(spec: &CalendarSpec, day: Day) -> bool {
    spec.holiday_scope == HolidayScope::CalendarDay
        && holiday_on(spec, day).is_some()
        && override_on(spec, day).is_none()
}

/// A window as files spell it.
pub fn window_text(window: Window) -> String {
    let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    format!("{}-{}", time(window.open_min), time(window.close_min))
}

fn dates_text(first: Day, last: Day) -> String {
    if first == last {
        text(first)
    } else {
        format!("{}/{}", text(first), text(last))
    }
}

fn week(spec: &CalendarSpec, faults: &mut Vec<Fault>) {
    if spec.week.iter().all(Vec::is_empty) {
        faults.push(Fault {
            part: Part::Week,
            what: format!("calendar '{}' is never open", spec.name),
            remedy: "give its week at least one window, such as mon = [\"09:00-18:00\"]".to_owned(),
        });
    }
    for (of, list) in spec.week.iter().enumerate() {
        windows(WEEKDAYS[of], list, |w| Part::WeekWindow(of, w), faults);
    }
    for (of, list) in spec.week.iter().enumerate() {
        let next = (of + 1) % 7;
        let (Some(night), Some(morning)) = (list.last(), spec.week[next].first()) else {
            continue;
        };
        if night.end_min() > DAY_MIN + morning.open_min {
            let (late, early) = (WEEKDAYS[of], WEEKDAYS[next]);
            faults.push(Fault {
                part: Part::WeekWindow(of, list.len() - 1),
                what: format!(
                    "{late} {} runs into {early} {}",
                    window_text(*night),
                    window_text(*morning)
                ),
                remedy: format!("let it end when {early} opens, or {early} open when it ends"),
            });
        }
    }
}

/// One day's windows: times of a day, in order, none over another.
fn windows(called: &str, list: &[Window], part: impl Fn(usize) -> Part, faults: &mut Vec<Fault>) {
    for (at, window) in list.iter().enumerate() {
        if window.open_min >= DAY_MIN || window.close_min > DAY_MIN {
            faults.push(Fault {
                part: part(at),
                what: format!(
                    "{called}: the window {} is no time of a day",
                    window_text(*window)
                ),
                remedy: "it opens from 00:00 to 23:59 and closes from 00:00 to 24:00".to_owned(),
            });
        }
    }
    if list.len() > WINDOWS_MAX {
        faults.push(Fault {
            part: part(WINDOWS_MAX),
            what: format!("{called} has {} windows", list.len()),
            remedy: format!("it takes up to {WINDOWS_MAX} a day"),
        });
    }
    for (at, two) in list.windows(2).enumerate() {
        if two[0].end_min() > two[1].open_min {
            faults.push(Fault {
                part: part(at + 1),
                what: format!(
                    "{called}: the windows {} and {} overlap",
                    window_text(two[0]),
                    window_text(two[1])
                ),
                remedy: "let one end when the other opens, or join them".to_owned(),
            });
        }
    }
}

/// Holidays or overrides: dates that exist, in order, none twice, none beyond what is published.
fn dates(
    spec: &CalendarSpec,
    called: &str,
    list: &[(Day, Day)],
    part: impl Fn(usize) -> Part,
    faults: &mut Vec<Fault>,
) {
    let mut before: Option<(Day, Day)> = None;
    for (at, (first, last)) in list.iter().copied().enumerate() {
        let mut fault = |what, remedy| {
            faults.push(Fault {
                part: part(at),
                what,
                remedy,
            })
        };
        if !(DAY_FIRST..=last).contains(&first) || last > DAY_LAST {
            fault(
                format!("the {called} {} is no range of dates", dates_text(first, last)),
                "it takes dates from 1970-01-01 to 2200-12-31, the first before the last".to_owned(),
            );
            continue;
        }
        if let Some(before) = before.filter(|before| before.1 >= first) {
            fault(
                format!("{} has two {called}s", text(first.max(before.0))),
                format!("name a date in one {called} only"),
            );
        } else if let Some(until) = spec.published_until.filter(|until| last > *until) {
            fault(
                format!("the {called} {} is past published_until", dates_text(first, last)),
                format!(
                    "past {} the plain week counts: move published_until, or leave the {called} out",
                    text(until)
                ),
            );
        }
        before = Some((first, last));
    }
}

/// Night shifts of or before overrides that run into the next date's hours.
fn neighbours(spec: &CalendarSpec, faults: &mut Vec<Fault>) {
    let runs_into = |day: Day| {
        let (night, morning) = (windows_on(spec, day).last()?, windows_on(spec, day + 1).first()?);
        (night.end_min() > DAY_MIN + morning.open_min).then_some((*night, *morning))
    };
    for (at, list) in spec.overrides.iter().enumerate() {
        // From the evening before to the morning after; inside, every evening and morning is alike.
        let days = [list.first - 1, list.first, list.last];
        let found = days
            .into_iter()
            .enumerate()
            .find_map(|(i, day)| Some((i, day, runs_into(day)?)));
        let Some((i, day, (night, morning))) = found else {
            continue;
        };
        let window = if i == 0 { 0 } else { list.windows.len() - 1 };
        faults.push(Fault {
            part: Part::OverrideWindow(at, window),
            what: format!(
                "{} {} runs into {} {}",
                text(day),
                window_text(night),
                text(day + 1),
                window_text(morning)
            ),
            remedy: "let one end when the other opens".to_owned(),
        });
    }
}
