//! The commands about policies.

use super::field::{OF_POLICIES, OF_PREVIEW};
use super::opening::{OPEN_ONLY, SETTABLE};
use super::{Flags, InMulti, Param, Row, opening, param};
use crate::model::command::{Command, Open, Read, Request, Session};
use crate::model::event::Origin;
use crate::model::versions::{Migration, MigrationMode, PolicyCommand, PolicyRead, Preview};
use crate::model::{Refusal, Text, text};
use crate::wire::parse::Call;
use crate::wire::value;

const NAME: Param = param("name");

const DRY_RUN: Param = Param {
    kind: "pure-token",
    ..param("DRYRUN").optional()
};

const MODES: [(&str, MigrationMode); 2] = [
    ("RETROACTIVE", MigrationMode::Retroactive),
    ("FROMNOW", MigrationMode::FromNow),
];

const fn look(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        group: "policy",
        reply: "a map",
        flags: Flags::READONLY.and(Flags::FAST),
        ..Row::new(name, read)
    }
}

const fn change(name: &'static str, read: fn(&Call<'_>) -> Result<Request, Refusal>) -> Row {
    Row {
        group: "policy",
        reply: "a map",
        flags: Flags::ADMIN
            .and(Flags::NOSCRIPT)
            .and(Flags::WRITE)
            .and(Flags::DENYOOM),
        in_multi: InMulti::Refused,
        ..Row::new(name, read)
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        summary: "The policies, each with the version that new tickets get",
        reply: "a list of maps",
        complexity: "O(n) in the versions",
        ..look("POLICY.LIST", |_| Ok(asks(PolicyRead::List)))
    },
    Row {
        syntax: "name [version]",
        arity_min: 2,
        arity_max: 3,
        summary: "A version of a policy with its text; default: the one that new tickets get",
        reply: "a map: `policy version state hash label source activated_at next_at reason requested_by approved_by review_by \
                open_tickets pilot labels calendars tickets text`; in `labels` `classes priorities segments channels stages`, \
                each a map of names to labels, null where there is none",
        params: &[NAME, param("version").integer().optional()],
        ..look("POLICY.GET", get)
    },
    Row {
        syntax: "name [field value]… [at T]",
        arity_min: 2,
        arity_max: 0,
        summary: "The clocks that a ticket would be opened with; name may be name@version",
        reply: "a list of maps: `target due provisional warnings steps`",
        params: &[NAME],
        fields: &[OPEN_ONLY, SETTABLE, OF_PREVIEW],
        ..look("POLICY.PREVIEW", preview)
    },
    Row {
        syntax: "[DRYRUN]",
        arity_max: 2,
        summary: "Reads the folder of policies again: all that changed becomes a new version, or nothing does",
        reply: "a map: what changed, what stayed; with DRYRUN also how the texts differ",
        complexity: "O(n) in the text of the files",
        params: &[DRY_RUN],
        ..change("POLICY.RELOAD", |call| {
            let dry_run = call.args.len() > 1;
            if dry_run {
                value::choice("word", call.arg(1), &[("DRYRUN", ())])?;
            }
            Ok(does(PolicyCommand::Reload { dry_run }))
        })
    },
    Row {
        syntax: "name from to RETROACTIVE|FROMNOW [DRYRUN] [field value]…",
        arity_min: 5,
        arity_max: 0,
        summary: "The open tickets of a version go over to another, dues reckoned anew from the receipt or kept",
        reply: "a map: `seq tickets stayed moved started stopped breached text`, once it is done",
        complexity: "O(n) in the tickets, in slices",
        params: &[
            NAME,
            param("from").integer(),
            param("to").integer(),
            Param {
                kind: "pure-token",
                ..param("RETROACTIVE|FROMNOW")
            },
            DRY_RUN,
        ],
        fields: &[OF_POLICIES],
        ..change("POLICY.MIGRATE", migrate)
    },
];

fn asks(read: PolicyRead) -> Request {
    Request::Engine(Command::Read(Read::Policy(read)))
}

fn does(command: PolicyCommand) -> Request {
    Request::Session(Session::Policy(Box::new(command)))
}

fn version(what: &str, bytes: &[u8]) -> Result<u32, Refusal> {
    let number = |bytes| value::number(what, bytes, 1, u64::from(u32::MAX));
    let given = number(bytes).map_err(|mut refusal| {
        let behind = bytes.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        if let Ok(meant) = number(behind) {
            refusal.message += &format!("; this looks like name@version: write {meant}");
        }
        refusal
    })?;
    Ok(given as u32)
}

fn get(call: &Call<'_>) -> Result<Request, Refusal> {
    let name = call.id(1, "policy")?;
    let version = match call.args.len() {
        2 => None,
        _ => Some(version("version", call.arg(2))?),
    };
    Ok(asks(PolicyRead::Get { name, version }))
}

fn preview(call: &Call<'_>) -> Result<Request, Refusal> {
    let (name, version) = name_and_version(call.id(1, "policy")?)?;
    let mut open = Open {
        policy: Some(name),
        ..Open::default()
    };
    let pairs = call.pairs(2, false, |key, rest, value| {
        opening::take_open(&mut open, call, key, rest, value)
    })?;
    opening::finish(&mut open.fields);
    let at = pairs.common.and_then(|common| common.at);
    Ok(asks(PolicyRead::Preview(Box::new(Preview { version, open, at }))))
}

/// `service-levels`, or `service-levels@2`: no name has an `@`.
fn name_and_version(given: Text) -> Result<(Text, Option<u32>), Refusal> {
    match given.rsplit_once('@') {
        None => Ok((given, None)),
        Some((name, number)) => {
            let number = version("version", number.as_bytes())?;
            Ok((text::id("policy", name.as_bytes())?, Some(number)))
        }
    }
}

fn migrate(call: &Call<'_>) -> Result<Request, Refusal> {
    let migration = Migration {
        policy: call.id(1, "policy")?,
        from: version("from", call.arg(2))?,
        to: version("to", call.arg(3))?,
        mode: value::choice("mode", call.arg(4), &MODES)?,
    };
    let dry_run = call.arg(5).eq_ignore_ascii_case(b"DRYRUN");
    let pairs = call.pairs(5 + usize::from(dry_run), false, |_, _, _| Ok(()))?;
    if dry_run {
        return Ok(asks(PolicyRead::DryRun(migration)));
    }
    let origin = pairs.common.map(|common| {
        Box::new(Origin {
            by: common.by.unwrap_or_default(),
            reason: common.reason.unwrap_or_default(),
            ..Origin::default()
        })
    });
    Ok(does(PolicyCommand::Migrate { migration, origin }))
}
