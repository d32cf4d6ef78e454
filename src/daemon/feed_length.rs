//! How long a feed is, and where it begins and ends: XLEN and XINFO STREAM.
//!
//! Always on a thread of its own: postings may have to be built first, and for `events:sla` and a ticket's key every
//! entry is visited.

use super::connection::Connection;
use super::feed::{CHUNK, Span, damaged, elsewhere};
use super::feed_sight::Sight;
use crate::journal::{JournalError, Reader, Wanted};
use crate::model::command::{EntryId, FeedKey};
use crate::model::reply::Reply;
use crate::model::{Seq, Text, fields};
use std::sync::Arc;

impl Connection {
    /// XLEN, or XINFO STREAM.
    pub(super) async fn length(&mut self, key: FeedKey, whole: bool) -> bool {
        let Some(Sight { upto_seq, heads }) = self.sight(std::iter::once(&key)).await else {
            return false;
        };
        let reader = self.core.borrow().reader();
        let Some(reader) = reader else {
            return true;
        };
        let span = Span {
            key,
            from: EntryId::MIN,
            to: EntryId::MAX,
            chain: heads.into_iter().next().flatten(),
        };
        let reply = elsewhere(move || {
            let length = length(&reader, &span, upto_seq)?;
            if whole {
                info(&reader, &span, length, upto_seq)
            } else {
                Ok(Reply::Int(length))
            }
        })
        .await
        .unwrap_or_else(|e| damaged(&e));
        self.say_now(&reply);
        true
    }
}

fn wanted(count: usize, reverse: bool, upto_seq: Seq) -> Wanted {
    Wanted {
        from: EntryId::MIN,
        to: EntryId::MAX,
        count,
        reverse,
        upto_seq,
    }
}

/// Entries under a key. Cost: a look at each segment for `events`, a search in each segment for what is posted one by one, else a visit to each
/// of them.
fn length(reader: &Arc<Reader>, span: &Span, upto_seq: Seq) -> Result<i64, JournalError> {
    if let Some(count) = reader.count(&span.key, upto_seq)? {
        return Ok(fields::seq(count));
    }
    let mut length = 0;
    let mut from = EntryId::MIN;
    if span.chain.is_some() {
        return Ok(span.read(reader, wanted(usize::MAX, false, upto_seq))?.len() as i64);
    }
    loop {
        let found = span.read(
            reader,
            Wanted {
                from,
                ..wanted(CHUNK, false, upto_seq)
            },
        )?;
        length += found.len() as i64;
        match found.last() {
            Some(&(seq, part, _)) if found.len() == CHUNK => from = Wanted::after(EntryId { seq, part }),
            _ => return Ok(length),
        }
    }
}

fn info(reader: &Arc<Reader>, span: &Span, length: i64, upto_seq: Seq) -> Result<Reply, JournalError> {
    let end = |reverse| -> Result<(Reply, Reply), JournalError> {
        let found = span.read(reader, wanted(1, reverse, upto_seq))?;
        let Some((seq, part, event)) = found.first() else {
            let none = Reply::Bulk(Text::const_new("0-0"));
            return Ok((none, Reply::Null));
        };
        let id = Reply::Bulk(compact_str::format_compact!("{seq}-{part}"));
        let mut pairs: Vec<(String, String)> = Vec::new();
        fields::visit(event, *part, &mut pairs);
        let pairs = pairs
            .into_iter()
            .flat_map(|(name, value)| [Reply::Bulk(name.into()), Reply::Bulk(value.into())]);
        Ok((id.clone(), Reply::List(vec![id, Reply::List(pairs.collect())])))
    };
    let (first_id, first) = end(false)?;
    let (last_id, last) = end(true)?;
    Ok(Reply::Map(vec![
        ("length", Reply::Int(length)),
        ("radix-tree-keys", Reply::Int(1)),
        ("radix-tree-nodes", Reply::Int(2)),
        ("last-generated-id", last_id),
        ("max-deleted-entry-id", Reply::Bulk(Text::const_new("0-0"))),
        ("entries-added", Reply::Int(length)),
        ("recorded-first-entry-id", first_id),
        ("groups", Reply::Int(0)),
        ("first-entry", first),
        ("last-entry", last),
    ]))
}
