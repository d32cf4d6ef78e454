//! Facts about tickets.

use crate::engine::clock::Clock;
use crate::engine::state::{State, id_hash};
use crate::engine::ticket::{NONE, Pause, Ticket};
use crate::model::event::*;
use crate::model::record::{ClockState, ClosedRecord};
use crate::model::target::Target;
use crate::model::{NEVER, Seq, TENANT_DEFAULT, Text, UnixMs};

impl State {
    pub(super) fn apply_ticket(
        &mut self,
        seq: Seq,
        event: &Event,
        ticket: &TicketEvent,
    ) -> Result<(), String> {
        let slot = match (&ticket.fact, self.ticket_slot(&ticket.id)) {
            (TicketFact::Opened(opened), None) => self.open(seq, ticket, opened)?,
            (TicketFact::Opened(_), Some(_)) => {
                return Err(format!("event {seq}: ticket {} is open", ticket.id));
            }
            (TicketFact::Imported(imported), None) => self.open(seq, ticket, &imported.opened)?,
            (TicketFact::Imported(_), Some(_)) => {
                return Err(format!("event {seq}: ticket {} is there", ticket.id));
            }
            (_, Some(slot)) => {
                self.before_ticket(slot);
                slot
            }
            (_, None) => {
                self.apply_to_closed(seq, event, ticket)?;
                self.bind_token(seq, event, ticket.origin.as_deref(), None);
                return Ok(());
            }
        };
        self.apply_clocks(slot, event, ticket);
        self.apply_fact(slot, seq, event, ticket)?;
        if let TicketFact::Closed { how } = ticket.fact {
            self.close(slot, seq, event, how);
            self.bind_token(seq, event, ticket.origin.as_deref(), None);
            return Ok(());
        }
        if let Some(state) = self.tickets.get_mut(slot) {
            state.last_seq = seq;
            if is_commanded(event, &ticket.fact) {
                state.commanded_at = event.at;
            }
        }
        self.after_ticket(slot);
        if self.live {
            self.derive(slot, seq);
        }
        let taken = match &ticket.fact {
            TicketFact::Assigned {
                how: AssignedHow::Next,
                ..
            } if ticket.origin.is_some() => self.taken(slot),
            _ => None,
        };
        self.bind_token(seq, event, ticket.origin.as_deref(), taken.map(Box::new));
        Ok(())
    }

