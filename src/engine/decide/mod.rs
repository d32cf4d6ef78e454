//! `decide`: what a command comes to. Either a refusal, and nothing has changed, or events.
//!
//! The order of the checks: token, the ticket's own overdue timers, existence, hold, repeats, state, `at`, arguments.

mod agent;
mod checks;
mod contact;
mod course;
mod custody;
mod ending;
mod import;
mod open;
mod pause;
mod required;
mod set;

use super::transaction::Transaction;
use crate::model::command::{Command, Common, TicketCommand, TicketOp};
use crate::model::event::{Body, QueueChanged};
use crate::model::reply::Reply;
use crate::model::rules::Trigger;
use crate::model::{Refusal, Seq, Text, UnixMs};

pub(super) use agent::Next;
pub(super) use course::{begins, home_queue};
pub(super) use open::{labels_fit, priority, set_details};

/// A command to a live ticket whose checks were passed.
pub(super) struct Case<'a> {
    pub slot: u32,
    /// When it happened.
    pub at: UnixMs,
    pub common: Option<&'a Common>,
}

impl Transaction<'_> {
    /// The first reply, if the command's token is bound; a refusal if it is bound to another command.
    pub(super) fn bound(&self, common: Option<&Common>) -> Option<Result<Reply, Refusal>> {
        let common = common?;
        let token = common.token.as_ref()?;
        let bound = self.state.tokens.get(token)?;
        if bound.fingerprint != common.fingerprint {
            return Some(Err(Refusal::bad_arg(format!(
                "token '{token}' is bound to another command (event {}): use a new token for a new command",
                bound.seq
            ))));
        }
        Some(Ok(bound
            .taken
            .clone()
            .map_or(Reply::Seq(bound.seq), Reply::Taken)))
    }

    /// A command to a ticket: the seq of its event, or of the one that made it a repeat.
    pub(super) fn ticket(&mut self, command: &TicketCommand) -> Result<Seq, Refusal> {
        let common = command.common.as_deref();
        let mut live = self.state.ticket_slot(&command.id);
        if live.is_some_and(|slot| self.fire_overdue(slot)) {
            // A timer may just have closed it.
            live = self.state.ticket_slot(&command.id);
        }
        let Some(slot) = live else {
            return match &command.op {
                TicketOp::Open(open) => self.open(&command.id, open, common),
                TicketOp::Import(import) => self.import(&command.id, import, common),
                op => self.closed(&command.id, op, common),
            };
        };
        self.check_hold(slot, common)?;
        if let Some(seq) = self.repeat(slot, &command.op)? {
            return Ok(seq);
        }
        self.check_state(slot, &command.op)?;
        let at = self.instant(slot, common)?;
        let case = Case { slot, at, common };
        if let Some(trigger) = trigger(&command.op) {
            self.check_required(&case, &trigger)?;
        }
        match &command.op {
            TicketOp::Open(_) | TicketOp::Import(_) => unreachable_open(&command.id),
            TicketOp::Inbound => Ok(self.inbound(&case)),
            TicketOp::Respond => Ok(self.respond(&case)),
            TicketOp::Progress { eta, promise } => Ok(self.progress(&case, *eta, *promise)),
            TicketOp::Mark { name } => Ok(self.mark(&case, name)),
            TicketOp::Rate { score, named } => Ok(self.rate(&case, *score, named)),
            TicketOp::Pause { reason } => self.pause(&case, reason),
            TicketOp::Resume => Ok(self.resume(&case)),
            TicketOp::Set(fields) => self.set(&case, fields),
            TicketOp::Transfer { queue } => self.transfer(&case, queue),
            TicketOp::Assign { agent } => self.assign(&case, agent),
            TicketOp::Stage { name } => self.stage(&case, name),
            TicketOp::Extend {
                target,
                span,
                approver,
            } => self.extend(&case, target, *span, approver.as_ref()),
            TicketOp::Approve { target } => self.approve(&case, target),
            TicketOp::Reject { target } => self.reject(&case, target),
            TicketOp::Escalate => self.escalate(&case),
            TicketOp::Release => Ok(self.release(&case)),
            TicketOp::Resolve => Ok(self.resolve(&case)),
            TicketOp::Reopen => Ok(self.reopen(&case)),
            TicketOp::Close => Ok(self.close(&case)),
            TicketOp::Cancel { how } => Ok(self.cancel(&case, *how)),
        }
    }

    /// `QUEUE.SET q open`
    pub(super) fn declare_queue(&mut self, queue: &Text, common: Option<&Common>) -> Result<Seq, Refusal> {
        let number = self.state.queues.get(queue);
        if let Some(seq) = number.and_then(|number| self.state.declared.get(&number)) {
            return Ok(*seq);
        }
        let fact = QueueChanged {
            queue: queue.clone(),
            origin: super::transaction::origin(common),
        };
        Ok(self.emit(self.now, 0, Body::QueueChanged(Box::new(fact))))
    }
}

/// What a command that may meet clocks is to the rules. Custody is left out: no rule keeps a ticket from an agent.
fn trigger(op: &TicketOp) -> Option<Trigger> {
    Some(match op {
        TicketOp::Respond => Trigger::Respond,
        TicketOp::Progress { .. } => Trigger::Progress,
        TicketOp::Mark { name } => Trigger::Mark(name.clone()),
        TicketOp::Rate { .. } => Trigger::Rate,
        TicketOp::Resolve => Trigger::Resolve,
        _ => return None,
    })
}

/// Repeats of OPEN were answered or refused before.
fn unreachable_open(id: &Text) -> Result<Seq, Refusal> {
    Err(Refusal::new(crate::model::Code::Exists, format!("{id} is open")))
}

/// Runs a command that writes and says what to answer.
pub(super) fn run(
    transaction: &mut Transaction,
    command: &Command,
    waiter: super::WaiterId,
) -> Result<Next, Refusal> {
    let common = match command {
        Command::Ticket(ticket) => ticket.common.as_deref(),
        Command::Agent(agent) => agent.common.as_deref(),
        Command::QueueOpen { common, .. } | Command::ImportDone { common } => common.as_deref(),
        Command::Read(_) => None,
    };
    if let Some(bound) = transaction.bound(common) {
        return bound.map(Next::Reply);
    }
    let reply = match command {
        Command::Ticket(ticket) => Next::Reply(Reply::Seq(transaction.ticket(ticket)?)),
        Command::Agent(agent) => transaction.agent(agent, waiter)?,
        Command::QueueOpen { queue, common } => {
            Next::Reply(Reply::Seq(transaction.declare_queue(queue, common.as_deref())?))
        }
        Command::ImportDone { common } => Next::Reply(Reply::Seq(transaction.import_done(common.as_deref()))),
        Command::Read(_) => Next::Reply(Reply::Null),
    };
    transaction.match_waiting();
    Ok(reply)
}
