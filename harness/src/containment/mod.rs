//! Containment: whatever happens to the controller, no process that it started survives it.
//!
//! A node can start processes of its own, and these can leave its process group and its session (a daemon's double fork), so
//! killing the nodes is not enough. And the controller itself can end in every way there is: success, error, panic, Ctrl-C,
//! SIGKILL. Therefore it does not run in the process that the user started, but two below it:
//!
//! ```text
//! outer        the process that the user started; passes signals on, gives the exit code
//!   keeper     waits for the controller and for the outer's end, then ends everything
//!     controller
//!       nodes, and what they start
//! ```
//!
//! The keeper is a process of its own since process 1 of a namespace must bury all orphans and ignores a SIGTERM for which it
//! has no handler; so the controller can be ended at any time, and has only its own children to wait for.
//!
//! The keeper comes in two kinds. In a PID *namespace* it is process 1: when it ends, for whatever reason, the kernel kills
//! every process in the namespace (pid_namespaces(7)). Where namespaces are refused it is a *guardian*: a child subreaper
//! (prctl(2)), so that every orphan below it becomes its child, which it kills until none is left. What either kind holds:
//!
//! | what happens | namespace | guardian |
//! | --- | --- | --- |
//! | the controller ends: success, error, panic, signal, SIGKILL | nothing is left when the outer returns | the same |
//! | SIGKILL of the outer | the kernel kills the keeper, thereby all | the keeper sees the end of its line and sweeps |
//! | SIGKILL of the keeper | the kernel kills all | the controller dies with it, the outer adopts the rest and sweeps |
//! | SIGKILL of outer and keeper in the same instant | the kernel kills all | nodes tied by [`end_with_parent`] die, what they started stays |
//! | a process that forks and exits faster than it can be killed | killed | a race that the sweep may lose |
//! | a process of another user (setuid) | killed | named on stderr and left |
//!
//! Out of reach of both is what somebody else starts on a node's behalf, such as a container by its daemon.
//!
//! Keeper and controller have a session of their own, so whatever is sent to the user's process group (Ctrl-C, a hang-up,
//! timeout(1)) reaches the outer alone, which passes it on, once. Ctrl-Z stops the outer and the run goes on: the nodes would
//! not stop with it, and a harness that stood still could judge nothing.

mod error;
mod guardian;
mod keeper;
mod lifeline;
mod mode;
mod namespace;
mod orphans;
mod outer;
mod pids;
mod probe;
mod process;
mod signals;

use std::fs;
use std::io::{self, Write};

pub use mode::Mode;
pub use pids::outer_pid;
pub use probe::{Probe, probe};
pub use process::end_with_parent;

use error::Unavailable;
use outer::Shelter;

/// The exit code when the harness itself failed, a panic of the controller included.
const FAILED: u8 = 5;

/// What is to be run, called once at most, in the controller's process or, without containment, in this one.
type Controller<'a> = &'a mut dyn FnMut() -> u8;

/// Runs `controller` so that nothing it starts can outlive it, and gives its exit code: 128 + n if signal n ended it, 5 if it
/// panicked or could not be contained.
///
/// With [`Mode::Auto`] the controller runs in any case, if need be without containment and with a warning on stderr. What
/// `controller` owns is dropped in its own process; nothing but the exit code comes back.
///
/// # Panics
/// If other threads exist: they would not exist in the controller, but what they hold locked would stay locked there.
pub fn contain(mode: Mode, controller: impl FnOnce() -> u8) -> u8 {
    assert_single_threaded();
    // What is still buffered would be printed by each of the processes. An output that is closed is no concern of ours.
    let _ = io::stdout().flush();
    let mut once = Some(controller);
    let mut run = || process::guarded(once.take().expect("the controller runs once"));
    match mode {
        Mode::Auto => best(&mut run),
        Mode::Namespace => outer::run(Shelter::namespace(), &mut run).unwrap_or_else(|reason| failed(&reason)),
        Mode::Guardian => outer::run(Shelter::Guardian, &mut run).unwrap_or_else(|reason| failed(&reason)),
        Mode::None => run(),
    }
}

/// Takes the first shelter that can be had.
fn best(controller: Controller<'_>) -> u8 {
    let no_namespace = match outer::run(Shelter::namespace(), controller) {
        Ok(code) => return code,
        Err(reason) => reason,
    };
    let no_guardian = match outer::run(Shelter::Guardian, controller) {
        Ok(code) => return code,
        Err(reason) => reason,
    };
    note(&format!(
        "warning: processes may be left behind, for neither containment works here: {no_namespace}; {no_guardian}"
    ));
    controller()
}

fn failed(reason: &Unavailable) -> u8 {
    note(&format!("error: failed to contain the run: {reason}"));
    FAILED
}

/// Prints a line for people on stderr. A closed stderr is no reason to stop.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn assert_single_threaded() {
    // Without /proc nobody can tell; then the caller's word counts.
    if let Ok(threads) = fs::read_dir("/proc/self/task") {
        assert_eq!(threads.count(), 1, "containment begins before the first thread");
    }
}
