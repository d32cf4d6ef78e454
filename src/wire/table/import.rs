//! The commands that take tickets over from an older system.
//!
//! **Why a command of its own**, and not OPEN with the facts of the old life behind it: each of those would fire what it meets
//! (warnings, steps, breaches of years ago) into the feed, would need instants that the older system often does not have, and
//! would be several frames, so that a crash leaves half a ticket. TICKET.IMPORT is one event that says where the ticket stands,
//! with its results, so that replay decides nothing. A repeat with the same fields is a no-op, so that an import which broke off
//! is simply run again.

use super::field::{A_NAME, A_TEXT, AN_INSTANT, Field, Key, OF_AGENTS, OF_OPEN, YES_NO, family, field};
use super::opening::{OPEN_ONLY, OPEN_POLICY, SETTABLE};
use super::ticket::{command, ticket};
use super::{Flags, Row, opening};
use crate::model::command::{Command, Request, TicketOp};
use crate::model::event::TicketState;
use crate::model::import::{Import, KnownClock, When};
use crate::model::target::Target;
use crate::model::{Refusal, text, time};
use crate::wire::parse::{Call, twice};
use crate::wire::value;

/// What a clock's own field takes.
const A_STANDING: &str =
    "words separated by commas: due=T or elapsed=D, start=T, met=T or stopped, warned[=T], breached[=T]";

/// Of TICKET.IMPORT alone.
const IMPORT_ONLY: &[Field] = &[
    field(
        Key::State,
        "state",
        "waiting, assigned or resolved",
        "where it stands; default: by agent and resolved_at",
    ),
    field(Key::Agent, "agent", "an agent's id", "who has it"),
    field(
        Key::AgentSince,
        "agent_since",
        AN_INSTANT,
        "since when; default: at",
    ),
    field(Key::Paused, "paused", A_TEXT, "reason of the pause in force"),
    field(
        Key::PausedSince,
        "paused_since",
        AN_INSTANT,
        "since when; default: at",
    ),
    field(
        Key::Stage,
        "stage",
        A_NAME,
        "the stage in which it is; default: its first",
    ),
    field(
        Key::StageSince,
        "stage_since",
        AN_INSTANT,
        "since when; default: at",
    ),
    field(
        Key::ResolvedAt,
        "resolved_at",
        AN_INSTANT,
        "when it was resolved; default for a resolved one: at",
    ),
    family(
        Key::Clock,
        "clock.",
        "TARGET",
        A_STANDING,
        "what is known of a clock; of what is not said the policy decides",
    ),
    field(
        Key::HeldBack,
        "held_back",
        YES_NO,
        "not handed out before IMPORT.DONE; no part of what a repeat is compared by",
    ),
    field(
        Key::Check,
        "check",
        YES_NO,
        "only look whether it could be imported: 0 if so; no part of what a repeat is compared by",
    ),
];

pub(super) const ROWS: &[Row] = &[
    Row {
        summary: "Takes an open ticket over from an older system, with the life it had there up to at: what was due by then fires no more",
        reply: "the seq of its event",
        flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ADMIN),
        fields: &[IMPORT_ONLY, OPEN_POLICY, OPEN_ONLY, SETTABLE, OF_OPEN],
        ..ticket("TICKET.IMPORT", import)
    },
    Row {
        syntax: "[field value]…",
        arity_min: 1,
        summary: "An import is done: the tickets that it held back are handed out",
        complexity: "O(1); the tickets come into their queues in slices",
        flags: Flags::WRITE.and(Flags::ADMIN),
        keys: (0, 0, 0),
        params: &[],
        fields: &[OF_AGENTS],
        ..ticket("IMPORT.DONE", |call| {
            let pairs = call.pairs(1, false, |_, _, _| Ok(()))?;
            let common = pairs.common;
            Ok(Request::Engine(Command::ImportDone { common }))
        })
    },
];

