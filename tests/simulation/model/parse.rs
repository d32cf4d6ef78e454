//! A command line taken apart: positional arguments, fields, and the universal fields.

use crate::value::Value;
use slad::model::target::Target;
use slad::model::{skill, text, time};

/// A command whose syntax is right.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub name: String,
    pub pos: Vec<String>,
    /// Field names in lower case, with their values, in the order given; without the universal ones.
    pub fields: Vec<(String, String)>,
    pub by: String,
    pub reason: String,
    pub at: Option<i64>,
    pub hold: Option<u64>,
    pub token: String,
    /// The whole command but the token, fields sorted.
    pub print: String,
}

impl Line {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

const OPEN: &[&str] = &[
    "policy",
    "class",
    "priority",
    "customer",
    "segment",
    "channel",
    "queue",
    "skills",
    "issue",
    "parent",
    "links",
    "assist",
    "prefer",
    "calendar",
    "opened_at",
    "has",
    "due.",
    "attr.",
];
/// What TICKET.SET takes, in the order of the command table.
pub const SET: &[&str] = &[
    "class", "priority", "customer", "segment", "channel", "skills", "issue", "parent", "links", "assist",
    "prefer", "calendar", "has", "due.", "attr.",
];
pub const FILTERS: &[&str] = &[
    "state",
    "queue",
    "policy",
    "class",
    "agent",
    "customer",
    "segment",
    "channel",
    "target",
    "due_before",
    "opened_before",
    "paused",
    "breached",
];
const TICKET: &[&str] = &["by", "reason", "at", "hold", "token"];
const NEW: &[&str] = &["by", "reason", "at", "token"];
const AGENT: &[&str] = &["by", "reason", "token"];

/// Positional arguments, own fields, universal fields.
type Shape = (usize, &'static [&'static str], &'static [&'static str]);

fn shape(name: &str) -> Option<Shape> {
    Some(match name {
        "TICKET.OPEN" => (1, OPEN, NEW),
        "TICKET.INBOUND" | "TICKET.RESPOND" | "TICKET.RESUME" | "TICKET.RELEASE" | "TICKET.RESOLVE"
        | "TICKET.REOPEN" | "TICKET.CLOSE" | "TICKET.PAUSE" => (1, &[], TICKET),
        "TICKET.PROGRESS" => (1, &["eta", "promise"], TICKET),
        "TICKET.MARK" | "TICKET.TRANSFER" | "TICKET.ASSIGN" => (2, &[], TICKET),
        "TICKET.SET" => (1, SET, TICKET),
        "TICKET.STAGE" | "TICKET.APPROVE" | "TICKET.REJECT" => (2, &[], TICKET),
        "TICKET.EXTEND" => (2, &["for", "approver"], TICKET),
        "TICKET.ESCALATE" => (1, &[], TICKET),
        "TICKET.RATE" => (2, &["*"], TICKET),
        "TICKET.CANCEL" => (1, &["as"], TICKET),
        "AGENT.SET" => (1, &["queues", "skills", "capacity", "label"], AGENT),
        "AGENT.READY" | "AGENT.AWAY" | "AGENT.PAUSE" | "AGENT.LEAVE" => (1, &[], AGENT),
        "AGENT.NEXT" => (1, &["block"], AGENT),
        "QUEUE.SET" => (2, &[], AGENT),
        "CLOCK.ADVANCE" | "CLOCK.SET" | "AGENT.GET" | "QUEUE.STATS" => (1, &[], &[]),
        "TICKET.LIST" => (0, &["+", "sort", "cursor", "count"], &[]),
        "TICKET.COUNT" => (0, &["+"], &[]),
        "AGENT.LIST" => (0, &["queue", "presence"], &[]),
        "QUEUE.LIST" => (0, &[], &[]),
        _ => return None,
    })
}

/// Comma-separated names, none empty.
pub fn names(value: &str) -> Option<Vec<String>> {
    if value.trim().is_empty() {
        return Some(Vec::new());
    }
    value
        .split(',')
        .map(|name| {
            text::id("name", name.trim().as_bytes())
                .ok()
                .map(|n| n.to_string())
        })
        .collect()
}

fn value_fits(name: &str, field: &str, value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_id = || text::id("x", bytes).is_ok();
    match field {
        "policy" | "priority" | "queue" | "class" | "customer" | "segment" | "channel" | "issue"
        | "parent" | "prefer" | "calendar" | "approver" | "by" | "token" | "agent" => is_id(),
        "for" => time::span("x", bytes).is_ok_and(|span| span.after(0) > 0),
        "links" | "assist" | "has" | "queues" => names(value).is_some(),
        "skills" if name == "AGENT.SET" => skill::skills(bytes).is_ok(),
        "skills" => skill::required(bytes).is_ok(),
        "opened_at" | "at" | "eta" | "promise" | "due_before" | "opened_before" => {
            time::instant("x", bytes).is_ok()
        }
        "hold" => value.parse::<u64>().is_ok(),
        "capacity" => value
            .parse::<u32>()
            .is_ok_and(|n| (1..=1_000_000_000).contains(&n)),
        "block" => time::duration("x", bytes).is_ok(),
        "as" => ["abandoned", "duplicate", "spam", "withdrawn"].contains(&value),
        "paused" | "breached" => ["yes", "no"].contains(&value),
        "state" => ["waiting", "assigned", "resolved", "closed"].contains(&value),
        "presence" => ["ready", "paused", "away", "offline"].contains(&value),
        "sort" => ["due", "opened"].contains(&value),
        "count" => value.parse::<u32>().is_ok_and(|n| (1..=10_000).contains(&n)),
        "target" => Target::parse(value).is_ok(),
        "reason" | "label" | "cursor" => true,
        _ if field.starts_with("due.") => {
            Target::parse(&field["due.".len()..]).is_ok() && time::instant("x", bytes).is_ok()
        }
        _ if field.starts_with("attr.") => field.len() > "attr.".len(),
        _ if name == "TICKET.RATE" => matches!(value, "1" | "2" | "3" | "4" | "5"),
        _ => false,
    }
}

