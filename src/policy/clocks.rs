//! The clocks of a policy file: budgets, what time counts, what starts, stops and meets them, when they warn.

use super::context::{Context, TIMES};
use super::instants::{self, WarnWord};
use super::meaning;
use super::problem::Problems;
use super::section::{self, Placed, Section};
use crate::model::event::TicketState;
use crate::model::rules::{ClockRule, DayEnd, Step, Time, Trigger, Warn};
use crate::model::target::Target;
use crate::model::text::{self, Text};
use crate::model::time::Span;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeValue};

/// What may be said of a clock; of a target all but the first, its budget.
const CLOCK_KEYS: [&str; 12] = [
    "within",
    "time",
    "calendar",
    "days",
    "warn",
    "pauses_on",
    "starts_on",
    "met_by",
    "stops_on",
    "resets_on",
    "steps",
    "requires",
];

/// What holds for clocks unless a rule says otherwise.
pub(super) struct Defaults {
    warn: Option<Placed<WarnWord>>,
    /// Of `[targets]` and of stages.
    pub(super) targets: Vec<(Target, Behaviour)>,
}

/// How a clock behaves, as far as it is said.
#[derive(Default)]
pub(super) struct Behaviour {
    warn: Option<Placed<WarnWord>>,
    time: Option<Placed<Time>>,
    calendar: Option<Placed<u16>>,
    day_end: Option<DayEnd>,
    pauses: Option<Placed<Pauses>>,
    starts_on: Option<Vec<Trigger>>,
    met_by: Option<Vec<Trigger>>,
    stops_on: Option<Vec<Trigger>>,
    resets_on: Option<Vec<Trigger>>,
    steps: Option<Placed<Vec<Step>>>,
    pub(super) requires: Option<Vec<Text>>,
    pub(super) from_creation: bool,
    pub(super) carry_over: bool,
}

/// In which pauses and states a clock stands still.
#[derive(Clone, Default)]
struct Pauses {
    reasons: Vec<Text>,
    states: Vec<TicketState>,
}

impl Defaults {
    /// Reads `warn` and `[targets.…]`.
    pub(super) fn read(top: &Section<'_>, context: &Context<'_>, problems: &mut Problems) -> Defaults {
        let mut targets = Vec::new();
        for (key, value) in top
            .table("targets", "a table: [targets.NAME]", problems)
            .into_iter()
            .flatten()
        {
            let target = target(key, context, problems);
            let called = format!("target '{}'", key.get_ref());
            let Some(table) = value.get_ref().as_table() else {
                section::wrong(&called, value, "a table with warn, pauses_on, met_by …", problems);
                continue;
            };
            let section = Section::new(table, key.span(), called, &CLOCK_KEYS[1..], problems);
            let behaviour = Behaviour::read(&section, context, problems);
            targets.extend(target.map(|target| (target, behaviour)));
        }
        Defaults {
            warn: instants::warn(top, problems),
            targets,
        }
    }

    fn of(&self, target: &Target) -> Option<&Behaviour> {
        let found = self.targets.iter().find(|(of, _)| of == target);
        found.map(|(_, behaviour)| behaviour)
    }

    /// What holds for targets to which no rule gives a budget.
    pub(super) fn rules(&self, context: &Context<'_>) -> Vec<ClockRule> {
        let own = Behaviour::default();
        let assembled = self.targets.iter().map(|(target, behaviour)| {
            // A due set by hand warns only where that is said of its target: the policy's share is one of a budget.
            let mut clock = assemble(target.clone(), None, None, behaviour, &own, context);
            clock.calendar = clock.calendar.filter(|_| clock.time == Time::Business);
            clock
        });
        let mut rules: Vec<ClockRule> = assembled.collect();
        rules.sort_by(|a, b| a.target.cmp(&b.target));
        rules
    }

    /// A clock with a budget: what is said of it, else of its target, else of the policy, else what the target means.
    pub(super) fn compile(
        &self,
        target: Target,
        (budget, place): Placed<Span>,
        own: Behaviour,
        context: &Context<'_>,
        problems: &mut Problems,
    ) -> Option<ClockRule> {
        let nothing = Behaviour::default();
        let common = self.of(&target).unwrap_or(&nothing);
        let warn = self.warn.as_ref().and_then(|(word, _)| word.0);
        let mut clock = assemble(target, Some(budget), warn, common, &own, context);
        // Business days are days of work: unless somebody says otherwise, so are its pauses, its warning and its steps.
        let says_time = own.time.is_some() || common.time.is_some();
        if matches!(budget, Span::BusinessDays(_)) && clock.time == Time::Natural && !says_time {
            clock.time = Time::Business;
        }
        let before = problems.count();
        let own_place =
            |place: Option<Range<usize>>, other: &Range<usize>| place.unwrap_or_else(|| other.clone());
        let warned = own_place(own.warn.map(|(_, place)| place), &place);
        instants::check_warning(clock.warn, budget, &warned, &clock.target, problems);
        let stepped = own_place(own.steps.map(|(_, place)| place), &place);
        instants::check_order(
            &clock.steps,
            Some(budget),
            &stepped,
            Some(&clock.target),
            problems,
        );
        check_calendar(&mut clock, budget, own.calendar.as_ref(), &place, problems);
        if clock.time == Time::Elapsed {
            if let Some((_, place)) = &own.pauses {
                problems.at(
                    place,
                    format!("'{}' counts elapsed time, which no pause stops", clock.target),
                    "leave pauses_on out, or say time = \"natural\"",
                );
            }
            (clock.pauses_on, clock.pauses_in) = (Vec::new(), Vec::new());
        }
        (problems.count() == before).then_some(clock)
    }
}

