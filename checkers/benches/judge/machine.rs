//! What figures are worth nothing without: the machine and the commit.

use std::process::Command;

/// The machine and the commit, in one line each.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("machine: {}, {cores} cores, kernel {}\ncommit:  {}", processor(), kernel.trim(), commit())
}

fn processor() -> String {
    let known = read("/proc/cpuinfo");
    let model = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown processor", |(_, model)| model).to_owned()
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    if changed { commit + ", and changes that are not committed" } else { commit }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
