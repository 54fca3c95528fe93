//! The ground that processes of `lockstep` stand on: one core for a run, and addresses that are the same each time.
//!
//! A round trip over a pipe costs 8 us between two processes of one core and twenty times as much across cores, and only one of
//! them ever runs. What a process could tell two runs apart by, the randomised addresses of its memory, is switched off for it.

use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::personality::{self, Persona};
use nix::unistd::Pid;

/// The calling thread, and what it starts, on one core; runs of several threads take turns with the cores.
#[derive(Debug)]
pub struct OneCore {
    before: Option<CpuSet>,
}

impl OneCore {
    /// Stays on one core from now on. Where the system does not allow that, runs are slower and else the same.
    pub fn take() -> Self {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let here = Pid::from_raw(0);
        let Ok(before) = sched_getaffinity(here) else { return Self { before: None } };
        let allowed: Vec<usize> = (0..CpuSet::count()).filter(|core| before.is_set(*core).unwrap_or(false)).collect();
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let mut one = CpuSet::new();
        let chosen = allowed.get(turn % allowed.len().max(1)).is_some_and(|core| one.set(*core).is_ok());
        let is_set = chosen && sched_setaffinity(here, &one).is_ok();
        Self { before: is_set.then_some(before) }
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A thread that can't leave its core goes on there.
            let _ = sched_setaffinity(Pid::from_raw(0), before);
        }
    }
}

/// Starts a process whose addresses are not randomised; where the system does not allow that, they are.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let before = personality::get();
    if let Ok(before) = before {
        // The flag is this thread's alone, and the child inherits it.
        let _ = personality::set(before | Persona::ADDR_NO_RANDOMIZE);
    }
    let child = command.spawn();
    if let Ok(before) = before {
        let _ = personality::set(before);
    }
    child
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use nix::sched::sched_getaffinity;
    use nix::unistd::Pid;

    use super::{OneCore, spawn};

    #[test]
    fn a_thread_is_on_one_core_while_it_wants_to_be() {
        let cores = || {
            let set = sched_getaffinity(Pid::from_raw(0)).unwrap();
            (0..nix::sched::CpuSet::count()).filter(|core| set.is_set(*core).unwrap()).count()
        };
        let before = cores();
        let one = OneCore::take();
        assert_eq!(cores(), 1);
        drop(one);
        assert_eq!(cores(), before);
    }

    #[test]
    fn two_processes_have_their_stacks_at_one_address() {
        let stack = || {
            let mut command = Command::new("cat");
            let child = spawn(command.arg("/proc/self/maps").stdout(Stdio::piped())).unwrap();
            let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            text.lines().find(|line| line.ends_with("[stack]")).map(str::to_owned)
        };
        let first = stack();
        assert!(first.is_some());
        assert_eq!(first, stack());
    }
}
