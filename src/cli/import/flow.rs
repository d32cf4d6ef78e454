//! One pass over the lines: this thread reads and sends, another takes the answers, in the same order.

use super::super::client::{Client, Value};
use super::super::progress::Progress;
use super::line::{self, Ticket};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use xxhash_rust::xxh3::xxh3_64;

/// Lines that are sent at a time.
const BATCH_LINES: usize = 256;
/// Bytes that are sent at a time, unless a single line has more.
const BATCH_BYTES: u64 = 256 << 10;
/// Lines that wait for their answers at most. More than a batch: what is not sent yet must leave room for what is.
const AWAITED_MAX: usize = 4_096;
const _: () = assert!(AWAITED_MAX > 2 * BATCH_LINES);
/// Bytes of a line: what a daemon takes as one request, as it is configured at first.
const LINE_BYTES_MAX: u64 = 4 << 20;
/// Bytes of a field, and fields of a line, for the same reason: a request beyond them ends the connection.
const FIELD_BYTES_MAX: usize = 1 << 20;
const FIELDS_MAX: usize = 500;

/// How the lines of a pass are sent.
#[derive(Debug)]
pub struct Pass<'a> {
    /// Only asked about.
    pub check: bool,
    /// Not handed out until the import is done.
    pub held_back: bool,
    /// `at` of the lines without their own.
    pub at: Option<&'a str>,
}

/// What became of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Tickets that were not there.
    pub new: u64,
    /// Tickets that were, with the same fields.
    pub there: u64,
    /// Lines that were refused.
    pub bad: u64,
}

impl Counts {
    /// All that were answered.
    pub fn lines(&self) -> u64 {
        self.new + self.there + self.bad
    }
}

/// Where the lines come from.
pub struct Source {
    read: Box<dyn BufRead>,
    bytes: u64,
}

impl Source {
    /// A file, or the input for `-`. The error names it.
    pub fn open(path: &Path) -> io::Result<Source> {
        if path.as_os_str() == "-" {
            let read = Box::new(BufReader::new(io::stdin()));
            return Ok(Source { read, bytes: 0 });
        }
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
        let file = File::open(path).map_err(named)?;
        let bytes = file.metadata().map_err(named)?.len();
        Ok(Source {
            read: Box::new(BufReader::with_capacity(1 << 20, file)),
            bytes,
        })
    }
}

/// A line whose answer is awaited.
struct Awaited {
    number: u64,
    what: What,
}

enum What {
    /// It was sent: hashes of its id, and of id and fields.
    Sent { id: u64, whole: u64 },
    /// It makes no sense by itself.
    Bad(String),
}

/// Sends every line of `source` and counts the answers; `bad` is told of each line that was refused, in order. Fails when the
/// lines cannot be read, or the daemon does not take any: what was counted by then holds.
pub fn run(
    pass: &Pass,
    source: Source,
    client: &mut Client,
    counts: &mut Counts,
    bad: &mut (dyn FnMut(u64, &str) + Send),
) -> io::Result<()> {
    let newest = newest_seq(client)?;
    let mut writer = client.twin()?;
    let (tell, told) = sync_channel(AWAITED_MAX);
    std::thread::scope(|scope| {
        let answers = scope.spawn(move || answers(pass.check, newest, client, &told, counts, bad));
        let sent = send(pass, source, &mut writer, tell);
        let answered = answers
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that reads answers died")));
        // Why the answers ended says more than that nobody takes lines any more.
        answered.and(sent)
    })
}

/// Seq of the newest event: what is answered with a later one is new.
fn newest_seq(client: &mut Client) -> io::Result<i64> {
    let Value::Text(info) = client.command(&["INFO"])? else {
        return Err(io::Error::other("INFO has no text: is this slad?"));
    };
    let info = String::from_utf8_lossy(&info).into_owned();
    let seq = info.lines().find_map(|line| line.strip_prefix("written_seq:"));
    seq.and_then(|seq| seq.trim().parse().ok())
        .ok_or_else(|| io::Error::other("INFO has no written_seq: is this slad?"))
}

