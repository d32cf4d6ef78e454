//! Who is connected: what CLIENT LIST, CLIENT INFO, CLIENT KILL, INFO and the metrics need to know.
//!
//! A map shared by threads (connections write their own entry, the HTTP thread counts them); the figures that change
//! with every batch are atomics inside the entry, so that the map's shard locks are taken only when a client
//! comes, goes or names itself.

use crate::model::Text;
use dashmap::DashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Number of a connection, from 1, never used twice in a run.
pub type ClientId = u64;

/// What a client is doing, for the `flags` of CLIENT LIST.
const NORMAL: u8 = b'N';
const BLOCKED: u8 = b'b';
const IN_MULTI: u8 = b'x';

/// One connection, as others see it.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub id: ClientId,
    /// Descriptor of its socket.
    fd: i32,
    since: Instant,
    /// Milliseconds from `since` to its last command.
    active_ms: AtomicU64,
    /// Commands it has sent.
    commands: AtomicU64,
    /// Bytes it was sent and has not taken.
    output_bytes: AtomicU64,
    protocol: AtomicU8,
    flags: AtomicU8,
    killed: AtomicBool,
}

impl Client {
    /// Counts a batch of commands.
    pub fn active(&self, commands: u64, protocol: u8) {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.active_ms.store(ms, Relaxed);
        self.commands.fetch_add(commands, Relaxed);
        self.protocol.store(protocol, Relaxed);
    }

    /// Says what it is doing.
    pub fn doing(&self, blocked: bool, in_multi: bool) {
        let flag = match (blocked, in_multi) {
            (true, _) => BLOCKED,
            (_, true) => IN_MULTI,
            _ => NORMAL,
        };
        self.flags.store(flag, Relaxed);
    }

    /// Says how much it has not taken yet.
    pub fn owes(&self, output_bytes: usize) {
        self.output_bytes.store(output_bytes as u64, Relaxed);
    }

    /// Was it killed by CLIENT KILL?
    pub fn is_killed(&self) -> bool {
        self.killed.load(Relaxed)
    }
}

/// What a client said of itself.
#[derive(Debug, Clone, Default)]
struct Named {
    name: Text,
    lib_name: Text,
    lib_ver: Text,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Clients {
    all: DashMap<ClientId, (Arc<Client>, Named)>,
    /// Connections accepted since the start.
    accepted: AtomicU64,
    /// Clients cut off because they did not take their output.
    cut_off: AtomicU64,
    /// Connections refused because there were too many.
    refused: AtomicU64,
    blocked: AtomicU64,
    path: String,
}

impl Clients {
    /// An empty registry for the socket at `path`.
    pub fn new(path: String) -> Clients {
        Clients {
            path,
            ..Clients::default()
        }
    }

    /// Enters a new connection.
    pub fn enter(&self, fd: i32) -> Arc<Client> {
        let client = Arc::new(Client {
            id: self.accepted.fetch_add(1, Relaxed) + 1,
            fd,
            since: Instant::now(),
            active_ms: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            protocol: AtomicU8::new(2),
            flags: AtomicU8::new(NORMAL),
            killed: AtomicBool::new(false),
        });
        self.all.insert(client.id, (client.clone(), Named::default()));
        client
    }

    /// Takes a connection out.
    pub fn leave(&self, id: ClientId) {
        self.all.remove(&id);
    }

    /// Connections now.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Connections accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Counts a connection that was turned away.
    pub fn count_refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Connections turned away since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Counts a slow client that was cut off.
    pub fn count_cut_off(&self) {
        self.cut_off.fetch_add(1, Relaxed);
    }

    /// Slow clients cut off since the start.
    pub fn cut_off(&self) -> u64 {
        self.cut_off.load(Relaxed)
    }

    /// One more (or one fewer) connection waits in a blocking command.
    pub fn count_blocked(&self, more: bool) {
        if more {
            self.blocked.fetch_add(1, Relaxed);
        } else {
            self.blocked.fetch_sub(1, Relaxed);
        }
    }

    /// Connections that wait in a blocking command.
    pub fn blocked(&self) -> u64 {
        self.blocked.load(Relaxed)
    }

    /// `CLIENT SETNAME`
    pub fn set_name(&self, id: ClientId, name: Text) {
        if let Some(mut entry) = self.all.get_mut(&id) {
            entry.1.name = name;
        }
    }

    /// `CLIENT GETNAME`
    pub fn name(&self, id: ClientId) -> Text {
        self.all
            .get(&id)
            .map_or_else(Text::default, |entry| entry.1.name.clone())
    }

    /// `CLIENT SETINFO`
    pub fn set_info(&self, id: ClientId, attribute: &str, value: Text) {
        if let Some(mut entry) = self.all.get_mut(&id) {
            match attribute {
                "lib-name" => entry.1.lib_name = value,
                _ => entry.1.lib_ver = value,
            }
        }
    }

    /// `CLIENT KILL`: marks it; its connection sees the mark when it is woken. `false`: no such client.
    pub fn kill(&self, id: ClientId) -> bool {
        self.all
            .get(&id)
            .map(|entry| entry.0.killed.store(true, Relaxed))
            .is_some()
    }

    /// `CLIENT INFO`: one line without its end.
    pub fn line(&self, id: ClientId) -> String {
        let mut out = String::new();
        if let Some(entry) = self.all.get(&id) {
            self.write(&mut out, &entry.0, &entry.1);
        }
        out
    }

    /// `CLIENT LIST`: a line each, by number.
    pub fn list(&self) -> String {
        let mut ids: Vec<ClientId> = self.all.iter().map(|entry| *entry.key()).collect();
        ids.sort_unstable();
        let mut out = String::new();
        for id in ids {
            if let Some(entry) = self.all.get(&id) {
                self.write(&mut out, &entry.0, &entry.1);
                out.push('\n');
            }
        }
        out
    }

    fn write(&self, out: &mut String, client: &Client, named: &Named) {
        let age_ms = u64::try_from(client.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let idle_ms = age_ms.saturating_sub(client.active_ms.load(Relaxed));
        let _ = write!(
            out,
            "id={} addr={path}:0 laddr={path}:0 fd={} name={} age={} idle={} flags={} db=0 sub=0 psub=0 omem={} \
             tot-cmds={} user=default lib-name={} lib-ver={} resp={}",
            client.id,
            client.fd,
            named.name,
            age_ms / 1_000,
            idle_ms / 1_000,
            char::from(client.flags.load(Relaxed)),
            client.output_bytes.load(Relaxed),
            client.commands.load(Relaxed),
            named.lib_name,
            named.lib_ver,
            client.protocol.load(Relaxed),
            path = self.path,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_listed_by_the_name_it_gave() {
        let clients = Clients::new("/run/x.sock".to_owned());
        let (a, b) = (clients.enter(7), clients.enter(8));
        clients.set_name(b.id, Text::from("board"));
        clients.set_info(b.id, "lib-name", Text::from("redis-py"));
        let list = clients.list();
        assert_eq!(list.lines().count(), 2);
        assert!(list.starts_with("id=1 addr=/run/x.sock:0"));
        assert!(clients.line(b.id).contains("fd=8 name=board"));
        assert!(clients.line(b.id).contains("lib-name=redis-py"));
        assert!(clients.kill(a.id) && a.is_killed() && !b.is_killed());
        clients.leave(a.id);
        assert!(!clients.kill(a.id));
        assert_eq!(clients.count(), 1);
    }
}
