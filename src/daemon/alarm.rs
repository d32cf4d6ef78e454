//! An alarm clock: a timerfd, exact to the microsecond, that sleeps through idle time; and one that rings when the wall
//! clock is stepped.
//!
//! tokio's own timers count in milliseconds and round up, which makes a due up to 1 ms later than it need be. The alarm
//! counts by the boot-time clock, which goes on while the machine sleeps and cannot be set: the daemon's own time is
//! that of the wall clock only as long as that one is believed. Cost: a system call when the alarm is set to another
//! instant; an alarm that rings early only makes its owner look again.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One alarm.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
}

impl Alarm {
    /// A new alarm that is not set. Needs a tokio runtime with I/O.
    pub fn new() -> io::Result<Alarm> {
        Alarm::by(TimerfdClockId::Boottime)
    }

    /// One that rings whenever the wall clock is stepped, and never otherwise.
    pub fn for_steps() -> io::Result<Alarm> {
        let alarm = Alarm::by(TimerfdClockId::Realtime)?;
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(
            alarm.timer.get_ref(),
            flags,
            &once(Timespec {
                tv_sec: i64::MAX,
                tv_nsec: 0,
            }),
        )?;
        Ok(alarm)
    }

    fn by(clock: TimerfdClockId) -> io::Result<Alarm> {
        let fd = timerfd_create(clock, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "sound here, where the descriptor is owned, private and the same until it is dropped; the \
                      replacement is an unsafe function"
        )]
        let timer = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Alarm { timer })
    }

    /// Rings when the boot-time clock shows this, µs; at once if it does already.
    pub fn set(&self, boot_us: i64) -> io::Result<()> {
        let at = boot_us.max(1); // 0 would switch the timer off
        let when = once(Timespec {
            tv_sec: at / 1_000_000,
            tv_nsec: (at % 1_000_000) * 1_000,
        });
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &when)?;
        Ok(())
    }

    /// Waits until it rings.
    pub async fn rings(&self) -> io::Result<()> {
        let mut ready = self.timer.readable().await?;
        let mut count = [0_u8; 8];
        match rustix::io::read(self.timer.get_ref(), &mut count) {
            // The wall clock was stepped.
            Ok(_) | Err(rustix::io::Errno::CANCELED) => {}
            Err(rustix::io::Errno::AGAIN) => {}
            Err(e) => return Err(e.into()),
        }
        ready.clear_ready();
        Ok(())
    }
}

fn once(at: Timespec) -> Itimerspec {
    Itimerspec {
        it_interval: Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value: at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::real_clock::machine;
    use std::time::Duration;

    #[tokio::test(flavor = "current_thread")]
    async fn it_rings_at_the_instant_and_never_before() {
        let alarm = Alarm::new().unwrap();
        let mut now_us = machine();
        let mut now_us = || now_us().boot_us;
        for ms in [0, 3, 20] {
            let at = now_us() + ms * 1_000;
            alarm.set(at).unwrap();
            alarm.rings().await.unwrap();
            // The reading is cut to whole microseconds.
            assert!(now_us() + 1 >= at, "rang {} µs early", at - now_us());
        }
        alarm.set(now_us() + 60_000_000).unwrap();
        let early = tokio::time::timeout(Duration::from_millis(20), alarm.rings()).await;
        assert!(early.is_err());
        let steps = Alarm::for_steps().unwrap();
        let unasked = tokio::time::timeout(Duration::from_millis(20), steps.rings()).await;
        assert!(unasked.is_err());
    }
}
