//! The plan of a book is what a naive matcher finds that scans all rules of the file; plans by number are the same plans.

use super::parse;
use crate::model::rules::{ClassPattern, Rule};
use crate::model::target::Target;
use crate::policy::{Keys, Plan, Plans, RuleBook};
use std::cmp::Ordering;
use std::fmt::Write;

/// A small generator: the seed is all it depends on.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        (mixed ^ (mixed >> 29)) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn some<'a>(&mut self, from: &[&'a str]) -> Vec<&'a str> {
        let mut picked: Vec<&str> = from.iter().copied().filter(|_| self.below(3) == 0).collect();
        if picked.is_empty() {
            picked.push(self.pick(from));
        }
        picked
    }
}

const PATTERNS: [&str; 8] = ["a", "a.*", "a.b", "a.b.*", "a.b.c", "ab.*", "x", "x.*"];
const CLASSES: [&str; 12] = [
    "", "a", "a.b", "a.b.c", "a.b.d", "a.z", "ab", "ab.c", "x", "x.y", "y", "a.",
];
const PRIORITIES: [&str; 3] = ["p0", "p1", "p2"];
const SEGMENTS: [&str; 3] = ["s1", "s2", "s3"];
const CHANNELS: [&str; 2] = ["c1", "c2"];
const CUSTOMERS: [&str; 4] = ["k1", "k2", "k3", "k4"];
const QUEUES: [&str; 4] = ["q", "q1", "q2", "q3"];
const TARGETS: [&str; 4] = ["first_response", "update", "resolution", "notice"];

fn file(random: &mut Random) -> String {
    let mut text = String::from(
        "queue = \"q\"\ndefault_priority = \"p1\"\npriorities = [\"p0\", \"p1\", \"p2\"]\n\
         [targets.resolution]\npauses_on = [\"customer\"]\n[targets.promise]\npauses_on = [\"customer\"]\n\
         [[stages]]\nname = \"one\"\nwithin = \"1h\"\n[[stages]]\nname = \"two\"\nclasses = [\"a.*\", \"x\"]\nwithin = \"2h\"\n\
         [[rules]]\nclocks.assignment = \"9h\"\n",
    );
    for number in 0..1 + random.below(90) {
        text.push_str("[[rules]]\n");
        let key = |name: &str, values: &[&str], random: &mut Random, text: &mut String| {
            if random.below(3) == 0 {
                let _ = writeln!(text, "{name} = {:?}", random.some(values));
            }
        };
        if random.below(2) == 0 {
            let _ = writeln!(text, "class = {:?}", random.some(&PATTERNS));
        }
        key("priority", &PRIORITIES, random, &mut text);
        key("segment", &SEGMENTS, random, &mut text);
        key("channel", &CHANNELS, random, &mut text);
        key("customer", &CUSTOMERS, random, &mut text);
        let of_queue = random.below(5) == 0;
        if of_queue {
            let _ = writeln!(text, "queue = {:?}", random.some(&QUEUES));
        }
        match random.below(if of_queue { 5 } else { 6 }) {
            0 => drop(writeln!(text, "rank = {}", random.below(256))),
            1 => drop(writeln!(text, "prefer = \"agent{number}\"")),
            2 => drop(writeln!(text, "skills = \"zh>={}\"", 1 + random.below(10))),
            5 => drop(writeln!(text, "set_queue = \"{}\"", random.pick(&QUEUES))),
            _ => {
                let target = random.pick(&TARGETS);
                let _ = writeln!(text, "clocks.{target} = \"{}m\"", 1 + random.below(1_000));
                let _ = writeln!(text, "clocks.\"stage:one\" = \"{}m\"", 1 + random.below(1_000));
            }
        }
    }
    text
}

