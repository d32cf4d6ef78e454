//! Replies read back in both protocols.

use crate::resp::{Value, bulk, read, t};
use proptest::prelude::*;
use slad::model::reply::{Reply, Taken};
use slad::model::{NEVER, Refusal, Text};
use slad::wire::{Protocol, encode};

proptest! {
    #[test]
    fn replies_read_back(reply in reply(), v3 in any::<bool>()) {
        let protocol = if v3 { Protocol::V3 } else { Protocol::V2 };
        let mut out = b"before".to_vec();
        encode::reply(&mut out, protocol, &reply);
        let (value, rest) = read(&out[6..]);
        prop_assert_eq!(rest, b"");
        prop_assert_eq!(value, expected(&reply, v3));
    }
}

fn pairs(pairs: Vec<(Value, Value)>, v3: bool) -> Value {
    if v3 {
        Value::Map(pairs)
    } else {
        Value::Array(pairs.into_iter().flat_map(|(k, v)| [k, v]).collect())
    }
}

fn expected(reply: &Reply, v3: bool) -> Value {
    match reply {
        Reply::Seq(n) => Value::Int(i64::try_from(*n).unwrap_or(i64::MAX)),
        Reply::Refused(refusal) => Value::Error(refusal.to_string()),
        Reply::Null => Value::Null,
        Reply::Simple(s) => Value::Simple((*s).to_owned()),
        Reply::Int(n) => Value::Int(*n),
        Reply::Bulk(s) => bulk(s),
        Reply::Bytes(b) => Value::Bulk(b.clone()),
        Reply::Verbatim(s) if v3 => Value::Verbatim(format!("txt:{s}").into_bytes()),
        Reply::Verbatim(s) => bulk(s),
        Reply::List(items) => Value::Array(items.iter().map(|i| expected(i, v3)).collect()),
        Reply::Map(map) => pairs(map.iter().map(|(k, v)| (bulk(k), expected(v, v3))).collect(), v3),
        Reply::Pairs(map) => pairs(map.iter().map(|(k, v)| (bulk(k), expected(v, v3))).collect(), v3),
        Reply::Taken(taken) => {
            let due = if taken.due == NEVER {
                Value::Null
            } else {
                Value::Int(taken.due)
            };
            pairs(
                vec![
                    (bulk("ticket"), bulk(&taken.ticket)),
                    (bulk("hold"), Value::Int(taken.hold as i64)),
                    (bulk("seq"), Value::Int(taken.seq as i64)),
                    (bulk("queue"), bulk(&taken.queue)),
                    (bulk("priority"), bulk(&taken.priority)),
                    (bulk("policy"), bulk(&taken.policy)),
                    (bulk("due"), due),
                ],
                v3,
            )
        }
    }
}

fn reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Reply::Seq),
        any::<i64>().prop_map(Reply::Int),
        Just(Reply::Null),
        Just(Reply::Simple("OK")),
        ".{0,200}".prop_map(|s| Reply::Bulk(Text::new(s))),
        prop::collection::vec(any::<u8>(), 0..120).prop_map(Reply::Bytes),
        "[ -~\r\n]{0,40}".prop_map(Reply::Verbatim),
        ".{0,40}".prop_map(|s| Reply::Refused(Refusal::bad_arg(s))),
        (".{0,30}", any::<u32>(), any::<bool>()).prop_map(|(s, n, due)| {
            Reply::Taken(Box::new(Taken {
                ticket: Text::new(s),
                hold: u64::from(n),
                seq: u64::from(n),
                queue: t("default"),
                priority: t("P1"),
                policy: t("none@1"),
                due: if due { i64::from(n) } else { NEVER },
            }))
        }),
    ];
    leaf.prop_recursive(3, 64, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Reply::List),
            prop::collection::vec(inner.clone().prop_map(|r| ("key", r)), 0..12).prop_map(Reply::Map),
            prop::collection::vec((".{0,8}".prop_map(Text::new), inner), 0..12).prop_map(Reply::Pairs),
        ]
    })
}

#[test]
fn an_error_stays_one_line_and_short() {
    let mut out = Vec::new();
    let refusal = Refusal {
        code: slad::model::Code::BadArg,
        message: format!("a\r\n+OK\r\n{}", "é".repeat(5000)),
    };
    encode::error(&mut out, &refusal);
    let (value, rest) = read(&out);
    assert!(rest.is_empty() && out.len() < 2100);
    match value {
        Value::Error(line) => assert!(line.starts_with("BADARG a??+OK??é") && line.ends_with("é…")),
        other => panic!("{other:?}"),
    }
    let mut out = Vec::new();
    encode::null_array(&mut out, Protocol::V2);
    encode::null_array(&mut out, Protocol::V3);
    assert_eq!(out, b"*-1\r\n_\r\n");
}
