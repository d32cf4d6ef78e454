//! Stream entries read back in both protocols.

use crate::resp::{Value, bulk, read, t};
use slad::model::Text;
use slad::model::command::{EntryId, FeedKey};
use slad::model::event::*;
use slad::wire::{Protocol, feed};

fn breached(pairs: usize) -> Event {
    let details = Details {
        attributes: (0..pairs).map(|i| (t(&format!("n{i}")), t("v"))).collect(),
        ..Details::default()
    };
    Event {
        at: 5,
        logged_at: 5,
        cause: 0,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: t("t1"),
            queue: t("q"),
            agent: Text::default(),
            prev: 0,
            fact: TicketFact::Changed(Box::new(Changed {
                priority: None,
                skills: None,
                details: Some(Box::new(details)),
                fields: vec![],
            })),
            clocks: None,
            origin: None,
        }),
    }
}

fn entry_value(id: EntryId, event: &Event) -> Value {
    let mut named: Vec<(String, String)> = Vec::new();
    slad::model::fields::visit(event, id.part, &mut named);
    Value::Array(vec![
        bulk(&format!("{}-{}", id.seq, id.part)),
        Value::Array(named.iter().flat_map(|(k, v)| [bulk(k), bulk(v)]).collect()),
    ])
}

#[test]
fn entries_of_every_size_read_back() {
    for attributes in [0, 1, 5, 44, 45, 46, 64, 600] {
        let event = breached(attributes);
        for id in [
            EntryId { seq: 7, part: 0 },
            EntryId { seq: 7, part: 1 },
            EntryId {
                seq: u64::MAX,
                part: 0,
            },
        ] {
            let mut out = b"xyz".to_vec();
            feed::entry(&mut out, id, &event);
            let (value, rest) = read(&out[3..]);
            assert_eq!((value, rest), (entry_value(id, &event), &b""[..]), "{attributes}");
        }
    }
}

#[test]
fn lists_of_entries_and_xread_read_back_in_both_protocols() {
    let event = breached(3);
    let id = |seq| EntryId { seq, part: 0 };
    for count in [0usize, 1, 9, 10, 150] {
        let mut out = Vec::new();
        let mut list = feed::Entries::begin(&mut out);
        for seq in 0..count as u64 {
            list.push(&mut out, id(seq), &event);
        }
        assert_eq!(list.count(), count);
        list.finish(&mut out);
        let all: Vec<Value> = (0..count as u64)
            .map(|seq| entry_value(id(seq), &event))
            .collect();
        assert_eq!(read(&out), (Value::Array(all.clone()), &b""[..]));

        for protocol in [Protocol::V2, Protocol::V3] {
            let v3 = protocol == Protocol::V3;
            let mut out = Vec::new();
            let mut streams = feed::Streams::begin(&mut out, protocol);
            streams.key(&mut out, &FeedKey::All);
            streams.key(&mut out, &FeedKey::Queue(t("q")));
            for seq in 0..count as u64 {
                streams.push(&mut out, id(seq), &event);
            }
            streams.key(&mut out, &FeedKey::Sla);
            assert_eq!(streams.finish(&mut out), count > 0);
            let expected = match (count, v3) {
                (0, true) => Value::Null,
                (0, false) => Value::NullArray,
                (_, true) => Value::Map(vec![(bulk("events:queue:q"), Value::Array(all.clone()))]),
                (_, false) => Value::Array(vec![Value::Array(vec![
                    bulk("events:queue:q"),
                    Value::Array(all.clone()),
                ])]),
            };
            assert_eq!(read(&out), (expected, &b""[..]));
        }
    }
}
