//! What must hold between the rules of a file: no contradiction, no gap, nothing in vain.

use super::mistakes::check;
use super::rulings::declared;
use super::{good, plan};
use crate::policy::Keys;

/// A policy that declares names, with a rule for all, so that nothing is without a clock.
fn covered(lines: &str) -> String {
    declared(&format!("[[rules]]\nclocks.resolution = \"8h\"\n{lines}"))
}

#[test]
fn equally_specific_rules_may_not_decide_the_same() {
    let both = "are equally specific, match the same tickets, and both say";
    for (lines, property) in [
        (
            "[[rules]]\nclass = \"ask\"\nrank = 1\n¦[[rules]]\nclass = [\"ask\"]\nrank = 2",
            "rank",
        ),
        (
            "[[rules]]\nclass = \"fault.*\"\nprefer = \"a\"\n¦[[rules]]\nclass = \"fault.*\"\nprefer = \"b\"",
            "prefer",
        ),
        (
            "[[rules]]\ncustomer = [\"a\", \"b\"]\nskills = \"zh\"\n¦[[rules]]\ncustomer = [\"b\", \"c\"]\nskills = \"en\"",
            "skills",
        ),
        (
            "[[rules]]\nsegment = \"vip\"\nclocks.update = \"1d\"\n¦[[rules]]\nsegment = \"vip\"\nclocks.update = \"2d\"",
            "clocks.update",
        ),
        ("¦[[rules]]\nset_queue = \"b\"", "set_queue"),
    ] {
        check(
            &covered(lines),
            &[(&format!("{both} {property}"), "name a further key")],
        );
    }
    check(
        &declared(
            "clocks.resolution = \"4h\"\n¦[[rules]]\npriority = [\"high\", \"low\"]\nclocks.resolution = \"8h\"",
        ),
        &[(
            "rule 1 (line 11) and priority 'low' are equally specific",
            "join them",
        )],
    );
    // Different keys, different values, different properties: no contradiction.
    good(&covered(
        "[[rules]]\nclass = \"ask\"\nrank = 1\n[[rules]]\nclass = \"ask\"\nprefer = \"a\"\n\
         [[rules]]\nclass = \"fault.device\"\nrank = 2\n[[rules]]\nsegment = \"vip\"\nrank = 3\n\
         [[rules]]\nsegment = \"plain\"\nrank = 4\n[[rules]]\nclass = \"fault.*\"\nrank = 5",
    ));
}

#[test]
fn every_ticket_that_the_file_speaks_of_has_a_clock() {
    let none = "no rule gives a clock to tickets of";
    check(
        &format!(
            "required = [\"class\"]\n{}",
            declared("[[rules]]\nclass = \"fault.*\"\nclocks.resolution = \"8h\"")
        )
        .replace("\"ask\"]", "¦¦\"ask\"]"),
        &[
            (
                &format!("{none} class 'ask', no segment, no channel, priority 'high'"),
                "clocks = {}",
            ),
            (
                &format!("{none} class 'ask', no segment, no channel, priority 'low'"),
                "clocks = {}",
            ),
        ],
    );
    // The last priority has none, for one segment and one channel.
    let gap = "[[rules]]\npriority = \"high\"\nclocks.resolution = \"8h\"\n\
               [[rules]]\nsegment = \"vip\"\nclocks.resolution = \"4h\"\n\
               [[rules]]\nchannel = \"phone\"\nclocks.resolution = \"3h\"";
    check(
        &format!("required = [\"segment\", \"channel\"]\n{}", declared(gap))
            .replace("[priorities.low]", "[priorities.¦low]"),
        &[(
            "no class, segment 'plain', channel 'mail', priority 'low'",
            "add a rule",
        )],
    );
    // A stage with a time counts; a rule may say that there is to be none; without any clock none is missed.
    good(&declared("[[stages]]\nname = \"a\"\nwithin = \"2h\""));
    good(&declared(
        "[[rules]]\nclass = \"ask\"\nclocks.resolution = \"8h\"\n[[rules]]\nclocks = {}",
    ));
    good(&declared("[[rules]]\nclass = \"ask\"\nrank = 8"));
    // A class that new tickets may not have needs none.
    good(
        "queue = \"q\"\ndefault_priority = \"P1\"\npriorities = [\"P1\"]\nrequired = [\"class\"]\n\
         [classes]\na = {}\nb = { retired = true }\n[[rules]]\nclass = \"a\"\nclocks.resolution = \"1h\"",
    );
}

