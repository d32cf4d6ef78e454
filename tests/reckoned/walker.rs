//! Another level for a ticket that was paused and extended, against a walk from minute to minute.
//!
//! The model has a list of minutes that are open. What a rule's budget comes to from the receipt on, what of it was used while no
//! pause of the clock's was on, and what was added gives what is left; no instant is subtracted from another.

use crate::desk::Desk;
use crate::offices::{MINUTE, MONDAY, Office, date};
use crate::random::Random;
use slad::model::reply::Reply;
use std::fmt::Write;

const DAYS: usize = 120;
const DAY_MINUTES: usize = 1_440;

/// Working time by the minute.
struct Walk {
    office: Office,
    open: Vec<bool>,
}

impl Walk {
    fn draw(dice: &mut Random) -> Walk {
        let mut week: Vec<(usize, usize)> = (0..7)
            .map(|_| {
                let from = dice.below(1_000) as usize;
                (from, from + dice.below(440) as usize)
            })
            .collect();
        week[dice.below(7) as usize] = (540, 1_020);
        let mut text = "name = \"one\"\nzone = \"UTC\"\n[week]\n".to_owned();
        let mut open = vec![false; DAYS * DAY_MINUTES];
        for (place, name) in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .enumerate()
        {
            let (from, to) = week[place];
            if from == to {
                continue;
            }
            let clock = |minute: usize| format!("{:02}:{:02}", minute / 60, minute % 60);
            let _ = writeln!(text, "{name} = [\"{}-{}\"]", clock(from), clock(to));
            for day in (place..DAYS).step_by(7) {
                open[day * DAY_MINUTES + from..day * DAY_MINUTES + to].fill(true);
            }
        }
        let mut free: Vec<usize> = (0..60).collect();
        for _ in 0..dice.below(10) {
            let day = free.swap_remove(dice.below(free.len() as u64) as usize);
            open[day * DAY_MINUTES..(day + 1) * DAY_MINUTES].fill(false);
            let _ = writeln!(
                text,
                "[[holidays]]\nlabel = \"h\"\ndays = [\"{}\"]",
                date(day as i64)
            );
        }
        let office = Office {
            name: "one".to_owned(),
            short: text.clone(),
            long: text,
        };
        Walk { office, open }
    }

    /// The minutes of a budget's own time in this stretch.
    fn count(&self, budget: Budget, from: usize, to: usize) -> i64 {
        (from..to)
            .filter(|minute| budget.counts(self.open[*minute]))
            .count() as i64
    }

