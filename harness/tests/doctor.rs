//! `temblor doctor` on the machine that runs these tests: real processes work here, or the other tests would not.

mod command;

use std::process::Command;

use command::Temblor;
use serde_json::Value;

/// What a run needs, by the names of the checks.
const NEEDED: &[&str] = &["node", "run", "loopback", "open files", "results"];

fn checks(found: &Value) -> &Vec<Value> {
    found["checks"].as_array().expect("there are checks")
}

#[test]
fn it_says_in_lines_that_fit_that_runs_are_possible() {
    let temblor = Temblor::new();
    let ended = temblor.run("doctor").expect(0);
    assert_eq!(ended.err, "");
    let long = ended.out.lines().find(|line| line.chars().count() > 80 && !line.trim_start().starts_with("$ "));
    assert_eq!(long, None);
    assert!(ended.out.contains("\nOK: runs on real processes are possible"), "{}", ended.out);
    assert!(!temblor.file("results").exists(), "it only looks");
    temblor.nothing_is_left();
}

#[test]
fn as_json_it_says_the_same() {
    let temblor = Temblor::new();
    let found: Value = serde_json::from_str(&temblor.run("doctor --json").expect(0).out).expect("it is JSON");
    assert_eq!(found["works"], true);
    let needed = checks(&found).iter().filter(|check| check["needed"] == true);
    assert_eq!(needed.map(|check| check["name"].as_str().unwrap()).collect::<Vec<_>>(), NEEDED);
    let names: Vec<&str> = checks(&found).iter().filter_map(|check| check["name"].as_str()).collect();
    for name in ["pauses", "fsync", "containment", "subreaper", "cgroup v2", "kernel", "cores", "timers", "terminal"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let sizes = found["nodes"].as_array().expect("there is a table of nodes");
    assert!(sizes.iter().all(|size| size["open_files"].as_u64() > size["nodes"].as_u64()));
}

#[test]
fn with_too_few_open_files_no_run_is_possible_and_the_remedy_is_named() {
    let temblor = Temblor::new();
    let program = temblor.file("temblor");
    let command = format!("ulimit -n 64 && exec {} doctor", program.display());
    let output = Command::new("sh").args(["-c", &command]).current_dir(temblor.folder()).output().expect("sh starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("MISSING  open files   64 allowed, too few for 2 nodes"), "{said}");
    assert!(said.contains("$ sudo prlimit --pid $$ --nofile="), "{said}");
    assert!(said.trim_end().ends_with("NO RUN on real processes is possible: run, open files."), "{said}");
    temblor.nothing_is_left();
}

#[test]
fn results_that_cannot_be_written_prevent_runs() {
    let temblor = Temblor::new();
    temblor.write("file", "");
    let ended = temblor.run("doctor --out file/results").expect(5);
    assert!(ended.out.contains("MISSING  results "), "{}", ended.out);
}
