//! A disk that is full: what is refused then, and who is told.
//!
//! The log thread finds out ([`super::log_room`]) and says it over the line; the core heeds it when it releases
//! replies. A refusal is no fact and waits for none: it leaves behind what its connection was told before. Timers wait
//! without a tick while nothing can be written, and fire in order when there is room again.

use super::core::Core;
use crate::model::reply::Reply;
use crate::model::{Code, Refusal};
use crate::wire::table::{self, Flags};

/// How much room the log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiskState {
    /// Enough.
    #[default]
    Ok,
    /// No further file can be made: what is there already, the reserve included, is being used.
    Low,
    /// The reserve is as good as used up.
    Exhausted,
}

/// Commands are refused whose row has one of the flags of the present state.
const REFUSED: [(DiskState, &[Flags]); 3] = [
    (DiskState::Ok, &[]),
    (DiskState::Low, &[Flags::DENYOOM]),
    (DiskState::Exhausted, &[Flags::DENYOOM, Flags::WRITE]),
];

impl DiskState {
    /// Every state, worst last.
    pub const ALL: [DiskState; 3] = [DiskState::Ok, DiskState::Low, DiskState::Exhausted];

    /// As INFO spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            DiskState::Ok => "ok",
            DiskState::Low => "low",
            DiskState::Exhausted => "exhausted",
        }
    }

    /// Are commands with these flags refused?
    pub fn refuses(self, flags: Flags) -> bool {
        let (_, refused) = REFUSED[self as usize];
        refused.iter().any(|flag| flags.has(*flag))
    }
}

impl Core {
    /// Why the command of this place in the table is refused now, if it is.
    pub fn disk_refusal(&self, row: usize) -> Option<Refusal> {
        let flags = table::ROWS.get(row).map_or(Flags::NONE, |row| row.flags);
        // What was executed must find room: a reply waits for all that was before it, those of reads too.
        let is_tight = self.disk == DiskState::Low && self.running.as_ref().is_some_and(|r| r.log.is_tight());
        let state = if is_tight { DiskState::Exhausted } else { self.disk };
        state.refuses(flags).then(|| self.disk_full(state))
    }

    /// `DISKFULL …`
    fn disk_full(&self, state: DiskState) -> Refusal {
        let config = &self.shared.config;
        let data = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
        let until = match state {
            DiskState::Exhausted => "the reserve is used up, and nothing is written until then",
            _ => "nothing new is taken until then",
        };
        let why = format!(
            "the log's next segment cannot be made ({}); the disk of {} has {} bytes free, and it needs {}: {until}. Free \
             space there, and it goes on by itself",
            self.running
                .as_ref()
                .map(|r| r.log.line().disk_why())
                .unwrap_or_default(),
            data.display(),
            self.shared.disk().1,
            config.segment_bytes
        );
        Refusal::new(Code::DiskFull, why)
    }

    /// Does everything that writes have to wait?
    pub fn is_disk_exhausted(&self) -> bool {
        self.disk == DiskState::Exhausted
    }

    /// Ends every wait of AGENT.NEXT with this refusal.
    fn refuse_waiting(&mut self, refusal: &Reply) {
        let released = self.released();
        for (waiter, peer) in std::mem::take(&mut self.waiting) {
            if let Some(r) = self.running() {
                r.engine.cancel_wait(waiter);
            }
            peer.answer(refusal.clone(), released, released);
            self.settle_peer(&peer);
        }
    }

    /// Looks whether the state of the disk has changed, and tells those who have to know.
    pub(super) fn heed_disk(&mut self) {
        let (state, _) = self.shared.disk();
        if std::mem::replace(&mut self.disk, state) == state {
            return;
        }
        if let Some(meter) = &self.meter {
            meter.disk(state);
        }
        if state == DiskState::Exhausted {
            let refusal = self.disk_full(state);
            self.refuse_waiting(&Reply::Refused(refusal));
        }
        // Timers go on, or stop waiting for their instant; so do those whose commands are refused from now on.
        self.rearm.raise();
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(state: DiskState) -> Vec<&'static str> {
        let rows = table::ROWS.iter().filter(|row| state.refuses(row.flags));
        rows.map(|row| row.name).collect()
    }

    #[test]
    fn the_rows_of_the_rule_are_the_states() {
        for (place, state) in DiskState::ALL.into_iter().enumerate() {
            assert!(REFUSED[place].0 == state && state as usize == place);
        }
    }

    #[test]
    fn what_makes_the_state_grow_is_refused_first_then_all_that_writes() {
        assert!(refused(DiskState::Ok).is_empty());
        assert_eq!(
            refused(DiskState::Low),
            [
                "TICKET.OPEN",
                "TICKET.IMPORT",
                "AGENT.SET",
                "POLICY.RELOAD",
                "POLICY.MIGRATE",
                "SNAPSHOT"
            ]
        );
        let last = refused(DiskState::Exhausted);
        for name in [
            "TICKET.OPEN",
            "TICKET.RESOLVE",
            "AGENT.NEXT",
            "QUEUE.SET",
            "CLOCK.ADVANCE",
            "CLOCK.ACCEPT",
            "CLOCK.REJECT",
            "SNAPSHOT",
        ] {
            assert!(last.contains(&name), "{name}");
        }
        for name in [
            "TICKET.GET",
            "XREAD",
            "INFO",
            "PING",
            "EXEC",
            "SHUTDOWN",
            "CONFIG",
        ] {
            assert!(!last.contains(&name), "{name}");
        }
    }
}
