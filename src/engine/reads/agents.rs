//! AGENT.GET and AGENT.LIST.

use super::ticket::{text, texts};
use crate::engine::agent::Agent;
use crate::engine::state::State;
use crate::model::event::Presence;
use crate::model::reply::Reply;
use crate::model::{Refusal, Text};
use std::fmt::Write;

/// One agent, with the tickets in hand.
pub(super) fn get(state: &State, id: &Text) -> Reply {
    let Some((slot, agent)) = state
        .agent_slot(id)
        .and_then(|slot| Some((slot, state.agents.get(slot)?)))
    else {
        return Refusal::not_found(format!("agent '{id}' is not known: create it with AGENT.SET")).into();
    };
    let mut pairs = pairs(state, slot, agent);
    let held = agent
        .held
        .values()
        .filter_map(|ticket| state.tickets.get(*ticket));
    let tickets = held.map(|ticket| Reply::Bulk(ticket.id.clone())).collect();
    let last = pairs.len() - 1;
    pairs.insert(last, ("tickets", Reply::List(tickets)));
    Reply::Map(pairs)
}

/// The agents that serve a queue, or are in a presence, by id. Cost: all agents.
pub(super) fn list(state: &State, queue: Option<&Text>, presence: Option<Presence>) -> Reply {
    let queue_number = queue.map(|queue| state.queues.get(queue));
    let serves = |agent: &Agent| match queue_number {
        None => true,
        Some(None) => false,
        Some(Some(queue)) => state.is_routed(queue) && state.routing.profiles.in_queue(agent.profile, queue),
    };
    let there = |agent: &Agent| presence.is_none_or(|presence| agent.presence == presence);
    let mut found: Vec<(u32, &Agent)> = state
        .agents
        .iter()
        .filter(|(_, agent)| serves(agent) && there(agent))
        .collect();
    found.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    Reply::List(
        found
            .into_iter()
            .map(|(slot, agent)| Reply::Map(pairs(state, slot, agent)))
            .collect(),
    )
}

fn pairs(state: &State, slot: u32, agent: &Agent) -> Vec<(&'static str, Reply)> {
    let mut skills = String::new();
    for skill in &agent.described.skills {
        let comma = if skills.is_empty() { "" } else { "," };
        let _ = write!(skills, "{comma}{}:{}", skill.name, skill.level);
    }
    vec![
        ("agent", Reply::Bulk(agent.id.clone())),
        ("presence", text(agent.presence.as_str())),
        ("reason", Reply::text_or_null(&agent.reason)),
        ("queues", texts(&agent.described.queues)),
        ("skills", Reply::Bulk(Text::from(skills))),
        ("capacity", Reply::Int(i64::from(agent.described.capacity))),
        ("load", Reply::Int(i64::from(agent.load))),
        ("label", Reply::text_or_null(&agent.described.label)),
        (
            "waiting",
            text(if state.routing.waiting.is_waiting(slot) {
                "yes"
            } else {
                "no"
            }),
        ),
    ]
}
