//! What the page says after what was recorded, and that nothing is named that is not exported.

use super::figures::{Figures, QueueFigures};
use super::*;
use crate::model::NEVER;
use crate::model::event::*;
use crate::model::target::Target;
use std::path::Path;

const NOW: UnixMs = 1_767_225_600_000;

fn labels() -> Labels {
    Labels {
        policies: vec![
            PolicyLabels {
                name: "service-levels".into(),
                priorities: vec!["P1".into(), "P2".into()],
                targets: vec!["first_response".into(), "stage:planned".into()],
            },
            PolicyLabels {
                name: "none".into(),
                priorities: vec!["P5".into()],
                targets: vec![],
            },
        ],
        queues: vec!["tech".into(), "front-desk".into()],
        commands: vec!["ticket.open", "ticket.get"],
    }
}

fn made() -> (Arc<Metrics>, Recorders) {
    let clock: Clock = Arc::new(|| NOW);
    Metrics::new(&labels(), PathBuf::from("/"), &clock).unwrap()
}

#[track_caller]
fn shows(metrics: &Metrics, lines: &[&str]) {
    let page = metrics.render().unwrap();
    for line in lines {
        assert!(page.lines().any(|l| l == *line), "no line '{line}' in\n{page}");
    }
}

fn event(fact: TicketFact, clocks: Option<ClockEffects>) -> Event {
    Event {
        at: NOW,
        logged_at: NOW,
        cause: 0,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: "t".into(),
            queue: "tech".into(),
            agent: "".into(),
            prev: 0,
            fact,
            clocks: clocks.map(Box::new),
            origin: None,
        }),
    }
}

fn sla(policy: &str, priority: &str, target: &str) -> Box<SlaFact> {
    Box::new(SlaFact {
        target: Target::parse(target).unwrap(),
        due: NOW,
        policy: policy.into(),
        priority: priority.into(),
        late_ms: 0,
    })
}

#[test]
fn outcomes_are_counted_by_what_the_configuration_names() {
    let (metrics, mut recorders) = made();
    shows(
        &metrics,
        &[
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"service-levels\",priority=\"P1\",target=\"first_response\"} 0",
        ],
    );
    let recorder = &mut recorders.engine.sla;
    let met = |at| ClockEffects {
        policy: "service-levels@1".into(),
        priority: "P1".into(),
        effects: vec![
            ClockEffect {
                target: Target::FirstResponse,
                change: ClockChange::Met { at, due: NOW },
            },
            ClockEffect {
                target: Target::Resolution,
                change: ClockChange::Stopped { due: NOW },
            },
        ],
        ladders: Vec::new(),
        kept: None,
    };
    recorder.observe(&event(TicketFact::Responded, Some(met(NOW))));
    recorder.observe(&event(TicketFact::Responded, Some(met(NOW + 1)))); // late: its breach counts, not this
    recorder.observe(&event(
        TicketFact::Breached(sla("service-levels@1", "P1", "first_response")),
        None,
    ));
    recorder.observe(&event(
        TicketFact::Breached(sla("service-levels@2", "P1", "first_response")),
        None,
    ));
    recorder.observe(&event(
        TicketFact::Warned(sla("service-levels@1", "P2", "stage:planned")),
        None,
    ));
    recorder.observe(&event(TicketFact::Breached(sla("none@1", "P5", "promise")), None));
    recorder.observe(&event(
        TicketFact::Breached(sla("service-levels@1", "P9", "custom:x")),
        None,
    ));
    recorder.observe(&event(TicketFact::Breached(sla("gone@1", "P1", "update")), None));
    for breach in [true, false] {
        let taken = Withdrawn {
            sla: *sla("service-levels@1", "P1", "first_response"),
            breach,
            step: None,
            at_word: Text::default(),
            ladder: 0,
            again: NEVER,
        };
        recorder.observe(&event(TicketFact::Withdrawn(Box::new(taken)), None));
    }
    recorder.observe(&event(
        TicketFact::Closed {
            how: Closed::Abandoned,
        },
        None,
    ));
    recorder.observe(&event(TicketFact::Closed { how: Closed::Spam }, None));
    shows(
        &metrics,
        &[
            "slad_sla_outcomes_total{outcome=\"met\",policy=\"service-levels\",priority=\"P1\",target=\"first_response\"} 1",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"service-levels\",priority=\"P1\",target=\"first_response\"} 2",
            "slad_sla_outcomes_total{outcome=\"withdrawn\",policy=\"service-levels\",priority=\"P1\",target=\"first_response\"} 1",
            "slad_sla_outcomes_total{outcome=\"warned\",policy=\"service-levels\",priority=\"P2\",target=\"stage:planned\"} 1",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"none\",priority=\"P5\",target=\"promise\"} 1",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"service-levels\",priority=\"other\",target=\"other\"} 1",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"other\",priority=\"other\",target=\"update\"} 1",
            "slad_label_overflow_total{label=\"policy\"} 1",
            "slad_label_overflow_total{label=\"priority\"} 2",
            "slad_label_overflow_total{label=\"target\"} 1",
            "slad_abandoned_total{queue=\"tech\"} 1",
        ],
    );
}

