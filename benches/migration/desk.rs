//! The policy in two versions, and tickets under the first.
//!
//! Nothing may pass between the dry run and the migration that changes what the migration does, or their numbers could
//! not be compared. So tickets were opened whole hours ago, the business day begins and ends whole hours from now, and budgets
//! are so many hours and a half: nothing is due in the first minutes of any hour, counted from the start.

use super::Fallible;
use super::daemon::{BATCH, Daemon, fine, id};
use slad::cli::client::Client;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MIN: u64 = 1_440;
/// The business day begins so long before now, and ends so long after.
const HALF_DAY_MIN: u64 = 240;
/// Tickets were opened up to this many hours ago.
const HOURS: u64 = 40;
/// Of so many tickets one is in work: it was responded to, and commands go on about it.
pub(crate) const IDLE: u64 = 20;
/// Of so many tickets one waits for the customer.
const UNPAUSED: u64 = 10;
/// Earliest after the start that anything is due: the first step of a ladder comes 10 minutes before the half hour.
const CALM: Duration = Duration::from_secs(15 * 60);

const HEAD: &str = r#"name = "desk"
label = "Service desk"
calendar = "shift"
default_priority = "P3"
close_after = "1d"

[targets.resolution]
pauses_on = ["customer"]
steps = [
  { at = "-10m", notify = "lead" },
  { at = "+15m", rank = 5, notify = "manager" },
]

[targets.update]
steps = [{ at = "+10m", notify = "lead" }]

[[rules]]
"#;

/// A clock that version 1 alone has, and one that comes with version 2.
const RULES: [&str; 2] = [
    r#"clocks."custom:handover" = { within = "2010m", starts_on = ["open"] }"#,
    r#"clocks."custom:review" = { within = "2730m", starts_on = ["open"] }"#,
];

/// By priority: rank, queue, and the budgets of its clocks, in version 1 and 2.
const LEVELS: [(&str, u8, &str, [&str; 2]); 3] = [
    (
        "P2",
        20,
        "second",
        [
            r#"first_response = "90m", update = "150m", resolution = "690m""#,
            r#"first_response = "90m", update = "210m", resolution = "570m""#,
        ],
    ),
    (
        "P3",
        30,
        "front",
        [
            r#"first_response = "150m", update = "270m", resolution = "1470m""#,
            r#"first_response = "210m", update = "210m", resolution = "750m""#,
        ],
    ),
    (
        "P4",
        40,
        "front",
        [
            r#"first_response = "270m", update = "270m", resolution = "2430m""#,
            r#"first_response = "270m", update = "330m", resolution = "1950m""#,
        ],
    ),
];

fn policy(version: usize) -> String {
    let levels = LEVELS.map(|(name, rank, queue, clocks)| {
        format!(
            "\n[priorities.{name}]\nrank = {rank}\nqueue = \"{queue}\"\nclocks = {{ {} }}\n",
            clocks[version - 1]
        )
    });
    format!("{HEAD}{}\n{}", RULES[version - 1], levels.concat())
}

/// Open every day around this minute of the UTC day.
fn calendar(minute: u64) -> String {
    let at = |minute: u64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let opens = at(minute + DAY_MIN - HALF_DAY_MIN);
    let closes = at(minute + HALF_DAY_MIN);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let week = days.map(|day| format!("{day} = [\"{opens}-{closes}\"]\n"));
    format!(
        "name = \"shift\"\nlabel = \"One shift\"\nzone = \"UTC\"\n\n[week]\n{}",
        week.concat()
    )
}

/// A folder of policies.
pub(crate) struct Desk {
    file: PathBuf,
    /// Epoch ms, a whole minute.
    start: u64,
    began: Instant,
}

impl Desk {
    /// Writes version 1.
    pub(crate) fn new(folder: &Path) -> Fallible<Desk> {
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let start = now - now % MINUTE_MS;
        let policies = folder.join("policies");
        fs::create_dir_all(policies.join("calendars"))?;
        let minute = start / MINUTE_MS % DAY_MIN;
        fs::write(policies.join("calendars/shift.toml"), calendar(minute))?;
        let file = policies.join("desk.toml");
        fs::write(&file, policy(1))?;
        Ok(Desk {
            file,
            start,
            began: Instant::now(),
        })
    }

    /// Writes version 2, to be loaded.
    pub(crate) fn second(&self) -> io::Result<()> {
        fs::write(&self.file, policy(2))
    }

    /// Has nothing fallen due by itself since the start?
    pub(crate) fn was_in_time(&self) -> Fallible<()> {
        match self.began.elapsed() < CALM {
            true => Ok(()),
            false => Err("it took so long that clocks ran out by themselves, and numbers cannot be compared: try fewer SLAD_BENCH_TICKETS".into()),
        }
    }

    /// Opens the tickets.
    pub(crate) fn fill(&self, daemon: &Daemon, tickets: u64, connections: u64) -> Fallible<Duration> {
        let began = Instant::now();
        let workers = (0..connections)
            .map(|first| {
                let client = daemon.client()?;
                let start = self.start;
                Ok(std::thread::spawn(move || {
                    open(client, (first..tickets).step_by(connections as usize), start)
                }))
            })
            .collect::<io::Result<Vec<_>>>()?;
        for worker in workers {
            worker.join().map_err(|_| "a connection's thread died")??;
        }
        Ok(began.elapsed())
    }
}

fn open(mut client: Client, numbers: impl Iterator<Item = u64>, start: u64) -> io::Result<()> {
    let mut sent = 0;
    for n in numbers {
        let opened_at = (start - n.wrapping_mul(7_919) % HOURS * HOUR_MS).to_string();
        let customer = format!("c{}", n % 10_000);
        let skill = format!("s{}", n.wrapping_mul(2_654_435_761) >> 7 & 63);
        let id = id(n as usize);
        let words = [
            "TICKET.OPEN",
            &id,
            "policy",
            "desk",
            "priority",
            LEVELS[(n % LEVELS.len() as u64) as usize].0,
            "customer",
            &customer,
            "skills",
            &skill,
            "opened_at",
            &opened_at,
        ];
        client.push(&words.map(str::as_bytes));
        sent += 1;
        if n % IDLE == 0 {
            client.push(&[b"TICKET.RESPOND", id.as_bytes()]);
            sent += 1;
        }
        if n % UNPAUSED == 3 {
            client.push(&[b"TICKET.PAUSE", id.as_bytes(), b"reason", b"customer"]);
            sent += 1;
        }
        if sent >= BATCH {
            answered(&mut client, &mut sent)?;
        }
    }
    answered(&mut client, &mut sent)
}

fn answered(client: &mut Client, sent: &mut usize) -> io::Result<()> {
    client.send()?;
    (0..std::mem::take(sent)).try_for_each(|_| fine(client.reply()?))
}
