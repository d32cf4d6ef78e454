//! What a rule book answers once it is read, and the embedded policies number by number.

use super::{good, plan, service_levels, top};
use crate::model::command::{Fields, Open};
use crate::model::target::Target;
use crate::model::text::Text;
use crate::model::time::NEVER;
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
