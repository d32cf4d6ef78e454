//! Every mistake by a line of a table: its place, what is wrong, what would be right.

use super::{check_marked, clocks, good, level, parse, top};

/// A policy with marked mistakes.
pub(super) fn check(marked: &str, expected: &[(&str, &str)]) {
    check_marked(parse, marked, expected);
}

#[test]
fn mistakes_at_the_top() {
    for (text, what, remedy) in [
        (
            "¦requierd = []",
            "no key 'requierd' (did you mean 'required'?)",
            "it takes name, label",
        ),
        ("name = ¦5", "name is of type integer", "text in double quotes"),
        ("name = ¦\"a,b\"", "has a comma", "leave that out"),
        ("name = ¦\"a@2\"", "has an '@'", "leave it out"),
        ("name = ¦\"\"", "name is empty", "1-128 bytes"),
        ("label = ¦\"\"", "label is empty", "one line of text"),
        ("label = ¦\"a\\nb\"", "control character", "one line of text"),
        (
            "close_after = ¦\"3 days\"",
            "close_after '3 days'",
            "such as 500ms",
        ),
        ("close_after = ¦\"0s\"", "no time at all", "or leave it out"),
        ("required = ¦\"customer\"", "of type string", "a list such as"),
        ("required = [\"a\", ¦\"a\"]", "names 'a' twice", "once"),
        ("required = [¦1]", "of type integer", "double quotes"),
        ("classes = [¦\"a b \"]", "a space at an end", "leave that out"),
        (
            "customer_pauses = [¦\"a\\u0007\"]",
            "control character",
            "1-128 bytes",
        ),
        ("warn = ¦\"120%\"", "does not come before the due", "1% to 99%"),
        ("warn = ¦80", "of type integer", "double quotes"),
        ("targets = ¦5", "of type integer", "[targets.NAME]"),
        (
            "targets.¦respnse = {}",
            "target 'respnse'",
            "it takes first_response",
        ),
        (
            "targets.resolution = ¦\"2h\"",
            "of type string",
            "warn, pauses_on, met_by",
        ),
        (
            "targets.resolution.¦pause_on = [\"x\"]",
            "target 'resolution' has no key 'pause_on' (did you mean 'pauses_on'?)",
            "warn, pauses_on, starts_on, met_by",
        ),
    ] {
        check(&top(text), &[(what, remedy)]);
    }
}

#[test]
fn mistakes_in_a_priority() {
    let rank = "it takes a whole number from 0";
    for (lines, what, remedy) in [
        ("queue = \"q\"\nrank = ¦256", "rank 256 is out of range", rank),
        ("queue = \"q\"\nrank = ¦-1", "rank -1 is out of range", rank),
        ("queue = \"q\"\nrank = ¦\"1\"", "rank is of type string", rank),
        (
            "queue = ¦\"none\"\nrank = 1",
            "'none' is reserved",
            "queue of a team",
        ),
        (
            "queue = \"q\"\nrank = 1\n¦colour = 1",
            "priority 'P1' has no key 'colour'",
            "label, rank, queue, clocks",
        ),
        (
            "queue = \"q\"\nrank = 1\nclocks = ¦\"2h\"",
            "clocks is of type string",
            "a table",
        ),
    ] {
        check(&level(lines), &[(what, remedy)]);
    }
    for (text, what, remedy) in [
        (
            "default_priority = \"P1\"\n[priorities.¦P1]\nqueue = \"q\"",
            "priority 'P1' has no rank",
            rank,
        ),
        (
            "default_priority = \"P1\"\n[priorities.¦P1]\nrank = 1",
            "no queue says",
            "add queue =",
        ),
        (
            "default_priority = \"P1\"\npriorities = ¦[\"P1\"]",
            "no queue says",
            "add queue =",
        ),
        (
            "queue = ¦\"none\"\ndefault_priority = \"P1\"\npriorities = [\"P1\"]",
            "'none' is reserved",
            "queue of a team",
        ),
        (
            "queue = \"q\"\ndefault_priority = \"a\"\npriorities.a.rank = 9\npriorities.b.rank = ¦9",
            "rank 9 is that of priority 'a' already",
            "a rank of its own",
        ),
        (
            "queue = \"q\"\ndefault_priority = ¦\"P11\"\npriorities = [\"P1\", \"X\"]",
            "default_priority 'P11' is none of the priorities (did you mean 'P1'?)",
            "it takes P1, X",
        ),
        (
            "¦queue = \"q\"\npriorities = [\"P1\"]",
            "default_priority is missing",
            "it takes P1",
        ),
        (
            "queue = \"q\"\ndefault_priority = \"P1\"\npriorities = [\"P1\", ¦\"P1\"]",
            "priorities names 'P1' twice",
            "once",
        ),
        (
            "queue = \"q\"\ndefault_priority = \"P1\"\npriorities.P1 = ¦10",
            "priority 'P1' is of type integer",
            "a table with rank, queue and clocks",
        ),
    ] {
        check(text, &[(what, remedy)]);
    }
}

