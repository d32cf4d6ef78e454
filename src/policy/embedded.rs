//! The policies inside the binary, so that `slad` alone serves. The files are the ones a site copies and edits.

/// Name and text of every embedded policy; the first is the pure timer and router, the second the default.
pub fn embedded() -> [(&'static str, &'static str); 6] {
    [
        ("none", include_str!("../../config/policies/none.toml")),
        (
            "service-levels",
            include_str!("../../config/policies/service-levels.toml"),
        ),
        (
            "approval-stages",
            include_str!("../../config/policies/approval-stages.toml"),
        ),
        (
            "complaint-plan",
            include_str!("../../config/policies/complaint-plan.toml"),
        ),
        (
            "scenario-catalogue",
            include_str!("../../config/policies/scenario-catalogue.toml"),
        ),
        (
            "service-process",
            include_str!("../../config/policies/service-process.toml"),
        ),
    ]
}

/// Name and text of every embedded calendar.
pub fn embedded_calendars() -> [(&'static str, &'static str); 2] {
    [
        ("24x7", include_str!("../../config/calendars/24x7.toml")),
        ("cn-office", include_str!("../../config/calendars/cn-office.toml")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Zones;
    use crate::policy::CalendarFile;
    use crate::policy::RuleBook;

    #[test]
    fn every_embedded_policy_reads_and_bears_its_name() {
        for (name, text) in embedded() {
            let book = RuleBook::parse("file", text, 1).unwrap_or_else(|p| panic!("{name}: {p:#?}"));
            assert_eq!(book.name, name);
            assert_eq!(book.text, text);
        }
    }

    #[test]
    fn every_embedded_calendar_reads_and_bears_its_name() {
        for (name, text) in embedded_calendars() {
            let file = CalendarFile::parse("file", text, &Zones::bundled());
            let file = file.unwrap_or_else(|p| panic!("{name}: {p:#?}"));
            assert_eq!(file.spec.name, name);
            assert!(file.compile().is_ok(), "{name}");
        }
    }
}
