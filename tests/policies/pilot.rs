//! A pilot: a version for some new tickets, beside the one in force for the rest.

use crate::site::*;

/// The desk with another first response, tried on some.
fn tried_on(pilot: &str) -> String {
    format!("{}\n[pilot]\n{pilot}\n", DESK.replace("\"1h\"", "\"30m\""))
}

#[test]
fn new_tickets_that_match_get_the_pilot_and_all_others_the_version_before() {
    for (pilot, inside, outside) in [
        ("segments = [\"vip\"]", "segment vip", "segment plain"),
        ("classes = [\"fault.*\"]", "class fault.disk", "class faulty"),
        ("queues = [\"night\"]", "queue night", "queue second"),
        ("queues = [\"second\"]", "priority P2", "priority P1"),
        (
            "segments = [\"vip\"]\nclasses = [\"fault\"]",
            "class fault segment plain",
            "class x segment y",
        ),
    ] {
        let site = Site::start_with(
            &[("desk.toml", DESK)],
            &[VIRTUAL, &["--set", "queues=night"]].concat(),
        );
        let mut client = site.client();
        client.say(&format!("TICKET.OPEN before policy desk {inside}"));
        site.write("desk.toml", &tried_on(pilot));
        client.say("POLICY.RELOAD");
        client.say(&format!("TICKET.OPEN in policy desk {inside}"));
        client.say(&format!("TICKET.OPEN out policy desk {outside}"));
        client.say("TICKET.OPEN plain policy desk priority P1");
        let versions = ["before", "in", "out", "plain"].map(|t| version_of(&mut client, t));
        assert_eq!(versions, ["desk@1", "desk@2", "desk@1", "desk@1"], "{pilot}");
        let listed = client.say("POLICY.GET desk 2");
        assert_eq!(listed.get("state").text(), "pilot");
        assert_eq!(client.say("POLICY.GET desk").get("version").int(), 1);
        // A look ahead goes the same way.
        let preview = client.say(&format!("POLICY.PREVIEW desk {inside}"));
        assert_eq!(
            preview.list()[0].get("due").int(),
            due(&mut client, "in", "first_response")
        );
        // What it is afterwards changes nothing.
        client.say(&format!(
            "TICKET.SET out {}",
            inside.replace("queue night", "class z")
        ));
        assert_eq!(version_of(&mut client, "out"), "desk@1");

        // A version without a pilot is for all.
        site.write("desk.toml", &DESK.replace("\"1h\"", "\"30m\""));
        client.say("POLICY.RELOAD");
        client.say(&format!("TICKET.OPEN late policy desk {outside}"));
        assert_eq!(version_of(&mut client, "late"), "desk@3");
        assert_eq!(client.say("POLICY.GET desk 2").get("state").text(), "superseded");
        assert_eq!(
            version_of(&mut client, "in"),
            "desk@2",
            "it keeps what it was opened under"
        );
    }
}

#[test]
fn a_pilot_survives_a_restart_and_needs_a_version_beside_it() {
    let mut site = Site::start(&[("desk.toml", DESK)]);
    site.write("desk.toml", &tried_on("segments = [\"vip\"]"));
    site.client().say("POLICY.RELOAD");
    for take in ["", "SNAPSHOT"] {
        if !take.is_empty() {
            site.client().say(take);
        }
        site.crash();
        let mut client = site.client();
        for (ticket, segment, version) in [("a", "vip", "desk@2"), ("b", "plain", "desk@1")] {
            client.say(&format!("TICKET.OPEN {ticket} policy desk segment {segment}"));
            assert_eq!(version_of(&mut client, ticket), version);
            client.say(&format!("TICKET.CANCEL {ticket}"));
        }
    }
    let first = tried_on("segments = [\"vip\"]").replace("name = \"desk\"", "name = \"fresh\"");
    site.write("fresh.toml", &first);
    let said = refused(site.client().say("POLICY.RELOAD"), "ERR");
    assert!(
        said.contains("fresh.toml: [pilot] in the first version"),
        "{said}"
    );
    site.remove("fresh.toml");
    site.write(
        "desk.toml",
        &format!("open_tickets = \"migrate\"\n{}", tried_on("segments = [\"x\"]")),
    );
    let said = refused(site.client().say("POLICY.RELOAD"), "ERR");
    assert!(said.contains("a pilot is for new tickets"), "{said}");
}
