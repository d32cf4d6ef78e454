//! One entry of the feed, written for people, as JSON, or as a row of CSV.

use crate::model::event::Event;
use crate::model::fields::{self, Sink};
use crate::model::{Seq, time};
use serde_json::Value;
use std::fmt::Write;

/// The columns of CSV, in order. `fields` is a JSON object of everything that has no column of its own.
pub const COLUMNS: [&str; 20] = [
    "seq",
    "part",
    "type",
    "at",
    "time",
    "logged_at",
    "ticket",
    "agent",
    "queue",
    "priority",
    "policy",
    "target",
    "due",
    "late_ms",
    "by",
    "reason",
    "token",
    "cause",
    "skills",
    "fields",
];

/// The pairs of an entry, numbers as numbers.
#[derive(Debug, Default)]
struct Pairs(Vec<(String, Value)>);

impl Pairs {
    fn of(event: &Event, part: u64) -> Vec<(String, Value)> {
        let mut pairs = Pairs::default();
        fields::visit(event, part, &mut pairs);
        pairs.0
    }

    /// An object has a name once: a second one of the same name (the reason of a fact and of its origin) gets a number.
    fn push(&mut self, name: &str, value: Value) {
        let taken = |candidate: &str| self.0.iter().any(|(n, _)| n == candidate);
        let mut free = name.to_owned();
        for n in 2.. {
            if !taken(&free) {
                break;
            }
            free = format!("{name}_{n}");
        }
        self.0.push((free, value));
    }
}

impl Sink for Pairs {
    fn text(&mut self, name: &str, value: &str) {
        self.push(name, Value::from(value));
    }
    fn int(&mut self, name: &str, value: i64) {
        self.push(name, Value::from(value));
    }
}

/// `12-0 2026-01-01T00:00:00.000Z ticket.opened ticket=t1 …`
pub fn line(seq: Seq, part: u64, event: &Event) -> String {
    let mut pairs: Vec<(String, String)> = Vec::new();
    fields::visit(event, part, &mut pairs);
    let kind = pairs.iter().find(|(n, _)| n == "type").map_or("", |(_, v)| v);
    let mut out = format!("{seq}-{part} {} {kind}", time::rfc3339(event.at));
    for (name, value) in pairs.iter().filter(|(n, _)| n != "type" && n != "at") {
        let is_plain = !value.is_empty()
            && value
                .chars()
                .all(|c| !c.is_whitespace() && !c.is_control() && c != '"');
        // Texts come from clients: what could move the cursor or end the line is shown escaped.
        let _ = if is_plain {
            write!(out, " {name}={value}")
        } else {
            write!(out, " {name}={value:?}")
        };
    }
    out
}

/// An object in one line: `id`, `seq`, then the pairs as the feed has them.
pub fn json(seq: Seq, part: u64, event: &Event) -> String {
    let mut out = format!("{{\"id\":\"{seq}-{part}\",\"seq\":{seq}");
    for (name, value) in Pairs::of(event, part) {
        let _ = write!(out, ",{}:{value}", Value::from(name));
    }
    out.push('}');
    out
}

/// The first row of CSV.
pub fn csv_head() -> String {
    COLUMNS.join(",") + "\r\n"
}

/// A row of CSV (RFC 4180, ended by CR LF).
pub fn csv(seq: Seq, part: u64, event: &Event) -> String {
    let mut pairs = Pairs::of(event, part);
    let mut take = |name: &str| {
        let n = pairs.iter().position(|(n, _)| n == name)?;
        Some(pairs.remove(n).1)
    };
    let mut cells: Vec<String> = Vec::with_capacity(COLUMNS.len());
    for column in COLUMNS {
        cells.push(match column {
            "seq" => seq.to_string(),
            "part" => part.to_string(),
            "time" => time::rfc3339(event.at),
            "logged_at" => take(column).map_or_else(|| event.logged_at.to_string(), |v| v.to_string()),
            "fields" => String::new(),
            _ => match take(column) {
                None => String::new(),
                Some(Value::String(text)) => cell(&text),
                Some(number) => number.to_string(),
            },
        });
    }
    if let (false, Some(last)) = (pairs.is_empty(), cells.last_mut()) {
        let object: serde_json::Map<String, Value> = pairs.into_iter().collect();
        *last = cell(&Value::Object(object).to_string());
    }
    cells.join(",") + "\r\n"
}

/// A text as a cell: quoted where it must be, and with an apostrophe before what a spreadsheet would take for a formula.
fn cell(text: &str) -> String {
    let guarded = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    if guarded.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Body, Origin, TicketEvent, TicketFact};

    fn paused(reason: &str, by: &str) -> Event {
        Event {
            at: 1_767_225_600_000,
            logged_at: 1_767_225_600_500,
            cause: 3,
            tenant: 0,
            body: Body::Ticket(TicketEvent {
                id: "t,1".into(),
                queue: "q \"a\"".into(),
                agent: "".into(),
                prev: 0,
                fact: TicketFact::Paused {
                    reason: reason.into(),
                },
                clocks: None,
                origin: Some(Box::new(Origin {
                    by: by.into(),
                    reason: "again".into(),
                    ..Origin::default()
                })),
            }),
        }
    }

    #[test]
    fn a_line_for_people() {
        assert_eq!(
            line(7, 0, &paused("customer\n\u{1b}[2J", "ann")),
            "7-0 2026-01-01T00:00:00.000Z ticket.paused ticket=t,1 queue=\"q \\\"a\\\"\" reason=\"customer\\n\\u{1b}[2J\" \
             by=ann reason=again logged_at=1767225600500 cause=3"
        );
    }

    #[test]
    fn json_has_every_pair_once() {
        let line = json(7, 0, &paused("customer", "ann"));
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["id"], "7-0");
        assert_eq!(object["seq"], 7);
        assert_eq!(object["at"], 1_767_225_600_000_i64);
        assert_eq!(
            (&object["reason"], &object["reason_2"]),
            (&"customer".into(), &"again".into())
        );
        assert!(!line.contains('\n'));
    }

    #[test]
    fn csv_quotes_and_guards() {
        assert_eq!(csv_head().trim_end().split(',').count(), COLUMNS.len());
        let row = csv(7, 0, &paused("=1+1", "a\"b,c\nd"));
        assert_eq!(
            row,
            "7,0,ticket.paused,1767225600000,2026-01-01T00:00:00.000Z,1767225600500,\"t,1\",,\"q \"\"a\"\"\",,,,,,\
             \"a\"\"b,c\nd\",'=1+1,,3,,\"{\"\"reason_2\"\":\"\"again\"\"}\"\r\n"
        );
        for (text, is) in [
            ("+x", "'+x"),
            ("-x", "'-x"),
            ("@x", "'@x"),
            ("a=b", "a=b"),
            ("", ""),
            ("\rx", "\"'\rx\""),
        ] {
            assert_eq!(cell(text), is);
        }
    }
}
