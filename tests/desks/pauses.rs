//! Pausing and resuming at any points, for any reason, under any calendar: the engine against a model that walks minutes.
//!
//! The model has for each clock the minutes that are left. It walks minute by minute: one that lies in a window (or any, for
//! natural time) while no pause of the clock's is on takes a minute away. When none is left the clock is due, and a
//! millisecond later, unless a pause is on, it has breached. No subtraction of instants, no calendar of slad's.

use crate::random::Random;
use slad::calendar::Zones;
use slad::engine::{Config, Engine, Outcome, Output};
use slad::model::Text;
use slad::model::calendar::CalendarExtended;
use slad::model::command::Request;
use slad::model::event::{Body, Event, TicketFact};
use slad::model::reply::Reply;
use slad::policy::{CalendarFile, RuleBook};
use slad::wire::{Caps, Framed, Framer};
use std::fmt::Write;

const MINUTE: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;
/// Monday 5 January 2026, 00:00 UTC.
const MONDAY: i64 = 1_767_571_200_000;
/// How far the model walks, days.
const DAYS: i64 = 70;

/// Working time by the minute, over the days that are walked.
struct Office {
    toml: String,
    open: Vec<bool>,
}

impl Office {
    fn draw(dice: &mut Random) -> Office {
        let windows = |dice: &mut Random| {
            let mut cuts: Vec<i64> = (0..2 * dice.below(4)).map(|_| dice.below(1_440) as i64).collect();
            cuts.sort_unstable();
            cuts.dedup();
            cuts.chunks(2)
                .filter(|c| c.len() == 2)
                .map(|c| (c[0], c[1]))
                .collect::<Vec<_>>()
        };
        let mut week: Vec<Vec<(i64, i64)>> = (0..7).map(|_| windows(dice)).collect();
        week[dice.below(7) as usize] = vec![(540, 1_020)];
        let mut days: Vec<Vec<(i64, i64)>> = (0..DAYS).map(|day| week[(day % 7) as usize].clone()).collect();
        let mut toml = "name = \"odd\"\nzone = \"UTC\"\n[week]\n".to_owned();
        for (name, windows) in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .zip(&week)
        {
            let _ = writeln!(toml, "{name} = {}", texts(windows));
        }
        let mut free: Vec<i64> = (0..DAYS).collect();
        for _ in 0..dice.below(6) {
            let day = free.swap_remove(dice.below(free.len() as u64) as usize);
            days[day as usize].clear();
            let _ = writeln!(toml, "[[holidays]]\nlabel = \"h\"\ndays = [\"{}\"]", date(day));
            // A day with hours of its own beats the holiday.
            if dice.one_in(3) {
                days[day as usize] = windows(dice);
                let hours = texts(&days[day as usize]);
                let _ = writeln!(
                    toml,
                    "[[overrides]]\nlabel = \"o\"\ndays = [\"{}\"]\nhours = {hours}",
                    date(day)
                );
            }
        }
        let mut open = vec![false; (DAYS * DAY_MINUTES) as usize];
        for (day, windows) in days.iter().enumerate() {
            for (from, to) in windows {
                open[day * 1_440 + *from as usize..day * 1_440 + *to as usize].fill(true);
            }
        }
        Office { toml, open }
    }
}

fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(MONDAY + day * DAY_MINUTES * MINUTE).unwrap();
    at.to_string()[..10].to_owned()
}

fn texts(windows: &[(i64, i64)]) -> String {
    let text = |(from, to): &(i64, i64)| {
        format!(
            "\"{:02}:{:02}-{:02}:{:02}\"",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    };
    format!("[{}]", windows.iter().map(text).collect::<Vec<_>>().join(", "))
}

/// A clock of the model.
struct Walked {
    target: &'static str,
    business: bool,
    pauses_on: &'static [&'static str],
    left: i64,
    due: Option<i64>,
    breached: Option<i64>,
}

impl Walked {
    fn stands(&self, paused: Option<&str>) -> bool {
        paused.is_some_and(|reason| self.pauses_on.contains(&reason))
    }

    /// The minute from here on.
    fn walk(&mut self, minute: i64, office: &Office, paused: Option<&str>) {
        if self.stands(paused) {
            return;
        }
        if self.left == 0 {
            // It ran out now, or while it stood still: nothing is left, and it runs.
            self.due.get_or_insert(minute);
            self.breached.get_or_insert(MONDAY + minute * MINUTE + 1);
        } else if !self.business || office.open[minute as usize] {
            self.left -= 1;
        }
    }
}

