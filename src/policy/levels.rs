//! The priorities of a policy file: the short form, the full form, and what must hold between them.

use super::clocks::{self, Defaults};
use super::parse::label;
use super::problem::Problems;
use super::section::{self, Placed, Section};
use crate::model::rules::{ClockRule, Priority};
use crate::model::text::{self, Text};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeValue};

const LEVEL_KEYS: [&str; 4] = ["label", "rank", "queue", "clocks"];

/// Ranks of the short form lie this far apart, so that levels of other policies fit between.
const RANK_STEP: usize = 10;

/// A priority and what it says of its tickets.
pub(super) struct Level {
    pub(super) priority: Priority,
    pub(super) queue: Text,
    pub(super) clocks: Vec<ClockRule>,
}

/// A level, and where its rank stands.
pub(super) struct PlacedLevel {
    pub(super) level: Level,
    place: Range<usize>,
}

/// The priorities, most urgent first.
pub(super) fn levels(
    top: &Section<'_>,
    queue: Option<&Text>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Vec<PlacedLevel> {
    let none = "it takes a list of names, the most urgent first, or a table [priorities.NAME] for each";
    let Some(value) = top.get("priorities") else {
        problems.at(&top.place, "priorities are missing", none);
        return Vec::new();
    };
    let mut levels = match value.get_ref() {
        DeValue::Array(names) => short_levels(top, value, names, queue, problems),
        DeValue::Table(tables) => tables
            .iter()
            .filter_map(|(name, value)| full_level(name, value, queue, defaults, problems))
            .collect(),
        other => {
            problems.at(
                &value.span(),
                format!("priorities are of type {}", other.type_str()),
                none,
            );
            return Vec::new();
        }
    };
    let empty = match value.get_ref() {
        DeValue::Array(names) => names.is_empty(),
        DeValue::Table(tables) => tables.is_empty(),
        _ => false,
    };
    if empty {
        problems.at(&value.span(), "there are no priorities", none);
    }
    rank_clashes(&mut levels, problems);
    levels
}

/// `priorities = ["P0", "P1"]`: ranks 0, 10, 20 …, no clocks.
fn short_levels(
    top: &Section<'_>,
    value: &Spanned<DeValue<'_>>,
    names: &DeArray<'_>,
    queue: Option<&Text>,
    problems: &mut Problems,
) -> Vec<PlacedLevel> {
    let most = usize::from(u8::MAX) / RANK_STEP + 1;
    if names.len() > most {
        problems.at(
            &value.span(),
            format!(
                "{} priorities, ranks {RANK_STEP} apart, pass rank 255",
                names.len()
            ),
            format!("list at most {most}, or write a table [priorities.NAME] with a rank for each"),
        );
    }
    if queue.is_none() && top.get("queue").is_none() && !names.is_empty() {
        missing_queue(&value.span(), "priorities", problems);
    }
    let list = top.list("priorities", problems, |word, place, problems| {
        Some((section::name("priorities", word, place, problems)?, place.clone()))
    });
    let levels = list
        .map_or_else(Vec::new, |(list, _)| list)
        .into_iter()
        .enumerate();
    levels
        .map(|(index, (name, place))| PlacedLevel {
            level: Level {
                priority: Priority {
                    name,
                    label: String::new(),
                    rank: u8::try_from(index * RANK_STEP).unwrap_or(u8::MAX),
                },
                queue: queue.cloned().unwrap_or_default(),
                clocks: Vec::new(),
            },
            // Beyond the last rank the list was refused above: no rank clashes on top.
            place: if index < most { place } else { 0..0 },
        })
        .collect()
}

fn missing_queue(place: &Range<usize>, of: &str, problems: &mut Problems) {
    problems.at(
        place,
        format!("{of}: no queue says where the tickets wait"),
        "add queue = \"NAME\" there, or at the top for all priorities",
    );
}

/// `[priorities.P1]`
fn full_level(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    queue: Option<&Text>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<PlacedLevel> {
    let called = format!("priority '{}'", key.get_ref());
    let Some(table) = value.get_ref().as_table() else {
        section::wrong(&called, value, "a table with rank, queue and clocks", problems);
        return None;
    };
    let name = section::name("priorities", key.get_ref(), &key.span(), problems);
    let level = Section::new(table, key.span(), called, &LEVEL_KEYS, problems);
    let own = level.name("queue", problems);
    let own = own.and_then(|(own, place)| usable_queue(own, &place, problems));
    if own.is_none() && queue.is_none() && level.get("queue").is_none() {
        missing_queue(&level.place, &level.called, problems);
    }
    let rank = rank(&level, problems);
    let clocks = clocks::clocks(&level, defaults, problems);
    let label = label(&level, problems);
    let (rank, place) = rank.unwrap_or((0, 0..0));
    // A level with problems still takes part in the checks between levels; place 0..0 keeps it out of rank clashes.
    Some(PlacedLevel {
        level: Level {
            priority: Priority {
                name: name?,
                label,
                rank,
            },
            queue: own.or_else(|| queue.cloned()).unwrap_or_default(),
            clocks,
        },
        place,
    })
}

fn rank(level: &Section<'_>, problems: &mut Problems) -> Option<Placed<u8>> {
    let remedy = "it takes a whole number from 0, the most urgent, to 255";
    let Some(value) = level.get("rank") else {
        problems.at(&level.place, format!("{} has no rank", level.called), remedy);
        return None;
    };
    let number = value.get_ref().as_integer();
    let rank = number.and_then(|n| u8::from_str_radix(n.as_str(), n.radix()).ok());
    if rank.is_none() {
        let what = match number {
            Some(number) => format!("rank {number} is out of range"),
            None => format!("rank is of type {}", value.get_ref().type_str()),
        };
        problems.at(&value.span(), what, remedy);
    }
    rank.map(|rank| (rank, value.span()))
}

/// Sorts by rank and reports levels that share one: their tickets could not be put in order.
fn rank_clashes(levels: &mut [PlacedLevel], problems: &mut Problems) {
    levels.sort_by_key(|level| (level.level.priority.rank, level.place.start));
    for pair in levels.windows(2) {
        let [first, second] = pair else { continue };
        if first.level.priority.rank == second.level.priority.rank
            && !first.place.is_empty()
            && !second.place.is_empty()
        {
            let (rank, name) = (second.level.priority.rank, &first.level.priority.name);
            problems.at(
                &second.place,
                format!("rank {rank} is that of priority '{name}' already"),
                "give each priority of a policy a rank of its own",
            );
        }
    }
}

/// Refuses the pseudo queue.
pub(super) fn usable_queue(queue: Text, place: &Range<usize>, problems: &mut Problems) -> Option<Text> {
    if queue != "none" {
        return Some(queue);
    }
    problems.at(
        place,
        "the queue name 'none' is reserved for tickets that are never routed",
        "name the queue of a team; a ticket opened with `queue none` still has timers only",
    );
    None
}

/// Index of the default among the levels.
pub(super) fn default_priority(
    top: &Section<'_>,
    levels: &[PlacedLevel],
    problems: &mut Problems,
) -> Option<u16> {
    let names: Vec<&str> = levels.iter().map(|l| l.level.priority.name.as_str()).collect();
    let remedy = || {
        let known = if names.is_empty() {
            "a priority".to_owned()
        } else {
            names.join(", ")
        };
        format!("it takes {known}")
    };
    let Some(value) = top.get("default_priority") else {
        problems.at(&top.place, "default_priority is missing", remedy());
        return None;
    };
    let (given, place) = section::string("default_priority", value, problems)?;
    match names.iter().position(|name| *name == given) {
        Some(index) => u16::try_from(index).ok(),
        // Without any priority something was reported already; this would only repeat it.
        None if names.is_empty() => None,
        None => {
            let hint = text::hint(given, names.iter().copied());
            let what = format!("default_priority '{given}' is none of the priorities{hint}");
            problems.at(&place, what, remedy());
            None
        }
    }
}
