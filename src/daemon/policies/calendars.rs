//! What of the calendars is new: the versions that the files, the binary and the machine's zones make.
//!
//! A version is new when its text is, or when the machine has other rules for its zone than those that the version before was
//! compiled with. Cost: some 10 ms for each of the two calendars that are compared, and only for what is new.

use super::folder::File;
use super::{EMBEDDED, Mistake};
use crate::calendar::{Calendar, Zones};
use crate::model::Text;
use crate::model::calendar::{CalendarExtended, ZoneTable};
use crate::policy::CalendarFile;
use std::collections::BTreeMap;

/// What is known, or given, of calendars.
#[derive(Debug, Clone, Default)]
pub struct Calendars {
    /// New versions, in the order of their names.
    pub versions: Vec<CalendarExtended>,
    /// What is in force already, `name@version`.
    pub unchanged: Vec<String>,
    /// What stays in force although its file is gone, `name@version`.
    pub kept: Vec<String>,
    /// What an operator should know of the new versions.
    pub notes: Vec<String>,
    /// The newest version of each.
    pub newest: BTreeMap<Text, u32>,
}

impl Calendars {
    /// The names that policies may use.
    pub fn names(&self) -> Vec<&str> {
        self.newest.keys().map(Text::as_str).collect()
    }
}

/// What is new of these files and of the binary's, given the newest version of each that is known.
pub fn load(
    files: &[File],
    known: &BTreeMap<Text, CalendarExtended>,
    zones: &Zones,
    mistakes: &mut Vec<Mistake>,
) -> Calendars {
    let mut load = Calendars::default();
    let mut given: BTreeMap<Text, String> = BTreeMap::new();
    let files = files.iter().map(|file| (&*file.stem, &*file.name, &*file.text));
    let embedded = crate::policy::embedded_calendars();
    let inside = embedded.iter().map(|(name, text)| (*name, EMBEDDED, *text));
    for (stem, source, text) in files.chain(inside) {
        let is_file = source != EMBEDDED;
        let file = match CalendarFile::parse(stem, text, zones) {
            Ok(file) => file,
            Err(problems) => {
                mistakes.extend(problems.into_iter().map(|problem| Mistake {
                    file: source.to_owned(),
                    problem: Ok(problem),
                }));
                // Nothing will be loaded; that policies name it is no mistake of theirs.
                load.newest.insert(Text::new(stem), 0);
                continue;
            }
        };
        let name = file.spec.name.clone();
        if let Some(other) = given.get(&name) {
            if is_file {
                let what = format!("it gives the calendar '{name}', as {other} does: give each in one file");
                mistakes.push(Mistake::of_file(source, what));
            }
            continue;
        }
        given.insert(name.clone(), source.to_owned());
        let newest = known.get(&name);
        let versioned = newest.map(|newest| format!("{name}@{}", newest.version));
        let version = match newest.zip(versioned) {
            Some((newest, versioned)) if newest.hash == file.hash && same_zone(&newest.zone, &file.zone) => {
                load.unchanged.push(versioned);
                newest.version
            }
            // A file that is gone is no wish for what the binary says.
            Some((newest, versioned)) if !is_file && newest.reason != EMBEDDED => {
                load.kept.push(versioned);
                newest.version
            }
            _ => load.take(file, source, newest),
        };
        load.newest.insert(name, version);
    }
    for (name, newest) in known {
        if !given.contains_key(name) {
            load.kept.push(format!("{name}@{}", newest.version));
            load.newest.insert(name.clone(), newest.version);
        }
    }
    load
}

impl Calendars {
    fn take(&mut self, file: CalendarFile, source: &str, newest: Option<&CalendarExtended>) -> u32 {
        let version = newest.map_or(1, |newest| newest.version + 1);
        let name = &file.spec.name;
        let compiled = newest.and_then(|newest| Calendar::compile(&newest.spec, &newest.zone).ok());
        if let (Some(older), Ok(newer)) = (compiled, file.compile())
            && !newer.extends(&older)
        {
            self.notes.push(format!(
                "{name}@{version} differs from {name}@{} before the end of what that published: it counts for policy \
                 versions that are loaded from now on, tickets keep the older one",
                version - 1
            ));
        }
        self.versions.push(CalendarExtended {
            name: name.clone(),
            version,
            hash: file.hash,
            text: file.text,
            spec: file.spec,
            zone: file.zone,
            reason: Text::new(source),
        });
        version
    }
}

