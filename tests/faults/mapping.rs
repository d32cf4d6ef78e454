//! A segment that somebody truncates under a running daemon.

use crate::support::{Client, Daemon};
use std::os::unix::process::ExitStatusExt;

const LOG_REFUSED: i32 = 4;
const LOG_CUT_OFF: i32 = 6;

/// A daemon with two sealed segments.
fn with_sealed_segments() -> (Daemon, Client) {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.say("TICKET.OPEN t policy none").int();
    let reason = "r".repeat(1_000);
    let inbound = ["TICKET.INBOUND", "t", "reason", &reason]
        .map(str::to_owned)
        .to_vec();
    let third = daemon.data().join("log-0000000000000003.slad");
    // The third one is there before it is begun.
    let is_begun = || std::fs::read(&third).is_ok_and(|bytes| bytes[8192..8200] != [0; 8]);
    while !is_begun() {
        crate::feed::pipeline(&mut client, &vec![inbound.clone(); 200]);
    }
    (daemon, client)
}

#[test]
fn a_truncated_segment_ends_in_an_exit_that_names_it() {
    let (mut daemon, mut client) = with_sealed_segments();
    let first = daemon.data().join("log-0000000000000001.slad");
    // Mapped at its first read.
    let read = client.say("XRANGE events - + COUNT 10");
    assert_eq!(read.list().len(), 10);
    let file = std::fs::OpenOptions::new().write(true).open(&first).unwrap();
    file.set_len(8192).unwrap();
    client.send(&["XRANGE", "events", "-", "+", "COUNT", "100"]);
    assert!(client.is_closed());
    assert_eq!(daemon.ended(), LOG_CUT_OFF);
    let log = daemon.log();
    let last = log.lines().last().unwrap();
    assert!(
        last.contains("log-0000000000000001.slad: offset ") && last.contains("truncated"),
        "{log}"
    );
    let offset = last.split("offset ").nth(1).unwrap().split(':').next().unwrap();
    assert!(
        (8192..1 << 20).contains(&offset.parse::<u64>().unwrap()),
        "{last}"
    );
    // And it does not start over it.
    let mut child = crate::support::spawn(first.parent().unwrap().parent().unwrap(), &[]);
    assert_eq!(child.wait().unwrap().code(), Some(LOG_REFUSED));
}

#[test]
fn a_sigbus_from_elsewhere_does_what_it_always_did() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = crate::support::spawn(folder.path(), &[]);
    while !folder.path().join("s").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::BUS).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(rustix::process::Signal::BUS.as_raw()));
}
