//! The commands that read the feed, as Redis has them for streams.

use super::{Flags, InMulti, Param, Row, param};
use crate::model::command::{Feed, Request};
use crate::model::{Code, Refusal, text};
use crate::wire::parse::Call;
use crate::wire::value;

const KEY: Param = param("key");
const COUNT: Param = Param {
    kind: "block",
    ..param("COUNT n").optional()
};

const fn stream(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        syntax: "key",
        arity_min: 2,
        arity_max: 2,
        group: "stream",
        flags: Flags::READONLY,
        keys: (1, 1, 1),
        in_multi: InMulti::Refused,
        params: &[KEY],
        ..Row::new(name, read)
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        syntax: "[COUNT n] [BLOCK ms] STREAMS key… id…",
        arity_min: 4,
        arity_max: 0,
        summary: "Entries after an id, of several keys at once; waits for the first if asked to",
        reply: "per key its entries; null when there are none",
        complexity: "O(n) in the entries given",
        flags: Flags::READONLY.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
        keys: (0, 0, 0),
        params: &[
            COUNT,
            Param {
                kind: "block",
                ..param("BLOCK ms").optional()
            },
            Param {
                kind: "pure-token",
                ..param("STREAMS")
            },
            KEY.multiple(),
            param("id").multiple(),
        ],
        ..stream("XREAD", xread)
    },
    Row {
        syntax: "key start end [COUNT n]",
        arity_min: 4,
        arity_max: 6,
        summary: "Entries of a range, oldest first",
        reply: "a list of entries",
        complexity: "O(n) in the entries given",
        params: &[KEY, param("start"), param("end"), COUNT],
        ..stream("XRANGE", |call| range(call, false))
    },
    Row {
        syntax: "key end start [COUNT n]",
        arity_min: 4,
        arity_max: 6,
        summary: "Entries of a range, newest first",
        reply: "a list of entries",
        complexity: "O(n) in the entries given",
        params: &[KEY, param("end"), param("start"), COUNT],
        ..stream("XREVRANGE", |call| range(call, true))
    },
    Row {
        summary: "How many entries are retained",
        reply: "a number",
        ..stream("XLEN", |call| {
            Ok(Request::Feed(Feed::Len(value::feed_key(call.arg(1))?)))
        })
    },
    Row {
        syntax: "STREAM key",
        arity_min: 3,
        arity_max: 3,
        summary: "First, last and number of the retained entries",
        reply: "a map",
        keys: (2, 2, 1),
        params: &[
            Param {
                kind: "pure-token",
                ..param("STREAM")
            },
            KEY,
        ],
        ..stream("XINFO", xinfo)
    },
];

fn xinfo(call: &Call<'_>) -> Result<Request, Refusal> {
    value::choice("XINFO's subcommand", call.arg(1), &[("STREAM", ())])?;
    Ok(Request::Feed(Feed::Info(value::feed_key(call.arg(2))?)))
}

fn range(call: &Call<'_>, reverse: bool) -> Result<Request, Refusal> {
    let key = value::feed_key(call.arg(1))?;
    let (from, to) = if reverse { (3, 2) } else { (2, 3) };
    let from = value::range_from(call.arg(from))?;
    let to = value::range_to(call.arg(to))?;
    let count = match call.args.len() {
        4 => None,
        6 if call.arg(4).eq_ignore_ascii_case(b"count") => Some(count(call.arg(5))?),
        5 if call.arg(4).eq_ignore_ascii_case(b"count") => return Err(call.row.wrong_arity()),
        _ => return Err(unknown_option(call, 4, &["COUNT"])),
    };
    Ok(Request::Feed(Feed::Range {
        key,
        from,
        to,
        count,
        reverse,
    }))
}

fn xread(call: &Call<'_>) -> Result<Request, Refusal> {
    let (mut limit, mut block_ms) = (None, None);
    let mut at = 1;
    loop {
        let option = call.arg(at);
        if option.eq_ignore_ascii_case(b"streams") {
            break;
        }
        if at + 1 >= call.args.len() {
            return Err(call.row.wrong_arity());
        }
        if option.eq_ignore_ascii_case(b"count") {
            // As in Redis, 0 means no limit here.
            limit = Some(count(call.arg(at + 1))?).filter(|n| *n > 0);
        } else if option.eq_ignore_ascii_case(b"block") {
            block_ms = Some(value::number("BLOCK", call.arg(at + 1), 0, i64::MAX as u64)?);
        } else {
            return Err(unknown_option(call, at, &["COUNT", "BLOCK", "STREAMS"]));
        }
        at += 2;
    }
    let named = call.args.len() - at - 1;
    if named == 0 || !named.is_multiple_of(2) {
        return Err(Refusal::new(
            Code::Err,
            "Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
        ));
    }
    let half = named / 2;
    let keys = (at + 1..=at + half)
        .map(|i| Ok((value::feed_key(call.arg(i))?, value::after(call.arg(i + half))?)))
        .collect::<Result<_, Refusal>>()?;
    Ok(Request::Feed(Feed::Read {
        count: limit,
        block_ms,
        keys,
    }))
}

fn count(bytes: &[u8]) -> Result<u32, Refusal> {
    // More than fits is as good as all: the page is bounded by the reply's own cap.
    value::number("COUNT", bytes, 0, i64::MAX as u64).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn unknown_option(call: &Call<'_>, index: usize, known: &[&str]) -> Refusal {
    let given = value::shown(call.arg(index));
    Refusal::bad_arg(format!(
        "{} has no option '{given}'{}: {}",
        call.row.name,
        text::hint(&given, known.iter().copied()),
        call.row.usage()
    ))
}
