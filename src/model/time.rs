//! Instants and durations as people write them. There is no clock here: time is always an argument.

use super::Refusal;
use std::fmt;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = i64;

/// A length of time in milliseconds.
pub type DurationMs = i64;

/// The instant that never comes.
pub const NEVER: UnixMs = i64::MAX;

/// Latest instant taken as input: 9999-12-31T23:59:59.999Z.
pub const INSTANT_MAX: UnixMs = 253_402_300_799_999;

/// One day of natural time, ms.
pub const DAY_MS: DurationMs = 86_400_000;

const TAKES_INSTANT: &str = "takes RFC 3339 (2026-01-31T09:00:00Z) or epoch milliseconds";
const TAKES_DURATION: &str = "takes a duration such as 500ms, 90s, 15m, 4h, 3d, 2w, 1mo, 1bd";

/// Reads an instant: RFC 3339 with an offset, or epoch ms.
pub fn instant(what: &str, bytes: &[u8]) -> Result<UnixMs, Refusal> {
    let bad = || {
        let given = String::from_utf8_lossy(bytes);
        Refusal::bad_arg(format!("{what} '{given}': it {TAKES_INSTANT}"))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
    let ms = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse::<i64>().map_err(|_| bad())?
    } else {
        text.parse::<jiff::Timestamp>()
            .map_err(|_| bad())?
            .as_millisecond()
    };
    if (0..=INSTANT_MAX).contains(&ms) {
        Ok(ms)
    } else {
        Err(bad())
    }
}

/// An instant as RFC 3339 in UTC, for people.
pub fn rfc3339(at: UnixMs) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(t) => format!("{t:.3}"),
        Err(_) => format!("{at} ms"),
    }
}

/// A length of time as people give it; what it comes to may depend on where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub enum Span {
    /// Plain milliseconds (`ms s m h d w`; d = 24 h).
    Ms(DurationMs),
    /// Calendar months: the same date n months on, clamped to the month's end.
    Months(u32),
    /// Business days: 24 h each in natural time.
    BusinessDays(u32),
}

impl Span {
    /// The instant this span after `start` in natural time (24 × 7, UTC months).
    pub fn after(self, start: UnixMs) -> UnixMs {
        match self {
            Span::Ms(ms) => start.saturating_add(ms).min(NEVER - 1),
            Span::BusinessDays(n) => start.saturating_add(i64::from(n) * DAY_MS).min(NEVER - 1),
            Span::Months(n) => months_after(start, n),
        }
    }
}

fn months_after(start: UnixMs, months: u32) -> UnixMs {
    let moved = jiff::Timestamp::from_millisecond(start).ok().and_then(|t| {
        let date = t.to_zoned(jiff::tz::TimeZone::UTC);
        date.checked_add(jiff::Span::new().try_months(i64::from(months)).ok()?)
            .ok()
    });
    moved.map_or(NEVER - 1, |date| date.timestamp().as_millisecond())
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Span::Months(n) => write!(f, "{n}mo"),
            Span::BusinessDays(n) => write!(f, "{n}bd"),
            Span::Ms(ms) => {
                let unit = UNITS
                    .iter()
                    .rev()
                    .find(|(_, size)| ms % size == 0 && ms != 0)
                    .unwrap_or(&UNITS[0]);
                write!(f, "{}{}", ms / unit.1, unit.0)
            }
        }
    }
}

/// Fixed units, smallest first, with their size in ms.
const UNITS: [(&str, DurationMs); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", DAY_MS),
    ("w", 7 * DAY_MS),
];

/// Longest duration taken as input: 100 years, so that sums never overflow.
pub const DURATION_MAX_MS: DurationMs = 36_525 * DAY_MS;

/// Reads a duration: a whole number and a unit.
pub fn span(what: &str, bytes: &[u8]) -> Result<Span, Refusal> {
    let bad = || {
        let given = String::from_utf8_lossy(bytes);
        Refusal::bad_arg(format!("{what} '{given}': it {TAKES_DURATION}"))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| bad())?;
    let days = |size: DurationMs| {
        number
            .checked_mul(size)
            .filter(|ms| *ms <= DURATION_MAX_MS)
            .ok_or_else(bad)
    };
    match unit {
        "mo" => days(31 * DAY_MS).map(|_| Span::Months(number as u32)),
        "bd" => days(DAY_MS).map(|_| Span::BusinessDays(number as u32)),
        _ => {
            let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
            days(*size).map(Span::Ms)
        }
    }
}

/// Reads a duration that needs no calendar, in ms.
pub fn duration(what: &str, bytes: &[u8]) -> Result<DurationMs, Refusal> {
    match span(what, bytes)? {
        Span::Ms(ms) => Ok(ms),
        other => Err(Refusal::bad_arg(format!(
            "{what} '{other}' needs a calendar: use ms, s, m, h, d or w"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_both_spellings() {
        assert_eq!(instant("at", b"1767225600000").unwrap(), 1_767_225_600_000);
        assert_eq!(instant("at", b"2026-01-01T00:00:00Z").unwrap(), 1_767_225_600_000);
        assert_eq!(
            instant("at", b"2026-01-01T08:00:00.250+08:00").unwrap(),
            1_767_225_600_250
        );
        for bad in [
            "",
            "yesterday",
            "-5",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "99999999999999999999",
            "999999999999999",
        ] {
            let refusal = instant("at", bad.as_bytes()).unwrap_err();
            assert!(
                refusal.message.contains(bad) && refusal.message.contains("RFC 3339"),
                "{refusal}"
            );
        }
        assert_eq!(rfc3339(1_767_225_600_250), "2026-01-01T00:00:00.250Z");
    }

    #[test]
    fn durations_with_every_unit() {
        for (text, ms) in [
            ("500ms", 500),
            ("90s", 90_000),
            ("15m", 900_000),
            ("4h", 14_400_000),
            ("3d", 3 * DAY_MS),
            ("2w", 14 * DAY_MS),
        ] {
            assert_eq!(duration("block", text.as_bytes()).unwrap(), ms);
        }
        assert_eq!(span("for", b"1mo").unwrap(), Span::Months(1));
        assert_eq!(span("for", b"2bd").unwrap(), Span::BusinessDays(2));
        for bad in [
            "",
            "5",
            "m",
            "1.5h",
            "-1s",
            "1y",
            "99999999999999999999s",
            "999999w",
        ] {
            assert!(span("for", bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(
            duration("block", b"1bd")
                .unwrap_err()
                .message
                .contains("calendar")
        );
    }

    #[test]
    fn months_clamp_to_the_months_end() {
        let jan31 = instant("at", b"2026-01-31T10:00:00Z").unwrap();
        assert_eq!(rfc3339(Span::Months(1).after(jan31)), "2026-02-28T10:00:00.000Z");
    }

    #[test]
    fn spans_print_as_they_are_read() {
        for text in ["500ms", "90s", "15m", "4h", "3d", "2w", "1mo", "1bd"] {
            assert_eq!(span("x", text.as_bytes()).unwrap().to_string(), text);
        }
    }
}
