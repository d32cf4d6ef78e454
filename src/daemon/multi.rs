//! MULTI: commands that are queued and then run in one instant and one durable frame.
//!
//! Only the engine's commands, PING and ECHO can be queued: what belongs to the connection, the daemon or the feed has
//! no part in a frame. A command that cannot be queued, for whatever reason, makes EXEC abort.

use crate::model::command::{AgentCommand, AgentOp, Command, Request, Session};
use crate::model::reply::Reply;
use crate::model::{Code, Refusal};

/// What may be queued.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Commands.
    pub commands_max: usize,
    /// Their bytes, as they came.
    pub bytes_max: usize,
}

/// What was queued since MULTI, each with its command's place in the table.
#[derive(Debug, Default)]
pub struct Multi {
    queued: Vec<(usize, Queued)>,
    bytes: usize,
    failed: bool,
}

#[derive(Debug)]
enum Queued {
    Engine,
    Answered(Reply),
}

/// A transaction ready to run.
#[derive(Debug)]
pub struct Transaction {
    /// For the engine, in order.
    pub commands: Vec<Command>,
    order: Vec<(usize, Queued)>,
}

/// Commands queued so far, by kind; apart from [`Multi`] so that EXEC moves them out whole.
#[derive(Debug, Default)]
pub struct Pending {
    multi: Option<Multi>,
    commands: Vec<Command>,
}

impl Pending {
    /// Is a MULTI open?
    pub fn is_open(&self) -> bool {
        self.multi.is_some()
    }

    /// `MULTI`
    pub fn begin(&mut self) -> Reply {
        if let Some(multi) = &mut self.multi {
            multi.failed = true;
            return refused("MULTI calls can not be nested");
        }
        self.multi = Some(Multi::default());
        Reply::Simple("OK")
    }

    /// `DISCARD`
    pub fn discard(&mut self) -> Reply {
        self.commands.clear();
        match self.multi.take() {
            Some(_) => Reply::Simple("OK"),
            None => refused("DISCARD without MULTI"),
        }
    }

    /// A command could not even be read: EXEC will abort.
    pub fn spoil(&mut self) {
        if let Some(multi) = &mut self.multi {
            multi.failed = true;
        }
    }

    /// Queues a request that came by row `row` of the command table in so many bytes.
    pub fn queue(&mut self, request: Request, row: usize, bytes: usize, room: Room) -> Reply {
        let Some(multi) = &mut self.multi else {
            return refused("EXEC without MULTI");
        };
        multi.bytes += bytes;
        let Room {
            commands_max,
            bytes_max,
        } = room;
        let full = if multi.queued.len() >= commands_max {
            Some(format!("at most {commands_max} commands between MULTI and EXEC"))
        } else if multi.bytes > bytes_max {
            Some(format!(
                "at most {bytes_max} bytes of commands between MULTI and EXEC"
            ))
        } else {
            None
        };
        if let Some(full) = full {
            multi.failed = true;
            // It will not run: nothing more of it needs to be kept.
            multi.queued = Vec::new();
            self.commands = Vec::new();
            return Refusal::new(Code::Limit, full).into();
        }
        let queued = match request {
            Request::Engine(command) => {
                self.commands.push(unblocked(command));
                Queued::Engine
            }
            Request::Session(Session::Ping(None)) => Queued::Answered(Reply::Simple("PONG")),
            Request::Session(Session::Ping(Some(text)) | Session::Echo(text)) => {
                Queued::Answered(Reply::Bytes(text))
            }
            _ => {
                multi.failed = true;
                return refused(
                    "this command is not possible inside MULTI: it takes TICKET., AGENT. and QUEUE. commands, PING, ECHO; read the feed before or after",
                );
            }
        };
        multi.queued.push((row, queued));
        Reply::Simple("QUEUED")
    }

    /// `EXEC`: what is to be run, or why it is not.
    pub fn exec(&mut self) -> Result<Transaction, Reply> {
        let commands = std::mem::take(&mut self.commands);
        match self.multi.take() {
            None => Err(refused("EXEC without MULTI")),
            Some(multi) if multi.failed => Err(Refusal::new(
                Code::ExecAbort,
                "Transaction discarded because of previous errors.",
            )
            .into()),
            Some(multi) => Ok(Transaction {
                commands,
                order: multi.queued,
            }),
        }
    }
}

impl Transaction {
    /// Takes out the commands that are refused before they run; their replies keep their places.
    pub fn refuse(&mut self, why: impl Fn(usize) -> Option<Refusal>) {
        let mut kept = Vec::with_capacity(self.commands.len());
        let mut commands = std::mem::take(&mut self.commands).into_iter();
        for (row, queued) in &mut self.order {
            if let Queued::Engine = queued
                && let Some(command) = commands.next()
            {
                match why(*row) {
                    Some(refusal) => *queued = Queued::Answered(refusal.into()),
                    None => kept.push(command),
                }
            }
        }
        self.commands = kept;
    }

