//! What both kinds of keeper do: start the controller, wait for its end or the outer's, and bury who dies meanwhile.
//!
//! An orphan below the keeper becomes its child when it dies, and stays a zombie until it is waited for.

use std::os::fd::AsFd;
use std::process::exit;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpid};

use super::lifeline::{Heard, KeeperEnd};
use super::outer::exit_code;
use super::process::{self, ANY, Wait};
use super::signals::Held;
use super::{Controller, FAILED};

/// Runs the controller as a child and gives its exit code, or that of a SIGKILL if the outer died first. The caller then
/// ends whatever is still running.
pub fn keep(mut line: KeeperEnd, held: &Held, controller: Controller<'_>) -> nix::Result<u8> {
    // A keeper answers to the outer alone. What is for the controller comes over the line.
    SigSet::all().thread_block()?;
    let ends = SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let keeper = getpid();
    let Some(pid) = process::fork()? else {
        drop((line, ends));
        exit(process::guarded(|| conduct(keeper, held, controller)).into());
    };
    loop {
        doze(&ends, &line)?;
        if let Some(code) = bury(pid) {
            return Ok(code);
        }
        match line.hear() {
            Heard::Nothing => {}
            // It is our child and not yet waited for, so the pid means nobody else.
            Heard::Signal(signal) => kill(pid, signal)?,
            Heard::Silence => return Ok(128 + Signal::SIGKILL as u8),
        }
    }
}

/// The life of the controller.
fn conduct(keeper: Pid, held: &Held, controller: Controller<'_>) -> u8 {
    // A name of its own: who kills all processes named `temblor` would otherwise interrupt a run twice.
    let named = prctl::set_name(c"temblor-control");
    if named.and_then(|()| process::die_with(keeper)).and_then(|()| held.release()).is_err() {
        return FAILED;
    }
    controller()
}

/// Waits until a child has ended or something has come over the line.
fn doze(ends: &SignalFd, line: &KeeperEnd) -> nix::Result<()> {
    let both = [ends.as_fd(), line.as_fd()];
    let mut polled = both.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    match poll(&mut polled, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error),
    }
    // One SIGCHLD may stand for many ends, so it says nothing; it is read to be rid of it.
    ends.read_signal().map(drop)
}

/// Waits for all who have died; the controller's exit code if it is among them.
fn bury(controller: Pid) -> Option<u8> {
    while let Some((pid, status)) = process::reap(ANY, Wait::Poll) {
        if pid == controller {
            return Some(exit_code(status));
        }
    }
    None
}
