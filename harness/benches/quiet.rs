//! What a run costs beside its main phase: `cargo bench -p temblor --bench quiet`.
//!
//! Five quiet runs of five nodes (no faults). Printed are, for each and as a median: the wall time from command to verdict minus
//! `--time-limit`, and the time until all nodes were ready.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod figures;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use figures::median;

const RUNS: usize = 5;
const LIMIT_S: f64 = 2.0;

fn main() {
    figures::heading(&format!("temblor run fifo --nodes 5 --nemesis none --time-limit {LIMIT_S}"));
    let (mut added, mut ready): (Vec<f64>, Vec<f64>) = (0..RUNS).map(run).unzip();
    println!("median:  added {:.3} s, all nodes ready after {:.3} s", median(&mut added), median(&mut ready));
}

fn run(seed: usize) -> (f64, f64) {
    let results = tempfile::tempdir().expect("a temporary directory");
    let (begun, limit, seed) = (Instant::now(), LIMIT_S.to_string(), seed.to_string());
    let status = Command::new(env!("CARGO_BIN_EXE_temblor"))
        .args(["run", "fifo", "--nodes", "5", "--nemesis", "none", "--time-limit", &limit, "--seed", &seed])
        .arg("--out")
        .arg(results.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("temblor starts");
    let added = begun.elapsed().as_secs_f64() - LIMIT_S;
    assert!(status.success(), "a quiet run is clean");
    let ready = ready_after(&results.path().join("latest/history.jsonl"));
    println!("run:     added {added:.3} s, all nodes ready after {ready:.3} s");
    (added, ready)
}

/// All nodes are ready before the first request: its time bounds it from above, to within the plan's first interval of 20 ms.
fn ready_after(history: &Path) -> f64 {
    let text = fs::read_to_string(history).expect("a run leaves a history");
    let first = text.lines().find(|line| line.contains("\"type\":\"invoke\"")).expect("something was asked for");
    let time = first.split("\"time\":").nth(1).and_then(|rest| rest.split(',').next());
    time.and_then(|ns| ns.parse::<f64>().ok()).expect("an op has a time") / 1e9
}
