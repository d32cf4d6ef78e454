//! Mistakes in classes, rules, stages, ladders, extensions and reminders.

use super::mistakes::check;
use super::top;

/// A policy that declares names, then these lines.
pub(super) fn declared(lines: &str) -> String {
    format!(
        "queue = \"q\"\ndefault_priority = \"low\"\nclasses = [\"fault.device\", \"fault.system\", \"ask\"]\n\
         segments = [\"vip\", \"plain\"]\nchannels = [\"phone\", \"mail\"]\n\
         [priorities.high]\nrank = 1\n[priorities.low]\nrank = 2\n{lines}"
    )
}

#[test]
fn mistakes_in_names_of_the_file() {
    for (line, what, remedy) in [
        (
            "calendar = ¦\"cn-offic\"",
            "calendar 'cn-offic' is not known (did you mean 'cn-office'?)",
            "calendars/cn-offic.toml",
        ),
        (
            "time = ¦\"busines\"",
            "there is no time 'busines' (did you mean 'business'?)",
            "natural, business, elapsed",
        ),
        (
            "open_tickets = ¦\"drop\"",
            "there is no open_tickets 'drop'",
            "keep, migrate",
        ),
        (
            "review_by = ¦\"soon\"",
            "review_by 'soon' is no date",
            "2026-12-31",
        ),
        ("entry_within = ¦\"0m\"", "no time at all", "longer than nothing"),
        (
            "classes = [¦\"fault.*\"]",
            "could be taken for a pattern",
            "fault.device",
        ),
        (
            "classes.a = ¦5",
            "class 'a' is of type integer",
            "label, queue, priority",
        ),
        (
            "classes.a.¦colour = 1",
            "class 'a' has no key 'colour'",
            "label, queue, priority",
        ),
        (
            "classes.a.priority = ¦\"P9\"",
            "priority 'P9' is not declared in this file (did you mean 'P1'?)",
            "it takes P1",
        ),
        (
            "classes.a.queue = ¦\"none\"",
            "'none' is reserved",
            "queue of a team",
        ),
        (
            "classes.a.chain = [¦\"none\"]",
            "'none' is reserved",
            "queue of a team",
        ),
        (
            "classes.a.retired = ¦1",
            "retired is of type integer",
            "true or false",
        ),
        ("segments.vip = ¦1", "vip is of type integer", "double quotes"),
        (
            "version.¦why = \"x\"",
            "the version has no key 'why'",
            "reason, requested_by",
        ),
        (
            "pilot = ¦{}",
            "the pilot names no tickets",
            "classes, segments or queues",
        ),
        (
            "pilot.segments = [¦\"a\", \"b\"]\nsegments = [\"b\"]",
            "segment 'a' is not declared",
            "it takes b",
        ),
        (
            "extensions.resolution.lead = ¦\"1bd\"",
            "needs a calendar",
            "ms, s, m, h, d or w",
        ),
        (
            "extensions.¦resolutoin = {}",
            "did you mean 'resolution'",
            "first_response",
        ),
        (
            "rules = ¦{}",
            "rules is of type table",
            "[[rules]] with label, class",
        ),
    ] {
        check(&top(line), &[(what, remedy)]);
    }
}

#[test]
fn mistakes_in_a_rule() {
    for (lines, what, remedy) in [
        (
            "¦[[rules]]\nclass = \"ask\"",
            "the rule says nothing of its tickets",
            "clocks, rank, set_queue",
        ),
        (
            "[[rules]]\nclass = ¦\"faul.*\"\nrank = 1",
            "no declared class matches 'faul.*'",
            "fault.device",
        ),
        (
            "[[rules]]\nclass = ¦\"asks\"\nrank = 1",
            "class 'asks' is not declared in this file (did you mean 'ask'?)",
            "it takes",
        ),
        (
            "[[rules]]\nclass = ¦\"*\"\nrank = 1",
            "is no pattern",
            "leave class out",
        ),
        (
            "[[rules]]\nclass = ¦\"f*.*\"\nrank = 1",
            "more than one *",
            "fault.*",
        ),
        (
            "[[rules]]\nclass = ¦[]\nrank = 1",
            "class is empty",
            "leave class out for all",
        ),
        (
            "[[rules]]\nclass = ¦5\nrank = 1",
            "class is of type integer",
            "or a list",
        ),
        (
            "[[rules]]\npriority = [\"high\", ¦\"hihg\"]\nrank = 1",
            "did you mean 'high'",
            "it takes high, low",
        ),
        (
            "[[rules]]\nsegment = ¦\"VIP\"\nrank = 1",
            "segment 'VIP' is not declared in this file (did you mean 'vip'?)",
            "vip, plain",
        ),
        (
            "[[rules]]\nchannel = ¦\"fax\"\nrank = 1",
            "channel 'fax' is not declared",
            "phone, mail",
        ),
        (
            "[[rules]]\nqueue = \"a\"\nset_queue = ¦\"b\"",
            "cannot send them to another",
            "leave set_queue out",
        ),
        ("[[rules]]\nskills = ¦\"zh>=11\"", "skill 'zh>=11'", "name>=level"),
        ("[[rules]]\nrank = ¦-1", "rank -1 is out of range", "from 0"),
        (
            "[[rules]]\nclass = \"ask\"\n¦clock.resolution = \"1h\"\nrank = 1",
            "did you mean 'clocks'",
            "it takes label",
        ),
    ] {
        check(&declared(lines), &[(what, remedy)]);
    }
}

