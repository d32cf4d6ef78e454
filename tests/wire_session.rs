//! The socket from outside: handshake, pipelines, malformed streams, caps, transactions.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::io::Write;
use support::{Daemon, Value, encode};

#[test]
fn the_handshake_of_every_client() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    assert_eq!(client.say("PING"), Value::Simple("PONG".into()));
    assert_eq!(client.say("ping hello").text(), "hello");
    let hello = client.say("HELLO 3 AUTH default x SETNAME board");
    assert_eq!(hello.get("proto"), &Value::Int(3));
    assert_eq!(hello.get("server").text(), "slad");
    assert!(matches!(hello, Value::Map(_)));
    assert_eq!(client.say("CLIENT GETNAME").text(), "board");
    assert!(client.say("HELLO 4").text().starts_with("NOPROTO"));
    assert_eq!(client.say("CLIENT SETINFO LIB-NAME x").text(), "OK");
    assert!(client.say("CLIENT LIST").text().contains("name=board"));
    assert!(client.say("CLIENT TRACKING ON").text().starts_with("ERR"));
    assert_eq!(client.say("SELECT 0").text(), "OK");
    assert!(client.say("SELECT 1").text().starts_with("ERR"));
    let info = client.say("INFO");
    for name in [
        "used_memory_rss:",
        "log_bytes:",
        "written_seq:",
        "durable_seq:",
        "state_hash:",
        "loading:0",
    ] {
        assert!(info.text().contains(&format!("\r\n{name}")), "{name}");
    }
    assert!(client.say("COMMAND COUNT").int() > 40);
    assert_eq!(client.say("CONFIG GET sync").get("sync").text(), "always");
    assert_eq!(client.say("RESET").text(), "RESET");
    assert!(matches!(client.say("HELLO"), Value::List(_)), "RESP2 after RESET");
    assert!(
        client
            .say("GET x")
            .text()
            .starts_with("ERR unknown command 'GET'")
    );
    assert_eq!(client.say("QUIT").text(), "OK");
    assert!(client.is_closed());
}

#[test]
fn pipelines_answer_in_order_however_the_bytes_are_cut() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    let mut bytes = Vec::new();
    for n in 0..500 {
        bytes.extend(encode(&["TICKET.OPEN", &format!("t{n}"), "policy", "none"]));
        bytes.extend_from_slice(b"PING\r\n"); // inline in between
    }
    let mut at = 0;
    for size in (1..).step_by(7) {
        let end = (at + size).min(bytes.len());
        client.stream.write_all(&bytes[at..end]).unwrap();
        at = end;
        if at == bytes.len() {
            break;
        }
    }
    let first = client.reply().int();
    assert_eq!(client.reply().text(), "PONG");
    for n in 1..500 {
        assert_eq!(client.reply().int(), first + n, "seqs are dense and in order");
        assert_eq!(client.reply().text(), "PONG");
    }
    assert_eq!(client.say("TICKET.COUNT").int(), 500);
}

#[test]
fn a_malformed_stream_gets_an_error_and_a_close() {
    let daemon = Daemon::start(&[
        "--virtual-clock",
        "--set",
        "limits.bulk_bytes_max=1KiB",
        "--set",
        "limits.args_max=16",
    ]);
    for (bytes, says) in [
        (&b"*1\r\n:5\r\n"[..], "ERR Protocol error"),
        (b"*-x\r\n", "ERR Protocol error"),
        (b"*1\r\n$-7\r\n", "ERR Protocol error"),
        (b"*999999999\r\n", "LIMIT"),
        (b"*2\r\n$4\r\nECHO\r\n$999999999\r\n", "LIMIT"),
        (b"PING \"unbalanced\r\n", "ERR Protocol error"),
    ] {
        let mut client = daemon.client();
        client.send(&["PING"]);
        client.stream.write_all(bytes).unwrap();
        assert_eq!(client.reply().text(), "PONG", "what came before is answered");
        let error = client.reply();
        assert!(error.text().starts_with(says), "{error:?}");
        assert!(client.is_closed(), "{says}");
    }
    assert_eq!(daemon.client().say("PING").text(), "PONG");
}

