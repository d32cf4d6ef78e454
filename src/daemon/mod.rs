//! Floor 3: the outside world. Threads, sockets, the owners of files, clocks.
//!
//! One thread is the **core**: the engine as a value, every connection as a task, timers, snapshots in slices. The **log
//! thread** writes and syncs; the **housekeeping thread** sees to old segments; the **HTTP thread** shows figures; loading, preparing segments and writing snapshots have
//! threads while they last. Between them: rings, counters, and wake-ups for those who said that they sleep.
//!
//! | file | idea |
//! |---|---|
//! | [`startup`] | bind, load, serve, go down |
//! | [`loading`] | the log → the engine, with the socket answering meanwhile |
//! | [`policies`] | the folder of policies, versions, migrations |
//! | [`core`], [`phase`] | the engine, its clock and its way to the log; what may be seen when |
//! | [`connection`], [`waits`] | one client's task: bytes → requests → the core, and the waits of what blocks |
//! | [`peer`], [`output`] | one connection as others see it, and what it still has to be told |
//! | [`session`], [`multi`] | what a connection asks for itself: the handshake, transactions |
//! | [`info`], [`figures`] | INFO |
//! | [`feed`], `feed_plan`, `feed_length`, `feed_sight`, [`feed_waits`] | reading the log as a stream, and who waits for it |
//! | [`clock`], [`real_clock`], `clock_steps` | time: where it comes from, and what a jump of it does |
//! | [`virtual_clock`], [`alarm`], [`timers`] | CLOCK.…, and firing what is due |
//! | [`log_front`], [`log_line`], [`log_thread`] | the way to the log: the core's end, the rings, the thread |
//! | [`log_room`], [`disk`] | room ahead of the log; what a full disk stops, and who is told |
//! | `slice` | long reads and migrations in parts, so that nobody waits for the whole |
//! | [`snapshots`] | the state written out between batches |
//! | [`retention`] | index files made and old segments taken out, on a thread of its own |
//! | [`listener`], [`clients`], [`limits`] | who may come in, who is there, what they may cost |
//! | [`shared`], [`wake`], [`fatal`] | what threads share, waking a task, ending for a reason |
//! | [`config`] | one row a key: reading, checking, showing and the default file derive from it |
//! | [`metrics`] | what Prometheus sees: cells laid out at start, recorders owned by their threads |
//! | [`meter`] | what the core thread records |
//! | [`http`] | the pages on the loopback |
//! | [`notify`] | what systemd is told, and the socket it passes |
//! | [`zones`] | the machine's zone data |
//! | [`signals`] | the signals that ask the daemon to stop |

pub mod alarm;
pub mod bell;
pub mod clients;
pub mod clock;
mod clock_steps;
pub mod config;
pub mod connection;
pub mod core;
pub mod disk;
pub mod fatal;
pub mod feed;
mod feed_length;
mod feed_plan;
mod feed_sight;
pub mod feed_waits;
pub mod figures;
pub mod http;
pub mod info;
pub mod limits;
pub mod listener;
pub mod loading;
pub mod log_front;
pub mod log_line;
pub mod log_room;
pub mod log_thread;
pub mod meter;
pub mod metrics;
pub mod multi;
pub mod notify;
pub mod output;
pub mod peer;
pub mod phase;
pub mod policies;
pub mod real_clock;
pub mod retention;
pub mod session;
pub mod shared;
pub mod signals;
mod slice;
pub mod snapshots;
pub mod startup;
pub mod timers;
pub mod virtual_clock;
pub mod waits;
pub mod wake;
pub mod zones;
