//! The feed: XREAD, XRANGE, XREVRANGE, XLEN, XINFO STREAM, TICKET.HISTORY, read from the log itself.
//!
//! Nobody sees an event before a reply that tells of it could be seen. What lies close to the end is read here and now;
//! what may have to come from the disk, or needs an index that has to grow first, is read on another thread, so that
//! neither ever holds up the core. A reply is bounded in entries and in bytes; a reader goes on from the last id that it
//! got.

use super::connection::{Connection, Woken, deadline};
use super::core::Phase;
use super::feed_plan::{Plan, Span, plan};
use crate::journal::{JournalError, Reader, Wanted};
use crate::model::command::{After, EntryId, Feed, FeedKey};
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, Seq, Text};

/// `GAP` for a cursor that is older than what is retained; 0 means the first retained.
fn gap(first_seq: Seq, cursor: Seq) -> Option<Reply> {
    (cursor > 0 && cursor.saturating_add(1) < first_seq).then(|| gap_before(first_seq))
}

fn gap_before(first_seq: Seq) -> Reply {
    Refusal::new(Code::Gap, format!("{first_seq}-0")).into()
}

impl Connection {
    /// One read of the feed. `false`: the client is gone.
    pub(super) async fn feed(&mut self, feed: Feed) -> bool {
        match feed {
            Feed::Read {
                count,
                block_ms,
                keys,
            } => self.xread(count, block_ms, keys).await,
            Feed::Range {
                key,
                from,
                to,
                count,
                reverse,
            } => {
                let Some(sight) = self.sight(std::iter::once(&key)).await else {
                    return false;
                };
                let Some(reader) = self.pinned() else {
                    self.say_nothing();
                    return true;
                };
                // XRANGE's start is the first id wanted, not the last one seen.
                if !reverse && (1..reader.first_seq()).contains(&from.seq) {
                    self.say_now(&gap_before(reader.first_seq()));
                    return true;
                }
                let plan = {
                    let core = self.core.borrow();
                    let span = Span {
                        key,
                        from,
                        to,
                        chain: sight.heads.first().copied().flatten(),
                    };
                    let protocol = self.peer.protocol.get();
                    Plan {
                        reverse,
                        ..plan(&core, reader, vec![span], sight.upto_seq, count, protocol)
                    }
                };
                self.found(plan).await
            }
            Feed::History(ticket) => self.history(ticket).await,
            Feed::Len(key) => self.length(key, false).await,
            Feed::Info(key) => self.length(key, true).await,
        }
    }

    async fn history(&mut self, ticket: Text) -> bool {
        let key = FeedKey::Ticket(ticket.clone());
        let Some(sight) = self.sight(std::iter::once(&key)).await else {
            return false;
        };
        let Some(reader) = self.pinned() else {
            self.say_nothing();
            return true;
        };
        let (reader, newest) = match sight.heads.first().copied().flatten() {
            Some(newest) => (reader, Some(newest)),
            // Neither live nor remembered: only the log may know it.
            None => {
                let id = ticket.clone();
                let searched = elsewhere(move || Ok((reader.newest_of(&id)?, reader))).await;
                match searched {
                    Ok((newest, reader)) => (reader, newest),
                    Err(e) => {
                        self.say_now(&damaged(&e));
                        return true;
                    }
                }
            }
        };
        if newest.is_none() {
            self.say_now(&Refusal::not_found(format!("ticket '{ticket}' is not known")).into());
            return true;
        }
        let span = Span {
            key,
            from: EntryId::MIN,
            to: EntryId::MAX,
            chain: newest,
        };
        let protocol = self.peer.protocol.get();
        let plan = plan(
            &self.core.borrow(),
            reader,
            vec![span],
            sight.upto_seq,
            None,
            protocol,
        );
        self.found(plan).await
    }

    /// A reader of the log as it is now, for one reply; `None` while it is being opened.
    fn pinned(&self) -> Option<Reader> {
        self.core.borrow().reader().map(|reader| reader.pinned())
    }

