//! A line of JSON → the id and the fields of TICKET.IMPORT.
//!
//! The object's keys are the command's fields, and what they hold is the daemon's to judge. On top of that, what JSON can say
//! better than text may be said so: lists for names and skills, objects for `attr`, `due`, `clocks`, and for `agent`, `paused` and
//! `stage` with their `since`. `null` is as good as nothing.

use serde_json::{Map, Value};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: String,
    /// Fields by name, in the order of their names.
    pub fields: Vec<(String, String)>,
}

/// Objects whose keys are names behind a prefix.
const FAMILIES: [(&str, &str); 4] = [
    ("attr", "attr."),
    ("attributes", "attr."),
    ("due", "due."),
    ("dues", "due."),
];

/// Objects with a main part and its instant: the key, the main part's key, the field of the instant.
const SINCE: [(&str, &str, &str); 3] = [
    ("agent", "id", "agent_since"),
    ("paused", "reason", "paused_since"),
    ("stage", "name", "stage_since"),
];

/// Fields that the command line decides, not a line.
const OPTIONS: [(&str, &str); 3] = [
    ("check", "--dry-run"),
    ("held_back", "--hold-routing"),
    ("token", "nothing: a repeat of a line is known by its fields"),
];

/// Reads a line. The error says what is wrong and what would be right.
pub fn read(line: &str) -> Result<Ticket, String> {
    let object = match serde_json::from_str(line) {
        Ok(Value::Object(object)) => object,
        Ok(_) => {
            return Err(
                "no JSON object: a line takes one, such as {\"id\": \"t1\", \"queue\": \"billing\"}"
                    .to_owned(),
            );
        }
        Err(e) => return Err(format!("no JSON: column {}: {}", e.column(), plain(&e))),
    };
    let mut id = None;
    let mut fields = Vec::with_capacity(object.len());
    for (key, value) in &object {
        if value.is_null() {
            continue;
        }
        if key == "id" {
            id = Some(text("id", value)?);
        } else if let Some((_, option)) = OPTIONS.iter().find(|(name, _)| name == key) {
            return Err(format!("'{key}' is no field of a line: give {option}"));
        } else if key == "clocks" {
            clocks(value, &mut fields)?;
        } else if let (Some((_, prefix)), Value::Object(members)) =
            (FAMILIES.iter().find(|(name, _)| name == key), value)
        {
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                let name = format!("{prefix}{name}");
                let value = text(&name, value)?;
                fields.push((name, value));
            }
        } else if let (Some((_, main, since)), Value::Object(parts)) =
            (SINCE.iter().find(|(name, ..)| name == key), value)
        {
            with_since(key, main, since, parts, &mut fields)?;
        } else {
            fields.push((key.clone(), text(key, value)?));
        }
    }
    fields.sort();
    let id = id.ok_or("no 'id': a line takes the ticket's id")?;
    Ok(Ticket { id, fields })
}

/// What serde_json says, without the place: a line has a place already.
fn plain(e: &serde_json::Error) -> String {
    let said = e.to_string();
    said.split(" at line ").next().unwrap_or_default().to_owned()
}

/// A value as the text of a field.
fn text(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(yes) => Ok(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::String(text) if text.contains(',') => {
                    Err(format!("{name} lists '{text}': a name in a list has no comma"))
                }
                Value::String(_) | Value::Number(_) => text(name, item),
                _ => Err(format!("{name} lists {item}: it takes a list of texts")),
            });
            Ok(items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        _ => Err(format!(
            "{name} is {value}: it takes text, a whole number, true or false, or a list of texts"
        )),
    }
}

/// `{"id": "a1", "since": T}`
fn with_since(
    key: &str,
    main: &str,
    since: &str,
    parts: &Map<String, Value>,
    fields: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let takes = format!("it takes {main} and since");
    if !parts.contains_key(main) {
        return Err(format!("{key} has no '{main}': {takes}"));
    }
    for (part, value) in parts.iter().filter(|(_, value)| !value.is_null()) {
        let name = match part.as_str() {
            part if part == main => key,
            "since" => since,
            _ => return Err(format!("{key} has '{part}': {takes}")),
        };
        fields.push((name.to_owned(), text(name, value)?));
    }
    Ok(())
}

