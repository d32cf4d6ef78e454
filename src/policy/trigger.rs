//! What happens to a ticket, as policy files spell it and as targets take it.

use crate::model::rules::Trigger;
use crate::model::target::Target;
use crate::model::text::{self, Text};
use std::fmt;

/// The triggers without a name of their own, and how policy files spell them.
const PLAIN: [(Trigger, &str); 10] = [
    (Trigger::Open, "open"),
    (Trigger::Inbound, "inbound"),
    (Trigger::Respond, "respond"),
    (Trigger::Progress, "progress"),
    (Trigger::Resolve, "resolve"),
    (Trigger::Reopen, "reopen"),
    (Trigger::Assign, "assign"),
    (Trigger::Release, "release"),
    (Trigger::Transfer, "transfer"),
    (Trigger::Rate, "rate"),
];

impl Trigger {
    /// Reads a trigger as policy files spell it. The error is what is wrong with it and what it takes.
    pub fn parse(word: &str) -> Result<Trigger, (String, String)> {
        if let Some((trigger, _)) = PLAIN.iter().find(|(_, spelled)| *spelled == word) {
            return Ok(trigger.clone());
        }
        let known = PLAIN.map(|(_, spelled)| spelled);
        let takes = || {
            format!(
                "it takes {}, transfer:QUEUE, stage:NAME or mark:NAME",
                known.join(", ")
            )
        };
        let Some((kind, name)) = word.split_once(':') else {
            let what = format!(
                "'{word}' is nothing that happens to a ticket{}",
                text::hint(word, known)
            );
            return Err((what, takes()));
        };
        let name = text::id("name", name.as_bytes());
        match (kind, name) {
            ("mark", Ok(name)) => Ok(Trigger::Mark(name)),
            ("stage", Ok(name)) => Ok(Trigger::Stage(name)),
            ("transfer", Ok(name)) => Ok(Trigger::TransferTo(name)),
            ("mark" | "stage" | "transfer", Err(_)) => {
                Err((format!("'{word}' names no {}", noun(kind)), takes()))
            }
            _ => Err((format!("'{word}' is nothing that happens to a ticket"), takes())),
        }
    }

    /// The queue that it names.
    pub fn queue(&self) -> Option<&Text> {
        match self {
            Trigger::TransferTo(queue) => Some(queue),
            _ => None,
        }
    }

    /// Does this meet clocks of the target by the built-in meaning? The same as [`super::meaning()`] says, without an
    /// allocation.
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
            _ => false,
        }
    }
}

fn noun(kind: &str) -> &'static str {
    match kind {
        "transfer" => "queue",
        "stage" => "stage",
        _ => "mark",
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Mark(name) => write!(f, "mark:{name}"),
            Trigger::Stage(name) => write!(f, "stage:{name}"),
            Trigger::TransferTo(name) => write!(f, "transfer:{name}"),
            plain => f.write_str(
                PLAIN
                    .iter()
                    .find(|(t, _)| t == plain)
                    .map_or("?", |(_, spelled)| spelled),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_reads_as_it_prints() {
        let plain = PLAIN.map(|(_, spelled)| spelled);
        for word in plain
            .into_iter()
            .chain(["mark:回访", "stage:planned", "transfer:tech"])
        {
            assert_eq!(Trigger::parse(word).unwrap().to_string(), word);
        }
        let (what, remedy) = Trigger::parse("resolved").unwrap_err();
        assert!(what.contains("did you mean 'resolve'"), "{what}");
        assert!(remedy.contains("mark:NAME"), "{remedy}");
        for bad in ["mark:", "mark:a\u{7}", "stage:", "transfer:", "queue:a", ""] {
            assert!(Trigger::parse(bad).is_err(), "{bad}");
        }
    }
}
