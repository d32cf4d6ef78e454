//! The vectors of `tests/fixtures/business-time.json`: what several engines and publications agree on.

use serde_json::Value;
use slad::calendar::{Calendar, DayEnd, Zones};
use slad::model::calendar::{CalendarSpec, Holiday, HolidayScope, Override, Window};
use slad::model::time;
use std::path::Path;

/// A calendar of the vectors.
fn calendar(name: &str, of: &Value) -> CalendarSpec {
    let day = |text: &str| {
        let parts: Vec<u32> = text.split('-').map(|part| part.parse().unwrap()).collect();
        slad::calendar::date::day(parts[0] as i32, parts[1], parts[2]).unwrap()
    };
    let minutes = |text: &Value| {
        let (hour, minute) = text.as_str().unwrap().split_once(':').unwrap();
        hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
    };
    let windows = |list: &Value| -> Vec<Window> {
        let list = list.as_array().unwrap().iter();
        list.map(|w| Window {
            open_min: minutes(&w[0]),
            close_min: minutes(&w[1]),
        })
        .collect()
    };
    let holidays = of["holidays"].as_array().unwrap().iter();
    let overrides = of["overrides"].as_object().unwrap().iter();
    CalendarSpec {
        name: name.into(),
        label: String::new(),
        zone: of["time_zone"].as_str().unwrap().into(),
        week: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|d| windows(&of["weekly"][d])),
        holidays: holidays
            .map(|d| day(d.as_str().unwrap()))
            .map(|d| Holiday {
                first: d,
                last: d,
                label: String::new(),
            })
            .collect(),
        overrides: overrides
            .map(|(d, list)| (day(d), windows(list)))
            .map(|(d, windows)| Override {
                first: d,
                last: d,
                windows,
                label: String::new(),
            })
            .collect(),
        holiday_scope: match of["holiday_scope"].as_str().unwrap() {
            "calendar_day" => HolidayScope::CalendarDay,
            "shift_start" => HolidayScope::ShiftStart,
            other => panic!("holiday_scope {other}"),
        },
        published_until: None,
    }
}

fn instant(value: &Value) -> i64 {
    time::instant("vector", value.as_str().unwrap().as_bytes()).unwrap()
}

/// The due as a desk reckons it that pauses and resumes: what is left at a pause is what is given at its end.
fn due(calendar: &Calendar, vector: &Value) -> i64 {
    let start = instant(&vector["start"]);
    assert_eq!(start, instant(&vector["start_utc"]));
    let target = &vector["target"];
    let seconds = || target["seconds"].as_i64().unwrap();
    let mut due = match target["kind"].as_str().unwrap() {
        "business_duration" => calendar.due_after(start, seconds() * 1_000),
        "elapsed_duration" => return start + seconds() * 1_000,
        "business_days" => {
            let end = match target["mode"].as_str().unwrap() {
                "same_time" => DayEnd::SameTime,
                "end_of_day" => DayEnd::EndOfDay,
                other => panic!("mode {other}"),
            };
            calendar.business_days_after(start, target["days"].as_u64().unwrap() as u32, end)
        }
        "calendar_period" => calendar.months_after(start, 12 * target["years"].as_u64().unwrap() as u32),
        other => panic!("kind {other}"),
    };
    for pause in vector["pauses"].as_array().unwrap() {
        let (from, to) = (instant(&pause["from"]).max(start), instant(&pause["to"]));
        if from < due {
            due = calendar.due_after(to, calendar.elapsed(from, due));
        }
    }
    due
}

#[test]
fn every_vector_is_met_to_the_millisecond() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("tests/fixtures/business-time.json")).unwrap();
    if let Ok(shared) = std::fs::read_to_string(root.join("../shared/vectors/business-time.json")) {
        assert_eq!(text, shared, "the fixture is a copy of the shared vectors");
    }
    let all: Value = serde_json::from_str(&text).unwrap();
    let zones = Zones::bundled();
    let mut met = 0;
    for vector in all["vectors"].as_array().unwrap() {
        let name = vector["calendar"].as_str().unwrap();
        let spec = calendar(name, &all["calendars"][name]);
        let calendar = Calendar::compile(&spec, &zones.table(&spec.zone).unwrap()).unwrap();
        let (found, expected) = (due(&calendar, vector), instant(&vector["expect"]["due_utc"]));
        let (found, expected) = (time::rfc3339(found), time::rfc3339(expected));
        assert_eq!(found, expected, "{}: {}", vector["id"], vector["note"]);
        met += 1;
    }
    assert_eq!(met, 20);
    println!("{met} vectors met");
}
