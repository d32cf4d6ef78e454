//! Tables of steps written by hand, run against the model and through the daemon's socket.
//!
//! ```text
//! # A comment: what of the contract this shows.
//! > COMMAND word "two words"      a command on the main connection; `>2` on connection 2
//! #3                              its whole reply (see below)
//! ~ state=assigned clocks.resolution.due=@+2h       or: these places of a reply that is a map
//! * ticket.opened ticket=t1       the events of the command, in order: type, and the pairs that matter
//! + sla.started target=update     derived entries of the event above (all of them, if any is listed)
//! * none                          the command logged nothing
//! < 2 nil                         connection 2, whose NEXT waited, now has this reply
//! ! kill                          SIGKILL and a start with the same directory
//! ```
//! ! policy NAME … ! end          in `tests/scenarios/policies`: a policy file; `calendars/NAME` is a calendar
//! A reply is `#n` (the seq of the n-th event of the scenario), `done` (the seq of an event of this command), a word, `nil`, `+OK`, `waits`, `[a list]`, or
//! `!CODE text that the message holds`. `@+1h30m` is an instant counted from the start of the virtual clock.

use crate::daemon::{self, Daemon, Entry, Site};
use crate::drive::rendered;
use crate::model::Model;
use crate::resp::{Conn, words};
use crate::value::Value;
use crate::words::{expand, expand_all, split, unquoted};
use slad::model::command::FeedKey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a scenario is played to.
pub trait Player {
    /// Sends a command; `None`: it waits.
    fn send(&mut self, conn: usize, args: &[String], may_wait: bool) -> Option<Value>;
    /// The reply of a command that waited.
    fn late(&mut self, conn: usize) -> Value;
    /// All entries of a key from a seq on.
    fn entries(&mut self, key: &FeedKey, from: u64) -> Vec<Entry>;
    /// SIGKILL and restart.
    fn kill(&mut self);
    /// Seq of the newest event before the scenario.
    fn base(&self) -> u64;
    /// Are messages of errors there to look at?
    fn has_messages(&self) -> bool;
}

/// The model as a player.
pub struct Judge {
    model: Model,
    multi: Option<(Vec<Vec<String>>, bool)>,
}

impl Judge {
    pub fn new() -> Judge {
        // Seqs 1 and 2 are the two policies taking effect.
        Judge {
            model: Model::new(2),
            multi: None,
        }
    }
}

impl Player for Judge {
    fn send(&mut self, conn: usize, args: &[String], _: bool) -> Option<Value> {
        let simple = |text: &str| Some(Value::Simple(text.to_owned()));
        match (args[0].as_str(), &mut self.multi) {
            ("MULTI", multi) => {
                *multi = Some((Vec::new(), false));
                simple("OK")
            }
            ("DISCARD", multi) => {
                *multi = None;
                simple("OK")
            }
            ("EXEC", multi) => match multi.take() {
                Some((group, false)) => Some(self.model.exec(&group)),
                Some(_) => Some(Value::refused("EXECABORT")),
                None => Some(Value::refused("ERR")),
            },
            (_, Some((group, aborted))) => match Model::queueable(args) {
                Ok(()) => {
                    group.push(args.to_vec());
                    simple("QUEUED")
                }
                Err(refusal) => {
                    *aborted = true;
                    Some(refusal)
                }
            },
            (_, None) => self.model.apply(conn, args),
        }
    }

    fn late(&mut self, conn: usize) -> Value {
        let i = self
            .model
            .wakes
            .iter()
            .position(|(c, _)| *c == conn)
            .expect("the NEXT has ended");
        self.model.wakes.remove(i).1
    }

    fn entries(&mut self, key: &FeedKey, from: u64) -> Vec<Entry> {
        rendered(&self.model, from, key)
    }

    fn kill(&mut self) {
        self.model.restarted();
    }

    fn base(&self) -> u64 {
        2
    }

    fn has_messages(&self) -> bool {
        false
    }
}

/// The connection that the runner itself looks through: the main one may be inside a MULTI.
const LOOKING: usize = 0;

/// The daemon as a player.
pub struct Real {
    daemon: Daemon,
    conns: BTreeMap<usize, Conn>,
    base: u64,
}

impl Real {
    pub fn new() -> Real {
        Real::on(Daemon::start())
    }

    fn on(mut daemon: Daemon) -> Real {
        let mut main = daemon.connect();
        let base = daemon::feed(&mut main, "events", 0, 0)
            .last()
            .map_or(0, |e| e.seq);
        Real {
            daemon,
            conns: BTreeMap::from([(1, main)]),
            base,
        }
    }

    fn conn(&mut self, conn: usize) -> &mut Conn {
        self.conns.entry(conn).or_insert_with(|| self.daemon.connect())
    }
}

