//! What holds for every rule and every text.

use super::{clocks, good, parse, plan};
use crate::model::target::Target;
use crate::model::time::{self, NEVER, Span};
use crate::policy::{ClockRule, Warn, embedded};
use proptest::prelude::*;

fn a_rule() -> impl Strategy<Value = ClockRule> {
    let budget = prop_oneof![
        (1i64..=3_155_760_000_000).prop_map(Span::Ms),
        (1u32..=1_200).prop_map(Span::Months),
        (1u32..=36_525).prop_map(Span::BusinessDays),
    ];
    let warn = prop_oneof![
        Just(None),
        (1u8..=99).prop_map(|p| Some(Warn::Percent(p))),
        (1i64..=3_155_760_000_000).prop_map(|ms| Some(Warn::Before(ms))),
    ];
    let book = good(&clocks("resolution = \"2h\""));
    let clock = plan(&book, "P1").rule(&Target::Resolution).cloned().unwrap();
    (budget, warn).prop_map(move |(budget, warn)| ClockRule {
        budget: Some(budget),
        warn,
        ..clock.clone()
    })
}

proptest! {
    #[test]
    fn a_due_comes_after_its_start_and_a_warning_between(rule in a_rule(), start in 0..=time::INSTANT_MAX) {
        let due = rule.due(start, None);
        prop_assert!(start < due && due < NEVER);
        let warn = rule.warn_at(start, due, None);
        match rule.warn {
            None => prop_assert_eq!(warn, NEVER),
            Some(_) => prop_assert!(start <= warn && warn < due),
        }
        prop_assert_eq!(rule.warn_at(start, start, None), NEVER);
    }

    #[test]
    fn a_share_is_rounded_down_to_the_millisecond(percent in 1u8..=99, run in 1i64..=10_000_000) {
        let text = clocks(&format!("resolution = {{ within = \"{run}ms\", warn = \"{percent}%\" }}"));
        let book = good(&text);
        let rule = &plan(&book, "P1").clocks[0];
        let into = rule.warn_at(1_000, rule.due(1_000, None), None) - 1_000;
        prop_assert!(into * 100 <= run * i64::from(percent) && (into + 1) * 100 > run * i64::from(percent));
    }

    #[test]
    fn a_warning_that_parses_lies_between_start_and_due(budget in 1i64..500, before in 0i64..500) {
        let text = clocks(&format!("update = {{ within = \"{budget}ms\", warn = \"-{before}ms\" }}"));
        match parse(&text) {
            Ok(book) => {
                prop_assert!(0 < before && before < budget);
                prop_assert_eq!(plan(&book, "P1").clocks[0].warn_at(0, budget, None), budget - before);
            }
            Err(problems) => {
                prop_assert!(before == 0 || before >= budget);
                prop_assert_eq!(problems.len(), 1);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_every_refusal_names_a_place(
        text in "([a-zP0-9_.\"=\\[\\]{},% #\\n服-]{0,40}|\\PC{0,40})",
        cut in 0usize..3_000,
    ) {
        let whole = embedded()[1].1;
        let cut = (0..=cut.min(whole.len())).rev().find(|i| whole.is_char_boundary(*i)).unwrap_or(0);
        for text in [text.clone(), format!("{}{text}{}", &whole[..cut], &whole[cut..])] {
            if let Err(problems) = parse(&text) {
                prop_assert!(!problems.is_empty());
                for p in problems {
                    let line = text.split('\n').nth(p.line - 1);
                    prop_assert!(line.is_some_and(|l| p.column <= l.chars().count() + 1), "{p} in {text}");
                    prop_assert!(!p.what.is_empty() && !p.remedy.is_empty());
                    prop_assert!(!p.to_string().contains('\n'));
                }
            }
        }
    }
}
