//! strace attached to the log thread of a running daemon, putting faults into its system calls.

use crate::support::Daemon;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A tracer; killed when dropped, which lets the daemon go on untouched.
pub(crate) struct Strace {
    child: Child,
    output: PathBuf,
    _folder: tempfile::TempDir,
}

impl Strace {
    /// Puts `faults` (strace's `inject=` expressions) into what the log thread does from now on.
    pub(crate) fn attach(daemon: &Daemon, faults: &[&str]) -> Strace {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("trace");
        let tid = log_thread(daemon.pid());
        let mut command = Command::new("strace");
        command.args(["-p", &tid.to_string(), "-o"]).arg(&output);
        command.args(["-e", "trace=pwrite64,fdatasync"]);
        for fault in faults {
            command.args(["-e", &format!("inject={fault}")]);
        }
        let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("strace: {e}: install strace"));
        let status = format!("/proc/{}/task/{tid}/status", daemon.pid());
        let started = Instant::now();
        while std::fs::read_to_string(&status)
            .unwrap()
            .contains("TracerPid:\t0\n")
        {
            if let Some(ended) = child.try_wait().unwrap() {
                let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
                panic!("strace ended with {ended}: {said}");
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "strace does not attach"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        // Traced from its next system call on; give strace the moment that it needs to ask for them.
        std::thread::sleep(Duration::from_millis(50));
        Strace {
            child,
            output,
            _folder: folder,
        }
    }

    /// The calls so far, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.output).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The calls behind the first one that a fault was put into.
    pub(crate) fn behind_the_fault(&mut self) -> Vec<String> {
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(20), "strace does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut calls = self.calls().into_iter();
        assert!(
            calls.any(|call| call.contains("(INJECTED")),
            "no fault came to pass"
        );
        calls.collect()
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_thread(pid: u32) -> u32 {
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let task = task.unwrap();
        if std::fs::read_to_string(task.path().join("comm")).unwrap() == "slad-log\n" {
            return task.file_name().into_string().unwrap().parse().unwrap();
        }
    }
    panic!("process {pid} has no thread slad-log");
}
