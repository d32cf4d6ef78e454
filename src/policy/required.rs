//! What a ticket must bring: required fields, and whether an opening has them.

use super::book::RuleBook;
use crate::model::Text;
use crate::model::command::Open;

impl RuleBook {
    /// The required names that this opening does not bring: neither as a field, nor as `attr.NAME`, nor in `has`.
    pub fn missing(&self, open: &Open) -> Vec<Text> {
        self.rules
            .required
            .iter()
            .filter(|name| !brings(open, name))
            .cloned()
            .collect()
    }
}

/// `opened_at` counts as given: without it, it is now.
fn brings(open: &Open, name: &str) -> bool {
    let fields = &open.fields;
    let list = |given: &Option<Vec<Text>>| given.as_ref().is_some_and(|list| !list.is_empty());
    let field = match name {
        "policy" => open.policy.is_some(),
        "queue" => open.queue.is_some(),
        "opened_at" => true,
        "class" => fields.class.is_some(),
        "priority" => fields.priority.is_some(),
        "customer" => fields.customer.is_some(),
        "segment" => fields.segment.is_some(),
        "channel" => fields.channel.is_some(),
        "skills" => fields.skills.as_ref().is_some_and(|list| !list.is_empty()),
        "issue" => fields.issue.is_some(),
        "parent" => fields.parent.is_some(),
        "prefer" => fields.prefer.is_some(),
        "calendar" => fields.calendar.is_some(),
        "links" => list(&fields.links),
        "assist" => list(&fields.assist),
        _ => name
            .strip_prefix("due.")
            .is_some_and(|target| fields.dues.iter().any(|(due, _)| due.to_string() == target)),
    };
    field
        || fields.has.iter().any(|has| has == name)
        || fields
            .attributes
            .iter()
            .any(|(attribute, _)| attribute == name.strip_prefix("attr.").unwrap_or(name))
}
