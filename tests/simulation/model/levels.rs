//! What a ticket is and which clocks that gives it: OPEN and SET.

use super::parse::{self, Line};
use super::rules::{self, Budget};
use super::state::*;
use super::tickets::{AHEAD_MS, Done};
use super::{Model, origin};
use slad::model::event::*;
use slad::model::target::Target;
use slad::model::{NEVER, UnixMs, skill, time};

impl Model {
    pub(super) fn open(&mut self, line: &Line) -> Done {
        let id = line.pos[0].as_str();
        if let Some(i) = self.find(id) {
            let t = &self.tickets[i];
            return if t.print == line.print {
                Ok(t.opened_seq)
            } else {
                Err("EXISTS")
            };
        }
        let at = self.instant(line.at, 0)?;
        let opened_at = match line.get("opened_at") {
            None => at,
            Some(text) => {
                let opened_at = time::instant("opened_at", text.as_bytes()).unwrap();
                if opened_at > at + AHEAD_MS {
                    return Err("BADARG");
                }
                opened_at.min(at)
            }
        };
        let policy = rules::policy(line.get("policy").unwrap_or("service-levels")).ok_or("BADARG")?;
        let level = policy
            .level(line.get("priority").unwrap_or(policy.default_level))
            .ok_or("BADARG")?
            .clone();
        let queue = line.get("queue");
        if queue.is_some_and(|q| q != "none" && !self.queue_known(q)) {
            return Err("BADARG");
        }
        if line.get("calendar").is_some() {
            return Err("BADARG");
        }
        let mut details = Details::default();
        describe(&mut details, line);
        for need in policy.required {
            let attribute = details.attributes.iter().any(|(n, _)| n == need);
            if line.get(need).is_none() && !attribute && !details.has.iter().any(|h| h == need) {
                return Err("REQUIRED");
            }
        }
        let mut t = Ticket {
            id: id.to_owned(),
            state: TicketState::Waiting,
            queue: queue.unwrap_or(level.queue).to_owned(),
            queue_by_policy: queue.is_none(),
            agent: String::new(),
            hold: 0,
            policy: policy.name.to_owned(),
            version: 1,
            priority: level.name.clone(),
            rank: level.rank,
            skills: line
                .get("skills")
                .map_or_else(Vec::new, |s| skill::required(s.as_bytes()).unwrap()),
            details,
            opened_at,
            opened_seq: 0,
            last_seq: 0,
            last_at: at,
            print: line.print.clone(),
            paused: None,
            priority_before: None,
            paused_at: 0,
            pauses: Vec::new(),
            resume_seq: None,
            respond_seq: None,
            resolve_seq: None,
            resolved_at: 0,
            close_at: NEVER,
            clocks: Vec::new(),
            stage: (String::new(), 0),
            pasts: Vec::new(),
        };
        let mut effects = Effects::default();
        let by_hand = dues(line);
        for budget in level.budgets {
            let target = target(budget);
            if !by_hand.iter().any(|(t, _)| *t == target) {
                t.start((opened_at, at), clock(budget, opened_at), &mut effects);
            }
        }
        for (target, due) in by_hand {
            t.start(
                (opened_at, at),
                Clock::new(target, due, NEVER, true),
                &mut effects,
            );
        }
        let fact = TicketFact::Opened(Box::new(Opened {
            opened_at,
            policy: t.policy.as_str().into(),
            version: t.version,
            priority: t.priority.as_str().into(),
            rank: t.rank,
            queue_by_policy: t.queue_by_policy,
            entered_late: false,
            skills: t.skills.clone(),
            fingerprint: 0,
            details: Some(Box::new(t.details.clone())),
        }));
        self.gone.retain(|g| g.id != id);
        self.tickets.push(t);
        let i = self.tickets.len() - 1;
        let seq = self.log_ticket(i, (at, 0), "", fact, &effects, origin(line, true));
        self.tickets[i].opened_seq = seq;
        self.offer_ticket(i, seq);
        Ok(seq)
    }

