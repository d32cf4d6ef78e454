//! CLOCK.ADVANCE and CLOCK.SET: the virtual clock moves, and every timer in between fires at its own instant. And
//! CLOCK.ACCEPT and CLOCK.REJECT, which settle a jump of the real one.
//!
//! While the virtual clock is on its way nobody else's command runs: it would have to see everything fired that is due
//! by then, and to fire it in one go would hold everybody up.

use super::connection::Connection;
use super::timers::FIRES_MAX;
use crate::model::clock::ClockCommand;
use crate::model::event::{Body, ClockJumped};
use crate::model::reply::Reply;
use crate::model::{Code, Refusal, UnixMs, time};

impl Connection {
    /// Moves the clock, or says which one holds; replies with that fact's seq.
    pub(super) async fn clock(&mut self, command: ClockCommand) -> bool {
        let moved = {
            let mut core = self.core.borrow_mut();
            match command {
                ClockCommand::Accept | ClockCommand::Reject => {
                    let decided = core.decide_clock(command == ClockCommand::Accept);
                    drop(core);
                    self.say_now(&decided.map_or_else(Reply::from, Reply::Seq));
                    return !self.peer.is_broken();
                }
                ClockCommand::Advance(by) => {
                    let from = core.now();
                    set_out(&mut core, from, from.saturating_add(by))
                }
                ClockCommand::Set(to) => {
                    let from = core.now();
                    set_out(&mut core, from, to)
                }
            }
        };
        match moved {
            Ok((from, to)) => self.travel(from, to).await,
            Err(refusal) => {
                self.say_now(&refusal.into());
                true
            }
        }
    }

    async fn travel(&mut self, from: UnixMs, to: UnixMs) -> bool {
        self.core.borrow_mut().set_advancing(true);
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
        let seq = {
            let mut core = self.core.borrow_mut();
            let now = core.now();
            let seq = core.record(now, Body::ClockJumped(ClockJumped::advanced(from, to)));
            core.set_advancing(false);
            seq
        };
        self.say_now(&Reply::Seq(seq));
        !self.peer.is_broken()
    }
}

fn set_out(core: &mut super::core::Core, from: UnixMs, to: UnixMs) -> Result<(UnixMs, UnixMs), Refusal> {
    let Some(r) = core.running().filter(|r| r.clock.is_virtual()) else {
        return Err(not_virtual());
    };
    if to > time::INSTANT_MAX {
        return Err(Refusal::bad_arg("the clock would stand behind the year 9999"));
    }
    if !r.clock.move_to(to) {
        return Err(Refusal::bad_arg(format!(
            "{to}: the clock stands at {from} ({}) and moves forward only",
            time::rfc3339(from)
        )));
    }
    Ok((from, to))
}

fn not_virtual() -> Refusal {
    Refusal::new(
        Code::Err,
        "CLOCK.ADVANCE and CLOCK.SET move a virtual clock only: it needs --virtual-clock",
    )
}
