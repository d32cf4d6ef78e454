//! Opening a log: lock, find its end, cut a torn tail, refuse damage. See [`super::format`] for the rule.
//!
//! Cost: the last segment is read whole (a second 64 MiB from the cache in 20 ms), of the others only the headers; the
//! events behind the newest snapshot are verified when they are replayed, older ones when somebody reads them. Every step can
//! be interrupted and done again: the cut bytes are kept first, the survivors written again and synced, then the seal says
//! in one synced write what was cut and lost.

use super::JournalError;
use super::config::Config;
use super::disk::{Disk, DiskFile};
use super::format::*;
use super::opened::OpenedLog;
use super::published::Published;
use super::reserve::Reserve;
use super::scan::{Ahead, Scan, look_ahead};
use super::segment::*;
use super::sidecar::{self, SidecarSlot};
use super::snapshot;
use super::verdict::{Verdict, judge, sealed_with_gap, write_seal};
use super::writer::{Active, Tail};
use crate::collections::sync::AtomicU64;
use crate::model::Seq;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What opening had to do. The daemon logs it as `log.recovered` before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes cut off; they are in a `torn-` file.
    pub cut_bytes: u64,
    /// First seq that may have been shown and is gone.
    pub lost_from: Seq,
    /// Last such seq; the next event is numbered above it.
    pub lost_to: Seq,
    /// The epoch that begins.
    pub epoch: u32,
    /// The segment that was cut.
    pub file: PathBuf,
    /// Where it ends now.
    pub offset: u64,
}

/// A segment's file whose header holds.
pub(super) struct Loaded {
    pub(super) header: SegmentHeader,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    /// Both copies of the header say the same: what they say has been synced.
    pub(super) is_settled: bool,
}

/// Opens the log in a directory, an empty one included.
pub fn open(disk: Arc<dyn Disk>, config: Config) -> Result<OpenedLog, JournalError> {
    if config.segment_bytes < SEGMENT_BYTES_MIN || !config.segment_bytes.is_multiple_of(4096) {
        return Err(JournalError::Misuse(format!(
            "segment_bytes {} must be a multiple of 4096 and at least {SEGMENT_BYTES_MIN}",
            config.segment_bytes
        )));
    }
    let lock_path = disk.path("LOCK");
    let lock = match disk
        .lock("LOCK")
        .map_err(|e| JournalError::io("lock", &lock_path, e))?
    {
        Ok(lock) => lock,
        Err(pid) => {
            return Err(JournalError::Locked { path: lock_path, pid });
        }
    };
    refuse_half_restored(&*disk)?;
    let mut segments = load_all(&*disk)?;
    // A name that a killed process gave may not have reached the disk, and what is written under it from now on must.
    disk.sync_dir()
        .map_err(|e| JournalError::io("sync directory", &disk.path(""), e))?;
    let mut spare = None;
    while let Some(last) = segments.pop_if(|s| s.header.generation == PREPARED) {
        let ahead = look(&last, DATA_START)?;
        if ahead.garbage_end != 0 {
            // It was started and the disk lost its header's second copy.
            segments.push(last);
            break;
        }
        if let Some(above) = spare.replace(last) {
            remove(&*disk, &above)?;
        }
    }
    check_joints(&segments)?;
    let log_id = segments
        .first()
        .or(spare.as_ref())
        .map_or(config.log_id, |s| s.header.log_id);
    let (end, recovery) = match segments.len() {
        0 => {
            if let Some((seq, id)) = snapshot::any(&*disk)? {
                let path = disk.path(&name_of(1));
                let what = format!(
                    "there is no segment, but a whole snapshot of seq {seq} of log {id:016x}: files are missing"
                );
                return Err(JournalError::corrupt(&path, 0, 1, what));
            }
            (None, None)
        }
        n => {
            let before = n.checked_sub(2).and_then(|i| segments.get(i)).map(|s| s.header);
            let (end, recovery) = settle(&*disk, &config, &mut segments[n - 1], before)?;
            (Some(end), recovery)
        }
    };
    let last_header = segments.last().map(|s| s.header);
    let epoch = last_header.map_or(1, |h| if h.next_epoch != 0 { h.next_epoch } else { h.epoch });
    let next_id = last_header.map_or(1, |h| h.id + 1);
    let spare = match spare {
        Some(s) if s.header.epoch == epoch && s.header.id == next_id => Some(Prepared {
            file: s.file,
            header: s.header,
        }),
        Some(s) => {
            remove(&*disk, &s)?;
            None
        }
        None => None,
    };
    let shared: Vec<Arc<Segment>> = segments.iter().map(|s| share(s, end.as_ref(), next_id)).collect();
    let active = match (shared.last(), last_header, &end) {
        (Some(shared), Some(header), Some(end)) if !header.is_sealed() => Some(Active {
            shared: Arc::clone(shared),
            header,
            end: end.end,
            frames: end.frames,
            digest: end.digest,
        }),
        _ => None,
    };
    let stored = end.as_ref().map_or(0, |e| e.last_seq);
    let tail = Tail {
        active,
        spare,
        reserve: Reserve::find(&*disk, config.segment_bytes)?,
        next_id,
        epoch,
        log_id,
        last_seq: stored.max(last_header.map_or(0, |h| h.lost_to)),
    };
    let published = Published::new(Arc::clone(&disk), log_id, config.segment_bytes, shared, stored);
    let published = Arc::new(published);
    let found = snapshot::newest(&disk, log_id, tail.last_seq)?;
    Ok(OpenedLog::new(
        disk, config, lock, published, tail, recovery, found,
    ))
}

