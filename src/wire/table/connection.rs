//! The commands about the connection itself, as Redis has them.

use super::{Flags, InMulti, Param, Row, param};
use crate::model::command::{Client, Request, Session};
use crate::model::{Code, Refusal, Text, text};
use crate::wire::parse::Call;
use crate::wire::value;

const ALWAYS: Flags = Flags::FAST
    .and(Flags::LOADING)
    .and(Flags::NO_AUTH)
    .and(Flags::NOSCRIPT);

const fn session(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        group: "connection",
        flags: Flags::FAST,
        ..Row::new(name, read)
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        syntax: "[2|3 [AUTH user password] [SETNAME name]]",
        arity_max: 7,
        summary: "Chooses the protocol and says hello",
        reply: "a map: `server version proto id mode role modules`",
        flags: ALWAYS,
        in_multi: InMulti::Refused,
        params: &[
            param("protocol").integer().optional(),
            Param {
                kind: "block",
                ..param("AUTH user password").optional()
            },
            Param {
                kind: "block",
                ..param("SETNAME name").optional()
            },
        ],
        ..session("HELLO", hello)
    },
    Row {
        syntax: "[user] password",
        arity_min: 2,
        arity_max: 3,
        summary: "Accepted; who may connect is up to the socket's permissions",
        flags: ALWAYS,
        params: &[param("user").optional(), param("password")],
        ..session("AUTH", |_| Ok(Request::Session(Session::Auth)))
    },
    Row {
        syntax: "[text]",
        arity_max: 2,
        summary: "Is anybody there?",
        reply: "`PONG`, or the text",
        flags: Flags::FAST.and(Flags::LOADING),
        params: &[param("text").optional()],
        ..session("PING", |call| {
            let text = (call.args.len() == 2).then(|| call.arg(1).to_vec());
            Ok(Request::Session(Session::Ping(text)))
        })
    },
    Row {
        syntax: "text",
        arity_min: 2,
        arity_max: 2,
        summary: "Gives the text back",
        reply: "the text",
        params: &[param("text")],
        ..session("ECHO", |call| {
            Ok(Request::Session(Session::Echo(call.arg(1).to_vec())))
        })
    },
    Row {
        syntax: "0",
        arity_min: 2,
        arity_max: 2,
        summary: "There is one database",
        params: &[param("index").integer()],
        ..session("SELECT", select)
    },
    Row {
        arity_max: 0,
        summary: "Closes the connection after the replies so far",
        flags: ALWAYS,
        in_multi: InMulti::AtOnce,
        ..session("QUIT", |_| Ok(Request::Session(Session::Quit)))
    },
    Row {
        summary: "The connection is as new: RESP2, no name, no transaction",
        reply: "`RESET`",
        flags: ALWAYS,
        in_multi: InMulti::AtOnce,
        ..session("RESET", |_| Ok(Request::Session(Session::Reset)))
    },
    Row {
        syntax: "SETINFO LIB-NAME|LIB-VER value | SETNAME name | GETNAME | ID | INFO | LIST | KILL ID n",
        arity_min: 2,
        arity_max: 0,
        summary: "About connections",
        reply: "as in Redis",
        complexity: "O(n) in the connections for LIST and KILL",
        flags: Flags::LOADING.and(Flags::NOSCRIPT),
        params: &[param("subcommand"), param("argument").optional().multiple()],
        ..session("CLIENT", client)
    },
    Row {
        summary: "Begins a transaction: what follows is queued",
        flags: Flags::FAST.and(Flags::NOSCRIPT),
        in_multi: InMulti::AtOnce,
        group: "transactions",
        ..session("MULTI", |_| Ok(Request::Session(Session::Multi)))
    },
    Row {
        summary: "Runs what was queued, in one instant and one durable frame",
        reply: "a list: the reply of each command, refusals too",
        complexity: "that of the commands",
        flags: Flags::NOSCRIPT,
        in_multi: InMulti::AtOnce,
        group: "transactions",
        ..session("EXEC", |_| Ok(Request::Session(Session::Exec)))
    },
    Row {
        summary: "Forgets what was queued",
        flags: Flags::FAST.and(Flags::NOSCRIPT),
        in_multi: InMulti::AtOnce,
        group: "transactions",
        ..session("DISCARD", |_| Ok(Request::Session(Session::Discard)))
    },
];

