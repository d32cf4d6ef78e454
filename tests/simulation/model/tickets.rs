//! Commands to tickets.

use super::parse::{self, Line};
use super::rules::{self, Budget};
use super::state::*;
use super::{Model, origin};
use slad::model::event::*;
use slad::model::target::Target;
use slad::model::{NEVER, Seq, UnixMs, skill, time};

/// How far ahead an instant may lie and still count as now.
const AHEAD_MS: i64 = 5_000;

type Done = Result<Seq, &'static str>;

impl Model {
    pub(super) fn ticket_command(&mut self, line: &Line) -> Done {
        if line.name == "TICKET.OPEN" {
            return self.open(line);
        }
        let op = &line.name["TICKET.".len()..];
        let id = line.pos[0].as_str();
        let Some(i) = self.find(id) else {
            return self.on_closed(op, line);
        };
        if let Some(hold) = line.hold
            && !(self.tickets[i].state == TicketState::Assigned && self.tickets[i].hold == hold)
        {
            return Err("STATE");
        }
        if let Some(seq) = self.stands(i, op, line) {
            return Ok(seq);
        }
        use TicketState::{Assigned, Resolved, Waiting};
        let allowed: &[TicketState] = match op {
            "MARK" => &[Waiting, Assigned, Resolved],
            "RELEASE" => &[Assigned],
            "REOPEN" | "CLOSE" | "RATE" => &[Resolved],
            "CANCEL" => &[Waiting, Assigned, Resolved],
            _ => &[Waiting, Assigned],
        };
        if !allowed.contains(&self.tickets[i].state) {
            return Err("STATE");
        }
        let at = self.instant(line.at, self.tickets[i].last_at)?;
        let seq = match op {
            "INBOUND" | "RESUME" => self.back(i, at, op == "INBOUND", line),
            "RESPOND" | "PROGRESS" => self.contact(i, at, op == "RESPOND", line),
            "MARK" => self.mark(i, at, line),
            "PAUSE" => self.pause(i, at, line),
            "SET" => self.set(i, at, line)?,
            "TRANSFER" => self.transfer(i, at, line)?,
            "ASSIGN" => self.assign(i, at, line)?,
            "RELEASE" => self.release(i, at, line),
            "RESOLVE" => self.resolve(i, at, line),
            "REOPEN" => self.reopen(i, at, line),
            "RATE" => self.fact(i, at, rated(line), &Effects::default(), line),
            "CLOSE" => self.close(i, at, 0, Closed::Resolved, Some(line)),
            _ => {
                let how = Closed::parse(line.get("as").unwrap_or("withdrawn")).unwrap();
                self.close(i, at, 0, how, Some(line))
            }
        };
        if let Some(i) = self.find(id) {
            self.tickets[i].last_at = at;
        }
        Ok(seq)
    }

