//! What the writer shows to readers: the segments, and how far each one may be read.

use super::disk::Disk;
use super::recycle::Recycler;
use super::segment::Segment;
use crate::model::Seq;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Shared by the writer (who alone adds), the keeper (who alone takes out) and any number of readers. The list is
/// replaced once a segment; everything else is a load.
#[derive(Debug)]
pub struct Published {
    disk: Arc<dyn Disk>,
    log_id: u64,
    recycler: Arc<Recycler>,
    retired: AtomicU64,
    written: AtomicU64,
    durable: AtomicU64,
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
}

impl Published {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        log_id: u64,
        segment_bytes: u64,
        segments: Vec<Arc<Segment>>,
        last_seq: Seq,
    ) -> Published {
        Published {
            disk,
            log_id,
            recycler: Arc::new(Recycler::new(segment_bytes)),
            retired: AtomicU64::new(0),
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

    /// Number of segments: what a restart or a history has files for.
    pub fn segment_count(&self) -> usize {
        self.segments().len()
    }

    /// Segments that retention took out since the log was opened.
    pub fn retired_count(&self) -> u64 {
        self.retired.load(Ordering::Relaxed)
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(super) fn log_id(&self) -> u64 {
        self.log_id
    }

    pub(super) fn recycler(&self) -> &Arc<Recycler> {
        &self.recycler
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

    /// Takes out the oldest segment if it is this one: from now on nobody begins to read it. Whoever holds an earlier list
    /// may still be at it.
    pub(super) fn take_oldest(&self, id: u64) -> Option<Arc<Segment>> {
        let mut list = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let oldest = list.first().filter(|s| s.id == id).map(Arc::clone)?;
        *list = Arc::new(list.iter().skip(1).map(Arc::clone).collect());
        self.retired.fetch_add(1, Ordering::Relaxed);
        Some(oldest)
    }

    pub(super) fn set_written(&self, seq: Seq) {
        self.written.store(seq, Ordering::Release);
    }

    pub(super) fn set_durable(&self, seq: Seq) {
        self.durable.store(seq, Ordering::Release);
    }
}
