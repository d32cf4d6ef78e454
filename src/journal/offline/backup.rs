//! A directory to a backup, also while a daemon writes to it.
//!
//! What is copied is what a view of the directory showed: sealed segments whole, the active one up to a seq that is known to
//! be durable, and the snapshots up to it. A backup is a directory of the same files, so that every reader of a log reads it;
//! its last segment may be unfinished. Files that it has already are not copied again: a sealed segment by its digest, a
//! snapshot by its footer. Each file is written beside, synced, renamed, and a segment is then read back against its
//! seal: one that was retired and used again while it was copied does not verify, and the directory is looked at anew.

use super::copy::{Copying, give_up, sync_folder};
use super::cut::Until;
use super::disk::ReadOnlyDisk;
use super::view::{Part, View, ids, is_gone};
use crate::journal::JournalError;
use crate::journal::disk::Disk;
use crate::journal::recovery::load;
use crate::journal::scan::scan;
use crate::journal::segment::{SegmentHeader, name_of};
use crate::journal::snapshot;
use crate::model::Seq;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// Looks at a directory whose oldest files go while they are copied.
const ROUNDS_MAX: usize = 20;

/// What to copy, and how.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The log's directory.
    pub from: &'a Path,
    /// The backup's; made if it is missing.
    pub to: &'a Path,
    /// As in [`crate::journal::Config`].
    pub boot_id: [u8; 16],
    /// What is known to be durable; `None`: everything whole, for nobody writes.
    pub durable_seq: Option<Seq>,
    /// Remove from the backup what the directory no longer has.
    pub prune: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Segments copied.
    pub segments: u64,
    /// Segments that the backup had already.
    pub segments_had: u64,
    /// Snapshots copied.
    pub snapshots: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Files in the backup that the directory no longer has.
    pub older_files: u64,
    /// Of these, removed.
    pub removed: u64,
}

/// Why nothing, or not everything, was copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The backup's directory holds something that this log cannot be added to.
    #[error("{0}")]
    Target(String),
    /// Either log, or a disk.
    #[error(transparent)]
    Log(#[from] JournalError),
}

/// Copies what the backup does not have. `on_total` is told the bytes to come once they are known, `on_bytes` what was copied.
pub fn backup(
    settings: Settings<'_>,
    mut on_total: impl FnMut(u64),
    mut on_bytes: impl FnMut(u64),
) -> Result<Copied, BackupError> {
    let open = |path: &Path| {
        ReadOnlyDisk::new(path)
            .map(|d| Arc::new(d) as Arc<dyn Disk>)
            .map_err(|e| JournalError::io("open", path, e))
    };
    let source = open(settings.from)?;
    std::fs::create_dir_all(settings.to).map_err(|e| JournalError::io("create", settings.to, e))?;
    let target = open(settings.to)?;
    let mut copied = Copied::default();
    for round in 1.. {
        let view = View::open(Arc::clone(&source), settings.boot_id)?;
        belongs(&*target, &view, settings.to)?;
        let round_copies = Round {
            settings: &settings,
            source: &*source,
            target: &*target,
            view: &view,
        };
        if round_copies.run(&mut copied, &mut on_total, &mut on_bytes)? {
            round_copies.prune(&mut copied)?;
            break;
        }
        if round == ROUNDS_MAX {
            let what = "files go faster than they can be copied";
            return Err(BackupError::Target(format!(
                "{}: {what}",
                settings.from.display()
            )));
        }
    }
    sync_folder(settings.to)?;
    Ok(copied)
}

/// Is the backup empty, or one of this log?
fn belongs(target: &dyn Disk, view: &View, to: &Path) -> Result<(), BackupError> {
    let names = target.list().map_err(|e| JournalError::io("list", to, e))?;
    if names.iter().any(|n| n == "LOCK") {
        return Err(BackupError::Target(format!(
            "{}: this is a daemon's folder, not a backup: give another --to",
            to.display()
        )));
    }
    for id in ids(target)? {
        let log_id = load(target, id)?.header.log_id;
        if log_id != view.log_id() {
            return Err(BackupError::Target(format!(
                "{}: it holds a backup of another log ({log_id:016x}, not {:016x}): give an empty folder",
                to.display(),
                view.log_id()
            )));
        }
    }
    if let (Some(last), Some(there)) = (view.parts().last(), ids(target)?.last())
        && *there > last.header.id
    {
        return Err(BackupError::Target(format!(
            "{}: it goes further than the log does, which was repaired or restored since: give an empty folder",
            to.display()
        )));
    }
    let stranger = |n: &&String| {
        !n.starts_with("log-") && !n.starts_with("snapshot-") && !n.ends_with(".tmp") && *n != "lost+found"
    };
    match names.iter().find(stranger) {
        Some(name) => Err(BackupError::Target(format!(
            "{}: it holds '{name}', which is no part of a backup: give an empty folder",
            to.display()
        ))),
        None => Ok(()),
    }
}

