//! One client's task: bytes → requests → the core, and the waits of what blocks.
//!
//! A turn takes what has arrived, at most `TURN_COMMANDS_MAX` commands so that nobody has to wait long for the
//! others, with one reading of the clock. Replies that wait for nothing leave at the end of the turn in one
//! write; the rest leave when the log has come far enough, without this task being woken.

use super::core::{CoreRef, Executed, Phase};
use super::multi::Pending;
use super::peer::Peer;
use super::session::{self, Said};
use crate::model::UnixMs;
use crate::model::clock::ClockCommand;
use crate::model::command::{Command, Feed, Request, Session};
use crate::model::reply::Reply;
use crate::model::versions::PolicyCommand;
use crate::wire::table::{self, Flags, InMulti};
use crate::wire::{Framed, Framer};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::time::{Instant, Sleep};

/// Commands executed before others get their turn.
const TURN_COMMANDS_MAX: usize = 256;
/// Room for input at first, and what an idle connection keeps, bytes.
const INPUT_BYTES_MIN: usize = 8 * 1024;
/// Room for input grows up to this by itself; further only for one request that is larger.
const INPUT_BYTES_EASY: usize = 64 * 1024;
/// How long a client that was told to go may take to read why.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(5);

/// One client.
pub struct Connection {
    pub(super) core: CoreRef,
    pub(super) peer: Rc<Peer>,
    read: OwnedReadHalf,
    framer: Framer,
    /// What has arrived: `[start, filled)` is still to be looked at.
    input: Vec<u8>,
    start: usize,
    filled: usize,
    multi: Pending,
    /// Place of the present command in the table, and when its turn began.
    row: usize,
    since: std::time::Instant,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// The task was woken: look again.
    Signal,
    /// More input.
    Input,
    /// The time is up.
    Timeout,
    /// The client is gone, or has to go.
    Gone,
}

/// What a turn left to be waited for.
pub(super) enum Then {
    /// Go on.
    Next,
    /// More input is needed.
    Starved,
    /// The request has to wait until the log has been read.
    Load(Request),
    /// AGENT.NEXT waits.
    Ticket(u64, Option<u64>),
    /// A long read goes on.
    Scan(Box<crate::engine::Scan>),
    /// A read of the feed.
    Feed(Feed),
    /// Moves the clock, or says which one holds.
    Clock(ClockCommand),
    /// A snapshot was asked for.
    Snapshot,
    /// Policies are to be loaded, or tickets migrated.
    Policy(Box<PolicyCommand>),
    /// Go down, or say good-bye to this client alone.
    Goodbye,
}

/// Serves one client until it goes.
pub async fn serve(core: CoreRef, stream: UnixStream) {
    use std::os::fd::AsRawFd;
    let (peer, framer) = {
        let mut core_now = core.borrow_mut();
        let clients = core_now.shared.clients.clone();
        let client = clients.enter(stream.as_raw_fd());
        let (read, write) = stream.into_split();
        let peer = Peer::new(client, clients, write, core_now.limits.output_bytes_max);
        core_now.enter(peer.clone());
        (peer, (Framer::new(core_now.limits.wire.clone()), read))
    };
    let (framer, read) = framer;
    let mut connection = Connection {
        core: core.clone(),
        peer: peer.clone(),
        read,
        framer,
        input: Vec::new(),
        start: 0,
        filled: 0,
        multi: Pending::default(),
        row: usize::MAX,
        since: std::time::Instant::now(),
    };
    connection.run().await;
    core.borrow_mut().leave(&peer);
}

impl Connection {
    async fn run(&mut self) {
        loop {
            if self.peer.is_broken() {
                return;
            }
            if self.core.borrow().phase == Phase::Stopping {
                return self.goodbye().await;
            }
            if self.held_up().await == Woken::Gone {
                return;
            }
            let go_on = match self.turn() {
                Then::Next => {
                    tokio::task::yield_now().await;
                    true
                }
                Then::Starved => self.until(None).await != Woken::Gone,
                Then::Load(request) => self.load(request).await,
                Then::Ticket(waiter, block_ms) => self.ticket(waiter, block_ms).await,
                Then::Scan(scan) => self.scan(scan).await,
                Then::Feed(feed) => self.feed(feed).await,
                Then::Clock(clock) => self.clock(clock).await,
                Then::Snapshot => self.snapshot().await,
                Then::Policy(command) => self.policy(*command).await,
                Then::Goodbye => return self.goodbye().await,
            };
            if !go_on {
                return;
            }
        }
    }

