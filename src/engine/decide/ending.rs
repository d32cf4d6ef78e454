//! How it ends, and may begin again: RESOLVE, REOPEN, CLOSE, CANCEL.

use super::Case;
use crate::engine::effects::Effects;
use crate::engine::transaction::{Saying, Transaction};
use crate::model::command::Cancelled;
use crate::model::event::{Closed, TicketFact};
use crate::model::{NEVER, Seq};

impl Transaction<'_> {
    pub(super) fn resolve(&mut self, case: &Case) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.resolve(ticket.stage());
        // What the policy wants done after the completion comes before the end.
        let close_at = match terms.book.rules.close_after {
            Some(after) => after.after(case.at),
            None if effects.awaits() => case.at,
            None => NEVER,
        };
        let seq = self.tell(case, TicketFact::Resolved { close_at }, effects);
        if close_at == NEVER {
            let fact = TicketFact::Closed {
                how: Closed::Resolved,
            };
            self.say(
                case.slot,
                self.now,
                fact,
                Saying {
                    cause: seq,
                    ..Saying::default()
                },
            );
        }
        seq
    }

    pub(super) fn reopen(&mut self, case: &Case) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.reopen(ticket.stage());
        let seq = self.tell(case, TicketFact::Reopened, effects);
        // Its rules may have stages by now.
        self.first_stage(case.slot, case.at, seq);
        seq
    }

    pub(super) fn close(&mut self, case: &Case) -> Seq {
        self.end(case, Closed::Resolved)
    }

    pub(super) fn cancel(&mut self, case: &Case, how: Cancelled) -> Seq {
        self.end(
            case,
            match how {
                Cancelled::Abandoned => Closed::Abandoned,
                Cancelled::Duplicate => Closed::Duplicate,
                Cancelled::Spam => Closed::Spam,
                Cancelled::Withdrawn => Closed::Withdrawn,
            },
        )
    }

    fn end(&mut self, case: &Case, how: Closed) -> Seq {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return self.state.seq;
        };
        let mut effects = Effects::new(ticket, &terms, case.at);
        effects.stop();
        self.tell(case, TicketFact::Closed { how }, effects)
    }
}
