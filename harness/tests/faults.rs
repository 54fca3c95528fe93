//! Every fault on real processes: it bites and proves it, alone and together with another; one that meets nothing proves nothing,
//! and the run is inconclusive.

mod command;

use std::thread;

use command::Temblor;
use serde_json::{Value, json};

/// One broadcast every so often, us, from the first on.
const EVERY_US: u64 = 10_000;
/// The faults of these plans are in force from here ...
const BEGIN_US: u64 = 50_000;
/// ... and for so long.
const FOR_US: u64 = 300_000;

/// Runs three nodes, of which n1 broadcasts all the time, under these faults: the exit code and the history. The first fault is
/// asked for by name.
fn run(algorithm: &str, faults: &[Value]) -> (Option<i32>, Vec<Value>) {
    let operation = |at: u64| json!({ "when": { "at_us": at * EVERY_US }, "node": "n1", "broadcast": at + 1 });
    let operations: Vec<Value> = (0..40).map(operation).collect();
    let faults: Vec<Value> = faults.iter().zip(1..).map(|(fault, id)| entry(id, fault)).collect();
    let requested = faults[0]["fault"].as_object().and_then(|fault| fault.keys().next().cloned());
    let plan = json!({ "format": 1, "algorithm": algorithm, "seed": 7, "nodes": ["n1", "n2", "n3"],
                       "length_us": 450_000, "requested": [requested], "operations": operations, "faults": faults });
    let temblor = Temblor::new();
    temblor.write("plan.json", plan.to_string());
    let ended = temblor.run(&format!("run {algorithm} --plan plan.json"));
    let history = temblor.json_lines("results/latest/history.jsonl");
    (ended.code, history)
}

fn entry(id: u32, fault: &Value) -> Value {
    let mut entry = json!({ "id": id, "when": { "at_us": BEGIN_US }, "for_us": FOR_US, "fault": fault });
    if fault.get("kill").is_some() || fault.get("reset-connections").is_some() {
        entry.as_object_mut().expect("it is an object").remove("for_us");
    }
    entry
}

/// The last op of the fault with this id.
fn told(history: &[Value], id: u32) -> &Value {
    let of_fault = |op: &&Value| op["process"] == "nemesis" && op["value"]["id"] == id;
    history.iter().rfind(of_fault).expect("every fault is told")
}

/// The links from n1.
fn links() -> Value {
    json!([["n1", "n2"], ["n1", "n3"]])
}

/// Everything that can happen to the links from n1, by name.
fn disturbances() -> Vec<(&'static str, Value)> {
    vec![
        ("partition", json!({ "partition": { "cut": links() } })),
        ("partition", json!({ "partition": { "mode": "hold", "cut": links() } })),
        ("partition", json!({ "partition": { "mode": "reset", "cut": links() } })),
        ("loss", json!({ "loss": { "chance_ppm": 500_000, "links": links() } })),
        ("duplicate", json!({ "duplicate": { "chance_ppm": 500_000, "links": links() } })),
        ("delay", json!({ "delay": { "delay_us": 20_000, "links": links() } })),
        ("jitter", json!({ "jitter": { "delay_max_us": 20_000, "links": links() } })),
        ("reorder", json!({ "reorder": { "chance_ppm": 500_000, "delay_us": 50_000, "links": links() } })),
        ("rate", json!({ "rate": { "bytes_per_second": 20_000, "links": links() } })),
        ("flap", json!({ "flap": { "up_us": 20_000, "down_us": 30_000, "links": links() } })),
        ("half-open", json!({ "half-open": { "links": links() } })),
        ("reset-connections", json!({ "reset-connections": { "links": links() } })),
    ]
}

/// How often a fault of links bit in all, by its own evidence.
fn bites(op: &Value) -> u64 {
    let keys = if op["f"] == "reset-connections" { ["closed"].as_slice() } else { &["blocked", "bites"] };
    let counted = keys.iter().filter_map(|key| op["value"][*key].as_array()).flatten();
    counted.filter_map(|link| link[2].as_u64()).sum()
}

