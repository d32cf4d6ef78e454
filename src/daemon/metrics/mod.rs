//! What Prometheus sees.
//!
//! | file | idea |
//! |---|---|
//! | [`cells`] | counters and gauges: a row is one atomic |
//! | [`growing`] | rows that come while the daemon runs, with the policies that are loaded |
//! | [`durations`] | histograms with exact bounds, one writer each, wait-free |
//! | [`sla`], `grid` | outcomes of clocks, counted from the events of every frame; where those of a policy are |
//! | [`figures`] | how many tickets, agents and timers there are, published by the engine's thread |
//! | [`process`] | `process_*` and the free disk, read when asked |
//!
//! Every series is laid out before it is counted, from the configuration at start and from each policy when it is loaded, so
//! that recording is a store to a known cell: no lock, no allocation. No label comes from what clients send: what neither
//! the configuration nor a policy names counts under `other`, and in `slad_label_overflow_total`; so does what finds no
//! room ([`growing::ROWS_MAX`], [`growing::QUEUES_MAX`]). The threads that record own their recorders; the HTTP thread reads
//! the cells when it is asked and never waits for a recorder. Cells are read one by one: a scrape may fall between two of
//! them.

pub mod cells;
pub mod durations;
pub mod figures;
mod grid;
pub mod growing;
pub mod process;
pub mod sla;

use crate::model::{Code, Text, UnixMs};
use cells::{Family, Kind, Rows};
use durations::{DurationFamily, FINE_BOUNDS, Recorder};
use figures::FiguresRecorder;
use growing::Growing;
use prometheus::{Encoder, IntCounter, IntGauge, Opts, Registry, TextEncoder};
use sla::SlaRecorder;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Reads the clock, as the rest of the daemon does (virtual or real).
pub type Clock = Arc<dyn Fn() -> UnixMs + Send + Sync>;

/// Where everything goes that neither the configuration nor a policy names.
pub const OTHER: &str = "other";

/// The label values that may appear: from policies and configuration only. What is given twice counts once.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Policies.
    pub policies: Vec<PolicyLabels>,
    /// Queues.
    pub queues: Vec<Text>,
    /// Names of the commands, in the order of the command table: a command is recorded by its place here.
    pub commands: Vec<&'static str>,
}

/// The label values of one policy.
#[derive(Debug, Clone, Default)]
pub struct PolicyLabels {
    /// Its name.
    pub name: Text,
    /// Its priorities.
    pub priorities: Vec<Text>,
    /// The targets that it sets, as they are spelled.
    pub targets: Vec<Text>,
}

/// All series. Shared with the HTTP thread.
pub struct Metrics {
    registry: Registry,
    names: Vec<String>,
}

/// What the daemon sets when it changes, from any thread; clones share the cells.
#[derive(Clone)]
pub struct Gauges {
    /// Connected clients.
    pub connections: IntGauge,
    /// Bytes of the log on disk.
    pub log_bytes: IntGauge,
    /// First seq that is retained.
    pub log_first_seq: IntGauge,
    /// Segments of the log.
    pub log_segments: IntGauge,
    /// Segments that retention took out; only ever set higher.
    pub log_segments_retired: IntCounter,
    /// 1 while the log is being replayed.
    pub loading: IntGauge,
    /// 1 while timers are frozen because the wall clock jumped.
    pub frozen: IntGauge,
    /// Room that the log has on its disk: [`crate::daemon::disk::DiskState`] as a number.
    pub disk_state: IntGauge,
    /// Mistakes in the folder of policies when it was read last.
    pub policy_mistakes: IntGauge,
    recovery: prometheus::Gauge,
    snapshot_at: cells::Cells,
}

impl Gauges {
    /// How long the last start took until the first reply could be given.
    pub fn recovered(&self, took: Duration) {
        self.recovery.set(took.as_secs_f64());
    }

    /// When the newest snapshot was taken.
    pub fn snapshot(&self, at: UnixMs) {
        self.snapshot_at.set_instant(0, at);
    }
}

/// The recorders, by the thread that owns them. One that runs two of these jobs holds both.
pub struct Recorders {
    /// For the engine's thread.
    pub engine: EngineRecorder,
    /// For the thread that writes the log.
    pub log: LogRecorder,
    /// For the thread that releases replies.
    pub replies: ReplyRecorder,
    /// For anybody.
    pub gauges: Gauges,
}

