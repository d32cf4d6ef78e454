//! What must hold before a ticket command is carried out.

use crate::engine::ticket::Ticket;
use crate::engine::transaction::Transaction;
use crate::model::command::{Common, TicketOp};
use crate::model::event::TicketState::{self, Assigned, Closed, Resolved, Waiting};
use crate::model::target::Target;
use crate::model::time::rfc3339;
use crate::model::{Code, Refusal, Seq, Text, UnixMs};

/// How far ahead of now an `at` may be and still counts as now: clocks of other machines differ.
pub(super) const AHEAD_MS: i64 = 5_000;

/// In which states a command is possible.
const POSSIBLE: [(&str, &[TicketState]); 22] = [
    ("INBOUND", &[Waiting, Assigned]),
    ("RESPOND", &[Waiting, Assigned]),
    ("PROGRESS", &[Waiting, Assigned]),
    ("MARK", &[Waiting, Assigned, Resolved, Closed]),
    ("PAUSE", &[Waiting, Assigned]),
    ("RESUME", &[Waiting, Assigned]),
    ("SET", &[Waiting, Assigned]),
    ("STAGE", &[Waiting, Assigned]),
    ("EXTEND", &[Waiting, Assigned]),
    ("APPROVE", &[Waiting, Assigned]),
    ("REJECT", &[Waiting, Assigned]),
    ("ASSIGN", &[Waiting, Assigned]),
    ("TRANSFER", &[Waiting, Assigned]),
    ("ESCALATE", &[Waiting, Assigned]),
    ("RELEASE", &[Assigned]),
    ("RESOLVE", &[Waiting, Assigned]),
    ("REOPEN", &[Resolved]),
    ("RATE", &[Resolved, Closed]),
    ("CLOSE", &[Resolved]),
    ("CANCEL", &[Waiting, Assigned, Resolved]),
    ("OPEN", &[Closed]),
    // Not a thing to do to a ticket that is there.
    ("IMPORT", &[]),
];

fn name(op: &TicketOp) -> &'static str {
    match op {
        TicketOp::Open(_) => "OPEN",
        TicketOp::Import(_) => "IMPORT",
        TicketOp::Inbound => "INBOUND",
        TicketOp::Respond => "RESPOND",
        TicketOp::Progress { .. } => "PROGRESS",
        TicketOp::Mark { .. } => "MARK",
        TicketOp::Pause { .. } => "PAUSE",
        TicketOp::Resume => "RESUME",
        TicketOp::Set(_) => "SET",
        TicketOp::Stage { .. } => "STAGE",
        TicketOp::Extend { .. } => "EXTEND",
        TicketOp::Approve { .. } => "APPROVE",
        TicketOp::Reject { .. } => "REJECT",
        TicketOp::Escalate => "ESCALATE",
        TicketOp::Transfer { .. } => "TRANSFER",
        TicketOp::Assign { .. } => "ASSIGN",
        TicketOp::Release => "RELEASE",
        TicketOp::Resolve => "RESOLVE",
        TicketOp::Reopen => "REOPEN",
        TicketOp::Rate { .. } => "RATE",
        TicketOp::Close => "CLOSE",
        TicketOp::Cancel { .. } => "CANCEL",
    }
}

/// Refuses what the state does not allow, naming what it does.
pub(super) fn check_possible(id: &str, state: TicketState, op: &TicketOp) -> Result<(), Refusal> {
    let given = name(op);
    if POSSIBLE
        .iter()
        .any(|(name, states)| *name == given && states.contains(&state))
    {
        return Ok(());
    }
    let possible: Vec<&str> = POSSIBLE
        .iter()
        .filter(|(_, states)| states.contains(&state))
        .map(|(name, _)| *name)
        .collect();
    Err(Refusal::state(format!(
        "{id} is {}; possible: {}",
        state.as_str(),
        possible.join(", ")
    )))
}

/// When it happened: `at`, not before `commanded_at`, a little ahead counts as now.
pub(super) fn check_at(
    common: Option<&Common>,
    commanded_at: UnixMs,
    now: UnixMs,
) -> Result<UnixMs, Refusal> {
    let at = common.and_then(|c| c.at);
    // The clock may have been set back since the last command: a ticket's own time never runs backwards.
    let Some(at) = at else {
        return Ok(now.max(commanded_at));
    };
    if at > now + AHEAD_MS {
        let (at, now) = (rfc3339(at), rfc3339(now));
        return Err(Refusal::bad_arg(format!(
            "at {at} is ahead of the clock, which shows {now}: give a time not after it"
        )));
    }
    if at < commanded_at {
        let (at, last) = (rfc3339(at), rfc3339(commanded_at));
        return Err(Refusal::bad_arg(format!(
            "at {at} is before the ticket's last command: give a time from {last} on"
        )));
    }
    Ok(at.min(now.max(commanded_at)))
}

