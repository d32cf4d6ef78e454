//! What systemd gets to hear. A test of its own, because it is about the process's environment: it runs itself again with
//! the environment that systemd would give.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use slad::daemon::notify;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};
use std::time::Duration;

const CHILD: &str = "SLAD_TEST_NOTIFY_CHILD";

fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
    // Its own line of results is not one of this run; what goes wrong is on stderr.
    command.stdout(Stdio::null());
    command
}

#[test]
fn systemd_hears_of_start_life_and_end() {
    if std::env::var_os(CHILD).is_some() {
        notify::status("replaying: 40 %");
        notify::extend_start(Duration::from_secs(30));
        notify::ready();
        assert_eq!(notify::watchdog_every(), Some(Duration::from_secs(10)));
        notify::watchdog();
        notify::stopping();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let status = again("systemd_hears_of_start_life_and_end")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "20000000")
        .status()
        .unwrap();
    assert!(status.success());
    for wanted in [
        "STATUS=replaying: 40 %\n",
        "EXTEND_TIMEOUT_USEC=30000000\n",
        "READY=1\nSTATUS=serving\n",
        "WATCHDOG=1\n",
        "STOPPING=1\nSTATUS=stopping\n",
    ] {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes[..length]), wanted);
    }
}

/// The daemon itself: more time while it loads, readiness, the watchdog at half its interval, the end.
#[test]
fn the_daemon_says_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let serve = |watchdog: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slad"));
        command
            .current_dir(folder.path())
            .args(["serve", "--data", "data", "--socket", "s", "--http", ""])
            .args(["--set", "segment_bytes=1MiB"])
            .env("NOTIFY_SOCKET", &path)
            .env_remove("WATCHDOG_PID")
            .env_remove("WATCHDOG_USEC")
            .stderr(Stdio::null());
        if let Some(usec) = watchdog {
            command.env("WATCHDOG_USEC", usec);
        }
        command.spawn().unwrap()
    };
    let hear = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let end = |mut child: std::process::Child| {
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut said = hear();
        while said == "WATCHDOG=1\n" {
            said = hear();
        }
        assert_eq!(said, "STOPPING=1\nSTATUS=stopping\n");
        assert!(child.wait().unwrap().success());
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut [0; 256]).is_ok() {}
        socket.set_nonblocking(false).unwrap();
    };
    for watchdog in [Some("400000"), None] {
        let child = serve(watchdog);
        assert_eq!(hear(), "EXTEND_TIMEOUT_USEC=30000000\n");
        assert!(hear().starts_with("STATUS=loading: "));
        assert_eq!(hear(), "READY=1\nSTATUS=serving\n");
        if watchdog.is_some() {
            assert_eq!(hear(), "WATCHDOG=1\n");
            let before = std::time::Instant::now();
            for _ in 0..3 {
                assert_eq!(hear(), "WATCHDOG=1\n");
            }
            let took = before.elapsed();
            assert!(
                took >= Duration::from_millis(400),
                "at half the interval: {took:?}"
            );
        } else {
            socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            assert!(socket.recv(&mut [0; 256]).is_err(), "no watchdog, no word");
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        }
        end(child);
    }
}

#[test]
fn without_systemd_nothing_happens() {
    if std::env::var_os(CHILD).is_some() {
        notify::ready();
        notify::watchdog();
        assert_eq!(notify::watchdog_every(), None);
        assert!(notify::activated().unwrap().is_none());
        return;
    }
    let status = again("without_systemd_nothing_happens")
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("LISTEN_FDS")
        .status()
        .unwrap();
    assert!(status.success());
}

/// `systemd-socket-activate` opens the socket and starts the process with the first connection, as the socket unit does.
#[test]
fn a_passed_socket_is_taken() {
    if std::env::var_os(CHILD).is_some() {
        let listener = notify::activated().unwrap().expect("a socket");
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"taken").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let mut activator = Command::new("systemd-socket-activate")
        .arg("--listen")
        .arg(&path)
        .args(["--setenv", &format!("{CHILD}=1")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_passed_socket_is_taken", "--nocapture"])
        .stdout(Stdio::null())
        .spawn()
        .expect("systemd-socket-activate (Debian: systemd)");
    let mut said = String::new();
    for _ in 0..200 {
        match UnixStream::connect(&path) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let mut bytes = [0; 5];
                std::io::Read::read_exact(&mut stream, &mut bytes).unwrap();
                said = String::from_utf8_lossy(&bytes).into_owned();
                break;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    let status = activator.wait().unwrap();
    assert_eq!(said, "taken");
    assert!(status.success());
}
