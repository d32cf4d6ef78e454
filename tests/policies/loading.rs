//! From files to versions: what is new, what is broken, what is gone.

use crate::site::*;
use crate::support::{Daemon, Value};
use std::time::{Duration, Instant};

/// A second policy.
const NIGHT: &str = "priorities = [\"N1\"]\ndefault_priority = \"N1\"\nqueue = \"night\"\nwarn = \"80%\"\n";

#[test]
fn a_changed_file_is_a_new_version_and_the_old_one_stays_readable() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    client.say("TICKET.OPEN t1 policy desk priority P1");
    client.say("CLOCK.ADVANCE 1m");
    let shorter = DESK.replace("\"15m\"", "\"10m\"");
    site.write("desk.toml", &shorter);
    let before = site.events().len();
    let reply = client.say("POLICY.RELOAD");
    let activated = &reply.get("activated").list()[0];
    assert_eq!(activated.get("policy").text(), "desk");
    assert_eq!(
        (activated.get("version").int(), activated.get("from").int()),
        (2, 1)
    );
    let events = site.events();
    assert_eq!(events.len(), before + 1, "one version, one fact");
    let fact = events.last().unwrap();
    assert_eq!(
        (fact.kind(), fact.seq),
        ("policy.activated", reply.get("seq").int())
    );
    assert_eq!((fact.text("policy"), fact.int("version")), ("desk", 2));
    assert_eq!(
        (fact.text("source"), fact.int("at")),
        ("desk.toml", START + MINUTE)
    );

    client.say("TICKET.OPEN t2 policy desk priority P1");
    assert_eq!(version_of(&mut client, "t1"), "desk@1");
    assert_eq!(due(&mut client, "t1", "first_response"), START + 15 * MINUTE);
    assert_eq!(version_of(&mut client, "t2"), "desk@2");
    assert_eq!(due(&mut client, "t2", "first_response"), START + 11 * MINUTE);

    let new = client.say("POLICY.GET desk");
    assert_eq!((new.get("version").int(), new.get("state").text()), (2, "active"));
    assert_eq!(new.get("text").text(), shorter);
    assert_eq!(new.get("tickets").int(), 1);
    assert_eq!(new.get("label").text(), "服务台");
    let old = client.say("POLICY.GET desk 1");
    assert_eq!(
        (old.get("state").text(), old.get("text").text()),
        ("superseded", DESK)
    );
    assert_eq!(old.get("next_at"), new.get("activated_at"));
    assert_eq!(old.get("tickets").int(), 1);
    assert_ne!(old.get("hash"), new.get("hash"));
    let listed = client.say("POLICY.LIST");
    let desk = listed
        .list()
        .iter()
        .find(|p| p.get("policy").text() == "desk")
        .unwrap();
    assert_eq!((desk.get("version").int(), desk.get("versions").int()), (2, 2));
    assert_eq!(desk.get("tickets").int(), 2);

    // The same texts again are nothing new.
    let again = client.say("POLICY.RELOAD");
    assert_eq!(
        (again.get("seq"), again.get("activated")),
        (&Value::Null, &Value::List(Vec::new()))
    );
    assert!(texts(again.get("unchanged")).contains(&"desk@2"), "{again:?}");
    assert_eq!(site.events().len(), events.len() + 1, "t2 alone came since");
}

#[test]
fn a_broken_file_leaves_everything_as_it_is_and_says_where() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    site.write("desk.toml", &DESK.replace("\"15m\"", "\"10m\""));
    site.write("night.toml", &NIGHT.replace("80%", "101%"));
    let before = site.events().len();
    for reload in ["POLICY.RELOAD", "POLICY.RELOAD DRYRUN"] {
        let said = refused(client.say(reload), "ERR");
        assert!(
            said.contains("night.toml:4:8: ") && said.contains("it takes"),
            "{said}"
        );
        assert!(said.contains("nothing was loaded"), "{said}");
    }
    assert_eq!(site.events().len(), before, "the good file waits for the other");
    assert_eq!(client.say("POLICY.GET desk").get("version").int(), 1);
    assert_eq!(site.info("policy_mistakes"), "1");
    assert!(site.info("policy_first_mistake").starts_with("night.toml:4:8: "));
    assert!(site.daemon.log().contains("night.toml:4:8: "));

    site.write("night.toml", NIGHT);
    let reply = client.say("POLICY.RELOAD");
    assert_eq!(reply.get("activated").list().len(), 2);
    assert_eq!(site.info("policy_mistakes"), "0");
    let events = site.events();
    let kinds: Vec<_> = events[before..]
        .iter()
        .map(|e| (e.kind(), e.text("policy")))
        .collect();
    assert_eq!(
        kinds,
        [("policy.activated", "desk"), ("policy.activated", "night")]
    );
    client.say("TICKET.OPEN n policy night");
    assert_eq!(version_of(&mut client, "n"), "night@1");
}