fn hello(call: &Call<'_>) -> Result<Request, Refusal> {
    let mut protocol = None;
    if call.args.len() > 1 {
        protocol = Some(match call.arg(1) {
            b"2" => 2,
            b"3" => 3,
            other if !other.is_empty() && other.iter().all(u8::is_ascii_digit) => {
                return Err(Refusal::new(
                    Code::NoProto,
                    "unsupported protocol version: it takes 2 or 3",
                ));
            }
            _ => {
                return Err(Refusal::new(
                    Code::Err,
                    "Protocol version is not an integer or out of range: HELLO takes 2 or 3",
                ));
            }
        });
    }
    let mut name = None;
    let mut at = 2;
    while at < call.args.len() {
        let left = call.args.len() - at - 1;
        let option = call.arg(at);
        if option.eq_ignore_ascii_case(b"auth") && left >= 2 {
            at += 3;
        } else if option.eq_ignore_ascii_case(b"setname") && left >= 1 {
            name = Some(client_name(call.arg(at + 1))?);
            at += 2;
        } else {
            return Err(Refusal::new(
                Code::Err,
                format!(
                    "Syntax error in HELLO option '{}': {}",
                    value::shown(option),
                    call.row.usage()
                ),
            ));
        }
    }
    Ok(Request::Session(Session::Hello { protocol, name }))
}

fn select(call: &Call<'_>) -> Result<Request, Refusal> {
    if call.arg(1) == b"0" {
        return Ok(Request::Session(Session::Select));
    }
    Err(Refusal::new(
        Code::Err,
        "DB index is out of range: there is only 0",
    ))
}

const CLIENT: [&str; 7] = ["SETINFO", "SETNAME", "GETNAME", "ID", "INFO", "LIST", "KILL"];

fn client(call: &Call<'_>) -> Result<Request, Refusal> {
    let given = call.arg(1);
    let Some(subcommand) = CLIENT
        .into_iter()
        .find(|name| given.eq_ignore_ascii_case(name.as_bytes()))
    else {
        return Err(unknown_subcommand("CLIENT", given, &CLIENT));
    };
    let expected = match subcommand {
        "SETINFO" | "KILL" => 4,
        "SETNAME" => 3,
        _ => 2,
    };
    if call.args.len() != expected {
        return Err(call.row.wrong_arity());
    }
    Ok(Request::Session(Session::Client(match subcommand {
        "SETINFO" => set_info(call.arg(2), call.arg(3))?,
        "SETNAME" => Client::SetName(client_name(call.arg(2))?),
        "GETNAME" => Client::GetName,
        "ID" => Client::Id,
        "INFO" => Client::Info,
        "LIST" => Client::List,
        _ => {
            value::choice("CLIENT KILL's filter", call.arg(2), &[("ID", ())])?;
            Client::Kill(value::number("ID", call.arg(3), 1, u64::MAX)?)
        }
    })))
}

fn set_info(attribute: &[u8], value: &[u8]) -> Result<Client, Refusal> {
    let attribute = value::choice(
        "CLIENT SETINFO's attribute",
        attribute,
        &[("LIB-NAME", "lib-name"), ("LIB-VER", "lib-ver")],
    )?;
    Ok(Client::SetInfo {
        attribute: attribute.to_owned(),
        value: client_name(value)?,
    })
}

/// A name shown in CLIENT LIST: one word of printable ASCII, possibly empty.
fn client_name(bytes: &[u8]) -> Result<Text, Refusal> {
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(Refusal::new(
            Code::Err,
            "Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    if bytes.is_empty() {
        return Ok(Text::default());
    }
    text::id("client name", bytes)
}

/// The refusal for a subcommand that the container does not have.
pub(super) fn unknown_subcommand(container: &str, given: &[u8], known: &[&str]) -> Refusal {
    let given = value::shown(given);
    Refusal::new(
        Code::Err,
        format!(
            "unknown subcommand '{given}' of {container}{}: it takes {}",
            text::hint(&given, known.iter().copied()),
            known.join(", ")
        ),
    )
}
