//! The clocks of a policy file: budgets, what stops and what meets them, when they warn.

use super::meaning;
use super::problem::Problems;
use super::section::{self, Placed, Section};
use crate::model::rules::{ClockRule, DayEnd, Time, Trigger, Warn};
use crate::model::target::Target;
use crate::model::text::Text;
use crate::model::time::{self, DAY_MS, DurationMs, Span};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeValue};

const TARGET_KEYS: [&str; 3] = ["warn", "pauses_on", "met_by"];
const CLOCK_KEYS: [&str; 4] = ["within", "warn", "pauses_on", "met_by"];

/// What holds for clocks unless a level says otherwise.
pub(super) struct Defaults {
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
    /// Reads `warn` and `[targets.…]`.
    pub(super) fn read(top: &Section<'_>, problems: &mut Problems) -> Defaults {
        let mut targets = Vec::new();
        for (key, value) in top
            .table("targets", "a table: [targets.NAME]", problems)
            .into_iter()
            .flatten()
        {
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

impl Defaults {
    /// What holds for targets to which a level gives no budget.
    pub(super) fn rules(&self) -> Vec<ClockRule> {
        let mut rules: Vec<ClockRule> = self
            .targets
            .iter()
            .map(|(target, behaviour)| {
                let warn = behaviour.warn.as_ref().and_then(|(word, _)| word.0);
                compile(target.clone(), None, warn, Behaviour::default(), Some(behaviour))
            })
            .collect();
        rules.sort_by(|a, b| a.target.cmp(&b.target));
        rules
    }
}

/// What is said of the clock itself, else of its target, else what the target means.
fn compile(
    target: Target,
    budget: Option<Span>,
    warn: Option<Warn>,
    own: Behaviour,
    common: Option<&Behaviour>,
) -> ClockRule {
    let meaning = meaning::meaning(&target);
    let met_by = own
        .met_by
        .or_else(|| common?.met_by.clone())
        .unwrap_or(meaning.met_by);
    ClockRule {
        target,
        budget,
        time: Time::Natural,
        calendar: None,
        day_end: DayEnd::EndOfDay,
        warn,
        starts_on: meaning.starts_on,
        resets_on: if meaning.restarts {
            met_by.clone()
        } else {
            Vec::new()
        },
        met_by,
        stops_on: Vec::new(),
        pauses_on: own
            .pauses_on
            .or_else(|| common?.pauses_on.clone())
            .unwrap_or_default(),
        pauses_in: Vec::new(),
        steps: Vec::new(),
        requires: Vec::new(),
        from_creation: false,
        carry_over: false,
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

/// A target that a policy can rule over: its clock starts by itself.
fn target(key: &Spanned<DeString<'_>>, problems: &mut Problems) -> Option<Target> {
    let target = Target::parse(key.get_ref())
        .map_err(|refusal| problems.refused(&key.span(), &refusal))
        .ok()?;
    if matches!(
        target,
        Target::Promise | Target::FollowUp | Target::Stage(_) | Target::Custom(_)
    ) {
        problems.at(
            &key.span(),
            format!("clock '{target}' starts by hand only: no rule of a policy would reach it"),
            format!("leave it out, and set due.{target} on the ticket"),
        );
        return None;
    }
    Some(target)
}

/// `[priorities.P1.clocks]`
pub(super) fn clocks(level: &Section<'_>, defaults: &Defaults, problems: &mut Problems) -> Vec<ClockRule> {
    let mut clocks = Vec::new();
    for (key, value) in level
        .table("clocks", "a table: first_response = \"15m\" and so on", problems)
        .into_iter()
        .flatten()
    {
        let Some(target) = target(key, problems) else {
            continue;
        };
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
        clocks.push(compile(target, Some(budget.0), warn, own, common));
    }
    clocks.sort_by(|a, b| a.target.cmp(&b.target));
    clocks
}

/// `first_response = "15m"`, or `{ within = "15m", warn = "-5m" }`.
fn clock(
    key: &Spanned<DeString<'_>>,
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
