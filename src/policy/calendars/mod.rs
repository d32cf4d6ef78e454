//! Calendar files: TOML → a calendar's data and its zone's table. Every mistake with its line, column and remedy.
//!
//! What the words of a file come to is looked at here; what may be wrong between them (overlaps, dates named twice) is found
//! by [`crate::calendar::check`], which knows parts, and placed here. Linear in the text but for sorting its dates.

pub(super) mod words;

use super::parse;
use super::problem::{Problem, Problems};
use super::section::{self, Section};
use crate::calendar::check::{self, Part, WEEKDAYS};
use crate::calendar::{Calendar, Fault, Zones};
use crate::model::calendar::{CalendarSpec, Holiday, HolidayScope, Override, Window, ZoneTable};
use crate::model::text;
use std::ops::Range;
use toml::de::DeTable;
use xxhash_rust::xxh3::xxh3_64;

const KEYS: [&str; 8] = [
    "name",
    "label",
    "zone",
    "published_until",
    "holiday_scope",
    "week",
    "holidays",
    "overrides",
];
const HOLIDAY_KEYS: [&str; 2] = ["label", "days"];
const OVERRIDE_KEYS: [&str; 3] = ["label", "days", "hours"];

/// A calendar file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarFile {
    /// What it says.
    pub spec: CalendarSpec,
    /// Its zone as the zone data of the reader has it.
    pub zone: ZoneTable,
    /// The text.
    pub text: String,
    /// Digest of the text.
    pub hash: u64,
}

impl CalendarFile {
    /// Reads a calendar. `name_hint` is its name if the text gives none (a file's stem).
    ///
    /// # Errors
    /// Every mistake found, in the order of the text; never an empty list.
    pub fn parse(name_hint: &str, text: &str, zones: &Zones) -> Result<CalendarFile, Vec<Problem>> {
        let mut problems = Problems::default();
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let place = error.span().unwrap_or(0..0);
            problems.at(&place, error.message(), parse::syntax_remedy(error.message()));
        }
        // As with policies: what a text that is no TOML means would be a guess.
        if !errors.is_empty() {
            return Err(problems.into_list(text));
        }
        let read = calendar(name_hint, root.get_ref(), zones, &mut problems);
        match read {
            Some((spec, zone)) if problems.count() == 0 => Ok(CalendarFile {
                spec,
                zone,
                text: text.to_owned(),
                hash: xxh3_64(text.as_bytes()),
            }),
            _ => Err(problems.into_list(text)),
        }
    }

    /// The calendar itself: some 12 ms.
    ///
    /// # Errors
    /// None for a file that was read; the type is that of data from elsewhere.
    pub fn compile(&self) -> Result<Calendar, Fault> {
        Calendar::compile(&self.spec, &self.zone)
    }
}

/// Where the parts of a calendar stand in its file.
#[derive(Default)]
struct Places {
    week: Range<usize>,
    windows: [Vec<Range<usize>>; 7],
    zone: Range<usize>,
    published_until: Range<usize>,
    holidays: Vec<Range<usize>>,
    /// Each override's dates and windows.
    overrides: Vec<(Range<usize>, Vec<Range<usize>>)>,
}

impl Places {
    fn of(&self, part: Part) -> Range<usize> {
        let found = match part {
            Part::Week => Some(&self.week),
            Part::WeekWindow(day, at) => self.windows[day].get(at),
            Part::Holiday(at) => self.holidays.get(at),
            Part::Override(at) => self.overrides.get(at).map(|(dates, _)| dates),
            Part::OverrideWindow(at, window) => self.overrides.get(at).map(|(dates, windows)| {
                // Windows that come from elsewhere leave the dates to point at.
                windows.get(window).unwrap_or(dates)
            }),
            Part::Zone => Some(&self.zone),
            Part::PublishedUntil => Some(&self.published_until),
        };
        found.cloned().unwrap_or_else(|| self.week.clone())
    }
}

/// The whole calendar; `None` only with problems reported.
fn calendar(
    name_hint: &str,
    root: &DeTable<'_>,
    zones: &Zones,
    problems: &mut Problems,
) -> Option<(CalendarSpec, ZoneTable)> {
    let top = Section::new(root, 0..0, "a calendar", &KEYS, problems);
    let mut places = Places::default();
    let name = parse::policy_name(&top, name_hint, problems);
    let label = parse::label(&top, problems);
    let zone = zone(&top, zones, &mut places, problems);
    let published_until = top.get("published_until").and_then(|value| {
        places.published_until = value.span();
        words::date("published_until", value, problems)
    });
    let holiday_scope = scope(&top, problems);
    let week = week(&top, &mut places, problems);
    let holidays = holidays(&top, &mut places, problems);
    let overrides = overrides(&top, &mut places, problems);
    if problems.count() > 0 {
        return None;
    }
    let spec = CalendarSpec {
        name: name?,
        label,
        zone: zone.as_ref()?.name.clone(),
        week: week?,
        holidays,
        overrides,
        holiday_scope,
        published_until,
    };
    for fault in check::check(&spec) {
        problems.at(&places.of(fault.part), fault.what, fault.remedy);
    }
    Some((spec, zone?))
}