    /// Takes nothing new while the log has too much to catch up with, a virtual clock is on its way, or this client's pipeline is as long as it may be.
    pub(super) async fn held_up(&mut self) -> Woken {
        loop {
            {
                let core = self.core.borrow();
                if !core.is_busy() && self.peer.waiting() < core.limits.pipeline_max {
                    return Woken::Signal;
                }
            }
            self.core.borrow_mut().hold_up(&self.peer);
            if self.peer_until(None).await == Woken::Gone {
                return Woken::Gone;
            }
        }
    }

    /// Executes what has arrived, up to a turn's worth.
    fn turn(&mut self) -> Then {
        let core = self.core.clone();
        let mut core = core.borrow_mut();
        let now = core.now();
        let since = std::time::Instant::now();
        let mut commands = 0;
        let then = loop {
            if commands == TURN_COMMANDS_MAX {
                break Then::Next;
            }
            let input = &self.input[self.start..self.filled];
            match self.framer.next(input) {
                Ok(Framed::NeedMore) => break Then::Starved,
                Ok(Framed::Empty { used }) => self.start += used,
                Ok(Framed::Command { used }) => {
                    commands += 1;
                    let parsed = crate::wire::parse(self.framer.args(input), &core.limits.caps);
                    self.start += used;
                    let then = match parsed {
                        Ok(parsed) => {
                            self.row = table::index_of(parsed.row.name.as_bytes()).unwrap_or(usize::MAX);
                            self.since = since;
                            self.take(&mut core, now, parsed, used)
                        }
                        Err(refusal) => {
                            self.multi.spoil();
                            (self.row, self.since) = (usize::MAX, since);
                            self.say_counted(&mut core, &refusal.into());
                            Then::Next
                        }
                    };
                    if !matches!(then, Then::Next) {
                        break then;
                    }
                }
                Err(broken) => {
                    self.say(&core, &broken.0.into());
                    break Then::Goodbye;
                }
            }
        };
        if commands > 0 {
            core.end_turn();
            core.settle_peer(&self.peer);
            core.shared.count_commands(commands as u64);
            if let Some(meter) = &mut core.meter {
                meter.turn(since.elapsed());
            }
            let protocol = session::number(self.peer.protocol.get());
            self.peer.client.active(commands as u64, protocol);
            self.peer.client.doing(false, self.multi.is_open());
        }
        then
    }

    /// One request.
    fn take(
        &mut self,
        core: &mut super::core::Core,
        now: UnixMs,
        parsed: crate::wire::Parsed,
        bytes: usize,
    ) -> Then {
        let crate::wire::Parsed { row, request } = parsed;
        if self.multi.is_open() && row.in_multi != InMulti::AtOnce {
            let reply = self.multi.queue(request, self.row, bytes, core.limits.multi);
            if matches!(reply, Reply::Refused(_)) {
                self.say_counted(core, &reply);
            } else {
                // It counts when EXEC runs it.
                self.say(core, &reply);
            }
            return Then::Next;
        }
        if core.phase == Phase::Loading && !row.flags.has(Flags::LOADING) {
            return Then::Load(request);
        }
        self.carry_out(core, now, request)
    }

    /// A request that has to wait for nothing, unless the disk is too full for it.
    pub(super) fn carry_out(&mut self, core: &mut super::core::Core, now: UnixMs, request: Request) -> Then {
        if let Some(refusal) = core.disk_refusal(self.row) {
            let reply = refusal.into();
            core.count(self.row, &reply, self.since);
            self.peer.reply(&reply, core.released(), core.released());
            return Then::Next;
        }
        match request {
            Request::Engine(command) => self.engine(core, now, &command),
            Request::Feed(feed) => Then::Feed(feed),
            Request::Session(session) => self.session(core, now, session),
        }
    }

