//! A seeded mutation loop over the whole wire floor: no input panics, stalls, or makes the framer keep memory that
//! the input did not pay for; and however it is split, it comes to the same. The seeds are `tests/fuzz/wire/*`; `SLAD_FUZZ_ITERATIONS` and `SLAD_FUZZ_SEED` set how long and
//! which way. A failure prints the input.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly in its helpers too")]

#[path = "support/fuzz.rs"]
mod fuzz;

use fuzz::{corpus, setting};
use slad::wire::{Caps, Framed, Framer, Limits, encode};
/// xorshift64*, so that a run is named by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

const TOKENS: [&[u8]; 18] = [
    b"*",
    b"$",
    b"\r\n",
    b"*1\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"*1000000000\r\n",
    b"$1000000000\r\n",
    b"\"",
    b"'",
    b"\\x",
    b"TICKET.OPEN",
    b"due.",
    b"attr.",
    b"token",
    b"9223372036854775807",
    b"\xff\xfe",
    b"\0",
];

fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..random.below(6) {
        let at = random.below(input.len() + 1);
        match random.below(7) {
            0 => input.insert(at, random.next() as u8),
            1 if at < input.len() => input[at] ^= 1 << random.below(8),
            2 if at < input.len() => {
                let end = (at + 1 + random.below(16)).min(input.len());
                input.drain(at..end);
            }
            3 => {
                let token = TOKENS[random.below(TOKENS.len())];
                input.splice(at..at, token.iter().copied());
            }
            4 => input.truncate(at),
            5 => {
                let other = &corpus[random.below(corpus.len())];
                let tail = &other[random.below(other.len() + 1)..];
                input.truncate(at);
                input.extend_from_slice(tail);
            }
            _ => {
                let end = (at + random.below(64)).min(input.len());
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
        }
    }
    input
}

/// Everything that a stream comes to: each request's outcome, and how it ended.
fn run(input: &[u8], piece: usize, limits: &Limits) -> Vec<String> {
    let caps = Caps::default();
    let mut framer = Framer::new(limits.clone());
    let (mut outcomes, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        let framed = framer.next(&input[start..end]);
        // A span for each argument, unquoted words no longer than their line; a vector may double.
        let paid = 64 + 16 * end;
        assert!(
            framer.heap_bytes() <= paid,
            "{} bytes after {end}",
            framer.heap_bytes()
        );
        match framed {
            Ok(Framed::NeedMore) if end == input.len() => return outcomes,
            Ok(Framed::NeedMore) => end = (end + piece).min(input.len()),
            Ok(Framed::Empty { used }) => {
                assert!(used > 0, "no progress");
                start += used;
            }
            Ok(Framed::Command { used }) => {
                let args = framer.args(&input[start..end]);
                assert!(!args.is_empty());
                let outcome = match slad::wire::parse(args, &caps) {
                    Ok(parsed) => format!("{:?}", parsed.request),
                    Err(refusal) => {
                        let mut line = Vec::new();
                        encode::error(&mut line, &refusal);
                        let breaks = line.iter().filter(|b| matches!(b, b'\r' | b'\n')).count();
                        assert_eq!(breaks, 2, "one line: {refusal}");
                        refusal.to_string()
                    }
                };
                outcomes.push(outcome);
                start += used;
            }
            Err(error) => {
                outcomes.push(error.to_string());
                return outcomes;
            }
        }
    }
}

#[test]
fn mutated_streams_neither_panic_nor_take_more_than_they_pay() {
    let corpus = corpus("wire", 10);
    let seed = setting("SLAD_FUZZ_SEED", 0x51ad);
    println!("SLAD_FUZZ_SEED={seed} (wire)");
    let mut random = Random(seed | 1);
    let limits = Limits::default();
    for iteration in 0..setting("SLAD_FUZZ_ITERATIONS", 20_000) {
        let input = mutate(&mut random, &corpus);
        let piece = 1 + random.below(64);
        let shown = || {
            format!(
                "seed {seed} iteration {iteration} piece {piece}: {}",
                input.escape_ascii()
            )
        };
        let outcome = std::panic::catch_unwind(|| {
            (
                run(&input, input.len().max(1), &limits),
                run(&input, piece, &limits),
            )
        });
        let (whole, pieces) = outcome.unwrap_or_else(|_| panic!("{}", shown()));
        assert_eq!(whole, pieces, "{}", shown());
    }
}

#[test]
fn an_announced_length_reserves_nothing() {
    let limits = Limits {
        args_max: usize::MAX,
        bulk_bytes_max: usize::MAX,
        inline_bytes_max: usize::MAX,
        request_bytes_max: usize::MAX,
    };
    for announced in [
        "*2147483647\r\n",
        "*2147483647\r\n$4294967000\r\nx",
        "*1\r\n$4000000000\r\n",
    ] {
        let mut framer = Framer::new(limits.clone());
        assert_eq!(
            framer.next(announced.as_bytes()),
            Ok(Framed::NeedMore),
            "{announced:?}"
        );
        assert_eq!(framer.heap_bytes(), 0, "{announced:?}");
    }
}
