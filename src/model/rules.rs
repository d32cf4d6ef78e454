//! A compiled policy as the log keeps it: plain data, every default filled in, so that replay needs neither the text nor
//! what a later program would read in it. `policy` compiles it from text and makes a rule book of it.
//!
//! Like events, these types are archived: **a change here is a new schema version**, never an edit.

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::calendar::Day;
use super::event::TicketState;
use super::skill::Required;
use super::target::Target;
use super::time::Span;
use super::{DurationMs, Text};
use rkyv::{Archive, Deserialize, Serialize};

/// Everything that one version of a policy says.
#[derive(Debug, Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
pub struct Rules {
    /// Name for people; empty if none was given.
    pub label: String,
    /// Names of the calendars that [`ClockRule::calendar`] and [`Reminder::calendar`] index.
    pub calendars: Vec<Text>,
    /// Most urgent first. Never empty; ranks differ.
    pub priorities: Vec<Priority>,
    /// Index in `priorities` of the one that a ticket has unless it or its class says otherwise.
    pub default_priority: u16,
    /// Classes that tickets may have; empty: any.
    pub classes: Vec<Class>,
    /// Kinds of customers that tickets may have; empty: any.
    pub segments: Vec<Named>,
    /// Kinds of work that tickets may have; empty: any.
    pub channels: Vec<Named>,
    /// Most specific first; of two that match and say something of the same property the first one decides.
    pub rules: Vec<Rule>,
    /// What holds for the clock of a target to which no matching rule gives a budget, so that only a due set by hand starts
    /// it. In the order of targets.
    pub targets: Vec<ClockRule>,
    /// The stages that tickets pass, in order.
    pub stages: Vec<Stage>,
    /// How dues are extended, by target.
    pub extensions: Vec<ExtensionRule>,
    /// What queues are reminded of.
    pub reminders: Vec<Reminder>,
    /// What a ticket must bring when it is opened.
    pub required: Vec<Text>,
    /// Reasons of a pause that ends when the customer writes or calls.
    pub customer_pauses: Vec<Text>,
    /// How long a resolved ticket can still be reopened; `None`: it closes at once.
    pub close_after: Option<Span>,
    /// How long after its receipt a ticket is to be entered; later is reported.
    pub entry_within: Option<Span>,
    /// The day by which the policy is to be looked at again.
    pub review_by: Option<Day>,
    /// What loading this version does to open tickets of an older one.
    pub open_tickets: OpenTickets,
    /// Who wanted this version, and why.
    pub about: About,
    /// The only new tickets to which this version applies; `None`: to all.
    pub pilot: Option<Pilot>,
}

/// What loading a version does to open tickets of an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub enum OpenTickets {
    /// They keep the version that they were opened under.
    #[default]
    Keep,
    /// They go over to the new one.
    Migrate,
}

/// Who wanted a version, and why; empty = not said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub struct About {
    pub reason: String,
    pub requested_by: String,
    pub approved_by: String,
}

/// New tickets that a version is tried on: those of any class, segment or queue listed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub struct Pilot {
    /// Names, or patterns as rules have them.
    pub classes: Vec<ClassPattern>,
    pub segments: Vec<Text>,
    pub queues: Vec<Text>,
}

/// One priority.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Priority {
    /// Name by which tickets ask for it.
    pub name: Text,
    /// Name for people, or empty.
    pub label: String,
    /// 0 most urgent; compares across policies.
    pub rank: u8,
}

/// A name and what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Named {
    pub name: Text,
    /// Name for people, or empty.
    pub label: String,
}

/// One class of tickets. Its queue is a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub struct Class {
    pub name: Text,
    /// Name for people, or empty.
    pub label: String,
    /// Index of the priority of its tickets unless they say otherwise.
    pub priority: Option<u16>,
    /// Queues that TICKET.ESCALATE goes through, in order.
    pub chain: Vec<Text>,
    /// What a ticket must have (a field, an attribute, a text in `has`) before it can be resolved.
    pub outputs: Vec<Text>,
    /// How it is worked on, for people; may be empty.
    pub flow: String,
    /// New tickets may no longer have it.
    pub retired: bool,
}

/// Which classes a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
pub enum ClassPattern {
    /// The class of this name.
    Exact(Text),
    /// Classes whose name begins with this and a dot: `fault` for the pattern `fault.*`.
    Below(Text),
}

