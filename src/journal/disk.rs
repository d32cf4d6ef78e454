//! What the log needs from a disk, and the real one.
//!
//! Everything that touches files goes through [`Disk`] and [`DiskFile`], so that the same log runs over a simulated
//! disk ([`super::sim`]) that loses, tears and refuses. One `Disk` is one directory; names never contain a slash.
//!
//! Cost: one virtual call an operation, beside a system call. Does not retry, cache or order anything: what was
//! written is durable only after [`DiskFile::sync`], a new or renamed name only after [`Disk::sync_dir`].

use super::map::Map;
use rkyv::util::AlignedVec;
use rustix::fs::{FallocateFlags, FlockOperation};
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Bytes of a file: straight from the mapping, or a copy. Always aligned to 8 where `offset` was.
#[derive(Debug)]
pub enum Bytes<'a> {
    /// In the mapping.
    Mapped(&'a [u8]),
    /// Copied out.
    Copied(AlignedVec<16>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(bytes) => bytes,
            Bytes::Copied(bytes) => bytes,
        }
    }
}

/// A directory with files.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// Full path of a name, for messages.
    fn path(&self, name: &str) -> PathBuf;
    /// Takes the lock file for as long as the guard lives. `Ok(Err(pid))`: somebody has it.
    fn lock(&self, name: &str) -> io::Result<Result<Box<dyn Send + Sync>, Option<u32>>>;
    /// Names of the files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens an existing file for reading alone, mapped at the length it has. It must not be empty.
    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates a file; one of that name is emptied first.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames, replacing `to`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable: what was created, renamed, removed.
    fn sync_dir(&self) -> io::Result<()>;
    /// Bytes free for this process.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Send + Sync + std::fmt::Debug {
    /// Its length now, bytes.
    fn len(&self) -> io::Result<u64>;
    /// Has it no bytes?
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Writes all of `bytes` at `offset`, or fails; after a failure any part may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Gives the file this length, reserved on the disk and written with zeros, so that later writes and syncs
    /// change no metadata. Takes about 1 ms a MiB: not for a hot path. A file that has the length already is written over
    /// in place.
    fn zero_fill(&self, bytes: u64) -> io::Result<()>;
    /// Cuts the file to this length. Nobody may have read from it through this or another handle that still lives: a
    /// mapping of what is cut off ends in SIGBUS. Takes about 0.5 ms a MiB that goes, while which the file system may hold
    /// up others: cut in steps.
    fn truncate(&self, bytes: u64) -> io::Result<()>;
    /// Has the file a second name, such as a hard link of a backup? Its bytes must stay then.
    fn is_linked_elsewhere(&self) -> io::Result<bool>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
    /// The bytes `[offset, offset + length)`, which must exist and which nobody writes any more while the result
    /// lives. A file is mapped at the length it has at the first read.
    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes<'_>>;
}

/// A real directory.
#[derive(Debug)]
pub struct RealDisk {
    dir: PathBuf,
    pid: u32,
}

impl RealDisk {
    /// The directory `dir`, created if it is missing (mode 0700 is the umask's matter). `pid` is the process that uses it:
    /// the lock tells it to who comes second.
    pub fn new(dir: &Path, pid: u32) -> io::Result<RealDisk> {
        std::fs::create_dir_all(dir)?;
        Ok(RealDisk {
            dir: dir.to_path_buf(),
            pid,
        })
    }
}

impl Disk for RealDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn lock(&self, name: &str) -> io::Result<Result<Box<dyn Send + Sync>, Option<u32>>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path(name))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let pid = format!("{}\n", self.pid);
                // Written over before it is cut: where the last holder's pid stands, a full disk has room. On one that has
                // not even that, the lock holds without telling by whom.
                let told = file
                    .write_all_at(pid.as_bytes(), 0)
                    .and_then(|()| file.set_len(pid.len() as u64));
                match told {
                    Err(e) if e.kind() != io::ErrorKind::StorageFull => Err(e),
                    _ => Ok(Ok(Box::new(file))),
                }
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let pid = std::fs::read_to_string(self.path(name)).unwrap_or_default();
                Ok(Err(pid.trim().parse().ok()))
            }
            Err(errno) => Err(errno.into()),
        }
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
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(Arc::new(RealFile::new(file)))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(MappedFile(Map::named(&self.path(name))?)))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.path(name))?;
        Ok(Arc::new(RealFile::new(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(free_bytes(&rustix::fs::statvfs(&self.dir)?))
    }
}

/// Bytes free for this process; a file system that does not count its blocks never looks full.
fn free_bytes(stat: &rustix::fs::StatVfs) -> u64 {
    if stat.f_blocks == 0 {
        return u64::MAX;
    }
    stat.f_bavail.saturating_mul(stat.f_frsize)
}

#[derive(Debug)]
struct RealFile {
    // Dropped before the file: the registry of mappings knows it by its descriptor.
    map: OnceLock<Map>,
    file: File,
}

/// Zeros are written in pieces of this size, bytes.
const ZERO_PIECE_BYTES: usize = 1 << 20;
/// Zeros written before they are synced: about as much as goes out in the time of a few commits.
const ZERO_SYNC_BYTES: u64 = 2 << 20;

impl RealFile {
    fn new(file: File) -> RealFile {
        RealFile {
            map: OnceLock::new(),
            file,
        }
    }

    fn map(&self) -> io::Result<&Map> {
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        let map = Map::new(&self.file)?;
        Ok(self.map.get_or_init(|| map))
    }
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn zero_fill(&self, bytes: u64) -> io::Result<()> {
        if self.len()? != bytes {
            // A reservation that cannot succeed would still take all that is left for a moment, from everybody.
            let taken_bytes = self.file.metadata()?.blocks().saturating_mul(512);
            if free_bytes(&rustix::fs::fstatvfs(&self.file)?) < bytes.saturating_sub(taken_bytes) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, bytes) {
                // Some file systems cannot reserve; writing the zeros does it as well, only slower.
                Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let zeros = vec![0; ZERO_PIECE_BYTES.min(bytes as usize)];
        let mut at = 0;
        while at < bytes {
            let piece = (bytes - at).min(zeros.len() as u64) as usize;
            self.file.write_all_at(&zeros[..piece], at)?;
            at += piece as u64;
            // Synced piece by piece: a commit that comes meanwhile waits for one piece on its way to the disk, not for all.
            if at.is_multiple_of(ZERO_SYNC_BYTES) {
                self.file.sync_data()?;
            }
        }
        Ok(())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn is_linked_elsewhere(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() > 1)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes<'_>> {
        if length == 0 {
            return Ok(Bytes::Mapped(&[]));
        }
        mapped(self.map()?, offset, length)
    }
}

fn mapped(map: &Map, offset: u64, length: usize) -> io::Result<Bytes<'_>> {
    map.bytes(offset, length).map(Bytes::Mapped).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("the file ends before offset {offset} + {length}"),
        )
    })
}

/// A file that is only read.
#[derive(Debug)]
struct MappedFile(Map);

fn read_only<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the file was opened for reading",
    ))
}

impl DiskFile for MappedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        read_only()
    }

    fn zero_fill(&self, _: u64) -> io::Result<()> {
        read_only()
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        read_only()
    }

    fn is_linked_elsewhere(&self) -> io::Result<bool> {
        read_only()
    }

    fn sync(&self) -> io::Result<()> {
        read_only()
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes<'_>> {
        mapped(&self.0, offset, length)
    }
}
