//! Values as people write them in the file. Errors say what was given; what the key takes is said by its row.

use super::{LogFormat, Sync};
use crate::model::{Text, text, time};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;

/// Reads one kind of value; the error says what is wrong with what was given.
pub(super) type Reading<T> = Result<T, String>;

/// Units of sizes, smallest first.
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn wrong_type(given: &DeValue<'_>) -> String {
    format!("is {} {}", article(given.type_str()), given.type_str())
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

fn string<'a>(given: &'a DeValue<'_>) -> Reading<&'a str> {
    given.as_str().ok_or_else(|| wrong_type(given))
}

/// A whole number between two bounds, as an integer or (from a flag) as text.
pub(super) fn count(given: &DeValue<'_>, least: u64, most: u64) -> Reading<u64> {
    let number = match given {
        DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok(),
        DeValue::String(s) => s.parse().ok(),
        other => return Err(wrong_type(other)),
    };
    in_bounds(number.ok_or("is not a whole number")?, least, most, |n| {
        n.to_string()
    })
}

/// [`count`] that fits 32 bits.
pub(super) fn count32(given: &DeValue<'_>, least: u32) -> Reading<u32> {
    let number = count(given, u64::from(least), u64::from(u32::MAX))?;
    u32::try_from(number).map_err(|e| e.to_string())
}

/// A size in bytes: a plain number, or text such as `64MiB`.
pub(super) fn size(given: &DeValue<'_>, least: u64, most: u64) -> Reading<u64> {
    let bytes = match given {
        DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok(),
        DeValue::String(s) => parse_size(s),
        other => return Err(wrong_type(other)),
    };
    in_bounds(bytes.ok_or("is not a size")?, least, most, show_size)
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim_start() {
        "" => Some(number),
        unit => {
            let (_, size) = SIZES.iter().find(|(name, _)| *name == unit)?;
            number.checked_mul(*size)
        }
    }
}

/// A size in the largest unit that divides it.
pub fn show_size(bytes: u64) -> String {
    match SIZES
        .iter()
        .rev()
        .find(|(_, size)| bytes != 0 && bytes.is_multiple_of(*size))
    {
        Some((unit, size)) if *size > 1 => format!("{}{unit}", bytes / size),
        _ => bytes.to_string(),
    }
}

/// A duration such as `100ms`.
pub(super) fn duration(given: &DeValue<'_>, least: Duration, most: Duration) -> Reading<Duration> {
    let text = string(given)?;
    let ms = time::duration("", text.as_bytes()).map_err(|_| "is not a duration".to_owned())?;
    let given = Duration::from_millis(u64::try_from(ms).map_err(|e| e.to_string())?);
    in_bounds(given, least, most, show_duration)
}

/// How "as long or as much as there is" is spelled.
const UNLIMITED: &str = "unlimited";

/// `unlimited`, or what `read` takes.
pub(super) fn unless_unlimited<T>(
    given: &DeValue<'_>,
    read: impl Fn(&DeValue<'_>) -> Reading<T>,
) -> Reading<Option<T>> {
    match given.as_str() {
        Some(UNLIMITED) => Ok(None),
        _ => read(given).map(Some),
    }
}

/// `unlimited`, or the value as `show` has it.
pub(super) fn show_or_unlimited<T: Copy>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| UNLIMITED.to_owned(), show)
}

/// A duration of days as days, such as `730d`.
pub(super) fn show_days(duration: Duration) -> String {
    const DAY_SECONDS: u64 = 86_400;
    match duration.as_secs() {
        seconds if duration.subsec_nanos() == 0 && seconds.is_multiple_of(DAY_SECONDS) => {
            format!("{}d", seconds / DAY_SECONDS)
        }
        _ => show_duration(duration),
    }
}

/// A duration in the largest unit that divides it.
pub fn show_duration(duration: Duration) -> String {
    let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time::Span::Ms(ms).to_string() {
        // Weeks and days read worse than hours in a configuration.
        text if text.ends_with(['d', 'w']) => format!("{}h", ms / 3_600_000),
        text => text,
    }
}

fn in_bounds<T: PartialOrd + Copy + Debug>(
    given: T,
    least: T,
    most: T,
    show: impl Fn(T) -> String,
) -> Reading<T> {
    if given < least {
        Err(format!("is less than {}", show(least)))
    } else if given > most {
        Err(format!("is more than {}", show(most)))
    } else {
        Ok(given)
    }
}

