//! The rule book: one version of a policy, ready to be asked. Immutable; made from text or from what the log keeps.

use super::matching::Matcher;
use super::plan::Deciders;
use crate::calendar::Calendar;
use crate::model::Text;
use crate::model::event::PolicyActivated;
use crate::model::fields::versioned;
use crate::model::rules::{Class, ClockRule, Named, Priority, Rules};
use std::fmt;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// One version of one policy.
#[derive(Clone)]
pub struct RuleBook {
    /// Name by which tickets ask for it.
    pub name: Text,
    /// Number of the version, from 1; given by who loads it.
    pub version: u32,
    /// `name@version`, as every clock effect names the rules; kept, because spelling it costs more than a copy.
    pub versioned: Text,
    /// XXH3 of the text: equal texts are the same rules.
    pub hash: u64,
    /// The file as it was read.
    pub text: String,
    /// What it says.
    pub rules: Arc<Rules>,
    pub(super) matcher: Arc<Matcher>,
    pub(super) deciders: Arc<Deciders>,
    /// As `rules.calendars` names them; `None`: not given yet.
    calendars: Vec<Option<Arc<Calendar>>>,
}

/// What it says, without what is made of that.
impl fmt::Debug for RuleBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleBook")
            .field("versioned", &self.versioned)
            .field("hash", &self.hash)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl RuleBook {
    /// A book of compiled rules, which must be [`sound`].
    pub(super) fn new(name: Text, version: u32, hash: u64, text: String, rules: Rules) -> RuleBook {
        RuleBook {
            versioned: versioned(&name, version),
            name,
            version,
            hash,
            text,
            matcher: Arc::new(Matcher::new(&rules)),
            deciders: Arc::new(Deciders::new(&rules)),
            calendars: vec![None; rules.calendars.len()],
            rules: Arc::new(rules),
        }
    }

    /// The book of a version that took effect. Nothing is read in its text.
    ///
    /// # Errors
    /// What is wrong with the compiled form, which a log written by this program never shows.
    pub fn activated(fact: &PolicyActivated) -> Result<RuleBook, String> {
        sound(&fact.rules)?;
        Ok(RuleBook::new(
            fact.name.clone(),
            fact.version,
            fact.hash,
            fact.text.clone(),
            fact.rules.clone(),
        ))
    }

    /// The fact that this version takes effect, under its number and the hash of its text. When, and under which versions of
    /// its calendars, is left to whoever loads it.
    pub fn activation(&self, source: &str, virtual_clock: bool) -> PolicyActivated {
        PolicyActivated {
            name: self.name.clone(),
            version: self.version,
            hash: self.hash,
            text: self.text.clone(),
            rules: Rules::clone(&self.rules),
            calendars: Vec::new(),
            source: Text::new(source),
            activated_at: 0,
            virtual_clock,
        }
    }

    /// The hash by which texts of policies are compared.
    pub fn hash_of(text: &str) -> u64 {
        xxh3_64(text.as_bytes())
    }

    /// Gives the book a calendar that its rules name; true if they do. A longer one takes the place of an older one.
    pub fn use_calendar(&mut self, name: &str, calendar: &Arc<Calendar>) -> bool {
        let named = self.rules.calendars.iter().position(|known| known == name);
        if let Some(index) = named {
            self.calendars[index] = Some(Arc::clone(calendar));
        }
        named.is_some()
    }

    /// The calendar of this index in the rules.
    pub fn calendar_at(&self, index: usize) -> Option<&Arc<Calendar>> {
        self.calendars.get(index)?.as_ref()
    }

    /// The calendar of a clock, if it has one.
    pub fn calendar(&self, rule: &ClockRule) -> Option<&Arc<Calendar>> {
        self.calendars.get(usize::from(rule.calendar?))?.as_ref()
    }

    /// The priority of this name, and its index.
    pub fn level(&self, name: &str) -> Option<(u16, &Priority)> {
        let index = self
            .rules
            .priorities
            .iter()
            .position(|priority| priority.name == name)?;
        Some((u16::try_from(index).ok()?, &self.rules.priorities[index]))
    }

    /// Index of the priority that a ticket of this class has unless it names one.
    pub fn usual_priority(&self, class: &str) -> u16 {
        self.class(class)
            .and_then(|class| class.priority)
            .unwrap_or(self.rules.default_priority)
    }

    /// Name of the priority with this index; empty if there is none.
    pub fn priority_name(&self, index: u16) -> &Text {
        static NONE: Text = Text::const_new("");
        self.rules
            .priorities
            .get(usize::from(index))
            .map_or(&NONE, |priority| &priority.name)
    }

    /// The declared class of this name. Cost: one look at each class.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.rules.classes.iter().find(|class| class.name == name)
    }

    /// May a ticket have this as `class`, `segment` or `channel`? A policy that declares none takes any.
    pub fn takes(&self, key: &str, value: &str) -> bool {
        let rules = &self.rules;
        let among = |list: &[Named]| list.is_empty() || list.iter().any(|named| named.name == value);
        match key {
            "class" => rules.classes.is_empty() || self.class(value).is_some(),
            "segment" => among(&rules.segments),
            "channel" => among(&rules.channels),
            _ => true,
        }
    }

    /// What is declared as `class`, `segment` or `channel`, in the order of the file; empty: anything goes.
    pub fn declared(&self, key: &str) -> Vec<&Text> {
        match key {
            "class" => self.rules.classes.iter().map(|class| &class.name).collect(),
            "segment" => self.rules.segments.iter().map(|named| &named.name).collect(),
            "channel" => self.rules.channels.iter().map(|named| &named.name).collect(),
            _ => Vec::new(),
        }
    }

    /// The queues that the policy names, in the order of names. See [`Rules::queues`].
    pub fn queues(&self) -> impl Iterator<Item = &Text> {
        self.rules.queues()
    }
}

/// Do the numbers in the compiled form point at something?
fn sound(rules: &Rules) -> Result<(), String> {
    let priorities = rules.priorities.len();
    let priority = |index: u16| usize::from(index) < priorities;
    let calendar = |index: Option<u16>| index.is_none_or(|index| usize::from(index) < rules.calendars.len());
    let mut clocks = rules
        .rules
        .iter()
        .flat_map(|rule| &rule.clocks)
        .chain(&rules.targets)
        .chain(rules.stages.iter().filter_map(|stage| stage.clock.as_ref()));
    let fits = [
        (priority(rules.default_priority), "its default priority"),
        (
            rules
                .classes
                .iter()
                .all(|class| class.priority.is_none_or(priority)),
            "the priority of a class",
        ),
        (
            rules
                .rules
                .iter()
                .all(|rule| rule.priorities.iter().all(|index| priority(*index))),
            "the priority of a rule",
        ),
        (
            clocks.all(|clock| calendar(clock.calendar)),
            "the calendar of a clock",
        ),
        (
            rules.reminders.iter().all(|reminder| calendar(reminder.calendar)),
            "the calendar of a reminder",
        ),
    ];
    match fits.iter().find(|(fits, _)| !fits) {
        None => Ok(()),
        Some((_, what)) => Err(format!("{what} is not among those it names")),
    }
}
