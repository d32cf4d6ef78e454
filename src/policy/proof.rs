//! What must hold between the rules of a policy: no two equally specific ones decide the same of a ticket, every ticket that
//! the file speaks of has a queue and a clock, and every rule decides something of some ticket.

use super::levels::Level;
use super::problem::Problems;
use super::region::{self, Combination, KEYS, Region};
use super::ruling::{PlacedRule, specificity};
use crate::model::Text;
use crate::model::rules::{ClassPattern, Rule};
use crate::model::target::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

/// What is proven about.
pub(super) struct Proof<'a> {
    /// The most specific first.
    pub(super) rules: &'a [PlacedRule],
    pub(super) levels: &'a [Level<'a>],
    /// Declared classes that new tickets may have, and where they stand; all of them.
    pub(super) classes: &'a [(Text, bool, Range<usize>)],
    pub(super) segments: &'a [Text],
    pub(super) channels: &'a [Text],
    pub(super) required: &'a [Text],
    /// Classes whose tickets pass a stage with a time; `None`: whichever.
    pub(super) staged: &'a [Option<ClassPattern>],
}

/// Something that a rule can say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Property {
    Clock(Target),
    Rank,
    Queue,
    Skills,
    Prefer,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Property::Clock(target) => write!(f, "clocks.{target}"),
            Property::Rank => f.write_str("rank"),
            Property::Queue => f.write_str("set_queue"),
            Property::Skills => f.write_str("skills"),
            Property::Prefer => f.write_str("prefer"),
        }
    }
}

/// What the rule says something of.
fn properties(rule: &Rule) -> BTreeSet<Property> {
    let plain = [
        (rule.rank.is_some(), Property::Rank),
        (rule.queue.is_some(), Property::Queue),
        (rule.skills.is_some(), Property::Skills),
        (rule.prefer.is_some(), Property::Prefer),
    ];
    let clocks = rule
        .clocks
        .iter()
        .map(|clock| Property::Clock(clock.target.clone()));
    let plain = plain
        .into_iter()
        .filter(|(says, _)| *says)
        .map(|(_, property)| property);
    clocks.chain(plain).collect()
}

