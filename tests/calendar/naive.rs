//! Working time the slow way, on jiff's local times: strips of seconds or minutes that are painted open and closed, and walked
//! cell by cell; beyond their reach, a list of intervals walked from end to end. Nothing here is shared with `calendar`.

use jiff::civil::{Date, Time, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use slad::model::calendar::{CalendarSpec, HolidayScope, Window};

/// Pauses: from, to, ms.
pub(crate) type Pauses = [(i64, i64)];

/// A calendar as the slow way reads it.
pub(crate) struct Desk<'a> {
    pub(crate) spec: &'a CalendarSpec,
    pub(crate) zone: &'a TimeZone,
}

impl Desk<'_> {
    fn covered(ranges: impl Iterator<Item = (i32, i32)>, day: Date) -> bool {
        let epoch = date(1970, 1, 1);
        let mut ranges = ranges.map(|(first, last)| {
            let at = |n: i32| epoch.checked_add(Span::new().days(n)).unwrap();
            (at(first), at(last))
        });
        ranges.any(|(first, last)| first <= day && day <= last)
    }

    fn overridden(&self, day: Date) -> bool {
        Self::covered(self.spec.overrides.iter().map(|o| (o.first, o.last)), day)
    }

    fn holiday(&self, day: Date) -> bool {
        Self::covered(self.spec.holidays.iter().map(|h| (h.first, h.last)), day)
    }

    /// The windows that open on a date.
    fn windows(&self, day: Date) -> Vec<Window> {
        if self.overridden(day) {
            let of = self.spec.overrides.iter();
            let mut of = of.filter(|o| Self::covered(std::iter::once((o.first, o.last)), day));
            return of.next().unwrap().windows.clone();
        }
        if self.holiday(day) {
            return Vec::new();
        }
        let of_week = match day.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        self.spec.week[of_week].clone()
    }

    /// The instant of a local time, s.
    fn instant(&self, day: Date, minutes: u16) -> i64 {
        let (day, minutes) = if minutes >= 1_440 {
            (day.tomorrow().unwrap(), minutes - 1_440)
        } else {
            (day, minutes)
        };
        let time = Time::midnight() + (i64::from(minutes)).minutes();
        self.zone.to_timestamp(day.to_datetime(time)).unwrap().as_second()
    }

    /// What opens on a date, as seconds, before anything is cut.
    fn opens(&self, day: Date) -> Vec<(i64, i64)> {
        let windows = self.windows(day).into_iter();
        let of = windows.map(|w| {
            let end = if w.close_min <= w.open_min {
                w.close_min + 1_440
            } else {
                w.close_min
            };
            (self.instant(day, w.open_min), self.instant(day, end))
        });
        of.filter(|(open, close)| open < close).collect()
    }

    /// What a date cuts out of everything, s.
    fn cut(&self, day: Date) -> Option<(i64, i64)> {
        let cuts = self.spec.holiday_scope == HolidayScope::CalendarDay
            && self.holiday(day)
            && !self.overridden(day);
        cuts.then(|| (self.instant(day, 0), self.instant(day.tomorrow().unwrap(), 0)))
    }

    /// Dates from some days before an instant to some days after another.
    fn dates(&self, from_s: i64, to_s: i64) -> impl Iterator<Item = Date> + use<> {
        let first = date(1970, 1, 1)
            .checked_add(Span::new().days(from_s.div_euclid(86_400) - 4))
            .unwrap();
        first
            .series(1.day())
            .take(((to_s - from_s) / 86_400 + 9) as usize)
    }

    /// Open time between two instants, as a strip of cells of `step_s`.
    pub(crate) fn strip(&self, from_s: i64, to_s: i64, step_s: i64) -> Strip {
        let mut open = vec![false; ((to_s - from_s) / step_s) as usize];
        let mut paint = |(a, b): (i64, i64), value: bool| {
            let cell = |s: i64| (s.clamp(from_s, to_s) - from_s) / step_s;
            open[cell(a) as usize..cell(b).max(cell(a)) as usize].fill(value);
        };
        for day in self.dates(from_s, to_s) {
            self.opens(day).into_iter().for_each(|of| paint(of, true));
        }
        for day in self.dates(from_s, to_s) {
            self.cut(day).into_iter().for_each(|of| paint(of, false));
        }
        Strip {
            from_ms: from_s * 1_000,
            step_ms: step_s * 1_000,
            open,
        }
    }

    /// Open time between two instants, as a list of intervals, ms.
    pub(crate) fn list(&self, from_s: i64, to_s: i64) -> List {
        let mut open: Vec<(i64, i64)> = self.dates(from_s, to_s).flat_map(|day| self.opens(day)).collect();
        open.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for of in open {
            match joined.last_mut().filter(|last| of.0 <= last.1) {
                Some(last) => last.1 = last.1.max(of.1),
                None => joined.push(of),
            }
        }
        let cuts: Vec<_> = self.dates(from_s, to_s).filter_map(|day| self.cut(day)).collect();
        let kept = without(joined, &cuts);
        let inside = kept
            .into_iter()
            .map(|(a, b)| (a.max(from_s) * 1_000, b.min(to_s) * 1_000));
        List {
            open: inside.filter(|(a, b)| a < b).collect(),
        }
    }

    /// Does the list hold the whole story at this grain? Then every opening and closing is on a cell's edge.
    pub(crate) fn fits(&self, from_s: i64, to_s: i64, step_s: i64) -> bool {
        let ends = |(a, b): (i64, i64)| (a - from_s) % step_s == 0 && (b - from_s) % step_s == 0;
        self.dates(from_s, to_s)
            .all(|day| self.opens(day).into_iter().all(ends) && self.cut(day).into_iter().all(ends))
    }

    /// The n-th working date after an instant's date: its last closing, or the same local time on it.
    pub(crate) fn business_days(&self, start: i64, n: u32, same_time: bool) -> i64 {
        let local = self.local(start);
        let mut day = local.date();
        for _ in 0..n {
            loop {
                day = day.tomorrow().unwrap();
                if !self.kept(day).is_empty() {
                    break;
                }
            }
        }
        if same_time {
            return self.at(day.to_datetime(local.time()));
        }
        self.kept(day).into_iter().map(|(_, close)| close).max().unwrap() * 1_000
    }

    /// What of a date's windows is not cut.
    fn kept(&self, day: Date) -> Vec<(i64, i64)> {
        let around = day.checked_sub(3.days()).unwrap().series(1.day()).take(8);
        let cuts: Vec<_> = around.filter_map(|day| self.cut(day)).collect();
        without(self.opens(day), &cuts)
    }

    /// The same local time months later.
    pub(crate) fn months(&self, start: i64, n: u32) -> i64 {
        let local = self.local(start);
        let moved = local.date().checked_add(i64::from(n).months()).unwrap();
        self.at(moved.to_datetime(local.time()))
    }

    fn local(&self, at: i64) -> jiff::civil::DateTime {
        self.zone
            .to_datetime(jiff::Timestamp::from_millisecond(at).unwrap())
    }

    fn at(&self, local: jiff::civil::DateTime) -> i64 {
        self.zone.to_timestamp(local).unwrap().as_millisecond()
    }
}

