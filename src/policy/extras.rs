//! What a policy file says beside its clocks: who wanted the version, on whom it is tried, extensions, reminders.

use super::calendars::words;
use super::context::Context;
use super::levels::usable_queue;
use super::problem::Problems;
use super::section::{self, Section};
use crate::model::Text;
use crate::model::calendar::DAY_MIN;
use crate::model::rules::{About, Every, ExtensionRule, Pilot, Reminder};
use crate::model::target::Target;
use crate::model::time::Span;
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

const ABOUT_KEYS: [&str; 3] = ["reason", "requested_by", "approved_by"];
const PILOT_KEYS: [&str; 3] = ["classes", "segments", "queues"];
const EXTENSION_KEYS: [&str; 3] = ["lead", "approver", "notice"];
const REMINDER_KEYS: [&str; 7] = ["name", "queue", "at", "every", "on", "working", "calendar"];

/// Days of the week as `on` spells them.
const DAYS: [(&str, u8); 7] = [
    ("mon", 0),
    ("tue", 1),
    ("wed", 2),
    ("thu", 3),
    ("fri", 4),
    ("sat", 5),
    ("sun", 6),
];

/// `[version]`
pub(super) fn about(top: &Section<'_>, problems: &mut Problems) -> About {
    let Some(table) = top.table("version", "a table: [version]", problems) else {
        return About::default();
    };
    let place = top.get("version").map_or(0..0, Spanned::span);
    let of = Section::new(table, place, "the version", &ABOUT_KEYS, problems);
    let mut text = |key: &str| of.text(key, problems).map_or("", |(text, _)| text).to_owned();
    About {
        reason: text("reason"),
        requested_by: text("requested_by"),
        approved_by: text("approved_by"),
    }
}

/// `[pilot]`
pub(super) fn pilot(top: &Section<'_>, context: &Context<'_>, problems: &mut Problems) -> Option<Pilot> {
    let table = top.table("pilot", "a table: [pilot]", problems)?;
    let place = top.get("pilot").map_or(0..0, Spanned::span);
    let of = Section::new(table, place.clone(), "the pilot", &PILOT_KEYS, problems);
    let before = problems.count();
    let classes = of.list("classes", problems, |word, place, problems| {
        context.class(word, place, problems)
    });
    let segments = of.list("segments", problems, |word, place, problems| {
        let name = section::name("segments", word, place, problems)?;
        Context::declared("segment", word, &context.segments, place, problems).then_some(name)
    });
    let pilot = Pilot {
        classes: classes.map_or_else(Vec::new, |(list, _)| list),
        segments: segments.map_or_else(Vec::new, |(list, _)| list),
        queues: of.names("queues", problems),
    };
    if problems.count() == before && pilot == Pilot::default() {
        problems.at(
            &place,
            "the pilot names no tickets to try this version on",
            "name classes, segments or queues, or leave [pilot] out to apply it to all",
        );
    }
    Some(pilot)
}

/// `[extensions.resolution]`, in the order of targets.
pub(super) fn extensions(top: &Section<'_>, problems: &mut Problems) -> Vec<ExtensionRule> {
    let mut list = Vec::new();
    let tables = top.table("extensions", "tables: [extensions.NAME]", problems);
    for (key, value) in tables.into_iter().flatten() {
        let called = format!("extension '{}'", key.get_ref());
        let target = Target::parse(key.get_ref()).map_err(|refusal| problems.refused(&key.span(), &refusal));
        let Some(table) = value.get_ref().as_table() else {
            section::wrong(&called, value, "a table with lead, approver, notice", problems);
            continue;
        };
        let of = Section::new(table, key.span(), called, &EXTENSION_KEYS, problems);
        let lead_ms = match of.span("lead", problems) {
            None => 0,
            Some((Span::Ms(ms), _)) => ms,
            Some((span, place)) => {
                problems.at(
                    &place,
                    format!("lead '{span}' needs a calendar"),
                    "it takes ms, s, m, h, d or w before the due",
                );
                0
            }
        };
        let mut role = |key: &str| {
            of.name(key, problems)
                .map_or_else(Text::default, |(name, _)| name)
        };
        let (approver, notice) = (role("approver"), role("notice"));
        list.extend(target.map(|target| ExtensionRule {
            target,
            lead_ms,
            approver,
            notice,
        }));
    }
    list.sort_by(|a, b| a.target.cmp(&b.target));
    list
}

