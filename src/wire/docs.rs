//! What the command table says of itself: COMMAND's replies, shaped as Redis 7 has them so that clients' hints and
//! checks work, and the README's table. Built anew on each call: nobody asks often.

use super::table::{Field, Flags, InMulti, Param, ROWS, Row, find};
use crate::model::command::Describe;
use crate::model::reply::Reply;
use crate::model::{Text, text};

/// The reply to `COMMAND …`.
pub fn describe(what: &Describe) -> Reply {
    match what {
        Describe::Count => Reply::Int(ROWS.len() as i64),
        Describe::Info(names) if names.is_empty() => Reply::List(ROWS.iter().map(|row| info(row)).collect()),
        Describe::Info(names) => Reply::List(
            names
                .iter()
                .map(|name| find(name.as_bytes()).map_or(Reply::Null, info))
                .collect(),
        ),
        Describe::Docs(names) if names.is_empty() => {
            Reply::Pairs(ROWS.iter().map(|row| (lower(row.name), docs(row))).collect())
        }
        // As in Redis, unknown names are left out.
        Describe::Docs(names) => Reply::Pairs(
            names
                .iter()
                .filter_map(|name| find(name.as_bytes()))
                .map(|row| (lower(row.name), docs(row)))
                .collect(),
        ),
    }
}

fn lower(name: &str) -> Text {
    Text::new(name.to_ascii_lowercase())
}

fn string(text: &str) -> Reply {
    Reply::Bulk(Text::new(text))
}

/// Name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands.
fn info(row: &Row) -> Reply {
    let mut flags: Vec<Reply> = row.flags.names().map(Reply::Simple).collect();
    if row.in_multi == InMulti::Refused {
        flags.push(Reply::Simple("no_multi"));
    }
    let (first, last, step) = row.keys;
    Reply::List(vec![
        Reply::Bulk(lower(row.name)),
        Reply::Int(row.arity()),
        Reply::List(flags),
        Reply::Int(first),
        Reply::Int(last),
        Reply::Int(step),
        Reply::List(categories(row).map(Reply::Simple).collect()),
        Reply::List(Vec::new()),
        Reply::List(Vec::new()),
        Reply::List(Vec::new()),
    ])
}

fn categories(row: &Row) -> impl Iterator<Item = &'static str> {
    let speed = if row.flags.has(Flags::FAST) {
        "@fast"
    } else {
        "@slow"
    };
    [
        (Flags::WRITE, "@write"),
        (Flags::READONLY, "@read"),
        (Flags::ADMIN, "@admin"),
        (Flags::BLOCKING, "@blocking"),
    ]
    .into_iter()
    .filter(|(flag, _)| row.flags.has(*flag))
    .map(|(_, name)| name)
    .chain([speed])
}

fn docs(row: &Row) -> Reply {
    let mut pairs = vec![
        ("summary", string(row.summary)),
        ("since", string(row.since)),
        ("group", string(row.group)),
        ("complexity", string(row.complexity)),
    ];
    let arguments: Vec<Reply> = row
        .params
        .iter()
        .map(positional)
        .chain(row.all_fields().map(pair))
        .collect();
    if !arguments.is_empty() {
        pairs.push(("arguments", Reply::List(arguments)));
    }
    Reply::Map(pairs)
}

fn positional(param: &Param) -> Reply {
    // Redis knows `block` and `oneof` only with parts; a plain word shows the same hint.
    let (kind, token) = match param.kind {
        "block" => ("string", None),
        "pure-token" => ("pure-token", Some(string(param.name))),
        kind => (kind, None),
    };
    argument(param.name, kind, token, param.optional, param.multiple)
}

fn pair(field: &Field) -> Reply {
    let shown = field.shown();
    argument(
        "value",
        "string",
        Some(string(&shown)),
        !field.required,
        field.is_prefix(),
    )
}

fn argument(name: &str, kind: &str, token: Option<Reply>, optional: bool, multiple: bool) -> Reply {
    let mut pairs = vec![("name", string(name)), ("type", string(kind))];
    if kind != "pure-token" {
        pairs.push(("display_text", string(name)));
    }
    if let Some(token) = token {
        pairs.push(("token", token));
    }
    let flags: Vec<Reply> = [(optional, "optional"), (multiple, "multiple")]
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| Reply::Simple(name))
        .collect();
    if !flags.is_empty() {
        pairs.push(("flags", Reply::List(flags)));
    }
    Reply::Map(pairs)
}

/// The README's table: a row a command, its fields, what it does and answers.
pub fn readme_table() -> String {
    let mut table = String::from("| command | fields and reply |\n|---|---|\n");
    for row in &ROWS {
        let usage = row.usage().replace('|', "\\|");
        let fields: Vec<String> = row.all_fields().map(Field::shown).collect();
        let fields = if fields.is_empty() {
            String::new()
        } else {
            format!("`{}`. ", fields.join(" "))
        };
        let reply = row.reply.replace('|', "\\|");
        table.push_str(&format!(
            "| `{usage}` | {fields}{}. Reply: {reply} |\n",
            row.summary
        ));
    }
    table
}

/// The nearest command to a word, for the command line's own errors.
pub fn nearest(name: &str) -> Option<&'static str> {
    text::nearest(name, ROWS.iter().map(|row| row.name))
}