    /// `at`, if it may be: not before `earliest`; a little ahead counts as now.
    fn instant(&self, at: Option<UnixMs>, earliest: UnixMs) -> Result<UnixMs, &'static str> {
        match at {
            None => Ok(self.now),
            Some(at) if at > self.now + AHEAD_MS || at < earliest => Err("BADARG"),
            Some(at) => Ok(at.min(self.now)),
        }
    }

    /// The repeats whose result stands: the old seq.
    fn stands(&self, i: usize, op: &str, line: &Line) -> Option<Seq> {
        let t = &self.tickets[i];
        match op {
            "PAUSE" => t
                .paused
                .as_ref()
                .filter(|(r, _)| *r == line.reason)
                .map(|(_, seq)| *seq),
            "RESUME" if t.paused.is_none() => Some(t.resume_seq.unwrap_or(t.opened_seq)),
            "ASSIGN" if t.state == TicketState::Assigned && t.agent == line.pos[1] => Some(t.hold),
            "RESOLVE" if t.state == TicketState::Resolved => t.resolve_seq,
            "RESPOND" if !t.any_unmet(&[Target::FirstResponse, Target::NextResponse, Target::Update]) => {
                t.respond_seq
            }
            _ => None,
        }
    }

    /// A command to a ticket that is not live.
    fn on_closed(&mut self, op: &str, line: &Line) -> Done {
        let Some(g) = self.gone.iter().position(|g| g.id == line.pos[0]) else {
            return Err("NOTFOUND");
        };
        if line.hold.is_some() {
            return Err("STATE");
        }
        let gone = &self.gone[g];
        let fact = match op {
            "RESOLVE" => return Ok(gone.resolve_seq.unwrap_or(gone.close_seq)),
            "CLOSE" | "CANCEL" => return Ok(gone.close_seq),
            "MARK" => TicketFact::Marked {
                name: line.pos[1].as_str().into(),
            },
            "RATE" => rated(line),
            _ => return Err("STATE"),
        };
        let at = self.instant(line.at, 0)?;
        let event = TicketEvent {
            id: line.pos[0].as_str().into(),
            queue: "".into(),
            agent: "".into(),
            prev: self.gone[g].last_seq,
            fact,
            clocks: None,
            origin: origin(line, true),
        };
        let seq = self.log(at, 0, Body::Ticket(event));
        self.gone[g].last_seq = seq;
        Ok(seq)
    }

    fn open(&mut self, line: &Line) -> Done {
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
            resume_seq: None,
            respond_seq: None,
            resolve_seq: None,
            resolved_at: 0,
            close_at: NEVER,
            clocks: Vec::new(),
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

    /// A fact with nothing special about it: logged with the holder, its withdrawals after it.
    fn fact(&mut self, i: usize, at: UnixMs, fact: TicketFact, effects: &Effects, line: &Line) -> Seq {
        let agent = self.tickets[i].agent.clone();
        let reason = line.name != "TICKET.PAUSE";
        let seq = self.log_ticket(i, (at, 0), &agent, fact, effects, origin(line, reason));
        let mut effects = Effects {
            list: Vec::new(),
            withdrawn: effects.withdrawn.clone(),
        };
        self.log_withdrawn(i, seq, &mut effects);
        seq
    }

    /// INBOUND and RESUME.
    fn back(&mut self, i: usize, at: UnixMs, inbound: bool, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let policy = rules::policy(&t.policy).unwrap();
        let mut effects = Effects::default();
        let resumed = match &t.paused {
            None => false,
            Some((reason, _)) => !inbound || policy.customer_pauses.contains(&reason.as_str()),
        };
        if resumed {
            t.paused = None;
            t.resume_clocks(at, &mut effects);
        }
        let agent = t.agent.clone();
        let over = if resumed && !agent.is_empty() {
            self.over(&agent)
        } else {
            0
        };
        let back = Return { resumed, over };
        let fact = if inbound {
            TicketFact::Inbound(back)
        } else {
            TicketFact::Resumed(back)
        };
        let seq = self.fact(i, at, fact, &effects, line);
        if resumed {
            self.tickets[i].resume_seq = Some(seq);
            if agent.is_empty() {
                self.offer_ticket(i, seq);
            } else if self
                .agent(&agent)
                .is_some_and(|a| self.agents[a].presence == Presence::Offline)
            {
                let released = self.give_back(i, (self.now, seq), Released::AgentLeft, None);
                self.offer_ticket(i, released);
            }
        }
        seq
    }

    /// RESPOND and PROGRESS.
    fn contact(&mut self, i: usize, at: UnixMs, respond: bool, line: &Line) -> Seq {
        let read = |name: &str| line.get(name).map(|v| time::instant(name, v.as_bytes()).unwrap());
        let (eta, promise) = (read("eta"), read("promise"));
        let t = &mut self.tickets[i];
        let mut effects = Effects::default();
        if respond {
            t.meet(&Target::FirstResponse, at, &mut effects);
            t.meet(&Target::NextResponse, at, &mut effects);
        }
        // No level of either policy has a budget for updates: only a due set by hand can be met here.
        t.meet(&Target::Update, at, &mut effects);
        if !respond {
            for target in rules::policy(&t.policy).unwrap().met_by_progress {
                t.meet(&Target::parse(target).unwrap(), at, &mut effects);
            }
        }
        match promise {
            Some(due) => t.restart(at, Clock::new(Target::Promise, due, NEVER, true), &mut effects),
            None => t.meet(&Target::Promise, at, &mut effects),
        }
        let fact = if respond {
            TicketFact::Responded
        } else {
            TicketFact::Progressed {
                eta: eta.unwrap_or(NEVER),
                promise: promise.unwrap_or(NEVER),
            }
        };
        let seq = self.fact(i, at, fact, &effects, line);
        if respond {
            self.tickets[i].respond_seq = Some(seq);
        }
        seq
    }

    fn mark(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let name = line.pos[1].as_str();
        let mut effects = Effects::default();
        let aim = match name {
            "notice_sent" => Some(Target::Notice),
            "work_started" => Some(Target::WorkStart),
            "solution_sent" => Some(Target::Solution),
            _ => None,
        };
        for target in aim.into_iter().chain([Target::Custom(name.into())]) {
            self.tickets[i].meet(&target, at, &mut effects);
        }
        self.fact(i, at, TicketFact::Marked { name: name.into() }, &effects, line)
    }

    fn pause(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let policy = rules::policy(&t.policy).unwrap();
        let mut effects = Effects::default();
        let reason = line.reason.as_str();
        for clock in t.clocks.iter_mut().filter(|c| c.unmet()) {
            let stops = policy.pauses(&clock.target, reason);
            let stood = matches!(clock.stand, Stand::Paused(_));
            if !stops && !stood {
                continue;
            }
            let due = clock.due_if_run(at);
            clock.shift_to(due);
            if stops {
                clock.stand = Stand::Paused(due - at);
                effects.add(
                    &clock.target,
                    ClockChange::Paused {
                        due,
                        remaining: due - at,
                    },
                );
            } else {
                clock.stand = Stand::Running;
                effects.add(
                    &clock.target,
                    ClockChange::Resumed {
                        due,
                        warn_at: clock.warn_at,
                    },
                );
            }
        }
        let seq = self.fact(
            i,
            at,
            TicketFact::Paused {
                reason: reason.into(),
            },
            &effects,
            line,
        );
        self.tickets[i].paused = Some((line.reason.clone(), seq));
        seq
    }

    fn set(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
        let policy = rules::policy(&self.tickets[i].policy).unwrap();
        let t = &mut self.tickets[i];
        let old = policy.level(&t.priority).unwrap();
        let new = policy
            .level(line.get("priority").unwrap_or(&t.priority))
            .ok_or("BADARG")?;
        let by_hand = dues(line);
        let mut effects = Effects::default();
        if new.name != old.name {
            relevel(t, (old, new), at, &by_hand, &mut effects);
        }
        for (target, due) in by_hand {
            match t.clock(&target).filter(|c| t.clocks[*c].unmet()) {
                Some(c) => t.move_to(c, due, NEVER, true, &mut effects),
                None => t.start((at, at), Clock::new(target, due, NEVER, true), &mut effects),
            }
        }
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

    fn transfer(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
        let queue = line.pos[1].as_str();
        if queue != "none" && !self.queue_known(queue) {
            return Err("BADARG");
        }
        let t = &mut self.tickets[i];
        let from = std::mem::replace(&mut t.queue, queue.to_owned());
        let agent = std::mem::take(&mut t.agent);
        (t.state, t.queue_by_policy, t.hold) = (TicketState::Waiting, false, 0);
        let fact = TicketFact::Transferred { from: from.into() };
        let seq = self.log_ticket(i, (at, 0), &agent, fact, &Effects::default(), origin(line, true));
        self.offer_ticket(i, seq);
        Ok(seq)
    }

    fn assign(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
        let agent = line.pos[1].as_str();
        self.agent(agent).ok_or("NOTFOUND")?;
        let (seq, _) = self.hand_over(i, (at, 0), agent, AssignedHow::Assign, origin(line, true));
        Ok(seq)
    }

    /// Puts a ticket into an agent's hands; replies the seq and by how much the capacity is exceeded.
    pub(super) fn hand_over(
        &mut self,
        i: usize,
        when: (UnixMs, Seq),
        agent: &str,
        how: AssignedHow,
        origin: Option<Box<Origin>>,
    ) -> (Seq, u32) {
        let t = &mut self.tickets[i];
        let from = std::mem::replace(&mut t.agent, agent.to_owned());
        t.state = TicketState::Assigned;
        let mut effects = Effects::default();
        t.meet(&Target::Assignment, when.0, &mut effects);
        let over = self.over(agent);
        let fact = TicketFact::Assigned {
            how,
            over,
            from: from.as_str().into(),
        };
        let seq = self.log_ticket(i, when, agent, fact, &effects, origin);
        self.tickets[i].hold = seq;
        self.log_withdrawn(i, seq, &mut effects);
        (seq, over)
    }

    /// Takes a ticket out of its agent's hands, back to its queue.
    pub(super) fn give_back(
        &mut self,
        i: usize,
        when: (UnixMs, Seq),
        why: Released,
        origin: Option<Box<Origin>>,
    ) -> Seq {
        let t = &mut self.tickets[i];
        let agent = std::mem::take(&mut t.agent);
        (t.state, t.hold) = (TicketState::Waiting, 0);
        self.log_ticket(
            i,
            when,
            &agent,
            TicketFact::Released { why },
            &Effects::default(),
            origin,
        )
    }

    fn release(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let seq = self.give_back(i, (at, 0), Released::Command, origin(line, true));
        self.offer_ticket(i, seq);
        seq
    }

    fn resolve(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let close_after = rules::policy(&t.policy).unwrap().close_after_ms;
        let mut effects = Effects::default();
        for clock in &mut t.clocks {
            clock.by_resolve = false;
        }
        for target in [Target::Solution, Target::Resolution] {
            if t.any_unmet(std::slice::from_ref(&target)) {
                t.meet(&target, at, &mut effects);
                let c = t.clock(&target).unwrap();
                t.clocks[c].by_resolve = true;
            }
        }
        t.stop_all(at, &mut effects);
        t.close_at = close_after.map_or(NEVER, |ms| at + ms);
        t.resolved_at = at;
        t.paused = None;
        let fact = TicketFact::Resolved { close_at: t.close_at };
        let agent = std::mem::take(&mut t.agent);
        (t.state, t.hold) = (TicketState::Resolved, 0);
        let seq = self.log_ticket(i, (at, 0), &agent, fact, &effects, origin(line, true));
        self.tickets[i].resolve_seq = Some(seq);
        self.log_withdrawn(i, seq, &mut effects);
        if close_after.is_none() {
            self.close(i, self.now, seq, Closed::Resolved, None);
        }
        seq
    }

    fn reopen(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let mut effects = Effects::default();
        let later = at - t.resolved_at;
        for clock in t.clocks.iter_mut().filter(|c| c.by_resolve) {
            clock.shift_to(clock.due + later);
            clock.stand = Stand::Running;
            clock.by_resolve = false;
            effects.add(
                &clock.target,
                ClockChange::Resumed {
                    due: clock.due,
                    warn_at: clock.warn_at,
                },
            );
        }
        (t.state, t.resolve_seq, t.close_at) = (TicketState::Waiting, None, NEVER);
        let seq = self.fact(i, at, TicketFact::Reopened, &effects, line);
        self.offer_ticket(i, seq);
        seq
    }

    /// CLOSE, CANCEL, and the end of a resolved ticket by itself.
    pub(super) fn close(
        &mut self,
        i: usize,
        at: UnixMs,
        cause: Seq,
        how: Closed,
        line: Option<&Line>,
    ) -> Seq {
        let mut effects = Effects::default();
        self.tickets[i].stop_all(at, &mut effects);
        let agent = std::mem::take(&mut self.tickets[i].agent);
        let origin = line.and_then(|line| origin(line, true));
        let seq = self.log_ticket(
            i,
            (at, cause),
            &agent,
            TicketFact::Closed { how },
            &effects,
            origin,
        );
        let t = self.tickets.remove(i);
        let gone = Gone {
            id: t.id,
            how: how.as_str(),
            resolve_seq: t.resolve_seq,
            close_seq: seq,
            last_seq: seq,
        };
        self.gone.push(gone);
        seq
    }
}

fn rated(line: &Line) -> TicketFact {
    let named = line
        .fields
        .iter()
        .map(|(name, n)| (name.as_str().into(), n.parse().unwrap()))
        .collect();
    TicketFact::Rated(Box::new(Rated {
        score: line.pos[1].parse().unwrap(),
        named,
    }))
}

fn target(budget: &Budget) -> Target {
    Target::parse(budget.target).unwrap()
}

/// Another level: its budgets from the original opening.
fn relevel(
    t: &mut Ticket,
    (old, new): (&rules::Level, &rules::Level),
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
        }
    }
    for budget in new.budgets.iter().filter(|b| !aimed(&target(b))) {
        let to_come = |warn_at: UnixMs| if warn_at <= at { NEVER } else { warn_at };
        match t.clock(&target(budget)) {
            Some(c) if t.clocks[c].unmet() && !t.clocks[c].by_hand => {
                let was = old
                    .budget(&target(budget))
                    .map_or(budget.budget_ms, |b| b.budget_ms);
                let due = t.clocks[c].due - was + budget.budget_ms;
                let given = t.clocks[c].warned.is_some();
                let warn_at = if given {
                    NEVER
                } else {
                    to_come(due - budget.warn_before_ms)
                };
                if (due, warn_at) != (t.clocks[c].due, t.clocks[c].warn_at) {
                    t.move_to(c, due, warn_at, false, effects);
                }
            }
            Some(c) if t.clocks[c].stand == Stand::Stopped && t.clocks[c].by_level => {
                let mut again = clock(budget, t.opened_at);
                let given = t.clocks[c].warned.is_some();
                again.warn_at = if given { NEVER } else { to_come(again.warn_at) };
                effects.add(
                    &again.target,
                    ClockChange::Resumed {
                        due: again.due,
                        warn_at: again.warn_at,
                    },
                );
                (again.warned, again.breached) = (t.clocks[c].warned, t.clocks[c].breached);
                t.clocks[c] = again;
                t.stand_still(c, at, effects);
            }
            Some(_) => {}
            None => {
                let mut begun = clock(budget, t.opened_at);
                begun.warn_at = to_come(begun.warn_at);
                t.start((t.opened_at, at), begun, effects);
            }
        }
    }
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
