//! The floors, proven: who imports whom, who may touch the clock, the disk, the net, and what the tree may hold.
//!
//! The checker reads tokens, not types: it sees every path that starts at `crate`, `self`, `super`, `slad`, `std` or an
//! outside crate, whether in a `use` or in the middle of an expression. It does not see what a macro of another crate
//! expands to. Its own tests (`made_up.rs`) feed it made-up sources that break each rule.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "structure/checker.rs"]
mod checker;
#[path = "structure/made_up.rs"]
mod made_up;
#[path = "structure/rules.rs"]
mod rules;
#[path = "structure/tokens.rs"]
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust source below `folder`, as (path relative to `folder` with `/`, text).
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn assert_none(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{} problems:\n  {}",
        problems.len(),
        problems.join("\n  ")
    );
}

#[test]
fn modules_import_only_from_the_floors_below() {
    let sources = sources(&root().join("src"));
    assert!(
        sources.len() >= 10,
        "only {} sources found: is the path right?",
        sources.len()
    );
    let problems: Vec<String> = sources
        .iter()
        .flat_map(|(name, text)| checker::imports(name, text))
        .collect();
    assert_none(&problems);
}

#[test]
fn clock_threads_net_and_disk_stay_on_their_floors() {
    let problems: Vec<String> = sources(&root().join("src"))
        .iter()
        .flat_map(|(name, text)| checker::facilities(name, text))
        .collect();
    assert_none(&problems);
}

#[test]
fn sources_are_short_and_finished() {
    let problems: Vec<String> = sources(&root().join("src"))
        .iter()
        .flat_map(|(name, text)| checker::habits(name, text))
        .collect();
    assert_none(&problems);
}

#[test]
fn the_top_level_is_fixed() {
    let mut names = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        names.push((
            entry.file_name().into_string().unwrap(),
            entry.file_type().unwrap().is_dir(),
        ));
    }
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    assert_none(&checker::top_level(&names, &ignored));
}

/// The README shows the command table between two markers; the table itself is generated from the rows that also parse.
#[test]
fn the_readme_shows_the_command_table() {
    let table = rules::command_table();
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    checker::readme_table(&readme, &table).unwrap();
}