pub(super) fn share(loaded: &Loaded, end: Option<&Scan>, next_id: u64) -> Arc<Segment> {
    let header = &loaded.header;
    let is_last = header.id + 1 == next_id;
    let (to, last_seq) = match end {
        Some(scan) if is_last => (scan.end, scan.last_seq),
        _ => (header.sealed_end, header.last_seq),
    };
    Arc::new(Segment {
        id: header.id,
        path: loaded.path.clone(),
        file: Arc::clone(&loaded.file),
        salt: header.salt(),
        epoch: header.epoch,
        first_seq: header.first_seq,
        end: AtomicU64::new(to),
        last_seq: AtomicU64::new(last_seq),
        sealed: AtomicBool::new(header.is_sealed()),
        created_at: header.created_at,
        file_bytes: header.file_bytes,
        digest: AtomicU64::new(header.digest),
        sidecar: SidecarSlot::default(),
    })
}

/// A restore that did not come to its end leaves a log that looks whole and lacks its end.
pub(super) fn refuse_half_restored(disk: &dyn Disk) -> Result<(), JournalError> {
    let dir = disk.path("");
    let names = disk.list().map_err(|e| JournalError::io("list", &dir, e))?;
    if !names.iter().any(|name| name == RESTORING) {
        return Ok(());
    }
    let what = "a restore into this folder was not finished: empty the folder and restore again";
    Err(JournalError::corrupt(&disk.path(RESTORING), 0, 0, what))
}

fn load_all(disk: &dyn Disk) -> Result<Vec<Loaded>, JournalError> {
    let dir = disk.path("");
    let names = disk.list().map_err(|e| JournalError::io("list", &dir, e))?;
    for name in names.iter().filter(|n| n.ends_with(".tmp")) {
        disk.remove(name)
            .map_err(|e| JournalError::io("remove", &disk.path(name), e))?;
    }
    let mut ids: Vec<u64> = names.iter().filter_map(|n| id_of(n)).collect();
    ids.sort_unstable();
    // The index of a segment that is gone: a crash came between the two.
    for name in names
        .iter()
        .filter(|n| sidecar::id_of(n).is_some_and(|id| ids.binary_search(&id).is_err()))
    {
        disk.remove(name)
            .map_err(|e| JournalError::io("remove", &disk.path(name), e))?;
    }
    for pair in ids.windows(2) {
        if pair[0] + 1 != pair[1] {
            let path = disk.path(&name_of(pair[0] + 1));
            return Err(JournalError::corrupt(
                &path,
                0,
                0,
                format!(
                    "the file is missing between {} and {}",
                    name_of(pair[0]),
                    name_of(pair[1])
                ),
            ));
        }
    }
    let segments = ids
        .into_iter()
        .map(|id| load(disk, id))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(first) = segments.first()
        && let Some(other) = segments.iter().find(|s| s.header.log_id != first.header.log_id)
    {
        return Err(JournalError::corrupt(
            &other.path,
            56,
            other.header.first_seq,
            "the segment belongs to another log",
        ));
    }
    Ok(segments)
}

