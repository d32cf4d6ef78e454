//! From the keys of a ticket to the rules that match it.
//!
//! Each dimension (class, queue, channel …) has the rules that do not ask about it, once, and for every value that some rule
//! names the rules that name it. The set for a ticket is the intersection over the dimensions: a word operation for 64
//! rules and dimension, and no look at a rule. It is worked out once for each different combination of values: see
//! [`super::plans`]. Memory: a word for each mention of a value in a rule.

use crate::collections::hash::SeededHash;
use crate::model::Text;
use crate::model::rules::{ClassPattern, Rule, Rules};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// What a ticket is matched by. An empty text is "not given".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keys<'a> {
    /// Its class.
    pub class: &'a str,
    /// Index of its priority.
    pub priority: u16,
    /// Its kind of customer.
    pub segment: &'a str,
    /// Its kind of work.
    pub channel: &'a str,
    /// Its customer.
    pub customer: &'a str,
    /// The queue that it was opened with; `None`: the one that the policy gives it.
    pub queue: Option<&'a str>,
}

/// A combination of values as the rules tell them apart: tickets of one place have one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    priority: u16,
    class: u32,
    segment: u32,
    channel: u32,
    customer: u32,
    /// 0: none that a rule names; [`BY_POLICY`]: what the policy gives.
    queue: u32,
}

/// The queue of a place is the one that the policy gives.
const BY_POLICY: u32 = u32::MAX;

const SEED: u64 = 0x5eed_0f7a_b1e5;

/// A set of rules: bit n is rule n, the most specific first.
pub(super) type Set = Vec<u64>;

/// The rules of one policy, ready to be matched.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    words: usize,
    priorities: Dimension,
    classes: Dimension,
    /// Value of each prefix of a pattern `prefix.*`.
    below: Values,
    segments: Dimension,
    channels: Dimension,
    customers: Dimension,
    queues: Dimension,
    /// Rules that set the queue.
    set_queue: Set,
}

type Values = HashMap<Text, u32, SeededHash>;

/// One key of the rules.
#[derive(Debug, Clone)]
struct Dimension {
    /// Number of each value that a rule names, from 1. 0 is every other value.
    values: Values,
    /// The rules that do not ask about this key.
    any: Set,
    /// The further rules that match, by number of the value.
    named: Vec<Vec<u32>>,
}

impl Matcher {
    pub(super) fn new(rules: &Rules) -> Matcher {
        let list = &rules.rules;
        let (classes, below) = classes(rules);
        Matcher {
            words: list.len().div_ceil(64),
            priorities: priorities(rules),
            classes,
            below,
            segments: Dimension::new(list, |rule| &rule.segments),
            channels: Dimension::new(list, |rule| &rule.channels),
            customers: Dimension::new(list, |rule| &rule.customers),
            queues: Dimension::new(list, |rule| &rule.queues),
            set_queue: set(list, |rule| rule.queue.is_some()),
        }
    }

    /// Where the rules put a ticket. Cost: a hash for each key that some rule asks about.
    pub(super) fn place(&self, keys: &Keys) -> Place {
        Place {
            priority: keys.priority,
            class: self.class(keys.class),
            segment: self.segments.number(keys.segment),
            channel: self.channels.number(keys.channel),
            customer: self.customers.number(keys.customer),
            queue: keys.queue.map_or(BY_POLICY, |queue| self.queues.number(queue)),
        }
    }

    /// An exact name first, then the longest prefix.
    fn class(&self, class: &str) -> u32 {
        let exact = self.classes.number(class);
        if exact != 0 || self.below.is_empty() {
            return exact;
        }
        let mut rest = class;
        while let Some((prefix, _)) = rest.rsplit_once('.') {
            if let Some(number) = self.below.get(prefix) {
                return *number;
            }
            rest = prefix;
        }
        0
    }

    /// The rules that match tickets of this place. `queue_of` names the queue that a rule sets.
    pub(super) fn matching<'a>(&self, place: Place, queue_of: impl Fn(Option<usize>) -> &'a str) -> Set {
        let mut set = vec![u64::MAX; self.words];
        self.priorities.narrow(u32::from(place.priority) + 1, &mut set);
        for (dimension, value) in [
            (&self.classes, place.class),
            (&self.segments, place.segment),
            (&self.channels, place.channel),
            (&self.customers, place.customer),
        ] {
            dimension.narrow(value, &mut set);
        }
        let queue = if place.queue == BY_POLICY && !self.queues.values.is_empty() {
            // A rule for certain queues sets none, so that this does not go round in a circle.
            self.queues.number(queue_of(first(&set, &self.set_queue)))
        } else if place.queue == BY_POLICY {
            0
        } else {
            place.queue
        };
        self.queues.narrow(queue, &mut set);
        set
    }
}

