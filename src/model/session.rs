//! What a connection asks of the daemon itself rather than of the engine.

use super::Text;
use super::clock::ClockCommand;
use super::versions::PolicyCommand;

/// What a connection asks of the daemon itself rather than of the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Session {
    /// `HELLO [2|3] [AUTH u p] [SETNAME n]`
    Hello {
        /// Protocol asked for.
        protocol: Option<u8>,
        /// `SETNAME`
        name: Option<Text>,
    },
    /// `AUTH …`: accepted; access is by the socket's permissions.
    Auth,
    /// `PING [text]`
    Ping(Option<Vec<u8>>),
    /// `ECHO text`
    Echo(Vec<u8>),
    /// `SELECT 0`
    Select,
    /// `QUIT`
    Quit,
    /// `RESET`
    Reset,
    /// `CLIENT …`
    Client(Client),
    /// `COMMAND`, `COMMAND DOCS|INFO|COUNT`
    Describe(Describe),
    /// `INFO [section…]`, lower case
    Info(Vec<String>),
    /// `CONFIG GET pattern…`
    ConfigGet(Vec<String>),
    /// `MULTI`
    Multi,
    /// `EXEC`
    Exec,
    /// `DISCARD`
    Discard,
    /// `SNAPSHOT`
    Snapshot,
    /// `CLOCK.…`
    Clock(ClockCommand),
    /// `POLICY.RELOAD`, `POLICY.MIGRATE`
    Policy(Box<PolicyCommand>),
    /// `SHUTDOWN`
    Shutdown,
}

/// `CLIENT …`
#[derive(Debug, Clone, PartialEq)]
pub enum Client {
    /// `CLIENT SETINFO LIB-NAME|LIB-VER value`
    SetInfo {
        /// `lib-name` or `lib-ver`.
        attribute: String,
        /// Its value.
        value: Text,
    },
    /// `CLIENT SETNAME name`; empty takes the name away.
    SetName(Text),
    /// `CLIENT GETNAME`
    GetName,
    /// `CLIENT ID`
    Id,
    /// `CLIENT INFO`
    Info,
    /// `CLIENT LIST`
    List,
    /// `CLIENT KILL ID n`
    Kill(u64),
}

/// `COMMAND …`
#[derive(Debug, Clone, PartialEq)]
pub enum Describe {
    /// `COMMAND`, `COMMAND INFO [name…]` (empty: all)
    Info(Vec<String>),
    /// `COMMAND DOCS [name…]` (empty: all)
    Docs(Vec<String>),
    /// `COMMAND COUNT`
    Count,
}
