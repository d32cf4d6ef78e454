//! What a clock stood still and was extended goes with its ticket from version to version: dues, dry runs and what EXPLAIN tells.

use crate::site::*;
use crate::support::{Client, Value};

/// The desk with more time to resolve, and a call that a pause stops.
fn second() -> String {
    let call = "\"custom:call\" = { within = \"3h\", starts_on = [\"open\"], pauses_on = [\"customer\"] }";
    DESK.replace(
        "clocks = { first_response = \"15m\", resolution = \"2h\" }",
        &format!("clocks = {{ first_response = \"15m\", resolution = \"4h\", {call} }}"),
    )
}

/// What EXPLAIN tells of a clock.
fn explained(client: &mut Client, ticket: &str, target: &str) -> Value {
    let reply = client.cmd(&["TICKET.EXPLAIN", ticket]);
    let dues = reply.get("dues").list().iter();
    let mut found = dues.filter(|due| due.get("target").text() == target);
    found
        .next()
        .unwrap_or_else(|| panic!("{ticket} has no {target}: {reply:?}"))
        .clone()
}

/// A ticket that was paused from 10 to 25 minutes after its receipt and extended by half an hour; it is 30 minutes old.
fn lived() -> (Site, Client) {
    let site = Site::start(&[("desk.toml", DESK)]);
    let mut client = site.client();
    for line in [
        "TICKET.OPEN t policy desk priority P1",
        "CLOCK.ADVANCE 10m",
        "TICKET.PAUSE t reason customer",
        "CLOCK.ADVANCE 15m",
        "TICKET.RESUME t",
        "TICKET.EXTEND t resolution for 30m approver boss",
        "CLOCK.ADVANCE 5m",
    ] {
        let reply = client.say(line);
        assert!(matches!(reply, Value::Int(_)), "{line}: {reply:?}");
    }
    site.write("desk.toml", &second());
    client.say("POLICY.RELOAD");
    (site, client)
}

#[test]
fn retroactive_after_fromnow_is_as_if_there_had_been_no_other() {
    let (mut site, mut client) = lived();
    let kept = START + 2 * HOUR + 45 * MINUTE;
    assert_eq!(due(&mut client, "t", "resolution"), kept);
    client.say("POLICY.MIGRATE desk 1 2 FROMNOW");
    assert_eq!(version_of(&mut client, "t"), "desk@2");
    // It goes on under the rules that gave the due, after a restart too.
    for crashed in [false, true] {
        if crashed {
            site.crash();
            client = site.client();
        }
        let told = explained(&mut client, "t", "resolution");
        assert_eq!(told.get("policy").text(), "desk@1");
        assert_eq!(told.get("budget").text(), "2h");
        assert_eq!(told.get("due").int(), kept);
        assert_eq!(told.get("paused_ms").int(), 15 * MINUTE);
        assert_eq!(told.get("added_ms").int(), 45 * MINUTE);
        let stood = told.get("pauses").list()[0].list();
        assert_eq!(
            (stood[0].int(), stood[1].int()),
            (START + 10 * MINUTE, START + 25 * MINUTE)
        );
    }
    // The call starts now.
    assert_eq!(
        due(&mut client, "t", "custom:call"),
        START + 30 * MINUTE + 3 * HOUR
    );
    client.say("POLICY.MIGRATE desk 2 1 FROMNOW");
    client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE");
    assert_eq!(
        due(&mut client, "t", "resolution"),
        START + 4 * HOUR + 45 * MINUTE
    );
    let told = explained(&mut client, "t", "resolution");
    assert_eq!(told.get("policy").text(), "desk@2");
    assert_eq!(told.get("paused_ms").int(), 15 * MINUTE);
    assert_eq!(told.get("added_ms").int(), 45 * MINUTE);
    site.crash();
    assert_eq!(
        due(&mut site.client(), "t", "resolution"),
        START + 4 * HOUR + 45 * MINUTE
    );
}

#[test]
fn a_clock_that_comes_late_stood_still_in_the_pauses_that_were() {
    let (_site, mut client) = lived();
    client.say("POLICY.MIGRATE desk 1 2 RETROACTIVE");
    assert_eq!(
        due(&mut client, "t", "custom:call"),
        START + 3 * HOUR + 15 * MINUTE
    );
    let told = explained(&mut client, "t", "custom:call");
    assert_eq!(told.get("paused_ms").int(), 15 * MINUTE);
    assert_eq!(told.get("start").int(), START);
}

#[test]
fn a_version_with_stages_takes_the_ticket_into_the_first() {
    let (site, mut client) = lived();
    let stages =
        "[[stages]]\nname = \"check\"\nwithin = \"20m\"\n[[stages]]\nname = \"act\"\nwithin = \"6h\"\n";
    site.write("desk.toml", &format!("{DESK}{stages}"));
    client.say("POLICY.RELOAD");
    let counts = |reply: &Value| {
        ["tickets", "moved", "started", "stopped", "breached"].map(|name| reply.get(name).int())
    };
    let dry = client.say("POLICY.MIGRATE desk 1 3 RETROACTIVE DRYRUN");
    let went = client.say("POLICY.MIGRATE desk 1 3 RETROACTIVE");
    assert_eq!(counts(&dry), counts(&went));
    // The stage counts from the receipt: its 20 minutes are over.
    assert_eq!(counts(&went), [1, 0, 1, 0, 1], "{went:?}");
    assert_eq!(client.cmd(&["TICKET.GET", "t"]).get("stage").text(), "check");
    assert_eq!(due(&mut client, "t", "stage:check"), START + 20 * MINUTE);
}