/// `[[reminders]]`
pub(super) fn reminders(top: &Section<'_>, context: &Context<'_>, problems: &mut Problems) -> Vec<Reminder> {
    let mut list: Vec<Reminder> = Vec::new();
    for of in top.tables("reminders", "a reminder", &REMINDER_KEYS, problems) {
        for (key, example) in [
            ("name", "\"daily digest\""),
            ("queue", "\"front-desk\""),
            ("at", "\"09:00\""),
            ("every", "\"1d\""),
        ] {
            if of.get(key).is_none() {
                problems.at(
                    &of.place,
                    format!("the reminder has no {key}"),
                    format!("add {key} = {example}"),
                );
            }
        }
        let queue = of.name("queue", problems);
        let queue = queue.and_then(|(queue, place)| usable_queue(queue, &place, problems));
        let name = of.name("name", problems);
        let at_min = of
            .text("at", problems)
            .and_then(|(word, place)| time_of_day(word, &place, problems));
        let every = every(&of, problems);
        let working = of.flag("working", problems);
        let own = context.calendar(&of, problems).map(|(index, _)| index);
        let calendar = own.or(context.calendar);
        if working && calendar.is_none() && of.get("calendar").is_none() {
            problems.at(
                &of.get("working").map_or(0..0, Spanned::span),
                "no calendar says which days are working days",
                "add calendar = \"cn-office\" there, or at the top",
            );
        }
        let (Some((name, place)), Some(queue), Some(at_min), Some(every)) = (name, queue, at_min, every)
        else {
            continue;
        };
        if list
            .iter()
            .any(|known| known.name == name && known.queue == queue)
        {
            problems.at(
                &place,
                format!("queue '{queue}' has a reminder '{name}' already"),
                "give it another name",
            );
        }
        list.push(Reminder {
            name,
            queue,
            at_min,
            every,
            working,
            calendar,
        });
    }
    list
}

fn time_of_day(word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<u16> {
    let minutes = words::minutes(word).filter(|minutes| *minutes < DAY_MIN);
    if minutes.is_none() {
        problems.at(
            place,
            format!("at '{word}' is no time of day"),
            "it takes a time from 00:00 to 23:59, such as 09:00",
        );
    }
    minutes
}

/// `every`, and `on` which of its days.
fn every(of: &Section<'_>, problems: &mut Problems) -> Option<Every> {
    const CHOICES: [(&str, Every); 3] = [
        ("1d", Every::Day),
        ("1w", Every::Week(0)),
        ("1mo", Every::Month(1)),
    ];
    let (every, _) = of.choice("every", &CHOICES, problems)?;
    let Some(value) = of.get("on") else {
        return Some(every);
    };
    match (every, value.get_ref()) {
        (Every::Week(_), DeValue::String(_)) => {
            of.choice("on", &DAYS, problems).map(|(day, _)| Every::Week(day))
        }
        (Every::Month(_), DeValue::Integer(number)) => {
            let day = u8::from_str_radix(number.as_str(), number.radix());
            let day = day.ok().filter(|day| (1..=31).contains(day));
            if day.is_none() {
                problems.at(
                    &value.span(),
                    format!("on {number} is no day of a month"),
                    "it takes 1 to 31; a shorter month has it on its last day",
                );
            }
            day.map(Every::Month)
        }
        _ => {
            let takes = match every {
                Every::Day => "no value for every = \"1d\": leave it out",
                Every::Week(_) => "a day of the week: mon, tue, wed, thu, fri, sat or sun",
                Every::Month(_) => "a day of the month: a whole number from 1 to 31",
            };
            problems.at(
                &value.span(),
                "on does not say a day of what every says",
                format!("it takes {takes}"),
            );
            None
        }
    }
}
