//! Runs of an unchanged algorithm under all faults of its model: alarms, and what was not decided.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};
use temblor::cli::Executor;
use temblor::hunt::{Quiet, listen};
use temblor::trial::Trials;

use super::Subject;

/// Seeds for these figures, which nothing was tuned with.
const SEEDS: u64 = 5_000_000_000;
/// How long real processes run, where nobody says, minutes.
const MINUTES: u64 = 30;

/// So many runs that count, in virtual time.
pub fn runs(subject: &Subject, executor: Executor, count: u64) -> Value {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let trials = Trials::new(&subject.system, executor, (&subject.launch, folder.path())).expect("virtual time");
    let (begun, mut quiet) = (Instant::now(), Quiet::default());
    for seed in SEEDS.. {
        if quiet.runs >= count {
            break;
        }
        listen(&trials, seed, &mut quiet).expect("a drawn plan runs");
    }
    told(&quiet, begun)
}

/// So long on real processes, one run after the other; with the harness's own share of the processor time.
pub fn on_processes(subject: &Subject) -> Value {
    let minutes = std::env::var("TEMBLOR_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(MINUTES);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let trials = Trials::on_processes(&subject.system, &subject.launch, Path::new(folder.path()));
    let (begun, mut quiet) = (Instant::now(), Quiet::default());
    let (own, others) = (used(UsageWho::RUSAGE_SELF), used(UsageWho::RUSAGE_CHILDREN));
    for seed in SEEDS.. {
        if begun.elapsed() >= Duration::from_secs(60 * minutes) {
            break;
        }
        listen(&trials, seed, &mut quiet).expect("a drawn plan runs");
    }
    let (own, others) = (used(UsageWho::RUSAGE_SELF) - own, used(UsageWho::RUSAGE_CHILDREN) - others);
    let mut value = told(&quiet, begun);
    value["minutes"] = json!(minutes);
    value["harness_share_of_cpu"] = json!((own / (own + others) * 100.0).round() / 100.0);
    value
}

fn told(quiet: &Quiet, begun: Instant) -> Value {
    json!({
        "runs": quiet.runs, "alarms": quiet.alarms, "unknown": quiet.unknown, "idle": quiet.idle,
        "operations": quiet.operations, "deliveries": quiet.deliveries, "bites": quiet.bites,
        "seconds": begun.elapsed().as_secs(),
    })
}

/// Processor time, s.
fn used(who: UsageWho) -> f64 {
    let usage = getrusage(who).expect("usage is always known");
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}
