//! Open tickets go over to another version: dues to the millisecond, the dry run, a crash on the way.

use crate::feed::{self, Entry, pipeline, words};
use crate::random::Random;
use crate::site::*;
use crate::support::{Client, Value};

/// The desk with shorter answers, more time to resolve, and a report every hour.
fn second() -> String {
    DESK.replace(
        "\"15m\", resolution = \"2h\"",
        "\"10m\", resolution = \"4h\", update = \"1h\"",
    )
}

/// The counts of POLICY.MIGRATE's reply.
fn counts(reply: &Value) -> [i64; 6] {
    ["tickets", "stayed", "moved", "started", "stopped", "breached"].map(|name| reply.get(name).int())
}

/// What the feed says that a migration did.
fn migrated(events: &[Entry]) -> Vec<&Entry> {
    events.iter().filter(|e| e.kind() == "policy.migrated").collect()
}

fn opened_for_migration() -> (Site, Client) {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    for line in [
        "TICKET.OPEN late policy desk priority P1",
        "TICKET.OPEN paused policy desk priority P1",
        "TICKET.OPEN met policy desk priority P1",
        "TICKET.OPEN hand policy desk priority P1 due.resolution 1767299999999",
        "TICKET.OPEN done policy desk priority P1",
        "TICKET.OPEN other policy desk priority P2",
        "TICKET.OPEN elsewhere policy none",
        "TICKET.RESPOND met",
        "CLOCK.ADVANCE 1m",
        "TICKET.PAUSE paused reason customer",
        "CLOCK.ADVANCE 10m",
        "TICKET.RESUME paused",
        "TICKET.RESOLVE done",
        "CLOCK.ADVANCE 1m",
    ] {
        let reply = client.say(line);
        assert!(matches!(reply, Value::Int(_)), "{line}: {reply:?}");
    }
    site.write("desk.toml", &second());
    client.say("POLICY.RELOAD");
    (site, client)
}

