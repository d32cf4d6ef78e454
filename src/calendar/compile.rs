//! A calendar's data → its table: every date's windows as UTC instants, in order and joined, fed to the table's builder.
//! About 12 ms and, beside the result, a few KiB.

use super::check::{Fault, check, check_zone, cuts, windows_on};
use super::date::{DAY_FIRST, DAY_LAST};
use super::days::WorkingDays;
use super::table::{Builder, Table};
use super::zone::{OFFSET_MAX_S, Zone};
use crate::model::calendar::{CalendarSpec, Day, ZoneTable};

/// Dates whose windows are put in order at a time.
const DATES_A_TIME: Day = 32;

/// The table, the working dates and the zone of a calendar.
pub(super) fn compile(spec: &CalendarSpec, table: &ZoneTable) -> Result<(Table, WorkingDays, Zone), Fault> {
    check_zone(spec, table)?;
    if let Some(fault) = check(spec).into_iter().next() {
        return Err(fault);
    }
    let zone = Zone::new(table);
    let mut builder = Builder::new((DAY_LAST - DAY_FIRST + 1) as usize);
    let mut pending: Vec<(i64, i64)> = Vec::new();
    for day in DAY_FIRST - 3..=DAY_LAST + 3 {
        open_on(spec, &zone, day, |open, close| pending.push((open, close)));
        if day % DATES_A_TIME == 0 {
            // No later date opens before its midnight, wherever on Earth.
            let settled_s = (i64::from(day) + 1) * 86_400 - OFFSET_MAX_S;
            flush(&mut pending, settled_s, &mut builder);
        }
    }
    flush(&mut pending, i64::MAX, &mut builder);
    let working = WorkingDays::new(|day| {
        let mut works = false;
        open_on(spec, &zone, day, |_, _| works = true);
        works
    });
    Ok((builder.build(), working, zone))
}

/// The open time that belongs to a local date, as UTC seconds; never empty ones. Close to the clocks' changes it may be out of
/// order and overlap, on this date or with another's.
pub(super) fn open_on(spec: &CalendarSpec, zone: &Zone, day: Day, mut take: impl FnMut(i64, i64)) {
    for window in windows_on(spec, day) {
        let mut open = zone.utc_s(day, window.open_min);
        let close = zone.utc_s(day, window.end_min());
        // A window ends on the next date at the latest, and no clock was ever put forward by more than a day.
        for closed in (day - 1..=day + 2).filter(|day| cuts(spec, *day)) {
            let (from, to) = (zone.utc_s(closed, 0), zone.utc_s(closed + 1, 0));
            if from < to && from < close && open < to {
                if open < from {
                    take(open, from);
                }
                open = to;
            }
        }
        if open < close {
            take(open, close);
        }
    }
}

/// Passes on, in order and joined, what ends before `settled_s`; keeps the rest.
fn flush(pending: &mut Vec<(i64, i64)>, settled_s: i64, builder: &mut Builder) {
    pending.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(pending.len());
    for (open, close) in pending.drain(..) {
        match joined.last_mut() {
            Some(last) if open <= last.1 => last.1 = last.1.max(close),
            _ => joined.push((open, close)),
        }
    }
    for (open, close) in joined {
        if close < settled_s {
            builder.open(open, close);
        } else {
            pending.push((open, close));
        }
    }
}
