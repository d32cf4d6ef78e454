//! A disk of 64 MiB with segments of 4 MiB, filled under load: what is new is refused first, what is under way goes on and
//! timers are recorded while the reserve lasts; then nothing is written, and nothing is lost; then there is room again.
//!
//! Mounts a loop device: as root only, and it fails where it cannot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "support/feed.rs"]
mod feed;
#[path = "support/mod.rs"]
mod support;

use feed::Entry;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Client, Daemon, Value};

const SEGMENT_BYTES: u64 = 4 << 20;
/// The file system needs some blocks itself.
const AS_GOOD_AS_NOTHING_BYTES: u64 = 256 << 10;
const FLAGS: [&str; 6] = [
    "--set",
    "segment_bytes=4MiB",
    "--set",
    "http=127.0.0.1:0",
    "--set",
    "snapshot.every_events=1000000000",
];
/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Tickets with a clock of their own, one due every [`DUE_EVERY_MS`].
const TIMERS: i64 = 3_000;
const DUE_EVERY_MS: i64 = 20;

/// A loop-mounted file system, unmounted when dropped.
struct Mount {
    folder: PathBuf,
    // Dropped behind: what is mounted in it is gone by then.
    _outer: tempfile::TempDir,
}

fn run(program: &str, args: &[&std::ffi::OsStr]) {
    let done = Command::new(program).args(args).output();
    let done = done.unwrap_or_else(|e| panic!("{program}: {e}: install e2fsprogs and mount"));
    assert!(
        done.status.success(),
        "{program} {args:?} failed (this test needs root and loop devices): {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

impl Mount {
    fn new() -> Mount {
        let outer = tempfile::tempdir().unwrap();
        let (image, folder) = (outer.path().join("image"), outer.path().join("mount"));
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(64 << 20).unwrap();
        run(
            "mkfs.ext4",
            &["-q".as_ref(), "-m".as_ref(), "0".as_ref(), image.as_ref()],
        );
        std::fs::create_dir_all(&folder).unwrap();
        run(
            "mount",
            &["-o".as_ref(), "loop".as_ref(), image.as_ref(), folder.as_ref()],
        );
        Mount {
            folder,
            _outer: outer,
        }
    }

    /// A folder for a daemon whose data are on this disk.
    fn home(&self) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&self.folder, home.path().join("data")).unwrap();
        home
    }

    fn free_bytes(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.folder).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Takes room until `left_bytes` are free.
    fn fill_up(&self, left_bytes: u64) {
        let file = std::fs::File::create(self.ballast()).unwrap();
        let bytes = self.free_bytes().saturating_sub(left_bytes);
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

/// What was acknowledged, and what was refused.
#[derive(Default)]
struct Seen {
    /// Seq, type and ticket.
    facts: Vec<(i64, &'static str, String)>,
    full: u64,
}

/// Sends commands of one kind over four connections until each has been refused with DISKFULL.
fn until_full(
    daemon: &Daemon,
    seen: &mut Seen,
    kind: &'static str,
    line: fn(u64, u64) -> (String, Vec<String>),
) {
    let threads: Vec<_> = (0..4)
        .map(|connection| {
            let mut client = daemon.client();
            std::thread::spawn(move || {
                let mut seen = Seen::default();
                let started = Instant::now();
                let mut n = 0;
                while seen.full == 0 {
                    assert!(started.elapsed() < PATIENCE, "the disk does not get full");
                    let batch: Vec<_> = (n..n + 32).map(|n| line(connection, n)).collect();
                    n += 32;
                    for (_, args) in &batch {
                        let args: Vec<&str> = args.iter().map(String::as_str).collect();
                        client.send(&args);
                    }
                    for (ticket, _) in batch {
                        match client.reply() {
                            Value::Int(seq) => seen.facts.push((seq, kind, ticket)),
                            Value::Error(e) if e.starts_with("DISKFULL ") => seen.full += 1,
                            other => panic!("{other:?}"),
                        }
                    }
                }
                seen
            })
        })
        .collect();
    for thread in threads {
        let part = thread.join().unwrap();
        seen.facts.extend(part.facts);
        seen.full += part.full;
    }
}

fn opening(connection: u64, n: u64) -> (String, Vec<String>) {
    let ticket = format!("c{connection}-{n}");
    let text = "x".repeat(2_000);
    let args = ["TICKET.OPEN", &ticket, "policy", "none", "attr.text", &text];
    (ticket.clone(), args.map(str::to_owned).to_vec())
}

fn inbound(connection: u64, n: u64) -> (String, Vec<String>) {
    let ticket = format!("c{connection}-{}", n % 64);
    let text = "y".repeat(200);
    let args = ["TICKET.INBOUND", &ticket, "reason", &text];
    (ticket.clone(), args.map(str::to_owned).to_vec())
}

fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn info(client: &mut Client, name: &str) -> String {
    let text = client.say("INFO").text().to_owned();
    let line = text.lines().find_map(|l| l.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

fn wait_for_state(client: &mut Client, state: &str) {
    let started = Instant::now();
    while info(client, "disk_state") != state {
        assert!(started.elapsed() < Duration::from_secs(10), "not {state} in 10 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processor time of the daemon so far, in the kernel's hundredths of a second.
fn cpu_ticks(daemon: &Daemon) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Nothing spins while everything waits.
fn rests(daemon: &Daemon) {
    let before = cpu_ticks(daemon);
    std::thread::sleep(Duration::from_millis(1_000));
    let ticks = cpu_ticks(daemon) - before;
    assert!(
        ticks <= 10,
        "{ticks} hundredths of a second of work in one second of rest"
    );
}

fn is_full(reply: &Value) -> bool {
    matches!(reply, Value::Error(e) if e.starts_with("DISKFULL "))
}

fn breaches(client: &mut Client) -> Vec<Entry> {
    feed::read(client, "events:breaches", "0")
}

/// Every acknowledged fact is in the log, once, under its number.
fn all_there(client: &mut Client, seen: &Seen) {
    let entries = feed::read(client, "events", "0");
    let first = entries.first().map_or(1, |e| e.seq);
    for (seq, kind, ticket) in &seen.facts {
        let entry = entries.get((seq - first) as usize);
        let entry = entry.unwrap_or_else(|| panic!("{kind} of {ticket}, seq {seq}, is lost"));
        assert_eq!(
            (entry.seq, entry.kind(), entry.text("ticket")),
            (*seq, *kind, ticket.as_str())
        );
    }
}

fn page(daemon: &Daemon, path: &str) -> String {
    use std::io::{Read, Write};
    let log = daemon.log();
    let (_, rest) = log.rsplit_once("http=127.0.0.1:").unwrap();
    let port: u16 = rest
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_disk_that_fills_up_under_load_refuses_waits_and_goes_on() {
    let mount = Mount::new();
    let folder = mount.home();
    mount.fill_up(6 * SEGMENT_BYTES);
    let mut daemon = Daemon::start_in(folder, &FLAGS);
    let mut client = daemon.client();
    wait_for_state(&mut client, "ok");
    let mut seen = Seen::default();

    // Clocks that run out every 20 ms from now on.
    let first_due = wall_ms() + 1_000;
    let timers: Vec<_> = (0..TIMERS)
        .map(|n| {
            let due = first_due + n * DUE_EVERY_MS;
            feed::words(&format!(
                "TICKET.OPEN timer{n} policy none queue none due.resolution {due}"
            ))
        })
        .collect();
    for (args, reply) in timers.iter().zip(feed::pipeline(&mut client, &timers)) {
        seen.facts.push((reply.int(), "ticket.opened", args[1].clone()));
    }
    // Bob takes from a queue where nothing ever comes.
    client.say("QUEUE.SET nowhere open").int();
    client.say("AGENT.SET bob queues nowhere").int();

    // What is new is refused first.
    until_full(&daemon, &mut seen, "ticket.opened", opening);
    assert_eq!(info(&mut client, "disk_state"), "low");
    let refusal = client.say("AGENT.SET carl capacity 2");
    assert!(
        is_full(&refusal) && refusal.text().contains("/data has "),
        "{refusal:?}"
    );
    assert!(is_full(&client.say("SNAPSHOT")));
    assert!(is_full(&client.say("TICKET.OPEN late policy none")));
    client.say("MULTI");
    client.say("TICKET.OPEN late policy none");
    client.say("TICKET.INBOUND c0-0");
    let replies = client.say("EXEC");
    assert!(is_full(&replies.list()[0]), "{replies:?}");
    seen.facts
        .push((replies.list()[1].int(), "ticket.inbound", "c0-0".to_owned()));
    assert!(page(&daemon, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(page(&daemon, "/metrics").contains("\nslad_disk_state 1\n"));

    // All else goes on, timers too.
    while wall_ms() < first_due {
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = breaches(&mut client).len();
    let since = wall_ms();
    let fired_low = loop {
        std::thread::sleep(Duration::from_millis(100));
        let fired = breaches(&mut client).len() - before;
        // On a busy machine it takes longer.
        if fired > 5 || wall_ms() > since + 20_000 {
            break fired;
        }
    };
    assert!(fired_low > 5, "{fired_low} timers in 20 s");
    let mut waiting = daemon.client();
    waiting.send(&["AGENT.NEXT", "bob", "block", "60s"]);
    assert!(waiting.is_silent(50));

    // Then nothing is written, and who waits is told.
    until_full(&daemon, &mut seen, "ticket.inbound", inbound);
    assert_eq!(info(&mut client, "disk_state"), "exhausted");
    assert!(is_full(&waiting.reply()));
    let before = breaches(&mut client).len();
    for line in [
        "TICKET.INBOUND c0-0",
        "TICKET.RESOLVE c0-1",
        "TICKET.SET c0-1 priority P1",
        "AGENT.NEXT bob",
        "AGENT.PAUSE bob reason lunch",
        "QUEUE.SET elsewhere open",
    ] {
        assert!(is_full(&client.say(line)), "{line}");
    }
    client.say("MULTI");
    client.say("TICKET.INBOUND c0-0");
    client.say("TICKET.GET c0-0");
    let replies = client.say("EXEC");
    assert!(
        is_full(&replies.list()[0]) && replies.list()[1] != Value::Null,
        "{replies:?}"
    );
    let written = info(&mut client, "written_seq");
    assert_eq!(client.say("TICKET.GET c0-0").get("state").text(), "waiting");
    rests(&daemon);
    assert_eq!(breaches(&mut client).len(), before, "a timer fired");
    assert_eq!(info(&mut client, "written_seq"), written);
    assert_eq!(info(&mut client, "durable_seq"), written);
    assert!(page(&daemon, "/metrics").contains("\nslad_disk_state 2\n"));
    let ready = page(&daemon, "/readyz");
    assert!(
        ready.starts_with("HTTP/1.1 503") && ready.contains("full: "),
        "{ready}"
    );
    assert!(daemon.is_running());

    // There is room again: it goes on by itself, and what was due meanwhile fires in order.
    std::fs::remove_file(mount.ballast()).unwrap();
    wait_for_state(&mut client, "ok");
    seen.facts.push((
        client.say("TICKET.INBOUND c0-0").int(),
        "ticket.inbound",
        "c0-0".to_owned(),
    ));
    seen.facts.push((
        client.say("TICKET.OPEN later policy none").int(),
        "ticket.opened",
        "later".to_owned(),
    ));
    client.say("SNAPSHOT").int();
    a_snapshot_without_room(&mount, &mut client);
    let started = Instant::now();
    let fired = loop {
        let now = wall_ms();
        let fired = breaches(&mut client);
        if fired.len() as i64 >= ((now - first_due) / DUE_EVERY_MS - 5).min(TIMERS) {
            break fired;
        }
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{} timers",
            fired.len()
        );
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(fired.len() > before + 10);
    let dues: Vec<i64> = fired.iter().map(|e| e.int("due")).collect();
    assert!(dues.is_sorted(), "out of order");

    daemon.kill();
    daemon.restart();
    all_there(&mut daemon.client(), &seen);

    // Full again, killed and started on the full disk.
    let mut client = daemon.client();
    mount.fill_up(AS_GOOD_AS_NOTHING_BYTES);
    until_full(&daemon, &mut seen, "ticket.inbound", inbound);
    let hash = info(&mut client, "state_hash");
    daemon.kill();
    daemon.restart();
    let mut client = daemon.client();
    assert_eq!(info(&mut client, "state_hash"), hash);
    assert_eq!(info(&mut client, "disk_state"), "exhausted");
    assert!(is_full(&client.say("TICKET.INBOUND c0-0")));
    all_there(&mut client, &seen);
    std::fs::remove_file(mount.ballast()).unwrap();
    wait_for_state(&mut client, "ok");
    seen.facts.push((
        client.say("TICKET.INBOUND c0-0").int(),
        "ticket.inbound",
        "c0-0".to_owned(),
    ));
    drop(client);
    assert_eq!(daemon.stop(), 0);
    daemon.restart();
    all_there(&mut daemon.client(), &seen);
    let log = daemon.log();
    let told = log
        .lines()
        .filter(|l| l.contains(" WARN ") || l.contains(" ERROR "))
        .count();
    assert!(told < 20, "one line a change, not {told}:\n{log}");
    println!(
        "{} refused for want of disk, {} acknowledged facts all there, {fired_low} timers at once from the reserve",
        seen.full,
        seen.facts.len()
    );
}

/// Room for the log and not for a snapshot: none is taken, nothing of it is left, the older one is.
fn a_snapshot_without_room(mount: &Mount, client: &mut Client) {
    let names = || {
        let entries = std::fs::read_dir(&mount.folder).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n.starts_with("snapshot-")).collect();
        names.sort();
        names
    };
    let before = names();
    mount.fill_up(AS_GOOD_AS_NOTHING_BYTES);
    let refused = client.say("SNAPSHOT");
    assert!(refused.text().starts_with("ERR no snapshot: "), "{refused:?}");
    assert_eq!(names(), before);
    std::fs::remove_file(mount.ballast()).unwrap();
}

/// EXEC of so many commands that their frame is larger than a segment.
fn send_a_giant(client: &mut Client) {
    const COMMANDS: usize = 6_000;
    let reason = "z".repeat(1_000);
    let inbound = ["TICKET.INBOUND", "t", "reason", &reason]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(client.say("MULTI").text(), "OK");
    feed::pipeline(client, &vec![inbound; COMMANDS]);
    client.send(&["EXEC"]);
}

#[test]
fn what_does_not_fit_the_reserve_waits_unanswered_until_there_is_room() {
    let mount = Mount::new();
    let mut daemon = Daemon::start_in(
        mount.home(),
        &[&FLAGS[..], &["--set", "limits.multi_max=10000"]].concat(),
    );
    let mut client = daemon.client();
    let mut seen = Seen::default();
    seen.facts.push((
        client.say("TICKET.OPEN t policy none").int(),
        "ticket.opened",
        "t".to_owned(),
    ));
    let started = Instant::now();
    while !mount.folder.join("reserve.slad").exists() {
        assert!(started.elapsed() < PATIENCE, "no reserve");
        std::thread::sleep(Duration::from_millis(5));
    }
    mount.fill_up(AS_GOOD_AS_NOTHING_BYTES);
    let before = info(&mut client, "last_seq");

    send_a_giant(&mut client);
    assert!(client.is_silent(500), "a fact that is not in the log was told");
    assert!(page(&daemon, "/metrics").contains("\nslad_disk_state 2\n"));
    let mut other = daemon.client();
    // A refusal waits for nothing; a read has seen what is not durable.
    assert!(is_full(&other.say("TICKET.INBOUND t")));
    other.send(&["TICKET.GET", "t"]);
    assert!(other.is_silent(200));
    rests(&daemon);
    std::fs::remove_file(mount.ballast()).unwrap();
    let replies = client.reply();
    for reply in replies.list() {
        seen.facts.push((reply.int(), "ticket.inbound", "t".to_owned()));
    }
    assert_eq!(seen.facts[1].0, before.parse::<i64>().unwrap() + 1);
    assert_eq!(other.reply().get("state").text(), "waiting");
    wait_for_state(&mut client, "ok");

    // Asked to go while it waits: what was not written was not told either.
    mount.fill_up(AS_GOOD_AS_NOTHING_BYTES);
    send_a_giant(&mut client);
    assert!(client.is_silent(500));
    assert_eq!(daemon.stop(), 3);
    assert!(daemon.log().contains("nobody was told of"), "{}", daemon.log());
    std::fs::remove_file(mount.ballast()).unwrap();
    daemon.restart();
    let mut client = daemon.client();
    all_there(&mut client, &seen);
    let last = seen.facts.last().unwrap().0;
    assert_eq!(client.say("TICKET.INBOUND t").int(), last + 1);
    println!("{} acknowledged facts all there", seen.facts.len());
}

#[test]
fn a_full_disk_without_a_log_is_told() {
    let mount = Mount::new();
    let folder = mount.home();
    mount.fill_up(SEGMENT_BYTES / 2);
    let args = FLAGS.map(str::to_owned);
    let mut child = support::spawn(folder.path(), &args);
    let code = child.wait().unwrap().code();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("free space and start again") && log.contains("log-0000000000000001.tmp"),
        "{log}"
    );
    let mut names: Vec<_> = std::fs::read_dir(&mount.folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["LOCK", "ballast", "lost+found"]);
}