#[test]
fn what_is_loaded_later_gets_series_of_its_own_and_counts_stay() {
    let (metrics, mut recorders) = made();
    let engine = &mut recorders.engine;
    let breach = |policy, priority, target| event(TicketFact::Breached(sla(policy, priority, target)), None);
    engine.sla.observe(&breach("service-levels@1", "P1", "update"));
    engine.sla.observe(&breach("later@1", "N1", "update"));
    engine.sla.waited("tech", Duration::from_secs(9));
    let later = PolicyLabels {
        name: "later".into(),
        priorities: vec!["N1".into(), "N1".into(), OTHER.into()],
        targets: vec!["custom:x".into(), "update".into()],
    };
    let more = PolicyLabels {
        name: "service-levels".into(),
        priorities: vec!["P9".into()],
        targets: vec!["custom:x".into()],
    };
    for _ in 0..2 {
        let queues = ["night".into(), "tech".into(), OTHER.into()];
        engine.learn(&[later.clone(), more.clone()], &queues);
    }
    shows(
        &metrics,
        &[
            "slad_sla_outcomes_total{outcome=\"met\",policy=\"later\",priority=\"N1\",target=\"custom:x\"} 0",
            "slad_sla_outcomes_total{outcome=\"met\",policy=\"service-levels\",priority=\"P9\",target=\"stage:planned\"} 0",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"service-levels\",priority=\"P1\",target=\"update\"} 1",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"other\",priority=\"other\",target=\"update\"} 1",
            "slad_first_response_seconds_count{policy=\"later\"} 0",
            "slad_wait_seconds_count{queue=\"night\"} 0",
            "slad_tickets{queue=\"night\",state=\"waiting\"} 0",
            "slad_oldest_waiting_seconds{queue=\"night\"} 0",
        ],
    );
    for target in ["update", "custom:x"] {
        engine.sla.observe(&breach("service-levels@2", "P9", target));
        engine.sla.observe(&breach("later@1", "N1", target));
        engine.sla.observe(&breach("service-levels@2", "P1", target));
    }
    engine.sla.first_response("later@1", Duration::from_secs(9));
    engine.sla.waited("night", Duration::from_secs(9));
    engine.figures.publish(&Figures {
        queues: vec![QueueFigures {
            queue: "night".into(),
            waiting: 5,
            assigned: 0,
            resolved: 0,
            oldest_waiting: NOW - 3_000,
        }],
        ..Figures::default()
    });
    let breached = |policy: &str, priority: &str, target: &str, n: u32| {
        format!(
            "slad_sla_outcomes_total{{outcome=\"breached\",policy=\"{policy}\",priority=\"{priority}\",target=\"{target}\"}} {n}"
        )
    };
    shows(
        &metrics,
        &[
            &breached("later", "N1", "update", 1),
            &breached("later", "N1", "custom:x", 1),
            &breached("service-levels", "P9", "update", 1),
            &breached("service-levels", "P9", "custom:x", 1),
            &breached("service-levels", "P1", "update", 2),
            &breached("service-levels", "P1", "custom:x", 1),
            &breached("other", "other", "update", 1),
            "slad_first_response_seconds_count{policy=\"later\"} 1",
            "slad_wait_seconds_count{queue=\"tech\"} 1",
            "slad_wait_seconds_count{queue=\"night\"} 1",
            "slad_tickets{queue=\"night\",state=\"waiting\"} 5",
            "slad_oldest_waiting_seconds{queue=\"night\"} 3",
            "slad_label_overflow_total{label=\"policy\"} 1",
            "slad_label_overflow_total{label=\"priority\"} 1",
            "slad_label_overflow_total{label=\"target\"} 0",
            "slad_label_overflow_total{label=\"queue\"} 0",
        ],
    );
    once_each(&metrics);
}

