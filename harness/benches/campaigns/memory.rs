//! Ten thousand runs in one campaign: memory, time, and whether the journal has each.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::census::{Census, resident_mb};
use crate::figures::median;
use crate::{campaign, different, finished};

const RUNS: usize = 10_000;
const LOOK: Duration = Duration::from_millis(50);
const FILE: &str = r#"
canary = false
[[scenario]]
algorithms = ["all"]
faults = ["all"]
nodes = [5]
executors = ["sim"]
rate = 200
"#;

pub fn measure() {
    println!("\n{RUNS} sim runs of every algorithm under every class of faults, in one campaign");
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("many.toml"), FILE).expect("a file can be written");
    let begun = Instant::now();
    let runs = RUNS.to_string();
    let started = campaign(folder.path(), &["many.toml", "--seed", "1", "--runs", &runs]).spawn();
    let mut child = started.expect("temblor starts");
    let mut samples: Vec<f64> = Vec::new();
    while child.try_wait().expect("a child can be waited for").is_none() {
        // Whoever has children of its own is not to be forgotten.
        let below = Census::below(child.id());
        samples.push(below.pids().map(resident_mb).sum());
        sleep(LOOK);
    }
    let took = begun.elapsed().as_secs_f64();
    let status = child.wait().expect("a child can be waited for");
    let lines = finished(&folder.path().join("results/latest"));
    println!("exit code {:?} after {took:.1} s; {} lines for {} runs", status.code(), lines.len(), different(&lines));
    let quarter = (samples.len() / 4).max(1);
    let mut medians: Vec<f64> = samples.chunks(quarter).take(4).map(|part| median(&mut part.to_vec())).collect();
    let all: Vec<String> = medians.iter().map(|mb| format!("{mb:.1}")).collect();
    let growth = medians.pop().unwrap_or(0.0) / medians.first().copied().unwrap_or(1.0);
    println!("memory by quarter, MB: {}; last to first {growth:.3}", all.join(", "));
}
