//! `slad log verify`, `cat`, `export`.

use crate::feed::read;
use crate::run::{OFTEN, copy, flip, info, lives, log, segment, slad, stopped, text};
use crate::support::Daemon;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_whole_log_is_whole_beside_the_daemon_and_after_it() {
    let mut daemon = Daemon::start(&OFTEN);
    let mut client = daemon.client();
    lives(&mut client, "t", 0, 3000);
    client.cmd(&["SNAPSHOT"]).int();
    let (seq, hash) = (info(&mut client, "durable_seq"), info(&mut client, "state_hash"));
    let live = log("verify", &daemon.data(), &["--output", "json"])
        .ends(0)
        .json();
    assert_eq!(live["whole"], true);
    assert!(live["daemon"].as_u64().is_some(), "{live}");
    assert_eq!(live["replay"]["seq"].to_string(), seq);
    assert_eq!(live["replay"]["state_hash"], hash.as_str());
    assert!(
        live["replay"]["state_hashes"].as_u64().unwrap() > 50,
        "{}",
        live["replay"]
    );
    assert_eq!(live["replay"]["tickets"], 1500);
    log("verify", &daemon.data(), &[])
        .ends(0)
        .says("writes here")
        .says("the log is whole");
    daemon.stop();
    let copied = copy(&daemon.data());
    let still = log("verify", copied.path(), &["--output", "json"]).ends(0).json();
    assert_eq!(
        (&still["daemon"], &still["replay"]["state_hash"]),
        (&Value::Null, &hash.as_str().into())
    );
    assert!(still["segments"].as_array().unwrap().len() > 2);
}

#[test]
fn a_verify_under_load_finds_nothing_wrong() {
    let daemon = Daemon::start(&OFTEN);
    let socket = daemon.socket();
    std::thread::scope(|scope| {
        let load = scope.spawn(move || {
            let mut client = crate::support::Client::connect(&socket);
            for n in 0..10 {
                lives(&mut client, &format!("l{n}"), 0, 1000);
            }
        });
        let mut runs = 0;
        while !load.is_finished() {
            log("verify", &daemon.data(), &[])
                .ends(0)
                .says("the log is whole");
            runs += 1;
        }
        load.join().unwrap();
        println!("{runs} verifications under load");
        assert!(runs > 0);
    });
}

#[test]
fn a_torn_tail_is_whole_with_a_note() {
    let mut daemon = Daemon::start(&OFTEN);
    lives(&mut daemon.client(), "t", 0, 20);
    daemon.kill();
    let first = segment(&daemon.data(), 1);
    let end = log("verify", &daemon.data(), &["--output", "json"])
        .ends(0)
        .json()["segments"][0]["end"]
        .as_u64()
        .unwrap();
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[end as usize..end as usize + 40].fill(0x5a);
    std::fs::write(&first, bytes).unwrap();
    let torn = log("verify", &daemon.data(), &["--output", "json"])
        .ends(0)
        .json();
    assert_eq!((&torn["whole"], &torn["torn_bytes"]), (&true.into(), &40.into()));
    log("verify", &daemon.data(), &[])
        .ends(0)
        .says("torn tail of 40 bytes")
        .says(&format!("offset {end}"));
    daemon.restart();
    assert_eq!(
        daemon
            .client()
            .cmd(&["XREVRANGE", "events", "+", "-", "COUNT", "1"])
            .list()
            .len(),
        1
    );
    assert!(daemon.data().join(format!("torn-{:016}-{end}.bin", 1)).exists());
    log("verify", &daemon.data(), &[])
        .ends(0)
        .says("keep what was taken out");
}

#[test]
fn a_bit_in_the_middle_is_damage_in_the_daemons_words() {
    let daemon = stopped(3000);
    let data = daemon.data();
    flip(&segment(&data, 1), 500_001);
    let table = log("verify", &data, &[]).ends(4);
    table
        .says("DAMAGED")
        .says("refused with exit code 4")
        .says("--truncate-at 1:")
        .says("slad restore");
    let json = log("verify", &data, &["--output", "json"]).ends(4).json();
    assert_eq!(
        (&json["whole"], &json["stops_start"]),
        (&false.into(), &true.into())
    );
    let problem = &json["segments"][0]["problems"][0];
    assert!(problem["offset"].as_u64().unwrap() <= 500_001 && problem["offset"].as_u64().unwrap() > 490_000);
    let said = format!(
        "offset {}, seq {}: {}",
        problem["offset"],
        problem["seq"],
        problem["what"].as_str().unwrap()
    );
    table.says(&said);
    // The daemon says the same.
    let run = slad(&[
        "serve",
        "--data",
        text(&data),
        "--socket",
        text(&daemon.socket()),
        "--http",
        "",
    ])
    .ends(4);
    run.says(&said);
    // What lies before it can be read; then comes why it ends.
    let cat = log("cat", &data, &[]).ends(4);
    cat.says(&said);
    assert_eq!(
        cat.out.lines().count() as u64,
        problem["seq"].as_u64().unwrap() - 1
    );
}