#[test]
fn mistakes_in_conditions_and_times() {
    for (clock, what, remedy) in [
        (
            "time = \"business\", within = ¦\"2h\"",
            "counts business time, but no calendar",
            "calendar = \"cn-office\"",
        ),
        (
            "within = ¦\"2bd\"",
            "counts business days, but no calendar",
            "at the top",
        ),
        (
            "within = \"2h\", calendar = ¦\"cn-office\"",
            "does not count by a calendar",
            "time = \"business\"",
        ),
        (
            "within = \"1bd\", calendar = \"cn-office\", days = ¦\"noon\"",
            "there is no days 'noon'",
            "end_of_day, same_time",
        ),
        (
            "within = \"2h\", time = \"elapsed\", pauses_on = ¦[\"customer\"]",
            "elapsed time, which no pause stops",
            "natural",
        ),
        (
            "within = \"2h\", pauses_on = [¦\"state:asigned\"]",
            "did you mean 'assigned'",
            "waiting, assigned, resolved",
        ),
        (
            "within = \"2h\", starts_on = ¦[]",
            "nothing would ever start",
            "leave starts_on out",
        ),
        (
            "within = \"2h\", stops_on = [¦\"transfer:\"]",
            "names no queue",
            "transfer:QUEUE",
        ),
        (
            "within = \"2h\", resets_on = [¦\"stage:\"]",
            "names no stage",
            "stage:NAME",
        ),
        (
            "within = \"2h\", met_by = [¦\"sale:x\"]",
            "nothing that happens",
            "stage:NAME",
        ),
        (
            "within = \"2h\", requires = ¦\"amount\"",
            "of type string",
            "a list",
        ),
    ] {
        let lines = format!("[[rules]]\nclocks.resolution = {{ {clock} }}");
        check(&declared(&lines), &[(what, remedy)]);
    }
    check(
        &declared(
            "[[stages]]\nname = \"one\"\n[[rules]]\nclocks.update = { within = \"1mo\", starts_on = [¦\"stage:on\"] }",
        ),
        &[(
            "stage 'on' is not declared in this file (did you mean 'one'?)",
            "it takes one",
        )],
    );
}

#[test]
fn mistakes_in_a_ladder() {
    let takes = "a time before the due such as -4h";
    for (steps, what, remedy) in [
        ("{ ¦notify = \"x\" }", "has no at", ""),
        (
            "{ at = ¦\"4h\", notify = \"x\" }",
            "does not say from where",
            "write -4h before the due",
        ),
        (
            "{ at = ¦\"120%\", notify = \"x\" }",
            "lies after the breach",
            "after the due write +30m",
        ),
        ("{ at = ¦\"soon\", notify = \"x\" }", "is not an instant", takes),
        ("{ at = ¦\"-0m\", notify = \"x\" }", "is the due itself", "+0m"),
        ("{ at = ¦\"+1bd\", notify = \"x\" }", "needs a calendar", "80%"),
        (
            "{ at = \"80%\", rank = ¦300 }",
            "out of range",
            "0, the most urgent",
        ),
        (
            "{ at = \"80%\", queue = ¦\"none\" }",
            "'none' is reserved",
            "a team",
        ),
        (
            "{ at = \"80%\", relax = ¦\"zh\" }",
            "relaxes nothing",
            "drop:SKILL",
        ),
        (
            "{ at = \"80%\", relax = [\"drop:zh\", ¦\"a>=12\"] }",
            "relaxes nothing",
            "network>=2",
        ),
    ] {
        let lines = format!("[[rules]]\nclocks.resolution = {{ within = \"8h\", steps = [{steps}] }}");
        if what == "has no at" {
            let lines = lines.replace('¦', "").replace("[{ notify", "[¦{ notify");
            check(
                &declared(&lines),
                &[("does not say when it comes", "at = \"-4h\"")],
            );
        } else {
            check(&declared(&lines), &[(what, remedy)]);
        }
    }
    for (steps, what, remedy) in [
        (
            "\"-8h\"",
            "would come before its clock of 8h starts",
            "at 0% for the start",
        ),
        (
            "\"-1h\" \"-2h\"",
            "out of order: -2h comes before -1h",
            "in which they come",
        ),
        ("\"-1h\" \"-1h\"", "-1h and -1h come at the same time", "one step"),
        ("\"50%\" \"-4h\"", "50% and -4h come at the same time", "one step"),
        (
            "\"-4h\" \"25%\"",
            "out of order: 25% comes before -4h",
            "in which they come",
        ),
        (
            "\"+1h\" \"-1h\"",
            "out of order: -1h comes before +1h",
            "in which they come",
        ),
        (
            "\"+1h\" \"+30m\"",
            "out of order: +30m comes before +1h",
            "in which they come",
        ),
    ] {
        let steps: Vec<String> = steps
            .split(' ')
            .map(|at| format!("{{ at = {at}, notify = \"x\" }}"))
            .collect();
        let lines = format!(
            "clocks.resolution = {{ within = \"8h\", steps = ¦[{}] }}",
            steps.join(", ")
        );
        check(&declared(&format!("[[rules]]\n{lines}")), &[(what, remedy)]);
    }
    // What is said of a target is compared with each budget, and told where the budget stands.
    check(
        &declared(
            "[targets.resolution]\nsteps = [{ at = \"-4h\", notify = \"x\" }, { at = \"75%\", rank = 0 }]\n\
             [[rules]]\nclass = \"ask\"\nclocks.resolution = ¦\"4h\"\n\
             [[rules]]\nclass = \"fault.*\"\nclocks.resolution = ¦\"20h\"\n\
             [[rules]]\nsegment = \"vip\"\nclocks.resolution = \"8h\"",
        ),
        &[
            ("-4h would come before its clock of 4h starts", ""),
            ("75% comes before -4h", ""),
        ],
    );
}

