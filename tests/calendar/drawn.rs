//! Calendars drawn at random: any zone, windows at odd minutes, night shifts, 24:00, holidays of both scopes, overrides, all
//! close to a change of the clocks more often than not.

use crate::random::Random;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use slad::calendar::check::{Part, check};
use slad::model::calendar::{CalendarSpec, Day, Holiday, HolidayScope, Override, Window};

/// Zones with something odd about them, drawn as often as all others together.
const ODD: [&str; 18] = [
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe", // half an hour of summer time
    "America/Sao_Paulo",   // changes at midnight
    "Pacific/Apia",        // left out 2011-12-30
    "Pacific/Kwajalein",   // left out a day in 1993
    "Africa/Casablanca",   // back to winter for Ramadan
    "Africa/Monrovia",     // offset with seconds until 1972
    "America/St_Johns",    // changed at one past midnight
    "Antarctica/Troll",    // two hours of summer time
    "Asia/Kathmandu",
    "Asia/Gaza",
    "America/Havana",
    "Africa/Cairo",
    "Europe/Dublin",
    "Asia/Pyongyang",
];

/// A calendar and an instant that it is to be asked about.
pub(crate) struct Drawn {
    pub(crate) spec: CalendarSpec,
    /// Seconds; close to a change of the clocks if there is one.
    pub(crate) anchor_s: i64,
    pub(crate) zone: TimeZone,
}

pub(crate) fn draw(random: &mut Random, names: &[String]) -> Drawn {
    let name = if random.one_in(2) {
        *random.pick(&ODD)
    } else {
        random.pick(names).as_str()
    };
    // The zone data that the calendars are compiled with, whatever the machine has.
    let zone = TimeZoneDatabase::bundled().get(name).unwrap();
    let anchor_s = anchor(random, &zone);
    let today = (anchor_s / 86_400) as Day;
    let mut spec = CalendarSpec {
        name: "drawn".into(),
        label: String::new(),
        zone: name.into(),
        week: std::array::from_fn(|_| windows(random)),
        holidays: dates(random, today)
            .map(|(first, last)| Holiday {
                first,
                last,
                label: String::new(),
            })
            .collect(),
        overrides: Vec::new(),
        holiday_scope: *random.pick(&[HolidayScope::ShiftStart, HolidayScope::CalendarDay]),
        published_until: None,
    };
    spec.overrides = dates(random, today)
        .map(|(first, last)| Override {
            first,
            last,
            windows: windows(random),
            label: String::new(),
        })
        .collect();
    spec.holidays.sort_by_key(|h| h.first);
    spec.overrides.sort_by_key(|o| o.first);
    mend(&mut spec);
    Drawn { spec, anchor_s, zone }
}

fn anchor(random: &mut Random, zone: &TimeZone) -> i64 {
    let (first, last): (u64, u64) = *random.pick(&[(1, 55), (45, 65), (56, 57), (57, 218)]);
    let years = first as i64 + random.below(last - first + 1) as i64;
    let any = years * 31_556_952 + random.below(31_556_952) as i64;
    let change = zone.following(Timestamp::from_second(any).unwrap()).next();
    match change.map(|change| change.timestamp().as_second()) {
        Some(change) if change < 6_900_000_000 && !random.one_in(3) => change,
        _ => any,
    }
}

fn windows(random: &mut Random) -> Vec<Window> {
    let count = *random.pick(&[0, 0, 1, 1, 1, 2, 2, 3, 4]);
    let grain = *random.pick(&[1, 15, 30, 30, 60]);
    let mut list: Vec<Window> = (0..count)
        .map(|_| Window {
            open_min: (random.below(1_440 / grain) * grain) as u16,
            close_min: (random.below(1_440 / grain + 1) * grain) as u16,
        })
        .collect();
    if random.one_in(12) {
        list = vec![Window {
            open_min: 0,
            close_min: 1_440,
        }];
    }
    list.sort_by_key(|window| window.open_min);
    list
}

/// Dates and ranges around a day, most of them near, some years later.
fn dates(random: &mut Random, today: Day) -> impl Iterator<Item = (Day, Day)> + use<> {
    let count = random.below(14);
    let dates: Vec<_> = (0..count)
        .map(|_| {
            let reach = *random.pick(&[4, 10, 60, 4_300]);
            let first = today + random.below(2 * reach) as Day - reach.min(60) as Day;
            (first.max(0), first.max(0) + *random.pick(&[0, 0, 0, 1, 2, 7]))
        })
        .collect();
    dates.into_iter()
}

/// Takes away what the check finds fault with, until it finds none.
fn mend(spec: &mut CalendarSpec) {
    while let Some(fault) = check(spec).into_iter().next() {
        match fault.part {
            Part::Week => spec.week[1].push(Window {
                open_min: 570,
                close_min: 1_111,
            }),
            Part::WeekWindow(day, at) => drop(spec.week[day].remove(at)),
            Part::Holiday(at) => drop(spec.holidays.remove(at)),
            Part::Override(at) => drop(spec.overrides.remove(at)),
            // The fault may lie with the neighbour; closing these dates mends it either way.
            Part::OverrideWindow(at, _) => spec.overrides[at].windows.clear(),
            Part::Zone | Part::PublishedUntil => panic!("{fault}"),
        }
    }
}
