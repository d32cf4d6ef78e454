//! A progress bar on stderr, for what takes longer than a second, when somebody looks.
//!
//! In a pipe, in a file, under a timer: nothing. Costs a look at the clock per call.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is shown before.
const QUIET: Duration = Duration::from_secs(1);
/// Between two drawings.
const REDRAW: Duration = Duration::from_millis(100);
/// Cells of the bar.
const CELLS: u64 = 30;

/// Work of a known size, in bytes.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    began: Instant,
    drawn: Option<Instant>,
    is_seen: bool,
}

impl Progress {
    /// Begins `what`; `total` may be told later.
    pub fn new(what: &'static str, total: u64) -> Progress {
        Progress {
            what,
            total,
            done: 0,
            began: Instant::now(),
            drawn: None,
            is_seen: std::io::stderr().is_terminal(),
        }
    }

    /// There is so much to do.
    pub fn total(&mut self, total: u64) {
        self.total = total;
    }

    /// So much more is done.
    pub fn add(&mut self, bytes: u64) {
        self.at(self.done + bytes);
    }

    /// So much is done by now.
    pub fn at(&mut self, done: u64) {
        self.done = done;
        let is_due = self.began.elapsed() >= QUIET && self.drawn.is_none_or(|d| d.elapsed() >= REDRAW);
        if self.is_seen && is_due {
            self.drawn = Some(Instant::now());
            let _ = write!(std::io::stderr(), "\r\x1b[K{}", self.line(self.began.elapsed()));
        }
    }

    fn line(&self, took: Duration) -> String {
        let done = self.done.min(self.total.max(1));
        let cells = done * CELLS / self.total.max(1);
        let bar: String = (0..CELLS).map(|n| if n < cells { '#' } else { '.' }).collect();
        let rate = (self.done as f64 / took.as_secs_f64().max(0.001)) as u64;
        format!(
            "{} [{bar}] {:3} %  {} of {}  {}/s",
            self.what,
            done * 100 / self.total.max(1),
            bytes(self.done),
            bytes(self.total),
            bytes(rate)
        )
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// A number of bytes, for people.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (n as f64, "B");
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" {
        format!("{n} B")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let mut progress = Progress::new("checking", 4 << 20);
        progress.at(1 << 20);
        let line = progress.line(Duration::from_secs(2));
        assert_eq!(
            line,
            "checking [#######.......................]  25 %  1.0 MiB of 4.0 MiB  512.0 KiB/s"
        );
        progress.at(8 << 20);
        assert!(
            progress.line(Duration::from_secs(2)).contains("100 %"),
            "more than was foreseen is all of it"
        );
        assert!(Progress::new("x", 0).line(Duration::ZERO).contains("  0 %"));
    }

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        let told = [0, 1023, 1024, 1536 << 10, 3 << 30].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "3.0 GiB"]);
    }
}
