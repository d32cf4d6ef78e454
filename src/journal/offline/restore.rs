//! A backup, or any readable directory, to a new data directory.
//!
//! The log may be cut after a frame. What is written ends sealed, never open: the next start begins a segment of its own. Seqs
//! behind the end may have been shown by the daemon that went on after the backup; they are never used again: the last
//! segment is sealed with that gap, as recovery seals a torn one, and the next start tells it as `log.recovered` and numbers on
//! above it in a new epoch. While the directory is written, a file in it keeps a daemon from starting there.

use super::copy::{Copying, sync_folder};
use super::cut::{Cut, Until};
use super::view::View;
use crate::journal::JournalError;
use crate::journal::format::{DATA_START, RESTORING};
use crate::journal::scan::scan;
use crate::journal::segment::{SEALED, SegmentHeader, name_of};
use crate::journal::snapshot;
use crate::journal::verdict::sealed_with_gap;
use crate::model::Seq;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Seqs given up behind the end of a backup unless the operator knows how far the daemon came after it: about 50 days at
/// 1,000 events a second.
pub const SHOWN_AFTER_BACKUP: Seq = 1 << 32;

/// Greatest seq that may be named as shown: above it a log would run out of seqs. The feed's ids and counts are signed.
pub const SHOWN_MAX: Seq = Seq::MAX >> 1;

/// Why nothing is restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The operator wants what cannot be.
    #[error("{0}")]
    Wanted(String),
    /// The backup, or a disk.
    #[error(transparent)]
    Log(#[from] JournalError),
}

/// What will be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Where the log will end.
    pub cut: Cut,
    /// First seq restored.
    pub first_seq: Seq,
    /// Newest whole snapshot that is restored; 0: none, the state comes from the first event.
    pub snapshot_seq: Seq,
    /// Oldest whole snapshot that is restored; 0: as above.
    pub oldest_snapshot_seq: Seq,
    /// Bytes to be written.
    pub bytes: u64,
    /// Last seq that is given up; that of `cut`: none is.
    pub shown_to: Seq,
}