#[test]
fn mistakes_in_stages_and_reminders() {
    for (lines, what, remedy) in [
        (
            "¦[[stages]]\nwithin = \"2h\"",
            "the stage has no name",
            "first-review",
        ),
        (
            "[[stages]]\nname = \"a\"\n[[stages]]\nname = \"b\"\n[[stages]]\nname = ¦\"a\"",
            "'a' twice: the chain would go round",
            "once",
        ),
        (
            "[[stages]]\nname = \"a\"\nfrom = ¦\"opening\"",
            "there is no from 'opening'",
            "previous, creation",
        ),
        (
            "[[stages]]\nname = \"a\"\ncarry_over = ¦true",
            "none before it to carry",
            "leave carry_over out",
        ),
        (
            "[[stages]]\nname = \"a\"\n[[stages]]\nname = \"b\"\nfrom = \"creation\"\ncarry_over = ¦true",
            "counts from the creation",
            "previous",
        ),
        (
            "[[stages]]\nname = \"a\"\nclasses = ¦\"x\"",
            "class 'x' is not declared",
            "ask",
        ),
        (
            "[[stages]]\nname = \"a\"\nwithin = ¦\"0h\"",
            "no time at all",
            "longer than nothing",
        ),
        (
            "[[stages]]\nname = \"a\"\nwithin = ¦\"1bd\"",
            "no calendar says which",
            "cn-office",
        ),
        (
            "[[stages]]\nname = ¦\"a\"\n[targets.\"stage:a\"]\nwarn = \"50%\"",
            "said more of in [targets]",
            "[[stages]] alone",
        ),
        (
            "[[reminders]]\nname = \"n\"\nqueue = \"q\"\nat = ¦\"24:00\"\nevery = \"1d\"",
            "no time of day",
            "23:59",
        ),
        (
            "[[reminders]]\nname = \"n\"\nqueue = \"q\"\nat = \"09:00\"\nevery = ¦\"2d\"",
            "there is no every '2d'",
            "1d, 1w, 1mo",
        ),
        (
            "¦[[reminders]]\nname = \"n\"\nat = \"09:00\"\nevery = \"1d\"",
            "has no queue",
            "add queue =",
        ),
        (
            "[[reminders]]\nname = \"n\"\nqueue = \"q\"\nat = \"09:00\"\nevery = \"1d\"\non = ¦\"mon\"",
            "not say a day",
            "leave it out",
        ),
        (
            "[[reminders]]\nname = \"n\"\nqueue = \"q\"\nat = \"09:00\"\nevery = \"1w\"\non = ¦\"noday\"",
            "there is no on 'noday'",
            "mon, tue",
        ),
        (
            "[[reminders]]\nname = \"n\"\nqueue = \"q\"\nat = \"09:00\"\nevery = \"1mo\"\non = ¦32",
            "no day of a month",
            "1 to 31",
        ),
        (
            "[[reminders]]\nname = \"n\"\nqueue = \"q\"\nat = \"09:00\"\nevery = \"1d\"\nworking = ¦true",
            "no calendar says which days",
            "cn-office",
        ),
    ] {
        check(&declared(lines), &[(what, remedy)]);
    }
}