impl Proof<'_> {
    /// Looks for everything.
    pub(super) fn check(&self, problems: &mut Problems) {
        let before = problems.count();
        self.overlaps(problems);
        // Where two rules contradict each other, what a third one decides is not known.
        if problems.count() == before {
            self.unreachable(problems);
        }
        self.queues(problems);
        self.clocks(problems);
    }

    /// Equally specific rules that match a common ticket and decide the same of it.
    fn overlaps(&self, problems: &mut Problems) {
        // Only rules with a value in common can overlap: those of the key that tells most are compared.
        let mut shelves: BTreeMap<([usize; 6], Text), Vec<usize>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (index, placed) in self.rules.iter().enumerate() {
            for value in telling(&placed.rule) {
                let shelf = shelves.entry((specificity(&placed.rule), value)).or_default();
                for other in shelf.iter() {
                    if seen.insert((*other, index)) {
                        overlap(&self.rules[*other], placed, problems);
                    }
                }
                shelf.push(index);
            }
        }
    }

    /// Rules that decide nothing because more specific ones do.
    fn unreachable(&self, problems: &mut Problems) {
        let all = self.domain(false);
        let said: Vec<_> = self.rules.iter().map(|placed| properties(&placed.rule)).collect();
        // Where the rules of this one's specificity begin: all before it are more specific.
        let (mut begin, mut before) = (0, None);
        for (index, placed) in self.rules.iter().enumerate() {
            let rule = &placed.rule;
            let mine = Some(specificity(rule));
            if mine != before {
                (begin, before) = (index, mine);
            }
            if !placed.explicit {
                continue;
            }
            let above: Vec<usize> = (0..begin)
                .filter(|other| region::overlap(&self.rules[*other].rule, rule))
                .collect();
            let region: Region = std::array::from_fn(|key| region::values(rule, key, &all[key]));
            let decides = |property: &Property| {
                let deciding = above.iter().filter(|other| said[**other].contains(property));
                let deciding: Vec<&Rule> = deciding.map(|other| &self.rules[*other].rule).collect();
                region::uncovered(&region, &deciding).is_some()
            };
            if said[index].is_empty() || said[index].iter().any(decides) {
                continue;
            }
            let by = above
                .iter()
                .take(4)
                .map(|other| self.rules[*other].rule.called.as_str());
            problems.at(
                &placed.place,
                format!(
                    "{} is never reached: more specific ones decide everything it says ({})",
                    rule.called,
                    by.collect::<Vec<_>>().join(", ")
                ),
                "leave it out, or name a key that makes it more specific",
            );
        }
    }

    /// Tickets for which nothing says where they wait.
    fn queues(&self, problems: &mut Problems) {
        let rules = self.rules.iter().map(|placed| &placed.rule);
        let setting: Vec<&Rule> = rules.filter(|rule| rule.queue.is_some()).collect();
        let mut last: Option<Range<usize>> = None;
        for (index, level) in self.levels.iter().enumerate() {
            let region = self.of_level(index);
            if region::uncovered(&region, &setting).is_some() && last.as_ref() != Some(&level.place) {
                problems.at(
                    &level.place,
                    format!("{}: no queue says where the tickets wait", level.called),
                    "add queue = \"NAME\" there, or at the top for all priorities",
                );
                last = Some(level.place.clone());
            }
        }
    }

    /// Tickets without any clock, though the policy has some.
    fn clocks(&self, problems: &mut Problems) {
        let staged: Vec<Rule> = self
            .staged
            .iter()
            .map(|class| Rule {
                class: class.clone(),
                ..Rule::default()
            })
            .collect();
        let any = self.rules.iter().any(|placed| !placed.rule.clocks.is_empty()) || !staged.is_empty();
        if !any {
            return;
        }
        let clocked = self.rules.iter().filter(|placed| placed.clocked);
        let covering: Vec<&Rule> = clocked.map(|placed| &placed.rule).chain(&staged).collect();
        for (index, level) in self.levels.iter().enumerate() {
            let region = self.of_level(index);
            let Some(combination) = region::uncovered(&region, &covering) else {
                continue;
            };
            let class = self.classes.iter().find(|(name, ..)| *name == combination[2]);
            let place = class.map_or(&level.place, |(.., place)| place);
            problems.at(
                place,
                format!("no rule gives a clock to {}", self.told(&combination)),
                "add a rule for them, or say clocks = {} in one if they are to have none",
            );
        }
    }

    /// All combinations of one priority that new tickets may have, of customers and queues that no rule names.
    fn of_level(&self, index: usize) -> Region {
        let mut region = self.domain(true);
        region[0] = vec![Text::default()];
        region[1] = vec![Text::default()];
        region[5] = vec![Text::new(index.to_string())];
        region
    }

    /// The values of each key: what is declared, else what rules name and one more.
    fn domain(&self, new: bool) -> Region {
        let rules = || self.rules.iter().map(|placed| &placed.rule);
        let named = |list: fn(&Rule) -> &Vec<Text>| -> Vec<Text> {
            let values: BTreeSet<&Text> = rules().flat_map(list).collect();
            std::iter::once(&Text::default()).chain(values).cloned().collect()
        };
        let is_required = |key: &str| self.required.iter().any(|name| name == key);
        let declared = |names: &[Text], key: &str, list: fn(&Rule) -> &Vec<Text>| -> Vec<Text> {
            match (names.is_empty(), is_required(key)) {
                (true, _) => named(list),
                (false, true) => names.to_vec(),
                (false, false) => std::iter::once(&Text::default()).chain(names).cloned().collect(),
            }
        };
        let mut classes: Vec<Text> = Vec::new();
        if self.classes.is_empty() || !is_required("class") {
            classes.push(Text::default());
        }
        let live = self.classes.iter().filter(|(_, retired, _)| !(new && *retired));
        classes.extend(live.map(|(name, ..)| name.clone()));
        if self.classes.is_empty() {
            let patterns: BTreeSet<&ClassPattern> = rules().filter_map(|rule| rule.class.as_ref()).collect();
            classes.extend(patterns.into_iter().map(|pattern| match pattern {
                ClassPattern::Exact(name) => name.clone(),
                ClassPattern::Below(prefix) => region::some_below(prefix),
            }));
        }
        [
            named(|rule| &rule.customers),
            named(|rule| &rule.queues),
            classes,
            declared(self.segments, "segment", |rule| &rule.segments),
            declared(self.channels, "channel", |rule| &rule.channels),
            (0..self.levels.len())
                .map(|index| Text::new(index.to_string()))
                .collect(),
        ]
    }

    /// A combination in words.
    fn told(&self, combination: &Combination) -> String {
        let mut words = Vec::new();
        for (key, value) in KEYS.iter().zip(combination) {
            match *key {
                "priority" => {
                    let level = value.parse().ok().and_then(|index: usize| self.levels.get(index));
                    let name = level.map_or("", |level| level.priority.name.as_str());
                    words.push(format!("priority '{name}'"));
                }
                "class" if !self.classes.is_empty() && value.is_empty() => words.push("no class".to_owned()),
                "segment" if !self.segments.is_empty() && value.is_empty() => {
                    words.push("no segment".to_owned())
                }
                "channel" if !self.channels.is_empty() && value.is_empty() => {
                    words.push("no channel".to_owned())
                }
                _ if value.is_empty() => {}
                key => words.push(format!("{key} '{}'", value.replace('\u{0}', "*"))),
            }
        }
        format!("tickets of {}", words.join(", "))
    }
}

/// The values of the key that tells most of the rule's tickets; one for all without any.
fn telling(rule: &Rule) -> Vec<Text> {
    let lists = [&rule.customers, &rule.queues, &rule.channels, &rule.segments];
    if !rule.customers.is_empty() {
        return rule.customers.clone();
    }
    if let Some(ClassPattern::Exact(name) | ClassPattern::Below(name)) = &rule.class {
        return vec![name.clone()];
    }
    if let Some(list) = lists.into_iter().find(|list| !list.is_empty()) {
        return list.clone();
    }
    match rule.priorities.as_slice() {
        [] => vec![Text::default()],
        indexes => indexes.iter().map(|index| Text::new(index.to_string())).collect(),
    }
}

/// Reports two rules of the same keys that decide the same of a common ticket, at the one that stands later.
fn overlap(one: &PlacedRule, other: &PlacedRule, problems: &mut Problems) {
    if !region::overlap(&one.rule, &other.rule) {
        return;
    }
    let mine = properties(&one.rule);
    let others = properties(&other.rule);
    let Some(property) = mine.intersection(&others).next() else {
        return;
    };
    let (first, second) = if one.place.start <= other.place.start {
        (one, other)
    } else {
        (other, one)
    };
    problems.at(
        &second.place,
        format!(
            "{} and {} are equally specific, match the same tickets, and both say {property}",
            second.rule.called, first.rule.called
        ),
        "let one of them name a further key (customer, class, queue, channel, segment or priority), or join them",
    );
}
