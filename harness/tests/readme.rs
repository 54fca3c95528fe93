//! README says what is so: its tables are the tables of the code, its listings what the commands print, its commands run.
//!
//! `TEMBLOR_UPDATE=1 cargo test -p temblor --test readme` writes tables and listings anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use temblor_checkers::table::CHECKERS;
use temblor_node::algorithms::ALGORITHMS;
use temblor_node::bugs::BUGS;
use temblor_workloads::faults::FAULTS;
use temblor_workloads::workloads::WORKLOADS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace").to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README is there")
}

/// Compares README with what it should be, or writes it.
fn settle(expected: &str) {
    if std::env::var_os("TEMBLOR_UPDATE").is_some() {
        fs::write(root().join("README.md"), expected).expect("README can be written");
    } else if readme() != expected {
        let differs = |(old, new): &(&str, &str)| old != new;
        let now = readme();
        let first = now.lines().zip(expected.lines()).find(differs);
        panic!("README is out of date; TEMBLOR_UPDATE=1 writes it anew. First difference: {first:#?}");
    }
}

fn temblor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
    command.args(arguments).current_dir(root()).env("LC_ALL", "C.UTF-8").output().expect("temblor starts")
}

#[test]
fn its_tables_and_listings_are_what_the_code_says() {
    let mut text = readme();
    for (name, table) in [
        ("algorithms", algorithms()),
        ("checkers", checkers()),
        ("faults", faults()),
        ("workloads", workloads()),
        ("bugs", bugs()),
        ("matrix", matrix()),
        ("presets", presets()),
    ] {
        let (begin, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let (before, rest) = text.split_once(&begin).expect("every table has its place");
        let (_, after) = rest.split_once(end).expect("every table has an end");
        text = format!("{before}{begin}{table}{end}{after}");
    }
    settle(&listings(&text));
}

/// Replaces what stands below `$ temblor ...` in each `console` block by what the command prints.
fn listings(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once("```console\n$ temblor ") {
        let (command, block) = block.split_once('\n').expect("a command ends with its line");
        let (_, after) = block.split_once("```").expect("a block has an end");
        let output = temblor(&command.split_whitespace().collect::<Vec<_>>());
        let printed = String::from_utf8(output.stdout).expect("output is UTF-8");
        assert!(printed.lines().all(|line| line.chars().count() <= 80), "{command} is wider than 80 columns");
        let shown = printed.trim_end();
        result.push_str(&format!("{before}```console\n$ temblor {command}\n{shown}\n```"));
        rest = after;
    }
    result + rest
}

#[test]
fn its_commands_do_what_it_says() {
    let results = tempfile::tempdir().expect("a temporary directory");
    let out = results.path().to_str().expect("a path in UTF-8");
    let text = readme();
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("cargo run --release -- "));
    let mut count = 0;
    for line in lines {
        let (command, comment) = line.split_once("  # ").unwrap_or((line, "exit 0"));
        let latest = format!("{out}/latest");
        let mut arguments: Vec<&str> =
            command.split_whitespace().map(|word| if word == "results/latest" { &latest } else { word }).collect();
        if arguments[0] == "run" {
            arguments.extend(["--out", out]);
        }
        let output = temblor(&arguments);
        let expected: i32 = comment.trim_start_matches("exit ").parse().expect("a comment is an exit code");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(expected), "{command}\n{said}");
        count += 1;
    }
    assert!(count >= 3, "README has no commands");
}

#[test]
fn it_names_every_workload() {
    assert!(WORKLOADS.iter().all(|workload| readme().contains(&format!("`{}`", workload.name))));
}

fn table(head: &str, rows: impl Iterator<Item = String>) -> String {
    let columns = head.matches('|').count() - 1;
    format!("{head}\n|{}\n{}", " --- |".repeat(columns), rows.map(|row| row + "\n").collect::<String>())
}

/// The demo's matrix, in virtual time, where it is always the same.
fn matrix() -> String {
    let results = tempfile::tempdir().expect("a temporary directory");
    let out = results.path().to_str().expect("a path in UTF-8");
    let output = temblor(&["demo", "--executor", "sim", "--out", out]);
    let printed = String::from_utf8(output.stdout).expect("output is UTF-8");
    let table = printed.lines().skip_while(|line| !line.trim_start().starts_with("none "));
    let rows: String = table.take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    format!("```text\n{rows}```\n")
}

fn algorithms() -> String {
    let row = |algorithm: &temblor_node::algorithms::Algorithm| {
        let over = algorithm.over.map_or(String::new(), |over| format!(" over `{over}`"));
        let promise = |(property, condition): &(&str, &str)| match *condition {
            "always" => (*property).to_owned(),
            condition => format!("{property} {}", condition.replace('-', " ")),
        };
        let promises: Vec<String> =
            algorithm.promises.iter().filter(|(property, _)| *property != "survives").map(promise).collect();
        format!("| `{}`{over} | {} | {} |", algorithm.name, algorithm.what, promises.join(", "))
    };
    table("| name | what it does | promises |", ALGORITHMS.iter().map(row))
}

fn presets() -> String {
    let row = |preset: &temblor::campaign::presets::Preset| format!("| `{}` | {} |", preset.name, preset.what);
    table("| preset | what it is for |", temblor::campaign::presets::PRESETS.iter().map(row))
}

fn checkers() -> String {
    let row = |checker: &temblor_checkers::table::Checker| {
        format!("| `{}` | {} | {} |", checker.name, checker.definition, checker.kind.name())
    };
    table("| name | what it says | kind |", CHECKERS.iter().map(row))
}

fn faults() -> String {
    let row = |fault: &temblor_workloads::faults::Fault| {
        format!("| `{}` | {} | {} | {} |", fault.name, fault.class, fault.what, fault.evidence)
    };
    table("| name | class | what happens | evidence |", FAULTS.iter().map(row))
}

fn workloads() -> String {
    let row = |workload: &temblor_workloads::workloads::Workload| {
        let options = if workload.options.is_empty() { String::new() } else { format!("`{}`", workload.options) };
        format!("| `{}` | {} | {options} |", workload.name, workload.what)
    };
    table("| name | what clients do | option of its own |", WORKLOADS.iter().map(row))
}

fn bugs() -> String {
    let row = |bug: &temblor_node::bugs::BugEntry| {
        let needs = bug.needs.unwrap_or("nothing");
        format!("| `{}` | `{}` | {} | {} | {needs} |", bug.name, bug.algorithm, bug.property, bug.what)
    };
    table("| name | in | violates | what is wrong | needs |", BUGS.iter().map(row))
}