struct Round<'a> {
    settings: &'a Settings<'a>,
    source: &'a dyn Disk,
    target: &'a dyn Disk,
    view: &'a View,
}

impl Round<'_> {
    /// Copies what is missing. `false`: a file went meanwhile.
    fn run(
        &self,
        copied: &mut Copied,
        on_total: &mut dyn FnMut(u64),
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<bool, BackupError> {
        let mut lacking = Vec::new();
        let mut had = 0;
        for part in self.view.parts() {
            let Some(end) = self.end_of(part)? else { continue };
            match load(self.target, part.header.id) {
                Ok(there) if part.header.is_sealed() && there.header == part.header => had += 1,
                Ok(there) if there.header.is_sealed() && there.header != part.header => {
                    return Err(BackupError::Target(format!(
                        "{}: it is another one than {}: the log went another way since (a repair, or a restore); give an \
                         empty folder",
                        there.path.display(),
                        part.segment.path.display()
                    )));
                }
                _ => lacking.push((part, end)),
            }
        }
        copied.segments_had = had;
        let last_seq = self
            .settings
            .durable_seq
            .unwrap_or(Seq::MAX)
            .min(self.view.last_seq());
        let mut snapshots = Vec::new();
        for found in self.view.snapshots() {
            match found {
                Ok(s) if s.info().seq <= last_seq => snapshots.push(s),
                Ok(_) | Err(JournalError::Corrupt { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let (log_id, seq_max) = (self.view.log_id(), Seq::MAX);
        snapshots.retain(|s| {
            let there = snapshot::open(self.target, s.info().seq, log_id, seq_max);
            !there.is_ok_and(|there| there.info() == s.info())
        });
        let frames: u64 = lacking.iter().map(|(_, end)| *end).sum();
        on_total(frames + snapshots.iter().map(|s| s.info().bytes).sum::<u64>());
        let mut counted = |n: u64| {
            copied.bytes += n;
            on_bytes(n);
        };
        for s in &snapshots {
            let name = snapshot::name_of(s.info().seq);
            let mut copy = || {
                let copying = Copying::begin(self.settings.to, &name)?;
                copying.whole(s.path(), s.info().bytes, &mut counted)?;
                copying.finish()
            };
            match self.settle(copy(), &name)? {
                true => copied.snapshots += 1,
                false => return Ok(false),
            }
        }
        let mut counted = |n: u64| {
            copied.bytes += n;
            on_bytes(n);
        };
        for (part, end) in lacking {
            let name = name_of(part.header.id);
            let mut copy = || {
                let copying = Copying::begin(self.settings.to, &name)?;
                copying.segment(&part.segment.path, &part.header, end, &mut counted)?;
                copying.finish()
            };
            if !self.settle(copy(), &name)? {
                return Ok(false);
            }
            if !self.is_as_read(part, end)? {
                // What was copied is some other segment's by now.
                let path = self.target.path(&name);
                std::fs::remove_file(&path).map_err(|e| JournalError::io("remove", &path, e))?;
                return Ok(false);
            }
            copied.segments += 1;
        }
        Ok(true)
    }

    /// Where the copy of a segment ends; `None`: nothing of it is wanted.
    fn end_of(&self, part: &Part) -> Result<Option<u64>, JournalError> {
        let durable = self.settings.durable_seq.filter(|_| !part.header.is_sealed());
        match durable {
            // A sealed segment was synced whole.
            None => Ok(Some(part.segment.end())),
            Some(seq) if seq >= part.segment.last_seq() => Ok(Some(part.segment.end())),
            Some(seq) => {
                let cut = self.view.cut(Until::Seq(seq))?;
                Ok(cut.filter(|c| c.segment == part.header.id).map(|c| c.offset))
            }
        }
    }

    /// Is the copy what the view had read? If not and the source is damaged, that is the error.
    fn is_as_read(&self, part: &Part, end: u64) -> Result<bool, JournalError> {
        let seal = |h: &SegmentHeader| (h.sealed_end, h.digest, h.last_seq);
        let verified = |disk: &dyn Disk| {
            let loaded = load(disk, part.header.id)?;
            let scan = scan(
                &*loaded.file,
                &loaded.path,
                &part.header,
                part.segment.first_seq,
                end,
            )?;
            let whole = scan.end == end
                && (!part.header.is_sealed() || (scan.end, scan.digest, scan.last_seq) == seal(&part.header));
            let what = scan
                .fault
                .unwrap_or("the frames do not come to what the seal says");
            match whole {
                true => Ok(loaded.header),
                false => Err(JournalError::corrupt(
                    &loaded.path,
                    scan.end,
                    scan.last_seq + 1,
                    what,
                )),
            }
        };
        match verified(self.target) {
            Ok(_) => Ok(true),
            Err(JournalError::Corrupt { .. } | JournalError::TooNew { .. }) => match verified(self.source) {
                // It went, or it is another one by now.
                Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(false),
                Err(e)
                    if load(self.source, part.header.id)
                        .is_ok_and(|l| l.header.log_id == part.header.log_id) =>
                {
                    Err(e)
                }
                Ok(_) | Err(_) => Ok(false),
            },
            Err(e) => Err(e),
        }
    }

    /// Counts, and removes if that is wanted, what the directory no longer has.
    fn prune(&self, copied: &mut Copied) -> Result<(), JournalError> {
        let list = |disk: &dyn Disk| {
            disk.list()
                .map_err(|e| JournalError::io("list", &disk.path(""), e))
        };
        let has = list(self.source)?;
        let is_older = |n: &String| {
            (n.starts_with("log-") || n.starts_with("snapshot-")) && n.ends_with(".slad") && !has.contains(n)
        };
        for name in list(self.target)?.iter().filter(|n| is_older(n)) {
            copied.older_files += 1;
            if self.settings.prune {
                let path = self.target.path(name);
                std::fs::remove_file(&path).map_err(|e| JournalError::io("remove", &path, e))?;
                copied.removed += 1;
            }
        }
        Ok(())
    }

    /// `false`: the source went while it was copied. It loses its name before it is cut off from its end.
    fn settle(&self, result: Result<(), JournalError>, name: &str) -> Result<bool, JournalError> {
        let Err(e) = result else {
            return Ok(true);
        };
        give_up(self.settings.to, name);
        let went = |op: &str, source: &Error| match source.kind() {
            ErrorKind::NotFound => op == "open",
            ErrorKind::UnexpectedEof => is_gone(self.source, name),
            _ => false,
        };
        match &e {
            JournalError::Io { source, op, .. } if went(op, source) => Ok(false),
            _ => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::sim::SimDisk;

    #[test]
    fn a_file_that_is_cut_while_it_is_copied_went_if_its_name_did() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        std::fs::write(&source, [7; 100]).unwrap();
        let sim = SimDisk::new();
        let disk: Arc<dyn Disk> = Arc::new(sim.clone());
        let view = View::open(Arc::clone(&disk), [0; 16]).unwrap();
        let settings = Settings {
            from: folder.path(),
            to: folder.path(),
            boot_id: [0; 16],
            durable_seq: None,
            prune: false,
        };
        let round = Round {
            settings: &settings,
            source: &*disk,
            target: &*disk,
            view: &view,
        };
        let name = snapshot::name_of(9);
        let copied = |length| {
            let copying = Copying::begin(folder.path(), &name)?;
            copying.whole(&source, length, &mut |_| ())
        };
        assert!(round.settle(copied(100), &name).unwrap());
        assert!(!round.settle(copied(101), &name).unwrap(), "look again");
        assert!(!folder.path().join(format!("{name}.tmp")).exists());
        sim.put(&name, vec![7; 100]);
        round.settle(copied(101), &name).unwrap_err();
    }
}