pub(super) fn load(disk: &dyn Disk, id: u64) -> Result<Loaded, JournalError> {
    let name = name_of(id);
    let path = disk.path(&name);
    let io = |op| {
        let path = path.clone();
        move |e| JournalError::io(op, &path, e)
    };
    let file = disk.open(&name).map_err(io("open"))?;
    let length = file.len().map_err(io("stat"))?;
    if length < DATA_START {
        return Err(JournalError::corrupt(
            &path,
            length,
            0,
            "the file is too short for a segment",
        ));
    }
    let mut best: Option<SegmentHeader> = None;
    let mut is_settled = true;
    for offset in [0, HEADER_BLOCK_BYTES] {
        match SegmentHeader::decode(&file.read(offset, 128).map_err(io("read"))?) {
            HeaderRead::Valid(h) => {
                is_settled &= best.is_none_or(|b| h == b);
                best = best.filter(|b| b.generation >= h.generation).or(Some(h));
            }
            HeaderRead::Invalid => is_settled = false,
            HeaderRead::TooNew(found) => {
                return Err(JournalError::TooNew {
                    path,
                    what: "segment",
                    found,
                    known: FORMAT_VERSION,
                });
            }
        }
    }
    let Some(header) = best else {
        return Err(JournalError::corrupt(
            &path,
            0,
            0,
            "both copies of the segment's header are damaged",
        ));
    };
    if header.id != id {
        let what = format!("the file holds segment {}: it was renamed or copied", header.id);
        return Err(JournalError::corrupt(&path, 16, header.first_seq, what));
    }
    if header.file_bytes != length {
        let what = format!("the file has {length} bytes, not {}", header.file_bytes);
        return Err(JournalError::corrupt(&path, length, header.first_seq, what));
    }
    Ok(Loaded {
        header,
        file,
        path,
        is_settled,
    })
}

/// Seq that must follow a sealed segment.
pub(super) fn seq_after(header: &SegmentHeader) -> Seq {
    header.last_seq.max(header.lost_to) + 1
}

/// Every segment but the last is sealed, and the next one goes on where it ends.
fn check_joints(segments: &[Loaded]) -> Result<(), JournalError> {
    segments
        .windows(2)
        .try_for_each(|pair| check_joint(&pair[0], &pair[1]))
}

/// Does the second segment go on where the first one ends?
pub(super) fn check_joint(first: &Loaded, second: &Loaded) -> Result<(), JournalError> {
    let (a, b) = (&first.header, &second.header);
    let epoch = if a.next_epoch != 0 { a.next_epoch } else { a.epoch };
    let (offset, seq, what) = if !a.is_sealed() {
        (
            28,
            a.first_seq,
            format!("the segment is not sealed, but {} follows", name_of(b.id)),
        )
    } else if b.first_seq != 0 && b.first_seq != seq_after(a) {
        let what = format!(
            "the segment ends before seq {}, but {} begins with seq {}",
            seq_after(a),
            name_of(b.id),
            b.first_seq
        );
        (72, seq_after(a), what)
    } else if b.epoch != epoch {
        let what = format!("epoch {epoch} must follow, but {} has {}", name_of(b.id), b.epoch);
        (24, seq_after(a), what)
    } else {
        return Ok(());
    };
    Err(JournalError::corrupt(&first.path, offset, seq, what))
}

pub(super) fn look(loaded: &Loaded, from: u64) -> Result<Ahead, JournalError> {
    look_ahead(&*loaded.file, &loaded.header, from).map_err(|e| JournalError::io("read", &loaded.path, e))
}

fn remove(disk: &dyn Disk, loaded: &Loaded) -> Result<(), JournalError> {
    disk.remove(&name_of(loaded.header.id))
        .and_then(|()| disk.sync_dir())
        .map_err(|e| JournalError::io("remove", &loaded.path, e))
}

