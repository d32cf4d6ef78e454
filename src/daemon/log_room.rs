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
            let room_bytes = match state {
                DiskState::Ok => u64::MAX,
                _ => writer.room_bytes(),
            };
            self.line
                .set_disk(state, writer.free_bytes().unwrap_or(0), room_bytes);
        }
        if has_changed {
            self.state = state;
            self.tell();
            self.line.done(0);
        }
    }

    fn tell(&self) {
        let (_, free_bytes) = self.line.disk();
        self.line.set_disk_why(&self.why);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::sim::SimDisk;
    use crate::journal::{Batch, Config, open};
    use crate::model::event::{Body, ClockJumped, Event};

    const SEGMENT_BYTES: u64 = 1 << 20;

    fn batch(first_seq: u64) -> Batch {
        let jumped = ClockJumped::advanced(0, 1);
        let event = Event {
            at: 1,
            logged_at: 1,
            cause: 0,
            tenant: 0,
            body: Body::ClockJumped(jumped),
        };
        let mut batch = Batch::new();
        for seq in first_seq..first_seq + 100 {
            batch.push(seq, std::slice::from_ref(&event)).unwrap();
        }
        batch
    }

    struct Desk {
        disk: SimDisk,
        writer: Writer,
        line: Arc<LogLine>,
        room: Room,
    }

    impl Desk {
        fn new() -> Desk {
            let disk = SimDisk::new();
            let config = Config {
                segment_bytes: SEGMENT_BYTES,
                ..Config::default()
            };
            let opened = open(Arc::new(disk.clone()), config).unwrap();
            let mut writer = opened.into_writer().unwrap();
            let line = Arc::new(LogLine::new(0));
            let room = Room::open(&mut writer, line.clone(), SEGMENT_BYTES).unwrap();
            Desk {
                disk,
                writer,
                line,
                room,
            }
        }

        /// Looks until the state is this one.
        fn becomes(&mut self, state: DiskState) {
            let started = Instant::now();
            while self.line.disk().0 != state {
                assert!(started.elapsed() < Duration::from_secs(20), "not {state:?}");
                self.room.tend(&mut self.writer, false);
                std::thread::sleep(Duration::from_millis(1));
            }
        }

        fn write(&mut self) -> Result<(), JournalError> {
            let written = self.writer.append(&mut batch(self.writer.next_seq()));
            self.room.tend(&mut self.writer, written.is_err());
            written.map(|_| ())
        }
    }

    #[test]
    fn the_state_follows_the_disk_there_and_back() {
        let mut desk = Desk::new();
        while !desk.writer.has_reserve() {
            desk.room.tend(&mut desk.writer, false);
        }
        assert_eq!(desk.line.disk().0, DiskState::Ok);
        assert_eq!(desk.room.wait(), None, "no tick while all is well");
        desk.disk.set_capacity(Some(desk.disk.used_bytes()));
        let mut seen = vec![DiskState::Ok];
        while desk.line.disk().0 != DiskState::Exhausted {
            desk.write().unwrap();
            // What is being made fails soon.
            while desk.room.making.is_some() {
                desk.room.tend(&mut desk.writer, false);
            }
            let state = desk.line.disk().0;
            if seen.last() != Some(&state) {
                seen.push(state);
            }
        }
        assert_eq!(seen, DiskState::ALL);
        assert!(desk.room.wait().is_some_and(|wait| wait <= RETRY_EVERY));
        let left = desk.writer.room_bytes();
        assert!(
            left < SEGMENT_BYTES / MARGIN_PART && left > SEGMENT_BYTES / MARGIN_PART / 2,
            "{left}"
        );
        // What was decided by then still fits; what does not is not lost.
        desk.write().unwrap();
        while desk.write().is_ok() {}
        assert!(desk.writer.is_alive() && desk.line.disk().0 == DiskState::Exhausted);
        assert!(desk.room.wait().is_some());
        // Room for one more segment, then for the reserve too.
        desk.disk
            .set_capacity(Some(desk.disk.used_bytes() + SEGMENT_BYTES));
        desk.becomes(DiskState::Low);
        assert!(desk.writer.has_spare() && !desk.writer.has_reserve());
        desk.disk.set_capacity(None);
        desk.becomes(DiskState::Ok);
        assert!(desk.writer.has_spare() && desk.writer.has_reserve());
        assert_eq!(desk.room.wait(), None);
    }

    #[test]
    fn a_frame_that_waits_is_looked_after_whatever_else_there_is() {
        let mut desk = Desk::new();
        while !desk.writer.has_reserve() {
            desk.room.tend(&mut desk.writer, false);
        }
        desk.room.tend(&mut desk.writer, true);
        assert_eq!(desk.line.disk().0, DiskState::Exhausted);
        assert!(desk.room.wait().is_some());
        desk.becomes(DiskState::Ok);
    }
}
