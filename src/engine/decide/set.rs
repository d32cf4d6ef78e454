//! TICKET.SET: re-level, reclassify, dues by hand.

use super::Case;
use super::course::{begins, home_queue};
use super::open::{check_class, check_details, check_labels, priority, set_details};
use crate::engine::effects::Effects;
use crate::engine::transaction::{Saying, Transaction};
use crate::model::command::Fields;
use crate::model::event::{Changed, TicketFact, TicketState};
use crate::model::target::Target;
use crate::model::{Refusal, Seq, Text};

impl Transaction<'_> {
    pub(super) fn set(&mut self, case: &Case, fields: &Fields) -> Result<Seq, Refusal> {
        let old = self.terms(case.slot);
        check_labels(&old.book, fields)?;
        check_class(&old.book, fields)?;
        self.check_calendar(fields)?;
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let mut details = ticket.details.as_deref().cloned().unwrap_or_default();
        let class_before = details.class.clone();
        let calendar_before = details.calendar.clone();
        let given = set_details(&mut details, fields);
        check_details(&details)?;
        let level = match &fields.priority {
            Some(_) => priority(&old.book, fields)?.0,
            // A priority that is its class's own goes with the class.
            None if ticket.level == old.book.usual_priority(&class_before) => {
                old.book.usual_priority(&details.class)
            }
            None => ticket.level,
        };
        let (book, plan_before) = (ticket.book, ticket.plan);
        let asked_queue = ticket.asked_queue;
        let own = if details.calendar == calendar_before {
            ticket.calendar_line
        } else {
            self.state.calendar_line(book, &details.calendar)
        };
        let plan = self.state.replan(book, level, &details, asked_queue);
        let new = self.state.terms(book, plan, own);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let rematched = plan != plan_before;
        let moves = ticket.queue_by_policy && ticket.state == TicketState::Waiting;
        let stage = Text::new(ticket.stage());
        // Rules with stages begin with the first.
        let stage = begins(&new, &stage, &details).map_or(stage.clone(), |first| first.name.clone());
        let queue = (moves && rematched).then(|| home_queue(&new, &stage));
        let skills = fields.skills.clone().or_else(|| {
            // Requirements that are the rules' own change with the rules.
            let required = &self.state.routing.requirements.get(ticket.requirement).skills;
            let are_ruled = rematched && old.plan.skills != new.plan.skills && *required == old.plan.skills;
            are_ruled.then(|| new.plan.skills.clone())
        });
        if let Some(skills) = &skills {
            let stays = || self.state.queues.name(ticket.queue).clone();
            self.room_for_requirement(&queue.clone().unwrap_or_else(stays), skills)?;
        }
        let mut effects = Effects::new(ticket, &old, case.at).with_pauses(ticket);
        if rematched || details.calendar != calendar_before {
            effects.relevel(&new, &stage, &fields.dues);
        }
        for (target, due) in &fields.dues {
            effects.by_hand(target, *due);
        }
        let told = effects.finish();
        let name = old.book.priority_name(level).clone();
        let levelled = fields.priority.is_some()
            || level != ticket.level
            || (rematched && new.plan.rank != old.plan.rank);
        let changed = Changed {
            priority: levelled.then(|| (name.clone(), new.plan.rank)),
            skills,
            details: given.then(|| Box::new(details)),
            fields: names(fields),
        };
        let saying = Saying {
            common: case.common,
            told,
            queue,
            priority: levelled.then_some(name),
            ..Saying::default()
        };
        let seq = self.say(case.slot, case.at, TicketFact::Changed(Box::new(changed)), saying);
        self.first_stage(case.slot, case.at, seq);
        Ok(seq)
    }
}

/// The fields that were given, in the order of the command table.
fn names(fields: &Fields) -> Vec<Text> {
    let plain = [
        ("class", fields.class.is_some()),
        ("priority", fields.priority.is_some()),
        ("customer", fields.customer.is_some()),
        ("segment", fields.segment.is_some()),
        ("channel", fields.channel.is_some()),
        ("skills", fields.skills.is_some()),
        ("issue", fields.issue.is_some()),
        ("parent", fields.parent.is_some()),
        ("links", fields.links.is_some()),
        ("assist", fields.assist.is_some()),
        ("prefer", fields.prefer.is_some()),
        ("calendar", fields.calendar.is_some()),
        ("has", !fields.has.is_empty()),
    ];
    let plain = plain
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| Text::const_new(name));
    let mut dues: Vec<&Target> = fields.dues.iter().map(|(target, _)| target).collect();
    let mut attributes: Vec<&Text> = fields.attributes.iter().map(|(name, _)| name).collect();
    dues.sort();
    attributes.sort();
    let dues = dues
        .into_iter()
        .map(|target| compact_str::format_compact!("due.{target}"));
    let attributes = attributes
        .into_iter()
        .map(|name| compact_str::format_compact!("attr.{name}"));
    plain.chain(dues).chain(attributes).collect()
}
