//! Bytes to arguments, under any split.

use crate::resp::array;
use proptest::prelude::*;
use slad::wire::{Framed, Framer, Limits};

/// Everything that a stream comes to when it arrives in pieces of these sizes.
fn frames(stream: &[u8], pieces: &[usize], limits: &Limits) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    let mut framer = Framer::new(limits.clone());
    let (mut commands, mut buf, mut at) = (Vec::new(), Vec::new(), 0);
    let mut pieces = pieces.iter().copied().filter(|n| *n > 0).cycle();
    loop {
        match framer.next(&buf) {
            Ok(Framed::NeedMore) => {
                if at == stream.len() {
                    return (commands, None);
                }
                let end = (at + pieces.next().unwrap_or(stream.len())).min(stream.len());
                buf.extend_from_slice(&stream[at..end]);
                at = end;
            }
            Ok(Framed::Empty { used }) => drop(buf.drain(..used)),
            Ok(Framed::Command { used }) => {
                commands.push(framer.args(&buf).from(0).map(<[u8]>::to_vec).collect());
                buf.drain(..used);
            }
            Err(error) => return (commands, Some(error.to_string())),
        }
    }
}

#[test]
fn broken_streams_get_the_error_that_redis_gives() {
    let limits = Limits {
        args_max: 4,
        bulk_bytes_max: 16,
        inline_bytes_max: 64,
        request_bytes_max: 48,
    };
    for (stream, expected) in [
        ("*x\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*99999999999\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*+1\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*01\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*1\rx", "ERR Protocol error: invalid multibulk length"),
        (
            "*1111111111111111111111111111",
            "ERR Protocol error: too big mbulk count string",
        ),
        ("*1\r\n:5\r\n", "ERR Protocol error: expected '$', got ':'"),
        ("*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
        ("*1\r\n$x\r\n", "ERR Protocol error: invalid bulk length"),
        (
            "*1\r\n$1111111111111111111111111111",
            "ERR Protocol error: too big bulk count string",
        ),
        (
            "*1\r\n$2\r\nabc\r\n",
            "ERR Protocol error: an argument is longer than announced",
        ),
        ("*5\r\n", "LIMIT a request of 5 arguments: at most 4 are taken"),
        (
            "*1\r\n$17\r\n",
            "LIMIT an argument of 17 bytes: at most 16 are taken",
        ),
        (
            "*1\r\n$9223372036854775807\r\n",
            "LIMIT an argument of 9223372036854775807 bytes: at most 16 are taken",
        ),
        (
            "*3\r\n$16\r\n0123456789abcdef\r\n$16\r\n",
            "LIMIT a request of more than 48 bytes",
        ),
        ("PING \"x\r\n", "ERR Protocol error: unbalanced quotes in request"),
        (
            "a b c d e\r\n",
            "LIMIT an inline request of more than 4 arguments",
        ),
        (&"x".repeat(65), "ERR Protocol error: too big inline request"),
        (
            &format!("{}\n", "x".repeat(64)),
            "ERR Protocol error: too big inline request",
        ),
    ] {
        let (commands, error) = frames(stream.as_bytes(), &[], &limits);
        assert_eq!(
            (commands.len(), error.as_deref()),
            (0, Some(expected)),
            "{stream:?}"
        );
        let (commands, bytewise) = frames(stream.as_bytes(), &[1], &limits);
        assert_eq!(
            (commands.len(), bytewise.as_deref()),
            (0, Some(expected)),
            "{stream:?} byte by byte"
        );
    }
}

#[test]
fn both_kinds_of_request_follow_each_other() {
    let mut stream = array(&[b"PING"]);
    stream.extend_from_slice(b"\r\n*0\r\n*-1\r\n  ECHO 'a b'\n");
    stream.extend_from_slice(&array(&[b"ECHO", b"\r\n*1\r\n\0\xff", b""]));
    let (commands, error) = frames(&stream, &[], &Limits::default());
    assert_eq!(error, None);
    assert_eq!(
        commands,
        [
            vec![b"PING".to_vec()],
            vec![b"ECHO".to_vec(), b"a b".to_vec()],
            vec![b"ECHO".to_vec(), b"\r\n*1\r\n\0\xff".to_vec(), vec![]],
        ]
    );
}

#[test]
fn what_was_scanned_is_not_looked_at_again() {
    let args: Vec<&[u8]> = vec![b"abcdefgh"; 1000];
    let mut stream = array(&args);
    let cut = stream.len() / 2;
    let mut framer = Framer::new(Limits::default());
    assert_eq!(framer.next(&stream[..cut]), Ok(Framed::NeedMore));
    // Whoever began again would stumble over this; the last argument may have been cut in its header.
    stream[1..cut - 20].fill(b'!');
    assert_eq!(framer.next(&stream[..cut + 5]), Ok(Framed::NeedMore));
    assert_eq!(framer.next(&stream), Ok(Framed::Command { used: stream.len() }));
    assert_eq!(framer.args(&stream).len(), 1000);
    assert_eq!(framer.args(&stream).get(999), b"abcdefgh");

    let mut line = vec![b'x'; 5000];
    let mut framer = Framer::new(Limits::default());
    assert_eq!(framer.next(&line), Ok(Framed::NeedMore));
    line[..100].fill(b'\n');
    line[0] = b'x';
    line.push(b'\n');
    assert_eq!(framer.next(&line), Ok(Framed::Command { used: 5001 }));
}

fn request() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8)
}

proptest! {
    #[test]
    fn any_split_gives_the_same_commands(
        requests in prop::collection::vec(request(), 0..8),
        pieces in prop::collection::vec(1usize..60, 1..8),
    ) {
        let mut stream = Vec::new();
        for args in &requests {
            stream.extend(array(&args.iter().map(Vec::as_slice).collect::<Vec<_>>()));
        }
        let (commands, error) = frames(&stream, &pieces, &Limits::default());
        prop_assert_eq!(error, None);
        prop_assert_eq!(commands, requests);
    }

    #[test]
    fn any_bytes_give_the_same_outcome_however_they_are_split(
        stream in prop::collection::vec(
            prop_oneof![
                Just(b"*".to_vec()), Just(b"$".to_vec()), Just(b"\r\n".to_vec()), Just(b"1".to_vec()), Just(b"2\r\n".to_vec()),
                Just(b"*1\r\n$4\r\nPING\r\n".to_vec()), Just(b"\"".to_vec()), Just(b"-".to_vec()), any::<u8>().prop_map(|b| vec![b]),
            ],
            0..40,
        ),
        pieces in prop::collection::vec(1usize..20, 1..6),
    ) {
        let stream = stream.concat();
        let limits = Limits { args_max: 8, bulk_bytes_max: 64, inline_bytes_max: 64, request_bytes_max: 256 };
        prop_assert_eq!(frames(&stream, &pieces, &limits), frames(&stream, &[], &limits));
    }

}