/// An engine without a daemon.
struct Desk {
    engine: Engine,
    now: i64,
    out: Output,
    framer: Framer,
    breaches: Vec<(String, i64)>,
}

impl Desk {
    fn new(office: &Office, policy: &str) -> Desk {
        let config = Config {
            virtual_clock: true,
            ..Config::default()
        };
        let mut desk = Desk {
            engine: Engine::new(config),
            now: MONDAY,
            out: Output::default(),
            framer: Framer::default(),
            breaches: Vec::new(),
        };
        desk.engine.ready(MONDAY);
        let file = CalendarFile::parse("odd", &office.toml, &Zones::bundled())
            .unwrap_or_else(|problems| panic!("{problems:?}\n{}", office.toml));
        let calendar = CalendarExtended {
            name: Text::new("odd"),
            version: 1,
            hash: file.hash,
            text: file.text,
            spec: file.spec,
            zone: file.zone,
            reason: Text::default(),
        };
        let book = RuleBook::read("p", policy, 1, &["odd"])
            .unwrap_or_else(|problems| panic!("{problems:?}\n{policy}"));
        for body in [
            Body::CalendarExtended(Box::new(calendar)),
            Body::PolicyActivated(Box::new(book.activation("", true))),
        ] {
            desk.engine.record(MONDAY, body, &mut desk.out);
        }
        desk.take();
        desk
    }

    fn take(&mut self) {
        for (_, events) in self.out.frames() {
            for event in events {
                if let Event {
                    at,
                    body: Body::Ticket(ticket),
                    ..
                } = event
                    && let TicketFact::Breached(sla) = &ticket.fact
                {
                    self.breaches.push((sla.target.to_string(), *at));
                }
            }
        }
        self.out.clear();
    }

    fn to(&mut self, now: i64) {
        self.now = now;
        while self.engine.advance(now, 16, &mut self.out) {}
        self.take();
    }

    fn say(&mut self, line: &str) -> Reply {
        let words: Vec<&str> = line.split_whitespace().collect();
        let bytes = crate::support::encode(&words);
        assert!(matches!(self.framer.next(&bytes), Ok(Framed::Command { .. })));
        let parsed = slad::wire::parse(self.framer.args(&bytes), &Caps::default());
        let Request::Engine(command) = parsed.unwrap_or_else(|e| panic!("{line}: {e}")).request else {
            panic!("{line} is not for the engine");
        };
        let outcome = self.engine.execute(self.now, &command, 0, &mut self.out);
        self.take();
        match outcome {
            Outcome::Done(reply) => reply,
            _ => panic!("{line} waits"),
        }
    }
}

/// Due and remaining of each clock, as TICKET.GET tells them.
fn clocks(desk: &mut Desk) -> String {
    format!("{:?}", desk.say("TICKET.GET t"))
}

/// What a model may have wrong: the judge is judged.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// A minute too much.
    Budget,
    /// It does not hear of one reason to pause.
    Reason,
}

