//! Events → stream entries: `[ "<seq>-<part>", [field, value, …] ]`, every value a bulk string, as Redis has them.
//!
//! Entries are appended straight from the event; the count, which is known only at the end, is put into a gap left
//! for it. A gap of the wrong width costs one move of what follows, so the guess is what nearly always fits.

use super::encode::{self, Protocol};
use super::value;
use crate::model::command::{EntryId, FeedKey};
use crate::model::event::Event;
use crate::model::fields::{self, Sink};

/// A list's head whose length is not known yet.
#[derive(Debug)]
struct Head {
    at: usize,
    digits: usize,
}

impl Head {
    fn open(out: &mut Vec<u8>, digits: usize) -> Head {
        let at = out.len();
        out.resize(at + digits + 3, 0);
        Head { at, digits }
    }

    fn close(self, out: &mut Vec<u8>, kind: u8, len: usize) {
        let mut number = itoa::Buffer::new();
        let number = number.format(len).as_bytes();
        let end = self.at + self.digits + 3;
        if number.len() != self.digits {
            let spare = [0u8; 24];
            let wanted = &spare[..(number.len() + 3).min(spare.len())];
            out.splice(self.at..end, wanted.iter().copied());
        }
        let Some(room) = out.get_mut(self.at..self.at + number.len() + 3) else {
            return;
        };
        if let [first, middle @ .., cr, lf] = room {
            *first = kind;
            middle.copy_from_slice(number);
            (*cr, *lf) = (b'\r', b'\n');
        }
    }
}

struct Pairs<'a> {
    out: &'a mut Vec<u8>,
    items: usize,
}

impl Sink for Pairs<'_> {
    fn text(&mut self, name: &str, value: &str) {
        encode::bulk(self.out, name.as_bytes());
        encode::bulk(self.out, value.as_bytes());
        self.items += 2;
    }

    fn int(&mut self, name: &str, value: i64) {
        encode::bulk(self.out, name.as_bytes());
        encode::bulk_int(self.out, value);
        self.items += 2;
    }
}

/// Appends one entry: part `id.part` of the event.
pub fn entry(out: &mut Vec<u8>, id: EntryId, event: &Event) {
    encode::array(out, 2);
    let (mut seq, mut part) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (seq, part) = (seq.format(id.seq), part.format(id.part));
    let mut text = [0u8; 41];
    let len = seq.len() + 1 + part.len();
    text[..seq.len()].copy_from_slice(seq.as_bytes());
    text[seq.len()] = b'-';
    text[seq.len() + 1..len].copy_from_slice(part.as_bytes());
    encode::bulk(out, &text[..len]);
    // 5–49 pairs: two digits.
    let head = Head::open(out, 2);
    let mut pairs = Pairs { out, items: 0 };
    fields::visit(event, id.part, &mut pairs);
    let items = pairs.items;
    head.close(out, b'*', items);
}

/// A list of entries of unknown length: what XRANGE and TICKET.HISTORY answer.
#[derive(Debug)]
pub struct Entries {
    head: Head,
    count: usize,
}

impl Entries {
    /// Begins the list.
    pub fn begin(out: &mut Vec<u8>) -> Entries {
        Entries {
            head: Head::open(out, 1),
            count: 0,
        }
    }

    /// Appends an entry.
    pub fn push(&mut self, out: &mut Vec<u8>, id: EntryId, event: &Event) {
        entry(out, id, event);
        self.count += 1;
    }

    /// Entries so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Ends the list.
    pub fn finish(self, out: &mut Vec<u8>) {
        self.head.close(out, b'*', self.count);
    }
}

/// What XREAD answers: in RESP2 a list of `[key, entries]`, in RESP3 a map from key to entries. Keys without entries
/// do not appear; without any the reply is null.
#[derive(Debug)]
pub struct Streams {
    start: usize,
    head: Head,
    keys: usize,
    protocol: Protocol,
    /// Where the present key begins, and its entries.
    open: Option<(usize, Entries)>,
}

impl Streams {
    /// Begins the reply.
    pub fn begin(out: &mut Vec<u8>, protocol: Protocol) -> Streams {
        Streams {
            start: out.len(),
            head: Head::open(out, 1),
            keys: 0,
            protocol,
            open: None,
        }
    }

    /// Begins the next key.
    pub fn key(&mut self, out: &mut Vec<u8>, key: &FeedKey) {
        self.end_key(out);
        let start = out.len();
        if self.protocol == Protocol::V2 {
            encode::array(out, 2);
        }
        let (fixed, name) = value::feed_key_parts(key);
        encode::bulk_joined(out, fixed, name);
        self.open = Some((start, Entries::begin(out)));
    }

    /// Appends an entry to the present key.
    pub fn push(&mut self, out: &mut Vec<u8>, id: EntryId, event: &Event) {
        if let Some((_, entries)) = &mut self.open {
            entries.push(out, id, event);
        }
    }

    /// Ends the reply; tells whether it holds any entry.
    pub fn finish(mut self, out: &mut Vec<u8>) -> bool {
        self.end_key(out);
        if self.keys == 0 {
            out.truncate(self.start);
            encode::null_array(out, self.protocol);
            return false;
        }
        let kind = match self.protocol {
            Protocol::V2 => b'*',
            Protocol::V3 => b'%',
        };
        self.head.close(out, kind, self.keys);
        true
    }

    fn end_key(&mut self, out: &mut Vec<u8>) {
        if let Some((start, entries)) = self.open.take() {
            if entries.count == 0 {
                out.truncate(start);
            } else {
                entries.finish(out);
                self.keys += 1;
            }
        }
    }
}