/// Takes a command line apart, or says with what code it is refused.
pub fn line(args: &[String]) -> Result<Line, Value> {
    let name = args[0].to_ascii_uppercase();
    let bad = || Value::refused("BADARG");
    if name == "TICKET.GET" || name == "QUEUE.PEEK" {
        if args.len() < 2 {
            return Err(Value::refused("ERR"));
        }
        return Ok(Line {
            name,
            pos: args[1..].to_vec(),
            ..Line::default()
        });
    }
    let Some((pos, own, universal)) = shape(&name) else {
        return Err(Value::refused("ERR"));
    };
    if args.len() < 1 + pos {
        return Err(Value::refused("ERR"));
    }
    let mut line = Line {
        pos: args[1..1 + pos].to_vec(),
        name: name.clone(),
        ..Line::default()
    };
    let mut rest = &args[1 + pos..];
    if name == "AGENT.LEAVE"
        && let Some(how) = rest.first().map(|h| h.to_ascii_lowercase())
        && (how == "keep" || how == "release")
    {
        line.pos.push(how);
        rest = &rest[1..];
    }
    if rest.len() % 2 == 1 {
        // A name without a value: the arity is wrong, or the argument; either word will do.
        return Err(Value::refused("ERR|BADARG"));
    }
    let mut seen: Vec<(String, String)> = Vec::new();
    for pair in rest.chunks_exact(2) {
        let lower = pair[0].to_ascii_lowercase();
        let known = |list: &[&str]| {
            list.iter().any(|f| match *f {
                "*" => true,
                "+" => FILTERS.contains(&lower.as_str()),
                prefix if prefix.ends_with('.') => lower.starts_with(prefix),
                f => f == lower,
            })
        };
        let is_universal = universal.contains(&lower.as_str());
        if !is_universal && (!known(own) || (name == "TICKET.RATE" && TICKET.contains(&lower.as_str()))) {
            return Err(bad());
        }
        if seen.iter().any(|(n, _)| *n == lower) || !value_fits(&name, &lower, &pair[1]) {
            return Err(bad());
        }
        seen.push((lower.clone(), pair[1].clone()));
        match lower.as_str() {
            "by" if is_universal => line.by = pair[1].clone(),
            "reason" if is_universal => line.reason = pair[1].clone(),
            "at" if is_universal => line.at = time::instant("at", pair[1].as_bytes()).ok(),
            "hold" if is_universal => line.hold = pair[1].parse().ok(),
            "token" if is_universal => line.token = pair[1].clone(),
            _ => line.fields.push((lower, pair[1].clone())),
        }
    }
    positional(&line)?;
    seen.retain(|(n, _)| n != "token");
    seen.sort();
    line.print = format!("{} {:?} {:?}", line.name, line.pos, seen);
    Ok(line)
}

/// What the positional arguments and the set of fields have to be.
fn positional(line: &Line) -> Result<(), Value> {
    let bad = Err(Value::refused("BADARG"));
    let second = line.pos.get(1).map_or("", String::as_str);
    let ok = match line.name.as_str() {
        "CLOCK.ADVANCE" => return time::duration("d", line.pos[0].as_bytes()).map(|_| ()).or(bad),
        "CLOCK.SET" => return time::instant("t", line.pos[0].as_bytes()).map(|_| ()).or(bad),
        "TICKET.RATE" => matches!(second, "1" | "2" | "3" | "4" | "5"),
        "QUEUE.SET" => second == "open" && line.pos[0] != "none",
        "TICKET.EXTEND" if line.get("for").is_none() => return Err(Value::refused("ERR|BADARG|REQUIRED")),
        "TICKET.EXTEND" | "TICKET.APPROVE" | "TICKET.REJECT" => Target::parse(second).is_ok(),
        "TICKET.MARK" | "TICKET.STAGE" | "TICKET.ASSIGN" | "TICKET.TRANSFER" => {
            text::id("x", second.as_bytes()).is_ok()
        }
        "TICKET.SET" if line.fields.is_empty() => return Err(Value::refused("ERR|BADARG")),
        "TICKET.PAUSE" | "AGENT.PAUSE" if line.reason.is_empty() => {
            return Err(Value::refused("ERR|BADARG|REQUIRED"));
        }
        _ => true,
    };
    if ok && line.pos.iter().all(|p| text::id("id", p.as_bytes()).is_ok()) {
        Ok(())
    } else {
        bad
    }
}
