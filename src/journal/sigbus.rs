//! A mapped file that somebody truncates, or whose disk fails: a diagnosed end instead of a bare SIGBUS.
//!
//! Reading a mapped page that the file no longer has raises SIGBUS on the reading thread, and there is nothing to return
//! to. The handler looks the address up among the log's mappings, says on stderr which file it was and where, and ends the
//! process with a code of its own. A SIGBUS anywhere else goes on as before, to the handler that there was; one that
//! somebody sent kills.
//!
//! The registry is what a handler may read: slots of atomics in chunks that are never freed (256 mappings each), no lock, no
//! allocation, no pointer that could dangle. The file is known by its descriptor, which lives as long as the mapping;
//! `/proc/self/fd` tells its name. Cost: a look through the slots when a file is mapped or let go, nothing when it is read.
#![expect(
    unsafe_code,
    reason = "a signal handler can be installed, and may read, write and end the process, by system calls alone"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// Mappings in a chunk.
const SLOTS: usize = 256;
/// A slot that nobody has.
const FREE: usize = 0;
/// A slot that is being written. No mapping begins at either address.
const TAKEN: usize = 1;
/// Longest name shown.
const NAME_BYTES_MAX: usize = 4096;

/// One mapping.
#[derive(Debug)]
struct Slot {
    start: AtomicUsize,
    length: AtomicUsize,
    fd: AtomicI32,
}

#[derive(Debug)]
struct Chunk {
    slots: [Slot; SLOTS],
    next: AtomicPtr<Chunk>,
}

impl Chunk {
    const fn new() -> Chunk {
        Chunk {
            slots: [const {
                Slot {
                    start: AtomicUsize::new(FREE),
                    length: AtomicUsize::new(0),
                    fd: AtomicI32::new(-1),
                }
            }; SLOTS],
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn next(&self) -> Option<&'static Chunk> {
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: null, or a chunk that was leaked for good and is only read and written through its atomics.
        unsafe { next.as_ref() }
    }

    /// The next chunk, made if there is none.
    fn next_or_new(&self) -> &'static Chunk {
        if let Some(next) = self.next() {
            return next;
        }
        let new = Box::into_raw(Box::new(Chunk::new()));
        let set = (self.next).compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
        if let Err(others) = set {
            // SAFETY: `new` came out of a box just now, and nobody else has seen it.
            drop(unsafe { Box::from_raw(new) });
            // SAFETY: as in `next`.
            return unsafe { &*others };
        }
        // SAFETY: as in `next`; from now on it is never freed.
        unsafe { &*new }
    }
}

static FIRST: Chunk = Chunk::new();
/// Exit code of the process.
static CODE: AtomicI32 = AtomicI32::new(1);
/// What was to be done about the signal before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Keeps a mapping known while it lives.
#[derive(Debug)]
pub(super) struct Known(&'static Slot);

impl Known {
    /// Makes the mapping `[start, start + length)` of `fd` known. `fd` must stay open as long.
    pub(super) fn new(start: usize, length: usize, fd: RawFd) -> Known {
        let mut chunk = &FIRST;
        loop {
            for slot in &chunk.slots {
                let taken = (slot.start).compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed);
                if taken.is_ok() {
                    slot.length.store(length, Ordering::Relaxed);
                    slot.fd.store(fd, Ordering::Relaxed);
                    slot.start.store(start, Ordering::Release);
                    return Known(slot);
                }
            }
            chunk = chunk.next_or_new();
        }
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.0.start.store(FREE, Ordering::Release);
    }
}

/// Descriptor and offset of the mapping that holds `address`. Whoever reads from a mapping holds it, so that its slot
/// stands still; of the others any mixture may be seen, and does not matter.
fn find(address: usize) -> Option<(RawFd, usize)> {
    let mut chunk = Some(&FIRST);
    while let Some(c) = chunk {
        for slot in &c.slots {
            let start = slot.start.load(Ordering::Acquire);
            if start > TAKEN && address >= start && address - start < slot.length.load(Ordering::Relaxed) {
                return Some((slot.fd.load(Ordering::Relaxed), address - start));
            }
        }
        chunk = c.next();
    }
    None
}