impl Player for Real {
    fn send(&mut self, conn: usize, args: &[String], may_wait: bool) -> Option<Value> {
        let held = words(&["AGENT.GET", args.get(1).map_or("", String::as_str)]);
        self.conn(conn).send([args]);
        if !may_wait {
            return Some(self.conn(conn).read());
        }
        let began = Instant::now();
        while self.conn(LOOKING).ask(&held).at("waiting") != Some(&Value::text("yes")) {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{args:?} does not wait"
            );
        }
        None
    }

    fn late(&mut self, conn: usize) -> Value {
        self.conn(conn).read()
    }

    fn entries(&mut self, key: &FeedKey, from: u64) -> Vec<Entry> {
        let name = if *key == FeedKey::Sla {
            "events:sla"
        } else {
            "events"
        };
        daemon::feed(self.conn(LOOKING), name, from, 0)
    }

    fn kill(&mut self) {
        self.conns.clear();
        self.daemon.kill_and_restart();
    }

    fn base(&self) -> u64 {
        self.base
    }

    fn has_messages(&self) -> bool {
        true
    }
}

/// Plays every table of `tests/scenarios/policies` to daemons under the rules that the table brings, or those of the binary.
pub fn play_policies() -> usize {
    let mut wrong = Vec::new();
    let tables = tables("tests/scenarios/policies");
    for (name, text) in &tables {
        let (files, steps) = with_policies(text);
        let mut files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        // A table with policies of its own is told in quiet: nobody is reminded of anything.
        if !files.is_empty() {
            files.push(daemon::JUDGED);
        }
        // A table whose policies are refused, or that ends its daemon, says so beside the others.
        let played = std::panic::catch_unwind(|| play(&steps, &mut Real::on(Daemon::under(&files))));
        match played {
            Ok(Ok(())) => {}
            Ok(Err(what)) => wrong.push(format!("{name}:{what}")),
            Err(_) => wrong.push(format!("{name}: the daemon does not stay; see above")),
        }
    }
    let (wrong, all) = (wrong.as_slice(), tables.len());
    assert!(
        wrong.is_empty(),
        "{} of {all} tables differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    all
}

/// Takes the policies and calendars out of a table: what stands between `! policy NAME` and `! end`. Lines keep their numbers.
fn with_policies(text: &str) -> (Vec<(String, String)>, String) {
    let (mut files, mut steps) = (Vec::new(), String::new());
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("! policy ") {
            open = Some((name.trim().to_owned(), String::new()));
        } else if line == "! end" {
            files.extend(open.take());
        } else if let Some((_, body)) = &mut open {
            *body += &format!("{line}\n");
        } else {
            steps += line;
        }
        steps.push('\n');
    }
    assert!(open.is_none(), "a policy without an end");
    (files, steps)
}

/// The tables of a folder, by name.
fn tables(folder: &str) -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("the tables")
        .map(|e| e.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    let name = |path: &PathBuf| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let text = |path: &PathBuf| std::fs::read_to_string(path).expect("a table can be read");
    files.iter().map(|path| (name(path), text(path))).collect()
}

