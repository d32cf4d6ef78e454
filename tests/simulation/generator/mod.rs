//! Random but mostly sensible commands from a seed: the same seed gives the same run.

use crate::model::Model;
use crate::resp::words;
use slad::model::time;
use std::collections::BTreeMap;

mod bad;
mod fields;

const MINUTE_MS: i64 = 60_000;

/// Numbers from a seed (SplitMix64, Steele et al. 2014).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// `0..n`
    pub fn below(&mut self, n: i64) -> i64 {
        (self.next() % n as u64) as i64
    }

    /// True `percent` times out of a hundred.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as i64) as usize]
    }

    /// One of these words.
    pub fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len() as i64) as usize]
    }
}

/// One thing to send.
#[derive(Debug, Clone)]
pub enum Step {
    /// On the main connection.
    One(Vec<String>),
    /// MULTI, these, EXEC.
    Multi(Vec<Vec<String>>),
    /// An AGENT.NEXT with `block`, on a connection of its own.
    Block(Vec<String>),
}

/// Where the commands come from.
pub struct Generator {
    pub dice: Dice,
    /// The last OPEN of each ticket, to be repeated.
    opens: BTreeMap<String, Vec<String>>,
    /// Commands that were sent with a token.
    keyed: Vec<Vec<String>>,
    tokens: i64,
    /// Inside MULTI: nothing in the past, so that no timer is due between its commands.
    plain: bool,
    steps: i64,
}

const TICKETS: i64 = 100;
/// Steps after which rush and calm change.
const PHASE: i64 = 1_200;
const AGENTS: i64 = 12;
const SKILLS: [&str; 4] = ["network", "zh", "billing", "vip"];
const QUEUES: [&str; 8] = [
    "business",
    "default",
    "front-desk",
    "improvement",
    "tech-support",
    "none",
    "night",
    "spare",
];
const TARGETS: [&str; 9] = [
    "first_response",
    "next_response",
    "update",
    "assignment",
    "notice",
    "work_start",
    "solution",
    "resolution",
    "custom:callback",
];
const MARKS: [&str; 5] = [
    "notice_sent",
    "work_started",
    "solution_sent",
    "callback",
    "confirmed",
];

impl Generator {
    pub fn new(seed: u64) -> Generator {
        Generator {
            dice: Dice::new(seed),
            opens: BTreeMap::new(),
            keyed: Vec::new(),
            tokens: 0,
            plain: false,
            steps: 0,
        }
    }

    /// The next step, given what the model holds.
    pub fn step(&mut self, model: &Model) -> Step {
        self.steps += 1;
        match self.dice.below(1000) {
            0..25 => {
                self.plain = true;
                let n = 1 + self.dice.below(6);
                let group = (0..n).map(|_| self.command(model)).collect();
                self.plain = false;
                Step::Multi(group)
            }
            25..60 => {
                let mut args = words(&["AGENT.NEXT", &self.agent(), "block", "1h"]);
                if self.dice.chance(10) {
                    self.tokens += 1;
                    args.extend(words(&["token", &format!("wait{}", self.tokens)]));
                    self.keyed.push(args.clone());
                }
                Step::Block(args)
            }
            60..90 => Step::One(words(&["CLOCK.ADVANCE", &self.advance()])),
            90..125 => Step::One(self.bad(model)),
            125..150 => Step::One(self.repeat(model)),
            _ => Step::One(self.command(model)),
        }
    }

    fn advance(&mut self) -> String {
        match self.dice.below(20) {
            0..4 => format!("{}ms", 1 + self.dice.below(3)),
            4..8 => format!("{}ms", 1 + self.dice.below(60_000)),
            8..14 => format!("{}m", 1 + self.dice.below(30)),
            14..18 => format!("{}h", 1 + self.dice.below(6)),
            18 => format!("{}d", 1 + self.dice.below(3)),
            _ => "1w".to_owned(),
        }
    }

    fn ticket(&mut self, model: &Model) -> String {
        let live = model.live();
        if live.is_empty() || self.dice.chance(12) {
            format!("t{}", self.dice.below(TICKETS))
        } else {
            self.dice.pick(&live).clone()
        }
    }

    /// A resolved ticket if there is one, most of the time.
    fn resolved(&mut self, model: &Model, otherwise: &str) -> String {
        let resolved = model.resolved();
        if resolved.is_empty() || self.dice.chance(25) {
            otherwise.to_owned()
        } else {
            self.dice.pick(&resolved).clone()
        }
    }

    fn agent(&mut self) -> String {
        format!("a{}", self.dice.below(AGENTS))
    }

    fn required(&mut self) -> String {
        let mut out: Vec<String> = Vec::new();
        for skill in SKILLS {
            if self.dice.chance(30) {
                out.push(format!("{skill}>={}", 1 + self.dice.below(6)));
            }
        }
        out.join(",")
    }

