//! Faults that end lives of nodes that come back: on every executor each does what it says, proves it, and leaves a durable
//! system with all its promises; what was damaged on disk is found by the node, and said.

mod command;

use command::Temblor;
use serde_json::{Value, json};

const EXECUTORS: &[&str] = &["sim", "lockstep", "processes"];

/// Runs three nodes, all of which broadcast all the time, under this fault: the exit code and the history.
fn run(executor: &str, fault: &Value, for_us: Option<u64>) -> (Option<i32>, Vec<Value>, Temblor) {
    let operation =
        |at: u64| json!({ "when": { "at_us": at * 10_000 }, "node": format!("n{}", at % 3 + 1), "broadcast": at + 1 });
    let operations: Vec<Value> = (0..40).map(operation).collect();
    let name = fault.as_object().and_then(|fault| fault.keys().next().cloned());
    let mut entry = json!({ "id": 1, "when": { "at_us": 100_000 }, "fault": fault });
    entry["for_us"] = json!(for_us);
    entry.as_object_mut().expect("it is an object").retain(|_, value| !value.is_null());
    let plan = json!({ "format": 1, "algorithm": "fifo", "over": "durable-eager", "seed": 7, "nodes": ["n1", "n2", "n3"],
                       "length_us": 450_000, "requested": [name], "operations": operations, "faults": [entry] });
    let temblor = Temblor::new();
    temblor.write("plan.json", plan.to_string());
    let ended = temblor.run(&format!("run fifo --over durable-eager --plan plan.json -x {executor} --beyond-model"));
    let history = temblor.json_lines("results/latest/history.jsonl");
    (ended.code, history, temblor)
}

/// The nemesis' ops of this name, by type.
fn told<'h>(history: &'h [Value], f: &str, kind: &str) -> Vec<&'h Value> {
    let is = |op: &&Value| op["process"] == "nemesis" && op["f"] == f && op["type"] == kind;
    history.iter().filter(is).map(|op| &op["value"]).collect()
}

/// How many lives each node has begun.
fn lives(history: &[Value]) -> Vec<usize> {
    let of = |node: &str| history.iter().filter(|op| op["process"] == node && op["f"] == "start").count();
    ["n1", "n2", "n3"].map(of).to_vec()
}

#[test]
fn whoever_was_killed_comes_back_and_nothing_is_lost() {
    let (down_us, up_us) = (20_000, 30_000);
    let cases = [
        (json!({ "kill": { "node": "n2" } }), Some(100_000), [1, 2, 1], 1),
        (json!({ "kill": { "node": "n2" } }), None, [1, 2, 1], 1),
        (json!({ "kill-all": {} }), Some(50_000), [2, 2, 2], 3),
        (json!({ "restart": { "node": "n3" } }), None, [1, 1, 2], 1),
        (json!({ "rolling-restart": { "down_us": down_us, "up_us": up_us } }), None, [2, 2, 2], 3),
        (json!({ "crash-loop": { "node": "n1", "kills": 3, "down_us": 5_000, "up_us": up_us } }), None, [4, 1, 1], 3),
    ];
    for (fault, for_us, expected, kills) in cases {
        let name = fault.as_object().unwrap().keys().next().unwrap().clone();
        for executor in EXECUTORS {
            let (code, history, _) = run(executor, &fault, for_us);
            assert_eq!(code, Some(0), "{name} in {executor}");
            assert_eq!(lives(&history), expected, "{name} in {executor}");
            assert_eq!(told(&history, "kill", "ok").len(), kills, "{name} in {executor}");
            let concluded = told(&history, &name, "ok").iter().any(|value| value["id"] == 1);
            assert!(concluded, "{name} in {executor}");
            // A life may be over before it was ready.
            let restarts = [told(&history, "restart", "ok"), told(&history, "restart", "info")].concat();
            let restarts = restarts.into_iter().filter(|value| value["of"] == 1);
            assert_eq!(restarts.count(), kills, "{name} in {executor}");
        }
    }
}

#[test]
fn a_node_that_crashes_while_it_recovers_recovers_all_the_same() {
    let fault = json!({ "crash-during-recovery": { "node": "n2", "down_us": 10_000, "up_us": 200 } });
    for executor in EXECUTORS {
        let (code, history, _) = run(executor, &fault, None);
        assert_eq!((code, lives(&history)), (Some(0), vec![1, 3, 1]), "{executor}");
        let told = told(&history, "crash-during-recovery", "ok");
        assert_eq!((&told[0]["kills"], &told[0]["starts"]), (&json!(2), &json!(2)), "{executor}");
    }
}