/// Plays every table of `tests/scenarios`; panics with all that differ. Replies how many there are.
pub fn play_all<P: Player>(mut new: impl FnMut() -> P) -> usize {
    let files = tables("tests/scenarios");
    let mut wrong = Vec::new();
    for (name, text) in &files {
        if let Err(what) = play(text, &mut new()) {
            wrong.push(format!("{name}:{what}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} scenarios differ\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
    files.len()
}

/// Plays one table; the error says the line, what was expected and what came.
fn play(text: &str, player: &mut impl Player) -> Result<(), String> {
    let base = player.base();
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(i, l)| (i + 1, l.trim()))
        .filter(|(_, l)| !l.is_empty() && !l.starts_with("# "))
        .collect();
    let mut from = base + 1;
    let mut i = 0;
    while i < lines.len() {
        let (at, line) = lines[i];
        i += 1;
        if line == "! kill" {
            player.kill();
            continue;
        }
        if let Some(rest) = line.strip_prefix("< ") {
            let (conn, expected) = rest
                .split_once(' ')
                .ok_or(format!("{at}: a connection and a reply"))?;
            let conn = conn.parse().map_err(|_| format!("{at}: a connection"))?;
            let got = player.late(conn);
            check(expected, &got, base, player.has_messages()).map_err(|e| format!("{at}: {line}\n{e}"))?;
            continue;
        }
        let Some(rest) = line.strip_prefix('>') else {
            return Err(format!("{at}: a step begins with >, not {line}"));
        };
        let (conn, command) = rest.split_once(' ').ok_or(format!("{at}: a command"))?;
        let conn = if conn.is_empty() {
            1
        } else {
            conn.parse().map_err(|_| format!("{at}: a connection"))?
        };
        let args: Vec<String> = split(command).iter().map(|w| expand(w, base)).collect();
        let (_, expected) = *lines.get(i).ok_or(format!("{at}: a reply"))?;
        i += 1;
        let got = player.send(conn, &args, expected == "waits");
        match got {
            Some(Value::Int(seq)) if expected == "done" => {
                let own = player.entries(&FeedKey::All, from);
                if !own.iter().any(|entry| i64::try_from(entry.seq) == Ok(seq)) {
                    return Err(format!(
                        "{at}: {line}\n  expected the seq of an event of its own\n  got      {seq}"
                    ));
                }
            }
            None if expected == "waits" => {}
            None => return Err(format!("{at}: {line}\n  expected {expected}\n  got      a wait")),
            Some(got) => {
                check(expected, &got, base, player.has_messages())
                    .map_err(|e| format!("{at}: {line}\n{e}"))?;
            }
        }
        let mut wanted = Vec::new();
        while let Some((_, line)) = lines
            .get(i)
            .filter(|(_, l)| l.starts_with("* ") || l.starts_with("+ "))
        {
            wanted.push(*line);
            i += 1;
        }
        if !wanted.is_empty() {
            let all = player.entries(&FeedKey::All, from);
            let derived: Vec<Entry> = player.entries(&FeedKey::Sla, from);
            events(&wanted, &all, &derived, base).map_err(|e| format!("{at}: {line}\n{e}"))?;
        }
        from = player
            .entries(&FeedKey::All, from)
            .last()
            .map_or(from, |e| e.seq + 1);
    }
    Ok(())
}

fn check(expected: &str, got: &Value, base: u64, messages: bool) -> Result<(), String> {
    let differs = || Err(format!("  expected {expected}\n  got      {got}"));
    if let Some(places) = expected.strip_prefix("~ ") {
        for place in split(places) {
            let (path, value) = place.split_once('=').ok_or("a place is path=value")?;
            let found = got.at(path).map_or("(absent)".to_owned(), Value::to_string);
            if unquoted(&found) != unquoted(&expand(value, base)) {
                return Err(format!(
                    "  expected {path}={}\n  got      {found} in {got}",
                    expand(value, base)
                ));
            }
        }
        return Ok(());
    }
    if let Some(refusal) = expected.strip_prefix('!') {
        let (code, says) = refusal.split_once(' ').unwrap_or((refusal, ""));
        let Value::Error(message) = got else {
            return differs();
        };
        let right =
            Value::refused(code).admits(got) || Value::refused(got.code()).admits(&Value::refused(code));
        let listed = got.code().split('|').any(|c| c == code);
        if (right || listed) && (!messages || message.contains(&*expand_all(says, base))) {
            Ok(())
        } else {
            differs()
        }
    } else if got.to_string() == expand_all(expected, base) {
        Ok(())
    } else {
        differs()
    }
}

fn events(wanted: &[&str], all: &[Entry], derived: &[Entry], base: u64) -> Result<(), String> {
    if wanted == ["* none"] {
        return if all.is_empty() {
            Ok(())
        } else {
            Err(format!("  expected no event\n  got      {all:?}"))
        };
    }
    let mut own = all.iter();
    let mut parts: Vec<&Entry> = Vec::new();
    let mut listed = false;
    let leftover = |listed: bool, parts: &[&Entry]| match parts.first() {
        Some(entry) if listed => Err(format!(
            "  expected no further derived entry\n  got      {entry:?}"
        )),
        _ => Ok(()),
    };
    for line in wanted {
        let entry = if line.starts_with('*') {
            leftover(listed, &parts)?;
            let entry = own
                .next()
                .ok_or(format!("  expected {line}\n  got      no further event"))?;
            parts = derived
                .iter()
                .filter(|e| e.seq == entry.seq && e.part > 0)
                .collect();
            listed = false;
            entry
        } else {
            listed = true;
            if parts.is_empty() {
                return Err(format!("  expected {line}\n  got      no further derived entry"));
            }
            parts.remove(0)
        };
        let terms = split(&line[2..]);
        let pairs = terms[1..].iter().map(|t| t.split_once('=').unwrap_or((t, "")));
        for (name, value) in std::iter::once(("type", terms[0].as_str())).chain(pairs) {
            let value = expand(value, base);
            let found = entry.get(name).unwrap_or("(absent)");
            if unquoted(found) != unquoted(&value) {
                return Err(format!("  expected {line}: {name}={value}\n  got      {entry:?}"));
            }
        }
    }
    leftover(listed, &parts)?;
    match own.next() {
        Some(entry) => Err(format!("  expected no further event\n  got      {entry:?}")),
        None => Ok(()),
    }
}

/// The model itself satisfies every table, so that the tables are also what the model is judged by.
#[test]
fn the_model_satisfies_every_scenario() {
    assert!(play_all(Judge::new) >= 25, "at least 25 tables");
}

/// A table that expects the wrong thing fails: the runner looks.
#[test]
fn the_runner_notices_what_is_wrong() {
    let play = |text: &str| play(text, &mut Judge::new());
    let open = "> TICKET.OPEN t1 policy none\n";
    assert_eq!(play(&format!("{open}#1\n* ticket.opened ticket=t1")), Ok(()));
    for wrong in [
        "#2",
        "nil",
        "!EXISTS",
        "~ state=waiting",
        "#1\n* none",
        "#1\n* ticket.opened ticket=t2",
        "#1\n* ticket.opened\n* ticket.closed",
        "#1\n* ticket.opened\n+ sla.started",
    ] {
        assert!(play(&format!("{open}{wrong}")).is_err(), "{wrong}");
    }
    assert!(play("> TICKET.RESPOND t1\n!STATE").is_err());
}
