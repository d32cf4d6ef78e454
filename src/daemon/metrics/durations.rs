//! Histograms of durations. Recording is wait-free: a search over some twenty bounds, one load and one store each for the
//! bucket and the sum.
//!
//! Counts are kept by the bounds that are shown, so they are exact at each of them; a recorder is not shared, so no
//! read-modify-write is needed. HDR recorders were the alternative: they round by a share of the value, take a lock and
//! allocate on the hot thread at every scrape, and hold back what an idle thread recorded last.

use super::cells::{Rows, family};
use super::growing::{Block, Blocks, Growing};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};
use std::time::Duration;

const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What the daemon does itself: the bounds of its own objectives (0.1 slice, 0.3 sync, 1.5 and 3 lateness, 0.4 to 15 replies, ms) are among them.
pub const FINE_BOUNDS: &[Duration] = &[
    us(50),
    us(100),
    us(200),
    us(300),
    us(400),
    us(700),
    us(1_000),
    us(1_500),
    us(2_000),
    us(3_000),
    us(5_000),
    us(6_000),
    us(8_000),
    us(15_000),
    us(50_000),
    us(100_000),
    us(500_000),
    s(1),
    s(5),
    s(30),
];

/// What people do: the budgets of the built-in policies are among the bounds.
pub const BUSINESS_BOUNDS: &[Duration] = &[
    s(10),
    s(30),
    s(60),
    s(120),
    s(300),
    s(600),
    s(900),
    s(1_800),
    s(3_600),
    s(2 * 3_600),
    s(4 * 3_600),
    s(8 * 3_600),
    s(24 * 3_600),
    s(48 * 3_600),
    s(72 * 3_600),
    s(168 * 3_600),
    s(336 * 3_600),
];

/// The one writer of a family of histograms.
pub struct Recorder {
    cells: Growing,
    bounds: &'static [Duration],
}

impl Recorder {
    /// Records a duration in a row. A row that there is not is ignored.
    pub fn record(&mut self, row: usize, took: Duration) {
        let Some((cells, first)) = self.cells.row(row) else {
            return;
        };
        let bucket = self.bounds.partition_point(|bound| *bound < took);
        let grow = |place: usize, by: u64| {
            // Not shared: nobody else writes between the load and the store.
            cells.set(place, cells.get(place).wrapping_add(by));
        };
        grow(first + bucket, 1);
        grow(
            first + width(self.bounds) - 1,
            u64::try_from(took.as_nanos()).unwrap_or(u64::MAX >> 8),
        );
    }

    /// Adds rows behind those that there are.
    pub fn grow(&mut self, rows: Rows) {
        self.cells.grow(rows);
    }
}

/// Cells a row: each bucket, the one beyond the last bound, and the sum in ns.
fn width(bounds: &[Duration]) -> usize {
    bounds.len() + 2
}

/// A family of histograms.
pub struct DurationFamily {
    desc: Desc,
    blocks: Blocks,
    bounds: &'static [Duration],
}

impl DurationFamily {
    /// Lays out a family, and gives its one writer.
    pub fn new(
        name: &str,
        help: &str,
        rows: Rows,
        bounds: &'static [Duration],
    ) -> Result<(DurationFamily, Recorder), prometheus::Error> {
        let desc = rows.desc(name, help)?;
        let (mut cells, blocks) = Growing::new(width(bounds), 0);
        cells.grow(rows);
        let family = DurationFamily { desc, blocks, bounds };
        Ok((family, Recorder { cells, bounds }))
    }

    fn histogram(&self, block: &Block, row: usize) -> Histogram {
        let width = width(self.bounds);
        let cell = |i: usize| block.cells.get(row * width + i);
        let mut total = 0;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for (i, bound) in self.bounds.iter().enumerate() {
            total += cell(i);
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound.as_secs_f64());
            bucket.set_cumulative_count(total);
            buckets.push(bucket);
        }
        total += cell(self.bounds.len());
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(total);
        histogram.set_sample_sum(cell(width - 1) as f64 / 1e9);
        histogram
    }
}

impl Collector for DurationFamily {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let blocks = self.blocks.all();
        let rows = blocks.iter().flat_map(|block| {
            let rows = block.rows.iter().enumerate();
            rows.map(|(row, labels)| (self.histogram(block, row), labels))
        });
        let metrics = rows
            .filter_map(|(histogram, (labels, always))| {
                if !always && histogram.get_sample_count() == 0 {
                    return None;
                }
                let mut metric = Metric::from_label(labels.to_vec());
                metric.set_histogram(histogram);
                Some(metric)
            })
            .collect();
        vec![family(&self.desc, MetricType::HISTOGRAM, metrics)]
    }
}