#[test]
fn what_was_written_and_not_synced_is_lost_and_nothing_that_anybody_knew_of() {
    // In the middle of a step: what it has written is there, and nobody has heard of it.
    let mut bitten = 0;
    for count in 20..40 {
        let anchor = json!({ "after": { "seen": { "input": { "node": "n2", "count": count, "cut": 0 } } } });
        let fault = json!({ "lose-unsynced": { "node": "n2", "keep_ppm": 300_000 } });
        let histories = ["sim", "lockstep"].map(|executor| {
            let (plan, temblor) = (anchored(&anchor, &fault), Temblor::new());
            temblor.write("plan.json", plan.to_string());
            let ended = temblor.run(&format!("run fifo --over durable-eager --plan plan.json -x {executor}"));
            assert_eq!(ended.code, Some(0), "{executor} {count}: {}", ended.said());
            (temblor.read("results/latest/history.jsonl"), temblor.json_lines("results/latest/history.jsonl"))
        });
        let [(simulated, history), (lockstep, _)] = histories;
        assert!(simulated == lockstep, "{count}");
        bitten += told(&history, "lose-unsynced", "ok").len();
    }
    assert!(bitten >= 5, "{bitten} of 20 steps had stored something");
}

#[test]
fn who_syncs_whatever_it_writes_loses_what_it_is_just_writing() {
    let wait_us = 90_000;
    let fault = json!({ "lose-unsynced": { "node": "n2", "keep_ppm": 0, "wait_us": wait_us } });
    let mut histories = Vec::new();
    for executor in EXECUTORS {
        let (code, history, temblor) = run(executor, &fault, Some(150_000));
        let ends = [told(&history, "lose-unsynced", "ok"), told(&history, "lose-unsynced", "info")].concat();
        assert_eq!((lives(&history), &ends[0]["kills"]), (vec![1, 2, 1], &json!(1)), "{executor}");
        let waited_us = ends[0]["waited_us"].as_u64().unwrap();
        assert!(waited_us < wait_us, "{executor}: it wrote, and was killed after {waited_us} us");
        // On a real machine the sync may be faster than the signal; then nothing was lost, and that is said.
        assert!(code == Some(0) || (*executor == "processes" && code == Some(3)), "{executor}: {code:?}");
        histories.push(temblor.read("results/latest/history.jsonl"));
    }
    assert!(histories[0] == histories[1]);
}

#[test]
fn a_fault_that_waits_for_a_write_waits_no_longer_than_it_says() {
    let fault = json!({ "lose-unsynced": { "node": "n2", "keep_ppm": 0, "wait_us": 20_000 } });
    let plan = json!({ "format": 1, "algorithm": "fifo", "over": "durable-eager", "seed": 7, "nodes": ["n1", "n2", "n3"],
                       "length_us": 300_000, "requested": ["lose-unsynced"],
                       "operations": [{ "when": { "at_us": 0 }, "node": "n1", "broadcast": 1 }],
                       "faults": [{ "id": 1, "when": { "at_us": 200_000 }, "for_us": 50_000, "fault": fault }] });
    for executor in EXECUTORS {
        let temblor = Temblor::new();
        temblor.write("plan.json", plan.to_string());
        let ended = temblor.run(&format!("run fifo --over durable-eager --plan plan.json -x {executor}"));
        let history = temblor.json_lines("results/latest/history.jsonl");
        // What it stores without a sync, as there is no harm if it is lost, may be lost.
        let ends = [told(&history, "lose-unsynced", "ok"), told(&history, "lose-unsynced", "info")].concat();
        assert_eq!((ends.len(), &ends[0]["kills"]), (1, &json!(1)), "{executor}: {}", ended.said());
        assert!(ends[0]["waited_us"].as_u64().unwrap() >= 20_000, "{executor}");
    }
}

fn anchored(when: &Value, fault: &Value) -> Value {
    let operation =
        |at: u64| json!({ "when": { "at_us": at * 10_000 }, "node": format!("n{}", at % 3 + 1), "broadcast": at + 1 });
    let operations: Vec<Value> = (0..20).map(operation).collect();
    let entry = json!({ "id": 1, "when": when, "for_us": 50_000, "fault": fault });
    json!({ "format": 1, "algorithm": "fifo", "over": "durable-eager", "seed": 7, "nodes": ["n1", "n2", "n3"],
            "length_us": 250_000, "operations": operations, "faults": [entry] })
}

#[test]
fn what_was_synced_and_is_damaged_is_found_by_the_node_and_said() {
    let cases = [
        (json!({ "bitflip": { "node": "n2", "at_ppm": 100_000 } }), true),
        (json!({ "torn-write": { "node": "n2", "bytes": 5 } }), false),
        (json!({ "truncate-tail": { "node": "n2", "bytes": 5 } }), false),
        (json!({ "wipe": { "node": "n2" } }), false),
    ];
    for (fault, refused) in cases {
        let name = fault.as_object().unwrap().keys().next().unwrap().clone();
        for executor in EXECUTORS {
            let (_, history, temblor) = run(executor, &fault, Some(50_000));
            let told = told(&history, &name, "ok");
            assert_eq!(told.len(), 1, "{name} in {executor}");
            assert!(told[0]["files"][0]["file"] == "stable.log", "{name} in {executor}: {}", told[0]);
            let falls = history.iter().filter(|op| op["process"] == "n2" && op["value"]["status"] == "code 1").count();
            assert_eq!(falls, usize::from(refused), "{name} in {executor}");
            if refused && *executor != "sim" {
                let log = temblor.read("results/latest/nodes/n2.stderr");
                assert!(log.contains("stable.log is damaged") && log.contains("at byte"), "{log}");
            }
        }
    }
}
