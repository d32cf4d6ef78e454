//! The checker: sources in, problems out. `made_up.rs` proves that it sees what it should.

use super::rules::*;
use super::tokens::{Token, tokens};

/// A path named in a source: `["crate", "model", "Text"]`.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    path: Vec<String>,
    line: usize,
    in_test: bool,
}

/// Imports of `file` (relative to `src`) that its floor does not allow.
pub(crate) fn imports(file: &str, source: &str) -> Vec<String> {
    let module = module_of(file);
    let Some(home) = module.first().cloned() else {
        return Vec::new(); // lib.rs declares the floors and imports nothing that could go wrong.
    };
    let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == home) else {
        return vec![format!(
            "src/{file}: module '{home}' has no floor: give it one in rules.rs"
        )];
    };
    let mut problems = Vec::new();
    for named in paths(&module, &tokens(source)) {
        let inside = match named.path.first().map(String::as_str) {
            Some("crate" | "slad") => named.path.get(1),
            _ => continue,
        };
        match inside.map(String::as_str) {
            Some("*" | "self") | None => problems.push(format!(
                "src/{file}:{}: names the whole crate: name the module",
                named.line
            )),
            Some(other) if other == home || allowed.contains(&other) => {}
            Some(other) if FLOORS.iter().any(|(name, _)| *name == other) => problems.push(format!(
                "src/{file}:{}: {home} imports {other} ({}); it may import {}",
                named.line,
                named.path.join("::"),
                if allowed.is_empty() {
                    "nothing".to_owned()
                } else {
                    allowed.join(", ")
                },
            )),
            // Re-exports at the root would hide the module they come from; a macro of the crate is one too.
            Some(other) => problems.push(format!(
                "src/{file}:{}: '{other}' is no module of the crate",
                named.line
            )),
        }
    }
    problems
}

/// Uses of the clock, threads, the net, the disk and `unsafe` on floors where they are not allowed. What only tests do
/// is their own matter, `unsafe` apart.
pub(crate) fn facilities(file: &str, source: &str) -> Vec<String> {
    let module = module_of(file);
    let home = module.first().map_or("lib", String::as_str);
    let tokens = tokens(source);
    let mut problems = Vec::new();
    if home != "journal" {
        for token in tokens.iter().filter(|t| t.text == "unsafe") {
            problems.push(format!("src/{file}:{}: unsafe outside journal", token.line));
        }
    }
    if OUTSIDE.contains(&home) || is_test_file(file) {
        return problems;
    }
    for named in paths(&module, &tokens).iter().filter(|n| !n.in_test) {
        let path = named.path.join("::");
        let journal: &[_] = if home == "journal" { &[] } else { JOURNAL_ONLY };
        for (forbidden, why) in FORBIDDEN.iter().chain(journal) {
            if reaches(&path, forbidden) {
                problems.push(format!("src/{file}:{}: {path}: {why}", named.line));
                break;
            }
        }
    }
    problems
}

/// Does the path lead to what is forbidden, or import a parent under which it could be named unseen?
fn reaches(path: &str, forbidden: &str) -> bool {
    let below = |whole: &str, part: &str| {
        whole == part
            || whole
                .strip_prefix(part)
                .is_some_and(|rest| rest.starts_with("::"))
    };
    if below(path, forbidden) {
        return true;
    }
    // `Timestamp::now` of an imported `Timestamp`.
    let tail: Vec<&str> = forbidden.rsplit("::").take(2).collect();
    if let [method, of] = tail[..]
        && method.starts_with(char::is_lowercase)
        && of.starts_with(char::is_uppercase)
    {
        return path
            .strip_suffix(method)
            .is_some_and(|p| p.strip_suffix("::") == Some(of));
    }
    let parent = path
        .strip_suffix("::*")
        .or(path.strip_suffix("::self"))
        .unwrap_or(path);
    (parent.contains("::") || parent != path) && below(forbidden, parent)
}

