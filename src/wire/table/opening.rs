//! The fields that describe a ticket: of TICKET.OPEN and TICKET.SET.

use super::field::{A_NAME, A_TEXT, AN_INSTANT, Field, Key, NAMES, family, field};
use crate::model::command::{Fields, Open};
use crate::model::target::{PLAIN, Target};
use crate::model::{Code, Refusal, Text, skill, text};
use crate::wire::parse::{Call, Caps, capped, twice};
use crate::wire::value;

/// Of TICKET.OPEN: which policy.
pub(super) const OPEN_POLICY: &[Field] = &[field(
    Key::Policy,
    "policy",
    "the name of a policy",
    "the rules it is under; default: the default policy",
)];

/// Of TICKET.OPEN, and of POLICY.PREVIEW, which names the policy otherwise.
pub(super) const OPEN_ONLY: &[Field] = &[
    field(
        Key::Queue,
        "queue",
        "the name of a queue",
        "where it waits; none: timers only",
    ),
    field(
        Key::OpenedAt,
        "opened_at",
        AN_INSTANT,
        "receipt, where the clocks start; default: at",
    ),
];

/// Of TICKET.OPEN and TICKET.SET.
pub(super) const SETTABLE: &[Field] = &[
    field(Key::Class, "class", A_NAME, "kind of request"),
    field(
        Key::Priority,
        "priority",
        "the name of a priority",
        "how urgent, by the policy's names",
    ),
    field(Key::Customer, "customer", A_NAME, "whose ticket it is"),
    field(Key::Segment, "segment", A_NAME, "kind of customer"),
    field(Key::Channel, "channel", A_NAME, "kind of work"),
    field(
        Key::Skills,
        "skills",
        "requirements such as network>=3,zh",
        "what an agent must be able to do",
    ),
    field(
        Key::Issue,
        "issue",
        A_NAME,
        "what it is about; the same issue again is a repeat",
    ),
    field(Key::Parent, "parent", "a ticket's id", "the ticket it belongs to"),
    field(Key::Links, "links", NAMES, "related tickets"),
    field(Key::Assist, "assist", NAMES, "departments or people who help"),
    field(
        Key::Prefer,
        "prefer",
        "an agent's id",
        "who is to have it if possible",
    ),
    field(
        Key::Calendar,
        "calendar",
        "the name of a calendar",
        "working time of its clocks, in place of the policy's",
    ),
    field(Key::Has, "has", NAMES, "required texts that exist elsewhere"),
    family(Key::Due, "due.", "TARGET", AN_INSTANT, "a due set by hand"),
    family(Key::Attr, "attr.", "NAME", A_TEXT, "a value of your own"),
];

/// Keeps one field of an opening.
pub(super) fn take_open<'a>(
    open: &mut Open,
    call: &Call<'a>,
    key: Key,
    rest: &'a [u8],
    value: &'a [u8],
) -> Result<(), Refusal> {
    match key {
        Key::Policy => open.policy = Some(text::id("policy", value)?),
        Key::Queue => open.queue = Some(text::id("queue", value)?),
        Key::OpenedAt => open.opened_at = Some(value::instant("opened_at", value)?),
        _ => {
            take(&mut open.fields, call, key, rest, value)?;
        }
    }
    Ok(())
}

/// Keeps one settable field. `false`: it is none of them.
pub(super) fn take<'a>(
    fields: &mut Fields,
    call: &Call<'a>,
    key: Key,
    rest: &'a [u8],
    value: &'a [u8],
) -> Result<bool, Refusal> {
    let caps = call.caps;
    match key {
        Key::Class => fields.class = Some(text::id("class", value)?),
        Key::Priority => fields.priority = Some(text::id("priority", value)?),
        Key::Customer => fields.customer = Some(text::id("customer", value)?),
        Key::Segment => fields.segment = Some(text::id("segment", value)?),
        Key::Channel => fields.channel = Some(text::id("channel", value)?),
        Key::Skills => fields.skills = Some(value::skills(value, caps, skill::required)?),
        Key::Issue => fields.issue = Some(text::id("issue", value)?),
        Key::Parent => fields.parent = Some(text::id("parent", value)?),
        Key::Links => fields.links = Some(value::names("links", value, caps)?),
        Key::Assist => fields.assist = Some(value::names("assist", value, caps)?),
        Key::Prefer => fields.prefer = Some(text::id("prefer", value)?),
        Key::Calendar => fields.calendar = Some(text::id("calendar", value)?),
        Key::Has => fields.has = value::sorted_names("has", value, caps)?,
        Key::Due => due(&mut fields.dues, caps, rest, value)?,
        Key::Attr => attribute(&mut fields.attributes, caps, rest, value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Puts dues in the order of their targets and attributes in that of their names, once all are there.
pub(super) fn finish(fields: &mut Fields) {
    fields.dues.sort_by(|a, b| a.0.cmp(&b.0));
    fields.attributes.sort_by(|a, b| a.0.cmp(&b.0));
}

fn due(dues: &mut Vec<(Target, i64)>, caps: &Caps, rest: &[u8], value: &[u8]) -> Result<(), Refusal> {
    let target = target(rest)?;
    if dues.iter().any(|(known, _)| *known == target) {
        return Err(twice(format!("due.{target}").as_bytes()));
    }
    value::listed("due", dues.len() + 1, caps)?;
    let due = value::instant("due", value).map_err(|refusal| Refusal {
        message: refusal.message.replacen("due", &format!("due.{target}"), 1),
        ..refusal
    })?;
    dues.push((target, due));
    Ok(())
}

/// A target by name: the plain ones in any case.
pub(super) fn target(name: &[u8]) -> Result<Target, Refusal> {
    if let Some((target, _)) = PLAIN
        .iter()
        .find(|(_, plain)| name.eq_ignore_ascii_case(plain.as_bytes()))
    {
        return Ok(target.clone());
    }
    // `stage:` or `custom:` and an id; anything longer is no target.
    if name.len() > text::ID_BYTES_MAX + 8 {
        return Err(Refusal::bad_arg(format!(
            "target '{}' has {} bytes: a name takes at most {}",
            value::shown(name),
            name.len(),
            text::ID_BYTES_MAX
        )));
    }
    Target::parse(&String::from_utf8_lossy(text_or_refuse(name)?))
}

fn text_or_refuse(name: &[u8]) -> Result<&[u8], Refusal> {
    match std::str::from_utf8(name) {
        Ok(_) => Ok(name),
        Err(_) => Err(Refusal::bad_arg(format!(
            "target '{}' is not UTF-8: send text as UTF-8",
            value::shown(name)
        ))),
    }
}

fn attribute(
    attributes: &mut Vec<(Text, Text)>,
    caps: &Caps,
    rest: &[u8],
    value: &[u8],
) -> Result<(), Refusal> {
    let name = text::id("attribute", rest)?;
    if attributes.iter().any(|(known, _)| *known == name) {
        return Err(twice(format!("attr.{name}").as_bytes()));
    }
    if attributes.len() == caps.attributes_max {
        return Err(Refusal::new(
            Code::Limit,
            format!("more than {} attributes: drop attr.{name}", caps.attributes_max),
        ));
    }
    let what = format!("attr.{name}");
    capped(&what, value, caps.attribute_bytes_max)?;
    attributes.push((name, text::free(&what, value, caps.attribute_bytes_max)?));
    Ok(())
}
