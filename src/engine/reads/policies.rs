//! POLICY.LIST, POLICY.GET and POLICY.PREVIEW. Cost: the policies; one version; an opening.

use super::ticket::{text, texts};
use crate::engine::Output;
use crate::engine::state::State;
use crate::engine::transaction::Transaction;
use crate::model::event::{ClockChange, PolicyActivated};
use crate::model::fields::versioned;
use crate::model::reply::Reply;
use crate::model::rules::{ClassPattern, OpenTickets, Pilot, Rules};
use crate::model::target::Target;
use crate::model::versions::Preview;
use crate::model::{NEVER, Refusal, Text, UnixMs};

/// The policies by name, each with the version that new tickets get.
pub(super) fn list(state: &State) -> Reply {
    let active = state.policies.names().filter_map(|name| {
        let policies = &state.policies;
        let number = policies.active(name).or_else(|| policies.newest(name))?;
        let all = policies.all(name);
        let open = all.iter().map(|number| state.open_under(*number)).sum::<u64>();
        let fact = state.policies.fact(number);
        Some(Reply::Map(vec![
            ("policy", Reply::Bulk(fact.name.clone())),
            ("version", Reply::Int(i64::from(fact.version))),
            (
                "pilot",
                policies.pilot(name).map_or(Reply::Null, |pilot| {
                    Reply::Int(i64::from(policies.fact(pilot).version))
                }),
            ),
            ("versions", Reply::Int(all.len() as i64)),
            ("hash", hash(fact)),
            ("label", Reply::text_or_null(&fact.rules.label)),
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
    let policies = &state.policies;
    let fact = policies.fact(number);
    let rules = &fact.rules;
    let next = policies.next(&fact.name, fact.version);
    let standing = if policies.active(&fact.name) == Some(number) {
        "active"
    } else if policies.pilot(&fact.name) == Some(number) {
        "pilot"
    } else {
        "superseded"
    };
    let calendars = fact
        .calendars
        .iter()
        .map(|(name, version)| Reply::Bulk(versioned(name, *version)));
    let instant = |at: Option<UnixMs>| at.map_or(Reply::Null, Reply::Int);
    vec![
        ("policy", Reply::Bulk(fact.name.clone())),
        ("version", Reply::Int(i64::from(fact.version))),
        ("state", text(standing)),
        ("hash", hash(fact)),
        ("label", Reply::text_or_null(&rules.label)),
        ("source", Reply::Bulk(fact.source.clone())),
        ("activated_at", Reply::Int(fact.activated_at)),
        (
            "next_at",
            instant(next.map(|next| policies.fact(next).activated_at)),
        ),
        ("reason", Reply::text_or_null(&rules.about.reason)),
        ("requested_by", Reply::text_or_null(&rules.about.requested_by)),
        ("approved_by", Reply::text_or_null(&rules.about.approved_by)),
        (
            "review_by",
            rules.review_by.map_or(Reply::Null, |day| {
                Reply::Bulk(Text::new(crate::model::calendar::iso(day)))
            }),
        ),
        ("open_tickets", text(open_tickets(rules.open_tickets))),
        ("pilot", rules.pilot.as_ref().map_or(Reply::Null, pilot)),
        ("labels", labels(rules)),
        ("calendars", Reply::List(calendars.collect())),
        ("tickets", Reply::Int(state.open_under(number) as i64)),
        ("text", Reply::Bytes(fact.text.clone().into_bytes())),
    ]
}

fn open_tickets(what: OpenTickets) -> &'static str {
    match what {
        OpenTickets::Keep => "keep",
        OpenTickets::Migrate => "migrate",
    }
}

/// What people call what tickets are told apart by, in the order of the policy.
fn labels(rules: &Rules) -> Reply {
    fn map<'a>(named: impl Iterator<Item = (&'a Text, &'a String)>) -> Reply {
        let pairs = named.map(|(name, label)| (name.clone(), Reply::text_or_null(label)));
        Reply::Pairs(pairs.collect())
    }
    let Rules {
        classes,
        priorities,
        segments,
        channels,
        stages,
        ..
    } = rules;
    Reply::Map(vec![
        ("classes", map(classes.iter().map(|c| (&c.name, &c.label)))),
        ("priorities", map(priorities.iter().map(|p| (&p.name, &p.label)))),
        ("segments", map(segments.iter().map(|s| (&s.name, &s.label)))),
        ("channels", map(channels.iter().map(|c| (&c.name, &c.label)))),
        ("stages", map(stages.iter().map(|s| (&s.name, &s.label)))),
    ])
}

/// The tickets that a pilot is for.
fn pilot(pilot: &Pilot) -> Reply {
    let classes = pilot.classes.iter().map(|pattern| match pattern {
        ClassPattern::Exact(name) => Reply::Bulk(name.clone()),
        ClassPattern::Below(prefix) => Reply::Bulk(compact_str::format_compact!("{prefix}.*")),
    });
    Reply::Map(vec![
        ("classes", Reply::List(classes.collect())),
        ("segments", texts(&pilot.segments)),
        ("queues", texts(&pilot.queues)),
    ])
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
        None => state.version_for(&name, &preview.open)?,
    };
    let at = preview.at.unwrap_or(now);
    let mut nothing = Output::default();
    // Nothing is decided: it lends its eyes.
    let mut looks = Transaction {
        state,
        out: &mut nothing,
        now: at,
        default_policy: &name,
        leave_max: 0,
        one_frame: false,
    };
    let event = looks.opening(&Text::default(), &preview.open, None, at, number, false)?;
    let ladders = event.clocks.iter().flat_map(|clocks| &clocks.ladders);
    let steps = |target: &Target| {
        let ladder = ladders.clone().filter(|ladder| ladder.target == *target);
        let rungs = ladder.flat_map(|ladder| &ladder.rungs);
        Reply::List(rungs.map(|rung| Reply::Int(rung.at)).collect())
    };
    let started = event.clocks.iter().flat_map(|clocks| &clocks.effects);
    let clocks = started.filter_map(|effect| match effect.change {
        ClockChange::Started {
            due,
            warn_at,
            provisional,
            ..
        } => Some(Reply::Map(vec![
            (
                "target",
                Reply::Bulk(compact_str::ToCompactString::to_compact_string(&effect.target)),
            ),
            ("due", Reply::Int(due)),
            ("provisional", text(if provisional { "yes" } else { "no" })),
            (
                "warnings",
                Reply::List(if warn_at == NEVER {
                    Vec::new()
                } else {
                    vec![Reply::Int(warn_at)]
                }),
            ),
            ("steps", steps(&effect.target)),
        ])),
        _ => None,
    });
    Ok(Reply::List(clocks.collect()))
}