/// Length, and words that say "not finished".
pub(crate) fn habits(file: &str, source: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = source.lines().count();
    if lines > LINES_MAX {
        problems.push(format!("src/{file}: {lines} lines, more than {LINES_MAX}"));
    }
    for (number, line) in source.lines().enumerate() {
        // Put together here so that this file can be searched too.
        for word in [concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")] {
            if line.split(|c: char| !c.is_alphanumeric()).any(|w| w == word) {
                problems.push(format!("src/{file}:{}: {word}", number + 1));
            }
        }
    }
    for three in tokens(source).windows(3) {
        let [name, bang, open] = three else { continue };
        if ["todo", "unimplemented", "dbg"].contains(&name.text.as_str())
            && bang.text == "!"
            && matches!(open.text.as_str(), "(" | "[" | "{")
        {
            problems.push(format!("src/{file}:{}: {}!", name.line, name.text));
        }
    }
    problems
}

/// Names at the top level that do not belong there, and those that are missing.
pub(crate) fn top_level(names: &[(String, bool)], ignored: &str) -> Vec<String> {
    let ignored: Vec<&str> = ignored
        .lines()
        .map(|l| l.trim_matches(['/', ' ']))
        .filter(|l| !l.is_empty())
        .collect();
    let mut problems = Vec::new();
    for (name, folder) in names {
        let known = if *folder {
            TOP_LEVEL_FOLDERS
        } else {
            TOP_LEVEL_FILES
        };
        let dot_file = name.starts_with('.');
        if !dot_file && !known.contains(&name.as_str()) && !ignored.contains(&name.as_str()) {
            problems.push(format!("'{name}' does not belong at the top level"));
        }
    }
    for needed in TOP_LEVEL_FILES.iter().chain(TOP_LEVEL_FOLDERS) {
        if !names.iter().any(|(name, _)| name == needed) {
            problems.push(format!("'{needed}' is missing at the top level"));
        }
    }
    problems
}

/// Compares the README's table with the generated one.
pub(crate) fn readme_table(readme: &str, generated: &str) -> Result<(), String> {
    let (begin, end) = TABLE_MARKS;
    let shown = readme
        .split_once(begin)
        .and_then(|(_, rest)| rest.split_once(end))
        .map(|(table, _)| table.trim())
        .ok_or(format!(
            "README.md needs {begin} and {end} around its command table"
        ))?;
    if shown == generated.trim() {
        return Ok(());
    }
    let differs = shown
        .lines()
        .zip(generated.trim().lines())
        .find(|(a, b)| a != b)
        .map_or("one is longer".to_owned(), |(a, b)| {
            format!("shown\n  {a}\ngenerated\n  {b}")
        });
    Err(format!(
        "README.md's command table is not the generated one: {differs}\nwhole table:\n{generated}"
    ))
}

/// `engine/clocks/mod.rs` → `["engine", "clocks"]`; `lib.rs` → `[]`.
fn module_of(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if module.len() == 1 && module[0] == "lib" || module.last().is_some_and(|m| m == "mod") {
        module.pop();
    }
    module
}

