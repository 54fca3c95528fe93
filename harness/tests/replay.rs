//! Replay and shrink: what ran in virtual time comes out the same, what ran on real processes is tried there frame by frame, and
//! a plan that fails becomes as small as can be.

mod command;

use command::Temblor;
use serde_json::Value;
use temblor_workloads::plan::Plan;

/// A run of `fifo` in virtual time in which the hold-back queue skips gaps.
const SKIPS_GAP: &str = "run fifo --bug skips-gap --seed 3 --nodes 3 --time-limit 2s";

/// The demonstration plan of a bug.
fn demonstration(bug: &str) -> String {
    format!("{}/../workloads/demonstrations/{bug}.json", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_run_in_virtual_time_comes_out_the_same_in_both_of_its_executors() {
    let temblor = Temblor::new();
    let ran = temblor.run(&format!("{SKIPS_GAP} --executor sim"));
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    for executor in ["", " --executor lockstep", " --executor sim"] {
        let replayed = temblor.run(&format!("replay --times 2{executor}"));
        assert!(replayed.out.starts_with("identical 2 times"), "{}", replayed.out);
        assert!(replayed.out.contains("VIOLATION of"), "{}", replayed.out);
        assert_eq!(replayed.code, Some(1));
    }
}

#[test]
fn a_history_that_comes_out_otherwise_is_named_with_its_line_and_so_is_another_program() {
    let temblor = Temblor::new();
    temblor.run("run fifo --seed 3 --nodes 3 --nemesis none --time-limit 1s --executor sim");
    let history = temblor.read("results/latest/history.jsonl");
    // A space means nothing to a judge, and is another byte.
    let changed = history.replacen("\"type\":\"invoke\"", "\"type\": \"invoke\"", 2);
    let line = 1 + history.lines().position(|line| line.contains("\"type\":\"invoke\"")).unwrap();
    temblor.write("results/latest/history.jsonl", changed);
    let replayed = temblor.run("replay");
    assert!(replayed.out.starts_with(&format!("NOT identical: replay 1 differs at line {line}\n")), "{}", replayed.out);
    assert!(replayed.err.contains("some node does not keep the contract"), "{}", replayed.err);
    assert_eq!(replayed.code, Some(5));
    let mut record: Value = serde_json::from_str(&temblor.read("results/latest/run.json")).unwrap();
    record["node"]["hash"] = "0123456789abcdef".into();
    temblor.write("results/latest/run.json", record.to_string());
    let replayed = temblor.run("replay --times 1");
    assert!(replayed.err.contains("is not the program that ran then"), "{}", replayed.err);
    assert!(!replayed.err.contains("some node does not keep the contract"), "{}", replayed.err);
}

#[test]
fn violations_on_real_processes_are_reproduced_in_lockstep_frame_by_frame() {
    for (system, bug) in [
        ("fifo", "skips-gap"),
        ("eager", "forgets-relay"),
        ("causal", "received-not-delivered"),
        ("total-lamport", "ties-by-arrival"),
    ] {
        let temblor = Temblor::new();
        let ran = temblor.run(&format!("run {system} --bug {bug} --plan {}", demonstration(bug)));
        assert_eq!(ran.code, Some(1), "{bug}: {}{}", ran.out, ran.err);
        let replayed = temblor.run("replay --executor lockstep");
        assert!(replayed.out.contains("frame by frame in lockstep: reproduced"), "{bug}: {}", replayed.out);
        assert_eq!(replayed.code, Some(1));
        let plan = Plan::parse(&temblor.read("results/latest/concrete.json")).unwrap();
        assert!(plan.faults.iter().any(|fault| temblor_workloads::faults::name_of(&fault.fault) == "bites"));
    }
}

#[test]
fn on_real_processes_it_is_counted_how_often_a_violation_comes_back() {
    let temblor = Temblor::new();
    temblor.run(&format!("run retransmit --bug no-deduplication --plan {}", demonstration("no-deduplication")));
    let replayed = temblor.run("replay --times 2");
    let counted = "the violation of no-duplication came back in 2 of 2 runs on real processes\n";
    assert!(replayed.out.starts_with(counted), "{}", replayed.out);
    assert!(replayed.out.contains("frame by frame in lockstep: reproduced"), "{}", replayed.out);
    assert_eq!(replayed.code, Some(1));
}

#[test]
fn a_plan_that_fails_is_shrunk_run_again_and_explained() {
    let temblor = Temblor::new();
    temblor.run(&format!("{SKIPS_GAP} --executor sim"));
    let before = Plan::parse(&temblor.read("results/latest/plan.json")).unwrap();
    let shrunk = temblor.run("shrink --budget 60s");
    assert!(shrunk.out.starts_with("shrunk: "), "{}{}", shrunk.out, shrunk.err);
    assert!(shrunk.out.contains("fifo-order: "), "{}", shrunk.out);
    assert_eq!(shrunk.code, Some(1));
    let plan = Plan::parse(&temblor.read("results/latest/shrunk.json")).unwrap();
    assert!(before.operations.len() > 50 && plan.operations.len() <= 6 && plan.faults.len() <= 3, "{plan:?}");
    let again = temblor.run("run fifo --bug skips-gap --plan results/latest/shrunk.json --executor lockstep");
    assert_eq!(again.code, Some(1), "{}", again.out);
}

#[test]
fn a_violation_on_real_processes_is_shrunk_in_virtual_time() {
    let temblor = Temblor::new();
    temblor.run(&format!("run fifo --bug ignores-numbers --plan {}", demonstration("ignores-numbers")));
    let shrunk = temblor.run("shrink --budget 30s");
    assert!(shrunk.out.starts_with("shrunk: "), "{}{}", shrunk.out, shrunk.err);
    assert_eq!(shrunk.code, Some(1));
}

#[test]
fn what_can_not_be_replayed_or_shrunk_says_why() {
    let temblor = Temblor::new();
    for verb in ["replay", "shrink"] {
        let ended = temblor.run(&format!("{verb} nowhere"));
        assert_eq!(ended.code, Some(2));
        assert!(ended.err.contains("nowhere is no run folder"), "{}", ended.err);
    }
    temblor.run("run fifo --seed 3 --nodes 3 --nemesis none --time-limit 1s --executor sim");
    let ended = temblor.run("shrink");
    assert_eq!(ended.code, Some(4));
    assert!(ended.err.contains("nothing is violated, so there is nothing to shrink"), "{}", ended.err);
}

#[test]
fn a_plan_whose_frames_have_times_of_arrival_is_refused_where_time_is_real() {
    let temblor = Temblor::new();
    let bite = r#"{"link":["n1","n2"],"key":"relay/1","nth":1,"fate":{"at_us":5000}}"#;
    let fault = format!(r#"{{"id":1,"when":{{"at_us":0}},"fault":{{"bites":{{"frames":[{bite}]}}}}}}"#);
    let plan = format!(
        r#"{{"format":1,"algorithm":"eager","seed":7,"nodes":["n1","n2"],"length_us":100000,
            "operations":[{{"when":{{"at_us":0}},"node":"n1","broadcast":1}}],"faults":[{fault}]}}"#
    );
    temblor.write("plan.json", plan);
    let ended = temblor.run("run eager --plan plan.json");
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("at_us") && ended.err.contains("--executor lockstep"), "{}", ended.err);
    assert_eq!(temblor.run("run eager --plan plan.json -x sim").code, Some(0));
}

#[test]
fn a_run_is_verified_by_a_second_one_and_only_in_virtual_time() {
    let temblor = Temblor::new();
    let plan = "--seed 3 --nodes 3 --time-limit 1s --verify";
    assert_eq!(temblor.run(&format!("run fifo {plan} --executor lockstep")).code, Some(0));
    let ended = temblor.run(&format!("run fifo {plan}"));
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("--verify needs virtual time"), "{}", ended.err);
}