/// `{"resolution": {"due": T, "warned": true}}`
fn clocks(value: &Value, fields: &mut Vec<(String, String)>) -> Result<(), String> {
    let Value::Object(clocks) = value else {
        return Err(format!(
            "clocks is {value}: it takes an object such as {{\"resolution\": {{\"elapsed\": \"90m\"}}}}"
        ));
    };
    for (target, known) in clocks.iter().filter(|(_, known)| !known.is_null()) {
        let name = format!("clock.{target}");
        let Value::Object(known) = known else {
            fields.push((name.clone(), text(&name, known)?));
            continue;
        };
        let mut words = Vec::with_capacity(known.len());
        for (word, value) in known {
            let spelled = if word == "met_at" { "met" } else { word };
            match value {
                Value::Null | Value::Bool(false) => {}
                Value::Bool(true) => words.push(spelled.to_owned()),
                Value::String(_) | Value::Number(_) => {
                    let given = text(&format!("{name} {word}"), value)?;
                    if given.contains(',') {
                        return Err(format!("{name} {word} '{given}': it takes no comma"));
                    }
                    words.push(format!("{spelled}={given}"));
                }
                _ => {
                    return Err(format!(
                        "{name} {word} is {value}: it takes text, a whole number, true or false"
                    ));
                }
            }
        }
        if !words.is_empty() {
            fields.push((name, words.join(",")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        match read(line) {
            Ok(ticket) => {
                let fields = ticket
                    .fields
                    .iter()
                    .map(|(name, value)| format!(" {name} {value}"));
                ticket.id + &fields.collect::<String>()
            }
            Err(why) => why,
        }
    }

    #[test]
    fn lines_and_what_they_say() {
        for (line, expected) in [
            (r#"{"id":"t1"}"#, "t1"),
            (r#"{"queue":"q","id":7,"customer":null}"#, "7 queue q"),
            (
                r#"{"id":"t","skills":["network>=3","zh"],"attr":{"site":"n","floor":2},"attr.x":"y"}"#,
                "t attr.floor 2 attr.site n attr.x y skills network>=3,zh",
            ),
            (
                r#"{"id":"t","agent":{"id":"a1","since":5},"paused":{"reason":"customer"},"stage":"s"}"#,
                "t agent a1 agent_since 5 paused customer stage s",
            ),
            (
                r#"{"id":"t","due":{"resolution":9},"clocks":{"update":{"elapsed":"90m","warned":true,"breached":false},"notice":{"met_at":4},"solution":"due=8","promise":{}}}"#,
                "t clock.notice met=4 clock.solution due=8 clock.update elapsed=90m,warned due.resolution 9",
            ),
            (
                "[]",
                "no JSON object: a line takes one, such as {\"id\": \"t1\", \"queue\": \"billing\"}",
            ),
            (r#"{"id":"t""#, "no JSON: column 9: EOF while parsing an object"),
            (r#"{"queue":"q"}"#, "no 'id': a line takes the ticket's id"),
            (
                r#"{"id":"t","rank":1.5}"#,
                "rank is 1.5: it takes text, a whole number, true or false, or a list of texts",
            ),
            (
                r#"{"id":"t","links":["a,b"]}"#,
                "links lists 'a,b': a name in a list has no comma",
            ),
            (
                r#"{"id":"t","agent":{"name":"a1"}}"#,
                "agent has no 'id': it takes id and since",
            ),
            (
                r#"{"id":"t","check":true}"#,
                "'check' is no field of a line: give --dry-run",
            ),
            (
                r#"{"id":"t","clocks":{"update":{"due":[1]}}}"#,
                "clock.update due is [1]: it takes text, a whole number, true or false",
            ),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }
}
