//! The waits of one client: for the end of loading, for a ticket, for a long read.
//!
//! Nothing further of the client is executed meanwhile, as Redis has it for blocked clients; its input gathers.

use super::connection::{Connection, Then, Woken, deadline};
use super::core::Phase;
use crate::model::command::Request;
use crate::model::reply::Reply;
use crate::model::{Code, Refusal};
use tokio::time::Instant;

impl Connection {
    /// Waits with `request` until the log has been read, at most `loading_wait`.
    pub(super) async fn load(&mut self, request: Request) -> bool {
        let wait = self.core.borrow().limits.loading_wait;
        let deadline = Instant::now() + wait;
        while self.core.borrow().phase == Phase::Loading {
            self.core.borrow_mut().hold_up(&self.peer);
            match self.until(Some(deadline)).await {
                Woken::Gone => return false,
                Woken::Timeout => {
                    let waited = format!(
                        "the log is still being read after {} s: try again later",
                        wait.as_secs()
                    );
                    self.say_now(&Refusal::new(Code::Loading, waited).into());
                    return true;
                }
                Woken::Signal | Woken::Input => {}
            }
        }
        if self.held_up().await == Woken::Gone {
            return false;
        }
        let core = self.core.clone();
        let then = {
            let mut core = core.borrow_mut();
            let now = core.now();
            let then = self.carry_out(&mut core, now, request);
            core.end_turn();
            core.settle_peer(&self.peer);
            then
        };
        match then {
            Then::Ticket(waiter, block_ms) => self.ticket(waiter, block_ms).await,
            Then::Scan(scan) => self.scan(scan).await,
            Then::Feed(feed) => self.feed(feed).await,
            Then::Clock(clock) => self.clock(clock).await,
            Then::Snapshot => self.snapshot().await,
            Then::Policy(command) => self.policy(*command).await,
            Then::Goodbye => {
                self.goodbye().await;
                false
            }
            Then::Next | Then::Starved | Then::Load(_) => true,
        }
    }

    /// Waits for the ticket that AGENT.NEXT asked for. Nothing further of this client is executed meanwhile.
    pub(super) async fn ticket(&mut self, waiter: u64, block_ms: Option<u64>) -> bool {
        let deadline = deadline(block_ms);
        self.blocked(true);
        let stays = loop {
            if let Some(reply) = self.peer.take_answered() {
                self.waited();
                self.count_answered(&reply);
                break true;
            }
            match self.until(deadline).await {
                Woken::Gone => {
                    self.core.borrow_mut().cancel_wait(waiter);
                    break false;
                }
                Woken::Timeout => {
                    if self.core.borrow_mut().cancel_wait(waiter) {
                        self.waited();
                        self.say_now(&Reply::Null);
                        break true;
                    }
                }
                Woken::Signal | Woken::Input => {
                    if self.core.borrow().phase == Phase::Stopping {
                        self.core.borrow_mut().cancel_wait(waiter);
                        break true;
                    }
                }
            }
        };
        self.blocked(false);
        stays
    }

    /// Notes for CLIENT LIST whether this client waits in a blocking command.
    pub(super) fn blocked(&self, blocked: bool) {
        self.peer.client.doing(blocked, false);
        self.core.borrow().shared.clients.count_blocked(blocked);
    }

    /// Carries a long read on, a slice at a time.
    pub(super) async fn scan(&mut self, mut scan: Box<crate::engine::Scan>) -> bool {
        loop {
            {
                let mut core = self.core.borrow_mut();
                let now = core.now();
                if let Some(reply) = core.scan(now, &mut scan) {
                    self.say_counted(&mut core, &reply);
                    core.settle_peer(&self.peer);
                    return true;
                }
            }
            tokio::task::yield_now().await;
            if self.peer.is_broken() {
                return false;
            }
        }
    }
}
