//! The feed replayed the naive way, and what the daemon says compared with it.

use crate::feed::Entry;
use crate::load::Sent;
use crate::support::{Client, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A ticket as the feed tells it.
#[derive(Default, Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) state: String,
    queue: String,
    agent: Option<String>,
    hold: Option<i64>,
    paused: Option<String>,
    priority: String,
    dues: HashMap<String, i64>,
    opened_seq: i64,
    resolved_seq: Option<i64>,
    closed_seq: i64,
    closed_as: String,
    last_seq: i64,
}

/// An agent as the feed tells it.
#[derive(Default, Debug, Clone)]
pub(crate) struct Agent {
    presence: String,
    reason: Option<String>,
    capacity: u64,
    /// By hold.
    held: BTreeMap<i64, String>,
}

/// Everything that the feed tells.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) tickets: HashMap<String, Ticket>,
    pub(crate) agents: HashMap<String, Agent>,
    /// Breaches seen: seq of the ticket's opening, target, due.
    breaches: HashSet<(i64, String, i64)>,
    /// Events by label: the command's own.
    by_label: HashMap<String, i64>,
    /// Events by type.
    pub(crate) kinds: HashMap<String, u64>,
    /// Seqs that `log.recovered` says are gone, first and last.
    pub(crate) lost: Vec<(i64, i64)>,
}

impl Model {
    /// Replays the feed; whatever cannot be fails.
    pub(crate) fn of(events: &[Entry]) -> Model {
        let mut model = Model::default();
        // Labels of one connection come in the order in which it sent them.
        let mut newest: HashMap<String, String> = HashMap::new();
        // No test here drops old segments: the feed begins with the first event that is not gone.
        let mut expected = 1;
        for event in events {
            if event.kind() == "log.recovered" && event.int("lost_from") != 0 {
                let lost = (event.int("lost_from"), event.int("lost_to"));
                assert_eq!(lost.0, expected, "the gap begins where the feed ends: {event:?}");
                model.lost.push(lost);
                expected = lost.1 + 1;
            }
            let seq = expected;
            assert_eq!((event.seq, event.part), (seq, 0), "the feed is dense: {event:?}");
            expected += 1;
            *model.kinds.entry(event.kind().to_owned()).or_default() += 1;
            model.apply(event);
            let Some(label) = event.find("by").filter(|label| !label.starts_with("repeat-")) else {
                continue;
            };
            let twice = model.by_label.insert(label.to_owned(), seq);
            assert_eq!(twice, None, "done twice: {event:?}");
            if let Some((connection, number)) = label.rsplit_once('n') {
                let before = newest.insert(connection.to_owned(), number.to_owned());
                assert!(
                    before.is_none_or(|before| before.as_str() < number),
                    "out of order: {event:?}"
                );
            }
        }
        model
    }

    fn apply(&mut self, event: &Entry) {
        let kind = event.kind();
        match kind.split_once('.') {
            Some(("ticket", fact)) => self.ticket(event, fact),
            Some(("sla", fact)) => self.sla(event, fact),
            Some(("agent", "changed")) => {
                let agent = self.agents.entry(event.text("agent").to_owned()).or_default();
                agent.capacity = event.int("capacity") as u64;
            }
            Some(("agent", "presence")) => {
                let agent = self.agents.get_mut(event.text("agent")).expect("a known agent");
                agent.presence = event.text("presence").to_owned();
                agent.reason = event.find("reason").map(str::to_owned);
            }
            Some(("policy" | "calendar" | "snapshot" | "log", _)) => {}
            _ => panic!("what is {event:?}?"),
        }
    }

    fn sla(&mut self, event: &Entry, fact: &str) {
        let ticket = self
            .tickets
            .get_mut(event.text("ticket"))
            .expect("a known ticket");
        // A RESOLVE may show that a breach was none.
        let is_open = ["waiting", "assigned"].contains(&ticket.state.as_str());
        assert!(
            is_open || (fact == "withdrawn" && ticket.state == "resolved"),
            "{event:?}"
        );
        ticket.last_seq = event.seq;
        let due = event.int("due");
        if fact == "breached" {
            assert!(event.int("at") > due, "early: {event:?}");
            let breach = (ticket.opened_seq, event.text("target").to_owned(), due);
            assert!(self.breaches.insert(breach), "twice: {event:?}");
        }
    }