/// What the engine's thread records.
pub struct EngineRecorder {
    /// Outcomes of clocks: give it every event of every frame.
    pub sla: SlaRecorder,
    /// How many there are: publish when they may have changed.
    pub figures: FiguresRecorder,
    slices: Recorder,
}

impl EngineRecorder {
    /// One turn of the engine, from taking a batch to giving its frames away.
    pub fn slice(&mut self, took: Duration) {
        self.slices.record(0, took);
    }

    /// These labels may appear from now on. Costs about 2 µs for each series that is new.
    pub fn learn(&mut self, policies: &[PolicyLabels], queues: &[Text]) {
        self.sla.learn(policies, queues);
        self.figures.learn(queues);
    }
}

/// What the log's thread records.
pub struct LogRecorder {
    syncs: Recorder,
}

impl LogRecorder {
    /// One fdatasync.
    pub fn synced(&mut self, took: Duration) {
        self.syncs.record(0, took);
    }
}

/// What the thread that releases replies records.
pub struct ReplyRecorder {
    commands: cells::Cells,
    overflow: cells::Cells,
    rows: usize,
    seconds: Recorder,
    lateness: Recorder,
}

impl ReplyRecorder {
    /// A command was answered: its place in [`Labels::commands`] (anything else is `other`), what it was refused with,
    /// and the time from its last byte to the release of its reply.
    pub fn command(&mut self, place: usize, refused: Option<Code>, took: Duration) {
        if place >= self.rows {
            self.overflow.add(sla::Overflow::Command as usize, 1);
        }
        let result = refused.map_or(0, |code| {
            1 + CODES.iter().position(|c| *c == code).unwrap_or(CODES.len())
        });
        self.commands.add(place.min(self.rows) * RESULTS + result, 1);
        self.seconds.record(0, took);
    }

    /// A warning or breach was released: how long after the instant at which it should have fired.
    pub fn timer(&mut self, late: Duration) {
        self.lateness.record(0, late);
    }
}

/// Refusals, as results of commands; what is not here counts as `other`.
const CODES: [Code; 14] = [
    Code::Err,
    Code::BadArg,
    Code::NotFound,
    Code::Exists,
    Code::State,
    Code::Required,
    Code::Denied,
    Code::Limit,
    Code::Busy,
    Code::DiskFull,
    Code::Loading,
    Code::Gap,
    Code::NoProto,
    Code::ExecAbort,
];

/// Results of a command: fine, each code, another code.
const RESULTS: usize = CODES.len() + 2;