#[test]
fn cat_shows_what_the_feed_has() {
    let mut daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    lives(&mut client, "t", 0, 12);
    client
        .cmd(&[
            "TICKET.OPEN",
            "odd",
            "customer",
            "a \"b\" =c",
            "policy",
            "none",
            "due.resolution",
            "2090-01-01T00:00:00Z",
            "priority",
            "P1",
            "queue",
            "front-desk",
        ])
        .int();
    for key in [
        "events",
        "events:sla",
        "events:queue:front-desk",
        "events:ticket:t-4",
    ] {
        let feed = read(&mut client, key, "-");
        let cat = log("cat", &daemon.data(), &["--key", key, "--output", "json"]).ends(0);
        let lines: Vec<Value> = cat
            .out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(lines.len(), feed.len(), "{key}");
        assert!(!lines.is_empty(), "{key}");
        for (line, entry) in lines.iter().zip(&feed) {
            assert_eq!(line["id"], format!("{}-{}", entry.seq, entry.part));
            for (name, value) in &entry.fields {
                let shown = match &line[name] {
                    Value::String(text) => text.clone(),
                    number => number.to_string(),
                };
                assert_eq!(&shown, value, "{name} in {line}");
            }
            assert_eq!(line.as_object().unwrap().len(), entry.fields.len() + 2);
        }
        assert_eq!(
            log("cat", &daemon.data(), &["--key", key])
                .ends(0)
                .out
                .lines()
                .count(),
            feed.len()
        );
    }
    let one = log("cat", &daemon.data(), &["--ticket", "t-4"]).ends(0);
    assert_eq!(one.out.lines().count(), 5);
    one.says("ticket.resolved ticket=t-4").says("reason=done");
    let some = log("cat", &daemon.data(), &["--from", "5", "--to", "8"]).ends(0);
    let ids: Vec<&str> = some.out.lines().map(|l| l.split(' ').next().unwrap()).collect();
    assert_eq!(ids, ["5-0", "6-0", "7-0", "8-0"]);
    let at = client.cmd(&["XRANGE", "events", "7", "7"]).list()[0].list()[1]
        .get("at")
        .text()
        .to_owned();
    let by_time = log("cat", &daemon.data(), &["--from", &at, "--to", &at]).ends(0);
    assert!(by_time.out.lines().any(|l| l.starts_with("7-0 ")), "{by_time:?}");
    assert_eq!(
        log("cat", &daemon.data(), &["--from", "2090-01-01T00:00:00Z"])
            .ends(0)
            .out,
        ""
    );
    daemon.stop();
}

#[test]
fn export_gives_every_event_and_survives_a_spreadsheet() {
    let mut daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    lives(&mut client, "t", 0, 12);
    client
        .cmd(&[
            "TICKET.OPEN",
            "o\"d,d",
            "customer",
            "=1+1",
            "policy",
            "none",
            "reason",
            "a\"b, c",
            "attr.x",
            "y",
        ])
        .int();
    let last = info(&mut client, "last_seq").parse::<usize>().unwrap();
    let jsonl = log("export", &daemon.data(), &["--format", "jsonl"]).ends(0);
    let seqs: Vec<u64> = jsonl
        .out
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=last as u64).collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.csv");
    log("export", &daemon.data(), &["--format", "csv", "-o", text(&file)]).ends(0);
    let csv = std::fs::read_to_string(&file).unwrap();
    let rows = rows(&csv);
    assert_eq!(rows.len(), last + 1);
    assert!(rows.iter().all(|r| r.len() == rows[0].len()));
    let column = |name: &str| rows[0].iter().position(|c| c == name).unwrap();
    let odd = rows.iter().find(|r| r[column("ticket")] == "o\"d,d").unwrap();
    assert_eq!(odd[column("reason")], "a\"b, c");
    assert_eq!(odd[column("type")], "ticket.opened");
    let rest: Value = serde_json::from_str(&odd[column("fields")]).unwrap();
    assert_eq!(
        (&rest["customer"], &rest["attr.x"]),
        (&"=1+1".into(), &"y".into())
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    let nowhere = folder.path().join("no/such/folder.csv");
    log(
        "export",
        &daemon.data(),
        &["--format", "csv", "-o", text(&nowhere)],
    )
    .ends(1)
    .says("no/such");
    daemon.stop();
}

/// The cells of RFC 4180.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = csv.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {
                chars.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(
        cell.is_empty() && row.is_empty() && !quoted,
        "it ends with a line's end"
    );
    rows
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let daemon = stopped(3000);
    for args in [
        vec!["cat"],
        vec!["export", "--format", "jsonl"],
        vec!["export", "--format", "csv"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_slad"))
            .arg("log")
            .args(args)
            .args(["--data", text(&daemon.data())])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(!line.is_empty());
        let done = child.wait_with_output().unwrap();
        assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0), "{done:?}");
    }
}

#[test]
fn bad_input_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let none = empty.path().join("none");
    for command in ["verify", "cat"] {
        log(command, empty.path(), &[])
            .ends(1)
            .says("there is no log in it");
        log(command, &none, &[]).ends(1).says("none");
    }
    assert!(
        !none.exists() && std::fs::read_dir(empty.path()).unwrap().next().is_none(),
        "reading makes nothing"
    );
    let data = empty.path();
    for (args, says) in [
        (vec!["cat", "--from", "yesterday"], "RFC 3339"),
        (vec!["cat", "--to=-1"], "--to"),
        (vec!["cat", "--from", "9", "--to", "8"], "--from lies after --to"),
        (vec!["cat", "--key", "event"], "did you mean 'events'"),
        (vec!["cat", "--key", "events:queue:"], "--key"),
        (vec!["cat", "--ticket", ""], "--ticket"),
        (vec!["cat", "--output", "xml"], "xml"),
        (vec!["verify", "--output", "yaml"], "yaml"),
        (vec!["export"], "--format"),
        (vec!["export", "--format", "xls"], "jsonl"),
        (vec!["repair"], "--truncate-at"),
        (vec!["repair", "--truncate-at", "3"], "SEGMENT:OFFSET"),
        (vec!["repair", "--truncate-at-seq", "0"], "--truncate-at-seq"),
        (
            vec!["repair", "--truncate-at", "1:8192", "--truncate-at-seq", "9"],
            "cannot be used with",
        ),
    ] {
        log(args[0], data, &args[1..]).ends(2).says(says);
    }
}