    pub(super) fn engine(&mut self, core: &mut super::core::Core, now: UnixMs, command: &Command) -> Then {
        match core.execute(now, command, &self.peer) {
            Executed::Done(reply) => {
                self.say_counted(core, &reply);
                Then::Next
            }
            Executed::Waiting(waiter) => Then::Ticket(waiter, block_ms(command)),
            Executed::Scan(scan) => Then::Scan(scan),
        }
    }

    pub(super) fn session(&mut self, core: &mut super::core::Core, now: UnixMs, session: Session) -> Then {
        match session {
            Session::Multi => {
                let reply = self.multi.begin();
                self.say_counted(core, &reply);
            }
            Session::Discard => {
                let reply = self.multi.discard();
                self.say_counted(core, &reply);
            }
            Session::Exec => {
                let reply = match self.multi.exec() {
                    Ok(mut transaction) => {
                        transaction.refuse(|row| core.disk_refusal(row));
                        let ran = !transaction.commands.is_empty();
                        let replies = core.execute_all(now, &transaction.commands);
                        let (rows, replies) = transaction.replies(replies);
                        for (row, reply) in rows.into_iter().zip(&replies) {
                            core.count(row, reply, self.since);
                        }
                        let reply = Reply::List(replies);
                        if !ran {
                            // It saw nothing, so that it waits for nothing: least of all on a full disk.
                            core.count(self.row, &reply, self.since);
                            self.peer.reply(&reply, core.released(), core.released());
                            return Then::Next;
                        }
                        reply
                    }
                    Err(refused) => refused,
                };
                self.say_counted(core, &reply);
            }
            Session::Reset => {
                let _ = self.multi.discard();
                session::reset(core, &self.peer);
                self.say_counted(core, &Reply::Simple("RESET"));
            }
            Session::Clock(clock) => return Then::Clock(clock),
            Session::Snapshot => return Then::Snapshot,
            Session::Policy(command) => return Then::Policy(command),
            Session::Quit => {
                self.say_counted(core, &Reply::Simple("OK"));
                return Then::Goodbye;
            }
            Session::Shutdown => {
                core.stop.raise();
                return Then::Goodbye;
            }
            other => match session::answer(core, &self.peer, other) {
                Said::Reply(reply) => self.say_counted(core, &reply),
                Said::Encoded(bytes) => {
                    core.count(self.row, &Reply::Null, self.since);
                    let (seq, released) = (core.seq(), core.released());
                    self.peer
                        .encoded(seq, released, |out, _| out.extend_from_slice(&bytes));
                }
            },
        }
        Then::Next
    }

    /// Replies with what was seen up to now.
    pub(super) fn say(&self, core: &super::core::Core, reply: &Reply) {
        self.peer.reply(reply, core.seq(), core.released());
    }

    /// As [`Connection::say`], and counts the command.
    pub(super) fn say_counted(&self, core: &mut super::core::Core, reply: &Reply) {
        core.count(self.row, reply, self.since);
        self.say(core, reply);
    }

    /// Replies outside a turn, counts the command, and writes what may leave.
    pub(super) fn say_now(&self, reply: &Reply) {
        let mut core = self.core.borrow_mut();
        self.say_counted(&mut core, reply);
        core.settle_peer(&self.peer);
    }

    /// Counts a command that was answered otherwise.
    pub(super) fn count_answered(&self, reply: &Reply) {
        self.core.borrow_mut().count(self.row, reply, self.since);
    }

    /// A wait is over: what it took is no time of the command's.
    pub(super) fn waited(&mut self) {
        self.since = std::time::Instant::now();
    }

