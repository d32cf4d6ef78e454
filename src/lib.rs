//! slad: SLA timers and ticket routing for contact centres, in one durable process.
//!
//! # Bird's-eye view
//!
//! Commands come in over a Unix socket in the Redis protocol. One owner, the [`engine`], turns each into events or a
//! refusal; events are the only thing that changes its state, and the only thing that is written: the log is the state,
//! the history and the feed. Timers are no threads: the daemon asks the engine for the next instant, sleeps, and gives
//! it the time as an argument. Restart is the same `apply` over the same events.
//!
//! # The walk of one command
//!
//! 1. [`daemon::connection`] reads bytes; [`wire::frame`] finds the request without copying; [`wire`]'s command table
//!    finds its row, checks arity and fields, and makes a [`model::command::Command`].
//! 2. The engine, a value on the same thread, stamps it with the batch's `now`, **decides** and **applies** event by
//!    event, then the consequences, until none are left: one atomic frame in [`engine::Output`].
//! 3. The frame is archived into the current [`journal`] batch; the batch goes over a lock-free ring to the log thread,
//!    which checksums, writes and syncs it. While it syncs, the next batch fills: group commit.
//! 4. The log thread publishes what is written and durable; replies and feed entries up to the seq that the sync policy
//!    promises are released, and each connection's bytes go out in one write.
//!
//! Why the engine has no thread of its own: on two cores, handing a command over and back costs two wake-ups (35 µs
//! each when the other side sleeps), carrying it out less than one. It is a value, so that this can change.
//!
//! # Floors
//!
//! A module imports from floors below its own; `tests/structure.rs` reads the `use` lines and proves it.
//!
//! | floor | module | idea |
//! |---|---|---|
//! | 0 | [`model`] | plain words: ids, time, skills, commands, events, replies, records |
//! | 0 | [`collections`] | structures that know no domain word: wheel, lanes, slab, index |
//! | 0 | [`calendar`] | working time compiled to running sums, on `model`'s plain data |
//! | 1 | [`policy`] | text → validated, versioned, immutable rule books |
//! | 1 | [`wire`] | RESP bytes ↔ model; the command table |
//! | 1 | [`journal`] | events ↔ files: frames, segments, recovery, reading by mmap, snapshots |
//! | 2 | [`engine`] | the single writer: (state, now, command) → events |
//! | 3 | [`daemon`] | the outside world: threads, sockets, clock, metrics, configuration |
//! | 4 | [`cli`] | one file a subcommand |
//!
//! `engine`, `wire` and `journal` never import each other. Below floor 3 there is no clock, no thread, no socket and no
//! chance; files only in `journal`.
//!
//! # Invariants
//!
//! **Invariant**: state changes only by applying events; events carry results, so that replay decides nothing and new
//! code never rewrites old history.
//!
//! **Invariant**: a seq is dense, and never used twice; no reply and no feed entry shows a fact that is less durable than
//! the sync policy promises.
//!
//! **Invariant**: a ticket is in at most one agent's hands, and in a lane exactly when it is waiting, unpaused and routed.
//!
//! **Invariant**: a timer fires once, never early, in the order of its instant; a command first fires what its ticket has
//! overdue.
//!
//! **Invariant**: the state hash depends on what is stored, never on how it came about.
//!
//! # Vocabulary
//!
//! *ticket*, *agent*, *queue*, *skill*, *clock* (one SLA timer, aimed at a *target*), *due*, *warning*, *breach*, *hold* (the
//! number of an assignment, by which an old holder is fenced off), *rank* (urgency across policies, 0 first), *lane* (waiting
//! tickets of one requirement and rank), *seq* (number of an event), *frame* (the events of one command, atomic).
//!
//! # Non-goals
//!
//! No user interface, no general message queue, no Redis data types, no replication of its own, no scripting.

pub mod calendar;
pub mod cli;
pub mod collections;
pub mod daemon;
pub mod engine;
pub mod journal;
pub mod model;
pub mod policy;
pub mod wire;
