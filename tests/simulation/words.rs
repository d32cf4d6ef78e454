//! The words of a table: what stands for instants, seqs and lengths of time.

use crate::model::START_MS;
use slad::model::time;

/// Words separated by blanks; quotes hold words together and stay away.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut open) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, open) = (!quoted, true),
            ' ' if !quoted => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            c => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

pub fn unquoted(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

/// `#n` and `@+1h30m`, alone or at the end of a word.
pub fn expand(word: &str, base: u64) -> String {
    if let Some(n) = word.strip_prefix('#').and_then(|n| n.parse::<u64>().ok()) {
        return (base + n).to_string();
    }
    if let Some(offset) = word.strip_prefix('@') {
        if offset == "0" {
            return START_MS.to_string();
        }
        let (sign, length) = offset.split_at(1);
        let ms = length_ms(length);
        return match sign {
            "+" => (START_MS + ms).to_string(),
            _ => (START_MS - ms).to_string(),
        };
    }
    word.to_owned()
}

/// `1h30m5ms`
pub fn length_ms(text: &str) -> i64 {
    let (mut sum, mut rest) = (0, text);
    while !rest.is_empty() {
        let unit = rest
            .find(|c: char| !c.is_ascii_digit())
            .expect("a number and a unit");
        let end = rest[unit..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |n| unit + n);
        sum += time::duration("offset", &rest.as_bytes()[..end]).expect("a duration");
        rest = &rest[end..];
    }
    sum
}

/// Expands every word of a reply, brackets and blanks kept.
pub fn expand_all(text: &str, base: u64) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if matches!(c, ' ' | '[' | ']') {
            out.push_str(&expand(&std::mem::take(&mut word), base));
            out.push(c);
        } else {
            word.push(c);
        }
    }
    out.pop();
    out
}
