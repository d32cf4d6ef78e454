//! Which dates are working dates, as a bit each with running counts: the n-th working date after a given one in a binary
//! search over 1,319 counts, in 16 KiB.

use super::date::{DAY_FIRST, DAY_LAST};
use crate::model::calendar::Day;

const DAYS: usize = (DAY_LAST - DAY_FIRST + 1) as usize;
const WORDS: usize = DAYS.div_ceil(64);

/// A set of dates from 1970 to 2200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkingDays {
    words: Box<[u64]>,
    /// Dates in the words before this one.
    before: Box<[u32]>,
}

impl WorkingDays {
    /// The dates that `works` says yes to.
    pub(super) fn new(mut works: impl FnMut(Day) -> bool) -> WorkingDays {
        let mut words = vec![0_u64; WORDS];
        for day in DAY_FIRST..=DAY_LAST {
            words[day as usize / 64] |= u64::from(works(day)) << (day % 64);
        }
        let before = words.iter().scan(0, |sum, word| {
            let before = *sum;
            *sum += word.count_ones();
            Some(before)
        });
        WorkingDays {
            before: before.collect(),
            words: words.into(),
        }
    }

    /// Is it one of them? No date outside the years covered is.
    pub(super) fn contains(&self, day: Day) -> bool {
        (DAY_FIRST..=DAY_LAST).contains(&day) && self.words[day as usize / 64] >> (day % 64) & 1 == 1
    }

    /// The `n`-th of them strictly after `day`, from 1; `None`: there are not that many.
    pub(super) fn after(&self, day: Day, n: u32) -> Option<Day> {
        // The rank of the one looked for, from 0, among all.
        let rank = self.up_to(day).checked_add(n.checked_sub(1)?)?;
        let word = self.before.partition_point(|before| *before <= rank) - 1;
        let mut bits = self.words[word];
        let skip = rank - self.before[word];
        if skip >= bits.count_ones() {
            return None;
        }
        for _ in 0..skip {
            bits &= bits - 1;
        }
        Some((word * 64) as Day + bits.trailing_zeros() as Day)
    }

    /// Do both have the same dates up to this one?
    pub(super) fn same_up_to(&self, other: &WorkingDays, day: Day) -> bool {
        let end = (day + 1).clamp(DAY_FIRST, DAY_LAST + 1) as usize;
        let (whole, rest) = (end / 64, end % 64);
        let mask = (1_u64 << rest) - 1;
        self.words[..whole] == other.words[..whole]
            && (mask == 0 || (self.words[whole] ^ other.words[whole]) & mask == 0)
    }

    /// How many of them are not after `day`.
    fn up_to(&self, day: Day) -> u32 {
        if day < DAY_FIRST {
            return 0;
        }
        let day = day.min(DAY_LAST) as usize;
        let bits = self.words[day / 64] << (63 - day % 64);
        self.before[day / 64] + bits.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_is_found_as_by_counting() {
        for works in [
            (|_| true) as fn(Day) -> bool,
            |d| d % 7 < 5,
            |d| d % 640 == 63,
            |d| d == DAY_LAST,
            |_| false,
        ] {
            let days = WorkingDays::new(works);
            for from in (-3..400).chain(DAY_LAST - 70..DAY_LAST + 3) {
                let naive: Vec<Day> = (from + 1..=DAY_LAST)
                    .filter(|d| *d >= 0 && works(*d))
                    .take(130)
                    .collect();
                for n in 1..=129_u32 {
                    assert_eq!(
                        days.after(from, n),
                        naive.get(n as usize - 1).copied(),
                        "{from} {n}"
                    );
                }
                assert_eq!(
                    days.contains(from),
                    (DAY_FIRST..=DAY_LAST).contains(&from) && works(from)
                );
            }
            assert_eq!(days.after(0, 0), None);
            assert_eq!(days.after(0, u32::MAX), None);
        }
    }

    #[test]
    fn sets_differ_from_the_first_date_that_only_one_has() {
        let a = WorkingDays::new(|d| d % 2 == 0);
        for differs in [0, 63, 64, 1_000, DAY_LAST] {
            let b = WorkingDays::new(|d| (d % 2 == 0) != (d == differs));
            assert!(a.same_up_to(&b, differs - 1) && !a.same_up_to(&b, differs));
            assert!(!a.same_up_to(&b, DAY_LAST + 9));
        }
    }
}
