//! A month of tickets under all five policies, drawn from a seed, sent through the socket; and the books of who drives it.
//!
//! What a ticket will go through is drawn when it comes; the books are written when each thing is done. They know the
//! standards by hand (budgets, queues, working days) and look at nothing that the daemon says, but that it took the command.

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

/// Business days of these weeks, by hand: days after 7 September that are no working days: weekends but for the make-up days
/// 20 September (13) and 10 October (33), 25-27 September (18-20), 1-7 October (24-30).
const CLOSED: [i64; 16] = [5, 6, 12, 18, 19, 20, 24, 25, 26, 27, 28, 29, 30, 34, 40, 41];

/// What is known of a ticket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    pub(crate) id: String,
    pub(crate) policy: &'static str,
    pub(crate) class: &'static str,
    pub(crate) level: &'static str,
    pub(crate) customer: String,
    pub(crate) issue: String,
    /// Where it was opened, and where it is.
    pub(crate) first_queue: &'static str,
    pub(crate) queue: &'static str,
    pub(crate) opened_at: i64,
    pub(crate) entered_at: i64,
    pub(crate) responded_at: Option<i64>,
    /// Another level: when, and which it was before.
    pub(crate) relevelled: Option<(i64, &'static str)>,
    pub(crate) paused_at: Option<i64>,
    /// While the customer was waited for, and between a resolution and the reopening.
    pub(crate) stood_still: i64,
    pub(crate) resolved_at: Option<i64>,
    /// Queue and instant of every resolution.
    pub(crate) resolutions: Vec<(&'static str, i64)>,
    pub(crate) transfers: u32,
    pub(crate) escalations: u32,
    pub(crate) reopenings: u32,
    /// Begun, stage; and what was spent in those that are over.
    pub(crate) stage: Option<(&'static str, i64)>,
    pub(crate) stages: Vec<(&'static str, i64, i64)>,
    pub(crate) held_since: Option<i64>,
    pub(crate) handled: i64,
    pub(crate) rating: Option<(i64, &'static str)>,
    /// Stages and targets over their time: worked out by [`Life::close`].
    pub(crate) over: Vec<(String, bool)>,
}

/// What is done to a ticket.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Do {
    Open,
    Level(&'static str),
    Respond,
    Solution,
    Assign(&'static str),
    Transfer(&'static str),
    Escalate(&'static str),
    Stage(&'static str, Option<&'static str>),
    Pause,
    Resume,
    Resolve,
    Reopen,
    Rate(i64, &'static str),
}

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
    ("scenario-catalogue", "consult.product", "routine", "front-desk", "", None, "tech"),
    ("scenario-catalogue", "consult.policy", "routine", "front-desk", "", None, "business"),
    ("scenario-catalogue", "consult.process", "routine", "front-desk", "", None, "business"),
    ("scenario-catalogue", "handle.activation", "routine", "handling", "verify", Some(("enter", None)), ""),
    ("scenario-catalogue", "handle.profile", "routine", "account-care", "identity", Some(("update", None)), ""),
    ("scenario-catalogue", "fault.system", "urgent", "tech", "remote", Some(("on-site", Some("on-site"))), ""),
    ("scenario-catalogue", "fault.device", "critical", "operations", "dispatch", None, ""),
    ("scenario-catalogue", "fault.device", "critical", "operations", "dispatch", None, ""),
    ("scenario-catalogue", "complaint.attitude", "urgent", "complaints", "", None, ""),
    ("scenario-catalogue", "complaint.outcome", "urgent", "complaints", "", None, "business"),
    ("service-process", "technical", "P0", "tech-support", "", None, ""),
    ("service-process", "complaint", "P1", "complaints", "", None, ""),
    ("service-process", "consult", "P2", "front-desk", "", None, ""),
    ("approval-stages", "refund", "normal", "front-desk", "first-review", Some(("final-review", Some("finance"))), ""),
    ("service-levels", "", "P1", "tech-support", "", None, ""),
    ("service-levels", "", "P2", "business", "", None, ""),
    ("service-levels", "", "P3", "front-desk", "", None, ""),
    ("service-levels", "", "P4", "improvement", "", None, ""),
    ("complaint-plan", "service", "ordinary", "complaints", "investigate", Some(("solution", None)), ""),
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
        issue: if dice.one_in(3) { format!("i{}", dice.below(30)) } else { String::new() },
        first_queue: queue,
        queue,
        opened_at: at - delay,
        entered_at: at,
        stage: (!stage.is_empty()).then_some((stage, at - delay)),
        ..Life::default()
    };
    let pace = if class == "fault.device" && at > SLUMP { 4 } else { 1 };
    let mut steps = vec![(at, Do::Open)];
    let mut then = |dice: &mut Random, within: i64, what: Do| {
        at += ms(dice, within * pace);
        steps.push((at, what));
    };
    if policy == "service-levels" && level == "P3" && dice.one_in(3) {
        then(dice, HOUR, Do::Level(if dice.one_in(2) { "P1" } else { "P2" }));
    }
    if dice.one_in(12) {
        return (life, steps); // nobody ever looks at it
    }
    let wait = *dice.pick(&[20 * MINUTE, 2 * HOUR, 8 * HOUR, 40 * HOUR]);
    let by_solution = policy == "complaint-plan" && dice.one_in(4);
    then(dice, wait, if by_solution { Do::Solution } else { Do::Respond });
    then(dice, HOUR, Do::Assign(dice.pick(&AGENTS)));
    if dice.one_in(4) {
        then(dice, 3 * HOUR, Do::Transfer(["tech", "business"][usize::from(queue == "tech")]));
        then(dice, 3 * HOUR, Do::Assign(dice.pick(&AGENTS)));
    } else if !chain.is_empty() && dice.one_in(4) {
        then(dice, 3 * HOUR, Do::Escalate(chain));
        then(dice, 3 * HOUR, Do::Assign(dice.pick(&AGENTS)));
    }
    if let Some((stage, queue)) = next_stage.filter(|_| !dice.one_in(4)) {
        then(dice, 30 * HOUR, Do::Stage(stage, queue));
        if queue.is_some() {
            then(dice, 3 * HOUR, Do::Assign(dice.pick(&AGENTS)));
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
        then(dice, 2 * DAY, Do::Reopen);
        then(dice, HOUR, Do::Assign(dice.pick(&AGENTS)));
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

impl Life {
    /// It was done.
    fn enter(&mut self, at: i64, step: Do) {
        let let_go = |life: &mut Life| {
            life.handled += life.held_since.take().map_or(0, |since| at - since);
        };
        match step {
            Do::Open => {}
            Do::Level(level) => {
                self.relevelled = Some((at, self.level));
                self.level = level;
                self.queue = if level == "P1" { "tech-support" } else { "business" };
            }
            Do::Respond | Do::Solution => self.responded_at = Some(at),
            Do::Assign(_) => self.held_since = Some(at),
            Do::Transfer(queue) | Do::Escalate(queue) => {
                let_go(self);
                self.queue = queue;
                match step {
                    Do::Transfer(_) => self.transfers += 1,
                    _ => self.escalations += 1,
                }
            }
            Do::Stage(stage, queue) => {
                self.leave_stage(at);
                self.stage = Some((stage, at));
                if let Some(queue) = queue {
                    let_go(self);
                    self.queue = queue;
                }
            }
            Do::Pause => self.paused_at = Some(at),
            Do::Resume => self.stood_still += self.paused_at.take().map_or(0, |since| at - since),
            Do::Resolve => {
                let_go(self);
                self.resolved_at = Some(at);
                self.resolutions.push((self.queue, at));
                if let Some((stage, since)) = self.stage {
                    self.stages.push((stage, since, at));
                }
            }
            Do::Reopen => {
                let gap = at - self.resolved_at.take().expect("it was resolved");
                self.stood_still += gap;
                self.reopenings += 1;
                if let Some((_, since)) = &mut self.stage {
                    *since = at;
                }
            }
            Do::Rate(score, reason) => self.rating = Some((score, reason)),
        }
    }

    fn leave_stage(&mut self, at: i64) {
        if let Some((stage, since)) = self.stage.take() {
            self.stages.push((stage, since, at));
        }
    }

    /// The month is over: which targets took too long, and whether only because of another level.
    fn close(&mut self) {
        let first = |level| first_response(self.policy, self.class, level, self.opened_at);
        let ended = self.responded_at.or(self.resolved_at).unwrap_or(END);
        let mut over = self.is_over(first, ended, 0).map(|by_level| ("first_response".to_owned(), by_level));
        self.over.extend(over.take());
        let resolution = |level| resolution(self.policy, self.class, level, self.opened_at);
        let ended = self.resolved_at.or(self.paused_at).unwrap_or(END);
        let over = self.is_over(resolution, ended, self.stood_still);
        self.over.extend(over.map(|by_level| ("resolution".to_owned(), by_level)));
        // Time in a stage is of its own: what lay between a resolution and a reopening is in none.
        let mut spent: Vec<(&'static str, i64)> = Vec::new();
        let open = self.stage.filter(|_| self.resolved_at.is_none());
        for (stage, from, to) in self.stages.iter().copied().chain(open.map(|(s, from)| (s, from, END))) {
            match spent.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, sum)) => *sum += to - from,
                None => spent.push((stage, to - from)),
            }
        }
        for (stage, spent) in spent {
            let budget = match stage {
                "first-review" => 2 * HOUR,
                "final-review" => 4 * HOUR,
                "investigate" | "solution" => 48 * HOUR,
                _ => continue,
            };
            if spent > budget {
                self.over.push((format!("stage:{stage}"), false));
            }
        }
    }

    /// `Some(true)`: only because its level changed.
    fn is_over(&self, due: impl Fn(&str) -> Option<i64>, ended: i64, stood_still: i64) -> Option<bool> {
        let now = due(self.level)?;
        match self.relevelled {
            Some((at, before)) if due(before).is_some_and(|due| ended.min(at) > due) => Some(false),
            Some((at, _)) if ended > at && at > now => Some(true),
            _ => (ended - stood_still > now).then_some(false),
        }
    }
}

/// When the first response is due, by the standards.
fn first_response(policy: &str, class: &str, level: &str, opened_at: i64) -> Option<i64> {
    let within = match (policy, class, level) {
        ("scenario-catalogue", "complaint.attitude", _) => HOUR,
        ("scenario-catalogue", _, "critical") => HOUR,
        ("scenario-catalogue", _, "urgent") => 4 * HOUR,
        ("scenario-catalogue", ..) => 24 * HOUR,
        ("service-process", _, "P0") => 30 * MINUTE,
        ("service-process", _, "P1") => 2 * HOUR,
        ("service-process", ..) => 24 * HOUR,
        ("service-levels", _, "P1") => 15 * MINUTE,
        ("service-levels", _, "P2") => 30 * MINUTE,
        ("service-levels", _, "P3") => 2 * HOUR,
        ("service-levels", ..) => return Some(business_days(opened_at, 3)),
        ("complaint-plan", ..) => 24 * HOUR,
        _ => return None,
    };
    Some(opened_at + within)
}

/// When it is to be resolved.
fn resolution(policy: &str, class: &str, level: &str, opened_at: i64) -> Option<i64> {
    let within = match (policy, class, level) {
        (_, "fault.device", _) | ("service-levels", _, "P2") => 24 * HOUR,
        ("service-levels", _, "P1") => 2 * HOUR,
        ("service-levels", _, "P3") => return Some(business_days(opened_at, 1)),
        ("service-levels", _, "P4") => 14 * DAY,
        _ => return None,
    };
    Some(opened_at + within)
}

/// 18:00 of the n-th working day after the one of `from`, day by day.
fn business_days(from: i64, n: u32) -> i64 {
    let mut day = (from - START).div_euclid(DAY);
    for _ in 0..n {
        day += 1;
        while CLOSED.contains(&day) {
            day += 1;
        }
    }
    START + day * DAY + 18 * HOUR
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
        steps.extend(own.iter().enumerate().map(|(order, (at, what))| (*at, n, order, *what)));
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
