//! What a jump of the clock does to the daemon: it is recorded, shown, and timers are looked at anew.
//!
//! Every batch begins with [`Core::now`], and nothing else looks at the clock: so the fact stands in the log before
//! anything that is stamped with the new time. CLOCK.ACCEPT and CLOCK.REJECT end their batch for the same reason.

use super::core::{Core, Phase};
use super::http::State;
use super::notify;
use super::real_clock::Holds;
use crate::model::event::{Body, ClockJumped, Jump};
use crate::model::{Code, Refusal, Seq, UnixMs, time};

impl Core {
    /// The time for the batch that begins; 0 while loading. If the clock jumped, that is recorded first.
    pub fn now(&mut self) -> UnixMs {
        let Some(r) = self.running() else {
            return 0;
        };
        let held = r.clock.real().map(|clock| clock.holds());
        let (now, jump) = r.clock.look();
        let real = r.clock.real().map(|clock| (clock.holds(), clock.offset_us()));
        if let Some((_, offset_us)) = real {
            self.shared.runs_at(offset_us);
        }
        let holds = real.map(|(holds, _)| holds);
        match holds {
            None => self.shared.stands_at(now),
            Some(_) if jump.is_some() || holds != held => {
                if let Some(jump) = jump {
                    self.jumped(now, jump);
                } else {
                    tracing::info!("the wall clock is back: its time holds again");
                }
                self.show_clock();
            }
            Some(_) => {}
        }
        now
    }

    /// CLOCK.ACCEPT (`true`) or CLOCK.REJECT: the seq of the fact.
    pub fn decide_clock(&mut self, accept: bool) -> Result<Seq, Refusal> {
        // It may just have come back by itself.
        self.now();
        let decided = match self.running().map(|r| &mut r.clock) {
            Some(super::clock::Clock::Real(clock)) => clock.decide(accept),
            Some(super::clock::Clock::Standing(_)) => {
                return Err(Refusal::new(
                    Code::Err,
                    "CLOCK.ACCEPT and CLOCK.REJECT are for jumps of the real clock: a virtual one jumps by \
                     CLOCK.ADVANCE and CLOCK.SET alone",
                ));
            }
            None => None,
        };
        let (now, jump) = decided.ok_or_else(|| {
            Refusal::state(
                "nothing is frozen: the clock has not jumped by more than clock_jump_max, or that is settled; INFO \
                 tells how it stands (clock_holds)",
            )
        })?;
        let seq = self.jumped(now, jump);
        self.show_clock();
        Ok(seq)
    }

    fn jumped(&mut self, now: UnixMs, jump: ClockJumped) -> Seq {
        let by_ms = jump.to - jump.from;
        let seq = self.record(now, Body::ClockJumped(jump));
        let (from, to) = (time::rfc3339(jump.from), time::rfc3339(jump.to));
        if jump.how == Jump::Frozen {
            tracing::warn!(
                seq,
                by_ms,
                "the wall clock jumped from {from} to {to}, by more than clock_jump_max: no timer fires until \
                 CLOCK.ACCEPT (the wall clock is right) or CLOCK.REJECT (it is wrong)"
            );
        } else {
            let how = jump.how.as_str();
            tracing::warn!(seq, by_ms, how, "the clock jumped: {from}, wall clock {to}");
        }
        self.rearm.raise();
        seq
    }

    /// Shows how the clock stands to those who do not see the log.
    pub(super) fn show_clock(&mut self) {
        let Some(r) = self.running() else {
            return;
        };
        let Some(clock) = r.clock.real() else {
            if self.phase == Phase::Ready {
                self.shared.health.set(State::Ready);
            }
            return;
        };
        let frozen = clock.holds() == Holds::Frozen;
        let jump = r.engine.last_jump();
        if let Some(meter) = &self.meter {
            meter.frozen(frozen);
        }
        if self.phase == Phase::Ready {
            let was_frozen = self.shared.health.get() == State::Frozen;
            match jump.filter(|_| frozen) {
                Some(jump) => {
                    self.shared.health.frozen(jump.from, jump.to);
                    notify::status(
                        "timers are frozen, for the wall clock jumped: CLOCK.ACCEPT or CLOCK.REJECT",
                    );
                }
                None => {
                    self.shared.health.set(State::Ready);
                    if was_frozen {
                        notify::status("serving");
                    }
                }
            }
        }
    }
}
