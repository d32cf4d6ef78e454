//! Index files: they say what memory says, and nothing when they are not what was written.

use super::*;
use crate::journal::disk::Disk;
use crate::journal::{Keeper, Reader, Wanted};
use crate::model::command::{EntryId, FeedKey};
use std::ops::ControlFlow;

/// A log of so many segments of such events.
fn log_with(segments: usize, event: impl Fn(Seq) -> Event) -> (SimDisk, Seq) {
    let disk = SimDisk::new();
    let mut writer = writer(&disk);
    while writer.published().segment_count() < segments {
        let mut batch = Batch::new();
        for seq in writer.next_seq()..writer.next_seq() + 50 {
            batch.push(seq, &[event(seq)]).unwrap();
        }
        writer.append(&mut batch).unwrap();
    }
    let last = writer.next_seq() - 1;
    writer.close().unwrap();
    (disk, last)
}

fn keeper(disk: &SimDisk) -> (OpenedLog, Arc<Reader>, Keeper) {
    let log = opened(disk).unwrap();
    let reader = Arc::new(log.reader());
    let keeper = log.keeper(reader.clone(), 2);
    (log, reader, keeper)
}

/// Writes every index file that is missing; how many.
fn index(disk: &SimDisk) -> usize {
    let (_log, _reader, mut keeper) = keeper(disk);
    std::iter::from_fn(|| keeper.write_index().unwrap()).count()
}

fn keys() -> Vec<FeedKey> {
    let mut keys = vec![FeedKey::Sla, FeedKey::Breaches, FeedKey::Routing];
    let queues = ["queue-0", "queue-2", "billing", "", "zzz"];
    keys.extend(queues.map(|q| FeedKey::Queue(Text::new(q))));
    let agents = ["a0", "a3", "agent-of-an-earlier-shift-1", "a", "nobody"];
    keys.extend(agents.map(|a| FeedKey::Agent(Text::new(a))));
    keys
}

fn wanted(from: Seq, to: Seq, count: usize, reverse: bool) -> Wanted {
    Wanted {
        from: EntryId { seq: from, part: 0 },
        to: EntryId { seq: to, part: 0 },
        count,
        reverse,
        upto_seq: Seq::MAX,
    }
}

/// What a reader says to a round of questions.
fn answers(reader: &Reader, last: Seq, tickets: &[&str]) -> Vec<Vec<Seq>> {
    let mut answers = Vec::new();
    let seqs = |entries: Vec<crate::journal::Entry>| entries.iter().map(|e| e.0).collect::<Vec<_>>();
    for key in keys() {
        for reverse in [false, true] {
            for (from, to, count) in [(1, last, 40), (last / 3, last / 2, 300), (last - 5, last, 9)] {
                answers.push(seqs(
                    reader.entries(&key, wanted(from, to, count, reverse)).unwrap(),
                ));
            }
        }
        answers.push(reader.count(&key, last / 2).unwrap().into_iter().collect());
    }
    for ticket in tickets {
        for reverse in [false, true] {
            let found = reader
                .ticket(ticket, None, wanted(1, last, 1_000_000, reverse))
                .unwrap();
            answers.push(seqs(found));
            let found = reader
                .ticket(ticket, None, wanted(last / 4, last - 9, 5, reverse))
                .unwrap();
            answers.push(seqs(found));
        }
        answers.push(reader.newest_of(ticket).unwrap().into_iter().collect());
    }
    for at in [1, 2, 777, last / 2, last] {
        let mut found = Vec::new();
        reader
            .range_back(at.saturating_sub(20), at, |seq, _| {
                found.push(seq);
                ControlFlow::Continue(())
            })
            .unwrap();
        answers.push(found);
        answers.push(
            reader
                .event(at)
                .unwrap()
                .map(|e| e.at as Seq)
                .into_iter()
                .collect(),
        );
    }
    answers
}