fn zone(top: &Section<'_>, zones: &Zones, places: &mut Places, problems: &mut Problems) -> Option<ZoneTable> {
    if top.get("zone").is_none() {
        problems.at(
            &top.place,
            "the calendar has no zone",
            "add a line such as zone = \"Asia/Shanghai\"",
        );
        return None;
    }
    let (name, place) = top.text("zone", problems)?;
    places.zone = place.clone();
    let table = zones.table(name);
    if table.is_none() {
        let names = zones.names();
        let hint = text::hint(name, names.iter().map(String::as_str));
        problems.at(
            &place,
            format!(
                "there is no zone '{name}'{hint} in the zone data {}",
                zones.version()
            ),
            "it takes an IANA name such as \"Asia/Shanghai\" or \"UTC\"",
        );
    }
    table
}

fn scope(top: &Section<'_>, problems: &mut Problems) -> HolidayScope {
    match top.text("holiday_scope", problems) {
        None | Some(("shift_start", _)) => HolidayScope::ShiftStart,
        Some(("calendar_day", _)) => HolidayScope::CalendarDay,
        Some((word, place)) => {
            let hint = text::hint(word, ["shift_start", "calendar_day"]);
            problems.at(
                &place,
                format!("there is no holiday_scope '{word}'{hint}"),
                "it takes shift_start (a holiday's windows do not open) or calendar_day (it cuts at midnight)",
            );
            HolidayScope::ShiftStart
        }
    }
}

fn week(top: &Section<'_>, places: &mut Places, problems: &mut Problems) -> Option<[Vec<Window>; 7]> {
    let takes = "a table of days: mon = [\"09:00-12:00\", \"13:30-18:00\"]";
    let Some(value) = top.get("week") else {
        problems.at(
            &top.place,
            "the calendar has no [week]",
            format!("add [week] with {}", &takes["a table of days: ".len()..]),
        );
        return None;
    };
    places.week = value.span();
    let table = top.table("week", takes, problems)?;
    let section = Section::new(table, value.span(), "the week", &WEEKDAYS, problems);
    let mut week: [Vec<Window>; 7] = Default::default();
    for (at, day) in WEEKDAYS.into_iter().enumerate() {
        (week[at], places.windows[at]) = words::windows(&section, day, problems);
    }
    Some(week)
}

fn holidays(top: &Section<'_>, places: &mut Places, problems: &mut Problems) -> Vec<Holiday> {
    let mut found = Vec::new();
    for section in sections(top, "holidays", "a holiday", &HOLIDAY_KEYS, problems) {
        let label = parse::label(&section, problems);
        for (first, last, place) in words::days(&section, problems) {
            let label = label.clone();
            found.push((Holiday { first, last, label }, place));
        }
    }
    found.sort_by_key(|(holiday, _)| holiday.first);
    let (list, at) = found.into_iter().unzip();
    places.holidays = at;
    list
}

fn overrides(top: &Section<'_>, places: &mut Places, problems: &mut Problems) -> Vec<Override> {
    let mut found = Vec::new();
    for section in sections(top, "overrides", "an override", &OVERRIDE_KEYS, problems) {
        let label = parse::label(&section, problems);
        if section.get("hours").is_none() {
            problems.at(
                &section.place,
                "the override has no hours",
                "add hours = [\"09:00-12:00\"], or hours = [] to close on these days",
            );
        }
        let (windows, window_places) = words::windows(&section, "hours", problems);
        for (first, last, place) in words::days(&section, problems) {
            let (label, windows) = (label.clone(), windows.clone());
            let of = Override {
                first,
                last,
                windows,
                label,
            };
            found.push((of, (place, window_places.clone())));
        }
    }
    found.sort_by_key(|(of, _)| of.first);
    let (list, at) = found.into_iter().unzip();
    places.overrides = at;
    list
}

/// The tables of an array of tables.
fn sections<'a>(
    top: &Section<'a>,
    key: &str,
    called: &str,
    known: &[&str],
    problems: &mut Problems,
) -> Vec<Section<'a>> {
    let Some(value) = top.get(key) else {
        return Vec::new();
    };
    let takes = format!("tables: [[{key}]] with {}", known.join(", "));
    let Some(items) = value.get_ref().as_array() else {
        section::wrong(key, value, &takes, problems);
        return Vec::new();
    };
    let mut found = Vec::with_capacity(items.len());
    for item in items.iter() {
        match item.get_ref().as_table() {
            Some(table) => found.push(Section::new(table, item.span(), called, known, problems)),
            None => section::wrong(key, item, &takes, problems),
        }
    }
    found
}
