//! What is known of one segment: where its frames stand, which events stand under which key, which tickets it has.
//!
//! Of a sealed segment that is an index file, of the active one (and of a sealed one whose file is not there yet) it is
//! grown in memory. Three locks, because postings and lives take ten times longer to grow than offsets.

use super::JournalError;
use super::lives::Lives;
use super::offsets::Offsets;
use super::postings::Postings;
use super::segment::Segment;
use super::sidecar::Sidecar;
use super::sidecar_blocks::Damaged;
use crate::model::Seq;
use crate::model::command::FeedKey;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// The parts in memory.
#[derive(Debug)]
pub(super) struct Index {
    offsets: Mutex<Offsets>,
    postings: Mutex<Postings>,
    lives: Mutex<Lives>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // An index is only ever extended by whole frames, so one left by a panicking thread is still right.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Index {
    /// One that has yet to grow.
    pub(super) fn new(segment: &Segment) -> Index {
        Index {
            offsets: Mutex::new(Offsets::new(segment)),
            postings: Mutex::new(Postings::new(segment)),
            lives: Mutex::new(Lives::new(segment)),
        }
    }

    /// Calls `f` with the offsets as they are now.
    pub(super) fn with_offsets<R>(
        &self,
        segment: &Segment,
        f: impl FnOnce(&Offsets) -> R,
    ) -> Result<R, JournalError> {
        let mut offsets = lock(&self.offsets);
        offsets.extend(segment)?;
        Ok(f(&offsets))
    }

    /// Calls `f` with the postings as they are now.
    pub(super) fn with_postings<R>(
        &self,
        segment: &Segment,
        f: impl FnOnce(&Postings) -> R,
    ) -> Result<R, JournalError> {
        let mut postings = lock(&self.postings);
        postings.extend(segment)?;
        Ok(f(&postings))
    }

    /// First seq that the postings have not taken in; `None`: somebody is at them now.
    pub(super) fn postings_reach(&self) -> Option<Seq> {
        match self.postings.try_lock() {
            Ok(postings) => Some(postings.next_seq()),
            Err(TryLockError::Poisoned(postings)) => Some(postings.into_inner().next_seq()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Calls `f` with the lives as they are now.
    pub(super) fn with_lives<R>(
        &self,
        segment: &Segment,
        f: impl FnOnce(&Lives) -> R,
    ) -> Result<R, JournalError> {
        let mut lives = lock(&self.lives);
        lives.extend(segment)?;
        Ok(f(&lives))
    }
}

/// Either of the two. `Ok(Err(Damaged))`: the file is not to be trusted, use memory.
pub(super) enum Known {
    File(Arc<Sidecar>),
    Memory(Arc<Index>),
}

/// What a look-up gives: an error of the segment's own, damage of its index file, or what was found.
pub(super) type Looked<T> = Result<Result<T, Damaged>, JournalError>;

impl Known {
    /// First seq and offset of the frame noted at or before `seq`.
    pub(super) fn offset_before(&self, segment: &Segment, seq: Seq) -> Looked<Option<(Seq, u64)>> {
        match self {
            Known::File(file) => Ok(file.offset_before(seq)),
            Known::Memory(index) => index.with_offsets(segment, |offsets| Ok(offsets.before(seq))),
        }
    }

    /// Up to `count` seqs under a key within `[low, high]`, from the low end or, in `reverse`, from the high one.
    pub(super) fn seqs(
        &self,
        segment: &Segment,
        key: &FeedKey,
        (low, high): (Seq, Seq),
        count: usize,
        reverse: bool,
    ) -> Looked<Vec<Seq>> {
        let index = match self {
            Known::File(file) => return Ok(file.seqs(key, low, high, count, reverse)),
            Known::Memory(index) => index,
        };
        index.with_postings(segment, |postings| {
            let seqs = postings.of(key).unwrap_or(&[]);
            let seq = |relative: &u32| segment.first_seq + u64::from(*relative);
            let start = seqs.partition_point(|r| seq(r) < low);
            let stop = seqs.partition_point(|r| seq(r) <= high);
            let window = &seqs[start..stop];
            let n = window.len().min(count);
            Ok(if reverse {
                window[window.len() - n..].iter().rev().map(seq).collect()
            } else {
                window[..n].iter().map(seq).collect()
            })
        })
    }

    /// Number of seqs under a key up to `upto_seq`.
    pub(super) fn count(&self, segment: &Segment, key: &FeedKey, upto_seq: Seq) -> Looked<u64> {
        match self {
            Known::File(file) => Ok(file.count(key, upto_seq)),
            Known::Memory(index) => index.with_postings(segment, |postings| {
                let seqs = postings.of(key).unwrap_or(&[]);
                Ok(seqs.partition_point(|r| segment.first_seq + u64::from(*r) <= upto_seq) as u64)
            }),
        }
    }

    /// The newest event of each of the ticket's lives, newest first; a few may be another ticket's of the same hash.
    pub(super) fn lives(&self, segment: &Segment, ticket: &str) -> Looked<Vec<Seq>> {
        match self {
            Known::File(file) => Ok(file.lives(ticket)),
            Known::Memory(index) => index.with_lives(segment, |lives| {
                let seqs = lives.of(ticket).into_iter();
                Ok(seqs.map(|r| segment.first_seq + u64::from(r)).collect())
            }),
        }
    }
}
