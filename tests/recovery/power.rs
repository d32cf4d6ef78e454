//! The power goes while the daemon writes: its file system is in a loop-mounted image, the daemon is stopped between two
//! instructions, the image as it is then is copied, and the copy is mounted under another boot id.
//!
//! The image holds what the file system had given to its device; what was only in the page cache is gone. That the copy is
//! of one moment is sure because every thread of the daemon stands still and the file system is younger than the age at
//! which the kernel writes anything by itself (30 s).
//!
//! 2 images a policy; `SLAD_TEST_LONG=1`: 34.

use crate::load::Sent;
use crate::random::Random;
use crate::support::{Client, Daemon, Value};
use crate::{flags, is_long, position, repeat_tokens, same_hash_again, set_agents, settled, under_load};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const IMAGE_BYTES: u64 = 160 << 20;
/// Under `interval`, what was acknowledged so long before the end must be there: 100 ms and one sync, and a machine
/// that had other things to do.
const INTERVAL_AND_A_SYNC: Duration = Duration::from_secs(2);

/// A loop-mounted file system; unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(image: &Path, at: &Path) -> Mounted {
        std::fs::create_dir_all(at).unwrap();
        run(&["mount", "-o", "loop,noatime,commit=600", &text(image), &text(at)]);
        Mounted(at.to_path_buf())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily if it must be: a test that fails leaves nothing mounted.
        if !Command::new("umount")
            .arg(&self.0)
            .status()
            .is_ok_and(|s| s.success())
        {
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn run(words: &[&str]) {
    let out = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success(),
        "{words:?} failed (this test needs root and loop devices): {said}"
    );
}