    async fn xread(
        &mut self,
        count: Option<u32>,
        block_ms: Option<u64>,
        keys: Vec<(FeedKey, After)>,
    ) -> bool {
        let deadline = deadline(block_ms);
        let Some(sight) = self.sight(keys.iter().map(|(key, _)| key)).await else {
            return false;
        };
        let newest = EntryId {
            seq: sight.upto_seq,
            part: u64::MAX,
        };
        let cursors: Vec<(FeedKey, EntryId)> = keys
            .into_iter()
            .map(|(key, after)| match after {
                After::Id(id) => (key, id),
                After::Newest => (key, newest),
            })
            .collect();
        let mut is_blocked = false;
        let stays = loop {
            let Some(sight) = self.sight(cursors.iter().map(|(key, _)| key)).await else {
                break false;
            };
            let Some(reader) = self.pinned() else {
                self.say_nothing();
                break true;
            };
            if let Some(reply) = cursors.iter().find_map(|(_, id)| gap(reader.first_seq(), id.seq)) {
                self.say_now(&reply);
                break true;
            }
            let plan = {
                let core = self.core.borrow();
                let spans = cursors
                    .iter()
                    .zip(sight.heads)
                    .map(|((key, id), chain)| Span {
                        key: key.clone(),
                        from: Wanted::after(*id),
                        to: EntryId::MAX,
                        chain,
                    })
                    .collect();
                Plan {
                    by_key: true,
                    ..plan(
                        &core,
                        reader,
                        spans,
                        sight.upto_seq,
                        count,
                        self.peer.protocol.get(),
                    )
                }
            };
            let upto_seq = plan.upto_seq;
            match self.read(plan).await {
                Ok(Some(bytes)) => {
                    self.say_bytes(&bytes);
                    break true;
                }
                Ok(None) if block_ms.is_none() => {
                    self.say_nothing();
                    break true;
                }
                Ok(None) => {}
                Err(e) => {
                    self.say_now(&damaged(&e));
                    break true;
                }
            }
            if !is_blocked {
                is_blocked = true;
                self.blocked(true);
            }
            let woken = self.await_events(&cursors, upto_seq, deadline).await;
            self.waited();
            match woken {
                Woken::Gone => break false,
                Woken::Timeout => {
                    self.say_nothing();
                    break true;
                }
                Woken::Signal | Woken::Input => {
                    if self.core.borrow().phase == Phase::Stopping {
                        self.say_nothing();
                        break true;
                    }
                }
            }
        };
        if is_blocked {
            self.blocked(false);
        }
        stays
    }

    /// Waits until something under one of the keys may be seen that was not there at `upto_seq`.
    async fn await_events(
        &mut self,
        cursors: &[(FeedKey, EntryId)],
        upto_seq: Seq,
        deadline: Option<tokio::time::Instant>,
    ) -> Woken {
        let wait = {
            let mut core = self.core.borrow_mut();
            if core.released() > upto_seq {
                return Woken::Signal;
            }
            let (newest, released) = (core.seq(), core.released());
            let keys = cursors.iter().map(|(key, _)| key.clone()).collect();
            core.feed.wait(self.peer.clone(), keys, newest, released)
        };
        // Input that comes meanwhile stays where it is; only a close or a signal ends the wait.
        let woken = loop {
            match self.until(deadline).await {
                Woken::Input => {}
                woken => break woken,
            }
        };
        self.core.borrow_mut().feed.cancel(wait);
        woken
    }

    async fn found(&mut self, plan: Plan) -> bool {
        match self.read(plan).await {
            Ok(Some(bytes)) => self.say_bytes(&bytes),
            Ok(None) => self.say_nothing(),
            Err(e) => self.say_now(&damaged(&e)),
        }
        true
    }

    async fn read(&mut self, plan: Plan) -> Result<Option<Vec<u8>>, JournalError> {
        if !plan.is_far() {
            return plan.run();
        }
        elsewhere(move || plan.run()).await
    }

    fn say_bytes(&mut self, bytes: &[u8]) {
        let mut core = self.core.borrow_mut();
        let released = core.released();
        self.peer
            .encoded(released, released, |out, _| out.extend_from_slice(bytes));
        core.settle_peer(&self.peer);
        drop(core);
        self.count_answered(&Reply::Null);
    }

    fn say_nothing(&mut self) {
        let mut core = self.core.borrow_mut();
        let released = core.released();
        self.peer
            .encoded(released, released, crate::wire::encode::null_array);
        core.settle_peer(&self.peer);
        drop(core);
        self.count_answered(&Reply::Null);
    }
}

/// Runs a read on a thread where it may wait for the disk.
pub(super) async fn elsewhere<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|e| Err(JournalError::Misuse(format!("a reading thread died: {e}"))))
}

pub(super) fn damaged(e: &JournalError) -> Reply {
    tracing::error!("the feed could not be read: {e}");
    Refusal::new(Code::Err, format!("the log could not be read: {e}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_cursor_is_a_gap_and_zero_is_the_beginning() {
        assert!(gap(100, 0).is_none());
        assert!(gap(100, 99).is_none(), "99 was seen, 100 comes next");
        assert!(gap(100, 98).is_some());
        assert!(
            gap(100, Seq::MAX).is_none(),
            "nothing comes after it, and nothing is missing"
        );
    }
}
