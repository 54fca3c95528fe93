//! Signals to node processes, and the evidence that they took effect.
//!
//! SIGSTOP does not take effect at once: on a busy process it may take many milliseconds until all threads stand still. The
//! kernel says when they do (waitid with WSTOPPED, WCONTINUED), and only that counts.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// How often the kernel is asked.
const STEP: Duration = Duration::from_micros(500);
/// After so many questions without the answer the fault counts as unverified.
const STEPS: u32 = 4_000;

/// What a process is to be seen doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// All its threads stand still.
    Stopped,
    /// It runs again.
    Continued,
}

/// Sends a signal to a node's process group.
pub fn send(pid: Pid, signal: Signal) -> nix::Result<()> {
    killpg(pid, signal)
}

/// Waits until the kernel reports the change; `false` if it does not within two seconds, or the process is gone.
pub async fn seen(pid: Pid, change: Change) -> bool {
    for _ in 0..STEPS {
        match waitid(Id::Pid(pid), flags(change)) {
            Ok(WaitStatus::StillAlive) => tokio::time::sleep(STEP).await,
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
    false
}

/// Without WEXITED, so that an exit is left for whoever waits for the process.
fn flags(change: Change) -> WaitPidFlag {
    let which = match change {
        Change::Stopped => WaitPidFlag::WSTOPPED,
        Change::Continued => WaitPidFlag::WCONTINUED,
    };
    which | WaitPidFlag::WNOHANG
}