impl Transaction<'_> {
    /// The caller acts under an assignment that must still stand.
    pub(super) fn check_hold(&self, slot: u32, common: Option<&Common>) -> Result<(), Refusal> {
        let (Some(hold), Some(ticket)) = (common.and_then(|c| c.hold), self.state.tickets.get(slot)) else {
            return Ok(());
        };
        if ticket.hold == hold && hold != 0 {
            return Ok(());
        }
        let held = if ticket.hold == 0 {
            "nobody holds it".to_owned()
        } else {
            let agent = self.state.agent_name(ticket.agent);
            format!(
                "{agent} holds it under {} since {}",
                ticket.hold,
                rfc3339(ticket.hold_at)
            )
        };
        Err(Refusal::state(format!(
            "{} is not held under {hold}; {held}",
            ticket.id
        )))
    }

    pub(super) fn check_state(&self, slot: u32, op: &TicketOp) -> Result<(), Refusal> {
        self.state
            .tickets
            .get(slot)
            .map_or(Ok(()), |ticket| check_possible(&ticket.id, ticket.state, op))
    }

    pub(super) fn instant(&self, slot: u32, common: Option<&Common>) -> Result<UnixMs, Refusal> {
        let commanded_at = self
            .state
            .tickets
            .get(slot)
            .map_or(0, |ticket| ticket.commanded_at);
        check_at(common, commanded_at, self.now)
    }

    /// The seq that a repeat is answered with; `None`: it is no repeat.
    pub(super) fn repeat(&self, slot: u32, op: &TicketOp) -> Result<Option<Seq>, Refusal> {
        let Some(ticket) = self.state.tickets.get(slot) else {
            return Ok(None);
        };
        Ok(match op {
            TicketOp::Open(open) if open.fingerprint == ticket.fingerprint => Some(ticket.opened_seq),
            TicketOp::Import(import) if import.open.fingerprint == ticket.fingerprint => {
                Some(ticket.opened_seq)
            }
            TicketOp::Open(_) | TicketOp::Import(_) => {
                return Err(Refusal::new(
                    Code::Exists,
                    format!(
                        "{} is {} since event {} with other fields",
                        ticket.id,
                        ticket.state.as_str(),
                        ticket.opened_seq
                    ),
                ));
            }
            TicketOp::Respond => {
                (ticket.respond_seq != 0 && !awaits_response(ticket)).then_some(ticket.respond_seq)
            }
            TicketOp::Pause { reason } if ticket.paused() == Some(reason) => {
                ticket.pause.as_ref().map(|p| p.pause_seq)
            }
            TicketOp::Resume if !ticket.is_paused() => {
                let resumed = ticket.pause.as_ref().map_or(0, |pause| pause.resume_seq);
                Some(if resumed == 0 { ticket.opened_seq } else { resumed })
            }
            TicketOp::Stage { name } if ticket.stage() == name => {
                ticket.course.as_ref().map(|course| course.stage_seq)
            }
            TicketOp::Assign { agent } => self.is_held_by(ticket, agent).then_some(ticket.hold),
            TicketOp::Resolve => (ticket.state == Resolved).then_some(ticket.resolve_seq),
            _ => None,
        })
    }

    fn is_held_by(&self, ticket: &Ticket, agent: &Text) -> bool {
        self.state
            .agents
            .get(ticket.agent)
            .is_some_and(|holder| holder.id == *agent)
    }

    /// A command to a ticket that is over, or was never there.
    pub(super) fn closed(
        &mut self,
        id: &Text,
        op: &TicketOp,
        common: Option<&Common>,
    ) -> Result<Seq, Refusal> {
        let Some(closed) = self.state.closed.get(id).cloned() else {
            return Err(Refusal::not_found(format!(
                "ticket '{id}' is not known: open it with TICKET.OPEN"
            )));
        };
        if let Some(hold) = common.and_then(|c| c.hold) {
            return Err(Refusal::state(format!(
                "{id} is not held under {hold}; it is closed"
            )));
        }
        match op {
            TicketOp::Resolve if closed.resolve_seq != 0 => return Ok(closed.resolve_seq),
            TicketOp::Resolve | TicketOp::Close | TicketOp::Cancel { .. } => return Ok(closed.close_seq),
            _ => check_possible(id, Closed, op)?,
        }
        let at = check_at(common, closed.commanded_at, self.now)?;
        Ok(self.say_of_closed(&closed, at, op, common))
    }
}

fn awaits_response(ticket: &Ticket) -> bool {
    ticket.clocks.iter().any(|clock| {
        clock.is_open()
            && matches!(
                clock.target,
                Target::FirstResponse | Target::NextResponse | Target::Update
            )
    })
}