#[test]
fn connections_are_capped_and_killed() {
    let daemon = Daemon::start(&["--virtual-clock", "--set", "limits.connections_max=2"]);
    // The connection that waited for the start may still be going.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let (mut a, mut b) = (daemon.client(), daemon.client());
    assert_eq!(a.say("PING").text(), "PONG");
    let id = b.say("CLIENT ID").int();
    let mut c = daemon.client();
    assert!(c.reply().text().starts_with("LIMIT max connections"));
    assert!(c.is_closed());
    assert_eq!(a.say(&format!("CLIENT KILL ID {id}")), Value::Int(1));
    assert!(b.is_closed());
    let mut c = daemon.client();
    assert_eq!(c.say("PING").text(), "PONG", "there is room again");
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let daemon = Daemon::start(&["--virtual-clock", "--set", "limits.output_bytes_max=64KiB"]);
    let mut slow = daemon.client();
    let mut other = daemon.client();
    let request = encode(&["COMMAND"]);
    slow.stream
        .set_write_timeout(Some(std::time::Duration::from_secs(5)))
        .unwrap();
    let mut sent = 0;
    while sent < 2_000 && slow.stream.write_all(&request).is_ok() {
        sent += 1;
    }
    assert!(sent < 2_000, "it was never cut off");
    assert!(other.say("INFO stats").text().contains("evicted_clients:1"));
}

#[test]
fn a_transaction_is_one_frame_or_nothing() {
    let daemon = Daemon::start(&["--virtual-clock"]);
    let mut client = daemon.client();
    assert_eq!(client.say("MULTI").text(), "OK");
    assert_eq!(client.say("TICKET.OPEN t1 policy none").text(), "QUEUED");
    assert_eq!(client.say("TICKET.RESOLVE unknown").text(), "QUEUED");
    assert_eq!(client.say("AGENT.SET a1").text(), "QUEUED");
    assert_eq!(client.say("AGENT.NEXT a1 block 10s").text(), "QUEUED");
    assert_eq!(client.say("AGENT.NEXT a1 block 10s").text(), "QUEUED");
    assert_eq!(daemon.client().say("TICKET.COUNT").int(), 0, "nothing yet");
    let replies = client.say("EXEC");
    let replies = replies.list();
    let first = replies[0].int();
    assert!(replies[1].text().starts_with("NOTFOUND"));
    assert_eq!(replies[2].int(), first + 1);
    assert_eq!(replies[3].get("ticket").text(), "t1");
    assert!(
        replies[4].text().starts_with("LIMIT"),
        "full, and nothing blocks inside"
    );

    assert_eq!(client.say("MULTI").text(), "OK");
    assert_eq!(client.say("TICKET.OPEN t2 policy none").text(), "QUEUED");
    assert!(client.say("TICKET.OPEN").text().starts_with("ERR wrong number"));
    assert!(client.say("EXEC").text().starts_with("EXECABORT"));
    assert!(client.say("TICKET.GET t2").text().starts_with("NOTFOUND"));

    assert_eq!(client.say("MULTI").text(), "OK");
    assert!(client.say("XREAD STREAMS events 0").text().starts_with("ERR"));
    assert!(client.say("EXEC").text().starts_with("EXECABORT"));
    assert_eq!(client.say("MULTI").text(), "OK");
    assert_eq!(client.say("TICKET.OPEN t2 policy none").text(), "QUEUED");
    assert_eq!(client.say("DISCARD").text(), "OK");
    assert!(client.say("EXEC").text().starts_with("ERR EXEC without MULTI"));
    assert!(client.say("TICKET.GET t2").text().starts_with("NOTFOUND"));
}

#[test]
fn a_transaction_is_bounded_in_bytes_and_in_commands() {
    let daemon = Daemon::start(&[
        "--virtual-clock",
        "--set",
        "limits.multi_bytes_max=1KiB",
        "--set",
        "limits.multi_max=50",
    ]);
    let mut client = daemon.client();
    let loaded = client.say("XLEN events").int();
    let long = "x".repeat(400);
    client.say("MULTI");
    assert_eq!(
        client
            .say(&format!("TICKET.OPEN t1 policy none attr.a {long}"))
            .text(),
        "QUEUED"
    );
    assert_eq!(
        client
            .say(&format!("TICKET.OPEN t2 policy none attr.a {long}"))
            .text(),
        "QUEUED"
    );
    let full = client.say(&format!("TICKET.OPEN t3 policy none attr.a {long}"));
    assert!(full.text().starts_with("LIMIT at most 1024 bytes"), "{full:?}");
    assert!(client.say("EXEC").text().starts_with("EXECABORT"));
    assert_eq!(client.say("TICKET.COUNT").int(), 0);
    client.say("MULTI");
    for _ in 0..50 {
        assert_eq!(client.say("PING").text(), "QUEUED");
    }
    let full = client.say("PING");
    assert!(full.text().starts_with("LIMIT at most 50 commands"), "{full:?}");
    assert!(client.say("EXEC").text().starts_with("EXECABORT"));
    assert_eq!(
        client.say("TICKET.OPEN t1 policy none").int(),
        loaded + 1,
        "nothing was logged"
    );
}
