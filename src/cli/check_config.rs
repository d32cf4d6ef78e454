//! `slad check-config`: reads configurations, policies and calendars and reports every mistake with its place and its remedy.

mod configuration;
mod sort;

use super::{exit, print, say};
use crate::calendar::Zones;
use crate::daemon::zones::zones;
use crate::policy::{CalendarFile, Problem, RuleBook, embedded_calendars};
use sort::{Kind, kind};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Arguments of `check-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files: a configuration, with the folder of policies that it names; policies, calendars; or folders of policies, with
    /// their calendars in calendars/.
    #[arg(value_name = "FILE", default_value = "config/slad.toml")]
    pub files: Vec<PathBuf>,
}

/// Checks; the exit code.
pub fn run(args: &Args) -> u8 {
    let mut check = Check {
        zones: zones(),
        mistakes: 0,
    };
    for path in &args.files {
        if path.is_dir() {
            let _ = check.folder(path);
        } else {
            check.file(path);
        }
    }
    if check.mistakes == 0 { 0 } else { exit::USAGE }
}

struct Check {
    zones: Zones,
    mistakes: usize,
}

impl Check {
    /// Tells a mistake.
    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.mistakes += 1;
        say(what);
    }

    fn told(&mut self, path: &Path, checked: Result<(), Vec<Problem>>) {
        match checked {
            Ok(()) => print(format_args!("{}: no mistake found", path.display())),
            Err(problems) => {
                for problem in problems {
                    self.wrong(format_args!("{}:{problem}", path.display()));
                }
            }
        }
    }

    fn read(&mut self, path: &Path) -> Option<String> {
        match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(e) => {
                self.wrong(format_args!("{}: {e}", path.display()));
                None
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let Some(text) = self.read(path) else { return };
        match kind(path, &text) {
            Kind::Configuration => self.configuration(path, &text),
            Kind::Calendar => {
                self.calendar(path, &text);
            }
            Kind::Policy => {
                let calendars = self.calendars_beside(path.parent().unwrap_or(Path::new("")), false);
                self.policy(path, &text, &calendars);
            }
        }
    }

    /// A folder as `--policies` takes it: policies, calendars in `calendars/`, each name once. The names of the policies
    /// without mistakes.
    fn folder(&mut self, path: &Path) -> Vec<String> {
        let calendars = self.calendars_beside(path, true);
        let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
        for file in self.files(path) {
            let Some(text) = self.read(&file) else { continue };
            let Some(name) = self.policy(&file, &text, &calendars) else {
                continue;
            };
            if let Some(other) = names.insert(name.clone(), file.clone()) {
                let (file, other) = (file.display(), other.display());
                self.wrong(format_args!(
                    "{file}: policy '{name}' is that of {other} already; give it another name"
                ));
            }
        }
        names.into_keys().collect()
    }

    /// The `*.toml` of a folder, by name.
    fn files(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => {
                self.wrong(format_args!("{}: {e}", folder.display()));
                return Vec::new();
            }
        };
        let mut files = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => files.push(entry.path()),
                Err(e) => self.wrong(format_args!("{}: {e}", folder.display())),
            }
        }
        files.retain(|file| file.extension().is_some_and(|e| e == "toml") && file.is_file());
        files.sort();
        files
    }

    /// The calendars that policies of this folder may name. Their mistakes count if they are `asked` for.
    fn calendars_beside(&mut self, folder: &Path, asked: bool) -> Vec<String> {
        let mut names: Vec<String> = embedded_calendars().map(|(name, _)| name.to_owned()).into();
        let folder = folder.join("calendars");
        if !folder.is_dir() {
            return names;
        }
        let mut own: BTreeMap<String, PathBuf> = BTreeMap::new();
        for file in self.files(&folder) {
            let Some(text) = self.read(&file) else { continue };
            let name = if asked {
                self.calendar(&file, &text)
            } else {
                let read = CalendarFile::parse(&stem(&file), &text, &self.zones);
                read.ok().map(|read| read.spec.name.to_string())
            };
            // One with mistakes is told of as such, not as unknown to the policies that name it.
            let name = name.unwrap_or_else(|| stem(&file));
            if let Some(other) = own.insert(name.clone(), file.clone()).filter(|_| asked) {
                let (file, other) = (file.display(), other.display());
                self.wrong(format_args!(
                    "{file}: calendar '{name}' is that of {other} already; give it another name"
                ));
            }
        }
        names.extend(own.into_keys());
        names
    }

    /// Checks a policy; its name.
    fn policy(&mut self, path: &Path, text: &str, calendars: &[String]) -> Option<String> {
        let known: Vec<&str> = calendars.iter().map(String::as_str).collect();
        let read = RuleBook::read(&stem(path), text, 1, &known);
        let name = read.as_ref().ok().map(|book| book.name.to_string());
        self.told(path, read.map(|_| ()));
        name
    }

    /// Checks a calendar; its name.
    fn calendar(&mut self, path: &Path, text: &str) -> Option<String> {
        let read = CalendarFile::parse(&stem(path), text, &self.zones);
        let name = read.as_ref().ok().map(|file| file.spec.name.to_string());
        self.told(path, read.map(|_| ()));
        name
    }
}

/// The name of a file without what follows the dot.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
