//! A ticket whose rules and calendars change has, from its last change on, the dues of a twin that had the last of them from the start.
//!
//! Both live the same commands. One is opened under some version, level and class and by short calendars; it is migrated, re-levelled
//! and reclassified, its calendars are extended and its engine is started anew at random points. The other is opened under
//! what the first one ends with. Of every clock that is open the due, what is left and the state are the same; of one that
//! has ended, that it has: its due is the one that it had then.

use crate::desk::{Desk, Told};
use crate::offices::{DAY, MINUTE, MONDAY, Office};
use crate::policies;
use crate::random::Random;
use slad::model::reply::Reply;
use slad::model::versions::MigrationMode;

/// What happens to a ticket.
#[derive(Debug, Clone, PartialEq)]
enum Deed {
    /// A command that both are told.
    Said(String),
    /// Only of the one whose rules change.
    Set(&'static str, &'static str),
    Migrate(MigrationMode),
    /// Calendar of this number; whether what hangs on it is done at once, after a restart, or left until the ticket is touched.
    Extend(usize),
    Restart,
    /// Timers run up to now.
    Idle,
}

/// A life: when, and what.
#[derive(Debug)]
struct Life {
    offices: Vec<Office>,
    versions: Vec<String>,
    opened_at: i64,
    own: bool,
    /// The calendars are the longer ones from the start, for both.
    long: bool,
    level: &'static str,
    class: &'static str,
    deeds: Vec<(i64, Deed)>,
}

const LEVELS: [&str; 2] = ["low", "high"];
const CLASSES: [&str; 2] = ["plain", "hot"];

fn instant(dice: &mut Random, at: i64) -> i64 {
    let reach = *dice.pick(&[0, 5 * MINUTE, 10 * 60 * MINUTE, 50 * 60 * MINUTE, 6 * DAY]);
    let step = if dice.one_in(3) { 1 } else { MINUTE };
    at + dice.below(reach as u64 / step as u64 + 1) as i64 * step
}

fn command(dice: &mut Random, long: bool) -> Vec<String> {
    let word = |words: &[&str], dice: &mut Random| (*dice.pick(words)).to_owned();
    let said = match dice.below(16) {
        0..=4 => {
            format!(
                "TICKET.PAUSE t reason {}",
                word(&["customer", "parts", "lunch"], dice)
            )
        }
        5..=7 => "TICKET.RESUME t".to_owned(),
        8 => "TICKET.INBOUND t".to_owned(),
        9 => "TICKET.RESPOND t".to_owned(),
        10 => format!(
            "TICKET.MARK t {}",
            word(&["called", "again", "seen", "solved"], dice)
        ),
        11 => return vec!["TICKET.RESOLVE t".to_owned(), "TICKET.REOPEN t".to_owned()],
        _ => {
            let n = dice.below(40) + 1;
            let span = match dice.below(5) {
                // A clock in natural time does not hang on the calendar by which it was extended.
                0 if long => format!("{}bd", n % 4 + 1),
                1 => "1mo".to_owned(),
                2 => format!("{}ms", n * 977),
                _ => format!("{}m", n * 15),
            };
            let (target, _) = dice.pick(&policies::TARGETS);
            format!("TICKET.EXTEND t {target} for {span} approver a")
        }
    };
    vec![said]
}

