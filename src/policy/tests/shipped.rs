//! The policies inside the binary, row by row of the standards that they are: what a ticket of each kind gets.

use super::good;
use crate::calendar::{Calendar, Zones};
use crate::model::rules::{Every, StepAt};
use crate::model::target::Target;
use crate::model::time;
use crate::policy::{CalendarFile, Keys, Plan, RuleBook, Trigger, Warn, embedded, embedded_calendars};
use std::sync::Arc;

fn shipped(name: &str) -> RuleBook {
    let (_, text) = embedded().into_iter().find(|(known, _)| *known == name).unwrap();
    good(text)
}

/// What tickets of a class and a priority get; without a priority that of the class.
fn plan(book: &RuleBook, class: &str, priority: &str) -> Plan {
    let priority = match priority {
        "" => book.usual_priority(class),
        name => book.level(name).unwrap().0,
    };
    book.plan(&Keys {
        class,
        priority,
        ..Keys::default()
    })
}

/// `target budget` of each clock with a budget, in their order.
fn clocks(plan: &Plan) -> String {
    let words = plan
        .clocks
        .iter()
        .filter_map(|clock| Some(format!("{} {}", clock.target, clock.budget?)));
    words.collect::<Vec<_>>().join(", ")
}

fn starts(plan: &Plan, target: &str) -> String {
    let clock = plan.clock(&Target::parse(target).unwrap()).unwrap();
    let words = |list: &[Trigger]| list.iter().map(Trigger::to_string).collect::<Vec<_>>().join(" ");
    format!("{} → {}", words(&clock.starts_on), words(&clock.met_by))
}

#[test]
fn scenario_catalogue() {
    let book = shipped("scenario-catalogue");
    assert_eq!(book.rules.required, ["class", "customer", "segment", "channel"]);
    let named = |list: &[crate::model::rules::Named]| -> Vec<String> {
        list.iter()
            .map(|named| format!("{} {}", named.name, named.label))
            .collect()
    };
    assert_eq!(
        named(&book.rules.segments),
        ["personal 个人客户", "enterprise 企业客户", "vip VIP客户"]
    );
    let urgencies: Vec<String> = book
        .rules
        .priorities
        .iter()
        .map(|p| format!("{} {}", p.name, p.label))
        .collect();
    assert_eq!(urgencies, ["critical 特急", "urgent 紧急", "routine 常规"]);
    // Class, label, urgency, queue, chain, outputs, stages, clocks.
    let table = [
        "consult.product|产品功能咨询|routine|front-desk|tech|question_record||first_response 1d",
        "consult.policy|政策解读咨询|routine|front-desk|business|consultation_record||first_response 1d",
        "consult.process|流程说明咨询|routine|front-desk|business|consultation_record||first_response 1d",
        "handle.activation|业务开通申请|routine|handling|||verify enter notify|first_response 1d",
        "handle.profile|信息修改申请|routine|account-care|||identity update sms-confirmation|first_response 1d",
        "fault.system|系统使用故障|urgent|tech|on-site||remote on-site recovery-notice|first_response 4h",
        "fault.device|设备故障|critical|operations|repair||dispatch repair|first_response 1h, resolution 1d",
        "complaint.attitude|服务态度投诉|urgent|complaints||follow_up_record||first_response 1h",
        "complaint.outcome|结果不满投诉|urgent|complaints|business|||first_response 4h",
    ];
    assert_eq!(book.rules.classes.len(), table.len());
    for (class, row) in book.rules.classes.iter().zip(table) {
        let plan = plan(&book, &class.name, "");
        let priority = book.priority_name(book.usual_priority(&class.name));
        let stages: Vec<&str> = plan
            .stages
            .iter()
            .map(|at| book.rules.stages[usize::from(*at)].name.as_str())
            .collect();
        let join = |list: &[crate::model::Text]| list.join(" ");
        let found = [
            class.name.to_string(),
            class.label.clone(),
            priority.to_string(),
            plan.queue.to_string(),
            join(&class.chain),
            join(&class.outputs),
            stages.join(" "),
            clocks(&plan),
        ];
        assert_eq!(found.join("|"), row);
        assert!(!class.flow.is_empty() && !class.retired, "{}", class.name);
        // The urgency decides unless the ticket says otherwise; the rule of one class beats it.
        let urgent = self::plan(&book, &class.name, "urgent");
        let response = urgent.rule(&Target::FirstResponse).unwrap().budget.unwrap();
        let expected = if class.name == "complaint.attitude" {
            "1h"
        } else {
            "4h"
        };
        assert_eq!(response.to_string(), expected, "{}", class.name);
    }
}

