//! POLICY.RELOAD and SIGHUP: the folder is read beside the core, and what is new takes effect in one frame.

use super::Mistake;
use super::folder::Folder;
use super::load::{self, Known, Load, NewVersion};
use super::migrations::Waited;
use crate::daemon::connection::Connection;
use crate::daemon::core::{Core, CoreRef};
use crate::daemon::zones::zones;
use crate::model::event::{Body, PolicyMigrating};
use crate::model::fields::versioned;
use crate::model::reply::Reply;
use crate::model::versions::{Migration, MigrationMode, PolicyCommand};
use crate::model::{Code, Refusal, Seq, Text, UnixMs};
use crate::wire::table;

/// Mistakes that an error reply names; the daemon's own log names all.
const MISTAKES_SHOWN: usize = 5;

/// What a reload came to.
#[derive(Debug)]
pub struct Reloaded {
    /// Seq of the last fact; `None`: nothing was new, or it was a dry run.
    pub seq: Option<Seq>,
    /// The seqs with which migrations began.
    pub migrations: Vec<Seq>,
    reply: Reply,
}

/// Reads the folder again. One at a time; others wait.
///
/// # Errors
/// `ERR` with the first mistakes: nothing has changed.
pub async fn reload(core: &CoreRef, dry_run: bool) -> Result<Reloaded, Refusal> {
    let reading = core.borrow().policies.reading.clone();
    let _one_at_a_time = reading.lock().await;
    let (path, known, now) = {
        let mut core = core.borrow_mut();
        let now = core.now();
        (core.shared.config.policies.clone(), core.known_policies(), now)
    };
    let read = move || load::load(&Folder::read(path.as_deref()), &known, &zones(), now);
    let loaded = tokio::task::spawn_blocking(read)
        .await
        .map_err(|e| Refusal::new(Code::Err, format!("the folder could not be read: {e}")))?;
    let mut core = core.borrow_mut();
    let mistakes = loaded.as_ref().err().cloned().unwrap_or_default();
    core.note_mistakes(mistakes);
    let load = loaded.map_err(|mistakes| refusal(&mistakes))?;
    let migrated: Vec<Vec<(u32, u64)>> = load
        .versions
        .iter()
        .map(|version| core.who_migrates(version))
        .collect();
    let (seq, migrations) = match dry_run {
        true => (None, Vec::new()),
        false => {
            // Nobody asked for room when SIGHUP came, and the disk may have filled meanwhile.
            let row = table::index_of(b"POLICY.RELOAD").unwrap_or(usize::MAX);
            if let Some(refusal) = core.disk_refusal(row) {
                return Err(refusal);
            }
            let now = core.now();
            core.activate(now, &load)
        }
    };
    let reply = report(&load, &migrated, seq, dry_run);
    Ok(Reloaded {
        seq,
        migrations,
        reply,
    })
}

fn refusal(mistakes: &[Mistake]) -> Refusal {
    let shown: Vec<String> = mistakes
        .iter()
        .take(MISTAKES_SHOWN)
        .map(Mistake::to_string)
        .collect();
    let more = match mistakes.len().saturating_sub(MISTAKES_SHOWN) {
        0 => String::new(),
        more => format!(" | and {more} more, which the daemon's log names"),
    };
    Refusal::new(
        Code::Err,
        format!(
            "nothing was loaded, what was in force stays so: {}{more}",
            shown.join(" | ")
        ),
    )
}

fn report(load: &Load, migrated: &[Vec<(u32, u64)>], seq: Option<Seq>, dry_run: bool) -> Reply {
    let number = |n: u64| Reply::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let text = |text: &str| Reply::Bulk(Text::new(text));
    let texts = |list: &[String]| Reply::List(list.iter().map(|item| text(item)).collect());
    let versions = load.versions.iter().zip(migrated).map(|(version, from)| {
        let fact = &version.fact;
        let mut pairs = vec![
            ("policy", Reply::Bulk(fact.name.clone())),
            ("version", number(u64::from(fact.version))),
            (
                "from",
                version.from.map_or(Reply::Null, |from| number(u64::from(from))),
            ),
            (
                "hash",
                Reply::Bulk(compact_str::format_compact!("{:016x}", fact.hash)),
            ),
            ("source", Reply::Bulk(fact.source.clone())),
            ("migrates", number(from.iter().map(|(_, open)| open).sum())),
        ];
        if dry_run {
            pairs.push(("diff", texts(&version.diff)));
        }
        Reply::Map(pairs)
    });
    Reply::Map(vec![
        ("seq", seq.map_or(Reply::Null, number)),
        ("activated", Reply::List(versions.collect())),
        ("unchanged", texts(&load.unchanged)),
        ("kept", texts(&load.kept)),
        (
            "calendars",
            Reply::List(
                load.calendars
                    .versions
                    .iter()
                    .map(|fact| Reply::Bulk(versioned(&fact.name, fact.version)))
                    .collect(),
            ),
        ),
        ("notes", texts(&load.calendars.notes)),
    ])
}