impl Life {
    fn draw(seed: u64) -> Life {
        let mut dice = Random::new(seed);
        let dice = &mut dice;
        let offices = vec![Office::draw(dice, "one"), Office::draw(dice, "two")];
        let versions = vec![policies::draw(dice), policies::draw(dice)];
        let opened_at = MONDAY + dice.below(3 * 1_440) as i64 * MINUTE;
        let mut at = opened_at;
        let mut deeds = Vec::new();
        let long = dice.one_in(2);
        let mut extended = if long { Vec::new() } else { vec![0, 1] };
        for _ in 0..dice.below(14) {
            at = instant(dice, at);
            match dice.below(12) {
                0 => deeds.push((at, Deed::Set("priority", dice.pick::<&str>(&LEVELS)))),
                1 => deeds.push((at, Deed::Set("class", dice.pick::<&str>(&CLASSES)))),
                2 => deeds.push((at, Deed::Migrate(MigrationMode::FromNow))),
                3 => deeds.push((at, Deed::Migrate(MigrationMode::Retroactive))),
                4 if !extended.is_empty() => deeds.push((at, Deed::Extend(extended.remove(0)))),
                5 => deeds.push((at, Deed::Restart)),
                _ => {
                    for said in command(dice, long) {
                        deeds.push((at, Deed::Said(said)));
                        at = instant(dice, at);
                        // A longer calendar between a resolution and its reopening, or after anything else.
                        if !extended.is_empty() && dice.one_in(8) {
                            deeds.push((at, Deed::Extend(extended.remove(0))));
                        }
                    }
                }
            }
            if dice.one_in(2) {
                deeds.push((at, Deed::Idle));
            }
        }
        // Whatever was left as it was is reckoned anew at last; all calendars are told by then.
        let last = deeds
            .iter()
            .rposition(|(_, deed)| matches!(deed, Deed::Set(..) | Deed::Migrate(_)));
        if last.is_none_or(|last| deeds[last].1 != Deed::Migrate(MigrationMode::Retroactive)) {
            at = instant(dice, at);
            deeds.push((at, Deed::Migrate(MigrationMode::Retroactive)));
        }
        for number in extended {
            at = instant(dice, at);
            deeds.push((at, Deed::Extend(number)));
            if dice.one_in(2) {
                deeds.push((at, Deed::Restart));
            }
        }
        for _ in 0..dice.below(4) {
            at = instant(dice, at);
            for said in command(dice, long) {
                deeds.push((at, Deed::Said(said)));
                at = instant(dice, at);
            }
        }
        Life {
            offices,
            versions,
            opened_at,
            own: dice.one_in(5),
            long,
            level: dice.pick::<&str>(&LEVELS),
            class: dice.pick::<&str>(&CLASSES),
            deeds,
        }
    }

    /// Where its rules end: version, level, class.
    fn end(&self) -> (usize, &'static str, &'static str) {
        let mut end = (0, self.level, self.class);
        for (_, deed) in &self.deeds {
            match deed {
                Deed::Set("priority", level) => end.1 = level,
                Deed::Set(_, class) => end.2 = class,
                Deed::Migrate(_) => end.0 = 1 - end.0,
                _ => {}
            }
        }
        end
    }

    /// From here on the two are the same.
    fn settled(&self) -> usize {
        let changes =
            |(_, deed): &(i64, Deed)| matches!(deed, Deed::Set(..) | Deed::Migrate(_) | Deed::Extend(_));
        self.deeds.iter().rposition(changes).map_or(0, |last| last + 1)
    }
}

/// What was played.
#[derive(Default)]
struct Tally {
    lives: usize,
    compared: usize,
    paused: usize,
}

