//! From a configuration to a serving daemon, and down again.
//!
//! The socket is bound first, so that clients find somebody who says that the log is being read; then the log is
//! opened and replayed, what the policies in the binary have new is recorded, and everybody who waited goes on. Going
//! down: nothing new is accepted, what was executed is written, synced, marked and answered.

use super::clock::{Clock, VIRTUAL_START};
use super::config::{Config, Sync};
use super::core::{Core, CoreRef, Phase};
use super::http::State;
use super::limits::Limits;
use super::loading::{self, LoadError};
use super::log_front::{LogFront, ReleaseAfter};
use super::log_line::LogLine;
use super::log_room::Room;
use super::metrics::LogRecorder;
use super::real_clock::{self, Past, RealClock};
use super::shared::Shared;
use super::signals::Signals;
use super::{connection, fatal, listener, log_thread, meter, notify, policies, retention, snapshots, timers};
use crate::engine::{self, Engine};
use crate::journal::{self, JournalError, Keeper, OpenedLog, SyncPolicy};
use crate::model::event::{Body, LogRecovered};
use crate::model::{DurationMs, UnixMs, time};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long clients may take to read their last replies when the daemon goes down.
const LAST_REPLIES: Duration = Duration::from_secs(5);
/// Pause after the system refused a connection for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How to serve, beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `Some`: the clock is virtual, and starts at this instant if one is given.
    pub virtual_clock: Option<Option<UnixMs>>,
}

/// Serves until a signal or SHUTDOWN; the exit code.
pub fn serve(config: Config, options: &Options) -> u8 {
    if let Err(e) = crate::journal::sigbus::install(fatal::LOG_CUT_OFF) {
        tracing::error!("the handler of SIGBUS could not be installed: {e}");
        return fatal::START_FAILED;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            tracing::error!("the runtime could not be started: {e}");
            return fatal::START_FAILED;
        }
    };
    match runtime.block_on(run(config, options)) {
        Ok(()) => 0,
        Err((code, why)) => {
            tracing::error!(code, "going down: {why}");
            code
        }
    }
}

type Failure = (u8, String);

fn failed(what: &str) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |e| (fatal::START_FAILED, format!("{what}: {e}"))
}

async fn run(config: Config, options: &Options) -> Result<(), Failure> {
    let started = Instant::now();
    let bound = listener::bind(&config.socket).map_err(|e| {
        let code = match e.kind() {
            std::io::ErrorKind::AddrInUse => fatal::IN_USE,
            _ => fatal::START_FAILED,
        };
        (code, e.to_string())
    })?;
    let socket = SocketFile {
        path: config.socket.clone(),
        ours: bound.ours,
    };
    let shared = Arc::new(Shared::new(config));
    let core = Core::new(shared.clone(), Limits::new(&shared.config));
    tracing::info!(socket = %socket.path.display(), version = env!("CARGO_PKG_VERSION"), "listening");
    let accepting = tokio::task::spawn_local(accept(core.clone(), bound.listener));
    let laid = meter::lay(&shared).map_err(|why| (fatal::START_FAILED, why))?;
    let _pages = laid.server;
    core.borrow_mut().meter = Some(laid.meter);
    let reload = core.borrow().policies.reload.clone();
    let mut signals = Signals::new(reload).map_err(failed("signals"))?;

    let threads = tokio::select! {
        loaded = load(&core, options, laid.log) => loaded?,
        why = signals.stop() => {
            tracing::info!("{why} while loading: going down");
            notify::stopping();
            return Ok(());
        }
    };
    core.borrow_mut().ready();
    if let Some(meter) = &core.borrow().meter {
        meter.ready(started.elapsed());
    }
    notify::ready();
    core.borrow_mut().show_clock();
    // Not before the clock is known: what is old depends on it, and what goes is gone.
    let keeping =
        retention::start(threads.keeper, shared.clone()).map_err(failed("the housekeeping thread"))?;
    let seq = core.borrow().seq();
    tracing::info!(seq, after_ms = ms(started), "READY");
    let background = [
        tokio::task::spawn_local(commits(core.clone())),
        tokio::task::spawn_local(releases(core.clone())),
        tokio::task::spawn_local(watched("timers", core.clone())),
        tokio::task::spawn_local(snapshots::run(core.clone())),
        tokio::task::spawn_local(meter::publish(core.clone())),
        tokio::task::spawn_local(policies::migrations::run(core.clone())),
        tokio::task::spawn_local(policies::reload::run(core.clone())),
        tokio::task::spawn_local(alive()),
    ];

    let stop = core.borrow().stop.clone();
    let why = tokio::select! {
        why = signals.stop() => why,
        () = stop.wait() => "SHUTDOWN",
    };
    tracing::info!("{why}: going down");
    shared.health.set(State::Stopping);
    notify::stopping();
    accepting.abort();
    drop(socket);
    go_down(&core).await;
    for task in background {
        task.abort();
    }
    finish(&core, threads.log, keeping)?;
    tracing::info!(seq = core.borrow().seq(), "ended");
    Ok(())
}

