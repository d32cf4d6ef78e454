//! Fires what is due: sleeps to the next instant, exact to the millisecond, and lets others run between slices.
//!
//! With nothing pending, or a virtual clock, it sleeps until something is, or until the wall clock is stepped: no tick.
//! At most [`FIRES_MAX`] timers fire between two batches of commands; while the log has too much to catch up with, the
//! slices follow its pace.

use super::alarm::Alarm;
use super::core::CoreRef;
use std::io;

/// Timers fired at a time.
pub const FIRES_MAX: usize = 512;

/// What the clock and the next timer say.
enum Next {
    /// Something is due.
    Due,
    /// It will be when the boot-time clock shows this, µs.
    At(i64),
    /// Nothing is pending, or nothing fires.
    Nothing,
}

/// Runs until the daemon ends.
pub async fn run(core: CoreRef) -> io::Result<()> {
    let alarm = Alarm::new()?;
    let steps = Alarm::for_steps()?;
    let rearm = core.borrow().rearm.clone();
    loop {
        match next(&core) {
            Next::Due => fire(&core).await,
            Next::At(boot_us) => {
                alarm.set(boot_us)?;
                tokio::select! {
                    rung = alarm.rings() => rung?,
                    stepped = steps.rings() => stepped?,
                    () = rearm.wait() => {}
                }
            }
            Next::Nothing => {
                tokio::select! {
                    stepped = steps.rings() => stepped?,
                    () = rearm.wait() => {}
                }
            }
        }
    }
}

fn next(core: &CoreRef) -> Next {
    let mut core = core.borrow_mut();
    let now = core.now();
    let Some(at) = core.arm() else {
        return Next::Nothing;
    };
    if at <= now {
        return Next::Due;
    }
    let clock = core.running().and_then(|r| r.clock.real());
    clock.map_or(Next::Nothing, |clock| Next::At(clock.boot_us_at(at)))
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