#[test]
fn a_policy_needs_priorities() {
    let missing = ("priorities are missing", "a list of names");
    check("¦¦queue = \"q\"", &[missing, ("default_priority is missing", "")]);
    for (value, what) in [
        ("[]", "there are no priorities"),
        ("{}", "there are no priorities"),
        ("3", "priorities are of type integer"),
    ] {
        check(
            &format!("queue = \"q\"\ndefault_priority = \"P1\"\npriorities = ¦{value}"),
            &[(what, "a list of names")],
        );
    }
    let many = |n: usize| {
        let names: Vec<String> = (0..n).map(|i| format!("\"P{i}\"")).collect();
        format!(
            "queue = \"q\"\ndefault_priority = \"P0\"\npriorities = ¦[{}]",
            names.join(", ")
        )
    };
    check(&many(30), &[("30 priorities", "at most 26")]);
    let most = good(&many(26).replace('¦', ""));
    assert_eq!(most.rules.priorities.last().map(|l| l.rank), Some(250));
}

#[test]
fn mistakes_in_a_clock() {
    let clock = |rest: &str| format!("resolution = {{ within = \"2h\", {rest} }}");
    let duration = "500ms, 90s, 15m, 4h, 3d, 2w, 1mo, 1bd";
    for (lines, what, remedy) in [
        (
            "¦resolutoin = \"2h\"",
            "target 'resolutoin' (did you mean 'resolution'?)",
            "custom:NAME",
        ),
        ("resolution = ¦\"2 h\"", "resolution '2 h'", duration),
        ("resolution = ¦\"-2h\"", "resolution '-2h'", duration),
        ("resolution = ¦\"0m\"", "no time at all", "longer than nothing"),
        ("resolution = ¦\"0bd\"", "no time at all", "longer than nothing"),
        ("resolution = ¦\"0mo\"", "no time at all", "longer than nothing"),
        (
            "resolution = ¦15",
            "resolution is of type integer",
            "{ within = \"15m\"",
        ),
        (
            "¦resolution = { warn = \"80%\" }",
            "does not say how long",
            "within = \"15m\"",
        ),
        ("resolution = { within = ¦\"x\" }", "within 'x'", duration),
        (
            "resolution = { ¦whithin = \"2h\", within = \"2h\" }",
            "did you mean 'within'",
            "within, time",
        ),
        ("¦promise = \"2h\"", "starts by hand only", "due.promise"),
        (
            "¦\"custom:callback\" = \"2h\"",
            "starts by hand only",
            "due.custom:callback",
        ),
        ("¦\"stage:\" = \"2h\"", "target is empty", "1-128 bytes"),
        (&clock("warn = ¦\"0%\""), "as the clock starts", "1% to 99%"),
        (
            &clock("warn = ¦\"100%\""),
            "does not come before the due",
            "1% to 99%",
        ),
        (
            &clock("warn = ¦\"999%\""),
            "does not come before the due",
            "1% to 99%",
        ),
        (&clock("warn = ¦\"8.5%\""), "not a whole share", "80%"),
        (&clock("warn = ¦\"%\""), "not a whole share", "80%"),
        (&clock("warn = ¦\"soon\""), "is not a warning", "-15m"),
        (&clock("warn = ¦\"-soon\""), "is not a warning", "-15m"),
        (&clock("warn = ¦\"15m\""), "does not say from where", "write -15m"),
        (&clock("warn = ¦\"+15m\""), "comes after the due", "-15m"),
        (&clock("warn = ¦\"-0m\""), "does not come before the due", "80%"),
        (
            &clock("warn = ¦\"-1bd\""),
            "needs a calendar",
            "ms, s, m, h, d or w",
        ),
        (
            &clock("warn = ¦\"-2h\""),
            "before its clock of 2h starts",
            "less than 2h",
        ),
        (
            "resolution = { within = \"1bd\", warn = ¦\"-1d\" }",
            "before its clock of 1bd starts",
            "less than 1bd",
        ),
        (
            "resolution = { within = \"1mo\", warn = ¦\"-4w\" }",
            "before its clock of 1mo starts",
            "less than 1mo",
        ),
        (&clock("pauses_on = ¦\"customer\""), "of type string", "a list"),
        (&clock("pauses_on = [¦\"a,b\"]"), "has a comma", "leave that out"),
        (&clock("met_by = ¦[]"), "met_by is empty", "leave met_by out"),
        (
            &clock("met_by = [¦\"resolved\"]"),
            "did you mean 'resolve'",
            "mark:NAME",
        ),
        (&clock("met_by = [¦\"mark:\"]"), "names no mark", "mark:NAME"),
        (&clock("met_by = [\"rate\", ¦\"rate\"]"), "twice", "once"),
    ] {
        check(&clocks(lines), &[(what, remedy)]);
    }
    // A warning of the whole policy that does not fit one clock is told where that clock stands.
    check(
        &format!(
            "warn = \"-1h\"\n{}",
            clocks("first_response = ¦\"30m\"\nresolution = \"2h\"")
        ),
        &[("the warning of 'first_response', -1h", "none")],
    );
}

