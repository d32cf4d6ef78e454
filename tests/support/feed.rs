//! Reads the feed to its end, and sends many commands at a time.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

use crate::support::{Client, Value, encode};
use std::io::Write;

/// Entries a page: what the daemon gives at most.
const PAGE: usize = 10_000;
/// Commands under way at a time: fewer than a connection may have waiting, and what the socket's buffers hold.
const BATCH: usize = 500;

/// An entry of the feed.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) seq: i64,
    pub(crate) part: u64,
    pub(crate) fields: Vec<(String, String)>,
}

impl Entry {
    fn read(value: Value) -> Entry {
        let Value::List(mut pair) = value else {
            panic!("no entry: {value:?}");
        };
        let (Some(Value::List(list)), Some(Value::Text(id))) = (pair.pop(), pair.pop()) else {
            panic!("no entry");
        };
        let (seq, part) = id.split_once('-').unwrap();
        let mut fields = Vec::with_capacity(list.len() / 2);
        let mut list = list.into_iter();
        while let (Some(Value::Text(name)), Some(Value::Text(value))) = (list.next(), list.next()) {
            fields.push((name, value));
        }
        Entry {
            seq: seq.parse().unwrap(),
            part: part.parse().unwrap(),
            fields,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no '{name}' in {self:?}"))
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.text(name)
            .parse()
            .unwrap_or_else(|_| panic!("'{name}' is no number in {self:?}"))
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("type")
    }
}

/// Everything under `key` after the entry `after`, page by page.
pub(crate) fn read(client: &mut Client, key: &str, after: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut cursor = after.to_owned();
    loop {
        let reply = client.cmd(&["XRANGE", key, &cursor, "+", "COUNT", &PAGE.to_string()]);
        let Value::List(page) = reply else {
            panic!("XRANGE {key} {cursor}: {reply:?}");
        };
        let is_last = page.is_empty();
        found.extend(page.into_iter().map(Entry::read));
        if is_last {
            return found;
        }
        let last = found.last().unwrap();
        cursor = format!("({}-{}", last.seq, last.part);
    }
}

/// The replies to all of these commands, in order; many are under way at a time.
pub(crate) fn pipeline(client: &mut Client, commands: &[Vec<String>]) -> Vec<Value> {
    let mut replies = Vec::with_capacity(commands.len());
    for batch in commands.chunks(BATCH) {
        let mut bytes = Vec::new();
        for command in batch {
            let args: Vec<&str> = command.iter().map(String::as_str).collect();
            bytes.extend(encode(&args));
        }
        client.stream.write_all(&bytes).unwrap();
        replies.extend(batch.iter().map(|_| client.reply()));
    }
    replies
}

/// The words of a command.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
