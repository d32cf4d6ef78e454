//! Versions of a policy drawn at random: what starts, meets, ends and pauses a clock is the same in all, budgets and times are not.

use crate::random::Random;
use std::fmt::Write;

/// The targets, and what is the same in every version.
pub(crate) const TARGETS: [(&str, &str); 6] = [
    ("first_response", ""),
    ("next_response", "pauses_on = [\"parts\"], "),
    (
        "solution",
        "pauses_on = [\"customer\", \"parts\"], met_by = [\"mark:solved\", \"resolve\"], ",
    ),
    ("resolution", "pauses_on = [\"customer\"], "),
    (
        "custom:call",
        "pauses_on = [\"parts\"], starts_on = [\"open\"], met_by = [\"mark:called\"], resets_on = [\"mark:again\"], ",
    ),
    (
        "custom:visit",
        "pauses_on = [\"customer\"], starts_on = [\"mark:again\"], met_by = [\"mark:seen\"], stops_on = [\"mark:called\"], ",
    ),
];

/// A version: two levels, and a class with rules of its own.
pub(crate) fn draw(dice: &mut Random) -> String {
    let mut text = "name = \"p\"\ncalendar = \"one\"\nqueue = \"q\"\ndefault_priority = \"low\"\ncustomer_pauses = [\"customer\"]\nclose_after = \"400d\"\n\
        [classes.plain]\n[classes.hot]\n[priorities.low]\nrank = 20\n[priorities.high]\nrank = 10\n"
        .to_owned();
    for level in ["low", "high"] {
        let _ = writeln!(text, "[priorities.{level}.clocks]");
        for (target, same) in TARGETS {
            let _ = writeln!(text, "\"{target}\" = {}", clock(dice, same));
        }
    }
    let _ = writeln!(text, "[[rules]]\nclass = \"hot\"");
    for (place, (target, same)) in TARGETS.into_iter().enumerate() {
        if place == 3 || dice.one_in(2) {
            let _ = writeln!(text, "clocks.\"{target}\" = {}", clock(dice, same));
        }
    }
    text
}

fn clock(dice: &mut Random, same: &str) -> String {
    let short = dice.below(2_000) + 1;
    let budget = match dice.below(8) {
        0..=1 => format!("within = \"{}m\"", short * 5),
        2..=3 => format!("within = \"{short}m\", time = \"business\""),
        4 => format!("within = \"{}bd\", days = \"same_time\"", dice.below(4) + 1),
        5 => format!("within = \"{}bd\"", dice.below(4) + 1),
        6 => format!("within = \"{short}m\", time = \"business\", calendar = \"two\""),
        _ => format!("within = \"{}mo\"", dice.below(2) + 1),
    };
    let warn = dice.pick(&["80%", "50%", "none"]);
    format!("{{ {same}{budget}, warn = \"{warn}\" }}")
}
