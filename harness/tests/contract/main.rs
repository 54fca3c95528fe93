//! Nodes that break the contract of a virtual clock in every way there is: in lockstep the run goes on without them, and says
//! who did what.
//!
//! This test program is the node too: `temblor run best-effort --bin PROGRAM -- role NAME` starts it again in one of [`roles`].

mod cases;
#[path = "../command/mod.rs"]
mod command;
mod roles;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    match roles::play() {
        Some(code) => code,
        None => libtest_mimic::run(&Arguments::from_args(), cases::all()).exit_code(),
    }
}