/// A path; `~` and variables are not expanded.
pub(super) fn path(given: &DeValue<'_>) -> Reading<PathBuf> {
    match string(given)? {
        "" => Err("is empty".to_owned()),
        text if text.contains('\0') => Err("has a NUL character".to_owned()),
        text => Ok(PathBuf::from(text)),
    }
}

/// Path of a Unix socket: the system takes at most 107 bytes.
pub(super) fn socket(given: &DeValue<'_>) -> Reading<PathBuf> {
    const BYTES_MAX: usize = 107;
    let path = path(given)?;
    match path.as_os_str().len() {
        n if n > BYTES_MAX => Err(format!(
            "has {n} bytes, but the path of a socket at most {BYTES_MAX}"
        )),
        _ => Ok(path),
    }
}

/// A loopback address with a port, or empty for none.
pub(super) fn loopback(given: &DeValue<'_>) -> Reading<Option<SocketAddr>> {
    let text = string(given)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = text.parse().map_err(|_| "is not an address".to_owned())?;
    if address.ip().is_loopback() {
        Ok(Some(address))
    } else {
        Err("is not a loopback address, and there is no login".to_owned())
    }
}

/// The name of something.
pub(super) fn name(given: &DeValue<'_>) -> Reading<Text> {
    let text = string(given)?;
    text::id("name", text.as_bytes()).map_err(|refusal| refusal.message.replacen("name ", "", 1))
}

/// The name of a policy: which there are is known when all keys are.
pub(super) fn policy(given: &DeValue<'_>) -> Reading<Text> {
    name(given)
}

/// Path of a folder, or empty for none.
pub(super) fn folder(given: &DeValue<'_>) -> Reading<Option<PathBuf>> {
    match string(given)? {
        "" => Ok(None),
        _ => path(given).map(Some),
    }
}

/// A list of names, each once; from a flag, separated by commas.
pub(super) fn names(given: &DeValue<'_>) -> Reading<Vec<Text>> {
    let mut names: Vec<Text> = match given {
        DeValue::Array(items) => items
            .iter()
            .map(|item| name(item.get_ref()))
            .collect::<Reading<_>>()?,
        DeValue::String(s) if s.is_empty() => Vec::new(),
        DeValue::String(s) => s
            .split(',')
            .map(|part| name(&DeValue::String(part.trim().into())))
            .collect::<Reading<_>>()?,
        other => return Err(wrong_type(other)),
    };
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("names '{}' twice", pair[0])),
        None => Ok(names),
    }
}

/// A filter for log lines.
pub(super) fn filter(given: &DeValue<'_>) -> Reading<String> {
    let text = string(given)?;
    text.parse::<tracing_subscriber::filter::Targets>()
        .map(|_| text.to_owned())
        .map_err(|e| format!("is no filter ({e})"))
}

/// One of a few words.
fn word<T: Copy>(given: &DeValue<'_>, known: &[(&str, T)]) -> Reading<T> {
    let text = string(given)?;
    known
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            format!(
                "is unknown{}",
                text::hint(text, known.iter().map(|(name, _)| *name))
            )
        })
}

const SYNCS: [(&str, Sync); 3] = [
    ("always", Sync::Always),
    ("interval", Sync::Interval),
    ("never", Sync::Never),
];
const FORMATS: [(&str, LogFormat); 3] = [
    ("text", LogFormat::Text),
    ("json", LogFormat::Json),
    ("journald", LogFormat::Journald),
];

/// A sync policy.
pub(super) fn sync(given: &DeValue<'_>) -> Reading<Sync> {
    word(given, &SYNCS)
}

/// A log format.
pub(super) fn format(given: &DeValue<'_>) -> Reading<LogFormat> {
    word(given, &FORMATS)
}

impl Sync {
    /// As it is spelled.
    pub fn as_str(self) -> &'static str {
        SYNCS
            .iter()
            .find(|(_, sync)| *sync == self)
            .map_or("", |(name, _)| name)
    }
}

impl LogFormat {
    /// As it is spelled.
    pub fn as_str(self) -> &'static str {
        FORMATS
            .iter()
            .find(|(_, format)| *format == self)
            .map_or("", |(name, _)| name)
    }
}
