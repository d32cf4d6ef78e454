//! What a connection asks of the daemon itself: the handshake, who is there, what there is.

use super::core::Core;
use super::info;
use super::peer::Peer;
use crate::model::command::{Client, Session};
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, Text};
use crate::wire::{Protocol, docs};
use std::rc::Rc;

/// The version that clients are told; some of them look at it to know what a server can do.
pub const REDIS_VERSION: &str = "7.4.0";

/// What is said.
pub enum Said {
    /// A reply.
    Reply(Reply),
    /// A reply in bytes already.
    Encoded(Vec<u8>),
}

/// Answers what needs neither the engine's commands nor a wait. What the connection itself must do (MULTI, QUIT, …) never
/// comes here.
pub fn answer(core: &mut Core, peer: &Rc<Peer>, session: Session) -> Said {
    Said::Reply(match session {
        Session::Hello { protocol, name } => hello(core, peer, protocol, name),
        Session::Auth | Session::Select => Reply::Simple("OK"),
        Session::Ping(None) => Reply::Simple("PONG"),
        Session::Ping(Some(text)) | Session::Echo(text) => Reply::Bytes(text),
        Session::Client(client) => self::client(core, peer, client),
        Session::Describe(what) => docs::describe(&what),
        Session::Info(sections) => Reply::Verbatim(info::text(core, &sections)),
        Session::ConfigGet(patterns) => config_get(core, &patterns),
        Session::Multi
        | Session::Exec
        | Session::Discard
        | Session::Quit
        | Session::Reset
        | Session::Snapshot
        | Session::Shutdown
        | Session::Policy(_)
        | Session::Clock(_) => Refusal::new(Code::Err, "this command is not possible here").into(),
    })
}

/// Number of the protocol.
pub fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::V2 => 2,
        Protocol::V3 => 3,
    }
}

/// `RESET`: the connection as it was when it came.
pub fn reset(core: &mut Core, peer: &Peer) {
    peer.protocol.set(Protocol::V2);
    core.shared.clients.set_name(peer.client.id, Text::default());
}

fn hello(core: &mut Core, peer: &Peer, protocol: Option<u8>, name: Option<Text>) -> Reply {
    match protocol {
        None => {}
        Some(2) => peer.protocol.set(Protocol::V2),
        Some(3) => peer.protocol.set(Protocol::V3),
        Some(_) => {
            return Refusal::new(Code::NoProto, "unsupported protocol version: it takes 2 or 3").into();
        }
    }
    if let Some(name) = name {
        core.shared.clients.set_name(peer.client.id, name);
    }
    let text = |text: &'static str| Reply::Bulk(Text::const_new(text));
    Reply::Map(vec![
        ("server", text("slad")),
        ("version", text(env!("CARGO_PKG_VERSION"))),
        ("proto", Reply::Int(i64::from(number(peer.protocol.get())))),
        ("id", Reply::Int(peer.client.id as i64)),
        ("mode", text("standalone")),
        ("role", text("master")),
        ("modules", Reply::List(Vec::new())),
    ])
}

fn client(core: &mut Core, peer: &Peer, client: Client) -> Reply {
    let clients = &core.shared.clients;
    let id = peer.client.id;
    match client {
        Client::SetInfo { attribute, value } => clients.set_info(id, &attribute, value),
        Client::SetName(name) => clients.set_name(id, name),
        Client::GetName => return Reply::text_or_null(&clients.name(id)),
        Client::Id => return Reply::Int(id as i64),
        Client::Info => return Reply::Verbatim(clients.line(id) + "\n"),
        Client::List => return Reply::Verbatim(clients.list()),
        Client::Kill(other) => {
            return if core.kill(other) {
                Reply::Int(1)
            } else {
                Reply::Int(0)
            };
        }
    }
    Reply::Simple("OK")
}

fn config_get(core: &Core, patterns: &[String]) -> Reply {
    let pairs = super::config::keys::KEYS
        .iter()
        .filter(|key| patterns.iter().any(|p| matches(p, key.name)))
        .map(|key| {
            (
                Text::const_new(key.name),
                Reply::Bulk(key.get(&core.shared.config).into()),
            )
        });
    Reply::Pairs(pairs.collect())
}

/// Does `name` fit a pattern of `*` and `?`? In any case, as Redis has it. Cost: linear but for stars, at most the
/// product of both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&name[n]) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_as_redis_has_them() {
        for (pattern, name, fits) in [
            ("*", "sync", true),
            ("sync", "sync", true),
            ("SYNC", "sync", true),
            ("sync*", "sync_interval", true),
            ("*max", "limits.args_max", true),
            ("*_b*_max", "limits.output_bytes_max", true),
            ("s?nc", "sync", true),
            ("sync", "sync_interval", false),
            ("*x", "sync", false),
            ("", "sync", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
