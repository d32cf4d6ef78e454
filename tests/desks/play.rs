//! Plays a row to a daemon of its own, through its socket, under the virtual clock.

use crate::feed::{self, Entry};
use crate::support::{Client, Daemon, Value};
use crate::table::{Act, Expected, Pair, Row, Step};
use std::path::Path;

/// A daemon, and how far its clock is. It plays row after row, as long as they go forward in time; each row finds it without
/// live tickets.
pub(crate) struct Stage {
    daemon: Daemon,
    client: Client,
    now: i64,
    /// Seq of the last event looked at.
    after: i64,
}

impl Stage {
    fn start(at: i64) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("policies/calendars")).unwrap();
        let clock = format!("--virtual-clock={at}");
        let flags = [clock.as_str(), "--policies", "policies", "--sync", "never"];
        let daemon = Daemon::start_in(folder, &flags);
        let client = daemon.client();
        let mut stage = Stage {
            daemon,
            client,
            now: at,
            after: 0,
        };
        stage.look();
        stage
    }

    /// What has happened since the last look, but for the clock's own events; derived entries after their event.
    fn look(&mut self) -> Vec<Entry> {
        let cursor = format!("({}-{}", self.after, u32::MAX);
        let mut all = feed::read(&mut self.client, "events", &cursor);
        let derived = feed::read(&mut self.client, "events:sla", &cursor);
        all.extend(derived.into_iter().filter(|entry| entry.part > 0));
        all.sort_by_key(|entry| (entry.seq, entry.part));
        self.after = all.last().map_or(self.after, |entry| entry.seq);
        all.retain(|entry| entry.kind() != "clock.jumped");
        all
    }

    fn clear(&mut self) {
        let listed = self.client.cmd(&["TICKET.LIST", "count", "1000"]);
        for id in live(&listed) {
            let reply = self.client.cmd(&["TICKET.CANCEL", &id]);
            assert!(matches!(reply, Value::Int(_)), "{id}: {reply:?}");
        }
        self.look();
    }
}

/// The ids in a reply of TICKET.LIST.
fn live(listed: &Value) -> Vec<String> {
    match listed {
        Value::List(list) if matches!(list.first(), Some(Value::Text(name)) if name == "ticket") => {
            vec![list[1].text().to_owned()]
        }
        Value::List(list) => list.iter().flat_map(live).collect(),
        _ => Vec::new(),
    }
}

/// Plays a row; an error says which line expected what. `stage` is used if it can be, and is what the next row may use.
pub(crate) fn row(row: &Row, stage: &mut Option<Stage>) -> Result<(), String> {
    let start = instant(&row.start).ok_or(format!("{}: '{}' is no instant", row.line, row.start))?;
    let mut own = match stage.take().filter(|stage| stage.now <= start) {
        Some(stage) => stage,
        None => Stage::start(start),
    };
    if own.now < start {
        own.client.cmd(&["CLOCK.SET", &start.to_string()]);
        own.look();
    }
    own.now = start;
    let mut is_changed = false;
    for step in &row.steps {
        let reply =
            act(&mut own, &step.act).map_err(|what| format!("{}: {what} ({})", step.line, row.title))?;
        is_changed |= matches!(step.act, Act::Replace(..) | Act::Append(..));
        let looked = own.look();
        check(&mut own.client, step, &reply, &looked)
            .map_err(|(line, what)| format!("{line}: {what} ({})", row.title))?;
    }
    if !is_changed {
        own.clear();
        *stage = Some(own);
    }
    Ok(())
}

fn act(stage: &mut Stage, act: &Act) -> Result<Value, String> {
    let folder = stage.daemon.folder();
    Ok(match act {
        Act::Command(words) => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            stage.client.cmd(&words)
        }
        Act::Until(until) => {
            let ms = instant(until).ok_or(format!("'{until}' is no instant"))?;
            stage.now = ms;
            stage.client.cmd(&["CLOCK.SET", &ms.to_string()])
        }
        Act::Replace(file, from, to) => {
            let text = text(folder, file)?;
            if !text.contains(from.as_str()) {
                return Err(format!("{file} has no '{from}'"));
            }
            write(folder, file, &text.replace(from.as_str(), to))
        }
        Act::Append(file, more) => {
            let text = text(folder, file)?;
            write(folder, file, &format!("{text}\n{more}\n"))
        }
        Act::Kill => {
            stage.daemon.kill();
            stage.daemon.restart();
            stage.client = stage.daemon.client();
            Value::Null
        }
    })
}

/// A file of the policies' folder, or the shipped one of that name.
fn text(folder: &Path, file: &str) -> Result<String, String> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let own = folder.join("policies").join(own_path(file));
    std::fs::read_to_string(own)
        .or_else(|_| std::fs::read_to_string(shipped.join(file)))
        .map_err(|e| format!("{file}: {e}"))
}

fn write(folder: &Path, file: &str, text: &str) -> Value {
    std::fs::write(folder.join("policies").join(own_path(file)), text).unwrap();
    Value::Null
}

/// `policies/x.toml` is a file of the folder, `calendars/x.toml` one of its folder of calendars.
fn own_path(file: &str) -> &str {
    file.strip_prefix("policies/").unwrap_or(file)
}

type Wrong = (usize, String);

