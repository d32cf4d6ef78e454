//! An alarm clock for the wall: a timerfd, exact to the millisecond, that sleeps through idle time.
//!
//! tokio's own timers count in milliseconds of the monotonic clock and round up, which makes a due up to 1 ms later
//! than it need be; a timerfd on the wall clock rings when the wall clock shows the instant, and is told when the clock
//! is stepped. Cost: a system call when the alarm is set to an earlier instant than before, none otherwise: an
//! alarm that rings early only makes its owner look again.

use crate::model::UnixMs;
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
        let fd = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        #[expect(
            deprecated,
            reason = "sound here, where the descriptor is owned, private and the same until it is dropped; the \
                      replacement is an unsafe function"
        )]
        let timer = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Alarm { timer })
    }

    /// Rings when the wall clock shows `at`, at once if it does already.
    pub fn set(&self, at: UnixMs) -> io::Result<()> {
        let at = at.max(1); // 0 would switch the timer off
        let when = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: at / 1_000,
                tv_nsec: (at % 1_000) * 1_000_000,
            },
        };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(self.timer.get_ref(), flags, &when)?;
        Ok(())
    }

    /// Waits until it rings, or until the wall clock is stepped: either way it is time to look.
    pub async fn rings(&self) -> io::Result<()> {
        let mut ready = self.timer.readable().await?;
        let mut count = [0_u8; 8];
        match rustix::io::read(self.timer.get_ref(), &mut count) {
            Ok(_) | Err(rustix::io::Errno::CANCELED) => {}
            Err(rustix::io::Errno::AGAIN) => {}
            Err(e) => return Err(e.into()),
        }
        ready.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::clock::wall;

    #[tokio::test(flavor = "current_thread")]
    async fn it_rings_at_the_instant_and_never_before() {
        let alarm = Alarm::new().unwrap();
        for ms in [0, 3, 20] {
            let at = wall() + ms;
            alarm.set(at).unwrap();
            alarm.rings().await.unwrap();
            assert!(wall() >= at, "rang {} ms early", at - wall());
        }
        alarm.set(wall() + 60_000).unwrap();
        let early = tokio::time::timeout(std::time::Duration::from_millis(20), alarm.rings()).await;
        assert!(early.is_err());
    }
}
