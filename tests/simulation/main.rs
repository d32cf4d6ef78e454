//! The judge: the daemon against a model written a second, independent way (lists and scans).
//!
//! Two ways to ask it. `scenarios` are tables written by hand, each step with the reply and the events that the
//! contract promises; they run against the model and through the daemon's socket. `drive` sends random commands
//! through the socket and compares every reply, and again and again the whole feed and state, with the model's.
//!
//! And `crashes`: the engine and the journal without a daemon, over a simulated disk, killed and damaged in every way.
//!
//! `SLAD_SEED=n` replays one seed; `SLAD_TEST_LONG=1` runs 20 seeds of 20,000 commands.

#![expect(unreachable_pub, reason = "the modules of a test binary are one unit")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails loudly"
)]

mod crashes;
mod daemon;
mod drive;
mod generator;
mod model;
mod resp;
mod scenarios;
mod stand_in;
mod value;
mod words;

/// Runs the tables through the socket.
#[test]
fn the_daemon_satisfies_every_scenario() {
    println!(
        "{} scenarios through the socket",
        scenarios::play_all(scenarios::Real::new)
    );
}

/// The tables of policies: every row of the service desks' standards, and what the rules of clocks promise.
#[test]
fn the_daemon_keeps_the_policies() {
    println!("{} tables of policies", scenarios::play_policies());
}

/// Random commands: the same replies, the same order, the same events.
#[test]
fn the_daemon_does_what_the_model_does() {
    let (seeds, steps) = match std::env::var("SLAD_TEST_LONG") {
        Ok(_) => (20, 20_000),
        Err(_) => (6, 10_000),
    };
    let seeds: Vec<u64> = match std::env::var("SLAD_SEED").ok().and_then(|s| s.parse().ok()) {
        Some(seed) => vec![seed],
        None => (1..=seeds).collect(),
    };
    for seed in seeds {
        let f = drive::run(Box::new(daemon::Daemon::start()), seed, steps);
        println!(
            "seed {seed}: {steps} steps, {} replies ({} refused), {} waits ended, {} events: 0 differences",
            f.replies, f.refused, f.waits, f.events
        );
    }
}

/// The generator reaches what it is meant to reach: every kind of event, and every reply code.
#[test]
fn the_generator_reaches_everything() {
    let mut model = model::Model::new(2);
    let mut generator = generator::Generator::new(7);
    let mut codes = std::collections::BTreeMap::<String, u64>::new();
    let mut count = |reply: &value::Value| {
        for code in reply.code().split('|').filter(|c| !c.is_empty()) {
            *codes.entry(code.to_owned()).or_default() += 1;
        }
    };
    let mut live_most = 0;
    for _ in 0..40_000 {
        match generator.step(&model) {
            generator::Step::One(args) => {
                if let Some(reply) = model.apply(0, &args) {
                    count(&reply);
                }
            }
            generator::Step::Multi(group) => {
                if group.iter().all(|args| model::Model::queueable(args).is_ok()) {
                    model.exec(&group);
                }
            }
            generator::Step::Block(args) => {
                let busy = model.waiting_conns();
                if let Some(conn) = (1..7).find(|c| !busy.contains(c)) {
                    model.apply(conn, &args);
                }
            }
        }
        live_most = live_most.max(model.live().len());
    }
    let mut kinds = std::collections::BTreeMap::<&str, u64>::new();
    for (_, event) in &model.events {
        *kinds.entry(slad::model::fields::kind(event)).or_default() += 1;
    }
    println!(
        "{kinds:?}\n{codes:?}\n{live_most} live at most, {} NEXTs woken",
        model.wakes.len()
    );
    for code in [
        "ERR", "BADARG", "NOTFOUND", "EXISTS", "STATE", "REQUIRED", "LIMIT",
    ] {
        assert!(codes.get(code).is_some_and(|n| *n > 10), "{code} in {codes:?}");
    }
    for kind in [
        "ticket.opened",
        "ticket.inbound",
        "ticket.responded",
        "ticket.progressed",
        "ticket.marked",
        "ticket.paused",
        "ticket.resumed",
        "ticket.changed",
        "ticket.assigned",
        "ticket.released",
        "ticket.transferred",
        "ticket.resolved",
        "ticket.reopened",
        "ticket.rated",
        "ticket.closed",
        "ticket.stage",
        "ticket.extension_requested",
        "ticket.extended",
        "ticket.extension_rejected",
        "sla.warned",
        "sla.breached",
        "sla.withdrawn",
        "agent.changed",
        "agent.presence",
        "queue.changed",
        "clock.jumped",
    ] {
        assert!(
            // Rare by nature: declaring a queue, and dating a fact back to before the breach that it undoes.
            kinds.get(kind).is_some_and(|n| *n > 5
                || (*n > 2
                    && ["queue.changed", "sla.withdrawn", "ticket.extension_rejected"].contains(&kind))),
            "{kind} in {kinds:?}"
        );
    }
}

/// The driver, tried on the model behind a socket: no difference; and with one wrong reply in a thousand: a difference,
/// with what is needed to look into it.
#[test]
fn the_driver_notices_a_wrong_reply_and_nothing_else() {
    let site = |fault| Box::new(stand_in::StandIn::start(fault));
    let figures = drive::run(site(|_, _| {}), 4, 3_000);
    assert!(
        figures.waits > 20 && figures.refused > 200 && figures.events > 2_000,
        "it did something"
    );
    let faults: [stand_in::Fault; 2] = [
        |n, reply| match reply {
            value::Value::Int(seq) if n > 900 => *seq += 1,
            _ => {}
        },
        |n, reply| match reply {
            value::Value::Error(line) if n > 900 && line.starts_with("STATE") => *line = "LIMIT".to_owned(),
            _ => {}
        },
    ];
    for fault in faults {
        let run = std::panic::catch_unwind(|| drive::run(site(fault), 4, 3_000));
        let said = run
            .err()
            .and_then(|e| e.downcast::<String>().ok())
            .expect("a difference");
        for part in ["SLAD_SEED=4", "expected", "got", "last commands"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
