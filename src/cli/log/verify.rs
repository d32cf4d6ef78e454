//! `slad log verify`: every file checked, the state replayed, and what is wrong told as the daemon tells it.

use super::super::progress::{Progress, bytes};
use super::proof::{Proof, prove};
use super::{Failure, Folder, Output, disk, exit, failure, no_log};
use crate::cli::{print, say};
use crate::daemon::startup::boot_id;
use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::offline::View;
use crate::journal::offline::check::{Problem, Report, SegmentReport, State, check};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Replays that are begun anew because a file went.
const ROUNDS_MAX: usize = 5;

/// Arguments of `log verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
    /// `table`: for people; `json`: one object.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// What was found in a folder.
#[derive(Debug)]
pub struct Verified {
    /// The files.
    pub report: Report,
    /// The replay; `None`: damage forbade it.
    pub proof: Option<Result<Proof, JournalError>>,
    /// The daemon that writes to it.
    pub daemon: Option<u32>,
}

impl Verified {
    /// Nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.report.is_whole() && matches!(self.proof, Some(Ok(_)))
    }
}

/// Verifies; the exit code.
pub fn run(args: &Args) -> u8 {
    match verify(&args.folder.data) {
        Ok(verified) => {
            match args.output {
                Output::Table => show(&args.folder.data, &verified),
                Output::Json => print(as_json(&args.folder.data, &verified)),
            }
            if verified.is_whole() { 0 } else { exit::LOG_REFUSED }
        }
        Err((code, why)) => {
            say(why);
            code
        }
    }
}

/// Checks the files of a folder and replays its log. Where retention takes a file out meanwhile, it begins again.
pub fn verify(dir: &Path) -> Result<Verified, Failure> {
    let mut rounds = 0;
    loop {
        rounds += 1;
        let verified = verify_once(dir)?;
        match &verified.proof {
            Some(Err(e @ JournalError::Io { source, .. })) => {
                if source.kind() != std::io::ErrorKind::NotFound || rounds == ROUNDS_MAX {
                    return Err((exit::START_FAILED, e.to_string()));
                }
            }
            _ => return Ok(verified),
        }
    }
}

fn verify_once(dir: &Path) -> Result<Verified, Failure> {
    let reading = disk(dir)?;
    let daemon = reading.holder();
    let disk = reading as Arc<dyn Disk>;
    let mut progress = Progress::new("checking", size(dir));
    let mut report = check(&disk, boot_id(), |n| progress.add(n)).map_err(failure)?;
    drop(progress);
    if report.segments.is_empty() && report.half_restored.is_none() {
        return Err(no_log(dir));
    }
    let is_readable = report.half_restored.is_none() && report.problems().next().is_none();
    let proof = is_readable.then(|| {
        let view = View::open(disk, boot_id())?;
        let mut progress = Progress::new("replaying", view.frame_bytes());
        let mut wrong = Vec::new();
        let proof = prove(
            &view,
            None,
            |bytes| progress.at(bytes),
            |seq, e| wrong.push((seq, e)),
        );
        for (seq, e) in wrong {
            report.wrong_state(seq, e);
        }
        proof
    });
    Ok(Verified {
        report,
        proof,
        daemon,
    })
}

/// Bytes of the files of a log, about.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let slad = entries.filter(|e| e.path().extension().is_some_and(|x| x == "slad"));
    slad.filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
}

fn state(segment: &SegmentReport) -> &'static str {
    match segment.state {
        State::Prepared => "prepared",
        State::Active => "active",
        State::Sealed => "sealed",
        State::Cut => "cut",
        State::Unknown => "?",
    }
}