/// One life with pauses; how many there were.
fn play(seed: u64, flaw: Flaw) -> usize {
    let mut dice = Random::new(seed);
    let office = Office::draw(&mut dice);
    let budgets = [
        dice.below(4_000) + 1,
        dice.below(2_000) + 1,
        dice.below(3_000) + 1,
        dice.below(1_500) + 1,
    ];
    let [a, b, c, d] = budgets;
    let policy = format!(
        "name = \"p\"\ncalendar = \"odd\"\nqueue = \"q\"\ndefault_priority = \"normal\"\ncustomer_pauses = [\"customer\"]\n\
         [priorities.normal]\nrank = 10\n[priorities.normal.clocks]\n\
         resolution = {{ within = \"{a}m\", warn = \"none\", pauses_on = [\"customer\"] }}\n\
         solution = {{ within = \"{b}m\", time = \"business\", warn = \"none\", pauses_on = [\"customer\", \"parts\"] }}\n\
         work_start = {{ within = \"{c}m\", time = \"elapsed\", warn = \"none\" }}\n\
         \"custom:call\" = {{ within = \"{d}m\", time = \"business\", warn = \"none\", pauses_on = [\"parts\"], starts_on = [\"open\"] }}\n"
    );
    let mut desk = Desk::new(&office, &policy);
    let clock = |target, business, pauses_on, left: u64| Walked {
        target,
        business,
        pauses_on,
        left: left as i64 + i64::from(flaw == Flaw::Budget),
        due: None,
        breached: None,
    };
    let mut walked = [
        clock("resolution", false, &["customer"], a),
        clock("solution", true, &["customer", "parts"], b),
        clock("work_start", false, &[], c),
        clock("custom:call", true, &["parts"], d),
    ];
    let mut minute = dice.below(3 * 1_440) as i64;
    desk.to(MONDAY + minute * MINUTE);
    desk.say("TICKET.OPEN t policy p");
    let mut paused: Option<&'static str> = None;
    let changes = dice.below(12) as usize + 1;
    let ends: Vec<(i64, &str)> = {
        let mut at = minute;
        (0..changes)
            .map(|_| {
                let reach = *dice.pick(&[5, 600, 3_000]);
                at += dice.below(reach) as i64;
                (
                    at,
                    *dice.pick(&["customer", "parts", "lunch", "resume", "inbound", "resume"]),
                )
            })
            .collect()
    };
    for (until, what) in ends {
        while minute < until {
            walked
                .iter_mut()
                .for_each(|clock| clock.walk(minute, &office, paused));
            minute += 1;
        }
        desk.to(MONDAY + minute * MINUTE);
        let line = match what {
            "resume" => "TICKET.RESUME t".to_owned(),
            "inbound" => "TICKET.INBOUND t".to_owned(),
            reason => format!("TICKET.PAUSE t reason {reason}"),
        };
        let reply = desk.say(&line);
        assert!(matches!(reply, Reply::Seq(_)), "{line}: {reply:?}");
        paused = match (what, paused) {
            ("resume", _) | ("inbound", Some("customer")) => None,
            ("inbound", before) => before,
            ("parts", _) if flaw == Flaw::Reason => None,
            (reason, _) => Some(reason),
        };
        // What is left is told as the model has it, until it runs out.
        let told = clocks(&mut desk);
        for clock in walked
            .iter()
            .filter(|clock| clock.breached.is_none() && clock.left > 0)
        {
            let remaining = field(&told, clock.target, "remaining");
            assert_eq!(
                remaining,
                Some(clock.left * MINUTE),
                "SLAD_SEED={seed}: {} after {what} at minute {minute}\n{policy}\n{}\n{told}",
                clock.target,
                office.toml
            );
        }
    }
    desk.say("TICKET.RESUME t");
    let told = clocks(&mut desk);
    let left_off = minute;
    while minute < DAYS * DAY_MINUTES {
        walked.iter_mut().for_each(|clock| {
            if clock.left == 0 {
                clock.due.get_or_insert(minute);
            }
            clock.walk(minute, &office, None);
        });
        minute += 1;
    }
    desk.to(MONDAY + minute * MINUTE);
    for clock in &walked {
        let breached = desk
            .breaches
            .iter()
            .find(|(target, _)| target == clock.target)
            .map(|(_, at)| *at);
        let said = format!(
            "SLAD_SEED={seed}: {} after minute {left_off}\n{policy}\n{}\n{told}",
            clock.target, office.toml
        );
        assert_eq!(breached, clock.breached, "breach; {said}");
        if let (Some(due), true) = (
            clock.due,
            clock.breached.is_none_or(|at| at > MONDAY + left_off * MINUTE),
        ) {
            assert_eq!(
                field(&told, clock.target, "due"),
                Some(MONDAY + due * MINUTE),
                "due; {said}"
            );
        }
    }
    let breaches = desk.breaches.len();
    assert!(
        breaches <= walked.len(),
        "SLAD_SEED={seed}: a clock breached twice: {:?}",
        desk.breaches
    );
    changes
}

/// A number of a clock in the reply of TICKET.GET as it is written out.
fn field(told: &str, target: &str, name: &str) -> Option<i64> {
    let own = &told[told.find(&format!("\"{target}\""))?..];
    let number = &own[own.find(&format!("\"{name}\""))? + name.len() + 2..];
    let from = number.find(|c: char| c.is_ascii_digit() || c == '-')?;
    let end = number[from..].find(|c: char| !c.is_ascii_digit() && c != '-')?;
    number[from..from + end].parse().ok()
}

#[test]
fn pauses_at_any_points_are_what_a_walk_says() {
    let seed = Random::seed();
    let lives = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        20_000
    } else {
        400
    };
    let changes: usize = (0..lives).map(|n| play(seed + n, Flaw::None)).sum();
    println!("{lives} lives, {changes} pauses and resumptions: 0 differences");
}

#[test]
fn a_walk_that_goes_wrong_is_noticed() {
    for (flaw, noticed_min) in [(Flaw::Budget, 20), (Flaw::Reason, 5)] {
        let noticed = (1..=20).filter(|seed| std::panic::catch_unwind(|| play(*seed, flaw)).is_err());
        assert!(noticed.count() >= noticed_min);
    }
}