fn check(client: &mut Client, step: &Step, reply: &Value, entries: &[Entry]) -> Result<(), Wrong> {
    let wrong = |what: String| (step.line, what);
    match (&step.refusal, reply) {
        (None, Value::Error(error)) => return Err(wrong(format!("refused: {error}"))),
        (Some(begin), Value::Error(error)) if error.starts_with(begin.as_str()) => {
            if entries.iter().any(|entry| entry.kind() != "queue.reminder") {
                return Err(wrong(format!("a refusal logged {entries:?}")));
            }
        }
        (Some(begin), other) => return Err(wrong(format!("expected {begin}\n  got {other:?}"))),
        (None, _) => {}
    }
    places(reply, &step.reply).map_err(wrong)?;
    if let Some(expected) = &step.events {
        events(step.line, expected, entries)?;
    }
    for (ticket, pairs) in &step.places {
        let reply = client.cmd(&["TICKET.GET", ticket]);
        places(&reply, pairs).map_err(|what| wrong(format!("{ticket}: {what}")))?;
    }
    Ok(())
}

fn events(line: usize, expected: &[Expected], entries: &[Entry]) -> Result<(), Wrong> {
    // Reminders of queues come by themselves: only rows about them list them.
    let reminders = expected.iter().any(|wanted| wanted.kind == "queue.reminder");
    let told = |entry: &&Entry| reminders || entry.kind() != "queue.reminder";
    let mut left = entries.iter().filter(told).peekable();
    for (index, wanted) in expected.iter().enumerate() {
        // Derived entries that nobody asked for are left out.
        let asks = expected[..index]
            .iter()
            .rev()
            .take_while(|before| before.derived)
            .count()
            > 0;
        while !wanted.derived && !asks && left.peek().is_some_and(|entry| entry.part > 0) {
            left.next();
        }
        let Some(entry) = left.next() else {
            return Err((
                wanted.line,
                format!("expected {}\n  got nothing further", wanted.kind),
            ));
        };
        let kind = ("type".to_owned(), wanted.kind.clone());
        for (name, value) in std::iter::once(&kind).chain(&wanted.pairs) {
            let got = entry.find(name).unwrap_or("nil");
            if wanted.derived != (entry.part > 0) || !same(got, value) {
                let what = format!("expected {} {name}={value}\n  got {}", wanted.kind, shown(entry));
                return Err((wanted.line, what));
            }
        }
    }
    let asks = expected.last().is_some_and(|last| last.derived);
    match left.find(|entry| asks || entry.part == 0) {
        Some(entry) => Err((line, format!("expected no further event\n  got {}", shown(entry)))),
        None => Ok(()),
    }
}

/// An entry with its instants as people read them.
fn shown(entry: &Entry) -> String {
    let pair = |(name, value): &(String, String)| format!("{name}={}", readable(value));
    entry.fields.iter().map(pair).collect::<Vec<_>>().join(" ")
}

fn readable(value: &str) -> String {
    let ms = value
        .parse::<i64>()
        .ok()
        .filter(|ms| (1_000_000_000_000..4_000_000_000_000).contains(ms));
    let stamp = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    stamp.map_or(value.to_owned(), |stamp| {
        stamp
            .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)))
            .strftime("%FT%T%.f%:z")
            .to_string()
    })
}

fn places(reply: &Value, pairs: &[Pair]) -> Result<(), String> {
    for (path, expected) in pairs {
        let part_of = path.strip_suffix('*');
        let got = at(reply, part_of.unwrap_or(path)).unwrap_or("nil".to_owned());
        let is_right = match part_of {
            Some(_) => got.contains(expected.as_str()),
            None => same(&got, expected),
        };
        if !is_right {
            return Err(format!(
                "expected {path}={expected}\n  got {} in {reply:?}",
                readable(&got)
            ));
        }
    }
    Ok(())
}

/// The place in a reply; clocks are found by their targets.
fn at(reply: &Value, path: &str) -> Option<String> {
    let is_key = |key: &Value| matches!(key, Value::Text(key) if key == path);
    let (name, rest) = match (reply, path.split_once('.')) {
        (Value::List(list), Some((name, rest))) if !list.iter().step_by(2).any(is_key) => (name, Some(rest)),
        _ => (path, None),
    };
    let found = match reply {
        Value::List(list) => {
            let named = |of: &Value| {
                let pairs = of.list().chunks(2);
                pairs.filter(|pair| pair.len() == 2).any(|pair| {
                    matches!(&pair[0], Value::Text(key) if key == "target") && pair[1].text() == name
                })
            };
            let nested = list.iter().all(|item| matches!(item, Value::List(_)));
            if nested {
                list.iter().find(|item| named(item))
            } else {
                let mut pairs = list.chunks(2);
                pairs
                    .find(|pair| matches!(&pair[0], Value::Text(key) if key == name))
                    .and_then(|pair| pair.get(1))
            }
        }
        _ => None,
    }?;
    match rest {
        Some(rest) => at(found, rest),
        None => rendered(found),
    }
}

fn rendered(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Int(n) => Some(n.to_string()),
        Value::Simple(text) | Value::Text(text) | Value::Error(text) => Some(text.clone()),
        Value::List(list) => {
            let words = list.iter().map(|item| rendered(item).unwrap_or("nil".to_owned()));
            Some(words.collect::<Vec<_>>().join(","))
        }
        Value::Map(_) => None,
    }
}

/// Equal texts, or equal instants.
fn same(got: &str, expected: &str) -> bool {
    match instant(expected) {
        Some(ms) => got.parse() == Ok(ms),
        None => got == expected,
    }
}

/// RFC 3339 → ms. Not by the code under test.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let looks = text.len() >= 20 && text.as_bytes()[10] == b'T';
    looks
        .then(|| text.parse::<jiff::Timestamp>().ok())?
        .map(|at| at.as_millisecond())
}