fn send(pass: &Pass, source: Source, writer: &mut Client, tell: SyncSender<Awaited>) -> io::Result<()> {
    let Source { mut read, bytes } = source;
    let what = if pass.check { "checking" } else { "importing" };
    let mut progress = Progress::new(what, bytes);
    let (mut line, mut number) = (Vec::new(), 0);
    let (mut lines, mut filled) = (0, 0_u64);
    loop {
        line.clear();
        let got = read
            .by_ref()
            .take(LINE_BYTES_MAX + 1)
            .read_until(b'\n', &mut line)? as u64;
        if got == 0 {
            return writer.send();
        }
        number += 1;
        progress.add(if bytes == 0 { 0 } else { got });
        let what = if got > LINE_BYTES_MAX {
            let rest = rest_of_line(&mut *read)?;
            progress.add(if bytes == 0 { 0 } else { rest });
            What::Bad(format!(
                "longer than {LINE_BYTES_MAX} bytes: a ticket takes no more"
            ))
        } else {
            match std::str::from_utf8(&line).map(str::trim_ascii) {
                Ok("") => continue,
                Ok(line) => match line::read(line.trim_start_matches('\u{feff}')) {
                    Ok(ticket) => too_large(&ticket).unwrap_or_else(|| push(pass, &ticket, writer)),
                    Err(why) => What::Bad(why),
                },
                Err(e) => What::Bad(format!(
                    "byte {} is no UTF-8: write the file as UTF-8",
                    e.valid_up_to() + 1
                )),
            }
        };
        if tell.send(Awaited { number, what }).is_err() {
            // Whoever reads the answers says why.
            return Ok(());
        }
        lines += 1;
        filled += got;
        if lines >= BATCH_LINES || filled >= BATCH_BYTES {
            writer.send()?;
            (lines, filled) = (0, 0);
        }
    }
}

/// Skips what is left of a line that is too long.
fn rest_of_line(read: &mut dyn BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = read.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (count, done) = match end {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        read.consume(count);
        skipped += count as u64;
        if done {
            return Ok(skipped);
        }
    }
}

/// A request that a daemon would not even read.
fn too_large(ticket: &Ticket) -> Option<What> {
    if ticket.fields.len() > FIELDS_MAX {
        let count = ticket.fields.len();
        return Some(What::Bad(format!(
            "{count} fields: a ticket takes at most {FIELDS_MAX}"
        )));
    }
    let mut fields = ticket.fields.iter();
    let (name, value) = fields.find(|(name, value)| name.len().max(value.len()) > FIELD_BYTES_MAX)?;
    let bytes = name.len().max(value.len());
    let name: String = name.chars().take(64).collect();
    Some(What::Bad(format!(
        "{name} has {bytes} bytes: a field takes at most {FIELD_BYTES_MAX}"
    )))
}

fn push(pass: &Pass, ticket: &Ticket, writer: &mut Client) -> What {
    let mut words: Vec<&[u8]> = Vec::with_capacity(8 + 2 * ticket.fields.len());
    words.extend([&b"TICKET.IMPORT"[..], ticket.id.as_bytes()]);
    let mut whole = ticket.id.clone();
    for (name, value) in &ticket.fields {
        words.extend([name.as_bytes(), value.as_bytes()]);
        for part in [name, value] {
            whole.push('\0');
            whole.push_str(part);
        }
    }
    let own_at = ticket.fields.iter().any(|(name, _)| name == "at");
    if let Some(at) = pass.at.filter(|_| !own_at) {
        words.extend([&b"at"[..], at.as_bytes()]);
    }
    for (given, name) in [(pass.check, &b"check"[..]), (pass.held_back, b"held_back")] {
        if given {
            words.extend([name, b"yes"]);
        }
    }
    writer.push(&words);
    What::Sent {
        id: xxh3_64(ticket.id.as_bytes()),
        whole: xxh3_64(whole.as_bytes()),
    }
}

fn answers(
    check: bool,
    mut newest: i64,
    client: &mut Client,
    told: &Receiver<Awaited>,
    counts: &mut Counts,
    bad: &mut (dyn FnMut(u64, &str) + Send),
) -> io::Result<()> {
    // In a dry run nothing is there afterwards that a later line of the same id could meet.
    let mut seen: HashMap<u64, u64> = HashMap::new();
    for Awaited { number, what } in told {
        let (id, whole) = match what {
            What::Sent { id, whole } => (id, whole),
            What::Bad(why) => {
                counts.bad += 1;
                bad(number, &why);
                continue;
            }
        };
        let refused = match client.reply()? {
            Value::Int(0) if check => match seen.insert(id, whole) {
                None => {
                    counts.new += 1;
                    None
                }
                Some(before) if before == whole => {
                    counts.there += 1;
                    None
                }
                Some(before) => {
                    seen.insert(id, before);
                    Some(
                        "EXISTS an earlier line has this id with other fields: give each ticket once"
                            .to_owned(),
                    )
                }
            },
            Value::Int(seq) => {
                if !check && seq > newest {
                    newest = seq;
                    counts.new += 1;
                } else {
                    counts.there += 1;
                }
                None
            }
            Value::Error(why) if stops(&why) => {
                return Err(io::Error::other(format!("line {number}: {why}")));
            }
            Value::Error(why) => Some(why),
            other => Some(format!("unexpected answer: {other:?}")),
        };
        if let Some(why) = refused {
            counts.bad += 1;
            bad(number, &why);
        }
    }
    Ok(())
}

/// Is it the daemon that takes no line at all, whatever it says?
fn stops(why: &str) -> bool {
    let code = why.split(' ').next().unwrap_or_default();
    matches!(
        code,
        "ERR" | "DISKFULL" | "LOADING" | "BUSY" | "NOAUTH" | "DENIED"
    )
}