    /// A future instant, often the same as others; unless in MULTI, now and then a past one.
    fn instant(&mut self, now: i64) -> String {
        let minute = now - now % MINUTE_MS + MINUTE_MS;
        let at = match self.dice.below(12) {
            0 if !self.plain => now - self.dice.below(90 * MINUTE_MS),
            1 if !self.plain => now,
            2..5 => now + 1 + self.dice.below(5_000),
            _ => minute + self.dice.below(20) * 3 * MINUTE_MS,
        };
        if self.dice.chance(5) {
            time::rfc3339(at)
        } else {
            at.to_string()
        }
    }

    /// A command that is mostly right.
    fn command(&mut self, model: &Model) -> Vec<String> {
        let id = self.ticket(model);
        let agent = self.agent();
        // In calm times more is done than comes in, so that queues run empty and NEXTs wait.
        let calm = self.steps / PHASE % 2 == 1;
        let kind = match self.dice.below(100) {
            0..13 if calm && self.dice.chance(75) => *self.dice.pick(&[20, 70, 70, 83]),
            kind => kind,
        };
        let (mut args, ticket) = match kind {
            0..13 => (self.open(model), 1),
            13..29 => (words(&["AGENT.NEXT", &agent]), 0),
            29..35 => (words(&["TICKET.RESPOND", &id]), 2),
            35..39 => (self.progress(&id, model.now), 2),
            39..43 => (words(&["TICKET.MARK", &id, self.dice.word(&MARKS)]), 2),
            43..48 => {
                let reason = self.dice.word(&["customer", "customer", "parts", "lunch"]);
                return self.keys(model, &id, words(&["TICKET.PAUSE", &id, "reason", reason]), 3);
            }
            48..51 => (words(&["TICKET.RESUME", &id]), 2),
            51..54 => (words(&["TICKET.INBOUND", &id]), 2),
            54..57 => (self.set(&id, model.now), 2),
            57..60 => (self.course(model, &id), 2),
            60..62 => (words(&["TICKET.TRANSFER", &id, self.dice.word(&QUEUES)]), 2),
            62..65 => (words(&["TICKET.ASSIGN", &id, &agent]), 2),
            65..67 => (words(&["TICKET.RELEASE", &id]), 2),
            67..74 => (words(&["TICKET.RESOLVE", &id]), 2),
            74..77 => (words(&["TICKET.REOPEN", &self.resolved(model, &id)]), 2),
            77..79 => {
                let id = self.resolved(model, &id);
                (self.rate(&id), 2)
            }
            79..80 => (words(&["TICKET.CLOSE", &self.resolved(model, &id)]), 2),
            80..84 => {
                let mut args = words(&["TICKET.CANCEL", &id]);
                if self.dice.chance(60) {
                    let how = self.dice.word(&["abandoned", "duplicate", "spam", "withdrawn"]);
                    args.extend(words(&["as", how]));
                }
                (args, 2)
            }
            84..88 => (self.agent_set(&agent), 0),
            88..91 => (words(&["AGENT.READY", &agent]), 0),
            91 => (words(&["AGENT.AWAY", &agent]), 0),
            92 => {
                let reason = self.dice.word(&["lunch", "training"]);
                return self.keys(model, "", words(&["AGENT.PAUSE", &agent, "reason", reason]), 3);
            }
            93 => {
                let mut args = words(&["AGENT.LEAVE", &agent]);
                if self.dice.chance(60) {
                    args.push((self.dice.word(&["keep", "release"])).to_owned());
                }
                (args, 0)
            }
            94 => (words(&["QUEUE.SET", self.dice.word(&QUEUES[1..]), "open"]), 0),
            _ => return self.look(model),
        };
        if ticket == 1 && self.dice.chance(50) {
            // OPEN's fields may come in any order.
            shuffle(&mut self.dice, &mut args);
        }
        let id = if ticket > 0 {
            args[1].clone()
        } else {
            String::new()
        };
        self.keys(model, &id, args, ticket)
    }

