//! What the core thread records for Prometheus: commands and timers from their instant to their release, outcomes of
//! clocks, how many there are.
//!
//! A command costs one entry of a queue that is emptied by releases: replies are released in the order of their seqs,
//! whoever they go to. The sizes are published at most once a second and only after something happened, so that an idle
//! daemon stays asleep.

use super::config::Config;
use super::core::CoreRef;
use super::disk::DiskState;
use super::http::{self, Health, Server};
use super::metrics::{
    self, EngineRecorder, Gauges, LogRecorder, Metrics, PolicyLabels, Recorders, ReplyRecorder, figures,
};
use super::policies::folder::Folder;
use super::shared::Shared;
use crate::engine::{Figures, Measure};
use crate::model::command::QUEUE_NONE;
use crate::model::event::{Body, Event, PolicyActivated, TicketFact};
use crate::model::reply::Reply;
use crate::model::rules::Rules;
use crate::model::{Code, NEVER, Seq, Text, UnixMs};
use crate::wire::table;
use compact_str::ToCompactString;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sizes are published this often at most.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// Slots looked at in one slice of the search for the longest waiting tickets: 0.1 ms or so.
const SLICE_SLOTS: u32 = 2_048;
/// The search rests this many times as long as it took, so that it costs at most 2 % of the core's time: it comes once
/// a second up to some 200,000 tickets, and every 5 seconds or so at a million.
const REST_FACTOR: u32 = 50;
/// Commands whose release is awaited at most; beyond them the time is not recorded, only the command.
const AWAITED_MAX: usize = 1 << 16;

/// The core's recorders.
pub struct Meter {
    engine: EngineRecorder,
    replies: ReplyRecorder,
    gauges: Gauges,
    health: Arc<Health>,
    commands: VecDeque<(Seq, usize, Option<Code>, Instant)>,
    /// Seq, and the instant at which the timer was to fire, of warnings and breaches not yet released.
    timers: VecDeque<(Seq, UnixMs)>,
}

/// Everything that was laid out, by who needs it.
pub struct Laid {
    /// For the core.
    pub meter: Meter,
    /// For the log thread.
    pub log: LogRecorder,
    /// The running pages, if they are configured.
    pub server: Option<Server>,
}

/// Lays the series out and starts the pages. The error names the address.
pub fn lay(shared: &Arc<Shared>) -> Result<Laid, String> {
    let seen = shared.clone();
    let clock: metrics::Clock = Arc::new(move || seen.now_ms());
    let (all, recorders) = Metrics::new(&labels(&shared.config), shared.config.data.clone(), &clock)
        .map_err(|e| format!("metrics: {e}"))?;
    let Recorders {
        engine,
        log,
        replies,
        gauges,
    } = recorders;
    gauges.loading.set(1);
    let server = match shared.config.http {
        None => None,
        Some(address) => {
            let server = http::serve(address, all, shared.health.clone()).map_err(|e| e.to_string())?;
            tracing::info!(http = %server.address(), "pages");
            Some(server)
        }
    };
    Ok(Laid {
        meter: Meter {
            engine,
            replies,
            gauges,
            health: shared.health.clone(),
            commands: VecDeque::new(),
            timers: VecDeque::new(),
        },
        log,
        server,
    })
}

/// What is known before the log is read, so that the page shows these at 0 while it is.
fn labels(config: &Config) -> metrics::Labels {
    let books = super::policies::load::books(&Folder::read(config.policies.as_deref()));
    let queues = books.iter().flat_map(|book| book.queues().cloned());
    metrics::Labels {
        queues: queues
            .chain(config.queues.iter().cloned())
            .chain(["default", QUEUE_NONE].map(Text::const_new))
            .collect(),
        commands: table::ROWS.iter().map(|row| row.name).collect(),
        policies: books
            .iter()
            .map(|book| policy_labels(&book.name, &book.rules))
            .collect(),
    }
}

fn policy_labels(name: &Text, rules: &Rules) -> PolicyLabels {
    let targets = rules.targets();
    PolicyLabels {
        name: name.clone(),
        priorities: rules.priorities.iter().map(|level| level.name.clone()).collect(),
        targets: targets
            .into_iter()
            .map(ToCompactString::to_compact_string)
            .collect(),
    }
}

impl Meter {
    /// A command was executed; its reply waits for `seq` while that is not `released`.
    pub fn command(&mut self, place: usize, reply: &Reply, seq: Seq, released: Seq, since: Instant) {
        let code = match reply {
            Reply::Refused(refusal) => Some(refusal.code),
            _ => None,
        };
        if seq > released && self.commands.len() < AWAITED_MAX {
            self.commands.push_back((seq, place, code, since));
        } else {
            self.replies.command(place, code, since.elapsed());
        }
    }

    /// Events were executed.
    pub fn events(&mut self, first_seq: Seq, events: &[Event], real_time: bool) {
        for (seq, event) in (first_seq..).zip(events) {
            if let Body::PolicyActivated(fact) = &event.body {
                self.policy(fact);
            }
            self.engine.sla.observe(event);
            if let (true, Body::Ticket(ticket)) = (real_time, &event.body)
                && let TicketFact::Warned(sla) | TicketFact::Breached(sla) = &ticket.fact
                && self.timers.len() < AWAITED_MAX
                // What a jump of the clock passed over is late by the clock, not by the daemon.
                && event.cause == 0
            {
                self.timers.push_back((seq, event.logged_at - sla.late_ms));
            }
        }
    }

