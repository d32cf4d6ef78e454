//! What sort of file somebody wants checked: told by where it lies, else by the keys at its top.

use std::path::Path;
use toml::de::DeTable;

/// A sort of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Configuration,
    Policy,
    Calendar,
}

/// Keys that only policies have, and that every one of them has.
const POLICY: [&str; 3] = ["priorities", "default_priority", "required"];
/// Keys that only calendars have.
const CALENDAR: [&str; 4] = ["week", "zone", "holidays", "overrides"];

pub(super) fn kind(path: &Path, text: &str) -> Kind {
    let folder = path.parent().and_then(Path::file_name);
    match folder.and_then(|folder| folder.to_str()) {
        Some("policies") => return Kind::Policy,
        Some("calendars") => return Kind::Calendar,
        _ => {}
    }
    let (table, _) = DeTable::parse_recoverable(text);
    let has = |keys: &[&str]| keys.iter().any(|key| table.get_ref().get(*key).is_some());
    if has(&POLICY) {
        Kind::Policy
    } else if has(&CALENDAR) {
        Kind::Calendar
    } else {
        Kind::Configuration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart() {
        for (path, text, expected) in [
            ("config/slad.toml", "socket = \"s\"", Kind::Configuration),
            ("x.toml", "", Kind::Configuration),
            ("x.toml", "default_priority = \"P1\"", Kind::Policy),
            ("x.toml", "name = \"a\"\n[priorities.P1]\nrank =", Kind::Policy),
            ("x.toml", "[week]\nmon = []", Kind::Calendar),
            ("policies/x.toml", "", Kind::Policy),
            ("/etc/slad/policies/calendars/x.toml", "", Kind::Calendar),
        ] {
            assert_eq!(kind(Path::new(path), text), expected, "{path} {text}");
        }
        let shipped = |path: &str| std::fs::read_to_string(path).unwrap();
        assert_eq!(
            kind(Path::new("x"), &shipped("config/slad.toml")),
            Kind::Configuration
        );
        for (_, text) in crate::policy::embedded() {
            assert_eq!(kind(Path::new("x"), text), Kind::Policy);
        }
        for (_, text) in crate::policy::embedded_calendars() {
            assert_eq!(kind(Path::new("x"), text), Kind::Calendar);
        }
    }
}
