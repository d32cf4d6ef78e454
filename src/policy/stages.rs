//! The stages of a policy file: a chain in the order of the file, each with a clock of its own if it has a time.

use super::clocks::{Behaviour, Defaults};
use super::context::Context;
use super::levels::usable_queue;
use super::parse::label;
use super::problem::Problems;
use super::section::{Placed, Section};
use crate::model::Text;
use crate::model::rules::Stage;
use crate::model::target::Target;
use crate::model::time::Span;
use std::ops::Range;

const STAGE_KEYS: [&str; 17] = [
    "name",
    "label",
    "within",
    "queue",
    "from",
    "carry_over",
    "requires",
    "classes",
    "time",
    "calendar",
    "days",
    "warn",
    "pauses_on",
    "met_by",
    "stops_on",
    "resets_on",
    "steps",
];

/// A stage whose clock is still to be made, and its time.
pub(super) struct Draft {
    stage: Stage,
    within: Option<Placed<Span>>,
}

/// Names of the stages, for those who refer to them.
pub(super) fn names(top: &Section<'_>) -> Vec<Text> {
    let tables = top.get("stages").and_then(|value| value.get_ref().as_array());
    let names = tables
        .into_iter()
        .flat_map(|tables| tables.iter())
        .filter_map(|stage| {
            let name = stage.get_ref().as_table()?.get("name")?;
            Some(Text::new(name.get_ref().as_str()?))
        });
    names.collect()
}

/// `[[stages]]`. What they say of their clocks goes to the defaults, so that a rule may give another time for one.
pub(super) fn stages(
    top: &Section<'_>,
    context: &Context<'_>,
    defaults: &mut Defaults,
    problems: &mut Problems,
) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for of in top.tables("stages", "a stage", &STAGE_KEYS, problems) {
        let Some((name, place)) = named(&of, problems) else {
            continue;
        };
        if drafts.iter().any(|draft| draft.stage.name == name) {
            problems.at(
                &place,
                format!("the stages come to '{name}' twice: the chain would go round in a circle"),
                "name each stage once, in the order in which tickets pass them",
            );
            continue;
        }
        let target = Target::Stage(name.clone());
        if defaults.targets.iter().any(|(of, _)| *of == target) {
            problems.at(
                &place,
                format!("'{target}' is said more of in [targets]"),
                "say it in [[stages]] alone",
            );
            continue;
        }
        let before = problems.count();
        let mut behaviour = Behaviour::read(&of, context, problems);
        origin(&of, &mut behaviour, drafts.is_empty(), problems);
        let requires = behaviour.requires.take();
        let queue = of.name("queue", problems);
        let classes = of.words("classes", problems, |word, place, problems| {
            context.class(word, place, problems)
        });
        let within = of.span("within", problems);
        drafts.push(Draft {
            stage: Stage {
                label: label(&of, problems),
                queue: queue.and_then(|(queue, place)| usable_queue(queue, &place, problems)),
                requires: requires.unwrap_or_default(),
                classes: classes.map_or_else(Vec::new, |(list, _)| list),
                clock: None,
                name,
            },
            within: within.filter(|_| problems.count() == before),
        });
        defaults.targets.push((target, behaviour));
    }
    drafts
}

fn named(of: &Section<'_>, problems: &mut Problems) -> Option<Placed<Text>> {
    if of.get("name").is_none() {
        problems.at(&of.place, "the stage has no name", "add name = \"first-review\"");
    }
    of.name("name", problems)
}

/// From when its time counts.
fn origin(of: &Section<'_>, behaviour: &mut Behaviour, is_first: bool, problems: &mut Problems) {
    let from = of.choice("from", &[("previous", false), ("creation", true)], problems);
    behaviour.from_creation = from.is_some_and(|(creation, _)| creation);
    behaviour.carry_over = of.flag("carry_over", problems);
    let place: Range<usize> = of.get("carry_over").map_or(0..0, |value| value.span());
    if behaviour.carry_over && is_first {
        problems.at(
            &place,
            "the first stage has none before it to carry time over from",
            "leave carry_over out",
        );
    } else if behaviour.carry_over && behaviour.from_creation {
        problems.at(
            &place,
            "time counts from the creation: what the stage before left of its own is in it already",
            "leave carry_over out, or say from = \"previous\"",
        );
    }
}

/// The stages with their clocks.
pub(super) fn finish(
    drafts: Vec<Draft>,
    defaults: &Defaults,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<Stage> {
    let finish = |Draft { mut stage, within }: Draft| {
        let target = Target::Stage(stage.name.clone());
        stage.clock = within
            .and_then(|within| defaults.compile(target, within, Behaviour::default(), context, problems));
        stage
    };
    drafts.into_iter().map(finish).collect()
}
