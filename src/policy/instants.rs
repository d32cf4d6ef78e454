//! Warnings and steps of a ladder: when they come, as files spell it, and whether that makes sense for the clock.

use super::problem::Problems;
use super::section::{self, Placed, Section};
use crate::model::rules::{Relax, Step, StepAt, Warn};
use crate::model::skill;
use crate::model::target::Target;
use crate::model::time::{self, DAY_MS, DurationMs, Span};
use std::ops::Range;

const STEP_KEYS: [&str; 5] = ["at", "notify", "rank", "queue", "relax"];

/// `"80%"`, `"-15m"`, `"none"`.
#[derive(Clone, Copy)]
pub(super) struct WarnWord(pub(super) Option<Warn>);

/// What is wrong with a word, and what it takes.
type Refused = (String, String);

pub(super) fn warn(of: &Section<'_>, problems: &mut Problems) -> Option<Placed<WarnWord>> {
    let (word, place) = of.text("warn", problems)?;
    match warn_word(word) {
        Ok(warn) => Some((WarnWord(warn), place)),
        Err((what, remedy)) => {
            problems.at(&place, format!("warn '{word}' {what}"), remedy);
            None
        }
    }
}

fn refused<T>(what: &str, remedy: &str) -> Result<T, Refused> {
    Err((what.to_owned(), remedy.to_owned()))
}