/// Intervals without what is cut out of them.
fn without(mut open: Vec<(i64, i64)>, cuts: &[(i64, i64)]) -> Vec<(i64, i64)> {
    for (from, to) in cuts.iter().filter(|(from, to)| from < to) {
        let halves = |(a, b): (i64, i64)| [(a, b.min(*from)), (a.max(*to), b)];
        open = open.into_iter().flat_map(halves).filter(|(a, b)| a < b).collect();
    }
    open
}

/// What a model answers.
pub(crate) trait Model {
    /// The due of a budget; `None`: beyond the model's end.
    fn due(&self, start: i64, budget_ms: i64, pauses: &Pauses) -> Option<i64>;
    /// Working time from one instant to a later one.
    fn elapsed(&self, from: i64, to: i64) -> i64;
    /// The latest start of a budget; `None`: before the model's beginning.
    fn start(&self, due: i64, budget_ms: i64) -> Option<i64>;
}

/// Cells that are open or not.
pub(crate) struct Strip {
    from_ms: i64,
    step_ms: i64,
    open: Vec<bool>,
}

impl Strip {
    fn cell(&self, at: i64) -> usize {
        ((at - self.from_ms) / self.step_ms) as usize
    }
}

impl Model for Strip {
    fn due(&self, start: i64, budget_ms: i64, pauses: &Pauses) -> Option<i64> {
        let (mut at, mut left) = (start, budget_ms);
        for cell in self.cell(start)..self.open.len() {
            let end = self.from_ms + (cell as i64 + 1) * self.step_ms;
            if self.open[cell] && !pauses.iter().any(|(from, to)| *from < end && at < *to) {
                if left <= end - at {
                    return Some(at + left);
                }
                left -= end - at;
            }
            at = end;
        }
        None
    }

    fn elapsed(&self, from: i64, to: i64) -> i64 {
        let mut sum = 0;
        for cell in self.cell(from)..self.open.len() {
            let begin = self.from_ms + cell as i64 * self.step_ms;
            if begin >= to {
                break;
            }
            if self.open[cell] {
                sum += to.min(begin + self.step_ms) - from.max(begin);
            }
        }
        sum
    }

    fn start(&self, due: i64, budget_ms: i64) -> Option<i64> {
        let (mut at, mut left) = (due, budget_ms);
        for cell in (0..=self.cell(due)).rev() {
            let begin = self.from_ms + cell as i64 * self.step_ms;
            if self.open[cell] && begin < at {
                if left <= at - begin {
                    return Some(at - left);
                }
                left -= at - begin;
            }
            at = begin;
        }
        None
    }
}

/// Intervals in order, ms.
pub(crate) struct List {
    pub(crate) open: Vec<(i64, i64)>,
}

impl Model for List {
    fn due(&self, start: i64, budget_ms: i64, pauses: &Pauses) -> Option<i64> {
        let unpaused;
        let open = if pauses.is_empty() {
            &self.open
        } else {
            unpaused = without(self.open.clone(), pauses);
            &unpaused
        };
        let mut left = budget_ms;
        for (a, b) in open {
            let a = *a.max(&start);
            if a < *b {
                if left <= b - a {
                    return Some(a + left);
                }
                left -= b - a;
            }
        }
        None
    }

    fn elapsed(&self, from: i64, to: i64) -> i64 {
        let parts = self
            .open
            .iter()
            .map(|(a, b)| (*b.min(&to) - *a.max(&from)).max(0));
        parts.sum()
    }

    fn start(&self, due: i64, budget_ms: i64) -> Option<i64> {
        let mut left = budget_ms;
        for (a, b) in self.open.iter().rev() {
            let b = *b.min(&due);
            if *a < b {
                if left <= b - a {
                    return Some(b - left);
                }
                left -= b - a;
            }
        }
        None
    }
}
