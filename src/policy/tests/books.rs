//! What a rule book answers once it is read, and the embedded policies number by number.

use super::{good, plan, service_levels, top};
use crate::model::command::{Fields, Open};
use crate::model::target::Target;
use crate::model::text::Text;
use crate::model::time::{self, NEVER};
use crate::policy::{Trigger, Warn, embedded};

#[test]
fn a_clock_says_itself_what_its_target_and_its_policy_say_otherwise() {
    let book = good(
        "queue = \"all\"\ndefault_priority = \"low\"\nwarn = \"50%\"\n\
         [targets.resolution]\nwarn = \"-30m\"\npauses_on = [\"customer\"]\nmet_by = [\"mark:done\"]\n\
         [priorities.low]\nrank = 0xFF\nlabel = \"低\"\n\
         [priorities.low.clocks]\nresolution = \"2h\"\nfirst_response = { within = \"1h\", warn = \"none\" }\n\
         [priorities.high]\nrank = 0\nqueue = \"own\"\n\
         [priorities.high.clocks]\nresolution = { within = \"1h\", warn = \"10%\", pauses_on = [], met_by = [\"resolve\"] }\n\
         assignment = \"5m\"\n",
    );
    assert_eq!(
        (book.name.as_str(), book.version, book.rules.label.as_str()),
        ("test", 7, "")
    );
    let (index, low) = book.level("low").unwrap();
    assert_eq!((index, book.rules.default_priority), (1, 1));
    assert_eq!((low.rank, low.label.as_str()), (255, "低"));
    let low = plan(&book, "low");
    assert_eq!((low.rank, low.queue.as_str()), (255, "all"));
    let rule = low.rule(&Target::Resolution).unwrap();
    assert_eq!(rule.warn, Some(Warn::Before(30 * 60_000)));
    assert!(rule.is_paused_by("customer") && !rule.is_paused_by("supplier"));
    assert!(rule.is_met_by(&Trigger::Mark("done".into())) && !rule.is_met_by(&Trigger::Resolve));
    assert_eq!(
        low.clocks[0].target,
        Target::FirstResponse,
        "in the order of targets"
    );
    assert_eq!(
        (low.clocks[0].warn, low.clocks[0].warn_at(0, 10, None)),
        (None, NEVER)
    );
    let high = plan(&book, "high");
    let rule = high.rule(&Target::Resolution).unwrap();
    assert_eq!((rule.warn, rule.pauses_on.len()), (Some(Warn::Percent(10)), 0));
    assert!(rule.is_met_by(&Trigger::Resolve));
    assert_eq!(high.clocks[0].warn, Some(Warn::Percent(50)));
    assert_eq!(high.rule(&Target::FirstResponse), None);
    assert_eq!(book.queues().collect::<Vec<_>>(), ["all", "own"]);
    assert!(book.level("LOW").is_none());
}

#[test]
fn equal_texts_have_equal_hashes() {
    let (a, b) = (good(&top("label = \"a\"")), good(&top("label = \"b\"")));
    assert_eq!(a.hash, good(&top("label = \"a\"")).hash);
    assert_ne!(a.hash, b.hash);
    assert_eq!(a.text, top("label = \"a\""));
}

#[test]
fn policy_none_is_a_pure_timer_and_router() {
    let book = good(embedded()[0].1);
    let names: Vec<_> = book
        .rules
        .priorities
        .iter()
        .map(|l| (l.name.to_string(), l.rank))
        .collect();
    let expected: Vec<_> = (0..10).map(|n| (format!("P{n}"), 10 * n)).collect();
    assert_eq!(names, expected);
    assert_eq!(
        book.level("P5").map(|(index, _)| index),
        Some(book.rules.default_priority)
    );
    for priority in &book.rules.priorities {
        let plan = plan(&book, &priority.name);
        assert!(plan.clocks.is_empty() && plan.queue == "default", "{plan:?}");
    }
    assert_eq!(book.queues().count(), 1);
    assert!(book.rules.required.is_empty() && book.rules.classes.is_empty());
    assert_eq!(book.rules.customer_pauses, ["customer"]);
    assert_eq!(
        (book.rules.close_after, book.missing(&Open::default()).len()),
        (None, 0)
    );
}

/// Name, rank, queue, and the budget of each target.
type Row<'a> = (&'a str, u8, &'a str, &'a [(&'a str, &'a str)]);

