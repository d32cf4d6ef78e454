//! TOML → rule book. All mistakes are looked for before any is returned, so that one look at the list mends the file.

use super::clocks::Defaults;
use super::levels;
use super::problem::{Problem, Problems};
use super::rules::RuleBook;
use super::section::{self, Section};
use crate::model::fields::versioned;
use crate::model::text::Text;
use toml::de::DeTable;
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
            Some(book) if problems.count() == 0 => Ok(RuleBook {
                version,
                versioned: versioned(&book.name, version),
                hash: xxh3_64(text.as_bytes()),
                text: text.to_owned(),
                ..book
            }),
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
fn policy(name_hint: &str, root: &DeTable<'_>, problems: &mut Problems) -> Option<RuleBook> {
    let top = Section::new(root, 0..0, "a policy", &POLICY_KEYS, problems);
    let name = policy_name(&top, name_hint, problems);
    let defaults = Defaults::read(&top, problems);
    let queue = top.name("queue", problems);
    let queue = queue.and_then(|(queue, place)| levels::usable_queue(queue, &place, problems));
    let levels = levels::levels(&top, queue.as_ref(), &defaults, problems);
    let default_priority = levels::default_priority(&top, &levels, problems);
    let book = RuleBook {
        name: name?,
        version: 0,
        versioned: Text::default(),
        hash: 0,
        text: String::new(),
        label: label(&top, problems),
        default_priority: default_priority.unwrap_or(0),
        priorities: levels.into_iter().map(|level| level.level).collect(),
        classes: top.names("classes", problems),
        segments: top.names("segments", problems),
        channels: top.names("channels", problems),
        targets: defaults.rules(),
        required: top.names("required", problems),
        customer_pauses: top.names("customer_pauses", problems),
        close_after: top.span("close_after", problems).map(|(span, _)| span),
    };
    default_priority.map(|_| book)
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