#[test]
fn service_process() {
    let book = shipped("service-process");
    assert_eq!(
        book.rules.required,
        ["class", "priority", "customer", "description", "wanted"]
    );
    for (priority, response) in [("P0", "30m"), ("P1", "2h"), ("P2", "1d")] {
        let plan = plan(&book, "consult", priority);
        assert_eq!(
            clocks(&plan),
            format!("first_response {response}, update 1d, notice 30m")
        );
        assert_eq!(starts(&plan, "notice"), "assign → mark:notice_sent");
        assert_eq!(plan.clock(&Target::Notice).unwrap().requires, ["due.resolution"]);
        assert_eq!(starts(&plan, "update"), "open → respond progress");
        // The expected finish is set by hand: it has no budget, but a step.
        let finish = plan.clock(&Target::Resolution).unwrap();
        assert_eq!((finish.budget, finish.warn, finish.steps.len()), (None, None, 1));
        assert_eq!(finish.steps[0].notify, ["supervisor"]);
        let due = time::instant("due", b"2026-03-02T17:00:00Z").unwrap();
        assert_eq!(
            time::rfc3339(finish.step_at(0, 0, due, None)),
            "2026-03-02T13:00:00.000Z"
        );
    }
    let extension = &book.rules.extensions[0];
    assert_eq!(
        (&extension.target, extension.lead_ms),
        (&Target::Resolution, 4 * 3_600_000)
    );
    assert_eq!(
        (extension.approver.as_str(), extension.notice.as_str()),
        ("supervisor", "customer")
    );
    for (class, queue) in [
        ("consult", "front-desk"),
        ("complaint", "complaints"),
        ("technical", "tech-support"),
        ("custom", "solutions"),
    ] {
        assert_eq!(plan(&book, class, "P1").queue, queue);
    }
    assert_eq!(book.rules.classes.len(), 4);
}

#[test]
fn approval_stages() {
    let book = shipped("approval-stages");
    assert_eq!(book.rules.required, ["class", "customer"]);
    let plan = plan(&book, "refund", "");
    assert_eq!(clocks(&plan), "stage:final-review 4h, stage:first-review 2h");
    assert_eq!(
        starts(&plan, "stage:first-review"),
        "stage:first-review → resolve"
    );
    let stages: Vec<_> = plan
        .stages
        .iter()
        .map(|at| &book.rules.stages[usize::from(*at)])
        .collect();
    let rows: Vec<_> = stages
        .iter()
        .map(|stage| (stage.name.as_str(), stage.queue.as_deref()))
        .collect();
    assert_eq!(
        rows,
        [
            ("first-review", Some("front-desk")),
            ("final-review", Some("finance"))
        ]
    );
    assert!(
        plan.clocks
            .iter()
            .all(|clock| !clock.from_creation && !clock.carry_over)
    );
}

/// Every number of the service-level table, and that there are no others.
#[test]
fn service_levels() {
    let book = shipped("service-levels");
    assert_eq!(book.rules.required, ["customer", "description", "outcome"]);
    assert_eq!(book.rules.customer_pauses, ["customer"]);
    assert_eq!(book.rules.close_after, time::span("close_after", b"3d").ok());
    assert_eq!(book.rules.entry_within, time::span("entry_within", b"10m").ok());
    assert_eq!(book.priority_name(book.rules.default_priority), "P3");
    let table = [
        (
            "P1",
            10,
            "tech-support",
            "first_response 15m, solution 2h, resolution 2h, custom:dispute 30m",
        ),
        (
            "P2",
            20,
            "business",
            "first_response 30m, work_start 4h, resolution 1d, custom:dispute 30m",
        ),
        (
            "P3",
            30,
            "front-desk",
            "first_response 2h, resolution 1bd, custom:dispute 30m",
        ),
        (
            "P4",
            40,
            "improvement",
            "first_response 3bd, update 1mo, resolution 2w, custom:dispute 30m",
        ),
    ];
    assert_eq!(book.rules.priorities.len(), table.len());
    for (name, rank, queue, budgets) in table {
        let plan = plan(&book, "", name);
        assert_eq!(
            (plan.rank, plan.queue.as_str(), clocks(&plan).as_str()),
            (rank, queue, budgets),
            "{name}"
        );
        for clock in plan.clocks.iter().filter(|clock| clock.budget.is_some()) {
            assert_eq!(clock.warn, Some(Warn::Percent(80)));
            let stops = matches!(
                clock.target,
                Target::Solution | Target::Resolution | Target::Update
            );
            assert_eq!(clock.is_paused_by("customer"), stops, "{name} {}", clock.target);
        }
        assert_eq!(
            starts(&plan, "custom:dispute"),
            "mark:dispute_raised → mark:dispute_settled"
        );
    }
    let p1 = plan(&book, "", "P1");
    assert_eq!(
        starts(&p1, "solution"),
        "open → mark:solution_sent progress resolve"
    );
    let told = &p1.rule(&Target::FirstResponse).unwrap().steps;
    assert_eq!(
        (told[0].at, told[0].notify[0].as_str()),
        (StepAt::Percent(0), "department-head")
    );
    let p4 = plan(&book, "", "P4");
    assert_eq!(starts(&p4, "resolution"), "open → resolve stage:planned");
    assert_eq!(starts(&p4, "update"), "stage:planned → respond progress");
    let reminders: Vec<_> = book
        .rules
        .reminders
        .iter()
        .map(|reminder| {
            (
                reminder.queue.as_str(),
                reminder.every,
                reminder.at_min,
                reminder.working,
            )
        })
        .collect();
    assert_eq!(
        reminders,
        [
            ("business", Every::Day, 540, true),
            ("improvement", Every::Week(0), 600, true)
        ]
    );
}

