//! What an SLA clock is aimed at.

use super::{Refusal, Text, text};
use std::fmt;

/// The aim of a clock. The order of the variants is the order of clocks that run out in the same millisecond.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub enum Target {
    /// From submission to the first response.
    FirstResponse,
    /// From the customer's message to the next response.
    NextResponse,
    /// From one progress report to the next.
    Update,
    /// Until an agent has the ticket.
    Assignment,
    /// Until the customer was told that the ticket was taken on.
    Notice,
    /// Until work on it has begun.
    WorkStart,
    /// Until a solution was sent.
    Solution,
    /// Until it is resolved.
    Resolution,
    /// Until the next contact that was promised.
    Promise,
    /// Until the customer was asked how it went.
    FollowUp,
    /// Until the stage of this name is left.
    Stage(Text),
    /// Until the mark of this name is set.
    Custom(Text),
}

/// The targets without a name of their own, in order, and how they are spelled.
pub const PLAIN: [(Target, &str); 10] = [
    (Target::FirstResponse, "first_response"),
    (Target::NextResponse, "next_response"),
    (Target::Update, "update"),
    (Target::Assignment, "assignment"),
    (Target::Notice, "notice"),
    (Target::WorkStart, "work_start"),
    (Target::Solution, "solution"),
    (Target::Resolution, "resolution"),
    (Target::Promise, "promise"),
    (Target::FollowUp, "follow_up"),
];

impl Target {
    /// Reads a target's name; the error lists them and offers the nearest.
    pub fn parse(name: &str) -> Result<Target, Refusal> {
        if let Some((target, _)) = PLAIN.iter().find(|(_, spelled)| *spelled == name) {
            return Ok(target.clone());
        }
        let named = |prefix: &str| {
            name.strip_prefix(prefix)
                .map(|rest| text::id("target", rest.as_bytes()))
        };
        if let Some(rest) = named("stage:") {
            return rest.map(Target::Stage);
        }
        if let Some(rest) = named("custom:") {
            return rest.map(Target::Custom);
        }
        let known = PLAIN.map(|(_, spelled)| spelled);
        Err(Refusal::bad_arg(format!(
            "target '{name}'{}: it takes {}, stage:NAME or custom:NAME",
            text::hint(name, known),
            known.join(", ")
        )))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Stage(name) => write!(f, "stage:{name}"),
            Target::Custom(name) => write!(f, "custom:{name}"),
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
    fn every_target_reads_as_it_prints() {
        for name in PLAIN
            .iter()
            .map(|(_, s)| *s)
            .chain(["stage:first-review", "custom:回访"])
        {
            assert_eq!(Target::parse(name).unwrap().to_string(), name);
        }
        assert!(
            Target::parse("resolutoin")
                .unwrap_err()
                .message
                .contains("did you mean 'resolution'")
        );
        assert!(Target::parse("stage:").is_err());
    }
}