fn command_rows(commands: &[&'static str]) -> Rows {
    let mut rows = Rows::default();
    for command in commands.iter().copied().chain([OTHER]) {
        rows.push(&[("command", command), ("result", "ok")], false);
        for code in CODES {
            rows.push(
                &[
                    ("command", command),
                    ("result", &code.as_str().to_ascii_lowercase()),
                ],
                false,
            );
        }
        rows.push(&[("command", command), ("result", OTHER)], false);
    }
    rows
}

impl Metrics {
    /// Lays out every series. `data` is the folder whose free disk is shown. A name that is
    /// itself `other` shares the row of what is not named. An error is a clash of two families: a mistake here.
    pub fn new(
        labels: &Labels,
        data: PathBuf,
        clock: &Clock,
    ) -> Result<(Arc<Metrics>, Recorders), prometheus::Error> {
        let mut all = Metrics {
            registry: Registry::new(),
            names: Vec::new(),
        };
        let overflow = all.family(
            "slad_label_overflow_total",
            "Facts counted under 'other' because neither the configuration nor a policy names their label.",
            Kind::Counter,
            sla::overflow_rows(),
            clock,
        )?;
        let commands = all.family(
            "slad_commands_total",
            "Commands answered, by result: ok, or the code of the refusal.",
            Kind::Counter,
            command_rows(&labels.commands),
            clock,
        )?;
        let snapshot_at = all.family(
            "slad_snapshot_age_seconds",
            "Age of the newest snapshot; absent while there is none.",
            Kind::Age { none: None },
            Rows::single(),
            clock,
        )?;
        let gauges = Gauges {
            connections: all.gauge("slad_connections", "Connected clients.")?,
            log_bytes: all.gauge("slad_log_bytes", "Bytes of the log on disk.")?,
            log_first_seq: all.gauge("slad_log_first_seq", "First event that is retained.")?,
            log_segments: all.gauge("slad_log_segments", "Segments of the log.")?,
            log_segments_retired: all.counter(
                "slad_log_segments_retired_total",
                "Segments that retention took out since the start.",
            )?,
            loading: all.gauge("slad_loading", "1 while the log is being replayed, else 0.")?,
            frozen: all.gauge(
                "slad_clock_frozen",
                "1 while no timer fires because the wall clock jumped: CLOCK.ACCEPT or CLOCK.REJECT, else 0.",
            )?,
            disk_state: all.gauge(
                "slad_disk_state",
                "Room for the log: 0 enough; 1 the disk is full and the reserve in use, OPEN is refused; 2 the reserve is \
                 used up, every write is refused and timers wait.",
            )?,
            policy_mistakes: all.gauge(
                "slad_policy_mistakes",
                "Mistakes in the folder of policies when it was read last; while there are any, nothing of it is loaded.",
            )?,
            recovery: {
                let gauge = prometheus::Gauge::new(
                    "slad_recovery_seconds",
                    "How long the last start took until replies could be given.",
                )?;
                all.register("slad_recovery_seconds", &[""], Box::new(gauge.clone()))?;
                gauge
            },
            snapshot_at,
        };
        let build = prometheus::Gauge::with_opts(
            Opts::new("slad_build_info", "1; the labels say what runs.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1.0);
        all.register("slad_build_info", &[""], Box::new(build))?;
        all.process(data)?;
        let mut recorders = Recorders {
            engine: EngineRecorder {
                sla: SlaRecorder::new(&mut all, &overflow, clock)?,
                figures: FiguresRecorder::new(&mut all, &overflow, clock)?,
                slices: all.durations(
                    "slad_engine_slice_seconds",
                    "One turn of the engine: a batch of commands, timers or reads.",
                    Rows::single(),
                    FINE_BOUNDS,
                )?,
            },
            log: LogRecorder {
                syncs: all.durations("slad_fsync_seconds", "One fdatasync of the log.", Rows::single(), FINE_BOUNDS)?,
            },
            replies: ReplyRecorder {
                commands,
                overflow,
                rows: labels.commands.len(),
                seconds: all.durations(
                    "slad_command_seconds",
                    "From a command's last byte to the release of its reply; waiting for work (BLOCK) is not in it.",
                    Rows::single(),
                    FINE_BOUNDS,
                )?,
                lateness: all.durations(
                    "slad_timer_lateness_seconds",
                    "From the instant at which a warning or breach was to fire (due + 1 ms) to its release to subscribers.",
                    Rows::single(),
                    FINE_BOUNDS,
                )?,
            },
            gauges,
        };
        recorders.engine.learn(&labels.policies, &labels.queues);
        Ok((Arc::new(all), recorders))
    }

    /// The page, in Prometheus' text format. Costs about a microsecond a series, on the caller's thread.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut page = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        String::from_utf8(page).map_err(|e| prometheus::Error::Msg(e.to_string()))
    }

    /// Names of all series that may be shown, `_bucket`, `_sum` and `_count` included.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn register(
        &mut self,
        name: &str,
        suffixes: &[&str],
        collector: Box<dyn prometheus::core::Collector>,
    ) -> Result<(), prometheus::Error> {
        self.registry.register(collector)?;
        self.names
            .extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::new(name, help)?;
        self.register(name, &[""], Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn counter(&mut self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let counter = IntCounter::new(name, help)?;
        self.register(name, &[""], Box::new(counter.clone()))?;
        Ok(counter)
    }

    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: Kind,
        rows: Rows,
        clock: &Clock,
    ) -> Result<cells::Cells, prometheus::Error> {
        Ok(self.growing(name, help, kind, rows, clock)?.only())
    }

    /// The same for one that may get more rows; they are given to one writer.
    fn growing(
        &mut self,
        name: &str,
        help: &str,
        kind: Kind,
        rows: Rows,
        clock: &Clock,
    ) -> Result<Growing, prometheus::Error> {
        let (family, growing) = Family::new(name, help, kind, rows, clock.clone())?;
        self.register(name, &[""], Box::new(family))?;
        Ok(growing)
    }

    fn durations(
        &mut self,
        name: &str,
        help: &str,
        rows: Rows,
        bounds: &'static [Duration],
    ) -> Result<Recorder, prometheus::Error> {
        let (family, recorder) = DurationFamily::new(name, help, rows, bounds)?;
        self.register(name, &["_bucket", "_sum", "_count"], Box::new(family))?;
        Ok(recorder)
    }

    fn process(&mut self, data: PathBuf) -> Result<(), prometheus::Error> {
        let process = process::Process::new(data)?;
        let names = process.names();
        self.registry.register(Box::new(process))?;
        self.names.extend(names);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
