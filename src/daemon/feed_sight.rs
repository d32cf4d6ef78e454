//! What a read of the feed may see: all that its own connection did before, and nothing that is not released.
//!
//! A pipeline that opens a ticket and reads its history in one write finds the opening there; the read waits for the
//! log, at most as long as the reply before it. Cost otherwise: nothing but a look.

use super::connection::{Connection, Woken};
use super::core::Core;
use crate::model::Seq;
use crate::model::command::FeedKey;

/// How far a read goes.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    /// Nothing above may be seen.
    pub(super) upto_seq: Seq,
    /// The newest event of each key that is a ticket's; it is released.
    pub(super) heads: Vec<Option<Seq>>,
}

fn head(core: &mut Core, key: &FeedKey) -> Option<Seq> {
    match key {
        FeedKey::Ticket(id) => core.running().and_then(|r| r.engine.last_event_of(id)),
        _ => None,
    }
}

impl Connection {
    /// Waits until what a read of `keys` has to show is released. `None`: the client is gone.
    pub(super) async fn sight<'k>(&mut self, keys: impl Iterator<Item = &'k FeedKey>) -> Option<Sight> {
        let (seq, awaited, heads) = {
            let mut core = self.core.borrow_mut();
            let heads: Vec<_> = keys.map(|key| head(&mut core, key)).collect();
            let seq = core.seq();
            let own = if self.peer.waiting() > 0 { seq } else { 0 };
            // A ticket's events are linked backwards: before the newest is written there is no way to the others.
            let awaited = heads.iter().flatten().copied().fold(own, Seq::max);
            (seq, awaited, heads)
        };
        loop {
            {
                let mut core = self.core.borrow_mut();
                if core.released() >= awaited {
                    // What came after the heads were taken cannot be reached from them.
                    let upto_seq = core.released().min(seq);
                    return Some(Sight { upto_seq, heads });
                }
                core.hold_up(&self.peer);
            }
            if self.peer_until(None).await == Woken::Gone {
                return None;
            }
        }
    }
}
