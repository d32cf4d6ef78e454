//! The rules of a policy file: `[[rules]]`, and those that priorities, classes and the policy itself are. Sorted so that the
//! most specific comes first.

use super::classes::Declared;
use super::clocks::{self, Defaults};
use super::context::Context;
use super::levels::{Level, usable_queue};
use super::problem::Problems;
use super::section::{self, Placed, Section};
use crate::model::Text;
use crate::model::rules::{ClassPattern, Rule};
use crate::model::skill;
use std::ops::Range;

const RULE_KEYS: [&str; 12] = [
    "label",
    "class",
    "priority",
    "segment",
    "channel",
    "customer",
    "queue",
    "clocks",
    "rank",
    "set_queue",
    "skills",
    "prefer",
];

/// What a rule may say.
const SAYS: [&str; 5] = ["clocks", "rank", "set_queue", "skills", "prefer"];

/// A rule and where it stands.
pub(super) struct PlacedRule {
    pub(super) rule: Rule,
    pub(super) place: Range<usize>,
    /// It stands under `[[rules]]`.
    pub(super) explicit: bool,
    /// It says which clocks its tickets have, even if that is none.
    pub(super) clocked: bool,
}

/// How specific a rule is: which keys it names, the most telling first, and how long its class pattern is.
pub(super) fn specificity(rule: &Rule) -> [usize; 6] {
    let named = |list: usize| usize::from(list > 0);
    let class = match &rule.class {
        None => 0,
        Some(ClassPattern::Below(prefix)) => prefix.len(),
        Some(ClassPattern::Exact(_)) => usize::MAX,
    };
    [
        named(rule.customers.len()),
        class,
        named(rule.queues.len()),
        named(rule.channels.len()),
        named(rule.segments.len()),
        named(rule.priorities.len()),
    ]
}

/// All rules, the most specific first, equally specific ones in the order of the file.
pub(super) fn rules(
    top: &Section<'_>,
    queue: Option<Placed<Text>>,
    levels: &[Level<'_>],
    classes: &[Declared],
    (defaults, context): (&Defaults, &Context<'_>),
    problems: &mut Problems,
) -> Vec<PlacedRule> {
    let implicit = |rule: Rule, place: &Range<usize>| PlacedRule {
        clocked: !rule.clocks.is_empty(),
        rule,
        place: place.clone(),
        explicit: false,
    };
    let mut rules = Vec::new();
    if let Some((queue, place)) = queue {
        let rule = Rule {
            called: Text::const_new("queue at the top"),
            queue: Some(queue),
            ..Rule::default()
        };
        rules.push(implicit(rule, &place));
    }
    for (index, level) in levels.iter().enumerate() {
        let clocks = level.section.as_ref();
        let rule = Rule {
            called: Text::new(format!("priority '{}'", level.priority.name)),
            priorities: vec![index as u16],
            queue: level.queue.clone(),
            clocks: clocks.map_or_else(Vec::new, |of| clocks::clocks(of, defaults, context, problems)),
            ..Rule::default()
        };
        let stated = clocks.is_some_and(|of| of.get("clocks").is_some());
        rules.push(PlacedRule {
            clocked: stated,
            ..implicit(rule, &level.place)
        });
    }
    for declared in classes.iter().filter(|declared| declared.queue.is_some()) {
        let rule = Rule {
            called: Text::new(format!("class '{}'", declared.class.name)),
            class: Some(ClassPattern::Exact(declared.class.name.clone())),
            queue: declared.queue.clone(),
            ..Rule::default()
        };
        rules.push(implicit(rule, &declared.place));
    }
    let tables = top.tables("rules", "a rule", &RULE_KEYS, problems);
    for (index, of) in tables.iter().enumerate() {
        rules.extend(written(index, of, defaults, context, problems));
    }
    rules.sort_by_key(|placed| std::cmp::Reverse(specificity(&placed.rule)));
    rules
}

/// One of `[[rules]]`: a rule for each of its classes, since they may differ in how specific they are.
fn written(
    index: usize,
    of: &Section<'_>,
    defaults: &Defaults,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<PlacedRule> {
    let before = problems.count();
    if SAYS.iter().all(|key| of.get(key).is_none()) {
        problems.at(
            &of.place,
            "the rule says nothing of its tickets",
            format!("add one of {}", SAYS.join(", ")),
        );
    }
    super::parse::label(of, problems);
    let classes = of.words("class", problems, |word, place, problems| {
        Some((context.class(word, place, problems)?, place.clone()))
    });
    let priorities = of.words("priority", problems, |word, place, problems| {
        context.priority(word, place, problems)
    });
    let set_queue = of.name("set_queue", problems);
    if let (Some((_, place)), true) = (&set_queue, of.get("queue").is_some()) {
        problems.at(
            place,
            "a rule for the tickets of a queue cannot send them to another one",
            "leave set_queue out, or match by class, segment, channel, customer or priority",
        );
    }
    let skills = of.text("skills", problems).and_then(|(word, place)| {
        skill::required(word.as_bytes())
            .map_err(|refusal| {
                let (what, takes) = refusal
                    .message
                    .split_once(": skills ")
                    .unwrap_or((&refusal.message, ""));
                problems.at(&place, what, format!("it {takes}"));
            })
            .ok()
    });
    let rule = Rule {
        called: Text::new(format!("rule {} (line {})", index + 1, context.line(&of.place))),
        class: None,
        priorities: priorities.map_or_else(Vec::new, |(list, _)| list),
        segments: declared(of, "segment", &context.segments, problems),
        channels: declared(of, "channel", &context.channels, problems),
        customers: of.one_or_more("customer", problems),
        queues: of.one_or_more("queue", problems),
        clocks: clocks::clocks(of, defaults, context, problems),
        rank: of.rank(problems).map(|(rank, _)| rank),
        queue: set_queue.and_then(|(queue, place)| usable_queue(queue, &place, problems)),
        skills,
        prefer: of.name("prefer", problems).map(|(agent, _)| agent),
    };
    for key in ["class", "priority", "segment", "channel", "customer", "queue"] {
        if let Some(value) = of.get(key)
            && value.get_ref().as_array().is_some_and(|list| list.is_empty())
        {
            problems.at(
                &value.span(),
                format!("{key} is empty: the rule would never be reached"),
                format!("name at least one, or leave {key} out for all"),
            );
        }
    }
    // A rule that did not read says less than it means: nothing more is concluded from it.
    if problems.count() > before {
        return Vec::new();
    }
    let placed = |class: Option<ClassPattern>, place: &Range<usize>| PlacedRule {
        rule: Rule {
            class,
            ..rule.clone()
        },
        place: place.clone(),
        explicit: true,
        clocked: of.get("clocks").is_some(),
    };
    match classes {
        None => vec![placed(None, &of.place)],
        Some((classes, _)) if classes.len() == 1 => classes
            .into_iter()
            .map(|(class, _)| placed(Some(class), &of.place))
            .collect(),
        Some((classes, _)) => classes
            .into_iter()
            .map(|(class, place)| placed(Some(class), &place))
            .collect(),
    }
}

/// One name or several, each of which must be declared if any is.
fn declared(of: &Section<'_>, key: &str, names: &[Text], problems: &mut Problems) -> Vec<Text> {
    let read = |word: &str, place: &Range<usize>, problems: &mut Problems| {
        let name = section::name(key, word, place, problems)?;
        Context::declared(key, word, names, place, problems).then_some(name)
    };
    of.words(key, problems, read)
        .map_or_else(Vec::new, |(list, _)| list)
}
