//! The keeper as a guardian: a child subreaper, for where namespaces are refused.
//!
//! A process whose parent dies becomes the child of the nearest subreaper above it, whatever session or group it moved to, so
//! that all that is left of the controller ends up as children of the guardian (prctl(2), PR_SET_CHILD_SUBREAPER). The outer
//! is a subreaper too, and takes over if the guardian is killed.

use std::fs;

use nix::sys::prctl;
use nix::unistd::{Pid, getpid, setsid};

use super::error::Unavailable;
use super::{orphans, process};

/// The outer as the next in line: while this lives, it is a subreaper.
#[derive(Debug)]
pub struct Successor {
    strangers: Vec<Pid>,
    before: bool,
}

impl Successor {
    /// Appoints this process. The children that it has now were started by somebody else and will be spared.
    pub fn appoint() -> Result<Self, Unavailable> {
        let strangers = orphans::children().map_err(|error| Unavailable::because("failed to read /proc", error))?;
        let failed = |error| Unavailable::because("failed to become a subreaper", error);
        let before = prctl::get_child_subreaper().map_err(failed)?;
        prctl::set_child_subreaper(true).map_err(failed)?;
        Ok(Self { strangers, before })
    }

    /// Ends what the guardian, which was killed, has left: it has become ours.
    pub fn take_over(self) {
        orphans::sweep(&self.strangers);
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        // The same call has succeeded before.
        let _ = prctl::set_child_subreaper(self.before);
    }
}

/// Forks the guardian, which gets `None`.
pub fn fork() -> Result<Option<Pid>, Unavailable> {
    check_proc()?;
    process::fork().map_err(|error| Unavailable::because("failed to fork", error))
}

/// Becomes a guardian.
pub fn settle() -> Result<(), Unavailable> {
    let failed = |error| Unavailable::because("failed to become a guardian", error);
    prctl::set_name(c"temblor-guard").map_err(failed)?;
    // A session of its own: what is sent to the outer's process group, SIGKILL too, does not reach it.
    setsid().map_err(failed)?;
    prctl::set_child_subreaper(true).map_err(failed)
}

/// A guardian finds its children in /proc, so this must be there, and show the pids that processes here go by.
fn check_proc() -> Result<(), Unavailable> {
    let failed = |error| Unavailable::because("failed to read /proc/self", error);
    let shown = fs::read_link("/proc/self").map_err(failed)?;
    if shown.as_os_str() == getpid().to_string().as_str() {
        return Ok(());
    }
    Err(Unavailable("/proc belongs to another PID namespace, so a guardian would not find its children".to_owned()))
}
