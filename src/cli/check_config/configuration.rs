//! A configuration, with the folder of policies that it names.
//!
//! A folder that is named relatively is looked for where `serve` would look, which is the folder that it is started in; checked from
//! elsewhere it may lie beside the file, where a service is started.

use super::Check;
use crate::cli::{print, say};
use crate::daemon::config::{Config, problem_at};
use crate::model::text;
use crate::policy::embedded;
use std::fs;
use std::path::{Path, PathBuf};

impl Check {
    /// Checks a configuration of this text.
    pub(super) fn configuration(&mut self, path: &Path, text: &str) {
        let config = match Config::parse(path, text) {
            Ok(config) => config,
            Err(mistakes) => return self.wrong(mistakes),
        };
        let Some(named) = &config.policies else {
            return self.fine(path);
        };
        let beside = path.parent().unwrap_or(Path::new("")).join(named);
        let folder = match (named.is_dir(), beside.is_dir()) {
            (true, _) => named,
            (false, true) => &beside,
            (false, false) => {
                let what = missing(named, &beside);
                return self.wrong(problem_at(path, text, "policies", what));
            }
        };
        self.fine(path);
        if folder != named {
            say(format_args!(
                "{}: policies \"{}\" is looked for in the folder in which slad is started, here in {}: only from there it is found",
                path.display(),
                named.display(),
                beside.parent().unwrap_or(Path::new("")).display()
            ));
        }
        let before = self.mistakes;
        let mut names = self.folder(folder);
        names.extend(embedded().into_iter().map(|(name, _)| name.to_owned()));
        let default = config.default_policy.as_str();
        // A file with mistakes may be the one that gives it.
        if self.mistakes == before && names.iter().all(|name| name != default) {
            let known = || names.iter().map(String::as_str);
            let what = format!(
                "default_policy \"{default}\" is unknown{}: it takes the name of a policy of {} or of one inside the binary: {}",
                text::hint(default, known()),
                folder.display(),
                known().collect::<Vec<_>>().join(", ")
            );
            self.wrong(problem_at(path, text, "default_policy", what));
        }
    }

    fn fine(&self, path: &Path) {
        print(format_args!("{}: no mistake found", path.display()));
    }
}

/// What is wrong with a folder that is in neither place, and which one may be meant.
fn missing(named: &Path, beside: &Path) -> String {
    let (shown, is) = (named.display(), "it takes a folder of policies, NAME.toml each");
    if named.exists() || beside.exists() {
        return format!("policies \"{shown}\" is no folder: {is}");
    }
    let wanted = named.file_name().unwrap_or_default().to_string_lossy();
    let near: Vec<PathBuf> = [named, beside].iter().flat_map(|at| folders_beside(at)).collect();
    let name = |folder: &PathBuf| folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = near.iter().filter_map(name).collect();
    let hint = text::hint(&wanted, names.iter().map(String::as_str));
    let places = match named.is_absolute() || named == beside {
        true => String::new(),
        false => format!(
            ", looked for from here and beside the file ({})",
            beside.display()
        ),
    };
    format!("policies \"{shown}\" is not there{hint}{places}: {is}")
}

/// The folders in the folder that this path is in.
fn folders_beside(path: &Path) -> Vec<PathBuf> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}
