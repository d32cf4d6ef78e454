//! The README's transcript runs word for word: every command by a shell, every line of output compared.
//!
//! The commands see two programs of ours before all others: `slad`, with a free port for its pages in place of the fixed
//! one that another daemon may have, and `redis-cli`, told to print as it prints to a terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What stands before the block.
const MARK: &str = "<!-- transcript -->";

/// A command and the lines that it has to print.
#[derive(Debug, PartialEq)]
struct Step {
    line: usize,
    command: String,
    expected: String,
}

/// The steps of the fenced block after the mark; `None`: there is no whole one.
fn steps(readme: &str) -> Option<Vec<Step>> {
    let mut lines = readme.lines().enumerate().map(|(n, line)| (n + 1, line));
    lines.find(|(_, line)| *line == MARK)?;
    let (_, fence) = lines.find(|(_, line)| !line.is_empty())?;
    if !fence.starts_with("```") {
        return None;
    }
    let mut steps: Vec<Step> = Vec::new();
    for (line, text) in lines {
        if text == "```" {
            return Some(steps);
        }
        if let Some(command) = text.strip_prefix("$ ") {
            steps.push(Step {
                line,
                command: command.to_owned(),
                expected: String::new(),
            });
        } else {
            let step = steps.last_mut()?;
            step.expected += text;
            step.expected.push('\n');
        }
    }
    None
}

/// One script of all the steps, so that what a step sets holds for the next; outputs in files of their own.
fn script(steps: &[Step]) -> String {
    let mut script = String::from("pids=\ntrap 'kill $pids; wait' EXIT\ntrap 'exit 1' TERM\n");
    for (n, step) in steps.iter().enumerate() {
        let _ = write!(script, "{{\n{}\n}} >out.{n} 2>err.{n}\n", step.command);
        if step.command.ends_with('&') {
            // A reader takes longer to type than the daemon to start; a script does not.
            script += "pids=\"$pids $!\"\nuntil [ -S slad.sock ]; do sleep 0.01; done\n";
        }
    }
    script
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_transcript_runs_word_for_word() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let steps = steps(&readme).unwrap_or_else(|| panic!("README.md: no fenced block after {MARK}"));
    for word in [
        "--virtual-clock",
        "AGENT.SET",
        "TICKET.OPEN",
        "AGENT.NEXT",
        "TICKET.RESPOND",
        "CLOCK.ADVANCE",
        "XREAD",
        "TICKET.RESOLVE",
    ] {
        assert!(
            steps.iter().any(|s| s.command.contains(word)),
            "the transcript shows no {word}"
        );
    }

    let path = std::env::var("PATH").unwrap();
    let redis_cli = std::env::split_paths(&path)
        .map(|folder| folder.join("redis-cli"))
        .find(|program| program.is_file())
        .expect("redis-cli: install redis-tools");
    let folder = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    write_program(
        &programs.path().join("slad"),
        &format!(
            "#!/bin/sh\nexec '{}' \"$@\" --http 127.0.0.1:0\n",
            env!("CARGO_BIN_EXE_slad")
        ),
    );
    write_program(
        &programs.path().join("redis-cli"),
        &format!("#!/bin/sh\nexec '{}' --no-raw \"$@\"\n", redis_cli.display()),
    );
    fs::write(folder.path().join("script"), script(&steps)).unwrap();
    let status = Command::new("timeout")
        .args(["60", "sh", "script"])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", programs.path().display()))
        .status()
        .unwrap();

    let said = |name: String| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    for (n, step) in steps.iter().enumerate() {
        assert_eq!(
            said(format!("out.{n}")),
            step.expected,
            "README.md:{}: {}\nand on stderr: {}\nthe daemon: {}",
            step.line,
            step.command,
            said(format!("err.{n}")),
            said("err.0".to_owned()),
        );
    }
    assert!(status.success(), "{status}");
}

#[test]
fn the_block_after_the_mark_is_the_transcript() {
    let readme =
        "text\n```\n$ not this\n```\n<!-- transcript -->\n\n```console\n$ a &\n$ b\n1\n 2\n```\n$ nor this\n";
    let step = |line, command: &str, expected: &str| Step {
        line,
        command: command.to_owned(),
        expected: expected.to_owned(),
    };
    assert_eq!(
        steps(readme),
        Some(vec![step(8, "a &", ""), step(9, "b", "1\n 2\n")])
    );
    assert_eq!(steps("```\n$ a\n```\n"), None, "no mark");
    assert_eq!(steps("<!-- transcript -->\ntext\n"), None, "no block");
    assert_eq!(steps("<!-- transcript -->\n```\n$ a\n"), None, "no end");
}