/// In one go: hashing number by number takes four times as long.
impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut bytes = [0; 24];
        let numbers = [
            u32::from(self.priority),
            self.class,
            self.segment,
            self.channel,
            self.customer,
            self.queue,
        ];
        for (part, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            part.copy_from_slice(&number.to_ne_bytes());
        }
        state.write(&bytes);
    }
}

impl Place {
    /// Index of the priority.
    pub(super) fn priority(&self) -> usize {
        usize::from(self.priority)
    }
}

impl Dimension {
    fn new(rules: &[Rule], key: impl Fn(&Rule) -> &Vec<Text>) -> Dimension {
        let mut dimension = Dimension::open(rules, |rule| key(rule).is_empty());
        for (index, rule) in rules.iter().enumerate() {
            for value in key(rule) {
                let number = dimension.number_or_new(value);
                dimension.named[number as usize].push(index as u32);
            }
        }
        dimension
    }

    fn open(rules: &[Rule], any: impl Fn(&Rule) -> bool) -> Dimension {
        Dimension {
            values: HashMap::with_hasher(SeededHash::new(SEED)),
            any: set(rules, any),
            named: vec![Vec::new()],
        }
    }

    fn number(&self, value: &str) -> u32 {
        if self.values.is_empty() || value.is_empty() {
            return 0;
        }
        self.values.get(value).copied().unwrap_or(0)
    }

    fn number_or_new(&mut self, value: &Text) -> u32 {
        let new = self.named.len() as u32;
        let number = *self.values.entry(value.clone()).or_insert(new);
        if number == new {
            self.named.push(Vec::new());
        }
        number
    }

    fn narrow(&self, value: u32, set: &mut Set) {
        let mut mine = self.any.clone();
        for rule in self.named.get(value as usize).into_iter().flatten() {
            mine[*rule as usize / 64] |= 1 << (rule % 64);
        }
        for (word, mine) in set.iter_mut().zip(mine) {
            *word &= mine;
        }
    }
}

/// Priorities have numbers already: value n + 1 is the one of index n.
fn priorities(rules: &Rules) -> Dimension {
    let mut dimension = Dimension::open(&rules.rules, |rule| rule.priorities.is_empty());
    dimension.named.resize(rules.priorities.len() + 1, Vec::new());
    for (index, rule) in rules.rules.iter().enumerate() {
        for priority in &rule.priorities {
            if let Some(list) = dimension.named.get_mut(usize::from(*priority) + 1) {
                list.push(index as u32);
            }
        }
    }
    dimension
}

/// Every pattern is a value of its own, those of stages too; a class has the value of the narrowest pattern that matches
/// it, and with it all rules of wider ones.
fn classes(rules: &Rules) -> (Dimension, Values) {
    let list = &rules.rules;
    let mut dimension = Dimension::open(list, |rule| rule.class.is_none());
    let mut below: Values = HashMap::with_hasher(SeededHash::new(SEED));
    let mut patterns: Vec<&ClassPattern> = list.iter().filter_map(|rule| rule.class.as_ref()).collect();
    patterns.extend(rules.stages.iter().flat_map(|stage| &stage.classes));
    patterns.sort_unstable();
    patterns.dedup();
    for pattern in patterns {
        let number = match pattern {
            ClassPattern::Exact(name) => dimension.number_or_new(name),
            ClassPattern::Below(prefix) => {
                let number = dimension.named.len() as u32;
                dimension.named.push(Vec::new());
                below.insert(prefix.clone(), number);
                number
            }
        };
        let covers = |rule: &Rule| rule.class.as_ref().is_some_and(|wider| is_within(pattern, wider));
        let indexes = list.iter().enumerate().filter(|(_, rule)| covers(rule));
        dimension.named[number as usize].extend(indexes.map(|(index, _)| index as u32));
    }
    (dimension, below)
}

/// Does `wider` match every class that `pattern` matches?
pub(super) fn is_within(pattern: &ClassPattern, wider: &ClassPattern) -> bool {
    match pattern {
        ClassPattern::Exact(name) => wider.matches(name),
        ClassPattern::Below(prefix) => match wider {
            ClassPattern::Exact(_) => false,
            ClassPattern::Below(outer) => prefix == outer || wider.matches(prefix),
        },
    }
}

/// The rules for which `which` holds.
pub(super) fn set(rules: &[Rule], which: impl Fn(&Rule) -> bool) -> Set {
    let mut set = vec![0; rules.len().div_ceil(64)];
    for (index, _) in rules.iter().enumerate().filter(|(_, rule)| which(rule)) {
        set[index / 64] |= 1 << (index % 64);
    }
    set
}

/// The first rule in both sets.
pub(super) fn first(one: &Set, other: &Set) -> Option<usize> {
    let both = one.iter().zip(other).map(|(a, b)| a & b);
    let (word, bits) = both.enumerate().find(|(_, bits)| *bits != 0)?;
    Some(word * 64 + bits.trailing_zeros() as usize)
}
