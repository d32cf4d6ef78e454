//! Starting: who waits while the log is read and for how long, a torn end seen from the socket, a socket that systemd passed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod support;

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{Client, Daemon, Value, encode};

/// Tickets in the log that takes a while to read.
const TICKETS: usize = 150_000;

/// Kills what it holds when a test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connected(socket: &Path) -> Client {
    let started = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(started.elapsed().as_secs() < 20, "nobody listens");
        std::thread::sleep(Duration::from_millis(1));
    }
    Client::connect(socket)
}

fn info(client: &mut Client, name: &str) -> i64 {
    let info = client.say("INFO persistence");
    let found = info
        .text()
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(':')?.parse().ok());
    found.unwrap_or_else(|| panic!("no {name} in {info:?}"))
}

#[test]
fn commands_wait_for_the_log_as_long_as_configured() {
    let mut daemon = Daemon::start(&["--virtual-clock", "--sync", "never"]);
    {
        let mut client = daemon.client();
        let mut bytes = Vec::new();
        for n in 0..TICKETS {
            bytes.extend(encode(&["TICKET.OPEN", &format!("t{n}"), "policy", "none"]));
        }
        let mut writer = client.stream.try_clone().unwrap();
        let sending = std::thread::spawn(move || writer.write_all(&bytes).unwrap());
        for _ in 0..TICKETS {
            client.reply().int();
        }
        sending.join().unwrap();
    }
    assert_eq!(daemon.stop(), 0, "{}", daemon.log());
    let folder = daemon.data().parent().unwrap().to_owned();
    let serve = |loading_wait: &str| {
        let wait = format!("loading_wait={loading_wait}");
        let args = ["--virtual-clock", "--set", &wait].map(str::to_owned);
        Killed(support::spawn(&folder, &args))
    };
    let tickets = Value::Int(TICKETS as i64);

    let mut child = serve("1ms");
    let mut client = connected(&daemon.socket());
    assert_eq!(
        client.say("PING").text(),
        "PONG",
        "the handshake is answered meanwhile"
    );
    assert_eq!(info(&mut client, "loading"), 1);
    for line in [
        "TICKET.COUNT",
        "TICKET.OPEN new policy none",
        "XLEN events",
        "SNAPSHOT",
    ] {
        let reply = client.say(line);
        assert!(
            matches!(&reply, Value::Error(e) if e.starts_with("LOADING")),
            "{line}: {reply:?}"
        );
    }
    let started = Instant::now();
    while info(&mut client, "loading") == 1 {
        assert!(started.elapsed().as_secs() < 60, "it never ends");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        client.say("TICKET.COUNT"),
        tickets,
        "what was refused was not done"
    );
    child.0.kill().unwrap();
    child.0.wait().unwrap();

    let _child = serve("60s");
    let mut first = connected(&daemon.socket());
    let mut second = connected(&daemon.socket());
    assert_eq!(info(&mut second, "loading"), 1);
    first.send(&["TICKET.COUNT"]);
    first.send(&["PING"]);
    second.send(&["TICKET.RESPOND", "t5"]);
    assert_eq!(first.reply(), tickets, "it waited");
    assert_eq!(first.reply().text(), "PONG", "in order");
    let responded = second.reply().int();
    assert_eq!(info(&mut second, "loading"), 0);
    assert_eq!(info(&mut second, "last_seq"), responded);
}

/// The segment that grows: the last one that holds anything behind its header.
fn active(data: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(data)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| {
            let bytes = std::fs::read(p).unwrap();
            bytes.len() > 100_000 && bytes[8_192..].iter().any(|b| *b != 0)
        })
        .collect();
    files.sort();
    files.pop().unwrap()
}

#[test]
fn a_torn_end_is_cut_told_and_costs_nothing_acknowledged() {
    let mut daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    let mut last = 0;
    for n in 0..50 {
        last = client.say(&format!("TICKET.OPEN t{n} policy none")).int();
    }
    assert_eq!(info(&mut client, "log_cut_bytes"), 0);
    daemon.kill();
    let path = active(&daemon.data());
    let bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    // Half a frame, as a write that the death cut short leaves it.
    let torn = vec![0xA5; 200];
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&torn, end.next_multiple_of(8) as u64).unwrap();
    drop(file);
    daemon.restart();
    let mut client = daemon.client();
    let cut = info(&mut client, "log_cut_bytes");
    assert!(cut >= 200, "{cut}");
    assert_eq!(
        client.say("TICKET.COUNT"),
        Value::Int(50),
        "all that was acknowledged"
    );
    let after = client.say(&format!("XRANGE events ({last} +"));
    let entry = &after.list()[0].list()[1];
    assert_eq!(entry.get("type").text(), "log.recovered");
    assert_eq!(entry.get("cut_bytes").text(), cut.to_string());
    assert!(daemon.log().contains("torn"), "{}", daemon.log());
    let kept = std::fs::read_dir(daemon.data()).unwrap();
    let names = kept.map(|f| f.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        names.filter(|n| n.starts_with("torn-")).count(),
        1,
        "the bytes are kept"
    );
    // Told once: not again after an orderly end.
    assert_eq!(daemon.stop(), 0);
    daemon.restart();
    assert_eq!(info(&mut daemon.client(), "log_cut_bytes"), 0);
}

/// `systemd-socket-activate` opens the socket and starts the daemon with the first connection, as the socket unit does.
#[test]
fn a_daemon_serves_on_the_socket_that_systemd_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passed");
    let child = Command::new("systemd-socket-activate")
        .arg("--listen")
        .arg(&path)
        .arg(env!("CARGO_BIN_EXE_slad"))
        .args(["serve", "--data", "data", "--socket", "unused", "--http", ""])
        .args(["--set", "segment_bytes=1MiB"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("systemd-socket-activate (Debian: systemd)");
    let mut child = Killed(child);
    let mut client = connected(&path);
    assert!(client.say("TICKET.OPEN t policy none").int() > 0);
    assert!(!folder.path().join("unused").exists(), "it binds no other");
    client.send(&["SHUTDOWN"]);
    assert!(child.0.wait().unwrap().success());
    assert!(path.exists(), "the socket is systemd's to remove");
}

#[test]
fn a_start_that_fails_takes_its_socket_away() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), "a file where the folder should be").unwrap();
    let mut child = Killed(support::spawn(folder.path(), &[]));
    let code = child.0.wait().unwrap().code();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("listening"), "it had bound: {log}");
    assert!(!folder.path().join("s").exists(), "{log}");
}
