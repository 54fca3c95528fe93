//! Containment, tried on real processes: whatever happens to the controller, nothing that it started is left.
//!
//! The controller of these tests starts three nodes, and each node a daemon that leaves its parent and its session. This test
//! program is all of them: it starts itself again in the roles of [`roles`]. What is left is counted by a word that is on
//! the command line of every process of one run.

mod cases;
mod roles;
mod stage;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    match roles::play() {
        Some(code) => code,
        None => libtest_mimic::run(&Arguments::from_args(), cases::all()).exit_code(),
    }
}
