//! Commands with something wrong with them, of every kind.

use super::Generator;
use crate::model::Model;
use crate::resp::words;

impl Generator {
    /// A command with something wrong with it.
    pub(super) fn bad(&mut self, model: &Model) -> Vec<String> {
        let id = self.ticket(model);
        let id = id.as_str();
        let agent = self.agent();
        let ahead = (model.now + 6_000 + self.dice.below(100_000)).to_string();
        let long = "x".repeat(129);
        let all: Vec<Vec<&str>> = vec![
            vec!["TICKET.OPNE", id],
            vec!["TICKET.OPEN", id, "polcy", "none"],
            vec!["TICKET.OPEN", "new", "policy", "nine"],
            vec!["TICKET.OPEN", "new", "policy", "none", "priority", "P10"],
            vec!["TICKET.OPEN", "new", "policy", "none", "queue", "nowhere"],
            vec!["TICKET.OPEN", "new", "policy", "none", "policy", "none"],
            vec!["TICKET.OPEN", "new", "policy", "none", "hold", "3"],
            vec!["TICKET.OPEN", "new", "policy", "none", "due.resolutoin", "5"],
            vec![
                "TICKET.OPEN",
                "new",
                "policy",
                "none",
                "due.resolution",
                "tomorrow",
            ],
            vec!["TICKET.OPEN", "new", "policy", "none", "at", &ahead],
            vec!["TICKET.OPEN", "new", "policy", "none", "opened_at", &ahead],
            vec!["TICKET.OPEN", "new", "policy", "none", "skills", "zh>=11"],
            vec![
                "TICKET.OPEN",
                "new",
                "priority",
                "P1",
                "customer",
                "c1",
                "has",
                "description",
            ],
            vec!["TICKET.OPEN", "a\u{1}b", "policy", "none"],
            vec!["TICKET.OPEN", &long, "policy", "none"],
            vec!["TICKET.OPEN", "", "policy", "none"],
            vec!["TICKET.RESPOND"],
            vec!["TICKET.RESPOND", "nobody"],
            vec!["TICKET.RESPOND", id, "at", &ahead],
            vec!["TICKET.RESPOND", id, "at", "1500000000000"],
            vec!["TICKET.RESPOND", id, "hold", "x"],
            vec!["TICKET.RESPOND", id, "at"],
            vec!["TICKET.PAUSE", id],
            vec!["TICKET.SET", id],
            vec!["TICKET.SET", id, "policy", "none"],
            vec!["TICKET.SET", id, "priority", "P77"],
            vec!["TICKET.TRANSFER", id, "nowhere"],
            vec!["TICKET.ASSIGN", id, "nobody"],
            vec!["TICKET.RATE", id, "6"],
            vec!["TICKET.RATE", id, "5", "speed", "0"],
            vec!["TICKET.CANCEL", id, "as", "resolved"],
            vec!["TICKET.GET", "nobody"],
            vec!["TICKET.COUNT", "state", "open"],
            vec!["TICKET.COUNT", "colour", "red"],
            vec!["TICKET.LIST", "sort", "age"],
            vec!["AGENT.SET", &agent, "capacity", "many"],
            vec!["AGENT.SET", &agent, "capacity", "0"],
            vec!["AGENT.SET", &agent, "skills", "zh:11"],
            vec!["AGENT.SET", &agent, "queues", "nowhere"],
            vec!["AGENT.SET", &agent, "queues", "none"],
            vec!["AGENT.SET", &agent, "at", "5"],
            vec!["AGENT.READY", "nobody"],
            vec!["AGENT.NEXT", "nobody"],
            vec!["AGENT.NEXT", &agent, "block", "soon"],
            vec!["AGENT.PAUSE", &agent],
            vec!["QUEUE.SET", "none", "open"],
            vec!["CLOCK.ADVANCE", "5"],
            vec!["CLOCK.ADVANCE", "-5s"],
        ];
        words(self.dice.pick::<Vec<&str>>(&all))
    }
}
