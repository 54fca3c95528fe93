//! The time to a new leader: from what happens to the old one until another claims a later term.

use serde_json::{Value, json};
use temblor::trial::Trials;
use temblor_workloads::plan::Plan;

use super::Subject;
use super::figures::median;

/// How often it is measured.
const RUNS: u64 = 20;
/// The longest election time-out of all algorithms here, ms: it is drawn between a half of it and the whole.
const ELECTION_MS: f64 = 300.0;

/// What happens to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGKILL.
    Kill,
    /// It is cut off from all others.
    Partition,
    /// SIGSTOP.
    Pause,
}

/// Median and longest, in ms and in election time-outs, of five nodes on real processes.
pub fn after(subject: &Subject, cause: Cause) -> Value {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let trials = Trials::on_processes(&subject.system, &subject.launch, folder.path());
    let algorithm = subject.system.setting(Vec::new()).algorithm;
    let took = (1..=RUNS).filter_map(|seed| {
        let trial = trials.run(&plan(&algorithm, seed, cause)).expect("the plan runs");
        new_leader(&trial.facts.history, cause)
    });
    let mut took: Vec<f64> = took.collect();
    assert!(!took.is_empty(), "no new leader was ever elected");
    let (middle, longest) = (median(&mut took), took.iter().copied().fold(0.0, f64::max));
    let told = |ms: f64| json!({ "ms": ms.round(), "time_outs": (ms / ELECTION_MS * 10.0).round() / 10.0 });
    json!({ "runs": RUNS, "elected": took.len(), "median": told(middle), "longest": told(longest) })
}

fn plan(algorithm: &str, seed: u64, cause: Cause) -> Plan {
    let fault = match cause {
        Cause::Kill => r#"{"kill":{"node":"leader"}}"#,
        Cause::Partition => r#"{"partition":{"shape":"split-brain","around_leader":{}}}"#,
        Cause::Pause => r#"{"pause":{"node":"leader"}}"#,
    };
    // The moment moves through the leader's rhythm.
    let at_us = 1_000_000 + seed * 7_919 % 100_000;
    let text = format!(
        r#"{{"format":1,"algorithm":"{algorithm}","seed":{seed},"nodes":["n1","n2","n3","n4","n5"],"length_us":3500000,
            "operations":[{{"when":{{"at_us":900000}},"node":"n1","broadcast":1}}],
            "faults":[{{"id":1,"when":{{"at_us":{at_us}}},"for_us":2000000,"fault":{fault}}}]}}"#
    );
    Plan::parse(&text).expect("this is a plan")
}

/// From the fault to the first claim of a later term, ms.
fn new_leader(history: &[u8], cause: Cause) -> Option<f64> {
    let name = match cause {
        Cause::Kill => "kill",
        Cause::Partition => "partition",
        Cause::Pause => "pause",
    };
    let lines = history.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let ops: Vec<Value> = lines.map(|line| serde_json::from_slice(line).expect("a line is an op")).collect();
    let fault = ops.iter().position(|op| op["f"] == name && op["type"] == "invoke")?;
    let term = |op: &Value| op["value"]["term"].as_u64().unwrap_or(0);
    let claims = |op: &&Value| op["f"] == "leader";
    let old = ops[..fault].iter().filter(claims).map(term).max()?;
    let new = ops[fault..].iter().filter(claims).find(|op| term(op) > old)?;
    let time = |op: &Value| op["time"].as_u64().expect("an op has a time") as f64 / 1e6;
    Some(time(new) - time(&ops[fault]))
}
