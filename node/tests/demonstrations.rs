//! Every planted bug violates its property under its demonstration plan, and without the bug the same plan shows nothing.
//!
//! Here the plans run on the network in memory; the harness runs them on real processes.

#![allow(clippy::disallowed_methods, reason = "the plans are files")]

mod network;

use std::path::PathBuf;

use expect_test::expect;
use network::{network, network_with, plan, properties};
use serde_json::Value;
use temblor_node::algorithms;
use temblor_node::bugs::BUGS;

fn demonstration(bug: &str) -> Value {
    let path = format!("{}/../workloads/demonstrations/{bug}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(PathBuf::from(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

fn nodes(plan: &Value) -> u32 {
    u32::try_from(plan["nodes"].as_array().unwrap().len()).unwrap()
}

#[test]
fn every_bug_violates_its_property_under_its_plan() {
    let mut table = String::new();
    for entry in BUGS {
        let plan = demonstration(entry.name);
        let mut network = network_with(entry.name, nodes(&plan));
        plan::carry_out(&plan, &mut network);
        let promises = algorithms::system(entry.algorithm, None).unwrap().promises;
        let violated = properties::violated(&network, promises);
        assert!(violated.iter().any(|property| property == entry.property), "{}: {violated:?}", entry.name);
        table += &format!("{:<25}{}\n", entry.name, violated.join(" "));
    }
    // Beside its own property a bug may violate what follows from it.
    expect![[r#"
        wrong-number             no-creation
        acknowledged-and-ignored validity
        no-deduplication         no-duplication
        retry-gives-up           agreement
        retry-changes-message    no-creation agreement
        dies-of-second-ack       survives
        forgets-relay            agreement
        relays-to-next           agreement
        delivers-every-copy      no-duplication
        forgets-itself           validity agreement
        ignores-numbers          fifo-order
        skips-gap                agreement fifo-order
        releases-newest-first    fifo-order
    "#]]
    .assert_eq(&table);
}

#[test]
fn without_the_bug_the_same_plan_shows_nothing() {
    for entry in BUGS {
        let plan = demonstration(entry.name);
        let mut network = network(entry.algorithm, None, nodes(&plan));
        plan::carry_out(&plan, &mut network);
        let promises = algorithms::system(entry.algorithm, None).unwrap().promises;
        assert_eq!(properties::violated(&network, promises), [] as [String; 0], "{}", entry.name);
    }
}

#[test]
fn demonstrations_are_small_and_each_belongs_to_a_bug() {
    let folder = format!("{}/../workloads/demonstrations", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.map(|name| name.trim_end_matches(".json").to_owned()).collect();
    names.sort_unstable();
    let mut bugs: Vec<&str> = BUGS.iter().map(|entry| entry.name).collect();
    bugs.sort_unstable();
    assert_eq!(names, bugs);
    for entry in BUGS {
        let plan = demonstration(entry.name);
        let count = |key: &str| plan[key].as_array().unwrap().len();
        assert!(count("operations") <= 6 && count("faults") <= 3, "{}", entry.name);
        assert_eq!(plan["algorithm"], entry.algorithm, "{}", entry.name);
    }
}

#[test]
fn at_most_a_third_of_the_bugs_shows_without_faults() {
    let quiet = BUGS.iter().filter(|entry| entry.needs.is_none()).count();
    assert!(3 * quiet <= BUGS.len(), "{quiet} of {}", BUGS.len());
}
