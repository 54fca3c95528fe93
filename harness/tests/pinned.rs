//! Pinned histories: what checked-in plans give in virtual time, by SHA-256, on every machine and in every build.
//!
//! `harness/tests/pinned/histories.sha256` is what `sha256sum` prints. A change of it means that the same plan now gives another
//! history: `TEMBLOR_UPDATE=1 cargo test -p temblor --test pinned` writes it anew, and the commit says why.

mod command;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command::Temblor;
use sha2::{Digest, Sha256};
use temblor_workloads::plan::Plan;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinned")
}

/// The checked-in plans, by name.
fn plans() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let plans = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let mut plans: Vec<_> =
        plans.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect();
    plans.sort();
    plans
}

/// The history of a plan, as the command leaves it, run under these environment variables.
fn history(plan: &Path, executor: &str, environment: &[(&str, &str)]) -> Vec<u8> {
    let parsed = Plan::parse(&fs::read_to_string(plan).unwrap()).unwrap();
    let temblor = Temblor::new();
    let mut command = Command::new(temblor.program());
    command.current_dir(temblor.folder()).args(["run", &parsed.algorithm]);
    command.args(parsed.over.iter().flat_map(|over| ["--over", over]));
    command.arg("--plan").arg(plan).args(["--executor", executor]);
    command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
    let code = command.status().unwrap().code();
    assert!(matches!(code, Some(0 | 3)), "{}: exit code {code:?}", plan.display());
    fs::read(temblor.file("results/latest/history.jsonl")).unwrap()
}

fn digest(history: &[u8]) -> String {
    Sha256::digest(history).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pinned digests, a line each: digest, two spaces, name.
fn pinned() -> String {
    fs::read_to_string(folder().join("histories.sha256")).unwrap_or_default()
}

#[test]
fn the_same_plans_give_the_histories_that_are_pinned() {
    let lines: String =
        plans().iter().map(|(name, plan)| format!("{}  {name}\n", digest(&history(plan, "sim", &[])))).collect();
    assert!(lines.lines().count() >= 12);
    if std::env::var_os("TEMBLOR_UPDATE").is_some() {
        fs::write(folder().join("histories.sha256"), &lines).unwrap();
    }
    assert_eq!(lines, pinned(), "the same plan gives another history; see the head of this file");
}

#[test]
fn neither_locale_nor_time_zone_nor_home_nor_executor_changes_a_history() {
    let elsewhere = [
        ("LC_ALL", "tr_TR.UTF-8"),
        ("LANG", "de_DE"),
        ("TZ", "Pacific/Kiritimati"),
        ("HOME", "/"),
        ("HOSTNAME", "other"),
    ];
    for (name, plan) in plans() {
        let line = format!("{}  {name}\n", digest(&history(&plan, "lockstep", &elsewhere)));
        assert!(pinned().contains(&line), "{name} in lockstep");
    }
}

#[test]
fn a_crash_within_a_step_lets_some_of_it_leave() {
    let history = String::from_utf8(history(&folder().join("crash-within-a-step.json"), "sim", &[])).unwrap();
    let ops: Vec<&str> = history.lines().filter(|line| line.contains("\"n1\"")).collect();
    assert!(ops.iter().any(|op| op.contains("\"f\":\"exit\"")), "{history}");
}
