//! Arguments → [`Request`], driven by the command's row: the pair loop, the universal fields, the caps.

use super::digest::Digester;
use super::frame::Args;
use super::table::{self, Field, Key, Row};
use super::value;
use crate::model::command::{Common, Request};
use crate::model::{Code, Refusal, Text, text};

/// What the fields of a command may hold; a breach is refused with `LIMIT`, the connection goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of one attribute's value.
    pub attribute_bytes_max: usize,
    /// `attr.NAME` fields of a ticket.
    pub attributes_max: usize,
    /// Names in one list (links, assist, has, queues), skills in one list, and named scores.
    pub list_max: usize,
    /// Bytes of `by`, `reason` and `label`.
    pub text_bytes_max: usize,
    /// Tickets in one page of a list or one peek.
    pub page_max: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Caps {
            attribute_bytes_max: 16 << 10,
            attributes_max: 64,
            list_max: 64,
            text_bytes_max: 1 << 10,
            page_max: 10_000,
        }
    }
}

/// A request and the row it came by.
#[derive(Debug)]
pub struct Parsed {
    /// The row.
    pub row: &'static Row,
    /// What is asked.
    pub request: Request,
}

/// Reads one request. Refusals: unknown command, wrong arity, and whatever an argument has wrong.
pub fn parse(args: Args<'_>, caps: &Caps) -> Result<Parsed, Refusal> {
    let name = args.get(0);
    let row = table::find(name).ok_or_else(|| table::unknown(name))?;
    row.check_arity(args.len())?;
    let request = (row.read)(&Call { row, args, caps })?;
    Ok(Parsed { row, request })
}

/// One command being read.
pub(super) struct Call<'a> {
    pub(super) row: &'static Row,
    pub(super) args: Args<'a>,
    pub(super) caps: &'a Caps,
}

/// What a pair loop found beside the command's own fields.
pub(super) struct Pairs {
    /// The universal fields, if any was given.
    pub(super) common: Option<Box<Common>>,
    /// Digest of the command; 0 unless asked for or a token was given.
    pub(super) fingerprint: u64,
}

impl Pairs {
    /// Takes the mandatory reason of a pause out of the universal fields.
    pub(super) fn mandatory_reason(&mut self, row: &Row) -> Result<Text, Refusal> {
        let reason = self.common.as_mut().and_then(|common| common.reason.take());
        if self.common.as_deref().is_some_and(|c| {
            c.by.is_none() && c.at.is_none() && c.hold.is_none() && c.token.is_none() && c.reason.is_none()
        }) {
            self.common = None;
        }
        reason.ok_or_else(|| {
            Refusal::new(
                Code::Required,
                format!("{} needs its field 'reason': {}", row.name, row.usage()),
            )
        })
    }
}

