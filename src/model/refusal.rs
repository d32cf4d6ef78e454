//! A refusal is data: the command changed nothing and logged nothing.

use std::fmt;

/// The word a RESP error line starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Unknown command, wrong arity, broken protocol.
    Err,
    /// An argument is not what the command takes.
    BadArg,
    /// The ticket or agent is unknown.
    NotFound,
    /// The ticket is open already, with other fields.
    Exists,
    /// Not possible in the present state.
    State,
    /// Fields that the policy requires are missing.
    Required,
    /// Not allowed to this connection.
    Denied,
    /// A configured cap was reached.
    Limit,
    /// A resource is taken; try again.
    Busy,
    /// No room for new work on the disk.
    DiskFull,
    /// The log is still being replayed.
    Loading,
    /// The cursor is older than what is retained.
    Gap,
    /// HELLO asked for an unknown protocol version.
    NoProto,
    /// EXEC after a command that could not be queued.
    ExecAbort,
}

impl Code {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Err => "ERR",
            Code::BadArg => "BADARG",
            Code::NotFound => "NOTFOUND",
            Code::Exists => "EXISTS",
            Code::State => "STATE",
            Code::Required => "REQUIRED",
            Code::Denied => "DENIED",
            Code::Limit => "LIMIT",
            Code::Busy => "BUSY",
            Code::DiskFull => "DISKFULL",
            Code::Loading => "LOADING",
            Code::Gap => "GAP",
            Code::NoProto => "NOPROTO",
            Code::ExecAbort => "EXECABORT",
        }
    }
}

/// Why a command was refused: one line for people, starting with a code for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code clients switch on.
    pub code: Code,
    /// What was wrong, naming the input, and what would be right. One line, no control characters.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code; control characters in the message become `?` so that the error stays one line.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.chars().any(char::is_control) {
            message = message
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect();
        }
        Refusal { code, message }
    }

    /// `BADARG …`
    pub fn bad_arg(message: impl Into<String>) -> Self {
        Self::new(Code::BadArg, message)
    }

    /// `NOTFOUND …`
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// `STATE …`
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(Code::State, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let refusal = Refusal::bad_arg("id 'a\r\nb'");
        assert_eq!(refusal.to_string(), "BADARG id 'a??b'");
    }
}