/// The file with the rules left out that contradict others or are never reached, which a file may not have.
fn mended(mut text: String) -> (String, RuleBook) {
    loop {
        let problems = match parse(&text) {
            Ok(book) => return (text, book),
            Err(problems) => problems,
        };
        let expected = ["equally specific", "is never reached"];
        for problem in &problems {
            assert!(
                expected.iter().any(|what| problem.what.contains(what)),
                "{problem}\n{text}"
            );
        }
        let lines: Vec<&str> = text.lines().collect();
        let mut gone = vec![false; lines.len()];
        for problem in &problems {
            let mut line = problem.line - 1;
            while lines[line] != "[[rules]]" {
                line -= 1;
            }
            gone[line] = true;
            let rest = (line + 1..lines.len()).take_while(|next| lines[*next] != "[[rules]]");
            rest.for_each(|next| gone[next] = true);
        }
        let kept = lines.iter().zip(gone).filter(|(_, gone)| !gone);
        text = kept.map(|(line, _)| format!("{line}\n")).collect();
    }
}

fn matches(rule: &Rule, keys: &Keys, queue: Option<&str>) -> bool {
    let among =
        |list: &[crate::model::Text], value: &str| list.is_empty() || list.iter().any(|one| one == value);
    let class = match &rule.class {
        None => true,
        Some(ClassPattern::Exact(name)) => name == keys.class,
        Some(ClassPattern::Below(prefix)) => keys.class.starts_with(&format!("{prefix}.")),
    };
    class
        && (rule.priorities.is_empty() || rule.priorities.contains(&keys.priority))
        && among(&rule.segments, keys.segment)
        && among(&rule.channels, keys.channel)
        && among(&rule.customers, keys.customer)
        && (rule.queues.is_empty() || queue.is_some_and(|queue| among(&rule.queues, queue)))
}

/// Which of two rules is more specific, key by key, the most telling first.
fn compare(one: &Rule, other: &Rule) -> Ordering {
    let class = |rule: &Rule| match &rule.class {
        None => (0, 0),
        Some(ClassPattern::Below(prefix)) => (1, prefix.len()),
        Some(ClassPattern::Exact(_)) => (2, 0),
    };
    let named = |rule: &Rule| {
        let first = !rule.customers.is_empty();
        let rest = [&rule.queues, &rule.channels, &rule.segments].map(|list| !list.is_empty());
        (first, class(rule), rest, !rule.priorities.is_empty())
    };
    named(one).cmp(&named(other))
}

/// The most specific matching rule that says something of a property.
fn best<'a, T>(
    rules: &'a [Rule],
    keys: &Keys,
    queue: Option<&str>,
    said: impl Fn(&'a Rule) -> Option<T>,
) -> Option<T> {
    let matching = rules
        .iter()
        .filter(|rule| matches(rule, keys, queue) && said(rule).is_some());
    let first = matching.max_by(|one, other| {
        // Of equals the first; two that say the same property are refused.
        compare(one, other).then(Ordering::Greater)
    });
    first.and_then(said)
}

fn check(book: &RuleBook, keys: &Keys, got: &Plan) {
    let rules = &book.rules.rules;
    let by_policy = best(rules, keys, None, |rule| rule.queue.clone()).unwrap_or_default();
    let queue = Some(keys.queue.unwrap_or(&by_policy));
    assert_eq!(got.queue, by_policy);
    let rank = best(rules, keys, queue, |rule| rule.rank);
    let usual = book.rules.priorities[usize::from(keys.priority)].rank;
    assert_eq!(got.rank, rank.unwrap_or(usual));
    assert_eq!(
        got.prefer,
        best(rules, keys, queue, |rule| rule.prefer.clone()).unwrap_or_default()
    );
    assert_eq!(
        got.skills,
        best(rules, keys, queue, |rule| rule.skills.clone()).unwrap_or_default()
    );
    let passes = keys.class == "x" || keys.class.starts_with("a.");
    assert_eq!(got.stages, if passes { vec![0, 1] } else { vec![0] });
    for name in TARGETS
        .into_iter()
        .chain(["assignment", "promise", "stage:one", "stage:two", "solution"])
    {
        let target = Target::parse(name).unwrap();
        let clock = |rule: &Rule| rule.clocks.iter().find(|clock| clock.target == target).cloned();
        let ruled = best(rules, keys, queue, clock);
        let stages = got
            .stages
            .iter()
            .map(|stage| &book.rules.stages[usize::from(*stage)]);
        let staged = stages
            .filter_map(|stage| stage.clock.clone())
            .find(|clock| clock.target == target);
        let other = book
            .rules
            .targets
            .iter()
            .find(|clock| clock.target == target)
            .cloned();
        assert_eq!(
            got.clock(&target).cloned(),
            ruled.clone().or(staged).or(other),
            "{name}"
        );
        let by = got.decided_by(&target).map(|index| clock(&rules[index]));
        assert_eq!(by, ruled.map(Some), "{name}");
    }
    assert!(got.clocks.is_sorted_by(|a, b| a.target < b.target));
}

