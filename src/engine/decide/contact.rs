//! What passes between desk and customer: INBOUND, RESPOND, PROGRESS, MARK, RATE.

use super::Case;
use crate::engine::effects::Effects;
use crate::engine::transaction::{Saying, Transaction, origin};
use crate::model::command::{Common, TicketOp};
use crate::model::event::*;
use crate::model::record::ClosedRecord;
use crate::model::{NEVER, Seq, Text, UnixMs};
use crate::policy::Trigger;

impl Transaction<'_> {
    pub(super) fn inbound(&mut self, case: &Case) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        let resumed = ticket
            .paused()
            .is_some_and(|reason| terms.book.rules.customer_pauses.contains(reason));
        if resumed {
            effects.resume();
        }
        effects.happens(&Trigger::Inbound);
        let over = if resumed {
            self.over_when_back(case.slot)
        } else {
            0
        };
        let seq = self.tell(case, TicketFact::Inbound(Return { resumed, over }), effects);
        if resumed {
            self.release_if_left(case, seq);
        }
        seq
    }

    pub(super) fn respond(&mut self, case: &Case) -> Seq {
        self.meeting(case, TicketFact::Responded, &Trigger::Respond, None)
    }

    pub(super) fn progress(&mut self, case: &Case, eta: Option<UnixMs>, promise: Option<UnixMs>) -> Seq {
        let fact = TicketFact::Progressed {
            eta: eta.unwrap_or(NEVER),
            promise: promise.unwrap_or(NEVER),
        };
        self.meeting(case, fact, &Trigger::Progress, promise)
    }

    pub(super) fn mark(&mut self, case: &Case, name: &Text) -> Seq {
        self.meeting(
            case,
            TicketFact::Marked { name: name.clone() },
            &Trigger::Mark(name.clone()),
            None,
        )
    }

    pub(super) fn rate(&mut self, case: &Case, score: u8, named: &[(Text, u8)]) -> Seq {
        self.meeting(case, rated(score, named), &Trigger::Rate, None)
    }

    /// A fact that may meet clocks.
    fn meeting(&mut self, case: &Case, fact: TicketFact, trigger: &Trigger, promise: Option<UnixMs>) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.happens(trigger);
        if let Some(due) = promise {
            effects.promise(due);
        }
        self.tell(case, fact, effects)
    }

    /// Logs the fact with its effects, and what these take back.
    pub(super) fn tell(&mut self, case: &Case, fact: TicketFact, effects: Effects) -> Seq {
        let told = effects.finish();
        self.say(
            case.slot,
            case.at,
            fact,
            Saying {
                common: case.common,
                told,
                ..Saying::default()
            },
        )
    }

    /// MARK or RATE of a ticket that is over.
    pub(super) fn say_of_closed(
        &mut self,
        closed: &ClosedRecord,
        at: UnixMs,
        op: &TicketOp,
        common: Option<&Common>,
    ) -> Seq {
        let fact = match op {
            TicketOp::Rate { score, named } => rated(*score, named),
            TicketOp::Mark { name } => TicketFact::Marked { name: name.clone() },
            _ => return closed.last_seq,
        };
        let event = TicketEvent {
            id: closed.id.clone(),
            queue: closed.queue.clone(),
            agent: Text::default(),
            prev: closed.last_seq,
            fact,
            clocks: None,
            origin: origin(common),
        };
        self.emit(at, 0, Body::Ticket(event))
    }
}

fn rated(score: u8, named: &[(Text, u8)]) -> TicketFact {
    TicketFact::Rated(Box::new(Rated {
        score,
        named: named.to_vec(),
    }))
}
