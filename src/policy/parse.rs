//! TOML → rule book. All mistakes are looked for before any is returned, so that one look at the list mends the file.

use super::meaning::{self, Start, Trigger};
use super::problem::{Problem, Problems};
use super::rules::{ClockRule, Level, RuleBook, Warn};
use super::section::{self, Placed, Section};
use crate::model::target::Target;
use crate::model::text::{self, Text};
use crate::model::time::{self, DAY_MS, DurationMs, Span};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use xxhash_rust::xxh3::xxh3_64;

const POLICY_KEYS: [&str; 13] = [
    "name",
    "label",
    "queue",
    "default_priority",
    "required",
    "customer_pauses",
    "close_after",
    "warn",
    "classes",
    "segments",
    "channels",
    "targets",
    "priorities",
];
const TARGET_KEYS: [&str; 3] = ["warn", "pauses_on", "met_by"];
const LEVEL_KEYS: [&str; 4] = ["label", "rank", "queue", "clocks"];
const CLOCK_KEYS: [&str; 4] = ["within", "warn", "pauses_on", "met_by"];

/// Ranks of the short form lie this far apart, so that levels of other policies fit between.
const RANK_STEP: usize = 10;

impl RuleBook {
    /// Reads a policy. `name_hint` is its name if the text gives none (a file's stem); `version` is kept as given.
    ///
    /// # Errors
    /// Every mistake found, in the order of the text; never an empty list.
    pub fn parse(name_hint: &str, text: &str, version: u32) -> Result<RuleBook, Vec<Problem>> {
        let mut problems = Problems::default();
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let place = error.span().unwrap_or(0..0);
            problems.at(
                &place,
                error.message().replace('\n', " "),
                syntax_remedy(error.message()),
            );
        }
        // A text that is no TOML has lost keys: what they were worth would be guesses about the recovered rest.
        if !errors.is_empty() {
            return Err(problems.into_list(text));
        }
        let book = policy(name_hint, root.get_ref(), &mut problems);
        match book {
            Some(book) if problems.count() == 0 => Ok(RuleBook {
                version,
                hash: xxh3_64(text.as_bytes()),
                text: text.to_owned(),
                ..book
            }),
            _ => Err(problems.into_list(text)),
        }
    }
}

fn syntax_remedy(message: &str) -> &'static str {
    if message.contains("duplicate key") {
        "a key or [table] may stand in a file once: join the two or rename one"
    } else {
        "write TOML: key = \"text\", key = [\"a\", \"b\"], [table]"
    }
}

/// The whole policy; `None` only with problems reported.
fn policy(name_hint: &str, root: &DeTable<'_>, problems: &mut Problems) -> Option<RuleBook> {
    let top = Section::new(root, 0..0, "a policy", &POLICY_KEYS, problems);
    let name = policy_name(&top, name_hint, problems);
    let defaults = Defaults::read(&top, problems);
    let queue = top.name("queue", problems);
    let queue = queue.and_then(|(queue, place)| usable_queue(queue, &place, problems));
    let mut levels = levels(&top, queue.as_ref(), &defaults, problems);
    rank_clashes(&mut levels, problems);
    let default_priority = default_priority(&top, &levels, problems);
    let book = RuleBook {
        name: name?,
        version: 0,
        hash: 0,
        text: String::new(),
        label: label(&top, problems),
        default_priority: default_priority.unwrap_or(0),
        priorities: levels.into_iter().map(|level| level.level).collect(),
        classes: top.names("classes", problems),
        segments: top.names("segments", problems),
        channels: top.names("channels", problems),
        required: top.names("required", problems),
        customer_pauses: top.names("customer_pauses", problems),
        close_after: top.span("close_after", problems).map(|(span, _)| span),
    };
    default_priority.map(|_| book)
}

fn policy_name(top: &Section<'_>, hint: &str, problems: &mut Problems) -> Option<Text> {
    let (name, place) = if top.get("name").is_some() {
        top.name("name", problems)?
    } else {
        (
            section::name("name", hint, &top.place, problems)?,
            top.place.clone(),
        )
    };
    if name.contains('@') {
        problems.at(
            &place,
            format!("name '{name}' has an '@'"),
            "it separates name and version: leave it out",
        );
        return None;
    }
    Some(name)
}

fn label(of: &Section<'_>, problems: &mut Problems) -> String {
    let Some((label, place)) = of.text("label", problems) else {
        return String::new();
    };
    if label.is_empty() || label.chars().any(char::is_control) {
        problems.at(
            &place,
            "label is empty or has a control character",
            "it takes one line of text",
        );
    }
    label.to_owned()
}

