//! The log's parts: a frame out (rkyv, checksums) and in (checksums, bytecheck), and durable group commit.
//!
//! `cargo bench --bench journal`. `SLAD_BENCH_DIR` says on which disk (default: the target directory's). Goals:
//! 60 ns out, 25 ns in; a single commit at the disk's own fdatasync.
#![allow(missing_docs, reason = "criterion's macros make an undocumented main")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use slad::journal::disk::{Disk, RealDisk};
use slad::journal::sim::SimDisk;
use slad::journal::{Batch, Config, OpenedLog, Writer, open};
use slad::model::event::{AssignedHow, Body, Event, TicketEvent, TicketFact};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

/// The commonest kind of event: short names, no clocks.
fn event() -> Event {
    Event {
        at: 1_767_225_600_000,
        logged_at: 1_767_225_600_000,
        cause: 0,
        tenant: 0,
        body: Body::Ticket(TicketEvent {
            id: "t12345".into(),
            queue: "billing".into(),
            agent: "a17".into(),
            prev: 99,
            fact: TicketFact::Assigned {
                how: AssignedHow::Next,
                over: 0,
                from: "".into(),
            },
            clocks: None,
            origin: None,
        }),
    }
}

fn fill(batch: &mut Batch, first: u64, frames: u64, event: &Event) {
    for seq in first..first + frames {
        if let Err(e) = batch.push(seq, std::slice::from_ref(event)) {
            unreachable!("{e}");
        }
    }
}

fn opened(disk: Arc<dyn Disk>) -> OpenedLog {
    match open(disk, Config::default()) {
        Ok(log) => log,
        Err(e) => unreachable!("{e}"),
    }
}

fn append(writer: &mut Writer, batch: &mut Batch, sync: bool) {
    let done = writer
        .append(batch)
        .and_then(|_| if sync { writer.sync() } else { Ok(()) });
    if let Err(e) = done {
        unreachable!("{e}");
    }
    batch.clear();
}

fn frames(c: &mut Criterion) {
    const FRAMES: u64 = 1024;
    let event = event();
    let mut group = c.benchmark_group("frame");
    group.throughput(Throughput::Elements(FRAMES));
    let mut batch = Batch::new();
    group.bench_function("serialize", |b| {
        b.iter(|| {
            batch.clear();
            fill(&mut batch, 1, FRAMES, &event);
            black_box(batch.len_bytes())
        });
    });
    // Serialization, checksums and the copy into a disk of memory.
    let mut writer = match opened(Arc::new(SimDisk::new())).into_writer() {
        Ok(writer) => writer,
        Err(e) => unreachable!("{e}"),
    };
    let mut written = 0u64;
    group.bench_function("out", |b| {
        b.iter(|| {
            if written > 400_000 {
                // Stay inside one segment: rotation is another matter.
                writer = match opened(Arc::new(SimDisk::new())).into_writer() {
                    Ok(writer) => writer,
                    Err(e) => unreachable!("{e}"),
                };
                written = 0;
            }
            fill(batch_at(&mut batch), writer.next_seq(), FRAMES, &event);
            append(&mut writer, &mut batch, false);
            written += FRAMES;
        });
    });
    let dir = bench_dir("frames");
    let mut on_disk = match real(&dir).into_writer() {
        Ok(writer) => writer,
        Err(e) => unreachable!("{e}"),
    };
    batch.clear();
    fill(&mut batch, 1, FRAMES, &event);
    append(&mut on_disk, &mut batch, true);
    drop(on_disk);
    let log = real(&dir);
    group.bench_function("replay (checked, owned)", |b| {
        b.iter(|| {
            let mut n = 0u64;
            let done = log.replay(0, |seq, event| {
                n += seq ^ event.prev();
                Ok(())
            });
            assert!(done.is_ok());
            n
        });
    });
    group.finish();
    drop(log);
    let _ = std::fs::remove_dir_all(dir);
}

fn batch_at(batch: &mut Batch) -> &mut Batch {
    batch.clear();
    batch
}

trait Prev {
    fn prev(&self) -> u64;
}

impl Prev for Event {
    fn prev(&self) -> u64 {
        match &self.body {
            Body::Ticket(t) => t.prev,
            _ => 0,
        }
    }
}

fn bench_dir(name: &str) -> std::path::PathBuf {
    let root = std::env::var_os("SLAD_BENCH_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        std::path::PathBuf::from,
    );
    root.join(format!("bench-journal-{name}-{}", std::process::id()))
}

fn real(dir: &Path) -> OpenedLog {
    match RealDisk::new(dir, std::process::id()) {
        Ok(disk) => opened(Arc::new(disk)),
        Err(e) => unreachable!("{e}"),
    }
}

fn commits(c: &mut Criterion) {
    let event = event();
    let mut group = c.benchmark_group("append and fdatasync");
    group.sample_size(20);
    for frames in [1u64, 64, 4096] {
        let dir = bench_dir(&frames.to_string());
        let mut writer = match real(&dir).into_writer() {
            Ok(writer) => writer,
            Err(e) => unreachable!("{e}"),
        };
        let mut batch = Batch::new();
        group.throughput(Throughput::Elements(frames));
        group.bench_function(format!("{frames} frames"), |b| {
            b.iter(|| {
                fill(batch_at(&mut batch), writer.next_seq(), frames, &event);
                append(&mut writer, &mut batch, true);
            });
        });
        drop(writer);
        let _ = std::fs::remove_dir_all(dir);
    }
    group.finish();
}

criterion_group!(benches, frames, commits);
criterion_main!(benches);