    /// What this version names has series of its own from now on.
    pub fn policy(&mut self, fact: &PolicyActivated) {
        let queues: Vec<Text> = fact.rules.queues().cloned().collect();
        let policy = policy_labels(&fact.name, &fact.rules);
        self.engine.learn(&[policy], &queues);
    }

    /// Something ended, having taken so long.
    pub fn measures(&mut self, measures: &[Measure]) {
        let ms = |ms: UnixMs| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let sla = &mut self.engine.sla;
        for measure in measures {
            match measure {
                Measure::FirstResponse(policy, took) => sla.first_response(policy, ms(*took)),
                Measure::Resolution(policy, took) => sla.resolved(policy, ms(*took)),
                Measure::Wait(queue, took) => sla.waited(queue, ms(*took)),
            }
        }
    }

    /// One turn of the engine.
    pub fn turn(&mut self, took: Duration) {
        self.engine.slice(took);
    }

    /// Everything up to `released` may be seen now.
    pub fn released(&mut self, released: Seq, shared: &Shared) {
        while let Some(&(seq, place, code, since)) = self.commands.front()
            && seq <= released
        {
            self.replies.command(place, code, since.elapsed());
            self.commands.pop_front();
        }
        if self.timers.front().is_some_and(|(seq, _)| *seq <= released) {
            let now = shared.now_ms();
            while let Some(&(seq, at)) = self.timers.front()
                && seq <= released
            {
                let late = u64::try_from(now - at).unwrap_or(0);
                self.replies.timer(Duration::from_millis(late));
                self.timers.pop_front();
            }
        }
    }

    /// Replies can be given, this long after the start.
    pub fn ready(&self, after: Duration) {
        self.gauges.loading.set(0);
        self.gauges.recovered(after);
    }

    /// Are timers frozen?
    pub fn frozen(&self, frozen: bool) {
        self.gauges.frozen.set(i64::from(frozen));
    }

    /// The disk has this much room for the log from now on.
    pub fn disk(&self, state: DiskState) {
        self.gauges.disk_state.set(state as i64);
        self.health.set_full(state == DiskState::Exhausted);
    }

    /// The folder of policies had this many mistakes when it was read last.
    pub fn policy_mistakes(&self, mistakes: usize) {
        self.gauges
            .policy_mistakes
            .set(i64::try_from(mistakes).unwrap_or(i64::MAX));
    }

    /// A snapshot was taken.
    pub fn snapshot(&self, at: UnixMs) {
        self.gauges.snapshot(at);
    }

    fn publish(&mut self, figures: &Figures, oldest: &[UnixMs], shared: &Shared) {
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.gauges.connections.set(gauge(shared.clients.count() as u64));
        self.gauges.log_bytes.set(gauge(shared.log_bytes()));
        self.gauges.log_first_seq.set(gauge(shared.first_seq()));
        self.gauges.log_segments.set(gauge(shared.segments()));
        let retired = &self.gauges.log_segments_retired;
        retired.inc_by(shared.segments_retired().saturating_sub(retired.get()));
        self.engine.figures.publish(&figures::Figures {
            queues: figures
                .queues
                .iter()
                .enumerate()
                .map(|(number, q)| figures::QueueFigures {
                    queue: q.queue.clone(),
                    waiting: q.counts.waiting,
                    assigned: q.counts.assigned,
                    resolved: q.counts.resolved,
                    oldest_waiting: oldest.get(number).copied().unwrap_or(NEVER),
                })
                .collect(),
            agents: figures.presences,
            timers_active: figures.timers,
        });
    }
}

/// Publishes the sizes after something happened.
pub async fn publish(core: CoreRef) {
    let changed = core.borrow().changed.clone();
    let mut oldest = Vec::new();
    let mut rests_until = Instant::now();
    loop {
        let rested = Instant::now() >= rests_until;
        if rested {
            let took = search_oldest(&core, &mut oldest).await;
            rests_until = Instant::now() + took * REST_FACTOR;
        }
        {
            let mut core = core.borrow_mut();
            let shared = core.shared.clone();
            let figures = core.running().map(|r| r.engine.figures());
            if let (Some(figures), Some(meter)) = (figures, core.meter.as_mut()) {
                meter.publish(&figures, &oldest, &shared);
            }
        }
        tokio::time::sleep(PUBLISH_EVERY).await;
        if rested {
            changed.wait().await;
        }
    }
}

/// Finds the longest waiting ticket of each queue, in slices; the time that the slices took.
async fn search_oldest(core: &CoreRef, oldest: &mut Vec<UnixMs>) -> Duration {
    oldest.clear();
    let mut took = Duration::ZERO;
    let mut next = Some(0);
    while let Some(from) = next {
        let before = Instant::now();
        next = core
            .borrow_mut()
            .running()
            .and_then(|r| r.engine.oldest_waiting(from, SLICE_SLOTS, oldest));
        took += before.elapsed();
        tokio::task::yield_now().await;
    }
    took
}