#[test]
fn a_dry_run_shows_how_texts_differ_and_changes_nothing() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    site.write("desk.toml", &DESK.replace("rank = 10", "rank = 5"));
    let before = (site.events().len(), site.info("state_hash"));
    let reply = client.say("POLICY.RELOAD DRYRUN");
    let activated = &reply.get("activated").list()[0];
    assert_eq!(texts(activated.get("diff")), ["-11: rank = 10", "+11: rank = 5"]);
    assert_eq!(
        (reply.get("seq"), activated.get("version").int()),
        (&Value::Null, 2)
    );
    assert_eq!((site.events().len(), site.info("state_hash")), before);
    refused(client.say("POLICY.RELOAD DRYRAN"), "BADARG");
}

#[test]
fn sighup_reads_the_folder_again() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    let hang_up = || {
        let pid = rustix::process::Pid::from_raw(site.daemon.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    };
    let wait = |what: &str, done: &mut dyn FnMut() -> bool| {
        let started = Instant::now();
        while !done() {
            assert!(started.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    site.write("desk.toml", &DESK.replace("rank = 10", "rank = 5"));
    hang_up();
    wait("version 2", &mut || {
        client.say("POLICY.GET desk").get("version").int() == 2
    });
    site.write("desk.toml", "name = ");
    hang_up();
    wait("the mistake", &mut || site.info("policy_mistakes") == "1");
    assert!(
        site.daemon.log().contains("desk.toml:1:"),
        "{}",
        site.daemon.log()
    );
    assert_eq!(client.say("POLICY.GET desk").get("version").int(), 2);
}

#[test]
fn after_a_restart_versions_are_as_they_were_whatever_became_of_the_files() {
    let mut site = Site::start(&[("desk.toml", DESK), ("night.toml", NIGHT)]);
    let mut client = site.client();
    client.say("TICKET.OPEN t1 policy desk");
    site.write("desk.toml", &DESK.replace("\"8h\"", "\"9h\""));
    client.say("POLICY.RELOAD");
    client.say("TICKET.OPEN t2 policy desk");
    client.say("SNAPSHOT");
    client.say("TICKET.OPEN t3 policy desk");
    let seen = |site: &Site| {
        let mut client = site.client();
        let versions = [1, 2].map(|v| client.say(&format!("POLICY.GET desk {v}")));
        let tickets = ["t1", "t2", "t3"].map(|t| client.cmd(&["TICKET.GET", t]));
        (versions, tickets, site.info("state_hash"), site.events().len())
    };
    let before = seen(&site);
    site.crash();
    assert_eq!(seen(&site), before, "the files are the same");

    // Gone: what was in force stays so.
    site.remove("desk.toml");
    site.remove("night.toml");
    site.crash();
    assert_eq!(seen(&site), before);
    let reply = site.client().say("POLICY.RELOAD");
    assert_eq!(texts(reply.get("kept")), ["desk@2", "night@1"]);

    // Broken: the same, loudly.
    site.write("desk.toml", "priorities = 7\n");
    site.crash();
    assert_eq!(seen(&site), before);
    assert_ne!(site.info("policy_mistakes"), "0");
    assert!(
        site.daemon.log().contains("desk.toml:1:14"),
        "{}",
        site.daemon.log()
    );

    // Changed while nobody looked: a version more.
    site.write("desk.toml", &DESK.replace("\"8h\"", "\"10h\""));
    site.crash();
    let mut client = site.client();
    assert_eq!(client.say("POLICY.GET desk").get("version").int(), 3);
    assert_eq!(version_of(&mut client, "t3"), "desk@2");
    assert_eq!(client.say("POLICY.GET desk 1").get("text").text(), DESK);

    // Without the folder at all.
    site.daemon.set_args(&["--virtual-clock"]);
    site.crash();
    assert_eq!(site.client().say("POLICY.GET desk").get("version").int(), 3);
}

#[test]
fn a_file_takes_the_place_of_an_embedded_policy_and_keeps_it() {
    let mut site = Site::start(&[]);
    let mut client = site.client();
    let embedded = client.say("POLICY.GET none");
    assert_eq!(embedded.get("source").text(), "embedded");
    let own = format!("# ours\n{}", embedded.get("text").text());
    site.write("none.toml", &own);
    client.say("POLICY.RELOAD");
    assert_eq!(client.say("POLICY.GET none").get("source").text(), "none.toml");
    site.remove("none.toml");
    let reply = client.say("POLICY.RELOAD");
    assert_eq!(
        texts(reply.get("kept")),
        ["none@2"],
        "nobody asked for the embedded one"
    );
    site.crash();
    assert_eq!(site.client().say("POLICY.GET none").get("text").text(), own);
}

#[test]
fn what_cannot_start_says_why() {
    let start = |files: &[(&str, &str)], args: &[&str]| {
        let folder = folder(files);
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        let mut child = crate::support::spawn(folder.path(), &args);
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > Duration::from_secs(20) {
                child.kill().unwrap();
                panic!(
                    "it runs: {}",
                    std::fs::read_to_string(folder.path().join("log")).unwrap()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::read_to_string(folder.path().join("log")).unwrap()
    };
    let said = start(&[("desk.toml", "priorities = 7\n")], VIRTUAL);
    assert!(
        said.contains("desk.toml:1:14") && said.contains("the log knows none"),
        "{said}"
    );
    let unknown = [VIRTUAL, &["--set", "default_policy=dusk"]].concat();
    let said = start(&[("desk.toml", DESK)], &unknown);
    assert!(
        said.contains("default_policy \"dusk\" is not known") && said.contains("desk"),
        "{said}"
    );
    let said = start(&[], &["--policies", "nowhere"]);
    assert!(said.contains("nowhere: cannot be read"), "{said}");
    let said = start(&[("a.toml", DESK), ("b.toml", DESK)], VIRTUAL);
    assert!(
        said.contains("b.toml: it gives the policy 'desk', as a.toml does"),
        "{said}"
    );
}

#[test]
fn the_folder_may_give_the_default_policy() {
    let args = [VIRTUAL, &["--set", "default_policy=desk"]].concat();
    let site = Site::start_with(&[("desk.toml", DESK)], &args);
    let mut client = site.client();
    client.say("TICKET.OPEN t1");
    assert_eq!(version_of(&mut client, "t1"), "desk@1");
}

#[test]
fn a_preview_is_what_open_would_do() {
    let site = Site::start(&[(
        "desk.toml",
        &DESK.replace("close_after", "warn = \"80%\"\nclose_after"),
    )]);
    let mut client = site.client();
    let at = START + 5 * HOUR;
    let preview = client.say(&format!("POLICY.PREVIEW desk priority P1 at {at}"));
    let seen: Vec<_> = preview
        .list()
        .iter()
        .map(|clock| {
            let warnings: Vec<i64> = clock.get("warnings").list().iter().map(Value::int).collect();
            (
                clock.get("target").text().to_owned(),
                clock.get("due").int(),
                warnings,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "first_response".to_owned(),
                at + 15 * MINUTE,
                vec![at + 12 * MINUTE]
            ),
            ("resolution".to_owned(), at + 2 * HOUR, vec![at + 96 * MINUTE]),
        ]
    );
    let events = site.events().len();
    client.say(&format!("CLOCK.SET {at}"));
    client.say("TICKET.OPEN t1 policy desk priority P1");
    for (target, wanted, _) in &seen {
        assert_eq!(due(&mut client, "t1", target), *wanted);
    }
    assert_eq!(site.events().len(), events + 2, "a preview is no fact");
    // By hand, by version, and what it refuses.
    let by_hand = client.say(&format!("POLICY.PREVIEW desk@1 due.first_response {}", at + 7));
    assert_eq!(by_hand.list()[0].get("due").int(), at + 7);
    for (command, says) in [
        ("POLICY.PREVIEW dusk", "did you mean 'desk'"),
        ("POLICY.PREVIEW desk@7", "desk has no version 7: it takes 1 to 1"),
        (
            "POLICY.PREVIEW desk priority P9",
            "priority 'P9' is not one of desk@1",
        ),
        ("POLICY.PREVIEW desk policy none", "has no field 'policy'"),
        ("POLICY.GET desk 0", "version"),
        ("POLICY.GET dusk", "did you mean 'desk'"),
    ] {
        let said = refused(client.say(command), "BADARG");
        assert!(said.contains(says), "{command}: {said}");
    }
}

#[test]
fn a_version_where_a_name_is_taken_is_told_how_to_ask() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    let events = site.events().len();
    let written = "looks like name@version: write 'desk'";
    let opening = "a version is not chosen at opening";
    for (command, says) in [
        ("TICKET.OPEN t policy desk@1", &["'desk@1'", written, opening][..]),
        ("TICKET.OPEN t policy dexk@latest", &["'dexk@latest'", written]),
        ("TICKET.OPEN t policy qqqq@1", &["name@version: write ", "desk"]),
        ("TICKET.OPEN t policy dexk", &["did you mean 'desk'?"]),
        ("TICKET.IMPORT t policy desk@1", &[written, opening]),
        ("TICKET.LIST policy desk@1", &[written]),
        ("TICKET.COUNT policy desk@1", &[written]),
        ("POLICY.GET desk@1", &[written]),
        ("POLICY.PREVIEW dexk@1", &["did you mean 'desk'?"]),
        ("POLICY.PREVIEW desk@1@1", &["'desk@1'", written]),
        ("POLICY.MIGRATE desk@1 1 2 FROMNOW", &["'desk@1'", written]),
        (
            "POLICY.MIGRATE desk desk@1 2 FROMNOW",
            &["from 'desk@1'", "write 1"],
        ),
    ] {
        let said = refused(client.say(command), "BADARG");
        for part in says {
            assert!(said.contains(part), "{command}: {said}");
        }
        let at_opening = command.starts_with("TICKET.OPEN") || command.starts_with("TICKET.IMPORT");
        assert!(at_opening || !said.contains(opening), "{command}: {said}");
    }
    assert_eq!(site.events().len(), events, "nothing of it is a fact");
}

#[test]
fn labels_are_told_by_name() {
    let text = r#"default_priority = "L2"
classes = { "fault.device" = { label = "设备故障" }, "question" = {} }
channels = ["phone"]

[segments]
vip = "重要客户"

[priorities.L1]
label = "紧急"
rank = 1
queue = "q"
[priorities.L2]
rank = 2
queue = "q"

[[stages]]
name = "review"
label = "初审"
within = "2h"
"#;
    let site = Site::start(&[("ours.toml", text), ("desk.toml", DESK)]);
    let mut client = site.client();
    let told = |reply: &Value| {
        let labels = reply.get("labels");
        ["classes", "priorities", "segments", "channels", "stages"].map(|kind| labels.get(kind).clone())
    };
    // In RESP2 a map is a flat list of keys and values.
    let flat = |items: &[&str]| {
        let items = items.iter().map(|item| match *item {
            "" => Value::Null,
            item => Value::Text(item.to_owned()),
        });
        Value::List(items.collect())
    };
    let expected = [
        flat(&["fault.device", "设备故障", "question", ""]),
        flat(&["L1", "紧急", "L2", ""]),
        flat(&["vip", "重要客户"]),
        flat(&["phone", ""]),
        flat(&["review", "初审"]),
    ];
    assert_eq!(told(&client.say("POLICY.GET ours")), expected);
    // Each version has its own.
    site.write("ours.toml", &text.replace("初审", "复审"));
    client.say("POLICY.RELOAD");
    let new = told(&client.say("POLICY.GET ours"));
    assert_eq!(new[4], flat(&["review", "复审"]));
    assert_eq!(told(&client.say("POLICY.GET ours 1")), expected);
    let desk = told(&client.say("POLICY.GET desk"));
    assert_eq!((&desk[0], &desk[1]), (&flat(&[]), &flat(&["P1", "", "P2", ""])));
}

#[test]
fn calendars_of_the_folder_are_facts_too() {
    let week = "zone = \"Asia/Shanghai\"\npublished_until = 2026-12-31\n[week]\nmon = [\"09:00-17:00\"]\n";
    let folder = folder(&[("desk.toml", DESK)]);
    std::fs::create_dir(folder.path().join("policies/calendars")).unwrap();
    std::fs::write(folder.path().join("policies/calendars/ours.toml"), week).unwrap();
    let mut site = Site {
        daemon: Daemon::start_in(folder, VIRTUAL),
    };
    let calendars = |site: &Site| {
        let events = site.events();
        let facts = events.iter().filter(|e| e.kind() == "calendar.extended");
        let ours = facts.filter(|e| e.text("calendar") == "ours");
        ours.map(|e| e.int("version")).collect::<Vec<_>>()
    };
    assert_eq!(calendars(&site), [1]);
    site.write("calendars/ours.toml", &week.replace("2026-12-31", "2027-12-31"));
    let reply = site.client().say("POLICY.RELOAD");
    assert_eq!(texts(reply.get("calendars")), ["ours@2"]);
    assert_eq!(calendars(&site), [1, 2]);
    let hash = site.info("state_hash");
    site.crash();
    assert_eq!((calendars(&site), site.info("state_hash")), (vec![1, 2], hash));
    site.write(
        "calendars/ours.toml",
        &week.replace("09:00-17:00", "17:00-17:00, 18:00"),
    );
    let said = refused(site.client().say("POLICY.RELOAD"), "ERR");
    assert!(said.contains("calendars/ours.toml:4:"), "{said}");
}