    fn load(&self, agent: &Agent) -> u64 {
        agent
            .held
            .values()
            .filter(|id| self.tickets[*id].paused.is_none())
            .count() as u64
    }

    fn ticket(&mut self, event: &Entry, fact: &str) {
        let id = event.text("ticket").to_owned();
        let is_live = self.tickets.get(&id).is_some_and(|t| t.state != "closed");
        if fact == "opened" {
            assert!(!is_live, "opened while it is open: {event:?}");
            let fresh = Ticket {
                state: "waiting".to_owned(),
                priority: event.text("priority").to_owned(),
                opened_seq: event.seq,
                ..Ticket::default()
            };
            self.tickets.insert(id.clone(), fresh);
        }
        if fact == "assigned" {
            self.assigned(event, &id);
        }
        let ticket = self
            .tickets
            .get_mut(&id)
            .unwrap_or_else(|| panic!("of no ticket: {event:?}"));
        ticket.last_seq = event.seq;
        let state = ticket.state.clone();
        let in_state =
            |states: &[&str]| assert!(states.contains(&state.as_str()), "while {state}: {event:?}");
        match fact {
            "marked" => {}
            "rated" => in_state(&["resolved", "closed"]),
            "reopened" => in_state(&["resolved"]),
            "closed" => in_state(&["waiting", "assigned", "resolved"]),
            "released" => in_state(&["assigned"]),
            _ => in_state(&["waiting", "assigned"]),
        }
        if state == "closed" {
            return;
        }
        if ticket.queue != event.text("queue") {
            assert!(
                ["opened", "transferred", "changed"].contains(&fact),
                "another queue: {event:?}"
            );
            ticket.queue = event.text("queue").to_owned();
        }
        for (name, value) in &event.fields {
            if let Some(target) = name.strip_prefix("due.") {
                ticket.dues.insert(target.to_owned(), value.parse().unwrap());
            }
        }
        let holder = ticket.agent.clone();
        match fact {
            "paused" => ticket.paused = Some(event.text("reason").to_owned()),
            "resumed" => ticket.paused = None,
            "inbound" if event.find("resumed").is_some() => ticket.paused = None,
            "changed" => {
                if let Some(priority) = event.find("priority") {
                    ticket.priority = priority.to_owned();
                }
            }
            "released" | "transferred" => ticket.leave("waiting"),
            "reopened" => {
                ticket.leave("waiting");
                ticket.resolved_seq = None;
            }
            "resolved" => {
                ticket.leave("resolved");
                ticket.paused = None;
                ticket.resolved_seq = Some(event.seq);
            }
            "closed" => {
                ticket.leave("closed");
                ticket.closed_seq = event.seq;
                ticket.closed_as = event.text("as").to_owned();
            }
            _ => {}
        }
        if ticket.agent.is_none()
            && let Some(holder) = holder
        {
            assert_eq!(event.text("agent"), holder, "{event:?}");
            let held = &mut self.agents.get_mut(&holder).unwrap().held;
            held.retain(|_, held| *held != id);
        }
    }

    /// The one rule that matters most: a ticket is never in two agents' hands.
    fn assigned(&mut self, event: &Entry, id: &str) {
        let agent = event.text("agent").to_owned();
        let ticket = &self.tickets[id];
        assert!(
            ["waiting", "assigned"].contains(&ticket.state.as_str()),
            "{event:?}"
        );
        assert_eq!(
            event.find("from"),
            ticket.agent.as_deref(),
            "in two agents' hands: {event:?}"
        );
        if event.text("how") == "next" {
            let taker = &self.agents[&agent];
            assert!(ticket.state == "waiting" && ticket.paused.is_none(), "{event:?}");
            assert_ne!(ticket.queue, "none", "{event:?}");
            assert_ne!(taker.presence, "paused", "{event:?}");
            assert!(self.load(taker) < taker.capacity, "over capacity: {event:?}");
        }
        if let Some(from) = event.find("from") {
            self.agents
                .get_mut(from)
                .unwrap()
                .held
                .retain(|_, held| held != id);
        }
        self.agents
            .get_mut(&agent)
            .expect("a known agent")
            .held
            .insert(event.seq, id.to_owned());
        let ticket = self.tickets.get_mut(id).unwrap();
        ticket.state = "assigned".to_owned();
        ticket.agent = Some(agent);
        ticket.hold = Some(event.seq);
    }

