//! What of the folder is new: the versions that it makes, or every mistake in it.
//!
//! Reads no file and changes nothing; runs beside the core, which gives it what is known and records what comes out in one
//! frame. Cost: parsing is linear in the texts; texts that are known are parsed too, for their mistakes elsewhere.

use super::calendars::{self, Calendars};
use super::folder::{File, Folder};
use super::{EMBEDDED, Mistake, diff};
use crate::calendar::Zones;
use crate::engine::Engine;
use crate::model::calendar::CalendarExtended;
use crate::model::event::PolicyActivated;
use crate::model::rules::OpenTickets;
use crate::model::{Text, UnixMs};
use crate::policy::RuleBook;
use std::collections::BTreeMap;

/// The newest version of a policy that the log knows.
#[derive(Debug, Clone)]
pub struct KnownPolicy {
    /// Its number.
    pub version: u32,
    hash: u64,
    source: Text,
    text: String,
}

/// What the log knows.
#[derive(Debug, Clone, Default)]
pub struct Known {
    policies: BTreeMap<Text, KnownPolicy>,
    calendars: BTreeMap<Text, CalendarExtended>,
    virtual_clock: bool,
}

impl NewVersion {
    /// A pilot needs a version beside it, and tries nothing on tickets that are open.
    fn mistake(&self) -> Option<Mistake> {
        self.fact.rules.pilot.as_ref()?;
        let what = if self.from.is_none() {
            "[pilot] in the first version of a policy: no other version is there for the rest; load it without [pilot] first"
        } else if self.migrates() {
            "[pilot] and open_tickets = \"migrate\" in one version: a pilot is for new tickets; leave open_tickets out, and \
             set it in the version that ends the pilot"
        } else {
            return None;
        };
        Some(Mistake::of_file(&self.fact.source, what))
    }

    /// Do open tickets of older versions go over to it?
    pub fn migrates(&self) -> bool {
        self.fact.rules.open_tickets == OpenTickets::Migrate
    }
}

impl Known {
    /// What the engine knows, its clock being `virtual_clock`.
    pub fn of(engine: &Engine, virtual_clock: bool) -> Known {
        let newest = engine.policy_names().filter_map(|name| {
            let fact = engine.newest_policy(name)?;
            let known = KnownPolicy {
                version: fact.version,
                hash: fact.hash,
                source: fact.source.clone(),
                text: fact.text.clone(),
            };
            Some((fact.name.clone(), known))
        });
        let calendars = engine.newest_calendars();
        Known {
            policies: newest.collect(),
            calendars: calendars.map(|fact| (fact.name.clone(), fact.clone())).collect(),
            virtual_clock,
        }
    }

    /// Does it know this policy?
    pub fn has(&self, name: &str) -> bool {
        self.policies.contains_key(name)
    }

    /// The policies that it knows, for people.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.policies.keys().map(Text::as_str).collect();
        names.join(", ")
    }

    /// Does it know no policy at all?
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }
}

/// A policy that gets a new version.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// The fact; when it happens is filled in when it is recorded.
    pub fact: PolicyActivated,
    /// The version before; `None`: the policy is new.
    pub from: Option<u32>,
    /// How the text differs from the one before.
    pub diff: Vec<String>,
}

/// What the folder and the binary come to.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Of the calendars.
    pub calendars: Calendars,
    /// New versions, in the order of their names.
    pub versions: Vec<NewVersion>,
    /// What is in force already, `name@version`.
    pub unchanged: Vec<String>,
    /// What stays in force although its file is gone, `name@version`.
    pub kept: Vec<String>,
}

/// A text and where it comes from.
struct Source<'a> {
    stem: &'a str,
    source: &'a str,
    text: &'a str,
}

/// Every policy of the folder and of the binary that reads, for who wants to know what there may be: a file's in place of
/// the binary's of the same name.
pub fn books(folder: &Folder) -> Vec<RuleBook> {
    let files = folder.policies.iter().map(|file| (&*file.stem, &*file.text));
    let calendars: Vec<&str> = folder
        .calendars
        .iter()
        .map(|file| &*file.stem)
        .chain(crate::policy::embedded_calendars().map(|(name, _)| name))
        .collect();
    let mut books: Vec<RuleBook> = Vec::new();
    for (stem, text) in files.chain(crate::policy::embedded()) {
        if let Ok(book) = RuleBook::read(stem, text, 1, &calendars)
            && books.iter().all(|known| known.name != book.name)
        {
            books.push(book);
        }
    }
    books
}

/// What is new, or every mistake.
///
/// # Errors
/// All mistakes of all files, in the order of the files and in each in the order of its text; never an empty list.
pub fn load(folder: &Folder, known: &Known, zones: &Zones, at: UnixMs) -> Result<Load, Vec<Mistake>> {
    let mut mistakes = folder.mistakes.clone();
    let mut load = Load {
        calendars: calendars::load(&folder.calendars, &known.calendars, zones, &mut mistakes),
        ..Load::default()
    };
    let calendars = load.calendars.clone();
    let names = calendars.names();
    let mut given: BTreeMap<Text, String> = BTreeMap::new();
    let embedded = crate::policy::embedded();
    let files = folder.policies.iter().map(|File { name, stem, text }| Source {
        stem,
        source: name,
        text,
    });
    let inside = embedded.iter().map(|(name, text)| Source {
        stem: name,
        source: EMBEDDED,
        text,
    });
    for Source { stem, source, text } in files.chain(inside) {
        let is_file = source != EMBEDDED;
        let book = match RuleBook::read(stem, text, 1, &names) {
            Ok(book) => book,
            Err(problems) => {
                mistakes.extend(problems.into_iter().map(|problem| Mistake {
                    file: source.to_owned(),
                    problem: Ok(problem),
                }));
                continue;
            }
        };
        if let Some(other) = given.get(&book.name) {
            if is_file {
                let what = format!(
                    "it gives the policy '{}', as {other} does: give each policy in one file",
                    book.name
                );
                mistakes.push(Mistake::of_file(source, what));
            }
            continue;
        }
        given.insert(book.name.clone(), source.to_owned());
        let newest = known.policies.get(&book.name);
        let versioned = newest.map(|newest| format!("{}@{}", book.name, newest.version));
        match newest.zip(versioned) {
            Some((newest, versioned)) if newest.hash == book.hash => load.unchanged.push(versioned),
            // A file that is gone is no wish for what the binary says.
            Some((newest, versioned)) if !is_file && newest.source != EMBEDDED => load.kept.push(versioned),
            _ => {
                let version = new_version(&book, source, newest, known, at, &calendars);
                mistakes.extend(version.mistake());
                load.versions.push(version);
            }
        }
    }
    for (name, newest) in &known.policies {
        if !given.contains_key(name) {
            load.kept.push(format!("{name}@{}", newest.version));
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    load.kept.sort();
    Ok(load)
}

fn new_version(
    book: &RuleBook,
    source: &str,
    newest: Option<&KnownPolicy>,
    known: &Known,
    at: UnixMs,
    calendars: &Calendars,
) -> NewVersion {
    let from = newest.map(|newest| newest.version);
    let named = book.rules.calendars.iter();
    let named = named.filter_map(|name| Some((name.clone(), *calendars.newest.get(name)?)));
    NewVersion {
        from,
        diff: diff::lines(newest.map_or("", |newest| &newest.text), &book.text),
        fact: PolicyActivated {
            version: from.unwrap_or(0) + 1,
            activated_at: at,
            calendars: named.collect(),
            ..book.activation(source, known.virtual_clock)
        },
    }
}
