//! One bit of a settled log turned over: what has to come of it follows from where it lies.
//!
//! The layout of segments and frames is read here a second time, from the format's page, without the journal's code.

use super::desk::fresh;
use super::facts::Facts;
use crate::generator::Dice;
use slad::journal::sim::SimDisk;
use slad::journal::{Config, JournalError, OpenedLog, Recovery, open};
use slad::model::Seq;
use slad::model::event::Event;
use std::fmt;
use std::sync::Arc;

/// What became of the bits.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Flips {
    /// The start, or the replay, was refused by file, offset and seq.
    pub refused: u64,
    /// Cut as a torn tail, and told.
    pub torn: u64,
    /// All events were there.
    pub harmless: u64,
}

impl Flips {
    pub fn add(&mut self, other: &Flips) {
        self.refused += other.refused;
        self.torn += other.torn;
        self.harmless += other.harmless;
    }
}

impl fmt::Display for Flips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "bits turned over: {} refused, {} cut and told, {} harmless",
            self.refused, self.torn, self.harmless
        )
    }
}

/// A frame by its header, read from the documented places.
struct Frame {
    offset: usize,
    size: usize,
    is_marker: bool,
    /// The seq that an events frame here would begin with.
    expected: Seq,
    first_seq: Seq,
    count: u32,
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn small(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The newer valid copy of a segment's header.
fn header(bytes: &[u8]) -> &[u8] {
    let copies = [&bytes[..128], &bytes[4096..4096 + 128]];
    let valid = copies
        .into_iter()
        .filter(|h| small(h, 8) == crc32c::crc32c(&h[12..]));
    valid
        .max_by_key(|h| small(h, 28))
        .expect("a settled segment has a header")
}

/// Was it written to? A loss of power may have taken the header that says so.
fn is_started(bytes: &[u8]) -> bool {
    small(header(bytes), 28) != 0 || bytes[8192..].iter().any(|b| *b != 0)
}

fn frames(bytes: &[u8], first: Seq) -> Vec<Frame> {
    let (mut at, mut expected, mut all) = (8192, first, Vec::new());
    while at + 32 <= bytes.len() && bytes[at + 30] != 0 {
        let (kind, count) = (bytes[at + 30], small(bytes, at + 20));
        let size = 32 + (small(bytes, at + 16) as usize).next_multiple_of(8);
        let first_seq = number(bytes, at + 8);
        all.push(Frame {
            offset: at,
            size,
            is_marker: kind == 2,
            expected,
            first_seq,
            count,
        });
        if kind == 1 {
            expected = first_seq + u64::from(count);
        }
        at += size;
    }
    all
}

/// What reading comes to: the stored events, the recovery that is told, the next seq.
struct Read {
    stored: Vec<(Seq, Event)>,
    recovery: Option<Recovery>,
    next: Seq,
    /// Of the state that a daemon would begin with, when that was asked for.
    hash: u64,
}

fn read(disk: &SimDisk, config: Config, hashed: bool) -> Result<Read, JournalError> {
    let opened = open(Arc::new(disk.clone()), config)?;
    let mut stored = Vec::new();
    opened.replay(0, |seq, event| {
        stored.push((seq, event));
        Ok(())
    })?;
    let hash = if hashed { state(&opened, &stored)? } else { 0 };
    Ok(Read {
        recovery: opened.recovery().cloned(),
        next: opened.next_seq(),
        stored,
        hash,
    })
}

/// The state that a daemon would begin with.
fn state(opened: &OpenedLog, stored: &[(Seq, Event)]) -> Result<u64, JournalError> {
    let (mut engine, mut after) = (fresh(), 0);
    if let Some(snapshot) = opened.snapshot() {
        snapshot.records(|record| engine.restore(record))?;
        after = snapshot.info().seq;
        engine.restored(after);
        assert_eq!(engine.state_hash(), snapshot.info().state_hash.value);
    }
    let rest = stored.partition_point(|(seq, _)| *seq <= after);
    for (seq, event) in &stored[rest..] {
        engine.replay(*seq, event).expect("the log makes sense");
    }
    Ok(engine.state_hash())
}

/// Turns a bit over in a copy of the disk, and judges what comes of it.
pub fn turn_one_over(
    disk: &SimDisk,
    config: Config,
    facts: &Facts,
    seq: Seq,
    dice: &mut Dice,
    flips: &mut Flips,
) {
    let disk = disk.fork();
    // The recovery that the end of the last process made necessary is not what is to be looked at here.
    let whole = read(&disk, config, false).expect("an undamaged log opens");
    assert!(whole.stored.len() <= facts.events.len() && whole.next <= seq.max(whole.next));
    let files = disk.contents();
    let names: Vec<&String> = files.keys().collect();
    let name = *dice.pick(&names);
    let bytes = &files[name];
    let used = bytes.iter().rposition(|b| *b != 0).map_or(1, |n| n + 1);
    let most = if dice.chance(90) { used } else { bytes.len() };
    if bytes.is_empty() {
        return;
    }
    let from = if dice.chance(80) && most > 8192 { 8192 } else { 0 };
    let at = from + dice.below((most - from) as i64) as usize;
    let is_snapshot = name.starts_with("snapshot-");
    let hash = if is_snapshot {
        read(&disk, config, true).expect("an undamaged log opens").hash
    } else {
        0
    };
    disk.flip(name, at, 1 << dice.below(8));
    let what = format!("a bit of {name} at offset {at} of {most}");
    let found = read(&disk, config, is_snapshot);
    if !name.starts_with("log-") {
        // Snapshots are passed over or the bit says nothing; nothing else is read.
        let found = found.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(found.stored == whole.stored && found.hash == hash, "{what}");
        flips.harmless += 1;
        return;
    }
    let segment = header(bytes);
    let others = || {
        names
            .iter()
            .filter(|n| n.starts_with("log-"))
            .map(|n| (*n, &files[*n]))
    };
    let is_last = is_started(bytes) && !others().any(|(n, other)| n > name && is_started(other));
    let first = match number(segment, 32) {
        0 if is_started(bytes) => {
            // The header that said so is lost: it goes on where the one before ends.
            let before = others().take_while(|(n, _)| *n < name).last();
            before.map_or(1, |(_, other)| {
                number(header(other), 72).max(number(header(other), 104)) + 1
            })
        }
        0 => whole.next,
        first => first,
    };
    // Nothing is read behind a seal.
    let end = match number(segment, 64) {
        0 => bytes.len(),
        sealed => sealed as usize,
    };
    let all = frames(&bytes[..end], first);
    let hit = all.iter().find(|f| (f.offset..f.offset + f.size).contains(&at));
    let has_events = all.iter().any(|f| f.count > 0);
    let is_sealed = small(segment, 28) >= 2;
    // Of both copies, or of a recovery: written when everything before it was synced.
    let is_settled = bytes[..128] == bytes[4096..4096 + 128] || small(segment, 120) != 0;
    let sealed_to = if is_sealed && is_settled {
        number(segment, 72)
    } else {
        0
    };
    match (hit, found) {
        // Nobody reads a segment that is sealed, holds no event and is not the last.
        (Some(frame), found) if !is_sealed || is_last || has_events => {
            let marker = all.iter().filter(|f| f.is_marker && f.offset != frame.offset);
            // A snapshot is written of what was synced: it says so as a marker does.
            let taken = names
                .iter()
                .filter_map(|n| n.strip_prefix("snapshot-")?.strip_suffix(".slad"));
            let taken = taken.map(|seq| seq.parse().unwrap()).chain([sealed_to]);
            let marker = marker.map(|f| f.first_seq).chain(taken).max().unwrap_or(0);
            let is_damage = !is_last || marker >= frame.expected;
            if is_damage {
                let place = match &found {
                    Err(JournalError::Corrupt {
                        path, offset, seq, ..
                    }) => (path.ends_with(name), *offset, *seq),
                    Err(e) => panic!("{what}: {e}"),
                    Ok(found) => panic!(
                        "{what}: marked up to {marker}, and {} events are read",
                        found.stored.len()
                    ),
                };
                assert_eq!(
                    place,
                    (true, frame.offset as u64, frame.expected),
                    "{what}: {:?}",
                    found.err()
                );
                flips.refused += 1;
            } else {
                torn(&what, &whole, found, frame);
                flips.torn += 1;
            }
        }
        (_, Err(JournalError::Corrupt { path, .. })) => {
            assert!(path.starts_with("sim"), "{what}");
            flips.refused += 1;
        }
        (_, Err(e)) => panic!("{what}: {e}"),
        (_, Ok(found)) if found.stored.len() < whole.stored.len() => {
            prefix(&what, &whole, &found);
            flips.torn += 1;
        }
        (_, Ok(found)) => {
            assert!(found.stored == whole.stored && found.hash == hash, "{what}");
            flips.harmless += 1;
        }
    }
}

/// What is left is a beginning, and what is gone is told.
fn prefix(what: &str, whole: &Read, found: &Read) {
    assert_eq!(found.stored[..], whole.stored[..found.stored.len()], "{what}");
    let last = found.stored.last().map_or(0, |(seq, _)| *seq);
    let told = found
        .recovery
        .as_ref()
        .unwrap_or_else(|| panic!("{what}: nobody tells"));
    assert!(
        told.lost_from <= last + 1 && found.next == told.lost_to + 1,
        "{what}: {told:?}"
    );
    let gone = whole.stored.last().map_or(0, |(seq, _)| *seq);
    assert!(
        found.next > gone,
        "{what}: seq {gone} was there, {} comes next",
        found.next
    );
}

/// The log was cut before `frame`.
fn torn(what: &str, whole: &Read, found: Result<Read, JournalError>, frame: &Frame) {
    let found = found.unwrap_or_else(|e| panic!("{what}: {e}"));
    let last = found.stored.last().map_or(0, |(seq, _)| *seq);
    assert!(
        last < frame.expected,
        "{what}: seq {last} of {} events",
        frame.count
    );
    let kept = whole.stored.partition_point(|(seq, _)| *seq < frame.expected);
    assert_eq!(found.stored.len(), kept, "{what}: what stands before it is kept");
    prefix(what, whole, &found);
}
