//! Reads: they look and change nothing. What may be long runs in slices between commands.

mod agents;
mod count;
mod explain;
mod policies;
mod queues;
mod scan;
mod ticket;

pub use count::{Figures, QueueFigures};
pub(super) use count::{figures, oldest_waiting};
pub use scan::Scan;

use super::Outcome;
use super::state::State;
use crate::model::UnixMs;
use crate::model::command::Read;
use crate::model::reply::Reply;
use crate::model::versions::PolicyRead;

/// Answers a read, or says how to go about it.
pub(super) fn read(state: &mut State, now: UnixMs, read: &Read) -> Outcome {
    let reply = match read {
        Read::TicketGet { ids } => match ids.as_slice() {
            [id] => ticket::get(state, now, id).unwrap_or_else(Reply::Refused),
            ids => Reply::List(
                ids.iter()
                    .map(|id| ticket::get(state, now, id).unwrap_or(Reply::Null))
                    .collect(),
            ),
        },
        Read::TicketList(_) | Read::TicketCount { .. } | Read::QueuePeek { .. } | Read::QueueStats { .. } => {
            return match Scan::new(state, read) {
                Ok(scan) => Outcome::Scan(Box::new(scan)),
                Err(refusal) => Outcome::Done(Reply::Refused(refusal)),
            };
        }
        Read::TicketExplain { id } => explain::explain(state, now, id).unwrap_or_else(Reply::Refused),
        Read::AgentGet { id } => agents::get(state, id),
        Read::AgentList { queue, presence } => agents::list(state, queue.as_ref(), *presence),
        Read::QueueList => queues::list(state),
        Read::Policy(read) => match read {
            PolicyRead::List => policies::list(state),
            PolicyRead::Get { name, version } => policies::get(state, name, *version),
            PolicyRead::Preview(preview) => policies::preview(state, now, preview),
            PolicyRead::DryRun(migration) => {
                return match state.check_migration(migration) {
                    Ok(()) => Outcome::Scan(Box::new(Scan::dry_run(migration))),
                    Err(refusal) => Outcome::Done(Reply::Refused(refusal)),
                };
            }
        },
    };
    Outcome::Done(reply)
}