#[test]
fn text_that_is_no_toml() {
    for (text, what, remedy) in [
        ("name = \"a\"\n¦name = \"b\"", "duplicate key", "once"),
        ("[priorities.P1]\n[priorities.¦P1]", "duplicate key", "rename one"),
        (
            "name = \"a¦\nqueue = \"q\"",
            "invalid basic string",
            "open and close on one line",
        ),
        (
            "x = '''¦",
            "invalid multi-line literal string",
            "in double quotes",
        ),
        ("[targets.custom¦:x]", "invalid unquoted key", "double quotes"),
        ("¦= 1", "unquoted keys cannot be empty", "double quotes"),
        ("name¦", "key with no value", "write key ="),
        ("a = [1,\n]\nb =¦", "string values must be quoted", "write key ="),
    ] {
        check(text, &[(what, remedy)]);
    }
    assert_eq!(parse("").unwrap_err().len(), 2);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_text() {
    check(
        "¦lable = \"x\"\nwarn = ¦\"soon\"\nqueue = \"q\"\ndefault_priority = ¦\"P7\"\n\
         [priorities.P1]\nrank = ¦300\n[priorities.P1.clocks]\nfirst_response = ¦\"0m\"\n¦resolutoin = \"1h\"\n\
         [priorities.P2]\nrank = 4\n[priorities.P3]\nrank = ¦4\n",
        &[
            ("did you mean 'label'", ""),
            ("'soon'", ""),
            ("'P7'", "P1, P2, P3"),
            ("300", ""),
            ("'0m'", ""),
            ("'resolutoin'", ""),
            ("rank 4", ""),
        ],
    );
}
