//! What the targets mean unless a policy says otherwise: what starts a clock by itself, what meets it, what begins it anew.

use crate::model::rules::Trigger;
use crate::model::target::Target;
use crate::model::text::Text;

/// What a target means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// What starts its clock by itself, if it has a budget; empty: only a due set by hand does.
    pub starts_on: Vec<Trigger>,
    /// What meets it; any one of these.
    pub met_by: Vec<Trigger>,
    /// What meets it also starts it again with the full budget.
    pub restarts: bool,
}

/// The built-in meaning of a target.
pub fn meaning(target: &Target) -> Meaning {
    use Trigger::{Assign, Inbound, Mark, Open, Progress, Rate, Resolve, Respond, Stage};
    let mark = |name: &str| Mark(Text::new(name));
    let (starts_on, met_by) = match target {
        Target::FirstResponse => (vec![Open], vec![Respond]),
        Target::NextResponse => (vec![Inbound], vec![Respond]),
        Target::Update => (vec![Open], vec![Respond, Progress]),
        Target::Assignment => (vec![Open], vec![Assign]),
        Target::Notice => (vec![Open], vec![mark("notice_sent")]),
        Target::WorkStart => (vec![Open], vec![mark("work_started")]),
        Target::Solution => (vec![Open], vec![mark("solution_sent"), Resolve]),
        Target::Resolution => (vec![Open], vec![Resolve]),
        Target::Promise => (Vec::new(), vec![Respond, Progress]),
        Target::FollowUp => (vec![Resolve], vec![Rate]),
        Target::Stage(name) => (vec![Stage(name.clone())], Vec::new()),
        Target::Custom(name) => (Vec::new(), vec![Mark(name.clone())]),
    };
    Meaning {
        starts_on,
        met_by,
        restarts: *target == Target::Update,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::PLAIN as TARGETS;

    #[test]
    fn targets_mean_what_the_standard_says() {
        let table: [(&str, &str, &str); 12] = [
            ("first_response", "open", "respond"),
            ("next_response", "inbound", "respond"),
            ("update", "open", "respond progress"),
            ("assignment", "open", "assign"),
            ("notice", "open", "mark:notice_sent"),
            ("work_start", "open", "mark:work_started"),
            ("solution", "open", "mark:solution_sent resolve"),
            ("resolution", "open", "resolve"),
            ("promise", "", "respond progress"),
            ("follow_up", "resolve", "rate"),
            ("stage:review", "stage:review", ""),
            ("custom:callback", "", "mark:callback"),
        ];
        let words = |list: &[Trigger]| list.iter().map(Trigger::to_string).collect::<Vec<_>>().join(" ");
        for (name, starts, met_by) in table {
            let meaning = meaning(&Target::parse(name).unwrap());
            assert_eq!(
                (
                    words(&meaning.starts_on).as_str(),
                    words(&meaning.met_by).as_str()
                ),
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
