//! The engine's figures by name, for INFO.

use crate::engine::Figures;
use crate::model::event::Presence;

/// Gives each figure to `line`.
pub fn write(figures: &Figures, mut line: impl FnMut(&str, u64)) {
    let sum = |of: fn(&crate::engine::QueueCounts) -> u64| figures.queues.iter().map(|q| of(&q.counts)).sum();
    line("tickets", figures.tickets);
    line("tickets_waiting", sum(|c| c.waiting));
    line("tickets_assigned", sum(|c| c.assigned));
    line("tickets_resolved", sum(|c| c.resolved));
    line("tickets_paused", sum(|c| c.paused));
    line("tickets_closed_remembered", figures.closed);
    line("timers_active", figures.timers);
    line("tokens", figures.tokens);
    line("queues", figures.queues.len() as u64);
    line("agents", figures.agents);
    for (presence, count) in Presence::ALL.iter().zip(figures.presences) {
        line(&format!("agents_{}", presence.as_str()), count);
    }
    line("agents_waiting_next", figures.waiting_agents);
    line("agents_capacity", figures.capacity);
}