    pub(super) fn set(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
        let policy = rules::policy(&self.tickets[i].policy).unwrap();
        let t = &mut self.tickets[i];
        let old = policy.level(&t.priority).unwrap();
        let new = policy
            .level(line.get("priority").unwrap_or(&t.priority))
            .ok_or("BADARG")?;
        if line.get("calendar").is_some() {
            return Err("BADARG");
        }
        let by_hand = dues(line);
        let mut effects = Effects::default();
        t.priority_before = Some(t.priority.clone());
        if new.name != old.name {
            relevel(t, new, at, &by_hand, &mut effects);
        }
        for (target, due) in by_hand {
            match t.clock(&target).filter(|c| t.clocks[*c].unmet()) {
                Some(c) => t.move_to(c, at, (due, NEVER, true), &mut effects),
                None => t.start((at, at), Clock::new(target, due, NEVER, true), &mut effects),
            }
        }
        t.priority_before = None;
        for effect in &effects.list {
            if let Some(c) = t.clock(&effect.target) {
                t.clocks[c].past_when_set = t.clocks[c].due_if_run(at) < at;
            }
        }
        if let Some(text) = line.get("skills") {
            t.skills = skill::required(text.as_bytes()).unwrap();
        }
        let described = describe(&mut t.details, line);
        let mut fields: Vec<String> = Vec::new();
        for name in parse::SET {
            let mut found: Vec<String> = line
                .fields
                .iter()
                .map(|(n, _)| n.clone())
                .filter(|n| {
                    if name.ends_with('.') {
                        n.starts_with(name)
                    } else {
                        n == name
                    }
                })
                .collect();
            found.sort_by_key(|n| n.strip_prefix("due.").map(|t| Target::parse(t).unwrap()));
            fields.extend(found);
        }
        let fact = TicketFact::Changed(Box::new(Changed {
            priority: line.get("priority").map(|_| (t.priority.as_str().into(), t.rank)),
            skills: line.get("skills").map(|_| t.skills.clone()),
            details: described.then(|| Box::new(t.details.clone())),
            fields: fields.iter().map(|f| f.as_str().into()).collect(),
        }));
        let seq = self.fact(i, at, fact, &effects, line);
        self.offer_ticket(i, seq);
        Ok(seq)
    }
}