    /// Is this one of the seqs that are gone?
    pub(crate) fn is_lost(&self, seq: i64) -> bool {
        self.lost.iter().any(|(from, to)| (*from..=*to).contains(&seq))
    }

    /// What was answered is in the feed, as that very fact, unless it is said to be gone; what was refused is not.
    pub(crate) fn check(&self, events: &[Entry], sent: &Sent) {
        for inner in &sent.inner {
            self.check(events, inner);
        }
        if !sent.inner.is_empty() {
            // All of a transaction, or nothing, and nothing of others in between.
            let own: Vec<_> = sent.inner.iter().map(|s| self.by_label.get(&s.label)).collect();
            let all = own.iter().filter(|seq| seq.is_some()).count();
            let once = sent
                .inner
                .iter()
                .filter(|s| !s.label.starts_with("repeat-"))
                .count();
            assert!(all == 0 || all == once, "half a transaction: {own:?}");
            return;
        }
        let own = self.by_label.get(&sent.label);
        let what = || format!("{:?} → {:?}", sent.words.join(" "), sent.reply);
        let seq = match &sent.reply {
            Some(Value::Int(seq)) => *seq,
            Some(reply @ Value::List(_)) => reply.get("seq").int(),
            _ => 0,
        };
        match &sent.reply {
            // Not answered: either may be.
            None => {}
            Some(_) if self.is_lost(seq) => assert_eq!(own, None, "under another seq: {}", what()),
            Some(Value::Error(_) | Value::Null) => assert_eq!(own, None, "refused, but done: {}", what()),
            Some(Value::Int(seq)) => self.fact(event_at(events, *seq), own.copied(), sent),
            Some(reply @ Value::List(_)) => {
                let event = event_at(events, reply.get("seq").int());
                assert_eq!(own, Some(&event.seq), "{}", what());
                assert_eq!(reply.get("hold").int(), event.seq, "{}", what());
                assert_eq!(event.kind(), "ticket.assigned", "{}", what());
                assert_eq!(event.text("ticket"), reply.get("ticket").text(), "{}", what());
                assert_eq!(event.text("agent"), sent.words[1], "{}", what());
            }
            Some(other) => panic!("{other:?} to {}", what()),
        }
    }

    fn fact(&self, event: &Entry, own: Option<i64>, sent: &Sent) {
        let what = || format!("{} → {event:?}", sent.words.join(" "));
        // The types that a reply may point at, and whether a repeat may point at an older one.
        let (kinds, repeats): (&[&str], bool) = match sent.words[0].as_str() {
            "TICKET.OPEN" => (&["ticket.opened"], sent.label.starts_with("repeat-")),
            "TICKET.RESPOND" => (&["ticket.responded"], true),
            "TICKET.INBOUND" => (&["ticket.inbound"], false),
            "TICKET.PROGRESS" => (&["ticket.progressed"], false),
            "TICKET.MARK" => (&["ticket.marked"], false),
            "TICKET.PAUSE" => (&["ticket.paused"], true),
            "TICKET.RESUME" => (&["ticket.resumed", "ticket.inbound", "ticket.opened"], true),
            "TICKET.SET" => (&["ticket.changed"], false),
            "TICKET.RELEASE" => (&["ticket.released"], false),
            "TICKET.TRANSFER" => (&["ticket.transferred"], false),
            "TICKET.ASSIGN" => (&["ticket.assigned"], true),
            "TICKET.RESOLVE" => (&["ticket.resolved", "ticket.closed"], true),
            "TICKET.REOPEN" => (&["ticket.reopened"], false),
            "TICKET.CLOSE" | "TICKET.CANCEL" => (&["ticket.closed"], true),
            "TICKET.RATE" => (&["ticket.rated"], false),
            "AGENT.SET" => (&["agent.changed"], true),
            _ => (&["agent.presence", "agent.changed"], true),
        };
        assert!(kinds.contains(&event.kind()), "{}", what());
        let of = if sent.words[0].starts_with("TICKET.") {
            "ticket"
        } else {
            "agent"
        };
        assert_eq!(event.text(of), sent.words[1], "{}", what());
        match own {
            Some(own) => assert_eq!(own, event.seq, "{}", what()),
            None => assert!(repeats, "answered, but it is another's: {}", what()),
        }
    }

