//! What the standards say of first responses and resolutions, by hand: budgets, and working days counted one by one.

use crate::month::{DAY, HOUR, MINUTE, START};

/// Business days of these weeks, by hand: days after 7 September that are no working days: weekends but for the make-up days
/// 20 September (13) and 10 October (33), 25-27 September (18-20), 1-7 October (24-30).
const CLOSED: [i64; 16] = [5, 6, 12, 18, 19, 20, 24, 25, 26, 27, 28, 29, 30, 34, 40, 41];

/// When the first response is due, by the standards.
pub(crate) fn first_response(policy: &str, class: &str, level: &str, opened_at: i64) -> Option<i64> {
    let within = match (policy, class, level) {
        ("scenario-catalogue", "complaint.attitude", _) => HOUR,
        ("scenario-catalogue", _, "critical") => HOUR,
        ("scenario-catalogue", _, "urgent") => 4 * HOUR,
        ("scenario-catalogue", ..) => 24 * HOUR,
        ("service-process", _, "P0") => 30 * MINUTE,
        ("service-process", _, "P1") => 2 * HOUR,
        ("service-process", ..) => 24 * HOUR,
        ("service-levels", _, "P1") => 15 * MINUTE,
        ("service-levels", _, "P2") => 30 * MINUTE,
        ("service-levels", _, "P3") => 2 * HOUR,
        ("service-levels", ..) => return Some(business_days(opened_at, 3)),
        ("complaint-plan", ..) => 24 * HOUR,
        _ => return None,
    };
    Some(opened_at + within)
}

/// When it is to be resolved.
pub(crate) fn resolution(policy: &str, class: &str, level: &str, opened_at: i64) -> Option<i64> {
    let within = match (policy, class, level) {
        (_, "fault.device", _) | ("service-levels", _, "P2") => 24 * HOUR,
        ("service-levels", _, "P1") => 2 * HOUR,
        ("service-levels", _, "P3") => return Some(business_days(opened_at, 1)),
        ("service-levels", _, "P4") => 14 * DAY,
        _ => return None,
    };
    Some(opened_at + within)
}

/// 18:00 of the n-th working day after the one of `from`, day by day.
fn business_days(from: i64, n: u32) -> i64 {
    let mut day = (from - START).div_euclid(DAY);
    for _ in 0..n {
        day += 1;
        while CLOSED.contains(&day) {
            day += 1;
        }
    }
    START + day * DAY + 18 * HOUR
}

/// A due after what its clock stood still: of the hours of the office, 9 to 12 and half past 13 to 18, or of all.
pub(crate) fn after_pauses(due: i64, stood_still: &[(i64, i64)], office: bool) -> i64 {
    if !office {
        return due + stood_still.iter().map(|(from, to)| to - from).sum::<i64>();
    }
    let open = |day: i64| {
        let midnight = START + day * DAY;
        let windows = [(9 * HOUR, 12 * HOUR), (13 * HOUR + 30 * MINUTE, 18 * HOUR)];
        let windows = windows.map(|(open, close)| (midnight + open, midnight + close));
        windows.into_iter().filter(move |_| !CLOSED.contains(&day))
    };
    let day_of = |at: i64| (at - START).div_euclid(DAY);
    let mut left = 0;
    for (from, to) in stood_still {
        for (open, close) in (day_of(*from)..=day_of(*to)).flat_map(open) {
            left += (close.min(*to) - open.max(*from)).max(0);
        }
    }
    if left == 0 {
        return due;
    }
    for (open, close) in (day_of(due)..).flat_map(open) {
        let open = open.max(due);
        if close - open >= left {
            return open + left;
        }
        left -= (close - open).max(0);
    }
    unreachable!("there is always another working day")
}