fn show(dir: &Path, verified: &Verified) {
    let report = &verified.report;
    print(format_args!(
        "{:36} {:9} {:>23} {:>9} {:>10}  result",
        "file", "state", "seqs", "frames", "bytes"
    ));
    for s in &report.segments {
        let seqs = match s.first_seq > 0 && s.last_seq >= s.first_seq {
            true => format!("{}-{}", s.first_seq, s.last_seq),
            false => "-".to_owned(),
        };
        let result = match (s.problems.is_empty(), s.lost) {
            (false, _) => of_all(s.problems.iter().map(|p| &p.error)),
            (true, Some((from, to))) => format!("whole; seqs {from} to {to} were given up behind it"),
            (true, None) => "whole".to_owned(),
        };
        print(format_args!(
            "{:36} {:9} {seqs:>23} {:>9} {:>10}  {result}",
            s.file,
            state(s),
            s.frames,
            bytes(s.end)
        ));
    }
    for s in &report.snapshots {
        let (seq, size, result) = match &s.found {
            Ok(info) => (
                info.seq.to_string(),
                bytes(info.bytes),
                format!("whole, {} records", info.records),
            ),
            Err(e) => (String::new(), String::new(), of_all([e])),
        };
        print(format_args!(
            "{:36} {:9} {seq:>23} {:>9} {size:>10}  {result}",
            s.file, "snapshot", ""
        ));
    }
    if let Some(Ok(p)) = &verified.proof {
        print(replayed(p));
    }
    notes(verified)
        .iter()
        .for_each(|note| print(format_args!("note: {note}")));
    damage(dir, verified).iter().for_each(print);
    if verified.is_whole() {
        print("the log is whole");
    }
}

/// What a replay came to, for people.
pub fn replayed(p: &Proof) -> String {
    let from = match p.from {
        0 => "from the first".to_owned(),
        seq => format!("after the snapshot of seq {seq}"),
    };
    format!(
        "replayed: {} events {from}, {} state hashes as they were written; after seq {}: {} tickets, state {:016x}",
        p.events, p.hashes, p.seq, p.tickets, p.state_hash
    )
}

/// What is no damage, but worth knowing.
fn notes(verified: &Verified) -> Vec<String> {
    let report = &verified.report;
    let mut notes = Vec::new();
    let active = report
        .segments
        .iter()
        .rfind(|s| !matches!(s.state, State::Prepared | State::Unknown));
    if let (Some(tail), Some(s)) = (report.tail, active) {
        if let Some(pid) = verified.daemon {
            notes.push(format!(
                "process {pid} writes here: {} was read up to its last whole frame, offset {} after seq {}",
                s.file, tail.offset, s.last_seq
            ));
        } else if tail.torn_bytes > 0 {
            notes.push(format!(
                "{}: offset {}: a torn tail of {} bytes; a start cuts it, keeps it in a torn- file and tells seqs {} to {} as lost",
                s.file,
                tail.offset,
                tail.torn_bytes,
                s.last_seq + 1,
                tail.lost_to
            ));
        } else if tail.lost_to > s.last_seq {
            notes.push(format!(
                "seqs {} to {} may have been shown before they were synced: a start after this loss of power gives them up",
                s.last_seq + 1,
                tail.lost_to
            ));
        }
    }
    if !report.kept.is_empty() {
        notes.push(format!(
            "{} files keep what was taken out of the log",
            report.kept.len()
        ));
    }
    notes
}

/// What is damaged, what a start would do, and what can be done.
fn damage(dir: &Path, verified: &Verified) -> Vec<String> {
    let report = &verified.report;
    let mut lines = Vec::new();
    if let Some(e) = &report.half_restored {
        lines.push(format!("damage: {e}"));
    }
    for (n, segment) in report.segments.iter().enumerate() {
        for problem in &segment.problems {
            lines.push(format!("{}: {}", word(&problem.error), problem.error));
            lines.push(format!("  at a start: {}", at_start(problem)));
            lines.push(format!("  possible: {}", remedy(dir, report, n, problem)));
        }
    }
    for e in report.snapshots.iter().filter_map(|s| s.found.as_ref().err()) {
        lines.push(format!("{}: {e}", word(e)));
        lines.push(
            "  at a start: it is passed over for the one before, or for the whole log, and set aside"
                .to_owned(),
        );
        lines.push("  possible: have a running daemon write a new one (SNAPSHOT)".to_owned());
    }
    if let Some(Err(e)) = &verified.proof {
        lines.push(format!("{}: {e}", word(e)));
        lines.push(
            "  possible: verify with the version of slad that wrote it; restore a backup (`slad restore`)"
                .to_owned(),
        );
    }
    lines
}

/// What sort of problem it is.
fn word(e: &JournalError) -> &'static str {
    match e {
        JournalError::Foreign { .. } => "not read",
        _ => "damage",
    }
}

