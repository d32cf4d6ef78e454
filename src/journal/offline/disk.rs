//! A directory that may be somebody else's: read by plain reads, never written, never locked, never mapped.
//!
//! A daemon may write to the files meanwhile, and may shorten or reuse them: a mapping would then change under the
//! reader, or end it. Reads go through one window, so that a walk from frame to frame costs a system call every
//! 256 KiB and a copy of each frame. What the window holds may be older than the file: who doubts it opens the file again.

use crate::journal::disk::{Bytes, Disk, DiskFile};
use crate::journal::format::DATA_START;
use rkyv::util::AlignedVec;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes read at a time.
const WINDOW_BYTES: usize = 256 << 10;

/// A directory for reading alone.
#[derive(Debug)]
pub struct ReadOnlyDisk {
    dir: PathBuf,
    /// Files opened so far: the window knows them by number.
    opened: AtomicU64,
    window: Arc<Mutex<Window>>,
}

impl ReadOnlyDisk {
    /// An existing directory.
    pub fn new(dir: &Path) -> io::Result<ReadOnlyDisk> {
        if !std::fs::metadata(dir)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(ReadOnlyDisk {
            dir: dir.to_path_buf(),
            opened: AtomicU64::new(0),
            window: Arc::default(),
        })
    }

    /// The process that has the directory locked, as the system's list of locks tells it; `None`: nobody, or nobody that this
    /// process may see.
    pub fn holder(&self) -> Option<u32> {
        let meta = std::fs::metadata(self.dir.join("LOCK")).ok()?;
        let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
        let wanted = format!("{major:02x}:{minor:02x}:{}", meta.ino());
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|w| *w != "FLOCK");
            (words.nth(4)? == wanted).then_some(())?;
            line.split_whitespace()
                .skip_while(|w| *w != "FLOCK")
                .nth(3)?
                .parse()
                .ok()
        })
    }
}

fn never<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::ReadOnlyFilesystem,
        "the directory was opened for reading",
    ))
}

impl Disk for ReadOnlyDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn lock(&self, _name: &str) -> io::Result<Result<Box<dyn Send + Sync>, Option<u32>>> {
        never()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(PlainFile {
            file: File::open(self.dir.join(name))?,
            number: 1 + self.opened.fetch_add(1, Ordering::Relaxed),
            window: Arc::clone(&self.window),
        }))
    }

    fn create(&self, _name: &str) -> io::Result<Arc<dyn DiskFile>> {
        never()
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        never()
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        never()
    }

    fn sync_dir(&self) -> io::Result<()> {
        never()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug, Default)]
struct Window {
    /// Whose bytes; 0: nobody's.
    number: u64,
    offset: u64,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct PlainFile {
    file: File,
    number: u64,
    window: Arc<Mutex<Window>>,
}

impl PlainFile {
    /// Reads until `out` is full or the file ends; how much.
    fn fill(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < out.len() {
            match self.file.read_at(&mut out[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }
}

impl DiskFile for PlainFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        never()
    }

    fn zero_fill(&self, _bytes: u64) -> io::Result<()> {
        never()
    }

    fn sync(&self) -> io::Result<()> {
        never()
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes<'_>> {
        let ends = || {
            io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the file ends before offset {offset} + {length}"),
            )
        };
        let mut copy = AlignedVec::with_capacity(length);
        if length > WINDOW_BYTES {
            copy.resize(length, 0);
            if self.fill(&mut copy, offset)? < length {
                return Err(ends());
            }
            return Ok(Bytes::Copied(copy));
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = window.number == self.number
            && offset >= window.offset
            && offset + length as u64 <= window.offset + window.bytes.len() as u64;
        if !inside {
            let mut bytes = std::mem::take(&mut window.bytes);
            // Of most files nothing but the headers is read.
            let piece = match offset {
                0 => DATA_START as usize,
                _ => WINDOW_BYTES,
            };
            bytes.resize(piece.max(length), 0);
            let n = self.fill(&mut bytes, offset)?;
            bytes.truncate(n);
            *window = Window {
                number: self.number,
                offset,
                bytes,
            };
        }
        let at = (offset - window.offset) as usize;
        copy.extend_from_slice(window.bytes.get(at..at + length).ok_or_else(ends)?);
        Ok(Bytes::Copied(copy))
    }
}
