//! What the writer shows to readers: the segments, and how far each one may be read.

use super::segment::Segment;
use crate::model::Seq;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Shared by the writer (who alone stores) and any number of readers. The list is replaced once a segment; everything
/// else is a load.
#[derive(Debug)]
pub struct Published {
    written: AtomicU64,
    durable: AtomicU64,
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
}

impl Published {
    pub(super) fn new(segments: Vec<Arc<Segment>>, last_seq: Seq) -> Published {
        Published {
            written: AtomicU64::new(last_seq),
            durable: AtomicU64::new(0),
            segments: RwLock::new(Arc::new(segments)),
        }
    }

    /// Last seq handed to the system: safe against a kill of the process.
    pub fn written_seq(&self) -> Seq {
        self.written.load(Ordering::Acquire)
    }

    /// Last seq synced: safe against a loss of power.
    pub fn durable_seq(&self) -> Seq {
        self.durable.load(Ordering::Acquire)
    }

    /// First seq retained; `written_seq() + 1` when there is none.
    pub fn first_seq(&self) -> Seq {
        self.segments()
            .first()
            .map_or(self.written_seq() + 1, |s| s.first_seq)
    }

    /// Bytes of the frames of all segments.
    pub fn log_bytes(&self) -> u64 {
        self.segments().iter().map(|s| s.end()).sum()
    }

    /// The started segments, oldest first.
    pub(super) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn add(&self, segment: Arc<Segment>) {
        let mut list = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let mut longer = Vec::clone(&list);
        longer.push(segment);
        *list = Arc::new(longer);
    }

    pub(super) fn set_written(&self, seq: Seq) {
        self.written.store(seq, Ordering::Release);
    }

    pub(super) fn set_durable(&self, seq: Seq) {
        self.durable.store(seq, Ordering::Release);
    }
}