#[test]
fn every_ticket_has_a_queue() {
    let text = |queues: &str| {
        format!(
            "required = [\"class\"]\ndefault_priority = \"P1\"\n[priorities.¦P1]\nrank = 1\n[classes]\na = {{ {queues} }}\nb = {{ queue = \"b\" }}"
        )
    };
    check(
        &text(""),
        &[("priority 'P1': no queue says where the tickets wait", "add queue")],
    );
    good(&text("queue = \"a\"").replace('¦', ""));
}

#[test]
fn rules_that_never_decide_are_told() {
    let never = "is never reached: more specific ones decide everything it says";
    check(
        &covered(
            "¦[[rules]]\nclass = \"fault.*\"\nrank = 1\n[[rules]]\nclass = \"fault.device\"\nrank = 2\n[[rules]]\nclass = \"fault.system\"\nrank = 3",
        ),
        &[(never, "a key that makes it more specific")],
    );
    // Both priorities are ruled: nothing is left for the rule without a key.
    check(
        &declared(
            "clocks.update = \"1d\"\n¦[[rules]]\nclocks.update = \"2d\"\n[[rules]]\npriority = \"high\"\nclocks.update = \"3d\"",
        ),
        &[(never, "leave it out")],
    );
    // One clock of two still decides; other customers are always left.
    good(&covered(
        "[[rules]]\nclass = \"ask\"\nclocks = { resolution = \"1h\", update = \"1d\" }\n[[rules]]\nclass = \"ask\"\nsegment = [\"vip\", \"plain\"]\nclocks.resolution = \"2h\"\n[[rules]]\nclass = \"ask\"\ncustomer = \"c\"\nclocks.update = \"2d\"",
    ));
}

#[test]
fn what_a_rule_says_is_what_its_tickets_get() {
    let book = good(&covered(
        "[[rules]]\nclass = \"fault.*\"\nsegment = \"vip\"\nrank = 0\nset_queue = \"vips\"\nskills = \"network>=3\"\nprefer = \"a1\"\n\
         [[rules]]\nqueue = \"vips\"\nclocks.first_response = \"5m\"",
    ));
    let keys = Keys {
        class: "fault.device",
        segment: "vip",
        ..Keys::default()
    };
    let got = book.plan(&keys);
    assert_eq!(
        (got.rank, got.queue.as_str(), got.prefer.as_str()),
        (0, "vips", "a1")
    );
    assert_eq!(got.skills[0].name, "network");
    assert_eq!(
        got.clocks.len(),
        2,
        "the rule of the queue that the policy gives matches: {got:#?}"
    );
    let other = book.plan(&Keys {
        queue: Some("q"),
        ..keys
    });
    assert_eq!((other.clocks.len(), other.queue.as_str()), (1, "vips"));
    assert_eq!(plan(&book, "high").queue, "q");
    assert_eq!(book.queues().collect::<Vec<_>>(), ["q", "vips"]);
}

/// Rules for single customers, and many of them: what is proven costs by what overlaps, not by the number of pairs.
#[test]
fn thousands_of_rules_are_read_at_once() {
    let rules: String = (0..5_000)
        .map(|n| {
            format!(
                "[[rules]]\ncustomer = \"c{n}\"\nrank = {}\nclocks.update = \"{}m\"\n",
                n % 200,
                n + 1
            )
        })
        .collect();
    let vips = "[[rules]]\nsegment = \"vip\"\nclocks.update = \"2d\"\n";
    let book = good(&covered(&format!("{vips}{rules}")));
    let mut plans = crate::policy::Plans::default();
    for n in [0, 17, 4_999, 5_000] {
        let customer = format!("c{n}");
        let found = plans.find(
            &book,
            &Keys {
                customer: &customer,
                segment: "vip",
                ..Keys::default()
            },
        );
        let update = plans.get(found).rule(&crate::model::target::Target::Update);
        let budget = update.and_then(|rule| rule.budget).map(|span| span.after(0));
        let expected = if n < 5_000 {
            (n + 1) * 60_000
        } else {
            2 * 86_400_000
        };
        assert_eq!(budget, Some(expected), "{customer}");
    }
}
