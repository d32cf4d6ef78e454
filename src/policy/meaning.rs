//! What the targets mean unless a policy says otherwise: when a clock starts by itself, and what meets it.

use crate::model::target::Target;
use crate::model::text::{self, Text};
use std::fmt;

/// When a clock starts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// When the ticket is opened.
    Open,
    /// When the customer writes or calls.
    Inbound,
    /// Never: only a due set by hand, or a promise, starts it.
    ByHand,
}

/// What happens to a ticket that can meet a clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// `TICKET.RESPOND`
    Respond,
    /// `TICKET.PROGRESS`
    Progress,
    /// `TICKET.RESOLVE`
    Resolve,
    /// An agent gets the ticket, by whatever way.
    Assign,
    /// `TICKET.RATE`
    Rate,
    /// `TICKET.MARK` with this name.
    Mark(Text),
}

/// The triggers without a name of their own, and how policy files spell them.
const PLAIN: [(Trigger, &str); 5] = [
    (Trigger::Respond, "respond"),
    (Trigger::Progress, "progress"),
    (Trigger::Resolve, "resolve"),
    (Trigger::Assign, "assign"),
    (Trigger::Rate, "rate"),
];

impl Trigger {
    /// Reads a trigger as policy files spell it. The error is what is wrong with it and what it takes.
    pub fn parse(word: &str) -> Result<Trigger, (String, String)> {
        if let Some((trigger, _)) = PLAIN.iter().find(|(_, spelled)| *spelled == word) {
            return Ok(trigger.clone());
        }
        let known = PLAIN.map(|(_, spelled)| spelled);
        let takes = || format!("it takes {} or mark:NAME", known.join(", "));
        match word.strip_prefix("mark:") {
            Some(name) => text::id("mark", name.as_bytes())
                .map(Trigger::Mark)
                .map_err(|_| (format!("'{word}' names no mark"), takes())),
            None => Err((
                format!("'{word}' meets no clock{}", text::hint(word, known)),
                takes(),
            )),
        }
    }
}

impl Trigger {
    /// Does this meet clocks of the target by the built-in meaning? The same as [`meaning`] says, without an allocation.
    pub fn meets(&self, target: &Target) -> bool {
        match self {
            Trigger::Respond => {
                matches!(
                    target,
                    Target::FirstResponse | Target::NextResponse | Target::Update | Target::Promise
                )
            }
            Trigger::Progress => matches!(target, Target::Update | Target::Promise),
            Trigger::Resolve => matches!(target, Target::Solution | Target::Resolution),
            Trigger::Assign => *target == Target::Assignment,
            Trigger::Rate => *target == Target::FollowUp,
            Trigger::Mark(name) => match target {
                Target::Notice => name == "notice_sent",
                Target::WorkStart => name == "work_started",
                Target::Solution => name == "solution_sent",
                Target::Custom(custom) => name == custom,
                _ => false,
            },
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Mark(name) => write!(f, "mark:{name}"),
            plain => f.write_str(
                PLAIN
                    .iter()
                    .find(|(t, _)| t == plain)
                    .map_or("?", |(_, spelled)| spelled),
            ),
        }
    }
}

/// What a target means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// When its clock starts by itself.
    pub starts: Start,
    /// What meets it; any one of these.
    pub met_by: Vec<Trigger>,
    /// What meets it also starts it again with the full budget.
    pub restarts: bool,
}

/// The built-in meaning of a target.
pub fn meaning(target: &Target) -> Meaning {
    use Trigger::{Assign, Mark, Progress, Rate, Resolve, Respond};
    let mark = |name: &str| Mark(Text::new(name));
    let (starts, met_by) = match target {
        Target::FirstResponse => (Start::Open, vec![Respond]),
        Target::NextResponse => (Start::Inbound, vec![Respond]),
        Target::Update => (Start::Open, vec![Respond, Progress]),
        Target::Assignment => (Start::Open, vec![Assign]),
        Target::Notice => (Start::Open, vec![mark("notice_sent")]),
        Target::WorkStart => (Start::Open, vec![mark("work_started")]),
        Target::Solution => (Start::Open, vec![mark("solution_sent"), Resolve]),
        Target::Resolution => (Start::Open, vec![Resolve]),
        Target::Promise => (Start::ByHand, vec![Respond, Progress]),
        Target::FollowUp => (Start::ByHand, vec![Rate]),
        Target::Stage(_) => (Start::ByHand, Vec::new()),
        Target::Custom(name) => (Start::ByHand, vec![Mark(name.clone())]),
    };
    Meaning {
        starts,
        met_by,
        restarts: *target == Target::Update,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::PLAIN as TARGETS;

    #[test]
    fn every_trigger_reads_as_it_prints() {
        for word in ["respond", "progress", "resolve", "assign", "rate", "mark:回访"] {
            assert_eq!(Trigger::parse(word).unwrap().to_string(), word);
        }
        let (what, remedy) = Trigger::parse("resolved").unwrap_err();
        assert!(what.contains("did you mean 'resolve'"), "{what}");
        assert!(remedy.contains("mark:NAME"), "{remedy}");
        assert!(Trigger::parse("mark:").is_err());
        assert!(Trigger::parse("mark:a\u{7}").is_err());
    }

    #[test]
    fn targets_mean_what_the_standard_says() {
        let table: [(&str, Start, &str); 12] = [
            ("first_response", Start::Open, "respond"),
            ("next_response", Start::Inbound, "respond"),
            ("update", Start::Open, "respond progress"),
            ("assignment", Start::Open, "assign"),
            ("notice", Start::Open, "mark:notice_sent"),
            ("work_start", Start::Open, "mark:work_started"),
            ("solution", Start::Open, "mark:solution_sent resolve"),
            ("resolution", Start::Open, "resolve"),
            ("promise", Start::ByHand, "respond progress"),
            ("follow_up", Start::ByHand, "rate"),
            ("stage:review", Start::ByHand, ""),
            ("custom:callback", Start::ByHand, "mark:callback"),
        ];
        for (name, starts, met_by) in table {
            let meaning = meaning(&Target::parse(name).unwrap());
            let words: Vec<String> = meaning.met_by.iter().map(Trigger::to_string).collect();
            assert_eq!(
                (meaning.starts, words.join(" ").as_str()),
                (starts, met_by),
                "{name}"
            );
            assert_eq!(meaning.restarts, name == "update", "{name}");
            let target = Target::parse(name).unwrap();
            for trigger in [
                "respond",
                "progress",
                "resolve",
                "assign",
                "rate",
                "mark:notice_sent",
                "mark:work_started",
                "mark:solution_sent",
                "mark:callback",
            ] {
                let trigger = Trigger::parse(trigger).unwrap();
                assert_eq!(
                    trigger.meets(&target),
                    meaning.met_by.contains(&trigger),
                    "{trigger} {name}"
                );
            }
        }
        assert_eq!(
            table.len(),
            TARGETS.len() + 2,
            "a target without a line in this table"
        );
    }
}
