//! TICKET.SET: re-level, reclassify, dues by hand.

use super::Case;
use super::open::{check_details, check_labels, priority, set_details};
use crate::engine::effects::Effects;
use crate::engine::transaction::{Saying, Transaction};
use crate::model::command::Fields;
use crate::model::event::{Changed, Details, TicketFact, TicketState};
use crate::model::target::Target;
use crate::model::{Refusal, Seq, Text};

impl Transaction<'_> {
    pub(super) fn set(&mut self, case: &Case, fields: &Fields) -> Result<Seq, Refusal> {
        let terms = self.terms(case.slot);
        let new_level = match &fields.priority {
            Some(_) => Some(priority(&terms.book, fields)?),
            None => None,
        };
        check_labels(&terms.book, fields)?;
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let mut details = ticket
            .details
            .as_deref()
            .cloned()
            .unwrap_or_else(Details::default);
        let given = set_details(&mut details, fields);
        check_details(&details)?;
        let level = new_level.map_or(ticket.level, |(index, _)| index);
        let (book, old) = (ticket.book, ticket.plan);
        let plan = self.state.replan(book, level, &details, ticket.asked_queue);
        let new = self.state.policies.terms(book, plan);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(self.state.seq);
        };
        let moves = ticket.queue_by_policy && ticket.state == TicketState::Waiting;
        let queue = (moves && plan != old).then(|| new.plan.queue.clone());
        if let Some(skills) = &fields.skills {
            let stays = || self.state.queues.name(ticket.queue).clone();
            self.room_for_requirement(&queue.clone().unwrap_or_else(stays), skills)?;
        }
        let mut effects = Effects::new(ticket, &terms, case.at);
        if plan != old {
            effects.relevel(&new.plan, &fields.dues);
        }
        for (target, due) in &fields.dues {
            effects.by_hand(target, *due);
        }
        let (effects, _) = effects.finish();
        let changed = Changed {
            priority: new_level.map(|(_, priority)| (priority.name.clone(), new.plan.rank)),
            skills: fields.skills.clone(),
            details: given.then(|| Box::new(details)),
            fields: names(fields),
        };
        let saying = Saying {
            common: case.common,
            effects,
            queue,
            priority: new_level.map(|(_, priority)| priority.name.clone()),
            ..Saying::default()
        };
        Ok(self.say(case.slot, case.at, TicketFact::Changed(Box::new(changed)), saying))
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
