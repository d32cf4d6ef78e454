//! Two policies, written down a second time by hand: `none`, which is in the binary, and the `service-levels` of
//! `tests/simulation/policies` (P1–P4, with natural time standing in for business days).

use slad::model::target::Target;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// One clock of a level.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub target: &'static str,
    pub budget_ms: i64,
    /// The warning comes this long before the due: a fifth of the budget.
    pub warn_before_ms: i64,
}

/// One priority of a policy.
#[derive(Debug, Clone)]
pub struct Level {
    pub name: String,
    pub rank: u8,
    pub queue: &'static str,
    pub budgets: &'static [Budget],
}

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    pub name: &'static str,
    pub levels: Vec<Level>,
    pub default_level: &'static str,
    pub required: &'static [&'static str],
    /// How long a resolved ticket stays open to objections; `None`: it closes at once.
    pub close_after_ms: Option<i64>,
    /// Targets and the reasons for a pause that stop their clocks.
    pub pauses_on: &'static [(&'static str, &'static str)],
    /// Targets that a PROGRESS meets as well.
    pub met_by_progress: &'static [&'static str],
    /// Pauses that the customer's message ends.
    pub customer_pauses: &'static [&'static str],
}

const fn budget(target: &'static str, budget_ms: i64) -> Budget {
    Budget {
        target,
        budget_ms,
        warn_before_ms: budget_ms / 5,
    }
}

const P1: &[Budget] = &[
    budget("first_response", 15 * MINUTE_MS),
    budget("solution", 2 * HOUR_MS),
    budget("resolution", 2 * HOUR_MS),
];
const P2: &[Budget] = &[
    budget("first_response", 30 * MINUTE_MS),
    budget("work_start", 4 * HOUR_MS),
    budget("resolution", 24 * HOUR_MS),
];
const P3: &[Budget] = &[
    budget("first_response", 2 * HOUR_MS),
    budget("resolution", DAY_MS),
];
const P4: &[Budget] = &[
    budget("first_response", 3 * DAY_MS),
    budget("resolution", 14 * DAY_MS),
];

/// The queues that the policies name, those in the binary among them under which the judge opens no ticket.
pub const QUEUES: [&str; 15] = [
    "account-care",
    "business",
    "complaints",
    "default",
    "finance",
    "front-desk",
    "handling",
    "improvement",
    "on-site",
    "operations",
    "repair",
    "solutions",
    "support",
    "tech",
    "tech-support",
];

/// Looks a policy up by name.
pub fn policy(name: &str) -> Option<Policy> {
    match name {
        "none" => Some(Policy {
            name: "none",
            levels: (0..10u8)
                .map(|n| Level {
                    name: format!("P{n}"),
                    rank: 10 * n,
                    queue: "default",
                    budgets: &[],
                })
                .collect(),
            default_level: "P5",
            required: &[],
            close_after_ms: None,
            pauses_on: &[],
            met_by_progress: &[],
            customer_pauses: &["customer"],
        }),
        "service-levels" => {
            let level = |name: &str, rank, queue, budgets| Level {
                name: name.to_owned(),
                rank,
                queue,
                budgets,
            };
            Some(Policy {
                name: "service-levels",
                levels: vec![
                    level("P1", 10, "tech-support", P1),
                    level("P2", 20, "business", P2),
                    level("P3", 30, "front-desk", P3),
                    level("P4", 40, "improvement", P4),
                ],
                default_level: "P3",
                required: &["customer", "description", "outcome"],
                close_after_ms: Some(3 * DAY_MS),
                pauses_on: &[
                    ("resolution", "customer"),
                    ("solution", "customer"),
                    ("update", "customer"),
                ],
                met_by_progress: &["solution"],
                customer_pauses: &["customer"],
            })
        }
        _ => None,
    }
}

impl Policy {
    /// A priority by name.
    pub fn level(&self, name: &str) -> Option<&Level> {
        self.levels.iter().find(|l| l.name == name)
    }

    /// Does a pause for this reason stop the clock with this target, whoever set its due?
    pub fn pauses(&self, target: &Target, reason: &str) -> bool {
        let name = target.to_string();
        self.pauses_on.contains(&(name.as_str(), reason))
    }
}

impl Level {
    /// The budget for a target, if the level has one.
    pub fn budget(&self, target: &Target) -> Option<&Budget> {
        let name = target.to_string();
        self.budgets.iter().find(|b| b.target == name)
    }
}
