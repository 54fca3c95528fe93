//! The keeper as process 1 of a PID namespace: when it ends, the kernel kills every process in the namespace.
//!
//! An ordinary user needs a user namespace for this (user_namespaces(7)), in which only the own user and group exist; files
//! keep their owners. Root does without: in a user namespace it would lose its power over the files of others.
//!
//! The namespace gets a /proc of its own where that is allowed, so that pids in it are those that the controller knows.

use std::fs;
use std::process::exit;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, setsid};

use super::error::Unavailable;
use super::process::Wait;
use super::{pids, process};

/// Whose namespace it is. Inside, before the maps are written, the kernel would not tell.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    uid: Uid,
    gid: Gid,
}

impl Owner {
    /// The user of this process.
    pub fn current() -> Self {
        Self { uid: geteuid(), gid: getegid() }
    }
}

/// Forks process 1 of a new namespace, which gets `None`.
pub fn fork(owner: Owner) -> Result<Option<Pid>, Unavailable> {
    let mut namespaces = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS;
    if !owner.uid.is_root() {
        namespaces |= CloneFlags::CLONE_NEWUSER;
    }
    process::fork_into(namespaces).map_err(|error| refusal(owner, error))
}

/// Makes the namespace fit to live in. Called by its process 1.
pub fn settle(owner: Owner) -> Result<(), Unavailable> {
    let failed = |error| Unavailable::because("failed to settle in the new namespace", error);
    // The outer may have died before this; then its line is closed, which is found next.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed)?;
    prctl::set_name(c"temblor-init").map_err(failed)?;
    setsid().map_err(failed)?;
    if !owner.uid.is_root() {
        map_ids(owner)?;
    }
    pids::keep_outer_view();
    // Containment does not depend on it, and where /proc is masked, as in most containers, it is refused.
    let _ = mount_proc();
    Ok(())
}

/// Tries whether an ordinary user can have a network namespace: a process that begins in one ends at once.
///
/// # Errors
/// Why not.
pub fn try_network(owner: Owner) -> Result<(), Unavailable> {
    let failed = |error: Errno| Unavailable::because("failed to create a user and a network namespace", error);
    let Some(pid) = process::fork_into(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).map_err(failed)? else {
        // Some systems let everybody have one in which nothing is allowed; then the maps cannot be written.
        exit(i32::from(map_ids(owner).is_err()));
    };
    match process::reap(pid, Wait::Block) {
        Some((_, status)) if status.success() => Ok(()),
        _ => Err(Unavailable("user namespaces are restricted, as by AppArmor on Ubuntu".to_owned())),
    }
}

/// Why the kernel may have refused, as far as the error tells.
fn refusal(owner: Owner, error: Errno) -> Unavailable {
    let hint = match error {
        Errno::EPERM if owner.uid.is_root() => " (root without CAP_SYS_ADMIN, as in most containers)",
        Errno::EPERM | Errno::EACCES => " (user namespaces are off, or a sandbox forbids them)",
        Errno::ENOSPC => " (nested too deeply, or a limit in /proc/sys/user is used up)",
        Errno::ENOSYS => " (the kernel is older than Linux 5.3, or a sandbox hides clone3)",
        _ => "",
    };
    Unavailable(format!("failed to create a PID namespace: {}{hint}", std::io::Error::from(error)))
}

/// Maps the own user and group to themselves. The kernel lets an ordinary user map a group only after setgroups is denied.
fn map_ids(Owner { uid, gid }: Owner) -> Result<(), Unavailable> {
    let write = |file: &str, text: &str| {
        let hint = "(user namespaces are restricted, as by AppArmor on Ubuntu)";
        let path = format!("/proc/self/{file}");
        fs::write(&path, text).map_err(|error| Unavailable(format!("failed to write {path}: {error} {hint}")))
    };
    write("setgroups", "deny")?;
    write("uid_map", &format!("{uid} {uid} 1"))?;
    write("gid_map", &format!("{gid} {gid} 1"))
}

fn mount_proc() -> nix::Result<()> {
    let none: Option<&str> = None;
    // First nothing that is mounted here may reach the outside; for root it would, where mounts are shared.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, none)
}
