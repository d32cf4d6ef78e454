//! Working time as data: what a calendar file says, and what its zone came to on the machine that read it.
//!
//! A calendar version is a fact of the log with both, so that replay needs neither the file nor that machine's zones.
//! What is computed from it is in `calendar`.

use super::Text;
use rkyv::{Archive, Deserialize, Serialize};

/// A local date: days since 1970-01-01.
pub type Day = i32;

/// Minutes of a local day: 24:00.
pub const DAY_MIN: u16 = 1_440;

/// Open from one local time to another; the closing time is no longer open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub struct Window {
    /// Opens, minutes after local midnight: 0–1439.
    pub open_min: u16,
    /// Closes, minutes after local midnight: 0–1440. Not after `open_min`: on the next local date.
    pub close_min: u16,
}

/// The date as `2026-12-31`.
pub fn iso(day: Day) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    let date = jiff::Span::new()
        .try_days(day)
        .and_then(|days| epoch.checked_add(days));
    date.map_or_else(|_| format!("day {day}"), |date| date.to_string())
}

impl Window {
    /// Closes, minutes after the midnight that begins the date on which it opens: up to 2,879.
    pub fn end_min(self) -> u16 {
        if self.close_min > self.open_min {
            self.close_min
        } else {
            self.close_min + DAY_MIN
        }
    }
}

/// What a holiday takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub enum HolidayScope {
    /// The windows that open on it: a night shift that opened the evening before runs to its end.
    #[default]
    ShiftStart,
    /// All its time from local midnight to midnight, cutting night shifts in two.
    CalendarDay,
}

/// Dates on which the windows of the week do not open.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Holiday {
    /// First date.
    pub first: Day,
    /// Last date, not before the first.
    pub last: Day,
    /// Its name for people, or empty.
    pub label: String,
}

/// Dates with windows of their own: they replace the week's and beat a holiday.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Override {
    /// First date.
    pub first: Day,
    /// Last date, not before the first.
    pub last: Day,
    /// The windows of each of these dates, by opening time; none: closed.
    pub windows: Vec<Window>,
    /// Its name for people, or empty.
    pub label: String,
}

/// What a calendar file says.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct CalendarSpec {
    /// How policies and tickets name it.
    pub name: Text,
    /// Its name for people, or empty.
    pub label: String,
    /// Its zone by IANA name.
    pub zone: Text,
    /// The windows of Monday to Sunday, each day's by opening time.
    pub week: [Vec<Window>; 7],
    /// Holidays in the order of their dates, none on two lines.
    pub holidays: Vec<Holiday>,
    /// Dates with windows of their own, in the order of their dates, none on two lines.
    pub overrides: Vec<Override>,
    /// What a holiday takes away.
    pub holiday_scope: HolidayScope,
    /// Last date for which the holidays are known; `None`: there is nothing to be published.
    pub published_until: Option<Day>,
}

/// From an instant on, local time is UTC plus the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Transition {
    /// The instant, seconds since 1970-01-01T00:00:00Z.
    pub at_s: i64,
    /// Seconds east of UTC.
    pub offset_s: i32,
}

/// What local time is in a zone, from 1970 to 2200.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct ZoneTable {
    /// IANA name.
    pub name: Text,
    /// Which release of the zone data it was read from, such as `2025b`; `unknown` if that said nothing.
    pub tzdata_version: Text,
    /// Seconds east of UTC before the first transition.
    pub base_offset_s: i32,
    /// Changes of the offset in the order of time.
    pub transitions: Vec<Transition>,
}

/// A version of a calendar took effect.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct CalendarExtended {
    /// The calendar.
    pub name: Text,
    /// Its version, from 1.
    pub version: u32,
    /// Digest of the text.
    pub hash: u64,
    /// The file as it was read.
    pub text: String,
    /// What it says.
    pub spec: CalendarSpec,
    /// Its zone as it was then.
    pub zone: ZoneTable,
    /// Why there is this version, or empty.
    pub reason: Text,
}