    /// Gives the client a moment to read what it was told, then lets it go.
    pub(super) async fn goodbye(&mut self) {
        let deadline = Instant::now() + GOODBYE;
        self.peer.leaves();
        self.core.borrow_mut().settle_peer(&self.peer);
        while !self.peer.is_drained() && !self.peer.is_broken() {
            // Input no longer matters; reading on would only keep a hostile client.
            if self.peer_until(Some(deadline)).await == Woken::Timeout {
                return;
            }
        }
    }

    /// Waits for input, a signal or the deadline; writes on meanwhile when the socket was full.
    pub(super) async fn until(&mut self, deadline: Option<Instant>) -> Woken {
        self.make_room();
        if self.filled == self.input.len() {
            // As much as one request may be has arrived and waits behind a blocking command: nothing more is read, so
            // that the close has to be asked for by itself. `PRIORITY` stands for it alone, `READABLE` is ready already.
            let mut sleep = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
            let signal = std::future::poll_fn(|cx| poll_peer(&self.peer, sleep.as_mut(), cx));
            return tokio::select! {
                biased;
                woken = signal => woken,
                _ = self.read.ready(Interest::PRIORITY) => Woken::Gone,
            };
        }
        let mut sleep = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
        let (peer, read, input) = (&self.peer, &mut self.read, &mut self.input);
        let filled = &mut self.filled;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(woken) = poll_peer(peer, sleep.as_mut(), cx) {
                return Poll::Ready(woken);
            }
            let mut room = ReadBuf::new(&mut input[*filled..]);
            match Pin::new(&mut *read).poll_read(cx, &mut room) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) if !room.filled().is_empty() => {
                    *filled += room.filled().len();
                    Poll::Ready(Woken::Input)
                }
                Poll::Ready(_) => Poll::Ready(Woken::Gone),
            }
        })
        .await
    }

    /// As [`Connection::until`], without reading.
    pub(super) async fn peer_until(&mut self, deadline: Option<Instant>) -> Woken {
        let mut sleep = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
        std::future::poll_fn(|cx| poll_peer(&self.peer, sleep.as_mut(), cx)).await
    }

    /// Moves what is still to be looked at to the front and grows the room if that is all there is.
    fn make_room(&mut self) {
        if self.start == self.filled {
            (self.start, self.filled) = (0, 0);
            if self.input.len() > INPUT_BYTES_EASY {
                self.input = Vec::new();
            }
        } else if self.start > 0 && self.filled == self.input.len() {
            self.input.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.filled == self.input.len() {
            let limits = &self.core.borrow().limits;
            let most = limits
                .wire
                .request_bytes_max
                .max(limits.wire.inline_bytes_max)
                .max(INPUT_BYTES_EASY)
                + 2;
            let room = (self.input.len() * 2).clamp(INPUT_BYTES_MIN, most.max(self.filled));
            self.input.resize(room, 0);
        }
    }
}

/// How long a blocking command may wait; 0 means for ever, as Redis has it.
pub(super) fn deadline(block_ms: Option<u64>) -> Option<Instant> {
    let ms = block_ms.filter(|ms| *ms > 0)?;
    Instant::now().checked_add(std::time::Duration::from_millis(ms))
}

fn block_ms(command: &Command) -> Option<u64> {
    use crate::model::command::{AgentCommand, AgentOp};
    match command {
        Command::Agent(AgentCommand {
            op: AgentOp::Next { block_ms },
            ..
        }) => *block_ms,
        _ => None,
    }
}

fn poll_peer(
    peer: &Peer,
    sleep: Option<&mut Pin<Box<Sleep>>>,
    cx: &mut std::task::Context<'_>,
) -> Poll<Woken> {
    if peer.is_full() {
        peer.poll_room(cx);
        if !peer.is_full() {
            return Poll::Ready(Woken::Signal);
        }
    }
    if peer.wake.poll(cx).is_ready() {
        return Poll::Ready(if peer.is_broken() {
            Woken::Gone
        } else {
            Woken::Signal
        });
    }
    match sleep.map(|s| s.as_mut().poll(cx)) {
        Some(Poll::Ready(())) => Poll::Ready(Woken::Timeout),
        _ => Poll::Pending,
    }
}
