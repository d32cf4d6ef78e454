//! The priorities of a policy file: the short form, the full form, and what must hold between them.

use super::parse::label;
use super::problem::Problems;
use super::section::{self, Placed, Section, TAKES_RANK};
use crate::model::rules::Priority;
use crate::model::text::{self, Text};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeValue};

const LEVEL_KEYS: [&str; 4] = ["label", "rank", "queue", "clocks"];

/// Ranks of the short form lie this far apart, so that levels of other policies fit between.
const RANK_STEP: usize = 10;

/// A priority, where it stands, and what is still to be read of it.
pub(super) struct Level<'a> {
    pub(super) priority: Priority,
    /// Its own queue.
    pub(super) queue: Option<Text>,
    /// How it is called, and its place, in messages about what it lacks.
    pub(super) called: String,
    pub(super) place: Range<usize>,
    /// Where its rank stands; empty: nowhere.
    rank_place: Range<usize>,
    /// The table of the full form.
    pub(super) section: Option<Section<'a>>,
}

/// The priorities, most urgent first.
pub(super) fn levels<'a>(top: &Section<'a>, problems: &mut Problems) -> Vec<Level<'a>> {
    let none = "it takes a list of names, the most urgent first, or a table [priorities.NAME] for each";
    let Some(value) = top.get("priorities") else {
        problems.at(&top.place, "priorities are missing", none);
        return Vec::new();
    };
    let mut levels = match value.get_ref() {
        DeValue::Array(names) => short_levels(top, value, names, problems),
        DeValue::Table(tables) => tables
            .iter()
            .filter_map(|(name, value)| full_level(name, value, problems))
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
fn short_levels<'a>(
    top: &Section<'a>,
    value: &Spanned<DeValue<'_>>,
    names: &DeArray<'_>,
    problems: &mut Problems,
) -> Vec<Level<'a>> {
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
    let list = top.list("priorities", problems, |word, place, problems| {
        Some((section::name("priorities", word, place, problems)?, place.clone()))
    });
    let levels = list
        .map_or_else(Vec::new, |(list, _)| list)
        .into_iter()
        .enumerate();
    levels
        .map(|(index, (name, place))| Level {
            priority: Priority {
                name,
                label: String::new(),
                rank: u8::try_from(index * RANK_STEP).unwrap_or(u8::MAX),
            },
            queue: None,
            called: "priorities".to_owned(),
            place: value.span(),
            // Beyond the last rank the list was refused above: no rank clashes on top.
            rank_place: if index < most { place } else { 0..0 },
            section: None,
        })
        .collect()
}

/// `[priorities.P1]`
fn full_level<'a>(
    key: &Spanned<DeString<'_>>,
    value: &'a Spanned<DeValue<'a>>,
    problems: &mut Problems,
) -> Option<Level<'a>> {
    let called = format!("priority '{}'", key.get_ref());
    let Some(table) = value.get_ref().as_table() else {
        section::wrong(&called, value, "a table with rank, queue and clocks", problems);
        return None;
    };
    let name = section::name("priorities", key.get_ref(), &key.span(), problems);
    let level = Section::new(table, key.span(), called.clone(), &LEVEL_KEYS, problems);
    let queue = level.name("queue", problems);
    let queue = queue.and_then(|(queue, place)| usable_queue(queue, &place, problems));
    let rank = rank(&level, problems);
    let label = label(&level, problems);
    let (rank, rank_place) = rank.unwrap_or((0, 0..0));
    // A level with problems still takes part in the checks between levels; place 0..0 keeps it out of rank clashes.
    Some(Level {
        priority: Priority {
            name: name?,
            label,
            rank,
        },
        queue,
        called,
        place: key.span(),
        rank_place,
        section: Some(level),
    })
}

fn rank(level: &Section<'_>, problems: &mut Problems) -> Option<Placed<u8>> {
    if level.get("rank").is_none() {
        problems.at(&level.place, format!("{} has no rank", level.called), TAKES_RANK);
    }
    level.rank(problems)
}

/// Sorts by rank and reports levels that share one: their tickets could not be put in order.
fn rank_clashes(levels: &mut [Level<'_>], problems: &mut Problems) {
    levels.sort_by_key(|level| (level.priority.rank, level.rank_place.start));
    for pair in levels.windows(2) {
        let [first, second] = pair else { continue };
        if first.priority.rank == second.priority.rank
            && !first.rank_place.is_empty()
            && !second.rank_place.is_empty()
        {
            let (rank, name) = (second.priority.rank, &first.priority.name);
            problems.at(
                &second.rank_place,
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
    levels: &[Level<'_>],
    problems: &mut Problems,
) -> Option<u16> {
    let names: Vec<&str> = levels.iter().map(|l| l.priority.name.as_str()).collect();
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
