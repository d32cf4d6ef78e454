//! The command table, and what derives from it.

use crate::resp::{Value, bulk, read};
use slad::model::command::Describe;
use slad::wire::table::{InMulti, ROWS};
use slad::wire::{Protocol, docs, encode, find};

#[test]
fn the_table_is_consistent() {
    for (index, row) in ROWS.iter().enumerate() {
        let name = row.name;
        assert_eq!(name, name.to_ascii_uppercase());
        assert_eq!(
            slad::wire::table::index_of(name.to_ascii_lowercase().as_bytes()),
            Some(index)
        );
        assert!(row.all_fields().count() < 64, "{name}: a bit a field");
        assert!(
            !row.summary.is_empty() && !row.reply.is_empty() && !row.group.is_empty(),
            "{name}"
        );
        let mandatory = 1
            + row.params.iter().filter(|p| !p.optional).count()
            + 2 * row.all_fields().filter(|f| f.required).count();
        if !matches!(name, "CLIENT" | "TICKET.SET" | "XREAD" | "HELLO") {
            assert_eq!(row.arity_min, mandatory, "{name}");
        }
        if !row.fields.is_empty() {
            assert_eq!(row.arity_max, 0, "{name} takes any number of fields");
        }
        let mut names: Vec<_> = row.all_fields().map(|f| f.name).collect();
        names.sort_unstable();
        assert!(
            names.windows(2).all(|pair| pair[0] != pair[1]),
            "{name}: {names:?}"
        );
        let line = row.wrong_arity().to_string();
        assert!(
            line.contains(&name.to_ascii_lowercase()) && line.contains(name),
            "{line}"
        );
    }
    assert_eq!(find(b"EXEC").unwrap().in_multi, InMulti::AtOnce);
    assert!(find(b"").is_none() && find(b"TICKET.OPE").is_none() && find(&[0xff; 300]).is_none());
    let readme = docs::readme_table();
    assert_eq!(readme.lines().count(), ROWS.len() + 2);
    assert!(readme.contains("| `TICKET.CANCEL id [as abandoned\\|duplicate"));
}

#[test]
fn command_replies_have_redis_shapes() {
    let shown = |what: &Describe, v3: bool| {
        let mut out = Vec::new();
        let protocol = if v3 { Protocol::V3 } else { Protocol::V2 };
        encode::reply(&mut out, protocol, &docs::describe(what));
        read(&out).0
    };
    assert_eq!(shown(&Describe::Count, false), Value::Int(ROWS.len() as i64));
    match shown(
        &Describe::Info(vec!["ticket.open".into(), "nope".into(), "AGENT.GET".into()]),
        false,
    ) {
        Value::Array(rows) => {
            let Value::Array(open) = &rows[0] else { panic!() };
            assert_eq!(open.len(), 10);
            assert_eq!((&open[0], &open[1]), (&bulk("ticket.open"), &Value::Int(-2)));
            let simple = |s: &str| Value::Simple(s.to_owned());
            assert_eq!(
                open[2],
                Value::Array(vec![simple("write"), simple("denyoom"), simple("fast")])
            );
            assert_eq!(open[3..6], [Value::Int(1), Value::Int(1), Value::Int(1)]);
            assert_eq!(rows[1], Value::Null);
            let Value::Array(get) = &rows[2] else { panic!() };
            assert_eq!(get[1], Value::Int(2));
        }
        other => panic!("{other:?}"),
    }
    match shown(&Describe::Docs(vec!["TICKET.CANCEL".into(), "nope".into()]), true) {
        Value::Map(docs) => {
            assert_eq!(docs.len(), 1);
            let Value::Map(parts) = &docs[0].1 else { panic!() };
            let keys: Vec<&Value> = parts.iter().map(|(k, _)| k).collect();
            assert_eq!(
                keys,
                [
                    &bulk("summary"),
                    &bulk("since"),
                    &bulk("group"),
                    &bulk("complexity"),
                    &bulk("arguments")
                ]
            );
        }
        other => panic!("{other:?}"),
    }
    match shown(&Describe::Info(vec![]), false) {
        Value::Array(rows) => assert_eq!(rows.len(), ROWS.len()),
        other => panic!("{other:?}"),
    }
}
