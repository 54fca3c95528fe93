//! The points that the lectures make about what their algorithms can't do, each as a plan that shows it, simulated and on real
//! processes. README tells them as commands.

mod command;

use command::Temblor;

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
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/lectures");
    for (system, plan, delivered) in POINTS {
        // What is lost lies outside of what is promised, so nothing is violated.
        temblor.run(&format!("run {system} --plan {folder}/{plan}.json --executor {executor}")).expect(0);
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

#[test]
fn every_plan_of_the_folder_is_a_point_and_readme_has_each_as_a_command() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = std::fs::read_dir(root.join("workloads/lectures")).unwrap().count();
    assert_eq!(files, POINTS.len());
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for (system, plan, _) in POINTS {
        assert!(readme.contains(&format!("temblor run {system} --plan workloads/lectures/{plan}.json")), "{plan}");
    }
}
