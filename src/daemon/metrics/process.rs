//! `process_*` as other exporters show them, and the free disk: read from `/proc/self` and the file system when asked,
//! on the asker's thread, in about 50 µs. What cannot be read is left out.

use super::cells::family;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// Ticks a second of the times in `/proc`: fixed by the kernel's interface, whatever its own tick is.
const USER_HZ: f64 = 100.0;

const SERIES: [(&str, &str); 8] = [
    (
        "process_cpu_seconds_total",
        "User and system CPU time spent in seconds.",
    ),
    ("process_resident_memory_bytes", "Resident memory size in bytes."),
    ("process_virtual_memory_bytes", "Virtual memory size in bytes."),
    ("process_threads", "Number of OS threads in the process."),
    ("process_open_fds", "Number of open file descriptors."),
    ("process_max_fds", "Maximum number of open file descriptors."),
    (
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
    ),
    (
        "slad_disk_free_bytes",
        "Bytes that the daemon may still write to the disk of its data.",
    ),
];

/// Collects them.
pub struct Process {
    descs: Vec<Desc>,
    data: PathBuf,
}

impl Process {
    /// `data` is the folder whose disk is meant.
    pub fn new(data: PathBuf) -> Result<Process, prometheus::Error> {
        let descs = SERIES
            .iter()
            .map(|(name, help)| Desc::new((*name).to_owned(), (*help).to_owned(), Vec::new(), HashMap::new()))
            .collect::<Result<_, _>>()?;
        Ok(Process { descs, data })
    }

    pub(super) fn names(&self) -> Vec<String> {
        SERIES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn read(&self) -> [Option<f64>; SERIES.len()] {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
        // The name in parentheses may hold blanks: fields are counted behind it, from the third on.
        let field = |number: usize| -> Option<f64> {
            let (_, fields) = stat.rsplit_once(')')?;
            fields.split_whitespace().nth(number - 3)?.parse().ok()
        };
        let start = || {
            let boot = read("/proc/stat");
            let boot: f64 = after(&boot, "btime")?;
            Some(boot + field(22)? / USER_HZ)
        };
        let disk = rustix::fs::statvfs(&self.data).ok();
        [
            field(14)
                .zip(field(15))
                .map(|(user, system)| (user + system) / USER_HZ),
            after(&status, "VmRSS:").map(|kib| kib * 1_024.0),
            after(&status, "VmSize:").map(|kib| kib * 1_024.0),
            after(&status, "Threads:"),
            fs::read_dir("/proc/self/fd").ok().map(|d| d.count() as f64 - 1.0), // less the one that reads
            after(&read("/proc/self/limits"), "Max open files"),
            start(),
            disk.map(|d| d.f_bavail as f64 * d.f_frsize as f64),
        ]
    }
}

/// The number behind a word at the beginning of a line.
fn after(text: &str, word: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        for (desc, value) in self.descs.iter().zip(self.read()) {
            let Some(value) = value else { continue };
            let mut metric = Metric::default();
            let kind = if desc.fq_name.ends_with("_total") {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
                MetricType::COUNTER
            } else {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
                MetricType::GAUGE
            };
            families.push(family(desc, kind, vec![metric]));
        }
        families
    }
}
