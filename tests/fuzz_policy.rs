//! A seeded mutation loop over policy texts: none panics, every refusal names places that exist, and what reads, reads the
//! same again from the text that it keeps. The seeds are `tests/fuzz/policies/*`; `SLAD_FUZZ_ITERATIONS` and
//! `SLAD_FUZZ_SEED` set how long and which way. A failure prints the text.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail loudly in its helpers too"
)]

#[path = "support/fuzz.rs"]
mod fuzz;
#[path = "support/random.rs"]
mod random;

use fuzz::setting;
use random::Random;
use slad::policy::RuleBook;

const TOKENS: [&str; 38] = [
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    "\"",
    "'",
    "\n",
    ",",
    ".",
    "#",
    "\\u0000",
    "服",
    "-1",
    "256",
    "1e400",
    "9h",
    "0ms",
    "18446744073709551616",
    "P1",
    "first_response",
    "[[rules]]",
    "[[stages]]",
    "clocks = {}",
    "class = \"fault.*\"",
    "*",
    "customer = [\"acme\"]",
    "rank = 1",
    "stage:last",
    "transfer:q",
    "steps = [{ at = \"-4h\", rank = 0 }]",
    "+30m",
    "120%",
    "1bd",
    "business",
    "true",
    "2026-12-31",
];

fn mutate(random: &mut Random, corpus: &[String]) -> String {
    let pick = |random: &mut Random| corpus[random.below(corpus.len() as u64) as usize].clone();
    let mut text = pick(random);
    for _ in 0..1 + random.below(5) {
        let place = |random: &mut Random, text: &str| {
            let at = random.below(text.len() as u64 + 1) as usize;
            (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
        };
        let (a, b) = (place(random, &text), place(random, &text));
        let (from, to) = (a.min(b), a.max(b));
        match random.below(6) {
            0 => text.insert_str(a, TOKENS[random.below(TOKENS.len() as u64) as usize]),
            1 => {
                let to = (from..=to.min(from + 24))
                    .rev()
                    .find(|i| text.is_char_boundary(*i));
                text.replace_range(from..to.unwrap_or(from), "");
            }
            2 => {
                let piece = text[from..to].to_owned();
                text.insert_str(a, &piece);
            }
            3 => {
                let other = pick(random);
                let at = place(random, &other);
                text.truncate(a);
                text.push_str(&other[at..]);
            }
            4 => {
                // One line for another of the same text.
                let lines: Vec<&str> = text.lines().collect();
                if lines.len() > 1 {
                    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
                    let (i, j) = (
                        random.below(lines.len() as u64) as usize,
                        random.below(lines.len() as u64) as usize,
                    );
                    lines.swap(i, j);
                    text = lines.join("\n");
                }
            }
            _ => {
                let number = random.below(1 << 40).to_string();
                text.insert_str(a, &number);
            }
        }
    }
    text
}

#[test]
fn mutated_policies_are_read_or_refused_by_place() {
    let texts = fuzz::corpus("policies", 1).into_iter();
    let corpus: Vec<String> = texts.map(|text| String::from_utf8(text).unwrap()).collect();
    let seed = setting("SLAD_FUZZ_SEED", 0x51ad);
    println!("SLAD_FUZZ_SEED={seed} (policies)");
    let mut random = Random::new(seed | 1);
    let (mut read, mut refused) = (0, 0);
    let iterations = setting("SLAD_FUZZ_ITERATIONS", 6_000);
    for iteration in 0..iterations {
        let text = mutate(&mut random, &corpus);
        let shown = || format!("seed {seed} iteration {iteration}:\n{text}");
        let parse = || std::panic::catch_unwind(|| RuleBook::parse("file", &text, 3));
        let parsed = parse().unwrap_or_else(|_| panic!("{}", shown()));
        let again = parse().unwrap_or_else(|_| panic!("{}", shown()));
        assert_eq!(format!("{parsed:?}"), format!("{again:?}"), "{}", shown());
        match parsed {
            Ok(book) => {
                let kept = RuleBook::parse("another", &book.text, book.version);
                let kept = kept.unwrap_or_else(|_| panic!("what was read is kept as read: {}", shown()));
                assert_eq!(
                    (&kept.text, kept.hash, kept.version),
                    (&text, book.hash, 3),
                    "{}",
                    shown()
                );
                read += 1;
            }
            Err(problems) => {
                assert!(!problems.is_empty(), "{}", shown());
                for p in problems {
                    let line = text.split('\n').nth(p.line.wrapping_sub(1));
                    let fits = line.is_some_and(|l| p.column >= 1 && p.column <= l.chars().count() + 1);
                    assert!(
                        fits && !p.what.is_empty() && !p.remedy.is_empty(),
                        "{p}: {}",
                        shown()
                    );
                }
                refused += 1;
            }
        }
    }
    println!("{refused} refused, {read} read (policies)");
    assert!(
        iterations < 1_000 || (read > 20 && refused > 20),
        "{read} read, {refused} refused"
    );
}
