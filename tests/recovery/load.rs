//! Mixed commands in pipelines, until the daemon is gone; what was sent, and what it answered.

use crate::random::Random;
use crate::support::{Client, Value, encode};
use std::io::Write;
use std::time::{Instant, SystemTime};

/// Who takes tickets.
pub(crate) const AGENTS: [&str; 6] = ["a0", "a1", "a2", "a3", "a4", "a5"];
/// Queues that tickets are moved between.
const QUEUES: [&str; 5] = ["default", "front-desk", "tech-support", "business", "none"];
/// The longest time until a due that is to come within the test.
pub(crate) const DUE_MS_MAX: u64 = 150;
/// Tickets that a connection still thinks of.
const RECENT: usize = 48;

/// A command, or a whole transaction of them.
pub(crate) struct Sent {
    pub(crate) words: Vec<String>,
    /// What it said in `by`: the event that carries it is this command's.
    pub(crate) label: String,
    /// What came back, if anything did, and when.
    pub(crate) reply: Option<Value>,
    pub(crate) replied_at: Option<Instant>,
    /// The commands between MULTI and EXEC.
    pub(crate) inner: Vec<Sent>,
}

impl Sent {
    pub(crate) fn new(line: &str, label: String) -> Sent {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.extend(["by".to_owned(), label.clone()]);
        Sent {
            words,
            label,
            reply: None,
            replied_at: None,
            inner: Vec::new(),
        }
    }

    fn encoded(&self, out: &mut Vec<u8>) {
        if !self.inner.is_empty() {
            out.extend(encode(&["MULTI"]));
        }
        for inner in &self.inner {
            inner.encoded(out);
        }
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        out.extend(encode(&words));
    }

    /// Reads its reply; `None`: the daemon is gone.
    fn receive(&mut self, client: &mut Client) -> Option<()> {
        if !self.inner.is_empty() {
            assert_eq!(client.try_reply().ok()?.text(), "OK");
        }
        for _ in &self.inner {
            assert_eq!(client.try_reply().ok()?.text(), "QUEUED");
        }
        let reply = client.try_reply().ok()?;
        if let Value::List(replies) = &reply
            && !self.inner.is_empty()
        {
            for (inner, reply) in self.inner.iter_mut().zip(replies) {
                inner.reply = Some(reply.clone());
            }
        }
        self.reply = Some(reply);
        self.replied_at = Some(Instant::now());
        Some(())
    }
}

/// One connection's stream of commands.
pub(crate) struct Load {
    random: Random,
    /// Part of every label and ticket id, so that all of them are unique.
    name: String,
    count: u64,
    recent: Vec<String>,
    /// OPENs to be sent once more, word for word.
    repeatable: Vec<(String, String)>,
}

impl Load {
    pub(crate) fn new(name: String, random: Random) -> Load {
        Load {
            random,
            name,
            count: 0,
            recent: vec!["unknown".to_owned()],
            repeatable: Vec::new(),
        }
    }

    /// Sends until the daemon is gone.
    pub(crate) fn run(mut self, client: &mut Client) -> Vec<Sent> {
        let mut sent: Vec<Sent> = Vec::new();
        let mut answered = 0;
        loop {
            let mut bytes = Vec::new();
            for _ in 0..=self.random.below(40) {
                let command = self.command();
                command.encoded(&mut bytes);
                sent.push(command);
            }
            let is_gone = client.stream.write_all(&bytes).is_err();
            // Now and then a pipeline is answered whole before the next goes out. Of a dead daemon, all that it said.
            let window = if is_gone {
                0
            } else {
                self.random.below(200) as usize
            };
            while sent.len() - answered > window {
                if sent[answered].receive(client).is_none() {
                    return sent;
                }
                if let Some(reply @ Value::List(_)) = &sent[answered].reply
                    && sent[answered].words[0] == "AGENT.NEXT"
                {
                    self.remember(reply.get("ticket").text().to_owned());
                }
                answered += 1;
            }
        }
    }

    fn remember(&mut self, ticket: String) {
        if self.recent.len() < RECENT {
            self.recent.push(ticket);
        } else {
            let place = self.random.below(RECENT as u64) as usize;
            self.recent[place] = ticket;
        }
    }

    fn label(&mut self) -> String {
        self.count += 1;
        format!("{}n{:06}", self.name, self.count)
    }

