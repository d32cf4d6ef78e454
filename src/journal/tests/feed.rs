use super::*;
use crate::journal::{Reader, Wanted};
use crate::model::command::{EntryId, FeedKey};
use crate::model::fields;

/// Like `event`, with agents, queues and the daemon's own facts in between.
fn mixed(n: Seq) -> Event {
    let body = match n % 23 {
        3 => Body::Agent(Box::new(AgentEvent {
            id: compact_str::format_compact!("a{}", n % 4),
            fact: AgentFact::Presence {
                presence: Presence::Ready,
                reason: Text::default(),
            },
            origin: None,
        })),
        7 => Body::QueueChanged(Box::new(QueueChanged {
            queue: Text::new("queue-1"),
            origin: None,
        })),
        11 => Body::SnapshotTaken(SnapshotTaken {
            seq: n - 1,
            state_hash: n,
            bytes: 1,
            records: 1,
        }),
        _ => return event(n),
    };
    Event { body, ..event(n) }
}

fn log(n: Seq) -> (Writer, Reader) {
    let mut writer = writer(&SimDisk::new());
    append(&mut writer, n);
    let reader = Reader::new(writer.published());
    (writer, reader)
}

fn append(writer: &mut Writer, upto: Seq) {
    let mut batch = Batch::new();
    for seq in writer.next_seq()..=upto {
        batch.push(seq, &[mixed(seq)]).unwrap();
    }
    writer.append(&mut batch).unwrap();
}

/// The definition: every entry of every event, filtered.
fn naive(key: &FeedKey, n: Seq, wanted: Wanted) -> Vec<(Seq, u64)> {
    let mut ids: Vec<(Seq, u64)> = (1..=n.min(wanted.upto_seq))
        .flat_map(|seq| {
            let event = mixed(seq);
            (0..fields::entries(&event))
                .filter(move |part| fields::belongs(&event, *part, key))
                .map(move |part| (seq, part))
        })
        .filter(|(seq, part)| {
            let id = EntryId {
                seq: *seq,
                part: *part,
            };
            id >= wanted.from && id <= wanted.to
        })
        .collect();
    if wanted.reverse {
        ids.reverse();
    }
    ids.truncate(wanted.count);
    ids
}

fn keys() -> Vec<FeedKey> {
    let mut keys = vec![FeedKey::All, FeedKey::Sla, FeedKey::Breaches, FeedKey::Routing];
    for queue in ["queue-0", "queue-1", "billing", "none-such"] {
        keys.push(FeedKey::Queue(Text::new(queue)));
    }
    for agent in ["a0", "a3", "agent-of-an-earlier-shift-1", "nobody"] {
        keys.push(FeedKey::Agent(Text::new(agent)));
    }
    keys
}

#[test]
fn every_key_gives_what_filtering_everything_gives() {
    let n = 9_000;
    let (_writer, reader) = log(n);
    assert!(reader.segments().len() > 1, "the test must cross segments");
    let id = |seq, part| EntryId { seq, part };
    let spans = [
        (EntryId::MIN, EntryId::MAX, n),
        (id(8_000, 1), id(8_990, 1), n),
        (id(100, 2), id(7_000, 0), 6_500),
        (id(6_000, 0), EntryId::MAX, 5_000),
        (id(n + 1, 0), EntryId::MAX, n),
        (id(500, 0), id(400, 0), n),
    ];
    for key in keys()
        .into_iter()
        .chain([FeedKey::Ticket(event(5).body_ticket())])
    {
        for (from, to, upto_seq) in spans {
            for count in [0, 1, 7, 300, usize::MAX] {
                for reverse in [false, true] {
                    // The slow ones once each are enough.
                    if matches!(key, FeedKey::All | FeedKey::Ticket(_))
                        && count == usize::MAX
                        && from == EntryId::MIN
                    {
                        continue;
                    }
                    let wanted = Wanted {
                        from,
                        to,
                        count,
                        reverse,
                        upto_seq,
                    };
                    let found = reader.entries(&key, wanted).unwrap();
                    let ids: Vec<(Seq, u64)> = found.iter().map(|(seq, part, _)| (*seq, *part)).collect();
                    assert_eq!(ids, naive(&key, n, wanted), "{key:?} {wanted:?}");
                    assert!(found.iter().all(|(seq, _, e)| **e == mixed(*seq)));
                }
            }
        }
    }
}

trait TicketOf {
    fn body_ticket(&self) -> Text;
}

impl TicketOf for Event {
    fn body_ticket(&self) -> Text {
        match &self.body {
            Body::Ticket(t) => t.id.clone(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_cursor_that_follows_the_log_sees_each_entry_once() {
    let (mut writer, reader) = log(1);
    for key in keys() {
        let start = writer.next_seq();
        let mut cursor = EntryId {
            seq: start - 1,
            part: u64::MAX,
        };
        let mut seen = Vec::new();
        for _ in 0..20 {
            let upto = writer.next_seq() + 12;
            append(&mut writer, upto);
            let wanted = Wanted {
                from: Wanted::after(cursor),
                to: EntryId::MAX,
                count: 5,
                reverse: false,
                upto_seq: upto,
            };
            for (seq, part, _) in reader.entries(&key, wanted).unwrap() {
                cursor = EntryId { seq, part };
                seen.push((seq, part));
            }
        }
        let last = writer.next_seq() - 1;
        let all = naive(
            &key,
            last,
            Wanted {
                from: EntryId { seq: start, part: 0 },
                to: EntryId::MAX,
                count: seen.len(),
                reverse: false,
                upto_seq: last,
            },
        );
        assert_eq!(seen, all, "{key:?}");
        assert!(
            !seen.is_empty() || matches!(&key, FeedKey::Queue(q) | FeedKey::Agent(q) if q.starts_with('n'))
        );
    }
}

#[test]
fn a_ticket_chain_follows_its_links_and_nothing_else() {
    let disk = log_of(5_000);
    let reader = opened(&disk).unwrap().reader();
    // Ticket 42 has the events 42, 42 + 97, …; `event` links them.
    let chain: Vec<Seq> = (0..)
        .map(|n| 42 + n * 97)
        .take_while(|seq| *seq <= 5_000)
        .collect();
    let last = *chain.last().unwrap();
    let wanted = |from, to, count, reverse, upto_seq| Wanted {
        from: EntryId { seq: from, part: 0 },
        to: EntryId { seq: to, part: 0 },
        count,
        reverse,
        upto_seq,
    };
    let seqs = |w| -> Vec<Seq> {
        reader
            .ticket("ticket-with-a-rather-long-id-42", Some(last), w)
            .unwrap()
            .iter()
            .map(|e| e.0)
            .collect()
    };
    assert_eq!(seqs(wanted(0, Seq::MAX, usize::MAX, false, 5_000)), chain);
    assert_eq!(seqs(wanted(0, Seq::MAX, 3, false, 5_000)), chain[..3]);
    let reversed: Vec<Seq> = chain.iter().rev().copied().collect();
    assert_eq!(seqs(wanted(0, Seq::MAX, 3, true, 5_000)), reversed[..3]);
    assert_eq!(seqs(wanted(chain[5], chain[9], 100, false, 5_000)), chain[5..=9]);
    assert_eq!(seqs(wanted(0, Seq::MAX, 100, false, chain[2])), chain[..=2]);
    assert!(seqs(wanted(0, Seq::MAX, 0, false, 5_000)).is_empty());
    let none = reader
        .ticket("none-such", None, wanted(0, Seq::MAX, 9, false, 5_000))
        .unwrap();
    assert!(none.is_empty());
}
