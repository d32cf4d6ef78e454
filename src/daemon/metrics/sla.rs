//! Outcomes of clocks and times of tickets, from the events of every frame.
//!
//! A clock that was met in time counts as `met`, one that ran out as `breached`, whether it was met later or not: the two
//! never overlap. `withdrawn` counts breaches that a back-dated fact took back, so `breached - withdrawn` is what
//! stands. Costs two or three hash look-ups an outcome, nothing for other events. Replay is not counted: the counters
//! are of this process, as Prometheus expects.

use super::cells::{Cells, Kind, Rows};
use super::durations::{BUSINESS_BOUNDS, Recorder};
use super::{Clock, Labels, Metrics, OTHER};
use crate::model::Text;
use crate::model::event::{Body, ClockChange, Closed, Event, TicketFact};
use crate::model::target::{PLAIN, Target};
use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::Duration;

type Map<V> = HashMap<Text, V, BuildHasherDefault<DefaultHasher>>;

/// Which label did not fit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Overflow {
    Policy,
    Priority,
    Target,
    Queue,
    Command,
}

pub(super) fn overflow_rows() -> Rows {
    Rows::of("label", ["policy", "priority", "target", "queue", "command"])
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Met,
    Breached,
    Warned,
    Withdrawn,
}

const OUTCOMES: [&str; 4] = ["met", "breached", "warned", "withdrawn"];

/// Where the outcomes of one policy are.
struct PolicyRows {
    first: usize,
    priorities: Map<usize>,
    /// Number of priorities, `other` included, which is the last.
    priorities_len: usize,
    /// Targets with a name of their own; the plain ones come first, `other` last.
    named: Map<usize>,
    /// Number of targets, plain ones and `other` included.
    targets_len: usize,
}

/// Counts outcomes. Owned by the engine's thread.
pub struct SlaRecorder {
    outcomes: Cells,
    overflow: Cells,
    abandoned: Cells,
    jumps: Cells,
    policies: Map<usize>,
    /// The last is `other`.
    rows: Vec<PolicyRows>,
    queues: Map<usize>,
    first_response: Recorder,
    resolution: Recorder,
    waits: Recorder,
}

impl SlaRecorder {
    pub(super) fn new(
        all: &mut Metrics,
        labels: &Labels,
        overflow: &Cells,
        clock: &Clock,
    ) -> Result<SlaRecorder, prometheus::Error> {
        let mut rows = Vec::new();
        let mut layout = Rows::default();
        let other = super::PolicyLabels {
            name: Text::const_new(OTHER),
            ..Default::default()
        };
        for policy in labels.policies.iter().chain([&other]) {
            rows.push(lay_out(policy, &mut layout));
        }
        let policy_names = || labels.policies.iter().map(|p| p.name.as_str()).chain([OTHER]);
        let queue_names = || labels.queues.iter().map(Text::as_str).chain([OTHER]);
        Ok(SlaRecorder {
            outcomes: all.family(
                "slad_sla_outcomes_total",
                "Clocks met in time, breached, warned, and breaches withdrawn: the business's own service levels.",
                Kind::Counter,
                layout,
                clock,
            )?,
            abandoned: all.family(
                "slad_abandoned_total",
                "Tickets whose customer gave up waiting.",
                Kind::Counter,
                Rows::of("queue", queue_names()),
                clock,
            )?,
            jumps: all.family(
                "slad_clock_jumps_total",
                "Steps of the wall clock by more than 100 ms, those that froze the timers included.",
                Kind::Counter,
                Rows::single(),
                clock,
            )?,
            first_response: all.durations(
                "slad_first_response_seconds",
                "From submission (opened_at) to the first response.",
                Rows::of("policy", policy_names()),
                BUSINESS_BOUNDS,
            )?,
            resolution: all.durations(
                "slad_resolution_seconds",
                "From submission (opened_at) to the resolution.",
                Rows::of("policy", policy_names()),
                BUSINESS_BOUNDS,
            )?,
            waits: all.durations(
                "slad_wait_seconds",
                "From coming into the queue to an agent's hands.",
                Rows::of("queue", queue_names()),
                BUSINESS_BOUNDS,
            )?,
            overflow: overflow.clone(),
            policies: places(labels.policies.iter().map(|p| &p.name)),
            rows,
            queues: places(&labels.queues),
        })
    }

