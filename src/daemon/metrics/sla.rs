//! Outcomes of clocks and times of tickets, from the events of every frame.
//!
//! A clock that was met in time counts as `met`, one that ran out as `breached`, whether it was met later or not: the two
//! never overlap. `withdrawn` counts breaches that a back-dated fact took back, so `breached - withdrawn` is what
//! stands. Costs two or three hash look-ups an outcome, nothing for other events. Replay is not counted: the counters
//! are of this process, as Prometheus expects.

use super::cells::{Cells, Kind, Rows};
use super::durations::{BUSINESS_BOUNDS, Recorder};
use super::grid::Grid;
use super::growing::{Growing, QUEUES_MAX};
use super::{Clock, Metrics, OTHER, PolicyLabels};
use crate::model::Text;
use crate::model::event::{Body, ClockChange, Closed, Event, TicketFact};
use crate::model::target::Target;
use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::Duration;

pub(super) type Map<V> = HashMap<Text, V, BuildHasherDefault<DefaultHasher>>;

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

pub(super) const OUTCOMES: [&str; 4] = ["met", "breached", "warned", "withdrawn"];

/// Counts outcomes. Owned by the engine's thread.
pub struct SlaRecorder {
    outcomes: Growing,
    overflow: Cells,
    abandoned: Growing,
    jumps: Cells,
    /// Number of each policy; what has none is 0. So with queues.
    policies: Map<usize>,
    grids: Vec<Grid>,
    queues: Map<usize>,
    first_response: Recorder,
    resolution: Recorder,
    waits: Recorder,
}

impl SlaRecorder {
    pub(super) fn new(
        all: &mut Metrics,
        overflow: &Cells,
        clock: &Clock,
    ) -> Result<SlaRecorder, prometheus::Error> {
        let mut layout = Rows::default();
        let mut other = Grid::new();
        other.take(&PolicyLabels::default());
        other.lay_out(OTHER, 0, &mut layout);
        let row = |label| Rows::of(label, [OTHER]);
        Ok(SlaRecorder {
            outcomes: all.growing(
                "slad_sla_outcomes_total",
                "Clocks met in time, breached, warned, and breaches withdrawn: the business's own service levels.",
                Kind::Counter,
                layout,
                clock,
            )?,
            abandoned: all.growing(
                "slad_abandoned_total",
                "Tickets whose customer gave up waiting.",
                Kind::Counter,
                row("queue"),
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
                row("policy"),
                BUSINESS_BOUNDS,
            )?,
            resolution: all.durations(
                "slad_resolution_seconds",
                "From submission (opened_at) to the resolution.",
                row("policy"),
                BUSINESS_BOUNDS,
            )?,
            waits: all.durations(
                "slad_wait_seconds",
                "From coming into the queue to an agent's hands.",
                row("queue"),
                BUSINESS_BOUNDS,
            )?,
            overflow: overflow.clone(),
            policies: Map::default(),
            grids: vec![other],
            queues: Map::default(),
        })
    }

    /// These have rows of their own from now on. A policy that is known gets those of its new priorities and targets; one
    /// that finds no room stays as it is.
    pub(super) fn learn(&mut self, policies: &[PolicyLabels], queues: &[Text]) {
        let mut layout = Rows::default();
        let mut names = Vec::new();
        for policy in policies.iter().filter(|policy| policy.name != OTHER) {
            let known = self.policies.get(&policy.name).copied();
            let mut grid = known.map_or_else(Grid::new, |number| self.grids[number].clone());
            match grid.take(policy) {
                0 => continue,
                rows if rows > self.outcomes.room().saturating_sub(layout.len()) => continue,
                _ => grid.lay_out(&policy.name, self.outcomes.rows(), &mut layout),
            }
            match known {
                Some(number) => self.grids[number] = grid,
                None => {
                    self.policies.insert(policy.name.clone(), self.grids.len());
                    self.grids.push(grid);
                    names.push(&policy.name);
                }
            }
        }
        self.outcomes.grow(layout);
        // Fewer than outcomes, so that there is room.
        self.first_response.grow(Rows::of("policy", &names));
        self.resolution.grow(Rows::of("policy", &names));
        let new = queue_rows(&mut self.queues, queues);
        self.abandoned.grow(Rows::of("queue", &new));
        self.waits.grow(Rows::of("queue", &new));
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
        let Some(grid) = self.grids.get(policy) else {
            return;
        };
        let priority = grid.priority(priority).unwrap_or_else(|| {
            self.overflow.add(Overflow::Priority as usize, 1);
            0
        });
        let target = grid.target(target).unwrap_or_else(|| {
            self.overflow.add(Overflow::Target as usize, 1);
            0
        });
        if let Some(place) = grid.place(priority, target) {
            self.outcomes.add(place + outcome as usize, 1);
        }
    }

    fn policy(&self, name: &str) -> usize {
        let name = name.rsplit_once('@').map_or(name, |(name, _)| name);
        self.policies.get(name).copied().unwrap_or_else(|| {
            self.overflow.add(Overflow::Policy as usize, 1);
            0
        })
    }

    fn queue(&self, name: &str) -> usize {
        self.queues.get(name).copied().unwrap_or_else(|| {
            self.overflow.add(Overflow::Queue as usize, 1);
            0
        })
    }
}

/// Numbers the queues that have no number yet, from 1 on, as long as there is room; these queues.
pub(super) fn queue_rows(numbers: &mut Map<usize>, queues: &[Text]) -> Vec<Text> {
    let mut new = Vec::new();
    for queue in queues {
        if queue != OTHER && !numbers.contains_key(queue) && numbers.len() < QUEUES_MAX {
            numbers.insert(queue.clone(), numbers.len() + 1);
            new.push(queue.clone());
        }
    }
    new
}
