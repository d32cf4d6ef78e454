//! What a policy file declares of its tickets: classes, kinds of customers, kinds of work. A list of names, or tables.

use super::context::Context;
use super::levels::usable_queue;
use super::parse::label;
use super::problem::Problems;
use super::section::{self, Placed, Section};
use crate::model::Text;
use crate::model::rules::{Class, Named};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeValue};

const CLASS_KEYS: [&str; 7] = [
    "label", "queue", "priority", "chain", "outputs", "flow", "retired",
];

/// A class, its own queue, and where it stands.
pub(super) struct Declared {
    pub(super) class: Class,
    pub(super) queue: Option<Text>,
    pub(super) place: Range<usize>,
}

/// `classes = ["a"]` or `[classes.a]`, in the order of the file.
pub(super) fn classes(top: &Section<'_>, context: &Context<'_>, problems: &mut Problems) -> Vec<Declared> {
    let Some(value) = top.get("classes") else {
        return Vec::new();
    };
    let DeValue::Table(table) = value.get_ref() else {
        let read = |word: &str, place: &Range<usize>, problems: &mut Problems| {
            class_name(word, place, problems).map(|name| (name, place.clone()))
        };
        let list = top.list("classes", problems, read);
        let plain = |(name, place): Placed<Text>| Declared {
            class: Class {
                name,
                ..Class::default()
            },
            queue: None,
            place,
        };
        return list.map_or_else(Vec::new, |(list, _)| list.into_iter().map(plain).collect());
    };
    in_order(table.iter())
        .into_iter()
        .filter_map(|(key, value)| class(key, value, context, problems))
        .collect()
}

/// A class has a name that no pattern could be taken for.
fn class_name(word: &str, place: &Range<usize>, problems: &mut Problems) -> Option<Text> {
    if word.contains('*') || word.starts_with('.') || word.ends_with('.') {
        problems.at(
            place,
            format!("class '{word}' could be taken for a pattern"),
            "a class has a name of its own, such as fault.device; rules may say fault.*",
        );
        return None;
    }
    section::name("classes", word, place, problems)
}

fn class(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Declared> {
    let called = format!("class '{}'", key.get_ref());
    let Some(table) = value.get_ref().as_table() else {
        section::wrong(&called, value, "a table with label, queue, priority …", problems);
        return None;
    };
    let name = class_name(key.get_ref(), &key.span(), problems);
    let of = Section::new(table, key.span(), called, &CLASS_KEYS, problems);
    let queue = of.name("queue", problems);
    let priority = of.text("priority", problems);
    let chain = of.list("chain", problems, |word, place, problems| {
        let queue = section::name("chain", word, place, problems)?;
        usable_queue(queue, place, problems)
    });
    let flow = of.text("flow", problems).map_or("", |(flow, _)| flow);
    Some(Declared {
        queue: queue.and_then(|(queue, place)| usable_queue(queue, &place, problems)),
        class: Class {
            label: label(&of, problems),
            priority: priority.and_then(|(word, place)| context.priority(word, &place, problems)),
            chain: chain.map_or_else(Vec::new, |(list, _)| list),
            outputs: of.names("outputs", problems),
            flow: flow.to_owned(),
            retired: of.flag("retired", problems),
            name: name?,
        },
        place: key.span(),
    })
}

/// `segments = ["a"]`, or `[segments]` with `a = "label"`.
pub(super) fn named(top: &Section<'_>, key: &str, problems: &mut Problems) -> Vec<Named> {
    let Some(value) = top.get(key) else {
        return Vec::new();
    };
    let DeValue::Table(table) = value.get_ref() else {
        let plain = |name| Named {
            name,
            label: String::new(),
        };
        return top.names(key, problems).into_iter().map(plain).collect();
    };
    let mut list = Vec::new();
    for (name, value) in in_order(table.iter()) {
        let read = section::name(key, name.get_ref(), &name.span(), problems);
        let label = section::string(name.get_ref(), value, problems);
        list.extend(read.zip(label).map(|(name, (label, _))| Named {
            name,
            label: label.to_owned(),
        }));
    }
    list
}

/// Entries of a table in the order of the file.
fn in_order<'a, V>(
    entries: impl Iterator<Item = (&'a Spanned<DeString<'a>>, V)>,
) -> Vec<(&'a Spanned<DeString<'a>>, V)> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
