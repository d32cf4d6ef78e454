//! Single values: what an argument may be, and the refusal that says so.

use super::parse::{Caps, capped};
use crate::model::command::{After, EntryId, FeedKey};
use crate::model::time::Span;
use crate::model::{Code, DurationMs, Refusal, Text, text, time};

/// Longest piece of an argument shown in an error, characters.
const SHOWN_CHARS_MAX: usize = 64;

/// An argument for an error message: short, and text whatever it was.
pub(super) fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(4 * SHOWN_CHARS_MAX)];
    let text = String::from_utf8_lossy(head);
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// A whole number between `min` and `max`.
pub(super) fn number(what: &str, bytes: &[u8], min: u64, max: u64) -> Result<u64, Refusal> {
    plain(bytes)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| {
            let upto = if max == u64::MAX {
                format!("of at least {min}")
            } else {
                format!("{min}-{max}")
            };
            Refusal::bad_arg(format!(
                "{what} '{}': it takes a whole number {upto}",
                shown(bytes)
            ))
        })
}

/// Decimal digits alone.
fn plain(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// A page size: 1 up to the cap; more is `LIMIT`.
pub(super) fn page(what: &str, bytes: &[u8], caps: &Caps) -> Result<u32, Refusal> {
    let count = number(what, bytes, 1, u64::MAX)?;
    u32::try_from(count)
        .ok()
        .filter(|count| *count <= caps.page_max)
        .ok_or_else(|| {
            Refusal::new(
                Code::Limit,
                format!("{what} {count}: at most {} are given at a time", caps.page_max),
            )
        })
}

/// Lower-case text of a word from a closed list, for the model's own readers.
pub(super) fn word(bytes: &[u8]) -> String {
    shown(bytes).to_ascii_lowercase()
}

/// `yes` or `no`.
pub(super) fn yes_no(what: &str, bytes: &[u8]) -> Result<bool, Refusal> {
    choice(what, bytes, &[("yes", true), ("no", false)])
}

/// One word of a few, in any case.
pub(super) fn choice<T: Copy>(what: &str, bytes: &[u8], known: &[(&str, T)]) -> Result<T, Refusal> {
    known
        .iter()
        .find(|(name, _)| bytes.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let given = shown(bytes);
            Refusal::bad_arg(format!(
                "{what} '{given}'{}: it takes {}",
                text::hint(&given, names.iter().copied()),
                names.join(" or ")
            ))
        })
}

/// Names separated by commas, in the order given, none twice; empty: none.
pub(super) fn names(what: &str, bytes: &[u8], caps: &Caps) -> Result<Vec<Text>, Refusal> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let count = 1 + bytes.iter().filter(|byte| **byte == b',').count();
    listed(what, count, caps)?;
    let mut names: Vec<Text> = Vec::with_capacity(count);
    for name in bytes.split(|byte| *byte == b',') {
        let name = name.trim_ascii();
        if name.is_empty() {
            return Err(Refusal::bad_arg(format!(
                "{what} has an empty name: it takes names separated by commas"
            )));
        }
        let name = text::id(what, name)?;
        if names.contains(&name) {
            return Err(Refusal::bad_arg(format!(
                "{what} names '{name}' twice: it takes names separated by commas"
            )));
        }
        names.push(name);
    }
    Ok(names)
}

/// The same, sorted.
pub(super) fn sorted_names(what: &str, bytes: &[u8], caps: &Caps) -> Result<Vec<Text>, Refusal> {
    let mut names = names(what, bytes, caps)?;
    names.sort_unstable();
    Ok(names)
}

/// Refuses with `LIMIT` a list longer than the cap.
pub(super) fn listed(what: &str, count: usize, caps: &Caps) -> Result<(), Refusal> {
    if count <= caps.list_max {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Limit,
        format!("{what} lists {count}: at most {} are taken", caps.list_max),
    ))
}

/// A list of skills, by the model's reader, under the same cap.
pub(super) fn skills<T>(
    bytes: &[u8],
    caps: &Caps,
    read: impl FnOnce(&[u8]) -> Result<Vec<T>, Refusal>,
) -> Result<Vec<T>, Refusal> {
    listed("skills", 1 + bytes.iter().filter(|b| **b == b',').count(), caps)?;
    // A name, an operator and a level each: more than that is no list of names.
    capped("skills", bytes, caps.list_max * (text::ID_BYTES_MAX + 8))?;
    read(bytes)
}

/// An instant; long rubbish is cut before it is echoed.
pub(super) fn instant(what: &str, bytes: &[u8]) -> Result<i64, Refusal> {
    time::instant(what, clip(bytes))
}

/// A length of time without a calendar; long rubbish is cut before it is echoed.
pub(super) fn duration(what: &str, bytes: &[u8]) -> Result<DurationMs, Refusal> {
    time::duration(what, clip(bytes))
}

