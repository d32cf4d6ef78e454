//! Made-up sources that break each rule, and some that only look as if they did.

use super::checker::{facilities, habits, imports, readme_table, top_level};
use super::tokens::tokens;

#[track_caller]
fn refused(problems: &[String], says: &str) {
    assert!(
        problems.iter().any(|p| p.contains(says)),
        "'{says}' not among {problems:?}"
    );
}

#[test]
fn upward_and_sideways_imports_are_seen() {
    for (file, source, says) in [
        ("engine/mod.rs", "use crate::wire::Row;", "engine imports wire"),
        (
            "engine/mod.rs",
            "fn f() { crate::journal::open() }",
            "engine imports journal",
        ),
        (
            "wire/a/b.rs",
            "use crate::{model, engine::State};",
            "wire imports engine",
        ),
        ("journal/x.rs", "use crate::wire::*;", "journal imports wire"),
        (
            "journal/x.rs",
            "use super::super::engine::State;",
            "journal imports engine",
        ),
        (
            "journal/x.rs",
            "mod inner { use super::super::super::wire::Row; }",
            "journal imports wire",
        ),
        (
            "collections/wheel.rs",
            "use crate::model::Text;",
            "collections imports model",
        ),
        (
            "model/time.rs",
            "use crate::collections::Ring;",
            "model imports collections",
        ),
        (
            "model/time.rs",
            "type A = Vec<crate::policy::Book>;",
            "model imports policy",
        ),
        (
            "policy/mod.rs",
            "use crate::{\n  model::{self, Text},\n  engine,\n};",
            "policy imports engine",
        ),
        ("daemon/mod.rs", "use crate::cli::Args;", "daemon imports cli"),
        (
            "engine/mod.rs",
            "use slad::daemon::Config;",
            "engine imports daemon",
        ),
        ("engine/mod.rs", "use crate::*;", "names the whole crate"),
        ("engine/mod.rs", "use crate as root;", "names the whole crate"),
        (
            "engine/mod.rs",
            "use crate::{self as root};",
            "names the whole crate",
        ),
        (
            "engine/mod.rs",
            "use r#crate::r#wire::Row; use crate::r#wire::Row;",
            "engine imports wire",
        ),
        (
            "engine/mod.rs",
            "macro_rules! m { () => { $crate::wire::row() } }",
            "engine imports wire",
        ),
        (
            "main.rs",
            "fn main() { slad::daemon::run() }",
            "main imports daemon",
        ),
        ("engine/mod.rs", "use crate::Text;", "no module of the crate"),
        ("stray/mod.rs", "", "'stray' has no floor"),
    ] {
        refused(&imports(file, source), says);
    }
}

#[test]
fn imports_that_only_look_wrong_pass() {
    for (file, source) in [
        (
            "engine/mod.rs",
            "// use crate::wire::Row;\n/* crate::wire /* nested */ */",
        ),
        (
            "engine/mod.rs",
            r###"const A: &str = "crate::wire \" crate::wire"; const B: &str = r#"" crate::wire"#;"###,
        ),
        (
            "engine/mod.rs",
            "use super::model::Text; use crate::policy::Book; use self::clocks::Clock;",
        ),
        (
            "engine/clocks/mod.rs",
            "use super::agents::Agent; use super::super::model::Text;",
        ),
        (
            "engine/clocks/due.rs",
            "mod tests { use super::*; use super::super::Clocks; }",
        ),
        (
            "cli/serve.rs",
            "use crate::{daemon, journal, wire::{self, Row}, engine::State};",
        ),
        ("main.rs", "fn main() { slad::cli::run() }"),
        ("lib.rs", "pub mod wire;"),
        (
            "wire/mod.rs",
            "fn f<'a>(c: char) -> &'a str { if c == '\"' { model::crate_name() } else { \"\" } }",
        ),
    ] {
        assert_eq!(imports(file, source), Vec::<String>::new(), "{file}: {source}");
    }
}

#[test]
fn the_outside_world_is_seen_below_the_daemon() {
    for (file, source, says) in [
        (
            "engine/mod.rs",
            "use std::time::{Duration, Instant};",
            "time is an argument",
        ),
        (
            "engine/mod.rs",
            "fn f() { let t = std::time::SystemTime::now(); }",
            "time is an argument",
        ),
        (
            "engine/mod.rs",
            "use std::time; fn f() { time::Instant::now(); }",
            "time is an argument",
        ),
        ("engine/mod.rs", "use std::time::*;", "time is an argument"),
        (
            "engine/mod.rs",
            "use ::std::time::Instant;",
            "time is an argument",
        ),
        (
            "model/time.rs",
            "use jiff::Timestamp; fn f() { Timestamp::now() }",
            "time is an argument",
        ),
        ("journal/mod.rs", "std::thread::spawn(|| {});", "threads"),
        ("wire/mod.rs", "use std::{fmt, net::TcpStream};", "sockets"),
        ("journal/mod.rs", "use std::os::unix::net::UnixStream;", "sockets"),
        (
            "wire/mod.rs",
            "async fn f(s: tokio::net::UnixStream) {}",
            "sockets and timers",
        ),
        ("collections/x.rs", "let x: u8 = rand::random();", "no randomness"),
        (
            "engine/mod.rs",
            "use std::collections::hash_map::RandomState;",
            "no randomness",
        ),
        (
            "policy/mod.rs",
            "let text = std::fs::read(path)?;",
            "files belong",
        ),
        ("engine/mod.rs", "use std::fs::{self, File};", "files belong"),
        ("engine/mod.rs", "use memmap2::Mmap;", "files belong"),
        ("policy/mod.rs", "std::env::var(\"X\")", "environment"),
        ("engine/mod.rs", "unsafe { *p }", "unsafe outside journal"),
        ("daemon/mod.rs", "unsafe fn f() {}", "unsafe outside journal"),
        (
            "engine/mod.rs",
            "#[cfg(test)] mod tests { unsafe {} }",
            "unsafe outside journal",
        ),
        (
            "engine/mod.rs",
            "#[cfg(test)]\nmod tests { fn f() {} }\nuse std::time::Instant;",
            "time is an argument",
        ),
    ] {
        refused(&facilities(file, source), says);
    }
}

