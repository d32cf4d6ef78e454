//! Reminders of queues: a digest every morning, triage every week. Clocks of no ticket.
//!
//! What was last told is state; what comes next follows from it, from the policies in force and from their calendars. After a
//! downtime the last one that passed is told once, late. Cost: a look at three months of dates for each reminder when it
//! was told and when policies change; one comparison a timer.

use super::Engine;
use super::Output;
use super::state::State;
use crate::calendar::{Calendar, date};
use crate::model::calendar::Day;
use crate::model::event::{Body, QueueReminded};
use crate::model::rules::{Every, Reminder};
use crate::model::time::DAY_MS;
use crate::model::{Text, UnixMs};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Dates before and after the one looked from: a month's date may come next month, and a holiday shifts it by some days more.
const DAYS_BACK: Day = 35;
const DAYS_AHEAD: Day = 70;

/// By policy and name of the reminder.
type Key = (Text, Text);

/// When each reminder was last told, and which comes next.
#[derive(Debug, Default)]
pub(super) struct Reminders {
    last: BTreeMap<Key, UnixMs>,
    /// Derived: the next of each, found when it is asked for.
    next: Option<Vec<(UnixMs, Key)>>,
}

impl Reminders {
    /// One was told.
    pub(super) fn tell(&mut self, policy: &Text, name: &Text, instant: UnixMs) {
        self.last.insert((policy.clone(), name.clone()), instant);
        self.next = None;
    }

    /// Policies or calendars changed.
    pub(super) fn forget_next(&mut self) {
        self.next = None;
    }

    /// When each was last told, in the order of policies and names.
    pub(super) fn last(&self) -> impl Iterator<Item = (&Text, &Text, UnixMs)> {
        self.last
            .iter()
            .map(|((policy, name), instant)| (policy, name, *instant))
    }
}

impl State {
    /// The next reminder of all, not before `now` for one that was never told.
    pub(super) fn next_reminder(&mut self, now: UnixMs) -> Option<(UnixMs, Text, Text)> {
        if self.reminders.next.is_none() {
            let next = self.upcoming(now);
            self.reminders.next = Some(next);
        }
        let next = self.reminders.next.as_ref()?.iter().min()?;
        let (at, (policy, name)) = next;
        Some((*at, policy.clone(), name.clone()))
    }

    fn upcoming(&self, now: UnixMs) -> Vec<(UnixMs, Key)> {
        let mut next = Vec::new();
        for policy in self.policies.names() {
            let Some(number) = self.policies.active(policy) else {
                continue;
            };
            for reminder in &self.policies.book(number).rules.reminders {
                let key = (Text::new(policy), reminder.name.clone());
                let calendar = self.calendar_of(number, reminder);
                let last = self.reminders.last.get(&key).copied();
                let from = last.unwrap_or(self.logged_at - 1);
                let Some(mut at) = after(reminder, calendar.as_deref(), from) else {
                    continue;
                };
                // Of several that passed meanwhile the last is told.
                while at <= now
                    && last.is_some()
                    && let Some(later) =
                        after(reminder, calendar.as_deref(), at).filter(|later| *later <= now)
                {
                    at = later;
                }
                next.push((at, key));
            }
        }
        next
    }

    fn calendar_of(&self, number: u32, reminder: &Reminder) -> Option<Arc<Calendar>> {
        let names = &self.policies.book(number).rules.calendars;
        let name = names.get(usize::from(reminder.calendar?))?;
        let line = self.policies.line(number, name)?;
        self.calendars.of_line(line).cloned()
    }
}

impl Engine {
    /// Tells the reminder whose instant has come.
    pub(super) fn remind(
        &mut self,
        instant: UnixMs,
        policy: &Text,
        name: &Text,
        now: UnixMs,
        out: &mut Output,
    ) {
        let Some(number) = self.state.policies.active(policy) else {
            return;
        };
        let book = Arc::clone(self.state.policies.book(number));
        let Some(reminder) = book
            .rules
            .reminders
            .iter()
            .find(|reminder| reminder.name == *name)
        else {
            return;
        };
        let queue = self.state.queues.get(&reminder.queue);
        let counts = queue.and_then(|queue| self.state.counts.get(queue as usize));
        let fact = QueueReminded {
            queue: reminder.queue.clone(),
            name: name.clone(),
            policy: policy.clone(),
            version: book.version,
            instant,
            waiting: counts.map_or(0, |counts| counts.waiting),
        };
        self.record(now, Body::QueueReminded(Box::new(fact)), out);
    }
}

/// The first instant of a reminder after `from`; `None`: the calendar ends before.
fn after(reminder: &Reminder, calendar: Option<&Calendar>, from: UnixMs) -> Option<UnixMs> {
    let today = match calendar {
        Some(calendar) => calendar.date(from),
        None => Day::try_from(from.div_euclid(DAY_MS)).ok()?,
    };
    let days = today.checked_sub(DAYS_BACK)?..today.checked_add(DAYS_AHEAD)?;
    let instants = days.filter(|day| is_on(reminder.every, *day)).filter_map(|day| {
        let day = match calendar.filter(|_| reminder.working) {
            Some(calendar) => (day..day.checked_add(DAYS_BACK)?).find(|day| calendar.is_working(*day))?,
            None => day,
        };
        Some(match calendar {
            Some(calendar) => calendar.at_local(day, reminder.at_min),
            None => i64::from(day) * DAY_MS + i64::from(reminder.at_min) * 60_000,
        })
    });
    instants.filter(|at| *at > from).min()
}

/// Does it come on this date, working or not?
fn is_on(every: Every, day: Day) -> bool {
    match every {
        Every::Day => true,
        Every::Week(weekday) => date::weekday(day) == usize::from(weekday),
        Every::Month(wanted) => {
            let (_, _, of_month) = date::civil(day);
            let (_, _, tomorrow) = date::civil(day + 1);
            of_month == u32::from(wanted) || (tomorrow == 1 && of_month < u32::from(wanted))
        }
    }
}
