//! TOML → rule book. All mistakes are looked for before any is returned, so that one look at the list mends the file.

use super::book::RuleBook;
use super::calendars::words;
use super::classes::{self, Declared};
use super::clocks::Defaults;
use super::context::Context;
use super::embedded::embedded_calendars;
use super::levels::{self, Level};
use super::problem::{Problem, Problems};
use super::proof::Proof;
use super::ruling::{self, PlacedRule};
use super::section::{self, Section};
use super::{extras, stages};
use crate::model::rules::{OpenTickets, Rules};
use crate::model::text::Text;
use toml::de::DeTable;

const POLICY_KEYS: [&str; 24] = [
    "name",
    "label",
    "queue",
    "default_priority",
    "required",
    "customer_pauses",
    "close_after",
    "entry_within",
    "calendar",
    "time",
    "warn",
    "review_by",
    "open_tickets",
    "version",
    "pilot",
    "classes",
    "segments",
    "channels",
    "targets",
    "stages",
    "priorities",
    "rules",
    "extensions",
    "reminders",
];

impl RuleBook {
    /// Reads a policy that names no calendars but those inside the binary. See [`RuleBook::read`].
    ///
    /// # Errors
    /// Every mistake found, in the order of the text; never an empty list.
    pub fn parse(name_hint: &str, text: &str, version: u32) -> Result<RuleBook, Vec<Problem>> {
        let calendars = embedded_calendars().map(|(name, _)| name);
        RuleBook::read(name_hint, text, version, &calendars)
    }

    /// Reads a policy. `name_hint` is its name if the text gives none (a file's stem); `version` is kept as given;
    /// `calendars` are those that there are.
    ///
    /// # Errors
    /// Every mistake found, in the order of the text; never an empty list.
    pub fn read(
        name_hint: &str,
        text: &str,
        version: u32,
        calendars: &[&str],
    ) -> Result<RuleBook, Vec<Problem>> {
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
        let book = policy(name_hint, text, root.get_ref(), calendars, &mut problems);
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
fn policy(
    name_hint: &str,
    text: &str,
    root: &DeTable<'_>,
    calendars: &[&str],
    problems: &mut Problems,
) -> Option<(Text, Rules)> {
    let top = Section::new(root, 0..0, "a policy", &POLICY_KEYS, problems);
    let name = policy_name(&top, name_hint, problems);
    // Names first: the rest of the file refers to them.
    let mut context = Context::read(&top, text, calendars, problems);
    context.stages = stages::names(&top);
    let levels = levels::levels(&top, problems);
    context.priorities = levels.iter().map(|level| level.priority.name.clone()).collect();
    let declared = classes::classes(&top, &context, problems);
    context.classes = declared
        .iter()
        .map(|declared| declared.class.name.clone())
        .collect();
    let segments = classes::named(&top, "segments", problems);
    context.segments = segments.iter().map(|named| named.name.clone()).collect();
    let channels = classes::named(&top, "channels", problems);
    context.channels = channels.iter().map(|named| named.name.clone()).collect();
    let mut defaults = Defaults::read(&top, &context, problems);
    let drafts = stages::stages(&top, &context, &mut defaults, problems);
    let stages = stages::finish(drafts, &defaults, &context, problems);
    let queue = top.name("queue", problems);
    let queue = queue
        .and_then(|(queue, place)| levels::usable_queue(queue, &place, problems).map(|queue| (queue, place)));
    let default_priority = levels::default_priority(&top, &levels, problems);
    let ruled = ruling::rules(&top, queue, &levels, &declared, (&defaults, &context), problems);
    let required = top.names("required", problems);
    let choices = [("keep", OpenTickets::Keep), ("migrate", OpenTickets::Migrate)];
    let open_tickets = top.choice("open_tickets", &choices, problems);
    let mut rules = Rules {
        label: label(&top, problems),
        default_priority: default_priority.unwrap_or(0),
        targets: defaults.rules(&context),
        customer_pauses: top.names("customer_pauses", problems),
        close_after: top.span("close_after", problems).map(|(span, _)| span),
        entry_within: top.span("entry_within", problems).map(|(span, _)| span),
        review_by: top
            .get("review_by")
            .and_then(|value| words::date("review_by", value, problems)),
        open_tickets: open_tickets.map_or(OpenTickets::Keep, |(open_tickets, _)| open_tickets),
        about: extras::about(&top, problems),
        pilot: extras::pilot(&top, &context, problems),
        extensions: extras::extensions(&top, problems),
        reminders: extras::reminders(&top, &context, problems),
        required,
        segments,
        channels,
        stages,
        ..Rules::default()
    };
    // What did not read would be missed, and reported as a gap.
    if problems.count() == 0 {
        prove(&rules, &ruled, &levels, &declared, &context, problems);
    }
    rules.rules = ruled.into_iter().map(|placed| placed.rule).collect();
    rules.priorities = levels.into_iter().map(|level| level.priority).collect();
    rules.classes = declared.into_iter().map(|declared| declared.class).collect();
    rules.calendars = context.into_calendars();
    default_priority.and(name.map(|name| (name, rules)))
}

/// What must hold between the rules.
fn prove(
    rules: &Rules,
    ruled: &[PlacedRule],
    levels: &[Level<'_>],
    declared: &[Declared],
    context: &Context<'_>,
    problems: &mut Problems,
) {
    let classes: Vec<_> = declared
        .iter()
        .map(|declared| {
            (
                declared.class.name.clone(),
                declared.class.retired,
                declared.place.clone(),
            )
        })
        .collect();
    let mut staged = Vec::new();
    for stage in rules.stages.iter().filter(|stage| stage.clock.is_some()) {
        if stage.classes.is_empty() {
            staged.push(None);
        }
        staged.extend(stage.classes.iter().cloned().map(Some));
    }
    Proof {
        rules: ruled,
        levels,
        classes: &classes,
        segments: &context.segments,
        channels: &context.channels,
        required: &rules.required,
        staged: &staged,
    }
    .check(problems);
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