    /// Counts what an event says of clocks. Give it every event of every frame that is not replayed.
    pub fn observe(&mut self, event: &Event) {
        let ticket = match &event.body {
            // What an imported ticket had met elsewhere is no outcome of this daemon.
            Body::Ticket(ticket) if matches!(ticket.fact, TicketFact::Imported(_)) => return,
            Body::Ticket(ticket) => ticket,
            Body::ClockJumped(jump) if jump.is_step() => return self.jumps.add(0, 1),
            _ => return,
        };
        match &ticket.fact {
            TicketFact::Warned(sla) => {
                self.count(&sla.policy, &sla.priority, &sla.target, Outcome::Warned);
            }
            TicketFact::Breached(sla) => {
                self.count(&sla.policy, &sla.priority, &sla.target, Outcome::Breached);
            }
            TicketFact::Withdrawn(w) if w.breach => {
                self.count(&w.sla.policy, &w.sla.priority, &w.sla.target, Outcome::Withdrawn);
            }
            TicketFact::Closed {
                how: Closed::Abandoned,
            } => {
                let queue = self.queue(&ticket.queue);
                self.abandoned.add(queue, 1);
            }
            _ => {}
        }
        let Some(clocks) = ticket.clocks.as_deref() else {
            return;
        };
        for effect in &clocks.effects {
            if let ClockChange::Met { at, due } = effect.change
                && at <= due
            {
                self.count(&clocks.policy, &clocks.priority, &effect.target, Outcome::Met);
            }
        }
    }

    /// A ticket got its first response, this long after its submission. `policy` with or without its version.
    pub fn first_response(&mut self, policy: &str, after: Duration) {
        let row = self.policy(policy);
        self.first_response.record(row, after);
    }

    /// A ticket was resolved, this long after its submission. `policy` with or without its version.
    pub fn resolved(&mut self, policy: &str, after: Duration) {
        let row = self.policy(policy);
        self.resolution.record(row, after);
    }

    /// A ticket came to an agent, this long after it came into the queue.
    pub fn waited(&mut self, queue: &str, took: Duration) {
        let row = self.queue(queue);
        self.waits.record(row, took);
    }

    fn count(&mut self, policy: &str, priority: &str, target: &Target, outcome: Outcome) {
        let policy = self.policy(policy);
        let Some(rows) = self.rows.get(policy) else { return };
        let priority = rows.priorities.get(priority).copied().unwrap_or_else(|| {
            self.overflow.add(Overflow::Priority as usize, 1);
            rows.priorities_len - 1
        });
        let plain = PLAIN.iter().position(|(plain, _)| plain == target);
        let target = plain.or_else(|| rows.named.get(target.to_string().as_str()).copied());
        let target = target.unwrap_or_else(|| {
            self.overflow.add(Overflow::Target as usize, 1);
            rows.targets_len - 1
        });
        let place = rows.first + (priority * rows.targets_len + target) * OUTCOMES.len() + outcome as usize;
        self.outcomes.add(place, 1);
    }

    fn policy(&self, name: &str) -> usize {
        let name = name.rsplit_once('@').map_or(name, |(name, _)| name);
        self.policies.get(name).copied().unwrap_or_else(|| {
            self.overflow.add(Overflow::Policy as usize, 1);
            self.rows.len() - 1
        })
    }

    fn queue(&self, name: &str) -> usize {
        self.queues.get(name).copied().unwrap_or_else(|| {
            self.overflow.add(Overflow::Queue as usize, 1);
            self.queues.len()
        })
    }
}

pub(super) fn places<'a>(names: impl IntoIterator<Item = &'a Text>) -> Map<usize> {
    names
        .into_iter()
        .enumerate()
        .map(|(place, name)| (name.clone(), place))
        .collect()
}

/// Rows of one policy: each priority, each target, each outcome; `other` last. All but `other` are shown from the start,
/// for any due can be set by hand, and a first breach has to be an increase: a new series that begins at 1 is none.
fn lay_out(policy: &super::PolicyLabels, layout: &mut Rows) -> PolicyRows {
    let first = layout.len();
    let named: Vec<&Text> = policy
        .targets
        .iter()
        .filter(|t| PLAIN.iter().all(|(_, plain)| plain != t))
        .collect();
    let targets: Vec<&str> = PLAIN
        .iter()
        .map(|(_, spelled)| *spelled)
        .chain(named.iter().map(|t| t.as_str()))
        .chain([OTHER])
        .collect();
    for priority in policy.priorities.iter().map(Text::as_str).chain([OTHER]) {
        for target in &targets {
            for outcome in OUTCOMES {
                let always = priority != OTHER && *target != OTHER;
                layout.push(
                    &[
                        ("policy", &policy.name),
                        ("target", target),
                        ("priority", priority),
                        ("outcome", outcome),
                    ],
                    always,
                );
            }
        }
    }
    PolicyRows {
        first,
        priorities: places(&policy.priorities),
        priorities_len: policy.priorities.len() + 1,
        named: named
            .into_iter()
            .enumerate()
            .map(|(i, t)| (t.clone(), PLAIN.len() + i))
            .collect(),
        targets_len: targets.len(),
    }
}
