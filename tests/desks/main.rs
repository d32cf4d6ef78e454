//! The service desks: every row of the five standards, a month of all of them, and pauses against a model that walks.
//!
//! | file | idea |
//! |---|---|
//! | `table` | tables of steps: what they look like, how they are read |
//! | `play` | plays a row to a daemon of its own, through its socket, under the virtual clock |
//! | `*.txt` | the rows, one file a standard |
//! | `month` | a month of tickets under all policies, drawn from a seed |
//! | `life`, `standards` | the book that is kept of each of them, by hand |
//! | `figures` | the figures that must be reported, from the feed alone |
//! | `books` | the same figures from the books |
//! | `pauses` | pausing and resuming at any points against a model that walks minutes |
//!
//! Instants in the tables are worked out by hand and written out (RFC 3339, mostly in Shanghai's time); nothing that is
//! expected comes from the code under test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod books;
#[path = "../support/feed.rs"]
mod feed;
mod figures;
mod life;
mod month;
mod pauses;
mod play;
#[path = "../support/random.rs"]
mod random;
mod standards;
#[path = "../support/mod.rs"]
mod support;
mod table;

/// Plays the rows of one standard; fails with all that differ.
fn all_of(name: &str, rows_min: usize) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/desks/{name}.txt"));
    let text = std::fs::read_to_string(&path).expect("the table");
    let rows = table::rows(&text).unwrap_or_else(|what| panic!("{name}.txt:{what}"));
    assert!(rows.len() >= rows_min, "{} rows in {name}.txt", rows.len());
    let only = std::env::var("SLAD_ROW").unwrap_or_default();
    let played = rows.iter().filter(|row| row.title.contains(&only));
    let mut stage = None;
    let wrong: Vec<String> = played
        .filter_map(|row| {
            play::row(row, &mut stage)
                .err()
                .map(|what| format!("{name}.txt:{what}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} rows differ\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

#[test]
fn scenario_catalogue() {
    all_of("scenario-catalogue", 39);
}

#[test]
fn service_process() {
    all_of("service-process", 21);
}

#[test]
fn approval_stages() {
    all_of("approval-stages", 12);
}

#[test]
fn service_levels() {
    all_of("service-levels", 61);
}

#[test]
fn complaint_plan() {
    all_of("complaint-plan", 22);
}

/// A row that expects the wrong thing fails: the runner looks at every word.
#[test]
fn a_wrong_row_is_noticed() {
    let right = "== a row\n@ 2026-03-02T09:00:00+08:00\n\
        > TICKET.OPEN t priority P2 customer c has description,outcome\n\
        = t queue=business clocks.first_response.due=2026-03-02T01:30:00Z\n\
        ! NOTFOUND x\n\
        until 2026-03-02T09:24:00+08:00\n\
        * sla.warned ticket=t target=first_response due=2026-03-02T09:30:00+08:00\n"
        .replace("! NOTFOUND x\n", "");
    let outcome = |text: &str| {
        let rows = table::rows(text).unwrap();
        play::row(&rows[0], &mut None)
    };
    assert_eq!(outcome(&right), Ok(()));
    for (place, wrong) in [
        ("queue=business", "queue=default"),
        ("01:30:00Z", "01:30:00.001Z"),
        ("09:30:00+08:00", "09:30:01+08:00"),
        ("sla.warned", "sla.breached"),
        ("has description,outcome", "has description"),
        ("09:24:00+08:00", "09:23:59.999+08:00"),
        (
            "* sla.warned ticket=t target=first_response due=2026-03-02T09:30:00+08:00",
            "",
        ),
    ] {
        let text = right.replace(place, wrong);
        assert_ne!(text, right, "{place}");
        assert!(outcome(&text).is_err(), "{wrong} for {place}");
    }
    let refused = right.replace("= t queue", "! STATE t is\n= t queue");
    assert!(outcome(&refused).is_err(), "a refusal that did not come");
}