#[test]
fn retroactive_counts_from_the_receipt_with_the_pauses_that_were() {
    let (site, mut client) = opened_for_migration();
    let now = START + 12 * MINUTE;
    let dry = client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE DRYRUN");
    // Of four open P1 tickets three have not been answered, which is late by two minutes now. The P2 ticket goes over
    // without a change, the resolved one too.
    assert_eq!(counts(&dry), [6, 0, 6, 4, 0, 3], "{dry:?}");
    assert_eq!(dry.get("text").text(), "6 dues move, 3 breach");
    assert_eq!(dry.get("seq"), &Value::Null);
    assert_eq!(
        version_of(&mut client, "late"),
        "desk@1",
        "so far nothing happened"
    );

    let reply = client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE by boss reason review");
    assert_eq!(counts(&reply), counts(&dry));
    for ticket in ["late", "paused", "met", "hand", "done", "other"] {
        assert_eq!(version_of(&mut client, ticket), "desk@2", "{ticket}");
    }
    assert_eq!(version_of(&mut client, "elsewhere"), "none@1");
    assert_eq!(due(&mut client, "late", "first_response"), START + 10 * MINUTE);
    assert_eq!(due(&mut client, "late", "resolution"), START + 4 * HOUR);
    assert_eq!(due(&mut client, "late", "update"), START + HOUR);
    assert_eq!(
        due(&mut client, "paused", "resolution"),
        START + 4 * HOUR + 10 * MINUTE
    );
    assert_eq!(
        due(&mut client, "met", "first_response"),
        START + 15 * MINUTE,
        "met stays met"
    );
    assert_eq!(
        due(&mut client, "hand", "resolution"),
        1_767_299_999_999,
        "by hand stays"
    );
    assert_eq!(due(&mut client, "other", "first_response"), START + HOUR);
    assert_eq!(
        clock(&mut client, "done", "resolution").get("state").text(),
        "met"
    );

    let events = site.events();
    let begun = events.iter().find(|e| e.kind() == "policy.migrating").unwrap();
    assert_eq!(
        (begun.text("by"), begun.text("reason"), begun.text("mode")),
        ("boss", "review", "retroactive")
    );
    let ended = migrated(&events);
    assert_eq!((ended.len(), ended[0].seq), (1, reply.get("seq").int()));
    assert_eq!(
        (ended[0].int("from"), ended[0].int("to"), ended[0].int("tickets")),
        (1, 2, 6)
    );
    let each: Vec<_> = events
        .iter()
        .filter(|e| e.find("cause") == Some(&*begun.seq.to_string()))
        .collect();
    assert!(
        each.iter()
            .all(|e| e.kind() == "ticket.changed" && e.text("policy") == "desk@2"),
        "{each:?}"
    );
    assert_eq!(each.len(), 6);
    let late: Vec<_> = events.iter().filter(|e| e.kind() == "sla.breached").collect();
    assert_eq!(late.len(), 3);
    for breach in late {
        assert_eq!(
            (breach.text("reason"), breach.int("due"), breach.int("at")),
            ("relevel", START + 10 * MINUTE, now)
        );
        assert_eq!(breach.text("policy"), "desk@2");
    }
    assert_eq!(
        counts(&client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE DRYRUN")),
        [0; 6]
    );
}

#[test]
fn from_now_keeps_what_runs() {
    let (site, mut client) = opened_for_migration();
    let now = START + 12 * MINUTE;
    let before = ["late", "paused"].map(|t| due(&mut client, t, "resolution"));
    let dry = client.say("POLICY.MIGRATE desk 1 2 FROMNOW DRYRUN");
    let reply = client.say("POLICY.MIGRATE desk 1 2 FROMNOW");
    assert_eq!(counts(&reply), counts(&dry));
    assert_eq!(counts(&reply), [6, 0, 0, 4, 0, 0]);
    assert_eq!(
        ["late", "paused"].map(|t| due(&mut client, t, "resolution")),
        before
    );
    assert_eq!(due(&mut client, "late", "first_response"), START + 15 * MINUTE);
    assert_eq!(due(&mut client, "late", "update"), now + HOUR);
    // And back: the report is no longer asked for.
    let back = client.say("POLICY.MIGRATE desk 2 1 FROMNOW");
    assert_eq!(counts(&back), [6, 0, 0, 0, 4, 0]);
    assert_eq!(
        clock(&mut client, "late", "update").get("state").text(),
        "stopped"
    );
    assert_eq!(version_of(&mut client, "late"), "desk@1");
    client.say("CLOCK.ADVANCE 4m");
    let events = site.events();
    let breaches: Vec<_> = events.iter().filter(|e| e.kind() == "sla.breached").collect();
    assert!(
        breaches
            .iter()
            .all(|e| e.int("due") == START + 15 * MINUTE && e.find("reason").is_none())
    );
    assert_eq!(breaches.len(), 3);
}

#[test]
fn what_cannot_go_stays_and_what_cannot_be_is_refused() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    for line in [
        "TICKET.OPEN a policy desk priority P1",
        "TICKET.OPEN b policy desk priority P2",
    ] {
        client.say(line);
    }
    let alone = DESK.split("[priorities.P1]").next().unwrap().to_owned()
        + "[priorities.P2]\nrank = 20\nqueue = \"second\"\nclocks = { first_response = \"1h\" }\n";
    site.write("desk.toml", &alone);
    client.say("POLICY.RELOAD");
    let dry = client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE DRYRUN");
    assert_eq!(counts(&dry), [1, 1, 0, 0, 1, 0], "P1 is not there any more");
    let reply = client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE");
    assert_eq!(counts(&reply), counts(&dry));
    assert_eq!(version_of(&mut client, "a"), "desk@1");
    for (command, code, says) in [
        (
            "POLICY.MIGRATE desk 1 1 RETROACTIVE",
            "BADARG",
            "from and to are both 1",
        ),
        (
            "POLICY.MIGRATE desk 1 3 RETROACTIVE",
            "BADARG",
            "desk has no version 3: it takes 1 to 2",
        ),
        (
            "POLICY.MIGRATE dusk 1 2 RETROACTIVE",
            "BADARG",
            "did you mean 'desk'",
        ),
        ("POLICY.MIGRATE desk 1 2 SOON", "BADARG", "RETROACTIVE or FROMNOW"),
        ("POLICY.MIGRATE desk 1 2", "ERR", "wrong number of arguments"),
        ("POLICY.MIGRATE desk 0 2 FROMNOW", "BADARG", "from"),
    ] {
        let said = refused(client.say(command), code);
        assert!(said.contains(says), "{command}: {said}");
    }
}

#[test]
fn loading_a_version_may_migrate() {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    client.say("TICKET.OPEN a policy desk priority P1");
    site.write("desk.toml", &second());
    client.say("POLICY.RELOAD");
    client.say("TICKET.OPEN b policy desk priority P1");
    site.write(
        "desk.toml",
        &format!(
            "open_tickets = \"migrate\"\n{}",
            DESK.replace("\"15m\"", "\"20m\"")
        ),
    );
    let dry = client.say("POLICY.RELOAD DRYRUN");
    assert_eq!(dry.get("activated").list()[0].get("migrates").int(), 2);
    client.say("POLICY.RELOAD");
    for ticket in ["a", "b"] {
        assert_eq!(version_of(&mut client, ticket), "desk@3");
        assert_eq!(due(&mut client, ticket, "first_response"), START + 20 * MINUTE);
    }
    let froms: Vec<i64> = migrated(&site.events()).iter().map(|e| e.int("from")).collect();
    assert_eq!(froms, [1, 2]);
    assert_eq!(
        client.say("POLICY.GET desk 3").get("open_tickets").text(),
        "migrate"
    );
}