#[test]
fn what_finds_no_room_counts_under_other() {
    let (metrics, mut recorders) = made();
    let engine = &mut recorders.engine;
    let many = |n: usize| (0..n).map(|n| compact_str::format_compact!("n{n}")).collect();
    let policy = |name: &str, priorities, targets| PolicyLabels {
        name: name.into(),
        priorities: many(priorities),
        targets: many(targets),
    };
    // Far more rows than there is room for: told from the numbers, never laid out.
    engine.learn(
        &[policy("huge", 20_000, 20_000), policy("small", 1, 0)],
        &many(growing::QUEUES_MAX),
    );
    for name in ["huge@1", "small@1"] {
        engine
            .sla
            .observe(&event(TicketFact::Breached(sla(name, "n0", "update")), None));
    }
    engine.sla.waited("n7", Duration::from_secs(1));
    engine
        .sla
        .waited(&format!("n{}", growing::QUEUES_MAX - 1), Duration::from_secs(1));
    shows(
        &metrics,
        &[
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"other\",priority=\"other\",target=\"update\"} 1",
            "slad_sla_outcomes_total{outcome=\"breached\",policy=\"small\",priority=\"n0\",target=\"update\"} 1",
            "slad_wait_seconds_count{queue=\"n7\"} 1",
            "slad_wait_seconds_count{queue=\"other\"} 1",
            "slad_label_overflow_total{label=\"policy\"} 1",
            "slad_label_overflow_total{label=\"queue\"} 1",
        ],
    );
}

#[test]
fn durations_fall_into_exact_bounds() {
    let (metrics, mut recorders) = made();
    for ns in [1, 100_000, 100_001, 3_000_000, 3_000_001, 60_000_000_000] {
        recorders.replies.timer(Duration::from_nanos(ns));
    }
    recorders.engine.sla.waited("tech", Duration::from_secs(10));
    recorders.engine.sla.waited("nowhere", Duration::from_secs(11));
    recorders
        .engine
        .sla
        .first_response("none@3", Duration::from_secs(60));
    recorders
        .engine
        .sla
        .resolved("service-levels", Duration::from_secs(61));
    recorders.engine.slice(Duration::from_micros(90));
    recorders.log.synced(Duration::from_micros(110));
    shows(
        &metrics,
        &[
            "slad_timer_lateness_seconds_bucket{le=\"0.00005\"} 1",
            "slad_timer_lateness_seconds_bucket{le=\"0.0001\"} 2",
            "slad_timer_lateness_seconds_bucket{le=\"0.0002\"} 3",
            "slad_timer_lateness_seconds_bucket{le=\"0.003\"} 4",
            "slad_timer_lateness_seconds_bucket{le=\"0.005\"} 5",
            "slad_timer_lateness_seconds_bucket{le=\"30\"} 5",
            "slad_timer_lateness_seconds_bucket{le=\"+Inf\"} 6",
            "slad_timer_lateness_seconds_count 6",
            "slad_timer_lateness_seconds_sum 60.006200003",
            "slad_wait_seconds_bucket{queue=\"tech\",le=\"10\"} 1",
            "slad_wait_seconds_bucket{queue=\"other\",le=\"10\"} 0",
            "slad_wait_seconds_count{queue=\"other\"} 1",
            "slad_first_response_seconds_bucket{policy=\"none\",le=\"60\"} 1",
            "slad_resolution_seconds_bucket{policy=\"service-levels\",le=\"60\"} 0",
            "slad_resolution_seconds_bucket{policy=\"service-levels\",le=\"120\"} 1",
            "slad_engine_slice_seconds_bucket{le=\"0.0001\"} 1",
            "slad_fsync_seconds_bucket{le=\"0.0001\"} 0",
            "slad_fsync_seconds_bucket{le=\"0.0002\"} 1",
        ],
    );
}

#[test]
fn commands_are_counted_by_result() {
    let (metrics, mut recorders) = made();
    let took = Duration::from_micros(350);
    recorders.replies.command(0, None, took);
    recorders.replies.command(0, Some(Code::Exists), took);
    recorders.replies.command(1, Some(Code::ExecAbort), took);
    recorders.replies.command(99, None, took);
    shows(
        &metrics,
        &[
            "slad_commands_total{command=\"ticket.open\",result=\"ok\"} 1",
            "slad_commands_total{command=\"ticket.open\",result=\"exists\"} 1",
            "slad_commands_total{command=\"ticket.get\",result=\"execabort\"} 1",
            "slad_commands_total{command=\"other\",result=\"ok\"} 1",
            "slad_label_overflow_total{label=\"command\"} 1",
            "slad_command_seconds_bucket{le=\"0.0003\"} 0",
            "slad_command_seconds_bucket{le=\"0.0004\"} 4",
        ],
    );
    assert!(!metrics.render().unwrap().contains("result=\"gap\""));
}