/// The clock of all that is said of it; `warn` is the policy's.
fn assemble(
    target: Target,
    budget: Option<Span>,
    warn: Option<Warn>,
    common: &Behaviour,
    own: &Behaviour,
    context: &Context<'_>,
) -> ClockRule {
    let meaning = meaning::meaning(&target);
    let met_by = match target {
        // The last stage ends with the ticket; the others when they are left.
        Target::Stage(_) => vec![Trigger::Resolve],
        _ => meaning.met_by,
    };
    let clock = ClockRule {
        target,
        budget,
        time: context.time,
        calendar: context.calendar,
        day_end: DayEnd::default(),
        warn,
        starts_on: meaning.starts_on,
        met_by,
        stops_on: Vec::new(),
        resets_on: Vec::new(),
        pauses_on: Vec::new(),
        pauses_in: Vec::new(),
        steps: Vec::new(),
        requires: Vec::new(),
        from_creation: common.from_creation,
        carry_over: common.carry_over,
    };
    let mut clock = own.over(common.over(clock));
    if meaning.restarts && own.resets_on.is_none() && common.resets_on.is_none() {
        clock.resets_on.clone_from(&clock.met_by);
    }
    clock
}

/// Business time and business days need a calendar; what needs none has none.
fn check_calendar(
    clock: &mut ClockRule,
    budget: Span,
    own: Option<&Placed<u16>>,
    place: &Range<usize>,
    problems: &mut Problems,
) {
    let needs = clock.time == Time::Business || matches!(budget, Span::BusinessDays(_));
    if needs && clock.calendar.is_none() {
        let what = match budget {
            Span::BusinessDays(_) => format!("'{}' of {budget} counts business days", clock.target),
            _ => format!("'{}' counts business time", clock.target),
        };
        problems.at(
            place,
            format!("{what}, but no calendar says which"),
            "add calendar = \"cn-office\" there, or at the top for all clocks",
        );
    }
    if needs || matches!(budget, Span::Months(_)) {
        return;
    }
    if let Some((_, place)) = own {
        problems.at(
            place,
            format!("'{}' does not count by a calendar", clock.target),
            "add time = \"business\", or leave calendar out",
        );
    }
    clock.calendar = None;
}

impl Behaviour {
    pub(super) fn read(of: &Section<'_>, context: &Context<'_>, problems: &mut Problems) -> Behaviour {
        let conditions = |key: &str, problems: &mut Problems| conditions(of, key, context, problems);
        let met_by = conditions("met_by", problems);
        if let (Some((_, place)), true) = (&met_by, is_empty(of, "met_by")) {
            problems.at(
                place,
                "met_by is empty: nothing would ever meet the clock",
                "name what meets it, or leave met_by out for the target's own meaning",
            );
        }
        let starts_on = conditions("starts_on", problems);
        if let (Some((_, place)), true) = (&starts_on, is_empty(of, "starts_on")) {
            problems.at(
                place,
                "starts_on is empty: nothing would ever start the clock",
                "name what starts it, or leave starts_on out for the target's own meaning",
            );
        }
        let ends = [("end_of_day", DayEnd::EndOfDay), ("same_time", DayEnd::SameTime)];
        Behaviour {
            warn: instants::warn(of, problems),
            time: of.choice("time", &TIMES, problems),
            calendar: context.calendar(of, problems),
            day_end: of.choice("days", &ends, problems).map(|(end, _)| end),
            pauses: pauses(of, problems),
            starts_on: starts_on.map(|(list, _)| list),
            met_by: met_by.map(|(list, _)| list),
            stops_on: conditions("stops_on", problems).map(|(list, _)| list),
            resets_on: conditions("resets_on", problems).map(|(list, _)| list),
            steps: instants::steps(of, problems),
            requires: of.get("requires").map(|_| of.names("requires", problems)),
            from_creation: false,
            carry_over: false,
        }
    }

