//! The file that is shipped, and mistakes with what is said about them.

use super::*;

fn read(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("slad.toml"), text).map_err(|p| p.to_string())
}

#[test]
fn the_shipped_file_is_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/slad.toml");
    let shipped = std::fs::read_to_string(&path).unwrap();
    let wanted = keys::default_file();
    assert_eq!(
        shipped, wanted,
        "config/slad.toml is not what the keys say; it should be:\n{wanted}"
    );
    assert_eq!(Config::load(&path).unwrap(), Config::default());
    assert_eq!(read("").unwrap(), Config::default());
}

#[test]
fn every_key_can_be_set_from_its_own_text() {
    let defaults = Config::default();
    for key in keys::KEYS {
        let mut config = Config::default();
        let text = key.get(&defaults).trim_matches(['[', ']']).to_owned();
        config.set(key.name, &text).unwrap();
        assert_eq!(config, defaults, "{}", key.name);
    }
}

#[test]
fn other_values_arrive() {
    let config = read(
        "socket = '/run/s'\ndata = '/d'\nhttp = ''\nsync = 'never'\nsync_interval = '5ms'\nsegment_bytes = 1048576\n\
         default_policy = 'none'\npolicies = '/p'\nqueues = ['夜班', 'vip']\nloading_wait = '1m'\nstate_hash_every_events = 6\nclock_jump_max = '90s'\n\
         snapshot.every_events = 7\nsnapshot.every = '2s'\nsnapshot.keep = 3\n\
         retention.age = '36h'\nretention.bytes = '3MiB'\nretention.free_bytes_min = '5GiB'\n[limits]\nconnections_max = 8\nargs_max = 16\n\
         bulk_bytes_max = '1KiB'\nrequest_bytes_max = '2 KiB'\npipeline_max = 9\noutput_bytes_max = '1GiB'\nmulti_max = 10\nmulti_bytes_max = '2KiB'\n\
         journal_backlog_bytes_max = '1MiB'\nfeed_count_max = 11\n[log]\nfilter = 'warn,slad=trace'\nformat = 'json'\n",
    )
    .unwrap();
    let wanted = Config {
        socket: "/run/s".into(),
        data: "/d".into(),
        http: None,
        sync: Sync::Never,
        sync_interval: Duration::from_millis(5),
        segment_bytes: MIB,
        default_policy: "none".into(),
        policies: Some("/p".into()),
        queues: vec!["vip".into(), "夜班".into()],
        loading_wait: Duration::from_secs(60),
        state_hash_every_events: 6,
        clock_jump_max: Duration::from_secs(90),
        snapshot: Snapshot {
            every_events: 7,
            every: Duration::from_secs(2),
            keep: 3,
        },
        retention: Retention {
            age: Some(Duration::from_secs(36 * 3_600)),
            bytes: Some(3 * MIB),
            free_bytes_min: 5 << 30,
        },
        limits: Limits {
            connections_max: 8,
            args_max: 16,
            bulk_bytes_max: 1024,
            request_bytes_max: 2048,
            pipeline_max: 9,
            output_bytes_max: 1 << 30,
            multi_max: 10,
            multi_bytes_max: 2048,
            journal_backlog_bytes_max: MIB,
            feed_count_max: 11,
        },
        log: Log {
            filter: "warn,slad=trace".into(),
            format: LogFormat::Json,
        },
    };
    assert_eq!(config, wanted);
}

