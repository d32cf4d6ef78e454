//! The commands about queues.

use super::field::OF_AGENTS;
use super::{Flags, Param, Row, param};
use crate::model::Refusal;
use crate::model::command::{Command, QUEUE_NONE, Read, Request};
use crate::wire::parse::Call;
use crate::wire::value;

/// Tickets that QUEUE.PEEK shows unless said otherwise.
const PEEK_DEFAULT: u32 = 10;

const QUEUE: Param = param("queue");

const fn read(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        syntax: "queue",
        arity_min: 2,
        arity_max: 2,
        group: "queue",
        flags: Flags::READONLY,
        keys: (1, 1, 1),
        params: &[QUEUE],
        ..Row::new(name, read)
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        syntax: "queue open [field value]…",
        arity_min: 3,
        arity_max: 0,
        summary: "Declares a queue",
        reply: "the seq of its event",
        flags: Flags::WRITE.and(Flags::FAST),
        params: &[
            QUEUE,
            Param {
                kind: "pure-token",
                ..param("open")
            },
        ],
        fields: &[OF_AGENTS],
        ..read("QUEUE.SET", set)
    },
    Row {
        syntax: "",
        arity_min: 1,
        arity_max: 1,
        summary: "The known queues",
        reply: "a list of names",
        complexity: "O(n) in the queues",
        keys: (0, 0, 0),
        params: &[],
        ..read("QUEUE.LIST", |_| {
            Ok(Request::Engine(Command::Read(Read::QueueList)))
        })
    },
    Row {
        summary: "How a queue does",
        reply: "a map: `queue waiting paused assigned resolved breached oldest_waiting_ms next_due agents waiting_agents`",
        complexity: "O(n) in the queue's requirements",
        ..read("QUEUE.STATS", |call| {
            let queue = call.id(1, "queue")?;
            Ok(Request::Engine(Command::Read(Read::QueueStats { queue })))
        })
    },
    Row {
        syntax: "queue [n]",
        arity_max: 3,
        summary: "The next n tickets in order; default: 10",
        reply: "a list of maps: `ticket priority rank due opened_at skills`",
        complexity: "O(n log m) in the tickets shown and waiting",
        params: &[QUEUE, param("n").integer().optional()],
        ..read("QUEUE.PEEK", peek)
    },
];

fn set(call: &Call<'_>) -> Result<Request, Refusal> {
    let queue = call.id(1, "queue")?;
    if queue.contains(',') {
        return Err(Refusal::bad_arg(format!(
            "queue '{queue}' has a comma, which separates the queues of an agent: it takes a name without one"
        )));
    }
    if queue == QUEUE_NONE {
        return Err(Refusal::bad_arg(
            "queue 'none' is the queue of tickets that are never routed: it takes another name",
        ));
    }
    value::choice("state of a queue", call.arg(2), &[("open", ())])?;
    let common = call.pairs(3, false, |_, _, _| Ok(()))?.common;
    Ok(Request::Engine(Command::QueueOpen { queue, common }))
}

fn peek(call: &Call<'_>) -> Result<Request, Refusal> {
    let queue = call.id(1, "queue")?;
    let count = match call.args.len() {
        2 => PEEK_DEFAULT,
        _ => value::page("n", call.arg(2), call.caps)?,
    };
    Ok(Request::Engine(Command::Read(Read::QueuePeek { queue, count })))
}
