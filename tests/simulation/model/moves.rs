//! Who has a ticket, and how it ends: TRANSFER, ASSIGN, RELEASE, RESOLVE, REOPEN, CLOSE and CANCEL.

use super::parse::Line;
use super::state::*;
use super::tickets::Done;
use super::{Model, origin, rules};
use slad::model::event::*;
use slad::model::target::Target;
use slad::model::{NEVER, Seq, UnixMs};

impl Model {
    pub(super) fn transfer(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
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

    pub(super) fn assign(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
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

    pub(super) fn release(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let seq = self.give_back(i, (at, 0), Released::Command, origin(line, true));
        self.offer_ticket(i, seq);
        seq
    }

    pub(super) fn resolve(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let close_after = rules::policy(&t.policy).unwrap().close_after_ms;
        let mut effects = Effects::default();
        for clock in &mut t.clocks {
            clock.by_resolve = false;
        }
        let stage = Target::Stage(t.stage.0.as_str().into());
        for target in [Target::Solution, Target::Resolution, stage] {
            if t.any_unmet(std::slice::from_ref(&target)) {
                t.meet(&target, at, &mut effects);
                let c = t.clock(&target).unwrap();
                t.clocks[c].by_resolve = true;
            }
        }
        t.stop_all(at, &mut effects);
        t.close_at = close_after.map_or(NEVER, |ms| at + ms);
        t.resolved_at = at;
        t.end_pause(at);
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

    pub(super) fn reopen(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let mut effects = Effects::default();
        let later = at - t.resolved_at;
        let resolved_at = t.resolved_at;
        for clock in t.clocks.iter_mut().filter(|c| c.by_resolve) {
            // A pause that the resolution ended goes on in that of the resolved ticket.
            clock.moves.push(Move::Stood(resolved_at, at));
            clock.shift_to(clock.due + later);
            clock.stand = Stand::Running;
            clock.by_resolve = false;
            effects.add(
                &clock.target,
                ClockChange::Resumed {
                    due: clock.due,
                    warn_at: clock.warn_at,
                    provisional: false,
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
        let mut last_seq = seq;
        let mut list = std::mem::take(&mut effects.withdrawn);
        list.sort_by(|a, b| (&a.sla.target, a.breach).cmp(&(&b.sla.target, b.breach)));
        for withdrawn in list {
            let event = TicketEvent {
                id: t.id.as_str().into(),
                queue: t.queue.as_str().into(),
                agent: Default::default(),
                prev: last_seq,
                fact: TicketFact::Withdrawn(Box::new(withdrawn)),
                clocks: None,
                origin: None,
            };
            last_seq = self.log(self.now, seq, Body::Ticket(event));
        }
        let gone = Gone {
            id: t.id,
            how: how.as_str(),
            resolve_seq: t.resolve_seq,
            close_seq: seq,
            last_seq,
            queue: t.queue,
            last_at: if line.is_some() { at } else { t.last_at },
        };
        self.gone.push(gone);
        seq
    }
}
