//! Stages and extensions. Neither policy has stages or chains: any stage will do, and there is nothing to escalate to.

use super::Model;
use super::parse::Line;
use super::state::*;
use super::tickets::Done;
use slad::model::event::*;
use slad::model::target::Target;
use slad::model::time::{self, Span};
use slad::model::{NEVER, Seq, UnixMs};

impl Model {
    pub(super) fn stage(&mut self, i: usize, at: UnixMs, line: &Line) -> Seq {
        let name = line.pos[1].clone();
        let t = &mut self.tickets[i];
        let mut effects = Effects::default();
        let left = t.stage.0.clone();
        if !left.is_empty() {
            t.meet(&Target::Stage(left.as_str().into()), at, &mut effects);
        }
        let fact = TicketFact::StageEntered(Box::new(StageEntered {
            name: name.as_str().into(),
            left: left.as_str().into(),
            from: "".into(),
        }));
        let seq = self.fact(i, at, fact, &effects, line);
        self.tickets[i].stage = (name, seq);
        seq
    }

    pub(super) fn extend(&mut self, i: usize, at: UnixMs, line: &Line) -> Done {
        let target = Target::parse(&line.pos[1]).unwrap();
        let span = time::span("for", line.get("for").unwrap().as_bytes()).unwrap();
        let t = &mut self.tickets[i];
        let due = t.open_due(&target, at).ok_or("STATE")?;
        // Neither policy has a calendar that could say what a business day is.
        if matches!(span, Span::BusinessDays(_)) {
            return Err("BADARG");
        }
        let extension = Extension {
            first_due: t.past(&target).first_due.unwrap_or(due),
            target,
            span,
            due_before: due,
            late: false,
            approver: line.get("approver").unwrap_or("").into(),
            notice: "".into(),
        };
        if line.get("approver").is_some() {
            return Ok(self.grant(i, at, extension, line));
        }
        t.past(&extension.target).asked = Some(extension.clone());
        let fact = TicketFact::ExtensionRequested(Box::new(extension));
        Ok(self.fact(i, at, fact, &Effects::default(), line))
    }

    /// APPROVE and REJECT.
    pub(super) fn decide(&mut self, i: usize, at: UnixMs, granted: bool, line: &Line) -> Done {
        let target = Target::parse(&line.pos[1]).unwrap();
        let t = &mut self.tickets[i];
        let mut extension = t.past(&target).asked.clone().ok_or("STATE")?;
        extension.approver = line.by.as_str().into();
        if !granted {
            t.past(&target).asked = None;
            let fact = TicketFact::ExtensionRejected(Box::new(extension));
            return Ok(self.fact(i, at, fact, &Effects::default(), line));
        }
        let due = t.open_due(&target, at).ok_or("STATE")?;
        extension.due_before = due;
        extension.first_due = t.past(&target).first_due.unwrap_or(due);
        Ok(self.grant(i, at, extension, line))
    }

    fn grant(&mut self, i: usize, at: UnixMs, extension: Extension, line: &Line) -> Seq {
        let t = &mut self.tickets[i];
        let past = t.past(&extension.target);
        past.asked = None;
        past.first_due = Some(extension.first_due);
        let mut effects = Effects::default();
        let c = t.clock(&extension.target).unwrap();
        let ran_out = t.clocks[c].due_if_run(at);
        t.take_back(c, at, ran_out, &mut effects);
        let clock = &t.clocks[c];
        // From where it stopped, if it stands still.
        let from = match clock.stand {
            super::state::Stand::Paused(remaining) => clock.since + remaining,
            _ => clock.due,
        };
        let longer = match extension.span {
            Span::Ms(ms) => ms,
            span => span.after(from) - from,
        };
        let warn_at = match (clock.warn_at, clock.warned) {
            (NEVER, None) => NEVER,
            (warn_at, None) => warn_at + longer,
            (_, Some(given)) if given + longer > at => given + longer,
            (_, Some(_)) => NEVER,
        };
        let (due, by_hand) = (clock.due + longer, clock.by_hand);
        if warn_at != NEVER {
            t.clocks[c].warned = None;
        }
        t.move_to(c, at, (due, warn_at, by_hand), &mut effects);
        t.clocks[c].moves.push(super::state::Move::Longer(extension.span));
        self.fact(i, at, TicketFact::Extended(Box::new(extension)), &effects, line)
    }
}

impl Ticket {
    /// When an unmet clock would run out if it went on at `at`.
    fn open_due(&self, target: &Target, at: UnixMs) -> Option<UnixMs> {
        let clock = &self.clocks[self.clock(target)?];
        clock.unmet().then(|| clock.due_if_run(at))
    }
}
