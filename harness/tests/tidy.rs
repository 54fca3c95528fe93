//! What a reviewer would forget: layer edges, tables and files that belong together, sizes, and leftovers.

use std::fs;
use std::path::{Path, PathBuf};

use temblor_checkers::table::CHECKERS;
use temblor_node::algorithms::ALGORITHMS;
use temblor_node::bugs::BUGS;
use temblor_workloads::demonstrations::DEMONSTRATIONS;
use temblor_workloads::faults::FAULTS;
use temblor_workloads::plan::Plan;
use temblor_workloads::workloads::WORKLOADS;

/// A file without its tests is to be shorter than this; these have a reason.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder with this ending, without build output.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir()
            && !["target", "results", ".git", "corpus"].iter().any(|skip| name.to_string_lossy().starts_with(skip))
        {
            found.extend(files(&path, ending));
        } else if path.is_file() && name.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// The names of a package's dependencies (not those of its tests).
fn dependencies(package: &str) -> Vec<String> {
    let manifest = read(&format!("{package}/Cargo.toml"));
    let section = manifest.split("[dependencies]").nth(1).expect("every package has dependencies");
    let lines = section.lines().skip(1).take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|n| !n.is_empty()).map(str::to_owned).collect()
}

#[test]
fn judge_and_judged_share_no_code() {
    for (package, foreign) in [
        ("checkers", ["temblor-node", "temblor-workloads", "temblor"]),
        ("node", ["temblor-checkers", "temblor-workloads", "temblor"]),
        ("workloads", ["temblor-node", "temblor-checkers", "temblor"]),
    ] {
        let depends = dependencies(package);
        for name in foreign {
            assert!(!depends.iter().any(|dependency| dependency == name), "{package} must not depend on {name}");
        }
    }
}

#[test]
fn every_dependency_has_its_reason_beside_it() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[workspace.dependencies]").nth(1).expect("the workspace names its dependencies");
    let mut explained = false;
    for line in section.lines().skip(1).take_while(|line| !line.starts_with("[workspace.lints")) {
        match line.trim() {
            "" => explained = false,
            comment if comment.starts_with('#') => explained = true,
            dependency if dependency.contains("path = ") => {}
            dependency => assert!(explained, "no reason beside {dependency}"),
        }
    }
}

#[test]
fn tables_have_unique_names_and_know_each_other() {
    let names: Vec<&str> = CHECKERS.iter().map(|checker| checker.name).collect();
    for algorithm in ALGORITHMS {
        for (property, _) in algorithm.promises {
            assert!(names.contains(property), "{} promises {property}, which nobody checks", algorithm.name);
        }
    }
    for bug in BUGS {
        let promised = |a: &&temblor_node::algorithms::Algorithm| a.promises.iter().any(|(p, _)| *p == bug.property);
        let host = ALGORITHMS.iter().find(|algorithm| algorithm.name == bug.algorithm);
        assert!(host.filter(promised).is_some(), "{} violates what {} does not promise", bug.name, bug.algorithm);
    }
    for table in [
        names,
        BUGS.iter().map(|bug| bug.name).collect(),
        FAULTS.iter().map(|fault| fault.name).collect(),
        WORKLOADS.iter().map(|workload| workload.name).collect(),
    ] {
        let mut unique = table.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), table.len(), "a name stands twice: {table:?}");
    }
}

#[test]
fn at_most_a_third_of_the_bugs_show_by_themselves() {
    let by_themselves = BUGS.iter().filter(|bug| bug.needs.is_none()).count();
    assert!(BUGS.len() >= 8 && by_themselves * 3 <= BUGS.len() + 2, "{by_themselves} of {}", BUGS.len());
}

#[test]
fn every_bug_has_a_small_demonstration_within_the_model() {
    for bug in BUGS {
        let path = format!("workloads/demonstrations/{}.json", bug.name);
        let plan = Plan::parse(&read(&path)).unwrap_or_else(|error| panic!("{path}, {error}"));
        assert_eq!(plan.algorithm, bug.algorithm, "{path}");
        assert!(plan.operations.len() <= 6 && plan.faults.len() <= 3 && !plan.beyond_model, "{path} is too large");
    }
    let plans = files(&root().join("workloads/demonstrations"), ".json");
    assert_eq!(plans.len(), BUGS.len(), "a demonstration without a bug");
    let mut named: Vec<&str> = BUGS.iter().map(|bug| bug.name).collect();
    named.sort_unstable();
    let built_in: Vec<&str> = DEMONSTRATIONS.iter().map(|(bug, _)| *bug).collect();
    assert_eq!(built_in, named, "workloads/src/demonstrations.rs names the bugs in alphabetical order");
}

#[test]
fn every_file_says_what_it_is_and_is_of_a_readable_size() {
    for path in files(&root(), ".rs").into_iter().filter(|path| !path.to_string_lossy().contains("/tests/")) {
        let text = fs::read_to_string(&path).expect("a source file is UTF-8");
        let shown = path.display();
        let opens = text.starts_with("//!") || text.starts_with("#!") || path.ends_with("tests.rs");
        assert!(opens, "{shown} does not say what it is");
        let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(lines <= LINES_MAX, "{shown} has {lines} lines");
    }
}

#[test]
fn nothing_is_left_over() {
    // Put together here, so that this file does not hold what it looks for.
    let leftovers = ["to", "do!("].concat();
    let marks = [
        leftovers,
        ["unimplemented", "!("].concat(),
        ["dbg", "!("].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    for path in files(&root(), ".rs") {
        let text = fs::read_to_string(&path).expect("a source file is UTF-8");
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{} holds {mark}", path.display());
        }
        let allows = text.lines().filter(|line| line.contains("#[allow(") && !line.contains("reason"));
        let bare: Vec<&str> = allows.collect();
        assert!(bare.is_empty(), "{}: an exception without a reason: {bare:?}", path.display());
    }
}