fn import(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let mut import = Box::<Import>::default();
    let pairs = call.pairs(2, true, |key, rest, value| {
        let open = &mut import.open;
        let instant = |name: &str| value::instant(name, value).map(Some);
        match key {
            Key::Policy => open.policy = Some(text::id("policy", value)?),
            Key::Queue => open.queue = Some(text::id("queue", value)?),
            Key::OpenedAt => open.opened_at = instant("opened_at")?,
            Key::State => import.state = Some(state(value)?),
            Key::Agent => import.agent = Some(text::id("agent", value)?),
            Key::AgentSince => import.agent_since = instant("agent_since")?,
            Key::Paused => import.paused = Some(call.text("paused", value)?),
            Key::PausedSince => import.paused_since = instant("paused_since")?,
            Key::Stage => import.stage = Some(text::id("stage", value)?),
            Key::StageSince => import.stage_since = instant("stage_since")?,
            Key::ResolvedAt => import.resolved_at = instant("resolved_at")?,
            Key::Clock => {
                let target = opening::target(rest)?;
                if import.clocks.iter().any(|known| known.target == target) {
                    return Err(twice(format!("clock.{target}").as_bytes()));
                }
                value::listed("clock", import.clocks.len() + 1, call.caps)?;
                import.clocks.push(known(target, value)?);
            }
            Key::HeldBack => import.held_back = value::yes_no("held_back", value)?,
            Key::Check => import.check = value::yes_no("check", value)?,
            _ => {
                opening::take(&mut open.fields, call, key, rest, value)?;
            }
        }
        Ok(())
    })?;
    opening::finish(&mut import.open.fields);
    import.clocks.sort_by(|a, b| a.target.cmp(&b.target));
    import.open.fingerprint = pairs.fingerprint;
    Ok(command(id, TicketOp::Import(import), pairs.common))
}

fn state(value: &[u8]) -> Result<TicketState, Refusal> {
    value::choice(
        "state",
        value,
        &[
            ("waiting", TicketState::Waiting),
            ("assigned", TicketState::Assigned),
            ("resolved", TicketState::Resolved),
        ],
    )
}

/// Bytes of what is said of one clock at most: every word once, with the longest instants.
const STANDING_BYTES_MAX: usize = 512;

/// What is said of one clock.
fn known(target: Target, value: &[u8]) -> Result<KnownClock, Refusal> {
    let what = format!("clock.{target}");
    crate::wire::parse::capped(&what, value, STANDING_BYTES_MAX)?;
    let mut clock = KnownClock::new(target);
    let mut seen: Vec<&[u8]> = Vec::new();
    for word in value.split(|byte| *byte == b',') {
        let word = word.trim_ascii();
        let mut halves = word.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        let given = halves.next();
        if seen.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(twice(format!("{what} {}", value::shown(name)).as_bytes()));
        }
        seen.push(name);
        let part = format!("{what} {}", value::shown(name));
        let instant = || value::instant(&part, given.unwrap_or_default());
        let when = || match given {
            None => Ok(When::Some),
            Some(at) if at.eq_ignore_ascii_case(b"yes") => Ok(When::Some),
            Some(_) => instant().map(When::At),
        };
        match name.to_ascii_lowercase().as_slice() {
            b"due" => clock.due = Some(instant()?),
            b"start" => clock.start = Some(instant()?),
            b"met" => clock.met = Some(instant()?),
            b"elapsed" => clock.elapsed_ms = Some(elapsed(&part, given.unwrap_or_default())?),
            b"stopped" if given.is_none_or(|given| given.eq_ignore_ascii_case(b"yes")) => {
                clock.stopped = true
            }
            b"breached" => clock.breached = Some(when()?),
            b"warned" => clock.warned = Some(when()?),
            _ => {
                let names = ["due", "elapsed", "start", "met", "stopped", "warned", "breached"];
                let shown = value::shown(word);
                return Err(Refusal::bad_arg(format!(
                    "{what} '{shown}'{}: it takes {A_STANDING}",
                    text::hint(&value::shown(name), names)
                )));
            }
        }
    }
    let clash = match (&clock.due, &clock.elapsed_ms, &clock.met, clock.stopped) {
        (Some(_), Some(_), ..) => Some("due and elapsed: give one of them"),
        (_, _, Some(_), true) => Some("met and stopped: give one of them"),
        (_, Some(_), Some(_), _) | (_, Some(_), _, true) => {
            Some("elapsed of a clock that runs no more: give its due, or leave elapsed out")
        }
        _ => None,
    };
    match clash {
        Some(clash) => Err(Refusal::bad_arg(format!("{what} has {clash}"))),
        None => Ok(clock),
    }
}

/// Milliseconds, or a duration with its unit.
fn elapsed(what: &str, given: &[u8]) -> Result<i64, Refusal> {
    if !given.is_empty() && given.iter().all(u8::is_ascii_digit) {
        return value::number(what, given, 0, time::DURATION_MAX_MS as u64).map(|ms| ms as i64);
    }
    value::duration(what, given)
}