/// Lets the daemon see another boot id: what it asks whether the system still has what was written.
fn boot(folder: &Path, number: u64) -> Vec<String> {
    let file = folder.join("boot_id");
    std::fs::write(&file, format!("00000000-0000-4000-8000-{number:012x}\n")).unwrap();
    let script = format!(
        "mount --bind {} /proc/sys/kernel/random/boot_id && exec \"$@\"",
        file.display()
    );
    [
        "unshare",
        "-m",
        "--propagation",
        "private",
        "sh",
        "-c",
        &script,
        "sh",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn a_power_loss_under_always_loses_nothing() {
    power_losses("always", 11);
}

#[test]
fn a_power_loss_under_interval_loses_the_interval_at_most() {
    power_losses("interval", 12);
}

#[test]
fn a_power_loss_under_never_loses_what_was_not_synced_and_says_so() {
    power_losses("never", 13);
}

#[derive(Default)]
struct Totals {
    images: u64,
    kept: u64,
    lost: u64,
    gaps: u64,
}

fn power_losses(sync: &str, salt: u64) {
    let images = if is_long() { 34 } else { 2 };
    let mut random = Random::new(Random::seed().wrapping_add(salt));
    let mut totals = Totals::default();
    // On a busy machine little happens before the power goes: then it goes more often.
    let enough = |totals: &Totals| totals.kept + totals.lost > 20 * images;
    while totals.images < images || (!enough(&totals) && totals.images < 20 * images) {
        let lives = (1 + random.below(3)).min(images.saturating_sub(totals.images).max(1));
        one_disk(sync, &mut random, lives, &mut totals);
    }
    println!(
        "{} images of a power loss under {sync}: {} acknowledged facts all there, {} gone as promised, {} gaps told",
        totals.images, totals.kept, totals.lost, totals.gaps
    );
    assert!(enough(&totals), "too little happened");
    assert!(sync != "always" || totals.lost == 0);
}

/// A log from its first event, through so many power losses.
fn one_disk(sync: &str, random: &mut Random, lives: u64, totals: &mut Totals) {
    let flags = flags(sync);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let start = |folder: tempfile::TempDir, life| {
        let wrapper = boot(folder.path(), life);
        Daemon::wrapped(folder, &wrapper, &flags)
    };
    let mut folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    std::fs::File::create(&image)
        .unwrap()
        .set_len(IMAGE_BYTES)
        .unwrap();
    run(&["mkfs.ext4", "-q", "-F", &text(&image)]);
    // Dropped in this order: daemon, then its file system.
    let mut mounted = Mounted::new(&image, &folder.path().join("data"));
    let mut daemon = start(folder, 0);
    set_agents(&daemon, random);
    let mut sent: Vec<Sent> = Vec::new();
    let mut gaps_before = 0;
    for life in 0..lives {
        let connections = under_load(&daemon, random, life);
        let durable = watch_durable(&daemon);
        let most = *random.pick(&[20, 60, 200, 200, 2_600]);
        std::thread::sleep(Duration::from_millis(5 + random.below(most)));
        stop_dead(&daemon);
        let stopped_at = Instant::now();
        folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("image");
        let image = daemon.folder().join("image");
        run(&["cp", "--sparse=always", &text(&image), &text(&copy)]);
        daemon.kill();
        let new: Vec<Sent> = connections.into_iter().flat_map(|c| c.join().unwrap()).collect();
        let durable = durable();
        drop(mounted);
        drop(daemon);

        mounted = Mounted::new(&copy, &folder.path().join("data"));
        daemon = start(folder, life + 1);
        totals.images += 1;
        let first_new = sent.len();
        sent.extend(new);
        let model = settled(&daemon, &sent, random, life + 1 == lives);
        let gaps = &model.lost[gaps_before..];
        gaps_before = model.lost.len();
        totals.gaps += gaps.len() as u64;
        for (from, to) in gaps {
            assert!(*from > durable, "seq {durable} was said to be durable");
            reads_on(&mut daemon.client(), *from, *to);
        }
        for sent in &sent[first_new..] {
            let Some(Value::Int(seq)) = sent.reply else {
                continue;
            };
            if !model.is_lost(seq) {
                totals.kept += 1;
                continue;
            }
            totals.lost += 1;
            assert_ne!(sync, "always", "acknowledged and gone: {:?}", sent.words);
            let before = stopped_at.saturating_duration_since(sent.replied_at.unwrap());
            assert!(
                sync != "interval" || before < INTERVAL_AND_A_SYNC,
                "acknowledged {before:?} before the end, and gone: {:?}",
                sent.words
            );
        }
        let last = position(&mut daemon.client()).0;
        assert!(
            last >= newest_shown(&sent),
            "a seq that was shown could be used twice"
        );
        if sync == "always" {
            repeat_tokens(&mut daemon.client(), &sent, &mut crate::Totals::default());
        }
        same_hash_again(&mut daemon, random);
    }
    daemon.kill();
    drop(mounted);
}

/// A cursor among the seqs that are gone reads on at the event that tells so.
fn reads_on(client: &mut Client, from: i64, to: i64) {
    for cursor in [from - 1, from, (from + to) / 2, to] {
        let reply = client.say(&format!("XREAD COUNT 1 STREAMS events {cursor}"));
        let entry = &reply.list()[0].list()[1].list()[0].list();
        assert_eq!(entry[0].text(), format!("{}-0", to + 1), "after {cursor}");
        assert_eq!(entry[1].get("type").text(), "log.recovered");
    }
}

fn newest_shown(sent: &[Sent]) -> i64 {
    let seq = |sent: &Sent| match &sent.reply {
        Some(Value::Int(seq)) => *seq,
        _ => 0,
    };
    sent.iter().map(seq).max().unwrap_or(0)
}

/// Stops every thread of the daemon, and waits until all of them stand.
fn stop_dead(daemon: &Daemon) {
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let tasks = format!("/proc/{}/task", daemon.pid());
    let stands = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        matches!(state, None | Some('T'))
    };
    while !std::fs::read_dir(&tasks).unwrap().all(stands) {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Asks again and again how far the log is durable; the last answer when the daemon is gone.
fn watch_durable(daemon: &Daemon) -> impl FnOnce() -> i64 + use<> {
    let newest = Arc::new(AtomicI64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let mut client: Client = daemon.client();
    let asking = {
        let (newest, over) = (newest.clone(), over.clone());
        std::thread::spawn(move || {
            while !over.load(SeqCst) {
                let Some(info) = client.try_cmd(&["INFO", "persistence"]) else {
                    return;
                };
                let seq = info.text().lines().find_map(|l| l.strip_prefix("durable_seq:"));
                newest.fetch_max(seq.unwrap().trim().parse().unwrap(), SeqCst);
                std::thread::sleep(Duration::from_millis(3));
            }
        })
    };
    move || {
        over.store(true, SeqCst);
        asking.join().unwrap();
        newest.load(SeqCst)
    }
}
