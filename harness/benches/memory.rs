//! Whether the harness's memory grows with the length of a run: `cargo bench -p temblor --bench memory -- --minutes 10`.
//!
//! A real run of five nodes of `eager` at 1,000 broadcasts a second. Each second the memory of the controller is looked at, for as
//! long as the nodes live, so that the judge, who works afterwards, does not count. It is flat if the median of the last quarter
//! is no more than that of the first and a twentieth of it. Without `--minutes` the run lasts one.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod census;
mod figures;

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use census::Census;
use figures::median;

const RATE: &str = "1000";
/// So much more is not flat any more.
const GROWTH_MAX: f64 = 1.05;
const LOOK: Duration = Duration::from_secs(1);

fn main() {
    let seconds = (minutes() * 60.0).to_string();
    figures::heading(&format!("temblor run eager --nodes 5 --nemesis none --rate {RATE} --time-limit {seconds}"));
    let results = tempfile::tempdir().expect("a temporary directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_temblor"))
        .args(["run", "eager", "--nodes", "5", "--nemesis", "none", "--rate", RATE, "--time-limit", &seconds])
        .args(["--seed", "7", "--out"])
        .arg(results.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("temblor starts");
    let samples = samples(&mut child);
    let status = child.wait().expect("a child can be waited for");
    println!("the run ended with exit code {:?} after {} samples, one a second", status.code(), samples.len());
    report(&samples);
}

/// One look: memory of the controller, and of all nodes together, MB.
type Sample = (f64, f64);

fn samples(child: &mut Child) -> Vec<Sample> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while child.try_wait().expect("a child can be waited for").is_none() {
        let census = Census::below(child.id());
        if let Some(controller) = census.controller() {
            samples.push((census::resident_mb(controller), census.nodes().map(census::resident_mb).sum()));
        }
        let next = LOOK * u32::try_from(begun.elapsed().as_secs() + 1).expect("a run is not that long");
        sleep(next.saturating_sub(begun.elapsed()));
    }
    samples
}

fn report(samples: &[Sample]) {
    let quarter = samples.len() / 4;
    assert!(quarter > 0, "the run was too short to say anything");
    println!("{:12} {:>14} {:>14}", "quarter", "controller, MB", "all nodes, MB");
    let medians: Vec<Sample> = samples.chunks(quarter).take(4).map(middle).collect();
    for (at, (controller, nodes)) in medians.iter().enumerate() {
        println!("{:12} {controller:>14.1} {nodes:>14.1}", at + 1);
    }
    let growth = medians[3].0 / medians[0].0;
    let verdict = if growth <= GROWTH_MAX { "met" } else { "missed" };
    println!("controller, last quarter to first: {growth:.3}, target <= {GROWTH_MAX}: {verdict}");
}

/// Each column's own median.
fn middle(samples: &[Sample]) -> Sample {
    let (mut controller, mut nodes): (Vec<f64>, Vec<f64>) = samples.iter().copied().unzip();
    (median(&mut controller), median(&mut nodes))
}

/// What stands behind `--minutes`. Cargo passes `--bench` too.
fn minutes() -> f64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--minutes").skip(1);
    arguments.next().map_or(1.0, |minutes| minutes.parse().expect("--minutes takes a number"))
}
