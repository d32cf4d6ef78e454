//! The commands about the daemon.

use super::connection::unknown_subcommand;
use super::{Flags, InMulti, Row, param};
use crate::model::Refusal;
use crate::model::clock::ClockCommand;
use crate::model::command::{Describe, Request, Session};
use crate::wire::parse::Call;
use crate::wire::value;

const fn server(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        group: "server",
        ..Row::new(name, read)
    }
}

const fn admin(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        flags: Flags::ADMIN.and(Flags::NOSCRIPT),
        in_multi: InMulti::Refused,
        ..server(name, read)
    }
}

/// Timers that fire are facts.
const MOVES_TIME: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::WRITE);

pub(super) const ROWS: &[Row] = &[
    Row {
        syntax: "[INFO [name…] | DOCS [name…] | COUNT]",
        arity_max: 0,
        summary: "This table",
        reply: "as in Redis",
        complexity: "O(n) in the commands",
        flags: Flags::LOADING,
        params: &[
            param("subcommand").optional(),
            param("name").optional().multiple(),
        ],
        ..server("COMMAND", command)
    },
    Row {
        syntax: "[section…]",
        arity_max: 0,
        summary: "How the daemon does",
        reply: "lines of `name:value` by section",
        flags: Flags::LOADING,
        params: &[param("section").optional().multiple()],
        ..server("INFO", |call| Ok(Request::Session(Session::Info(words(call, 1)))))
    },
    Row {
        syntax: "GET pattern…",
        arity_min: 3,
        arity_max: 0,
        summary: "The configuration in force",
        reply: "a map",
        complexity: "O(n) in the settings",
        flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::NOSCRIPT),
        params: &[param("GET"), param("pattern").multiple()],
        ..server("CONFIG", config)
    },
    Row {
        summary: "Writes a snapshot",
        reply: "the seq of its event",
        complexity: "O(n) in the tickets, in slices",
        flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::DENYOOM),
        ..admin("SNAPSHOT", |_| Ok(Request::Session(Session::Snapshot)))
    },
    Row {
        syntax: "D",
        arity_min: 2,
        arity_max: 2,
        summary: "Moves the virtual clock on, firing each timer at its own instant",
        reply: "the seq of its event",
        complexity: "O(n) in the timers that fire",
        flags: MOVES_TIME,
        params: &[param("duration")],
        ..admin("CLOCK.ADVANCE", |call| {
            let by = value::duration("duration", call.arg(1))?;
            Ok(Request::Session(Session::Clock(ClockCommand::Advance(by))))
        })
    },
    Row {
        syntax: "T",
        arity_min: 2,
        arity_max: 2,
        summary: "Moves the virtual clock on to an instant",
        reply: "the seq of its event",
        complexity: "O(n) in the timers that fire",
        flags: MOVES_TIME,
        params: &[param("instant")],
        ..admin("CLOCK.SET", |call| {
            let to = value::instant("instant", call.arg(1))?;
            Ok(Request::Session(Session::Clock(ClockCommand::Set(to))))
        })
    },
    Row {
        summary: "Takes the wall clock as it is after a jump that froze the timers, or that was rejected",
        reply: "the seq of its event",
        complexity: "O(1); what is due by then fires after the reply",
        flags: MOVES_TIME,
        ..admin("CLOCK.ACCEPT", |_| {
            Ok(Request::Session(Session::Clock(ClockCommand::Accept)))
        })
    },
    Row {
        summary: "Goes on with the time before the jump that froze the timers, until the wall clock is back",
        reply: "the seq of its event",
        complexity: "O(1); what is due by then fires after the reply",
        flags: MOVES_TIME,
        ..admin("CLOCK.REJECT", |_| {
            Ok(Request::Session(Session::Clock(ClockCommand::Reject)))
        })
    },
    Row {
        summary: "Finishes what was begun, syncs, and ends",
        reply: "the connection closes",
        ..admin("SHUTDOWN", |_| Ok(Request::Session(Session::Shutdown)))
    },
];

const COMMAND: [&str; 3] = ["INFO", "DOCS", "COUNT"];

fn command(call: &Call<'_>) -> Result<Request, Refusal> {
    let given = call.arg(1);
    let is = |name: &str| given.eq_ignore_ascii_case(name.as_bytes());
    let describe = if call.args.len() == 1 || is("INFO") {
        Describe::Info(words(call, 2))
    } else if is("DOCS") {
        Describe::Docs(words(call, 2))
    } else if is("COUNT") {
        if call.args.len() > 2 {
            return Err(call.row.wrong_arity());
        }
        Describe::Count
    } else {
        return Err(unknown_subcommand("COMMAND", given, &COMMAND));
    };
    Ok(Request::Session(Session::Describe(describe)))
}

fn config(call: &Call<'_>) -> Result<Request, Refusal> {
    if !call.arg(1).eq_ignore_ascii_case(b"get") {
        return Err(unknown_subcommand("CONFIG", call.arg(1), &["GET"]));
    }
    Ok(Request::Session(Session::ConfigGet(words(call, 2))))
}

/// The arguments from `first` on, lower case; each cut to a length that no name of ours has.
fn words(call: &Call<'_>, first: usize) -> Vec<String> {
    call.args.from(first).map(value::word).collect()
}