fn is_test_file(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// Every path named in the tokens, `self` and `super` resolved, `use` trees spread out.
fn paths(module: &[String], tokens: &[Token]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut test_until: Option<usize> = None; // the depth at which the item of a #[cfg(test)] began
    let mut at = 0;
    while at < tokens.len() {
        let text = |offset: usize| tokens.get(at + offset).map_or("", |t| t.text.as_str());
        let in_test = test_until.is_some();
        match text(0) {
            "#" if CFG_TEST.iter().enumerate().all(|(i, t)| text(i) == *t) => {
                test_until.get_or_insert(depth);
                at += CFG_TEST.len();
            }
            "{" => (depth, at) = (depth + 1, at + 1),
            close @ ("}" | ";") => {
                depth = depth.saturating_sub(usize::from(close == "}"));
                if test_until == Some(depth) {
                    test_until = None;
                }
                at += 1;
            }
            "use" => {
                at += 1;
                if tokens.get(at).is_some_and(|t| t.text == "::") {
                    at += 1;
                }
                tree(tokens, &mut at, &mut Vec::new(), in_test, true, &mut found);
            }
            word if starts_path(word, text(1), at.checked_sub(1).map(|i| tokens[i].text.as_str())) => {
                tree(tokens, &mut at, &mut Vec::new(), in_test, false, &mut found);
            }
            _ => at += 1,
        }
    }
    resolve(module, tokens, found)
}

/// The attribute that keeps an item out of the daemon.
const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

fn starts_path(word: &str, next: &str, before: Option<&str>) -> bool {
    is_name(word) && next == "::" && !matches!(before, Some("." | "::"))
}

/// Reads a path or, in a `use`, a tree of paths, starting at `at`; leaves `at` behind it.
fn tree(
    tokens: &[Token],
    at: &mut usize,
    prefix: &mut Vec<String>,
    in_test: bool,
    in_use: bool,
    found: &mut Vec<Named>,
) {
    let depth = prefix.len();
    let line = tokens.get(*at).map_or(0, |t| t.line);
    let leaf = |prefix: &[String], found: &mut Vec<Named>| {
        found.push(Named {
            path: prefix.to_vec(),
            line,
            in_test,
        })
    };
    loop {
        match tokens.get(*at).map(|t| t.text.as_str()) {
            Some("{") if in_use => {
                *at += 1;
                while tokens.get(*at).is_some_and(|t| t.text != "}") {
                    if tokens[*at].text == "," {
                        *at += 1;
                    } else {
                        tree(tokens, at, prefix, in_test, in_use, found);
                    }
                }
                *at += 1;
                break;
            }
            Some("*") if in_use => {
                prefix.push("*".into());
                leaf(prefix, found);
                *at += 1;
                break;
            }
            Some(word) if is_name(word) => {
                prefix.push(word.to_owned());
                *at += 1;
                if tokens.get(*at).is_some_and(|t| t.text == "::") {
                    *at += 1;
                } else {
                    leaf(prefix, found);
                    break;
                }
            }
            // `Vec::<T>::new`, `use a::{};`, or the end of a path that a macro cut off.
            _ => {
                leaf(prefix, found);
                if in_use
                    && tokens
                        .get(*at)
                        .is_some_and(|t| !matches!(t.text.as_str(), "}" | "," | ";"))
                {
                    *at += 1;
                }
                break;
            }
        }
    }
    if in_use && tokens.get(*at).is_some_and(|t| t.text == "as") {
        *at += 2;
    }
    prefix.truncate(depth);
}

/// Makes `self::` and `super::` absolute. Inline modules are found again by line, so that `super` in them counts right.
fn resolve(module: &[String], tokens: &[Token], found: Vec<Named>) -> Vec<Named> {
    found
        .into_iter()
        .filter_map(|mut named| {
            let mut home: Vec<String> = module.to_vec();
            home.extend(inline_modules(tokens, named.line));
            let mut rest = named.path.as_slice();
            let mut relative = false;
            while let Some((first, tail)) = rest.split_first() {
                match first.as_str() {
                    "self" if !relative && !tail.is_empty() => {}
                    "super" => {
                        home.pop();
                    }
                    _ => break,
                }
                relative = true;
                rest = tail;
            }
            if relative {
                let mut path = vec!["crate".to_owned()];
                path.extend(home);
                path.extend(rest.iter().cloned());
                named.path = path;
            }
            (!named.path.is_empty()).then_some(named)
        })
        .collect()
}

/// Names of the inline modules that are open at a line.
fn inline_modules(tokens: &[Token], line: usize) -> Vec<String> {
    let mut open: Vec<Option<String>> = Vec::new();
    for (i, token) in tokens.iter().enumerate().take_while(|(_, t)| t.line < line) {
        match token.text.as_str() {
            "{" => {
                let of_module = i >= 2 && tokens[i - 2].text == "mod";
                open.push(of_module.then(|| tokens[i - 1].text.clone()));
            }
            "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    open.into_iter().flatten().collect()
}
