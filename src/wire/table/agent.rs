//! The commands to and about agents.

use super::field::{A_TEXT, Field, Key, NAMES, OF_AGENT_PAUSE, OF_AGENTS, field};
use super::{Flags, ID, Param, Row, param};
use crate::model::command::{AgentCommand, AgentFields, AgentOp, Command, Common, Read, Request};
use crate::model::event::Presence;
use crate::model::{Refusal, Text, skill, text};
use crate::wire::parse::{Call, capped};
use crate::wire::value;

const PROFILE: &[Field] = &[
    field(
        Key::Queues,
        "queues",
        NAMES,
        "queues served; none given: every queue",
    ),
    field(
        Key::Skills,
        "skills",
        "skills such as network:5,zh",
        "what the agent can do; a bare name is level 10",
    ),
    field(
        Key::Capacity,
        "capacity",
        "a whole number",
        "tickets at a time; default: 1",
    ),
    field(Key::Label, "label", A_TEXT, "name for people"),
];

const BLOCK: &[Field] = &[field(
    Key::Block,
    "block",
    "a duration such as 5s, or 0",
    "how long to wait for a ticket; default: answer at once",
)];

const fn agent(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        syntax: "id [field value]…",
        arity_min: 2,
        arity_max: 0,
        reply: "the seq of its event",
        group: "agent",
        complexity: "O(log n) in the tickets waiting",
        flags: Flags::WRITE.and(Flags::FAST),
        keys: (1, 1, 1),
        params: &[ID],
        fields: &[OF_AGENTS],
        ..Row::new(name, read)
    }
}

const KEEP: Param = Param {
    kind: "pure-token",
    ..param("keep|release").optional()
};

pub(super) const ROWS: &[Row] = &[
    Row {
        summary: "Creates or changes an agent; what is not given stays",
        flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
        fields: &[PROFILE, OF_AGENTS],
        ..agent("AGENT.SET", set)
    },
    Row {
        summary: "The agent is there and takes work",
        ..agent("AGENT.READY", |call| plain(call, AgentOp::Ready))
    },
    Row {
        syntax: "id reason R [field value]…",
        arity_min: 4,
        summary: "The agent is there but takes no work",
        fields: &[OF_AGENT_PAUSE],
        ..agent("AGENT.PAUSE", pause)
    },
    Row {
        summary: "The agent is not at the desk",
        ..agent("AGENT.AWAY", |call| plain(call, AgentOp::Away))
    },
    Row {
        syntax: "id [keep|release] [field value]…",
        summary: "The agent goes; tickets in hand go back to their queues, unless kept",
        params: &[ID, KEEP],
        ..agent("AGENT.LEAVE", leave)
    },
    Row {
        syntax: "id [block D] [field value]…",
        summary: "Takes the best waiting ticket for this agent",
        reply: "a map: `ticket hold seq queue priority policy due`; null when nothing fits",
        flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::FAST),
        fields: &[BLOCK, OF_AGENTS],
        ..agent("AGENT.NEXT", next)
    },
    Row {
        syntax: "id",
        arity_max: 2,
        summary: "What an agent is, and what is in hand",
        reply: "a map",
        complexity: "O(n) in the tickets in hand",
        flags: Flags::READONLY.and(Flags::FAST),
        fields: &[],
        ..agent("AGENT.GET", |call| {
            let id = call.id(1, "agent")?;
            Ok(Request::Engine(Command::Read(Read::AgentGet { id })))
        })
    },
    Row {
        syntax: "[queue q] [presence p]",
        arity_min: 1,
        summary: "The agents, by id",
        reply: "a list of maps",
        complexity: "O(n) in the agents",
        flags: Flags::READONLY,
        keys: (0, 0, 0),
        params: &[],
        fields: &[&[
            field(Key::Queue, "queue", "the name of a queue", "who serve this queue"),
            field(
                Key::Presence,
                "presence",
                "ready, paused, away or offline",
                "who are in this presence",
            ),
        ]],
        ..agent("AGENT.LIST", list)
    },
];

fn command(id: Text, op: AgentOp, common: Option<Box<Common>>) -> Request {
    Request::Engine(Command::Agent(AgentCommand { id, op, common }))
}

fn plain(call: &Call<'_>, op: AgentOp) -> Result<Request, Refusal> {
    let id = call.id(1, "agent")?;
    let pairs = call.pairs(2, false, |_, _, _| Ok(()))?;
    Ok(command(id, op, pairs.common))
}

fn set(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "agent")?;
    let caps = call.caps;
    let mut fields = Box::<AgentFields>::default();
    let pairs = call.pairs(2, false, |key, _, value| {
        match key {
            Key::Queues => fields.queues = Some(value::sorted_names("queues", value, caps)?),
            Key::Skills => fields.skills = Some(value::skills(value, caps, skill::skills)?),
            Key::Capacity => {
                fields.capacity = Some(value::number("capacity", value, 1, 1_000_000_000)? as u32);
            }
            _ => {
                capped("label", value, caps.text_bytes_max)?;
                fields.label = Some(text::free("label", value, caps.text_bytes_max)?);
            }
        }
        Ok(())
    })?;
    Ok(command(id, AgentOp::Set(fields), pairs.common))
}

fn pause(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "agent")?;
    let mut pairs = call.pairs(2, false, |_, _, _| Ok(()))?;
    let reason = pairs.mandatory_reason(call.row)?;
    Ok(command(id, AgentOp::Pause { reason }, pairs.common))
}

fn leave(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "agent")?;
    let word = call.arg(2);
    let (first, keep) = if word.eq_ignore_ascii_case(b"keep") {
        (3, true)
    } else if word.eq_ignore_ascii_case(b"release") {
        (3, false)
    } else if call.args.len() == 3 {
        // A lone word is neither a field nor its value: name what it could be.
        value::choice("AGENT.LEAVE's argument", word, &[("keep", ()), ("release", ())])?;
        (3, false)
    } else {
        (2, false)
    };
    let pairs = call.pairs(first, false, |_, _, _| Ok(()))?;
    Ok(command(id, AgentOp::Leave { keep }, pairs.common))
}

fn next(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "agent")?;
    let mut block_ms = None;
    let pairs = call.pairs(2, false, |_, _, value| {
        block_ms = match value {
            b"0" => None,
            // Never negative: a duration has no sign.
            value => Some(value::duration("block", value)? as u64).filter(|ms| *ms > 0),
        };
        Ok(())
    })?;
    Ok(command(id, AgentOp::Next { block_ms }, pairs.common))
}

fn list(call: &Call<'_>) -> Result<Request, Refusal> {
    let (mut queue, mut presence) = (None, None);
    call.pairs(1, false, |key, _, value| {
        match key {
            Key::Queue => queue = Some(text::id("queue", value)?),
            _ => presence = Some(Presence::parse(&value::word(value))?),
        }
        Ok(())
    })?;
    Ok(Request::Engine(Command::Read(Read::AgentList {
        queue,
        presence,
    })))
}
