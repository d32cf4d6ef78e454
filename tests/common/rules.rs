//! A compiled policy with every part there and, beside it, missing: what fixtures and mutations of its event are made of.

use slad::model::Text;
use slad::model::event::TicketState;
use slad::model::rules::*;
use slad::model::skill::Required;
use slad::model::target::Target;
use slad::model::time::Span;

fn texts(words: &[&str]) -> Vec<Text> {
    words.iter().map(|word| Text::new(word)).collect()
}

fn named(name: &str, label: &str) -> Named {
    Named {
        name: Text::new(name),
        label: label.to_owned(),
    }
}

/// A clock that says nothing but its target and budget.
fn bare(target: Target, budget: Option<Span>) -> ClockRule {
    ClockRule {
        target,
        budget,
        time: Time::Natural,
        calendar: None,
        day_end: DayEnd::EndOfDay,
        warn: None,
        starts_on: Vec::new(),
        met_by: Vec::new(),
        stops_on: Vec::new(),
        resets_on: Vec::new(),
        pauses_on: Vec::new(),
        pauses_in: Vec::new(),
        steps: Vec::new(),
        requires: Vec::new(),
        from_creation: false,
        carry_over: false,
    }
}

/// One that says everything.
fn full() -> ClockRule {
    let skill = |name: &str, level_min| Required {
        name: Text::new(name),
        level_min,
    };
    ClockRule {
        time: Time::Business,
        calendar: Some(0),
        day_end: DayEnd::SameTime,
        warn: Some(Warn::Percent(80)),
        starts_on: vec![Trigger::Open, Trigger::Inbound, Trigger::Reopen],
        met_by: vec![Trigger::Resolve, Trigger::Mark(Text::new("done")), Trigger::Rate],
        stops_on: vec![Trigger::TransferTo(Text::new("tech")), Trigger::Release],
        resets_on: vec![Trigger::Stage(Text::new("planned")), Trigger::Transfer],
        pauses_on: texts(&["customer"]),
        pauses_in: vec![TicketState::Waiting],
        steps: vec![
            Step {
                at: StepAt::Before(14_400_000),
                notify: texts(&["supervisor"]),
                rank: Some(5),
                queue: Some(Text::new("a-queue-with-a-name-of-more-than-24-bytes")),
                relax: vec![Relax::Drop(Text::new("zh")), Relax::Lower(skill("network", 2))],
            },
            Step {
                at: StepAt::Percent(100),
                notify: Vec::new(),
                rank: None,
                queue: None,
                relax: Vec::new(),
            },
            Step {
                at: StepAt::After(1),
                notify: Vec::new(),
                rank: None,
                queue: None,
                relax: Vec::new(),
            },
        ],
        requires: texts(&["due.resolution"]),
        from_creation: true,
        carry_over: true,
        ..bare(Target::Resolution, Some(Span::BusinessDays(2)))
    }
}

/// The policy.
pub(crate) fn rules() -> Rules {
    Rules {
        label: "服务级别".to_owned(),
        calendars: texts(&["cn-office"]),
        priorities: vec![Priority {
            name: Text::new("P1"),
            label: "一级".to_owned(),
            rank: 10,
        }],
        default_priority: 0,
        classes: vec![
            Class {
                name: Text::new("fault.device"),
                label: "设备故障".to_owned(),
                priority: Some(0),
                chain: texts(&["repair"]),
                outputs: texts(&["record"]),
                flow: "dispatch → repair".to_owned(),
                retired: true,
            },
            Class::default(),
        ],
        segments: vec![named("vip", "VIP客户")],
        channels: vec![named("phone", "")],
        rules: vec![
            Rule {
                called: Text::new("rule 1 (line 9)"),
                class: Some(ClassPattern::Below(Text::new("fault"))),
                priorities: vec![0],
                segments: texts(&["vip"]),
                channels: texts(&["phone"]),
                customers: texts(&["acme"]),
                queues: texts(&["tech"]),
                clocks: vec![full(), bare(Target::Stage(Text::new("s")), Some(Span::Months(1)))],
                rank: Some(5),
                queue: Some(Text::new("tech")),
                skills: Some(vec![Required {
                    name: Text::new("zh"),
                    level_min: 1,
                }]),
                prefer: Some(Text::new("a1")),
            },
            Rule::default(),
        ],
        targets: vec![bare(Target::Promise, None)],
        stages: vec![Stage {
            name: Text::new("first-review"),
            label: "初审".to_owned(),
            queue: Some(Text::new("front-desk")),
            requires: texts(&["attr.amount"]),
            classes: vec![ClassPattern::Exact(Text::new("refund"))],
            clock: Some(bare(
                Target::Stage(Text::new("first-review")),
                Some(Span::Ms(7_200_000)),
            )),
        }],
        extensions: vec![ExtensionRule {
            target: Target::Resolution,
            lead_ms: 14_400_000,
            approver: Text::new("supervisor"),
            notice: Text::new("customer"),
        }],
        reminders: [Every::Day, Every::Week(0), Every::Month(31)]
            .into_iter()
            .map(|every| Reminder {
                name: Text::new("daily digest"),
                queue: Text::new("business"),
                at_min: 540,
                every,
                working: true,
                calendar: Some(0),
            })
            .collect(),
        required: texts(&["customer"]),
        customer_pauses: texts(&["customer"]),
        close_after: Some(Span::Ms(259_200_000)),
        entry_within: Some(Span::Ms(600_000)),
        review_by: Some(20_818),
        open_tickets: OpenTickets::Migrate,
        about: About {
            reason: "quarterly review".to_owned(),
            requested_by: "desk".to_owned(),
            approved_by: "head".to_owned(),
        },
        pilot: Some(Pilot {
            classes: vec![ClassPattern::Below(Text::new("fault"))],
            segments: texts(&["vip"]),
            queues: texts(&["tech"]),
        }),
    }
}
