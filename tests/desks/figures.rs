//! The figures that must be reported (requirements.md §6), from the feed alone, against the books of who drove the month.

use crate::books::{from_books, slow};
use crate::feed::{self, Entry};
use crate::month::{self, DAY, END, MINUTE, START};
use crate::random::Random;
use crate::support::{Client, Daemon, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The same issue again within this time is a repeat contact.
pub(crate) const REPEAT_WITHIN: i64 = 30 * DAY;
/// A team's day is held against this many days before.
pub(crate) const BASELINE_DAYS: i64 = 28;

/// What is reported: a name of a figure and of what it is told for, and its numbers.
pub(crate) type Report = BTreeMap<(String, String), Vec<i64>>;

/// A ticket as the feed tells it.
#[derive(Debug, Clone, Default)]
struct Told {
    policy: String,
    class: String,
    customer: String,
    issue: String,
    queue: String,
    opened_at: i64,
    entered_at: i64,
    responded_at: Option<i64>,
    resolved: Vec<(String, i64)>,
    transfers: u32,
    escalations: u32,
    reopenings: u32,
    stage: Option<(String, i64)>,
    last_stage: String,
    in_stages: BTreeMap<String, i64>,
    assigned_at: Option<i64>,
    handled: i64,
    rating: Option<(i64, String)>,
    /// By target; true: only by another level.
    breaches: BTreeMap<String, bool>,
}

/// Reads the tickets out of the feed.
fn tickets(client: &mut Client) -> BTreeMap<String, Told> {
    let mut entries = feed::read(client, "events", "-");
    let derived = feed::read(client, "events:sla", "-");
    entries.extend(derived.into_iter().filter(|entry| entry.part > 0));
    entries.sort_by_key(|entry| (entry.seq, entry.part));
    let mut tickets: BTreeMap<String, Told> = BTreeMap::new();
    for entry in &entries {
        if let Some(id) = entry.find("ticket") {
            tickets.entry(id.to_owned()).or_default().take(entry);
        }
    }
    tickets
}

impl Told {
    fn take(&mut self, entry: &Entry) {
        let at = entry.int("at");
        let text = |name: &str| entry.find(name).unwrap_or_default().to_owned();
        match entry.kind() {
            "ticket.opened" => {
                let (policy, _) = entry.text("policy").split_once('@').unwrap();
                self.policy = policy.to_owned();
                (self.class, self.customer, self.issue) = (text("class"), text("customer"), text("issue"));
                self.queue = text("queue");
                (self.opened_at, self.entered_at) = (entry.int("opened_at"), at);
            }
            "ticket.responded" => _ = self.responded_at.get_or_insert(at),
            // Notice of a solution may be the first response.
            "sla.met" if entry.text("target") == "first_response" => {
                self.responded_at.get_or_insert(entry.int("met_at"));
            }
            "ticket.assigned" => self.assigned_at = Some(at),
            "ticket.transferred" => {
                self.transfers += 1;
                self.let_go(at);
            }
            "ticket.escalated" => {
                self.escalations += 1;
                self.let_go(at);
            }
            "ticket.stage" => {
                if entry.find("from").is_some() {
                    self.let_go(at);
                }
                self.leave_stage(at);
                let since = if entry.find("left").is_some() {
                    at
                } else {
                    self.opened_at
                };
                self.stage = Some((text("stage"), since));
                self.last_stage = text("stage");
            }
            "ticket.resolved" => {
                self.let_go(at);
                self.leave_stage(at);
                self.resolved.push((text("queue"), at));
            }
            "ticket.reopened" => {
                self.reopenings += 1;
                if !self.last_stage.is_empty() {
                    self.stage = Some((self.last_stage.clone(), at));
                }
            }
            "ticket.rated" => self.rating = Some((entry.int("score"), text("reason"))),
            "sla.breached" => {
                let by_level = entry.find("reason") == Some("relevel");
                self.breaches.entry(text("target")).or_insert(by_level);
            }
            "sla.withdrawn" if entry.text("withdrawn") == "sla.breached" => {
                self.breaches.remove(entry.text("target"));
            }
            _ => {}
        }
    }

    fn let_go(&mut self, at: i64) {
        self.handled += self.assigned_at.take().map_or(0, |since| at - since);
    }

    fn leave_stage(&mut self, at: i64) {
        if let Some((stage, since)) = self.stage.take() {
            *self.in_stages.entry(stage).or_default() += at - since;
        }
    }

    fn is_resolved(&self) -> bool {
        self.resolved.len() > self.reopenings as usize
    }
}

pub(crate) fn put(report: &mut Report, figure: &str, of: &str, numbers: Vec<i64>) {
    report.insert((figure.to_owned(), of.to_owned()), numbers);
}

/// Whole milliseconds; a median between two is their middle.
fn mean_and_median(mut times: Vec<i64>) -> Vec<i64> {
    times.sort_unstable();
    let n = times.len();
    if n == 0 {
        return vec![0, 0, 0];
    }
    let mean = times.iter().sum::<i64>() / n as i64;
    vec![n as i64, mean, (times[(n - 1) / 2] + times[n / 2]) / 2]
}

/// The report from what the feed told.
fn from_feed(tickets: &BTreeMap<String, Told>) -> Report {
    let mut report = Report::new();
    let all: Vec<&Told> = tickets.values().collect();
    type Key = fn(&Told) -> String;
    let keys: [(&str, Key); 3] = [
        ("policy", |t| t.policy.clone()),
        ("class", |t| t.class.clone()),
        ("queue", |t| t.queue.clone()),
    ];
    for (kind, key) in keys {
        for group in all.iter().map(|t| key(t)).collect::<BTreeSet<_>>() {
            let of: Vec<&&Told> = all.iter().filter(|t| key(t) == group).collect();
            let name = format!("{kind} {group}");
            let first = of
                .iter()
                .filter_map(|t| Some(t.responded_at? - t.opened_at))
                .collect();
            put(&mut report, "first response", &name, mean_and_median(first));
            let solved = of.iter().filter(|t| t.is_resolved());
            let times = solved
                .filter_map(|t| Some(t.resolved.last()?.1 - t.opened_at))
                .collect();
            put(&mut report, "resolution", &name, mean_and_median(times));
            for target in ["first_response", "resolution"] {
                let breached = |by_level| {
                    of.iter()
                        .filter(|t| t.breaches.get(target) == Some(&by_level))
                        .count() as i64
                };
                let numbers = vec![breached(false), breached(true), of.len() as i64];
                put(&mut report, &format!("overdue {target}"), &name, numbers);
            }
            let delays = of.iter().map(|t| t.entered_at - t.opened_at).collect();
            put(&mut report, "entry delay", &name, mean_and_median(delays));
            let handled: i64 = of.iter().map(|t| t.handled).sum();
            let ratings: Vec<i64> = of.iter().filter_map(|t| Some(t.rating.as_ref()?.0)).collect();
            let good = ratings.iter().filter(|score| **score >= 4).count() as i64;
            put(
                &mut report,
                "volume, handling, satisfied of",
                &name,
                vec![
                    of.len() as i64,
                    handled / of.len() as i64,
                    good,
                    ratings.len() as i64,
                ],
            );
        }
    }
    for stage in all
        .iter()
        .flat_map(|t| t.in_stages.keys())
        .collect::<BTreeSet<_>>()
    {
        let times: Vec<i64> = all
            .iter()
            .filter_map(|t| t.in_stages.get(stage))
            .copied()
            .collect();
        let target = format!("stage:{stage}");
        let over = all.iter().filter(|t| t.breaches.contains_key(&target)).count() as i64;
        let mean = times.iter().sum::<i64>() / times.len() as i64;
        put(&mut report, "stage", stage, vec![times.len() as i64, mean, over]);
    }
    let resolved: Vec<&&Told> = all.iter().filter(|t| t.is_resolved()).collect();
    let at_once = resolved
        .iter()
        .filter(|t| t.transfers + t.escalations + t.reopenings == 0)
        .count() as i64;
    put(
        &mut report,
        "first-contact resolution",
        "",
        vec![at_once, resolved.len() as i64],
    );
    let transferred = all.iter().filter(|t| t.transfers > 0).count() as i64;
    put(
        &mut report,
        "transfer rate",
        "",
        vec![transferred, all.len() as i64],
    );
    let mut contacts: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for ticket in &all {
        let own = format!("{}/{}", ticket.customer, ticket.class);
        let issue = if ticket.issue.is_empty() {
            own
        } else {
            ticket.issue.clone()
        };
        contacts.entry(issue).or_default().push(ticket.opened_at);
    }
    let mut repeats = 0;
    for times in contacts.values_mut() {
        times.sort_unstable();
        repeats += times
            .windows(2)
            .filter(|pair| pair[1] - pair[0] <= REPEAT_WITHIN)
            .count() as i64;
    }
    put(&mut report, "repeat contact", "", vec![repeats, all.len() as i64]);
    let negative: Vec<&str> = all
        .iter()
        .filter_map(|t| t.rating.as_ref())
        .filter(|(score, _)| *score <= 2)
        .map(|(_, reason)| reason.as_str())
        .collect();
    for reason in negative.iter().collect::<BTreeSet<_>>() {
        let count = negative.iter().filter(|other| other == &reason).count() as i64;
        put(
            &mut report,
            "negative ratings",
            reason,
            vec![count, negative.len() as i64],
        );
    }
    let done = all.iter().flat_map(|t| {
        t.resolved
            .iter()
            .map(|(queue, at)| (queue.as_str(), *at, at - t.opened_at))
    });
    let mut by_team: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for (queue, at, took) in done {
        by_team
            .entry(queue)
            .or_default()
            .push(((at - START).div_euclid(DAY), took));
    }
    for (team, days) in by_team {
        let flagged = (BASELINE_DAYS..36)
            .filter(|day| is_anomaly(&days, *day))
            .collect();
        put(&mut report, "anomaly", team, flagged);
    }
    report
}

/// The team's mean of that day is a fifth over that of the trailing days.
fn is_anomaly(done: &[(i64, i64)], day: i64) -> bool {
    let sum = |of: &dyn Fn(i64) -> bool| {
        done.iter()
            .filter(|(on, _)| of(*on))
            .fold((0i128, 0i128), |(sum, n), (_, took)| {
                (sum + i128::from(*took), n + 1)
            })
    };
    let (today, n) = sum(&|on| on == day);
    let (before, of) = sum(&|on| on < day && on >= day - BASELINE_DAYS);
    n > 0 && of > 0 && today * of * 5 > before * n * 6
}

#[test]
fn the_figures_of_a_month_from_the_feed_are_those_of_the_books() {
    let seed = Random::seed();
    let tickets_max = if std::env::var_os("SLAD_TEST_LONG").is_some() {
        4_000
    } else {
        1_500
    };
    let (daemon, lives) = month::live(tickets_max, seed);
    let told = tickets(&mut daemon.client());
    assert_eq!(told.len(), lives.len());
    let (feed, books) = (from_feed(&told), from_books(&lives));
    let differing: Vec<String> = feed
        .keys()
        .chain(books.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|key| feed.get(key) != books.get(key))
        .map(|key| format!("{key:?}: feed {:?}, books {:?}", feed.get(key), books.get(key)))
        .collect();
    for life in lives.iter().filter(|_| !differing.is_empty()) {
        let over: BTreeMap<String, bool> = life.over.iter().cloned().collect();
        let mut breaches = told[&life.id].breaches.clone();
        breaches.retain(|target, _| {
            ["first_response", "resolution"].contains(&target.as_str()) || target.starts_with("stage:")
        });
        if over != breaches {
            eprintln!("breaches {breaches:?} of {life:?}");
        }
    }
    assert!(
        differing.is_empty(),
        "SLAD_SEED={seed}: of {} figures differ\n{}",
        feed.len(),
        differing.join("\n")
    );
    // The month was one in which everything happened.
    for (figure, at) in [
        ("first response", 1),
        ("resolution", 1),
        ("entry delay", 1),
        ("overdue first_response", 0),
        ("overdue resolution", 0),
        ("stage", 2),
        ("transfer rate", 0),
        ("first-contact resolution", 0),
        ("repeat contact", 0),
        ("negative ratings", 0),
    ] {
        assert!(numbers(&feed, figure).any(|found| found[at] > 0), "{figure}");
    }
    assert!(
        numbers(&feed, "overdue first_response").any(|found| found[1] > 0),
        "by another level"
    );
    assert!(
        numbers(&feed, "anomaly").any(|days| !days.is_empty()),
        "a slump shows"
    );
    println!(
        "{} tickets, {} figures, {} days",
        lives.len(),
        feed.len(),
        (END - START) / DAY
    );
}

/// The numbers of a figure, whatever for.
fn numbers<'a>(report: &'a Report, figure: &'a str) -> impl Iterator<Item = &'a Vec<i64>> {
    let own = report.iter().filter(move |((name, _), _)| name == figure);
    own.map(|(_, numbers)| numbers)
}

/// (old − new) / old of two versions' mean first responses, in thousandths.
fn saved(client: &mut Client, is_new: impl Fn(&Entry) -> bool) -> i64 {
    let opened = feed::read(client, "events", "-");
    let told = tickets(client);
    let mut sums = [(0, 0); 2];
    for entry in opened.iter().filter(|entry| entry.kind() == "ticket.opened") {
        let ticket = &told[entry.text("ticket")];
        let (sum, n) = &mut sums[usize::from(is_new(entry))];
        *sum += ticket.responded_at.unwrap() - ticket.opened_at;
        *n += 1;
    }
    let [old, new] = sums.map(|(sum, n)| sum / n);
    (old - new) * 1000 / old
}

#[test]
fn before_and_after_and_a_pilot_beside_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let daemon = Daemon::start_in(
        folder,
        &[&format!("--virtual-clock={START}"), "--policies", "policies"],
    );
    let mut client = daemon.client();
    let text = include_str!("../../config/policies/scenario-catalogue.toml");
    let mut now = START;
    // Before 120 min on average; in the pilot 75; each ticket's wait in minutes.
    let mut wave = |client: &mut Client, name: &str, class: &str, waits: &[i64]| {
        for (n, wait) in waits.iter().enumerate() {
            let open = format!(
                "TICKET.OPEN {name}{n} policy scenario-catalogue class {class} customer c{n} segment vip channel web"
            );
            assert!(matches!(client.say(&open), Value::Int(_)));
            now += wait * MINUTE;
            client.say(&format!("CLOCK.SET {now}"));
            assert!(matches!(
                client.say(&format!("TICKET.RESPOND {name}{n}")),
                Value::Int(_)
            ));
        }
    };
    wave(&mut client, "before", "fault.system", &[100, 110, 150]);
    let pilot = text.replace("clocks.first_response = \"4h\"", "clocks.first_response = \"2h\"");
    let pilot = format!("{pilot}\n[pilot]\nclasses = [\"fault.*\"]\n");
    std::fs::write(daemon.folder().join("policies/scenario-catalogue.toml"), pilot).unwrap();
    let reply = client.say("POLICY.RELOAD");
    assert!(!matches!(reply, Value::Error(_)), "{reply:?}");
    wave(&mut client, "after", "fault.system", &[60, 90]);
    wave(&mut client, "rest", "complaint.outcome", &[120, 90, 150]);
    let is_pilot = |entry: &Entry| entry.text("policy") == "scenario-catalogue@2";
    assert_eq!(saved(&mut client, is_pilot), 375, "120 to 75 minutes");
    let pilots = feed::read(&mut client, "events", "-");
    let mut pilots = pilots
        .iter()
        .filter(|entry| entry.kind() == "ticket.opened" && is_pilot(entry));
    assert!(pilots.all(|entry| entry.text("ticket").starts_with("after")));
}

/// The two ways to keep a mean and a median, on numbers that a person can check.
#[test]
fn means_and_medians() {
    for (times, expected) in [
        (vec![], vec![0, 0, 0]),
        (vec![120], vec![1, 120, 120]),
        (vec![10, 20, 90], vec![3, 40, 20]),
        (vec![90, 10, 20, 40], vec![4, 40, 30]),
        (vec![5, 5, 5, 9], vec![4, 6, 5]),
    ] {
        assert_eq!(mean_and_median(times.clone()), expected);
        assert_eq!(slow(&times), expected);
    }
    // A fifth over the baseline is none yet; a millisecond more is.
    assert!(!is_anomaly(&[(1, 100), (2, 100), (28, 120)], 28));
    assert!(is_anomaly(&[(1, 100), (2, 100), (28, 121)], 28));
    assert!(!is_anomaly(&[(0, 100), (28, 50)], 28));
}