/// From now on a SIGBUS in a mapping of the log ends the process with `exit_code`, and a write beyond the limit of a file's
/// size (`ulimit -f`) is a failed write instead of the SIGXFSZ that ends the process without a word. For the process as
/// a whole, once.
pub fn install(exit_code: u8) -> io::Result<()> {
    CODE.store(i32::from(exit_code), Ordering::Relaxed);
    // SAFETY: an all-zero sigaction is a valid one: no flags, no mask, the default action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_sigbus as extern "C" fn(_, _, _) as usize;
    // On the thread's own stack: it is whole (an overflow is a SIGSEGV), and an alternative one is too small for a path.
    action.sa_flags = libc::SA_SIGINFO;
    let mut before = action;
    // SAFETY: both point to live sigactions; the handler keeps to what a handler may do.
    if unsafe { libc::sigaction(libc::SIGBUS, &action, &mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let _ = BEFORE.set(before);
    // SAFETY: ignoring a signal runs nothing.
    if unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "C" fn on_sigbus(_signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a whole siginfo.
    let code = unsafe { (*info).si_code };
    if code <= 0 {
        // Sent by somebody: there is no address in it, and nothing that would raise it again.
        // SAFETY: both are async-signal-safe; it comes when this handler returns.
        unsafe {
            libc::signal(libc::SIGBUS, libc::SIG_DFL);
            libc::raise(libc::SIGBUS);
        }
        return;
    }
    // SAFETY: one that the kernel raised has an address in it.
    let address = unsafe { (*info).si_addr() } as usize;
    match find(address) {
        Some((fd, offset)) => end(fd, offset),
        None => {
            let before = BEFORE.get().map_or(ptr::null(), ptr::from_ref);
            if before.is_null() {
                // SAFETY: ends the process at once; async-signal-safe.
                unsafe { libc::_exit(128 + libc::SIGBUS) }
            }
            // Back to what was there: the same instruction runs again and meets it.
            // SAFETY: `before` points to a static; sigaction is async-signal-safe.
            unsafe { libc::sigaction(libc::SIGBUS, before, ptr::null_mut()) };
        }
    }
}

/// Says what happened and ends the process. Async-signal-safe: the stack and system calls, nothing else.
fn end(fd: RawFd, offset: usize) -> ! {
    let mut line = Line::new();
    line.text(b"slad: going down: ");
    let mut link = Line::new();
    link.text(b"/proc/self/fd/");
    link.number(fd.unsigned_abs() as usize);
    link.text(b"\0");
    let mut name = [0u8; NAME_BYTES_MAX];
    // SAFETY: `link` ends with a zero, `name` has the length given; readlink is async-signal-safe.
    let length = unsafe { libc::readlink(link.bytes.as_ptr().cast(), name.as_mut_ptr().cast(), name.len()) };
    match usize::try_from(length).ok().and_then(|length| name.get(..length)) {
        Some(name) => line.text(name),
        None => line.text(b"a file of the log"),
    }
    line.text(b": offset ");
    line.number(offset);
    line.text(
        b": cannot be read any more (SIGBUS): the file was truncated from outside, or its disk failed\n",
    );
    let said = &line.bytes[..line.length];
    // SAFETY: `said` is alive; write and _exit are async-signal-safe.
    unsafe {
        libc::write(libc::STDERR_FILENO, said.as_ptr().cast(), said.len());
        libc::_exit(CODE.load(Ordering::Relaxed))
    }
}

/// A line in the making, on the stack.
struct Line {
    bytes: [u8; NAME_BYTES_MAX + 256],
    length: usize,
}

impl Line {
    fn new() -> Line {
        Line {
            bytes: [0; NAME_BYTES_MAX + 256],
            length: 0,
        }
    }

    fn text(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(slot) = self.bytes.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
        }
    }

    fn number(&mut self, number: usize) {
        let mut digits = [0u8; 20];
        let mut rest = number;
        let mut at = digits.len();
        while at > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.text(&digits[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_found_while_they_live_however_many() {
        let base = 1 << 40;
        let at = |n: usize| base + n * 8192;
        let mut known: Vec<Known> = (0..3 * SLOTS)
            .map(|n| Known::new(at(n), 4096, n as RawFd))
            .collect();
        for n in 0..known.len() {
            assert_eq!(find(at(n)), Some((n as RawFd, 0)));
            assert_eq!(find(at(n) + 4095), Some((n as RawFd, 4095)));
            assert_eq!(find(at(n) + 4096), None);
        }
        known.drain(100..400);
        assert_eq!(find(at(99)), Some((99, 0)));
        assert_eq!(find(at(100)), None);
        let again = Known::new(at(5000), 4096, 7);
        assert_eq!(find(at(5000) + 1), Some((7, 1)));
        drop((known, again));
        assert_eq!(find(at(5000) + 1), None);
    }

    #[test]
    fn threads_share_the_registry() {
        std::thread::scope(|scope| {
            for thread in 0..4_usize {
                scope.spawn(move || {
                    for round in 0..2_000_usize {
                        let start = (1 << 44) + (thread << 32) + round * 4096;
                        let known = Known::new(start, 4096, thread as RawFd);
                        assert_eq!(find(start + 9), Some((thread as RawFd, 9)));
                        drop(known);
                        assert_eq!(find(start + 9), None);
                    }
                });
            }
        });
    }

    #[test]
    fn a_line_is_laid_without_an_allocation() {
        let mut line = Line::new();
        line.text(b"at ");
        for number in [0, 7, 4096, usize::MAX] {
            line.number(number);
            line.text(b" ");
        }
        let text = String::from_utf8_lossy(&line.bytes[..line.length]).into_owned();
        assert_eq!(text, format!("at 0 7 4096 {} ", usize::MAX));
        line.text(&[b'x'; 10_000]);
        assert_eq!(line.length, line.bytes.len(), "too much is cut");
    }
}
