//! Versions of policies: what is asked about them, that one took effect, and the facts of tickets that go from one version to another.
//!
//! A ticket keeps the version that it was opened under until somebody migrates it. A migration is a fact when it begins
//! and another when it has ended; in between it goes from ticket to ticket, each a fact of its own, so that
//! commands flow meanwhile and a restart goes on where it was. As with events, **a change to an archived type is a new schema version**.

#![expect(
    missing_docs,
    reason = "the archived twins that rkyv derives carry no docs of their own"
)]

use super::command::Open;
use super::event::Origin;
use super::reply::Reply;
use super::rules::Rules;
use super::skill::Required;
use super::{Seq, Text, UnixMs};
use rkyv::{Archive, Deserialize, Serialize};

/// A look at policies.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyRead {
    /// `POLICY.LIST`
    List,
    /// `POLICY.GET name [version]`
    Get {
        /// The policy.
        name: Text,
        /// Which version; `None`: the one that new tickets get.
        version: Option<u32>,
    },
    /// `POLICY.PREVIEW name [field value]… [at T]`
    Preview(Box<Preview>),
    /// `POLICY.MIGRATE … DRYRUN`
    DryRun(Migration),
}

/// `POLICY.PREVIEW`
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// This very version; `None`: the one that a new ticket with these fields gets.
    pub version: Option<u32>,
    /// The ticket as it would be opened; it names the policy.
    pub open: Open,
    /// When, if not now: past or future.
    pub at: Option<UnixMs>,
}

/// What the daemon is asked to do with policies.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyCommand {
    /// `POLICY.RELOAD [DRYRUN]`
    Reload {
        /// Only say what would change.
        dry_run: bool,
    },
    /// `POLICY.MIGRATE name from to RETROACTIVE|FROMNOW`
    Migrate {
        /// Which tickets go where.
        migration: Migration,
        /// Who and why, if said.
        origin: Option<Box<Origin>>,
    },
}

/// The open tickets of one version go over to another one of the same policy.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Migration {
    /// The policy.
    pub policy: Text,
    /// The version that they are under.
    pub from: u32,
    /// The version that they will be under.
    pub to: u32,
    /// What becomes of the clocks that run.
    pub mode: MigrationMode,
}

/// What a migration does to the clocks that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum MigrationMode {
    /// They get the dues that they would have had if the ticket had been opened under the new version.
    Retroactive,
    /// They keep their dues; what starts from now on follows the new version.
    FromNow,
}

/// What a migration did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub struct MigrationTally {
    /// Tickets that went over.
    pub tickets: u64,
    /// Dues that moved.
    pub moved: u64,
    /// Clocks that started, or run again.
    pub started: u64,
    /// Clocks that no longer count.
    pub stopped: u64,
    /// Clocks that ran out by it: their new dues had passed.
    pub breached: u64,
}

/// A policy version took effect.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct PolicyActivated {
    /// Name of the policy.
    pub name: Text,
    /// Number of the version, from 1.
    pub version: u32,
    /// Digest of the text.
    pub hash: u64,
    /// The file as it was read, for people.
    pub text: String,
    /// What it means: replay follows this, whatever a later program would read in the text.
    pub rules: Rules,
    /// The versions of the calendars that it names, as of then.
    pub calendars: Vec<(Text, u32)>,
    /// Where the text came from: the name of a file, or `embedded`.
    pub source: Text,
    /// When it took effect.
    pub activated_at: UnixMs,
    /// It was under a virtual clock. Every log begins with policies: so it knows from the first event on what its
    /// instants are worth.
    pub virtual_clock: bool,
}

/// A migration began.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct PolicyMigrating {
    /// Which tickets go where: those opened before this event.
    pub migration: Migration,
    /// Who and why, if said.
    pub origin: Option<Box<Origin>>,
}

/// A migration has ended.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct PolicyMigrated {
    /// The migration.
    pub migration: Migration,
    /// Seq of the event with which it began.
    pub begun: Seq,
    /// What it did.
    pub tally: MigrationTally,
    /// Tickets that stay, for the new version has no place for them.
    pub stayed: u64,
}

/// A ticket went over to another version.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct TicketMigrated {
    /// The policy.
    pub policy: Text,
    /// Its version from now on.
    pub version: u32,
    /// Its priority, and the rank that this has there.
    pub priority: Text,
    pub rank: u8,
    /// Its requirements, where they are the rules' own and the rules have others.
    pub skills: Option<Vec<Required>>,
    /// What became of its clocks.
    pub mode: MigrationMode,
    /// The same in numbers.
    pub tally: TicketTally,
}

/// What a migration did to the clocks of one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
pub struct TicketTally {
    /// Dues that moved.
    pub moved: u16,
    /// Clocks that started, or run again.
    pub started: u16,
    /// Clocks that no longer count.
    pub stopped: u16,
    /// Clocks that ran out by it: their new dues had passed.
    pub breached: u16,
}

/// A migration under way, as snapshots store it.
#[derive(Debug, Clone, PartialEq, Archive, Serialize, Deserialize)]
pub struct MigrationRecord {
    /// Seq of the event with which it began.
    pub begun: Seq,
    /// The migration.
    pub migration: Migration,
    /// What it has done so far.
    pub tally: MigrationTally,
}

impl MigrationTally {
    /// One ticket more.
    pub fn add(&mut self, ticket: TicketTally) {
        self.tickets += 1;
        self.moved += u64::from(ticket.moved);
        self.started += u64::from(ticket.started);
        self.stopped += u64::from(ticket.stopped);
        self.breached += u64::from(ticket.breached);
    }

    /// What POLICY.MIGRATE answers; `seq` is that of its `policy.migrated`, none for a dry run.
    pub fn reply(&self, seq: Option<Seq>, stayed: u64) -> Reply {
        let count = |n: u64| Reply::Int(i64::try_from(n).unwrap_or(i64::MAX));
        Reply::Map(vec![
            ("seq", seq.map_or(Reply::Null, count)),
            ("tickets", count(self.tickets)),
            ("stayed", count(stayed)),
            ("moved", count(self.moved)),
            ("started", count(self.started)),
            ("stopped", count(self.stopped)),
            ("breached", count(self.breached)),
            ("text", Reply::Bulk(self.sentence().into())),
        ])
    }

    /// For people: what moves, and what that breaks.
    pub fn sentence(&self) -> String {
        let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        format!(
            "{}, {}",
            count(self.moved, "due moves", "dues move"),
            count(self.breached, "breaches", "breach")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_in_words() {
        let tally = |moved, breached| MigrationTally {
            moved,
            breached,
            ..MigrationTally::default()
        };
        assert_eq!(tally(3412, 57).sentence(), "3412 dues move, 57 breach");
        assert_eq!(tally(1, 1).sentence(), "1 due moves, 1 breaches");
    }
}
