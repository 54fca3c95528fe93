//! The processes of a run that goes on, seen from outside, as proc(5) shows them.

#![allow(dead_code, reason = "each benchmark that includes this module uses a part of it")]

use std::fs;

/// The processes of one run, at one moment.
#[derive(Debug)]
pub struct Census {
    processes: Vec<Process>,
}

#[derive(Debug)]
struct Process {
    pid: u32,
    parent: u32,
    is_node: bool,
}

impl Census {
    /// The process that was started, and all below it.
    pub fn below(root: u32) -> Self {
        let all: Vec<Process> = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(seen).collect();
        let mut pids = vec![root];
        let mut at = 0;
        while let Some(pid) = pids.get(at).copied() {
            pids.extend(all.iter().filter(|process| process.parent == pid).map(|process| process.pid));
            at += 1;
        }
        Self { processes: all.into_iter().filter(|process| pids.contains(&process.pid)).collect() }
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.processes.len()
    }

    /// All of them.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(|process| process.pid)
    }

    /// The nodes.
    pub fn nodes(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().filter(|process| process.is_node).map(|process| process.pid)
    }

    /// The process that started the nodes; `None` while there are none.
    pub fn controller(&self) -> Option<u32> {
        self.processes.iter().find(|process| process.is_node).map(|process| process.parent)
    }
}

/// How many files a process has open.
pub fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// How much memory a process has now, MB; 0 if it has gone.
pub fn resident_mb(pid: u32) -> f64 {
    memory_mb(pid, "VmRSS:")
}

/// How much memory a process had at most, MB; 0 if it has gone.
pub fn peak_mb(pid: u32) -> f64 {
    memory_mb(pid, "VmHWM:")
}

/// How much processor time a process has had, s; 0 if it has gone.
pub fn cpu_s(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn memory_mb(pid: u32, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// A process, if the entry is one and it is still there.
fn seen(entry: fs::DirEntry) -> Option<Process> {
    let pid = entry.file_name().to_str()?.parse().ok()?;
    let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
    // The name in parentheses may hold anything; behind it stand the state and the parent.
    let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
    let command = fs::read(entry.path().join("cmdline")).ok()?;
    let is_node = command.split(|byte| *byte == 0).nth(1) == Some(b"node");
    Some(Process { pid, parent, is_node })
}