/// Another level: its budgets from the original opening.
fn relevel(
    t: &mut Ticket,
    new: &rules::Level,
    at: UnixMs,
    by_hand: &[(Target, UnixMs)],
    effects: &mut Effects,
) {
    t.priority.clone_from(&new.name);
    t.rank = new.rank;
    if t.queue_by_policy && t.state == TicketState::Waiting {
        t.queue = new.queue.to_owned();
    }
    let aimed = |target: &Target| by_hand.iter().any(|(t, _)| t == target);
    for c in 0..t.clocks.len() {
        let clock = &t.clocks[c];
        if new.budget(&clock.target).is_none() && clock.unmet() && !clock.by_hand && !aimed(&clock.target) {
            t.stop(c, at, effects);
            t.clocks[c].by_level = true;
            t.clocks[c].stopped_at = at;
            // Other than by the rules' leave it would have the feed say the same.
            for effect in effects.list.iter_mut().filter(|e| e.target == t.clocks[c].target) {
                if let ClockChange::Stopped { due } = effect.change {
                    effect.change = ClockChange::Dropped { due };
                }
            }
        }
    }
    for budget in new.budgets.iter().filter(|b| !aimed(&target(b))) {
        let to_come = |warn_at: UnixMs| if warn_at <= at { NEVER } else { warn_at };
        match t.clock(&target(budget)) {
            Some(c) if t.clocks[c].unmet() && !t.clocks[c].by_hand => {
                let clock = &t.clocks[c];
                let rest = match clock.stand {
                    Stand::Paused(remaining) => clock.since + remaining,
                    _ => clock.due,
                };
                let due = clock.due + clock.refigured(budget.budget_ms) - rest;
                // One that stands still has come only as far as where it stopped.
                let reached = match clock.stand {
                    Stand::Paused(_) => clock.since,
                    _ => at,
                };
                let warn_at = |t: &Ticket| match due - budget.warn_before_ms {
                    warn_at if t.clocks[c].warned.is_some() || warn_at <= reached => NEVER,
                    warn_at => warn_at,
                };
                if (due, warn_at(t)) != (t.clocks[c].due, t.clocks[c].warn_at) {
                    // A warning that the fact takes back may come again.
                    let ran_out = t.clocks[c].due_if_run(at);
                    t.take_back(c, at, ran_out, effects);
                    t.move_to(c, at, (due, warn_at(t), false), effects);
                }
            }
            Some(c) if t.clocks[c].stand == Stand::Stopped && t.clocks[c].by_level => {
                let mut again = clock(budget, t.opened_at);
                let given = t.clocks[c].warned.is_some();
                again.start = t.clocks[c].start;
                again.moves.clone_from(&t.clocks[c].moves);
                let from = t.clocks[c].stopped_at;
                again.moves.extend(t.stood(&again.target, from, at));
                let before = again.due;
                again.due = again.refigured(budget.budget_ms);
                if again.warn_at != NEVER {
                    again.warn_at += again.due - before;
                }
                again.warn_at = if given { NEVER } else { to_come(again.warn_at) };
                effects.add(
                    &again.target,
                    ClockChange::Resumed {
                        due: again.due,
                        warn_at: again.warn_at,
                        provisional: false,
                    },
                );
                (again.warned, again.breached) = (t.clocks[c].warned, t.clocks[c].breached);
                again.missed = t.clocks[c].missed;
                t.clocks[c] = again;
                t.stand_still(c, at, effects);
            }
            Some(_) => {}
            None => {
                let mut begun = clock(budget, t.opened_at);
                begun.start = t.opened_at;
                begun.moves = t.stood(&begun.target, t.opened_at, at);
                let later = begun.refigured(budget.budget_ms) - begun.due;
                begun.due += later;
                begun.warn_at = to_come(begun.warn_at + later);
                t.start((t.opened_at, at), begun, effects);
            }
        }
    }
}

fn target(budget: &Budget) -> Target {
    Target::parse(budget.target).unwrap()
}

/// A clock that runs its budget from `start`.
fn clock(budget: &Budget, start: UnixMs) -> Clock {
    let due = start + budget.budget_ms;
    Clock::new(target(budget), due, due - budget.warn_before_ms, false)
}

/// The dues set by hand, in the order of the targets.
fn dues(line: &Line) -> Vec<(Target, UnixMs)> {
    let mut dues: Vec<_> = line
        .fields
        .iter()
        .filter_map(|(name, value)| {
            let target = Target::parse(name.strip_prefix("due.")?).unwrap();
            Some((target, time::instant("due", value.as_bytes()).unwrap()))
        })
        .collect();
    dues.sort();
    dues
}

/// Takes over what describes a ticket; was anything of the kind given?
fn describe(details: &mut Details, line: &Line) -> bool {
    let mut any = false;
    for (name, value) in &line.fields {
        let text = value.as_str().into();
        let list = || {
            parse::names(value)
                .unwrap()
                .iter()
                .map(|n| n.as_str().into())
                .collect::<Vec<_>>()
        };
        match name.as_str() {
            "class" => details.class = text,
            "customer" => details.customer = text,
            "segment" => details.segment = text,
            "channel" => details.channel = text,
            "issue" => details.issue = text,
            "parent" => details.parent = text,
            "prefer" => details.prefer = text,
            "links" => details.links = list(),
            "assist" => details.assist = list(),
            "has" => {
                details.has.extend(list());
                details.has.sort();
                details.has.dedup();
            }
            _ => match name.strip_prefix("attr.") {
                Some(name) => {
                    details.attributes.retain(|(n, _)| n != name);
                    details.attributes.push((name.into(), text));
                    details.attributes.sort();
                }
                None => continue,
            },
        }
        any = true;
    }
    any
}
