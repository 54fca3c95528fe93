//! Making processes and waiting for them: the system calls that Rust can only offer as unsafe, and nothing else.

// fork, clone3, pidfd_open, waitpid with its raw status and the code between fork and exec have no safe form; each call
// states why it is sound. The rest of containment is safe code.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitStatus};

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, Pid, getpid, getppid};

use super::FAILED;

/// Whether to wait for a process that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until one ends.
    Block,
    /// Not at all.
    Poll,
}

/// Every child of this process, for [`reap`].
pub const ANY: Pid = Pid::from_raw(-1);

/// Ties a process that is about to be started to the calling thread: when that ends, the process gets SIGKILL. So call it
/// and start the process on a thread that lives as long as the controller. It is the last line, for when outer and guardian
/// are killed in the same instant; what the process itself starts is not tied.
pub fn end_with_parent(command: &mut Command) {
    let parent = getpid();
    let tie = move || die_with(parent).map_err(io::Error::from);
    // SAFETY: the closure only makes the system calls prctl and getppid, which are async-signal-safe, and allocates nothing.
    unsafe { command.pre_exec(tie) };
}

/// Ties this process to its parent; ESRCH if `parent` has died already.
pub fn die_with(parent: Pid) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // Who died before the call above sends no signal.
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

/// Calls `f`; a panic, whose message has been printed, is exit code 5.
pub fn guarded(f: impl FnOnce() -> u8) -> u8 {
    // Nothing of what `f` may have left half-done is looked at afterwards: the process ends.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or(FAILED)
}

/// Forks; the new process gets `None`.
pub fn fork() -> nix::Result<Option<Pid>> {
    // SAFETY: `contain` asserts that there is one thread only, so the child finds no lock held by a thread it lacks.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// Forks into new namespaces; the new process gets `None`.
///
/// Unlike unshare(2) it leaves this process where it is, so that a refusal costs nothing.
pub fn fork_into(namespaces: CloneFlags) -> nix::Result<Option<Pid>> {
    let flags = u64::try_from(namespaces.bits()).expect("namespace flags are positive");
    // struct clone_args in its first version: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
    let arguments: [u64; 8] = [flags, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
    // SAFETY: without CLONE_VM and with no stack of its own, clone3 acts as fork does, and the comment there applies. The C
    // library does not learn of it: it would take the child's thread for the parent's until the child itself forks by `fork`.
    // The child only keeps, on one thread, and calls nothing that asks for the thread's number.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) };
    let pid = i32::try_from(Errno::result(pid)?).expect("pids fit in an i32");
    Ok((pid != 0).then(|| Pid::from_raw(pid)))
}

/// Takes note of the end of a child: of `which`, or of [`ANY`]. `None` if there is no such child or it goes on.
pub fn reap(which: Pid, wait: Wait) -> Option<(Pid, ExitStatus)> {
    let options = if wait == Wait::Poll { libc::WNOHANG } else { 0 };
    let mut status = 0;
    loop {
        // nix's waitpid fails on the real-time signals, which have no name, and the status would be lost.
        // SAFETY: `status` is valid for writes during the call.
        let pid = unsafe { libc::waitpid(which.as_raw(), &raw mut status, options) };
        match Errno::result(pid) {
            Ok(1..) => return Some((Pid::from_raw(pid), ExitStatus::from_raw(status))),
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return None,
        }
    }
}

/// Whether this process was started with the signal ignored, as nohup(1) does.
pub fn is_ignored(signal: Signal) -> bool {
    // SAFETY: all zeroes is a valid value of this plain C struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action the call only fills in `action`, which is valid for writes.
    let done = unsafe { libc::sigaction(signal as i32, std::ptr::null(), &raw mut action) };
    done == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Ends an inherited "ignore my children", under which the kernel would throw their exit codes away.
pub fn heed_children() -> nix::Result<()> {
    // SAFETY: the default disposition runs no code of ours.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.map(drop)
}

/// A descriptor that stands for a process.
pub fn open_pid(pid: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: the call takes two integers and no pointer.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
    let fd = i32::try_from(fd).expect("descriptors fit in an i32");
    // SAFETY: the descriptor was just opened, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
