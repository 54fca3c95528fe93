//! Pids as others see them: a process in a PID namespace has one pid inside and another outside.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

use nix::unistd::Pid;

use super::process;

/// The /proc of the outside, once another is mounted over it.
static OUTER_PROC: OnceLock<File> = OnceLock::new();

/// The pid by which processes outside know the process that is `pid` here: the same one, unless in a namespace. `None` if
/// there is no such process, or the outside cannot be seen (no /proc, or a kernel older than Linux 5.3).
pub fn outer_pid(pid: Pid) -> Option<Pid> {
    let process = process::open_pid(pid).ok()?;
    let proc = match OUTER_PROC.get() {
        Some(directory) => format!("/proc/self/fd/{}", directory.as_raw_fd()),
        None => "/proc".to_owned(),
    };
    // The kernel shows such a descriptor's process by the pid that it has in the namespace of this /proc.
    let shown = fs::read_to_string(format!("{proc}/self/fdinfo/{}", process.as_raw_fd())).ok()?;
    let number = shown.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    (number > 0).then(|| Pid::from_raw(number))
}

/// Keeps today's /proc in reach before another is mounted over it.
pub fn keep_outer_view() {
    if let Ok(directory) = File::open("/proc") {
        OUTER_PROC.get_or_init(|| directory);
    }
}
