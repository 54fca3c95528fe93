//! The matrix: algorithm x property x class of faults, on real processes. Together with the demonstrations of the planted bugs
//! (`demonstrations.rs`) it is the specification of the lectures' hierarchy, which stands in [`hierarchy`] as a text.
//!
//! Each promise of each algorithm is shown to hold under every class of faults of its model, each of which bites; and what an
//! algorithm does not promise a small plan of workloads/separations breaks. A correct system never raises an alarm here.

mod classes;
mod hierarchy;
mod observed;
mod separations;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each trial is a cluster of its own, which mostly waits; too many of them at once would only starve each other.
    arguments.test_threads = arguments.test_threads.or(Some(5));
    let trials: Vec<Trial> =
        hierarchy::trials().into_iter().chain(classes::trials()).chain(separations::trials()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
