//! One connection as the rest of the core sees it: where its replies go, and how its task is woken.
//!
//! Its own task reads and executes; anybody on the core thread may answer it (a timer that hands it a ticket, a commit
//! that releases its replies). A write is one system call for everything that may leave; what the socket does not
//! take is left to the connection's own task, which waits for room.

use super::clients::{Client, Clients};
use super::output::Outbox;
use super::wake::Wake;
use crate::model::Seq;
use crate::model::reply::Reply;
use crate::wire::Protocol;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::unix::OwnedWriteHalf;

/// The shared half of a connection.
#[derive(Debug)]
pub struct Peer {
    /// As the registry knows it.
    pub client: Arc<Client>,
    /// Protocol version in use.
    pub protocol: Cell<Protocol>,
    /// Wakes its task: an answer came, the log caught up, it was killed, the socket is full.
    pub wake: Wake,
    outbox: RefCell<Outbox>,
    write: RefCell<OwnedWriteHalf>,
    /// The socket took less than it was given: its task must wait for room.
    full: Cell<bool>,
    /// Broken socket, killed, or cut off: its task must end.
    broken: Cell<bool>,
    /// It stands in the core's list of those that wait for a release.
    listed: Cell<bool>,
    /// What its blocking command was answered.
    answered: RefCell<Option<Reply>>,
    /// Its task waits for the last byte to be written.
    leaving: Cell<bool>,
    output_bytes_max: usize,
    clients: Arc<Clients>,
}

impl Peer {
    /// The shared half of a new connection.
    pub fn new(
        client: Arc<Client>,
        clients: Arc<Clients>,
        write: OwnedWriteHalf,
        output_bytes_max: usize,
    ) -> Rc<Peer> {
        Rc::new(Peer {
            client,
            protocol: Cell::new(Protocol::V2),
            wake: Wake::default(),
            outbox: RefCell::new(Outbox::default()),
            write: RefCell::new(write),
            full: Cell::new(false),
            broken: Cell::new(false),
            listed: Cell::new(false),
            answered: RefCell::default(),
            leaving: Cell::new(false),
            output_bytes_max,
            clients,
        })
    }

    /// Encodes a reply that may be seen once `seq` is released.
    pub fn reply(&self, reply: &Reply, seq: Seq, released: Seq) {
        self.encoded(seq, released, |bytes, protocol| {
            crate::wire::encode::reply(bytes, protocol, reply);
        });
    }

    /// As [`Peer::reply`], for what is encoded otherwise.
    pub fn encoded(&self, seq: Seq, released: Seq, encode: impl FnOnce(&mut Vec<u8>, Protocol)) {
        let mut outbox = self.outbox.borrow_mut();
        encode(outbox.bytes(), self.protocol.get());
        outbox.sealed(seq, released);
        if outbox.pending_bytes() > self.output_bytes_max && !self.broken.replace(true) {
            self.clients.count_cut_off();
            tracing::warn!(
                client = self.client.id,
                pending_bytes = outbox.pending_bytes(),
                "cut off a client that does not take its replies"
            );
            self.wake.raise();
        }
    }

    /// Answers its blocking command and wakes its task.
    pub fn answer(&self, reply: Reply, seq: Seq, released: Seq) {
        self.reply(&reply, seq, released);
        self.answered.replace(Some(reply));
        self.wake.raise();
    }

    /// What its blocking command was answered since the last look.
    pub fn take_answered(&self) -> Option<Reply> {
        self.answered.take()
    }

    /// Writes what may be seen once `released` is: at most one system call unless the socket takes it in parts.
    pub fn flush(&self, released: Seq) {
        let mut outbox = self.outbox.borrow_mut();
        if !outbox.release(released) || self.full.get() || self.broken.get() {
            return;
        }
        let write = self.write.borrow();
        while !outbox.writable().is_empty() {
            match write.try_write(outbox.writable()) {
                Ok(0) => return self.end(),
                Ok(count) => outbox.wrote(count),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.full.set(true);
                    self.wake.raise();
                    break;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.end(),
            }
        }
        self.client.owes(outbox.pending_bytes());
        if self.leaving.get() && outbox.pending_bytes() == 0 {
            self.wake.raise();
        }
    }

    /// Is the socket full? Then wait with [`Peer::poll_room`].
    pub fn is_full(&self) -> bool {
        self.full.get()
    }

    /// Writes on when the socket has room again. Called by its own task, which is woken for it.
    pub fn poll_room(&self, cx: &mut std::task::Context<'_>) {
        use tokio::io::AsyncWrite;
        let mut outbox = self.outbox.borrow_mut();
        let mut write = self.write.borrow_mut();
        while !outbox.writable().is_empty() {
            match std::pin::Pin::new(&mut *write).poll_write(cx, outbox.writable()) {
                std::task::Poll::Pending => return,
                std::task::Poll::Ready(Ok(count)) if count > 0 => outbox.wrote(count),
                std::task::Poll::Ready(_) => return self.end(),
            }
        }
        self.full.set(false);
        self.client.owes(outbox.pending_bytes());
    }

    /// Marks the connection as broken and wakes its task, which then ends.
    pub fn end(&self) {
        self.broken.set(true);
        self.wake.raise();
    }

    /// Must its task end?
    pub fn is_broken(&self) -> bool {
        self.broken.get() || self.client.is_killed()
    }

    /// Has everything been written?
    pub fn is_drained(&self) -> bool {
        self.outbox.borrow().pending_bytes() == 0
    }

    /// Replies that wait for a release.
    pub fn waiting(&self) -> usize {
        self.outbox.borrow().waiting()
    }

    /// From now on its task is woken once everything has been written.
    pub fn leaves(&self) {
        self.leaving.set(true);
    }

    /// Notes whether it stands in the core's list; tells whether it did.
    pub fn list(&self, listed: bool) -> bool {
        self.listed.replace(listed)
    }
}
