//! What a ticket must have before something is done to it: outputs before it is resolved, what a stage or a clock requires.

use super::Case;
use crate::engine::ticket::Ticket;
use crate::engine::transaction::Transaction;
use crate::model::event::Details;
use crate::model::fields::list;
use crate::model::record::ClockState;
use crate::model::rules::Trigger;
use crate::model::{Code, Refusal, Text};

impl Transaction<'_> {
    /// `REQUIRED` if something that the policy wants before this is missing: `outputs` of the class before the ticket is
    /// resolved, and what each clock requires before it can be met.
    pub(super) fn check_required(&self, case: &Case, trigger: &Trigger) -> Result<(), Refusal> {
        let terms = self.terms(case.slot);
        let Some(ticket) = self.state.tickets.get(case.slot) else {
            return Ok(());
        };
        let class = ticket.details.as_deref().map_or("", |details| &details.class);
        if *trigger == Trigger::Resolve
            && let Some(class) = terms.book.class(class)
        {
            let of = format!("{}, class {}", terms.book.versioned, class.name);
            self.check_has(ticket, &class.outputs, &of)?;
        }
        for rule in &terms.plan.clocks {
            let is_met = |state: ClockState| state == ClockState::Met;
            if rule.requires.is_empty()
                || !rule.met_by.contains(trigger)
                || ticket
                    .clock(&rule.target)
                    .is_some_and(|clock| is_met(clock.state))
            {
                continue;
            }
            let of = format!("{}, clock {}", terms.book.versioned, rule.target);
            self.check_has(ticket, &rule.requires, &of)?;
        }
        Ok(())
    }

    /// `REQUIRED` if the ticket lacks any of these; `of`: who wants them.
    pub(super) fn check_has(&self, ticket: &Ticket, names: &[Text], of: &str) -> Result<(), Refusal> {
        let queue = self.state.queues.name(ticket.queue);
        let skills = &self.state.routing.requirements.get(ticket.requirement).skills;
        let none = Details::default();
        let details = ticket.details.as_deref().unwrap_or(&none);
        let has_due = |target: &str| {
            let counts = |state: ClockState| state != ClockState::Stopped;
            let mut clocks = ticket.clocks.iter();
            clocks.any(|clock| counts(clock.state) && clock.target.to_string() == target)
        };
        let missing: Vec<Text> = names
            .iter()
            .filter(|name| match name.as_str() {
                "queue" => queue.is_empty(),
                "skills" => skills.is_empty(),
                "priority" | "policy" | "opened_at" => false,
                name => match name.strip_prefix("due.") {
                    Some(target) => !has_due(target),
                    None => !has(details, name),
                },
            })
            .cloned()
            .collect();
        refuse(&missing, of)
    }
}

/// `REQUIRED` if a ticket about to be opened lacks any of these.
pub(super) fn check_details_have(details: &Details, names: &[Text], of: &str) -> Result<(), Refusal> {
    let missing: Vec<Text> = names.iter().filter(|name| !has(details, name)).cloned().collect();
    refuse(&missing, of)
}

fn refuse(missing: &[Text], of: &str) -> Result<(), Refusal> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Required,
        format!(
            "{} ({of}): give each with TICKET.SET as a field, as attr.NAME, or declare it with has \"NAME,…\"",
            list(missing)
        ),
    ))
}

/// Given as a field, as an attribute, or declared in `has`.
fn has(details: &Details, name: &str) -> bool {
    let field = match name {
        "class" => &details.class,
        "customer" => &details.customer,
        "segment" => &details.segment,
        "channel" => &details.channel,
        "issue" => &details.issue,
        "parent" => &details.parent,
        "prefer" => &details.prefer,
        "calendar" => &details.calendar,
        _ => "",
    };
    let listed = match name {
        "links" => !details.links.is_empty(),
        "assist" => !details.assist.is_empty(),
        _ => false,
    };
    let attribute = name.strip_prefix("attr.").unwrap_or(name);
    !field.is_empty()
        || listed
        || details.has.iter().any(|has| has == name)
        || details.attributes.iter().any(|(known, _)| known == attribute)
}
