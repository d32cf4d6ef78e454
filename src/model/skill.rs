//! Skills: what agents can do, and what tickets require.

use super::{Refusal, Text, text};

/// Highest skill level; also what a bare name means for an agent.
pub const LEVEL_MAX: u8 = 10;

/// A skill of an agent: `network:5`; a bare name is level 10.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Skill {
    /// Name of the skill.
    pub name: Text,
    /// 1–10.
    pub level: u8,
}

/// A requirement of a ticket: `network>=3`; a bare name is `>=1`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Required {
    /// Name of the skill.
    pub name: Text,
    /// Lowest level that will do, 1–10.
    pub level_min: u8,
}

/// Reads an agent's skills, `network:5,zh`: sorted by name, no name twice. An empty string is no skill.
pub fn skills(bytes: &[u8]) -> Result<Vec<Skill>, Refusal> {
    let takes = "skills takes 'name' or 'name:level' separated by commas, level 1-10";
    terms(bytes, takes, |term| {
        let (name, level) = match term.split_once(':') {
            None => (term, LEVEL_MAX),
            Some((name, level)) => (name, self::level(level, term, takes)?),
        };
        Ok((skill_name(name, term, takes)?, level))
    })
    .map(|terms| {
        terms
            .into_iter()
            .map(|(name, level)| Skill { name, level })
            .collect()
    })
}

/// Reads a ticket's requirements, `network>=3,zh`: sorted by name, no name twice. An empty string is none.
pub fn required(bytes: &[u8]) -> Result<Vec<Required>, Refusal> {
    let takes = "skills takes 'name' or 'name>=level' separated by commas, level 1-10";
    terms(bytes, takes, |term| {
        let (name, level) = match term.split_once(">=") {
            None => (term, 1),
            Some((name, level)) => (name, self::level(level, term, takes)?),
        };
        Ok((skill_name(name, term, takes)?, level))
    })
    .map(|terms| {
        terms
            .into_iter()
            .map(|(name, level_min)| Required { name, level_min })
            .collect()
    })
}

fn terms(
    bytes: &[u8],
    takes: &str,
    read: impl Fn(&str) -> Result<(Text, u8), Refusal>,
) -> Result<Vec<(Text, u8)>, Refusal> {
    let list = text::free("skills", bytes, 64 * 1024)?;
    let mut found = Vec::new();
    for term in list
        .split(',')
        .map(str::trim)
        .filter(|t| !list.trim().is_empty() || !t.is_empty())
    {
        found.push(read(term)?);
    }
    found.sort();
    if let Some(pair) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Refusal::bad_arg(format!(
            "skill '{}' is given twice: {takes}",
            pair[0].0
        )));
    }
    Ok(found)
}

fn skill_name(name: &str, term: &str, takes: &str) -> Result<Text, Refusal> {
    let name = name.trim();
    if name.contains([':', '<', '>', '=', '!']) {
        return Err(Refusal::bad_arg(format!("skill '{term}': {takes}")));
    }
    text::id("skill", name.as_bytes()).map_err(|_| Refusal::bad_arg(format!("skill '{term}': {takes}")))
}

fn level(level: &str, term: &str, takes: &str) -> Result<u8, Refusal> {
    match level.trim().parse::<u8>() {
        Ok(level @ 1..=LEVEL_MAX) => Ok(level),
        _ => Err(Refusal::bad_arg(format!("skill '{term}': {takes}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_and_their_defaults() {
        let has = skills(b"zh, network:5").unwrap();
        assert_eq!(
            has.iter().map(|s| (s.name.as_str(), s.level)).collect::<Vec<_>>(),
            [("network", 5), ("zh", 10)]
        );
        let needs = required(b"network>=3,zh").unwrap();
        assert_eq!(
            needs
                .iter()
                .map(|s| (s.name.as_str(), s.level_min))
                .collect::<Vec<_>>(),
            [("network", 3), ("zh", 1)]
        );
        assert!(skills(b"").unwrap().is_empty());
    }

    #[test]
    fn bad_terms_are_named() {
        for bad in [
            "network:11",
            "network:0",
            "network:x",
            "a,,b",
            ":3",
            "a:1,a:2",
            "network>=3",
        ] {
            assert!(skills(bad.as_bytes()).is_err(), "{bad}");
        }
        for bad in [
            "network>=11",
            "network>3",
            "network<=3",
            "network:3",
            "network>=",
            "a,a>=2",
        ] {
            let refusal = required(bad.as_bytes()).unwrap_err();
            assert!(refusal.message.contains("name>=level"), "{refusal}");
        }
    }
}
