//! Tables of rows, one file a standard.
//!
//! ```text
//! # A comment.
//! == What the row shows                     a row begins: a daemon of its own, with the policies of the binary
//! @ 2026-03-02T09:00:00+08:00              where its virtual clock starts
//! > TICKET.OPEN t priority P1 customer c   a command; "words in quotes" are one. It must not be refused,
//! ! REQUIRED outcome (service-levels@1)    unless this line follows: how the refusal begins
//! * ticket.opened queue=tech-support       the events of the step, all of them, with the pairs that matter,
//! + sla.started target=solution            each with the entries derived from it in events:sla: all, if there is one
//! = t queue=tech-support paused=nil        places of TICKET.GET t: clocks.TARGET.NAME, attributes.NAME …
//! ~ name=value                             places of the reply to the command itself, a map; name*= is a part of its text
//! until 2026-03-02T09:15:00+08:00          CLOCK.SET; the events on the way follow: none, if no line does
//! replace policies/x.toml "a" "b"          changes a file of the policies' folder, a copy of the one in config/
//! append calendars/x.toml "text"           adds lines to one; \n ends a line
//! ! kill                                   SIGKILL, and a start with the same folder
//! ```
//! A value that is an instant is compared as one. `nil` is no value. Events of a command are looked at if one is listed;
//! `* none`: there was none. What the clock itself logs (`clock.jumped`) is left out, and reminders of queues unless one
//! is listed.

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) title: String,
    /// Where its clock starts, as written.
    pub(crate) start: String,
    pub(crate) steps: Vec<Step>,
}

/// What is done, and what is expected of it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) act: Act,
    pub(crate) refusal: Option<String>,
    /// `None`: nobody looks.
    pub(crate) events: Option<Vec<Expected>>,
    /// Tickets and their places.
    pub(crate) places: Vec<(String, Vec<Pair>)>,
    pub(crate) reply: Vec<Pair>,
}

#[derive(Debug)]
pub(crate) enum Act {
    Command(Vec<String>),
    Until(String),
    Replace(String, String, String),
    Append(String, String),
    Kill,
}

/// An event, or an entry derived from the one before.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) line: usize,
    pub(crate) derived: bool,
    pub(crate) kind: String,
    pub(crate) pairs: Vec<Pair>,
}

pub(crate) type Pair = (String, String);

/// Reads a table; an error names its line.
pub(crate) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (number, line) = (number + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (sign, rest) = line.split_once(' ').unwrap_or((line, ""));
        if sign == "==" {
            rows.push(Row {
                line: number,
                title: rest.to_owned(),
                start: String::new(),
                steps: Vec::new(),
            });
            continue;
        }
        let row = rows.last_mut().ok_or(format!("{number}: a row begins with =="))?;
        read(row, number, sign, rest).map_err(|what| format!("{number}: {line}: {what}"))?;
    }
    match rows.iter().find(|row| row.start.is_empty()) {
        Some(row) => Err(format!("{}: no @ says where the clock starts", row.line)),
        None => Ok(rows),
    }
}

fn read(row: &mut Row, line: usize, sign: &str, rest: &str) -> Result<(), String> {
    let words = split(rest);
    let act = match (sign, words.as_slice()) {
        ("@", [start]) => {
            row.start.clone_from(start);
            return Ok(());
        }
        (">", [_, ..]) => Some(Act::Command(words.clone())),
        ("until", [instant]) => Some(Act::Until(instant.clone())),
        ("replace", [file, from, to]) => Some(Act::Replace(file.clone(), from.clone(), to.clone())),
        ("append", [file, text]) => Some(Act::Append(file.clone(), text.clone())),
        ("!", [kill]) if kill == "kill" => Some(Act::Kill),
        _ => None,
    };
    if let Some(act) = act {
        row.steps.push(Step {
            line,
            events: matches!(act, Act::Until(_)).then(Vec::new),
            act,
            refusal: None,
            places: Vec::new(),
            reply: Vec::new(),
        });
        return Ok(());
    }
    let step = row.steps.last_mut().ok_or("a step begins with > or until")?;
    match (sign, words.as_slice()) {
        ("!", [_, ..]) => step.refusal = Some(rest.to_owned()),
        ("*", [none]) if none == "none" => step.events = Some(Vec::new()),
        ("*" | "+", [kind, pairs @ ..]) => {
            let events = step.events.get_or_insert_default();
            events.push(Expected {
                line,
                derived: sign == "+",
                kind: kind.clone(),
                pairs: self::pairs(pairs)?,
            });
        }
        ("=", [ticket, pairs @ ..]) => step.places.push((ticket.clone(), self::pairs(pairs)?)),
        ("~", pairs) => step.reply.extend(self::pairs(pairs)?),
        _ => return Err("no such line".to_owned()),
    }
    Ok(())
}

fn pairs(words: &[String]) -> Result<Vec<Pair>, String> {
    let pair = |word: &String| {
        let (name, value) = word.split_once('=').ok_or(format!("'{word}' is no name=value"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    words.iter().map(pair).collect()
}

/// Words separated by blanks; quotes hold words together and stay away.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut open) = (String::new(), false, false);
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match c {
            '\\' if quoted => match letters.next() {
                Some('n') => word.push('\n'),
                other => word.extend(other),
            },
            '"' => (quoted, open) = (!quoted, true),
            ' ' if !quoted => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            c => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}
