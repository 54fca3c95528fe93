//! The points that the lectures make about what their algorithms can't do, each as a plan that shows it, simulated and on real
//! processes. README tells them as commands.

mod command;

use command::Temblor;
use serde_json::Value;

/// A node, and what it delivers.
type Delivered = (&'static str, &'static [u64]);

/// A point: the system, its plan in workloads/lectures, and what each node delivers.
const POINTS: &[(&str, &str, &[Delivered])] = &[
    ("retransmit", "sender-killed-half-way", &[("n1", &[1]), ("n2", &[1]), ("n3", &[])]),
    ("fifo --over best-effort", "fifo-over-lossy-links", &[("n1", &[1, 2, 3]), ("n2", &[]), ("n3", &[1, 2, 3])]),
    ("total-sequencer", "sequencer-killed", &[("n1", &[1]), ("n2", &[1]), ("n3", &[1])]),
    ("total-lamport", "one-node-down", &[("n1", &[1]), ("n2", &[1]), ("n3", &[1])]),
];

fn deliveries(temblor: &Temblor, node: &str) -> Vec<u64> {
    let ops = temblor.json_lines("results/latest/history.jsonl");
    let own = ops.iter().filter(|op| op["process"] == node && op["f"] == "deliver");
    own.filter_map(|op| op["value"].as_u64()).collect()
}

fn shows(executor: &str) {
    let temblor = Temblor::new();
    for (system, plan, delivered) in POINTS {
        // What is lost lies outside of what is promised, so nothing is violated.
        temblor.run(&format!("run {system} --plan {plan} --executor {executor}")).expect(0);
        for (node, messages) in *delivered {
            assert_eq!(deliveries(&temblor, node), *messages, "{plan}, {node}, {executor}");
        }
    }
}

#[test]
fn the_lectures_points_show_on_real_processes() {
    shows("processes");
}

#[test]
fn the_lectures_points_show_in_simulation() {
    shows("sim");
}

/// How often the one charge stands in the ledger, and how its client was answered.
const CHARGES: &[(&str, &str, usize, &str)] = &[
    ("rpc --over no-retry", "charge-answer-lost", 1, "info"),
    ("rpc --over retry", "charge-repeated", 2, "ok"),
    ("rpc --over memory-keys", "charge-repeated-after-crash", 2, "ok"),
    ("rpc", "charge-once", 1, "ok"),
];

#[test]
fn a_repeated_call_takes_effect_twice_unless_its_key_outlives_a_crash() {
    for executor in ["processes", "processes --http", "lockstep", "sim"] {
        let temblor = Temblor::new();
        for (system, plan, times, answer) in CHARGES {
            temblor.run(&format!("run {system} --plan {plan} --executor {executor}")).expect(0);
            let ops = temblor.json_lines("results/latest/history.jsonl");
            let ledger = ops.iter().rfind(|op| op["f"] == "ledger" && op["type"] == "ok").unwrap();
            let records = ledger["value"]["ledger"].as_array().unwrap();
            let charged = records.iter().filter(|record| record["amount"] == 101).count();
            let told = ops.iter().rfind(|op| op["f"] == "charge" && op["value"]["charge"] == 1).unwrap();
            assert_eq!((charged, told["type"].as_str().unwrap()), (*times, *answer), "{plan}, {executor}");
        }
    }
}

/// Who claimed to lead which term, in the order of the terms.
fn leaders(ops: &[Value]) -> Vec<(u64, String)> {
    let claims = ops.iter().filter(|op| op["f"] == "leader");
    let mut claims: Vec<(u64, String)> =
        claims.map(|op| (op["value"]["term"].as_u64().unwrap(), op["process"].as_str().unwrap().to_owned())).collect();
    claims.sort();
    claims
}

#[test]
fn two_leaders_of_different_terms_are_legal_and_the_old_one_cannot_commit() {
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/lectures/split-brain.json");
    for executor in ["processes", "lockstep", "sim"] {
        let temblor = Temblor::new();
        temblor.run(&format!("run raft --plan {plan} --executor {executor}")).expect(0);
        let ops = temblor.json_lines("results/latest/history.jsonl");
        let place = |kind: &str| ops.iter().position(|op| op["f"] == "partition" && op["type"] == kind).unwrap();
        let (cut, whole) = (place("invoke"), place("ok"));
        let old = leaders(&ops[..cut]).pop().unwrap();
        let new = leaders(&ops[cut..whole]).pop().unwrap();
        assert!(new.0 > old.0 && new.1 != old.1, "{executor}: {old:?} and then {new:?}");
        // The others deliver meanwhile; the old leader, with a request of its own, does not.
        let delivered = |node: &str| {
            let of_node = ops[cut..whole].iter().filter(|op| op["process"] == node && op["f"] == "deliver");
            of_node.count()
        };
        assert_eq!((delivered(&old.1), delivered(&new.1)), (0, 2), "{executor}");
        // The three round trips, by the keys of their frames.
        let frames = temblor.read("results/latest/messages.jsonl");
        for step in ["request-vote/", "vote/", "append/", "appended/", "commit/"] {
            assert!(frames.contains(&format!("\"{step}")), "{executor}: {step}");
        }
    }
}

#[test]
fn every_plan_of_the_folder_is_a_point_and_readme_has_each_as_a_command() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = std::fs::read_dir(root.join("workloads/lectures")).unwrap().count();
    assert_eq!(files, POINTS.len() + CHARGES.len() + 1, "and split-brain");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let points = POINTS.iter().map(|(system, plan, _)| (system, plan));
    let charges = CHARGES.iter().map(|(system, plan, ..)| (system, plan));
    for (system, plan) in points.chain(charges).chain([(&"raft", &"split-brain")]) {
        assert!(readme.contains(&format!("temblor run {system} --plan {plan}")), "{plan}");
    }
}
