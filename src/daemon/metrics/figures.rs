//! How many there are: the engine's thread publishes, whoever asks reads.

use super::cells::{Cells, Kind, Rows};
use super::growing::Growing;
use super::sla::{Overflow, queue_rows};
use super::{Clock, Metrics, OTHER};
use crate::model::event::{Presence, TicketState};
use crate::model::{NEVER, Text, UnixMs};
use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// What the engine knows of its own sizes.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Each queue that has or had tickets.
    pub queues: Vec<QueueFigures>,
    /// Agents by presence, in the order of [`Presence::ALL`].
    pub agents: [u64; Presence::ALL.len()],
    /// Entries of the wheel.
    pub timers_active: u64,
}

/// What the engine knows of one queue.
#[derive(Debug, Clone)]
pub struct QueueFigures {
    /// Its name.
    pub queue: Text,
    /// Tickets in it that wait, paused ones included.
    pub waiting: u64,
    /// Tickets of it in agents' hands.
    pub assigned: u64,
    /// Tickets of it that are resolved and not yet closed.
    pub resolved: u64,
    /// `opened_at` of the ticket that has waited longest; [`NEVER`]: none waits.
    pub oldest_waiting: UnixMs,
}

/// States that are counted: closed tickets have left memory.
const STATES: [TicketState; 3] = [TicketState::Waiting, TicketState::Assigned, TicketState::Resolved];

/// Publishes figures. Owned by the engine's thread; costs some ten stores a queue.
pub struct FiguresRecorder {
    tickets: Growing,
    oldest: Growing,
    agents: Cells,
    timers: Cells,
    overflow: Cells,
    queues: HashMap<Text, usize, BuildHasherDefault<DefaultHasher>>,
    /// Sums by row, kept to be reused: queues without a label of their own share the first row.
    sums: Vec<([u64; STATES.len()], UnixMs)>,
    /// Queues that were given to `other` the last time: each is counted once while it stays.
    overflowing: u64,
}

impl FiguresRecorder {
    pub(super) fn new(
        all: &mut Metrics,
        overflow: &Cells,
        clock: &Clock,
    ) -> Result<FiguresRecorder, prometheus::Error> {
        let mut tickets = Rows::default();
        ticket_rows(&mut tickets, OTHER);
        Ok(FiguresRecorder {
            tickets: all.growing(
                "slad_tickets",
                "Tickets in memory, by state.",
                Kind::Gauge,
                tickets,
                clock,
            )?,
            oldest: all.growing(
                "slad_oldest_waiting_seconds",
                "How long ago the longest waiting ticket was submitted; 0: none waits.",
                Kind::Age { none: Some(0.0) },
                Rows::of("queue", [OTHER]),
                clock,
            )?,
            agents: all.family(
                "slad_agents",
                "Agents by presence.",
                Kind::Gauge,
                Rows::of("presence", Presence::ALL.iter().map(|p| p.as_str())),
                clock,
            )?,
            timers: all.family(
                "slad_timers_active",
                "Entries of the timing wheel: one a ticket with something to come.",
                Kind::Gauge,
                Rows::single(),
                clock,
            )?,
            overflow: overflow.clone(),
            queues: HashMap::default(),
            sums: vec![Default::default()],
            overflowing: 0,
        })
    }

    /// These queues have rows of their own from now on.
    pub(super) fn learn(&mut self, queues: &[Text]) {
        let new = queue_rows(&mut self.queues, queues);
        let mut tickets = Rows::default();
        new.iter().for_each(|queue| ticket_rows(&mut tickets, queue));
        self.tickets.grow(tickets);
        self.oldest.grow(Rows::of("queue", &new));
        self.sums.resize(self.queues.len() + 1, Default::default());
    }

    /// Publishes. Queues that are not among the figures show 0.
    pub fn publish(&mut self, figures: &Figures) {
        self.sums.fill(([0; STATES.len()], NEVER));
        let mut overflowing = 0;
        for queue in &figures.queues {
            let row = self.queues.get(&queue.queue).copied().unwrap_or_else(|| {
                overflowing += 1;
                0
            });
            if let Some((counts, oldest)) = self.sums.get_mut(row) {
                for (sum, n) in counts
                    .iter_mut()
                    .zip([queue.waiting, queue.assigned, queue.resolved])
                {
                    *sum += n;
                }
                *oldest = (*oldest).min(queue.oldest_waiting);
            }
        }
        for (row, (counts, oldest)) in self.sums.iter().enumerate() {
            for (state, n) in counts.iter().enumerate() {
                self.tickets.set(row * STATES.len() + state, *n);
            }
            self.oldest.set(row, oldest.cast_unsigned());
        }
        for (row, n) in figures.agents.iter().enumerate() {
            self.agents.set(row, *n);
        }
        self.timers.set(0, figures.timers_active);
        self.overflow.add(
            Overflow::Queue as usize,
            u64::saturating_sub(overflowing, self.overflowing),
        );
        self.overflowing = overflowing;
    }
}

/// A row for each state.
fn ticket_rows(rows: &mut Rows, queue: &str) {
    for state in STATES {
        rows.push(&[("state", state.as_str()), ("queue", queue)], true);
    }
}
