//! POLICY.LIST, POLICY.GET and POLICY.PREVIEW. Cost: the policies; one version; an opening.

use super::ticket::text;
use crate::engine::Output;
use crate::engine::state::State;
use crate::engine::transaction::Transaction;
use crate::model::event::{ClockChange, PolicyActivated};
use crate::model::reply::Reply;
use crate::model::versions::Preview;
use crate::model::{NEVER, Refusal, Text, UnixMs};
use std::sync::Arc;

/// The policies by name, each with the version that new tickets get.
pub(super) fn list(state: &State) -> Reply {
    let active = state.policies.names().filter_map(|name| {
        let number = state.policies.active(name)?;
        let all = state.policies.all(name);
        let open = all.iter().map(|number| state.open_under(*number)).sum::<u64>();
        let fact = state.policies.fact(number);
        Some(Reply::Map(vec![
            ("policy", Reply::Bulk(fact.name.clone())),
            ("version", Reply::Int(i64::from(fact.version))),
            ("versions", Reply::Int(all.len() as i64)),
            ("hash", hash(fact)),
            ("label", Reply::text_or_null(&state.policies.book(number).label)),
            ("source", Reply::Bulk(fact.source.clone())),
            ("activated_at", Reply::Int(fact.activated_at)),
            ("tickets", Reply::Int(open as i64)),
        ]))
    });
    Reply::List(active.collect())
}

/// A version with its text.
pub(super) fn get(state: &State, name: &Text, version: Option<u32>) -> Reply {
    let number = match version {
        Some(version) => state.check_version(name, version),
        None => state.known_policy(name),
    };
    match number {
        Ok(number) => Reply::Map(version_of(state, number)),
        Err(refusal) => refusal.into(),
    }
}

fn version_of(state: &State, number: u32) -> Vec<(&'static str, Reply)> {
    let fact = state.policies.fact(number);
    let book = state.policies.book(number);
    let next = state.policies.next(&fact.name, fact.version);
    let standing = if state.policies.active(&fact.name) == Some(number) {
        "active"
    } else {
        "superseded"
    };
    vec![
        ("policy", Reply::Bulk(fact.name.clone())),
        ("version", Reply::Int(i64::from(fact.version))),
        ("state", text(standing)),
        ("hash", hash(fact)),
        ("label", Reply::text_or_null(&book.label)),
        ("source", Reply::Bulk(fact.source.clone())),
        ("activated_at", Reply::Int(fact.activated_at)),
        (
            "superseded_at",
            next.map_or(Reply::Null, |next| {
                Reply::Int(state.policies.fact(next).activated_at)
            }),
        ),
        ("reason", Reply::text_or_null(&fact.reason)),
        ("requested_by", Reply::text_or_null(&fact.requested_by)),
        ("approved_by", Reply::text_or_null(&fact.approved_by)),
        ("tickets", Reply::Int(state.open_under(number) as i64)),
        ("text", Reply::Bytes(fact.text.clone().into_bytes())),
    ]
}

fn hash(fact: &PolicyActivated) -> Reply {
    Reply::Bulk(compact_str::format_compact!("{:016x}", fact.hash))
}

/// The clocks that a ticket would be opened with.
pub(super) fn preview(state: &mut State, now: UnixMs, preview: &Preview) -> Reply {
    clocks(state, now, preview).unwrap_or_else(Reply::from)
}

fn clocks(state: &mut State, now: UnixMs, preview: &Preview) -> Result<Reply, Refusal> {
    let name = preview.open.policy.clone().unwrap_or_default();
    let number = match preview.version {
        Some(version) => state.check_version(&name, version)?,
        None => state.known_policy(&name)?,
    };
    let book = Arc::clone(state.policies.book(number));
    let at = preview.at.unwrap_or(now);
    let mut nothing = Output::default();
    // Nothing is decided: it lends its eyes.
    let looks = Transaction {
        state,
        out: &mut nothing,
        now: at,
        default_policy: &name,
        leave_max: 0,
        one_frame: false,
    };
    let event = looks.opening(&Text::default(), &preview.open, None, at, &book, false)?;
    let started = event.clocks.iter().flat_map(|clocks| &clocks.effects);
    let clocks = started.filter_map(|effect| match effect.change {
        ClockChange::Started { due, warn_at, .. } => Some(Reply::Map(vec![
            (
                "target",
                Reply::Bulk(compact_str::ToCompactString::to_compact_string(&effect.target)),
            ),
            ("due", Reply::Int(due)),
            ("provisional", text("no")),
            (
                "warnings",
                Reply::List(if warn_at == NEVER {
                    Vec::new()
                } else {
                    vec![Reply::Int(warn_at)]
                }),
            ),
        ])),
        _ => None,
    });
    Ok(Reply::List(clocks.collect()))
}