    fn apply_fact(&mut self, slot: u32, seq: Seq, event: &Event, ticket: &TicketEvent) -> Result<(), String> {
        match &ticket.fact {
            TicketFact::Responded => self.edit(slot, |t| t.respond_seq = seq),
            TicketFact::Paused { reason } => {
                self.change_load(slot, -1);
                self.edit(slot, |t| {
                    let pause = t.pause.get_or_insert_with(Box::<Pause>::default);
                    // Another reason: the pause for the one before is over.
                    pause.end(event.at);
                    pause.reason = reason.clone();
                    pause.pause_seq = seq;
                    pause.since = event.at;
                });
            }
            TicketFact::Resumed(_) | TicketFact::Inbound(Return { resumed: true, .. }) => {
                self.edit(slot, |t| {
                    if let Some(pause) = &mut t.pause {
                        pause.end(event.at);
                        pause.resume_seq = seq;
                    }
                });
                self.change_load(slot, 1);
            }
            TicketFact::Changed(changed) => self.change(slot, event.at, ticket, changed)?,
            TicketFact::Migrated(migrated) => self.apply_migrated(slot, event, ticket, migrated)?,
            TicketFact::Assigned { .. } => {
                self.detach(slot);
                let agent = self.agent_or_new(&ticket.agent);
                self.edit(slot, |t| {
                    t.state = TicketState::Assigned;
                    t.agent = agent;
                    t.hold = seq;
                    t.hold_at = event.at;
                });
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.held.insert(seq, slot);
                }
                self.change_load(slot, 1);
            }
            TicketFact::Released { .. } => self.back_to_waiting(slot, event.at),
            TicketFact::Transferred { .. } => {
                self.back_to_waiting(slot, event.at);
                self.move_to_queue(slot, &ticket.queue, event.at);
                self.edit(slot, |t| t.queue_by_policy = false);
            }
            TicketFact::Resolved { close_at } => {
                self.detach(slot);
                self.edit(slot, |t| {
                    t.state = TicketState::Resolved;
                    t.resolve_seq = seq;
                    t.close_at = *close_at;
                    if let Some(pause) = &mut t.pause {
                        pause.end(event.at);
                    }
                });
            }
            TicketFact::Reopened => self.edit(slot, |t| {
                t.state = TicketState::Waiting;
                t.waiting_at = event.at;
                t.resolve_seq = 0;
                t.close_at = NEVER;
            }),
            TicketFact::Warned(sla) => self.edit_clock(slot, &sla.target, |clock| clock.warned = true),
            TicketFact::Breached(sla) => self.edit_clock(slot, &sla.target, |clock| {
                clock.breached = true;
                clock.breached_due = sla.due;
                clock.late_by_level = false;
            }),
            TicketFact::Withdrawn(withdrawn) => self.withdraw(slot, withdrawn),
            TicketFact::StageEntered(stage) => {
                if !stage.from.is_empty() {
                    self.back_to_waiting(slot, event.at);
                    self.move_to_queue(slot, &ticket.queue, event.at);
                }
                self.edit(slot, |t| {
                    t.queue_by_policy &= stage.from.is_empty();
                    let course = t.course.get_or_insert_default();
                    course.stage = stage.name.clone();
                    course.stage_seq = seq;
                });
            }
            TicketFact::ExtensionRequested(asked) => self.edit(slot, |t| {
                t.past_mut(&asked.target).asked = Some(asked.clone());
            }),
            TicketFact::ExtensionRejected(asked) => self.edit(slot, |t| {
                t.past_mut(&asked.target).asked = None;
            }),
            TicketFact::Extended(extension) => self.edit(slot, |t| {
                t.clock_mut(&extension.target).account_mut().add(extension.span);
                let past = t.past_mut(&extension.target);
                past.asked = None;
                past.first_due = extension.first_due;
            }),
            TicketFact::Escalated(escalated) => {
                self.back_to_waiting(slot, event.at);
                self.move_to_queue(slot, &ticket.queue, event.at);
                self.edit(slot, |t| {
                    t.queue_by_policy = false;
                    t.course.get_or_insert_default().escalated = escalated.times;
                });
            }
            TicketFact::Imported(imported) => self.take_over(slot, seq, ticket, imported),
            TicketFact::Stepped(stepped) => self.step(slot, event.at, ticket, stepped),
            TicketFact::Closed { .. } => self.detach(slot),
            TicketFact::Opened(_)
            | TicketFact::Inbound(_)
            | TicketFact::Progressed { .. }
            | TicketFact::Marked { .. }
            | TicketFact::Rated(_) => {}
        }
        Ok(())
    }

    /// A step was taken. A ticket in an agent's hands stays there, whatever queue it belongs to from here on.
    fn step(&mut self, slot: u32, at: UnixMs, ticket: &TicketEvent, stepped: &Stepped) {
        self.take_rung(slot, &stepped.sla.target, stepped.step);
        self.edit(slot, |t| {
            t.rank = stepped.rank.unwrap_or(t.rank);
            t.queue_by_policy &= stepped.from.is_empty();
        });
        if let Some(skills) = &stepped.skills {
            self.require(slot, skills);
        }
        self.move_to_queue(slot, &ticket.queue, at);
    }

    fn require(&mut self, slot: u32, skills: &[crate::model::skill::Required]) {
        if let Some(queue) = self.tickets.get(slot).map(|t| t.queue) {
            let requirement = self.routing.requirements.intern(queue, skills);
            self.edit(slot, |t| t.requirement = requirement);
        }
    }

    fn open(&mut self, seq: Seq, ticket: &TicketEvent, opened: &Opened) -> Result<u32, String> {
        let unknown = || {
            format!(
                "event {seq}: unknown policy {}@{} or priority",
                opened.policy, opened.version
            )
        };
        let book = self
            .policies
            .find(&opened.policy, opened.version)
            .ok_or_else(unknown)?;
        let (level, _) = self
            .policies
            .book(book)
            .level(&opened.priority)
            .ok_or_else(unknown)?;
        self.forget_closed(&ticket.id);
        let queue = self.queues.intern(&ticket.queue);
        let asked_queue = if opened.queue_by_policy { NONE } else { queue };
        let none = Details::default();
        let details = opened.details.as_deref().unwrap_or(&none);
        let plan = self.replan(book, level, details, asked_queue);
        let calendar_line = self.calendar_line(book, &details.calendar);
        let requirement = self.routing.requirements.intern(queue, &opened.skills);
        let effects = ticket.clocks.as_ref().map_or(0, |clocks| clocks.effects.len());
        let slot = self.insert_ticket(Ticket {
            id: ticket.id.clone(),
            opened_at: opened.opened_at,
            waiting_at: opened.opened_at,
            opened_seq: seq,
            last_seq: seq,
            commanded_at: 0,
            respond_seq: 0,
            resolve_seq: 0,
            close_at: NEVER,
            fingerprint: opened.fingerprint,
            hold: 0,
            hold_at: 0,
            agent: NONE,
            queue,
            requirement,
            book,
            level,
            plan,
            asked_queue,
            rank: opened.rank,
            state: TicketState::Waiting,
            queue_by_policy: opened.queue_by_policy,
            held_back: false,
            calendar_line,
            clocks: Vec::with_capacity(effects),
            pause: None,
            details: opened.details.clone(),
            course: None,
        });
        // As for every other fact: not counted while it changes.
        self.before_ticket(slot);
        Ok(slot)
    }

    /// Puts a whole ticket in; it is counted, but stands in no wheel and no lane yet.
    pub(in crate::engine) fn insert_ticket(&mut self, ticket: Ticket) -> u32 {
        self.before_ticket(self.tickets.next_id());
        let hash = id_hash(&ticket.id);
        let slot = self.tickets.insert(ticket);
        self.ticket_memo.set(slot);
        let State {
            ticket_ids, tickets, ..
        } = self;
        ticket_ids.insert(hash, slot, |slot| {
            tickets.get(slot).map_or(0, |ticket| id_hash(&ticket.id))
        });
        self.after_ticket(slot);
        slot
    }

    fn change(
        &mut self,
        slot: u32,
        at: UnixMs,
        ticket: &TicketEvent,
        changed: &Changed,
    ) -> Result<(), String> {
        if let Some((priority, rank)) = &changed.priority {
            let book = self.tickets.get(slot).map_or(0, |t| t.book);
            let unknown = || format!("ticket {}: unknown priority {priority}", ticket.id);
            let (level, _) = self.policies.book(book).level(priority).ok_or_else(unknown)?;
            self.edit(slot, |t| {
                t.level = level;
                t.rank = *rank;
            });
        }
        if let Some(skills) = &changed.skills {
            self.require(slot, skills);
        }
        let rules = |state: &State| state.tickets.get(slot).map(|t| (t.plan, t.calendar_line));
        let ruled_before = rules(self);
        if let Some(details) = &changed.details {
            self.change_details(slot, details);
        }
        if changed.priority.is_some() || changed.details.is_some() {
            self.replan_ticket(slot);
        }
        if rules(self) != ruled_before {
            self.rule_clocks(slot);
        }
        self.move_to_queue(slot, &ticket.queue, at);
        Ok(())
    }

    /// The ticket leaves memory; what repeats and late ratings need stays.
    fn close(&mut self, slot: u32, seq: Seq, event: &Event, how: Closed) {
        if self.live {
            self.routing.lanes.remove(slot);
            self.wheel.cancel(slot);
        }
        let Some(ticket) = self.tickets.try_remove(slot) else {
            return;
        };
        self.ticket_ids.remove(id_hash(&ticket.id), |other| other == slot);
        // A command finds a ticket whose time is over closed already: from `close_at` on it was the timer.
        // Unless a clock kept it waiting: then it was told to close.
        let kept =
            |clock: &Clock| clock.state == ClockState::Stopped && clock.mark == event.at && !clock.breached;
        let by_command =
            event.cause == 0 && (event.logged_at < ticket.close_at || ticket.clocks.iter().any(kept));
        self.remember_closed(ClosedRecord {
            tenant: TENANT_DEFAULT,
            number: self.closed.range().end,
            how,
            resolve_seq: ticket.resolve_seq,
            close_seq: seq,
            last_seq: seq,
            commanded_at: if by_command { event.at } else { ticket.commanded_at },
            queue: self.queues.name(ticket.queue).clone(),
            fingerprint: ticket.fingerprint,
            opened_seq: ticket.opened_seq,
            id: ticket.id,
        });
    }

    pub(in crate::engine) fn edit(&mut self, slot: u32, change: impl FnOnce(&mut Ticket)) {
        if let Some(ticket) = self.tickets.get_mut(slot) {
            change(ticket);
        }
    }

    /// A calendar of its own that is named anew counts as it is now.
    fn change_details(&mut self, slot: u32, details: &Details) {
        let Some(ticket) = self.tickets.get(slot) else {
            return;
        };
        let before = ticket.details.as_deref().map_or("", |details| &details.calendar);
        let line = if details.calendar == before {
            ticket.calendar_line
        } else {
            self.calendar_line(ticket.book, &details.calendar)
        };
        self.edit(slot, |t| {
            t.details = Some(Box::new(details.clone()));
            t.calendar_line = line;
        });
    }

    fn edit_clock(&mut self, slot: u32, target: &Target, change: impl FnOnce(&mut Clock)) {
        self.edit(slot, |ticket| change(ticket.clock_mut(target)));
    }

    /// Back to its queue, in nobody's hands.
    fn back_to_waiting(&mut self, slot: u32, at: UnixMs) {
        self.detach(slot);
        self.edit(slot, |t| {
            t.state = TicketState::Waiting;
            t.waiting_at = at;
        });
    }

    pub(in crate::engine) fn move_to_queue(&mut self, slot: u32, queue: &Text, at: UnixMs) {
        let number = self.queues.intern(queue);
        let Some(ticket) = self.tickets.get_mut(slot).filter(|t| t.queue != number) else {
            return;
        };
        let skills = self.routing.requirements.get(ticket.requirement).skills.clone();
        ticket.queue = number;
        ticket.waiting_at = at;
        ticket.requirement = self.routing.requirements.intern(number, &skills);
    }

    /// Takes the ticket out of its agent's hands, if it is in any.
    fn detach(&mut self, slot: u32) {
        self.change_load(slot, -1);
        let Some(ticket) = self.tickets.get_mut(slot) else {
            return;
        };
        if let Some(agent) = self.agents.get_mut(ticket.agent) {
            agent.held.remove(&ticket.hold);
        }
        ticket.agent = NONE;
        ticket.hold = 0;
        ticket.hold_at = 0;
    }

    /// A ticket in an agent's hands that is not paused counts against the capacity.
    pub(super) fn change_load(&mut self, slot: u32, by: i32) {
        let Some(ticket) = self.tickets.get(slot).filter(|t| !t.is_paused()) else {
            return;
        };
        if let Some(agent) = self.agents.get_mut(ticket.agent) {
            agent.load = agent.load.saturating_add_signed(by);
        }
    }

    /// Brings wheel and lanes in line with the ticket.
    pub(in crate::engine) fn derive(&mut self, slot: u32, seq: Seq) {
        let Some(ticket) = self.tickets.get(slot) else {
            return;
        };
        match ticket.next_instant() {
            Some(at) => self.wheel.schedule(slot, at),
            None => self.wheel.cancel(slot),
        }
        if self.is_routable(ticket) {
            let key = (ticket.live_deadline(), ticket.opened_at, ticket.opened_seq);
            let requirement = ticket.requirement;
            let is_new = self.routing.lanes.place(slot, ticket.rank, requirement, key);
            if is_new && self.routing.waiting.len() > 0 {
                self.routable.push((slot, seq));
            }
        } else {
            self.routing.lanes.remove(slot);
        }
    }
}

/// Did somebody command it, or did it follow by itself? Later commands may not be back-dated to before the former.
fn is_commanded(event: &Event, fact: &TicketFact) -> bool {
    event.cause == 0
        && !matches!(
            fact,
            TicketFact::Warned(_)
                | TicketFact::Breached(_)
                | TicketFact::Withdrawn(_)
                | TicketFact::Stepped(_)
        )
}
