//! Combinations of keys, and whether rules cover all of them.
//!
//! A region is a choice of values for each key. A search goes through the keys one by one and keeps the rules that still
//! match; values that the same rules accept are looked at once, and a rule that asks nothing further ends the search. So the
//! cost follows the rules that overlap, not the product of the values.

use crate::model::Text;
use crate::model::rules::{ClassPattern, Rule};
use std::collections::HashSet;

/// The keys in the order of the search: those with the most values that no rule names come first.
pub(super) const KEYS: [&str; 6] = ["customer", "queue", "class", "segment", "channel", "priority"];

/// Values of each key; an empty text is "none, or one that no rule names". Priorities are spelled as their index.
pub(super) type Region = [Vec<Text>; 6];

/// One value of each key.
pub(super) type Combination = [Text; 6];

/// How the values of classes below a prefix that have no name of their own are spelled: no name has a control character.
pub(super) fn some_below(prefix: &str) -> Text {
    Text::new(format!("{prefix}.\u{0}"))
}

/// Does the rule take this value of this key?
pub(super) fn accepts(rule: &Rule, key: usize, value: &Text) -> bool {
    let among = |list: &Vec<Text>| list.is_empty() || list.contains(value);
    match key {
        0 => among(&rule.customers),
        1 => among(&rule.queues),
        2 => rule.class.as_ref().is_none_or(|pattern| pattern.matches(value)),
        3 => among(&rule.segments),
        4 => among(&rule.channels),
        _ => {
            let index = value.parse();
            rule.priorities.is_empty() || index.is_ok_and(|index| rule.priorities.contains(&index))
        }
    }
}

/// The values of this key that the rule takes, of all that there are.
pub(super) fn values(rule: &Rule, key: usize, all: &[Text]) -> Vec<Text> {
    let own = match key {
        0 => &rule.customers,
        1 => &rule.queues,
        _ => {
            return all
                .iter()
                .filter(|value| accepts(rule, key, value))
                .cloned()
                .collect();
        }
    };
    // Their own values are all that customers and queues have: no look at thousands of others.
    if own.is_empty() { all.to_vec() } else { own.clone() }
}

/// Does the rule take every value of this key?
fn is_free(rule: &Rule, key: usize) -> bool {
    match key {
        0 => rule.customers.is_empty(),
        1 => rule.queues.is_empty(),
        2 => rule.class.is_none(),
        3 => rule.segments.is_empty(),
        4 => rule.channels.is_empty(),
        _ => rule.priorities.is_empty(),
    }
}

/// A combination of the region that none of the rules matches, if there is one.
pub(super) fn uncovered(region: &Region, rules: &[&Rule]) -> Option<Combination> {
    if region.iter().any(Vec::is_empty) {
        return None;
    }
    let mut chosen = Combination::default();
    search(region, rules, 0, &mut chosen).then_some(chosen)
}

fn search(region: &Region, rules: &[&Rule], key: usize, chosen: &mut Combination) -> bool {
    if rules.is_empty() {
        for later in key..KEYS.len() {
            chosen[later].clone_from(&region[later][0]);
        }
        return true;
    }
    if rules
        .iter()
        .any(|rule| (key..KEYS.len()).all(|later| is_free(rule, later)))
    {
        return false;
    }
    let mut seen = HashSet::new();
    for value in &region[key] {
        let left = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| accepts(rule, key, value));
        let (indexes, left): (Vec<usize>, Vec<&Rule>) = left.map(|(index, rule)| (index, *rule)).unzip();
        if seen.insert(indexes) {
            chosen[key].clone_from(value);
            if search(region, &left, key + 1, chosen) {
                return true;
            }
        }
    }
    false
}

/// Is there a ticket that both rules match?
pub(super) fn overlap(one: &Rule, other: &Rule) -> bool {
    let lists = |one: &Vec<Text>, other: &Vec<Text>| {
        one.is_empty() || other.is_empty() || one.iter().any(|value| other.contains(value))
    };
    let classes = match (&one.class, &other.class) {
        (Some(ClassPattern::Exact(name)), Some(pattern))
        | (Some(pattern), Some(ClassPattern::Exact(name))) => pattern.matches(name),
        (Some(one @ ClassPattern::Below(first)), Some(other @ ClassPattern::Below(second))) => {
            first == second || one.matches(second) || other.matches(first)
        }
        _ => true,
    };
    let priorities = one.priorities.is_empty()
        || other.priorities.is_empty()
        || one
            .priorities
            .iter()
            .any(|index| other.priorities.contains(index));
    classes
        && priorities
        && lists(&one.customers, &other.customers)
        && lists(&one.queues, &other.queues)
        && lists(&one.segments, &other.segments)
        && lists(&one.channels, &other.channels)
}