    /// The replies in the order of the commands, given the engine's; the row of each command beside it.
    pub fn replies(self, engine: Vec<Reply>) -> (Vec<usize>, Vec<Reply>) {
        let mut engine = engine.into_iter();
        let all = self.order.into_iter().map(|(row, queued)| match queued {
            Queued::Engine => (row, engine.next().unwrap_or(Reply::Null)),
            Queued::Answered(reply) => (row, reply),
        });
        all.unzip()
    }
}

/// Nothing blocks inside a transaction.
fn unblocked(command: Command) -> Command {
    match command {
        Command::Agent(AgentCommand {
            id,
            op: AgentOp::Next { .. },
            common,
        }) => Command::Agent(AgentCommand {
            id,
            op: AgentOp::Next { block_ms: None },
            common,
        }),
        other => other,
    }
}

fn refused(message: &str) -> Reply {
    Refusal::new(Code::Err, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::Read;

    const ROOM: Room = Room {
        commands_max: 8,
        bytes_max: 100,
    };

    fn look() -> Request {
        Request::Engine(Command::Read(Read::QueueList))
    }

    fn code(reply: &Reply) -> &'static str {
        match reply {
            Reply::Refused(refusal) => refusal.code.as_str(),
            _ => "",
        }
    }

    #[test]
    fn replies_stand_in_the_order_of_the_commands() {
        let mut pending = Pending::default();
        assert_eq!(pending.begin(), Reply::Simple("OK"));
        let requests = [look(), Request::Session(Session::Ping(None)), look()];
        for (row, request) in requests.into_iter().enumerate() {
            assert_eq!(pending.queue(request, row, 33, ROOM), Reply::Simple("QUEUED"));
        }
        let transaction = pending.exec().unwrap();
        assert_eq!(transaction.commands.len(), 2);
        let (rows, replies) = transaction.replies(vec![Reply::Int(1), Reply::Int(2)]);
        assert_eq!(rows, [0, 1, 2]);
        assert_eq!(replies, [Reply::Int(1), Reply::Simple("PONG"), Reply::Int(2)]);
        assert!(!pending.is_open());
    }

    #[test]
    fn refused_commands_do_not_run_and_keep_their_places() {
        let mut pending = Pending::default();
        pending.begin();
        for row in 0..4 {
            pending.queue(look(), row, 9, ROOM);
        }
        let mut transaction = pending.exec().unwrap();
        let full = || Refusal::new(Code::DiskFull, "no room");
        transaction.refuse(|row| (row % 2 == 0).then(full));
        assert_eq!(transaction.commands.len(), 2);
        let (rows, replies) = transaction.replies(vec![Reply::Int(1), Reply::Int(2)]);
        assert_eq!(rows, [0, 1, 2, 3]);
        let refused = || Reply::Refused(full());
        assert_eq!(replies, [refused(), Reply::Int(1), refused(), Reply::Int(2)]);
    }

    #[test]
    fn what_cannot_be_queued_aborts() {
        for spoil in [
            |p: &mut Pending| p.spoil(),
            |p: &mut Pending| {
                assert_eq!(
                    code(&p.queue(Request::Session(Session::Snapshot), 0, 9, ROOM)),
                    "ERR"
                )
            },
            |p: &mut Pending| {
                let room = Room {
                    commands_max: 1,
                    ..ROOM
                };
                assert_eq!(code(&p.queue(look(), 0, 9, room)), "LIMIT");
            },
            |p: &mut Pending| assert_eq!(code(&p.queue(look(), 0, 92, ROOM)), "LIMIT"),
            |p: &mut Pending| assert_eq!(code(&p.begin()), "ERR"),
        ] {
            let mut pending = Pending::default();
            pending.begin();
            assert_eq!(pending.queue(look(), 0, 9, ROOM), Reply::Simple("QUEUED"));
            spoil(&mut pending);
            assert_eq!(code(&pending.exec().unwrap_err()), "EXECABORT");
            assert!(!pending.is_open());
            pending.begin();
            assert!(
                pending.exec().unwrap().commands.is_empty(),
                "nothing is left over"
            );
        }
    }

    #[test]
    fn a_waiting_next_does_not_wait_inside() {
        let mut pending = Pending::default();
        pending.begin();
        let next = AgentCommand {
            id: "a".into(),
            op: AgentOp::Next { block_ms: Some(5) },
            common: None,
        };
        pending.queue(Request::Engine(Command::Agent(next)), 0, 9, ROOM);
        let transaction = pending.exec().unwrap();
        assert!(matches!(
            &transaction.commands[0],
            Command::Agent(AgentCommand {
                op: AgentOp::Next { block_ms: None },
                ..
            })
        ));
    }
}
