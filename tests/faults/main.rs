//! Faults of the disk under a running daemon, put into its system calls by strace: what was acknowledged is there after the
//! next start, what failed was not acknowledged, nothing is tried again.
//!
//! Needs strace and the right to trace (root, or the same user where ptrace is not restricted).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[path = "../support/feed.rs"]
mod feed;
mod mapping;
mod strace;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use strace::Strace;
use support::{Client, Daemon, Value};

const LOG_FAILED: i32 = 3;

/// A daemon whose spare segment and reserve are made, with an open ticket `t`.
fn quiet(sync: &str) -> (Daemon, Vec<i64>) {
    let daemon = Daemon::start(&["--sync", sync]);
    let seq = daemon.client().say("TICKET.OPEN t policy none").int();
    let started = Instant::now();
    while !daemon.data().join("reserve.slad").exists() {
        assert!(started.elapsed() < Duration::from_secs(20), "no reserve");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The marker of its own that follows what was written.
    std::thread::sleep(Duration::from_millis(250));
    (daemon, vec![seq])
}

/// One command after the other until the connection ends; the seqs that were acknowledged.
fn until_it_ends(client: &mut Client) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    loop {
        // Under `interval` it may end between an acknowledgement and the next command.
        match client.try_cmd(&["TICKET.INBOUND", "t"]) {
            Some(Value::Int(seq)) => acknowledged.push(seq),
            Some(other) => panic!("{other:?}"),
            None => return acknowledged,
        }
        assert!(acknowledged.len() < 10_000, "no fault came to pass");
    }
}

/// The next start has every one of these facts, in their places.
fn all_there(daemon: &mut Daemon, acknowledged: &[i64]) {
    daemon.restart();
    let entries = feed::read(&mut daemon.client(), "events:ticket:t", "0");
    let seqs: Vec<i64> = entries.iter().map(|e| e.seq).collect();
    for seq in acknowledged {
        assert!(seqs.contains(seq), "seq {seq} was acknowledged and is gone");
    }
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    daemon.client().say("TICKET.INBOUND t").int();
}

/// Whatever fails, the daemon ends with its code and a line that names the operation and the file.
fn ends(fault: &str, sync: &str, operation: &str) -> (usize, Vec<String>) {
    let (mut daemon, mut acknowledged) = quiet(sync);
    let mut trace = Strace::attach(&daemon, &[fault]);
    acknowledged.extend(until_it_ends(&mut daemon.client()));
    assert_eq!(daemon.ended(), LOG_FAILED, "{fault}");
    let log = daemon.log();
    let last = log.lines().last().unwrap();
    let named = last.contains("log-0000000000000001.slad") && last.contains(&format!("{operation} failed"));
    assert!(last.contains("going down") && named, "{log}");
    let behind = trace.behind_the_fault();
    all_there(&mut daemon, &acknowledged);
    (acknowledged.len() - 1, behind)
}

#[test]
fn a_failed_sync_ends_the_daemon_and_is_not_tried_again() {
    for n in [1, 2, 9] {
        let (acknowledged, behind) = ends(&format!("fdatasync:error=EIO:when={n}"), "always", "sync");
        assert_eq!(acknowledged, n - 1, "one sync, one acknowledgement");
        assert!(
            !behind
                .iter()
                .any(|call| call.starts_with("fdatasync") || call.starts_with("pwrite64")),
            "{behind:?}"
        );
    }
    // Under `interval` an acknowledgement follows the write: the fact has to be there, the machine did not fail.
    let (_, behind) = ends("fdatasync:error=EIO:when=2", "interval", "sync");
    assert!(
        !behind.iter().any(|call| call.starts_with("fdatasync")),
        "{behind:?}"
    );
    println!("4 kills by a failed sync");
}

#[test]
fn a_failed_write_ends_the_daemon() {
    for (fault, n) in [
        // The segment is preallocated: a full disk there is a broken promise of the file system, not a lack of room.
        ("pwrite64:error=ENOSPC", 1),
        ("pwrite64:error=ENOSPC", 6),
        ("pwrite64:error=EIO", 3),
        // Not a byte was taken, and no reason given.
        ("pwrite64:retval=0", 4),
    ] {
        for sync in ["always", "never"] {
            let (acknowledged, behind) = ends(&format!("{fault}:when={n}"), sync, "write");
            assert!(acknowledged < n, "{acknowledged} acknowledged by {n} writes");
            assert!(behind.iter().all(|call| call.starts_with("+++")), "{behind:?}");
        }
    }
    println!("8 kills by a failed write");
}

/// Bytes of the log once it rests: a marker follows what was written within 100 ms of idling.
fn resting_log_bytes(client: &mut Client) -> u64 {
    let mut before = 0;
    loop {
        let info = client.say("INFO").text().to_owned();
        let bytes = info.lines().find_map(|l| l.strip_prefix("log_bytes:")).unwrap();
        let bytes = bytes.parse().unwrap();
        if bytes == before {
            return bytes;
        }
        before = bytes;
        std::thread::sleep(Duration::from_millis(400));
    }
}