/// Ticket `n % 89`; every 40th event of a ticket begins a new life, and now and then two follow at once.
fn with_lives(n: Seq) -> Event {
    let mut e = event(n);
    if let Body::Ticket(ticket) = &mut e.body {
        let number = n % 89;
        ticket.id = compact_str::format_compact!("t{number}");
        let round = n / 89;
        let begins = n < 89 || (round + number).is_multiple_of(40) || (round + number).is_multiple_of(41);
        ticket.prev = if begins { 0 } else { n - 89 };
    }
    e
}

const TICKETS: [&str; 5] = ["t0", "t7", "t88", "t89", "T7"];

#[test]
fn files_say_what_memory_says() {
    let (disk, last) = log_with(4, with_lives);
    let memory = answers(&opened(&disk).unwrap().reader(), last, &TICKETS);
    assert_eq!(index(&disk), 3);
    assert_eq!(index(&disk), 0, "a cold start has nothing to make");
    let (log, reader, mut keeper) = keeper(&disk);
    assert!(answers(&reader, last, &TICKETS) == memory);
    assert_eq!(keeper.write_index().unwrap(), None, "a file was found damaged");
    drop(log);
    // The definition: every event of the ticket, whatever links it.
    let reader = opened(&disk).unwrap().reader();
    for (number, ticket) in [(0, "t0"), (7, "t7"), (88, "t88")] {
        let all: Vec<Seq> = (1..=last).filter(|n| n % 89 == number).collect();
        let found = reader
            .ticket(ticket, None, wanted(1, last, usize::MAX, false))
            .unwrap();
        assert_eq!(found.iter().map(|e| e.0).collect::<Vec<_>>(), all, "{ticket}");
        assert_eq!(reader.newest_of(ticket).unwrap(), all.last().copied());
        // From a head that the caller knows, the lives before it.
        let head = all[all.len() / 2];
        let found = reader
            .ticket(ticket, Some(head), wanted(1, last, usize::MAX, true))
            .unwrap();
        let below: Vec<Seq> = all.iter().copied().filter(|s| *s <= head).rev().collect();
        assert_eq!(found.iter().map(|e| e.0).collect::<Vec<_>>(), below, "{ticket}");
    }
    assert_eq!(reader.newest_of("none-such").unwrap(), None);
    assert_eq!(reader.newest_of("").unwrap(), None);
}

#[test]
fn a_key_is_indexed_where_little_has_to_grow() {
    let (disk, last) = log_with(3, with_lives);
    let (_log, reader, mut keeper) = keeper(&disk);
    assert!(reader.is_indexed(last + 1, 0), "there is nothing to find");
    assert!(!reader.is_indexed(last, 0), "nobody has asked yet");
    assert!(reader.is_indexed(last, last), "few events are taken in at once");
    let ask = |from| {
        reader
            .entries(&FeedKey::Sla, wanted(from, last, 1_000_000, false))
            .unwrap()
    };
    ask(last);
    assert!(reader.is_indexed(last, 0));
    assert!(!reader.is_indexed(1, 100), "the segments before are not");
    // The files, grown apart from what readers share.
    assert!(keeper.write_index().unwrap().is_some());
    assert!(!reader.is_indexed(1, 100), "one is not there yet");
    while keeper.write_index().unwrap().is_some() {}
    assert!(reader.is_indexed(1, 0));
}

#[test]
fn every_ticket_of_many_is_found() {
    // A ticket an event: thousands of hashes in a file, over many blocks.
    let (disk, last) = log_with(3, |n| {
        let mut e = event(n);
        if let Body::Ticket(ticket) = &mut e.body {
            ticket.id = compact_str::format_compact!("lone-{n}");
            ticket.prev = 0;
        }
        e
    });
    assert_eq!(index(&disk), 2);
    let log = opened(&disk).unwrap();
    let reader = log.reader();
    for n in (1..=last).step_by(7).chain([1, last]) {
        assert_eq!(reader.newest_of(&format!("lone-{n}")).unwrap(), Some(n));
        assert_eq!(reader.newest_of(&format!("lone-{}", n + last)).unwrap(), None);
    }
}