    /// Adds universal fields now and then. `kind`: 0 agent, 1 OPEN, 2 ticket, 3 has its reason.
    fn keys(&mut self, model: &Model, id: &str, mut args: Vec<String>, kind: i64) -> Vec<String> {
        if kind > 0 && !id.is_empty() && !self.plain && self.dice.chance(18) {
            // Most often somewhere between the ticket's last commanded event and now, which may be.
            let since = model.last_at(id).map_or(0, |at| model.now - at);
            let at = match self.dice.below(8) {
                0 => model.now + self.dice.below(7_000),
                1 => model.now - self.dice.below(3_000),
                2 => model.now - self.dice.below(120 * MINUTE_MS),
                _ => model.now - self.dice.below(since + 1),
            };
            args.extend(words(&["at", &at.to_string()]));
        }
        if kind >= 2 && !id.is_empty() && self.dice.chance(10) {
            let hold = model.hold(id).filter(|_| self.dice.chance(75));
            let hold = hold.unwrap_or_else(|| (model.seq - model.seq.min(40) / 2).max(1));
            args.extend(words(&["HOLD", &hold.to_string()]));
        }
        if self.dice.chance(8) {
            args.extend(words(&["By", self.dice.word(&["ann", "bot", "主管"])]));
        }
        if kind != 3 && self.dice.chance(5) {
            args.extend(words(&["reason", "because of it"]));
        }
        if self.dice.chance(7) {
            self.tokens += 1;
            let number = if self.dice.chance(85) {
                self.tokens
            } else {
                self.dice.below(self.tokens + 1)
            };
            args.extend(words(&["token", &format!("k{number}")]));
            self.keyed.push(args.clone());
        }
        args
    }

    /// A read.
    pub fn look(&mut self, model: &Model) -> Vec<String> {
        match self.dice.below(8) {
            0 => words(&["TICKET.GET", &self.ticket(model)]),
            1 => words(&["TICKET.GET", &self.ticket(model), "nobody", &self.ticket(model)]),
            2 => words(&["AGENT.GET", &self.agent()]),
            3 => words(&["QUEUE.PEEK", self.dice.word(&QUEUES[..5]), "5"]),
            4 => words(&["QUEUE.STATS", self.dice.word(&QUEUES[..5])]),
            5 => words(&[
                "AGENT.LIST",
                "presence",
                self.dice.word(&["ready", "away", "offline", "paused"]),
            ]),
            6 => words(&["AGENT.LIST", "queue", self.dice.word(&QUEUES[..5])]),
            _ => {
                let mut args = words(&["TICKET.COUNT"]);
                args.extend(self.filters(model.now));
                args
            }
        }
    }

    /// Filters for LIST and COUNT.
    pub fn filters(&mut self, now: i64) -> Vec<String> {
        let mut args = Vec::new();
        let near = (now + (self.dice.below(200) - 100) * MINUTE_MS).to_string();
        let all: [(&str, &str); 16] = [
            (
                "state",
                self.dice.word(&["waiting", "assigned", "resolved", "closed"]),
            ),
            ("queue", self.dice.word(&QUEUES[..6])),
            ("policy", self.dice.word(&["none", "service-levels"])),
            ("class", "fault"),
            ("agent", self.dice.word(&["a1", "a2", "a3"])),
            ("customer", self.dice.word(&["c1", "c2"])),
            ("segment", "vip"),
            ("channel", "phone"),
            ("target", self.dice.word(&TARGETS)),
            ("due_before", &near),
            ("opened_before", &near),
            ("paused", self.dice.word(&["yes", "no"])),
            ("breached", self.dice.word(&["yes", "no"])),
            ("target", "resolution"),
            ("paused", "no"),
            ("breached", "no"),
        ];
        for _ in 0..self.dice.below(4) {
            let (name, value) = *self.dice.pick(&all);
            if !args.contains(&name.to_owned()) {
                args.extend(words(&[name, value]));
            }
        }
        args
    }

    /// Something sent before, once more: the same OPEN, or the same token with the same or another command.
    fn repeat(&mut self, model: &Model) -> Vec<String> {
        if !self.keyed.is_empty() && self.dice.chance(50) {
            let recent = self.keyed.len().saturating_sub(60);
            let mut args = self.dice.pick(&self.keyed[recent..]).clone();
            if args[0] == "AGENT.NEXT" && args.contains(&"block".to_owned()) {
                // On the main connection it must not wait.
                return words(&["AGENT.NEXT", &args[1]]);
            }
            if self.dice.chance(15) {
                args[1] = self.ticket(model);
            }
            return args;
        }
        let live: Vec<String> = self
            .opens
            .keys()
            .filter(|id| model.live().contains(id))
            .cloned()
            .collect();
        if live.is_empty() {
            return self.command(model);
        }
        let mut args = self.opens[self.dice.pick(&live)].clone();
        shuffle(&mut self.dice, &mut args);
        if self.dice.chance(10) {
            args.extend(words(&["issue", "another"]));
        }
        args
    }
}

/// Puts the fields behind the id into another order.
fn shuffle(dice: &mut Dice, args: &mut Vec<String>) {
    let mut pairs: Vec<Vec<String>> = args.split_off(2).chunks(2).map(<[String]>::to_vec).collect();
    for i in (1..pairs.len()).rev() {
        pairs.swap(i, dice.below(i as i64 + 1) as usize);
    }
    args.extend(pairs.into_iter().flatten());
}
