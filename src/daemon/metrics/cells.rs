//! Counters and gauges: each row of a family is one atomic.

use super::Clock;
use super::growing::{Blocks, Growing};
use crate::model::{NEVER, UnixMs};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the cells of a family hold.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A count that only grows.
    Counter,
    /// A number.
    Gauge,
    /// An instant; shown as its age in seconds, so that it grows while nothing happens. `NEVER` is shown as `none`, or
    /// not at all.
    Age {
        /// What to show when there is no instant.
        none: Option<f64>,
    },
}

/// Label values of the rows of a family.
#[derive(Debug, Default)]
pub struct Rows {
    names: Vec<String>,
    rows: Vec<(Vec<LabelPair>, bool)>,
}

impl Rows {
    /// The one row of a family without labels.
    pub fn single() -> Rows {
        let mut rows = Rows::default();
        rows.push(&[], true);
        rows
    }

    /// One row for each value of one label, always shown.
    pub fn of(label: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Rows {
        let mut rows = Rows::default();
        for value in values {
            rows.push(&[(label, value.as_ref())], true);
        }
        rows
    }

    /// Adds a row; its place is the number of rows before it. `always`: shown even while it is 0.
    pub fn push(&mut self, labels: &[(&str, &str)], always: bool) {
        if self.rows.is_empty() {
            self.names = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
        }
        let mut pairs: Vec<LabelPair> = labels
            .iter()
            .map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name((*name).to_owned());
                pair.set_value((*value).to_owned());
                pair
            })
            .collect();
        pairs.sort_by(|a, b| a.name().cmp(b.name()));
        self.rows.push((pairs, always));
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// No rows yet?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn desc(&self, name: &str, help: &str) -> Result<Desc, prometheus::Error> {
        Desc::new(
            name.to_owned(),
            help.to_owned(),
            self.names.clone(),
            HashMap::new(),
        )
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[LabelPair], bool)> {
        self.rows
            .iter()
            .map(|(labels, always)| (labels.as_slice(), *always))
    }
}

/// The cells of a family; clones share them. A place that there is not is ignored.
#[derive(Debug, Clone)]
pub struct Cells(Arc<[AtomicU64]>);

impl Cells {
    pub(super) fn new(number: usize) -> Cells {
        Cells((0..number).map(|_| AtomicU64::new(0)).collect())
    }

    /// Adds to a counter.
    pub fn add(&self, place: usize, n: u64) {
        if let Some(cell) = self.0.get(place) {
            cell.fetch_add(n, Relaxed);
        }
    }

    /// Sets a gauge.
    pub fn set(&self, place: usize, value: u64) {
        if let Some(cell) = self.0.get(place) {
            cell.store(value, Relaxed);
        }
    }

    /// Sets an instant.
    pub fn set_instant(&self, place: usize, at: UnixMs) {
        self.set(place, at.cast_unsigned());
    }

    /// Reads a cell; 0 for a place that there is not.
    pub fn get(&self, place: usize) -> u64 {
        self.0.get(place).map_or(0, |cell| cell.load(Relaxed))
    }
}

/// A family of counters or gauges.
pub struct Family {
    desc: Desc,
    kind: Kind,
    blocks: Blocks,
    clock: Clock,
}

impl Family {
    /// Lays out a family, and gives its cells to write to.
    pub fn new(
        name: &str,
        help: &str,
        kind: Kind,
        rows: Rows,
        clock: Clock,
    ) -> Result<(Family, Growing), prometheus::Error> {
        let desc = rows.desc(name, help)?;
        let blank = match kind {
            Kind::Age { .. } => NEVER.cast_unsigned(),
            Kind::Counter | Kind::Gauge => 0,
        };
        let (mut growing, blocks) = Growing::new(1, blank);
        growing.grow(rows);
        let family = Family {
            desc,
            kind,
            blocks,
            clock,
        };
        Ok((family, growing))
    }

    fn shown(&self, value: u64, always: bool, now: UnixMs) -> Option<f64> {
        match self.kind {
            Kind::Counter | Kind::Gauge => (always || value != 0).then_some(value as f64),
            Kind::Age { none } => match value.cast_signed() {
                NEVER => none,
                at => Some(now.saturating_sub(at).max(0) as f64 / 1_000.0),
            },
        }
    }
}

impl Collector for Family {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = (self.clock)();
        let blocks = self.blocks.all();
        let rows = blocks.iter().flat_map(|block| {
            let rows = block.rows.iter().enumerate();
            rows.map(|(place, row)| (block.cells.get(place), row))
        });
        let metrics: Vec<Metric> = rows
            .filter_map(|(value, (labels, always))| {
                let value = self.shown(value, always, now)?;
                let mut metric = Metric::from_label(labels.to_vec());
                if let Kind::Counter = self.kind {
                    let mut counter = Counter::default();
                    counter.set_value(value);
                    metric.set_counter(counter);
                } else {
                    let mut gauge = Gauge::default();
                    gauge.set_value(value);
                    metric.set_gauge(gauge);
                }
                Some(metric)
            })
            .collect();
        let kind = match self.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge | Kind::Age { .. } => MetricType::GAUGE,
        };
        vec![family(&self.desc, kind, metrics)]
    }
}

pub(super) fn family(desc: &Desc, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(desc.fq_name.clone());
    family.set_help(desc.help.clone());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
