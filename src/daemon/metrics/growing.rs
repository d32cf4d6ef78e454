//! Families that get rows while the daemon runs: a policy that is loaded later brings labels of its own.
//!
//! Rows come in blocks behind those that there are, so that a place stays what it is. The one writer keeps its own list of
//! the blocks: recording takes no lock, only a search over as many blocks as there were loads with new labels. Whoever is
//! asked for the page copies the list, and the lock is held for that alone. Nothing is ever taken out: [`ROWS_MAX`] bounds
//! what a site that renames everything every day may come to.

use super::cells::{Cells, Rows};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows of a family at most, some 600 bytes each. What comes later counts under `other`.
pub const ROWS_MAX: usize = 1 << 18;
/// Queues with rows of their own at most; each has some thirty series.
pub const QUEUES_MAX: usize = 1 << 14;
const _: () = assert!(QUEUES_MAX * 3 < ROWS_MAX);

/// Rows that came together, and their cells.
pub(super) struct Block {
    pub(super) rows: Rows,
    pub(super) cells: Cells,
}

/// The blocks of a family, as the page shows them.
#[derive(Clone, Default)]
pub(super) struct Blocks(Arc<Mutex<Vec<Arc<Block>>>>);

impl Blocks {
    /// Those that there are now.
    pub(super) fn all(&self) -> Vec<Arc<Block>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cells of a family for its one writer. A place that there is not is ignored.
pub struct Growing {
    shown: Blocks,
    /// Cells a row.
    width: usize,
    /// What a new cell holds.
    blank: u64,
    /// Each with the number of cells before it.
    blocks: Vec<(usize, Cells)>,
    rows: usize,
}

impl Growing {
    /// A family without rows, and what the page shows of it.
    pub(super) fn new(width: usize, blank: u64) -> (Growing, Blocks) {
        let shown = Blocks::default();
        let growing = Growing {
            shown: shown.clone(),
            width,
            blank,
            blocks: Vec::new(),
            rows: 0,
        };
        (growing, shown)
    }

    /// Number of rows; the place of the next one.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows that there is still room for.
    pub fn room(&self) -> usize {
        ROWS_MAX.saturating_sub(self.rows)
    }

    /// Adds rows behind those that there are.
    pub fn grow(&mut self, rows: Rows) {
        if rows.is_empty() {
            return;
        }
        let cells = Cells::new(rows.len() * self.width);
        if self.blank != 0 {
            (0..rows.len() * self.width).for_each(|place| cells.set(place, self.blank));
        }
        self.blocks.push((self.rows * self.width, cells.clone()));
        self.rows += rows.len();
        self.shown.lock().push(Arc::new(Block { rows, cells }));
    }

    /// The cells that alone there are as yet; those of a family that never grows.
    pub(super) fn only(&self) -> Cells {
        let first = self.blocks.first();
        first.map_or_else(|| Cells::new(0), |(_, cells)| cells.clone())
    }

    /// The block in which this cell is, and its place there.
    fn find(&self, place: usize) -> Option<(&Cells, usize)> {
        let behind = self.blocks.partition_point(|(before, _)| *before <= place);
        let (before, cells) = self.blocks.get(behind.checked_sub(1)?)?;
        Some((cells, place - before))
    }

    /// Adds to a counter.
    pub fn add(&self, place: usize, n: u64) {
        if let Some((cells, place)) = self.find(place) {
            cells.add(place, n);
        }
    }

    /// Sets a gauge.
    pub fn set(&self, place: usize, value: u64) {
        if let Some((cells, place)) = self.find(place) {
            cells.set(place, value);
        }
    }

    /// The cells of a row of a histogram, and where they begin in the block.
    pub(super) fn row(&self, row: usize) -> Option<(&Cells, usize)> {
        self.find(row * self.width).filter(|_| row < self.rows)
    }
}
