//! INFO: sections of `name:value` lines, as Redis formats them.

use super::core::{Core, Phase};
use super::session::REDIS_VERSION;
use std::fmt::Write;

type Section = fn(&mut Core, &mut String);

const SECTIONS: [(&str, Section); 8] = [
    ("server", server),
    ("clients", clients),
    ("memory", memory),
    ("persistence", persistence),
    ("stats", stats),
    ("tickets", tickets),
    ("policies", policies),
    ("replication", replication),
];

/// The sections asked for, in their order; none asked for, `default`, `all` and `everything` mean all of them.
pub fn text(core: &mut Core, asked: &[String]) -> String {
    let all = asked.is_empty()
        || asked
            .iter()
            .any(|a| matches!(a.as_str(), "default" | "all" | "everything"));
    let mut out = String::with_capacity(2048);
    for (name, write) in SECTIONS {
        if all || asked.iter().any(|a| a == name) {
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let mut title = name.to_owned();
            title[..1].make_ascii_uppercase();
            let _ = write!(out, "# {title}\r\n");
            write(core, &mut out);
        }
    }
    out
}

fn line(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = write!(out, "{name}:{value}\r\n");
}

fn server(core: &mut Core, out: &mut String) {
    let uptime = core.shared.started.elapsed().as_secs();
    line(out, "redis_version", REDIS_VERSION);
    line(out, "redis_mode", "standalone");
    line(out, "slad_version", env!("CARGO_PKG_VERSION"));
    line(out, "os", std::env::consts::OS);
    line(out, "arch_bits", usize::BITS);
    line(out, "process_id", std::process::id());
    line(out, "tcp_port", 0);
    line(out, "unix_socket", core.shared.config.socket.display());
    line(out, "uptime_in_seconds", uptime);
    line(out, "uptime_in_days", uptime / 86_400);
    line(out, "sync", core.shared.config.sync.as_str());
    if let Some(r) = core.running() {
        // The time of this batch: to look at the clock is to begin another.
        line(out, "clock_ms", r.clock.shown());
        line(out, "virtual_clock", u8::from(r.clock.is_virtual()));
        let (holds, ahead_ms) = match r.clock.real() {
            None => ("virtual", 0),
            Some(clock) => (clock.holds().as_str(), clock.wall_ahead_ms()),
        };
        line(out, "clock_holds", holds);
        line(out, "clock_frozen", u8::from(r.clock.is_frozen()));
        line(out, "clock_wall_ahead_ms", ahead_ms);
    }
}

fn clients(core: &mut Core, out: &mut String) {
    let clients = &core.shared.clients;
    line(out, "connected_clients", clients.count());
    line(out, "blocked_clients", clients.blocked());
    line(out, "maxclients", core.limits.connections_max);
}

fn memory(_: &mut Core, out: &mut String) {
    let rss = resident_bytes();
    line(out, "used_memory", rss);
    line(out, "used_memory_rss", rss);
}

fn persistence(core: &mut Core, out: &mut String) {
    line(out, "loading", u8::from(core.phase == Phase::Loading));
    line(
        out,
        "loading_replayed_events",
        core.shared.replayed.load(std::sync::atomic::Ordering::Relaxed),
    );
    line(out, "log_bytes", core.shared.log_bytes());
    line(out, "log_segments", core.shared.segments());
    line(out, "log_segments_retired", core.shared.segments_retired());
    line(
        out,
        "log_cut_bytes",
        core.shared.cut_bytes.load(std::sync::atomic::Ordering::Relaxed),
    );
    let (disk, _) = core.shared.disk();
    line(out, "disk_state", disk.as_str());
    let free = rustix::fs::statvfs(&core.shared.config.data);
    let free_bytes = free.map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize));
    line(out, "disk_free_bytes", free_bytes);
    line(out, "first_seq", core.shared.first_seq());
    line(out, "last_seq", core.seq());
    line(out, "written_seq", core.shared.written_seq());
    line(out, "durable_seq", core.shared.durable_seq());
    line(
        out,
        "snapshot_seq",
        core.shared.snapshot_of.load(std::sync::atomic::Ordering::Relaxed),
    );
    let hash = core.running().map_or(0, |r| r.engine.state_hash());
    line(out, "state_hash", format_args!("{hash:016x}"));
    let (syncs, sync_us) = core.shared.syncs();
    line(out, "log_syncs", syncs);
    line(out, "log_sync_us_mean", sync_us.checked_div(syncs).unwrap_or(0));
}

fn stats(core: &mut Core, out: &mut String) {
    let shared = &core.shared;
    line(out, "total_connections_received", shared.clients.accepted());
    line(out, "rejected_connections", shared.clients.refused());
    line(out, "evicted_clients", shared.clients.cut_off());
    line(out, "total_commands_processed", shared.commands());
    line(out, "total_error_replies", shared.refused());
    line(out, "feed_readers_waiting", core.feed.len());
}

fn tickets(core: &mut Core, out: &mut String) {
    let Some(r) = core.running() else {
        return;
    };
    super::figures::write(&r.engine.figures(), |name, value| line(out, name, value));
}

fn policies(core: &mut Core, out: &mut String) {
    let folder = core.shared.config.policies.as_ref();
    line(
        out,
        "policies_folder",
        folder.map_or_else(String::new, |path| path.display().to_string()),
    );
    let mistakes = &core.policies.mistakes;
    line(out, "policy_mistakes", mistakes.len());
    let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
    line(out, "policy_first_mistake", first);
    let migrating = core.running().is_some_and(|r| r.engine.is_migrating());
    line(out, "policy_migrating", u8::from(migrating));
}

fn replication(_: &mut Core, out: &mut String) {
    line(out, "role", "master");
    line(out, "connected_slaves", 0);
}

/// Resident memory of this process, bytes; 0 where the system does not say.
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| {
        let size = line.strip_prefix("VmRSS:")?;
        size.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    });
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_has_memory() {
        assert!(super::resident_bytes() > 100_000);
    }
}