/// Opens and replays the log, starts the log thread, and records what is new.
async fn load(core: &CoreRef, options: &Options, recorder: LogRecorder) -> Result<Threads, Failure> {
    let shared = core.borrow().shared.clone();
    let config = &shared.config;
    let started = Instant::now();
    let engine_config = engine::Config {
        default_policy: config.default_policy.clone(),
        queues: config.queues.clone(),
        virtual_clock: options.virtual_clock.is_some(),
        ..engine::Config::default()
    };
    let fresh = || Engine::new(engine_config.clone());
    let sync = match config.sync {
        Sync::Always => SyncPolicy::Always,
        Sync::Interval => SyncPolicy::Interval,
        Sync::Never => SyncPolicy::Never,
    };
    let boot_id = boot_id();
    let journal_config = journal::Config {
        segment_bytes: config.segment_bytes,
        sync,
        log_id: random(),
        boot_id,
    };
    let (opened, mut engine, counts) = loading::load(core, journal_config, fresh)
        .await
        .map_err(refused)?;
    let replay_ms = ms(started);
    for skipped in opened.skipped_snapshots() {
        tracing::warn!("a snapshot was passed over: {skipped}");
    }
    if opened.next_seq() > engine.seq() + 1 {
        engine.restored(opened.next_seq() - 1);
    }
    let is_empty = counts.records == 0 && counts.events == 0;
    same_clock(&engine, options, is_empty).map_err(|why| (fatal::START_FAILED, why))?;
    if let Some(jump) = engine.last_jump().filter(|_| engine.is_frozen()) {
        tracing::warn!(
            "timers were frozen when the log ended: the wall clock had jumped from {} to {}, and nobody had decided",
            time::rfc3339(jump.from),
            time::rfc3339(jump.to)
        );
    }
    let clock = match options.virtual_clock {
        Some(start) => Clock::standing(
            start.unwrap_or(VIRTUAL_START),
            engine.last_instant().max(counts.snapshot_at),
        ),
        None => {
            let past = Past {
                newest: engine.last_instant(),
                jumped: engine.last_jump(),
                boot: boot_digest(boot_id),
                jump_max: DurationMs::try_from(config.clock_jump_max.as_millis()).unwrap_or(DurationMs::MAX),
            };
            Clock::Real(RealClock::new(real_clock::machine(), past))
        }
    };
    engine.ready(engine.last_instant());
    let recovered = opened.recovery().map(|r| LogRecovered {
        cut_bytes: r.cut_bytes,
        lost_from: r.lost_from,
        lost_to: r.lost_to,
        epoch: r.epoch,
    });
    tracing::info!(
        records = counts.records,
        snapshot_seq = counts.snapshot_seq,
        events = counts.events,
        hashes = counts.hashes,
        seq = engine.seq(),
        replay_ms,
        rebuild_ms = ms(started) - replay_ms,
        "loaded"
    );
    shared
        .snapshot_seq
        .store(counts.snapshot_seq, std::sync::atomic::Ordering::Relaxed);
    shared
        .snapshot_of
        .store(counts.snapshot_seq, std::sync::atomic::Ordering::Relaxed);
    let threads = open_log(core, engine, clock, opened, sync, recorder)?;
    first_facts(core, recovered)?;
    Ok(threads)
}