#[test]
fn plans_are_what_a_scan_of_all_rules_finds() {
    let seed = std::env::var("SLAD_PLANS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed);
    println!("SLAD_PLANS_SEED={seed}");
    let files = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        2_000
    } else {
        40
    };
    let mut random = Random(seed);
    let (mut rules, mut plans) = (0, 0);
    for number in 0..files {
        let (text, book) = mended(file(&mut random));
        rules += book.rules.rules.len();
        let mut kept = Plans::default();
        for _ in 0..200 {
            let keys = Keys {
                class: random.pick(&CLASSES),
                priority: random.below(3) as u16,
                segment: random.pick(&["", "s1", "s2", "s3", "s9"]),
                channel: random.pick(&["", "c1", "c2", "c9"]),
                customer: random.pick(&["", "k1", "k2", "k3", "k4", "k9"]),
                queue: [None, Some("q"), Some("q1"), Some("q3"), Some("q9")][random.below(5) as usize],
            };
            let got = book.plan(&keys);
            let case = || check(&book, &keys, &got);
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(case));
            assert!(
                checked.is_ok(),
                "SLAD_PLANS_SEED={seed}, file {number}, {keys:?}:\n{text}\n{got:#?}"
            );
            let found = kept.find(&book, &keys);
            assert_eq!(**kept.get(found), got, "file {number} {keys:?}");
            assert_eq!(kept.find(&book, &keys), found);
        }
        // Equal plans are kept once.
        for one in 0..kept.len() {
            for other in 0..one {
                assert_ne!(kept.get(one as u32), kept.get(other as u32), "file {number}");
            }
        }
        plans += kept.len();
    }
    println!("{rules} rules, {plans} different plans");
    assert!(
        rules > files * 10 && plans > files * 10,
        "{rules} rules, {plans} plans"
    );
}

/// What the proof of reach says is so: in a file that is taken every rule decides something of some ticket.
#[test]
fn every_rule_of_a_file_that_is_taken_decides_something() {
    let mut random = Random(7);
    for _ in 0..if std::env::var_os("SLAD_TEST_LONG").is_some() {
        200
    } else {
        6
    } {
        let (text, book) = mended(file(&mut random));
        let mut deciding = vec![false; book.rules.rules.len()];
        let queues = [None, Some("q"), Some("q1"), Some("q2"), Some("q3"), Some("q9")];
        let customers = ["", "k1", "k2", "k3", "k4"];
        for class in CLASSES {
            for (segment, channel) in ["", "s1", "s2", "s3"]
                .into_iter()
                .flat_map(|s| ["", "c1", "c2"].map(|c| (s, c)))
            {
                for (customer, queue) in customers.into_iter().flat_map(|k| queues.map(|q| (k, q))) {
                    for priority in 0..3 {
                        let plan = book.plan(&Keys {
                            class,
                            priority,
                            segment,
                            channel,
                            customer,
                            queue,
                        });
                        let by = plan.set_by;
                        let set = [by.rank, by.queue, by.skills, by.prefer].into_iter().flatten();
                        let clocks = plan
                            .clocks
                            .iter()
                            .filter_map(|clock| plan.decided_by(&clock.target));
                        for rule in clocks.chain(set.map(|rule| rule as usize)) {
                            deciding[rule] = true;
                        }
                    }
                }
            }
        }
        for (rule, decides) in book.rules.rules.iter().zip(deciding) {
            assert!(
                decides || !rule.called.starts_with("rule"),
                "{} in\n{text}",
                rule.called
            );
        }
    }
}
