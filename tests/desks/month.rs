//! A month of tickets under all five policies, drawn from a seed, sent through the socket; and the books of who drives it.
//!
//! What a ticket will go through is drawn when it comes; the books are written when each thing is done. They know the
//! standards by hand (budgets, queues, working days) and look at nothing that the daemon says, but that it took the command.

use crate::life::{Do, Life};
use crate::random::Random;
use crate::support::{Client, Daemon, Value, encode};
use std::io::Write;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// Midnight in Shanghai before Monday 7 September 2026.
pub(crate) const START: i64 = 1_788_710_400_000;
/// 36 days: a trailing baseline of 28 days has days to be held against.
pub(crate) const END: i64 = START + 36 * DAY;
/// From here on repairs take four times as long: what the anomaly must show.
const SLUMP: i64 = START + 30 * DAY;

/// Kinds of tickets: policy, class, level, queue, first stage, next stage with its queue, where it escalates to.
type Kind = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, Option<&'static str>)>,
    &'static str,
);
const KINDS: [Kind; 19] = [
    (
        "scenario-catalogue",
        "consult.product",
        "routine",
        "front-desk",
        "",
        None,
        "tech",
    ),
    (
        "scenario-catalogue",
        "consult.policy",
        "routine",
        "front-desk",
        "",
        None,
        "business",
    ),
    (
        "scenario-catalogue",
        "consult.process",
        "routine",
        "front-desk",
        "",
        None,
        "business",
    ),
    (
        "scenario-catalogue",
        "handle.activation",
        "routine",
        "handling",
        "verify",
        Some(("enter", None)),
        "",
    ),
    (
        "scenario-catalogue",
        "handle.profile",
        "routine",
        "account-care",
        "identity",
        Some(("update", None)),
        "",
    ),
    (
        "scenario-catalogue",
        "fault.system",
        "urgent",
        "tech",
        "remote",
        Some(("on-site", Some("on-site"))),
        "",
    ),
    // Twice in the list, so that its slump has tickets enough to be seen.
    (
        "scenario-catalogue",
        "fault.device",
        "critical",
        "operations",
        "dispatch",
        None,
        "",
    ),
    (
        "scenario-catalogue",
        "fault.device",
        "critical",
        "operations",
        "dispatch",
        None,
        "",
    ),
    (
        "scenario-catalogue",
        "complaint.attitude",
        "urgent",
        "complaints",
        "",
        None,
        "",
    ),
    (
        "scenario-catalogue",
        "complaint.outcome",
        "urgent",
        "complaints",
        "",
        None,
        "business",
    ),
    ("service-process", "technical", "P0", "tech-support", "", None, ""),
    ("service-process", "complaint", "P1", "complaints", "", None, ""),
    ("service-process", "consult", "P2", "front-desk", "", None, ""),
    (
        "approval-stages",
        "refund",
        "normal",
        "front-desk",
        "first-review",
        Some(("final-review", Some("finance"))),
        "",
    ),
    ("service-levels", "", "P1", "tech-support", "", None, ""),
    ("service-levels", "", "P2", "business", "", None, ""),
    ("service-levels", "", "P3", "front-desk", "", None, ""),
    ("service-levels", "", "P4", "improvement", "", None, ""),
    (
        "complaint-plan",
        "service",
        "ordinary",
        "complaints",
        "investigate",
        Some(("solution", None)),
        "",
    ),
];

const AGENTS: [&str; 4] = ["li", "wang", "zhao", "chen"];
const REASONS: [&str; 3] = ["slow", "unsolved", "rude"];

/// Draws what a ticket goes through.
fn life(n: usize, dice: &mut Random) -> (Life, Vec<(i64, Do)>) {
    let (policy, class, level, queue, stage, next_stage, chain) = *dice.pick(&KINDS);
    let ms = |dice: &mut Random, to: i64| dice.below(to as u64) as i64 + 1;
    let mut at = START + ms(dice, 35 * DAY);
    let delay = if dice.one_in(4) { ms(dice, 25 * MINUTE) } else { 0 };
    let life = Life {
        id: format!("t{n}"),
        policy,
        class,
        level,
        customer: format!("c{}", dice.below(60)),
        issue: if dice.one_in(3) {
            format!("i{}", dice.below(30))
        } else {
            String::new()
        },
        first_queue: queue,
        queue,
        opened_at: at - delay,
        entered_at: at,
        stage: (!stage.is_empty()).then_some((stage, at - delay)),
        ..Life::default()
    };
    let pace = if class == "fault.device" && at > SLUMP {
        4
    } else {
        1
    };
    let mut steps = vec![(at, Do::Open)];
    let mut then = |dice: &mut Random, within: i64, what: Do| {
        at += ms(dice, within * pace);
        steps.push((at, what));
    };
    let agent: &'static str = AGENTS[dice.below(4) as usize];
    if policy == "service-levels" && level == "P3" && dice.one_in(3) {
        let level = *dice.pick(&["P1", "P2"]);
        then(dice, HOUR, Do::Level(level));
    }
    if dice.one_in(12) {
        return (life, steps); // nobody ever looks at it
    }
    let wait = *dice.pick(&[20 * MINUTE, 2 * HOUR, 8 * HOUR, 40 * HOUR]);
    let by_solution = policy == "complaint-plan" && dice.one_in(4);
    then(dice, wait, if by_solution { Do::Solution } else { Do::Respond });
    then(dice, HOUR, Do::Assign(agent));
    if dice.one_in(4) {
        then(
            dice,
            3 * HOUR,
            Do::Transfer(["tech", "business"][usize::from(queue == "tech")]),
        );
        then(dice, 3 * HOUR, Do::Assign(agent));
    } else if !chain.is_empty() && dice.one_in(4) {
        then(dice, 3 * HOUR, Do::Escalate(chain));
        then(dice, 3 * HOUR, Do::Assign(agent));
    }
    if let Some((stage, queue)) = next_stage.filter(|_| !dice.one_in(4)) {
        then(dice, 30 * HOUR, Do::Stage(stage, queue));
        if queue.is_some() {
            then(dice, 3 * HOUR, Do::Assign(agent));
        }
    }
    if dice.one_in(4) {
        then(dice, 8 * HOUR, Do::Pause);
        then(dice, 30 * HOUR, Do::Resume);
    }
    if dice.one_in(10) {
        return (life, steps); // still open when the month ends
    }
    let work = *dice.pick(&[HOUR, 8 * HOUR, 40 * HOUR, 20 * DAY]);
    then(dice, work, Do::Resolve);
    if dice.one_in(8) {
        // Whoever is slow, the customer is not: after three days the ticket would have closed by itself.
        then(dice, 2 * DAY / pace, Do::Reopen);
        then(dice, HOUR, Do::Assign(agent));
        then(dice, 8 * HOUR, Do::Resolve);
    }
    if !dice.one_in(3) {
        let score = dice.below(5) as i64 + 1;
        let reason = if score <= 2 { *dice.pick(&REASONS) } else { "" };
        then(dice, 2 * DAY, Do::Rate(score, reason));
    }
    (life, steps)
}