#[test]
fn a_file_that_is_not_what_was_written_is_not_believed() {
    let (disk, last) = log_with(3, with_lives);
    let memory = answers(&opened(&disk).unwrap().reader(), last, &TICKETS[..2]);
    assert_eq!(index(&disk), 2);
    let name = "index-0000000000000001.slad";
    let whole = disk.contents()[name].clone();
    let other = disk.contents()["index-0000000000000002.slad"].clone();
    assert!(whole.len() > 3 * 4096 && whole.len().is_multiple_of(4096));
    let mut made_again = 0;
    let mut check = |what: &str, bytes: Option<Vec<u8>>| {
        let copy = disk.fork();
        match bytes {
            Some(bytes) => copy.put(name, bytes),
            None => copy.remove(name).unwrap(),
        }
        let (log, reader, mut keeper) = keeper(&copy);
        assert!(answers(&reader, last, &TICKETS[..2]) == memory, "{what}");
        let made = std::iter::from_fn(|| keeper.write_index().unwrap()).count();
        assert!(made == 0 || copy.contents()[name] == whole, "{what}");
        made_again += made;
        drop(log);
        made
    };
    assert_eq!(check("missing", None), 1);
    assert_eq!(check("empty", Some(Vec::new())), 1);
    assert_eq!(check("another segment's", Some(other)), 1);
    for length in [100, 4095, 4096, 8192, whole.len() - 4096, whole.len() - 1] {
        assert_eq!(check("cut", Some(whole[..length].to_vec())), 1, "at {length}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(check("longer", Some(longer)), 1);
    for at in (0..120).step_by(3).chain((4096..whole.len()).step_by(4001)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let made = check("a bit", Some(bytes));
        assert!(made == 1 || at >= 4096, "byte {at} of the header");
    }
    // One of another log: the same bytes under another identity.
    let foreign = SimDisk::new();
    let config = Config { log_id: 99, ..SMALL };
    let mut writer = open(Arc::new(foreign.clone()), config)
        .unwrap()
        .into_writer()
        .unwrap();
    while writer.published().segment_count() < 3 {
        let mut batch = Batch::new();
        for seq in writer.next_seq()..writer.next_seq() + 50 {
            batch.push(seq, &[with_lives(seq)]).unwrap();
        }
        writer.append(&mut batch).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(index(&foreign), 2);
    assert_eq!(check("another log's", Some(foreign.contents()[name].clone())), 1);
    assert!(made_again > 30, "{made_again}");
}

#[test]
fn a_damaged_segment_is_told_and_the_others_are_indexed() {
    let (disk, last) = log_with(4, with_lives);
    let name = "log-0000000000000003.slad";
    let mut bytes = disk.contents()[name].clone();
    bytes[500_000] ^= 4;
    disk.put(name, bytes);
    let (_log, reader, mut keeper) = keeper(&disk);
    let told = keeper.write_index().unwrap_err().to_string();
    assert!(told.contains(name), "{told}");
    assert_eq!(std::iter::from_fn(|| keeper.write_index().unwrap()).count(), 2);
    assert!(!disk.contents().contains_key("index-0000000000000003.slad"));
    assert!(reader.event(1).unwrap().is_some() && reader.event(last).unwrap().is_some());
    assert!(
        reader.newest_of("none-such").is_err(),
        "what cannot be read is never passed over"
    );
}

#[test]
fn an_index_without_its_segment_goes_at_the_start() {
    let (disk, _) = log_with(2, with_lives);
    assert_eq!(index(&disk), 1);
    let bytes = disk.contents()["index-0000000000000001.slad"].clone();
    disk.put("index-0000000000000009.slad", bytes.clone());
    disk.put("index-0000000000000004.tmp", bytes);
    drop(opened(&disk).unwrap());
    let names: Vec<String> = disk
        .contents()
        .into_keys()
        .filter(|n| n.starts_with("index"))
        .collect();
    assert_eq!(names, ["index-0000000000000001.slad"]);
}
