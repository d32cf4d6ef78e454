//! `slad serve`: the daemon. Flags beat the file, the file beats the defaults.

use super::{exit, say};
use crate::daemon::config::{Config, LogFormat};
use crate::daemon::startup::{self, Options};
use crate::model::time;
use std::path::PathBuf;
use tracing_subscriber::prelude::*;

/// Flags of `serve`.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Configuration file; without one the defaults hold.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the log and the snapshots.
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Unix socket that clients connect to.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<String>,
    /// When replies are released: always (after fdatasync), interval, never.
    #[arg(long, value_name = "POLICY")]
    pub sync: Option<String>,
    /// Loopback address of /metrics and the rest; port 0 picks a free one, an empty text turns it off.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// Folder of the site's policies and calendars, read again by POLICY.RELOAD and SIGHUP.
    #[arg(long, value_name = "DIR")]
    pub policies: Option<String>,
    /// The clock stands still until CLOCK.ADVANCE or CLOCK.SET moves it; it starts at TIME, or where the log ends.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub virtual_clock: Option<String>,
    /// Sets any key of the configuration: `--set limits.connections_max=100`; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Serves; the exit code.
pub fn run(args: Args) -> u8 {
    let (config, options) = match settings(&args) {
        Ok(settings) => settings,
        Err(why) => {
            say(why);
            return exit::USAGE;
        }
    };
    if let Err(e) = log_to(&config) {
        say(e);
        return exit::START_FAILED;
    }
    // A segment that is kept is a file that is open.
    super::log::open_files();
    startup::serve(config, &options)
}

/// The file, then the flags.
fn settings(args: &Args) -> Result<(Config, Options), String> {
    let mut config = Config::default();
    // Before the file, whose default_policy may be one of that folder, and again behind it.
    if let Some(folder) = &args.policies {
        config
            .set("policies", folder)
            .map_err(|e| format!("--policies: {e}"))?;
    }
    if let Some(path) = &args.config {
        config = Config::load_over(config, path).map_err(|e| e.to_string())?;
    }
    for (key, flag) in [
        ("policies", &args.policies),
        ("data", &args.data),
        ("socket", &args.socket),
        ("sync", &args.sync),
        ("http", &args.http),
    ] {
        if let Some(value) = flag {
            config.set(key, value).map_err(|e| format!("--{key}: {e}"))?;
        }
    }
    for pair in &args.set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("--set {pair}: it takes KEY=VALUE"))?;
        config.set(key, value).map_err(|e| format!("--set {e}"))?;
    }
    let virtual_clock = match args.virtual_clock.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(start) => {
            let start = time::instant("--virtual-clock", start.as_bytes()).map_err(|e| e.message)?;
            Some(Some(start))
        }
    };
    Ok((config, Options { virtual_clock }))
}

fn log_to(config: &Config) -> Result<(), String> {
    let filter: tracing_subscriber::filter::Targets = config
        .log
        .filter
        .parse()
        .map_err(|e| format!("log.filter: {e}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    match config.log.format {
        LogFormat::Text => registry.with(stderr.with_target(false)).try_init(),
        LogFormat::Json => registry.with(stderr.json()).try_init(),
        LogFormat::Journald => {
            let journald = tracing_journald::layer().map_err(|e| format!("journald: {e}"))?;
            registry.with(journald).try_init()
        }
    }
    .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_beat_the_defaults_and_are_checked() {
        let args = Args {
            socket: Some("/tmp/x.sock".to_owned()),
            sync: Some("never".to_owned()),
            set: vec!["limits.connections_max=7".to_owned()],
            virtual_clock: Some("2026-02-01T00:00:00Z".to_owned()),
            ..Args::default()
        };
        let (config, options) = settings(&args).unwrap();
        assert_eq!(config.socket, PathBuf::from("/tmp/x.sock"));
        assert_eq!(config.sync.as_str(), "never");
        assert_eq!(config.limits.connections_max, 7);
        assert_eq!(options.virtual_clock, Some(Some(1_769_904_000_000)));
        for (args, says) in [
            (
                Args {
                    sync: Some("sometimes".to_owned()),
                    ..Args::default()
                },
                "--sync",
            ),
            (
                Args {
                    set: vec!["x".to_owned()],
                    ..Args::default()
                },
                "KEY=VALUE",
            ),
            (
                Args {
                    virtual_clock: Some("soon".to_owned()),
                    ..Args::default()
                },
                "--virtual-clock 'soon'",
            ),
        ] {
            let why = settings(&args).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