/// Is local time the same, whatever the release is called?
fn same_zone(a: &ZoneTable, b: &ZoneTable) -> bool {
    a.name == b.name && a.base_offset_s == b.base_offset_s && a.transitions == b.transitions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(stem: &str, text: &str) -> File {
        File {
            name: format!("calendars/{stem}.toml"),
            stem: stem.to_owned(),
            text: text.to_owned(),
        }
    }

    const TEXT: &str =
        "zone = 'Asia/Shanghai'\npublished_until = 2026-12-31\n[week]\nmon = ['09:00-17:00']\n";

    fn loaded(files: &[File], known: &BTreeMap<Text, CalendarExtended>) -> (Calendars, Vec<String>) {
        let mut mistakes = Vec::new();
        let load = load(files, known, &Zones::bundled(), &mut mistakes);
        (load, mistakes.iter().map(Mistake::to_string).collect())
    }

    fn after(load: Calendars) -> BTreeMap<Text, CalendarExtended> {
        load.versions.into_iter().map(|v| (v.name.clone(), v)).collect()
    }

    #[test]
    fn a_version_is_new_by_its_text_or_its_zone() {
        let (first, mistakes) = loaded(&[file("ours", TEXT)], &BTreeMap::new());
        assert!(mistakes.is_empty());
        assert_eq!(first.names(), ["24x7", "cn-office", "ours"]);
        assert!(first.versions.iter().all(|v| v.version == 1) && first.versions.len() == 3);
        let mut known = after(first);
        let (again, _) = loaded(&[file("ours", TEXT)], &known);
        assert!(again.versions.is_empty() && again.unchanged.len() == 3);
        // Another release of the zones that says the same is nothing new; one that says otherwise is.
        let ours = known.get_mut("ours").unwrap();
        ours.zone.tzdata_version = Text::new("1999a");
        assert!(loaded(&[file("ours", TEXT)], &known).0.versions.is_empty());
        known.get_mut("ours").unwrap().zone.base_offset_s += 60;
        let (moved, _) = loaded(&[file("ours", TEXT)], &known);
        assert_eq!(moved.versions.len(), 1);
        assert_eq!((&*moved.versions[0].name, moved.versions[0].version), ("ours", 2));
    }

    #[test]
    fn a_longer_calendar_is_taken_without_a_word_and_another_one_is_noted() {
        let (first, _) = loaded(&[file("ours", TEXT)], &BTreeMap::new());
        let known = after(first);
        let longer = TEXT.replace("2026-12-31", "2027-12-31");
        let (load, _) = loaded(&[file("ours", &longer)], &known);
        assert!(load.versions.len() == 1 && load.notes.is_empty());
        let other = TEXT.replace("17:00", "18:00");
        let (load, _) = loaded(&[file("ours", &other)], &known);
        assert!(
            load.notes[0].contains("ours@2 differs from ours@1"),
            "{:?}",
            load.notes
        );
    }

    #[test]
    fn a_file_that_is_gone_stays_in_force_and_two_of_a_name_are_refused() {
        let own = TEXT.replace("zone", "name = 'cn-office'\nzone");
        let (first, _) = loaded(&[file("a", &own)], &BTreeMap::new());
        let known = after(first);
        let (gone, _) = loaded(&[], &known);
        assert!(gone.versions.is_empty() && gone.kept == ["cn-office@1"]);
        let (_, mistakes) = loaded(&[file("a", &own), file("b", &own)], &known);
        assert!(
            mistakes[0].contains("calendars/b.toml: it gives the calendar 'cn-office'"),
            "{mistakes:?}"
        );
        let (_, mistakes) = loaded(
            &[file(
                "c",
                "zone = 'Asia/Shanghigh'\n[week]\nmon = ['09:00-17:00']\n",
            )],
            &known,
        );
        assert!(mistakes[0].starts_with("calendars/c.toml:1:"), "{mistakes:?}");
    }
}