fn usable_queue(queue: Text, place: &Range<usize>, problems: &mut Problems) -> Option<Text> {
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

fn default_priority(top: &Section<'_>, levels: &[PlacedLevel], problems: &mut Problems) -> Option<u16> {
    let names: Vec<&str> = levels.iter().map(|l| l.level.name.as_str()).collect();
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
        None => {
            let hint = text::hint(given, names.iter().copied());
            let what = format!("default_priority '{given}' is none of the priorities{hint}");
            problems.at(&place, what, remedy());
            None
        }
    }
}

/// A level, and where its rank stands.
struct PlacedLevel {
    level: Level,
    place: Range<usize>,
}

fn levels(
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
    let levels = match value.get_ref() {
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
                name,
                label: String::new(),
                rank: u8::try_from(index * RANK_STEP).unwrap_or(u8::MAX),
                queue: queue.cloned().unwrap_or_default(),
                clocks: Vec::new(),
            },
            place,
        })
        // Beyond the last rank the list was refused above; no rank clashes on top.
        .take(most)
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
    key: &Spanned<std::borrow::Cow<'_, str>>,
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
    let clocks = clocks(&level, defaults, problems);
    let label = label(&level, problems);
    let (rank, place) = rank.unwrap_or((0, 0..0));
    // A level with problems still takes part in the checks between levels; place 0..0 keeps it out of rank clashes.
    Some(PlacedLevel {
        level: Level {
            name: name?,
            label,
            rank,
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
    levels.sort_by_key(|level| (level.level.rank, level.place.start));
    for pair in levels.windows(2) {
        let [first, second] = pair else { continue };
        if first.level.rank == second.level.rank && !first.place.is_empty() && !second.place.is_empty() {
            let (rank, name) = (second.level.rank, &first.level.name);
            problems.at(
                &second.place,
                format!("rank {rank} is that of priority '{name}' already"),
                "give each priority of a policy a rank of its own",
            );
        }
    }
}

/// What holds for clocks unless a level says otherwise.
struct Defaults {
    warn: Option<Placed<WarnWord>>,
    targets: Vec<(Target, Behaviour)>,
}

/// How a clock behaves, as far as it is said.
#[derive(Default)]
struct Behaviour {
    warn: Option<Placed<WarnWord>>,
    pauses_on: Option<Vec<Text>>,
    met_by: Option<Vec<Trigger>>,
}

/// `"80%"`, `"-15m"`, `"none"`.
#[derive(Clone, Copy)]
struct WarnWord(Option<Warn>);

impl Defaults {
    fn read(top: &Section<'_>, problems: &mut Problems) -> Defaults {
        let mut targets = Vec::new();
        for (key, value) in top.table("targets", problems).into_iter().flatten() {
            let target = target(key, problems);
            let called = format!("target '{}'", key.get_ref());
            let Some(table) = value.get_ref().as_table() else {
                section::wrong(&called, value, "a table with warn, pauses_on, met_by", problems);
                continue;
            };
            let section = Section::new(table, key.span(), called, &TARGET_KEYS, problems);
            let behaviour = Behaviour::read(&section, problems);
            targets.extend(target.map(|target| (target, behaviour)));
        }
        Defaults {
            warn: warn(top, problems),
            targets,
        }
    }
}

impl Behaviour {
    fn read(of: &Section<'_>, problems: &mut Problems) -> Behaviour {
        let met_by = of.list("met_by", problems, |word, place, problems| {
            Trigger::parse(word)
                .map_err(|(what, remedy)| problems.at(place, what, remedy))
                .ok()
        });
        if let (Some((_, place)), Some(DeValue::Array(list))) =
            (&met_by, of.get("met_by").map(Spanned::get_ref))
            && list.is_empty()
        {
            problems.at(
                place,
                "met_by is empty: nothing would ever meet the clock",
                "name what meets it, or leave met_by out for the target's own meaning",
            );
        }
        Behaviour {
            warn: warn(of, problems),
            pauses_on: of.get("pauses_on").map(|_| of.names("pauses_on", problems)),
            met_by: met_by.map(|(list, _)| list),
        }
    }
}

fn target(key: &Spanned<std::borrow::Cow<'_, str>>, problems: &mut Problems) -> Option<Target> {
    Target::parse(key.get_ref())
        .map_err(|refusal| problems.refused(&key.span(), &refusal))
        .ok()
}

/// `[priorities.P1.clocks]`
fn clocks(level: &Section<'_>, defaults: &Defaults, problems: &mut Problems) -> Vec<ClockRule> {
    let mut clocks = Vec::new();
    for (key, value) in level.table("clocks", problems).into_iter().flatten() {
        let Some(target) = target(key, problems) else {
            continue;
        };
        let meaning = meaning::meaning(&target);
        if meaning.starts == Start::ByHand {
            problems.at(
                &key.span(),
                format!("clock '{target}' starts by hand only: a budget would never run"),
                format!("leave it out, and set due.{target} on the ticket"),
            );
            continue;
        }
        let Some((budget, own)) = clock(key, value, problems) else {
            continue;
        };
        let common = defaults.targets.iter().find(|(of, _)| *of == target);
        let common = common.map(|(_, behaviour)| behaviour);
        let own_warn = own.warn.as_ref();
        let inherited = common.and_then(|c| c.warn.as_ref()).or(defaults.warn.as_ref());
        let place = own_warn.map_or(&budget.1, |(_, place)| place);
        let warn = own_warn.or(inherited).and_then(|(word, _)| word.0);
        check_warning(warn, budget.0, place, &target, problems);
        clocks.push(ClockRule {
            pauses_on: own
                .pauses_on
                .or_else(|| common?.pauses_on.clone())
                .unwrap_or_default(),
            met_by: own
                .met_by
                .or_else(|| common?.met_by.clone())
                .unwrap_or(meaning.met_by),
            budget: budget.0,
            warn,
            target,
        });
    }
    clocks.sort_by(|a, b| a.target.cmp(&b.target));
    clocks
}

/// `first_response = "15m"`, or `{ within = "15m", warn = "-5m" }`.
fn clock(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<(Placed<Span>, Behaviour)> {
    match value.get_ref() {
        DeValue::String(word) => {
            let span = section::span(key.get_ref(), word, &value.span(), problems)?;
            Some(((span, value.span()), Behaviour::default()))
        }
        DeValue::Table(table) => {
            let called = format!("clock '{}'", key.get_ref());
            let section = Section::new(table, key.span(), called, &CLOCK_KEYS, problems);
            let behaviour = Behaviour::read(&section, problems);
            if section.get("within").is_none() {
                let what = format!("{} does not say how long it runs", section.called);
                problems.at(&key.span(), what, "add within = \"15m\"");
            }
            Some((section.span("within", problems)?, behaviour))
        }
        _ => {
            let takes = "a duration such as \"15m\", or { within = \"15m\", warn = \"80%\" }";
            section::wrong(key.get_ref(), value, takes, problems);
            None
        }
    }
}

fn warn(of: &Section<'_>, problems: &mut Problems) -> Option<Placed<WarnWord>> {
    let (word, place) = of.text("warn", problems)?;
    match warn_word(word) {
        Ok(warn) => Some((WarnWord(warn), place)),
        Err((what, remedy)) => {
            problems.at(&place, format!("warn '{word}' {what}"), remedy);
            None
        }
    }
}

fn warn_word(word: &str) -> Result<Option<Warn>, (String, String)> {
    let takes = "it takes a share such as 80%, a time before the due such as -15m, or none";
    let refused = |what: &str, remedy: &str| Err((what.to_owned(), remedy.to_owned()));
    if word == "none" {
        return Ok(None);
    }
    if let Some(share) = word.strip_suffix('%') {
        if share.is_empty() || !share.bytes().all(|b| b.is_ascii_digit()) {
            return refused("is not a whole share", takes);
        }
        return match share.parse::<u8>() {
            Ok(percent @ 1..=99) => Ok(Some(Warn::Percent(percent))),
            Ok(0) => refused("comes as the clock starts", "it takes 1% to 99% of the time"),
            _ => refused("does not come before the due", "it takes 1% to 99% of the time"),
        };
    }
    if let Some(after) = word.strip_prefix('+') {
        let remedy = format!("a warning comes before the due: -{after}");
        return Err(("comes after the due".to_owned(), remedy));
    }
    let Some(before) = word.strip_prefix('-') else {
        return match time::span("warn", word.as_bytes()) {
            Ok(_) => Err((
                "does not say from where".to_owned(),
                format!("write -{word} for that long before the due"),
            )),
            Err(_) => refused("is not a warning", takes),
        };
    };
    match time::span("warn", before.as_bytes()) {
        Ok(Span::Ms(0)) => refused("does not come before the due", takes),
        Ok(Span::Ms(ms)) => Ok(Some(Warn::Before(ms))),
        Ok(_) => refused(
            "needs a calendar",
            "it takes ms, s, m, h, d or w before the due, or a share such as 80%",
        ),
        Err(_) => refused("is not a warning", takes),
    }
}

/// A warning that would come with or before the start of its clock warns of nothing.
fn check_warning(
    warn: Option<Warn>,
    budget: Span,
    place: &Range<usize>,
    target: &Target,
    problems: &mut Problems,
) {
    let Some(Warn::Before(before)) = warn else { return };
    if before >= shortest_ms(budget) {
        let before = Span::Ms(before);
        problems.at(
            place,
            format!("the warning of '{target}', -{before}, would come before its clock of {budget} starts"),
            format!("warn later than that: less than {budget} before the due, a share such as 80%, or none"),
        );
    }
}

/// The least that a budget can come to, ms.
fn shortest_ms(budget: Span) -> DurationMs {
    match budget {
        Span::Ms(ms) => ms,
        Span::BusinessDays(days) => i64::from(days) * DAY_MS,
        Span::Months(months) => i64::from(months) * 28 * DAY_MS,
    }
}
