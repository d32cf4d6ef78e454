//! `apply(event)`: the only way the state changes, when a command is carried out and when a log is replayed alike.
//!
//! Events carry results; nothing is decided here. An event that does not fit the state is an error: a damaged log on
//! replay, a bug otherwise.

mod agent;
mod clocks;
mod import;
mod over;
mod ticket;

use super::state::State;
use crate::model::event::{Body, Event, Origin};
use crate::model::record::TokenRecord;
use crate::model::reply::Taken;
use crate::model::time::DAY_MS;
use crate::model::{Seq, TENANT_DEFAULT};

impl State {
    /// Applies the event with this seq, which must be the next one, or tell of the gap before it.
    pub(super) fn apply(&mut self, seq: Seq, event: &Event) -> Result<(), String> {
        let told = matches!(&event.body, Body::LogRecovered(log) if log.lost_to + 1 == seq && seq > self.seq);
        if seq != self.seq + 1 && !told {
            return Err(format!("event {seq} follows event {}", self.seq));
        }
        self.seq = seq;
        self.logged_at = self.logged_at.max(event.logged_at);
        self.forget_old_tokens();
        match &event.body {
            Body::Ticket(ticket) => self.apply_ticket(seq, event, ticket),
            Body::Agent(agent) => {
                self.apply_agent(seq, agent);
                self.bind_token(seq, event, agent.origin.as_deref(), None);
                Ok(())
            }
            Body::PolicyActivated(policy) => {
                let hash = self.sum.canon.policy(policy);
                self.sum.add(hash);
                let State {
                    policies, calendars, ..
                } = self;
                policies.activate(policy, calendars)?;
                self.virtual_clock |= policy.virtual_clock;
                self.reminders.forget_next();
                self.learn_queues();
                Ok(())
            }
            Body::PolicyMigrating(begun) => {
                self.begin_migration(seq, &begun.migration);
                Ok(())
            }
            Body::PolicyMigrated(ended) => self.end_migration(ended.begun),
            Body::CalendarExtended(calendar) => self.take_calendar(seq, calendar),
            Body::QueueReminded(reminder) => {
                self.tell_reminder(&reminder.policy, &reminder.name, reminder.instant);
                Ok(())
            }
            Body::QueueChanged(queue) => {
                let number = self.queues.intern(&queue.queue);
                if self.declared.insert(number, seq).is_none() {
                    let hash = self.sum.canon.queue(&queue.queue, seq);
                    self.sum.add(hash);
                }
                self.bind_token(seq, event, queue.origin.as_deref(), None);
                Ok(())
            }
            Body::ImportDone(done) => {
                self.end_import(seq);
                self.bind_token(seq, event, done.origin.as_deref(), None);
                Ok(())
            }
            Body::ClockJumped(jump) => {
                self.apply_jump(seq, event.logged_at, jump);
                Ok(())
            }
            Body::LogRecovered(_) | Body::SnapshotTaken(_) => Ok(()),
        }
    }

    /// The queues of the active policies are known queues.
    pub(super) fn learn_queues(&mut self) {
        let State { policies, queues, .. } = self;
        for queue in policies.active_books().flat_map(|book| book.queues()) {
            queues.intern(queue);
        }
    }

    /// Keeps the token and the reply that it stands for.
    fn bind_token(&mut self, seq: Seq, event: &Event, origin: Option<&Origin>, taken: Option<Box<Taken>>) {
        let Some(origin) = origin.filter(|origin| !origin.token.is_empty()) else {
            return;
        };
        self.remember_token(TokenRecord {
            tenant: TENANT_DEFAULT,
            number: self.tokens.range().end,
            token: origin.token.clone(),
            fingerprint: origin.fingerprint,
            seq,
            logged_at: event.logged_at,
            taken,
        });
    }

    fn remember_token(&mut self, token: TokenRecord) {
        // Two waits may carry one token: the later binding stands.
        if let Some(index) = self.tokens.number_of(&token.token)
            && let Some(old) = self.tokens.remove(&token.token)
        {
            self.forget_token(index, old);
        }
        let hash = self.sum.canon.token(&token);
        self.sum.add(hash);
        if let (_, Some((index, _, evicted))) = self.tokens.insert(token.token.clone(), token) {
            self.forget_token(index, evicted);
        }
    }

    /// Tokens are kept for 24 h by the instants of later events.
    fn forget_old_tokens(&mut self) {
        while self
            .tokens
            .oldest()
            .is_some_and(|(_, _, token)| token.logged_at + DAY_MS < self.logged_at)
        {
            if let Some((index, _, token)) = self.tokens.pop_oldest() {
                self.forget_token(index, token);
            }
        }
    }

    fn forget_token(&mut self, index: u64, token: TokenRecord) {
        let hash = self.sum.canon.token(&token);
        self.sum.subtract(hash);
        if self
            .copying
            .as_mut()
            .is_some_and(|copying| copying.tokens.leaves(index))
        {
            self.save_ahead(crate::model::record::Record::Token(Box::new(token)));
        }
    }
}