/// One rule: for which tickets it is, and what it says of them. An empty list means "whichever".
#[derive(Debug, Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
pub struct Rule {
    /// What the file calls it: `priority 'P1'`, `class 'x'`, `rule 3 (line 57)`.
    pub called: Text,
    pub class: Option<ClassPattern>,
    /// Indexes in [`Rules::priorities`].
    pub priorities: Vec<u16>,
    pub segments: Vec<Text>,
    pub channels: Vec<Text>,
    pub customers: Vec<Text>,
    pub queues: Vec<Text>,
    /// Its clocks, in the order of their targets; each has a budget.
    pub clocks: Vec<ClockRule>,
    pub rank: Option<u8>,
    /// Where its tickets wait. A rule for certain queues has none.
    pub queue: Option<Text>,
    /// Skills that its tickets require.
    pub skills: Option<Vec<Required>>,
    /// The agent that gets its tickets first.
    pub prefer: Option<Text>,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct ClockRule {
    /// What it is aimed at.
    pub target: Target,
    /// How long it runs; `None`: only a due set by hand starts it.
    pub budget: Option<Span>,
    /// What time counts.
    pub time: Time,
    /// Index of its calendar: of business time, of business days, and of the zone in which months are counted.
    pub calendar: Option<u16>,
    /// Where a budget of business days ends.
    pub day_end: DayEnd,
    /// When it warns; `None`: it does not.
    pub warn: Option<Warn>,
    /// What starts it: any one of these.
    pub starts_on: Vec<Trigger>,
    /// What meets it: any one of these.
    pub met_by: Vec<Trigger>,
    /// What ends it without meeting it: any one of these.
    pub stops_on: Vec<Trigger>,
    /// What begins it anew with the full budget, after meeting it if it is also in `met_by`: any one of these.
    pub resets_on: Vec<Trigger>,
    /// Reasons of a pause that stop it.
    pub pauses_on: Vec<Text>,
    /// States of the ticket in which it stands still.
    pub pauses_in: Vec<TicketState>,
    /// What happens on its way and after its due, in order.
    pub steps: Vec<Step>,
    /// What a ticket must have (a field, an attribute, a text in `has`, `due.TARGET`) before the clock can be met.
    pub requires: Vec<Text>,
    /// Its budget counts from the receipt of the ticket, whenever it starts.
    pub from_creation: bool,
    /// What the stage before left of its time, or used too much of it, is added or taken off.
    pub carry_over: bool,
}

/// What time a clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Archive, Serialize, Deserialize)]
pub enum Time {
    /// Day and night, without pauses that stop the clock.
    #[default]
    Natural,
    /// The windows of its calendar, without pauses that stop the clock.
    Business,
    /// Day and night; no pause stops it.
    Elapsed,
}

/// Where a budget of business days ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Archive, Serialize, Deserialize)]
pub enum DayEnd {
    /// When the last window of the last day closes.
    #[default]
    EndOfDay,
    /// At the time of day at which it began.
    SameTime,
}

/// When a clock warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Warn {
    /// This long before the due, ms of the clock's own time; more than 0.
    Before(DurationMs),
    /// When this share of the time from start to due is over; 1–99.
    Percent(u8),
}

/// What happens to a ticket, as far as clocks are tied to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub enum Trigger {
    /// It is opened.
    Open,
    /// `TICKET.INBOUND`
    Inbound,
    /// `TICKET.RESPOND`
    Respond,
    /// `TICKET.PROGRESS`
    Progress,
    /// `TICKET.RESOLVE`
    Resolve,
    /// `TICKET.REOPEN`
    Reopen,
    /// An agent gets the ticket, by whatever way.
    Assign,
    /// It goes back to its queue.
    Release,
    /// `TICKET.TRANSFER` to whichever queue.
    Transfer,
    /// `TICKET.TRANSFER` to this queue.
    TransferTo(Text),
    /// `TICKET.RATE`
    Rate,
    /// The stage of this name is entered.
    Stage(Text),
    /// `TICKET.MARK` with this name.
    Mark(Text),
}

/// A step of an escalation ladder.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Step {
    /// When it comes.
    pub at: StepAt,
    /// Roles that are told.
    pub notify: Vec<Text>,
    /// The ticket's new rank.
    pub rank: Option<u8>,
    /// The queue that it goes to.
    pub queue: Option<Text>,
    /// Skills that are no longer required, or at a lower level.
    pub relax: Vec<Relax>,
}

/// When a step comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub enum StepAt {
    /// This long before the due, ms of the clock's own time; more than 0.
    Before(DurationMs),
    /// When this share of the time from start to due is over; 0–100.
    Percent(u8),
    /// This long after the due, ms of the clock's own time; 0: with the breach.
    After(DurationMs),
}

/// How a step widens what a ticket requires.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Relax {
    /// The skill is no longer required.
    Drop(Text),
    /// A lower level will do.
    Lower(Required),
}

/// One stage. Its clock is aimed at `stage:NAME`.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct Stage {
    pub name: Text,
    /// Name for people, or empty.
    pub label: String,
    /// Where its tickets wait; `None`: where they are.
    pub queue: Option<Text>,
    /// What a ticket must have before it enters.
    pub requires: Vec<Text>,
    /// Classes whose tickets pass it; empty: all.
    pub classes: Vec<ClassPattern>,
    /// Its clock, unless a rule gives another one; `None`: without a time.
    pub clock: Option<ClockRule>,
}

/// How the due of a target is extended.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct ExtensionRule {
    pub target: Target,
    /// Asked for later than this long before the due, ms of the clock's own time, it is marked late; 0: never.
    pub lead_ms: DurationMs,
    /// Who may grant it, a role; empty: anybody.
    pub approver: Text,
    /// Who is told of the new due, a role; empty: nobody.
    pub notice: Text,
}

/// Something that a queue is reminded of again and again.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Reminder {
    pub name: Text,
    pub queue: Text,
    /// Local time of day, minutes after midnight.
    pub at_min: u16,
    /// On which days.
    pub every: Every,
    /// On working days only: one that falls on another day comes on the next working day.
    pub working: bool,
    /// Index of the calendar whose zone and working days count; `None`: UTC.
    pub calendar: Option<u16>,
}

/// On which days a reminder comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Every {
    Day,
    /// The day of the week, 0 = Monday.
    Week(u8),
    /// The day of the month, 1–31; a shorter month has it on its last day.
    Month(u8),
}

impl ClassPattern {
    /// Is the class one of these?
    pub fn matches(&self, class: &str) -> bool {
        match self {
            ClassPattern::Exact(name) => name == class,
            ClassPattern::Below(prefix) => class
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.starts_with('.')),
        }
    }
}