    /// TICKET.GET of these tickets, TICKET.COUNT and AGENT.GET say what the feed says.
    pub(crate) fn compare(&self, client: &mut Client, ids: &[&String]) {
        for ids in ids.chunks(400) {
            let mut words = vec!["TICKET.GET"];
            words.extend(ids.iter().map(|id| id.as_str()));
            let reply = client.cmd(&words);
            let one = [reply.clone()];
            let maps = if ids.len() == 1 { &one[..] } else { reply.list() };
            assert_eq!(maps.len(), ids.len());
            for (id, map) in ids.iter().zip(maps) {
                self.tickets[*id].compare(id, map);
            }
        }
        for state in ["waiting", "assigned", "resolved"] {
            let count = self.tickets.values().filter(|t| t.state == state).count() as i64;
            assert_eq!(
                client.cmd(&["TICKET.COUNT", "state", state]).int(),
                count,
                "{state}"
            );
        }
        for (id, agent) in &self.agents {
            let reply = client.cmd(&["AGENT.GET", id]);
            let held: Vec<&str> = reply.get("tickets").list().iter().map(Value::text).collect();
            assert_eq!(
                held,
                agent.held.values().map(String::as_str).collect::<Vec<_>>(),
                "{id}"
            );
            assert_eq!(reply.get("load").int() as u64, self.load(agent), "{id}");
            assert_eq!(reply.get("capacity").int() as u64, agent.capacity, "{id}");
            assert_eq!(reply.get("presence").text(), agent.presence, "{id}");
            assert_eq!(optional(reply.get("reason")), agent.reason.as_deref(), "{id}");
        }
    }
}

fn event_at(events: &[Entry], seq: i64) -> &Entry {
    match events.binary_search_by_key(&seq, |event| event.seq) {
        Ok(place) => &events[place],
        Err(_) => panic!("seq {seq} was acknowledged and is gone"),
    }
}

fn optional(value: &Value) -> Option<&str> {
    match value {
        Value::Null => None,
        text => Some(text.text()),
    }
}

impl Ticket {
    fn leave(&mut self, state: &str) {
        self.state = state.to_owned();
        self.agent = None;
        self.hold = None;
    }

    fn compare(&self, id: &str, map: &Value) {
        let what = || format!("{id}: {self:?}\n{map:?}");
        assert_eq!(map.get("state").text(), self.state, "{}", what());
        assert_eq!(map.get("last_seq").int(), self.last_seq, "{}", what());
        let number = |name: &str| match map.get(name) {
            Value::Null => None,
            number => Some(number.int()),
        };
        if self.state == "closed" {
            assert_eq!(number("resolved_seq"), self.resolved_seq, "{}", what());
            assert_eq!(number("closed_seq"), Some(self.closed_seq), "{}", what());
            assert_eq!(map.get("as").text(), self.closed_as, "{}", what());
            return;
        }
        assert_eq!(map.get("queue").text(), self.queue, "{}", what());
        assert_eq!(optional(map.get("agent")), self.agent.as_deref(), "{}", what());
        assert_eq!(number("hold"), self.hold, "{}", what());
        assert_eq!(optional(map.get("paused")), self.paused.as_deref(), "{}", what());
        assert_eq!(map.get("priority").text(), self.priority, "{}", what());
        assert_eq!(number("opened_seq"), Some(self.opened_seq), "{}", what());
        for clock in map.get("clocks").list() {
            if clock.get("state").text() == "running" {
                let due = self.dues.get(clock.get("target").text()).copied();
                assert_eq!(Some(clock.get("due").int()), due, "{}", what());
                // No timer got lost: what is over was told.
                let is_over = clock.get("remaining").int() < -50;
                assert!(!is_over || clock.get("breached").text() == "yes", "{}", what());
            }
        }
    }
}