impl Core {
    /// What the log knows of policies.
    pub fn known_policies(&mut self) -> Known {
        self.running()
            .map_or_else(Known::default, |r| Known::of(&r.engine, r.clock.is_virtual()))
    }

    /// Keeps the mistakes of the last look at the folder, and tells of them.
    pub fn note_mistakes(&mut self, mistakes: Vec<Mistake>) {
        for mistake in &mistakes {
            tracing::error!("{mistake}");
        }
        if !mistakes.is_empty() {
            tracing::error!(
                mistakes = mistakes.len(),
                "the policies were not loaded: what was in force stays so"
            );
        }
        if let Some(meter) = &self.meter {
            meter.policy_mistakes(mistakes.len());
        }
        self.policies.mistakes = mistakes;
    }

    /// The older versions whose open tickets go over to this one, and how many they are. Migrations are carried out in the order
    /// in which they begin: who is on the way to an older version then goes on from there.
    fn who_migrates(&mut self, version: &NewVersion) -> Vec<(u32, u64)> {
        if !version.migrates() {
            return Vec::new();
        }
        let name = version.fact.name.clone();
        self.running()
            .map_or_else(Vec::new, |r| r.engine.versions_in_use(&name))
    }

    /// Everything that is new takes effect, in one frame: the seq of its last event, and those with which migrations begin.
    pub fn activate(&mut self, now: UnixMs, load: &Load) -> (Option<Seq>, Vec<Seq>) {
        let mut bodies = Vec::new();
        let mut begins = Vec::new();
        // Calendars first: the policies behind them count by them.
        for calendar in &load.calendars.versions {
            tracing::info!(
                calendar = calendar.name.as_str(),
                version = calendar.version,
                source = calendar.reason.as_str(),
                tzdata = calendar.zone.tzdata_version.as_str(),
                "calendar loaded"
            );
            bodies.push(Body::CalendarExtended(Box::new(calendar.clone())));
        }
        for note in &load.calendars.notes {
            tracing::warn!("{note}");
        }
        for version in &load.versions {
            let mut fact = version.fact.clone();
            fact.activated_at = now;
            tracing::info!(
                policy = fact.name.as_str(),
                version = fact.version,
                source = fact.source.as_str(),
                "policy activated"
            );
            bodies.push(Body::PolicyActivated(Box::new(fact)));
        }
        for version in &load.versions {
            for (from, _) in self.who_migrates(version) {
                begins.push(bodies.len() as Seq);
                let migration = Migration {
                    policy: version.fact.name.clone(),
                    from,
                    to: version.fact.version,
                    mode: MigrationMode::Retroactive,
                };
                let origin = None;
                bodies.push(Body::PolicyMigrating(Box::new(PolicyMigrating {
                    migration,
                    origin,
                })));
            }
        }
        if bodies.is_empty() {
            return (None, Vec::new());
        }
        let count = bodies.len() as Seq;
        let first = self.record_all(now, bodies);
        begins.iter_mut().for_each(|begin| *begin += first);
        self.policies.migrations.wake.raise();
        (Some(first + count - 1), begins)
    }
}

/// Reads the folder again whenever SIGHUP comes.
pub async fn run(core: CoreRef) {
    let asked = core.borrow().policies.reload.clone();
    loop {
        asked.wait().await;
        match reload(&core, false).await {
            Ok(reloaded) => tracing::info!(
                seq = reloaded.seq.unwrap_or(0),
                "SIGHUP: the policies were read again"
            ),
            Err(refusal) => tracing::error!("SIGHUP: {refusal}"),
        }
    }
}

impl Connection {
    /// What operators do to policies.
    pub(in crate::daemon) async fn policy(&mut self, command: PolicyCommand) -> bool {
        match command {
            PolicyCommand::Reload { dry_run } => self.reload(dry_run).await,
            PolicyCommand::Migrate { migration, origin } => self.migrate(&migration, origin).await,
        }
    }

    /// `POLICY.RELOAD`: replies once it has taken effect and the tickets that go over have gone.
    async fn reload(&mut self, dry_run: bool) -> bool {
        let core = self.core.clone();
        match reload(&core, dry_run).await {
            Err(refusal) => self.say_now(&refusal.into()),
            Ok(reloaded) => {
                if matches!(self.migrated(&reloaded.migrations).await, Waited::Gone) {
                    return false;
                }
                self.say_now(&reloaded.reply);
            }
        }
        !self.peer.is_broken()
    }
}
