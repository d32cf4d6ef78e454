//! Commands with many fields: OPEN, SET, PROGRESS, RATE, AGENT.SET.

use super::{Generator, MINUTE_MS, QUEUES, TARGETS, TICKETS};
use crate::model::Model;
use crate::resp::words;

impl Generator {
    /// STAGE, EXTEND, APPROVE, REJECT, ESCALATE.
    pub(super) fn course(&mut self, model: &Model, id: &str) -> Vec<String> {
        let (open, asked) = (model.open_targets(id), model.asked());
        let any = self.dice.word(&TARGETS).to_owned();
        let target = if open.is_empty() || self.dice.chance(15) {
            any
        } else {
            self.dice.pick(&open).clone()
        };
        let target = target.as_str();
        if !asked.is_empty() && self.dice.chance(40) {
            let (id, target) = self.dice.pick(&asked).clone();
            let decision = self.dice.word(&["TICKET.APPROVE", "TICKET.REJECT"]);
            return words(&[decision, &id, &target]);
        }
        match self.dice.below(10) {
            0..3 => words(&[
                "TICKET.STAGE",
                id,
                self.dice.word(&["check", "build", "hand-over"]),
            ]),
            3..6 => {
                let span = self.dice.word(&["5m", "2h", "1d", "1bd", "1mo"]);
                let mut args = words(&["TICKET.EXTEND", id, target, "for", span]);
                if self.dice.chance(40) {
                    args.extend(words(&["approver", "boss"]));
                }
                args
            }
            6..8 => words(&["TICKET.APPROVE", id, target]),
            8 => words(&["TICKET.REJECT", id, target]),
            _ => words(&["TICKET.ESCALATE", id]),
        }
    }

    pub(super) fn open(&mut self, model: &Model) -> Vec<String> {
        let live = model.live();
        let mut id = format!("t{}", self.dice.below(TICKETS));
        for _ in 0..4 {
            if live.contains(&id) {
                id = format!("t{}", self.dice.below(TICKETS));
            }
        }
        let now = model.now;
        let mut args = words(&["TICKET.OPEN", &id]);
        let mut add = |name: &str, value: &str| args.extend(words(&[name, value]));
        let none = self.dice.chance(45);
        if none {
            add("policy", "none");
            if self.dice.chance(60) {
                add("priority", &format!("P{}", self.dice.below(10)));
            }
        } else {
            if self.dice.chance(30) {
                add("policy", "service-levels");
            }
            if self.dice.chance(80) {
                add("priority", &format!("P{}", 1 + self.dice.below(4)));
            }
            add("customer", &format!("c{}", self.dice.below(9)));
            add(
                "has",
                if self.dice.chance(97) {
                    "description,outcome"
                } else {
                    "outcome"
                },
            );
        }
        if self.dice.chance(25) {
            add("queue", self.dice.word(&QUEUES));
        }
        if self.dice.chance(40) {
            add("skills", &self.required());
        }
        if self.dice.chance(15) && !self.plain {
            add("opened_at", &(now - self.dice.below(180 * MINUTE_MS)).to_string());
        }
        for target in TARGETS {
            if self.dice.chance(if none { 14 } else { 4 }) {
                add(&format!("due.{target}"), &self.instant(now));
            }
        }
        for (name, value) in [
            ("class", "fault"),
            ("channel", "phone"),
            ("segment", "vip"),
            ("issue", "i1"),
        ] {
            if self.dice.chance(8) {
                add(name, value);
            }
        }
        if self.dice.chance(8) {
            add("links", "t1,t2");
        }
        if self.dice.chance(5) {
            add("assist", "legal,ops");
        }
        if self.dice.chance(5) {
            add("parent", "t0");
        }
        if self.dice.chance(5) {
            add("prefer", "a1");
        }
        if self.dice.chance(10) {
            add("attr.city", "北京");
        }
        self.opens.insert(id, args.clone());
        args
    }

    pub(super) fn set(&mut self, id: &str, now: i64) -> Vec<String> {
        let mut args = words(&["TICKET.SET", id]);
        let mut add = |name: &str, value: &str| args.extend(words(&[name, value]));
        if self.dice.chance(45) {
            add("priority", &format!("P{}", 1 + self.dice.below(4)));
        }
        if self.dice.chance(25) {
            add("skills", &self.required());
        }
        for target in TARGETS {
            if self.dice.chance(7) {
                add(&format!("due.{target}"), &self.instant(now));
            }
        }
        if self.dice.chance(15) {
            add("class", self.dice.word(&["fault", "billing"]));
        }
        if self.dice.chance(10) {
            add("attr.floor", &self.dice.below(9).to_string());
        }
        if args.len() == 2 || self.dice.chance(10) {
            args.extend(words(&["customer", &format!("c{}", self.dice.below(9))]));
        }
        args
    }

    pub(super) fn progress(&mut self, id: &str, now: i64) -> Vec<String> {
        let mut args = words(&["TICKET.PROGRESS", id]);
        if self.dice.chance(30) {
            args.extend(words(&["eta", &self.instant(now)]));
        }
        if self.dice.chance(50) {
            args.extend(words(&["promise", &self.instant(now)]));
        }
        args
    }

    pub(super) fn rate(&mut self, id: &str) -> Vec<String> {
        let mut args = words(&["TICKET.RATE", id, &(1 + self.dice.below(5)).to_string()]);
        if self.dice.chance(50) {
            args.extend(words(&[
                "speed",
                &(1 + self.dice.below(5)).to_string(),
                "attitude",
                "4",
            ]));
        }
        args
    }

    pub(super) fn agent_set(&mut self, agent: &str) -> Vec<String> {
        let mut args = words(&["AGENT.SET", agent]);
        if self.dice.chance(60) {
            let level = 1 + self.dice.below(10);
            args.extend(words(&[
                "skills",
                &format!("{}:{level},zh", self.dice.pick(&["network", "billing"])),
            ]));
        }
        if self.dice.chance(50) {
            args.extend(words(&["capacity", &(1 + self.dice.below(5)).to_string()]));
        }
        if self.dice.chance(30) {
            let queues = [
                "",
                "default",
                "default,front-desk",
                "business,tech-support,improvement",
                "front-desk,night",
            ];
            args.extend(words(&["queues", self.dice.word(&queues)]));
        }
        if self.dice.chance(5) {
            args.extend(words(&["label", "Frau Krämer"]));
        }
        args
    }
}