#[test]
fn figures_show_what_was_published_and_ages_grow_by_the_clock() {
    let (metrics, mut recorders) = made();
    let queue = |queue: &str, waiting, oldest_waiting| QueueFigures {
        queue: queue.into(),
        waiting,
        assigned: 2,
        resolved: 3,
        oldest_waiting,
    };
    let mut figures = Figures {
        queues: vec![
            queue("tech", 7, NOW - 61_500),
            queue("night", 1, NOW - 2_000),
            queue("day", 1, NOW - 1_000),
        ],
        agents: [4, 3, 2, 1],
        timers_active: 9,
    };
    recorders.engine.figures.publish(&figures);
    recorders.engine.figures.publish(&figures);
    shows(
        &metrics,
        &[
            "slad_tickets{queue=\"tech\",state=\"waiting\"} 7",
            "slad_tickets{queue=\"tech\",state=\"assigned\"} 2",
            "slad_tickets{queue=\"tech\",state=\"resolved\"} 3",
            "slad_tickets{queue=\"front-desk\",state=\"waiting\"} 0",
            "slad_tickets{queue=\"other\",state=\"assigned\"} 4",
            "slad_oldest_waiting_seconds{queue=\"tech\"} 61.5",
            "slad_oldest_waiting_seconds{queue=\"other\"} 2",
            "slad_oldest_waiting_seconds{queue=\"front-desk\"} 0",
            "slad_agents{presence=\"ready\"} 4",
            "slad_agents{presence=\"offline\"} 1",
            "slad_timers_active 9",
            "slad_label_overflow_total{label=\"queue\"} 2",
        ],
    );
    figures.queues[0].oldest_waiting = NEVER;
    figures.queues.truncate(1);
    recorders.engine.figures.publish(&figures);
    shows(
        &metrics,
        &[
            "slad_oldest_waiting_seconds{queue=\"tech\"} 0",
            "slad_tickets{queue=\"other\",state=\"assigned\"} 0",
        ],
    );
    assert!(!metrics.render().unwrap().contains("slad_snapshot_age_seconds"));
    recorders.gauges.snapshot(NOW - 5_000);
    recorders.gauges.recovered(Duration::from_millis(1_500));
    recorders.gauges.connections.set(12);
    shows(
        &metrics,
        &[
            "slad_snapshot_age_seconds 5",
            "slad_recovery_seconds 1.5",
            "slad_connections 12",
        ],
    );
}

#[test]
fn the_process_shows_itself() {
    let (metrics, _recorders) = made();
    let page = metrics.render().unwrap();
    let value = |name: &str| -> f64 {
        let line = page.lines().find_map(|l| l.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}"))
            .trim()
            .parse()
            .unwrap()
    };
    assert!(value("process_resident_memory_bytes ") > 1e6);
    assert!(value("process_virtual_memory_bytes ") > value("process_resident_memory_bytes "));
    assert!(value("process_open_fds ") >= 3.0 && value("process_max_fds ") >= value("process_open_fds "));
    assert!(value("process_threads ") >= 2.0);
    assert!(value("process_cpu_seconds_total ") >= 0.0);
    assert!(value("process_start_time_seconds ") > 1.6e9);
    assert!(value("slad_disk_free_bytes ") > 0.0);
    assert!(page.contains(concat!(
        "slad_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"} 1"
    )));
}

#[test]
fn no_series_is_shown_twice_whatever_the_names_are() {
    let clock: Clock = Arc::new(|| NOW);
    let mut twice = labels();
    twice.queues.extend(["tech".into(), OTHER.into()]);
    twice.policies.push(twice.policies[0].clone());
    twice.policies[0].priorities.extend(["P1".into(), OTHER.into()]);
    twice.policies[0]
        .targets
        .extend(["first_response".into(), OTHER.into()]);
    let (metrics, _recorders) = Metrics::new(&twice, PathBuf::from("/"), &clock).unwrap();
    once_each(&metrics);
}

#[track_caller]
fn once_each(metrics: &Metrics) {
    let page = metrics.render().unwrap();
    let mut series: Vec<&str> = page
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| l.rsplit_once(' ').unwrap().0)
        .collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all);
}

/// Every metric that a rule or a dashboard names is one that is exported.
#[test]
fn rules_and_dashboards_name_only_what_is_exported() {
    let (metrics, _recorders) = made();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut files: Vec<_> = ["prometheus", "grafana"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(config.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut named = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if word.starts_with("slad_") || word.starts_with("process_") {
                named += 1;
                assert!(
                    metrics.names().iter().any(|name| name == word),
                    "{}: nobody exports '{word}'",
                    file.display()
                );
            }
        }
    }
    assert!(
        files.len() >= 4 && named >= 20,
        "only {named} names in {files:?}: is the search right?"
    );
}
