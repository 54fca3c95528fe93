//! Every planted bug on real processes: its demonstration plan violates just the property that the table names, and passes
//! without the bug. This is the specification of what the harness sees.
//!
//! Who leads when is a matter of the clock, so the bugs of consensus are shown in lockstep: by the same processes, in virtual time.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use temblor_node::bugs::{BUGS, BugEntry};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each trial is a cluster of its own, which mostly waits; too many of them at once would only starve each other.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let trials = BUGS.iter().flat_map(|bug| {
        [
            Trial::test(format!("{}_violates_{}", bug.name, bug.property), || with_the_bug(bug)),
            Trial::test(format!("{}_passes_without_it", bug.name), || without_it(bug)),
        ]
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn with_the_bug(bug: &BugEntry) -> Result<(), Failed> {
    let (code, verdict) = run(bug, &["--bug", bug.name])?;
    let invalid = promised(&verdict, |judgement| judgement == "invalid");
    if code == Some(1) && invalid.contains(&bug.property) {
        return Ok(());
    }
    Err(format!("exit {code:?}, violated: {invalid:?}, but {} was expected", bug.property).into())
}

fn without_it(bug: &BugEntry) -> Result<(), Failed> {
    let (code, verdict) = run(bug, &[])?;
    let doubtful = promised(&verdict, |judgement| judgement != "valid");
    if code == Some(0) && doubtful.is_empty() {
        return Ok(());
    }
    Err(format!("exit {code:?}, not valid: {doubtful:?}\n{verdict}").into())
}

/// The promised properties whose judgement is such.
fn promised(verdict: &Value, such: impl Fn(&str) -> bool) -> Vec<&str> {
    let properties = verdict["properties"].as_array().into_iter().flatten();
    let counts = properties.filter(|property| property["standing"] == "promised");
    counts
        .filter(|p| such(p["judgement"].as_str().unwrap_or_default()))
        .filter_map(|p| p["property"].as_str())
        .collect()
}

fn run(bug: &BugEntry, more: &[&str]) -> Result<(Option<i32>, Value), Failed> {
    let results = tempfile::tempdir()?;
    let plan = plan_of(bug);
    let executor = if bug.is_of_consensus() { "lockstep" } else { "processes" };
    let output = Command::new(env!("CARGO_BIN_EXE_temblor"))
        .args(["run", bug.algorithm, "--json", "--executor", executor, "--plan"])
        .arg(&plan)
        .arg("--out")
        .arg(results.path())
        .args(more)
        .output()?;
    let verdict = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((output.status.code(), verdict))
}

fn plan_of(bug: &BugEntry) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace");
    root.join("workloads/demonstrations").join(format!("{}.json", bug.name))
}