#[test]
fn the_outside_world_is_allowed_where_it_belongs() {
    for (file, source) in [
        (
            "daemon/clock.rs",
            "use std::time::{Instant, SystemTime}; use std::thread; use std::fs;",
        ),
        (
            "journal/disk.rs",
            "use std::fs::File; unsafe { map() } use rustix::fs::fallocate;",
        ),
        (
            "engine/mod.rs",
            "use std::time::Duration; use std::collections::HashMap;",
        ),
        (
            "engine/mod.rs",
            "#[cfg(test)]\n#[expect(x)]\nmod tests { use std::time::Instant; fn f() { std::fs::read(p) } }",
        ),
        (
            "engine/tests.rs",
            "use std::time::Instant; fn f() { std::fs::read(p) }",
        ),
        (
            "model/time.rs",
            "text.parse::<jiff::Timestamp>(); use jiff::Timestamp; jiff::tz::TimeZone::UTC;",
        ),
        (
            "engine/mod.rs",
            "#![deny(unsafe_code)] // unsafe\nlet s = \"unsafe\";",
        ),
    ] {
        assert_eq!(facilities(file, source), Vec::<String>::new(), "{file}: {source}");
    }
}

#[test]
fn long_and_unfinished_sources_are_seen() {
    refused(&habits("a.rs", &"\n".repeat(501)), "501 lines");
    assert!(habits("a.rs", &"\n".repeat(500)).is_empty());
    refused(&habits("a.rs", concat!("x\n// FIX", "ME later")), "src/a.rs:2");
    refused(&habits("a.rs", concat!("// TO", "DO: later")), "src/a.rs:1");
    refused(&habits("a.rs", "fn f() { todo!() }"), "todo!");
    refused(
        &habits("a.rs", "fn f() { unimplemented!(\"x\") }"),
        "unimplemented!",
    );
    assert!(
        habits(
            "a.rs",
            "// nothing to do here\nlet todo = \"todo!\"; if todo != x {}"
        )
        .is_empty()
    );
}

#[test]
fn strays_and_gaps_at_the_top_level_are_seen() {
    let mut names: Vec<(String, bool)> = super::rules::TOP_LEVEL_FILES
        .iter()
        .map(|n| ((*n).to_owned(), false))
        .chain(
            super::rules::TOP_LEVEL_FOLDERS
                .iter()
                .map(|n| ((*n).to_owned(), true)),
        )
        .collect();
    names.extend([
        (".git".into(), true),
        (".deny.toml".into(), false),
        ("target".into(), true),
    ]);
    assert_eq!(top_level(&names, "/target\n"), Vec::<String>::new());
    names.push(("scratch".into(), true));
    refused(&top_level(&names, "/target"), "'scratch' does not belong");
    names.retain(|(name, _)| name != "LICENSE");
    refused(&top_level(&names, "/target"), "'LICENSE' is missing");
    names.push(("src".into(), false));
    refused(&top_level(&names, "/target"), "'src' does not belong");
}

#[test]
fn a_readme_table_that_differs_is_seen() {
    let (begin, end) = super::rules::TABLE_MARKS;
    let readme = format!("# slad\n{begin}\n| a |\n| b |\n{end}\nmore");
    assert_eq!(readme_table(&readme, "| a |\n| b |\n"), Ok(()));
    assert!(
        readme_table(&readme, "| a |\n| c |\n")
            .unwrap_err()
            .contains("| c |")
    );
    assert!(
        readme_table(&readme, "| a |")
            .unwrap_err()
            .contains("one is longer")
    );
    assert!(readme_table("# slad", "| a |").unwrap_err().contains("needs"));
}

#[test]
fn tokens_leave_out_comments_and_literals() {
    let source =
        "a /* b /* c */ d */ ::e // f\n\"g\\\"\" 'h' '\\'' b'i' br##\"j\"# k\"## 'life 1_000u8 r#type";
    let words: Vec<_> = tokens(source).into_iter().map(|t| (t.text, t.line)).collect();
    assert_eq!(
        words,
        [
            ("a".to_owned(), 1),
            ("::".to_owned(), 1),
            ("e".to_owned(), 1),
            ("type".to_owned(), 2)
        ]
    );
}