    /// The clock with what is said here in place of what it had.
    fn over(&self, clock: ClockRule) -> ClockRule {
        let list = |said: &Option<Vec<Trigger>>, had: Vec<Trigger>| said.clone().unwrap_or(had);
        let pauses = self.pauses.as_ref().map(|(pauses, _)| pauses.clone());
        let pauses = pauses.unwrap_or(Pauses {
            reasons: clock.pauses_on,
            states: clock.pauses_in,
        });
        ClockRule {
            warn: self.warn.as_ref().map_or(clock.warn, |(word, _)| word.0),
            time: self.time.as_ref().map_or(clock.time, |(time, _)| *time),
            calendar: self
                .calendar
                .as_ref()
                .map_or(clock.calendar, |(index, _)| Some(*index)),
            day_end: self.day_end.unwrap_or(clock.day_end),
            pauses_on: pauses.reasons,
            pauses_in: pauses.states,
            starts_on: list(&self.starts_on, clock.starts_on),
            met_by: list(&self.met_by, clock.met_by),
            stops_on: list(&self.stops_on, clock.stops_on),
            resets_on: list(&self.resets_on, clock.resets_on),
            steps: self
                .steps
                .as_ref()
                .map_or(clock.steps, |(steps, _)| steps.clone()),
            requires: self.requires.clone().unwrap_or(clock.requires),
            target: clock.target,
            budget: clock.budget,
            from_creation: clock.from_creation,
            carry_over: clock.carry_over,
        }
    }
}

/// An empty list as it stands in the file, not one that is empty for its mistakes.
fn is_empty(of: &Section<'_>, key: &str) -> bool {
    matches!(of.get(key).map(Spanned::get_ref), Some(DeValue::Array(list)) if list.is_empty())
}

fn conditions(
    of: &Section<'_>,
    key: &str,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Placed<Vec<Trigger>>> {
    of.list(key, problems, |word, place, problems| {
        let trigger = Trigger::parse(word)
            .map_err(|(what, remedy)| problems.at(place, what, remedy))
            .ok()?;
        if let Trigger::Stage(name) = &trigger
            && !Context::declared("stage", name, &context.stages, place, problems)
        {
            return None;
        }
        Some(trigger)
    })
}

/// Reasons of a pause, and `state:NAME`.
fn pauses(of: &Section<'_>, problems: &mut Problems) -> Option<Placed<Pauses>> {
    const STATES: [(&str, TicketState); 3] = [
        ("waiting", TicketState::Waiting),
        ("assigned", TicketState::Assigned),
        ("resolved", TicketState::Resolved),
    ];
    let mut pauses = Pauses::default();
    let (_, place) = of.list("pauses_on", problems, |word, place, problems| {
        let Some(state) = word.strip_prefix("state:") else {
            pauses
                .reasons
                .extend(section::name("pauses_on", word, place, problems));
            return Some(());
        };
        match STATES.iter().find(|(name, _)| *name == state) {
            Some((_, state)) => pauses.states.push(*state),
            None => {
                let names = STATES.map(|(name, _)| name);
                let hint = text::hint(state, names);
                problems.at(
                    place,
                    format!("'{word}' is no state of a ticket{hint}"),
                    format!(
                        "it takes a reason of a pause, or state: and one of {}",
                        names.join(", ")
                    ),
                );
            }
        }
        Some(())
    })?;
    Some((pauses, place))
}

/// A target; one of a stage must be declared if any stage is.
fn target(key: &Spanned<DeString<'_>>, context: &Context<'_>, problems: &mut Problems) -> Option<Target> {
    let target = Target::parse(key.get_ref())
        .map_err(|refusal| problems.refused(&key.span(), &refusal))
        .ok()?;
    match &target {
        Target::Stage(name) if !Context::declared("stage", name, &context.stages, &key.span(), problems) => {
            None
        }
        _ => Some(target),
    }
}

/// The `clocks` of a priority or a rule, in the order of targets.
pub(super) fn clocks(
    of: &Section<'_>,
    defaults: &Defaults,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<ClockRule> {
    let mut clocks = Vec::new();
    for (key, value) in of
        .table("clocks", "a table: first_response = \"15m\" and so on", problems)
        .into_iter()
        .flatten()
    {
        let Some(target) = target(key, context, problems) else {
            continue;
        };
        let starts = |behaviour: &Behaviour| behaviour.starts_on.is_some();
        let starts_itself =
            !meaning::meaning(&target).starts_on.is_empty() || defaults.of(&target).is_some_and(starts);
        let Some((budget, own)) = clock(key, value, context, problems) else {
            continue;
        };
        if !starts_itself && !starts(&own) {
            problems.at(
                &key.span(),
                format!("clock '{target}' starts by hand only: no rule of a policy would reach it"),
                format!("say what starts it, starts_on = [\"mark:NAME\"], or leave it out and set due.{target} on the ticket"),
            );
            continue;
        }
        clocks.extend(defaults.compile(target, budget, own, context, problems));
    }
    clocks.sort_by(|a, b| a.target.cmp(&b.target));
    clocks
}

/// `first_response = "15m"`, or `{ within = "15m", warn = "-5m" }`.
fn clock(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    context: &Context<'_>,
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
            let before = problems.count();
            let behaviour = Behaviour::read(&section, context, problems);
            if section.get("within").is_none() {
                let what = format!("{} does not say how long it runs", section.called);
                problems.at(&key.span(), what, "add within = \"15m\"");
            }
            let within = section.span("within", problems)?;
            // What did not read would be missed further on: one mistake, one message.
            (problems.count() == before).then_some((within, behaviour))
        }
        _ => {
            let takes = "a duration such as \"15m\", or { within = \"15m\", warn = \"80%\" }";
            section::wrong(key.get_ref(), value, takes, problems);
            None
        }
    }
}