/// What works on the log beside the core.
struct Threads {
    log: JoinHandle<()>,
    keeper: Keeper,
}

/// A log goes on under the kind of clock that it was begun under.
fn same_clock(engine: &Engine, options: &Options, is_empty: bool) -> Result<(), String> {
    match (engine.is_virtual(), options.virtual_clock.is_some()) {
        (true, false) => Err("this log was written under a virtual clock: start with --virtual-clock, or with another --data"),
        (false, true) if !is_empty => Err(
            "--virtual-clock on a log that was written under the real clock would mix made-up times with real ones: start \
             without it, or with another --data",
        ),
        _ => Ok(()),
    }
    .map_err(str::to_owned)
}

fn open_log(
    core: &CoreRef,
    engine: Engine,
    clock: Clock,
    opened: OpenedLog,
    sync: SyncPolicy,
    recorder: LogRecorder,
) -> Result<Threads, Failure> {
    let shared = core.borrow().shared.clone();
    let journal = |e: JournalError| refused(LoadError::Journal(e));
    let line = Arc::new(LogLine::new(engine.seq()));
    let reader = Arc::new(opened.reader());
    let keeper = opened.keeper(reader.clone(), shared.config.snapshot.keep as usize);
    let snapshots = snapshots::Store::new(&opened, shared.config.snapshot.keep);
    let mut writer = opened.into_writer().map_err(journal)?;
    let room = Room::open(&mut writer, line.clone(), shared.config.segment_bytes).map_err(journal)?;
    shared.opened(line.clone(), writer.published());
    let after = match sync {
        SyncPolicy::Always => ReleaseAfter::Sync,
        SyncPolicy::Interval | SyncPolicy::Never => ReleaseAfter::Write,
    };
    let log = log_thread::start(writer, line.clone(), room, sync, shared, recorder)
        .map_err(failed("the log thread"))?;
    let mut core = core.borrow_mut();
    core.run(engine, clock, LogFront::new(line, after), reader, snapshots);
    Ok(Threads { log, keeper })
}

/// What the log has to know before anybody else speaks: that a tail was cut, which policies are new.
fn first_facts(core: &CoreRef, recovered: Option<LogRecovered>) -> Result<(), Failure> {
    let mut core = core.borrow_mut();
    // The gap in the seqs is told by the very next event; whether the clock jumped comes after.
    let shown = core.running().map_or(0, |r| r.clock.shown());
    if let Some(recovered) = recovered {
        tracing::warn!(
            cut_bytes = recovered.cut_bytes,
            lost_from = recovered.lost_from,
            lost_to = recovered.lost_to,
            epoch = recovered.epoch,
            "the log's end was torn and has been cut"
        );
        core.shared
            .cut_bytes
            .store(recovered.cut_bytes, std::sync::atomic::Ordering::Relaxed);
        core.record(shown, Body::LogRecovered(Box::new(recovered)));
    }
    let now = core.now();
    let loaded = core.first_policies(now);
    core.submit();
    loaded.map_err(|why| (fatal::START_FAILED, why))
}

fn refused(e: LoadError) -> Failure {
    let code = match &e {
        LoadError::Journal(JournalError::Locked { .. }) => fatal::IN_USE,
        // What refuses to be opened or read is a matter of the place, not of what the disk did with a write.
        LoadError::Journal(JournalError::Io { op, .. }) if !writes(op) => fatal::START_FAILED,
        LoadError::Journal(e) if e.is_disk_full() => {
            let why = format!(
                "{e}. The disk is full, and the log has no room to begin: free space and start again"
            );
            return (fatal::START_FAILED, why);
        }
        LoadError::Journal(JournalError::Io { .. }) => fatal::LOG_FAILED,
        LoadError::Journal(_) | LoadError::Engine(_) => fatal::LOG_REFUSED,
        LoadError::Thread(_) => fatal::START_FAILED,
    };
    (code, e.to_string())
}

