//! CLOCK.ADVANCE and CLOCK.SET: the virtual clock moves, and every timer in between fires at its own instant.

use super::connection::Connection;
use super::timers::FIRES_MAX;
use crate::model::command::Session;
use crate::model::event::{Body, ClockJumped};
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, UnixMs, time};

impl Connection {
    /// Moves the clock, fires what is due by then, records that it moved, and replies with that fact's seq.
    pub(super) async fn clock(&mut self, session: Session) -> bool {
        let moved = {
            let mut core = self.core.borrow_mut();
            let from = core.now();
            let to = match session {
                Session::ClockAdvance(by) => from.saturating_add(by),
                Session::ClockSet(to) => to,
                _ => from,
            };
            core.running().map_or(Err(not_virtual()), |r| {
                if !r.clock.is_virtual() {
                    Err(not_virtual())
                } else if to > time::INSTANT_MAX {
                    Err(Refusal::bad_arg("the clock would stand behind the year 9999"))
                } else if !r.clock.move_to(to) {
                    Err(Refusal::bad_arg(format!(
                        "{to}: the clock stands at {from} ({}) and moves forward only",
                        time::rfc3339(from)
                    )))
                } else {
                    Ok((from, to))
                }
            })
        };
        match moved {
            Ok((from, to)) => self.jump(from, to).await,
            Err(refusal) => {
                self.say_now(&refusal.into());
                true
            }
        }
    }

    async fn jump(&mut self, from: UnixMs, to: UnixMs) -> bool {
        loop {
            if self.core.borrow().is_backlogged() || self.core.borrow().is_disk_exhausted() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                continue;
            }
            let more = self.core.borrow_mut().advance(to, FIRES_MAX);
            if !more {
                break;
            }
            tokio::task::yield_now().await;
        }
        let jumped = ClockJumped {
            from,
            to,
            virtual_clock: true,
        };
        let seq = {
            let mut core = self.core.borrow_mut();
            let now = core.now();
            core.record(now, Body::ClockJumped(jumped))
        };
        self.say_now(&Reply::Seq(seq));
        !self.peer.is_broken()
    }
}

fn not_virtual() -> Refusal {
    Refusal::new(
        Code::Err,
        "CLOCK.ADVANCE and CLOCK.SET move a virtual clock only: it needs --virtual-clock",
    )
}