/// Every number of the service-level table, and that there are no others.
#[test]
fn service_levels_by_the_table() {
    let book = service_levels();
    let table: [Row; 4] = [
        (
            "P1",
            10,
            "tech-support",
            &[
                ("first_response", "15m"),
                ("solution", "2h"),
                ("resolution", "2h"),
            ],
        ),
        (
            "P2",
            20,
            "business",
            &[
                ("first_response", "30m"),
                ("work_start", "4h"),
                ("resolution", "24h"),
            ],
        ),
        (
            "P3",
            30,
            "front-desk",
            &[("first_response", "2h"), ("resolution", "1bd")],
        ),
        (
            "P4",
            40,
            "improvement",
            &[("first_response", "3bd"), ("resolution", "2w")],
        ),
    ];
    assert_eq!(book.rules.priorities.len(), table.len());
    for (priority, (name, rank, queue, clocks)) in book.rules.priorities.iter().zip(table) {
        let level = plan(&book, name);
        assert_eq!(
            (priority.name.as_str(), level.rank, level.queue.as_str()),
            (name, rank, queue)
        );
        let budgeted = level.clocks.iter().filter(|clock| clock.budget.is_some());
        let found: Vec<_> = budgeted
            .clone()
            .map(|c| (c.target.to_string(), c.budget))
            .collect();
        let expected: Vec<_> = clocks
            .iter()
            .map(|(target, budget)| ((*target).to_owned(), time::span("within", budget.as_bytes()).ok()))
            .collect();
        assert_eq!(found, expected, "{name}");
        for clock in budgeted {
            assert_eq!(clock.warn, Some(Warn::Percent(80)));
            let stops = matches!(clock.target, Target::Solution | Target::Resolution);
            assert_eq!(clock.is_paused_by("customer"), stops, "{name} {}", clock.target);
        }
    }
    assert_eq!(
        book.level("P3").map(|(index, _)| index),
        Some(book.rules.default_priority)
    );
    assert_eq!(book.rules.required, ["customer", "description", "outcome"]);
    assert_eq!(book.rules.customer_pauses, ["customer"]);
    assert_eq!(book.rules.close_after, time::span("close_after", b"3d").ok());
    let level = plan(&book, "P1");
    let solution = level.rule(&Target::Solution).unwrap();
    for trigger in [
        Trigger::Mark("solution_sent".into()),
        Trigger::Progress,
        Trigger::Resolve,
    ] {
        assert!(solution.is_met_by(&trigger), "{trigger}");
    }
    assert!(!solution.is_met_by(&Trigger::Respond));
}

#[test]
fn dues_and_warnings_to_the_millisecond() {
    let book = service_levels();
    let opened = time::instant("at", b"2026-01-30T09:00:00Z").unwrap();
    for (level, target, due, warn) in [
        (
            "P1",
            Target::FirstResponse,
            "2026-01-30T09:15:00.000Z",
            "2026-01-30T09:12:00.000Z",
        ),
        (
            "P1",
            Target::Resolution,
            "2026-01-30T11:00:00.000Z",
            "2026-01-30T10:36:00.000Z",
        ),
        (
            "P2",
            Target::WorkStart,
            "2026-01-30T13:00:00.000Z",
            "2026-01-30T12:12:00.000Z",
        ),
        (
            "P3",
            Target::Resolution,
            "2026-01-31T09:00:00.000Z",
            "2026-01-31T04:12:00.000Z",
        ),
        (
            "P4",
            Target::Resolution,
            "2026-02-13T09:00:00.000Z",
            "2026-02-10T13:48:00.000Z",
        ),
    ] {
        let plan = plan(&book, level);
        let rule = plan.rule(&target).unwrap();
        let at = rule.due(opened, None);
        assert_eq!(time::rfc3339(at), due, "{level} {target}");
        assert_eq!(
            time::rfc3339(rule.warn_at(opened, at, None)),
            warn,
            "{level} {target}"
        );
    }
}

#[test]
fn what_is_required_may_come_in_three_ways() {
    let book = service_levels();
    let mut open = Open::default();
    assert_eq!(book.missing(&open), ["customer", "description", "outcome"]);
    open.fields.customer = Some("c1".into());
    open.fields.has = vec!["description".into()];
    assert_eq!(book.missing(&open), ["outcome"]);
    open.fields.attributes = vec![("outcome".into(), "refund".into())];
    assert!(book.missing(&open).is_empty());

    let text = |t: &str| Some(Text::new(t));
    let list = || Some(vec![Text::new("x")]);
    let fields = Fields {
        class: text("c"),
        priority: text("P1"),
        customer: text("c"),
        segment: text("vip"),
        channel: text("chat"),
        skills: crate::model::skill::required(b"zh").ok(),
        issue: text("i"),
        parent: text("t0"),
        links: list(),
        assist: list(),
        dues: vec![(Target::Resolution, 5)],
        attributes: vec![("wanted".into(), "soon".into())],
        ..Fields::default()
    };
    let full = Open {
        policy: text("test"),
        queue: text("q"),
        fields,
        ..Open::default()
    };
    let names = [
        "policy",
        "queue",
        "class",
        "priority",
        "customer",
        "segment",
        "channel",
        "skills",
        "issue",
        "parent",
        "links",
        "assist",
        "due.resolution",
        "attr.wanted",
        "wanted",
    ];
    let quoted = names.map(|name| format!("\"{name}\"")).join(", ");
    let book = good(&top(&format!("required = [\"opened_at\", {quoted}]")));
    assert_eq!(book.missing(&Open::default()), names, "each is missed alone");
    assert!(book.missing(&full).is_empty(), "{:?}", book.missing(&full));
    let mut other = full;
    other.fields.dues = vec![(Target::Solution, 5)];
    other.fields.links = Some(Vec::new());
    assert_eq!(book.missing(&other), ["links", "due.resolution"]);
}
