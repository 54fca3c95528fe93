//! Committed broadcasts a second: chains of broadcasts, in each of which the next node broadcasts once it has delivered the message
//! before.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use temblor::trial::Trials;
use temblor_workloads::plan::{FORMAT, Operation, Plan, Rule, When};

use super::Subject;

/// So many broadcasts are under way at a time.
const OUTSTANDING: u64 = 50;
/// No algorithm goes through more in the time.
const BROADCASTS_MAX: u64 = 300_000;
/// How long the load lasts, and how much of its beginning is left out, us.
const LENGTH_US: u64 = 5_000_000;
const WARM_US: u64 = 1_500_000;

/// Broadcasts a second that were acknowledged, and how long that took; the nodes' data is in a folder below this one.
pub fn of(subject: &Subject, nodes: u64, below: &Path) -> Value {
    let folder = tempfile::tempdir_in(below).expect("a temporary directory");
    let trials = Trials::on_processes(&subject.system, &subject.launch, folder.path());
    let trial = trials.run(&closed(subject.system.setting(Vec::new()).algorithm, nodes)).expect("the load runs");
    let history = String::from_utf8(trial.facts.history).expect("a history is text");
    let ops: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).expect("a line is an op")).collect();
    let begun = ops.iter().find(|op| op["f"] == "broadcast" && op["type"] == "invoke").map_or(0, time);
    let (from, to) = (begun + WARM_US * 1_000, begun + LENGTH_US * 1_000);
    let mut asked: BTreeMap<u64, u64> = BTreeMap::new();
    let mut took: Vec<u64> = Vec::new();
    for op in ops.iter().filter(|op| op["f"] == "broadcast" && op["process"].is_u64()) {
        let message = op["value"]["message"].as_u64().expect("a broadcast has a message");
        match op["type"].as_str() {
            Some("invoke") => {
                asked.insert(message, time(op));
            }
            Some("ok") if (from..to).contains(&time(op)) => took.push(time(op) - asked[&message]),
            _ => {}
        }
    }
    took.sort_unstable();
    let ms = |share: usize| took.get(took.len() * share / 100).map_or(0.0, |ns| (ns / 10_000) as f64 / 100.0);
    let each_second = took.len() as u64 * 1_000_000 / (LENGTH_US - WARM_US);
    json!({ "per_second": each_second, "p50_ms": ms(50), "p99_ms": ms(99), "outcome": trial.verdict.outcome })
}

fn time(op: &Value) -> u64 {
    op["time"].as_u64().expect("an op has a time")
}

fn closed(algorithm: String, nodes: u64) -> Plan {
    let length = BROADCASTS_MAX / OUTSTANDING;
    let node = |turn: u64| format!("n{}", turn % nodes + 1);
    let message = |chain: u64, at: u64| chain * length + at + 1;
    // A leader is elected first.
    let head = |chain: u64| Operation::broadcast(When::AtUs(500_000), node(chain), message(chain, 0));
    let links = (0..OUTSTANDING).flat_map(|chain| (1..length).map(move |at| (chain, at)));
    let rules = links.map(|(chain, at)| Rule {
        on_deliver: message(chain, at - 1),
        node: node(chain + at),
        broadcast: message(chain, at),
    });
    Plan {
        format: FORMAT,
        algorithm,
        over: None,
        fanout: None,
        http: false,
        topology: Default::default(),
        clients_max: None,
        workload: String::new(),
        seed: 7,
        nodes: (0..nodes).map(node).collect(),
        length_us: 500_000 + LENGTH_US,
        beyond_model: false,
        requested: Vec::new(),
        operations: (0..OUTSTANDING).map(head).collect(),
        faults: Vec::new(),
        rules: rules.collect(),
    }
}
