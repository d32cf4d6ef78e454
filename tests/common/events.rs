//! One event of every kind, with every optional part there and missing: what fixtures and mutations are made of.

#[path = "rules.rs"]
mod rules;

use rules::rules;
use slad::model::account::{Account, Entry, Stretch, Taken};
use slad::model::event::*;
use slad::model::skill::{Required, Skill};
use slad::model::target::{PLAIN, Target};
use slad::model::time::Span;
use slad::model::{NEVER, Text};

const T0: i64 = 1_767_225_600_000;

/// The events, in an order that never changes: fixtures depend on it. New ones go to the end.
pub(crate) fn one_of_each() -> Vec<Event> {
    let mut bodies = daemon_facts();
    bodies.extend(agent_facts());
    bodies.extend(ticket_facts().into_iter().enumerate().map(|(n, fact)| {
        Body::Ticket(TicketEvent {
            id: compact_str::format_compact!("ticket-{n}"),
            queue: Text::new(if n % 2 == 0 {
                "billing"
            } else {
                "a-queue-with-a-name-of-more-than-24-bytes"
            }),
            agent: Text::new(if n % 3 == 0 { "" } else { "a1" }),
            prev: n as u64,
            fact,
            clocks: (n % 4 == 0).then(|| Box::new(clocks())),
            origin: (n % 5 == 0).then(|| Box::new(origin())),
        })
    }));
    bodies.extend(
        [None, Some(Box::new(origin()))].map(|origin| Body::ImportDone(Box::new(ImportDone { origin }))),
    );
    bodies
        .into_iter()
        .enumerate()
        .map(|(n, body)| Event {
            at: T0 + n as i64,
            logged_at: T0 + 2 * n as i64,
            cause: n as u64 / 2,
            tenant: 0,
            body,
        })
        .collect()
}

fn origin() -> Origin {
    Origin {
        by: Text::new("supervisor"),
        reason: Text::new("客户来电"),
        token: Text::new("token-1"),
        fingerprint: 0x1234_5678_9abc_def0,
    }
}

fn clocks() -> ClockEffects {
    let changes = [
        ClockChange::Started {
            start: T0,
            due: T0 + 1,
            warn_at: NEVER,
            by_hand: true,
            provisional: false,
        },
        ClockChange::Met { at: T0, due: T0 + 1 },
        ClockChange::Moved {
            due: T0 + 5,
            warn_at: T0 + 4,
            by_hand: false,
            provisional: true,
        },
        ClockChange::Stopped { due: T0 },
        ClockChange::Dropped { due: T0 + 2 },
        ClockChange::Paused {
            due: T0,
            remaining: -5,
        },
        ClockChange::Resumed {
            due: T0 + 9,
            warn_at: NEVER,
            provisional: false,
        },
    ];
    let targets = PLAIN.iter().map(|(t, _)| t.clone()).chain([
        Target::Stage(Text::new("review")),
        Target::Custom(Text::new("callback")),
    ]);
    ClockEffects {
        policy: Text::new("service-levels@1"),
        priority: Text::new("P3"),
        effects: targets
            .zip(changes.iter().cycle().cloned())
            .map(|(target, change)| ClockEffect { target, change })
            .collect(),
        kept: Some(Box::new(vec![
            Kept {
                target: Target::Resolution,
                what: KeptOf::Added(-5),
            },
            Kept {
                target: Target::Promise,
                what: KeptOf::Stood(Stretch { from: T0, to: T0 + 6 }),
            },
        ])),
        ladders: vec![Ladder {
            target: Target::Resolution,
            rungs: vec![
                Rung {
                    step: 0,
                    at: T0 + 3,
                    done: true,
                },
                Rung {
                    step: 1,
                    at: T0 + 8,
                    done: false,
                },
            ],
        }],
    }
}

