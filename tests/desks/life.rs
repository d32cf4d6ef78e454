//! The book of one ticket: what was done to it, entered by whoever did it, and what that makes of its targets.

use crate::month::{END, HOUR};
use crate::standards::{after_pauses, first_response, resolution};

/// What is known of a ticket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    pub(crate) id: String,
    pub(crate) policy: &'static str,
    pub(crate) class: &'static str,
    pub(crate) level: &'static str,
    pub(crate) customer: String,
    pub(crate) issue: String,
    /// Where it was opened, and where it is.
    pub(crate) first_queue: &'static str,
    pub(crate) queue: &'static str,
    pub(crate) opened_at: i64,
    pub(crate) entered_at: i64,
    pub(crate) responded_at: Option<i64>,
    /// Another level: when, and which it was before.
    pub(crate) relevelled: Option<(i64, &'static str)>,
    pub(crate) paused_at: Option<i64>,
    /// While the customer was waited for, and between a resolution and the reopening.
    /// When nothing counted, in order.
    pub(crate) stood_still: Vec<(i64, i64)>,
    pub(crate) resolved_at: Option<i64>,
    /// Queue and instant of every resolution.
    pub(crate) resolutions: Vec<(&'static str, i64)>,
    pub(crate) transfers: u32,
    pub(crate) escalations: u32,
    pub(crate) reopenings: u32,
    /// Begun, stage; and what was spent in those that are over.
    pub(crate) stage: Option<(&'static str, i64)>,
    pub(crate) stages: Vec<(&'static str, i64, i64)>,
    pub(crate) held_since: Option<i64>,
    pub(crate) handled: i64,
    pub(crate) rating: Option<(i64, &'static str)>,
    /// Stages and targets over their time: worked out by [`Life::close`].
    pub(crate) over: Vec<(String, bool)>,
}

/// What is done to a ticket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Do {
    Open,
    Level(&'static str),
    Respond,
    Solution,
    Assign(&'static str),
    Transfer(&'static str),
    Escalate(&'static str),
    Stage(&'static str, Option<&'static str>),
    Pause,
    Resume,
    Resolve,
    Reopen,
    Rate(i64, &'static str),
}

impl Life {
    /// It was done.
    pub(crate) fn enter(&mut self, at: i64, step: Do) {
        let let_go = |life: &mut Life| {
            life.handled += life.held_since.take().map_or(0, |since| at - since);
        };
        match step {
            Do::Open => {}
            Do::Level(level) => {
                self.relevelled = Some((at, self.level));
                self.level = level;
                self.queue = if level == "P1" { "tech-support" } else { "business" };
            }
            Do::Respond | Do::Solution => self.responded_at = Some(at),
            Do::Assign(_) => self.held_since = Some(at),
            Do::Transfer(queue) | Do::Escalate(queue) => {
                let_go(self);
                self.queue = queue;
                match step {
                    Do::Transfer(_) => self.transfers += 1,
                    _ => self.escalations += 1,
                }
            }
            Do::Stage(stage, queue) => {
                self.leave_stage(at);
                self.stage = Some((stage, at));
                if let Some(queue) = queue {
                    let_go(self);
                    self.queue = queue;
                }
            }
            Do::Pause => self.paused_at = Some(at),
            Do::Resume => self
                .stood_still
                .extend(self.paused_at.take().map(|since| (since, at))),
            Do::Resolve => {
                let_go(self);
                self.resolved_at = Some(at);
                self.resolutions.push((self.queue, at));
                if let Some((stage, since)) = self.stage {
                    self.stages.push((stage, since, at));
                }
            }
            Do::Reopen => {
                let resolved_at = self.resolved_at.take().expect("it was resolved");
                self.stood_still.push((resolved_at, at));
                self.reopenings += 1;
                if let Some((_, since)) = &mut self.stage {
                    *since = at;
                }
            }
            Do::Rate(score, reason) => self.rating = Some((score, reason)),
        }
    }

    fn leave_stage(&mut self, at: i64) {
        if let Some((stage, since)) = self.stage.take() {
            self.stages.push((stage, since, at));
        }
    }

    /// The month is over: which targets took too long, and whether only because of another level.
    pub(crate) fn close(&mut self) {
        let first = |level: &str| first_response(self.policy, self.class, level, self.opened_at);
        let ended = self.responded_at.or(self.resolved_at).unwrap_or(END);
        let mut over = self
            .is_over(first, ended)
            .map(|by_level| ("first_response".to_owned(), by_level));
        self.over.extend(over.take());
        let resolution = |level: &str| resolution(self.policy, self.class, level, self.opened_at);
        let ended = self.resolved_at.or(self.paused_at).unwrap_or(END);
        // What a clock of business days stood still counts in the hours of the office alone.
        let office = self.policy == "service-levels" && self.level == "P3";
        let still = |due| after_pauses(due, &self.stood_still, office);
        let over = self.is_over(|level| resolution(level).map(still), ended);
        self.over
            .extend(over.map(|by_level| ("resolution".to_owned(), by_level)));
        // Time in a stage is of its own: what lay between a resolution and a reopening is in none.
        let mut spent: Vec<(&'static str, i64)> = Vec::new();
        let open = self.stage.filter(|_| self.resolved_at.is_none());
        for (stage, from, to) in self
            .stages
            .iter()
            .copied()
            .chain(open.map(|(s, from)| (s, from, END)))
        {
            match spent.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, sum)) => *sum += to - from,
                None => spent.push((stage, to - from)),
            }
        }
        for (stage, spent) in spent {
            let budget = match stage {
                "first-review" => 2 * HOUR,
                "final-review" => 4 * HOUR,
                "investigate" | "solution" => 48 * HOUR,
                _ => continue,
            };
            if spent > budget {
                self.over.push((format!("stage:{stage}"), false));
            }
        }
    }

    /// `Some(true)`: only because its level changed.
    fn is_over(&self, due: impl Fn(&str) -> Option<i64>, ended: i64) -> Option<bool> {
        let now = due(self.level)?;
        match self.relevelled {
            Some((at, before)) if due(before).is_some_and(|due| ended.min(at) > due) => Some(false),
            Some((at, _)) if ended > at && at > now => Some(true),
            _ => (ended > now).then_some(false),
        }
    }
}