/// Does something with each fault of links, a few at a time: a run mostly waits.
fn each(judge: impl Fn(&'static str, Value) + Sync) {
    for some in disturbances().chunks(4) {
        thread::scope(|scope| {
            for (name, fault) in some {
                scope.spawn(|| judge(name, fault.clone()));
            }
        });
    }
}

#[test]
fn every_fault_of_links_bites_on_each_of_its_links_and_proves_it() {
    each(|name, fault| {
        let (code, history) = run("eager", std::slice::from_ref(&fault));
        let told = told(&history, 1);
        assert_eq!((told["f"].as_str(), told["type"].as_str()), (Some(name), Some("ok")), "{told}");
        assert!(bites(told) >= 2, "{told}");
        if name == "half-open" {
            assert_eq!(told["value"]["closed"], json!([["n1", "n2", 1], ["n1", "n3", 1]]), "{told}");
        }
        if ["delay", "jitter", "rate", "reorder"].contains(&name) {
            assert!(told["value"]["residence"][0][2]["p50_us"].as_u64() > Some(0), "{told}");
        }
        assert_eq!(code, Some(0), "{fault}");
    });
}

#[test]
fn every_fault_of_links_bites_beside_another_on_the_same_links() {
    let late = json!({ "delay": { "delay_us": 2_000, "links": links() } });
    each(|_, fault| {
        let (code, history) = run("eager", &[fault.clone(), late.clone()]);
        assert_eq!(told(&history, 1)["type"], "ok", "{}", told(&history, 1));
        assert_eq!(code, Some(0), "{fault}");
    });
}

#[test]
fn a_fault_on_a_link_that_carries_nothing_is_info_and_the_run_is_inconclusive() {
    // In best-effort broadcast n3 sends nothing as long as it broadcasts nothing.
    let idle = json!([["n3", "n2"]]);
    each(|name, mut fault| {
        if name == "reset-connections" {
            // A connection is open also where nothing comes along.
            return;
        }
        let key = if name == "partition" { "cut" } else { "links" };
        fault[name][key] = idle.clone();
        let (code, history) = run("best-effort", std::slice::from_ref(&fault));
        let told = told(&history, 1);
        assert_eq!((told["type"].as_str(), bites(told)), (Some("info"), 0), "{told}");
        assert_eq!(code, Some(3), "{fault}");
    });
}

#[test]
fn a_flap_stamps_each_transition() {
    let flap = json!({ "flap": { "up_us": 20_000, "down_us": 30_000, "links": links() } });
    let (_, history) = run("eager", &[flap]);
    let value = &told(&history, 1)["value"];
    let stamps =
        |key: &str| -> Vec<u64> { value[key].as_array().into_iter().flatten().filter_map(Value::as_u64).collect() };
    let (cut, whole) = (stamps("cut_at_us"), stamps("whole_at_us"));
    // On a busy machine turns come late, and there are fewer of them.
    assert!(cut.len() >= 2 && cut.len() == whole.len(), "{value}");
    let turns: Vec<u64> = cut.iter().zip(&whole).flat_map(|(cut, whole)| [*cut, *whole]).collect();
    assert!(turns.is_sorted(), "{value}");
}

#[test]
fn a_stutter_counts_its_stops_and_measures_how_long_the_process_stood_still() {
    let stutter = json!({ "stutter": { "node": "n2", "stopped_us": 20_000, "running_us": 10_000 } });
    let late = json!({ "delay": { "delay_us": 5_000, "links": links() } });
    let (code, history) = run("eager", &[stutter, late]);
    let told = told(&history, 1);
    let (stops, stopped_us) = (told["value"]["stops"].as_u64(), told["value"]["stopped_in_all_us"].as_u64());
    assert_eq!((told["f"].as_str(), told["type"].as_str(), code), (Some("stutter"), Some("ok"), Some(0)), "{told}");
    // Each stop lasts its time at least, but for the last, which the end of the fault may shorten.
    assert!(stops.is_some_and(|stops| stops >= 2 && stopped_us >= Some((stops - 1) * 20_000)), "{told}");
}

#[test]
fn a_process_is_stopped_by_one_fault_at_a_time() {
    let stutter = json!({ "stutter": { "node": "n2", "stopped_us": 20_000, "running_us": 10_000 } });
    let (_, history) = run("eager", &[stutter, json!({ "pause": { "node": "n2" } })]);
    assert_eq!((told(&history, 1)["type"].as_str(), told(&history, 2)["type"].as_str()), (Some("ok"), Some("fail")));
}

#[test]
fn a_process_that_is_killed_while_it_stutters_ends_the_stutter() {
    let stutter = json!({ "stutter": { "node": "n2", "stopped_us": 1_000, "running_us": 1_000 } });
    let (code, history) = run("eager", &[json!({ "kill": { "node": "n2" } }), stutter.clone()]);
    assert_eq!((told(&history, 1)["type"].as_str(), told(&history, 2)["type"].as_str()), (Some("ok"), Some("fail")));
    assert_eq!(code, Some(0));
    let (code, history) = run("eager", &[stutter, json!({ "kill": { "node": "n2" } })]);
    assert_eq!(told(&history, 2)["type"], "ok");
    assert_eq!(told(&history, 1)["f"], "stutter");
    assert!(matches!(code, Some(0 | 3)));
}