fn warn_word(word: &str) -> Result<Option<Warn>, Refused> {
    let takes = "it takes a share such as 80%, a time before the due such as -15m, or none";
    if word == "none" {
        return Ok(None);
    }
    if let Some(share) = word.strip_suffix('%') {
        return match percent(share) {
            None => refused("is not a whole share", takes),
            Some(0) => refused("comes as the clock starts", "it takes 1% to 99% of the time"),
            Some(percent @ 1..=99) => Ok(Some(Warn::Percent(percent as u8))),
            Some(_) => refused("does not come before the due", "it takes 1% to 99% of the time"),
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

/// A whole share; far too large ones count as 999.
fn percent(share: &str) -> Option<u32> {
    let digits = !share.is_empty() && share.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| share.parse().unwrap_or(999))
}

/// A warning that would come with or before the start of its clock warns of nothing.
pub(super) fn check_warning(
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

/// `steps = [{ at = "-4h", notify = "supervisor" }, …]`: in order as far as that can be told without a budget.
pub(super) fn steps(of: &Section<'_>, problems: &mut Problems) -> Option<Placed<Vec<Step>>> {
    let value = of.get("steps")?;
    let before = problems.count();
    let mut steps = Vec::new();
    for step in of.tables("steps", "a step", &STEP_KEYS, problems) {
        steps.extend(self::step(&step, problems));
    }
    if problems.count() > before {
        return None;
    }
    check_order(&steps, None, &value.span(), None, problems).then(|| (steps, value.span()))
}

fn step(of: &Section<'_>, problems: &mut Problems) -> Option<Step> {
    if of.get("at").is_none() {
        problems.at(
            &of.place,
            "the step does not say when it comes",
            "add at = \"-4h\" before the due, \"80%\" of the time, or \"+30m\" after the due",
        );
    }
    let does = ["notify", "rank", "queue", "relax"];
    if of.get("at").is_some() && does.iter().all(|key| of.get(key).is_none()) {
        problems.at(
            &of.place,
            "the step does nothing",
            "say what it does: notify, rank, queue or relax",
        );
    }
    let at = of.text("at", problems).and_then(|(word, place)| {
        step_word(word)
            .map_err(|(what, remedy)| problems.at(&place, format!("step '{word}' {what}"), remedy))
            .ok()
    });
    let queue = of.name("queue", problems);
    let relax = of.words("relax", problems, relax);
    Some(Step {
        notify: of.one_or_more("notify", problems),
        rank: of.rank(problems).map(|(rank, _)| rank),
        queue: queue.and_then(|(queue, place)| super::levels::usable_queue(queue, &place, problems)),
        relax: relax.map_or_else(Vec::new, |(list, _)| list),
        at: at?,
    })
}

fn step_word(word: &str) -> Result<StepAt, Refused> {
    let takes = "it takes a time before the due such as -4h, a share such as 80%, or a time after the due such as +30m";
    if let Some(share) = word.strip_suffix('%') {
        return match percent(share) {
            None => refused("is not a whole share", takes),
            Some(percent @ 0..=100) => Ok(StepAt::Percent(percent as u8)),
            Some(_) => refused(
                "lies after the breach",
                "it takes 0% to 100% of the time; after the due write +30m and the like",
            ),
        };
    }
    let (after, length) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
        (Some(length), _) => (true, length),
        (_, Some(length)) => (false, length),
        _ => {
            return match time::span("at", word.as_bytes()) {
                Ok(_) => Err((
                    "does not say from where".to_owned(),
                    format!("write -{word} before the due, or +{word} after it"),
                )),
                Err(_) => refused("is not an instant", takes),
            };
        }
    };
    match (time::span("at", length.as_bytes()), after) {
        (Ok(Span::Ms(ms)), true) => Ok(StepAt::After(ms)),
        (Ok(Span::Ms(0)), false) => refused("is the due itself", "write +0m for the breach, or 100%"),
        (Ok(Span::Ms(ms)), false) => Ok(StepAt::Before(ms)),
        (Ok(_), _) => refused(
            "needs a calendar",
            "it takes ms, s, m, h, d or w, or a share such as 80%",
        ),
        (Err(_), _) => refused("is not an instant", takes),
    }
}

/// `drop:zh`, or a lower level `network>=2`.
fn relax(word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<Relax> {
    let takes = "it takes drop:SKILL, or a lower level such as network>=2";
    if let Some(name) = word.strip_prefix("drop:") {
        return section::name("relax", name, place, problems).map(Relax::Drop);
    }
    let lower = word
        .contains(">=")
        .then(|| skill::required(word.as_bytes()).ok())
        .flatten();
    match lower.as_deref() {
        Some([one]) => Some(Relax::Lower(one.clone())),
        _ => {
            problems.at(place, format!("relax '{word}' relaxes nothing"), takes);
            None
        }
    }
}

/// Reports the first step that does not come after the one before it, or comes before the clock starts. Without a budget
/// only steps of one kind, and before and after the due, can be compared. `target` is that of a clock with a budget.
pub(super) fn check_order(
    steps: &[Step],
    budget: Option<Span>,
    place: &Range<usize>,
    target: Option<&Target>,
    problems: &mut Problems,
) -> bool {
    let of = target.map_or_else(String::new, |target| format!(" of '{target}'"));
    if let Some(budget) = budget {
        let early = |step: &&Step| matches!(step.at, StepAt::Before(before) if before >= shortest_ms(budget));
        if let Some(step) = steps.iter().find(early) {
            problems.at(
                place,
                format!(
                    "the step{of} at {} would come before its clock of {budget} starts",
                    spelled(step.at)
                ),
                format!("let it come less than {budget} before the due, or at 0% for the start itself"),
            );
            return false;
        }
    }
    for pair in steps.windows(2) {
        let [first, second] = pair else { continue };
        let (one, other) = (position(first.at, budget), position(second.at, budget));
        let comparable = budget.is_some() || one.0 == other.0 || first.at.is_after() || second.at.is_after();
        if comparable && one >= other {
            let (first, second) = (spelled(first.at), spelled(second.at));
            let (what, remedy) = if one == other {
                (
                    format!("the steps{of} at {first} and {second} come at the same time"),
                    "join the two into one step".to_owned(),
                )
            } else {
                (
                    format!("the steps{of} are out of order: {second} comes before {first}"),
                    "write them in the order in which they come".to_owned(),
                )
            };
            problems.at(place, what, remedy);
            return false;
        }
    }
    true
}

/// Where a step lies: its kind where there is no budget to compare kinds by, and thousandths of a percent of a ms.
fn position(at: StepAt, budget: Option<Span>) -> (u8, i128) {
    match (at, budget.map(shortest_ms).map(i128::from)) {
        (StepAt::After(ms), _) => (2, i128::from(ms)),
        (StepAt::Before(ms), None) => (0, -i128::from(ms)),
        (StepAt::Percent(percent), None) => (1, i128::from(percent)),
        (StepAt::Before(ms), Some(budget)) => (1, (budget - i128::from(ms)) * 100),
        // The share of everything is the due itself, at which the breach has not come yet: +0m comes with it.
        (StepAt::Percent(percent), Some(budget)) => (1, budget * i128::from(percent)),
    }
}

impl StepAt {
    fn is_after(self) -> bool {
        matches!(self, StepAt::After(_))
    }
}

/// As files spell it.
pub(super) fn spelled(at: StepAt) -> String {
    match at {
        StepAt::Before(ms) => format!("-{}", Span::Ms(ms)),
        StepAt::Percent(percent) => format!("{percent}%"),
        StepAt::After(ms) => format!("+{}", Span::Ms(ms)),
    }
}
