//! The processor: how long nodes were ready to run and had to wait, because the machine had other things to do.
//!
//! A node that gets no processor answers late through no fault of its own, and a harness that is on time itself does not notice. The
//! kernel knows: the second number of `/proc/PID/task/TID/schedstat` is how long a thread has waited on a run queue.

use std::fs;

/// How long processes had waited for a processor at some moment.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    /// By pid: how long its thread had waited that waited longest, ns.
    by_pid: Vec<(i32, u64)>,
}

impl Waits {
    /// As of now. What the system does not tell counts as no wait.
    pub fn of(pids: impl IntoIterator<Item = i32>) -> Self {
        Self { by_pid: pids.into_iter().map(|pid| (pid, waited_ns(pid))).collect() }
    }

    /// The longest that one of these processes has waited since, ns.
    pub fn longest_since_ns(&self) -> u64 {
        self.by_pid.iter().map(|(pid, before_ns)| waited_ns(*pid).saturating_sub(*before_ns)).max().unwrap_or(0)
    }
}

fn waited_ns(pid: i32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let waits = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    });
    waits.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Waits, waited_ns};

    #[test]
    fn a_process_that_is_gone_has_not_waited() {
        assert_eq!(waited_ns(i32::MAX), 0);
        assert_eq!(Waits::of([i32::MAX]).longest_since_ns(), 0);
    }

    #[test]
    fn waiting_never_falls() {
        let pid = std::process::id() as i32;
        let before = waited_ns(pid);
        assert!(Waits::of([pid]).longest_since_ns() < 60_000_000_000 && waited_ns(pid) >= before);
    }
}
