//! What the writer shows to readers: the segments, and how far each one may be read.

use super::disk::Disk;
use super::recycle::Recycler;
use super::segment::Segment;
use crate::collections::sync::AtomicU64;
use crate::model::Seq;
#[cfg(all(test, feature = "model-check"))]
use loom::sync::RwLock;
#[cfg(not(all(test, feature = "model-check")))]
use std::sync::RwLock;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

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

#[cfg(all(test, feature = "model-check"))]
mod model_check {
    use super::*;
    use crate::journal::disk::{Bytes, DiskFile};
    use crate::journal::format::DATA_START;
    use crate::journal::frame::Salt;
    use crate::journal::sim::SimDisk;
    use std::sync::atomic::AtomicBool;

    /// A file that is never read: what is looked at is who may read it.
    #[derive(Debug)]
    struct NoFile;

    impl DiskFile for NoFile {
        fn len(&self) -> std::io::Result<u64> {
            Ok(0)
        }
        fn write_at(&self, _: &[u8], _: u64) -> std::io::Result<()> {
            Ok(())
        }
        fn zero_fill(&self, _: u64) -> std::io::Result<()> {
            Ok(())
        }
        fn truncate(&self, _: u64) -> std::io::Result<()> {
            Ok(())
        }
        fn is_linked_elsewhere(&self) -> std::io::Result<bool> {
            Ok(false)
        }
        fn sync(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn read(&self, _: u64, _: usize) -> std::io::Result<Bytes<'_>> {
            Ok(Bytes::Mapped(&[]))
        }
    }

    fn segment(id: u64, first_seq: Seq) -> Arc<Segment> {
        Arc::new(Segment {
            id,
            path: std::path::PathBuf::new(),
            file: Arc::new(NoFile),
            salt: Salt::new(1, id),
            epoch: 1,
            first_seq,
            created_at: 0,
            file_bytes: 1 << 20,
            end: AtomicU64::new(DATA_START),
            last_seq: AtomicU64::new(first_seq - 1),
            sealed: AtomicBool::new(false),
            digest: Default::default(),
            sidecar: Default::default(),
        })
    }

    /// Bytes of an event here.
    const EVENT: u64 = 64;

    /// A reader never meets a seq whose frame lies beyond the published end, nor a frame that was not written before.
    #[test]
    fn readers_see_no_seq_beyond_a_published_end() {
        loom::model(|| {
            let published = Arc::new(Published::new(
                Arc::new(SimDisk::new()),
                1,
                1 << 20,
                vec![segment(1, 1)],
                0,
            ));
            // What the file holds: how many events were written, with no ordering of its own.
            let file = Arc::new(AtomicU64::new(0));
            let (writes, disk) = (published.clone(), file.clone());
            let writer = loom::thread::spawn(move || {
                let first = writes.segments()[0].clone();
                disk.store(1, Ordering::Relaxed);
                first.show(DATA_START + EVENT, 1);
                writes.set_written(1);
                // The next one goes to another segment.
                let second = segment(2, 2);
                writes.add(second.clone());
                disk.store(2, Ordering::Relaxed);
                second.show(DATA_START + EVENT, 2);
                writes.set_written(2);
                writes.set_durable(2);
            });
            let durable = published.durable_seq();
            let written = published.written_seq();
            assert!(
                durable <= written,
                "durable is not ahead of written, looked at in this order"
            );
            let segments = published.segments();
            let last = segments.iter().map(|s| s.last_seq()).max().unwrap();
            assert!(
                last >= written,
                "{written} is written, the segments end with {last}"
            );
            for segment in segments.iter() {
                let last = segment.last_seq();
                let end = segment.end();
                let events = last + 1 - segment.first_seq;
                assert!(end >= DATA_START + events * EVENT, "seq {last} lies beyond {end}");
                assert!(
                    events == 0 || file.load(Ordering::Relaxed) >= last,
                    "seq {last} is shown before it is written"
                );
            }
            writer.join().unwrap();
        });
    }
}
