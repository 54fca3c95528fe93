//! Campaigns on machines that are not as one would like them: a full disk, results that vanish, other engines that start the shards and
//! lose some of them, and an environment that says which shard this is.
//!
//! What is not installed is ignored with its reason, unless everything is required.

mod clocks;
#[path = "../command/mod.rs"]
mod command;
mod disks;
mod engines;
mod manifests;
mod slurm;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test: the sentence that it proves, the programs that it takes, and what it does.
type Case = (&'static str, &'static [&'static str], fn());

const CASES: &[Case] = &[
    ("a full disk ends a campaign with a clear error, and what was finished is kept", &["unshare"], disks::full),
    ("results that vanish end a campaign with a clear error", &[], disks::vanishing),
    ("a shard that GNU parallel lost is made again alone", &["parallel"], engines::parallel),
    ("an array job of Slurm makes the shards", &["slurmctld", "slurmd", "sbatch"], slurm::array),
    ("an indexed job of Kubernetes says which shard this is", &[], manifests::kubernetes_environment),
    ("workflows and manifests are well formed", &["yamllint"], manifests::are_well_formed),
    ("workflows are what GitHub and GitLab take", &["check-jsonschema"], manifests::fit_the_services),
    ("the manifest is what Kubernetes takes", &["kubernetes-validate"], manifests::fits_kubernetes),
    ("a clock that jumps back changes only the printed date", &["faketime"], clocks::jump_back),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let required = std::env::var_os("TEMBLOR_REQUIRE_ALL").is_some_and(|value| value == "1");
    let trials = CASES.iter().map(|(name, programs, case)| {
        Trial::ignorable_test(*name, move || match obstacle(programs) {
            Some(reason) if required => Err(Failed::from(reason)),
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                case();
                Ok(Completion::Completed)
            }
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Why a test can't be done here.
fn obstacle(programs: &[&str]) -> Option<String> {
    let mut folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    folders.push("/usr/sbin".into());
    let is_there = |program: &&&str| folders.iter().any(|folder| folder.join(program).is_file());
    if let Some(program) = programs.iter().find(|program| !is_there(program)) {
        return Some(format!("there is no {program}"));
    }
    let unshared =
        || Command::new("unshare").args(["-rm", "true"]).output().is_ok_and(|output| output.status.success());
    let is_refused = programs.contains(&"unshare") && !unshared();
    is_refused.then(|| "this kernel gives us no mount namespace".to_owned())
}

/// A campaign in virtual time that takes a moment, with a bug to find.
pub const MIXED: &str = r#"
runs = 12
seed = 5
canary = false

[[scenario]]
algorithms = ["fifo", "causal"]
faults = ["partition", "kill"]
nodes = [3]
executors = ["sim"]

[[scenario]]
algorithms = ["fifo"]
bug = "skips-gap"
nodes = [4]
executors = ["sim"]
"#;

/// Real processes that take a while.
pub const SLOW: &str = r#"
runs = 12
jobs = 1
canary = false

[[scenario]]
algorithms = ["fifo"]
faults = ["none"]
nodes = [3]
executors = ["processes"]
time-limit = "600ms"
"#;