/// Does the operation change what is stored?
fn writes(op: &str) -> bool {
    matches!(op, "write" | "sync" | "sync directory" | "preallocate" | "rename")
}

/// Takes connections in.
async fn accept(core: CoreRef, listener: tokio::net::UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (clients, most) = {
                    let core = core.borrow();
                    (core.shared.clients.clone(), core.limits.connections_max)
                };
                if clients.count() >= most {
                    clients.count_refused();
                    let said = format!("-LIMIT max connections ({most}) reached\r\n");
                    let _ = stream.try_write(said.as_bytes());
                    continue;
                }
                tokio::task::spawn_local(connection::serve(core.clone(), stream));
            }
            Err(e) => {
                tracing::warn!("a connection could not be accepted: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Hands batches to the log thread once all connections that were ready have had their turn.
async fn commits(core: CoreRef) {
    let commit = core.borrow().commit.clone();
    loop {
        commit.wait().await;
        core.borrow_mut().submit();
    }
}

/// Releases replies as the log comes further.
async fn releases(core: CoreRef) {
    let Some(line) = core.borrow_mut().running().map(|r| r.log.line()) else {
        return;
    };
    loop {
        core.borrow_mut().release();
        line.further().await;
    }
}

async fn watched(what: &'static str, core: CoreRef) {
    if let Err(e) = timers::run(core).await {
        fatal::exit(fatal::START_FAILED, &format!("{what}: {e}"));
    }
}

/// Tells systemd that the core thread still comes round, if the unit has a watchdog. Without one there is no tick.
async fn alive() {
    let Some(every) = notify::watchdog_every() else {
        return;
    };
    loop {
        notify::watchdog();
        tokio::time::sleep(every).await;
    }
}

/// Answers what is under way and sends everybody home.
async fn go_down(core: &CoreRef) {
    {
        let mut core = core.borrow_mut();
        core.phase = Phase::Stopping;
        core.shared.set_ready(false);
        core.submit();
        core.wake_all();
    }
    let deadline = Instant::now() + LAST_REPLIES;
    while core.borrow().peers() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Everything that was executed goes to the disk, synced and marked.
fn finish(core: &CoreRef, log: JoinHandle<()>, keeping: JoinHandle<()>) -> Result<(), Failure> {
    let mut core = core.borrow_mut();
    let Some(r) = core.running() else {
        return Ok(());
    };
    // What a full disk did not take is lost unacknowledged; the log thread says so.
    while !r.log.is_submitted() && !r.log.is_disk_exhausted() {
        r.log.submit();
        std::thread::sleep(Duration::from_millis(1));
    }
    // The lock goes with the log thread: until then nobody else may rename or remove in the folder.
    core.shared.housekeeping.stop();
    if keeping.join().is_err() {
        tracing::warn!("the housekeeping thread had died");
    }
    let Some(r) = core.running() else {
        return Ok(());
    };
    r.log.line().stop();
    log.join()
        .map_err(|_| (fatal::LOG_FAILED, "the log thread died".to_owned()))
}

/// The socket's file: it goes when nobody is to connect any more, and when a start fails.
struct SocketFile {
    path: std::path::PathBuf,
    ours: bool,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A number hard to guess: the identity of a new log.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_i64(super::clock::wall());
    hasher.finish().max(1)
}

/// What changes with every boot of the machine; zeros where the system does not say.
pub fn boot_id() -> [u8; 16] {
    let mut id = [0; 16];
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
        let hex = std::str::from_utf8(pair).unwrap_or("0");
        *byte = u8::from_str_radix(hex, 16).unwrap_or(0);
    }
    id
}

/// Which start of the machine this is; 0 where the system does not say.
fn boot_digest(boot_id: [u8; 16]) -> u64 {
    if boot_id == [0; 16] {
        return 0;
    }
    xxhash_rust::xxh3::xxh3_64(&boot_id)
}
