//! What a campaign costs and what it survives: `cargo bench -p temblor --bench campaigns [-- speed|memory|kills]`.
//!
//! Without an argument all three: how many runs an hour each executor makes of the smoke scenarios, and what a run costs
//! beside its main phase; 10,000 runs in virtual time, with the memory of the controller and whether the journal is complete;
//! and a campaign whose controller is killed with SIGKILL twenty times and always goes on.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../census/mod.rs"]
mod census;
#[path = "../figures/mod.rs"]
mod figures;
mod kills;
mod memory;
mod speed;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let asked = |part: &str| parts.is_empty() || parts.iter().any(|name| name == part);
    figures::heading("cargo bench -p temblor --bench campaigns");
    if asked("speed") {
        speed::measure();
    }
    if asked("memory") {
        memory::measure();
    }
    if asked("kills") {
        kills::measure();
    }
}

/// A campaign in a folder, silent: `arguments` stand behind `temblor campaign`.
pub fn campaign(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
    command.arg("campaign").args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The lines of a campaign's journal that are about finished runs.
pub fn finished(campaign: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(campaign.join("runs.jsonl")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["line"] == "run").collect()
}

/// How many different runs stand in these lines.
pub fn different(lines: &[Value]) -> usize {
    lines.iter().filter_map(|line| line["k"].as_u64()).collect::<std::collections::BTreeSet<_>>().len()
}
