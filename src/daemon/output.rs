//! What a connection still has to be told: encoded replies, each with the seq that must be as durable as promised
//! before the client may see it.
//!
//! All replies stand in one buffer; a queue of (seq, end) marks says how far it may be written. Replies that wait for
//! the same seq share a mark, so a pipeline of reads costs one. Nothing is copied on release. The buffer's size is
//! the caller's to bound ([`Outbox::pending_bytes`]).

use crate::model::Seq;
use std::collections::VecDeque;

/// A buffer larger than this is given back once it is empty, bytes.
const KEEP_BYTES_MAX: usize = 64 * 1024;

/// The encoded replies of one connection, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    /// Up to here the bytes were written to the socket.
    written: usize,
    /// Up to here they may be.
    releasable: usize,
    /// What each further stretch waits for: seq, end, replies. Seqs and ends both grow.
    marks: VecDeque<(Seq, usize, usize)>,
    /// Replies in `marks`.
    waiting: usize,
}

impl Outbox {
    /// Where to encode the next reply; close it with [`Outbox::sealed`].
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// All that was encoded since the last call waits until `seq` is released. Order is kept: a reply never
    /// overtakes an earlier one that waits for more.
    pub fn sealed(&mut self, seq: Seq, released: Seq) {
        let end = self.bytes.len();
        if self.marks.is_empty() && seq <= released {
            self.releasable = end;
            return;
        }
        self.waiting += 1;
        match self.marks.back_mut() {
            Some((last, mark_end, replies)) if *last >= seq => (*mark_end, *replies) = (end, *replies + 1),
            _ => self.marks.push_back((seq, end, 1)),
        }
    }

    /// Everything up to `released` may be seen now. Tells whether there is anything to write.
    pub fn release(&mut self, released: Seq) -> bool {
        while let Some(&(seq, end, replies)) = self.marks.front()
            && seq <= released
        {
            self.releasable = end;
            self.waiting -= replies;
            self.marks.pop_front();
        }
        self.written < self.releasable
    }

    /// What may be written now.
    pub fn writable(&self) -> &[u8] {
        &self.bytes[self.written..self.releasable]
    }

    /// `count` bytes of [`Outbox::writable`] were written.
    pub fn wrote(&mut self, count: usize) {
        self.written = (self.written + count).min(self.releasable);
        if self.written == self.bytes.len() {
            (self.written, self.releasable) = (0, 0);
            if self.bytes.capacity() > KEEP_BYTES_MAX {
                self.bytes = Vec::new();
            } else {
                self.bytes.clear();
            }
        } else if self.written >= KEEP_BYTES_MAX && self.written * 2 >= self.bytes.len() {
            let gone = self.written;
            self.bytes.drain(..gone);
            self.written = 0;
            self.releasable -= gone;
            for (_, end, _) in &mut self.marks {
                *end -= gone;
            }
        }
    }

    /// Bytes not written yet, released or not.
    pub fn pending_bytes(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Replies that still wait for a release.
    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(outbox: &mut Outbox, text: &str, seq: Seq, released: Seq) {
        outbox.bytes().extend_from_slice(text.as_bytes());
        outbox.sealed(seq, released);
    }

    #[test]
    fn replies_leave_in_order_and_not_before_their_seq() {
        let mut outbox = Outbox::default();
        put(&mut outbox, "a", 5, 4);
        put(&mut outbox, "b", 4, 4); // could leave by itself, but stands behind `a`
        put(&mut outbox, "c", 6, 4);
        assert!(!outbox.release(4) && outbox.writable().is_empty());
        assert!(outbox.release(5));
        assert_eq!(outbox.writable(), b"ab");
        outbox.wrote(2);
        assert!(outbox.waiting() == 1 && outbox.release(6));
        assert_eq!(outbox.writable(), b"c");
        outbox.wrote(1);
        assert_eq!(outbox.pending_bytes(), 0);
        assert_eq!(outbox.waiting(), 0);
    }

    #[test]
    fn what_waits_for_nothing_leaves_at_once() {
        let mut outbox = Outbox::default();
        put(&mut outbox, "+PONG\r\n", 7, 7);
        assert_eq!(outbox.writable(), b"+PONG\r\n");
    }

    #[test]
    fn partial_writes_of_a_long_buffer_keep_their_place() {
        let mut outbox = Outbox::default();
        let long: String = (0..200_000).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
        put(&mut outbox, &long, 1, 1);
        put(&mut outbox, "tail", 2, 1);
        let mut seen = Vec::new();
        while !outbox.writable().is_empty() {
            let count = outbox.writable().len().min(70_001);
            seen.extend_from_slice(&outbox.writable()[..count]);
            outbox.wrote(count);
        }
        assert_eq!(seen, long.as_bytes());
        assert!(outbox.release(2));
        assert_eq!(outbox.writable(), b"tail");
    }
}