    fn command(&mut self) -> Sent {
        match self.random.below(100) {
            0..22 => self.open(),
            22..42 => self.next(),
            42..94 => self.on_ticket(),
            94..98 => self.on_agent(),
            98 => {
                let count = 2 + self.random.below(4);
                Sent {
                    words: vec!["EXEC".to_owned()],
                    label: String::new(),
                    reply: None,
                    replied_at: None,
                    inner: (0..count).map(|_| self.open()).collect(),
                }
            }
            _ => match self.repeatable.pop() {
                Some((line, label)) => Sent::new(&line, label),
                None => self.open(),
            },
        }
    }

    fn open(&mut self) -> Sent {
        let label = self.label();
        let id = format!("t-{label}");
        let line = if self.random.one_in(2) {
            let mut line = format!("TICKET.OPEN {id} policy none priority P{}", self.random.below(10));
            if self.random.one_in(3) {
                line += &format!(" queue {}", self.random.pick(&QUEUES));
            }
            if self.random.one_in(3) {
                line += &format!(" skills net>={}", 1 + self.random.below(7));
            }
            if self.random.one_in(3) {
                line += &format!(" due.custom:call {}", self.soon());
            }
            line
        } else {
            let priority = 1 + self.random.below(4);
            format!("TICKET.OPEN {id} priority P{priority} customer c7 has description,outcome attr.lang zh")
        };
        self.remember(id);
        // A repeat carries the same label, so these are told apart from those that happen once.
        if self.random.one_in(20) {
            let label = format!("repeat-{label}");
            self.repeatable.push((line.clone(), label.clone()));
            return Sent::new(&line, label);
        }
        Sent::new(&line, label)
    }

    fn soon(&mut self) -> u128 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_millis() + 1 + u128::from(self.random.below(DUE_MS_MAX))
    }

    fn next(&mut self) -> Sent {
        let label = self.label();
        let mut line = format!("AGENT.NEXT {}", self.random.pick(&AGENTS));
        if self.random.one_in(10) {
            line += &format!(" token k-{label}");
        }
        if self.random.one_in(30) {
            line += " block 5ms";
        }
        Sent::new(&line, label)
    }

    fn on_ticket(&mut self) -> Sent {
        let label = self.label();
        let id = self.random.pick(&self.recent).clone();
        let line = match self.random.below(52) {
            0..8 => format!("TICKET.RESPOND {id}"),
            8..11 => format!("TICKET.INBOUND {id}"),
            11..13 => format!("TICKET.PROGRESS {id}"),
            13 => format!("TICKET.PROGRESS {id} promise {}", self.soon()),
            14..17 => format!("TICKET.MARK {id} solution_sent"),
            17..21 => format!(
                "TICKET.PAUSE {id} reason {}",
                self.random.pick(&["customer", "supplier"])
            ),
            21..24 => format!("TICKET.RESUME {id}"),
            24 => format!("TICKET.SET {id} priority P{}", 1 + self.random.below(4)),
            25 => format!("TICKET.SET {id} due.resolution {}", self.soon()),
            26 => format!("TICKET.SET {id} attr.room {label}"),
            27..31 => format!("TICKET.RELEASE {id}"),
            31..34 => format!("TICKET.TRANSFER {id} {}", self.random.pick(&QUEUES)),
            34..37 => format!("TICKET.ASSIGN {id} {}", self.random.pick(&AGENTS)),
            37..44 => format!("TICKET.RESOLVE {id}"),
            44..46 => format!("TICKET.REOPEN {id}"),
            46..48 => format!("TICKET.CLOSE {id}"),
            48..50 => format!("TICKET.CANCEL {id} as duplicate"),
            _ => format!("TICKET.RATE {id} {}", 1 + self.random.below(5)),
        };
        Sent::new(&line, label)
    }

    fn on_agent(&mut self) -> Sent {
        let label = self.label();
        let id = self.random.pick(&AGENTS);
        let line = match self.random.below(10) {
            0..3 => {
                let (level, capacity) = (1 + self.random.below(9), 1 + self.random.below(30));
                format!("AGENT.SET {id} skills net:{level} capacity {capacity}")
            }
            3..7 => format!("AGENT.READY {id}"),
            7 => format!("AGENT.PAUSE {id} reason lunch"),
            8 => format!("AGENT.AWAY {id}"),
            _ => format!("AGENT.LEAVE {id} {}", self.random.pick(&["keep", "release"])),
        };
        Sent::new(&line, label)
    }
}
