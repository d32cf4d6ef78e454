//! TOML → rule book. All mistakes are looked for before any is returned, so that one look at the list mends the file.

use super::book::RuleBook;
use super::clocks::Defaults;
use super::levels;
use super::problem::{Problem, Problems};
use super::section::{self, Section};
use crate::model::rules::{Class, Named, Rule, Rules};
use crate::model::text::Text;
use toml::de::DeTable;

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
            problems.at(&place, error.message(), syntax_remedy(error.message()));
        }
        // A text that is no TOML has lost keys: what they were worth would be guesses about the recovered rest.
        if !errors.is_empty() {
            return Err(problems.into_list(text));
        }
        let book = policy(name_hint, root.get_ref(), &mut problems);
        match book {
            Some((name, rules)) if problems.count() == 0 => Ok(RuleBook::new(
                name,
                version,
                RuleBook::hash_of(text),
                text.to_owned(),
                rules,
            )),
            _ => Err(problems.into_list(text)),
        }
    }
}

/// The parser says what it expected; this says how the line would be right.
pub(super) fn syntax_remedy(message: &str) -> &'static str {
    if message.contains("duplicate key") {
        "a key or [table] may stand in a file once: join the two or rename one"
    } else if message.contains("string") && message.starts_with("invalid") {
        "put text in double quotes that open and close on one line"
    } else if message.contains("unquoted key") {
        "put a name in double quotes if it has other signs than letters, digits, - and _: [targets.\"a:b\"]"
    } else {
        "write key = \"text\", key = [\"a\", \"b\"], or [table]"
    }
}

/// The whole policy; `None` only with problems reported.
fn policy(name_hint: &str, root: &DeTable<'_>, problems: &mut Problems) -> Option<(Text, Rules)> {
    let top = Section::new(root, 0..0, "a policy", &POLICY_KEYS, problems);
    let name = policy_name(&top, name_hint, problems);
    let defaults = Defaults::read(&top, problems);
    let queue = top.name("queue", problems);
    let queue = queue.and_then(|(queue, place)| levels::usable_queue(queue, &place, problems));
    let levels = levels::levels(&top, queue.as_ref(), &defaults, problems);
    let default_priority = levels::default_priority(&top, &levels, problems);
    let rules = levels.iter().enumerate().map(|(index, level)| Rule {
        called: compact_str::format_compact!("priority '{}'", level.level.priority.name),
        priorities: vec![index as u16],
        queue: Some(level.level.queue.clone()),
        clocks: level.level.clocks.clone(),
        ..Rule::default()
    });
    let named = |names: Vec<Text>| {
        let named = |name| Named {
            name,
            label: String::new(),
        };
        names.into_iter().map(named).collect::<Vec<_>>()
    };
    let classes = top.names("classes", problems).into_iter().map(|name| Class {
        name,
        ..Class::default()
    });
    let compiled = Rules {
        label: label(&top, problems),
        default_priority: default_priority.unwrap_or(0),
        classes: classes.collect(),
        segments: named(top.names("segments", problems)),
        channels: named(top.names("channels", problems)),
        rules: rules.collect(),
        priorities: levels.into_iter().map(|level| level.level.priority).collect(),
        targets: defaults.rules(),
        required: top.names("required", problems),
        customer_pauses: top.names("customer_pauses", problems),
        close_after: top.span("close_after", problems).map(|(span, _)| span),
        ..Rules::default()
    };
    default_priority.and(name.map(|name| (name, compiled)))
}

pub(super) fn policy_name(top: &Section<'_>, hint: &str, problems: &mut Problems) -> Option<Text> {
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

/// A name for people.
pub(super) fn label(of: &Section<'_>, problems: &mut Problems) -> String {
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
