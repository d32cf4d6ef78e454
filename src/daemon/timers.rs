//! Fires what is due: sleeps to the next instant, exact to the millisecond, and lets others run between slices.
//!
//! With nothing pending, or a virtual clock, it sleeps until something is: no tick. At most [`FIRES_MAX`] timers fire
//! between two batches of commands; while the log has too much to catch up with, the slices follow its pace.

use super::alarm::Alarm;
use super::core::CoreRef;
use std::io;

/// Timers fired at a time.
pub const FIRES_MAX: usize = 512;

/// Runs until the daemon ends.
pub async fn run(core: CoreRef) -> io::Result<()> {
    let alarm = Alarm::new()?;
    let rearm = core.borrow().rearm.clone();
    loop {
        let next = {
            let mut core = core.borrow_mut();
            match core.running() {
                Some(r) if !r.clock.is_virtual() => core.arm(),
                _ => None,
            }
        };
        match next {
            None => rearm.wait().await,
            Some(at) => {
                alarm.set(at)?;
                tokio::select! {
                    rung = alarm.rings() => rung?,
                    () = rearm.wait() => continue,
                }
                fire(&core).await;
            }
        }
    }
}

/// Fires everything that is overdue, a slice at a time.
async fn fire(core: &CoreRef) {
    loop {
        if core.borrow().is_disk_exhausted() {
            return;
        }
        if core.borrow().is_backlogged() {
            // What fires has to be kept until it is written: it waits like everybody else.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            continue;
        }
        let more = {
            let mut core = core.borrow_mut();
            let now = core.now();
            core.advance(now, FIRES_MAX)
        };
        if !more {
            return;
        }
        tokio::task::yield_now().await;
    }
}