/// Finds the end of the last segment, and cuts it there if it is torn.
fn settle(
    disk: &dyn Disk,
    config: &Config,
    last: &mut Loaded,
    before: Option<SegmentHeader>,
) -> Result<(Scan, Option<Recovery>), JournalError> {
    let Verdict {
        end,
        ahead,
        whole,
        torn,
        closed,
        lost_to,
    } = judge(config.boot_id, last, before)?;
    if let Some(seq) = snapshot::proves(disk, last.header.log_id, end.last_seq)? {
        let what = format!(
            "the log ends here, but there is a whole snapshot of seq {seq}: everything up to it had been synced, so this is \
             damage, or files are missing. Restore a backup, or cut the log here with `slad log repair --truncate-at`"
        );
        return Err(JournalError::corrupt(&last.path, end.end, end.last_seq + 1, what));
    }
    if whole {
        if !last.is_settled {
            // Whoever sealed it died before the sync came back; what follows must be able to rely on it.
            rewrite_survivors(last, &end)?;
            write_seal(last)?;
        }
        return Ok((end, recovery_of(&last.header, last)));
    }
    let mut tidy = true;
    if torn && ahead.garbage_end != 0 {
        match keep_torn(disk, last, end.end, ahead.garbage_end) {
            // They are kept where they are: nothing reads behind a seal.
            Err(e) if e.is_disk_full() => tidy = false,
            kept => kept?,
        }
    }
    if !closed || torn {
        rewrite_survivors(last, &end)?;
    }
    let carried = before
        .filter(|_| end.last_seq < last.header.first_seq)
        .filter(|b| b.lost_from != 0);
    if lost_to == 0 {
        let told = carried.map(|b| Recovery {
            cut_bytes: b.cut_bytes,
            lost_from: b.lost_from,
            lost_to: b.lost_to,
            epoch: last.header.epoch,
            file: disk.path(&name_of(b.id)),
            offset: b.sealed_end,
        });
        return Ok((end, told));
    }
    let cut_bytes = ahead.garbage_end.saturating_sub(end.end);
    last.header = sealed_with_gap(&last.header, &end, carried, lost_to, cut_bytes);
    write_seal(last)?;
    if tidy {
        // Nothing reads behind a seal; this only keeps the file tidy for people.
        let zeros = vec![0; cut_bytes as usize];
        (last.file)
            .write_at(&zeros, end.end)
            .map_err(|e| JournalError::io("write", &last.path, e))?;
    }
    let recovery = recovery_of(&last.header, last);
    Ok((end, recovery))
}

fn recovery_of(header: &SegmentHeader, loaded: &Loaded) -> Option<Recovery> {
    (header.next_epoch != 0).then(|| Recovery {
        cut_bytes: header.cut_bytes,
        lost_from: header.lost_from,
        lost_to: header.lost_to,
        epoch: header.next_epoch,
        file: loaded.path.clone(),
        offset: header.sealed_end,
    })
}

/// Keeps what is to be cut in a file of its own.
pub(super) fn keep_torn(disk: &dyn Disk, last: &Loaded, from: u64, to: u64) -> Result<(), JournalError> {
    let name = format!("torn-{:016}-{from}.bin", last.header.id);
    let tmp = format!("{name}.tmp");
    let path = disk.path(&name);
    let bytes = last
        .file
        .read(from, (to - from) as usize)
        .map_err(|e| JournalError::io("read", &last.path, e))?
        .to_vec();
    let keep = || {
        let file = disk.create(&tmp)?;
        file.write_at(&bytes, 0)?;
        file.sync()?;
        disk.rename(&tmp, &name)?;
        disk.sync_dir()
    };
    keep().map_err(|e| {
        // Half of them would only take room; if this fails too, the next start removes it.
        let _ = disk.remove(&tmp);
        JournalError::io("write", &path, e)
    })
}

/// Writes the frames behind the last marker once more and syncs them: after a failed sync, the system may show bytes that
/// never reached the disk.
fn rewrite_survivors(last: &Loaded, end: &Scan) -> Result<(), JournalError> {
    let from = end.marker_offset;
    let io = |op| {
        let path = last.path.clone();
        move |e| JournalError::io(op, &path, e)
    };
    let bytes = last
        .file
        .read(from, (end.end - from) as usize)
        .map_err(io("read"))?
        .to_vec();
    last.file.write_at(&bytes, from).map_err(io("write"))?;
    last.file.sync().map_err(io("sync"))
}
