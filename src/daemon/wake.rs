//! Wakes one local task: a flag and a waker, for the single thread that all connections live on.
//!
//! Cost: a few nanoseconds; no lock, no atomic, no list of waiters. It is not for waking across threads (that is
//! tokio's `Notify`) and holds one sleeper only: the task that owns it.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

/// A flag that one task sleeps on. Raised while nobody sleeps, it is seen by the next look.
#[derive(Debug, Default)]
pub struct Wake {
    raised: Cell<bool>,
    sleeper: RefCell<Option<Waker>>,
}

impl Wake {
    /// Raises the flag and wakes the sleeper, if there is one.
    pub fn raise(&self) {
        if !self.raised.replace(true)
            && let Some(waker) = self.sleeper.borrow_mut().take()
        {
            waker.wake();
        }
    }

    /// Ready when the flag was raised, which lowers it; else the task is woken when it is.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.raised.replace(false) {
            return Poll::Ready(());
        }
        let mut sleeper = self.sleeper.borrow_mut();
        if !sleeper.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *sleeper = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits for the flag.
    pub async fn wait(&self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[tokio::test(flavor = "current_thread")]
    async fn a_flag_raised_early_is_not_lost_and_counts_once() {
        let wake = Rc::new(Wake::default());
        wake.raise();
        wake.raise();
        wake.wait().await;
        let again = tokio::time::timeout(std::time::Duration::from_millis(5), wake.wait()).await;
        assert!(again.is_err(), "two raises before a look are one");
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let other = wake.clone();
                let sleeper = tokio::task::spawn_local(async move { other.wait().await });
                tokio::task::yield_now().await;
                wake.raise();
                sleeper.await.unwrap();
            })
            .await;
    }
}