#[test]
fn dues_and_warnings_to_the_millisecond() {
    let mut book = shipped("service-levels");
    let (_, text) = embedded_calendars()
        .into_iter()
        .find(|(name, _)| *name == "cn-office")
        .unwrap();
    let office = CalendarFile::parse("cn-office", text, &Zones::bundled()).unwrap();
    let office: Arc<Calendar> = Arc::new(office.compile().unwrap());
    assert!(book.use_calendar("cn-office", &office));
    assert!(!book.use_calendar("24x7", &office), "the policy does not name it");
    // A Friday, 17:00 in Shanghai.
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
        // Monday's end at 18:00, and Wednesday's.
        (
            "P3",
            Target::Resolution,
            "2026-02-02T10:00:00.000Z",
            "2026-02-02T08:18:00.000Z",
        ),
        (
            "P4",
            Target::FirstResponse,
            "2026-02-04T10:00:00.000Z",
            "2026-02-04T03:48:00.000Z",
        ),
        (
            "P4",
            Target::Resolution,
            "2026-02-13T09:00:00.000Z",
            "2026-02-10T13:48:00.000Z",
        ),
        (
            "P4",
            Target::Update,
            "2026-02-28T09:00:00.000Z",
            "2026-02-22T13:48:00.000Z",
        ),
    ] {
        let plan = plan(&book, "", level);
        let rule = plan.rule(&target).unwrap();
        let calendar = book.calendar(rule).map(|calendar| &**calendar);
        let at = rule.due(opened, calendar);
        assert_eq!(time::rfc3339(at), due, "{level} {target}");
        assert_eq!(
            time::rfc3339(rule.warn_at(opened, at, calendar)),
            warn,
            "{level} {target}"
        );
    }
}

#[test]
fn complaint_plan() {
    let book = shipped("complaint-plan");
    assert_eq!(
        book.rules.required,
        ["class", "customer", "description", "contact"]
    );
    let natures: Vec<String> = book
        .rules
        .classes
        .iter()
        .map(|class| format!("{} {}", class.name, class.label))
        .collect();
    assert_eq!(
        natures,
        ["product 产品", "service 服务", "process 流程", "other 其他"]
    );
    let ranks: Vec<_> = book
        .rules
        .priorities
        .iter()
        .map(|p| (p.name.as_str(), p.rank))
        .collect();
    assert_eq!(
        ranks,
        [("urgent-major", 5), ("urgent-minor", 15), ("ordinary", 25)]
    );
    let plan = plan(&book, "product", "");
    assert_eq!(
        clocks(&plan),
        "first_response 1d, follow_up 3d, stage:investigate 2d, stage:solution 2d, custom:support 4h"
    );
    assert_eq!(
        starts(&plan, "first_response"),
        "open → respond mark:solution_sent"
    );
    assert_eq!(starts(&plan, "follow_up"), "resolve → rate");
    assert_eq!(
        starts(&plan, "custom:support"),
        "transfer:support → progress mark:support_answered transfer"
    );
    assert_eq!(plan.stages, [0, 1]);
    let promise = plan.clock(&Target::Promise).unwrap();
    assert_eq!(
        (promise.budget, promise.steps[0].at),
        (None, StepAt::Before(30 * 60_000))
    );
    assert_eq!(starts(&plan, "promise"), " → respond progress");
    assert!(
        book.queues().any(|queue| queue == "support"),
        "it is named by a transfer alone"
    );
    let close = book.rules.close_after.map(|span| span.to_string());
    assert_eq!(close.as_deref(), Some("4d"), "after the follow-up");
}

/// The texts tell a team lead what is ours, and every table and list has a comment near it.
#[test]
fn the_files_are_commented() {
    for (name, text) in embedded() {
        let comments = text
            .lines()
            .filter(|line| line.trim_start().starts_with('#'))
            .count();
        assert!(
            comments * 7 > text.lines().count(),
            "{name}: {comments} comment lines"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 130),
            "{name} has a long line"
        );
    }
}
