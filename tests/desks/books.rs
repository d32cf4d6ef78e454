//! The same figures the slow way, from the books of the tickets.

use crate::figures::{BASELINE_DAYS, REPEAT_WITHIN, Report, put};
use crate::life::Life;
use crate::month::{DAY, START};
use std::collections::BTreeMap;

/// A mean and a median kept the slow way: by counting how many lie below.
pub(crate) fn slow(times: &[i64]) -> Vec<i64> {
    if times.is_empty() {
        return vec![0, 0, 0];
    }
    let mut sum = 0;
    for time in times {
        sum += time;
    }
    let ranked = |rank: usize| {
        let is = |time: &&i64| {
            let below = times.iter().filter(|other| other < time).count();
            let equal = times.iter().filter(|other| other == time).count();
            (below..below + equal).contains(&rank)
        };
        *times.iter().find(is).unwrap()
    };
    let n = times.len();
    let (low, high) = (ranked((n - 1) / 2), ranked(n / 2));
    vec![n as i64, sum / n as i64, (low + high) / 2]
}

/// The report from the books.
pub(crate) fn from_books(lives: &[Life]) -> Report {
    let mut report = Report::new();
    let mut names: Vec<(String, Vec<&Life>)> = Vec::new();
    for life in lives {
        for name in [
            format!("policy {}", life.policy),
            format!("class {}", life.class),
            format!("queue {}", life.first_queue),
        ] {
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, list)) => list.push(life),
                None => names.push((name, vec![life])),
            }
        }
    }
    for (name, list) in &names {
        let (mut first, mut resolution, mut delays) = (Vec::new(), Vec::new(), Vec::new());
        let mut over = BTreeMap::from([("first_response", [0, 0]), ("resolution", [0, 0])]);
        let (mut handled, mut good, mut rated) = (0, 0, 0);
        for life in list {
            first.extend(life.responded_at.map(|at| at - life.opened_at));
            resolution.extend(life.resolved_at.map(|at| at - life.opened_at));
            delays.push(life.entered_at - life.opened_at);
            handled += life.handled;
            if let Some((score, _)) = life.rating {
                rated += 1;
                good += i64::from(score > 3);
            }
            for (target, by_level) in &life.over {
                if let Some(counts) = over.get_mut(target.as_str()) {
                    counts[usize::from(*by_level)] += 1;
                }
            }
        }
        let n = list.len() as i64;
        put(&mut report, "first response", name, slow(&first));
        put(&mut report, "resolution", name, slow(&resolution));
        put(&mut report, "entry delay", name, slow(&delays));
        for (target, [plain, by_level]) in over {
            put(
                &mut report,
                &format!("overdue {target}"),
                name,
                vec![plain, by_level, n],
            );
        }
        put(
            &mut report,
            "volume, handling, satisfied of",
            name,
            vec![n, handled / n, good, rated],
        );
    }
    let mut stages: BTreeMap<&str, (BTreeMap<&str, i64>, i64)> = BTreeMap::new();
    for life in lives {
        for (stage, from, to) in &life.stages {
            let (spent, _) = stages.entry(stage).or_default();
            *spent.entry(&life.id).or_default() += to - from;
        }
    }
    for (stage, (spent, over)) in &mut stages {
        let target = format!("stage:{stage}");
        *over = lives
            .iter()
            .filter(|life| life.over.iter().any(|(t, _)| *t == target))
            .count() as i64;
        let n = spent.len() as i64;
        put(
            &mut report,
            "stage",
            stage,
            vec![n, spent.values().sum::<i64>() / n, *over],
        );
    }
    let (mut at_once, mut resolved, mut transferred, mut repeats) = (0, 0, 0, 0);
    let mut negative: BTreeMap<&str, i64> = BTreeMap::new();
    let issue = |life: &Life| match life.issue.as_str() {
        "" => format!("{} {}", life.customer, life.class),
        issue => issue.to_owned(),
    };
    for (n, life) in lives.iter().enumerate() {
        resolved += i64::from(life.resolved_at.is_some());
        let is_plain = life.transfers == 0 && life.escalations == 0 && life.reopenings == 0;
        at_once += i64::from(life.resolved_at.is_some() && is_plain);
        transferred += i64::from(life.transfers > 0);
        let came_before = lives.iter().enumerate().any(|(other, earlier)| {
            let gap = life.opened_at - earlier.opened_at;
            issue(earlier) == issue(life) && (gap > 0 || (gap == 0 && other < n)) && gap <= REPEAT_WITHIN
        });
        repeats += i64::from(came_before);
        if let Some((1 | 2, reason)) = life.rating {
            *negative.entry(reason).or_default() += 1;
        }
    }
    let all = lives.len() as i64;
    put(
        &mut report,
        "first-contact resolution",
        "",
        vec![at_once, resolved],
    );
    put(&mut report, "transfer rate", "", vec![transferred, all]);
    put(&mut report, "repeat contact", "", vec![repeats, all]);
    let sum: i64 = negative.values().sum();
    for (reason, count) in negative {
        put(&mut report, "negative ratings", reason, vec![count, sum]);
    }
    // A running book for each team and day.
    let mut days: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for life in lives {
        for (queue, at) in &life.resolutions {
            let book = days.entry(queue).or_insert_with(|| vec![(0, 0); 36]);
            let (sum, n) = &mut book[((at - START) / DAY) as usize];
            *sum += at - life.opened_at;
            *n += 1;
        }
    }
    for (team, book) in days {
        let mut flagged = Vec::new();
        for day in BASELINE_DAYS as usize..36 {
            let before = &book[day - BASELINE_DAYS as usize..day];
            let (sum, n) = before.iter().fold((0, 0), |(s, c), (sum, n)| (s + sum, c + n));
            let (today, count) = book[day];
            if n > 0 && count > 0 && today as f64 / count as f64 > 1.2 * (sum as f64 / n as f64) {
                flagged.push(day as i64);
            }
        }
        put(&mut report, "anomaly", team, flagged);
    }
    report
}
