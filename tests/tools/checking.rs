//! `slad check-config`: configurations, policies, calendars and whole folders of them.

use crate::run::{slad, text};
use std::fs;

#[test]
fn what_is_shipped_has_no_mistake() {
    slad(&[
        "check-config",
        "config/slad.toml",
        "config/policies",
        "config/calendars/cn-office.toml",
    ])
    .ends(0)
    .says("config/slad.toml: no mistake found")
    .says("config/policies/scenario-catalogue.toml: no mistake found")
    .says("config/policies/none.toml: no mistake found")
    .says("config/calendars/cn-office.toml: no mistake found");
}

#[test]
fn every_mistake_has_its_place_and_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
    fs::create_dir(path("calendars")).unwrap();
    write(
        "calendars/depot.toml",
        "zone = \"UTC\"\n[week]\nmon = [\"09:00-17:00\", \"16:00-18:00\"]\n",
    );
    write(
        "calendars/yard.toml",
        "name = \"depot\"\nzone = \"UTC\"\n[week]\nmon = [\"09:00-17:00\"]\n",
    );
    write("calendars/notes.txt", "no calendar");
    let policy = "default_priority = \"P1\"\nqueue = \"q\"\ncalendar = \"depot\"\n[priorities.P1]\nrank = 1\nclocks.resolution = ";
    write("a.toml", &format!("{policy}\"2bd\"\n"));
    write("b.toml", &format!("name = \"a\"\n{policy}\"2bd\"\n"));
    write("c.toml", &format!("{policy}\"0bd\"\n").replace("depot", "depo"));
    write("d.toml", "default_priority = \n");
    let ran = slad(&["check-config", text(folder.path())]).ends(2);
    let at = |name: &str| path(name).display().to_string();
    for line in [
        format!("{}: no mistake found", at("a.toml")),
        format!("{}: policy 'a' is that of {} already", at("b.toml"), at("a.toml")),
        format!(
            "{}:3:12: calendar 'depo' is not known (did you mean 'depot'?); it takes 24x7, cn-office, depot",
            at("c.toml")
        ),
        format!(
            "{}:6:21: resolution '0bd' is no time at all; give a duration",
            at("c.toml")
        ),
        format!("{}:1:20: ", at("d.toml")),
        format!("{}:3:23: ", at("calendars/depot.toml")),
        format!(
            "{}: calendar 'depot' is that of {} already",
            at("calendars/yard.toml"),
            at("calendars/depot.toml")
        ),
    ] {
        ran.says(&line);
    }
    assert!(!ran.err.contains("notes.txt"), "{ran:?}");
    // One file of the folder alone knows the calendars beside it.
    slad(&["check-config", text(&path("a.toml"))])
        .ends(0)
        .says("no mistake found");
    slad(&["check-config", text(&path("calendars/yard.toml"))])
        .ends(0)
        .says("no mistake found");
    slad(&["check-config", text(&path("gone.toml"))])
        .ends(2)
        .says("gone.toml: ");
}

#[test]
fn a_configuration_is_checked_with_the_folder_of_policies_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
    fs::create_dir_all(path("rules/calendars")).unwrap();
    let policy = "default_priority = \"P1\"\nqueue = \"q\"\ncalendar = \"depot\"\n[priorities.P1]\nrank = 1\nclocks.resolution = ";
    write("rules/a.toml", &format!("{policy}\"2bd\"\n"));
    let calendar = "zone = \"UTC\"\n[week]\nmon = [\"09:00-17:00\"]\n";
    write("rules/calendars/depot.toml", calendar);
    let whole = path("rules").display().to_string();
    write(
        "whole.toml",
        &format!("policies = \"{whole}\"\ndefault_policy = \"a\"\n"),
    );
    let whole_toml = path("whole.toml");
    let check = || slad(&["check-config", text(&whole_toml)]);
    check()
        .ends(0)
        .says("whole.toml: no mistake found")
        .says("rules/a.toml: no mistake found")
        .says("rules/calendars/depot.toml: no mistake found");
    // Told as for a folder that is given.
    write("rules/b.toml", &format!("{policy}\"0bd\"\n"));
    write("rules/calendars/depot.toml", &calendar.replace("17:00", "27:00"));
    check()
        .ends(2)
        .says("whole.toml: no mistake found")
        .says(&format!(
            "{whole}/b.toml:6:21: resolution '0bd' is no time at all"
        ))
        .says(&format!("{whole}/calendars/depot.toml:3:"));
    fs::remove_file(path("rules/b.toml")).unwrap();
    write("rules/calendars/depot.toml", calendar);
    // Relative: where a service would be started, unless it is here.
    let beside = path("beside.toml");
    write("beside.toml", "policies = \"rules\"\n");
    slad(&["check-config", text(&beside)])
        .ends(0)
        .says("policies \"rules\" is looked for in the folder in which slad is started")
        .says("rules/a.toml: no mistake found");
    write("beside.toml", "policies = \"config/policies\"\n");
    slad(&["check-config", text(&beside)])
        .ends(0)
        .says("config/policies/none.toml: no mistake found");
    for (given, place, says) in [
        (
            "sync = \"never\"\npolicies = \"ruls\"\n",
            "2:12",
            "policies \"ruls\" is not there (did you mean 'rules'?)",
        ),
        (
            "policies = \"nowhere-at-all\"\n",
            "1:12",
            "is not there, looked for from here and beside the file",
        ),
        (
            "policies = \"whole.toml\"\n",
            "1:12",
            "policies \"whole.toml\" is no folder: it takes a folder",
        ),
        (
            "default_policy = \"scenario-catalog\"\npolicies = \"rules\"\n",
            "1:18",
            "default_policy \"scenario-catalog\" is unknown (did you mean 'scenario-catalogue'?)",
        ),
    ] {
        write("beside.toml", given);
        slad(&["check-config", text(&beside)])
            .ends(2)
            .says(&format!("{}:{place}: ", beside.display()))
            .says(says);
    }
}
