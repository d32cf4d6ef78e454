//! Room ahead of the log: the next segment and the reserve are made in good time, on a thread of their own, and what the
//! disk has left is said to the core.
//!
//! Filling 64 MiB with zeros takes as many milliseconds; nobody waits for it but a rotation that comes sooner. A failure
//! is tried again four times a second; while there is room, and nothing to be made, there is no tick.

use super::disk::DiskState;
use super::log_line::LogLine;
use crate::journal::reserve::Reserve;
use crate::journal::segment::Prepared;
use crate::journal::{JournalError, Writer};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

/// The next segment is prepared when the active one is this full.
const PREPARE_AT: f64 = 0.25;
/// A disk that was full is asked again this often.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// The reserve counts as used up when less than this share of a segment is left: what the core has decided by then, but
/// not handed over, still has to fit.
const MARGIN_PART: u64 = 8;

/// Watches over the room that a log has.
pub struct Room {
    line: Arc<LogLine>,
    margin_bytes: u64,
    making: Option<Receiver<Result<Made, JournalError>>>,
    /// When what failed is tried again.
    retry_at: Option<Instant>,
    /// Why it failed last.
    why: String,
    state: DiskState,
}

enum Made {
    Segment(Prepared),
    Reserve(Reserve),
}

impl Room {
    /// Prepares the next segment, for which the first append would wait otherwise. Fails when there is no file to write
    /// to and none can be made; a full disk alone is no reason.
    pub fn open(writer: &mut Writer, line: Arc<LogLine>, segment_bytes: u64) -> Result<Room, JournalError> {
        let mut room = Room {
            line,
            margin_bytes: segment_bytes / MARGIN_PART,
            making: None,
            retry_at: None,
            why: String::new(),
            state: DiskState::Ok,
        };
        match writer.prepare_next() {
            Err(e) if e.is_disk_full() && writer.has_file() => room.failed(e.to_string()),
            prepared => prepared?,
        }
        room.judge(writer, false);
        Ok(room)
    }

    /// Takes what was made, has made what is missing, says how it stands. `stuck`: something waits to be written.
    pub fn tend(&mut self, writer: &mut Writer, stuck: bool) {
        self.collect(writer);
        if self.making.is_none() && self.retry_at.is_none_or(|at| Instant::now() >= at) {
            self.begin(writer);
        }
        self.judge(writer, stuck);
    }

    /// How long there is nothing to do here.
    pub fn wait(&self) -> Option<Duration> {
        // Whoever makes something tells when it is done.
        let at = self.retry_at.filter(|_| self.making.is_none())?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Something found no room: it is tried again soon.
    pub fn failed(&mut self, why: String) {
        self.why = why;
        self.retry_at = Some(Instant::now() + RETRY_EVERY);
    }

    fn collect(&mut self, writer: &mut Writer) {
        let Some(making) = &self.making else {
            return;
        };
        match making.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(Ok(Made::Segment(prepared))) => writer.install(prepared),
            Ok(Ok(Made::Reserve(reserve))) => writer.install_reserve(reserve),
            Ok(Err(e)) => {
                self.making = None;
                return self.failed(e.to_string());
            }
            Err(TryRecvError::Disconnected) => {
                self.making = None;
                return self.failed("the preparing thread died".to_owned());
            }
        }
        (self.making, self.retry_at) = (None, None);
    }

    fn begin(&mut self, writer: &mut Writer) {
        type Work = Box<dyn FnOnce() -> Result<Made, JournalError> + Send>;
        let segment = (writer.used() >= PREPARE_AT)
            .then(|| writer.preparation())
            .flatten();
        let work: Work = if let Some(segment) = segment {
            Box::new(move || segment.run().map(Made::Segment))
        } else if let Some(reserve) = writer.reserve_preparation() {
            Box::new(move || reserve.run().map(Made::Reserve))
        } else {
            return;
        };
        let (done, making) = channel();
        let line = self.line.clone();
        let started = std::thread::Builder::new()
            .name("slad-prepare".to_owned())
            .spawn(move || {
                let _ = done.send(work());
                line.nudge();
            });
        match started {
            Ok(_) => self.making = Some(making),
            Err(e) => self.failed(e.to_string()),
        }
    }

    fn judge(&mut self, writer: &Writer, stuck: bool) {
        let is_missing = !writer.has_reserve() || (writer.used() >= PREPARE_AT && !writer.has_spare());
        let is_short = writer.room_bytes() < self.margin_bytes;
        let state = match (self.retry_at, self.state) {
            _ if stuck => DiskState::Exhausted,
            _ if !is_missing => DiskState::Ok,
            (Some(_), _) if is_short => DiskState::Exhausted,
            (Some(_), _) => DiskState::Low,
            // Being made: only good news counts before it is known how that ends.
            (None, DiskState::Exhausted) if !is_short => DiskState::Low,
            (None, before) => before,
        };
        if stuck {
            // Also a frame that nothing but a larger segment takes: it waits for room, whatever else there is.
            self.retry_at.get_or_insert_with(|| Instant::now() + RETRY_EVERY);
        } else if !is_missing {
            self.retry_at = None;
        }
        let has_changed = state != self.state;
        if state != DiskState::Ok || has_changed {
            self.line.set_disk(state, writer.free_bytes().unwrap_or(0));
        }
        if has_changed {
            self.state = state;
            self.tell();
            self.line.done(0);
        }
    }

    fn tell(&self) {
        let (_, free_bytes) = self.line.disk();
        match self.state {
            DiskState::Ok => tracing::info!(free_bytes, "the disk has room for the log again"),
            DiskState::Low => tracing::warn!(
                free_bytes,
                "no further segment can be made ({}): TICKET.OPEN, AGENT.SET, POLICY commands and SNAPSHOT are refused, the \
                 rest goes on in what is there",
                self.why
            ),
            DiskState::Exhausted => tracing::error!(
                free_bytes,
                "the reserve is used up ({}): every write is refused, timers wait",
                self.why
            ),
        }
    }
}