/// A desk at random: budgets, pauses that stop, and which clocks there are.
fn any_desk(random: &mut Random) -> String {
    let mut text =
        String::from("name = \"desk\"\ndefault_priority = \"P1\"\nclose_after = \"2h\"\nwarn = \"75%\"\n");
    for (target, reason) in [
        ("resolution", "customer"),
        ("update", "parts"),
        ("work_start", "parts"),
    ] {
        if random.below(2) == 0 {
            text += &format!("[targets.{target}]\npauses_on = [\"{reason}\"]\n");
        }
    }
    for level in 1..=3 {
        text += &format!(
            "[priorities.P{level}]\nrank = {level}0\nqueue = \"q{}\"\n",
            random.below(3)
        );
        text += &format!(
            "[priorities.P{level}.clocks]\nresolution = \"{}m\"\n",
            1 + random.below(300)
        );
        for target in ["first_response", "work_start", "update", "solution"] {
            if random.below(3) > 0 {
                text += &format!("{target} = \"{}m\"\n", 1 + random.below(240));
            }
        }
    }
    text
}

fn any_commands(random: &mut Random, round: u64) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for n in 0..120 {
        let fresh = format!("t{round}-{n}");
        let known = format!("t{}-{}", random.below(round + 1), random.below(120));
        let minutes = random.below(3);
        commands.push(words(&match random.below(12) {
            0..=4 => format!(
                "TICKET.OPEN {fresh} policy desk priority P{}",
                1 + random.below(3)
            ),
            5 => format!(
                "TICKET.PAUSE {known} reason {}",
                ["customer", "parts"][random.below(2) as usize]
            ),
            6 => format!("TICKET.RESUME {known}"),
            7 => format!("TICKET.RESPOND {known}"),
            8 => format!("TICKET.RESOLVE {known}"),
            9 => format!("TICKET.SET {known} priority P{}", 1 + random.below(3)),
            10 => format!(
                "TICKET.SET {known} due.resolution {}",
                START + random.below(600 * 60_000) as i64
            ),
            _ => format!("CLOCK.ADVANCE {minutes}m"),
        }));
    }
    commands
}

#[test]
fn a_dry_run_says_what_the_migration_then_does() {
    let mut random = Random::new(Random::seed());
    let rounds = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        400
    } else {
        12
    };
    let mut site = Site::start(&[("desk.toml", &any_desk(&mut random))]);
    let mut moved = [0; 6];
    for round in 0..rounds {
        let mut client = site.client();
        pipeline(&mut client, &any_commands(&mut random, round));
        site.write("desk.toml", &format!("# {round}\n{}", any_desk(&mut random)));
        let reloaded = client.say("POLICY.RELOAD");
        let to = reloaded.get("activated").list()[0].get("version").int();
        let mode = ["RETROACTIVE", "FROMNOW"][random.below(2) as usize];
        // The version before has them all; of the one before that there is nothing left to go.
        for from in (to - 2).max(1)..to {
            let dry = client.say(&format!("POLICY.MIGRATE desk {from} {to} {mode} DRYRUN"));
            let before = site.info("last_seq");
            let reply = client.say(&format!("POLICY.MIGRATE desk {from} {to} {mode}"));
            assert_eq!(
                counts(&reply),
                counts(&dry),
                "round {round}, {from} to {to} {mode}"
            );
            client.say("PING");
            client.say("TICKET.COUNT");
            let events = feed::read(&mut client, "events", &format!("({before}-0"));
            let late = events
                .iter()
                .filter(|e| e.kind() == "sla.breached" && e.find("reason") == Some("relevel"));
            assert_eq!(
                late.count() as i64,
                reply.get("breached").int(),
                "round {round}, {from} to {to} {mode}"
            );
            for (sum, count) in moved.iter_mut().zip(counts(&reply)) {
                *sum += count;
            }
        }
        let open = client.say(&format!("POLICY.GET desk {to}")).get("tickets").int();
        assert_eq!(
            client.say("TICKET.COUNT policy desk").int(),
            open,
            "everything is under the newest"
        );
        if round % 4 == 0 {
            let hash = site.info("state_hash");
            site.crash();
            assert_eq!(site.info("state_hash"), hash, "round {round}");
        }
    }
    let [tickets, _, dues, started, stopped, breached] = moved;
    assert!(
        tickets > 0 && dues > 0 && started > 0 && stopped > 0 && breached > 0,
        "{moved:?}"
    );
}