#[test]
fn half_a_write_is_cut_off_at_the_next_start() {
    let (mut daemon, mut acknowledged) = quiet("always");
    let mut client = daemon.client();
    for _ in 0..5 {
        acknowledged.push(client.say("TICKET.INBOUND t").int());
    }
    let end = resting_log_bytes(&mut client);
    // A limit in the midst of the next frame: the system takes 20 bytes of it, and refuses the rest.
    let limit = end + 20;
    let done = std::process::Command::new("prlimit")
        .args(["--pid", &daemon.pid().to_string(), &format!("--fsize={limit}")])
        .status();
    assert!(done.unwrap().success());
    assert_eq!(until_it_ends(&mut client), []);
    assert_eq!(daemon.ended(), LOG_FAILED);
    assert!(daemon.log().contains("write failed"), "{}", daemon.log());
    all_there(&mut daemon, &acknowledged);
    let told = feed::read(&mut daemon.client(), "events", "0");
    let recovered = told
        .iter()
        .find(|e| e.kind() == "log.recovered")
        .expect("a torn tail");
    assert!(recovered.int("cut_bytes") > 0, "{recovered:?}");
}

#[test]
fn interrupted_calls_are_not_noticed() {
    let (mut daemon, mut acknowledged) = quiet("always");
    let trace = Strace::attach(
        &daemon,
        &["pwrite64:error=EINTR:when=1+3", "fdatasync:error=EINTR:when=2+3"],
    );
    let mut client = daemon.client();
    for _ in 0..40 {
        acknowledged.push(client.say("TICKET.INBOUND t").int());
    }
    let interrupted = trace.calls().iter().filter(|call| call.contains("EINTR")).count();
    assert!(interrupted > 20, "{interrupted}");
    drop(trace);
    assert!(
        daemon.is_running() && !daemon.log().contains(" WARN "),
        "{}",
        daemon.log()
    );
    daemon.kill();
    all_there(&mut daemon, &acknowledged);
}

#[test]
fn a_sync_that_takes_3_s_stops_acknowledgements_and_nothing_else() {
    const DELAY: Duration = Duration::from_secs(3);
    let (mut daemon, mut acknowledged) = quiet("always");
    let trace = Strace::attach(&daemon, &["fdatasync:delay_enter=3000000:when=2"]);
    let mut client = daemon.client();
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let due = wall + 1_500;
    // The first sync, as ever.
    client
        .say(&format!("TICKET.OPEN late policy none due.resolution {due}"))
        .int();

    let begun = Instant::now();
    client.send(&["TICKET.INBOUND", "t"]);
    let mut others: Vec<Client> = (0..20).map(|_| daemon.client()).collect();
    std::thread::sleep(Duration::from_millis(100));
    for other in &mut others {
        other.send(&["TICKET.INBOUND", "t"]);
    }
    // A read saw facts that are not durable yet, so that it waits as well.
    let mut reader = daemon.client();
    reader.send(&["TICKET.GET", "t"]);
    assert!(client.is_silent(1_000) && reader.is_silent(500));
    assert!(others.iter_mut().all(|other| other.is_silent(20)));
    assert!(begun.elapsed() < DELAY, "too slow a machine to see anything");

    acknowledged.push(client.reply().int());
    assert!(begun.elapsed() >= DELAY);
    for other in &mut others {
        acknowledged.push(other.reply().int());
    }
    assert_eq!(reader.reply().get("state").text(), "waiting");
    assert!(
        begun.elapsed() < DELAY + Duration::from_secs(2),
        "one sync for all of them"
    );
    let mut seqs = acknowledged.clone();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 22, "each its own fact: {acknowledged:?}");
    // The timer fired at its time, in the middle of it; only its entry had to wait.
    let fired = feed::read(&mut client, "events:breaches", "0");
    let late_ms = fired[0].int("late_ms");
    assert!((0..500).contains(&late_ms), "{late_ms} ms late");
    drop(trace);
    assert!(daemon.is_running());
    daemon.kill();
    all_there(&mut daemon, &acknowledged);
}

#[test]
fn a_segment_removed_under_the_daemon_is_noticed() {
    let mut daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.say("TICKET.OPEN t1 policy none").int();
    let name = "log-0000000000000001.slad";
    std::fs::remove_file(daemon.data().join(name)).unwrap();
    // Looked for when segments rotate, with every snapshot, and each hour.
    client.send(&["SNAPSHOT"]);
    assert_eq!(daemon.ended(), 6, "{}", daemon.log());
    assert!(daemon.log().contains(name), "{}", daemon.log());
}
