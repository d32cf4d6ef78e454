//! Ids and names.

use super::Refusal;

/// A short string: up to 24 bytes without an allocation.
pub type Text = compact_str::CompactString;

/// Longest id or name, bytes.
pub const ID_BYTES_MAX: usize = 128;

/// Checks an id or a name: 1–128 bytes of UTF-8 without control characters. `what` names the argument in the error.
pub fn id(what: &str, bytes: &[u8]) -> Result<Text, Refusal> {
    let takes = "takes 1-128 bytes of UTF-8 without control characters";
    if bytes.is_empty() {
        return Err(Refusal::bad_arg(format!("{what} is empty: it {takes}")));
    }
    if bytes.len() > ID_BYTES_MAX {
        return Err(Refusal::bad_arg(format!(
            "{what} has {} bytes: it {takes}",
            bytes.len()
        )));
    }
    let text = utf8(what, bytes)?;
    if text.chars().any(char::is_control) {
        return Err(Refusal::bad_arg(format!(
            "{what} '{text}' has a control character: it {takes}"
        )));
    }
    Ok(Text::new(text))
}

/// Checks free text (reasons, descriptions): UTF-8 of at most `bytes_max` bytes; control characters other than
/// line breaks and tabs are refused.
pub fn free(what: &str, bytes: &[u8], bytes_max: usize) -> Result<Text, Refusal> {
    if bytes.len() > bytes_max {
        return Err(Refusal::bad_arg(format!(
            "{what} has {} bytes: it takes at most {bytes_max}",
            bytes.len()
        )));
    }
    let text = utf8(what, bytes)?;
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Refusal::bad_arg(format!(
            "{what} has a control character: it takes text"
        )));
    }
    Ok(Text::new(text))
}

fn utf8<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, Refusal> {
    std::str::from_utf8(bytes).map_err(|e| {
        Refusal::bad_arg(format!(
            "{what} is not UTF-8 (byte {}): send text as UTF-8",
            e.valid_up_to()
        ))
    })
}

/// The known name nearest to `given`, when one is near enough to be what was meant. Costs the product of the lengths,
/// so nothing longer than an id is compared.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > ID_BYTES_MAX {
        return None;
    }
    let given = given.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(given.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// ` (did you mean 'x'?)`, or nothing when no known name is near.
pub fn hint<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_clean_utf8() {
        assert_eq!(id("ticket", "票-1".as_bytes()).unwrap(), "票-1");
        for (bytes, says) in [
            (&b""[..], "is empty"),
            (&[b'x'; 129][..], "has 129 bytes"),
            (&b"a\nb"[..], "control character"),
            (&b"a\xff"[..], "not UTF-8 (byte 1)"),
        ] {
            let refusal = id("ticket", bytes).unwrap_err();
            assert!(refusal.message.contains(says), "{refusal}");
        }
        assert!(id("ticket", &[b'x'; 128]).is_ok());
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_near() {
        let known = ["priority", "policy", "skills"];
        assert_eq!(nearest("prioritty", known), Some("priority"));
        assert_eq!(nearest("POLICI", known), Some("policy"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(hint("skils", known), " (did you mean 'skills'?)");
    }
}