fn play(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let life = Life::draw(seed);
    let (version, level, class) = life.end();
    let mut one = Desk::new(MONDAY);
    let mut twin = Desk::new(MONDAY);
    for office in &life.offices {
        one.calendar(office, if life.long { &office.long } else { &office.short });
        twin.calendar(office, &office.long);
    }
    one.policy(&life.versions[0]);
    twin.policy(&life.versions[version]);
    let own = if life.own { " calendar two" } else { "" };
    for (desk, level, class) in [(&mut one, life.level, life.class), (&mut twin, level, class)] {
        desk.to(life.opened_at);
        let line = format!("TICKET.OPEN t policy p priority {level} class {class}{own}");
        assert!(matches!(desk.say(&line), Reply::Seq(_)), "{line}");
    }
    let mut under = 1;
    let mut both = false;
    let settled = life.settled();
    for (place, (at, deed)) in life.deeds.iter().enumerate() {
        one.now = *at;
        twin.to(*at);
        match deed {
            Deed::Said(line) => {
                let (a, b) = (one.say(line), twin.say(line));
                if matches!(a, Reply::Seq(_)) != matches!(b, Reply::Seq(_)) {
                    return Err(format!("SLAD_SEED={seed}: {line}: {a:?}, {b:?}\n{life:#?}"));
                }
            }
            Deed::Set(field, value) => {
                let reply = one.say(&format!("TICKET.SET t {field} {value}"));
                assert!(matches!(reply, Reply::Seq(_)), "SLAD_SEED={seed}: {reply:?}");
            }
            Deed::Migrate(mode) => {
                if !both {
                    one.policy(&life.versions[1]);
                    both = true;
                }
                one.migrate(under, 3 - under, *mode);
                under = 3 - under;
            }
            Deed::Extend(number) => {
                let office = &life.offices[*number];
                one.calendar(office, &office.long);
            }
            Deed::Restart => one.restart(),
            Deed::Idle => one.to(*at),
        }
        if place + 1 < settled {
            continue;
        }
        one.to(*at);
        let (told, right) = (one.clocks("t"), twin.clocks("t"));
        let said = || {
            format!(
                "SLAD_SEED={seed}: after deed {place} {deed:?} at {}\nfound {told:#?}\ntwin {right:#?}\nended under version {version} {level} {class}, opened at {}\n{:#?}\n{}\n{}{}",
                stamp(*at),
                stamp(life.opened_at),
                life.deeds
                    .iter()
                    .map(|(at, deed)| format!("{} {deed:?}", stamp(*at)))
                    .collect::<Vec<_>>(),
                life.versions[version],
                if life.own {
                    "# by its own calendar, two\n"
                } else {
                    ""
                },
                life.offices
                    .iter()
                    .map(|office| office.long.as_str())
                    .collect::<String>(),
            )
        };
        if told.len() != right.len() {
            return Err(said());
        }
        for (found, twin) in told.iter().zip(&right) {
            if !same(found, twin) {
                let (due, right) = (stamp(found.due), stamp(twin.due));
                return Err(format!(
                    "{} differs: due {due} against {right}; {}",
                    found.target,
                    said()
                ));
            }
            tally.compared += usize::from(found.is_open());
            tally.paused += usize::from(found.state == "paused");
        }
    }
    tally.lives += 1;
    Ok(())
}

fn stamp(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

/// Of a clock that stands still, what is left counts: the due that is shown of it in natural time is one of the instant at which the
/// ticket was last paused for another reason, and of the rules that it had then. Of one that is late it counts that it is: by how much
/// depends on whether it stood still before its due or after it, which other rules or a longer calendar may see otherwise.
fn same(found: &Told, twin: &Told) -> bool {
    let is_late = |told: &Told| told.remaining.is_some_and(|left| left < 0);
    let due = |told: &Told| {
        let counts = told.state == "running" && !is_late(told);
        counts.then_some((told.due, told.provisional))
    };
    let left = |told: &Told| told.remaining.map(|left| left.max(-1));
    (&found.target, &found.state, left(found), due(found))
        == (&twin.target, &twin.state, left(twin), due(twin))
}

#[test]
fn a_ticket_whose_rules_change_is_like_one_that_had_the_last_from_the_start() {
    let seed = Random::seed();
    let lives = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        5_000
    } else {
        80
    };
    let mut tally = Tally::default();
    let wrong: Vec<String> = (0..lives)
        .filter_map(|n| play(seed + n, &mut tally).err())
        .collect();
    println!(
        "{} lives, {} clocks compared, {} of them paused",
        tally.lives, tally.compared, tally.paused
    );
    if let Some(first) = wrong.iter().min_by_key(|what| what.len()) {
        panic!("{} of {lives} lives differ, the shortest:\n{first}", wrong.len());
    }
}