fn details() -> Details {
    Details {
        class: Text::new("fault"),
        customer: Text::new("customer-1"),
        segment: Text::new("vip"),
        channel: Text::new("voice"),
        issue: Text::new("issue-1"),
        parent: Text::new("parent"),
        links: vec![Text::new("l1"), Text::new("l2")],
        assist: vec![Text::new("legal")],
        has: vec![Text::new("description"), Text::new("outcome")],
        attributes: vec![(Text::new("site"), Text::new("north"))],
        prefer: Text::new("a7"),
        calendar: Text::new("cn-office"),
    }
}

fn required() -> Vec<Required> {
    vec![Required {
        name: Text::new("network"),
        level_min: 3,
    }]
}

fn sla() -> SlaFact {
    SlaFact {
        target: Target::Custom(Text::new("callback")),
        due: T0,
        policy: Text::new("service-levels@1"),
        priority: Text::new("P1"),
        late_ms: 17,
    }
}

fn ticket_facts() -> Vec<TicketFact> {
    let opened = Opened {
        opened_at: T0 - 1,
        policy: Text::new("none"),
        version: 1,
        priority: Text::new("P5"),
        rank: 50,
        queue_by_policy: false,
        entered_late: true,
        skills: required(),
        fingerprint: 42,
        details: Some(Box::new(details())),
    };
    let bare = Opened {
        skills: Vec::new(),
        details: None,
        ..opened.clone()
    };
    let back = Return {
        resumed: true,
        over: 2,
    };
    let mut facts = vec![
        TicketFact::Opened(Box::new(opened)),
        TicketFact::Opened(Box::new(bare)),
        TicketFact::Inbound(back),
        TicketFact::Responded,
        TicketFact::Progressed {
            eta: T0,
            promise: NEVER,
        },
        TicketFact::Marked {
            name: Text::new("work_started"),
        },
        TicketFact::Paused {
            reason: Text::new("customer"),
        },
        TicketFact::Resumed(Return {
            resumed: true,
            over: 0,
        }),
        TicketFact::Changed(Box::new(Changed {
            priority: Some((Text::new("P2"), 20)),
            skills: Some(required()),
            details: Some(Box::new(details())),
            fields: vec![Text::new("priority"), Text::new("skills")],
        })),
        TicketFact::Changed(Box::new(Changed {
            priority: None,
            skills: None,
            details: None,
            fields: vec![Text::new("due.resolution")],
        })),
        TicketFact::Transferred {
            from: Text::new("billing"),
        },
        TicketFact::Resolved { close_at: T0 + 1000 },
        TicketFact::Reopened,
        TicketFact::Rated(Box::new(Rated {
            score: 5,
            named: vec![(Text::new("speed"), 4)],
        })),
        TicketFact::Warned(Box::new(sla())),
        TicketFact::Breached(Box::new(sla())),
        TicketFact::Withdrawn(Box::new(Withdrawn {
            sla: sla(),
            breach: true,
            step: None,
            at_word: Text::default(),
            ladder: 0,
            again: NEVER,
        })),
    ];
    for how in AssignedHow::ALL {
        facts.push(TicketFact::Assigned {
            how: *how,
            over: 1,
            from: Text::new("a2"),
        });
    }
    facts.extend(Released::ALL.iter().map(|why| TicketFact::Released { why: *why }));
    facts.extend(Closed::ALL.iter().map(|how| TicketFact::Closed { how: *how }));
    facts.extend(later_facts());
    facts
}