/// The same of a file with these.
fn of_all<'a>(errors: impl IntoIterator<Item = &'a JournalError>) -> String {
    match errors.into_iter().all(|e| word(e) == "not read") {
        true => "NOT READ".to_owned(),
        false => "DAMAGED".to_owned(),
    }
}

fn at_start(problem: &Problem) -> &'static str {
    match (&problem.error, problem.stops_start) {
        (JournalError::TooNew { .. }, _) => "refused: the log is newer than this program",
        (JournalError::Foreign { .. }, true) => "refused with exit code 4: this program does not read it",
        (_, true) => "refused with exit code 4; nothing is changed",
        (_, false) => {
            "it starts, for the newest snapshot is of a later seq; reading these events (feed, history, export) fails"
        }
    }
}

fn remedy(dir: &Path, report: &Report, n: usize, problem: &Problem) -> String {
    match problem.error {
        JournalError::TooNew { .. } => return "the newer slad".to_owned(),
        JournalError::Foreign { .. } => return "the version of slad that wrote it".to_owned(),
        _ => {}
    }
    let restore = "restore a backup (`slad restore`)";
    let segment = &report.segments[n];
    // Where the headers cannot be read, the end of the one before is the place.
    let place = match segment.state {
        State::Unknown => report.segments[..n].last().filter(|s| s.state != State::Unknown),
        _ => Some(segment),
    };
    match place {
        None => restore.to_owned(),
        Some(at) => format!(
            "{restore}; or give up everything after seq {} (what is cut is kept): slad log repair --data {} --truncate-at {}:{}",
            at.last_seq,
            dir.display(),
            at.id,
            at.end
        ),
    }
}

fn problem_json(e: &JournalError) -> Value {
    match e {
        JournalError::Corrupt {
            path,
            offset,
            seq,
            what,
        }
        | JournalError::Foreign {
            path,
            offset,
            seq,
            what,
        } => json!({
            "file": path.display().to_string(), "offset": offset, "seq": seq, "what": what,
            "damage": matches!(e, JournalError::Corrupt { .. }),
        }),
        e => json!({ "what": e.to_string() }),
    }
}

fn as_json(dir: &Path, verified: &Verified) -> Value {
    let report = &verified.report;
    let segments: Vec<Value> = report
        .segments
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let problems: Vec<Value> = s
                .problems
                .iter()
                .map(|p| {
                    let mut problem = problem_json(&p.error);
                    problem["stops_start"] = p.stops_start.into();
                    problem["at_start"] = at_start(p).into();
                    problem["possible"] = remedy(dir, report, n, p).into();
                    problem
                })
                .collect();
            json!({
                "file": s.file, "id": s.id, "state": state(s), "epoch": s.epoch, "first_seq": s.first_seq,
                "last_seq": s.last_seq, "since": s.since, "frames": s.frames, "state_hashes": s.hashes, "end": s.end,
                "lost_from": s.lost.map(|l| l.0), "lost_to": s.lost.map(|l| l.1), "problems": problems,
            })
        })
        .collect();
    let snapshots: Vec<Value> = report
        .snapshots
        .iter()
        .map(|s| match &s.found {
            Ok(i) => json!({
                "file": s.file, "seq": i.seq, "at": i.at, "records": i.records, "bytes": i.bytes,
                "state_hash": format!("{:016x}", i.state_hash.value),
            }),
            Err(e) => json!({ "file": s.file, "problem": problem_json(e) }),
        })
        .collect();
    let replay = match &verified.proof {
        None => Value::Null,
        Some(Err(e)) => json!({ "problem": problem_json(e) }),
        Some(Ok(p)) => json!({
            "from": p.from, "events": p.events, "state_hashes": p.hashes, "seq": p.seq, "logged_at": p.at,
            "tickets": p.tickets, "state_hash": format!("{:016x}", p.state_hash),
        }),
    };
    json!({
        "data": dir.display().to_string(), "whole": verified.is_whole(), "stops_start": report.stops_start(),
        "first_seq": report.first_seq(), "last_seq": report.last_seq(), "daemon": verified.daemon,
        "torn_bytes": report.tail.filter(|_| verified.daemon.is_none()).map_or(0, |t| t.torn_bytes),
        "half_restored": report.half_restored.is_some(), "segments": segments, "snapshots": snapshots, "replay": replay,
        "notes": notes(verified),
    })
}