#[test]
fn each_mistake_is_named_with_its_place_and_remedy() {
    for (text, says) in [
        (
            "sycn = 'always'",
            "slad.toml:1:1: unknown key 'sycn': did you mean 'sync'?",
        ),
        (
            "\n  sync = 'alwais'",
            "slad.toml:2:10: sync \"alwais\" is unknown (did you mean 'always'?): it takes \"always\", \"interval\" or \"never\"",
        ),
        (
            "sync = 1",
            "slad.toml:1:8: sync 1 is an integer: it takes \"always\"",
        ),
        (
            "keep = 2",
            "slad.toml:1:1: unknown key 'keep': did you mean 'keep' in [snapshot]?",
        ),
        (
            "[snapshots]\nkeep = 2",
            "slad.toml:1:2: unknown key 'snapshots': did you mean [snapshot]?",
        ),
        (
            "[snapshot]\nkep = 2",
            "slad.toml:2:1: unknown key 'kep' in [snapshot]: did you mean 'keep' in [snapshot]?",
        ),
        (
            "[limits]\nbanana = 2",
            "unknown key 'limits.banana': there are connections_max, args_max",
        ),
        (
            "limits = 2",
            "slad.toml:1:10: limits is a section: write [limits]",
        ),
        (
            "segment_bytes = '64MB'",
            "segment_bytes \"64MB\" is not a size: it takes a size from 1MiB",
        ),
        ("segment_bytes = 4096", "segment_bytes 4096 is less than 1MiB"),
        ("segment_bytes = '99999999999GiB'", "is not a size"),
        ("segment_bytes = -1", "segment_bytes -1 is not a size"),
        (
            "default_policy = 'servicelevels'",
            "slad.toml:1:18: default_policy \"servicelevels\" is unknown (did you mean 'service-levels'?): it takes the name",
        ),
        (
            "default_policy = 'xyzzy-plugh'",
            "\"xyzzy-plugh\" is unknown: it takes",
        ),
        (
            "policies = 7",
            "policies 7 is an integer: it takes the path of a folder",
        ),
        ("snapshot.keep = 1", "snapshot.keep 1 is less than 2"),
        ("snapshot.keep = 5000000000", "is more than 4294967295"),
        (
            "snapshot.keep = 2.5",
            "snapshot.keep 2.5 is a float: it takes a whole number",
        ),
        (
            "[retention]\nage = 'forever'",
            "retention.age \"forever\" is not a duration: it takes a duration from 1h to 36500d, such as \"730d\" (d = 24 h), or \"unlimited\"",
        ),
        ("retention.age = '5m'", "retention.age \"5m\" is less than 1h"),
        ("retention.bytes = 0", "retention.bytes 0 is less than 1MiB"),
        (
            "retention.bytes = 'none'",
            "is not a size: it takes a size from 1MiB, such as",
        ),
        (
            "retention.free_bytes_min = true",
            "is a boolean: it takes a size such as \"2GiB\"",
        ),
        (
            "sync_interval = '100'",
            "sync_interval \"100\" is not a duration: it takes a duration from 1ms",
        ),
        ("sync_interval = '1bd'", "is not a duration"),
        ("sync_interval = '2h'", "is more than 1h"),
        (
            "http = '0.0.0.0:80'",
            "is not a loopback address, and there is no login: it takes a loopback",
        ),
        ("http = 'localhost'", "is not an address"),
        ("socket = ''", "socket \"\" is empty"),
        ("queues = ['a', 'a']", "names 'a' twice"),
        ("queues = ['a', 1]", "queues is an integer"),
        ("queues = [\"a\\u0007\"]", "control character"),
        ("log.filter = 'info,slad=loud'", "is no filter"),
        ("sync = 'never", "slad.toml:1:"),
        ("sync = 'never'\nsync = 'always'", "slad.toml:2:1: duplicate key"),
        (
            "[limits]\nbulk_bytes_max = '8MiB'\nrequest_bytes_max = '4MiB'",
            "slad.toml:3:21: limits.request_bytes_max is smaller than limits.bulk_bytes_max: it takes 8MiB or more",
        ),
        ("# 票据\nqueues = ['夜', 3]", "slad.toml:2:10: "),
    ] {
        let said = read(text).unwrap_err();
        assert!(said.contains(says), "{text}\n  said: {said}\n  not:  {says}");
    }
    let long = format!("socket = '{}'", "x".repeat(108));
    assert!(read(&long).unwrap_err().contains("has 108 bytes"));
}

#[test]
fn all_mistakes_are_reported_in_order() {
    let said = read("sync = 'x'\nsycn = 1\n[snapshot]\nkeep = 0\n[log]\nformat = 'xml'").unwrap_err();
    let places: Vec<_> = said.lines().map(|l| l.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "slad.toml:1:8",
            "slad.toml:2:1",
            "slad.toml:4:8",
            "slad.toml:6:10"
        ]
    );
}

#[test]
fn a_missing_file_is_named() {
    let said = Config::load(Path::new("/nowhere/slad.toml"))
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("/nowhere/slad.toml: "), "{said}");
}

#[test]
fn a_flag_is_checked_like_the_file() {
    let mut config = Config::default();
    config.set("queues", "b, a").unwrap();
    assert_eq!(config.queues, ["a", "b"]);
    assert!(config.set("sync", "sometimes").unwrap_err().contains("it takes"));
    assert!(config.set("nonsense", "1").unwrap_err().contains("unknown key"));
    assert!(
        config
            .set("limits.bulk_bytes_max", "8MiB")
            .unwrap_err()
            .contains("smaller")
    );
}

#[test]
fn what_is_unlimited_is_said_so() {
    let config =
        read("retention.age = 'unlimited'\nretention.bytes = 'unlimited'\nretention.free_bytes_min = '0B'")
            .unwrap();
    assert_eq!(
        (
            config.retention.age,
            config.retention.bytes,
            config.retention.free_bytes_min
        ),
        (None, None, 0)
    );
    let shown = |name: &str, config: &Config| keys::find(name).unwrap().get(config);
    assert_eq!(shown("retention.age", &config), "unlimited");
    assert_eq!(shown("retention.age", &Config::default()), "730d");
    assert_eq!(shown("retention.bytes", &Config::default()), "unlimited");
    assert_eq!(shown("retention.free_bytes_min", &config), "0B");
    let config = read("retention.age = '2w'").unwrap();
    assert_eq!(shown("retention.age", &config), "14d");
}