fn later_facts() -> Vec<TicketFact> {
    let extension = Extension {
        target: Target::Resolution,
        span: Span::BusinessDays(2),
        due_before: T0 + 5,
        first_due: T0 + 4,
        late: true,
        approver: Text::new("supervisor"),
        notice: Text::new("customer"),
    };
    vec![
        TicketFact::StageEntered(Box::new(StageEntered {
            name: Text::new("final-review"),
            left: Text::new("first-review"),
            from: Text::new("billing"),
        })),
        TicketFact::ExtensionRequested(Box::new(extension.clone())),
        TicketFact::Extended(Box::new(Extension {
            span: Span::Ms(60_000),
            ..extension.clone()
        })),
        TicketFact::ExtensionRejected(Box::new(Extension {
            span: Span::Months(1),
            ..extension
        })),
        TicketFact::Escalated(Box::new(Escalated {
            from: Text::new("billing"),
            times: 2,
        })),
        TicketFact::Stepped(Box::new(Stepped {
            sla: sla(),
            step: 1,
            at_word: Text::new("+30m"),
            notify: vec![Text::new("supervisor"), Text::new("lead")],
            rank: Some(5),
            from: Text::new("billing"),
            skills: Some(required()),
            relax: Text::new("drop:zh"),
        })),
        TicketFact::Withdrawn(Box::new(Withdrawn {
            sla: sla(),
            breach: false,
            step: Some(1),
            at_word: Text::new("-4h"),
            ladder: 99,
            again: T0 + 7,
        })),
        TicketFact::Imported(Box::new(imported())),
        TicketFact::Imported(Box::new(Imported {
            state: TicketState::Resolved,
            close_at: T0 + 9,
            held_back: false,
            clocks: Vec::new(),
            ..imported()
        })),
    ]
}

fn imported() -> Imported {
    Imported {
        opened: Opened {
            opened_at: T0 - 1,
            policy: Text::new("none"),
            version: 1,
            priority: Text::new("P5"),
            rank: 50,
            entered_late: false,
            queue_by_policy: false,
            skills: required(),
            fingerprint: 42,
            details: Some(Box::new(details())),
        },
        state: TicketState::Assigned,
        since: T0 - 1,
        over: 1,
        paused: Text::new("customer"),
        paused_since: T0 - 1,
        stage: Text::new("first-review"),
        close_at: NEVER,
        held_back: true,
        clocks: vec![Standing {
            target: Target::Resolution,
            warned: true,
            breached_due: T0 - 1,
            ended_by_resolve: false,
            account: Some(Box::new(Account {
                entries: vec![
                    Entry::Stood(Stretch {
                        from: T0 - 9,
                        to: T0 - 7,
                    }),
                    Entry::Added(Span::BusinessDays(1)),
                ],
                since: T0 - 1,
                version: 3,
                taken: vec![Taken { ladder: 77, step: 2 }],
            })),
        }],
    }
}

fn agent_facts() -> Vec<Body> {
    let agent = |fact, origin| {
        Body::Agent(Box::new(AgentEvent {
            id: Text::new("a1"),
            fact,
            origin,
        }))
    };
    let profile = AgentProfile {
        queues: vec![Text::new("billing")],
        skills: vec![Skill {
            name: Text::new("network"),
            level: 5,
        }],
        capacity: 3,
        label: Text::new("Li Na"),
    };
    let mut bodies = vec![agent(AgentFact::Changed(profile), Some(Box::new(origin())))];
    for presence in Presence::ALL {
        let reason = Text::new("lunch");
        bodies.push(agent(
            AgentFact::Presence {
                presence: *presence,
                reason,
            },
            None,
        ));
    }
    bodies
}

fn daemon_facts() -> Vec<Body> {
    vec![
        Body::PolicyActivated(Box::new(PolicyActivated {
            name: Text::new("service-levels"),
            version: 1,
            hash: 0xabcd,
            text: "name = \"service-levels\"\n".repeat(20),
            source: Text::new("service-levels.toml"),
            activated_at: T0,
            calendars: vec![(Text::new("cn-office"), 2)],
            rules: rules(),
            virtual_clock: true,
        })),
        Body::QueueChanged(Box::new(QueueChanged {
            queue: Text::new("billing"),
            origin: None,
        })),
        Body::LogRecovered(Box::new(LogRecovered {
            cut_bytes: 5,
            lost_from: 6,
            lost_to: 7,
            epoch: 2,
        })),
        Body::ClockJumped(ClockJumped {
            from: T0,
            to: T0 + 1,
            how: Jump::Rejected,
            offset_us: T0 * 1_000 - 5,
            boot: 0xb007,
        }),
        Body::SnapshotTaken(SnapshotTaken {
            seq: 1,
            state_hash: 2,
            bytes: 3,
            records: 4,
        }),
    ]
}