/// Looks what can be restored: up to `until`, or all of it. `shown_to`: the last seq that anybody may have seen, if it is known.
pub fn plan(view: &View, until: Option<Until>, shown_to: Option<Seq>) -> Result<Plan, RestoreError> {
    let wanted = |what: String| Err(RestoreError::Wanted(what));
    let Some(end) = view.end() else {
        return wanted("there is no segment in it: is it a backup?".to_owned());
    };
    let first_seq = view.first_seq();
    let mut snapshots = Vec::new();
    for found in view.snapshots() {
        match found {
            Ok(s) => snapshots.push(s.info()),
            Err(JournalError::Corrupt { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    snapshots.retain(|s| s.seq + 1 >= first_seq);
    let from = match snapshots.last() {
        _ if first_seq <= 1 => 1,
        Some(oldest) => oldest.seq,
        None => {
            return wanted(format!(
                "the log in it begins with seq {first_seq}, and no whole snapshot holds what came before"
            ));
        }
    };
    let range = format!("it can be restored up to any seq from {from} to {}", end.last_seq);
    if let Some(Until::Seq(seq)) = until
        && seq > end.last_seq
    {
        return wanted(format!("--until {seq}: {range}"));
    }
    let cut = match until {
        None => end,
        Some(until) => match view.cut(until)? {
            Some(cut) => cut,
            None => return wanted(format!("--until lies before the first event: {range}")),
        },
    };
    if cut.last_seq < from {
        return wanted(format!(
            "--until chooses seq {}, but the log begins with seq {first_seq} and the oldest whole snapshot is of seq {from}: {range}",
            cut.last_seq
        ));
    }
    snapshots.retain(|s| s.seq <= cut.last_seq);
    let shown_to = match shown_to {
        None => {
            let after = view.shown_to().saturating_add(SHOWN_AFTER_BACKUP);
            after.min(SHOWN_MAX).max(view.shown_to())
        }
        Some(seq) if seq > SHOWN_MAX => {
            return wanted(format!(
                "--shown-to {seq}: the log numbers on above it: give {SHOWN_MAX} or an earlier one"
            ));
        }
        Some(seq) if seq >= view.shown_to() => seq,
        Some(seq) => {
            return wanted(format!(
                "--shown-to {seq}: seqs up to {} are in it: give that or a later one",
                view.shown_to()
            ));
        }
    };
    let frames = view.parts().iter().filter(|p| p.header.id <= cut.segment);
    let frames: u64 = frames
        .map(|p| if p.header.id == cut.segment { cut.offset } else { p.segment.end() } - DATA_START)
        .sum();
    Ok(Plan {
        cut,
        first_seq,
        snapshot_seq: snapshots.first().map_or(0, |s| s.seq),
        oldest_snapshot_seq: snapshots.last().map_or(0, |s| s.seq),
        bytes: frames + snapshots.iter().map(|s| s.bytes).sum::<u64>(),
        shown_to,
    })
}

/// Is the directory one that can be restored to: absent, or empty?
pub fn is_free(to: &Path) -> Result<(), RestoreError> {
    has_only(None, to)
}

/// Has the directory nothing but one file?
fn has_only(mark: Option<&str>, to: &Path) -> Result<(), RestoreError> {
    let entries = match std::fs::read_dir(to) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(JournalError::io("open", to, e).into()),
    };
    for entry in entries {
        let name = entry.map_err(|e| JournalError::io("list", to, e))?.file_name();
        // Every new file system of its own has it.
        if name != "lost+found" && mark.is_none_or(|mark| name != mark) {
            return Err(RestoreError::Wanted(format!(
                "{}: the folder is not empty (it holds '{}'): move it away, or give another --data",
                to.display(),
                name.to_string_lossy()
            )));
        }
    }
    Ok(())
}

/// Makes the file that keeps daemons, and other restores, from the directory. One that came in between was there first.
fn mark_begun(to: &Path) -> Result<PathBuf, RestoreError> {
    let mark = to.join(RESTORING);
    let made = File::create_new(&mark).and_then(|f| f.sync_all());
    if let Err(e) = made {
        if e.kind() == std::io::ErrorKind::AlreadyExists {
            is_free(to)?;
        }
        return Err(JournalError::io("create", &mark, e).into());
    }
    sync_folder(to)?;
    // A daemon locks, then looks for the mark: either it sees that, or its lock is seen here.
    has_only(Some(RESTORING), to).inspect_err(|_| {
        let _ = std::fs::remove_file(&mark);
    })?;
    Ok(mark)
}

/// Writes a new data directory, all of it synced, but for the snapshots of the seqs in `left_out`. `on_bytes` is told what was
/// written.
pub fn restore(
    view: &View,
    plan: &Plan,
    left_out: &[Seq],
    to: &Path,
    mut on_bytes: impl FnMut(u64),
) -> Result<(), RestoreError> {
    is_free(to)?;
    std::fs::create_dir_all(to).map_err(|e| JournalError::io("create", to, e))?;
    let mark = mark_begun(to)?;
    for found in view.snapshots() {
        let snapshot = match found {
            Ok(s) if s.info().seq <= plan.cut.last_seq => s,
            Ok(_) | Err(JournalError::Corrupt { .. }) => continue,
            Err(e) => return Err(e.into()),
        };
        let info = snapshot.info();
        if left_out.contains(&info.seq) {
            continue;
        }
        let copying = Copying::begin(to, &snapshot::name_of(info.seq))?;
        copying.whole(snapshot.path(), info.bytes, &mut on_bytes)?;
        copying.finish()?;
    }
    let mut before: Option<SegmentHeader> = None;
    for part in view.parts().iter().filter(|p| p.header.id <= plan.cut.segment) {
        let segment = &part.segment;
        let copying = Copying::begin(to, &name_of(part.header.id))?;
        let is_last = part.header.id == plan.cut.segment;
        let (header, end) = if is_last {
            let end = scan(
                &*segment.file,
                &segment.path,
                &part.header,
                segment.first_seq,
                plan.cut.offset,
            )?;
            let carried = before
                .filter(|_| end.last_seq < segment.first_seq)
                .filter(|b| b.lost_from != 0);
            (last_header(part.header, &end, carried, plan), end.end)
        } else {
            (part.header, segment.end())
        };
        copying.segment(&segment.path, &header, end, &mut on_bytes)?;
        copying.finish()?;
        before = Some(header);
    }
    sync_folder(to)?;
    std::fs::remove_file(&mark).map_err(|e| JournalError::io("remove", &mark, e))?;
    Ok(sync_folder(to)?)
}

/// The header of the last segment: sealed where it was cut, with the gap behind it if there is one.
fn last_header(
    header: SegmentHeader,
    end: &crate::journal::scan::Scan,
    carried: Option<SegmentHeader>,
    plan: &Plan,
) -> SegmentHeader {
    let is_as_sealed = header.is_sealed() && header.sealed_end == end.end;
    if plan.shown_to > end.last_seq && !(is_as_sealed && header.lost_to >= plan.shown_to) {
        let told_before = header.cut_bytes * u64::from(is_as_sealed);
        let mut sealed = sealed_with_gap(&header, end, carried, plan.shown_to, told_before);
        if is_as_sealed && header.lost_from != 0 {
            sealed.lost_from = header.lost_from;
        }
        return sealed;
    }
    if is_as_sealed {
        return header;
    }
    SegmentHeader {
        generation: SEALED,
        sealed_end: end.end,
        last_seq: end.last_seq,
        digest: end.digest,
        frames: end.frames,
        ..header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(to: &Path) -> String {
        match mark_begun(to) {
            Err(RestoreError::Wanted(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_comes_between_the_look_and_the_mark_keeps_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("LOCK");
        is_free(folder.path()).unwrap();
        std::fs::write(&lock, "").unwrap();
        assert!(refusal(folder.path()).contains("'LOCK'"));
        let mark = folder.path().join(RESTORING);
        assert!(
            !mark.exists() && lock.exists(),
            "the daemon's folder is as it was"
        );
        std::fs::remove_file(&lock).unwrap();
        assert_eq!(mark_begun(folder.path()).unwrap(), mark);
        assert!(refusal(folder.path()).contains(RESTORING));
        assert!(mark.exists(), "it is the other restore's");
    }
}