fn command(life: &Life, step: Do) -> Vec<String> {
    let id = &life.id;
    let line = match step {
        Do::Open => {
            let mut line = format!(
                "TICKET.OPEN {id} policy {} priority {} customer {} segment vip channel phone opened_at {} \
                 has description,outcome,wanted,contact,question_record,consultation_record,follow_up_record",
                life.policy, life.level, life.customer, life.opened_at
            );
            for (name, value) in [("class", life.class), ("issue", &life.issue)] {
                if !value.is_empty() {
                    line += &format!(" {name} {value}");
                }
            }
            line
        }
        Do::Level(level) => format!("TICKET.SET {id} priority {level} reason disputed"),
        Do::Respond => format!("TICKET.RESPOND {id}"),
        Do::Solution => format!("TICKET.MARK {id} solution_sent"),
        Do::Assign(agent) => format!("TICKET.ASSIGN {id} {agent}"),
        Do::Transfer(queue) => format!("TICKET.TRANSFER {id} {queue}"),
        Do::Escalate(_) => format!("TICKET.ESCALATE {id}"),
        Do::Stage(stage, _) => format!("TICKET.STAGE {id} {stage}"),
        Do::Pause => format!("TICKET.PAUSE {id} reason customer"),
        Do::Resume => format!("TICKET.RESUME {id}"),
        Do::Resolve => format!("TICKET.RESOLVE {id}"),
        Do::Reopen => format!("TICKET.REOPEN {id}"),
        Do::Rate(score, "") => format!("TICKET.RATE {id} {score}"),
        Do::Rate(score, reason) => format!("TICKET.RATE {id} {score} reason {reason}"),
    };
    crate::feed::words(&line)
}

/// Lives a month: the books, at its end.
pub(crate) fn live(tickets: usize, seed: u64) -> (Daemon, Vec<Life>) {
    let mut dice = Random::new(seed);
    let clock = format!("--virtual-clock={}", START - HOUR);
    let daemon = Daemon::start(&[&clock, "--sync", "never"]);
    let mut client = daemon.client();
    for agent in AGENTS {
        client.cmd(&["AGENT.SET", agent, "capacity", "1000"]);
    }
    let mut lives = Vec::new();
    let mut steps: Vec<(i64, usize, usize, Do)> = Vec::new();
    for n in 0..tickets {
        let (life, own) = life(n, &mut dice);
        steps.extend(
            own.iter()
                .enumerate()
                .map(|(order, (at, what))| (*at, n, order, *what)),
        );
        lives.push(life);
    }
    steps.retain(|(at, ..)| *at < END);
    steps.sort_by_key(|(at, n, order, _)| (*at, *n, *order));
    lives.iter_mut().for_each(|life: &mut Life| {
        if life.entered_at >= END {
            life.id.clear();
        }
    });
    for batch in steps.chunks(200) {
        let mut bytes = Vec::new();
        for (at, n, _, what) in batch {
            bytes.extend(encode(&["CLOCK.SET", &at.to_string()]));
            let words = command(&lives[*n], *what);
            bytes.extend(encode(&words.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        client.stream.write_all(&bytes).unwrap();
        for (at, n, _, what) in batch {
            taken(&mut client, &format!("CLOCK.SET {at}"));
            taken(&mut client, &format!("{:?}", command(&lives[*n], *what)));
            lives[*n].enter(*at, *what);
        }
    }
    client.cmd(&["CLOCK.SET", &END.to_string()]);
    lives.retain(|life| !life.id.is_empty());
    lives.iter_mut().for_each(Life::close);
    (daemon, lives)
}

fn taken(client: &mut Client, command: &str) {
    let reply = client.reply();
    assert!(matches!(reply, Value::Int(_)), "{command}: {reply:?}");
}