/// A length of time of more than nothing, business days and months among them; long rubbish is cut before it is echoed.
pub(super) fn span(what: &str, bytes: &[u8]) -> Result<Span, Refusal> {
    match time::span(what, clip(bytes))? {
        Span::Ms(0) | Span::Months(0) | Span::BusinessDays(0) => Err(Refusal::bad_arg(format!(
            "{what} '{}': it takes more than no time",
            shown(bytes)
        ))),
        span => Ok(span),
    }
}

fn clip(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(2 * SHOWN_CHARS_MAX)]
}

const TAKES_KEY: &str = "it takes events, events:sla, events:breaches, events:routing, events:queue:Q, events:agent:A or events:ticket:T";

/// A key of the feed.
pub fn feed_key(bytes: &[u8]) -> Result<FeedKey, Refusal> {
    let named = |prefix: &str| bytes.strip_prefix(prefix.as_bytes());
    if let Some(queue) = named("events:queue:") {
        return Ok(FeedKey::Queue(text::id("queue", queue)?));
    }
    if let Some(agent) = named("events:agent:") {
        return Ok(FeedKey::Agent(text::id("agent", agent)?));
    }
    if let Some(ticket) = named("events:ticket:") {
        return Ok(FeedKey::Ticket(text::id("ticket", ticket)?));
    }
    match bytes {
        b"events" => Ok(FeedKey::All),
        b"events:sla" => Ok(FeedKey::Sla),
        b"events:breaches" => Ok(FeedKey::Breaches),
        b"events:routing" => Ok(FeedKey::Routing),
        _ => {
            let given = shown(bytes);
            let known = ["events", "events:sla", "events:breaches", "events:routing"];
            Err(Refusal::bad_arg(format!(
                "key '{given}'{}: {TAKES_KEY}",
                text::hint(&given, known)
            )))
        }
    }
}

/// The key as clients spell it: its fixed part and its name.
pub fn feed_key_parts(key: &FeedKey) -> (&'static str, &str) {
    match key {
        FeedKey::All => ("events", ""),
        FeedKey::Sla => ("events:sla", ""),
        FeedKey::Breaches => ("events:breaches", ""),
        FeedKey::Routing => ("events:routing", ""),
        FeedKey::Queue(name) => ("events:queue:", name),
        FeedKey::Agent(name) => ("events:agent:", name),
        FeedKey::Ticket(name) => ("events:ticket:", name),
    }
}

/// `<seq>` or `<seq>-<part>`; a bare seq has part `part_missing`.
fn entry(bytes: &[u8], part_missing: u64) -> Option<EntryId> {
    let mut halves = bytes.splitn(2, |byte| *byte == b'-');
    let seq = plain(halves.next()?)?;
    let part = match halves.next() {
        None => part_missing,
        Some(part) => plain(part)?,
    };
    Some(EntryId { seq, part })
}

/// Where an XREAD starts.
pub(super) fn after(bytes: &[u8]) -> Result<After, Refusal> {
    if bytes == b"$" {
        return Ok(After::Newest);
    }
    entry(bytes, 0).map(After::Id).ok_or_else(|| {
        Refusal::bad_arg(format!(
            "id '{}': it takes <seq>-<part>, <seq>, 0 or $",
            shown(bytes)
        ))
    })
}

/// First id of a range: `-`, an id, or `(` and an id to begin behind it.
pub(super) fn range_from(bytes: &[u8]) -> Result<EntryId, Refusal> {
    let next = |id: EntryId| match id.part.checked_add(1) {
        Some(part) => Some(EntryId { part, ..id }),
        None => id.seq.checked_add(1).map(|seq| EntryId { seq, part: 0 }),
    };
    bound(bytes, 0, next)
}

/// Last id of a range: `+`, an id, or `(` and an id to end before it.
pub(super) fn range_to(bytes: &[u8]) -> Result<EntryId, Refusal> {
    let previous = |id: EntryId| match id.part.checked_sub(1) {
        Some(part) => Some(EntryId { part, ..id }),
        None => id.seq.checked_sub(1).map(|seq| EntryId { seq, part: u64::MAX }),
    };
    bound(bytes, u64::MAX, previous)
}

fn bound(
    bytes: &[u8],
    part_missing: u64,
    step: impl Fn(EntryId) -> Option<EntryId>,
) -> Result<EntryId, Refusal> {
    let id = match bytes {
        b"-" => Some(EntryId::MIN),
        b"+" => Some(EntryId::MAX),
        [b'(', id @ ..] => entry(id, part_missing).and_then(step),
        id => entry(id, part_missing),
    };
    id.ok_or_else(|| {
        Refusal::bad_arg(format!(
            "id '{}': it takes -, +, <seq>, <seq>-<part>, or ( before an id to leave it out",
            shown(bytes)
        ))
    })
}