    /// How many minutes a budget is, from this one on.
    fn whole(&self, budget: Budget, start: usize) -> i64 {
        match budget {
            Budget::Natural(minutes) | Budget::Business(minutes) => minutes,
            Budget::Days(days) => {
                let later = start / DAY_MINUTES + 1..DAYS;
                let works = |day: &usize| self.open[day * DAY_MINUTES..][..DAY_MINUTES].contains(&true);
                let last = later.filter(works).nth(days as usize - 1).unwrap();
                self.count(budget, start, (last + 1) * DAY_MINUTES)
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Budget {
    Natural(i64),
    Business(i64),
    Days(i64),
}

impl Budget {
    fn draw(dice: &mut Random) -> Budget {
        match dice.below(3) {
            0 => Budget::Natural(dice.below(12_000) as i64 + 1),
            1 => Budget::Business(dice.below(3_000) as i64 + 1),
            _ => Budget::Days(dice.below(6) as i64 + 1),
        }
    }

    /// A minute that is open, or one that is not.
    fn counts(self, open: bool) -> bool {
        open || matches!(self, Budget::Natural(_))
    }

    fn text(self) -> String {
        match self {
            Budget::Natural(minutes) => format!("within = \"{minutes}m\""),
            Budget::Business(minutes) => format!("within = \"{minutes}m\", time = \"business\""),
            Budget::Days(days) => format!("within = \"{days}bd\""),
        }
    }
}

/// A clock of the model.
struct Walked {
    target: &'static str,
    pauses_on: &'static [&'static str],
    budgets: [Budget; 2],
    /// When it stood still, minute by minute, and the minutes added.
    stood: Vec<bool>,
    added: i64,
}

impl Walked {
    fn left(&self, walk: &Walk, level: usize, start: usize, now: usize, flaw: bool) -> i64 {
        let budget = self.budgets[level];
        let used = (start..now).filter(|minute| !self.stood[*minute] && budget.counts(walk.open[*minute]));
        walk.whole(budget, start) + self.added - used.count() as i64 + i64::from(flaw)
    }
}

/// One life; how many dues were compared.
fn play(seed: u64, flaw: bool) -> usize {
    let mut dice = Random::new(seed);
    let dice = &mut dice;
    let walk = Walk::draw(dice);
    let reasons: [(&str, &[&str]); 3] = [
        ("resolution", &["customer"]),
        ("solution", &["customer", "parts"]),
        ("custom:call", &["parts"]),
    ];
    let mut clocks = reasons.map(|(target, pauses_on)| Walked {
        target,
        pauses_on,
        budgets: [Budget::draw(dice), Budget::draw(dice)],
        stood: vec![false; DAYS * DAY_MINUTES],
        added: 0,
    });
    let mut policy =
        "name = \"p\"\ncalendar = \"one\"\nqueue = \"q\"\ndefault_priority = \"l0\"\n".to_owned();
    for level in 0..2 {
        let _ = writeln!(
            policy,
            "[priorities.l{level}]\nrank = {}\n[priorities.l{level}.clocks]",
            10 + level
        );
        for clock in &clocks {
            let (target, budget) = (clock.target, clock.budgets[level].text());
            let opens = if target == "custom:call" {
                "starts_on = [\"open\"], "
            } else {
                ""
            };
            let _ = writeln!(
                policy,
                "\"{target}\" = {{ {opens}{budget}, warn = \"none\", pauses_on = {:?} }}",
                clock.pauses_on
            );
        }
    }
    let mut desk = Desk::new(MONDAY);
    desk.calendar(&walk.office, &walk.office.long);
    desk.policy(&policy);
    let start = dice.below(4_000) as usize;
    let mut minute = start;
    let (mut level, mut paused, mut compared) = (0, "", 0);
    desk.to(MONDAY + minute as i64 * MINUTE);
    desk.say("TICKET.OPEN t policy p");
    for _ in 0..dice.below(14) + 2 {
        let reach = *dice.pick(&[30, 900, 4_000]);
        let until = minute + dice.below(reach) as usize;
        for clock in clocks
            .iter_mut()
            .filter(|clock| clock.pauses_on.contains(&paused))
        {
            clock.stood[minute..until].fill(true);
        }
        minute = until;
        desk.to(MONDAY + minute as i64 * MINUTE);
        let line = match dice.below(6) {
            0 | 1 => {
                paused = *dice.pick::<&str>(&["customer", "parts", "lunch"]);
                format!("TICKET.PAUSE t reason {paused}")
            }
            2 => {
                paused = "";
                "TICKET.RESUME t".to_owned()
            }
            3 => {
                let clock = &mut clocks[dice.below(3) as usize];
                let more = dice.below(900) as i64 + 1;
                clock.added += more;
                format!("TICKET.EXTEND t {} for {more}m approver a", clock.target)
            }
            _ => {
                level = 1 - level;
                format!("TICKET.SET t priority l{level}")
            }
        };
        let reply = desk.say(&line);
        assert!(matches!(reply, Reply::Seq(_)), "{line}: {reply:?}");
        for (told, clock) in desk.clocks("t").iter().map(|told| {
            let clock = clocks.iter().find(|clock| clock.target == told.target).unwrap();
            (told, clock)
        }) {
            let left = clock.left(&walk, level, start, minute, flaw);
            let said = || {
                format!(
                    "SLAD_SEED={seed}: {line} at minute {minute}: {told:?}\n{policy}\n{}",
                    walk.office.long
                )
            };
            // One that is late is late by as much of its own time.
            assert_eq!(told.remaining, Some(left * MINUTE), "{}", said());
            if told.state == "running" && left > 0 {
                let due = ((told.due - MONDAY) / MINUTE) as usize;
                assert_eq!(
                    walk.count(clock.budgets[level], minute, due),
                    left,
                    "due; {}",
                    said()
                );
            }
            compared += 1;
        }
    }
    compared
}

#[test]
fn another_level_gives_what_a_walk_says() {
    let seed = Random::seed();
    let lives = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        5_000
    } else {
        150
    };
    let compared: usize = (0..lives).map(|n| play(seed + n, false)).sum();
    println!("{lives} lives, {compared} clocks compared: 0 differences");
}

#[test]
fn a_walk_that_goes_wrong_is_noticed() {
    let noticed = (1..=5).filter(|seed| std::panic::catch_unwind(|| play(*seed, true)).is_err());
    assert_eq!(noticed.count(), 5);
}