impl<'a> Call<'a> {
    /// Argument `index`; empty if there is none.
    #[inline]
    pub(super) fn arg(&self, index: usize) -> &'a [u8] {
        self.args.get(index)
    }

    /// Argument `index` as an id.
    #[inline]
    pub(super) fn id(&self, index: usize, what: &str) -> Result<Text, Refusal> {
        text::id(what, self.arg(index))
    }

    /// Goes through the pairs from argument `first` on. The universal fields are kept here; every other one is given
    /// to `take` with its key, what its name adds to a prefix, and its value.
    ///
    /// A field given twice is refused here, except for families, whose members only `take` can tell apart.
    pub(super) fn pairs(
        &self,
        first: usize,
        always_digest: bool,
        mut take: impl FnMut(Key, &'a [u8], &'a [u8]) -> Result<(), Refusal>,
    ) -> Result<Pairs, Refusal> {
        let count = self.args.len();
        let mut common: Option<Box<Common>> = None;
        let wants_digest = always_digest
            || (first..count)
                .step_by(2)
                .any(|i| self.arg(i).eq_ignore_ascii_case(b"token"));
        let mut digester = wants_digest.then(Digester::default);
        let mut sum = 0u64;
        let mut seen = 0u64;
        let mut at = first;
        while at < count {
            let name = self.arg(at);
            let (number, field, rest) = self.field(name)?;
            if at + 1 == count {
                return Err(Refusal::bad_arg(format!(
                    "field '{}' of {} has no value: it takes {}",
                    value::shown(name),
                    self.row.name,
                    field.takes
                )));
            }
            let value = self.arg(at + 1);
            if !field.is_prefix() {
                let bit = 1u64 << (number & 63);
                if seen & bit != 0 {
                    return Err(twice(name));
                }
                seen |= bit;
            }
            if !matches!(field.key, Key::Token | Key::HeldBack | Key::Check)
                && let Some(digester) = &mut digester
            {
                sum = sum.wrapping_add(digester.pair(field.name, rest, value));
            }
            match field.key {
                Key::By => {
                    common.get_or_insert_default().by = Some(self.text("by", value)?);
                }
                Key::Reason => {
                    common.get_or_insert_default().reason = Some(self.text("reason", value)?);
                }
                Key::At => common.get_or_insert_default().at = Some(value::instant("at", value)?),
                Key::Hold => {
                    common.get_or_insert_default().hold = Some(value::number("hold", value, 1, u64::MAX)?);
                }
                Key::Token => common.get_or_insert_default().token = Some(text::id("token", value)?),
                key => take(key, rest, value)?,
            }
            at += 2;
        }
        let fingerprint = digester.map_or(0, |mut digester| {
            let positional = (1..first).map(|i| self.arg(i));
            digester.head(self.row.name, positional).wrapping_add(sum)
        });
        if let Some(common) = common.as_deref_mut()
            && common.token.is_some()
        {
            common.fingerprint = fingerprint;
        }
        Ok(Pairs { common, fingerprint })
    }

    /// A non-empty text of a universal field.
    pub(super) fn text(&self, what: &str, bytes: &[u8]) -> Result<Text, Refusal> {
        if bytes.is_empty() {
            return Err(Refusal::bad_arg(format!(
                "{what} is empty: it takes text, or leave it out"
            )));
        }
        capped(what, bytes, self.caps.text_bytes_max)?;
        text::free(what, bytes, self.caps.text_bytes_max)
    }

    /// The field called `name`: its number in the row, itself, and what the name adds to its prefix.
    #[inline]
    fn field(&self, name: &'a [u8]) -> Result<(usize, &'static Field, &'a [u8]), Refusal> {
        let mut number = 0;
        // A name that is another field's own never counts as a member of the nameless family.
        let mut any = None;
        for group in self.row.fields {
            for (index, field) in group.iter().enumerate() {
                if let Some(rest) = field.matches(name) {
                    if field.name.is_empty() {
                        any = Some((number + index, field, rest));
                    } else {
                        return Ok((number + index, field, rest));
                    }
                }
            }
            number += group.len();
        }
        any.ok_or_else(|| self.unknown_field(name))
    }

    #[cold]
    fn unknown_field(&self, name: &[u8]) -> Refusal {
        let given = value::shown(name);
        if self.row.fields.is_empty() {
            return self.row.wrong_arity();
        }
        let shown: Vec<String> = self.row.all_fields().map(Field::shown).collect();
        Refusal::bad_arg(format!(
            "{} has no field '{given}'{}: it takes {}",
            self.row.name,
            text::hint(&given, shown.iter().map(String::as_str)),
            shown.join(", ")
        ))
    }
}

/// The refusal for a field given twice.
#[cold]
pub(super) fn twice(name: &[u8]) -> Refusal {
    Refusal::bad_arg(format!(
        "field '{}' is given twice: give it once",
        value::shown(name)
    ))
}

/// Refuses with `LIMIT` what is longer than `bytes_max`.
#[inline]
pub(super) fn capped(what: &str, bytes: &[u8], bytes_max: usize) -> Result<(), Refusal> {
    if bytes.len() <= bytes_max {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Limit,
        format!("{what} has {} bytes: at most {bytes_max} are taken", bytes.len()),
    ))
}
