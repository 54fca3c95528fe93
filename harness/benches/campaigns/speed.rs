//! Runs an hour, and what a run costs beside its main phase.

use std::time::Instant;

use crate::figures::median;
use crate::{campaign, finished};

/// The algorithms and faults of the smoke campaign's first scenario, so that executors are compared on the same work.
const SCENARIO: &str = r#"
canary = false
[[scenario]]
algorithms = ["eager", "fifo", "causal", "total-sequencer"]
faults = ["none", "kill", "partition", "link"]
nodes = [4]
time-limit = "1s"
"#;
/// The length of a plan's main phase, s.
const MAIN_S: f64 = 1.0;
/// On each executor as many runs as take some ten seconds.
const EXECUTORS: &[(&str, usize)] = &[("processes", 32), ("lockstep", 320), ("sim", 8_000)];

pub fn measure() {
    println!("\nruns an hour: eager, fifo, causal, total-sequencer under none, kill, partition, link;");
    println!("4 nodes, main phase 1 s, as many at once as the campaign thinks right");
    println!("{:10} {:>6} {:>8} {:>12} {:>22}", "executor", "runs", "took, s", "runs an hour", "median of a run, ms");
    for (executor, runs) in EXECUTORS {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let text = format!("{SCENARIO}executors = [\"{executor}\"]\n");
        std::fs::write(folder.path().join("speed.toml"), text).expect("a file can be written");
        let begun = Instant::now();
        let runs = runs.to_string();
        let status = campaign(folder.path(), &["speed.toml", "--seed", "1", "--runs", &runs]).status();
        let took = begun.elapsed().as_secs_f64();
        assert!(status.expect("temblor starts").success(), "a correct system held");
        let lines = finished(&folder.path().join("results/latest"));
        let mut each: Vec<f64> = lines.iter().filter_map(|line| line["took_ms"].as_f64()).collect();
        let (count, middle) = (lines.len(), median(&mut each));
        let beside = match *executor {
            "processes" => format!("{middle:.0} ({:.0} beside main)", middle - MAIN_S * 1e3),
            _ => format!("{middle:.0}"),
        };
        let an_hour = f64::from(u32::try_from(count).expect("not that many")) / took * 3_600.0;
        println!("{executor:10} {count:>6} {took:>8.1} {an_hour:>12.0} {beside:>22}");
    }
}
